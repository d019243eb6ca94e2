/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant-time integers; see u256.h.  compute runs it; no I/O, no state.
 *
 * Division, square root and cube root compute one binary digit at a time: the
 * number of steps is that of the type's digits, and each step is a subtraction
 * and a selection.  Knuth's division is faster, but it needs a reciprocal and
 * its corrections invite branches.  A task spends 63 us on the encryption of
 * each output, compared to 1 to 4 us here.
 */
#include <string.h>

#include "u256.h"

__extension__ typedef unsigned __int128 u128;

/* Inlining makes the lengths constants, so that the loops unroll. clang unrolls
 * them itself, and generates slower code with the pragma; gcc -O2 needs it. */
#define INLINE	static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL
#else
#define UNROLL	_Pragma("GCC unroll 5")
#endif

/* ---- limbs ------------------------------------------------------------- */

INLINE uint64_t
add_inline(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n)
{
	u128 t = 0;
	size_t i;

	UNROLL
	for (i = 0; i < n; i++) {
		t += (u128)a[i] + b[i];
		r[i] = (uint64_t)t;
		t >>= 64;
	}
	return (uint64_t)t;
}

/* Compute the borrow from the top bits only.  gcc 12 was seen to compile a
 * comparison or an overflow builtin to a branch. */
INLINE uint64_t
sub_inline(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n)
{
	uint64_t d, borrow = 0;
	size_t i;

	UNROLL
	for (i = 0; i < n; i++) {
		d = a[i] - b[i] - borrow;
		borrow = ((~a[i] & b[i]) | (~(a[i] ^ b[i]) & d)) >> 63;
		r[i] = d;
	}
	return borrow;
}

/* r = mask ? a : r */
INLINE void
move_inline(uint64_t *r, const uint64_t *a, uint64_t mask, size_t n)
{
	size_t i;

	UNROLL
	for (i = 0; i < n; i++)
		r[i] ^= (r[i] ^ a[i]) & mask;
}

/* r = r << k | in, 0 < k < 64.  Returns the bits shifted out. */
INLINE uint64_t
shift_inline(uint64_t *r, unsigned k, uint64_t in, size_t n)
{
	uint64_t out;
	size_t i;

	UNROLL
	for (i = 0; i < n; i++) {
		out = r[i] >> (64 - k);
		r[i] = r[i] << k | in;
		in = out;
	}
	return in;
}

uint64_t
mp_add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n)
{
	return add_inline(r, a, b, n);
}

uint64_t
mp_sub(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n)
{
	return sub_inline(r, a, b, n);
}

uint64_t
mp_nonzero(const uint64_t *a, size_t n)
{
	uint64_t x = 0;
	size_t i;

	for (i = 0; i < n; i++)
		x |= a[i];
	return ct_nonzero(x);
}

INLINE void
mul_inline(
    uint64_t *r, const uint64_t *a, size_t na, const uint64_t *b, size_t nb)
{
	size_t i, j;
	u128 t;

	memset(r, 0, (na + nb) * sizeof(*r));
	UNROLL
	for (i = 0; i < na; i++) {
		t = 0;
		UNROLL
		for (j = 0; j < nb; j++) {
			t += (u128)a[i] * b[j] + r[i + j];
			r[i + j] = (uint64_t)t;
			t >>= 64;
		}
		r[i + nb] = (uint64_t)t;
	}
}

void
mp_mul(uint64_t *r, const uint64_t *a, size_t na, const uint64_t *b, size_t nb)
{
	if (na == 4 && nb == 4)
		mul_inline(r, a, 4, b, 4);
	else
		mul_inline(r, a, na, b, nb);
}

INLINE uint64_t
bit_at(const uint64_t *x, unsigned i)
{
	return x[i / 64] >> i % 64 & 1;
}

/* Restoring division; inlined for each value of nd, so that the loops
 * unroll. */
