/* SPDX-License-Identifier: Apache-2.0
 *
 * DCAP quotes against real ones with their collateral: each is judged at its
 * time as EXPECT.json says, and each thing wrong fails its own check alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "attest.h"
#include "collateral.h"
#include "dcap.h"
#include "tests/unit/samples.h"

static struct report r;
static struct policy policy;

static void
verify(struct bytes quote, const char *directory, time_t at)
{
	struct collateral c = { 0 };

	memset(&r, 0, sizeof(r));
	if (directory != NULL)
		assert_int_equal(
		    collateral_load(&c, sample_path(directory)), 0);
	format_dcap.verify(quote, &c, &policy, at, &r);
	collateral_free(&c);
}

static void
verify_file(const char *quote, const char *directory, time_t at)
{
	struct bytes b = sample(quote);

	verify(b, directory, at);
	sample_free(b);
}

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return 0;
}

/* ---- every set, by its EXPECT.json ------------------------------------- */

static void
expect_fact(const json_t *e, const char *member, const char *fact)
{
	const char *wanted = json_string_value(json_object_get(e, member));

	if (wanted == NULL)
		return;
	assert_non_null(fact_of(&r, fact));
	assert_string_equal(fact_of(&r, fact), wanted);
}

static void
expect_advisories(const json_t *list)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		assert_string_equal(r.advisories[i],
		    json_string_value(json_array_get(list, i)));
	assert_int_equal(r.n_advisories, json_array_size(list));
}

static void
set_is(const char *set, const char *failing)
{
	static const char *const facts[][2] = {
		{ "fmspc", "fmspc" },
		{ "ppid", "ppid" },
		{ "mrtd", "mrtd" },
		{ "rtmr0", "rtmr0" },
		{ "rtmr1", "rtmr1" },
		{ "rtmr2", "rtmr2" },
		{ "rtmr3", "rtmr3" },
		{ "mrseam", "mrseam" },
		{ "mrconfigid", "mrconfigid" },
		{ "mrowner", "mrowner" },
		{ "mrownerconfig", "mrownerconfig" },
		{ "mrservicetd", "mrservicetd" },
		{ "xfam", "xfam" },
		{ "td_attributes", "td-attributes" },
		{ "tee_tcb_svn", "tee-tcb-svn" },
		{ "tee_tcb_svn2", "tee-tcb-svn-2" },
		{ "report_data", "report-data" },
	};
	char directory[128], path[160];
	struct tm tm = { 0 };
	json_t *e, *launch;
	size_t i;

	snprintf(directory, sizeof(directory), "tdx/sets/%s", set);
	snprintf(path, sizeof(path), "%s/EXPECT.json", directory);
	e = json_load_file(sample_path(path), 0, NULL);
	assert_non_null(e);
	assert_non_null(
	    strptime(json_string_value(json_object_get(e, "verify_at")),
		"%Y-%m-%dT%H:%M:%SZ", &tm));
	snprintf(path, sizeof(path), "%s/quote.bin", directory);
	verify_file(path, directory, timegm(&tm));

	only(&r, A_FAIL, failing);
	only(&r, A_MISSING, "");
	assert_int_equal(report_verdict(&r), *failing == '\0' ? 0 : 1);
	assert_true(r.hardware);
	assert_int_equal(r.debug, 0);
	assert_string_equal(r.tcb_status,
	    json_string_value(json_object_get(e, "expected_status")));
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		expect_fact(e, facts[i][0], facts[i][1]);
	launch = json_object_get(e, "launch");
	if (json_object_get(launch, "advisoryIDs") != NULL)
		expect_advisories(json_object_get(launch, "advisoryIDs"));
	json_decref(e);
}

static const char *const good_sets[] = { "tdx-v4-emr-uptodate",
	"tdx-v4-near-uptodate", "tdx-v5-uptodate",
	"tdx-v4-dstack-eventlog-uptodate" };

static void
quotes_of_each_set_have_the_expected_verdict(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good_sets) / sizeof(good_sets[0]); i++)
		set_is(good_sets[i], "");
	set_is("tdx-v4-tappd-unsupported-tcb", "tcb-status");
	set_is("tdx-v5-alibaba-2026-outofdate", "tcb-status mrservicetd");
}

