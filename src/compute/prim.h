/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the modules of libarith.a: how a type is represented, and the
 * function of every primitive, declared from primitives.def.
 */
#ifndef PRIM_H
#define PRIM_H

#include "exec.h"

/* The arithmetic properties of a type. */
struct kind {
	unsigned	bits;		/* 1 for bool */
	int		is_signed;
};
struct kind kind_of(uint8_t type);
#define kind_limbs(k)	MP_LIMBS((k).bits)
struct u256 kind_max(struct kind);
struct u256 kind_min(struct kind);
/* Reduce x to the low bits of the kind and extend the sign. */
struct u256 kind_fit(struct kind, struct u256 x);
/* a < b, signed or unsigned as the kind is. */
uint64_t    kind_lt(struct kind, struct u256 a, struct u256 b);

/* A result that may exceed its kind. */
struct result {
	struct u256	value;		/* modulo 2^bits */
	uint64_t	over;		/* the true result does not fit */
	uint64_t	negative;	/* it is below MIN, not above MAX */
};
struct result result_add(struct kind, struct u256 a, struct u256 b);
struct result result_sub(struct kind, struct u256 a, struct u256 b);
struct result result_mul(struct kind, struct u256 a, struct u256 b);
/* out[0] is the success flag, out[1] the value; (false, 0) if it does not
 * fit. */
void	    result_safe(struct result, struct u256 *out);

#define PRIM(opcode, name, in, out, flags)				\
	void prim_##name(const struct op *, const struct u256 *, struct u256 *);
#include "primitives.def"
#undef PRIM

#endif
