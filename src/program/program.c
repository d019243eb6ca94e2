/* SPDX-License-Identifier: Apache-2.0
 *
 * Views and checks flat programs (libprogram.a).  Runs in net, keys, compute
 * and the tools.  keys and compute use it on bytes that a hostile net may have
 * written, so every function accepts any bytes, is bounded by the limits of
 * payload.h, and never allocates.
 */
#include <string.h>

#include "program.h"

const struct primitive primitives[] = {
#define PRIM(opcode, name, in, out, flags) { opcode, flags, #name, in, out },
#include "primitives.def"
#undef PRIM
};
const size_t n_primitives = sizeof(primitives) / sizeof(primitives[0]);

const struct primitive *
primitive_by_opcode(uint8_t opcode)
{
	size_t i;

	for (i = 0; i < n_primitives; i++)
		if (primitives[i].opcode == opcode)
			return &primitives[i];
	return NULL;
}

/* Other names of operations, which other documents use. */
static const struct {
	const char	*alias, *name;
} aliases[] = {
	{ "trivialEncrypt", "wrap" },
	{ "wrapAsPublicHandle", "wrap" },
};

const struct primitive *
primitive_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(aliases[i].alias, name) == 0)
			name = aliases[i].name;
	for (i = 0; i < n_primitives; i++)
		if (strcmp(primitives[i].name, name) == 0)
			return &primitives[i];
	return NULL;
}

/* ---- view -------------------------------------------------------------- */

/* Number of words that n items of `size' bytes occupy. */
static size_t
count_words(size_t n, size_t size)
{
	return (n * size + sizeof(struct m_word) - 1) / sizeof(struct m_word);
}

size_t
program_words(const struct p_shape *s)
{
	if (s->n_inputs > TASK_INPUTS || s->n_outputs > TASK_OUTPUTS ||
	    s->n_consts > TASK_CONSTS || s->n_ops > TASK_OPS ||
	    s->n_refs > TASK_REFS)
		return 0;
	return (size_t)s->n_inputs + s->n_outputs + s->n_consts +
	    count_words(s->n_consts, 1) +
	    count_words(s->n_ops, sizeof(struct p_op)) +
	    count_words(s->n_refs, sizeof(uint16_t));
}

/* Take the next section and advance *w.  NULL if its padding is not zero. */
static const void *
next_section(const struct m_word **w, size_t n, size_t size)
{
	const uint8_t *start = (*w)->b;
	size_t i, len = count_words(n, size) * sizeof(struct m_word);

	for (i = n * size; i < len; i++)
		if (start[i] != 0)
			return NULL;
	*w += count_words(n, size);
	return start;
}

static int
ref_ok(const struct p_shape *s, uint16_t ref)
{
	unsigned index = ref & REF_INDEX;

	switch (ref & REF_KIND) {
	case REF_INPUT: return index < s->n_inputs;
	case REF_OUTPUT: return index < s->n_outputs;
	case REF_CONST: return index < s->n_consts;
	}
	return 0;
}

/* Typed data marks a handle with kind 0xff, which is not a type.  A constant of
 * that kind would have the same digest as a handle. */
static int
const_types_ok(const struct program *p)
{
	size_t i;

	for (i = 0; i < p->shape.n_consts; i++)
		if (type_size(p->const_types[i]) == 0)
			return 0;
	return 1;
}

/* Each reference must be in range, each target of an operation an output, and
 * no reference left over. */
static int
refs_ok(const struct program *p)
{
	size_t i, j, at = 0;

	for (i = 0; i < p->shape.n_ops; i++) {
		const struct p_op *op = &p->ops[i];
		size_t n = (size_t)op->n_in + op->n_out;

		if (n > p->shape.n_refs - at)
			return 0;
		for (j = 0; j < n; j++, at++) {
			if (!ref_ok(&p->shape, p->refs[at]))
				return 0;
			if (j >= op->n_in &&
			    (p->refs[at] & REF_KIND) != REF_OUTPUT)
				return 0;
		}
	}
	return at == p->shape.n_refs;
}

