/* SPDX-License-Identifier: Apache-2.0
 *
 * The two calls of the Registry's contract that a Runner pays for itself, encoded from
 * typed fields as the Solidity ABI has it: register() and publish() of
 * proto/Registry.sol.  No I/O; what is encoded, its callers have checked.
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

struct call_task {		/* computed: its status is 0 */
	uint8_t		id[32];
	uint32_t	attempt;
	uint32_t	n_outputs;
};

#define CALLDATA_MAX	(CALL_WORDS * 32)

/* Each into `out' of CALLDATA_MAX bytes: how many. */
size_t	calldata_register(const struct m_register *, const struct m_verdict *,
	    uint8_t *out);
/* epoch: that all were encrypted in.  outputs: of all tasks, one's behind the
 * other's; within BATCH_TASKS and TASK_OUTPUTS. */
size_t	calldata_publish(uint64_t epoch, const struct call_task *, size_t n,
	    const struct call_output *outputs, const uint8_t signature[65],
	    uint8_t *out);

#endif