/* Alibaba's two faults, one by one. */
static void
a_service_td_and_an_old_tcb_fail_each_by_itself(void **state)
{
	char text[200], error[200];

	(void)state;
	assert_int_equal(policy_parse(&policy, "tcb-status OutOfDate\n", error,
			     sizeof(error)),
	    0);
	set_is("tdx-v5-alibaba-2026-outofdate", "mrservicetd");
	snprintf(text, sizeof(text), "accept mrservicetd %s\n",
	    fact_of(&r, "mrservicetd"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	set_is("tdx-v5-alibaba-2026-outofdate", "");
	policy_default(&policy);
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	set_is("tdx-v5-alibaba-2026-outofdate", "tcb-status");
	assert_non_null(strstr(
	    report_find(&r, "tcb-status")->detail, "component 1: 2 of 3"));
}

/* Outside the collateral's windows nothing fails, and nothing is accepted. */
static void
collateral_outside_of_its_window_decides_nothing(void **state)
{
	const time_t times[] = { day(2025, 8, 1), day(2026, 4, 10) };
	char directory[128], path[160];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(good_sets) / sizeof(good_sets[0]); i++)
		for (k = 0; k < 2; k++) {
			snprintf(directory, sizeof(directory), "tdx/sets/%s",
			    good_sets[i]);
			snprintf(path, sizeof(path), "%s/quote.bin", directory);
			verify_file(path, directory, times[k]);
			/* One platform's certificate is younger than that. */
			if (report_find(&r, "pck-validity")->outcome == A_FAIL)
				only(&r, A_FAIL, "pck-validity");
			else
				assert_int_equal(report_verdict(&r), 3);
			assert_int_equal(
			    report_find(&r, "tcb-info-window")->outcome,
			    A_MISSING);
		}
}

static void
without_collateral_the_status_is_missing(void **state)
{
	(void)state;
	verify_file(
	    "tdx/sets/tdx-v5-uptodate/quote.bin", NULL, day(2026, 2, 25));
	only(&r, A_FAIL, "");
	only(&r, A_MISSING,
	    "root-crl pck-crl not-revoked tcb-info "
	    "qe-identity tcb-status");
	assert_int_equal(report_verdict(&r), 3);
	assert_true(r.hardware);
}

/* The PCK certificate has run out: no collateral of any time cures it. */
static void
a_pck_certificate_that_has_expired_is_refused(void **state)
{
	(void)state;
	verify_file("tdx/sets/tdx-v5-uptodate/quote.bin",
	    "tdx/sets/tdx-v5-uptodate", day(2045, 1, 1));
	only(&r, A_FAIL, "pck-validity");
}

/* ---- other quotes ------------------------------------------------------ */

static void
a_td_in_debug_mode_is_refused(void **state)
{
	(void)state;
	verify_file("tdx/debug-td.quote", "tdx/spr-2023", day(2023, 6, 15));
	only(&r, A_FAIL, "debug");
	assert_int_equal(r.debug, 1);
	assert_true(r.hardware);
}

static void
text_after_a_quote_is_refused(void **state)
{
	(void)state;
	verify_file("tdx/trailing-text.quote", NULL, day(2023, 6, 15));
	only(&r, A_FAIL, "trailing");
	assert_true(r.hardware);
}

static void
an_sgx_quote_has_its_status_and_its_advisories(void **state)
{
	char error[200];

	(void)state;
	verify_file("sgx/quote.bin", "sgx", day(2025, 6, 25));
	only(&r, A_FAIL, "tcb-status");
	assert_string_equal(r.tcb_status, "ConfigurationAndSWHardeningNeeded");
	assert_int_equal(r.n_advisories, 2);
	assert_string_equal(r.advisories[0], "INTEL-SA-00289");
	assert_string_equal(r.advisories[1], "INTEL-SA-00615");
	assert_string_equal(r.format, "SGX quote v3");
	assert_int_equal(
	    policy_parse(&policy,
		"tcb-status UpToDate ConfigurationAndSWHardeningNeeded\n",
		error, sizeof(error)),
	    0);
	verify_file("sgx/quote.bin", "sgx", day(2025, 6, 25));
	assert_int_equal(report_verdict(&r), 0);
}

/* Intel's own sample under its test root, its certificates as PEM (the file has
 * DER): all is as it should be, but the root is not Intel's. */
static void
a_quote_under_another_root_is_refused(void **state)
{
	struct bytes b = sample("tdx/testroot/quote.dat");
	struct bytes leaf = sample("tdx/testroot/pckCert.pem");
	struct bytes chain = sample("tdx/testroot/pckSignChain.pem");
	const size_t certs = 48 + 584 + 4 + 128 + 6 + 384 + 64 + 2 + 2;
	const char *text, *ca;
	size_t n, at, pem;
	uint8_t *q;

	(void)state;
	/* The contents as they are. */
	verify(b, NULL, day(2023, 6, 15));
	assert_int_equal(report_verdict(&r), 1);
	assert_int_equal(report_find(&r, "pck-chain")->outcome, A_FAIL);
	assert_false(r.hardware);

	/* Root and CA change places: the CA comes first. */
	text = strndup((const char *)chain.p, chain.n);
	ca = strstr(strstr(text, "-----END"), "-----BEGIN");
	at = (size_t)(ca - text);
	pem = leaf.n + chain.n;
	n = certs + 4 + pem;
	q = malloc(n);
	assert_non_null(q);
	memcpy(q, b.p, certs);
	memcpy(q + certs, &(uint32_t){ (uint32_t)pem }, 4);
	memcpy(q + certs + 4, leaf.p, leaf.n);
	memcpy(q + certs + 4 + leaf.n, ca, chain.n - at);
	memcpy(q + certs + 4 + leaf.n + chain.n - at, text, at);
	memcpy(q + 632, &(uint32_t){ (uint32_t)(n - 636) }, 4);
	memcpy(q + 636 + 130, &(uint32_t){ (uint32_t)(n - 636 - 134) }, 4);
	verify((struct bytes){ q, n }, NULL, day(2023, 6, 15));
	only(&r, A_FAIL, "pck-chain xfam");
	assert_non_null(strstr(report_find(&r, "pck-chain")->detail, "root"));
	assert_false(r.hardware);
	free(q);
	free((void *)(uintptr_t)text);
	sample_free(b);
	sample_free(leaf);
	sample_free(chain);
}

/* ---- collateral that is not this quote's ------------------------------- */

static struct collateral mine, other;

static void
verify_with_both(void)
{
	struct bytes b = sample("tdx/sets/tdx-v4-emr-uptodate/quote.bin");

	memset(&r, 0, sizeof(r));
	format_dcap.verify(b, &mine, &policy, day(2025, 6, 25), &r);
	sample_free(b);
}

static void
load_both(const char *second)
{
	assert_int_equal(
	    collateral_load(&mine, sample_path("tdx/sets/tdx-v4-emr-uptodate")),
	    0);
	assert_int_equal(collateral_load(&other, sample_path(second)), 0);
}

static void
free_both(void)
{
	collateral_free(&mine);
	collateral_free(&other);
}

#define SWAP(type, a, b) do { type _t = a; a = b; b = _t; } while (0)

/* Of SGX, or of another time or platform: each by its own check. */
static void
collateral_of_another_platform_fails_its_own_check(void **state)
{
	(void)state;
	load_both("sgx");
	verify_with_both();
	only(&r, A_FAIL, "");
	SWAP(struct qe_identity, mine.tdx->qe, other.tdx->qe);
	verify_with_both();
	only(&r, A_FAIL, "qe-identity");
	SWAP(struct qe_identity, mine.tdx->qe, other.tdx->qe);
	SWAP(struct tcb_info, mine.tdx->tcb, other.tdx->tcb);
	verify_with_both();
	only(&r, A_FAIL, "tcb-info");
	SWAP(struct tcb_info, mine.tdx->tcb, other.tdx->tcb);
	SWAP(X509_CRL *, mine.tdx->pck_crl, other.tdx->pck_crl);
	verify_with_both();
	only(&r, A_FAIL, "pck-crl");		/* of the Processor CA */
	SWAP(X509_CRL *, mine.tdx->pck_crl, other.tdx->pck_crl);
	SWAP(X509_CRL *, mine.tdx->root_crl, mine.tdx->pck_crl);
	verify_with_both();
	only(&r, A_FAIL, "root-crl pck-crl");
	free_both();

	load_both("tdx/sets/tdx-v4-tappd-unsupported-tcb");
	SWAP(struct tcb_info, mine.tdx->tcb, other.tdx->tcb);
	mine.tdx->tcb.fmspc[0] ^= 1;		/* another platform's */
	verify_with_both();
	only(&r, A_FAIL, "tcb-platform");
	only(&r, A_MISSING, "tcb-status");
	free_both();
}

/* A changed byte of what Intel signed: read as it is, and refused. */
static void
collateral_with_a_changed_byte_is_refused(void **state)
{
	static const char *const files[] = { "tcb_info.json",
		"qe_identity.json", "tcb_info.sig.hex", "qe_identity.sig.hex",
		"tcb_info_chain.pem", "qe_identity_chain.pem", "root_ca.crl",
		"pck.crl" };
	char dir[] = "/tmp/test_dcap.XXXXXX", path[600], from[128];
	struct collateral c;
	struct bytes b;
	size_t i, k;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i <= sizeof(files) / sizeof(files[0]); i++) {
		for (k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
			snprintf(from, sizeof(from),
			    "tdx/sets/"
			    "tdx-v4-emr-uptodate/%s",
			    files[k]);
			b = sample(from);
			if (i == k)	/* a digit, base64 or DER: it matters */
				((uint8_t *)(uintptr_t)b.p)[b.n / 3] ^= 1;
			snprintf(path, sizeof(path), "%s/%s", dir, files[k]);
			f = fopen(path, "wb");
			assert_non_null(f);
			assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
			fclose(f);
			sample_free(b);
		}
		assert_int_equal(collateral_load(&c, dir), 0);
		b = sample("tdx/sets/tdx-v4-emr-uptodate/quote.bin");
		memset(&r, 0, sizeof(r));
		format_dcap.verify(b, &c, &policy, day(2025, 6, 25), &r);
		assert_int_equal(report_verdict(&r) == 0, i == 8);
		collateral_free(&c);
		sample_free(b);
	}
	for (k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[k]);
		remove(path);
	}
	rmdir(dir);
}

