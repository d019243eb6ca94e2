/* SPDX-License-Identifier: Apache-2.0
 *
 * Keccak-256: the sponge over nettle's permutation, rate 136 bytes, padding
 * 0x01.  OpenSSL 3.0 has only SHA-3, whose padding is 0x06.  Linked into
 * everything that signs or verifies.
 */
#include <endian.h>
#include <string.h>

#include "keccak.h"

#define RATE	136

void
keccak_init(struct keccak *k)
{
	memset(k, 0, sizeof(*k));
}

/* Lanes are little-endian on every machine. */
static void
absorb_byte(struct keccak *k, uint8_t byte)
{
	k->state.a[k->used / 8] ^= (uint64_t)byte << 8 * (k->used % 8);
	if (++k->used == RATE) {
		sha3_permute(&k->state);
		k->used = 0;
	}
}

void
keccak_update(struct keccak *k, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t lane;

	for (; n > 0 && k->used % 8 != 0; n--)
		absorb_byte(k, *p++);
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&lane, p, 8);
		k->state.a[k->used / 8] ^= le64toh(lane);
		if ((k->used += 8) == RATE) {
			sha3_permute(&k->state);
			k->used = 0;
		}
	}
	for (; n > 0; n--)
		absorb_byte(k, *p++);
}

void
keccak_final(struct keccak *k, uint8_t out[32])
{
	uint64_t lane;
	size_t i;

	k->state.a[k->used / 8] ^= UINT64_C(1) << 8 * (k->used % 8);
	k->state.a[RATE / 8 - 1] ^= UINT64_C(1) << 63;
	sha3_permute(&k->state);
	for (i = 0; i < 4; i++) {
		lane = htole64(k->state.a[i]);
		memcpy(out + 8 * i, &lane, 8);
	}
}

void
keccak256(const void *data, size_t n, uint8_t out[32])
{
	struct keccak k;

	keccak_init(&k);
	keccak_update(&k, data, n);
	keccak_final(&k, out);
}
