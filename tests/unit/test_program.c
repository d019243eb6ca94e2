/* SPDX-License-Identifier: Apache-2.0
 *
 * Types, handles, and flat programs: what is built is what is viewed, each
 * fault has its own status, and no bytes at all do harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "builder.h"

#define CHAIN	31337
#define U8	TYPE_UINT(8)
#define U256	TYPE_UINT(256)

static struct builder b;
static struct m_word words[PROGRAM_WORDS];

/* Handle number n of a type: different for each pair. */
static const uint8_t *
handle(uint8_t type, unsigned n)
{
	static uint8_t h[32];

	memset(h, 0, sizeof(h));
	h[3] = CHAIN >> 8;
	h[4] = CHAIN & 0xff;
	h[5] = type;
	h[30] = (uint8_t)(n >> 8);
	h[31] = (uint8_t)n;
	return h;
}

static const uint8_t *
number(unsigned n)
{
	static uint8_t w[32];

	w[29] = (uint8_t)(n >> 16);
	w[30] = (uint8_t)(n >> 8);
	w[31] = (uint8_t)n;
	return w;
}

static uint32_t
check(size_t *op)
{
	struct program p;
	size_t n = builder_words(&b, words);

	assert_int_equal(program_words(&b.shape), n);
	assert_int_equal(program_view(&p, &b.shape, words, n), 0);
	return program_check(&p, CHAIN, op);
}

static void
op(const char *name, uint32_t flags)
{
	assert_int_equal(
	    builder_op(&b, primitive_by_name(name)->opcode, flags), ST_OK);
}

static void
in(uint8_t type, unsigned n)
{
	assert_int_equal(builder_handle(&b, handle(type, n)), ST_OK);
}

static void
constant(uint8_t type, unsigned n)
{
	assert_int_equal(builder_const(&b, type, number(n)), ST_OK);
}

static void
out(uint8_t type, unsigned n)
{
	assert_int_equal(builder_output(&b, handle(type, n)), ST_OK);
}

static void
add(unsigned x, unsigned y, unsigned z)
{
	op("add", 0);
	in(U8, x);
	in(U8, y);
	out(U8, z);
}

static void
expect(uint32_t st)
{
	size_t at;

	assert_int_equal(check(&at), st);
	builder_init(&b);
}

static int
setup(void **state)
{
	(void)state;
	builder_init(&b);
	return 0;
}

static void
there_are_98_types_each_with_its_name(void **state)
{
	unsigned t, n = 0;

	(void)state;
	for (t = 0; t < 256; t++) {
		if (type_size((uint8_t)t) == 0) {
			assert_string_equal(type_name((uint8_t)t), "?");
			continue;
		}
		n++;
		assert_int_equal(type_parse(type_name((uint8_t)t)), t);
	}
	assert_int_equal(n, 98);
	assert_int_equal(type_parse("uint256"), 35);
	assert_int_equal(type_parse("int8"), 36);
	assert_int_equal(type_parse("bytes32"), 99);
	assert_int_equal(type_parse("string"), -1);
	assert_int_equal(type_parse("uint12"), -1);
}

static void
words_hold_values_as_solidity_does(void **state)
{
	uint8_t w[32], plain[32];

	(void)state;
	type_word(TYPE_INT(16), (const uint8_t *)"\xff\xfe", w);
	assert_int_equal(w[0], 0xff);
	assert_int_equal(w[31], 0xfe);
	assert_int_equal(type_unword(TYPE_INT(16), w, plain), 0);
	assert_memory_equal(plain, "\xff\xfe", 2);
	assert_int_equal(type_unword(TYPE_UINT(16), w, plain), -1);
	type_word(TYPE_BYTES(2), (const uint8_t *)"ab", w);
	assert_memory_equal(w, "ab\0", 3);
	assert_int_equal(type_unword(TYPE_BYTES(1), w, plain), -1);
	assert_int_equal(type_unword(TYPE_BOOL, number(2), plain), -1);
	assert_int_equal(type_unword(TYPE_BOOL, number(1), plain), 0);
	assert_int_equal(type_unword(TYPE_INT(8), number(128), plain), -1);
	assert_int_equal(type_unword(TYPE_UINT(8), number(256), plain), -1);
	assert_int_equal(type_unword(2, number(1), plain), -1);
}

static void
a_known_status_has_a_name_a_text_and_a_class(void **state)
{
	(void)state;
	assert_string_equal(status_name(ST_INPUT_MISSING), "INPUT_MISSING");
	assert_int_equal(status_class(ST_INPUT_MISSING), CLASS_WAITING);
	assert_string_equal(status_class_name(ST_WORKER_LOST), "retryable");
	assert_string_equal(status_text(ST_OK), "computed");
	assert_null(status_name(1));
	assert_int_equal(status_class(1), CLASS_TERMINAL);
}

