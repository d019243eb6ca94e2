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
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

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
	policy.allow_missing_crl = 1;		/* no set has AMD's */
	memset(&c, 0, sizeof(c));
	return 0;
}

static void
verify(struct bytes b, time_t at)
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

/* ---- every set --------------------------------------------------------- */

static void
set_is(const char *set, const char *failing)
{
	static const char *const facts[][2] = {
		{ "report_data", "report-data" },
		{ "measurement", "measurement" },
		{ "host_data", "host-data" },
		{ "idkd", "id-key-digest" },
		{ "akd", "author-key-digest" },
		{ "report_id", "report-id" },
		{ "chip", "chip-id" },
		{ "cpuid", "cpuid" },
		{ "policy", "policy" },
		{ "platinfo", "platform-info" },
		{ "flags", "key-info" },
	};
	struct bytes b = load(set);
	char path[128];
	const char *wanted;
	json_t *e;
	size_t i;

	snprintf(path, sizeof(path), "snp/%s/EXPECT.json", set);
	e = json_load_file(sample_path(path), 0, NULL);
	assert_non_null(e);
	verify(b, JUNE);
	only(&r, A_FAIL, failing);
	only(&r, A_MISSING, "");
	assert_true(r.hardware);
	assert_int_equal(report_verdict(&r), *failing == '\0' ? 0 : 1);
	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		wanted = json_string_value(
		    json_object_get(json_object_get(e, "report"), facts[i][0]));
		assert_non_null(wanted);
		assert_string_equal(fact_of(&r, facts[i][1]), wanted);
	}
	json_decref(e);
	unload(b);
}

static void
reports_of_each_set_have_the_expected_verdict(void **state)
{
	(void)state;
	set_is("snp-genoa-v3-azure", "");
	assert_string_equal(
	    fact_of(&r, "reported-tcb"), "bl=10 tee=0 snp=23 ucode=84");
	set_is("snp-milan-v2-virtee", "");
	assert_string_equal(
	    fact_of(&r, "reported-tcb"), "bl=3 tee=0 snp=8 ucode=115");
	set_is("snp-milan-v2-debug-policy", "debug");
	assert_int_equal(r.debug, 1);
	set_is("snp-milan-v3-aws-vlek", "");
	assert_string_equal(
	    fact_of(&r, "csp-id"), "CN=cc-us-east-2.amazonaws.com");
	assert_string_equal(
	    fact_of(&r, "committed-tcb"), "bl=4 tee=0 snp=24 ucode=219");
}

/* Outside the certificates' lives. */
static void
a_certificate_outside_of_its_validity_is_refused(void **state)
{
	static const char *const of[] = { "snp-genoa-v3-azure",
		"snp-milan-v2-virtee", "snp-milan-v3-aws-vlek" };
	struct bytes b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		b = load(of[i]);
		verify(b, day(2020, 11, 1));
		only(&r, A_FAIL, "vek-validity");
		verify(b, day(2045, 11, 1));
		only(&r, A_FAIL, "vek-validity");
		unload(b);
	}
	b = load("snp-milan-v3-aws-vlek");	/* lives a year */
	verify(b, day(2025, 12, 11));
	only(&r, A_FAIL, "vek-validity");
	unload(b);
}

/* ---- certificates that are not this report's --------------------------- */

static void
without_certificates_the_vek_is_missing(void **state)
{
	struct bytes b = sample("snp/snp-milan-v2-virtee/report.bin");

	(void)state;
	verify(b, JUNE);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING,
	    "vek-chain vek-validity report-signature "
	    "vek-extensions signing-key vek-tcb vek-chip vek-product");
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
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(sk_X509_value(c.snp, i)),
		    NID_commonName, name, sizeof(name));
		if (strcmp(name, "SEV-VCEK") == 0)
			X509_free(sk_X509_delete(c.snp, i--));
	}
	sk_X509_push(c.snp, sk_X509_shift(x));
	sk_X509_free(x);
	verify(b, JUNE);
	only(&r, A_FAIL, failing);
	assert_false(r.hardware);
	sample_free(der);
	unload(b);
}

static void
a_vek_that_is_not_of_the_report_is_refused(void **state)
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
a_vek_whose_issuer_is_another_is_refused(void **state)
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
	verify(b, JUNE);
	assert_int_equal(report_find(&r, "vek-chain")->outcome, A_FAIL);
	assert_int_equal(report_find(&r, "report-signature")->outcome, A_PASS);
	assert_false(r.hardware);
	sample_free(roots);
	unload(b);
}

/* A Turin VCEK reads: its 8-byte chip id, its FMC. */
static void
a_turin_certificate_has_a_short_chip_id_and_an_fmc(void **state)
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
	verify(b, JUNE);
	assert_int_equal(report_find(&r, "vek-chain")->outcome, A_PASS);
	assert_int_equal(report_find(&r, "vek-extensions")->outcome, A_PASS);
	assert_non_null(strstr(report_find(&r, "vek-tcb")->detail, "fmc="));
	assert_false(r.hardware);
	sk_X509_pop_free(c.snp, X509_free);
	sample_free(der);
	sample_free(roots);
	sample_free(b);
}

/* ---- damaged reports --------------------------------------------------- */

static void
a_damaged_report_is_refused(void **state)
{
	struct bytes b = load("snp-milan-v2-virtee"), bad;

	(void)state;
	bad = sample("snp/guest_report_corrupt.bin");
	verify(bad, JUNE);
	only(&r, A_FAIL, "format");
	sample_free(bad);
	((uint8_t *)(uintptr_t)b.p)[0x2a0] ^= 1;
	verify(b, JUNE);
	only(&r, A_FAIL, "report-signature");
	unload(b);
	/* The published one is a byte too long. */
	bad = sample("snp/guest_report_bad_sig.bin");
	verify(bad, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_FAIL);
	sample_free(bad);
}

