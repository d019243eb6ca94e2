/* SPDX-License-Identifier: Apache-2.0
 *
 * OP-TEE evidence.  No output of the PTA is published: these samples are
 * synthetic, signed by a key that lives as long as the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "attest.h"
#include "optee.h"
#include "tests/unit/samples.h"

#define RECORD(sig)	(1 + 2 + 32 + (sig))
#define HEAD		(7 + 64 + 1)

static struct report r;
static struct policy policy;
static EVP_PKEY *key;
static struct bytes der;		/* its public part */
static uint8_t report_data[64];

static struct bytes
spki(EVP_PKEY *k)
{
	uint8_t *p = NULL;
	int n = i2d_PUBKEY(k, &p);

	assert_true(n > 0);
	return (struct bytes){ p, (size_t)n };
}

static int
setup_key(void **state)
{
	(void)state;
	key = EVP_RSA_gen(2048);
	if (key == NULL)
		return -1;
	der = spki(key);
	memset(report_data, 0x5a, sizeof(report_data));
	return 0;
}

static int
teardown_key(void **state)
{
	(void)state;
	OPENSSL_free((void *)(uintptr_t)der.p);
	EVP_PKEY_free(key);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return 0;
}

/* ---- what the PTA does, and the evidence process around it ------------- */

static size_t
sign(EVP_PKEY *by, int saltlen, const uint8_t hash[32], uint8_t *to)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(by, NULL);
	size_t n = 1024;

	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256());
	EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256());
	EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, saltlen);
	assert_int_equal(EVP_PKEY_sign(ctx, to, &n, hash, 32), 1);
	EVP_PKEY_CTX_free(ctx);
	return n;
}

/* One record whose nonce is that of `label', its digest all the command's. */
static size_t
put_record(
    uint8_t *to, uint8_t command, uint8_t label, EVP_PKEY *by, int saltlen)
{
	uint8_t all[17 + 1 + 64 + 32], hash[32];
	size_t n;

	memcpy(all, "tee-runner optee ", 17);
	all[17] = label;
	memcpy(all + 18, report_data, 64);
	memset(all + 82, 0xd0 | command, 32);
	EVP_Digest(all, sizeof(all), hash, NULL, EVP_sha256(), NULL);
	n = 32 + sign(by, saltlen, hash, to + 3 + 32);
	to[0] = command;
	to[1] = (uint8_t)n;
	to[2] = (uint8_t)(n >> 8);
	memcpy(to + 3, all + 82, 32);
	return 3 + n;
}

static struct bytes
make(const char *commands, EVP_PKEY *by, int saltlen)
{
	uint8_t *p = malloc(8192), *q;
	size_t i, n = HEAD;

	assert_non_null(p);
	memcpy(p, "OPTEE1\n", 7);
	memcpy(p + 7, report_data, 64);
	p[71] = (uint8_t)strlen(commands);
	for (i = 0; commands[i] != '\0'; i++)
		n += put_record(p + n, (uint8_t)(commands[i] - '0'),
		    (uint8_t)(commands[i] - '0'), by, saltlen);
	q = malloc(n);				/* exactly, for a sanitizer */
	assert_non_null(q);
	memcpy(q, p, n);
	free(p);
	return (struct bytes){ q, n };
}

static void
verify(struct bytes b, struct bytes k)
{
	struct collateral c = { 0 };

	c.optee_key = (uint8_t *)(uintptr_t)k.p;
	c.optee_key_n = k.n;
	memset(&r, 0, sizeof(r));
	r.hardware = 1;				/* it must say that it is
						 * none */
	format_optee.verify(b, &c, &policy, 0, &r);
	assert_int_equal(r.hardware, 0);
	assert_int_equal(r.debug, -1);
}

static void
verify_made(const char *commands)
{
	struct bytes b = make(commands, key, 32);

	verify(b, der);
	sample_free(b);
}

/* ---- tests ------------------------------------------------------------- */

static void
records_in_each_combination_are_accepted(void **state)
{
	static const char *const of[] = { "1", "3", "13", "31", "123" };
	struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		b = make(of[i], key, 32);
		assert_true(format_optee.is(b));
		verify(b, der);
		only(&r, A_FAIL, "");
		only(&r, A_MISSING, "");
		only(&r, A_PASS, "format signature");
		assert_int_equal(report_verdict(&r), 0);
		assert_string_equal(r.warnings[0],
		    "device key, trusted since "
		    "provisioning: no hardware chain");
		memset(&r, 0, sizeof(r));
		assert_int_equal(format_optee.show(b, &r), 0);
		sample_free(b);
	}
	assert_int_equal(strlen(fact_of(&r, "tee-memory")), 64);
	assert_memory_equal(fact_of(&r, "tee-memory"), "d3d3", 4);
	assert_memory_equal(fact_of(&r, "ta-memory"), "d2d2", 4);
	assert_memory_equal(fact_of(&r, "ta-digest"), "d1d1", 4);
}

