/* SPDX-License-Identifier: Apache-2.0
 *
 * Flat programs (src/ipc/payload.h), which net builds, keys authorizes and
 * compute runs.  Linked into net, keys, compute and the tools; reads bounded
 * memory, allocates nothing, makes no system call.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"
#include "status.h"
#include "types.h"

/* ---- primitives.def ---------------------------------------------------- */
#define P_SAME_ACCOUNT	0x01
#define P_NO_HANDLE	0x02
#define P_FEE		0x04
#define P_CAST		0x08
#define P_NOX		0x10	/* of Nox v0; not in primitives.def */
struct primitive {
	uint8_t		 opcode;
	uint8_t		 flags;		/* P_* */
	const char	*name, *in, *out;
};
extern const struct primitive primitives[];
extern const size_t n_primitives;
const struct primitive *primitive_by_opcode(uint8_t opcode);	/* NULL: none */
/* "add", or another name for the same: "trivialEncrypt" is wrap.  NULL:
 * none. */
const struct primitive *primitive_by_name(const char *name);

/* ---- programs ---------------------------------------------------------- */
struct program {		/* pointers into the words of a message */
	struct p_shape		 shape;
	const struct m_word	*inputs, *outputs, *consts;
	const uint8_t		*const_types;
	const struct p_op	*ops;
	const uint16_t		*refs;
};

/* Type of the value that a reference of a viewed program refers to. */
uint8_t program_type(const struct program *, uint16_t ref);
/* Numerator or denominator of a fee, which is a constant of type uint32. */
uint32_t program_fee(const struct program *, uint16_t ref);

/* Number of words of a program of this shape; 0 if a count exceeds its
 * limit. */
size_t program_words(const struct p_shape *);

/* View n words, aligned to 2, as a program.  Returns 0, or -1 if the shape does
 * not add up to n words, padding is not zero, an operation's operands exceed
 * refs, or a reference exceeds its table.  After success every index in the
 * program is in range, and operations write only outputs. */
int program_view(struct program *, const struct p_shape *,
    const struct m_word *words, size_t n);

/* Check the data flow, which keys does before it signs for the handles: every
 * input is used, no input is an output, and every output is written exactly
 * once, in the order of the table, before it is used.  Returns an ST_*. */
uint32_t program_check_flow(const struct program *);

/* Check all rules of primitives.def (opcodes, counts, types, constants, flags),
 * that the handles belong to chain_id, and the data flow.  Returns an ST_*.
 * *op is the index of the faulty operation, or n_ops if the fault is in the
 * data flow. */
uint32_t program_check(const struct program *, uint64_t chain_id, size_t *op);

/* The same for a program of Nox v0: its operations, by its rules
 * (tee-primitives(7), NOX V0).  What passes is what exec_program() can run,
 * although program_check() refuses some of it: a select of different types. */
uint32_t program_check_nox(
    const struct program *, uint64_t chain_id, size_t *op);

#define PROGRAM_SLOTS	2048	/* a power of two */
#define HANDLE		(-1)
/* Find the slot of a word in a lookup table over a program's handles (type
 * HANDLE) and constants.  The slot holds a reference + 1, or 0 if the table
 * lacks the word. */
uint16_t *program_lookup(
    const struct program *, uint16_t *slots, const uint8_t word[32], int type);

#endif