static void
what_is_built_is_what_is_viewed(void **state)
{
	struct program p;
	size_t n, at;

	(void)state;
	op("transfer", OP_SAME_ACCOUNT);
	in(U256, 1);
	in(U256, 1);
	constant(U256, 7);
	out(TYPE_BOOL, 2);
	out(U256, 3);
	out(U256, 4);
	op("select", 0);
	in(TYPE_BOOL, 2);
	in(U256, 3);
	constant(U256, 7);
	out(U256, 5);
	n = builder_words(&b, words);
	assert_int_equal(n, 1 + 4 + 1 + 1 + 1 + 1);
	assert_int_equal(program_view(&p, &b.shape, words, n), 0);
	assert_int_equal(program_check(&p, CHAIN, &at), ST_OK);
	assert_int_equal(p.shape.n_inputs, 1);
	assert_int_equal(p.shape.n_consts, 1);
	assert_int_equal(p.refs[1], REF_INPUT | 0);
	assert_int_equal(p.refs[6], REF_OUTPUT | 0);
	assert_int_equal(p.refs[8], REF_CONST | 0);
	assert_memory_equal(p.outputs[3].b, handle(U256, 5), 32);
}

static void
equal_constants_of_different_types_are_two(void **state)
{
	(void)state;
	op("add", 0);
	constant(U8, 7);
	constant(U256, 7);
	assert_int_equal(b.shape.n_consts, 2);
}

static void
an_unknown_opcode_is_refused(void **state)
{
	size_t at;

	(void)state;
	add(1, 2, 3);
	assert_int_equal(builder_op(&b, 0xff, 0), ST_OK);
	assert_int_equal(check(&at), ST_UNKNOWN_OPCODE);
	assert_int_equal(at, 1);
	assert_int_equal(builder_op(&b, 0x101, 0), ST_UNKNOWN_OPCODE);
}

static void
a_wrong_number_of_operands_is_refused(void **state)
{
	unsigned i;

	(void)state;
	op("add", 0);
	in(U8, 1);
	out(U8, 2);
	expect(ST_WRONG_ARITY);
	op("sum", 0);
	out(U8, 2);
	expect(ST_WRONG_ARITY);
	op("sum", 0);
	for (i = 0; i < 100; i++)
		in(U8, i);
	out(U8, 200);
	expect(ST_OK);
	op("sum", 0);
	for (i = 0; i < 101; i++)
		in(U8, i);
	out(U8, 200);
	expect(ST_WRONG_ARITY);
	op("isIn", 0);
	in(U8, 1);
	out(TYPE_BOOL, 2);
	expect(ST_WRONG_ARITY);
	op("safeAdd", 0);
	in(U8, 1);
	in(U8, 1);
	out(TYPE_BOOL, 2);
	expect(ST_WRONG_ARITY);
	op("isIn", 0);
	for (i = 0; i < 102; i++)
		in(U8, i);
	assert_int_equal(builder_handle(&b, handle(U8, 200)), ST_WRONG_ARITY);
}

static void
operands_of_types_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	op("add", 0);
	in(U8, 1);
	in(TYPE_INT(8), 2);
	out(U8, 3);
	expect(ST_TYPE_MISMATCH);
	op("eq", 0);
	in(U8, 1);
	in(U8, 2);
	out(U8, 3);
	expect(ST_TYPE_MISMATCH);
	op("and", 0);
	in(TYPE_ADDRESS, 1);
	in(TYPE_ADDRESS, 2);
	out(TYPE_ADDRESS, 3);
	expect(ST_TYPE_MISMATCH);
	op("wrap", 0);
	in(TYPE_BYTES(32), 1);
	out(U8, 3);
	expect(ST_TYPE_MISMATCH);
	op("randBounded", 0);
	constant(U8, 3);
	out(U256, 3);
	expect(ST_TYPE_MISMATCH);
	assert_int_equal(builder_op(&b, 0x10, 0), ST_OK);
	assert_int_equal(builder_const(&b, 2, number(1)), ST_TYPE_MISMATCH);
	assert_int_equal(builder_const(&b, 256, number(1)), ST_TYPE_MISMATCH);
}

static void
cast(uint8_t from, uint8_t to, uint32_t st)
{
	add(7, 8, 9);		/* another type just before */
	op("cast", 0);
	in(from, 1);
	out(to, 2);
	expect(st);
}

static void
cast_takes_certain_pairs_of_types_alone(void **state)
{
	(void)state;
	cast(U8, TYPE_INT(256), ST_OK);
	cast(TYPE_INT(8), TYPE_BOOL, ST_OK);
	cast(TYPE_BOOL, TYPE_INT(24), ST_OK);
	cast(TYPE_BOOL, TYPE_BOOL, ST_OK);
	cast(TYPE_BOOL, TYPE_BYTES(1), ST_TYPE_MISMATCH);
	cast(TYPE_BOOL, TYPE_ADDRESS, ST_TYPE_MISMATCH);
	cast(TYPE_BYTES(1), TYPE_BOOL, ST_TYPE_MISMATCH);
	cast(TYPE_ADDRESS, TYPE_UINT(160), ST_OK);
	cast(TYPE_ADDRESS, TYPE_BYTES(20), ST_OK);
	cast(TYPE_ADDRESS, TYPE_BYTES(19), ST_TYPE_MISMATCH);
	cast(TYPE_ADDRESS, TYPE_BYTES(21), ST_TYPE_MISMATCH);
	cast(TYPE_BYTES(20), TYPE_ADDRESS, ST_OK);
	cast(TYPE_BYTES(21), TYPE_ADDRESS, ST_TYPE_MISMATCH);
	cast(TYPE_UINT(160), TYPE_ADDRESS, ST_OK);
	cast(TYPE_ADDRESS, TYPE_UINT(256), ST_TYPE_MISMATCH);
	cast(TYPE_INT(160), TYPE_ADDRESS, ST_TYPE_MISMATCH);
	cast(TYPE_ADDRESS, TYPE_ADDRESS, ST_OK);
	cast(TYPE_BYTES(4), TYPE_UINT(32), ST_OK);
	cast(TYPE_UINT(32), TYPE_BYTES(4), ST_OK);
	cast(TYPE_INT(32), TYPE_BYTES(4), ST_TYPE_MISMATCH);
	cast(TYPE_BYTES(4), TYPE_UINT(64), ST_TYPE_MISMATCH);
	cast(TYPE_BYTES(4), TYPE_BYTES(32), ST_OK);
}

