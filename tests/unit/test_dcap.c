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
#include <unistd.h>

#include "attest.h"
#include "collateral.h"
#include "dcap.h"
#include "tests/unit/samples.h"

static struct report r;
static struct policy policy;

static void
judge(struct bytes quote, const char *directory, time_t at)
{
	struct collateral c = { 0 };

	memset(&r, 0, sizeof(r));
	if (directory != NULL)
		assert_int_equal(collateral_load(&c, sample_path(directory)),
		    0);
	format_dcap.verify(quote, &c, &policy, at, &r);
	collateral_free(&c);
}

static void
judge_file(const char *quote, const char *directory, time_t at)
{
	struct bytes b = sample(quote);

	judge(b, directory, at);
	sample_free(b);
}

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return 0;
}

/* ---- every set, by its EXPECT.json ---- */

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
		{ "fmspc", "fmspc" }, { "ppid", "ppid" }, { "mrtd", "mrtd" },
		{ "rtmr0", "rtmr0" }, { "rtmr1", "rtmr1" },
		{ "rtmr2", "rtmr2" }, { "rtmr3", "rtmr3" },
		{ "mrseam", "mrseam" }, { "mrconfigid", "mrconfigid" },
		{ "mrowner", "mrowner" }, { "mrownerconfig", "mrownerconfig" },
		{ "mrservicetd", "mrservicetd" }, { "xfam", "xfam" },
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
	assert_non_null(strptime(json_string_value(json_object_get(e,
	    "verify_at")), "%Y-%m-%dT%H:%M:%SZ", &tm));
	snprintf(path, sizeof(path), "%s/quote.bin", directory);
	judge_file(path, directory, timegm(&tm));

	only(&r, A_FAIL, failing);
	only(&r, A_MISSING, "");
	assert_int_equal(report_verdict(&r), *failing == '\0' ? 0 : 1);
	assert_true(r.hardware);
	assert_int_equal(r.debug, 0);
	assert_string_equal(r.tcb_status, json_string_value(
	    json_object_get(e, "expected_status")));
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
sets(void **state)
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
service_td_and_out_of_date(void **state)
{
	char text[200], error[200];

	(void)state;
	assert_int_equal(policy_parse(&policy, "tcb-status OutOfDate\n", error,
	    sizeof(error)), 0);
	set_is("tdx-v5-alibaba-2026-outofdate", "mrservicetd");
	snprintf(text, sizeof(text), "accept mrservicetd %s\n",
	    fact_of(&r, "mrservicetd"));
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	set_is("tdx-v5-alibaba-2026-outofdate", "");
	policy_default(&policy);
	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
	set_is("tdx-v5-alibaba-2026-outofdate", "tcb-status");
	assert_non_null(strstr(report_find(&r, "tcb-status")->detail,
	    "component 1: 2 of 3"));
}

/* Outside the collateral's windows nothing fails, and nothing is accepted. */
static void
windows(void **state)
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
			judge_file(path, directory, times[k]);
			/* One platform's certificate is younger than that. */
			if (report_find(&r, "pck-validity")->outcome == A_FAIL)
				only(&r, A_FAIL, "pck-validity");
			else
				assert_int_equal(report_verdict(&r), 3);
			assert_int_equal(report_find(&r,
			    "tcb-info-window")->outcome, A_MISSING);
		}
}

static void
no_collateral(void **state)
{
	(void)state;
	judge_file("tdx/sets/tdx-v5-uptodate/quote.bin", NULL,
	    day(2026, 2, 25));
	only(&r, A_FAIL, "");
	only(&r, A_MISSING, "root-crl pck-crl not-revoked tcb-info "
	    "qe-identity tcb-status");
	assert_int_equal(report_verdict(&r), 3);
	assert_true(r.hardware);
}

/* The PCK certificate has run out: no collateral of any time cures it. */
static void
certificates_expire(void **state)
{
	(void)state;
	judge_file("tdx/sets/tdx-v5-uptodate/quote.bin",
	    "tdx/sets/tdx-v5-uptodate", day(2045, 1, 1));
	only(&r, A_FAIL, "pck-validity");
}

/* ---- other quotes ---- */

static void
debug_td(void **state)
{
	(void)state;
	judge_file("tdx/debug-td.quote", "tdx/spr-2023", day(2023, 6, 15));
	only(&r, A_FAIL, "debug");
	assert_int_equal(r.debug, 1);
	assert_true(r.hardware);
}

static void
trailing_text(void **state)
{
	(void)state;
	judge_file("tdx/trailing-text.quote", NULL, day(2023, 6, 15));
	only(&r, A_FAIL, "trailing");
	assert_true(r.hardware);
}

