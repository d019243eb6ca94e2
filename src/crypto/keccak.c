/* SPDX-License-Identifier: Apache-2.0
 *
 * Keccak-256: the sponge over nettle's permutation, rate 136 bytes, padding
 * 0x01.  OpenSSL 3.0 has only SHA-3, whose padding is 0x06.  Linked into
 * everything that signs or verifies.  The permutation of four states at once,
 * which nettle does not have, follows the Keccak reference, version 3.0,
 * section 1.2.
 */
#include <endian.h>
#include <string.h>

#include "keccak.h"

#define RATE	136	/* bytes of a block */

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

/* ---- four at once ------------------------------------------------------ */

#define LANES	25

/* A lane of each of four states. */
typedef uint64_t lanes __attribute__((vector_size(32)));

/* Lane i goes to lane `to', rotated left. */
static const struct {
	uint8_t		 to, by;
} moves[LANES] = {
	{ 0, 0 },
	{ 10, 1 },
	{ 20, 62 },
	{ 5, 28 },
	{ 15, 27 },
	{ 16, 36 },
	{ 1, 44 },
	{ 11, 6 },
	{ 21, 55 },
	{ 6, 20 },
	{ 7, 3 },
	{ 17, 10 },
	{ 2, 43 },
	{ 12, 25 },
	{ 22, 39 },
	{ 23, 41 },
	{ 8, 45 },
	{ 18, 15 },
	{ 3, 21 },
	{ 13, 8 },
	{ 14, 18 },
	{ 24, 2 },
	{ 9, 61 },
	{ 19, 56 },
	{ 4, 14 },
};
static const uint64_t constants[24] = { 0x1, 0x8082, 0x800000000000808a,
	0x8000000080008000, 0x808b, 0x80000001, 0x8000000080008081,
	0x8000000000008009, 0x8a, 0x88, 0x80008009, 0x8000000a, 0x8000808b,
	0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x80000001,
	0x8000000080008008 };

/* So that the rotations are constants. */
#ifdef __clang__
#define UNROLL	_Pragma("unroll")
#else
#define UNROLL	_Pragma("GCC unroll 25")
#endif

static inline __attribute__((always_inline)) void
permute(lanes a[LANES])
{
	lanes b[LANES], c[5], d;
	int i, x, y, round;

	for (round = 0; round < 24; round++) {
		UNROLL
		for (x = 0; x < 5; x++)
			c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^
			    a[x + 20];
		UNROLL
		for (i = 0; i < LANES; i++) {
			d = c[(i + 1) % 5];
			d = a[i] ^ c[(i + 4) % 5] ^ (d << 1 | d >> 63);
			if (moves[i].by != 0)
				d = d << moves[i].by | d >> (64 - moves[i].by);
			b[moves[i].to] = d;
		}
		UNROLL
		for (i = 0; i < LANES; i++) {
			x = i % 5;
			y = i - x;
			a[i] = b[i] ^
			    (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);
		}
		a[0] ^= constants[round];
	}
}

static void
permute_any(lanes a[LANES])
{
	permute(a);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
permute_avx2(lanes a[LANES])
{
	permute(a);
}

__attribute__((target("avx512f,avx512vl"))) static void
permute_avx512(lanes a[LANES])
{
	permute(a);
}
#endif

static void
permute_four(lanes a[LANES])
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512vl"))
		permute_avx512(a);
	else if (__builtin_cpu_supports("avx2"))
		permute_avx2(a);
	else
#endif
		permute_any(a);
}

static size_t
blocks_of(const struct keccak_in *in)
{
	return in->n / RATE + 1;
}

/* Block `block' of the message; the last one is padded. */
static void
absorb_one(
    lanes a[LANES], size_t which, const struct keccak_in *in, size_t block)
{
	const size_t left = in->n - block * RATE;
	uint8_t last[RATE] = { 0 };
	const uint8_t *p = (const uint8_t *)in->p + block * RATE;
	uint64_t lane;
	size_t i;

	if (left < RATE) {
		if (left != 0)
			memcpy(last, p, left);
		last[left] = 0x01;
		last[RATE - 1] |= 0x80;
		p = last;
	}
	for (i = 0; i < RATE / 8; i++) {
		memcpy(&lane, p + 8 * i, 8);
		a[i][which] ^= le64toh(lane);
	}
}

/* n messages, at most four, of as many blocks each. */
static void
hash_four(const struct keccak_in *in, size_t n, uint8_t (*out)[32])
{
	lanes a[LANES] = { { 0 } };
	const size_t blocks = blocks_of(in);
	uint64_t lane;
	size_t i, j;

	for (j = 0; j < blocks; j++) {
		for (i = 0; i < n; i++)
			absorb_one(a, i, &in[i], j);
		permute_four(a);
	}
	for (i = 0; i < n; i++)
		for (j = 0; j < 4; j++) {
			lane = htole64(a[j][i]);
			memcpy(out[i] + 8 * j, &lane, 8);
		}
}

void
keccak256_many(const struct keccak_in *in, size_t n, uint8_t (*out)[32])
{
	size_t same;

	for (; n > 0; n -= same, in += same, out += same) {
		for (same = 1; same < n && same < 4 &&
		     blocks_of(&in[same]) == blocks_of(in);
		     same++)
			;
		if (same == 1)
			keccak256(in->p, in->n, *out);
		else
			hash_four(in, same, out);
	}
}
