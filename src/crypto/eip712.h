/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of EIP-712: what hashStruct() absorbs for each member.
 */
#ifndef EIP712_H
#define EIP712_H

#include <stddef.h>
#include <stdint.h>

#include "keccak.h"

static inline void
put_hash(struct keccak *k, const uint8_t hash[32])
{
	keccak_update(k, hash, 32);
}

static inline void
put_number(struct keccak *k, uint64_t v)
{
	uint8_t b[32] = { 0 };
	int i;

	for (i = 0; i < 8; i++)
		b[31 - i] = (uint8_t)(v >> 8 * i);
	keccak_update(k, b, sizeof(b));
}

static inline void
put_address(struct keccak *k, const uint8_t address[20])
{
	static const uint8_t zero[12];

	keccak_update(k, zero, sizeof(zero));
	keccak_update(k, address, 20);
}

/* bytes and string alike */
static inline void
put_bytes(struct keccak *k, const void *p, size_t n)
{
	uint8_t hash[32];

	keccak256(p, n, hash);
	put_hash(k, hash);
}

#endif
