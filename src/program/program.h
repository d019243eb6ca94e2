/* SPDX-License-Identifier: Apache-2.0
 *
 * Flat programs (src/ipc/payload.h): what net builds, keys signs for and compute runs.
 * Linked into net, keys, compute and the tools; reads bounded memory, allocates
 * nothing, calls nothing.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"
#include "status.h"
#include "types.h"

/* ---- primitives.def ---- */
#define P_SAME_ACCOUNT	0x01
#define P_NO_HANDLE	0x02
#define P_FEE		0x04
#define P_CAST		0x08
struct primitive {
	uint8_t		 opcode;
	uint8_t		 flags;		/* P_* */
	const char	*name, *in, *out;
};
extern const struct primitive primitives[];
extern const size_t n_primitives;
const struct primitive *primitive_find(uint8_t opcode);	/* NULL: none */
const struct primitive *primitive_named(const char *name);

/* ---- programs ---- */
struct program {		/* a view: points into the words */
	struct p_shape		 shape;
	const struct m_word	*inputs, *outputs, *consts;
	const uint8_t		*const_types;
	const struct p_op	*ops;
	const uint16_t		*refs;
};

/* What a reference of a viewed program stands for: its type. */
uint8_t	 program_type(const struct program *, uint16_t ref);
/* A fee's numerator or denominator, which is a constant of type uint32. */
uint32_t program_fee(const struct program *, uint16_t ref);

/* How many words a program of this shape has; 0 where a count is over its limit. */
size_t	 program_words(const struct p_shape *);

/* View `n' words as a program: 0, or -1 where the shape does not add up to n,
 * padding is not zero, an operation's operands run past refs, or a reference
 * past its table; the words must be aligned to 2.  After 0 every index in the
 * program is good, and what an operation writes is an output. */
int	 program_view(struct program *, const struct p_shape *,
	     const struct m_word *words, size_t n);

/* The structure, which keys checks before it signs for the handles: every
 * input is used, no input is an output, every output is written by exactly one
 * operation, in the order of the table, and before it is used.  An ST_*. */
uint32_t program_check_flow(const struct program *);

/* All of primitives.def: opcodes, counts, types, constants, flags, and that the
 * handles are of `chain_id'.  Includes the flow.  An ST_*; *op: which operation,
 * n_ops where the fault is in how they hang together. */
uint32_t program_check(const struct program *, uint64_t chain_id, size_t *op);

#define PROGRAM_SLOTS	2048	/* a power of two */
#define HANDLE		(-1)
/* The slot of this word in a lookup table over a program's handles (type HANDLE) and
 * constants: it holds a reference + 1, or 0 where the word is not in it. */
uint16_t *program_lookup(const struct program *, uint16_t *slots,
	    const uint8_t word[32], int type);

#endif