/* ---- what a quote says ------------------------------------------------- */

struct place {
	const char	*name;
	size_t		 at, n;
};

/* The body's bytes all differ from their neighbours'. */
static void
facts_are(const char *file, size_t size, const struct place *of, size_t n)
{
	struct bytes b = sample(file);
	struct quote q;
	char why[120], hex[130];
	uint8_t *body;
	size_t i, k;

	assert_int_equal(quote_read(&q, b, why, sizeof(why)), 0);
	assert_int_equal(q.body.n, size);
	body = (uint8_t *)(uintptr_t)q.body.p;
	for (i = 0; i < size; i++)
		body[i] = (uint8_t)(i + 2 * (i >> 8));
	memset(&r, 0, sizeof(r));
	assert_int_equal(format_dcap.show(b, &r), 0);
	assert_int_equal(r.debug, -1);
	for (i = 0; i < n; i++) {
		for (k = 0; k < of[i].n; k++)
			snprintf(hex + 2 * k, 3, "%02x", body[of[i].at + k]);
		assert_non_null(fact_of(&r, of[i].name));
		assert_string_equal(fact_of(&r, of[i].name), hex);
	}
	sample_free(b);
}

static void
each_fact_is_read_from_its_place(void **state)
{
	static const struct place td[] = {
		{ "tee-tcb-svn", 0, 16 },
		{ "mrseam", 16, 48 },
		{ "mrsignerseam", 64, 48 },
		{ "seam-attributes", 112, 8 },
		{ "td-attributes", 120, 8 },
		{ "xfam", 128, 8 },
		{ "mrtd", 136, 48 },
		{ "mrconfigid", 184, 48 },
		{ "mrowner", 232, 48 },
		{ "mrownerconfig", 280, 48 },
		{ "rtmr0", 328, 48 },
		{ "rtmr1", 376, 48 },
		{ "rtmr2", 424, 48 },
		{ "rtmr3", 472, 48 },
		{ "report-data", 520, 64 },
		{ "tee-tcb-svn-2", 584, 16 },
		{ "mrservicetd", 600, 48 },
	};
	static const struct place enclave[] = {
		{ "cpusvn", 0, 16 },
		{ "miscselect", 16, 4 },
		{ "attributes", 48, 16 },
		{ "mrenclave", 64, 32 },
		{ "mrsigner", 128, 32 },
		{ "isvprodid", 256, 2 },
		{ "isvsvn", 258, 2 },
		{ "report-data", 320, 64 },
	};

	(void)state;
	facts_are("tdx/sets/tdx-v5-uptodate/quote.bin", 648, td, 17);
	assert_string_equal(r.format, "TDX quote v5");
	facts_are("tdx/sets/tdx-v4-emr-uptodate/quote.bin", 584, td, 15);
	assert_string_equal(r.format, "TDX quote v4");
	assert_null(fact_of(&r, "tee-tcb-svn-2"));
	assert_null(fact_of(&r, "mrservicetd"));
	facts_are("sgx/quote.bin", 384, enclave, 8);
}