static void
a_handle_is_not_used_before_it_is_written(void **state)
{
	struct program p;
	size_t n, at;

	(void)state;
	add(1, 2, 3);
	op("neg", 0);
	in(U8, 4);
	assert_int_equal(
	    builder_output(&b, handle(U8, 1)), ST_USE_BEFORE_DEFINITION);
	out(U8, 5);
	/* By hand: the input of the first operation is an output too. */
	memcpy(b.inputs[0].b, handle(U8, 5), 32);
	expect(ST_USE_BEFORE_DEFINITION);

	add(1, 2, 3);
	b.refs[0] = REF_OUTPUT | 0;	/* its own */
	b.shape.n_inputs = 1;
	b.refs[1] = REF_INPUT | 0;
	n = builder_words(&b, words);
	assert_int_equal(program_view(&p, &b.shape, words, n), 0);
	assert_int_equal(
	    program_check(&p, CHAIN, &at), ST_USE_BEFORE_DEFINITION);
}

static void
no_handle_is_written_twice(void **state)
{
	(void)state;
	add(1, 2, 3);
	op("neg", 0);
	in(U8, 3);
	assert_int_equal(builder_output(&b, handle(U8, 3)), ST_OUTPUT_TWICE);
	out(U8, 4);
	b.refs[4] = REF_OUTPUT | 0;
	expect(ST_OUTPUT_TWICE);
	add(1, 2, 3);
	add(1, 2, 4);
	b.outputs[1] = b.outputs[0];
	expect(ST_OUTPUT_TWICE);
}

static void
a_constant_is_in_the_range_of_its_type(void **state)
{
	(void)state;
	op("add", 0);
	in(U8, 1);
	constant(U8, 256);
	out(U8, 3);
	expect(ST_CONSTANT_RANGE);
	op("randBounded", 0);
	constant(U8, 0);
	out(U8, 3);
	expect(ST_CONSTANT_RANGE);
	op("randBounded", 0);
	constant(U8, 1);
	out(U8, 3);
	expect(ST_OK);
}

static void
swap(unsigned f, unsigned F, uint32_t st)
{
	unsigned i;

	op("swap", 0);
	for (i = 0; i < 6; i++)
		in(U8, i);
	constant(TYPE_UINT(32), f);
	constant(TYPE_UINT(32), F);
	out(TYPE_BOOL, 10);
	for (i = 0; i < 5; i++)
		out(U8, 11 + i);
	expect(st);
}

static void
a_fee_is_less_than_one_in_parts_of_at_most_65536(void **state)
{
	(void)state;
	swap(3, 1000, ST_OK);
	swap(0, 1, ST_OK);
	swap(65535, 65536, ST_OK);
	swap(0, 0, ST_FEE_RANGE);
	swap(7, 7, ST_FEE_RANGE);
	swap(0, 65537, ST_FEE_RANGE);
}

static void
an_operation_takes_a_handle_unless_it_needs_none(void **state)
{
	(void)state;
	op("add", 0);
	constant(U8, 1);
	constant(U8, 2);
	out(U8, 3);
	expect(ST_NO_HANDLE);
	op("wrap", 0);
	constant(TYPE_BYTES(32), 2);
	out(U8, 3);
	expect(ST_OK);
	op("rand", 0);
	out(TYPE_ADDRESS, 3);
	expect(ST_OK);
}

static void
handles_of_other_versions_types_or_chains_are_refused(void **state)
{
	(void)state;
	add(1, 2, 3);
	b.inputs[0].b[0] = 1;
	expect(ST_BAD_HANDLE);
	add(1, 2, 3);
	b.outputs[0].b[5] = 2;
	expect(ST_BAD_HANDLE);
	add(1, 2, 3);
	b.outputs[0].b[4] ^= 1;
	expect(ST_WRONG_CHAIN);
}

static void
flags_that_an_operation_does_not_have_are_refused(void **state)
{
	(void)state;
	op("add", OP_SAME_ACCOUNT);
	in(U8, 1);
	in(U8, 2);
	out(U8, 3);
	expect(ST_BAD_FLAGS);
	op("transfer", 2);
	expect(ST_BAD_FLAGS);
	assert_int_equal(builder_op(&b, 0x10, 256), ST_BAD_FLAGS);
}

