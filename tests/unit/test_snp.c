/* SPDX-License-Identifier: Apache-2.0
 *
 * SEV-SNP reports against real ones with their certificates, and each thing
 * wrong by its own check alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "attest.h"
#include "collateral.h"
#include "snp.h"
#include "tests/unit/samples.h"

#define JUNE	day(2025, 6, 1)		/* all sets' certificates are valid */

static struct report r;
static struct policy policy;
static struct collateral c;

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	memset(&c, 0, sizeof(c));
	return 0;
}

static void
judge(struct bytes b, time_t at)
{
	memset(&r, 0, sizeof(r));
	format_snp.verify(b, &c, &policy, at, &r);
}

static struct bytes
load(const char *set)
{
	char path[128];

	snprintf(path, sizeof(path), "snp/%s", set);
	assert_int_equal(collateral_load(&c, sample_path(path)), 0);
	snprintf(path, sizeof(path), "snp/%s/report.bin", set);
	return sample(path);
}

static void
unload(struct bytes b)
{
	collateral_free(&c);
	sample_free(b);
}

/* ---- every set ---- */

static void
set_is(const char *set, const char *failing)
{
	static const char *const facts[][2] = {
		{ "report_data", "report-data" },
		{ "measurement", "measurement" }, { "host_data", "host-data" },
		{ "idkd", "id-key-digest" }, { "akd", "author-key-digest" },
		{ "report_id", "report-id" }, { "chip", "chip-id" },
		{ "cpuid", "cpuid" }, { "policy", "policy" },
		{ "platinfo", "platform-info" }, { "flags", "key-info" },
	};
	struct bytes b = load(set);
	char path[128];
	const char *wanted;
	json_t *e;
	size_t i;

	snprintf(path, sizeof(path), "snp/%s/EXPECT.json", set);
	e = json_load_file(sample_path(path), 0, NULL);
	assert_non_null(e);
	judge(b, JUNE);
	only(&r, A_FAIL, failing);
	only(&r, A_MISSING, "");
	assert_true(r.hardware);
	assert_int_equal(report_verdict(&r), *failing == '\0' ? 0 : 1);
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		wanted = json_string_value(json_object_get(json_object_get(e,
		    "report"), facts[i][0]));
		assert_non_null(wanted);
		assert_string_equal(fact_of(&r, facts[i][1]), wanted);
	}
	json_decref(e);
	unload(b);
}

static void
sets(void **state)
{
	(void)state;
	set_is("snp-genoa-v3-azure", "");
	assert_string_equal(fact_of(&r, "reported-tcb"),
	    "bl=10 tee=0 snp=23 ucode=84");
	set_is("snp-milan-v2-virtee", "");
	assert_string_equal(fact_of(&r, "reported-tcb"),
	    "bl=3 tee=0 snp=8 ucode=115");
	set_is("snp-milan-v2-debug-policy", "debug");
	assert_int_equal(r.debug, 1);
	set_is("snp-milan-v3-aws-vlek", "");
	assert_string_equal(fact_of(&r, "csp-id"),
	    "CN=cc-us-east-2.amazonaws.com");
	assert_string_equal(fact_of(&r, "committed-tcb"),
	    "bl=4 tee=0 snp=24 ucode=219");
}

/* Outside the certificates' lives. */
static void
validity(void **state)
{
	static const char *const of[] = { "snp-genoa-v3-azure",
	    "snp-milan-v2-virtee", "snp-milan-v3-aws-vlek" };
	struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		b = load(of[i]);
		judge(b, day(2020, 11, 1));
		only(&r, A_FAIL, "vek-validity");
		judge(b, day(2045, 11, 1));
		only(&r, A_FAIL, "vek-validity");
		unload(b);
	}
	b = load("snp-milan-v3-aws-vlek");	/* lives a year */
	judge(b, day(2025, 12, 11));
	only(&r, A_FAIL, "vek-validity");
	unload(b);
}

/* ---- certificates that are not this report's ---- */

static void
no_certificates(void **state)
{
	struct bytes b = sample("snp/snp-milan-v2-virtee/report.bin");

	(void)state;
	judge(b, JUNE);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "vek-chain report-signature vek-tcb");
	assert_int_equal(report_verdict(&r), 3);
	assert_false(r.hardware);
	sample_free(b);
}

