/* SPDX-License-Identifier: Apache-2.0
 *
 * The Gateway's answers in Nox v0: what is read of a good one, and that all
 * others are refused with a reason that can be printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nox.h"
#include "status.h"

#define FEW		3
#define MALFORMED	"the answer is malformed"

static char text[1024 * 1024];
static size_t n_text;
static struct m_word inputs[NOX_INPUTS + 2];	/* zeros after those asked */
static struct operands operands;
static struct report report;

/* ---- texts ------------------------------------------------------------- */

static void
add(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	n_text += (size_t)vsnprintf(
	    text + n_text, sizeof(text) - n_text, format, ap);
	va_end(ap);
	assert_true(n_text < sizeof(text));
}

/* A member: n bytes in hex. */
static void
add_hex(const char *name, unsigned byte, size_t n, const char *end)
{
	add("\"%s\":\"0x", name);
	while (n-- > 0)
		add("%02x", byte & 0xff);
	add("\"%s", end);
}

static void
ask(size_t n)
{
	size_t i;

	memset(inputs, 0, sizeof(inputs));
	for (i = 0; i < n; i++)
		memset(inputs[i].b, (int)(i + 1), 32);
}

static void
add_signature(unsigned v)
{
	add("\"signature\":\"0x");
	for (unsigned i = 0; i < 64; i++)
		add("ab");
	add("%02x\"}", v);
}

/* An answer with n operands, for the handles 01.., 02.. */
static void
answer(size_t n, unsigned v)
{
	size_t i;

	n_text = 0;
	add("{\"other\":[],\"payload\":{\"operands\":[");
	for (i = 0; i < n; i++) {
		add(i == 0 ? "{" : ",{");
		add_hex("handle", (unsigned)i + 1, 32, ",");
		add_hex("ciphertext", 0xcc, 48, ",");
		add_hex("encryptedSharedSecret", 0xee, NOX_RSA, ",");
		add_hex("iv", 0x1f, 12, "}");
	}
	add("]},");
	add_signature(v);
}

static void
answer_report(const char *message)
{
	n_text = 0;
	add("{\"payload\":{\"message\":\"%s\"},", message);
	add_signature(27);
}

/* `from' as it stands first in the text becomes `to'. */
static void
change(const char *from, const char *to)
{
	char *at = strstr(text, from);
	const size_t n = strlen(from), more = strlen(to);

	assert_non_null(at);
	assert_true(n_text + more < sizeof(text));
	memmove(at + more, at + n, strlen(at + n) + 1);
	memcpy(at, to, more);
	n_text = strlen(text);
}

/* From memory of exactly this size, so that a sanitizer sees a read past it. */
static char *
copy(void)
{
	char *p = malloc(n_text == 0 ? 1 : n_text);

	assert_non_null(p);
	memcpy(p, text, n_text);
	return p;
}

static const char *
reads(void)
{
	char *p = copy();
	const char *why;

	memset(&operands, 0xa5, sizeof(operands));
	why = nox_json_operands(p, n_text, inputs, &operands);
	free(p);
	if (why != NULL)
		assert_null(operands.rows);
	return why;
}

static void
is_read(void)
{
	assert_null(reads());
	free(operands.rows);
}

static const char *
reads_report(void)
{
	char *p = copy();
	const char *why = nox_json_report(p, n_text, &report);

	free(p);
	return why;
}

static const char *
report_of(const char *message)
{
	answer_report(message);
	return reads_report();
}

static int
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return 0;
	return 1;
}

/* ---- operands ---------------------------------------------------------- */

static void
good_operands_are_read(void **unused)
{
	static const size_t counts[] = { 0, 1, FEW, NOX_INPUTS };
	const struct m_nox_operand *o;
	size_t i, k;

	(void)unused;
	for (k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		ask(counts[k]);
		answer(counts[k], 28);
		assert_null(reads());
		assert_int_equal(operands.n, counts[k]);
		assert_int_equal(operands.signature[0], 0xab);
		assert_int_equal(operands.signature[64], 28);
		for (i = 0; i < operands.n; i++) {
			o = &operands.rows[i];
			assert_memory_equal(o->handle, inputs[i].b, 32);
			assert_int_equal(o->len, 48);
			assert_int_equal(o->ciphertext[47], 0xcc);
			assert_int_equal(o->secret[NOX_RSA - 1], 0xee);
			assert_int_equal(o->nonce[11], 0x1f);
		}
		free(operands.rows);
	}
}

