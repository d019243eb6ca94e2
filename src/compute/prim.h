/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the modules of libarith.a: what a type means for a value, and every
 * primitive's function, declared from primitives.def.
 */
#ifndef PRIM_H
#define PRIM_H

#include "exec.h"

/* A type as arithmetic sees it. */
struct kind {
	unsigned	bits;		/* 1 for bool */
	int		is_signed;
};
struct kind kind_of(uint8_t type);
#define kind_limbs(k)	MP_LIMBS((k).bits)
struct u256 kind_max(struct kind);
struct u256 kind_min(struct kind);
/* The low bits of x as a value of the kind. */
struct u256 kind_fit(struct kind, struct u256 x);
/* a < b by the sign of the kind. */
uint64_t    kind_lt(struct kind, struct u256 a, struct u256 b);

/* A result that may not fit its kind. */
struct result {
	struct u256	value;		/* modulo 2^bits */
	uint64_t	over;		/* the true one does not fit */
	uint64_t	negative;	/* where it does not: below MIN */
};
struct result result_add(struct kind, struct u256 a, struct u256 b);
struct result result_sub(struct kind, struct u256 a, struct u256 b);
struct result result_mul(struct kind, struct u256 a, struct u256 b);
/* out[0] success, out[1] the value; (false, 0) where it does not fit. */
void	    result_safe(struct result, struct u256 *out);

#define PRIM(opcode, name, in, out, flags)				\
	void prim_##name(const struct op *, const struct u256 *, struct u256 *);
#include "primitives.def"
#undef PRIM

#endif