int
program_view(struct program *out, const struct p_shape *shape,
    const struct m_word *w, size_t n)
{
	struct program p = { .shape = *shape };

	/* The references are read in place, so they must be aligned. */
	if ((uintptr_t)w % _Alignof(uint16_t) != 0)
		return -1;
	if (n == 0 || program_words(shape) != n || shape->zero != 0)
		return -1;
	if ((p.inputs = next_section(&w, shape->n_inputs, 32)) == NULL ||
	    (p.outputs = next_section(&w, shape->n_outputs, 32)) == NULL ||
	    (p.consts = next_section(&w, shape->n_consts, 32)) == NULL ||
	    (p.const_types = next_section(&w, shape->n_consts, 1)) == NULL ||
	    (p.ops = next_section(&w, shape->n_ops, sizeof(*p.ops))) == NULL ||
	    (p.refs = next_section(&w, shape->n_refs, sizeof(*p.refs))) == NULL)
		return -1;
	if (!const_types_ok(&p) || !refs_ok(&p))
		return -1;
	*out = p;
	return 0;
}

uint8_t
program_type(const struct program *p, uint16_t ref)
{
	size_t i = ref & REF_INDEX;

	switch (ref & REF_KIND) {
	case REF_INPUT: return handle_type(p->inputs[i].b);
	case REF_OUTPUT: return handle_type(p->outputs[i].b);
	}
	return p->const_types[i];
}

uint32_t
program_fee(const struct program *p, uint16_t ref)
{
	const uint8_t *b = p->consts[ref & REF_INDEX].b;

	return (uint32_t)b[28] << 24 | (uint32_t)b[29] << 16 |
	    (uint32_t)b[30] << 8 | b[31];
}

/* ---- lookup ------------------------------------------------------------ */

/*
 * An open-addressing hash table from words to references.  A slot holds a
 * reference + 1, or 0 if it is empty; the words stay in the program's tables.
 * The table is at most half full, so a search ends.  An attacker who chooses
 * colliding handles causes at most 768 comparisons per search, which is
 * harmless.
 */
_Static_assert(2 * (TASK_INPUTS + TASK_OUTPUTS + TASK_CONSTS) <= PROGRAM_SLOTS,
    "the lookup table is too small");
_Static_assert(PROGRAM_SLOTS == 1 << 11, "program_lookup() takes 11 bits");

static int
is_word_at(
    const struct program *p, uint16_t ref, const uint8_t word[32], int type)
{
	size_t i = ref & REF_INDEX;

	switch (ref & REF_KIND) {
	case REF_INPUT:
		return type == HANDLE && memcmp(p->inputs[i].b, word, 32) == 0;
	case REF_OUTPUT:
		return type == HANDLE && memcmp(p->outputs[i].b, word, 32) == 0;
	}
	return type == p->const_types[i] &&
	    memcmp(p->consts[i].b, word, 32) == 0;
}

uint16_t *
program_lookup(
    const struct program *p, uint16_t *slots, const uint8_t word[32], int type)
{
	uint64_t h = (uint64_t)type, part[4];
	size_t i;

	memcpy(part, word, sizeof(part));
	for (i = 0; i < 4; i++)
		h = (h ^ part[i]) * 0x9e3779b97f4a7c15; /* 2^64 / phi */
	for (i = h >> 53;; i++) /* the top 11 bits are mixed best */
		if (slots[i % PROGRAM_SLOTS] == 0 ||
		    is_word_at(p, (uint16_t)(slots[i % PROGRAM_SLOTS] - 1),
			word, type))
			return &slots[i % PROGRAM_SLOTS];
}

/* ---- check ------------------------------------------------------------- */

