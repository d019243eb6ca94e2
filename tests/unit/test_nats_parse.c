/* SPDX-License-Identifier: Apache-2.0
 *
 * What a NATS server sends, whole, in pieces and hostile; and what we send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nats_parse.h"

static struct nats_parser parser;
static struct nats_message m;
static size_t used;

/* The input ends with an allocation, so that a sanitizer or valgrind sees a
 * read beyond it. */
static int
parse_copy(const char *data, size_t n)
{
	static uint8_t *copy;

	free(copy);
	copy = malloc(n == 0 ? 1 : n);
	assert_non_null(copy);
	memcpy(copy, data, n);
	return nats_parse(&parser, copy, n, &m, &used);
}

/* In one piece, and then byte by byte: the same result, and never earlier than
 * need says. */
static int
parse_n(const char *data, size_t n)
{
	int r = 0, whole;
	size_t i;

	nats_parser_init(&parser, 1000);
	whole = parse_copy(data, n);
	if (whole == 1)
		n = used;
	nats_parser_init(&parser, 1000);
	for (i = 1; i <= n && r == 0; i++) {
		const size_t need = parser.need;

		r = parse_copy(data, i);
		if (i < need)
			assert_int_not_equal(r, 1);
		if (r == 0)
			assert_true(parser.need > i);
	}
	assert_int_equal(r, whole);
	if (r == 1)
		assert_int_equal(used, n);
	if (r == -1)
		assert_non_null(parser.why);
	return r;
}

static int
parse(const char *text)
{
	return parse_n(text, strlen(text));
}

#define assert_text(t, want)	do {					\
	assert_int_equal((t).n, strlen(want));				\
	assert_memory_equal((t).s, want, (t).n);			\
} while (0)

static void
each_message_without_payload_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse("PING\r\n"), 1);
	assert_int_equal(m.op, NATS_OP_PING);
	assert_int_equal(parse("pong\r\nPING\r\n"), 1);
	assert_int_equal(m.op, NATS_OP_PONG);
	assert_int_equal(used, 6);
	assert_int_equal(parse("+OK \r\n"), 1);
	assert_int_equal(m.op, NATS_OP_OK);
	assert_int_equal(parse("-ERR 'Authorization Violation'\r\n"), 1);
	assert_int_equal(m.op, NATS_OP_ERR);
	assert_text(m.text, "Authorization Violation");
	assert_int_equal(parse("-ERR '\r\n"), 1);
	assert_text(m.text, "'");
	assert_int_equal(parse("-ERR\r\n"), 1);
	assert_text(m.text, "");
}

static void
info_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse("INFO {\"server_id\":\"x\",\"headers\":true,"
			       "\"max_payload\":1048576,\"tls_required\":true,"
			       "\"connect_urls\":[\"a:1\"],\"ldm\":true} \r\n"),
	    1);
	assert_int_equal(m.op, NATS_OP_INFO);
	assert_int_equal(m.info.max_payload, 1048576);
	assert_true(m.info.has_headers);
	assert_true(m.info.requires_tls);
	assert_true(m.info.is_lame_duck);
	assert_int_equal(parse("INFO {}\r\n"), 1);
	assert_int_equal(m.info.max_payload, 0);
	assert_false(
	    m.info.has_headers || m.info.requires_tls || m.info.is_lame_duck);
}

static uint32_t
version(const char *text)
{
	char line[128];

	snprintf(line, sizeof(line), "INFO {\"version\":%s}\r\n", text);
	assert_int_equal(parse(line), 1);
	return m.info.version;
}

static void
a_version_is_read_or_unknown(void **state)
{
	(void)state;
	assert_int_equal(version("\"2.9.10\""), NATS_VERSION(2, 9, 10));
	assert_int_equal(version("\"2.11.0-beta.1\""), NATS_VERSION(2, 11, 0));
	assert_int_equal(version("\"2.9\""), 0);
	assert_int_equal(version("\"2.9.\""), 0);
	assert_int_equal(version("\"2.1000.1\""), 0);
	assert_int_equal(version("\"v2.9.1\""), 0);
	assert_int_equal(version("\"\""), 0);
	assert_int_equal(version("2"), 0);
}

