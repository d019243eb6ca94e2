/* SPDX-License-Identifier: Apache-2.0
 *
 * Partial decryptions.  Node i of a quorum Q answers D = (lambda_i(Q) s_i) K,
 * with a Chaum-Pedersen proof that log_G(lambda_i P_i) = log_K(D), sealed to
 * the task's ephemeral key.  KMS nodes create partials, compute opens and
 * checks them.  proto/VALUES.md defines the exact bytes.
 */
#ifndef PARTIAL_H
#define PARTIAL_H

#include <stddef.h>
#include <stdint.h>

#define PARTIAL_PLAIN	(64 + 64)		/* D as x || y, proof e || s */
#define PARTIAL_SEALED	(PARTIAL_PLAIN + 16)

/* Node: compute D and its proof for K, with x = lambda_i s_i and X = x G. */
int partial_make(
    const uint8_t x[32], const uint8_t K[33], uint8_t partial[PARTIAL_PLAIN]);
/* Verify the proof for node i's public share and lambda.  Returns 0 or -1. */
int partial_check(const uint8_t share_pub[33], const uint8_t lambda[32],
    const uint8_t K[33], const uint8_t partial[PARTIAL_PLAIN]);

/* The seal: one ECDH per (node, task); partial j uses nonce j, and the AAD
 * binds it to its task and node. */
struct seal_bind {
	uint8_t		task_id[32];
	uint32_t	attempt;
	uint32_t	node;
	uint8_t		ephemeral_key[33];	/* the task's */
	uint8_t		node_key[33];		/* the node's, ephemeral */
};
/* own: secret scalar of one side; peer: public key of the other. */
int seal_key(const uint8_t own[32], const uint8_t peer[33], uint8_t key[32]);
int seal_partial(const uint8_t key[32], const struct seal_bind *, uint32_t j,
    const uint8_t handle[32], const uint8_t partial[PARTIAL_PLAIN],
    uint8_t sealed[PARTIAL_SEALED]);
int open_partial(const uint8_t key[32], const struct seal_bind *, uint32_t j,
    const uint8_t handle[32], const uint8_t sealed[PARTIAL_SEALED],
    uint8_t partial[PARTIAL_PLAIN]);

#endif
