/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixed point with 18 decimals ("wad").  compute runs it; no I/O, constant time
 * (u256.h).
 *
 * Contracts on the chain compute the same functions, so each result must equal
 * that of Solady's FixedPointMathLib 0.1.26 bit for bit, including its rounding
 * errors: the same range reduction, rational approximations (Remco Bloemen,
 * "exp and ln in the EVM", 2022) and order of roundings.  The coefficients are
 * in base 2^96, as in Solady.  If Solady reverts, the result here is computed
 * anyway and then replaced by (false, 0), to keep the time constant.
 */
#include <string.h>

#include "prim.h"

#define POS(high, low)	{ { low, high, 0, 0 } }
#define NEG(high, low)	{ { 0 - UINT64_C(low), ~UINT64_C(high),		\
			    UINT64_MAX, UINT64_MAX } }

#define WAD		UINT64_C(1000000000000000000)
#define FIVE_18		UINT64_C(3814697265625)		/* 5^18 */
#define INT256		((struct kind){ 256, 1 })
#define UINT256		((struct kind){ 256, 0 })

#define PRIMITIVE(name)							\
void									\
prim_##name(const struct op *o, const struct u256 *in, struct u256 *out)

PRIMITIVE(mulWad)
{
	struct result r = result_mul(UINT256, in[0], in[1]);

	(void)o;
	r.value = u256_select(r.over, u256_from(0), r.value);
	out[0] = u256_from(r.over ^ 1);
	out[1] = u256_from(0);
	mp_div(
	    out[1].w, &(uint64_t){ 0 }, r.value.w, 256, &(uint64_t){ WAD }, 1);
}

PRIMITIVE(divWad)
{
	struct result r = result_mul(UINT256, in[0], u256_from(WAD));
	struct u256 q, rem;

	(void)o;
	mp_div(q.w, rem.w, r.value.w, 256, in[1].w, 4);
	r.over |= u256_nonzero(in[1]) ^ 1;
	r.value = q;
	result_safe(r, out);
}

/* The square root of x 10^18, which has up to 316 bits. */
PRIMITIVE(sqrtWad)
{
	uint64_t p[5];

	(void)o;
	mp_mul(p, in[0].w, 4, &(uint64_t){ WAD }, 1);
	out[0] = u256_from(1);
	out[1] = mp_sqrt(p, 316);
}

/* ---- base 2^96 --------------------------------------------------------- */

/* a * b / 2^96, rounded down. */
static struct u256
mul96(struct u256 a, struct u256 b)
{
	struct u256 p = u256_mul(a, b);
	uint64_t top = ct_mask(u256_sign(p));

	return (struct u256){ { p.w[1] >> 32 | p.w[2] << 32,
	    p.w[2] >> 32 | p.w[3] << 32, p.w[3] >> 32 | top << 32, top } };
}

/* Horner's scheme: ((p x + c[0]) x + c[1]) x .. */
static struct u256
horner(struct u256 p, struct u256 x, const struct u256 *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p = u256_add(mul96(p, x), c[i]);
	return p;
}

static const struct u256 ln_2 = POS(0xb17217f7, 0xd1cf79abc9e3b398);

/*
 * x = k ln 2 + x', |x'| <= ln(2) / 2, and exp(x) = 2^k exp(x').  exp(x') is a
 * (6, 7)-term rational approximation.  One factor combines the scale of the
 * approximation with the conversion to 10^18.
 */
static struct u256
exp_poly(struct u256 x)
{
/* clang-format off */
	static const struct u256 y0 = POS(0x10fe68e7fd, 0x37d0007b713f7650),
	    y1 = POS(0x2d16720577b, 0xd19bf614176fe9ea),
	    p0 = NEG(0x4a4fd9f2a8b, 0x96949216d2255a6c),
	    p1 = POS(0x587f503bb6ea2, 0x9d25fcb740196450),
	    p2 = { {
		0x0, 0x3b2ca45c00000000,
		0xebba824c98fb31b8, 0xd835,
	    } },
	    q0 = NEG(0x240c330e9f, 0xb2d9cbaf0fd5aafc);
	static const struct u256 qs[] = {
	POS(0x277594991cf, 0xc85f6e2461837cd9),
	NEG(0x1a521255e34f, 0x6a5061b25ef1c9c4),
	POS(0xb1bbb201f443, 0xcf962f1a1d3db4a5),
	NEG(0x2c72388d9f74f, 0x51a9331fed693f15),
	POS(0x5180bb14799ab, 0x47a8a8cb2a527d57),
	};
/* clang-format on */
	struct u256 y, p, q;

	y = u256_add(mul96(u256_add(x, y0), x), y1);
	p = u256_add(u256_add(y, x), p0);
	p = u256_add(mul96(p, y), p1);
	p = u256_add(u256_mul(p, x), p2);	/* stays in base 2^192 */
	q = horner(u256_add(x, q0), x, qs, sizeof(qs) / sizeof(qs[0]));
	return u256_sdiv(p, q, 4);
}

