/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds flat programs, one operation at a time (libprogram.a).  Runs in net
 * and the tools on what peers ask for.  If a call returns anything but ST_OK,
 * the builder is unchanged.  It enforces only the limits; program_check()
 * decides whether the program is valid.
 */
#include <string.h>

#include "builder.h"

void
builder_init(struct builder *b)
{
	memset(b, 0, sizeof(*b));
}

static struct program
view_program(const struct builder *b)
{
	return (struct program){ .inputs = b->inputs,
		.outputs = b->outputs,
		.consts = b->consts,
		.const_types = b->const_types };
}

uint32_t
builder_op(struct builder *b, uint32_t opcode, uint32_t flags)
{
	if (opcode > UINT8_MAX)
		return ST_UNKNOWN_OPCODE;
	if (flags > UINT8_MAX)
		return ST_BAD_FLAGS;
	if (b->shape.n_ops == TASK_OPS)
		return ST_OVER_LIMIT;
	b->ops[b->shape.n_ops++] = (struct p_op){ .opcode = (uint8_t)opcode,
		.flags = (uint8_t)flags };
	return ST_OK;
}

/* Find the operation to append to; fails if it cannot take another
 * reference. */
static uint32_t
last_op(struct builder *b, struct p_op **op)
{
	if (b->shape.n_ops == 0)
		return ST_MALFORMED;
	if (b->shape.n_refs == TASK_REFS)
		return ST_OVER_LIMIT;
	*op = &b->ops[b->shape.n_ops - 1];
	/* No operation takes this many operands, and the counts are single
	 * bytes. */
	if ((*op)->n_in + (*op)->n_out == OP_OPERANDS + 1)
		return ST_WRONG_ARITY;
	return ST_OK;
}

/* Append `word' to a table, unless the lookup found it there. */
static uint32_t
add_word(struct m_word *table, uint16_t *n, size_t max, uint16_t kind,
    uint16_t *slot, const uint8_t word[32])
{
	if (*slot != 0)
		return ST_OK;
	if (*n == max)
		return ST_OVER_LIMIT;
	memcpy(table[*n].b, word, 32);
	*slot = (uint16_t)((kind | *n) + 1);
	++*n;
	return ST_OK;
}

uint32_t
builder_handle(struct builder *b, const uint8_t handle[32])
{
	struct program p = view_program(b);
	uint16_t *slot = program_lookup(&p, b->slots, handle, HANDLE);
	struct p_op *op;
	uint32_t st;

	if ((st = last_op(b, &op)) != ST_OK)
		return st;
	if (op->n_out != 0)
		return ST_MALFORMED;
	if ((st = add_word(b->inputs, &b->shape.n_inputs, TASK_INPUTS,
		 REF_INPUT, slot, handle)) != ST_OK)
		return st;
	op->n_in++;
	b->refs[b->shape.n_refs++] = (uint16_t)(*slot - 1);
	return ST_OK;
}

uint32_t
builder_const(struct builder *b, uint32_t type, const uint8_t word[32])
{
	struct program p = view_program(b);
	struct p_op *op;
	uint16_t *slot;
	uint32_t st;

	if (type > UINT8_MAX || type_size((uint8_t)type) == 0)
		return ST_TYPE_MISMATCH;
	if ((st = last_op(b, &op)) != ST_OK)
		return st;
	if (op->n_out != 0)
		return ST_MALFORMED;
	slot = program_lookup(&p, b->slots, word, (int)type);
	if ((st = add_word(b->consts, &b->shape.n_consts, TASK_CONSTS,
		 REF_CONST, slot, word)) != ST_OK)
		return st;
	b->const_types[(*slot - 1) & REF_INDEX] = (uint8_t)type;
	op->n_in++;
	b->refs[b->shape.n_refs++] = (uint16_t)(*slot - 1);
	return ST_OK;
}

uint32_t
builder_output(struct builder *b, const uint8_t handle[32])
{
	struct program p = view_program(b);
	uint16_t *slot = program_lookup(&p, b->slots, handle, HANDLE);
	struct p_op *op;
	uint32_t st;

	if ((st = last_op(b, &op)) != ST_OK)
		return st;
	if (*slot != 0)
		return ((*slot - 1) & REF_KIND) == REF_OUTPUT ?
		    ST_OUTPUT_TWICE :
		    ST_USE_BEFORE_DEFINITION;
	if ((st = add_word(b->outputs, &b->shape.n_outputs, TASK_OUTPUTS,
		 REF_OUTPUT, slot, handle)) != ST_OK)
		return st;
	op->n_out++;
	b->refs[b->shape.n_refs++] = (uint16_t)(*slot - 1);
	return ST_OK;
}

/* Write one section, padded to whole words.  Returns the end. */
static uint8_t *
put_section(uint8_t *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	while (n % sizeof(struct m_word) != 0)
		to[n++] = 0;
	return to + n;
}

size_t
builder_words(const struct builder *b, struct m_word *words)
{
	const struct p_shape *s = &b->shape;
	uint8_t *at = words->b;

	at = put_section(at, b->inputs, s->n_inputs * sizeof(b->inputs[0]));
	at = put_section(at, b->outputs, s->n_outputs * sizeof(b->outputs[0]));
	at = put_section(at, b->consts, s->n_consts * sizeof(b->consts[0]));
	at = put_section(at, b->const_types, s->n_consts);
	at = put_section(at, b->ops, s->n_ops * sizeof(b->ops[0]));
	at = put_section(at, b->refs, s->n_refs * sizeof(b->refs[0]));
	return (size_t)(at - words->b) / sizeof(struct m_word);
}
