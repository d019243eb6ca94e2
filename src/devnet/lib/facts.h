/* SPDX-License-Identifier: Apache-2.0
 *
 * The counterparts' view of the Registry, read with jsonrpc.h and cached.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stdint.h>

#include "dir.h"
#include "json.h"

/* Call a view function of the Registry that takes an address, or nothing if
 * address is NULL.  Returns the result, which the caller must free, or NULL
 * after a log line. */
json_t *facts_view(
    const struct devnet *, const char *signature, const uint8_t *address);
/* 1 if the Registry lists this Runner and the registration is neither expired
 * nor revoked, else 0; -1 if the Registry does not answer.  A positive answer
 * is cached for two seconds, or for ten if the Registry does not answer. */
int facts_is_runner(const struct devnet *, const uint8_t runner[20]);
/* 1 if values under this epoch's KMS key can be read, because it is the current
 * one's or that of the previous epoch during the overlap; else 0; -1 if the
 * Registry does not answer.  An answer is cached for one second, or for ten if
 * there is no newer one. */
int facts_is_epoch(const struct devnet *, uint64_t epoch);
/* The current epoch; 0 if there is none or the Registry does not answer. */
uint64_t facts_epoch(const struct devnet *);

#endif
