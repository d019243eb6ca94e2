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
a_task_of_one_add_is_flattened(void **state)
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
an_operand_may_be_a_constant(void **state)
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

BENT(a_short_task_id_is_malformed, w.task.id.len = 31, ST_MALFORMED)
BENT(a_long_task_id_is_malformed, w.task.id.len = 33, ST_MALFORMED)
BENT(a_missing_task_id_is_malformed, memset(&w.task.id, 0, sizeof(w.task.id)),
    ST_MALFORMED)
BENT(an_empty_transaction_hash_is_malformed, w.task.transaction_hash.len = 0,
    ST_MALFORMED)
BENT(a_long_caller_is_malformed, w.task.caller.len = 21, ST_MALFORMED)
BENT(a_short_runner_is_malformed, w.task.runner.len = 19, ST_MALFORMED)
BENT(a_task_without_an_operation_is_malformed, w.task.n_operations = 0,
    ST_MALFORMED)
BENT(too_many_operations_are_over_the_limit, w.task.n_operations = TASK_OPS + 1,
    ST_OVER_LIMIT)
BENT(
    an_unknown_opcode_has_its_status, w.ops[0].opcode = 0xfe, ST_UNKNOWN_OPCODE)
BENT(an_opcode_wider_than_a_byte_is_unknown, w.ops[0].opcode += 256,
    ST_UNKNOWN_OPCODE)
BENT(flags_wider_than_a_byte_are_bad, w.ops[0].flags = 256, ST_BAD_FLAGS)
BENT(an_operand_without_a_source_is_malformed, w.operands[1].source_case = 0,
    ST_MALFORMED)
BENT(a_short_input_handle_is_malformed, w.operands[1].handle.len = 31,
    ST_MALFORMED)
BENT(a_long_output_handle_is_malformed, w.outputs[0].len = 33, ST_MALFORMED)
BENT(too_few_operands_are_a_wrong_arity, w.ops[0].n_inputs = 1, ST_WRONG_ARITY)
BENT(more_operands_than_any_operation_has_are_a_wrong_arity,
    w.ops[0].n_inputs = OPERANDS, ST_WRONG_ARITY)
BENT(more_outputs_than_any_operation_has_are_a_wrong_arity,
    w.ops[0].n_outputs = OPERANDS, ST_WRONG_ARITY)
BENT(an_output_of_two_operations_has_its_status, w.task.n_operations = 2;
     w.ops[1].outputs = w.outputs, ST_OUTPUT_TWICE)
BENT(an_output_that_is_an_input_is_used_before_its_definition,
    w.outputs[0] = w.operands[0].handle, ST_USE_BEFORE_DEFINITION)
BENT(
    a_handle_of_another_chain_has_its_status, w.handles[1][4]++, ST_WRONG_CHAIN)
BENT(
    a_task_of_another_chain_has_its_status, w.task.chain_id = 1, ST_WRONG_CHAIN)
BENT(a_handle_of_no_type_is_bad, w.handles[0][5] = 0xff, ST_BAD_HANDLE)
BENT(a_handle_of_another_version_is_bad, w.handles[0][0] = 1, ST_BAD_HANDLE)
BENT(operand_types_that_do_not_fit_have_their_status,
    w.handles[0][5] = TYPE_UINT(8), ST_TYPE_MISMATCH)

static void
constant_with(uint32_t type, size_t n)
{
	w.operands[1].source_case = TEERUNNER__V1__OPERAND__SOURCE_CONSTANT;
	w.operands[1].constant = &w.constant;
	w.constant.type = type;
	w.constant.word = bytes(n);
}
BENT(a_short_constant_is_malformed, constant_with(U256, 31), ST_MALFORMED)
BENT(a_constant_type_wider_than_a_byte_does_not_fit,
    constant_with(256 + U256, 32), ST_TYPE_MISMATCH)
BENT(a_constant_out_of_its_range_has_its_status,
    constant_with(TYPE_UINT(8), 32), ST_CONSTANT_RANGE)

/* Each operation has 101 operands: the eleventh is past 1024 references. */
static void
the_operation_that_exceeds_the_references_is_named(void **state)
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
the_operation_that_exceeds_the_inputs_is_named(void **state)
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
the_handle_of_a_value_has_32_bytes(void **state)
{
	(void)state;
	assert_int_equal(value(31, 33, 12, 48), -1);
}

static void
the_key_of_a_value_has_33_bytes(void **state)
{
	(void)state;
	assert_int_equal(value(32, 64, 12, 48), -1);
}

static void
the_nonce_of_a_value_has_12_bytes(void **state)
{
	(void)state;
	assert_int_equal(value(32, 33, 16, 48), -1);
}

