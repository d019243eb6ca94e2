/* SPDX-License-Identifier: Apache-2.0
 *
 * What a peer may send, and each way in which it may not: every bound has its
 * status.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "builder.h"
#include "wire.h"

#define CHAIN	31337
#define U256	TYPE_UINT(256)
#define OPERANDS 128

/* A task of one add, whose parts a test bends. */
static struct {
	Teerunner__V1__Task		 task;
	Teerunner__V1__Operation	 ops[TASK_OPS + 1];
	Teerunner__V1__Operation	*op_list[TASK_OPS + 1];
	Teerunner__V1__Operand		 operands[OPERANDS];
	Teerunner__V1__Operand		*operand_list[OPERANDS];
	Teerunner__V1__Constant		 constant;
	ProtobufCBinaryData		 outputs[OPERANDS];
	uint8_t				 handles[3 * OPERANDS][32];
	uint8_t				 bytes[64];
} w;

static struct builder b;
static struct m_task t;
static size_t op;

static ProtobufCBinaryData
handle(size_t i)
{
	uint8_t *h = w.handles[i];

	memset(h, 0, 32);
	h[3] = CHAIN >> 8;
	h[4] = CHAIN & 0xff;
	h[5] = U256;
	h[30] = (uint8_t)(i >> 8);
	h[31] = (uint8_t)(i + 1);
	return (ProtobufCBinaryData){ 32, h };
}

static ProtobufCBinaryData
bytes(size_t n)
{
	return (ProtobufCBinaryData){ n, w.bytes };
}

static int
setup(void **state)
{
	size_t i;

	(void)state;
	memset(&w, 0, sizeof(w));
	memset(w.bytes, 0x5a, sizeof(w.bytes));
	for (i = 0; i < OPERANDS; i++) {
		teerunner__v1__operand__init(&w.operands[i]);
		w.operand_list[i] = &w.operands[i];
		w.operands[i]
		    .source_case = TEERUNNER__V1__OPERAND__SOURCE_HANDLE;
		w.operands[i].handle = handle(i);
		w.outputs[i] = handle(OPERANDS + i);
	}
	for (i = 0; i <= TASK_OPS; i++) {
		teerunner__v1__operation__init(&w.ops[i]);
		w.op_list[i] = &w.ops[i];
		w.ops[i].opcode = primitive_by_name("add")->opcode;
		w.ops[i].n_inputs = 2;
		w.ops[i].inputs = w.operand_list;
		w.ops[i].n_outputs = 1;
		w.ops[i].outputs = &w.outputs[i % OPERANDS];
	}
	teerunner__v1__constant__init(&w.constant);
	w.constant.type = U256;
	w.constant.word = bytes(32);
	teerunner__v1__task__init(&w.task);
	w.task.id = bytes(32);
	w.task.transaction_hash = bytes(32);
	w.task.caller = bytes(20);
	w.task.runner = bytes(20);
	w.task.attempt = 3;
	w.task.chain_id = CHAIN;
	w.task.issued_at = 5;
	w.task.deadline = 6;
	w.task.block_number = 7;
	w.task.n_operations = 1;
	w.task.operations = w.op_list;
	return 0;
}

static uint32_t
run(void)
{
	return wire_task(&w.task, &t, &b, &op);
}

static void
task_of_one_add_is_flattened(void **state)
{
	(void)state;
	assert_int_equal(run(), ST_OK);
	assert_int_equal(t.batch, 0);
	assert_int_equal(t.attempt, 3);
	assert_int_equal(t.chain_id, CHAIN);
	assert_int_equal(t.issued_at, 5);
	assert_int_equal(t.deadline, 6);
	assert_int_equal(t.block_number, 7);
	assert_memory_equal(t.id, w.bytes, 32);
	assert_memory_equal(t.caller, w.bytes, 20);
	assert_int_equal(t.shape.n_inputs, 2);
	assert_int_equal(t.shape.n_outputs, 1);
	assert_int_equal(t.shape.n_refs, 3);
	assert_memory_equal(b.inputs[1].b, w.handles[1], 32);
}

