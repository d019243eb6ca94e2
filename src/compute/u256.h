/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant-time integers of 256 bits and more; the base of all of compute's
 * arithmetic.
 *
 * Control flow and memory accesses depend on lengths and shift distances, which
 * the caller knows from the types, never on a value: no branch, no index, no
 * division instruction.  Predicates return 0 or 1 in a uint64_t, and
 * u256_select() turns them into masks.  An asm barrier keeps the compiler from
 * turning those back into branches.  tests/ct/ctime_arith runs everything under
 * valgrind with all operands undefined.
 *
 * mp_* works on arrays of 64-bit limbs of public length, least significant
 * first.  An output must not overlap an input unless the function says
 * otherwise.
 */
#ifndef U256_H
#define U256_H

#include <stddef.h>
#include <stdint.h>

struct u256 {
	uint64_t w[4];			/* least significant first */
};

/* Hide the value from the compiler's optimizer. */
static inline uint64_t
ct_hide(uint64_t x)
{
	__asm__("" : "+r"(x));
	return x;
}

/* All ones if bit is 1, zero if it is 0. */
static inline uint64_t
ct_mask(uint64_t bit)
{
	return ct_hide(0 - bit);
}

/* x != 0 */
static inline uint64_t
ct_nonzero(uint64_t x)
{
	return ct_hide((x | (0 - x)) >> 63);
}

/* ---- limbs ------------------------------------------------------------- */
uint64_t mp_add(uint64_t *r, const uint64_t *a, const uint64_t *b,
    size_t n); /* carry; may overlap */
uint64_t mp_sub(uint64_t *r, const uint64_t *a, const uint64_t *b,
    size_t n); /* borrow; may overlap */
uint64_t mp_nonzero(const uint64_t *a, size_t n);
/* r[na + nb] = a * b */
void mp_mul(
    uint64_t *r, const uint64_t *a, size_t na, const uint64_t *b, size_t nb);

/* Divide the low `bits' bits of num by den[nd], nd in 1..5: quotient in
 * q[MP_LIMBS(bits)], remainder in r[nd].  For den = 0, q is all ones and r
 * undefined. */
#define MP_LIMBS(bits)	(((bits) + 63) / 64)
void mp_div(uint64_t *q, uint64_t *r, const uint64_t *num, unsigned bits,
    const uint64_t *den, size_t nd);

/* Floor of the square root of the low `bits' bits of x; bits is even and at
 * most 320.  Reads MP_LIMBS(bits) limbs. */
struct u256 mp_sqrt(const uint64_t *x, unsigned bits);
/* Floor of the cube root of x < 2^bits. */
struct u256 u256_cbrt(struct u256 x, unsigned bits);

/* ---- 256 bits, modulo 2^256 -------------------------------------------- */
struct u256 u256_from(uint64_t x);
struct u256 u256_add(struct u256 a, struct u256 b);
struct u256 u256_sub(struct u256 a, struct u256 b);
struct u256 u256_neg(struct u256 a);
struct u256 u256_mul(struct u256 a, struct u256 b);
struct u256 u256_select(uint64_t bit, struct u256 yes, struct u256 no);
uint64_t u256_nonzero(struct u256 a);
uint64_t u256_eq(struct u256 a, struct u256 b);
uint64_t u256_lt(struct u256 a, struct u256 b);		/* unsigned */
/* Shift by n < 512 bits; n may be secret.  fill (0 or 1) enters at the top. */
struct u256 u256_shl(struct u256 a, uint64_t n);
struct u256 u256_shr(struct u256 a, uint64_t n, uint64_t fill);
/* Index of the highest one bit; 0 for 0. */
uint64_t u256_log2(struct u256 a);

/* Two's complement. */
#define u256_sign(a)	((a).w[3] >> 63)
struct u256 u256_sar(struct u256 a, uint64_t n);
struct u256 u256_abs(struct u256 a);
/* Quotient truncated toward zero.  |b| must fit in nd limbs. */
struct u256 u256_sdiv(struct u256 a, struct u256 b, size_t nd);

#endif
