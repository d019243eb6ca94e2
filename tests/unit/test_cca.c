/* SPDX-License-Identifier: Apache-2.0
 *
 * CCA tokens of both profiles (from models: none from silicon is public), and
 * each thing wrong by its own check alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attest.h"
#include "tests/unit/samples.h"

static struct report r;
static struct policy policy;

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return 0;
}

/* By this key; NULL: none. */
static void
judge(struct bytes token, struct bytes key)
{
	struct collateral c = { 0 };

	c.cca_key = (uint8_t *)(uintptr_t)key.p;
	c.cca_key_n = key.n;
	memset(&r, 0, sizeof(r));
	format_cca.verify(token, &c, &policy, 0, &r);
}

static void
judge_file(const char *token, const char *key)
{
	struct bytes t = sample(token), k = { NULL, 0 };

	if (key != NULL)
		k = sample(key);
	judge(t, k);
	sample_free(t);
	sample_free(k);
}

static void
good(void **state)
{
	static const struct { const char *token, *key; } of[] = {
		{ "cca/cca-token-01.cbor", "cca/cca_platform.pem" },
		{ "cca/cca-token-01.cbor", "cca/cpak.json" },
		{ "cca/cca-example-token.cbor", "cca/cpak-pub.json" },
		{ "cca/cca-example-token.cbor", "cca/tastore.json" },
		{ "cca/cca-token-02.cbor", "cca/ta-02-ok.json" },
		{ "cca/cca-token-draft-ffm-00.cbor", "cca/ta-tfa.json" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		judge_file(of[i].token, of[i].key);
		only(&r, A_FAIL, "");
		only(&r, A_MISSING, "");
		assert_int_equal(report_verdict(&r), 0);
		assert_true(r.hardware);
		assert_int_equal(r.debug, 0);
	}
	assert_string_equal(fact_of(&r, "realm-profile"),
	    "tag:arm.com,2023:realm#1.0.0");
	judge_file("cca/cca-example-token.cbor", "cca/cpak-pub.json");
	assert_string_equal(fact_of(&r, "lifecycle"), "0x3003");
	assert_non_null(fact_of(&r, "sw-component-12"));
	assert_null(fact_of(&r, "sw-component-13"));
}

static void
keys(void **state)
{
	(void)state;
	judge_file("cca/cca-token-02.cbor", NULL);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "platform-signature");
	assert_int_equal(report_verdict(&r), 3);
	assert_false(r.hardware);
	judge_file("cca/cca-token-02.cbor", "cca/ta-tfa.json");	/* another's */
	only(&r, A_MISSING, "platform-signature");
	judge_file("cca/cca-token-02.cbor", "cca/pkey.json");
	only(&r, A_FAIL, "platform-signature");
	judge_file("cca/cca-token-02.cbor", "cca/ta-02-bad.json");
	only(&r, A_FAIL, "platform-signature");
	judge_file("cca/cca-token-02.cbor", "cca/cca-token-02.cbor");
	only(&r, A_FAIL, "platform-signature");
}

static void
binding(void **state)
{
	(void)state;
	judge_file("cca/bug-33-repro.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "rak-binding");
	assert_false(r.hardware);
}

static void
report_data(void **state)
{
	char text[200], error[200];

	(void)state;
	judge_file("cca/cca-token-01.cbor", "cca/cpak.json");
	snprintf(text, sizeof(text), "report-data %s\n",
	    fact_of(&r, "realm-challenge"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	judge_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "");
	assert_int_equal(report_find(&r, "report-data")->outcome, A_PASS);
	policy.report_data[63] ^= 1;
	judge_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "report-data");
}

static void
reference_values(void **state)
{
	char text[300], error[200];

	(void)state;
	judge_file("cca/cca-token-01.cbor", "cca/cpak.json");
	snprintf(text, sizeof(text), "accept rim %s\naccept instance-id %s\n",
	    fact_of(&r, "rim"), fact_of(&r, "instance-id"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	judge_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "");
	judge_file("cca/cca-token-02.cbor", "cca/ta-02-ok.json");
	only(&r, A_FAIL, "policy-rim policy-instance-id");
	policy.values[0].value[0] ^= 1;
	judge_file("cca/cca-token-01.cbor", "cca/cpak.json");
	only(&r, A_FAIL, "policy-rim");
}

/* No byte of a token can change: not of what is signed, nor of what wraps it. */
static void
every_byte(void **state)
{
	static const struct { const char *token, *key; } of[] = {
		{ "cca/cca-token-01.cbor", "cca/cpak.json" },
		{ "cca/cca-token-draft-ffm-00.cbor", "cca/ta-tfa.json" },
	};
	struct bytes t, k;
	uint8_t *p;
	size_t i, j;
	int bit;

	(void)state;
	for (j = 0; j < sizeof(of) / sizeof(of[0]); j++) {
		t = sample(of[j].token);
		k = sample(of[j].key);
		p = (uint8_t *)(uintptr_t)t.p;
		for (i = 0; i < t.n; i++) {
			bit = 1 << i % 8;
			p[i] ^= (uint8_t)bit;
			judge(t, k);
			assert_int_not_equal(report_verdict(&r), 0);
			p[i] ^= (uint8_t)bit;
		}
		judge(t, k);
		assert_int_equal(report_verdict(&r), 0);
		sample_free(t);
		sample_free(k);
	}
}

static void
every_length(void **state)
{
	struct bytes t = sample("cca/cca-token-01.cbor");
	struct bytes k = sample("cca/cpak.json");
	uint8_t *p;
	size_t n;

	(void)state;
	for (n = 0; n < t.n + 4; n++) {
		if (n == t.n)
			continue;
		p = calloc(1, n + 1);
		assert_non_null(p);
		memcpy(p + 1, t.p, n < t.n ? n : t.n);
		judge((struct bytes){ p + 1, n }, k);
		only(&r, A_FAIL, "format");
		free(p);
	}
	sample_free(t);
	sample_free(k);
}

/* Sixteen thousand arrays in each other, and one of 2^40 elements: refused
 * without harm. */
static void
hostile_sizes(void **state)
{
	uint8_t *p = malloc(20000);
	const struct bytes none = { NULL, 0 };

	(void)state;
	assert_non_null(p);
	memcpy(p, "\xd9\x01\x8f", 3);
	memset(p + 3, 0x81, 20000 - 3);
	p[16383] = 0;
	judge((struct bytes){ p, 16384 }, none);
	only(&r, A_FAIL, "format");
	judge((struct bytes){ p, 20000 }, none);
	only(&r, A_FAIL, "format");
	memcpy(p + 3, "\x9b\0\0\1\0\0\0\0\0", 9);
	judge((struct bytes){ p, 16384 }, none);
	only(&r, A_FAIL, "format");
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(good, setup),
		cmocka_unit_test_setup(keys, setup),
		cmocka_unit_test_setup(binding, setup),
		cmocka_unit_test_setup(report_data, setup),
		cmocka_unit_test_setup(reference_values, setup),
		cmocka_unit_test_setup(every_byte, setup),
		cmocka_unit_test_setup(every_length, setup),
		cmocka_unit_test_setup(hostile_sizes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