static void
without_a_key_the_signature_is_missing(void **state)
{
	struct bytes b = make("13", key, 32);

	(void)state;
	verify(b, (struct bytes){ NULL, 0 });
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "signature");
	assert_int_equal(report_verdict(&r), 3);
	sample_free(b);
}

static void
the_key_may_be_pem_too(void **state)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct bytes b = make("1", key, 32);
	char *p;
	long n;

	(void)state;
	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	n = BIO_get_mem_data(bio, &p);
	verify(b, (struct bytes){ (uint8_t *)p, (size_t)n });
	assert_int_equal(report_verdict(&r), 0);
	BIO_free(bio);
	sample_free(b);
}

/* A key that is none, of another device, too short, or followed by bytes. */
static void
a_key_of_another_device_or_form_is_refused(void **state)
{
	EVP_PKEY *of[] = { EVP_RSA_gen(2048), EVP_RSA_gen(1024),
		EVP_EC_gen("P-256") };
	struct bytes b = make("1", key, 32), k;
	uint8_t *longer;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		k = spki(of[i]);
		verify(b, k);
		only(&r, A_FAIL, "signature");
		OPENSSL_free((void *)(uintptr_t)k.p);
		EVP_PKEY_free(of[i]);
	}
	verify(b, b);
	only(&r, A_FAIL, "signature");
	verify(b, (struct bytes){ der.p, 0 });
	only(&r, A_FAIL, "signature");
	longer = calloc(1, der.n + 1);
	assert_non_null(longer);
	memcpy(longer, der.p, der.n);
	verify(b, (struct bytes){ longer, der.n + 1 });
	only(&r, A_FAIL, "signature");
	free(longer);
	sample_free(b);
}

/* With an exponent of 1 a signature is its own padded message, for anyone to
 * make: such a key is none. */
static void
a_key_with_an_exponent_of_one_is_refused(void **state)
{
	struct bytes b = make("1", key, 32);
	uint8_t *k = malloc(der.n), *sig, message[256];
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t n = sizeof(message);

	(void)state;
	assert_non_null(k);
	assert_non_null(ctx);
	sig = (uint8_t *)(uintptr_t)b.p + b.n - sizeof(message);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING);
	assert_int_equal(EVP_PKEY_encrypt(ctx, message, &n, sig, n), 1);
	memcpy(sig, message, sizeof(message));
	EVP_PKEY_CTX_free(ctx);
	memcpy(k, der.p, der.n);
	/* The exponent ends an SPKI: 02 03 01 00 01. */
	assert_memory_equal(k + der.n - 5, "\2\3\1\0\1", 5);
	k[der.n - 3] = 0;
	verify(b, (struct bytes){ k, der.n });
	only(&r, A_FAIL, "signature");
	free(k);
	sample_free(b);
}

static void
a_signature_with_another_length_of_salt_is_refused(void **state)
{
	struct bytes b = make("1", key, 20);

	(void)state;
	verify(b, der);
	only(&r, A_FAIL, "signature");
	sample_free(b);
}

/* An honest output of command 1, shown as one of command 3. */
static void
an_output_shown_as_that_of_another_command_is_refused(void **state)
{
	struct bytes b = make("1", key, 32);
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;

	(void)state;
	p[HEAD] = 3;
	verify(b, der);
	only(&r, A_FAIL, "signature");
	sample_free(b);
}

/* One whose normal world asked under the nonce of another: only the digest
 * tells, so it must be named. */
static void
a_digest_under_a_false_name_needs_the_policy(void **state)
{
	uint8_t b[HEAD + RECORD(256)];
	char text[200], error[200];

	(void)state;
	memcpy(b, "OPTEE1\n", 7);
	memcpy(b + 7, report_data, 64);
	b[71] = 1;
	put_record(b + HEAD, 1, 3, key, 32);
	b[HEAD] = 3;
	verify((struct bytes){ b, sizeof(b) }, der);
	only(&r, A_FAIL, "");
	assert_int_equal(r.n_warnings, 2);
	snprintf(text, sizeof(text), "accept tee-memory %064d\n", 7);
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	verify((struct bytes){ b, sizeof(b) }, der);
	only(&r, A_FAIL, "policy-tee-memory");
	assert_int_equal(r.n_warnings, 1);
}

