/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparison, selection, bit operations and casts.  compute runs it; no I/O,
 * constant time (u256.h): a shift by a secret amount performs every
 * power-of-two step.
 */
#include "prim.h"

#define IN	kind_of(o->in[0])
#define PRIMITIVE(name)							\
void									\
prim_##name(const struct op *o, const struct u256 *in, struct u256 *out)

/* ---- comparison and choice --------------------------------------------- */

PRIMITIVE(eq)
{
	(void)o;
	out[0] = u256_from(u256_eq(in[0], in[1]));
}

PRIMITIVE(ne)
{
	(void)o;
	out[0] = u256_from(u256_eq(in[0], in[1]) ^ 1);
}

/* clang-format off */
PRIMITIVE(lt)	{ out[0] = u256_from(kind_lt(IN, in[0], in[1])); }
PRIMITIVE(le)	{ out[0] = u256_from(kind_lt(IN, in[1], in[0]) ^ 1); }
PRIMITIVE(gt)	{ out[0] = u256_from(kind_lt(IN, in[1], in[0])); }
PRIMITIVE(ge)	{ out[0] = u256_from(kind_lt(IN, in[0], in[1]) ^ 1); }
/* clang-format on */

/* The plaintext of a value as a number: no sign. */
static struct u256
unsigned_of(uint8_t type, struct u256 x)
{
	return kind_fit((struct kind){ kind_of(type).bits, 0 }, x);
}

/* In Nox v0 all three types can differ: the output is the low bytes of the
 * chosen plaintext, which is extended with zeros even if it is signed.  Of
 * equal types that is the value itself. */
PRIMITIVE(select)
{
	struct u256 x = u256_select(in[0].w[0], unsigned_of(o->in[1], in[1]),
	    unsigned_of(o->in[2], in[2]));

	if (o->out[0] == TYPE_BOOL)
		x = u256_from(ct_nonzero(x.w[0] & 0xff));
	out[0] = kind_fit(kind_of(o->out[0]), x);
}

PRIMITIVE(isIn)
{
	uint64_t found = 0;
	size_t i;

	for (i = 1; i < o->n_in; i++)
		found |= u256_eq(in[0], in[i]);
	out[0] = u256_from(found);
}

/* ---- bits -------------------------------------------------------------- */

/* Operands are sign-extended, hence so is the result: kind_fit() is not
 * needed. */
#define BITWISE(name, operator)						\
PRIMITIVE(name)								\
{									\
	size_t i;							\
									\
	(void)o;							\
	for (i = 0; i < 4; i++)						\
		out[0].w[i] = in[0].w[i] operator in[1].w[i];		\
}

BITWISE(and, &)
BITWISE(or, |)
BITWISE(xor, ^)

/* clang-format off */
PRIMITIVE(not)
/* clang-format on */
{
	struct u256 x;
	size_t i;

	for (i = 0; i < 4; i++)
		x.w[i] = ~in[0].w[i];
	out[0] = kind_fit(IN, x);
}

/* The shift amount; 256 if it is the width or more. */
static uint64_t
shift_amount(struct kind k, struct u256 n)
{
	return u256_select(u256_lt(n, u256_from(k.bits)), n, u256_from(256))
	    .w[0];
}

PRIMITIVE(shl)
{
	out[0] = kind_fit(IN, u256_shl(in[0], shift_amount(IN, in[1])));
}

PRIMITIVE(shr)
{
	out[0] = u256_shr(in[0], shift_amount(IN, in[1]),
	    IN.is_signed ? u256_sign(in[0]) : 0);
}

/* The amount modulo the width, which is public and not always a power of
 * two. */
static uint64_t
rotate_amount(const struct op *o, struct u256 n)
{
	uint64_t q[4], r, width = IN.bits;

	mp_div(q, &r, n.w, kind_of(o->in[1]).bits, &width, 1);
	return r;
}

static struct u256
rotate(struct kind k, struct u256 x, uint64_t left)
{
	struct u256 high, low;
	size_t i;

	x = kind_fit((struct kind){ k.bits, 0 }, x);
	high = u256_shl(x, left);
	low = u256_shr(x, k.bits - left, 0);
	for (i = 0; i < 4; i++)
		high.w[i] |= low.w[i];
	return kind_fit(k, high);
}

/* clang-format off */
PRIMITIVE(rotl)	{ out[0] = rotate(IN, in[0], rotate_amount(o, in[1])); }
/* clang-format on */
PRIMITIVE(rotr)
{
	out[0] = rotate(IN, in[0], IN.bits - rotate_amount(o, in[1]));
}

/* ---- casts ------------------------------------------------------------- */

/* bytesN to bytesM keeps the high-order bytes; all other casts keep the low
 * bits. */
PRIMITIVE(cast)
{
	unsigned from = IN.bits, to = kind_of(o->out[0]).bits;
	struct u256 x = in[0];

	if (o->out[0] == TYPE_BOOL)
		x = u256_from(u256_nonzero(x));
	else if (type_is_bytes(o->in[0]) && type_is_bytes(o->out[0]))
		x = to < from ? u256_shr(x, from - to, 0) :
				u256_shl(x, to - from);
	out[0] = kind_fit(kind_of(o->out[0]), x);
}

PRIMITIVE(safeCast)
{
	struct kind from = IN, to = kind_of(o->out[1]);
	struct result r;

	r.value = kind_fit(to, in[0]);
	r.over = u256_eq(r.value, in[0]) ^ 1;
	/* The top bit has another meaning in the other kind. */
	if (from.is_signed != to.is_signed)
		r.over |= u256_sign(in[0]);
	result_safe(r, out);
}

PRIMITIVE(wrap)
{
	struct u256 x = in[0];

	(void)o;
	if (o->out[0] == TYPE_BOOL)
		x = u256_from(u256_nonzero(x));
	out[0] = kind_fit(kind_of(o->out[0]), x);
}
