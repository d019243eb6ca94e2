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

static char text[4096], why[64];
static struct nox_transaction t;
static struct builder b;

/* The begin of a handle of uint256 and of bool, of chain 31337. */
#define UINT	"0000007a692301"
#define BOOL	"0000007a690001"
#define HASH	"abababababababababababababababab"		\
		"abababababababababababababababab"

/* JSON: ' is a quote, U1 a handle of uint256, B1 one of bool. */
static size_t
expand(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from != '\0'; from++)
		if ((*from == 'U' || *from == 'B') && from[1] >= '0' &&
		    from[1] <= '9') {
			n += (size_t)snprintf(to + n, size - n, "\"0x%s%050d\"",
			    *from == 'U' ? UINT : BOOL, from[1] - '0');
			from++;
		} else
			to[n++] = *from == '\'' ? '"' : *from;
	to[n] = '\0';
	return n;
}

static uint32_t
reads(const char *events)
{
	char message[2048];

	snprintf(message, sizeof(message),
	    "{'chainId':31337,"
	    "'caller':'0xCf7Ed3AccA5a467e9e704C703E8D87F634fb0Fc9',"
	    "'blockNumber':42,'transactionHash':'0x" HASH "','events':[%s],"
	    "'other':{'a':[1]}}",
	    events);
	return nox_message_read(
	    text, expand(text, sizeof(text), message), &t, &b, why);
}

static void
is_refused(const char *events, uint32_t status, const char *member)
{
	assert_int_equal(reads(events), status);
	assert_string_equal(why, member);
}

#define TWO	"'leftHandOperand':U1,'rightHandOperand':U2,"
#define ADD	"{'logIndex':3,'caller':'x','type':'add'," TWO "'result':U3}"
#define TRANSFER							\
	"{'type':'transfer','balanceFrom':U3,'balanceTo':U4,"		\
	"'amount':U1,'success':B5,'newBalanceFrom':U6,'newBalanceTo':U7}"
#define WRAP(type)							\
	"{'type':'wrap_as_public_handle','teeType':" type ",'handle':U8," \
	"'value':'0x000000000000000000000000000000000000000000000000"	\
	"0000000000018001'}"

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
		{ "add", TWO "'result':U3" },
		{ "sub", TWO "'result':U3" },
		{ "mul", TWO "'result':U3" },
		{ "div", TWO "'result':U3" },
		{ "eq", TWO "'result':B3" },
		{ "ne", TWO "'result':B3" },
		{ "lt", TWO "'result':B3" },
		{ "le", TWO "'result':B3" },
		{ "gt", TWO "'result':B3" },
		{ "ge", TWO "'result':B3" },
		{ "safe_add", TWO "'success':B9,'result':U3" },
		{ "safe_sub", TWO "'success':B9,'result':U3" },
		{ "safe_mul", TWO "'success':B9,'result':U3" },
		{ "safe_div", TWO "'success':B9,'result':U3" },
		{ "select",
		    "'condition':B1,'ifTrue':U2,'ifFalse':U3,'result':U4" },
		{ "mint",
		    "'balanceTo':U1,'amount':U2,'totalSupply':U3,'success':B4,"
		    "'newBalanceTo':U5,'newTotalSupply':U6" },
		{ "burn",
		    "'balanceFrom':U1,'amount':U2,'totalSupply':U3,"
		    "'success':B4,'newBalanceFrom':U5,'newTotalSupply':U6" },
	};
	struct m_word words[PROGRAM_WORDS];
	struct program p;
	char event[1024];
	size_t i, op;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(event, sizeof(event), "{'type':'%s',%s}",
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
	is_refused("{'type':'pow'}", ST_UNKNOWN_OPCODE, "type");
	is_refused("{'type':'add'}", ST_MALFORMED, "leftHandOperand");
	is_refused("{'type':'add','leftHandOperand':'0x" BOOL "'}",
	    ST_MALFORMED, "leftHandOperand");
	is_refused("{'type':'add','leftHandOperand':'0xAB" HASH "'}",
	    ST_MALFORMED, "leftHandOperand");
	is_refused("{'type':'add','leftHandOperand':7}", ST_MALFORMED,
	    "leftHandOperand");
}

/* The same operation on the same operands has the same results. */
static void
an_event_that_is_repeated_is_skipped(void **state)
{
	static const char again[] =
	    "{'logIndex':9,'caller':'y','type':'add'," TWO "'result':U3}";
	char events[1024];

	(void)state;
	snprintf(events, sizeof(events), ADD "," TRANSFER ",%s," TRANSFER ",%s",
	    again, again);
	assert_int_equal(reads(events), ST_OK);
	assert_int_equal(b.shape.n_ops, 2);
	assert_int_equal(b.shape.n_inputs, 3);
	assert_int_equal(b.shape.n_outputs, 4);
	assert_int_equal(reads(WRAP("5") "," ADD "," WRAP("5")), ST_OK);
	assert_int_equal(b.shape.n_ops, 2);
	assert_int_equal(b.shape.n_consts, 1);
	assert_int_equal(b.ops[1].opcode, 0x10);
}

/* One member is another: no handle is written twice. */
static void
an_event_that_is_almost_repeated_is_refused(void **state)
{
	(void)state;
	is_refused(ADD ",{'type':'sub'," TWO "'result':U3}", ST_OUTPUT_TWICE,
	    "result");
	is_refused(ADD ",{'type':'add','leftHandOperand':U2,"
		       "'rightHandOperand':U1,'result':U3}",
	    ST_OUTPUT_TWICE, "result");
	is_refused(ADD ",{'type':'add','leftHandOperand':U1,"
		       "'rightHandOperand':U4,'result':U3}",
	    ST_OUTPUT_TWICE, "result");
	is_refused("{'type':'safe_add'," TWO "'success':B4,'result':U3},"
		   "{'type':'safe_add'," TWO "'success':B5,'result':U3}",
	    ST_OUTPUT_TWICE, "result");
	is_refused(WRAP("5") "," WRAP("37"), ST_OUTPUT_TWICE, "handle");
	is_refused(WRAP("5") ",{'type':'wrap_as_public_handle','teeType':5,"
			     "'handle':U8,'value':'0x" HASH "'}",
	    ST_OUTPUT_TWICE, "handle");
	is_refused(
	    ADD ",{'type':'add'," TWO "'other':U3}", ST_MALFORMED, "result");
	is_refused(ADD ",{'type':'add'," TWO "'result':U1}",
	    ST_USE_BEFORE_DEFINITION, "result");
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
		cmocka_unit_test(an_event_that_is_repeated_is_skipped),
		cmocka_unit_test(an_event_that_is_almost_repeated_is_refused),
		cmocka_unit_test(what_is_no_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
