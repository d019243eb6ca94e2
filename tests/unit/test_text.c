/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that processes read and write: hex digits, numbers in bytes, JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "dies.h"
#include "hex.h"
#include "jsonw.h"

static void
hex_is_decoded_in_either_case(void **unused)
{
	uint8_t b[4];
	char text[9];

	(void)unused;
	assert_int_equal(hex_decode("09afAF10", 8, b, 4), 0);
	assert_memory_equal(b, "\x09\xaf\xaf\x10", 4);
	assert_string_equal(hex_encode(text, b, 4), "09afaf10");
	assert_int_equal(hex_decode("", 0, b, 0), 0);
	assert_string_equal(hex_encode(text, b, 0), "");
}

static void
hex_of_another_length_or_letter_is_refused(void **unused)
{
	static const char *const bad[] = { "", "0", "000", "0000g", "0x00",
		"00 0", "/000", ":000", "@000", "G000", "`000", "g000",
		"00000" };
	uint8_t b[2] = { 1, 2 };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hex_decode(bad[i], strlen(bad[i]), b, 2), -1);
	assert_memory_equal(b, "\1\2", 2);	/* unchanged */
}

static void
hex_is_decoded_in_place(void **unused)
{
	char text[] = "30313233";

	(void)unused;
	assert_int_equal(hex_decode(text, 8, text, 4), 0);
	assert_memory_equal(text, "0123", 4);
}

static void
numbers_are_read_and_written_in_both_orders(void **unused)
{
	static const uint8_t b[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t to[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };

	(void)unused;
	assert_true(get_be(b, 8) == UINT64_C(0x0102030405060708));
	assert_true(get_le(b, 8) == UINT64_C(0x0807060504030201));
	assert_true(get_be(b, 3) == 0x010203 && get_le(b, 3) == 0x030201);
	assert_true(get_be(b, 0) == 0 && get_le(b, 0) == 0);
	put_be(to + 2, 4, UINT64_C(0xff01020304));
	assert_memory_equal(to, "\11\11\1\2\3\4\11\11", 8);
}

/* ---- JSON -------------------------------------------------------------- */

static char out[4096];

static void
append(void *to, const char *text, size_t n)
{
	assert_true(strlen(to) + n < sizeof(out));
	strncat(to, text, n);
}

static void
json_has_its_commas_and_brackets(void **unused)
{
	struct jsonw j;

	(void)unused;
	*out = '\0';
	jsonw_begin(&j, append, out);
	jsonw_object(&j, NULL);
	jsonw_number(&j, "most", UINT64_MAX);
	jsonw_array(&j, "empty");
	jsonw_end(&j);
	jsonw_array(&j, "list");
	jsonw_string(&j, NULL, "%d", 1);
	jsonw_object(&j, NULL);
	jsonw_end(&j);
	jsonw_null(&j, NULL);
	jsonw_end(&j);
	jsonw_hex(&j, "hex", "\1\xff", 2);
	jsonw_end(&j);
	assert_string_equal(out,
	    "{\"most\":9223372036854775807,\"empty\":[],"
	    "\"list\":[\"1\",{},null],\"hex\":\"0x01ff\"}\n");
}

static void
json_strings_are_escaped(void **unused)
{
	struct jsonw j;

	(void)unused;
	*out = '\0';
	jsonw_begin(&j, append, out);
	jsonw_string(&j, NULL, "a\"b\\c\n\x7f%s", "\1");
	assert_string_equal(out, "\"a\\u0022b\\u005cc\\u000a\x7f\\u0001\"");
}

static void
too_deep(const void *unused)
{
	struct jsonw j;
	int i;

	(void)unused;
	jsonw_begin(&j, append, out);
	for (i = 0; i <= JSONW_DEPTH; i++)
		jsonw_array(&j, NULL);
}

static void
json_that_is_too_deep_is_fatal(void **unused)
{
	(void)unused;
	*out = '\0';
	dies(too_deep, NULL, "jsonw: more than 8 levels");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_is_decoded_in_either_case),
		cmocka_unit_test(hex_of_another_length_or_letter_is_refused),
		cmocka_unit_test(hex_is_decoded_in_place),
		cmocka_unit_test(numbers_are_read_and_written_in_both_orders),
		cmocka_unit_test(json_has_its_commas_and_brackets),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(json_that_is_too_deep_is_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