static void
looks_like_one_by_size_version_and_key_type(void **state)
{
	uint8_t b[48] = { 4, 0, 2, 0 };
	const struct bytes whole = { b, sizeof(b) };
	unsigned v;

	(void)state;
	assert_true(format_dcap.is(whole));
	assert_false(format_dcap.is((struct bytes){ b, sizeof(b) - 1 }));
	for (v = 0; v < 256; v++) {
		b[0] = (uint8_t)v;
		assert_int_equal(format_dcap.is(whole), v >= 3 && v <= 5);
	}
	b[0] = 5;
	for (v = 0; v < 256; v++) {
		b[2] = (uint8_t)v;
		assert_int_equal(format_dcap.is(whole), v == 2 || v == 3);
	}
	b[2] = 3;
	b[1] = 1;
	assert_false(format_dcap.is(whole));
	b[1] = 0;
	b[3] = 1;
	assert_false(format_dcap.is(whole));
}

static void
the_platform_is_told_by_its_certificate(void **state)
{
	(void)state;
	set_is("tdx-v4-emr-uptodate", "");
	assert_int_equal(report_find(&r, "pck-extension")->outcome, A_PASS);
	assert_string_equal(
	    fact_of(&r, "tcb-components"), "03030202040100050000000000000000");
	assert_string_equal(fact_of(&r, "pcesvn"), "11");
	assert_string_equal(fact_of(&r, "pce-id"), "0000");
	assert_string_equal(report_find(&r, "tcb-status")->detail,
	    "UpToDate, TCB of 2024-03-13: platform UpToDate, module UpToDate, "
	    "QE UpToDate");
	assert_int_equal(report_find(&r, "tcb-info-window")->outcome, A_PASS);
}

static void
nothing_given_is_nothing_known(void **state)
{
	struct bytes b = sample("tdx/sets/tdx-v5-uptodate/quote.bin");

	(void)state;
	memset(&r, 0, sizeof(r));
	format_dcap.verify(b, NULL, &policy, day(2026, 2, 25), &r);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING,
	    "root-crl pck-crl not-revoked tcb-info "
	    "qe-identity tcb-status");
	sample_free(b);
}

/* One bit of the TD's own, at the offset in a version 4 quote. */
static void
verify_bit(size_t at, unsigned bit)
{
	struct bytes b = sample("tdx/sets/tdx-v4-emr-uptodate/quote.bin");

	((uint8_t *)(uintptr_t)b.p)[48 + at + bit / 8] ^= (uint8_t)(1
	    << bit % 8);
	memset(&r, 0, sizeof(r));
	format_dcap.verify(b, &mine, &policy, day(2025, 6, 25), &r);
	sample_free(b);
}

static void
each_attribute_of_a_td_is_judged(void **state)
{
	unsigned i;

	(void)state;
	load_both("sgx");
	for (i = 0; i < 64; i++) {
		verify_bit(120, i);
		only(&r, A_FAIL,
		    i < 8 ? "quote-signature debug" :
			i == 28 || i == 30 || i == 63 ?
			    "quote-signature" :
			    "quote-signature td-attributes");
	}
	policy.allow_migration = policy.allow_debug = 1;
	verify_bit(120, 29);
	only(&r, A_FAIL, "quote-signature");
	verify_bit(120, 7);
	only(&r, A_FAIL, "quote-signature");
	assert_int_equal(r.debug, 1);
	free_both();
}