static void
a_report_with_any_byte_changed_is_refused(void **state)
{
	struct bytes b = load("snp-genoa-v3-azure");
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;
	size_t i;

	(void)state;
	for (i = 0; i < b.n; i++) {
		p[i] ^= (uint8_t)(1 << i % 8);
		verify(b, JUNE);
		assert_int_equal(report_verdict(&r), 1);
		p[i] ^= (uint8_t)(1 << i % 8);
	}
	verify(b, JUNE);
	assert_int_equal(report_verdict(&r), 0);
	unload(b);
}

static void
a_report_cut_or_extended_is_refused(void **state)
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
		verify((struct bytes){ p + 1, n }, JUNE);
		only(&r, A_FAIL, n < b.n ? "format" : "certificate-table");
		free(p);
	}
	unload(b);
}

/* ---- the host's table -------------------------------------------------- */

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
the_table_of_the_host_is_read_within_its_bounds(void **state)
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
	verify((struct bytes){ p, n }, JUNE);
	assert_int_equal(report_verdict(&r), 0);
	assert_true(r.hardware);
	/* An entry that points out of it, by offset and by length. */
	put32(p + SNP_REPORT + 16, n);
	verify((struct bytes){ p, n }, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_FAIL);
	put32(p + SNP_REPORT + 16, head);
	put32(p + SNP_REPORT + 20, UINT32_MAX);
	verify((struct bytes){ p, n }, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_FAIL);
	free(p);
	sample_free(b);
}

/* ---- policy ------------------------------------------------------------ */

static void
each_rule_of_a_policy_has_its_check(void **state)
{
	static const struct {
		const char *text, *fails;
	} cases[] = {
		{ "max-vmpl 0\n", "vmpl" },
		{ "max-vmpl 1\n", "" },
		/* reported 217 */
		{ "min-spl snp 24 ucode 219\n", "min-tcb" },
		{ "min-spl snp 24 ucode 217\n", "" },
		{ "accept measurement 8922ebbdd00ec2c541f36a6e7a82a8773a7accb4"
		  "51ed67bc94e740dbe92c93c4e8c9af857f5ceeb5a493df2a570d7bf0\n",
		    "" },
		{ "accept measurement 0022ebbdd00ec2c541f36a6e7a82a8773a7accb4"
		  "51ed67bc94e740dbe92c93c4e8c9af857f5ceeb5a493df2a570d7bf0\n",
		    "policy-measurement" },
		{ "accept host-data "
		  "00000000000000000000000000000000000000000000"
		  "00000000000000000001\n",
		    "policy-host-data" },
		{ "report-data 819770b7e6ea6df8dd8fd4dd146b073c0bf4f3ce5b0977ec"
		  "ac486e3a05ed1bd54e2a7ac1f5d1ca02e7d7d5ef9f73b8574fd9359e3a"
		  "480d741a4478e8a7bc27ca\n",
		    "" },
		{ "report-data 009770b7e6ea6df8dd8fd4dd146b073c0bf4f3ce5b0977ec"
		  "ac486e3a05ed1bd54e2a7ac1f5d1ca02e7d7d5ef9f73b8574fd9359e3a"
		  "480d741a4478e8a7bc27ca\n",
		    "report-data" },
	};
	struct bytes b = load("snp-milan-v3-aws-vlek");
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		policy_default(&policy);
		assert_int_equal(
		    policy_parse(&policy, cases[i].text, error, sizeof(error)),
		    0);
		verify(b, JUNE);
		only(&r, A_FAIL, cases[i].fails);
	}
	unload(b);
}

/* ---- reports made by the test ----
 *
 * No Turin report is public, and a changed report of AMD's cannot be signed
 * again.  So these are signed by keys made here: the checks vek-chain and
 * vek-product fail, since no root of AMD's vouches for the keys, and no other
 * checks do. */

#define MADE	"vek-chain vek-product"

static EVP_PKEY *root_key, *vek_key;

static void
put_extension(X509 *x, const char *arc, const void *value, int n)
{
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	ASN1_OBJECT *o;
	char oid[64];

	snprintf(oid, sizeof(oid), "1.3.6.1.4.1.3704.1.%s", arc);
	o = OBJ_txt2obj(oid, 1);
	assert_int_equal(ASN1_OCTET_STRING_set(data, value, n), 1);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, 0, data);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(data);
}

static void
put_spl(X509 *x, const char *arc, uint8_t svn)
{
	uint8_t der[4] = { 2, 1, svn };

	if (svn > 127) {
		der[1] = 2;
		der[2] = 0;
		der[3] = svn;
	}
	put_extension(x, arc, der, svn > 127 ? 4 : 3);
}

static void
put_name(X509_NAME *to, const char *name)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(to, "CN", MBSTRING_ASC,
			     (const uint8_t *)name, -1, -1, 0),
	    1);
}