static void
the_builder_stops_at_each_limit(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < TASK_OPS; i++)
		add(1, 2, 10 + i);
	assert_int_equal(builder_op(&b, 0x10, 0), ST_OVER_LIMIT);
	expect(ST_OK);
	for (i = 0; i < TASK_INPUTS; i++) {
		if (i % 100 == 0)
			op("sum", 0);
		in(U8, i);
	}
	assert_int_equal(builder_handle(&b, handle(U8, 300)), ST_OVER_LIMIT);
	in(U8, 5);
	builder_init(&b);
	for (i = 0; i < TASK_CONSTS; i++) {
		if (i % 100 == 0)
			op("sum", 0);
		constant(U8, i);
	}
	assert_int_equal(builder_const(&b, U8, number(999)), ST_OVER_LIMIT);
	constant(U8, 5);
	builder_init(&b);
	for (i = 0; i < TASK_OUTPUTS; i++) {
		if (i % 100 == 0)
			op("sum", 0);
		out(U8, i);
	}
	assert_int_equal(builder_output(&b, handle(U8, 300)), ST_OVER_LIMIT);
	builder_init(&b);
	for (i = 0; i < TASK_REFS; i++) {
		if (i % 100 == 0)
			op("sum", 0);
		in(U8, 1);
	}
	assert_int_equal(builder_handle(&b, handle(U8, 1)), ST_OVER_LIMIT);
}

static void
inputs_unused_repeated_or_out_of_order_are_refused(void **state)
{
	(void)state;
	add(1, 2, 3);
	b.refs[0] = REF_INPUT | 1;
	b.refs[1] = REF_INPUT | 0;
	expect(ST_MALFORMED);
	add(1, 2, 3);
	b.refs[1] = REF_INPUT | 0;
	expect(ST_MALFORMED);
	add(1, 2, 3);
	b.inputs[1] = b.inputs[0];
	expect(ST_MALFORMED);
}

static void
the_builder_refuses_operands_that_are_out_of_place(void **state)
{
	(void)state;
	assert_int_equal(builder_handle(&b, handle(U8, 1)), ST_MALFORMED);
	assert_int_equal(builder_const(&b, U8, number(1)), ST_MALFORMED);
	assert_int_equal(builder_output(&b, handle(U8, 1)), ST_MALFORMED);
	add(1, 2, 3);
	assert_int_equal(builder_handle(&b, handle(U8, 1)), ST_MALFORMED);
}

static void
a_shape_that_does_not_fit_its_words_is_refused(void **state)
{
	struct program p;
	struct p_shape s;
	size_t n;

	(void)state;
	add(1, 2, 3);
	n = builder_words(&b, words);
	s = b.shape;
	assert_int_equal(program_view(&p, &s, words, n - 1), -1);
	assert_int_equal(program_view(&p, &s, words, 0), -1);
	s.zero = 1;
	assert_int_equal(program_view(&p, &s, words, n), -1);
	s = b.shape;
	s.n_inputs = TASK_INPUTS + 1;
	assert_int_equal(program_words(&s), 0);
	s = b.shape;
	s.n_refs = 2;
	assert_int_equal(program_view(&p, &s, words, n), -1);
	s.n_refs = 4;		/* one that no operation has */
	assert_int_equal(program_view(&p, &s, words, n), -1);
	words[n - 1].b[31] = 1;	/* padding */
	assert_int_equal(program_view(&p, &b.shape, words, n), -1);
	b.refs[0] = REF_KIND;
	n = builder_words(&b, words);
	assert_int_equal(program_view(&p, &b.shape, words, n), -1);
	b.refs[0] = REF_CONST;
	n = builder_words(&b, words);
	assert_int_equal(program_view(&p, &b.shape, words, n), -1);
	b.refs[0] = REF_INPUT;
	b.refs[2] = REF_INPUT;	/* an operation writes an input */
	n = builder_words(&b, words);
	assert_int_equal(program_view(&p, &b.shape, words, n), -1);
}

/* The type alone decides, and for each letter of primitives.def its own. */
static int
is_uint(uint8_t t)
{
	return t >= U8 && t <= U256;
}

static int
is_int(uint8_t t)
{
	return t >= TYPE_INT(8) && t <= TYPE_INT(256);
}

static int
is_number(uint8_t t)
{
	return is_uint(t) || is_int(t);
}

static int
is_bytes(uint8_t t)
{
	return t >= TYPE_BYTES(1) && t <= TYPE_BYTES(32);
}

static int
is_bool(uint8_t t)
{
	return t == TYPE_BOOL;
}

static int
is_any(uint8_t t)
{
	return is_number(t) || is_bytes(t) || is_bool(t) || t == TYPE_ADDRESS;
}

static int
is_shifted(uint8_t t)
{
	return is_number(t) || is_bytes(t);
}

static int
is_bitwise(uint8_t t)
{
	return is_shifted(t) || is_bool(t);
}

static int
is_wad(uint8_t t)
{
	return t == U256;
}

static int
is_signed_wad(uint8_t t)
{
	return t == TYPE_INT(256);
}

/* In the pattern of `in' and `out', ? is the type under test, b a bool and 8 a
 * uint8. */