/* No handle may occur twice, as output, input or both. */
static uint32_t
check_distinct(const struct program *p)
{
	uint16_t slots[PROGRAM_SLOTS] = { 0 }, *slot;
	size_t i;

	for (i = 0; i < p->shape.n_outputs; i++) {
		slot = program_lookup(p, slots, p->outputs[i].b, HANDLE);
		if (*slot != 0)
			return ST_OUTPUT_TWICE;
		*slot = (uint16_t)((REF_OUTPUT | i) + 1);
	}
	for (i = 0; i < p->shape.n_inputs; i++) {
		slot = program_lookup(p, slots, p->inputs[i].b, HANDLE);
		if (*slot != 0 && ((*slot - 1) & REF_KIND) == REF_OUTPUT)
			return ST_USE_BEFORE_DEFINITION;
		if (*slot != 0)
			return ST_MALFORMED;
		*slot = (uint16_t)((REF_INPUT | i) + 1);
	}
	return ST_OK;
}

/* Progress through the operations. */
struct flow {
	size_t	n_read;		/* inputs used so far: 0 .. n_read - 1 */
	size_t	n_written;	/* outputs written so far, likewise */
};

static uint32_t
check_op_flow(struct flow *f, const struct p_op *op, const uint16_t *refs)
{
	size_t i, index, done = f->n_written;

	for (i = 0; i < (size_t)op->n_in + op->n_out; i++) {
		index = refs[i] & REF_INDEX;
		if (i >= op->n_in) {
			if (index < f->n_written)
				return ST_OUTPUT_TWICE;
			if (index > f->n_written)
				return ST_MALFORMED;
			f->n_written++;
		} else if ((refs[i] & REF_KIND) == REF_OUTPUT) {
			if (index >= done)
				return ST_USE_BEFORE_DEFINITION;
		} else if ((refs[i] & REF_KIND) == REF_INPUT) {
			if (index > f->n_read)
				return ST_MALFORMED;
			f->n_read += index == f->n_read;
		}
	}
	return ST_OK;
}

uint32_t
program_check_flow(const struct program *p)
{
	struct flow f = { 0, 0 };
	const uint16_t *refs = p->refs;
	uint32_t st;
	size_t i;

	for (i = 0; i < p->shape.n_ops; i++) {
		if ((st = check_op_flow(&f, &p->ops[i], refs)) != ST_OK)
			return st;
		refs += p->ops[i].n_in + p->ops[i].n_out;
	}
	if (f.n_read != p->shape.n_inputs || f.n_written != p->shape.n_outputs)
		return ST_MALFORMED;
	return check_distinct(p);
}

static int
is_integer(uint8_t type)
{
	return type_is_uint(type) || type_is_int(type);
}

/* Conversions that `cast' allows. */
static int
cast_ok(uint8_t from, uint8_t to)
{
	if (from == to)
		return 1;
	if (is_integer(from) && (is_integer(to) || to == TYPE_BOOL))
		return 1;
	if (from == TYPE_BOOL)
		return is_integer(to);
	if (from == TYPE_ADDRESS)
		return to == TYPE_UINT(160) || to == TYPE_BYTES(20);
	if (to == TYPE_ADDRESS)
		return from == TYPE_UINT(160) || from == TYPE_BYTES(20);
	if (type_is_bytes(from) && type_is_bytes(to))
		return 1;
	if ((type_is_bytes(from) && type_is_uint(to)) ||
	    (type_is_uint(from) && type_is_bytes(to)))
		return type_size(from) == type_size(to);
	return 0;
}

static int
letter_fits(char letter, uint8_t type, int is_const)
{
	switch (letter) {
	case 'I':
	case 'J': return is_integer(type);
	case 'U':
	case 'V': return type_is_uint(type);
	case 'S': return type_is_int(type);
	case 'B': return type == TYPE_BOOL;
	case 'A':
	case 'Y':
	case 'Z': return type_size(type) != 0;
	case 'L':
		return type == TYPE_BOOL || is_integer(type) ||
		    type_is_bytes(type);
	case 'H': return is_integer(type) || type_is_bytes(type);
	case 'w': return type == TYPE_UINT(256);
	case 'i': return type == TYPE_INT(256);
	case 'K': return is_const && type == TYPE_BYTES(32);
	case 'C': return is_const && type_is_uint(type);
	case 'F': return is_const && type == TYPE_UINT(32);
	}
	return 0;
}