static void
sgx(void **state)
{
	char error[200];

	(void)state;
	judge_file("sgx/quote.bin", "sgx", day(2025, 6, 25));
	only(&r, A_FAIL, "tcb-status");
	assert_string_equal(r.tcb_status, "ConfigurationAndSWHardeningNeeded");
	assert_int_equal(r.n_advisories, 2);
	assert_string_equal(r.advisories[0], "INTEL-SA-00289");
	assert_string_equal(r.advisories[1], "INTEL-SA-00615");
	assert_string_equal(r.format, "SGX quote v3");
	assert_int_equal(policy_parse(&policy,
	    "tcb-status UpToDate ConfigurationAndSWHardeningNeeded\n", error,
	    sizeof(error)), 0);
	judge_file("sgx/quote.bin", "sgx", day(2025, 6, 25));
	assert_int_equal(report_verdict(&r), 0);
}

/* Intel's own sample under its test root, its certificates as PEM (the file has
 * DER): all is as it should be, but the root is not Intel's. */
static void
test_root(void **state)
{
	struct bytes b = sample("tdx/testroot/quote.dat");
	struct bytes leaf = sample("tdx/testroot/pckCert.pem");
	struct bytes chain = sample("tdx/testroot/pckSignChain.pem");
	const size_t certs = 48 + 584 + 4 + 128 + 6 + 384 + 64 + 2 + 2;
	const char *text, *ca;
	size_t n, at, pem;
	uint8_t *q;

	(void)state;
	/* What it holds as it is. */
	judge(b, NULL, day(2023, 6, 15));
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
	judge((struct bytes){ q, n }, NULL, day(2023, 6, 15));
	only(&r, A_FAIL, "pck-chain xfam");
	assert_non_null(strstr(report_find(&r, "pck-chain")->detail, "root"));
	assert_false(r.hardware);
	free(q);
	free((void *)(uintptr_t)text);
	sample_free(b);
	sample_free(leaf);
	sample_free(chain);
}

/* ---- collateral that is not this quote's ---- */

static struct collateral mine, other;

static void
judge_with_both(void)
{
	struct bytes b = sample("tdx/sets/tdx-v4-emr-uptodate/quote.bin");

	memset(&r, 0, sizeof(r));
	format_dcap.verify(b, &mine, &policy, day(2025, 6, 25), &r);
	sample_free(b);
}