/* Some sign with 0 and 1. */
static void
both_forms_of_v_are_read(void **unused)
{
	unsigned v;

	(void)unused;
	ask(1);
	for (v = 0; v < 2; v++) {
		answer(1, v);
		is_read();
		assert_int_equal(operands.signature[64], 27 + v);
		answer(1, 27 + v);
		is_read();
		assert_int_equal(operands.signature[64], 27 + v);
	}
}

static void
an_answer_that_is_cut_short_is_refused(void **unused)
{
	size_t whole;

	(void)unused;
	ask(1);
	answer(1, 27);
	for (whole = n_text, n_text = 0; n_text < whole; n_text++)
		assert_string_equal(reads(), MALFORMED);
	is_read();
	add("x");
	assert_string_equal(reads(), MALFORMED);
}

static void
each_member_must_be_there(void **unused)
{
	static const struct {
		const char	*name, *why;
	} cases[] = {
		{ "\"payload\"", MALFORMED },
		{ "\"operands\"", MALFORMED },
		{ "\"signature\"", MALFORMED },
		{ "\"handle\"", "an operand of another handle" },
		{ "\"ciphertext\"",
		    "a ciphertext that is malformed or too long" },
		{ "\"encryptedSharedSecret\"",
		    "a shared secret of another length" },
		{ "\"iv\"", "a nonce of another length" },
	};
	size_t i;

	(void)unused;
	ask(FEW);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer(FEW, 27);
		change(cases[i].name, "\"none\"");
		assert_string_equal(reads(), cases[i].why);
	}
}

/* In the place of a member's "0x": a number, an object, or other text. */
static void
each_member_is_hex(void **unused)
{
	static const char *const names[] = { "\"handle\":", "\"ciphertext\":",
		"\"encryptedSharedSecret\":", "\"iv\":", "\"signature\":" };
	static const char *const bad[] = { "7,\"x\":\"", "null,\"x\":\"",
		"{},\"x\":\"", "[],\"x\":\"", "true,\"x\":\"", "\"0X", "\"",
		"\"0\",\"x\":\"", "\"0x\\u0000", "\"0x ", "\"0x0", "\"0xA",
		"\"0xAA", "\"0xzz", "\"0x\\u00e9" };
	char from[64], to[128];
	size_t i, k;

	(void)unused;
	ask(1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			answer(1, 27);
			snprintf(from, sizeof(from), "%s\"0x", names[i]);
			snprintf(to, sizeof(to), "%s%s", names[i], bad[k]);
			change(from, to);
			assert_non_null(reads());
		}
}

/* The signature is over the text, which keys writes in lower case. */
static void
upper_case_is_refused(void **unused)
{
	(void)unused;
	ask(1);
	answer(1, 27);
	change("cccc", "CCcc");
	assert_string_equal(
	    reads(), "a ciphertext that is malformed or too long");
	answer(1, 27);
	change("eeee", "Eeee");
	assert_string_equal(reads(), "a shared secret of another length");
	answer(1, 27);
	change("1f1f", "1F1f");
	assert_string_equal(reads(), "a nonce of another length");
	answer(1, 27);
	change("abab", "aBab");
	assert_string_equal(reads(), MALFORMED);
}

static void
each_member_has_its_length(void **unused)
{
	static const struct {
		const char	*digits, *why;
	} cases[] = {
		{ "cc", NULL },		/* short ciphertexts are the worker's */
		{ "ee", "a shared secret of another length" },
		{ "1f", "a nonce of another length" },
		{ "0101", "an operand of another handle" },
		{ "ab", MALFORMED },
	};
	char twice[16];
	const char *why;
	size_t i;

	(void)unused;
	ask(1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer(1, 27);
		change(cases[i].digits, "");
		why = reads();
		if (cases[i].why == NULL) {
			assert_null(why);
			assert_int_equal(operands.rows[0].len, 47);
			free(operands.rows);
		} else
			assert_string_equal(why, cases[i].why);
		answer(1, 27);
		snprintf(twice, sizeof(twice), "%s%s", cases[i].digits,
		    cases[i].digits);
		change(cases[i].digits, twice);
		assert_non_null(reads());
	}
}