/* Not signed yet. */
static X509 *
certificate(const char *name, const char *issuer, EVP_PKEY *key)
{
	X509 *x = X509_new();

	assert_non_null(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	ASN1_TIME_set(X509_getm_notBefore(x), day(2025, 1, 1));
	ASN1_TIME_set(X509_getm_notAfter(x), day(2026, 1, 1));
	put_name(X509_get_subject_name(x), name);
	put_name(X509_get_issuer_name(x), issuer);
	X509_set_pubkey(x, key);
	return x;
}

static void
sign_certificate(X509 *x)
{
	assert_true(X509_sign(x, root_key, EVP_sha384()) > 0);
	sk_X509_push(c.snp, x);
}

/* A Turin's, up to its name. */
static X509 *
made_vek(void)
{
	static const uint8_t chip[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	X509 *x = certificate("SEV-VCEK", "SEV-Turin", vek_key);

	put_spl(x, "3.9", 1);
	put_spl(x, "3.1", 2);
	put_spl(x, "3.2", 3);
	put_spl(x, "3.3", 4);
	put_spl(x, "3.8", 200);
	put_extension(x, "4", chip, sizeof(chip));
	return x;
}

static int
made_setup(void **state)
{
	setup(state);
	root_key = EVP_EC_gen("P-384");
	vek_key = EVP_EC_gen("P-384");
	c.snp = sk_X509_new_null();
	assert_true(root_key != NULL && vek_key != NULL && c.snp != NULL);
	sign_certificate(certificate("ARK-Turin", "ARK-Turin", root_key));
	sign_certificate(certificate("SEV-Turin", "ARK-Turin", root_key));
	return 0;
}

static int
made_teardown(void **state)
{
	(void)state;
	sk_X509_pop_free(c.snp, X509_free);
	sk_X509_CRL_pop_free(c.snp_crls, X509_CRL_free);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(vek_key);
	return 0;
}

static void
usual_vek(void)
{
	X509 *x = made_vek();

	put_extension(x, "2", "\x16\x05Turin", 7);
	sign_certificate(x);
}

/* Version 5, nothing wrong with it. */
static void
made_report(uint8_t b[SNP_REPORT])
{
	static const uint8_t tcb[8] = { 1, 2, 3, 4, 0, 0, 0, 200 };
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	size_t i;

	memset(b, 0, SNP_REPORT);
	b[0] = 5;
	b[0x0a] = 2;
	b[0x34] = 1;
	b[0x40] = 0x20;
	memset(b + 0x160, 0xff, 32);
	b[0x188] = 0x1a;
	b[0x189] = 2;
	for (i = 0; i < 8; i++)
		b[0x1a0 + i] = (uint8_t)(i + 1);
	for (i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++)
		memcpy(b + tcbs[i], tcb, 8);
	b[0x1f8] = 0x11;
	b[0x200] = 0x13;
}

static void
sign_report(uint8_t b[SNP_REPORT])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const uint8_t *p;
	uint8_t der[128];
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(
	    EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, vek_key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, b, 0x2a0), 1);
	p = der;
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	assert_non_null(sig);
	BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), b + 0x2a0, 72);
	BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), b + 0x2a0 + 72, 72);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

static void
verify_made(uint8_t b[SNP_REPORT], const char *failing)
{
	char list[256];

	sign_report(b);
	verify((struct bytes){ b, SNP_REPORT }, JUNE);
	snprintf(list, sizeof(list), "%s %s", MADE, failing);
	only(&r, A_FAIL, list);
	assert_false(r.hardware);
}

static void
a_turin_report_has_its_own_layout_of_the_tcb(void **state)
{
	uint8_t b[SNP_REPORT];

	(void)state;
	usual_vek();
	made_report(b);
	verify_made(b, "");
	only(&r, A_MISSING, "");
	assert_int_equal(report_find(&r, "vek-chip")->outcome, A_PASS);
	assert_string_equal(fact_of(&r, "version"), "5");
	assert_string_equal(
	    fact_of(&r, "reported-tcb"), "bl=2 tee=3 snp=4 ucode=200 fmc=1");
	assert_string_equal(
	    fact_of(&r, "launch-mitigations"), "1100000000000000");
	assert_string_equal(
	    fact_of(&r, "current-mitigations"), "1300000000000000");
	policy.min_spl[SPL_FMC] = 2;
	verify_made(b, "min-tcb");
	policy.min_spl[SPL_FMC] = 1;
	verify_made(b, "");
}

/* One byte of it another, and signed. */
static void
each_field_out_of_its_range_fails_its_check(void **state)
{
	static const struct {
		size_t at;
		uint8_t v;
		const char *fails;
	} of[] = {
		{ 0x00, 3, "reserved-zero" },	/* mitigations are of 5 */
		{ 0x00, 4, "version reserved-zero" },
		{ 0x00, 6, "version" },
		{ 0x34, 0, "signature-algorithm" },
		{ 0x34, 2, "signature-algorithm" },
		{ 0x0a, 0x00, "policy-reserved" },
		{ 0x0a, 0x06, "migration-agent" },
		{ 0x0a, 0x0a, "debug" },
		{ 0x0a, 0x03, "" },
		{ 0x160, 0xfe, "migration-agent" },
		{ 0x17f, 0xfe, "migration-agent" },
		{ 0x30, 3, "" },
		{ 0x30, 4, "vmpl" },
		{ 0x33, 0x80, "vmpl" },
		{ 0x48, 0x04, "signing-key" },
		{ 0x48, 0x1c, "signing-key" },
		{ 0x4c, 1, "reserved-zero" },
		{ 0x18b, 1, "reserved-zero" },
		{ 0x19f, 1, "reserved-zero" },
		{ 0x1eb, 1, "reserved-zero" },
		{ 0x1ef, 1, "reserved-zero" },
		{ 0x208, 1, "reserved-zero" },
		{ 0x29f, 1, "reserved-zero" },
		{ 0x330, 1, "reserved-zero" },
		{ 0x49f, 1, "reserved-zero" },
		{ 0x3c, 1, "reserved-zero" },
		{ 0x186, 1, "reserved-zero" },
		{ 0x1e4, 1, "reserved-zero" },
		{ 0x1f6, 1, "reserved-zero" },
		/* reported */
		{ 0x180, 0, "vek-tcb" },
		{ 0x180, 2, "vek-tcb tcb-order" },
		{ 0x187, 199, "vek-tcb" },
		{ 0x187, 201, "vek-tcb tcb-order" },
		/* committed, then current: each component by itself */
		{ 0x1e0, 0, "tcb-order" },
		{ 0x1e7, 255, "tcb-order" },
		{ 0x39, 1, "tcb-order" },
		{ 0x3b, 3, "tcb-order" },
		{ 0x3b, 5, "" },
		{ 0x1f7, 1, "" },
		{ 0x1a0, 0, "vek-chip" },
		{ 0x1a8, 1, "vek-chip" },
	};
	uint8_t b[SNP_REPORT];
	size_t i;

	(void)state;
	usual_vek();
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		made_report(b);
		b[of[i].at] = of[i].v;
		verify_made(b, of[i].fails);
	}
}