static const struct {
	const char	*name, *in, *out;
	int		(*fits)(uint8_t);
} letters[] = {
	{ "neg", "?", "?", is_number },			/* I */
	{ "safeCast", "8", "b?", is_number },		/* J */
	{ "sqrt", "?", "?", is_uint },			/* U */
	{ "exp", "8?", "8", is_uint },			/* V */
	{ "abs", "?", "?", is_int },			/* S */
	{ "select", "?88", "8", is_bool },		/* B */
	{ "eq", "??", "b", is_any },			/* A */
	{ "not", "?", "?", is_bitwise },		/* L */
	{ "shl", "?8", "?", is_shifted },		/* H */
	{ "sqrtWad", "?", "b?", is_wad },		/* w */
	{ "expWad", "?", "b?", is_signed_wad },		/* i */
};

static uint8_t
type_of(char c, uint8_t t)
{
	return c == 'b' ? TYPE_BOOL : c == '8' ? U8 : t;
}

static void
each_letter_takes_its_types_alone(void **state)
{
	const char *c;
	size_t i;
	uint8_t t;

	(void)state;
	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		for (t = 0; t < 128; t++) {
			if (type_size(t) == 0)
				continue;
			op(letters[i].name, 0);
			for (c = letters[i].in; *c != '\0'; c++)
				in(type_of(*c, t), 1);
			for (c = letters[i].out; *c != '\0'; c++)
				out(type_of(*c, t),
				    20 + (unsigned)(c - letters[i].out));
			expect(letters[i].fits(t) ? ST_OK : ST_TYPE_MISMATCH);
		}
}

static void
some_operands_must_be_constants(void **state)
{
	unsigned i;

	(void)state;
	op("wrap", 0);
	in(TYPE_BYTES(32), 1);
	out(U8, 2);
	expect(ST_TYPE_MISMATCH);
	op("randBounded", 0);
	in(U8, 1);
	out(U8, 2);
	expect(ST_TYPE_MISMATCH);
	op("randBounded", 0);
	constant(TYPE_INT(8), 1);
	out(TYPE_INT(8), 2);
	expect(ST_TYPE_MISMATCH);
	op("swap", 0);
	for (i = 0; i < 6; i++)
		in(U8, i);
	constant(TYPE_UINT(32), 3);
	in(TYPE_UINT(32), 7);
	out(TYPE_BOOL, 10);
	for (i = 0; i < 5; i++)
		out(U8, 11 + i);
	expect(ST_TYPE_MISMATCH);
}

static void
a_fee_is_the_last_four_bytes(void **state)
{
	struct m_word fee = { { 0 } };
	struct program p = { .consts = &fee };

	(void)state;
	memcpy(fee.b + 27, "\x09\x81\x92\xa3\xb4", 5);
	assert_int_equal(program_fee(&p, REF_CONST | 0), 0x8192a3b4);
}

static void
each_limit_of_a_shape_holds_by_itself(void **state)
{
	static const struct {
		size_t at;
		uint16_t limit;
	} of[] = {
		{ offsetof(struct p_shape, n_inputs), TASK_INPUTS },
		{ offsetof(struct p_shape, n_outputs), TASK_OUTPUTS },
		{ offsetof(struct p_shape, n_consts), TASK_CONSTS },
		{ offsetof(struct p_shape, n_ops), TASK_OPS },
		{ offsetof(struct p_shape, n_refs), TASK_REFS },
	};
	struct p_shape s;
	uint16_t n;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		memset(&s, 0, sizeof(s));
		n = of[i].limit;
		memcpy((char *)&s + of[i].at, &n, sizeof(n));
		assert_int_not_equal(program_words(&s), 0);
		n++;
		memcpy((char *)&s + of[i].at, &n, sizeof(n));
		assert_int_equal(program_words(&s), 0);
	}
}

/* The bytes after a word make no difference. */
static void
a_word_has_32_bytes_and_no_more(void **state)
{
	uint8_t word[33];
	unsigned i;

	(void)state;
	op("sum", 0);
	for (i = 0; i < 4; i++) {
		word[32] = (uint8_t)(0xa0 + i);
		memcpy(word, handle(U8, i / 2), 32);
		assert_int_equal(builder_handle(&b, word), ST_OK);
		memcpy(word, number(i / 2), 32);
		assert_int_equal(builder_const(&b, U8, word), ST_OK);
	}
	assert_int_equal(b.shape.n_inputs, 2);
	assert_int_equal(b.shape.n_consts, 2);
	for (i = 0; i < 4; i++) {
		word[32] = (uint8_t)(0xa0 + i);
		memcpy(word, handle(U8, 10 + i / 2), 32);
		assert_int_equal(builder_output(&b, word),
		    i % 2 == 0 ? ST_OK : ST_OUTPUT_TWICE);
	}
}

/* Else a search would compare with every word there is. */
static void
words_that_differ_anywhere_are_spread(void **state)
{
	static uint16_t slots[PROGRAM_SLOTS];
	const struct program p = { .inputs = NULL };
	uint8_t seen[PROGRAM_SLOTS], word[32];
	unsigned at, i, distinct;
	size_t slot;

	(void)state;
	for (at = 0; at < 32; at++) {
		memset(seen, 0, sizeof(seen));
		memset(word, 0, sizeof(word));
		for (i = distinct = 0; i < 256; i++) {
			word[at] = (uint8_t)i;
			slot = (size_t)(program_lookup(
					    &p, slots, word, HANDLE) -
			    slots);
			distinct += !seen[slot];
			seen[slot] = 1;
		}
		assert_true(distinct > 100);
	}
}