static void
each_extended_feature_is_judged(void **state)
{
	static const uint64_t may = 0x6dbe7 & ~3;	/* 0 and 1 must */
	unsigned i;

	(void)state;
	load_both("sgx");
	for (i = 0; i < 64; i++) {
		verify_bit(128, i);
		only(&r, A_FAIL,
		    may >> i & 1 ? "quote-signature" : "quote-signature xfam");
	}
	free_both();
}

/* Intel's statement about its module and its quoting enclave: every byte
 * counts. */
static void
every_byte_is_compared(uint8_t *bytes, size_t n, const char *fails)
{
	size_t i;

	for (i = 0; i < n; i++) {
		bytes[i] ^= 0x80;
		verify_with_both();
		only(&r, A_FAIL, fails);
		bytes[i] ^= 0x80;
	}
}

static void
the_quoting_enclave_is_intels(void **state)
{
	struct qe_identity *qe;

	(void)state;
	load_both("sgx");
	qe = &mine.tdx->qe;
	memset(qe->attributes_mask, 0xff, 16);
	memset(qe->miscselect_mask, 0xff, 4);
	memcpy(qe->attributes, "\x15\0\0\0\0\0\0\0\xe7\0\0\0\0\0\0\0", 16);
	memset(qe->miscselect, 0, 4);
	verify_with_both();
	only(&r, A_FAIL, "");
	every_byte_is_compared(qe->mrsigner, 32, "qe-measurement");
	every_byte_is_compared(qe->attributes, 16, "qe-measurement");
	every_byte_is_compared(qe->miscselect, 4, "qe-measurement");
	qe->isvprodid += 256;
	verify_with_both();
	only(&r, A_FAIL, "qe-measurement");
	qe->isvprodid -= 256;
	memset(qe->attributes_mask, 0, 16);
	memset(qe->miscselect_mask, 0, 4);
	every_byte_is_compared(qe->attributes, 16, "");
	every_byte_is_compared(qe->miscselect, 4, "");
	free_both();
}

static void
the_module_is_intels(void **state)
{
	struct module *m;
	size_t i;

	(void)state;
	load_both("sgx");
	for (i = 0; mine.tdx->tcb.modules[i].major != 1; i++)
		assert_true(i < mine.tdx->tcb.n_modules);
	m = &mine.tdx->tcb.modules[i];
	memset(m->mask, 0xff, 8);
	every_byte_is_compared(m->mrsigner, 48, "tdx-module");
	every_byte_is_compared(m->attributes, 8, "tdx-module");
	free_both();
}

static void
collateral_hangs_from_the_root_of_the_quote(void **state)
{
	struct tcb_info *t;

	(void)state;
	load_both("sgx");
	t = &mine.tdx->tcb;
	every_byte_is_compared(t->by.root, 32, "tcb-info");
	every_byte_is_compared(mine.tdx->qe.by.root, 32, "qe-identity");
	every_byte_is_compared(t->fmspc, 6, "tcb-platform");
	every_byte_is_compared(t->pceid, 2, "tcb-platform");
	t->by.root[0] ^= 1;
	verify_with_both();
	only(&r, A_MISSING, "tcb-status");
	assert_null(report_find(&r, "tdx-module"));
	assert_null(report_find(&r, "tcb-info-window"));
	free_both();
}

/* ---- certificates and revocation lists made here ----------------------- */

static EVP_PKEY *root_key, *ca_key;

static void
name_it(X509_NAME *name, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const uint8_t *)text, -1, -1, 0),
	    1);
}

static X509 *
certificate(X509_NAME *issuer, const char *name, EVP_PKEY *by, long serial)
{
	X509 *x = X509_new();

	assert_non_null(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	ASN1_TIME_set(X509_getm_notBefore(x), day(2025, 1, 1));
	ASN1_TIME_set(X509_getm_notAfter(x), day(2026, 1, 1));
	if (name == NULL)
		X509_set_subject_name(x, issuer);
	else
		name_it(X509_get_subject_name(x), name);
	X509_set_issuer_name(x, issuer);
	X509_set_pubkey(x, serial == 1 ? root_key : ca_key);
	assert_true(X509_sign(x, by, EVP_sha256()) > 0);
	return x;
}

/* The list of `issuer', which names one serial number. */
static X509_CRL *
list_of(X509 *issuer, EVP_PKEY *by, const ASN1_INTEGER *serial)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, day(2025, 6, 1));

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)(uintptr_t)serial);
	X509_REVOKED_set_revocationDate(entry, t);
	X509_CRL_add0_revoked(crl, entry);
	ASN1_TIME_set(t, day(2025, 7, 1));
	X509_CRL_set1_nextUpdate(crl, t);
	assert_true(X509_CRL_sign(crl, by, EVP_sha256()) > 0);
	ASN1_TIME_free(t);
	return crl;
}

/* Replace the certificates of the quote with these three. */
static struct bytes
with_certificates(X509 *const x[3])
{
	struct bytes b = sample("tdx/sets/tdx-v4-emr-uptodate/quote.bin");
	BIO *bio = BIO_new(BIO_s_mem());
	struct quote q;
	char why[120], *pem;
	size_t at, n;
	uint8_t *p;
	int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(PEM_write_bio_X509(bio, x[i]), 1);
	n = (size_t)BIO_get_mem_data(bio, &pem);
	assert_int_equal(quote_read(&q, b, why, sizeof(why)), 0);
	at = (size_t)(q.certs.p - b.p);
	p = malloc(at + n);
	assert_non_null(p);
	memcpy(p, b.p, at);
	memcpy(p + at, pem, n);
	memcpy(p + at - 4, &(uint32_t){ (uint32_t)n }, 4);
	memcpy(p + 632, &(uint32_t){ (uint32_t)(at + n - 636) }, 4);
	memcpy(p + 636 + 130, &(uint32_t){ (uint32_t)(at + n - 636 - 134) }, 4);
	BIO_free(bio);
	sample_free(b);
	return (struct bytes){ p, at + n };
}