static void
a_masked_chip_or_an_allowed_mode_is_accepted(void **state)
{
	uint8_t b[SNP_REPORT];

	(void)state;
	usual_vek();
	made_report(b);
	memset(b + 0x30, 0xff, 4);		/* the host asked for it */
	verify_made(b, "vmpl");
	made_report(b);
	b[0x0a] = 0x0e;
	verify_made(b, "debug migration-agent");
	policy.allow_debug = policy.allow_migration = 1;
	verify_made(b, "");
	assert_int_equal(r.debug, 1);
	made_report(b);
	b[0x48] = 2;				/* the chip's id is masked */
	memset(b + 0x1a0, 0, 64);
	verify_made(b, "");
	assert_int_equal(report_find(&r, "vek-chip")->outcome, A_NONE);
	made_report(b);
	b[0x40] = 0;
	verify_made(b, "");
	assert_int_equal(report_find(&r, "alias-check")->outcome, A_NONE);
}

/* Launched under, or committed to, less than is asked for. */
static void
the_minimum_holds_for_each_tcb_of_the_report(void **state)
{
	static const size_t at[] = { 0x187, 0x1e7, 0x1f7 };
	static const char *const fails[] = { "vek-tcb min-tcb",
		"tcb-order min-tcb", "min-tcb" };
	uint8_t b[SNP_REPORT];
	size_t i;

	(void)state;
	usual_vek();
	policy.min_spl[SPL_UCODE] = 200;
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		made_report(b);
		verify_made(b, "");
		b[at[i]] = 199;
		verify_made(b, fails[i]);
	}
}

/* A certificate whose extensions are not as AMD writes them. */
static void
an_extension_not_as_amd_writes_it_is_refused(void **state)
{
	static const struct {
		const char *arc, *value;
		int n;
	} of[] = {
		{ "2", "\x16\x06Tu\x1b[2J", 8 },	/* escapes: terminals */
		{ "2", "\x0c\x05Turin", 7 },		/* not an IA5String */
		/* more bytes after it */
		{ "2", "\x16\x05Turin.", 8 },
		{ "2", "\x16\x05Turi", 6 },		/* less */
		{ "3.1", "\x02\x01\x02", 3 },		/* there already */
		{ "4", "\1\2\3\4\5\6\7\x8", 8 },
	};
	uint8_t b[SNP_REPORT];
	size_t i;
	X509 *x;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		x = made_vek();
		if (of[i].arc[0] != '2')
			put_extension(x, "2", "\x16\x05Turin", 7);
		put_extension(x, of[i].arc, of[i].value, of[i].n);
		sign_certificate(x);
		made_report(b);
		sign_report(b);
		verify((struct bytes){ b, SNP_REPORT }, JUNE);
		only(&r, A_FAIL, "vek-chain vek-extensions");
		only(&r, A_MISSING, "vek-tcb vek-chip vek-product");
		X509_free(sk_X509_pop(c.snp));
	}
}

static void
an_spl_that_is_not_der_of_a_byte_is_refused(void **state)
{
	static const struct {
		const char *value;
		int n;
	} of[] = {
		{ "\x02\x01\xd9", 3 },		/* negative */
		{ "\x02\x02\x00\x02", 4 },	/* longer than need be */
		{ "\x02\x02\x01\x00", 4 },	/* 256 */
		{ "\x02\x00", 2 },
		{ "\x04\x01\x02", 3 },
		{ "\x02\x81\x01\x02", 4 },	/* BER, not DER */
		{ "", 0 },
	};
	uint8_t b[SNP_REPORT];
	size_t i;
	X509 *x;

	(void)state;
	made_report(b);
	sign_report(b);
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		x = made_vek();
		put_extension(x, "2", "\x16\x05Turin", 7);
		X509_EXTENSION_free(X509_delete_ext(x, 1));	/* 3.1 */
		put_extension(x, "3.1", of[i].value, of[i].n);
		sign_certificate(x);
		verify((struct bytes){ b, SNP_REPORT }, JUNE);
		only(&r, A_FAIL, "vek-chain vek-extensions");
		X509_free(sk_X509_pop(c.snp));
	}
}

/* ---- revocation -------------------------------------------------------- */