static void
constant_operand_is_taken(void **state)
{
	(void)state;
	w.operands[1].source_case = TEERUNNER__V1__OPERAND__SOURCE_CONSTANT;
	w.operands[1].constant = &w.constant;
	assert_int_equal(run(), ST_OK);
	assert_int_equal(t.shape.n_consts, 1);
	assert_int_equal(b.const_types[0], U256);
}

/* net refuses with each of them, which status.def must say. */
#define BENT(name, change, status)					\
	static void							\
	name(void **state)						\
	{								\
		(void)state;						\
		change;							\
		assert_int_equal(run(), status);			\
		assert_true(status_by(status, REFUSAL_NET));		\
	}

BENT(short_task_id, w.task.id.len = 31, ST_MALFORMED)
BENT(long_task_id, w.task.id.len = 33, ST_MALFORMED)
BENT(missing_task_id, memset(&w.task.id, 0, sizeof(w.task.id)), ST_MALFORMED)
BENT(short_transaction_hash, w.task.transaction_hash.len = 0, ST_MALFORMED)
BENT(long_caller, w.task.caller.len = 21, ST_MALFORMED)
BENT(short_runner, w.task.runner.len = 19, ST_MALFORMED)
BENT(no_operation, w.task.n_operations = 0, ST_MALFORMED)
BENT(too_many_operations, w.task.n_operations = TASK_OPS + 1, ST_OVER_LIMIT)
BENT(unknown_opcode, w.ops[0].opcode = 0xfe, ST_UNKNOWN_OPCODE)
BENT(opcode_wider_than_a_byte, w.ops[0].opcode += 256, ST_UNKNOWN_OPCODE)
BENT(flags_wider_than_a_byte, w.ops[0].flags = 256, ST_BAD_FLAGS)
BENT(operand_without_source, w.operands[1].source_case = 0, ST_MALFORMED)
BENT(short_input_handle, w.operands[1].handle.len = 31, ST_MALFORMED)
BENT(long_output_handle, w.outputs[0].len = 33, ST_MALFORMED)
BENT(too_few_operands, w.ops[0].n_inputs = 1, ST_WRONG_ARITY)
BENT(more_operands_than_any_operation, w.ops[0].n_inputs = OPERANDS,
    ST_WRONG_ARITY)
BENT(output_without_end, w.ops[0].n_outputs = OPERANDS, ST_WRONG_ARITY)
BENT(output_twice, w.task.n_operations = 2;
     w.ops[1].outputs = w.outputs, ST_OUTPUT_TWICE)
BENT(output_is_its_input, w.outputs[0] = w.operands[0].handle,
    ST_USE_BEFORE_DEFINITION)
BENT(handle_of_another_chain, w.handles[1][4]++, ST_WRONG_CHAIN)
BENT(task_of_another_chain, w.task.chain_id = 1, ST_WRONG_CHAIN)
BENT(handle_of_no_type, w.handles[0][5] = 0xff, ST_BAD_HANDLE)
BENT(handle_of_another_version, w.handles[0][0] = 1, ST_BAD_HANDLE)
BENT(types_that_do_not_fit, w.handles[0][5] = TYPE_UINT(8), ST_TYPE_MISMATCH)

static void
constant_with(uint32_t type, size_t n)
{
	w.operands[1].source_case = TEERUNNER__V1__OPERAND__SOURCE_CONSTANT;
	w.operands[1].constant = &w.constant;
	w.constant.type = type;
	w.constant.word = bytes(n);
}
BENT(short_constant, constant_with(U256, 31), ST_MALFORMED)
BENT(constant_type_wider_than_a_byte, constant_with(256 + U256, 32),
    ST_TYPE_MISMATCH)
BENT(constant_out_of_its_range, constant_with(TYPE_UINT(8), 32),
    ST_CONSTANT_RANGE)

/* Each operation has 101 operands: the eleventh is past 1024 references. */
static void
too_many_references(void **state)
{
	size_t i;

	(void)state;
	w.task.n_operations = 12;
	for (i = 0; i < 12; i++) {
		w.ops[i].opcode = primitive_by_name("isIn")->opcode;
		w.ops[i].n_inputs = OP_OPERANDS;
		w.handles[OPERANDS + i][5] = TYPE_BOOL;
	}
	assert_int_equal(run(), ST_OVER_LIMIT);
	assert_int_equal(op, 10);
}