INLINE void
div_inline(uint64_t *q, uint64_t *r, const uint64_t *num, unsigned bits,
    const uint64_t *den, size_t nd)
{
	uint64_t rem[5] = { 0 }, t[5], fits;
	unsigned i = bits;

	memset(q, 0, MP_LIMBS(bits) * sizeof(*q));
	while (i-- > 0) {
		/* A bit shifted out of rem means that rem exceeds any den. */
		fits = shift_inline(rem, 1, bit_at(num, i), nd);
		fits |= sub_inline(t, rem, den, nd) ^ 1;
		move_inline(rem, t, ct_mask(fits), nd);
		q[i / 64] |= fits << i % 64;
	}
	memcpy(r, rem, nd * sizeof(*r));
}

void
mp_div(uint64_t *q, uint64_t *r, const uint64_t *num, unsigned bits,
    const uint64_t *den, size_t nd)
{
	switch (nd) {
	case 1: div_inline(q, r, num, bits, den, 1); return;
	case 2: div_inline(q, r, num, bits, den, 2); return;
	case 3: div_inline(q, r, num, bits, den, 3); return;
	case 4: div_inline(q, r, num, bits, den, 4); return;
	case 5: div_inline(q, r, num, bits, den, 5); return;
	}
	__builtin_unreachable();
}

/*
 * Square root, one binary digit at a time: the next digit is 1 if the remainder
 * is at least (2 root + 1)^2 - (2 root)^2 = 4 root + 1.  Root and remainder
 * stay below 2^(bits / 2 + 2), which is 3 limbs.
 */
struct u256
mp_sqrt(const uint64_t *x, unsigned bits)
{
	uint64_t rem[3] = { 0 }, trial[3], t[3], fits;
	struct u256 root = { { 0 } };
	unsigned i;

	for (i = bits; i > 0; i -= 2) {
		(void)shift_inline(
		    rem, 2, bit_at(x, i - 1) << 1 | bit_at(x, i - 2), 3);
		memcpy(trial, root.w, sizeof(trial));
		(void)shift_inline(trial, 2, 1, 3);
		fits = sub_inline(t, rem, trial, 3) ^ 1;
		move_inline(rem, t, ct_mask(fits), 3);
		(void)shift_inline(root.w, 1, fits, 3);
	}
	return root;
}

/*
 * The same for cubes: (y + 1)^3 - y^3 = 3 y (y + 1) + 1, y being twice the root
 * so far.  y stays below 2^86, the remainder below 2^178.
 */
struct u256
u256_cbrt(struct u256 x, unsigned bits)
{
	static const uint64_t one[4] = { 1 };
	uint64_t rem[3] = { 0 }, y[2] = { 0 }, y1[2], p[4], trial[4], t[3];
	uint64_t digit, fits;
	unsigned i, j;

	for (i = (bits + 2) / 3; i-- > 0;) {
		for (digit = 0, j = 3; j-- > 0;)
			digit = digit << 1 |
			    (3 * i + j < 256 ? bit_at(x.w, 3 * i + j) : 0);
		(void)shift_inline(rem, 3, digit, 3);
		(void)shift_inline(y, 1, 0, 2);
		(void)add_inline(y1, y, one, 2);
		mp_mul(p, y, 2, y1, 2);
		memcpy(trial, p, sizeof(trial));
		(void)shift_inline(trial, 1, 0, 4);
		(void)add_inline(trial, trial, p, 4);
		(void)add_inline(trial, trial, one, 4);
		fits = sub_inline(t, rem, trial, 3) ^ 1;
		move_inline(rem, t, ct_mask(fits), 3);
		y[0] |= fits;
	}
	return (struct u256){ { y[0], y[1], 0, 0 } };
}

/* ---- 256 bits ---------------------------------------------------------- */

struct u256
u256_from(uint64_t x)
{
	return (struct u256){ { x, 0, 0, 0 } };
}

