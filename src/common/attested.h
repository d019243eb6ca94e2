/* SPDX-License-Identifier: Apache-2.0
 *
 * The attested configuration: a text whose SHA-256 is the configuration hash of
 * a registration. proto/REPORT-DATA.md defines it.
 */
#ifndef ATTESTED_H
#define ATTESTED_H

#include <stdint.h>
#include <stdio.h>

#include "conf.h"

/* bytes of text; above what conf can hold */
#define ATTESTED_MAX	(64 * 1024)

/* The text, of a configuration that is complete with the hashes of its
 * files. */
void attested_text(const struct conf *, FILE *);
/* Print the rest of the configuration, which is not in the text, as
 * comments. */
void attested_rest(const struct conf *, FILE *);
void attested_hash(const struct conf *, uint8_t hash[32]);

#endif