static void
as_many_operands_as_were_asked_for(void **unused)
{
	(void)unused;
	ask(FEW);
	answer(FEW - 1, 27);
	assert_string_equal(reads(), "fewer operands than were asked for");
	answer(0, 27);
	assert_string_equal(reads(), "fewer operands than were asked for");
	answer(FEW + 1, 27);
	assert_string_equal(reads(), "more operands than were asked for");
	answer(NOX_INPUTS + 1, 27);
	assert_string_equal(reads(), "more operands than were asked for");
	ask(NOX_INPUTS);
	assert_string_equal(reads(), "more operands than were asked for");
}

static void
operands_of_other_handles_are_refused(void **unused)
{
	const struct m_word first = inputs[0];

	(void)unused;
	ask(FEW);
	inputs[0] = inputs[1];
	inputs[1] = first;
	answer(FEW, 27);
	assert_string_equal(reads(), "an operand of another handle");
	ask(FEW);
	inputs[FEW - 1].b[31] ^= 1;
	assert_string_equal(reads(), "an operand of another handle");
}

static void
an_answer_of_another_shape_is_refused(void **unused)
{
	static const char *const bad[] = { "", "[]", "null", "7", "\"x\"", "{}",
		"{\"payload\":[]}", "{\"payload\":{\"operands\":{}}}",
		"{\"payload\":{\"operands\":7}}",
		"{\"payload\":{},\"payload\":{}}" };
	size_t i;

	(void)unused;
	ask(0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n_text = 0;
		add("%s", bad[i]);
		assert_string_equal(reads(), MALFORMED);
		assert_string_equal(reads_report(), MALFORMED);
	}
	ask(1);
	answer(1, 27);
	change("\"iv\"", "\"handle\":7,\"iv\"");	/* twice */
	assert_string_equal(reads(), MALFORMED);
	answer(1, 27);
	change("{\"handle\"", "7,{\"handle\"");
	assert_non_null(reads());
}

/* The parser is recursive. */
static void
deep_nesting_is_refused(void **unused)
{
	size_t i;

	(void)unused;
	ask(1);
	answer(1, 27);
	change("[]", "[[[]]]");		/* other members may be that deep */
	is_read();
	answer(1, 27);
	change("[]", "[[[[[]]]]]");
	assert_string_equal(reads(), MALFORMED);
	for (n_text = 0, i = 0; i < sizeof(text) - 1; i++)
		text[n_text++] = '[';
	assert_string_equal(reads(), MALFORMED);
	assert_string_equal(reads_report(), MALFORMED);
}

static void
a_huge_answer_is_refused(void **unused)
{
	(void)unused;
	ask(1);
	answer(1, 27);
	memset(text, ' ', sizeof(text));
	n_text = sizeof(text);
	assert_string_equal(reads(), MALFORMED);
	n_text = 0;
	add("{\"payload\":{\"operands\":[");
	while (n_text < sizeof(text) / 2)
		add("{},");
	add("{}]},");
	add_signature(27);
	assert_string_equal(reads(), "more operands than were asked for");
}

/* ---- reports ----------------------------------------------------------- */

#define SENTENCE							\
	"On the 3 handles submitted to publishing, 1 were "		\
	"successfully created, 2 were unchanged and %s conflicted"

static void
a_report_says_how_many_conflict(void **unused)
{
	static const struct {
		const char	*number;
		unsigned long	 conflicts;
	} cases[] = { { "0", 0 }, { "1", 1 }, { "128", 128 },
		{ "999999999", 999999999 } };
	char message[256];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(message, sizeof(message), SENTENCE, cases[i].number);
		assert_null(report_of(message));
		assert_int_equal(report.conflicts, cases[i].conflicts);
		assert_int_equal(report.stored.n, strlen(message));
		assert_memory_equal(
		    report.stored.report, message, strlen(message));
		assert_int_equal(report.stored.signature[64], 27);
	}
}

