/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds tasks from arguments; the letters of primitives.def determine the
 * types of the outputs.  It makes no other checks: this is a test tool, and the
 * system itself must reject invalid programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "log.h"

Teerunner__V1__Task *
build_task(struct pool *pool, const uint8_t caller[20])
{
	Teerunner__V1__Task *task = pool_get(pool, 1, sizeof(*task));
	uint8_t random[64];

	random_fill(random, sizeof(random));
	teerunner__v1__task__init(task);
	task->id = pool_bytes(pool, random, 32);
	task->transaction_hash = pool_bytes(pool, random + 32, 32);
	task->caller = pool_bytes(pool, caller, 20);
	task->operations = pool_get(
	    pool, TASK_OPS + 1, sizeof(task->operations[0]));
	return task;
}

static int
add_arg(struct op *op, int is_constant, uint8_t type, const uint8_t word[32])
{
	struct arg *arg = &op->args[op->n_args];

	if (op->n_args == OP_OPERANDS)
		return -1;
	op->n_args++;
	arg->is_constant = is_constant;
	arg->type = type;
	memcpy(arg->word, word, 32);
	return 0;
}

void
build_handle(struct op *op, const uint8_t handle[32])
{
	add_arg(op, 0, handle_type(handle), handle);
}

/* `wrap' takes a raw word. */
void
build_constant(struct op *op, const struct plain *p)
{
	uint8_t word[32] = { 0 };
	size_t n = type_size(p->type);

	if (strcmp(op->primitive->in, "K") == 0 && op->type == -1) {
		op->type = p->type;
		memcpy(word + 32 - n, p->bytes, n);
		add_arg(op, 1, TYPE_BYTES(32), word);
		return;
	}
	type_word(p->type, p->bytes, word);
	add_arg(op, 1, p->type, word);
}

int
build_option(
    struct op *op, const char *key, const char *value, const char **why)
{
	struct plain p;

	if (strcmp(key, "type") == 0) {
		*why = "no such type";
		return value == NULL || (op->type = type_parse(value)) == -1 ?
		    -1 :
		    0;
	}
	if (strcmp(key, "sameAccount") == 0) {
		*why = "sameAccount is 0 or 1";
		op->flags = strcmp(value, "1") == 0 ? OP_SAME_ACCOUNT : 0;
		return strcmp(value, "0") == 0 || strcmp(value, "1") == 0 ? 0 :
									    -1;
	}
	if (strcmp(key, "constant") == 0) {
		if (value_parse("bytes32", value, &p, why) != 0)
			return -1;
		return add_arg(op, 1, p.type, p.bytes);
	}
	if (strcmp(key, "feeNum") == 0 || strcmp(key, "feeDen") == 0) {
		if (value_parse("uint32", value, &p, why) != 0)
			return -1;
		build_constant(op, &p);
		return 0;
	}
	*why = "options are type, sameAccount, constant, feeNum and feeDen";
	return -1;
}

/* Find the types that the letters of the inputs stand for. */
static void
learn_types(const struct op *op, int types[128])
{
	const char *in = op->primitive->in;
	size_t i, n = strlen(in);
	int c, letter = 0;

	for (c = 0; c < 128; c++)
		types[c] = -1;
	for (i = 0; i < op->n_args; i++) {
		if (i < n && in[i] != '*')
			letter = in[i] & 0x7f;
		if (types[letter] == -1)
			types[letter] = op->args[i].type;
	}
	types['B'] = TYPE_BOOL;
	types['w'] = TYPE_UINT(256);
	types['i'] = TYPE_INT(256);
	if (types['C'] != -1)
		types['U'] = types['C'];
}

static int
add_outputs(struct op *op, Teerunner__V1__Operation *o, struct pool *pool,
    uint64_t chain_id, const char **why)
{
	const char *out = op->primitive->out;
	size_t i, n = strlen(out);
	int types[128], type;

	learn_types(op, types);
	o->outputs = pool_get(pool, n, sizeof(o->outputs[0]));
	for (i = 0; i < n; i++) {
		type = types[out[i] & 0x7f];
		if (type == -1 && (type = op->type) == -1) {
			*why = "the type of the output is free: say type=";
			return -1;
		}
		value_handle(chain_id, (uint8_t)type, op->outputs[i]);
		o->outputs[i] = pool_bytes(pool, op->outputs[i], 32);
	}
	o->n_outputs = op->n_outputs = n;
	return 0;
}

/* Operations with more outputs than `success' and `result'. */
static const struct {
	const char	*op, *names[6];
} output_names[] = {
	{ "transfer", { "success", "newBalanceFrom", "newBalanceTo" } },
	{ "mint", { "success", "newBalanceTo", "newTotalSupply" } },
	{ "burn", { "success", "newBalanceFrom", "newTotalSupply" } },
	{ "transferCapped",
	    { "transferred", "newBalanceFrom", "newBalanceTo" } },
	{ "swap",
	    { "success", "amountOut", "newBalanceIn", "newBalanceOut",
		"newReserveIn", "newReserveOut" } },
};

const char *
build_output_name(const struct primitive *p, size_t i)
{
	size_t k;

	for (k = 0; k < sizeof(output_names) / sizeof(output_names[0]); k++)
		if (strcmp(output_names[k].op, p->name) == 0 && i < 6)
			return output_names[k].names[i];
	return p->out[i] == 'B' && strlen(p->out) > 1 ? "success" : "result";
}

static Teerunner__V1__Operand *
operand(const struct arg *arg, struct pool *pool)
{
	Teerunner__V1__Operand *o = pool_get(pool, 1, sizeof(*o));

	teerunner__v1__operand__init(o);
	if (!arg->is_constant) {
		o->source_case = TEERUNNER__V1__OPERAND__SOURCE_HANDLE;
		o->handle = pool_bytes(pool, arg->word, 32);
		return o;
	}
	o->source_case = TEERUNNER__V1__OPERAND__SOURCE_CONSTANT;
	o->constant = pool_get(pool, 1, sizeof(*o->constant));
	teerunner__v1__constant__init(o->constant);
	o->constant->type = arg->type;
	o->constant->word = pool_bytes(pool, arg->word, 32);
	return o;
}

int
build_op(struct pool *pool, Teerunner__V1__Task *task, struct op *op,
    uint64_t chain_id, const char **why)
{
	Teerunner__V1__Operation *o = pool_get(pool, 1, sizeof(*o));
	size_t i;

	if (task->n_operations > TASK_OPS) {
		*why = "a task has at most 128 operations";
		return -1;
	}
	/* "*" repeats a letter zero or more times. */
	if (op->n_args < strcspn(op->primitive->in, "*")) {
		*why = "too few arguments";
		return -1;
	}
	teerunner__v1__operation__init(o);
	o->opcode = op->primitive->opcode;
	o->flags = op->flags;
	o->n_inputs = op->n_args;
	o->inputs = pool_get(pool, op->n_args, sizeof(o->inputs[0]));
	for (i = 0; i < op->n_args; i++)
		o->inputs[i] = operand(&op->args[i], pool);
	if (add_outputs(op, o, pool, chain_id, why) != 0)
		return -1;
	task->operations[task->n_operations++] = o;
	return 0;
}