#define UNBOUND		0xff		/* not a type */
#define REPEAT_MAX	100

/*
 * Match the operands of one side of a row with its pattern.  `bound' has the
 * type that each letter stands for; both sides of the row share it.
 */
static uint32_t
match_operands(const char *pattern, const struct program *p,
    const uint16_t *refs, size_t n, uint8_t bound[128])
{
	size_t i, len = strlen(pattern), most = len;
	uint8_t type, *b;
	int is_const;
	char c;

	if (len > 0 && pattern[len - 1] == '*') {
		len--;
		most = len - 1 + REPEAT_MAX;
	}
	if (n < len || n > most)
		return ST_WRONG_ARITY;
	for (i = 0; i < n; i++) {
		c = pattern[i < len ? i : len - 1];
		type = program_type(p, refs[i]);
		is_const = (refs[i] & REF_KIND) == REF_CONST;
		if (!letter_fits(c, type, is_const))
			return ST_TYPE_MISMATCH;
		/* randBounded: the bound must have the type of the output. */
		b = &bound[c == 'C' ? 'U' : c];
		if (*b != UNBOUND && *b != type)
			return ST_TYPE_MISMATCH;
		*b = type;
	}
	return ST_OK;
}

/* A handle must be valid and of this chain, a constant a value of its type. */
static uint32_t
check_operand(const struct program *p, uint64_t chain_id, uint16_t ref)
{
	size_t i = ref & REF_INDEX;
	const uint8_t *h;
	uint8_t plain[VALUE_MAX];

	if ((ref & REF_KIND) == REF_CONST) {
		if (type_size(p->const_types[i]) == 0)
			return ST_TYPE_MISMATCH;
		if (type_unword(p->const_types[i], p->consts[i].b, plain) != 0)
			return ST_CONSTANT_RANGE;
		return ST_OK;
	}
	h = (ref & REF_KIND) == REF_INPUT ? p->inputs[i].b : p->outputs[i].b;
	if (!handle_ok(h))
		return ST_BAD_HANDLE;
	return handle_chain(h) == chain_id ? ST_OK : ST_WRONG_CHAIN;
}

/* Check the rules of the flags, which the letters do not express. */
static uint32_t
check_row(const struct primitive *row, const struct program *p,
    const struct p_op *op, const uint16_t *refs)
{
	static const uint8_t zero[32];
	size_t i, handles = 0;
	uint32_t f, F;

	for (i = 0; i < op->n_in; i++) {
		handles += (refs[i] & REF_KIND) != REF_CONST;
		if (row->in[0] == 'C' &&
		    memcmp(p->consts[refs[i] & REF_INDEX].b, zero, 32) == 0)
			return ST_CONSTANT_RANGE;
	}
	if (handles == 0 && !(row->flags & P_NO_HANDLE))
		return ST_NO_HANDLE;
	if (row->flags & P_FEE) {
		f = program_fee(p, refs[op->n_in - 2]);
		F = program_fee(p, refs[op->n_in - 1]);
		if (f >= F || F > 1 << 16)
			return ST_FEE_RANGE;
	}
	if (row->flags & P_CAST &&
	    !cast_ok(program_type(p, refs[0]), program_type(p, refs[1])))
		return ST_TYPE_MISMATCH;
	return ST_OK;
}

/* Nox v0 has five types.  Constants are the operands of wrap, and of nothing
 * else. */
static int
nox_operands_ok(const struct primitive *row, const struct program *p,
    const struct p_op *op, const uint16_t *refs)
{
	const int wants_const = (row->flags & P_NO_HANDLE) != 0;
	size_t i;

	for (i = 0; i < (size_t)op->n_in + op->n_out; i++)
		switch (program_type(p, refs[i])) {
		case TYPE_BOOL:
		case TYPE_UINT(16):
		case TYPE_UINT(256):
		case TYPE_INT(16):
		case TYPE_INT(256): break;
		default: return 0;
		}
	for (i = 0; i < op->n_in; i++)
		if (((refs[i] & REF_KIND) == REF_CONST) != wants_const)
			return 0;
	return 1;
}