static void
info_that_is_wrong_is_refused(void **state)
{
	static const char *const wrong[] = { "INFO \r\n", "INFO\r\n",
		"INFO []\r\n", "INFO {\r\n", "INFO {} {}\r\n",
		"INFO {\"max_payload\":-1}\r\n",
		"INFO {\"max_payload\":\"1\"}\r\n",
		"INFO {\"max_payload\":1e3}\r\n",
		"INFO {\"max_payload\":99999999999999999999}\r\n",
		"INFO {\"headers\":1}\r\n", "INFO {\"tls_required\":null}\r\n",
		"INFO {\"ldm\":\"true\"}\r\n",
		"INFO {\"ldm\":true,\"ldm\":false}\r\n",
		"INFO {\"x\":[[[[[[[[1]]]]]]]]}\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(wrong[i]), -1);
	assert_int_equal(parse("INFO {\"x\":[[[[[[[1]]]]]]]}\r\n"), 1);
}

static void
msg_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse("MSG a.b 7 5\r\nhello\r\n"), 1);
	assert_int_equal(m.op, NATS_OP_MSG);
	assert_string_equal(m.subject, "a.b");
	assert_null(m.reply);
	assert_int_equal(m.sid, 7);
	assert_int_equal(m.n_payload, 5);
	assert_memory_equal(m.payload, "hello", 5);
	assert_int_equal(m.status, 0);
	assert_int_equal(parse("msg\ta.b  7\t_I.x 2 \r\n\r\n\r\nPING\r\n"), 1);
	assert_string_equal(m.reply, "_I.x");
	assert_int_equal(m.n_payload, 2);
	assert_memory_equal(m.payload, "\r\n", 2);
}

static void
a_payload_may_be_empty(void **state)
{
	(void)state;
	assert_int_equal(parse("MSG a 1 0\r\n\r\n"), 1);
	assert_int_equal(m.n_payload, 0);
	assert_int_equal(parse("HMSG a 1 12 12\r\nNATS/1.0\r\n\r\n\r\n"), 1);
	assert_int_equal(m.n_payload, 0);
	assert_null(m.bad_headers);
	assert_int_equal(m.n_headers, 0);
}

static void
hmsg_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse("HMSG s 9 r 37 39\r\nNATS/1.0\r\n"
			       "Nats-Msg-Id:  0xab \r\nx:\r\n\r\nhi\r\n"),
	    1);
	assert_null(m.bad_headers);
	assert_int_equal(m.n_headers, 2);
	assert_text(*nats_header(&m, "Nats-Msg-Id"), "0xab");
	assert_text(*nats_header(&m, "x"), "");
	assert_null(nats_header(&m, "nats-msg-id"));
	assert_memory_equal(m.payload, "hi", 2);
	assert_int_equal(m.n_payload, 2);
}

static void
a_status_is_read(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("HMSG i 1 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n"), 1);
	assert_null(m.bad_headers);
	assert_int_equal(m.status, 404);
	assert_text(m.status_text, "No Messages");
	assert_int_equal(
	    parse("HMSG i 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"), 1);
	assert_int_equal(m.status, 503);
	assert_text(m.status_text, "");
}

/* The whole message with this block of headers; whether they are taken. */
static int
takes_headers(const char *block)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "HMSG i 1 %zu %zu\r\n%sp\r\n",
	    strlen(block), strlen(block) + 1, block);

	assert_int_equal(parse_n(text, (size_t)n), 1);
	assert_int_equal(m.n_payload, 1);
	if (m.bad_headers == NULL)
		return 1;
	assert_int_equal(m.n_headers, 0);
	assert_int_equal(m.status, 0);
	return 0;
}