/* `in_root' and `in_pck' are revoked in the two lists. */
static void
revoked_is(X509 *const x[3], X509 *in_root, X509 *in_pck, enum outcome outcome)
{
	struct bytes b = with_certificates(x);

	X509_CRL_free(mine.tdx->root_crl);
	X509_CRL_free(mine.tdx->pck_crl);
	mine.tdx->root_crl = list_of(
	    x[2], root_key, X509_get0_serialNumber(in_root));
	mine.tdx->pck_crl = list_of(
	    x[1], ca_key, X509_get0_serialNumber(in_pck));
	memset(&r, 0, sizeof(r));
	format_dcap.verify(b, &mine, &policy, day(2025, 6, 25), &r);
	assert_int_equal(report_find(&r, "root-crl")->outcome, A_PASS);
	assert_int_equal(report_find(&r, "pck-crl")->outcome, A_PASS);
	assert_int_equal(report_find(&r, "not-revoked")->outcome, outcome);
	assert_false(r.hardware);
	sample_free(b);
}

static void
each_certificate_can_be_revoked(void **state)
{
	X509_NAME *root, *ca;
	X509 *x[3], *other_one;
	int i;

	(void)state;
	load_both("sgx");
	root_key = EVP_EC_gen("P-256");
	ca_key = EVP_EC_gen("P-256");
	root = X509_get_issuer_name(mine.tdx->tcb.by.signer);
	x[2] = certificate(root, NULL, root_key, 1);
	x[1] = certificate(root, "Intel SGX PCK Platform CA", root_key, 2);
	ca = X509_get_subject_name(x[1]);
	x[0] = certificate(ca, "Intel SGX PCK Certificate", ca_key, 3);
	other_one = certificate(ca, "Intel SGX PCK Certificate", ca_key, 4);
	revoked_is(x, other_one, other_one, A_PASS);
	revoked_is(x, x[0], x[1], A_PASS);	/* not of that list */
	revoked_is(x, x[1], other_one, A_FAIL);
	revoked_is(x, other_one, x[0], A_FAIL);
	revoked_is(x, mine.tdx->tcb.by.signer, other_one, A_FAIL);
	revoked_is(x, mine.tdx->qe.by.signer, other_one, A_FAIL);
	for (i = 0; i < 3; i++)
		X509_free(x[i]);
	X509_free(other_one);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(ca_key);
	free_both();
}

static void
a_list_of_another_time_decides_nothing(void **state)
{
	(void)state;
	verify_file("tdx/sets/tdx-v4-emr-uptodate/quote.bin",
	    "tdx/sets/tdx-v4-emr-uptodate", day(2027, 1, 1));
	only(&r, A_FAIL, "");
	only(&r, A_MISSING,
	    "root-crl pck-crl not-revoked tcb-info-window "
	    "qe-identity-window tcb-status");
}

static void
a_verification_frees_what_it_made(void **state)
{
	long before;

	(void)state;
	load_both("sgx");
	verify_with_both();		/* the library keeps what it decoded */
	before = n_allocated;
	verify_with_both();
	assert_int_equal(n_allocated, before);
	free_both();
}

/* ---- policy ------------------------------------------------------------ */

static void
each_rule_of_a_policy_has_its_check(void **state)
{
	static const struct {
		const char *text, *fails;
		int verdict;
	} cases[] = {
		{ "max-collateral-age 3\n", "", 3 },
		{ "max-collateral-age 90\n", "", 0 },
		{ "min-tcb-evaluation 99\n", "tcb-evaluation", 1 },
		{ "min-tcb-date 2026-01-01\n", "min-tcb-date", 1 },
		{ "min-tcb-date 2020-01-01\n", "", 0 },
		{ "accept ppid 00112233445566778899aabbccddeeff\n",
		    "policy-ppid", 1 },
		{ "accept fmspc 90c06f000000\n", "", 0 },
		{ "accept mrtd 7348651a34b2d2d3462822e3a750ec6110125f36757c784"
		  "80bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876\n",
		    "", 0 },
		{ "accept mrtd 0048651a34b2d2d3462822e3a750ec6110125f36757c784"
		  "80bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876\n",
		    "policy-mrtd", 1 },
		{ "tcb-status SWHardeningNeeded\n", "tcb-status", 1 },
		{ "report-data 945eaacf5abc1f719d8666a942fda03d1edcb4490277396"
		  "093dc5a5289ab9f1e094aed63060cd4a4933a4dd537ed1255c9c79ecb"
		  "3ed82cd1b486233e31c25c3a # this one\n",
		    "", 0 },
		{ "report-data 005eaacf5abc1f719d8666a942fda03d1edcb4490277396"
		  "093dc5a5289ab9f1e094aed63060cd4a4933a4dd537ed1255c9c79ecb"
		  "3ed82cd1b486233e31c25c3a\n",
		    "report-data", 1 },
	};
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		policy_default(&policy);
		assert_int_equal(
		    policy_parse(&policy, cases[i].text, error, sizeof(error)),
		    0);
		verify_file("tdx/sets/tdx-v5-uptodate/quote.bin",
		    "tdx/sets/tdx-v5-uptodate", day(2026, 2, 25));
		only(&r, A_FAIL, cases[i].fails);
		assert_int_equal(report_verdict(&r), cases[i].verdict);
	}
}