/* Every slot is taken but one: the search for another word ends there. */
static void
a_search_compares_all_of_a_word_and_its_type(void **state)
{
	static uint16_t slots[PROGRAM_SLOTS];
	static const uint16_t refs[] = { REF_INPUT, REF_OUTPUT, REF_CONST };
	struct m_word in[1], out[1], konst[1], word;
	const uint8_t type = U8;
	const struct program p = { .inputs = in,
		.outputs = out,
		.consts = konst,
		.const_types = &type };
	size_t i, at;
	int t;

	(void)state;
	memset(in, 1, sizeof(in));
	memset(out, 2, sizeof(out));
	memset(konst, 3, sizeof(konst));
	for (i = 0; i < 3; i++) {
		for (at = 0; at < PROGRAM_SLOTS; at++)
			slots[at] = (uint16_t)(refs[i] + 1);
		slots[77] = 0;
		t = refs[i] == REF_CONST ? U8 : HANDLE;
		memset(&word, (int)i + 1, sizeof(word));
		assert_ptr_not_equal(
		    program_lookup(&p, slots, word.b, t), &slots[77]);
		assert_ptr_equal(
		    program_lookup(&p, slots, word.b, U256), &slots[77]);
		for (at = 0; at < 32; at++) {
			word.b[at] ^= 0x80;
			assert_ptr_equal(
			    program_lookup(&p, slots, word.b, t), &slots[77]);
			word.b[at] ^= 0x80;
		}
	}
}

static void
the_first_bad_operation_is_named(void **state)
{
	size_t at;

	(void)state;
	add(1, 2, 3);
	add(4, 2, 5);
	b.inputs[2].b[0] = 1;
	assert_int_equal(check(&at), ST_BAD_HANDLE);
	assert_int_equal(at, 1);
}

static void
references_come_in_the_order_of_their_tables(void **state)
{
	unsigned i;

	(void)state;
	op("sum", 0);
	for (i = 0; i < 3; i++)
		in(U8, i == 2 ? 1 : i);
	out(U8, 9);
	b.refs[0] = b.refs[2] = REF_INPUT | 1;
	b.refs[1] = REF_INPUT | 0;
	expect(ST_MALFORMED);
	add(1, 2, 3);
	add(1, 2, 4);
	b.refs[2] = REF_OUTPUT | 1;
	expect(ST_MALFORMED);
	op("sum", 0);
	for (i = 0; i < 3; i++)
		in(U8, i);
	out(U8, 9);
	b.inputs[2] = b.inputs[0];
	expect(ST_MALFORMED);
}

static void
words_at_an_odd_address_are_refused(void **state)
{
	static uint16_t space[sizeof(words) / 2 + 1];
	uint8_t *odd = (uint8_t *)space + 1;
	struct program p;
	size_t n;

	(void)state;
	add(1, 2, 3);
	n = builder_words(&b, words);
	memcpy(odd, words, n * sizeof(*words));
	assert_int_equal(program_view(&p, &b.shape,
			     (const struct m_word *)(const void *)odd, n),
	    -1);
}

static void
an_empty_program_is_refused(void **state)
{
	struct program p;

	(void)state;
	assert_int_equal(program_view(&p, &b.shape, words, 0), -1);
}

/* n words that end at a page that cannot be read. */
static struct m_word *
before_a_guard(size_t n)
{
	static uint8_t *map;
	static size_t size;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (map == NULL) {
		size = (sizeof(words) + page - 1) / page * page;
		map = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(map, MAP_FAILED);
		assert_int_equal(mprotect(map + size, page, PROT_NONE), 0);
	}
	return (struct m_word *)(void *)(map + size - n * sizeof(*words));
}

/* 16 references, all of the first operation; the second one wants 32 more. */
static void
an_operation_without_its_references_is_not_read(void **state)
{
	struct program p;
	struct m_word *w;
	unsigned i;
	size_t n;

	(void)state;
	op("sum", 0);
	for (i = 0; i < 15; i++)
		in(U8, 1);
	out(U8, 2);
	op("sum", 0);
	b.ops[1].n_in = 32;
	n = builder_words(&b, words);
	w = before_a_guard(n);
	memcpy(w, words, n * sizeof(*w));
	assert_int_equal(program_view(&p, &b.shape, w, n), -1);
}