static uint32_t
check_op(const struct primitive *row, const struct program *p,
    uint64_t chain_id, const struct p_op *op, const uint16_t *refs)
{
	uint8_t bound[128];
	uint32_t st;
	size_t i;

	if (row == NULL)
		return ST_UNKNOWN_OPCODE;
	if (op->flags & ~OP_SAME_ACCOUNT ||
	    (op->flags != 0 && !(row->flags & P_SAME_ACCOUNT)))
		return ST_BAD_FLAGS;
	for (i = 0; i < (size_t)op->n_in + op->n_out; i++)
		if ((st = check_operand(p, chain_id, refs[i])) != ST_OK)
			return st;
	if (row->flags & P_NOX && !nox_operands_ok(row, p, op, refs))
		return ST_TYPE_MISMATCH;
	memset(bound, UNBOUND, sizeof(bound));
	if ((st = match_operands(row->in, p, refs, op->n_in, bound)) != ST_OK ||
	    (st = match_operands(
		 row->out, p, refs + op->n_in, op->n_out, bound)) != ST_OK)
		return st;
	return check_row(row, p, op, refs);
}

typedef const struct primitive *find_row(uint8_t opcode);

static uint32_t
check_program(
    const struct program *p, find_row *find, uint64_t chain_id, size_t *op)
{
	const uint16_t *refs = p->refs;
	const struct p_op *row;
	uint32_t st;

	for (*op = 0; *op < p->shape.n_ops; ++*op) {
		row = &p->ops[*op];
		if ((st = check_op(
			 find(row->opcode), p, chain_id, row, refs)) != ST_OK)
			return st;
		refs += row->n_in + row->n_out;
	}
	return program_check_flow(p);
}

uint32_t
program_check(const struct program *p, uint64_t chain_id, size_t *op)
{
	return check_program(p, primitive_by_opcode, chain_id, op);
}

/* ---- Nox v0 ------------------------------------------------------------ */

/* The operations of Nox v0, as in primitives.def.  Y, like A and Z, is any
 * type; I is never bool. */
static const struct primitive nox_primitives[] = {
	{ 0x01, P_NOX | P_NO_HANDLE, "wrap", "A", "A" },
	{ 0x10, P_NOX, "add", "II", "I" },
	{ 0x11, P_NOX, "sub", "II", "I" },
	{ 0x12, P_NOX, "mul", "II", "I" },
	{ 0x13, P_NOX, "div", "II", "I" },
	{ 0x30, P_NOX, "safeAdd", "II", "BI" },
	{ 0x31, P_NOX, "safeSub", "II", "BI" },
	{ 0x32, P_NOX, "safeMul", "II", "BI" },
	{ 0x33, P_NOX, "safeDiv", "II", "BI" },
	{ 0x50, P_NOX, "eq", "II", "B" },
	{ 0x51, P_NOX, "ne", "II", "B" },
	{ 0x52, P_NOX, "lt", "II", "B" },
	{ 0x53, P_NOX, "le", "II", "B" },
	{ 0x54, P_NOX, "gt", "II", "B" },
	{ 0x55, P_NOX, "ge", "II", "B" },
	{ 0x56, P_NOX, "select", "BAZ", "Y" },
	{ 0x70, P_NOX, "transfer", "www", "Bww" },
	{ 0x71, P_NOX, "mint", "www", "Bww" },
	{ 0x72, P_NOX, "burn", "www", "Bww" },
};

static const struct primitive *
find_nox(uint8_t opcode)
{
	size_t i;

	for (i = 0; i < sizeof(nox_primitives) / sizeof(nox_primitives[0]); i++)
		if (nox_primitives[i].opcode == opcode)
			return &nox_primitives[i];
	return NULL;
}

uint32_t
program_check_nox(const struct program *p, uint64_t chain_id, size_t *op)
{
	return check_program(p, find_nox, chain_id, op);
}