static void
give_crl(const char *issuer, EVP_PKEY *by, time_t from, time_t to, long serial)
{
	X509_NAME *name = X509_NAME_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, from);
	X509_CRL *crl = X509_CRL_new();

	put_name(name, issuer);
	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, name);
	X509_CRL_set1_lastUpdate(crl, t);
	ASN1_INTEGER_set(number, serial);
	X509_REVOKED_set_serialNumber(entry, number);
	X509_REVOKED_set_revocationDate(entry, t);
	X509_CRL_add0_revoked(crl, entry);
	ASN1_TIME_set(t, to);
	X509_CRL_set1_nextUpdate(crl, t);
	assert_true(X509_CRL_sign(crl, by, EVP_sha384()) > 0);
	sk_X509_CRL_pop_free(c.snp_crls, X509_CRL_free);
	c.snp_crls = sk_X509_CRL_new_null();
	sk_X509_CRL_push(c.snp_crls, crl);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(number);
	X509_NAME_free(name);
}

static void
revoked_is(enum outcome outcome)
{
	uint8_t b[SNP_REPORT];

	made_report(b);
	verify_made(b, outcome == A_FAIL ? "vek-revoked" : "");
	assert_int_equal(report_find(&r, "vek-revoked")->outcome, outcome);
}

static void
the_list_of_the_ark_alone_can_revoke_the_ask(void **state)
{
	const time_t may = day(2025, 5, 1), july = day(2025, 7, 1);

	(void)state;
	policy.allow_missing_crl = 0;
	usual_vek();
	revoked_is(A_MISSING);
	give_crl("ARK-Turin", root_key, may, july, 8);
	revoked_is(A_PASS);
	give_crl("ARK-Turin", root_key, may, july, 7);	/* the ASK's */
	revoked_is(A_FAIL);
	give_crl("ARK-Turin", vek_key, may, july, 8);	/* not the ARK's */
	revoked_is(A_FAIL);
	give_crl("ARK-Turin", root_key, day(2025, 4, 1), may, 8);
	revoked_is(A_MISSING);
	give_crl("ARK-Turin", root_key, july, day(2025, 8, 1), 8);
	revoked_is(A_MISSING);
	give_crl("ARK-Milan", root_key, may, july, 7);	/* of another product */
	revoked_is(A_MISSING);
}

/* Only that there is none: not that it is old, forged or names the ASK. */
static void
a_list_may_be_missing_but_not_old_or_forged(void **state)
{
	const time_t may = day(2025, 5, 1), july = day(2025, 7, 1);

	(void)state;
	usual_vek();
	revoked_is(A_NONE);
	give_crl("ARK-Turin", root_key, may, july, 7);
	revoked_is(A_FAIL);
	give_crl("ARK-Turin", vek_key, may, july, 8);
	revoked_is(A_FAIL);
	give_crl("ARK-Turin", root_key, day(2025, 4, 1), may, 8);
	revoked_is(A_MISSING);
	give_crl("ARK-Milan", root_key, may, july, 7);
	revoked_is(A_NONE);
}

/* A file with the lists of two products. */
static void
a_file_may_have_the_lists_of_two_products(void **state)
{
	static const char *const of[] = { "ARK-Milan", "ARK-Turin" };
	char dir[] = "/tmp/test_snp.XXXXXX", path[64];
	struct collateral from;
	size_t i;
	FILE *f;

	(void)state;
	policy.allow_missing_crl = 0;
	usual_vek();
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/snp.crl", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (i = 0; i < 2; i++) {
		give_crl(of[i], root_key, day(2025, 5, 1), day(2025, 7, 1), 8);
		assert_int_equal(
		    PEM_write_X509_CRL(f, sk_X509_CRL_value(c.snp_crls, 0)), 1);
	}
	assert_int_equal(fclose(f), 0);
	sk_X509_CRL_pop_free(c.snp_crls, X509_CRL_free);
	assert_int_equal(collateral_load(&from, dir), 0);
	c.snp_crls = from.snp_crls;
	from.snp_crls = NULL;
	collateral_free(&from);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(sk_X509_CRL_num(c.snp_crls), 2);
	revoked_is(A_PASS);
}

/* AMD's own: undecided without a revocation list, unless the policy allows it,
 * and then with a warning. */
static void
without_a_list_nothing_is_decided_unless_allowed(void **state)
{
	static const char wanted[] = "no CRL of AMD's was given (snp.crl): ";
	struct bytes b = load("snp-genoa-v3-azure");
	char error[200];
	size_t i, warned = 0;

	(void)state;
	policy_default(&policy);
	verify(b, JUNE);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "vek-revoked");
	assert_int_equal(report_verdict(&r), 3);
	assert_int_equal(
	    policy_parse(&policy, "allow missing-crl\n", error, sizeof(error)),
	    0);
	verify(b, JUNE);
	only(&r, A_MISSING, "");
	assert_int_equal(report_verdict(&r), 0);
	for (i = 0; i < r.n_warnings; i++)
		warned += strncmp(r.warnings[i], wanted, sizeof(wanted) - 1) ==
		    0;
	assert_int_equal(warned, 1);
	unload(b);
}

/* ---- which certificates are used --------------------------------------- */

/* Those of several products at hand, in either order. */
static void
certificates_of_other_products_do_no_harm(void **state)
{
	struct bytes roots = sample("snp/turin_ask_ark_asvk.pem"), b;
	STACK_OF(X509) *turin;
	int first;

	(void)state;
	for (first = 0; first < 2; first++) {
		b = load("snp-genoa-v3-azure");
		turin = certs_read(roots);
		while (sk_X509_num(turin) > 0)
			sk_X509_insert(c.snp, sk_X509_pop(turin),
			    first ? 0 : sk_X509_num(c.snp));
		sk_X509_free(turin);
		verify(b, JUNE);
		assert_int_equal(report_verdict(&r), 0);
		assert_true(r.hardware);
		unload(b);
	}
	sample_free(roots);
}

