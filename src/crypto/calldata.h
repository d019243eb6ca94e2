/* SPDX-License-Identifier: Apache-2.0
 *
 * Solidity ABI encoding of the two contract calls that a Runner pays for
 * itself: register() and publish() of proto/Registry.sol.  No I/O.  The callers
 * have checked the fields.
 */
#ifndef CALLDATA_H
#define CALLDATA_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

struct call_output {
	uint8_t		handle[32];
	uint8_t		key[33];
	uint8_t		nonce[12];
	uint8_t		hash[32];	/* of the ciphertext */
};

struct call_task {		/* a task whose status is 0 */
	uint8_t		id[32];
	uint32_t	attempt;
	uint32_t	n_outputs;
};

#define CALLDATA_MAX	(CALL_WORDS * 32)

/* Encode the call into `out' (CALLDATA_MAX bytes).  Returns the size. */
size_t calldata_register(
    const struct m_register *, const struct m_verdict *, uint8_t *out);
/* epoch: the one that all results are encrypted in.  outputs: those of all
 * tasks, concatenated; at most BATCH_TASKS tasks with TASK_OUTPUTS each. */
size_t calldata_publish(uint64_t epoch, const struct call_task *, size_t n,
    const struct call_output *outputs, const uint8_t signature[65],
    uint8_t *out);

#endif