static void
too_many_distinct_inputs(void **state)
{
	static Teerunner__V1__Operand many[TASK_OPS][2 + 1];
	static Teerunner__V1__Operand *list[TASK_OPS][2 + 1];
	static uint8_t handles[TASK_OPS][3][32];
	size_t i, j;

	(void)state;
	w.task.n_operations = TASK_OPS;
	for (i = 0; i < TASK_OPS; i++) {
		for (j = 0; j < 3; j++) {
			teerunner__v1__operand__init(&many[i][j]);
			memcpy(handles[i][j], w.handles[0], 32);
			handles[i][j][20] = (uint8_t)i;
			handles[i][j][21] = (uint8_t)(j + 1);
			many[i][j].source_case =
			    TEERUNNER__V1__OPERAND__SOURCE_HANDLE;
			many[i][j].handle = (ProtobufCBinaryData){ 32,
				handles[i][j] };
			list[i][j] = &many[i][j];
		}
		w.ops[i].n_inputs = 3;
		w.ops[i].inputs = list[i];
	}
	assert_int_equal(run(), ST_OVER_LIMIT);
	assert_int_equal(op, TASK_INPUTS / 3);
}

static void
the_operation_at_fault_is_named(void **state)
{
	(void)state;
	w.task.n_operations = 3;
	w.ops[2].flags = 2;
	assert_int_equal(run(), ST_BAD_FLAGS);
	assert_int_equal(op, 2);
}

/* ---- values and grants ------------------------------------------------- */

static int
value(size_t h, size_t k, size_t n, size_t c)
{
	const ProtobufCBinaryData d[4] = { bytes(h), bytes(k), bytes(n),
		bytes(c) };
	struct m_value v;

	return wire_value(&d[0], &d[1], &d[2], &d[3], &v);
}

static void
values_of_every_length_of_a_type_are_taken(void **state)
{
	size_t n;

	(void)state;
	for (n = 17; n <= CIPHER_MAX; n++)
		assert_int_equal(value(32, 33, 12, n), 0);
}

static void
value_handle_must_be_32(void **state)
{
	(void)state;
	assert_int_equal(value(31, 33, 12, 48), -1);
}

static void
value_key_must_be_33(void **state)
{
	(void)state;
	assert_int_equal(value(32, 64, 12, 48), -1);
}

static void
value_nonce_must_be_12(void **state)
{
	(void)state;
	assert_int_equal(value(32, 33, 16, 48), -1);
}

static void
value_ciphertext_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(value(32, 33, 12, 0), -1);
	assert_int_equal(value(32, 33, 12, 16), -1);
	assert_int_equal(value(32, 33, 12, 49), -1);
}

static Teerunner__V1__OperandGrant grant;
static Teerunner__V1__GrantedOperand granted;
static Teerunner__V1__GrantedOperand *grants[TASK_INPUTS + 1];
static struct m_grant_task g;
static struct m_value operands[TASK_INPUTS];

static int
grant_of(size_t n_operands, size_t n_seals)
{
	size_t i;

	teerunner__v1__operand_grant__init(&grant);
	teerunner__v1__granted_operand__init(&granted);
	granted.handle = bytes(32);
	granted.key = bytes(33);
	granted.nonce = bytes(12);
	granted.ciphertext = bytes(48);
	for (i = 0; i <= TASK_INPUTS; i++)
		grants[i] = &granted;
	grant.task_id = bytes(32);
	grant.ephemeral_key = bytes(33);
	grant.attempt = 2;
	grant.status = ST_OK;
	grant.operands = grants;
	grant.n_operands = n_operands;
	grant.n_seals = n_seals;
	return wire_grant(&grant, &g, operands);
}

static void
grant_is_flattened(void **state)
{
	(void)state;
	assert_int_equal(grant_of(TASK_INPUTS, KMS_NODES), 0);
	assert_int_equal(g.attempt, 2);
	assert_int_equal(g.n_seals, KMS_NODES);
	assert_int_equal(operands[TASK_INPUTS - 1].len, 48);
}