static void
the_ciphertext_of_a_value_has_17_to_48_bytes(void **state)
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
the_largest_grant_is_flattened(void **state)
{
	(void)state;
	assert_int_equal(grant_of(TASK_INPUTS, KMS_NODES), 0);
	assert_int_equal(g.attempt, 2);
	assert_int_equal(g.n_seals, KMS_NODES);
	assert_int_equal(operands[TASK_INPUTS - 1].len, 48);
}

static void
a_grant_of_too_many_operands_is_refused(void **state)
{
	(void)state;
	assert_int_equal(grant_of(TASK_INPUTS + 1, 1), -1);
}

static void
a_grant_of_too_many_seals_is_refused(void **state)
{
	(void)state;
	assert_int_equal(grant_of(1, KMS_NODES + 1), -1);
}

static void
a_grant_of_a_short_task_id_is_refused(void **state)
{
	(void)state;
	grant_of(1, 1);
	grant.task_id.len = 31;
	assert_int_equal(wire_grant(&grant, &g, operands), -1);
}

static void
a_grant_of_a_short_key_is_refused(void **state)
{
	(void)state;
	grant_of(1, 1);
	grant.ephemeral_key.len = 32;
	assert_int_equal(wire_grant(&grant, &g, operands), -1);
}

static void
a_grant_of_a_bad_operand_is_refused(void **state)
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
a_seal_has_a_partial_for_each_operand(void **state)
{
	(void)state;
	assert_int_equal(seal_of(2, 33, 288), 0);
	assert_int_equal(seal_of(TASK_INPUTS, 33, TASK_INPUTS * 144), 0);
	assert_int_equal(seal_of(0, 33, 0), 0);
}

static void
a_seal_of_another_number_of_partials_is_refused(void **state)
{
	(void)state;
	assert_int_equal(seal_of(2, 33, 144), -1);
	assert_int_equal(seal_of(2, 33, 287), -1);
	assert_int_equal(seal_of(0, 33, 144), -1);
	assert_int_equal(
	    seal_of(TASK_INPUTS + 1, 33, (TASK_INPUTS + 1) * 144), -1);
}

static void
a_seal_of_a_long_key_is_refused(void **state)
{
	(void)state;
	assert_int_equal(seal_of(1, 64, 144), -1);
}

#define T(name)	cmocka_unit_test_setup(name, setup)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_task_of_one_add_is_flattened),
		T(an_operand_may_be_a_constant),
		T(a_short_task_id_is_malformed),
		T(a_long_task_id_is_malformed),
		T(a_missing_task_id_is_malformed),
		T(an_empty_transaction_hash_is_malformed),
		T(a_long_caller_is_malformed),
		T(a_short_runner_is_malformed),
		T(a_task_without_an_operation_is_malformed),
		T(too_many_operations_are_over_the_limit),
		T(an_unknown_opcode_has_its_status),
		T(an_opcode_wider_than_a_byte_is_unknown),
		T(flags_wider_than_a_byte_are_bad),
		T(an_operand_without_a_source_is_malformed),
		T(a_short_input_handle_is_malformed),
		T(a_long_output_handle_is_malformed),
		T(too_few_operands_are_a_wrong_arity),
		T(more_operands_than_any_operation_has_are_a_wrong_arity),
		T(more_outputs_than_any_operation_has_are_a_wrong_arity),
		T(an_output_of_two_operations_has_its_status),
		T(an_output_that_is_an_input_is_used_before_its_definition),
		T(a_handle_of_another_chain_has_its_status),
		T(a_task_of_another_chain_has_its_status),
		T(a_handle_of_no_type_is_bad),
		T(a_handle_of_another_version_is_bad),
		T(operand_types_that_do_not_fit_have_their_status),
		T(a_short_constant_is_malformed),
		T(a_constant_type_wider_than_a_byte_does_not_fit),
		T(a_constant_out_of_its_range_has_its_status),
		T(the_operation_that_exceeds_the_references_is_named),
		T(the_operation_that_exceeds_the_inputs_is_named),
		T(the_operation_at_fault_is_named),
		T(values_of_every_length_of_a_type_are_taken),
		T(the_handle_of_a_value_has_32_bytes),
		T(the_key_of_a_value_has_33_bytes),
		T(the_nonce_of_a_value_has_12_bytes),
		T(the_ciphertext_of_a_value_has_17_to_48_bytes),
		T(the_largest_grant_is_flattened),
		T(a_grant_of_too_many_operands_is_refused),
		T(a_grant_of_too_many_seals_is_refused),
		T(a_grant_of_a_short_task_id_is_refused),
		T(a_grant_of_a_short_key_is_refused),
		T(a_grant_of_a_bad_operand_is_refused),
		T(a_seal_has_a_partial_for_each_operand),
		T(a_seal_of_another_number_of_partials_is_refused),
		T(a_seal_of_a_long_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