static struct result
exp_wad(struct u256 x)
{
/* clang-format off */
	static const struct u256 low = NEG(0x2, 0x3f2fa8f6da5b9d29),
	    high = POS(0x7, 0x55bf798b4a1bf1e5);
	static const struct u256 scale = { {
		0xee70ef65f9978af3, 0x63c32e5c2f6dc192,
		0x29d9dc385, 0x0,
	    } };
/* clang-format on */
	struct u256 half = { { 0, UINT64_C(1) << 31, 0, 0 } };	/* 2^95 */
	struct u256 k, z;
	struct result r;

	z = u256_sdiv(u256_shl(x, 78), u256_from(FIVE_18), 1);
	k = u256_sar(u256_add(u256_sdiv(u256_shl(z, 96), ln_2, 2), half), 96);
	z = exp_poly(u256_sub(z, u256_mul(k, ln_2)));
	/* 195 - k is in 0..256 for all x in range. */
	z = u256_shr(u256_mul(z, scale), (195 - k.w[0]) & 511, 0);

	/* For x <= low the result is below 1; for x >= high it exceeds MAX. */
	r.value = u256_select(kind_lt(INT256, low, x), z, u256_from(0));
	r.over = kind_lt(INT256, x, high) ^ 1;
	r.negative = 0;
	return r;
}

/*
 * x = 2^k x', 1 <= x' < 2.  ln(x') is an (8, 8)-term rational approximation.
 * The constants of the base and of the scale are added to k ln 2 at the end.
 */
static struct result
ln_wad(struct u256 x)
{
/* clang-format off */
	static const struct u256 p0 = POS(0x29508e4585, 0x43d8aa4df2abee78),
	    pn = { {
		0x0, 0x18e1579600000000,
		0xf6af8f7b3396644f, 0xfffffffffffffff5,
	    } },
	    q0 = POS(0x465772b2bb, 0xbb5f824b15207a30);
	static const struct u256 ps[] = {
	POS(0x139601a2efa, 0xbe717e604cbb4894),
	POS(0x2247f7a7b65, 0x94320649aa03aba1),
	NEG(0x8c3f38e95a, 0x6b1ff2ab1c3b3437),
	NEG(0x2384773bdf1, 0xac5676facced6091),
	NEG(0xb9a025d814, 0xb29c212b8b1a07ce),
	};
	static const struct u256 qs[] = {
	POS(0x388eaa27412, 0xd5aca026815d636e),
	POS(0xdf99ac50203, 0x1bf953eff472fdcc),
	POS(0x13cdffb29d51, 0xd99322bdff5f2211),
	POS(0xa0f742023de, 0xf783a307a986912e),
	POS(0x1920d8043ca, 0x89b5239253284e42),
	POS(0xb7a86d737, 0x5468fac667a0a527),
	};
	static const struct u256 scale = { {
		0x5cef59f0815a5506, 0xdaa0d5f769dba191,
		0x1340, 0x0,
	    } },
	    per_k = { {
		0xd803ae7b6687f2b3, 0x7614a3f75373f047,
		0xb3975ab3ee5b203a, 0x267a36c0c95,
	    } },
	    base = { {
		0xe8028c72b8864284, 0x356a1b7863008a5a,
		0x7177eebf7cd370a3, 0x57115e47018c,
	    } };
/* clang-format on */
	uint64_t log2 = u256_log2(x);
	struct u256 z, p, q;
	struct result r;

	z = u256_shr(u256_shl(x, 255 - log2), 159, 0);
	p = horner(u256_add(z, p0), z, ps, sizeof(ps) / sizeof(ps[0]));
	p = u256_add(u256_mul(p, z), pn);	/* stays in base 2^192 */
	q = horner(u256_add(z, q0), z, qs, sizeof(qs) / sizeof(qs[0]));
	p = u256_mul(u256_sdiv(p, q, 4), scale);
	p = u256_add(
	    p, u256_mul(per_k, u256_sub(u256_from(log2), u256_from(96))));
	r.value = u256_sar(u256_add(p, base), 174);
	r.over = u256_sign(x) | (u256_nonzero(x) ^ 1);
	r.negative = 0;
	return r;
}

PRIMITIVE(expWad)
{
	(void)o;
	result_safe(exp_wad(in[0]), out);
}

PRIMITIVE(lnWad)
{
	(void)o;
	result_safe(ln_wad(in[0]), out);
}

/* exp(ln(x) y); the product is checked for overflow. */
PRIMITIVE(powWad)
{
	struct result ln, product, r;

	(void)o;
	ln = ln_wad(in[0]);
	product = result_mul(INT256, ln.value, in[1]);
	r = exp_wad(u256_sdiv(product.value, u256_from(WAD), 1));
	r.over |= ln.over | product.over;
	result_safe(r, out);
}
