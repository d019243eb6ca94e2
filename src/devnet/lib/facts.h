/* SPDX-License-Identifier: Apache-2.0
 *
 * What the counterparts ask the Registry: JSON-RPC to its stand-in.  Waits for
 * the answer (at most two seconds, at loopback): good for a devnet only.
 */
#ifndef FACTS_H
#define FACTS_H

#include <jansson.h>
#include <stdint.h>

#include "dir.h"

/* One call; the result, the caller's to free, or NULL after a log line.
 * Takes the reference to `params'. */
json_t	*facts_call(const struct devnet *, const char *method,
	    json_t *params);
/* Does the Registry list this Runner, not expired, not revoked?  1, 0, or -1: it does
 * not answer.  A yes is remembered for two seconds, and for ten if it does not answer. */
int	 facts_is_runner(const struct devnet *, const uint8_t runner[20]);
/* Can values under the KMS key of this epoch be read: is it the current one's, or that
 * of the one before while that is so?  1, 0, or -1: the Registry does not answer.  An
 * answer is remembered for one second, and for ten if there is no newer one. */
int	 facts_is_epoch(const struct devnet *, uint64_t epoch);
/* The current one; 0 without an answer, or where there is none. */
uint64_t facts_epoch(const struct devnet *);
/* "0x.." */
json_t	*facts_hex(const void *, size_t n);

#endif
