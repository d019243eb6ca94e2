/* SPDX-License-Identifier: Apache-2.0
 *
 * Convert between protobuf and the flat structs of src/ipc/payload.h
 * (libwire.a).  Runs in net, and in tee-devnet for the other side, on bytes
 * that a peer sent.  Every length and count is checked here, once; nothing is
 * allocated, and nothing past a bound is read.
 */
#include <string.h>

#include "wire.h"

int
wire_fixed(const ProtobufCBinaryData *from, void *to, size_t n)
{
	if (from->len != n || from->data == NULL)
		return -1;
	memcpy(to, from->data, n);
	return 0;
}

int
wire_value(const ProtobufCBinaryData *handle, const ProtobufCBinaryData *key,
    const ProtobufCBinaryData *nonce, const ProtobufCBinaryData *ciphertext,
    struct m_value *to)
{
	struct m_value v;

	memset(&v, 0, sizeof(v));
	if (wire_fixed(handle, v.handle, sizeof(v.handle)) != 0 ||
	    wire_fixed(key, v.key, sizeof(v.key)) != 0 ||
	    wire_fixed(nonce, v.nonce, sizeof(v.nonce)) != 0)
		return -1;
	/* No value is shorter than a byte, and a tag of 16 follows it. */
	if (ciphertext->len < 17 || ciphertext->len > CIPHER_MAX ||
	    wire_fixed(ciphertext, v.ciphertext, ciphertext->len) != 0)
		return -1;
	v.len = (uint8_t)ciphertext->len;
	*to = v;
	return 0;
}

/* ---- tasks ------------------------------------------------------------- */

static uint32_t
wire_operand(const Teerunner__V1__Operand *from, struct builder *b)
{
	uint8_t word[32];

	switch (from->source_case) {
	case TEERUNNER__V1__OPERAND__SOURCE_HANDLE:
		if (wire_fixed(&from->handle, word, sizeof(word)) != 0)
			return ST_MALFORMED;
		return builder_handle(b, word);
	case TEERUNNER__V1__OPERAND__SOURCE_CONSTANT:
		if (wire_fixed(&from->constant->word, word, sizeof(word)) != 0)
			return ST_MALFORMED;
		return builder_const(b, from->constant->type, word);
	default: return ST_MALFORMED;
	}
}

static uint32_t
wire_operation(const Teerunner__V1__Operation *from, struct builder *b)
{
	uint8_t handle[32];
	uint32_t st;
	size_t i;

	if ((st = builder_op(b, from->opcode, from->flags)) != ST_OK)
		return st;
	for (i = 0; i < from->n_inputs; i++)
		if ((st = wire_operand(from->inputs[i], b)) != ST_OK)
			return st;
	for (i = 0; i < from->n_outputs; i++) {
		if (wire_fixed(&from->outputs[i], handle, sizeof(handle)) != 0)
			return ST_MALFORMED;
		if ((st = builder_output(b, handle)) != ST_OK)
			return st;
	}
	return ST_OK;
}

/* All but the operations. */
static int
wire_task_head(const Teerunner__V1__Task *from, struct m_task *t)
{
	if (wire_fixed(&from->id, t->id, sizeof(t->id)) != 0 ||
	    wire_fixed(&from->transaction_hash, t->transaction_hash,
		sizeof(t->transaction_hash)) != 0 ||
	    wire_fixed(&from->caller, t->caller, sizeof(t->caller)) != 0 ||
	    wire_fixed(&from->runner, t->runner, sizeof(t->runner)) != 0)
		return -1;
	t->attempt = from->attempt;
	t->chain_id = from->chain_id;
	t->block_number = from->block_number;
	t->issued_at = from->issued_at;
	t->deadline = from->deadline;
	return 0;
}

uint32_t
wire_task(const Teerunner__V1__Task *from, struct m_task *t, struct builder *b,
    size_t *op)
{
	struct program p;
	uint32_t st;

	builder_init(b);
	memset(t, 0, sizeof(*t));
	*op = from->n_operations;
	if (wire_task_head(from, t) != 0 || from->n_operations == 0)
		return ST_MALFORMED;
	if (from->n_operations > TASK_OPS)
		return ST_OVER_LIMIT;
	for (*op = 0; *op < from->n_operations; ++*op)
		if ((st = wire_operation(from->operations[*op], b)) != ST_OK)
			return st;
	t->shape = b->shape;
	p = (struct program){ b->shape, b->inputs, b->outputs, b->consts,
		b->const_types, b->ops, b->refs };
	return program_check(&p, t->chain_id, op);
}

/* ---- grants ------------------------------------------------------------ */

int
wire_grant(const Teerunner__V1__OperandGrant *from, struct m_grant_task *g,
    struct m_value operands[TASK_INPUTS])
{
	const Teerunner__V1__GrantedOperand *o;
	size_t i;

	memset(g, 0, sizeof(*g));
	if (wire_fixed(&from->task_id, g->id, sizeof(g->id)) != 0 ||
	    wire_fixed(&from->ephemeral_key, g->ephemeral_key,
		sizeof(g->ephemeral_key)) != 0)
		return -1;
	if (from->n_operands > TASK_INPUTS || from->n_seals > KMS_NODES)
		return -1;
	g->attempt = from->attempt;
	g->status = from->status;
	g->n_seals = (uint32_t)from->n_seals;
	for (i = 0; i < from->n_operands; i++) {
		o = from->operands[i];
		if (wire_value(&o->handle, &o->key, &o->nonce, &o->ciphertext,
			&operands[i]) != 0)
			return -1;
	}
	return 0;
}

int
wire_seal(const Teerunner__V1__Seal *from, size_t n, struct m_grant_seal *s,
    struct m_partial partials[TASK_INPUTS])
{
	memset(s, 0, sizeof(*s));
	if (wire_fixed(&from->key, s->key, sizeof(s->key)) != 0 ||
	    n > TASK_INPUTS ||
	    (n != 0 &&
		wire_fixed(&from->partials, partials, n * sizeof(*partials)) !=
		    0))
		return -1;
	if (n == 0 && from->partials.len != 0)
		return -1;
	s->node = from->node;
	return 0;
}
