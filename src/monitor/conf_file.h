/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerd.conf(5): one `keyword value' a line, parsed once, by the monitor
 * alone; tee-runnerctl config parses it to show what is attested.
 */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <stdio.h>

#include "payload.h"		/* struct conf */

/* Read `path' into *c, complete with defaults.  0, or -1 after each fault was
 * written to `err' as `path:line: keyword: what: what is expected'. */
int conf_read(const char *path, struct conf *c, FILE *err);
/* The same, from an open file: for tests. */
int conf_parse(FILE *f, const char *path, struct conf *c, FILE *err);
/* Write `path:line: keyword: ' and this, for the keyword whose field in struct
 * conf has this offset; path and line are those of the file that was read last.
 * Always -1. */
int conf_fault(FILE *err, size_t offset, uint32_t chain, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Put the SHA-256 of each file that decides whom the Runner trusts into *c. 0,
 * or -1 with the reasons in `err'. */
int conf_hash_files(struct conf *, const char *path, FILE *err);
/* The effective configuration; reading it back gives the same. */
void conf_print(const struct conf *, FILE *);

#endif