static void
the_report_data_must_be_that_of_the_policy(void **state)
{
	(void)state;
	policy.has_report_data = 1;
	memcpy(policy.report_data, report_data, 64);
	verify_made("13");
	only(&r, A_FAIL, "");
	assert_int_equal(report_find(&r, "report-data")->outcome, A_PASS);
	policy.report_data[63] ^= 1;
	verify_made("13");
	only(&r, A_FAIL, "report-data");
}

static void
each_digest_must_be_that_of_the_policy(void **state)
{
	char text[300], error[200];

	(void)state;
	verify_made("13");
	snprintf(text, sizeof(text),
	    "accept ta-digest %s\n"
	    "accept tee-memory %s\n",
	    fact_of(&r, "ta-digest"), fact_of(&r, "tee-memory"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	verify_made("13");
	only(&r, A_FAIL, "");
	only(&r, A_PASS,
	    "format signature policy-ta-digest "
	    "policy-tee-memory");
	verify_made("1");			/* left out is not accepted */
	only(&r, A_FAIL, "policy-tee-memory");
	policy.values[0].value[0] ^= 1;
	verify_made("13");
	only(&r, A_FAIL, "policy-ta-digest");
}

static void
each_field_out_of_its_range_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} of[] = {
		{ 71, 0 },
		{ 71, 1 },
		{ 71, 3 },
		{ 71, 255 }, /* records */
		{ HEAD, 0 },
		{ HEAD, 4 },
		{ HEAD, 3 }, /* command */
		{ HEAD + 1, 0 },
		{ HEAD + 2, 0 },
		{ HEAD + 2, 0xff },
	};
	struct bytes b = make("13", key, 32);
	uint8_t *p = (uint8_t *)(uintptr_t)b.p, was;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		was = p[of[i].at];
		p[of[i].at] = of[i].value;
		verify(b, der);
		only(&r, A_FAIL, "format");
		memset(&r, 0, sizeof(r));
		assert_int_equal(format_optee.show(b, &r), -1);
		p[of[i].at] = was;
	}
	verify(b, der);
	only(&r, A_FAIL, "");
	sample_free(b);
}

static void
evidence_with_any_byte_changed_is_refused(void **state)
{
	struct bytes b = make("13", key, 32);
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;
	size_t i;
	int bit;

	(void)state;
	for (i = 0; i < b.n; i++)
		for (bit = 0; bit < 8; bit += 7) {
			p[i] ^= (uint8_t)(1 << bit);
			verify(b, der);
			assert_int_equal(report_verdict(&r), 1);
			p[i] ^= (uint8_t)(1 << bit);
		}
	verify(b, der);
	assert_int_equal(report_verdict(&r), 0);
	sample_free(b);
}

static void
evidence_cut_or_extended_is_not_well_formed(void **state)
{
	struct bytes b = make("13", key, 32);
	uint8_t *p;
	size_t n;

	(void)state;
	for (n = 0; n < b.n + 4; n++) {
		if (n == b.n)
			continue;
		p = calloc(1, n + 1);
		assert_non_null(p);
		memcpy(p + 1, b.p, n < b.n ? n : b.n);
		verify((struct bytes){ p + 1, n }, der);
		only(&r, A_FAIL, "format");
		free(p);
	}
	sample_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    records_in_each_combination_are_accepted, setup),
		cmocka_unit_test_setup(
		    without_a_key_the_signature_is_missing, setup),
		cmocka_unit_test_setup(the_key_may_be_pem_too, setup),
		cmocka_unit_test_setup(
		    a_key_of_another_device_or_form_is_refused, setup),
		cmocka_unit_test_setup(
		    a_key_with_an_exponent_of_one_is_refused, setup),
		cmocka_unit_test_setup(
		    a_signature_with_another_length_of_salt_is_refused, setup),
		cmocka_unit_test_setup(
		    an_output_shown_as_that_of_another_command_is_refused,
		    setup),
		cmocka_unit_test_setup(
		    a_digest_under_a_false_name_needs_the_policy, setup),
		cmocka_unit_test_setup(
		    the_report_data_must_be_that_of_the_policy, setup),
		cmocka_unit_test_setup(
		    each_digest_must_be_that_of_the_policy, setup),
		cmocka_unit_test_setup(
		    each_field_out_of_its_range_is_refused, setup),
		cmocka_unit_test_setup(
		    evidence_with_any_byte_changed_is_refused, setup),
		cmocka_unit_test_setup(
		    evidence_cut_or_extended_is_not_well_formed, setup),
	};

	return cmocka_run_group_tests(tests, setup_key, teardown_key);
}