/* Another VEK in place of the set's own. */
static void
with_vek(const char *path, const char *failing)
{
	struct bytes b = load("snp-milan-v2-virtee"), der = sample(path);
	STACK_OF(X509) *x = certs_read(der);
	char name[64];
	int i;

	assert_int_equal(sk_X509_num(x), 1);
	for (i = 0; i < sk_X509_num(c.snp); i++) {
		X509_NAME_get_text_by_NID(X509_get_subject_name(
		    sk_X509_value(c.snp, i)), NID_commonName, name,
		    sizeof(name));
		if (strcmp(name, "SEV-VCEK") == 0)
			X509_free(sk_X509_delete(c.snp, i--));
	}
	sk_X509_push(c.snp, sk_X509_shift(x));
	sk_X509_free(x);
	judge(b, JUNE);
	only(&r, A_FAIL, failing);
	assert_false(r.hardware);
	sample_free(der);
	unload(b);
}

static void
wrong_vek(void **state)
{
	(void)state;
	/* Not AMD's: the names are right, the signatures are not; one has its
	 * chip id wrapped as AMD's never is. */
	with_vek("snp/test-vcek-invalid-new.der",
	    "vek-chain report-signature vek-extensions");
	with_vek("snp/test-vcek-invalid-legacy.der",
	    "vek-chain report-signature vek-tcb vek-chip");
	/* AMD's, of another product: only its key and chain do not fit. */
	with_vek("snp/vcek_turin.der",
	    "vek-chain report-signature vek-tcb vek-chip vek-product");
}

/* The certificate of the report, but its issuer forged: the chain alone. */
static void
wrong_issuer(void **state)
{
	struct bytes b = load("snp-milan-v2-virtee");
	struct bytes roots = sample("snp/turin_ask_ark_asvk.pem");
	STACK_OF(X509) *turin = certs_read(roots);
	int i;

	(void)state;
	for (i = sk_X509_num(c.snp) - 1; i >= 0; i--)
		if (X509_get_ext_count(sk_X509_value(c.snp, i)) < 8)
			X509_free(sk_X509_delete(c.snp, i));
	assert_int_equal(sk_X509_num(c.snp), 1);
	while (sk_X509_num(turin) > 0)
		sk_X509_push(c.snp, sk_X509_shift(turin));
	sk_X509_free(turin);
	judge(b, JUNE);
	assert_int_equal(report_find(&r, "vek-chain")->outcome, A_FAIL);
	assert_int_equal(report_find(&r, "report-signature")->outcome, A_PASS);
	assert_false(r.hardware);
	sample_free(roots);
	unload(b);
}

/* A Turin VCEK reads: its 8-byte chip id, its FMC. */
static void
turin_certificate(void **state)
{
	struct bytes der = sample("snp/vcek_turin.der");
	struct bytes roots = sample("snp/turin_ask_ark_asvk.pem");
	struct bytes b = sample("snp/snp-milan-v2-virtee/report.bin");
	STACK_OF(X509) *x;

	(void)state;
	c.snp = certs_read(roots);
	x = certs_read(der);
	sk_X509_push(c.snp, sk_X509_shift(x));
	sk_X509_free(x);
	judge(b, JUNE);
	assert_int_equal(report_find(&r, "vek-chain")->outcome, A_PASS);
	assert_int_equal(report_find(&r, "vek-extensions")->outcome, A_PASS);
	assert_non_null(strstr(report_find(&r, "vek-tcb")->detail, "fmc="));
	assert_false(r.hardware);
	sk_X509_pop_free(c.snp, X509_free);
	sample_free(der);
	sample_free(roots);
	sample_free(b);
}

/* ---- damaged reports ---- */

static void
damaged(void **state)
{
	struct bytes b = load("snp-milan-v2-virtee"), bad;

	(void)state;
	bad = sample("snp/guest_report_corrupt.bin");
	judge(bad, JUNE);
	only(&r, A_FAIL, "format");
	sample_free(bad);
	((uint8_t *)(uintptr_t)b.p)[0x2a0] ^= 1;
	judge(b, JUNE);
	only(&r, A_FAIL, "report-signature");
	unload(b);
	/* The published one is a byte too long. */
	bad = sample("snp/guest_report_bad_sig.bin");
	judge(bad, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_FAIL);
	sample_free(bad);
}

static void
every_byte(void **state)
{
	struct bytes b = load("snp-genoa-v3-azure");
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;
	size_t i;

	(void)state;
	for (i = 0; i < b.n; i++) {
		p[i] ^= (uint8_t)(1 << i % 8);
		judge(b, JUNE);
		assert_int_equal(report_verdict(&r), 1);
		p[i] ^= (uint8_t)(1 << i % 8);
	}
	judge(b, JUNE);
	assert_int_equal(report_verdict(&r), 0);
	unload(b);
}