static void
headers_that_are_wrong_do_not_end_the_connection(void **state)
{
	static const char *const wrong[] = { "", "\r\n", "NATS/1.0",
		"NATS/1.0\r\n", "NATS/1.1\r\n\r\n", "nats/1.0\r\n\r\n",
		"NATS/1.00\r\n\r\n", "NATS/1.0 4\r\n\r\n",
		"NATS/1.0 40x\r\n\r\n", "NATS/1.0 4040\r\n\r\n",
		"NATS/1.0 099\r\n\r\n", "NATS/1.0\r\n: x\r\n\r\n",
		"NATS/1.0\r\nno colon\r\n\r\n", "NATS/1.0\r\na b: x\r\n\r\n",
		"NATS/1.0\r\n folded: x\r\n\r\n", "NATS/1.0\r\na: x\n\r\n\r\n",
		"NATS/1.0\r\na: x\ry\r\n\r\n", "NATS/1.0\r\na: x\r\n",
		"NATS/1.0\r\na: x\r\n\r\nb: y\r\n\r\n",
		"NATS/1.0\r\na: \1\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(takes_headers(wrong[i]));
	assert_true(takes_headers("NATS/1.0\r\na:b:c\r\n\r\n"));
}

static void
headers_are_bounded(void **state)
{
	char block[512] = "NATS/1.0\r\n";

	(void)state;
	for (int i = 0; i < NATS_HEADERS; i++)
		strcat(block, "a:1\r\n");
	strcat(block, "\r\n");
	assert_true(takes_headers(block));
	assert_int_equal(m.n_headers, NATS_HEADERS);
	strcpy(block + strlen(block) - 2, "b:1\r\n\r\n");
	assert_false(takes_headers(block));
}

static void
a_block_of_headers_is_bounded(void **state)
{
	const size_t h = NATS_HEADER_MAX + 1;
	char *text = malloc(h + 64);
	int n;

	(void)state;
	assert_non_null(text);
	n = snprintf(text, 64, "HMSG i 1 %zu %zu\r\nNATS/1.0\r\na:", h, h);
	memset(text + n, 'x', h);
	memcpy(text + strlen("HMSG i 1 16385 16385\r\n") + h - 4,
	    "\r\n\r\n\r\n", 6);
	nats_parser_init(&parser, 0);
	assert_int_equal(
	    parse_copy(text, strlen("HMSG i 1 16385 16385\r\n") + h + 2), 1);
	assert_string_equal(m.bad_headers, "headers: too long");
	free(text);
}

static void
lengths_that_are_hostile_are_refused(void **state)
{
	static const char *const wrong[] = { "MSG a 1 1001\r\n",
		"MSG a 1 -1\r\n", "MSG a 1 +1\r\n", "MSG a 1 0x1\r\n",
		"MSG a 1 18446744073709551616\r\n",
		"MSG a 1 18446744073709551615\r\n",
		"MSG a 1 9999999999999999999\r\n", "MSG a x 1\r\n",
		"MSG a 1\r\n", "MSG a\r\n", "MSG\r\n", "MSG a 1 b 2 3\r\n",
		"MSG a 1 b 2 3 4 5 6 7 8\r\n", "HMSG a 1 12\r\n",
		"HMSG a 1 13 12\r\n", "HMSG a 1 x 12\r\n",
		"HMSG a 1 12 1001\r\n", "HMSG a 1 b 12 12 12\r\n",
		"HMSG a 1 18446744073709551615 12\r\n", "MSG a 1 2\r\nabc\r\n",
		"MSG a 1 2\r\na\r\n\r\n", "MSG a 1 2\r\nab\n\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(wrong[i]), -1);
	assert_int_equal(parse("MSG a 1 1000\r\n"), 0);
	assert_int_equal(parser.need, strlen("MSG a 1 1000\r\n") + 1000 + 2);
}

static void
lines_that_are_wrong_are_refused(void **state)
{
	static const char *const wrong[] = { "PING\rPONG\r\n", "PING\n",
		"PING\r\r\n", "\r\n", " PING\r\n", "PING x\r\n", "PINGX\r\n",
		"+OKAY\r\n", "SUB a 1\r\n", "HTTP/1.1 400 Bad Request\r\n",
		"\x16\x03\x01", "-ERRX\r\n", "MSG a\x01 1 1\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(wrong[i]), -1);
	assert_int_equal(parse_n("PING\0\r\n", 7), -1);
	assert_int_equal(parse("PING\r"), 0);
	assert_int_equal(parse(""), 0);
}

/* A line of n bytes that begins with `start' and is padded before CRLF. */
static int
parse_line_of(size_t n, const char *start)
{
	char *line = malloc(n);
	int r;

	assert_non_null(line);
	memset(line, ' ', n);
	memcpy(line, start, strlen(start));
	memcpy(line + n - 2, "\r\n", 2);
	r = parse_n(line, n);
	free(line);
	return r;
}

static void
lines_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(parse_line_of(NATS_LINE, "PING"), 1);
	assert_int_equal(parse_line_of(NATS_LINE + 1, "PING"), -1);
	assert_int_equal(parse_line_of(NATS_LINE, "-ERR 'x'"), 1);
	assert_int_equal(parse_line_of(NATS_LINE + 1, "-ERR 'x'"), -1);
	assert_int_equal(parse_line_of(NATS_INFO, "INFO {}"), 1);
	assert_int_equal(parse_line_of(NATS_INFO + 1, "INFO {}"), -1);
	assert_int_equal(parse_line_of(NATS_LINE + 1, "INFOX {}"), -1);
}

static void
failure_leaves_the_message_alone(void **state)
{
	(void)state;
	assert_int_equal(parse("MSG a 1 1\r\nx\r\n"), 1);
	used = 77;
	nats_parser_init(&parser, 1000);
	assert_int_equal(parse_copy("MSG b 2 x\r\n", 11), -1);
	assert_int_equal(m.sid, 1);
	assert_int_equal(used, 77);
}

/* ---- what we send -------------------------------------------------------- */

static char line[NATS_LINE];

static void
connect_is_json(void **state)
{
	int n = nats_put_connect(line, sizeof(line), "a \"name\"", "0.1", 1);
	json_t *o;

	(void)state;
	assert_true(n > 10);
	assert_memory_equal(line, "CONNECT {", 9);
	assert_string_equal(line + n - 2, "\r\n");
	o = json_loads(line + 8, 0, NULL);
	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "name")), "a \"name\"");
	assert_true(json_is_true(json_object_get(o, "tls_required")));
	assert_true(json_is_false(json_object_get(o, "verbose")));
	assert_true(json_is_true(json_object_get(o, "no_responders")));
	json_decref(o);
	assert_int_equal(nats_put_connect(line, 40, "a", "0.1", 0), -1);
}