static void
each_error_of_a_policy_names_its_line(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "mrtd 00\n", "line 1: no such keyword" },
		{ "# fine\naccept nothing 00\n", "line 2: accept: no such" },
		{ "accept mrtd 00\n", "line 1: accept: a value is not hex" },
		{ "accept mrtd\n", "line 1: accept: the values are missing" },
		{ "tcb-status Revoked\n", "line 1: tcb-status: not a status" },
		{ "tcb-status\n", "line 1: tcb-status: none" },
		{ "min-tcb-date 2026\n", "line 1: min-tcb-date" },
		{ "max-collateral-age x\n", "line 1: not a number" },
		{ "max-vmpl 4\n", "line 1: not a number" },
		{ "min-spl bl\n", "line 1: min-spl: pairs" },
		{ "min-spl foo 1\n", "line 1: min-spl: one of" },
		{ "allow everything\n", "line 1: allow: one of" },
		{ "report-data 00\n", "line 1: report-data: 64" },
		{ "test-root 00\n", "line 1: test-root" },
	};
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    policy_parse(&policy, cases[i].text, error, sizeof(error)),
		    -1);
		if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s: %s", cases[i].text, error);
	}
}

/* ---- mutation ---------------------------------------------------------- */

/* The certificates' text can change in ways that change no certificate. */
static int
same_certificates(struct bytes a, struct bytes b)
{
	STACK_OF(X509) *x = certs_read(a), *y = certs_read(b);
	int i, same = sk_X509_num(x) == sk_X509_num(y);

	for (i = 0; same && i < sk_X509_num(x); i++)
		same = X509_cmp(sk_X509_value(x, i), sk_X509_value(y, i)) == 0;
	sk_X509_pop_free(x, X509_free);
	sk_X509_pop_free(y, X509_free);
	return same;
}

static void
a_changed_byte_is_refused_if_it_changes_what_is_read(void **state)
{
	struct bytes b = sample("tdx/sets/tdx-v5-uptodate/quote.bin");
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;
	struct collateral c;
	struct quote q, changed;
	char why[120];
	size_t i;

	(void)state;
	assert_int_equal(
	    collateral_load(&c, sample_path("tdx/sets/tdx-v5-uptodate")), 0);
	assert_int_equal(quote_read(&q, b, why, sizeof(why)), 0);
	for (i = 0; i < b.n; i++) {
		memset(&r, 0, sizeof(r));
		p[i] ^= (uint8_t)(1 << i % 8);
		format_dcap.verify(b, &c, &policy, day(2026, 2, 25), &r);
		if (report_verdict(&r) == 0) {
			struct bytes was = q.certs;
			uint8_t *copy = malloc(was.n);

			assert_non_null(copy);
			assert_true(p + i >= q.certs.p);
			assert_int_equal(
			    quote_read(&changed, b, why, sizeof(why)), 0);
			memcpy(copy, was.p, was.n);
			copy[(size_t)(p + i - was.p)] ^= (uint8_t)(1 << i % 8);
			assert_true(same_certificates(
			    (struct bytes){ copy, was.n }, changed.certs));
			free(copy);
		}
		p[i] ^= (uint8_t)(1 << i % 8);
	}
	collateral_free(&c);
	sample_free(b);
}

static void
a_quote_that_is_cut_is_refused_and_zeros_may_follow(void **state)
{
	struct bytes b = sample("tdx/sets/tdx-v5-uptodate/quote.bin");
	struct bytes more;
	uint8_t *p;
	size_t n;

	(void)state;
	for (n = 0; n < b.n; n++) {
		/* So large and no larger, so that a read past it shows. */
		p = malloc(n + 1);
		assert_non_null(p);
		memcpy(p + 1, b.p, n);
		memset(&r, 0, sizeof(r));
		format_dcap.verify((struct bytes){ p + 1, n },
		    &(struct collateral){ 0 }, &policy, day(2026, 2, 25), &r);
		assert_int_equal(report_verdict(&r), 1);
		only(&r, A_FAIL, "format");
		free(p);
	}
	/* Padding is no part of it, as long as it is empty. */
	more.n = b.n + 3000;
	p = calloc(1, more.n);
	assert_non_null(p);
	memcpy(p, b.p, b.n);
	more.p = p;
	verify(more, "tdx/sets/tdx-v5-uptodate", day(2026, 2, 25));
	assert_int_equal(report_verdict(&r), 0);
	p[more.n - 1] = 1;
	verify(more, "tdx/sets/tdx-v5-uptodate", day(2026, 2, 25));
	only(&r, A_FAIL, "trailing");
	free(p);
	sample_free(b);
}

/* ---- TCB levels by themselves ------------------------------------------ */