static void
grant_of_too_many_operands(void **state)
{
	(void)state;
	assert_int_equal(grant_of(TASK_INPUTS + 1, 1), -1);
}

static void
grant_of_too_many_seals(void **state)
{
	(void)state;
	assert_int_equal(grant_of(1, KMS_NODES + 1), -1);
}

static void
grant_of_a_short_task_id(void **state)
{
	(void)state;
	grant_of(1, 1);
	grant.task_id.len = 31;
	assert_int_equal(wire_grant(&grant, &g, operands), -1);
}

static void
grant_of_a_short_key(void **state)
{
	(void)state;
	grant_of(1, 1);
	grant.ephemeral_key.len = 32;
	assert_int_equal(wire_grant(&grant, &g, operands), -1);
}

static void
grant_of_a_bad_operand(void **state)
{
	(void)state;
	grant_of(1, 1);
	granted.ciphertext.len = 49;
	assert_int_equal(wire_grant(&grant, &g, operands), -1);
}

static int
seal_of(size_t n, size_t key, size_t partials)
{
	static uint8_t data[(TASK_INPUTS + 1) * sizeof(struct m_partial)];
	static struct m_partial flat[TASK_INPUTS];
	Teerunner__V1__Seal seal = TEERUNNER__V1__SEAL__INIT;
	struct m_grant_seal s;

	seal.node = 5;
	seal.key = bytes(key);
	seal.partials = (ProtobufCBinaryData){ partials, data };
	return wire_seal(&seal, n, &s, flat) == 0 && s.node == 5 ? 0 : -1;
}

static void
seal_has_a_partial_for_each_operand(void **state)
{
	(void)state;
	assert_int_equal(seal_of(2, 33, 288), 0);
	assert_int_equal(seal_of(TASK_INPUTS, 33, TASK_INPUTS * 144), 0);
	assert_int_equal(seal_of(0, 33, 0), 0);
}

static void
seal_of_another_number_of_partials(void **state)
{
	(void)state;
	assert_int_equal(seal_of(2, 33, 144), -1);
	assert_int_equal(seal_of(2, 33, 287), -1);
	assert_int_equal(seal_of(0, 33, 144), -1);
	assert_int_equal(
	    seal_of(TASK_INPUTS + 1, 33, (TASK_INPUTS + 1) * 144), -1);
}

static void
seal_of_a_long_key(void **state)
{
	(void)state;
	assert_int_equal(seal_of(1, 64, 144), -1);
}

#define T(name)	cmocka_unit_test_setup(name, setup)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(task_of_one_add_is_flattened),
		T(constant_operand_is_taken),
		T(short_task_id),
		T(long_task_id),
		T(missing_task_id),
		T(short_transaction_hash),
		T(long_caller),
		T(short_runner),
		T(no_operation),
		T(too_many_operations),
		T(unknown_opcode),
		T(opcode_wider_than_a_byte),
		T(flags_wider_than_a_byte),
		T(operand_without_source),
		T(short_input_handle),
		T(long_output_handle),
		T(too_few_operands),
		T(more_operands_than_any_operation),
		T(output_without_end),
		T(output_twice),
		T(output_is_its_input),
		T(handle_of_another_chain),
		T(task_of_another_chain),
		T(handle_of_no_type),
		T(handle_of_another_version),
		T(types_that_do_not_fit),
		T(short_constant),
		T(constant_type_wider_than_a_byte),
		T(constant_out_of_its_range),
		T(too_many_references),
		T(too_many_distinct_inputs),
		T(the_operation_at_fault_is_named),
		T(values_of_every_length_of_a_type_are_taken),
		T(value_handle_must_be_32),
		T(value_key_must_be_33),
		T(value_nonce_must_be_12),
		T(value_ciphertext_is_bounded),
		T(grant_is_flattened),
		T(grant_of_too_many_operands),
		T(grant_of_too_many_seals),
		T(grant_of_a_short_task_id),
		T(grant_of_a_short_key),
		T(grant_of_a_bad_operand),
		T(seal_has_a_partial_for_each_operand),
		T(seal_of_another_number_of_partials),
		T(seal_of_a_long_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