struct u256
u256_add(struct u256 a, struct u256 b)
{
	(void)add_inline(a.w, a.w, b.w, 4);
	return a;
}

struct u256
u256_sub(struct u256 a, struct u256 b)
{
	(void)sub_inline(a.w, a.w, b.w, 4);
	return a;
}

struct u256
u256_neg(struct u256 a)
{
	return u256_sub(u256_from(0), a);
}

struct u256
u256_mul(struct u256 a, struct u256 b)
{
	struct u256 r = { { 0 } };
	size_t i, j;
	u128 t;

	for (i = 0; i < 4; i++)
		for (t = 0, j = 0; i + j < 4; j++) {
			t += (u128)a.w[i] * b.w[j] + r.w[i + j];
			r.w[i + j] = (uint64_t)t;
			t >>= 64;
		}
	return r;
}

struct u256
u256_select(uint64_t bit, struct u256 yes, struct u256 no)
{
	move_inline(no.w, yes.w, ct_mask(bit), 4);
	return no;
}

uint64_t
u256_nonzero(struct u256 a)
{
	return ct_nonzero(a.w[0] | a.w[1] | a.w[2] | a.w[3]);
}

uint64_t
u256_eq(struct u256 a, struct u256 b)
{
	return ct_nonzero((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]) |
		   (a.w[2] ^ b.w[2]) | (a.w[3] ^ b.w[3])) ^
	    1;
}

uint64_t
u256_lt(struct u256 a, struct u256 b)
{
	struct u256 t;

	return sub_inline(t.w, a.w, b.w, 4);
}

/* Perform every power-of-two shift and select it if n has that bit. */
struct u256
u256_shl(struct u256 a, uint64_t n)
{
	struct u256 t;
	unsigned k;
	size_t i;

	for (k = 0; k < 6; k++) {
		t = a;
		(void)shift_inline(t.w, 1u << k, 0, 4);
		a = u256_select(n >> k & 1, t, a);
	}
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 4; i++)
			t.w[i] = i >= 1u << k ? a.w[i - (1u << k)] : 0;
		a = u256_select(n >> (6 + k) & 1, t, a);
	}
	return a;
}

struct u256
u256_shr(struct u256 a, uint64_t n, uint64_t fill)
{
	uint64_t top = ct_mask(fill);
	struct u256 t;
	unsigned k;
	size_t i;

	for (k = 0; k < 6; k++) {
		for (i = 0; i < 4; i++)
			t.w[i] = a.w[i] >> (1u << k) |
			    (i < 3 ? a.w[i + 1] : top) << (64 - (1u << k));
		a = u256_select(n >> k & 1, t, a);
	}
	for (k = 0; k < 3; k++) {
		for (i = 0; i < 4; i++)
			t.w[i] = i + (1u << k) < 4 ? a.w[i + (1u << k)] : top;
		a = u256_select(n >> (6 + k) & 1, t, a);
	}
	return a;
}

uint64_t
u256_log2(struct u256 a)
{
	uint64_t n = 0, has;
	struct u256 t;
	unsigned k;

	for (k = 128; k > 0; k /= 2) {
		t = u256_shr(a, k, 0);
		has = u256_nonzero(t);
		a = u256_select(has, t, a);
		n += has * k;
	}
	return n;
}

struct u256
u256_sar(struct u256 a, uint64_t n)
{
	return u256_shr(a, n, u256_sign(a));
}

struct u256
u256_abs(struct u256 a)
{
	return u256_select(u256_sign(a), u256_neg(a), a);
}

struct u256
u256_sdiv(struct u256 a, struct u256 b, size_t nd)
{
	uint64_t negative = u256_sign(a) ^ u256_sign(b);
	struct u256 q, r;

	mp_div(q.w, r.w, u256_abs(a).w, 256, u256_abs(b).w, nd);
	return u256_select(negative, u256_neg(q), q);
}