static void
the_worse_status_of_platform_and_qe_counts(void **state)
{
	static const struct {
		const char *platform, *qe, *result;
	} cases[] = {
		{ "UpToDate", "UpToDate", "UpToDate" },
		{ "UpToDate", "OutOfDate", "OutOfDate" },
		{ "SWHardeningNeeded", "OutOfDate", "OutOfDate" },
		{ "ConfigurationNeeded", "OutOfDate",
		    "OutOfDateConfigurationNeeded" },
		{ "ConfigurationAndSWHardeningNeeded", "OutOfDate",
		    "OutOfDateConfigurationNeeded" },
		{ "OutOfDate", "OutOfDate", "OutOfDate" },
		{ "OutOfDateConfigurationNeeded", "UpToDate",
		    "OutOfDateConfigurationNeeded" },
		{ "UpToDate", "Revoked", "Revoked" },
		{ "Revoked", "OutOfDate", "Revoked" },
		{ "SWHardeningNeeded", "UpToDate", "SWHardeningNeeded" },
	};
	struct tdx_collateral c;
	struct tcb_result result;
	struct pck pck = { .pcesvn = 5 };
	size_t i;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.tcb.levels.n = c.qe.levels.n = 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(c.tcb.levels.list[0].status, cases[i].platform);
		strcpy(c.qe.levels.list[0].status, cases[i].qe);
		tcb_evaluate(&c, &pck, NULL, 1, &result);
		assert_string_equal(result.status, cases[i].result);
	}
	c.qe.levels.list[0].svn = 9;		/* no level for it */
	tcb_evaluate(&c, &pck, NULL, 1, &result);
	assert_string_equal(result.status, "NotSupported");
}

static void
a_td_launched_before_an_update_is_to_be_relaunched(void **state)
{
	static const struct {
		const char *launch, *now, *result;
	} cases[] = {
		{ "OutOfDate", "UpToDate", "TDRelaunchAdvised" },
		{ "OutOfDate", "SWHardeningNeeded", "TDRelaunchAdvised" },
		{ "OutOfDate", "ConfigurationNeeded",
		    "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDateConfigurationNeeded", "UpToDate",
		    "TDRelaunchAdvisedConfigurationNeeded" },
		{ "OutOfDate", "OutOfDate", "OutOfDate" },
		{ "OutOfDate", "Revoked", "OutOfDate" },
		{ "UpToDate", "UpToDate", "UpToDate" },
		{ "Revoked", "UpToDate", "Revoked" },
		{ "NotSupported", "UpToDate", "NotSupported" },
	};
	struct tcb_result launch, now;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(launch.status, cases[i].launch);
		strcpy(now.status, cases[i].now);
		tcb_relaunch(&launch, &now);
		assert_string_equal(launch.status, cases[i].result);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    quotes_of_each_set_have_the_expected_verdict, setup),
		cmocka_unit_test_setup(
		    a_service_td_and_an_old_tcb_fail_each_by_itself, setup),
		cmocka_unit_test_setup(
		    collateral_outside_of_its_window_decides_nothing, setup),
		cmocka_unit_test_setup(
		    without_collateral_the_status_is_missing, setup),
		cmocka_unit_test_setup(
		    a_pck_certificate_that_has_expired_is_refused, setup),
		cmocka_unit_test_setup(a_td_in_debug_mode_is_refused, setup),
		cmocka_unit_test_setup(text_after_a_quote_is_refused, setup),
		cmocka_unit_test_setup(
		    an_sgx_quote_has_its_status_and_its_advisories, setup),
		cmocka_unit_test_setup(
		    a_quote_under_another_root_is_refused, setup),
		cmocka_unit_test_setup(
		    collateral_of_another_platform_fails_its_own_check, setup),
		cmocka_unit_test_setup(
		    collateral_with_a_changed_byte_is_refused, setup),
		cmocka_unit_test_setup(each_fact_is_read_from_its_place, setup),
		cmocka_unit_test_setup(
		    looks_like_one_by_size_version_and_key_type, setup),
		cmocka_unit_test_setup(
		    the_platform_is_told_by_its_certificate, setup),
		cmocka_unit_test_setup(nothing_given_is_nothing_known, setup),
		cmocka_unit_test_setup(each_attribute_of_a_td_is_judged, setup),
		cmocka_unit_test_setup(each_extended_feature_is_judged, setup),
		cmocka_unit_test_setup(the_quoting_enclave_is_intels, setup),
		cmocka_unit_test_setup(the_module_is_intels, setup),
		cmocka_unit_test_setup(
		    collateral_hangs_from_the_root_of_the_quote, setup),
		cmocka_unit_test_setup(each_certificate_can_be_revoked, setup),
		cmocka_unit_test_setup(
		    a_list_of_another_time_decides_nothing, setup),
		cmocka_unit_test_setup(
		    a_verification_frees_what_it_made, setup),
		cmocka_unit_test_setup(
		    each_rule_of_a_policy_has_its_check, setup),
		cmocka_unit_test_setup(
		    each_error_of_a_policy_names_its_line, setup),
		cmocka_unit_test_setup(
		    a_changed_byte_is_refused_if_it_changes_what_is_read,
		    setup),
		cmocka_unit_test_setup(
		    a_quote_that_is_cut_is_refused_and_zeros_may_follow, setup),
		cmocka_unit_test_setup(
		    the_worse_status_of_platform_and_qe_counts, setup),
		cmocka_unit_test_setup(
		    a_td_launched_before_an_update_is_to_be_relaunched, setup),
	};

	count_allocations();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
