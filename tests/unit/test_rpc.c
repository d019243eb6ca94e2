/* SPDX-License-Identifier: Apache-2.0
 *
 * src/registry/rpc.c: which answers count as one, and the values in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "rpc.h"
#include "web.h"
#include "sha256.h"
#include "tests/unit/dies.h"

static const char *why;
static char buf[128];

static json_t *
parse(const char *text)
{
	why = NULL;
	return rpc_parse(text, strlen(text), 5, buf, sizeof(buf), &why);
}

static void
refuses(const char *text)
{
	assert_null(parse(text));
	assert_non_null(why);
}

static void
result_of_our_call_is_taken(void **state)
{
	json_t *result = parse(
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"0x1\"}");

	(void)state;
	assert_string_equal(json_string_value(result), "0x1");
	json_decref(result);
}

static void
other_answers_are_refused(void **state)
{
	(void)state;
	refuses("");
	refuses("<html>");
	refuses("[]");
	refuses("null");
	refuses("{}");
	refuses("{\"jsonrpc\":\"2.0\",\"id\":6,\"result\":\"0x1\"}");
	refuses("{\"jsonrpc\":\"2.0\",\"id\":\"5\",\"result\":\"0x1\"}");
	refuses("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":\"0x1\"}");
	refuses("{\"jsonrpc\":\"2.0\",\"result\":\"0x1\"}");
	refuses("{\"jsonrpc\":\"1.0\",\"id\":5,\"result\":\"0x1\"}");
	refuses("{\"id\":5,\"result\":\"0x1\"}");
	refuses("{\"jsonrpc\":\"2.0\",\"id\":5}");
	refuses("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":1}trailing");
	refuses("{\"jsonrpc\":\"2.0\",\"id\":5,\"id\":5,\"result\":\"\"}");
}

static void
error_is_told_and_escaped(void **state)
{
	(void)state;
	refuses("{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":"
		"{\"code\":-1,\"message\":\"oh\\nno\"}}");
	assert_non_null(strstr(why, "oh"));
	assert_null(strchr(why, '\n'));
	refuses("{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":7}");
}

static void
the_nesting_of_json_is_limited(void **state)
{
	static char text[200000];

	(void)state;
	memset(text, '[', sizeof(text) - 1);
	refuses(text);
	assert_string_equal(why, "JSON is nested too deeply");
	/* but not what a string holds */
	assert_null(parse("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\""
			  "[[[[[[[[[[[[[[[[[[[\"}"));
	assert_string_equal(why, "not JSON-RPC 2.0");
}

static int
quantity(const char *text, uint64_t *v)
{
	json_t *j = json_string(text);
	int r = rpc_quantity(j, v);

	json_decref(j);
	return r;
}

static void
quantities_have_1_to_16_digits(void **state)
{
	static const char *const bad[] = { "", "0x", "1", "0xg", "x1", " 0x1",
		"0x1 ", "-0x1", "0x-1", "0x10000000000000000" };
	uint64_t v = 1;

	(void)state;
	assert_int_equal(quantity("0x0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(quantity("0xfFfFfFfFfFfFfFfF", &v), 0);
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(quantity(bad[i], &v), -1);
	assert_int_equal(rpc_quantity(NULL, &v), -1);
}

static long
bytes(const char *text, uint8_t *out, size_t max)
{
	json_t *j = json_string(text);
	long n = rpc_bytes(j, out, max);

	json_decref(j);
	return n;
}

static void
bytes_are_whole_and_fit(void **state)
{
	uint8_t b[2];

	(void)state;
	assert_int_equal(bytes("0x", b, 2), 0);
	assert_int_equal(bytes("0x0aFf", b, 2), 2);
	assert_int_equal(b[0], 0x0a);
	assert_int_equal(b[1], 0xff);
	assert_int_equal(bytes("0x0a0b0c", b, 2), -1);
	assert_int_equal(bytes("0x0", b, 2), -1);
	assert_int_equal(bytes("0x0z", b, 2), -1);
	assert_int_equal(bytes("", b, 2), -1);
	assert_int_equal(bytes("0", b, 2), -1);
	assert_int_equal(rpc_bytes(NULL, b, 2), -1);
}

static void
init(const void *conf)
{
	web_init(conf);
}

/* Authorities that were put there after the hash was made are not taken. */
static void
registry_ca_must_be_the_attested_file(void **state)
{
	static const char text[] = "no certificate";
	struct conf conf = { .registry_ca = "/tmp/test_rpc.XXXXXX" };
	const int fd = mkstemp(conf.registry_ca);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	dies(init, &conf, "not the attested file");
	sha256(text, sizeof(text), conf.registry_ca_sha256);
	dies(init, &conf, "no certificates in the file");
	unlink(conf.registry_ca);
	dies(init, &conf, ": cannot open");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result_of_our_call_is_taken),
		cmocka_unit_test(other_answers_are_refused),
		cmocka_unit_test(error_is_told_and_escaped),
		cmocka_unit_test(the_nesting_of_json_is_limited),
		cmocka_unit_test(quantities_have_1_to_16_digits),
		cmocka_unit_test(bytes_are_whole_and_fit),
		cmocka_unit_test(registry_ca_must_be_the_attested_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
