/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps opcodes to functions, and plaintexts to values and back.  compute runs
 * it; no I/O.  A row of primitives.def without a function is a link error.
 */
#include <string.h>

#include "prim.h"

typedef void prim_fn(const struct op *, const struct u256 *, struct u256 *);

static prim_fn *const functions[256] = {
#define PRIM(opcode, name, in, out, flags) [opcode] = prim_##name,
#include "primitives.def"
#undef PRIM
};

void
exec_op(const struct op *o, const struct u256 *in, struct u256 *out)
{
	functions[o->opcode](o, in, out);
}

static struct u256
value_of(const struct program *p, uint16_t ref, const struct u256 *inputs,
    const struct u256 *outputs)
{
	size_t i = ref & REF_INDEX;
	uint8_t plain[VALUE_MAX];
	struct u256 v = { { 0 } };

	switch (ref & REF_KIND) {
	case REF_INPUT: return inputs[i];
	case REF_OUTPUT: return outputs[i];
	}
	(void)type_unword(p->const_types[i], p->consts[i].b, plain);
	(void)value_load(p->const_types[i], plain, &v);
	return v;
}

void
exec_program(
    const struct program *p, const struct u256 *inputs, struct u256 *outputs)
{
	const struct p_op *row;
	const uint16_t *refs = p->refs;
	struct u256 in[OP_OPERANDS];
	struct op o;
	size_t i, j, written = 0;

	for (i = 0; i < p->shape.n_ops; i++) {
		row = &p->ops[i];
		memset(&o, 0, sizeof(o));
		o.opcode = row->opcode;
		o.flags = row->flags;
		o.n_in = row->n_in;
		o.n_out = row->n_out;
		for (j = 0; j < o.n_in; j++, refs++) {
			o.in[j] = program_type(p, *refs);
			in[j] = value_of(p, *refs, inputs, outputs);
		}
		if (primitive_by_opcode(o.opcode)->flags & P_FEE) {
			o.fee = program_fee(p, refs[-2]);
			o.fee_base = program_fee(p, refs[-1]);
		}
		for (j = 0; j < o.n_out; j++)
			o.out[j] = program_type(p, *refs++);
		/* program_check_flow() put the outputs in the order of the
		 * operations. */
		exec_op(&o, in, outputs + written);
		written += o.n_out;
	}
}

struct kind
kind_of(uint8_t type)
{
	if (type == TYPE_BOOL)
		return (struct kind){ 1, 0 };
	return (
	    struct kind){ (unsigned)type_size(type) * 8, type_is_int(type) };
}

struct u256
kind_fit(struct kind k, struct u256 x)
{
	uint64_t top = 0;
	unsigned i, at;

	if (k.is_signed)
		top = ct_mask(x.w[(k.bits - 1) / 64] >> (k.bits - 1) % 64 & 1);
	for (i = 0; i < 4; i++) {
		at = 64 * i;
		if (k.bits <= at)
			x.w[i] = top;
		else if (k.bits < at + 64)
			x.w[i] = (x.w[i] & (UINT64_MAX >> (at + 64 - k.bits))) |
			    top << (k.bits - at);
	}
	return x;
}

struct u256
kind_min(struct kind k)
{
	struct u256 x = { { 0 } };

	if (k.is_signed)
		x.w[(k.bits - 1) / 64] = UINT64_C(1) << (k.bits - 1) % 64;
	return kind_fit(k, x);
}

/* MAX is the complement of MIN. */
struct u256
kind_max(struct kind k)
{
	struct u256 min = kind_min(k), ones;

	memset(&ones, 0xff, sizeof(ones));
	return kind_fit((struct kind){ k.bits - (unsigned)k.is_signed, 0 },
	    u256_sub(ones, min));
}

uint64_t
kind_lt(struct kind k, struct u256 a, struct u256 b)
{
	/* Signed order is unsigned order with the sign bit flipped. */
	uint64_t flip = (uint64_t)k.is_signed << 63;

	a.w[3] ^= flip;
	b.w[3] ^= flip;
	return u256_lt(a, b);
}

static struct u256
load_number(const uint8_t *plain, size_t n)
{
	struct u256 x = { { 0 } };
	size_t i;

	for (i = 0; i < n; i++)
		x.w[i / 8] |= (uint64_t)plain[n - 1 - i] << 8 * (i % 8);
	return x;
}

int
value_load(uint8_t type, const uint8_t *plain, struct u256 *v)
{
	if (type == TYPE_BOOL && plain[0] > 1)
		return -1;
	*v = kind_fit(kind_of(type), load_number(plain, type_size(type)));
	return 0;
}

void
value_load_nox(uint8_t type, const uint8_t *plain, size_t n, struct u256 *v)
{
	struct u256 x = load_number(plain, n);

	if (type == TYPE_BOOL)
		x = u256_from(u256_nonzero(x));
	*v = kind_fit(kind_of(type), x);
}

void
value_store(uint8_t type, struct u256 v, uint8_t *plain)
{
	size_t i, n = type_size(type);

	for (i = 0; i < n; i++)
		plain[n - 1 - i] = (uint8_t)(v.w[i / 8] >> 8 * (i % 8));
}