static void
load_both(const char *second)
{
	assert_int_equal(collateral_load(&mine,
	    sample_path("tdx/sets/tdx-v4-emr-uptodate")), 0);
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
foreign_collateral(void **state)
{
	(void)state;
	load_both("sgx");
	judge_with_both();
	only(&r, A_FAIL, "");
	SWAP(struct qe_identity, mine.tdx->qe, other.tdx->qe);
	judge_with_both();
	only(&r, A_FAIL, "qe-identity");
	SWAP(struct qe_identity, mine.tdx->qe, other.tdx->qe);
	SWAP(struct tcb_info, mine.tdx->tcb, other.tdx->tcb);
	judge_with_both();
	only(&r, A_FAIL, "tcb-info");
	SWAP(struct tcb_info, mine.tdx->tcb, other.tdx->tcb);
	SWAP(X509_CRL *, mine.tdx->pck_crl, other.tdx->pck_crl);
	judge_with_both();
	only(&r, A_FAIL, "pck-crl");		/* of the Processor CA */
	SWAP(X509_CRL *, mine.tdx->pck_crl, other.tdx->pck_crl);
	SWAP(X509_CRL *, mine.tdx->root_crl, mine.tdx->pck_crl);
	judge_with_both();
	only(&r, A_FAIL, "root-crl pck-crl");
	free_both();

	load_both("tdx/sets/tdx-v4-tappd-unsupported-tcb");
	SWAP(struct tcb_info, mine.tdx->tcb, other.tdx->tcb);
	mine.tdx->tcb.fmspc[0] ^= 1;		/* another platform's */
	judge_with_both();
	only(&r, A_FAIL, "tcb-platform");
	only(&r, A_MISSING, "tcb-status");
	free_both();
}

/* A changed byte of what Intel signed: read as it is, and refused. */
static void
forged_collateral(void **state)
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
			snprintf(from, sizeof(from), "tdx/sets/"
			    "tdx-v4-emr-uptodate/%s", files[k]);
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

/* ---- policy ---- */

static void
policy_rules(void **state)
{
	static const struct { const char *text, *fails; int verdict; } cases[] = {
		{ "max-collateral-age 3\n", "", 3 },
		{ "max-collateral-age 90\n", "", 0 },
		{ "min-tcb-evaluation 99\n", "tcb-evaluation", 1 },
		{ "min-tcb-date 2026-01-01\n", "min-tcb-date", 1 },
		{ "min-tcb-date 2020-01-01\n", "", 0 },
		{ "accept ppid 00112233445566778899aabbccddeeff\n",
		    "policy-ppid", 1 },
		{ "accept fmspc 90c06f000000\n", "", 0 },
		{ "accept mrtd 7348651a34b2d2d3462822e3a750ec6110125f36757c784"
		    "80bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876\n", "",
		    0 },
		{ "accept mrtd 0048651a34b2d2d3462822e3a750ec6110125f36757c784"
		    "80bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876\n",
		    "policy-mrtd", 1 },
		{ "tcb-status SWHardeningNeeded\n", "tcb-status", 1 },
		{ "report-data 945eaacf5abc1f719d8666a942fda03d1edcb4490277396"
		    "093dc5a5289ab9f1e094aed63060cd4a4933a4dd537ed1255c9c79ecb"
		    "3ed82cd1b486233e31c25c3a # this one\n", "", 0 },
		{ "report-data 005eaacf5abc1f719d8666a942fda03d1edcb4490277396"
		    "093dc5a5289ab9f1e094aed63060cd4a4933a4dd537ed1255c9c79ecb"
		    "3ed82cd1b486233e31c25c3a\n", "report-data", 1 },
	};
	char error[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		policy_default(&policy);
		assert_int_equal(policy_parse(&policy, cases[i].text, error,
		    sizeof(error)), 0);
		judge_file("tdx/sets/tdx-v5-uptodate/quote.bin",
		    "tdx/sets/tdx-v5-uptodate", day(2026, 2, 25));
		only(&r, A_FAIL, cases[i].fails);
		assert_int_equal(report_verdict(&r), cases[i].verdict);
	}
}

static void
policy_errors(void **state)
{
	static const struct { const char *text, *error; } cases[] = {
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
		assert_int_equal(policy_parse(&policy, cases[i].text, error,
		    sizeof(error)), -1);
		if (strncmp(error, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%s: %s", cases[i].text, error);
	}
}

/* ---- mutation ---- */

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
every_byte(void **state)
{
	struct bytes b = sample("tdx/sets/tdx-v5-uptodate/quote.bin");
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;
	struct collateral c;
	struct quote q, changed;
	char why[120];
	size_t i;

	(void)state;
	assert_int_equal(collateral_load(&c,
	    sample_path("tdx/sets/tdx-v5-uptodate")), 0);
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
			assert_int_equal(quote_read(&changed, b, why,
			    sizeof(why)), 0);
			memcpy(copy, was.p, was.n);
			copy[(size_t)(p + i - was.p)] ^= (uint8_t)(1 << i % 8);
			assert_true(same_certificates((struct bytes){ copy,
			    was.n }, changed.certs));
			free(copy);
		}
		p[i] ^= (uint8_t)(1 << i % 8);
	}
	collateral_free(&c);
	sample_free(b);
}

static void
every_length(void **state)
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
	judge(more, "tdx/sets/tdx-v5-uptodate", day(2026, 2, 25));
	assert_int_equal(report_verdict(&r), 0);
	p[more.n - 1] = 1;
	judge(more, "tdx/sets/tdx-v5-uptodate", day(2026, 2, 25));
	only(&r, A_FAIL, "trailing");
	free(p);
	sample_free(b);
}

/* ---- TCB levels by themselves ---- */

static void
convergence(void **state)
{
	static const struct { const char *platform, *qe, *result; } cases[] = {
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
relaunch(void **state)
{
	static const struct { const char *launch, *now, *result; } cases[] = {
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
		cmocka_unit_test_setup(sets, setup),
		cmocka_unit_test_setup(service_td_and_out_of_date, setup),
		cmocka_unit_test_setup(windows, setup),
		cmocka_unit_test_setup(no_collateral, setup),
		cmocka_unit_test_setup(certificates_expire, setup),
		cmocka_unit_test_setup(debug_td, setup),
		cmocka_unit_test_setup(trailing_text, setup),
		cmocka_unit_test_setup(sgx, setup),
		cmocka_unit_test_setup(test_root, setup),
		cmocka_unit_test_setup(foreign_collateral, setup),
		cmocka_unit_test_setup(forged_collateral, setup),
		cmocka_unit_test_setup(policy_rules, setup),
		cmocka_unit_test_setup(policy_errors, setup),
		cmocka_unit_test_setup(every_byte, setup),
		cmocka_unit_test_setup(every_length, setup),
		cmocka_unit_test_setup(convergence, setup),
		cmocka_unit_test_setup(relaunch, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