static void
every_length(void **state)
{
	struct bytes b = load("snp-genoa-v3-azure");
	uint8_t *p;
	size_t n;

	(void)state;
	for (n = 0; n < b.n + 48; n++) {	/* 48: a table of one entry */
		if (n == b.n)
			continue;
		p = calloc(1, n + 1);
		assert_non_null(p);
		memcpy(p + 1, b.p, n < b.n ? n : b.n);
		if (n > b.n)
			p[b.n + 1] = 1;
		judge((struct bytes){ p + 1, n }, JUNE);
		only(&r, A_FAIL, n < b.n ? "format" : "certificate-table");
		free(p);
	}
	unload(b);
}

/* ---- the host's table ---- */

static void
put32(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* Report and certificates in one piece, as the evidence role ships them. */
static void
with_table(void **state)
{
	struct bytes b = load("snp-genoa-v3-azure");
	size_t head = 24 * (size_t)(sk_X509_num(c.snp) + 1);
	size_t at = head, n = SNP_REPORT + head + 3 * 4096;
	uint8_t *p = calloc(1, n), *der;
	int i, len;

	(void)state;
	assert_non_null(p);
	memcpy(p, b.p, b.n);
	for (i = 0; i < sk_X509_num(c.snp); i++) {
		der = p + SNP_REPORT + at;
		len = i2d_X509(sk_X509_value(c.snp, i), &der);
		assert_true(len > 0);
		p[SNP_REPORT + 24 * i] = 0x63;	/* some GUID */
		put32(p + SNP_REPORT + 24 * i + 16, at);
		put32(p + SNP_REPORT + 24 * i + 20, (size_t)len);
		at += (size_t)len;
	}
	collateral_free(&c);
	judge((struct bytes){ p, n }, JUNE);
	assert_int_equal(report_verdict(&r), 0);
	assert_true(r.hardware);
	/* An entry that points out of it, by offset and by length. */
	put32(p + SNP_REPORT + 16, n);
	judge((struct bytes){ p, n }, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_FAIL);
	put32(p + SNP_REPORT + 16, head);
	put32(p + SNP_REPORT + 20, UINT32_MAX);
	judge((struct bytes){ p, n }, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_FAIL);
	free(p);
	sample_free(b);
}

/* ---- policy ---- */

static void
policy_rules(void **state)
{
	static const struct { const char *text, *fails; } cases[] = {
		{ "max-vmpl 0\n", "vmpl" },
		{ "max-vmpl 1\n", "" },
		{ "min-spl snp 24 ucode 219\n", "min-tcb" },	/* reported 217 */
		{ "min-spl snp 24 ucode 217\n", "" },
		{ "accept measurement 8922ebbdd00ec2c541f36a6e7a82a8773a7accb4"
		    "51ed67bc94e740dbe92c93c4e8c9af857f5ceeb5a493df2a570d7bf0\n",
		    "" },
		{ "accept measurement 0022ebbdd00ec2c541f36a6e7a82a8773a7accb4"
		    "51ed67bc94e740dbe92c93c4e8c9af857f5ceeb5a493df2a570d7bf0\n",
		    "policy-measurement" },
		{ "accept host-data 00000000000000000000000000000000000000000000"
		    "00000000000000000001\n", "policy-host-data" },
		{ "report-data 819770b7e6ea6df8dd8fd4dd146b073c0bf4f3ce5b0977ec"
		    "ac486e3a05ed1bd54e2a7ac1f5d1ca02e7d7d5ef9f73b8574fd9359e3a"
		    "480d741a4478e8a7bc27ca\n", "" },
		{ "report-data 009770b7e6ea6df8dd8fd4dd146b073c0bf4f3ce5b0977ec"
		    "ac486e3a05ed1bd54e2a7ac1f5d1ca02e7d7d5ef9f73b8574fd9359e3a"
		    "480d741a4478e8a7bc27ca\n", "report-data" },
	};
	struct bytes b = load("snp-milan-v3-aws-vlek");
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		policy_default(&policy);
		assert_int_equal(policy_parse(&policy, cases[i].text, error,
		    sizeof(error)), 0);
		judge(b, JUNE);
		only(&r, A_FAIL, cases[i].fails);
	}
	unload(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sets, setup),
		cmocka_unit_test_setup(validity, setup),
		cmocka_unit_test_setup(no_certificates, setup),
		cmocka_unit_test_setup(wrong_vek, setup),
		cmocka_unit_test_setup(wrong_issuer, setup),
		cmocka_unit_test_setup(turin_certificate, setup),
		cmocka_unit_test_setup(damaged, setup),
		cmocka_unit_test_setup(every_byte, setup),
		cmocka_unit_test_setup(every_length, setup),
		cmocka_unit_test_setup(with_table, setup),
		cmocka_unit_test_setup(policy_rules, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