static uint32_t
prng(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* Half of it pure rubbish, half a good program with a few bytes wrong: exactly
 * as long as it says, so that the sanitizer sees one byte too far. */
static void
rubbish_does_no_harm(void **state)
{
	struct p_shape s;
	struct program p;
	struct m_word *w;
	size_t i, j, n, at, viewed = 0;

	(void)state;
	for (i = 0; i < 60000; i++) {
		builder_init(&b);
		if (i % 2 == 0) {
			add(1, 2, 3);
			add(3, 1, 4);
			op("select", 0);
			in(TYPE_BOOL, 9);
			in(U8, 3);
			constant(U8, 4);
			out(U8, 5);
			s = b.shape;
			n = builder_words(&b, words);
			for (j = prng() % 4; j > 0; j--)
				words[prng() % n].b[prng() % 32] ^= (uint8_t)(1
				    << prng() % 8);
		} else {
			s = (struct p_shape){ prng() % 4, prng() % 4,
				prng() % 4, prng() % 4, prng() % 16, 0 };
			n = program_words(&s);
			for (j = 0; j < n * 32; j++)
				words[j / 32].b[j % 32] = prng() % 4 ?
				    0 :
				    (uint8_t)prng();
		}
		w = malloc(n * sizeof(*w) + !n);
		assert_non_null(w);
		memcpy(w, words, n * sizeof(*w));
		if (program_view(&p, &s, w, n) == 0) {
			viewed++;
			(void)program_check(&p, CHAIN, &at);
			(void)program_check_flow(&p);
		}
		free(w);
	}
	assert_true(viewed > 1000);
}

/* The digest says 0xff for a handle: a constant of that type would be the
 * same. */
static void
a_constant_has_a_type_of_some_size(void **state)
{
	struct program p;
	uint8_t *type;
	size_t n;
	unsigned t;

	(void)state;
	op("sum", 0);
	in(U8, 1);
	constant(U8, 2);
	constant(U8, 3);
	out(U8, 3);
	n = builder_words(&b, words);
	type = words[b.shape.n_inputs + b.shape.n_outputs + b.shape.n_consts]
		   .b +
	    1;
	assert_int_equal(*type, U8);
	for (t = 0; t < 256; t++) {
		*type = (uint8_t)t;
		assert_int_equal(program_view(&p, &b.shape, words, n),
		    type_size((uint8_t)t) == 0 ? -1 : 0);
	}
}

/* ---- Nox v0 ------------------------------------------------------------ */

static void
expect_nox(uint32_t st)
{
	const size_t n = builder_words(&b, words);
	struct program p;
	size_t at;

	assert_int_equal(program_view(&p, &b.shape, words, n), 0);
	assert_int_equal(program_check_nox(&p, CHAIN, &at), st);
	builder_init(&b);
}

static const uint8_t nox_types[] = { TYPE_BOOL, TYPE_UINT(16), TYPE_UINT(256),
	TYPE_INT(16), TYPE_INT(256) };
#define NOX_TYPES	sizeof(nox_types)

/* An operation with operands of these types, each a new handle. */
static void
nox_op(const char *name, const uint8_t *ins, size_t n_in, const uint8_t *outs,
    size_t n_out)
{
	unsigned n = 0;

	op(name, 0);
	while (n_in-- > 0)
		in(*ins++, n++);
	while (n_out-- > 0)
		out(*outs++, n++);
}

static void
nox_operations_take_their_types(void **state)
{
	static const char *const one[] = { "add", "sub", "mul", "div" };
	static const char *const safe[] = { "safeAdd", "safeSub", "safeMul",
		"safeDiv" };
	static const char *const compare[] = { "eq", "ne", "lt", "le", "gt",
		"ge" };
	size_t i, k;

	(void)state;
	for (i = 0; i < NOX_TYPES * NOX_TYPES; i++) {
		const uint8_t t[] = { nox_types[i / NOX_TYPES],
			nox_types[i % NOX_TYPES] };
		const uint8_t to[] = { TYPE_BOOL, t[0] };
		const uint32_t st = t[0] == t[1] && t[0] != TYPE_BOOL ?
		    ST_OK :
		    ST_TYPE_MISMATCH;

		for (k = 0; k < 4; k++) {
			nox_op(one[k], t, 2, t, 1);
			expect_nox(st);
			nox_op(safe[k], t, 2, to, 2);
			expect_nox(st);
		}
		for (k = 0; k < 6; k++) {
			nox_op(compare[k], t, 2, to, 1);
			expect_nox(st);
		}
	}
}

static void
nox_select_takes_branches_of_any_types(void **state)
{
	const size_t n = NOX_TYPES;
	size_t i;

	(void)state;
	for (i = 0; i < n * n * n * n; i++) {
		const uint8_t t[] = { nox_types[i % n], nox_types[i / n % n],
			nox_types[i / n / n % n], nox_types[i / n / n / n] };

		nox_op("select", t, 3, t + 3, 1);
		expect_nox(t[0] == TYPE_BOOL ? ST_OK : ST_TYPE_MISMATCH);
	}
}

static void
nox_tokens_are_uint256(void **state)
{
	static const char *const names[] = { "transfer", "mint", "burn" };
	size_t i, k;

	(void)state;
	for (k = 0; k < 3; k++)
		for (i = 0; i < NOX_TYPES; i++) {
			const uint8_t t = nox_types[i];
			const uint8_t from[] = { t, t, t };
			const uint8_t to[] = { TYPE_BOOL, t, t };

			nox_op(names[k], from, 3, to, 3);
			expect_nox(t == U256 ? ST_OK : ST_TYPE_MISMATCH);
		}
	op("transfer", OP_SAME_ACCOUNT);
	in(U256, 0);
	in(U256, 0);
	in(U256, 1);
	out(TYPE_BOOL, 2);
	out(U256, 3);
	out(U256, 4);
	expect_nox(ST_BAD_FLAGS);
}

static void
nox_wrap_takes_a_constant_and_others_none(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NOX_TYPES; i++) {
		op("wrap", 0);
		constant(nox_types[i], 1);
		out(nox_types[i], 1);
		expect_nox(ST_OK);
		op("wrap", 0);
		constant(nox_types[i], 1);
		out(nox_types[(i + 1) % NOX_TYPES], 1);
		expect_nox(ST_TYPE_MISMATCH);
	}
	op("wrap", 0);
	constant(TYPE_BYTES(32), 0);
	out(U256, 1);
	expect_nox(ST_TYPE_MISMATCH);
	op("wrap", 0);
	in(U256, 0);
	out(U256, 1);
	expect_nox(ST_TYPE_MISMATCH);
	op("wrap", 0);
	constant(TYPE_BOOL, 2);
	out(TYPE_BOOL, 1);
	expect_nox(ST_CONSTANT_RANGE);
	op("add", 0);
	in(U256, 0);
	constant(U256, 1);
	out(U256, 1);
	expect_nox(ST_TYPE_MISMATCH);
}