static void
a_report_that_does_not_say_so_is_refused(void **unused)
{
	static const char *const bad[] = { "", "all is well", " and ",
		"1 and conflicted", "1 and x conflicted", "1 and 0 conflict",
		"1 and 1234567890 conflicted", "1 and 0x1 conflicted",
		"a and b and 0 conflicted", "1 and -1 conflicted",
		"1 and +1 conflicted", "1 and  1 conflicted" };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = report_of(bad[i]);

		if (why == NULL)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(
		    why, "the report does not say how many results conflict");
	}
}

static void
a_report_is_as_long_as_it_can_be(void **unused)
{
	char message[NOX_REPORT + 2];

	(void)unused;
	memset(message, ' ', sizeof(message));
	memcpy(message, "1 and 0 conflicted", 18);
	message[NOX_REPORT] = '\0';
	assert_null(report_of(message));
	assert_int_equal(report.stored.n, NOX_REPORT);
	message[NOX_REPORT] = ' ';
	message[NOX_REPORT + 1] = '\0';
	assert_string_equal(report_of(message), "the report is too long");
}

static void
a_report_has_its_members(void **unused)
{
	(void)unused;
	answer_report("1 and 0 conflicted");
	change("\"signature\"", "\"none\"");
	assert_string_equal(reads_report(), MALFORMED);
	answer_report("1 and 0 conflicted");
	change("\"message\"", "\"none\"");
	assert_string_equal(reads_report(), MALFORMED);
	answer_report("1 and 0 conflicted");
	change("\"1 and 0 conflicted\"", "7");
	assert_string_equal(reads_report(), MALFORMED);
	answer_report("1 and 0 conflicted");
	change("abab", "ab");
	assert_string_equal(reads_report(), MALFORMED);
	answer_report("1 and 0 conflicted");
	change("1 and", "\\u0000 and");
	assert_string_equal(reads_report(), MALFORMED);
}

/* ---- errors ------------------------------------------------------------ */

static char why[192];

static uint32_t
error(int code, const char *body)
{
	uint32_t st;
	char *p;

	n_text = 0;
	add("%s", body);
	p = copy();
	memset(why, 0x7f, sizeof(why));
	st = nox_json_error(code, p, n_text, why, sizeof(why));
	free(p);
	assert_non_null(memchr(why, '\0', sizeof(why)));
	assert_true(is_printable(why));
	return st;
}

#define MISSING								\
	"{\"error\":\"bad_request\",\"message\":\"missing operand 0x1\"}"

static void
an_error_has_its_status(void **unused)
{
	static const int unreachable[] = { 401, 403, 429, 500, 502, 503, 504,
		599 };
	static const int failed[] = { 0, 200, 204, 301, 400, 402, 404, 409,
		418 };
	size_t i;

	(void)unused;
	assert_int_equal(error(400, MISSING), ST_INPUT_MISSING);
	assert_string_equal(
	    why, "HTTP status 400: bad_request: missing operand 0x1");
	assert_int_equal(error(404, MISSING), ST_GATEWAY_ERROR);
	assert_int_equal(error(500, MISSING), ST_GATEWAY_UNREACHABLE);
	assert_int_equal(
	    error(400, "{\"error\":\"other\",\"message\":\"missing operand\"}"),
	    ST_GATEWAY_ERROR);
	assert_int_equal(
	    error(400, "{\"error\":\"bad_request\"}"), ST_GATEWAY_ERROR);
	assert_string_equal(why, "HTTP status 400: bad_request");
	for (i = 0; i < sizeof(unreachable) / sizeof(unreachable[0]); i++)
		assert_int_equal(
		    error(unreachable[i], "{}"), ST_GATEWAY_UNREACHABLE);
	for (i = 0; i < sizeof(failed) / sizeof(failed[0]); i++)
		assert_int_equal(error(failed[i], "{}"), ST_GATEWAY_ERROR);
}

