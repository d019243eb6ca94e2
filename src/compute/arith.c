/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer arithmetic, from add to avg, and the safe operations.  compute runs
 * it; no I/O, constant time (u256.h).
 *
 * Each sum, difference, product or power is computed once, together with a flag
 * that says whether the true result fits (struct result).  add, satAdd and
 * safeAdd differ only in how they use that flag.  Signed products, powers and
 * quotients are computed from magnitude and sign.
 */
#include <string.h>

#include "prim.h"

/* ---- results that may not fit ------------------------------------------ */

struct result
result_add(struct kind k, struct u256 a, struct u256 b)
{
	struct result r;
	struct u256 sum;
	uint64_t carry;

	carry = mp_add(sum.w, a.w, b.w, 4);
	/* Signed overflow: both operands differ in sign from the sum. */
	if (k.is_signed)
		carry = (u256_sign(a) ^ u256_sign(sum)) &
		    (u256_sign(b) ^ u256_sign(sum));
	r.value = kind_fit(k, sum);
	r.over = carry | (u256_eq(r.value, sum) ^ 1);
	r.negative = k.is_signed ? u256_sign(a) : 0;
	return r;
}

struct result
result_sub(struct kind k, struct u256 a, struct u256 b)
{
	struct result r;
	struct u256 diff;
	uint64_t borrow;

	borrow = mp_sub(diff.w, a.w, b.w, 4);
	if (k.is_signed)
		borrow = (u256_sign(a) ^ u256_sign(b)) &
		    (u256_sign(a) ^ u256_sign(diff));
	r.value = kind_fit(k, diff);
	r.over = borrow | (u256_eq(r.value, diff) ^ 1);
	r.negative = k.is_signed ? u256_sign(a) : 1;
	return r;
}

static struct u256
magnitude(struct kind k, struct u256 a)
{
	return k.is_signed ? u256_abs(a) : a;
}

static uint64_t
is_negative(struct kind k, struct u256 a)
{
	return k.is_signed ? u256_sign(a) : 0;
}

/* Convert a magnitude and a sign to the kind.  over: the magnitude exceeds 256
 * bits. */
static struct result
result_signed(struct kind k, struct u256 mag, uint64_t over, uint64_t negative)
{
	struct u256 limit = u256_add(kind_max(k), u256_from(negative));
	struct result r;

	r.value = kind_fit(k, u256_select(negative, u256_neg(mag), mag));
	r.over = over | u256_lt(limit, mag);
	r.negative = negative;
	return r;
}

struct result
result_mul(struct kind k, struct u256 a, struct u256 b)
{
	uint64_t p[8];
	struct u256 low;

	mp_mul(p, magnitude(k, a).w, 4, magnitude(k, b).w, 4);
	memcpy(low.w, p, sizeof(low.w));
	return result_signed(k, low, mp_nonzero(p + 4, 4),
	    is_negative(k, a) ^ is_negative(k, b));
}

/* Square and multiply, starting at the top bit of the exponent's type.  Once a
 * power overflows, all further ones do too, so the flag can accumulate. */
static struct result
result_exp(struct kind k, struct u256 a, struct kind ke, struct u256 e)
{
	struct u256 mag = magnitude(k, a), x = u256_from(1), t;
	uint64_t p[8], over = 0, bit;
	unsigned i = ke.bits;

	while (i-- > 0) {
		mp_mul(p, x.w, 4, x.w, 4);
		memcpy(x.w, p, sizeof(x.w));
		over |= mp_nonzero(p + 4, 4);
		mp_mul(p, x.w, 4, mag.w, 4);
		memcpy(t.w, p, sizeof(t.w));
		bit = e.w[i / 64] >> i % 64 & 1;
		over |= mp_nonzero(p + 4, 4) & bit;
		x = u256_select(bit, t, x);
	}
	return result_signed(k, x, over, is_negative(k, a) & e.w[0]);
}

static struct u256
result_saturated(struct kind k, struct result r)
{
	return u256_select(
	    r.over, u256_select(r.negative, kind_min(k), kind_max(k)), r.value);
}

void
result_safe(struct result r, struct u256 *out)
{
	out[0] = u256_from(r.over ^ 1);
	out[1] = u256_select(r.over, u256_from(0), r.value);
}

#define IN	kind_of(o->in[0])	/* the kind of the first operand */
#define PRIMITIVE(name)							\
void									\
prim_##name(const struct op *o, const struct u256 *in, struct u256 *out)

/* clang-format off */
PRIMITIVE(add)		{ out[0] = result_add(IN, in[0], in[1]).value; }
PRIMITIVE(sub)		{ out[0] = result_sub(IN, in[0], in[1]).value; }
PRIMITIVE(mul)		{ out[0] = kind_fit(IN, u256_mul(in[0], in[1])); }
PRIMITIVE(neg)		{ out[0] = kind_fit(IN, u256_neg(in[0])); }
PRIMITIVE(abs)		{ out[0] = kind_fit(IN, u256_abs(in[0])); }
/* clang-format on */

PRIMITIVE(satAdd)
{
	out[0] = result_saturated(IN, result_add(IN, in[0], in[1]));
}

PRIMITIVE(satSub)
{
	out[0] = result_saturated(IN, result_sub(IN, in[0], in[1]));
}

PRIMITIVE(satMul)
{
	out[0] = result_saturated(IN, result_mul(IN, in[0], in[1]));
}

/* clang-format off */
PRIMITIVE(safeAdd)	{ result_safe(result_add(IN, in[0], in[1]), out); }
PRIMITIVE(safeSub)	{ result_safe(result_sub(IN, in[0], in[1]), out); }
PRIMITIVE(safeMul)	{ result_safe(result_mul(IN, in[0], in[1]), out); }
/* clang-format on */

