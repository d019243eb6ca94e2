/* SPDX-License-Identifier: Apache-2.0
 *
 * Threshold delegation (DESIGN 5): Shamir shares s_i of the KMS key with
 * public P_i = s_i G; node i of a quorum Q answers D = (lambda_i(Q) s_i) K, with
 * a Chaum-Pedersen proof that log_G(lambda_i P_i) = log_K(D), all sealed to the
 * task's ephemeral key.  The exact bytes are in proto/VALUES.md.
 */
#ifndef SHAMIR_H
#define SHAMIR_H

#include <stddef.h>
#include <stdint.h>

#define PARTIAL_PLAIN	(64 + 64)		/* D as x || y, proof e || s */
#define PARTIAL_SEALED	(PARTIAL_PLAIN + 16)

/* Dealer (tee-devnet, tests): n shares of `key', any t of which suffice. */
int	shamir_split(const uint8_t key[32], unsigned t, unsigned n,
	    uint8_t (*shares)[32]);

/* Do the shares of these t nodes make up the key `pub'?  share_pubs has that of node i
 * at i - 1: 0, or -1. */
int	shamir_check(const uint32_t *quorum, size_t t,
	    const uint8_t (*share_pubs)[33], const uint8_t pub[33]);

/* lambda_i(Q) at 0; quorum: t distinct node numbers >= 1, i among them. */
int	shamir_lambda(const uint32_t *quorum, size_t t, uint32_t i,
	    uint8_t lambda[32]);

/* Node: D and its proof for K, with x = lambda_i s_i and X = x G. */
int	partial_make(const uint8_t x[32], const uint8_t K[33],
	    uint8_t partial[PARTIAL_PLAIN]);
/* Does the proof hold for node i's public share and lambda?  0 or -1. */
int	partial_check(const uint8_t share_pub[33], const uint8_t lambda[32],
	    const uint8_t K[33], const uint8_t partial[PARTIAL_PLAIN]);

/* The seal: one ECDH for each (node, task); partial j under nonce j, with AAD
 * over what it belongs to. */
struct seal_bind {
	uint8_t		task_id[32];
	uint32_t	attempt;
	uint32_t	node;
	uint8_t		ephemeral_key[33];	/* of the task */
	uint8_t		node_key[33];		/* the node's, ephemeral */
};
/* own: the secret scalar of one side, peer: the public key of the other. */
int	seal_key(const uint8_t own[32], const uint8_t peer[33],
	    uint8_t key[32]);
int	seal_partial(const uint8_t key[32], const struct seal_bind *,
	    uint32_t j, const uint8_t handle[32],
	    const uint8_t partial[PARTIAL_PLAIN],
	    uint8_t sealed[PARTIAL_SEALED]);
int	open_partial(const uint8_t key[32], const struct seal_bind *,
	    uint32_t j, const uint8_t handle[32],
	    const uint8_t sealed[PARTIAL_SEALED],
	    uint8_t partial[PARTIAL_PLAIN]);

#endif