static void
nox_has_19_operations_and_5_types(void **state)
{
	static const uint8_t other[] = { TYPE_BOOL, TYPE_ADDRESS, U8 };
	struct program p;
	size_t i, n = 0, at;

	(void)state;
	for (i = 0; i < n_primitives; i++) {
		op(primitives[i].name, 0);
		at = builder_words(&b, words);
		assert_int_equal(program_view(&p, &b.shape, words, at), 0);
		n += program_check_nox(&p, CHAIN, &at) != ST_UNKNOWN_OPCODE;
		builder_init(&b);
	}
	assert_int_equal(n, 19);
	add(1, 2, 3);
	expect_nox(ST_TYPE_MISMATCH);
	nox_op("select", other, 3, nox_types, 1);
	expect_nox(ST_TYPE_MISMATCH);
}

static void
nox_programs_are_of_one_chain_and_flow(void **state)
{
	uint8_t h[32];

	(void)state;
	op("add", 0);
	memcpy(h, handle(U256, 1), 32);
	h[4]++;
	assert_int_equal(builder_handle(&b, h), ST_OK);
	in(U256, 2);
	out(U256, 3);
	expect_nox(ST_WRONG_CHAIN);
	op("add", 0);
	in(U256, 1);
	expect_nox(ST_WRONG_ARITY);
	nox_op("add", (const uint8_t[]){ U256, U256 }, 2, &nox_types[2], 1);
	op("add", 0);
	in(U256, 0);
	in(U256, 2);
	out(U256, 3);
	b.refs[2] = REF_OUTPUT | 1;
	expect_nox(ST_MALFORMED);
}

#define T(f)	cmocka_unit_test_setup(f, setup)

static void
an_operation_has_its_names_of_other_documents(void **state)
{
	(void)state;
	assert_ptr_equal(
	    primitive_by_name("trivialEncrypt"), primitive_by_name("wrap"));
	assert_int_equal(primitive_by_name("wrapAsPublicHandle")->opcode, 0x01);
	assert_null(primitive_by_name("trivial"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(there_are_98_types_each_with_its_name),
		T(words_hold_values_as_solidity_does),
		T(a_known_status_has_a_name_a_text_and_a_class),
		T(what_is_built_is_what_is_viewed),
		T(equal_constants_of_different_types_are_two),
		T(a_constant_has_a_type_of_some_size),
		T(an_unknown_opcode_is_refused),
		T(a_wrong_number_of_operands_is_refused),
		T(operands_of_types_that_do_not_fit_are_refused),
		T(cast_takes_certain_pairs_of_types_alone),
		T(a_handle_is_not_used_before_it_is_written),
		T(no_handle_is_written_twice),
		T(a_constant_is_in_the_range_of_its_type),
		T(a_fee_is_less_than_one_in_parts_of_at_most_65536),
		T(an_operation_takes_a_handle_unless_it_needs_none),
		T(handles_of_other_versions_types_or_chains_are_refused),
		T(flags_that_an_operation_does_not_have_are_refused),
		T(the_builder_stops_at_each_limit),
		T(inputs_unused_repeated_or_out_of_order_are_refused),
		T(the_builder_refuses_operands_that_are_out_of_place),
		T(a_shape_that_does_not_fit_its_words_is_refused),
		T(each_letter_takes_its_types_alone),
		T(some_operands_must_be_constants),
		T(a_fee_is_the_last_four_bytes),
		T(each_limit_of_a_shape_holds_by_itself),
		T(a_word_has_32_bytes_and_no_more),
		T(words_that_differ_anywhere_are_spread),
		T(an_operation_without_its_references_is_not_read),
		T(a_search_compares_all_of_a_word_and_its_type),
		T(the_first_bad_operation_is_named),
		T(references_come_in_the_order_of_their_tables),
		T(words_at_an_odd_address_are_refused),
		T(an_empty_program_is_refused),
		T(rubbish_does_no_harm),
		T(an_operation_has_its_names_of_other_documents),
		T(nox_operations_take_their_types),
		T(nox_select_takes_branches_of_any_types),
		T(nox_tokens_are_uint256),
		T(nox_wrap_takes_a_constant_and_others_none),
		T(nox_has_19_operations_and_5_types),
		T(nox_programs_are_of_one_chain_and_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