PRIMITIVE(safeNeg)
{
	result_safe(result_sub(IN, u256_from(0), in[0]), out);
}

PRIMITIVE(exp)
{
	out[0] = result_exp(IN, in[0], kind_of(o->in[1]), in[1]).value;
}

PRIMITIVE(safeExp)
{
	result_safe(result_exp(IN, in[0], kind_of(o->in[1]), in[1]), out);
}

/* ---- division ---------------------------------------------------------- */

/* Truncated quotient and remainder; undefined for b = 0.  MIN / -1 gives
 * MIN. */
static void
divide(struct kind k, struct u256 a, struct u256 b, struct u256 *quotient,
    struct u256 *remainder)
{
	struct u256 q = { { 0 } }, r = { { 0 } };
	uint64_t na = is_negative(k, a), nb = is_negative(k, b);

	mp_div(q.w, r.w, magnitude(k, a).w, k.bits, magnitude(k, b).w,
	    kind_limbs(k));
	*quotient = kind_fit(k, u256_select(na ^ nb, u256_neg(q), q));
	*remainder = kind_fit(k, u256_select(na, u256_neg(r), r));
}

PRIMITIVE(div)
{
	struct u256 q, r;

	divide(IN, in[0], in[1], &q, &r);
	out[0] = u256_select(u256_nonzero(in[1]), q, kind_max(IN));
}

PRIMITIVE(mod)
{
	struct u256 q, r;

	divide(IN, in[0], in[1], &q, &r);
	out[0] = u256_select(u256_nonzero(in[1]), r, u256_from(0));
}

PRIMITIVE(safeDiv)
{
	struct kind k = IN;
	struct result res;
	struct u256 r;

	divide(k, in[0], in[1], &res.value, &r);
	/* A negative quotient of two negatives: MIN / -1 overflowed. */
	res.over = (u256_nonzero(in[1]) ^ 1) |
	    (is_negative(k, in[0]) & is_negative(k, in[1]) &
		is_negative(k, res.value));
	result_safe(res, out);
}

PRIMITIVE(safeMod)
{
	struct result res;
	struct u256 q;

	divide(IN, in[0], in[1], &q, &res.value);
	res.over = u256_nonzero(in[1]) ^ 1;
	result_safe(res, out);
}

/* floor(a * b / d) in double width, unsigned. */
static struct result
mul_div(struct kind k, const struct u256 *in)
{
	uint64_t p[8], q[8] = { 0 }, rem[4];
	struct result r;
	struct u256 low;

	mp_mul(p, in[0].w, 4, in[1].w, 4);
	mp_div(q, rem, p, 2 * k.bits, in[2].w, kind_limbs(k));
	memcpy(low.w, q, sizeof(low.w));
	r.value = kind_fit(k, low);
	r.over = mp_nonzero(q + 4, 4) | (u256_eq(r.value, low) ^ 1) |
	    (u256_nonzero(in[2]) ^ 1);
	r.negative = 0;
	return r;
}

/* clang-format off */
PRIMITIVE(mulDiv)	{ out[0] = result_saturated(IN, mul_div(IN, in)); }
PRIMITIVE(safeMulDiv)	{ result_safe(mul_div(IN, in), out); }
/* clang-format on */

/* The low `bits' bits of x modulo n; 0 if n is 0. */
static struct u256
modulo(struct kind k, const uint64_t *x, unsigned bits, struct u256 n)
{
	struct u256 r = { { 0 } };
	uint64_t q[8];

	mp_div(q, r.w, x, bits, n.w, kind_limbs(k));
	return u256_select(u256_nonzero(n), r, u256_from(0));
}

PRIMITIVE(addMod)
{
	uint64_t sum[5];

	sum[4] = mp_add(sum, in[0].w, in[1].w, 4);
	out[0] = modulo(IN, sum, IN.bits + 1, in[2]);
}

PRIMITIVE(mulMod)
{
	uint64_t p[8];

	mp_mul(p, in[0].w, 4, in[1].w, 4);
	out[0] = modulo(IN, p, 2 * IN.bits, in[2]);
}

/* ---- the rest ---------------------------------------------------------- */

PRIMITIVE(min)
{
	out[0] = u256_select(kind_lt(IN, in[0], in[1]), in[0], in[1]);
}

PRIMITIVE(max)
{
	out[0] = u256_select(kind_lt(IN, in[0], in[1]), in[1], in[0]);
}

/* clang-format off */
PRIMITIVE(sqrt)		{ out[0] = mp_sqrt(in[0].w, IN.bits); }
PRIMITIVE(cbrt)		{ out[0] = u256_cbrt(in[0], IN.bits); }
/* clang-format on */

PRIMITIVE(log2)
{
	(void)o;
	out[0] = u256_from(u256_log2(in[0]));
}

PRIMITIVE(log256)
{
	(void)o;
	out[0] = u256_from(u256_log2(in[0]) / 8);
}

/* Count the powers 10, 100, .. 10^77 that do not exceed the value. */
PRIMITIVE(log10)
{
	struct u256 power = u256_from(1);
	uint64_t n = 0;
	int i;

	(void)o;
	for (i = 0; i < 77; i++) {
		power = u256_mul(power, u256_from(10));
		n += u256_lt(in[0], power) ^ 1;
	}
	out[0] = u256_from(n);
}

PRIMITIVE(sum)
{
	struct u256 sum = in[0];
	size_t i;

	for (i = 1; i < o->n_in; i++)
		sum = u256_add(sum, in[i]);
	out[0] = kind_fit(IN, sum);
}

PRIMITIVE(avg)
{
	uint64_t carry;
	struct u256 sum;

	(void)o;
	carry = mp_add(sum.w, in[0].w, in[1].w, 4);
	out[0] = u256_shr(sum, 1, carry);
}