static void
control_lines_are_written(void **state)
{
	(void)state;
	assert_int_equal(nats_put_sub(line, sizeof(line), "a.*.>", 3), 13);
	assert_string_equal(line, "SUB a.*.> 3\r\n");
	nats_put_unsub(line, sizeof(line), 3, 0);
	assert_string_equal(line, "UNSUB 3\r\n");
	nats_put_unsub(line, sizeof(line), 3, 1);
	assert_string_equal(line, "UNSUB 3 1\r\n");
	nats_put_pub(line, sizeof(line), "a.b", NULL, 0);
	assert_string_equal(line, "PUB a.b 0\r\n");
	nats_put_pub(line, sizeof(line), "a.b", "r", 12);
	assert_string_equal(line, "PUB a.b r 12\r\n");
	nats_put_hpub(line, sizeof(line), "a.b", "r", 12, 2);
	assert_string_equal(line, "HPUB a.b r 12 14\r\n");
	assert_int_equal(nats_put_pub(line, 11, "a.b", NULL, 0), -1);
}

static void
names_that_would_break_a_line_are_not_sent(void **state)
{
	static const char *const wrong[] = { "", ".", "a.", ".a", "a..b", "a b",
		"a\r\nPUB b", "a\t", "\x80", "\x7f" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(nats_subject_is_valid(wrong[i], 1));
		assert_int_equal(
		    nats_put_pub(line, sizeof(line), wrong[i], NULL, 0), -1);
		assert_int_equal(
		    nats_put_hpub(line, sizeof(line), "a", wrong[i], 0, 0), -1);
		assert_int_equal(
		    nats_put_sub(line, sizeof(line), wrong[i], 1), -1);
	}
	assert_false(nats_subject_is_valid("a.*", 0));
	assert_false(nats_subject_is_valid(">", 0));
	assert_false(nats_subject_is_valid("a*", 1));
	assert_false(nats_subject_is_valid(">.a", 1));
	assert_true(nats_subject_is_valid("$JS.API.x", 0));
}

static void
headers_are_written(void **state)
{
	const char *pairs[] = { "Nats-Msg-Id", "0xab", "x", "", NULL };
	int n = nats_put_headers(line, sizeof(line), pairs);

	(void)state;
	assert_string_equal(
	    line, "NATS/1.0\r\nNats-Msg-Id: 0xab\r\nx: \r\n\r\n");
	assert_int_equal(n, strlen(line));
	for (size_t i = 0; i < (size_t)n; i++)
		assert_int_equal(nats_put_headers(line, i, pairs), -1);
	pairs[1] = "a\r\nb: c";
	assert_int_equal(nats_put_headers(line, sizeof(line), pairs), -1);
	pairs[1] = "a";
	pairs[2] = "x:";
	assert_int_equal(nats_put_headers(line, sizeof(line), pairs), -1);
	pairs[2] = "";
	assert_int_equal(nats_put_headers(line, sizeof(line), pairs), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_without_payload_is_read),
		cmocka_unit_test(info_is_read),
		cmocka_unit_test(a_version_is_read_or_unknown),
		cmocka_unit_test(info_that_is_wrong_is_refused),
		cmocka_unit_test(msg_is_read),
		cmocka_unit_test(a_payload_may_be_empty),
		cmocka_unit_test(hmsg_is_read),
		cmocka_unit_test(a_status_is_read),
		cmocka_unit_test(
		    headers_that_are_wrong_do_not_end_the_connection),
		cmocka_unit_test(headers_are_bounded),
		cmocka_unit_test(a_block_of_headers_is_bounded),
		cmocka_unit_test(lengths_that_are_hostile_are_refused),
		cmocka_unit_test(lines_that_are_wrong_are_refused),
		cmocka_unit_test(lines_are_bounded),
		cmocka_unit_test(failure_leaves_the_message_alone),
		cmocka_unit_test(connect_is_json),
		cmocka_unit_test(control_lines_are_written),
		cmocka_unit_test(names_that_would_break_a_line_are_not_sent),
		cmocka_unit_test(headers_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
