/* SPDX-License-Identifier: Apache-2.0
 *
 * Keccak-256 as Ethereum uses it (padding 0x01), over nettle's permutation.
 * Source: Keccak SHA-3 submission, 2011.
 */
#ifndef KECCAK_H
#define KECCAK_H

#include <stddef.h>
#include <stdint.h>
#include <nettle/sha3.h>

struct keccak {
	struct sha3_state state;
	size_t		  used;		/* bytes of the block, rate 136 */
};
void keccak_init(struct keccak *);
void keccak_update(struct keccak *, const void *, size_t);
void keccak_final(struct keccak *, uint8_t out[32]);
void keccak256(const void *, size_t, uint8_t out[32]);

/* Hash n messages, four at a time if they have as many blocks of 136 bytes:
 * that takes 1.5 times as long as one, with AVX2. */
struct keccak_in {
	const void	*p;
	size_t		 n;
};
void keccak256_many(const struct keccak_in *, size_t n, uint8_t (*out)[32]);

#endif
