/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of the Nox v0 protocol's stream: each event becomes its operation,
 * and what is none is refused with the member at fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "nox_message.h"

/* uint256 (23) and bool (00) handles of chain 31337, by their last byte. */
#define U(x)	"0x0000007a6923010000000000000000000000000000000000000000000000" \
		"00" x
#define B(x)	"0x0000007a6900010000000000000000000000000000000000000000000000" \
		"00" x
#define HASH	"0xabababababababababababababababababababababababababababababab" \
		"abab"
#define ONE	"0x000000000000000000000000000000000000000000000000000000000001" \
		"8001"

static char text[4096], why[64];
static struct nox_transaction t;
static struct builder b;

static uint32_t
reads(const char *events)
{
	const int n = snprintf(text, sizeof(text),
	    "{\"chainId\":31337,\"caller\":"
	    "\"0xCf7Ed3AccA5a467e9e704C703E8D87F634fB0Fc9\","
	    "\"blockNumber\":42,\"transactionHash\":\"" HASH "\","
	    "\"events\":[%s],\"other\":{\"a\":[1]}}",
	    events);

	return nox_message_read(text, (size_t)n, &t, &b, why);
}

static void
is_refused(const char *events, uint32_t status, const char *member)
{
	assert_int_equal(reads(events), status);
	assert_string_equal(why, member);
}

#define ADD	"{\"logIndex\":3,\"caller\":\"x\",\"type\":\"add\"," \
		"\"leftHandOperand\":\"" U("01") "\"," \
		"\"rightHandOperand\":\"" U("02") "\"," \
		"\"result\":\"" U("03") "\"}"
#define TRANSFER "{\"type\":\"transfer\",\"balanceFrom\":\"" U("03") "\"," \
		"\"balanceTo\":\"" U("04") "\",\"amount\":\"" U("01") "\"," \
		"\"success\":\"" B("05") "\",\"newBalanceFrom\":\"" U("06") \
		"\",\"newBalanceTo\":\"" U("07") "\"}"
#define WRAP(type) "{\"type\":\"wrap_as_public_handle\",\"value\":\"" ONE "\"," \
		"\"teeType\":" type ",\"handle\":\"" U("08") "\"}"

static void
a_transaction_is_a_program(void **state)
{
	struct m_word words[PROGRAM_WORDS];
	struct program p;

	(void)state;
	assert_int_equal(reads(ADD "," TRANSFER), ST_OK);
	assert_int_equal(t.chain_id, 31337);
	assert_int_equal(t.block_number, 42);
	assert_int_equal(t.caller[0], 0xcf);
	assert_int_equal(t.hash[31], 0xab);
	assert_int_equal(b.shape.n_ops, 2);
	assert_int_equal(b.ops[0].opcode, 0x10);
	assert_int_equal(b.ops[1].opcode, 0x70);
	/* 01, 02 and 04: the result of the first is not fetched. */
	assert_int_equal(b.shape.n_inputs, 3);
	assert_int_equal(b.shape.n_outputs, 4);
	assert_int_equal(b.refs[3] & REF_KIND, REF_OUTPUT);
	assert_int_equal(
	    program_view(&p, &b.shape, words, builder_words(&b, words)), 0);
	assert_int_equal(program_check_flow(&p), ST_OK);
}

