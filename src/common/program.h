/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles, types and flat programs (proto/payload.h): what net builds, keys
 * signs for and compute runs.  Linked into net, keys, compute and the tools;
 * reads bounded memory, allocates nothing, calls nothing.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

/* ---- status.def ---- */
enum status {
#define STATUS(number, name, class, who, text) ST_##name = number,
#include "status.def"
#undef STATUS
};
enum status_class { CLASS_DONE, CLASS_RETRYABLE, CLASS_WAITING, CLASS_TERMINAL };
enum status_who {
	REFUSAL_NET	= 1 << 0,
	REFUSAL_KEYS	= 1 << 1,
	RESULT_NET	= 1 << 2,
	RESULT_KEYS	= 1 << 3,
	RESULT_COMPUTE	= 1 << 4,
	RESULT_GATEWAY	= 1 << 5,	/* in its grant */
	STORE_GATEWAY	= 1 << 6,	/* when results are stored */
};
#define STATUS_MAX	400		/* above every number of status.def */
/* "INPUT_MISSING", its class, its text; NULL / CLASS_TERMINAL where unknown. */
const char	 *status_name(uint32_t);
const char	 *status_text(uint32_t);
enum status_class status_class(uint32_t);
int		 status_by(uint32_t number, uint32_t who);	/* may one of them? 1 or 0 */
const char	 *status_class_name(uint32_t);	/* "retryable" */

/* enum why_idle of payload.h as text; "?" where unknown. */
const char	 *why_name(uint32_t);	/* a word, for metrics */
const char	 *why_text(uint32_t);
/* enum gas_state, the same. */
const char	 *gas_text(uint32_t);

/* ---- types: the type byte of a handle ---- */
#define TYPE_BOOL	0
#define TYPE_ADDRESS	1
#define TYPE_UINT(bits)	((uint8_t)(3 + (bits) / 8))
#define TYPE_INT(bits)	((uint8_t)(35 + (bits) / 8))
#define TYPE_BYTES(n)	((uint8_t)(67 + (n)))
size_t	 type_size(uint8_t type);	/* bytes of plaintext; 0: no such type */
int	 type_is_uint(uint8_t type);
int	 type_is_int(uint8_t type);	/* signed */
int	 type_is_bytes(uint8_t type);
/* "uint256" to and from; type_parse returns -1 where there is no such type. */
const char *type_name(uint8_t type);	/* static storage; "?" */
int	 type_parse(const char *name);

/* Plaintext (type_size bytes) to and from the 32-byte word of a constant.
 * type_unword: 0, or -1 where the word is no value of the type. */
void	 type_word(uint8_t type, const uint8_t *plain, uint8_t word[32]);
int	 type_unword(uint8_t type, const uint8_t word[32], uint8_t *plain);

/* ---- handles ---- */
#define handle_type(h)	((h)[5])
uint32_t handle_chain(const uint8_t handle[32]);
/* Version 0 and a type that computes: 1 or 0. */
int	 handle_ok(const uint8_t handle[32]);

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

/* Building one (net, tools): operations are appended to; handles and constants
 * are found or added.  Each returns an ST_*; nothing is lost on failure.
 * A handle named as input that an earlier operation wrote becomes REF_OUTPUT. */
struct builder {
	uint16_t	slots[PROGRAM_SLOTS];
	struct p_shape	shape;
	struct m_word	inputs[TASK_INPUTS], outputs[TASK_OUTPUTS],
			consts[TASK_CONSTS];
	uint8_t		const_types[TASK_CONSTS];
	struct p_op	ops[TASK_OPS];
	uint16_t	refs[TASK_REFS];
};
void	 builder_init(struct builder *);
uint32_t builder_op(struct builder *, uint32_t opcode, uint32_t flags);
uint32_t builder_handle(struct builder *, const uint8_t handle[32]);
uint32_t builder_const(struct builder *, uint32_t type, const uint8_t word[32]);
uint32_t builder_output(struct builder *, const uint8_t handle[32]);
/* Flatten into words[PROGRAM_WORDS]; returns how many. */
size_t	 builder_words(const struct builder *, struct m_word *words);

#endif