/* The same names as AMD's after the report: the verifier uses its own
 * certificates. */
static void
the_host_cannot_replace_certificates(void **state)
{
	struct bytes b = load("snp-genoa-v3-azure");
	EVP_PKEY *key = EVP_EC_gen("P-384");
	uint8_t *p = calloc(1, SNP_REPORT + 4096), *table, *der;
	size_t i, at = 24 * 3;
	X509 *x;
	int n;

	(void)state;
	assert_true(p != NULL && key != NULL);
	memcpy(p, b.p, SNP_REPORT);
	table = p + SNP_REPORT;
	for (i = 0; i < 2; i++) {
		x = certificate("x", "x", key);
		X509_set_subject_name(x,
		    X509_get_issuer_name(sk_X509_value(c.snp, i == 0 ? 0 : 1)));
		X509_set_issuer_name(
		    x, X509_get_issuer_name(sk_X509_value(c.snp, 1)));
		assert_true(X509_sign(x, key, EVP_sha384()) > 0);
		der = table + at;
		n = i2d_X509(x, &der);
		put32(table + 24 * i + 16, at);
		put32(table + 24 * i + 20, (size_t)n);
		at += (size_t)n;
		X509_free(x);
	}
	verify((struct bytes){ p, SNP_REPORT + at }, JUNE);
	assert_int_equal(report_find(&r, "certificate-table")->outcome, A_PASS);
	assert_int_equal(report_verdict(&r), 0);
	EVP_PKEY_free(key);
	free(p);
	unload(b);
}

/* Entries without end over the same bytes. */
static void
a_table_has_at_most_sixteen_entries(void **state)
{
	STACK_OF(X509) *to = sk_X509_new_null();
	uint8_t table[24 * 18] = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		table[24 * i] = 1;
	assert_int_equal(
	    snp_cert_table((struct bytes){ table, sizeof(table) }, to), 0);
	table[24 * 16] = 1;
	assert_int_equal(
	    snp_cert_table((struct bytes){ table, sizeof(table) }, to), -1);
	sk_X509_free(to);
}

/* ---- what a report says ------------------------------------------------ */

static void
looks_like_one_by_size_version_and_algorithm(void **state)
{
	uint8_t b[0x38] = { 0 };
	const struct bytes whole = { b, sizeof(b) };
	unsigned v;

	(void)state;
	for (v = 0; v < 256; v++) {
		b[0] = (uint8_t)v;
		assert_int_equal(format_snp.is(whole), v >= 2 && v <= 9);
	}
	b[0] = 3;
	assert_false(format_snp.is((struct bytes){ b, sizeof(b) - 1 }));
	for (v = 0; v < 256; v++) {
		b[0x34] = (uint8_t)v;
		assert_int_equal(format_snp.is(whole), v <= 1);
	}
	b[0x34] = 0;
	b[0x37] = 1;
	assert_false(format_snp.is(whole));
}

static void
fact_is(const char *name, const uint8_t *b, size_t n)
{
	char hex[130] = "";
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", b[i]);
	assert_non_null(fact_of(&r, name));
	assert_string_equal(fact_of(&r, name), hex);
}

/* Firmware ABI, table ATTESTATION_REPORT. */
static void
each_fact_is_read_from_its_place(void **state)
{
	static const struct {
		const char *name;
		size_t at, n;
	} of[] = {
		{ "family-id", 0x10, 16 },
		{ "image-id", 0x20, 16 },
		{ "report-data", 0x50, 64 },
		{ "measurement", 0x90, 48 },
		{ "host-data", 0xc0, 32 },
		{ "id-key-digest", 0xe0, 48 },
		{ "author-key-digest", 0x110, 48 },
		{ "report-id", 0x140, 32 },
		{ "report-id-ma", 0x160, 32 },
		{ "cpuid", 0x188, 3 },
		{ "chip-id", 0x1a0, 64 },
		{ "launch-mitigations", 0x1f8, 8 },
		{ "current-mitigations", 0x200, 8 },
	};
	static const struct {
		const char *name, *text;
	} told[] = {
		{ "version", "5" },
		{ "guest-svn", "117835012" },
		{ "policy", "0xf0e0d0c0b0a0908" },
		{ "vmpl", "858927408" },
		{ "platform-info", "0x4746454443424140" },
		{ "key-info", "0x4b4a4948" },
		{ "current-version", "236.235.234" },
		{ "committed-version", "240.239.238" },
		{ "current-tcb", "bl=56 tee=57 snp=62 ucode=63" },
		{ "reported-tcb", "bl=130 tee=131 snp=136 ucode=137" },
		{ "committed-tcb", "bl=226 tee=227 snp=232 ucode=233" },
		{ "launch-tcb", "bl=242 tee=243 snp=248 ucode=249" },
	};
	uint8_t b[SNP_REPORT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(b); i++)	/* no two places are the same */
		b[i] = (uint8_t)(i + 2 * (i >> 8));
	memcpy(b, "\5\0\0\0", 4);
	memset(&r, 0, sizeof(r));
	assert_int_equal(
	    format_snp.show((struct bytes){ b, sizeof(b) }, &r), 0);
	assert_string_equal(r.format, "AMD SEV-SNP report");
	assert_int_equal(r.debug, -1);
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		fact_is(of[i].name, b + of[i].at, of[i].n);
	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		assert_string_equal(fact_of(&r, told[i].name), told[i].text);
	b[0] = 4;
	memset(&r, 0, sizeof(r));
	assert_int_equal(
	    format_snp.show((struct bytes){ b, sizeof(b) }, &r), 0);
	assert_null(fact_of(&r, "launch-mitigations"));
	assert_int_equal(
	    format_snp.show((struct bytes){ b, sizeof(b) - 1 }, &r), -1);
}