/* Each type has as many operands as its primitive, and as many results. */
static void
every_event_has_the_shape_of_its_primitive(void **state)
{
	static const struct {
		const char	*type, *members;
	} cases[] = {
#define TWO	"\"leftHandOperand\":\"" U("01") "\",\"rightHandOperand\":\"" \
		U("02") "\",\"result\":\""
		{ "add", TWO U("03") },
		{ "sub", TWO U("03") },
		{ "mul", TWO U("03") },
		{ "div", TWO U("03") },
		{ "eq", TWO B("03") },
		{ "ne", TWO B("03") },
		{ "lt", TWO B("03") },
		{ "le", TWO B("03") },
		{ "gt", TWO B("03") },
		{ "ge", TWO B("03") },
#define SAFE	"\"success\":\"" B("09") "\"," TWO U("03")
		{ "safe_add", SAFE },
		{ "safe_sub", SAFE },
		{ "safe_mul", SAFE },
		{ "safe_div", SAFE },
		{ "select",
		    "\"condition\":\"" B("01") "\",\"ifTrue\":\"" U(
			"02") "\",\"ifFalse\":\"" U("03") "\",\"result\":\"" U("04") },
		{ "mint",
		    "\"balanceTo\":\"" U("01") "\",\"amount\":\"" U("02") "\",\"totalSupply\":\"" U("03") "\",\"success\":\"" B(
			"04") "\",\"newBalanceTo\":\"" U("05") "\",\"newTotalSupply\":\"" U("06") },
		{ "burn",
		    "\"balanceFrom\":\"" U("01") "\",\"amount\":\"" U("02") "\",\"totalSupply\":\"" U("03") "\",\"success\":\"" B(
			"04") "\",\"newBalanceFrom\":\"" U("05") "\",\"newTotalSupply\":\"" U("06") },
	};
	struct m_word words[PROGRAM_WORDS];
	struct program p;
	char event[1024];
	size_t i, op;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(event, sizeof(event), "{\"type\":\"%s\",%s\"}",
		    cases[i].type, cases[i].members);
		assert_int_equal(reads(event), ST_OK);
		assert_int_equal(
		    program_view(&p, &b.shape, words, builder_words(&b, words)),
		    0);
		assert_int_equal(program_check(&p, 31337, &op), ST_OK);
	}
}

static void
a_constant_is_cut_to_its_type(void **state)
{
	(void)state;
	assert_int_equal(reads(WRAP("5")), ST_OK);	/* uint16 */
	assert_int_equal(b.consts[0].b[30], 0x80);
	assert_int_equal(b.consts[0].b[31], 0x01);
	assert_int_equal(b.consts[0].b[29], 0);
	assert_int_equal(reads(WRAP("37")), ST_OK);	/* int16: its sign */
	assert_int_equal(b.consts[0].b[0], 0xff);
	assert_int_equal(b.consts[0].b[30], 0x80);
	assert_int_equal(reads(WRAP("0")), ST_OK);	/* bool: any bit */
	assert_int_equal(b.consts[0].b[30], 0);
	assert_int_equal(b.consts[0].b[31], 1);
	is_refused(WRAP("256"), ST_MALFORMED, "teeType");
	is_refused(WRAP("-1"), ST_MALFORMED, "teeType");
	is_refused(WRAP("2"), ST_TYPE_MISMATCH, "");
}

static void
what_is_no_event_is_refused(void **state)
{
	(void)state;
	is_refused("", ST_MALFORMED, "events");
	is_refused("1", ST_UNKNOWN_OPCODE, "type");
	is_refused("{\"type\":\"pow\"}", ST_UNKNOWN_OPCODE, "type");
	is_refused("{\"type\":\"add\"}", ST_MALFORMED, "leftHandOperand");
	is_refused("{\"type\":\"add\",\"leftHandOperand\":\"" U("0A") "\"}",
	    ST_MALFORMED, "leftHandOperand");
	is_refused("{\"type\":\"add\",\"leftHandOperand\":\"" U("0") "\"}",
	    ST_MALFORMED, "leftHandOperand");
	is_refused("{\"type\":\"add\",\"leftHandOperand\":7}", ST_MALFORMED,
	    "leftHandOperand");
	is_refused(ADD "," ADD, ST_OUTPUT_TWICE, "result");
}

static void
what_is_no_message_is_refused(void **state)
{
	static const struct {
		const char	*text, *member;
	} cases[] = { { "", "" }, { "[]", "" }, { "{", "" },
		{ "{\"chainId\":1,\"chainId\":1}", "" }, { "[[[[[[]]]]]]", "" },
		{ "{}", "chainId" }, { "{\"chainId\":4294967296}", "chainId" },
		{ "{\"chainId\":1,\"blockNumber\":-1}", "blockNumber" },
		{ "{\"chainId\":1,\"blockNumber\":1,\"caller\":\"0x12\"}",
		    "caller" } };
	static char large[NOX_MESSAGE_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(nox_message_read(cases[i].text,
				     strlen(cases[i].text), &t, &b, why),
		    ST_MALFORMED);
		assert_string_equal(why, cases[i].member);
	}
	memset(large, ' ', sizeof(large));
	assert_int_equal(
	    nox_message_read(large, sizeof(large), &t, &b, why), ST_OVER_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transaction_is_a_program),
		cmocka_unit_test(every_event_has_the_shape_of_its_primitive),
		cmocka_unit_test(a_constant_is_cut_to_its_type),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(what_is_no_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