static void
an_errors_text_is_printable(void **unused)
{
	static char body[8192], tail[2048];

	(void)unused;
	error(400, "");
	assert_string_equal(why, "HTTP status 400: ?");
	error(400, "<html>\n\x1b[31m</html>");
	assert_string_equal(why, "HTTP status 400: ?");
	error(400, "{\"error\":7,\"message\":[]}");
	error(
	    400, "{\"error\":\"a\\u001b[31m\\n\",\"message\":\"\\u00e9\\r\"}");
	assert_string_equal(
	    why, "HTTP status 400: a\\x1b[31m\\x0a: \\xc3\\xa9\\x0d");
	memset(tail, 'y', sizeof(tail) - 1);
	snprintf(body, sizeof(body), "{\"error\":\"%s\",\"message\":\"%s\"}",
	    tail, tail);
	error(400, body);
	assert_non_null(strstr(why, "yyy..."));
}

static int
consumer(const char *s, struct consumer *c)
{
	return nox_json_consumer(s, strlen(s), c, why, sizeof(why));
}

static void
a_consumer_has_its_limits(void **unused)
{
	struct consumer c = { 1, 2, 3, 4 };

	(void)unused;
	assert_int_equal(
	    consumer("{\"config\":{\"ack_wait\":30000000000,\"max_deliver\":"
		     "10,\"max_ack_pending\":200,\"max_batch\":50}}",
		&c),
	    0);
	assert_int_equal(c.ack_wait, 30000);
	assert_int_equal(c.deliveries, 10);
	assert_int_equal(c.pending, 200);
	assert_int_equal(c.batch, 50);
	/* Without limits: -1, or not a word of them. */
	assert_int_equal(
	    consumer(
		"{\"config\":{\"max_deliver\":-1,\"max_batch\":\"x\"}}", &c),
	    0);
	assert_int_equal(c.deliveries + c.pending + c.batch, 0);
}

static void
a_consumer_that_is_not_there_says_why(void **unused)
{
	static const char *const malformed[] = { "", "[]", "{}",
		"{\"error\":1}", "{\"config\":[]}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
		"}}}}}}}},\"config\":{}}" };
	struct consumer c = { 1, 2, 3, 4 };
	size_t i;

	(void)unused;
	assert_int_equal(consumer("{\"error\":{\"code\":404,\"description\":"
				  "\"consumer not\\nfound\"}}",
			     &c),
	    -1);
	assert_string_equal(why, "consumer not\\x0afound");
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		assert_int_equal(consumer(malformed[i], &c), -1);
		assert_string_equal(
		    why, "what the server says of it is malformed");
	}
	assert_int_equal(c.ack_wait + c.deliveries + c.pending + c.batch, 10);
}

static void
an_advisory_names_its_message(void **unused)
{
	static const char good[] = "{\"type\":\"x\",\"stream_seq\":77,"
				   "\"deliveries\":10}";
	uint64_t sequence, deliveries;

	(void)unused;
	nox_json_advisory(good, strlen(good), &sequence, &deliveries);
	assert_int_equal(sequence, 77);
	assert_int_equal(deliveries, 10);
	nox_json_advisory("[", 1, &sequence, &deliveries);
	assert_int_equal(sequence + deliveries, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_operands_are_read),
		cmocka_unit_test(both_forms_of_v_are_read),
		cmocka_unit_test(an_answer_that_is_cut_short_is_refused),
		cmocka_unit_test(each_member_must_be_there),
		cmocka_unit_test(each_member_is_hex),
		cmocka_unit_test(upper_case_is_refused),
		cmocka_unit_test(each_member_has_its_length),
		cmocka_unit_test(as_many_operands_as_were_asked_for),
		cmocka_unit_test(operands_of_other_handles_are_refused),
		cmocka_unit_test(an_answer_of_another_shape_is_refused),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(a_huge_answer_is_refused),
		cmocka_unit_test(a_report_says_how_many_conflict),
		cmocka_unit_test(a_report_that_does_not_say_so_is_refused),
		cmocka_unit_test(a_report_is_as_long_as_it_can_be),
		cmocka_unit_test(a_report_has_its_members),
		cmocka_unit_test(an_error_has_its_status),
		cmocka_unit_test(an_errors_text_is_printable),
		cmocka_unit_test(a_consumer_has_its_limits),
		cmocka_unit_test(a_consumer_that_is_not_there_says_why),
		cmocka_unit_test(an_advisory_names_its_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