/* ---- who signed it ----------------------------------------------------- */

static void
a_product_is_a_family_and_models(void **state)
{
	static const struct {
		unsigned family, from, to;
		int product;
	} of[] = {
		{ 0x19, 0x00, 0x0f, SNP_MILAN },
		{ 0x19, 0x10, 0x1f, SNP_GENOA },
		{ 0x19, 0x20, 0x9f, -1 },
		{ 0x19, 0xa0, 0xaf, SNP_GENOA },
		{ 0x19, 0xb0, 0xff, -1 },
		{ 0x1a, 0x00, 0xff, SNP_TURIN },
		{ 0x18, 0x00, 0xff, -1 },
		{ 0x1b, 0x00, 0xff, -1 },
	};
	struct snp_signer s;
	uint8_t b[SNP_REPORT];
	unsigned model;
	size_t i;

	(void)state;
	made_report(b);
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		for (model = of[i].from; model <= of[i].to; model++) {
			b[0x188] = (uint8_t)of[i].family;
			b[0x189] = (uint8_t)model;
			assert_int_equal(
			    snp_signer(
				&s, (struct bytes){ b, sizeof(b) }, NULL),
			    0);
			assert_ptr_equal(s.product,
			    of[i].product == -1 ? NULL :
						  &snp_products[of[i].product]);
		}
}

static void
signer_of(uint8_t b[SNP_REPORT], struct snp_signer *s, int product)
{
	assert_int_equal(snp_signer(s, (struct bytes){ b, SNP_REPORT },
			     &snp_products[product]),
	    0);
}

static void
a_report_says_which_key_signed_it(void **state)
{
	static const struct snp_tcb turin = { { [SPL_FMC] = 1,
	    [SPL_BL] = 2,
	    [SPL_TEE] = 3,
	    [SPL_SNP] = 4,
	    [SPL_UCODE] = 200 } };
	static const struct snp_tcb milan = { { [SPL_FMC] = -1,
	    [SPL_BL] = 1,
	    [SPL_TEE] = 2,
	    [SPL_SNP] = 7,
	    [SPL_UCODE] = 200 } };
	struct snp_signer s;
	uint8_t b[SNP_REPORT];

	(void)state;
	made_report(b);
	b[0x1df] = 9;
	memset(b + 0x38, 0x77, 8);		/* not the reported TCB */
	b[0x186] = 7;
	signer_of(b, &s, SNP_MILAN);		/* the report knows better */
	assert_ptr_equal(s.product, &snp_products[SNP_TURIN]);
	assert_int_equal(s.key, 0);
	assert_false(s.is_masked);
	assert_memory_equal(&s.tcb, &turin, sizeof(turin));
	assert_int_equal(s.hwid_n, 8);
	assert_memory_equal(s.hwid, b + 0x1a0, 64);
	b[0x48] = 1 << 2 | 1;			/* author key: not the mask */
	signer_of(b, &s, SNP_MILAN);
	assert_int_equal(s.key, 1);
	assert_false(s.is_masked);
	b[0x48] = 7 << 2 | 2;
	signer_of(b, &s, SNP_MILAN);
	assert_int_equal(s.key, 7);
	assert_true(s.is_masked);
	b[0x00] = 2;				/* has no CPUID */
	signer_of(b, &s, SNP_TURIN);
	assert_ptr_equal(s.product, &snp_products[SNP_TURIN]);
	assert_int_equal(s.hwid_n, 8);
	signer_of(b, &s, SNP_MILAN);
	assert_ptr_equal(s.product, &snp_products[SNP_MILAN]);
	assert_memory_equal(&s.tcb, &milan, sizeof(milan));
	assert_int_equal(s.hwid_n, 64);
	assert_int_equal(
	    snp_signer(&s, (struct bytes){ b, SNP_REPORT - 1 }, NULL), -1);
	b[0x00] = 1;
	assert_int_equal(
	    snp_signer(&s, (struct bytes){ b, SNP_REPORT }, NULL), -1);
}

static void
each_component_has_its_own_minimum(void **state)
{
	static const int has[SPLS] = { [SPL_FMC] = 1,
		[SPL_BL] = 2,
		[SPL_TEE] = 3,
		[SPL_SNP] = 4,
		[SPL_UCODE] = 200 };
	uint8_t b[SNP_REPORT];
	int i;

	(void)state;
	usual_vek();
	made_report(b);
	verify_made(b, "");
	assert_int_equal(report_find(&r, "min-tcb")->outcome, A_NONE);
	for (i = 0; i < SPLS; i++) {
		policy.min_spl[i] = has[i];
		verify_made(b, "");
		assert_int_equal(report_find(&r, "min-tcb")->outcome, A_PASS);
		policy.min_spl[i] = has[i] + 1;
		verify_made(b, "min-tcb");
		policy.min_spl[i] = -1;
	}
}

/* A policy lists a field: the report has it, but for a bit of the last byte. */
static void
each_listed_field_is_compared_as_a_whole(void **state)
{
	static const struct {
		const char *name, *fails;
		size_t at, n;
	} of[] = {
		{ "measurement", "policy-measurement", 0x90, 48 },
		{ "host-data", "policy-host-data", 0xc0, 32 },
		{ "id-key", "policy-id-key", 0xe0, 48 },
		{ "author-key", "policy-author-key", 0x110, 48 },
	};
	char text[160], error[200];
	uint8_t b[SNP_REPORT];
	size_t i, k;
	int at;

	(void)state;
	usual_vek();
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		made_report(b);
		for (k = 0; k < 192; k++)
			b[0x90 + k] = (uint8_t)k;
		at = snprintf(text, sizeof(text), "accept %s ", of[i].name);
		for (k = 0; k < of[i].n; k++)
			at += snprintf(text + at, sizeof(text) - (size_t)at,
			    "%02x", b[of[i].at + k]);
		policy_default(&policy);
		policy.allow_missing_crl = 1;
		assert_int_equal(
		    policy_parse(&policy, text, error, sizeof(error)), 0);
		verify_made(b, "");
		b[of[i].at + of[i].n - 1] ^= 1;
		verify_made(b, of[i].fails);
	}
}

static unsigned
warnings_of_milan(const char *set)
{
	struct bytes b = load(set);
	unsigned n = 0;
	size_t i;

	verify(b, JUNE);
	for (i = 0; i < r.n_warnings; i++)
		n += strncmp(r.warnings[i], "Milan: ", 7) == 0;
	unload(b);
	return n;
}

static void
milan_alone_has_a_warning(void **state)
{
	(void)state;
	assert_int_equal(warnings_of_milan("snp-milan-v2-virtee"), 1);
	assert_int_equal(warnings_of_milan("snp-genoa-v3-azure"), 0);
}

static void
without_a_root_nothing_hangs_from_it(void **state)
{
	uint8_t b[SNP_REPORT];

	(void)state;
	usual_vek();
	X509_free(sk_X509_shift(c.snp));	/* the ARK */
	made_report(b);
	sign_report(b);
	verify((struct bytes){ b, SNP_REPORT }, JUNE);
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "vek-chain vek-validity vek-product");
	assert_non_null(strstr(report_find(&r, "vek-chain")->detail, "no ARK"));
}

static void
a_verification_frees_what_it_made(void **state)
{
	struct bytes b = load("snp-genoa-v3-azure");
	long before;

	(void)state;
	verify(b, JUNE);		/* the library keeps what it decoded */
	before = n_allocated;
	verify(b, JUNE);
	assert_int_equal(n_allocated, before);
	unload(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    reports_of_each_set_have_the_expected_verdict, setup),
		cmocka_unit_test_setup(
		    a_certificate_outside_of_its_validity_is_refused, setup),
		cmocka_unit_test_setup(
		    without_certificates_the_vek_is_missing, setup),
		cmocka_unit_test_setup(
		    a_vek_that_is_not_of_the_report_is_refused, setup),
		cmocka_unit_test_setup(
		    a_vek_whose_issuer_is_another_is_refused, setup),
		cmocka_unit_test_setup(
		    a_turin_certificate_has_a_short_chip_id_and_an_fmc, setup),
		cmocka_unit_test_setup(a_damaged_report_is_refused, setup),
		cmocka_unit_test_setup(
		    a_report_with_any_byte_changed_is_refused, setup),
		cmocka_unit_test_setup(
		    a_report_cut_or_extended_is_refused, setup),
		cmocka_unit_test_setup(
		    the_table_of_the_host_is_read_within_its_bounds, setup),
		cmocka_unit_test_setup(
		    each_rule_of_a_policy_has_its_check, setup),
#define MADE_TEST(f) cmocka_unit_test_setup_teardown(f, made_setup, \
    made_teardown)
		MADE_TEST(a_turin_report_has_its_own_layout_of_the_tcb),
		MADE_TEST(each_field_out_of_its_range_fails_its_check),
		MADE_TEST(a_masked_chip_or_an_allowed_mode_is_accepted),
		MADE_TEST(the_minimum_holds_for_each_tcb_of_the_report),
		MADE_TEST(an_extension_not_as_amd_writes_it_is_refused),
		MADE_TEST(an_spl_that_is_not_der_of_a_byte_is_refused),
		MADE_TEST(the_list_of_the_ark_alone_can_revoke_the_ask),
		MADE_TEST(a_list_may_be_missing_but_not_old_or_forged),
		MADE_TEST(a_file_may_have_the_lists_of_two_products),
		cmocka_unit_test_setup(
		    without_a_list_nothing_is_decided_unless_allowed, setup),
		cmocka_unit_test_setup(
		    certificates_of_other_products_do_no_harm, setup),
		cmocka_unit_test_setup(
		    the_host_cannot_replace_certificates, setup),
		cmocka_unit_test_setup(
		    a_table_has_at_most_sixteen_entries, setup),
		cmocka_unit_test_setup(
		    looks_like_one_by_size_version_and_algorithm, setup),
		cmocka_unit_test_setup(each_fact_is_read_from_its_place, setup),
		cmocka_unit_test_setup(a_product_is_a_family_and_models, setup),
		cmocka_unit_test_setup(
		    a_report_says_which_key_signed_it, setup),
		MADE_TEST(each_component_has_its_own_minimum),
		MADE_TEST(each_listed_field_is_compared_as_a_whole),
		cmocka_unit_test_setup(milan_alone_has_a_warning, setup),
		MADE_TEST(without_a_root_nothing_hangs_from_it),
		cmocka_unit_test_setup(
		    a_verification_frees_what_it_made, setup),
	};

	count_allocations();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
