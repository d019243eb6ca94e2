/* SPDX-License-Identifier: Apache-2.0
 *
 * What tee-attest forecast says of real evidence, under real collateral whose
 * levels and dates are changed in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forecast.h"
#include "tests/unit/samples.h"

#define TDX		"tdx/sets/tdx-v5-uptodate"
#define GENOA		"snp/snp-genoa-v3-azure"
#define YEAR		(365 * 86400)

static struct policy policy;
static struct forecast f;
static struct collateral now, next;
static struct outlook o;

/* The same set in both channels; the next has a higher number. */
static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	f = (struct forecast){ .evidence = sample(TDX "/quote.bin"),
		.policy = &policy,
		.at = day(2026, 2, 25) };
	assert_int_equal(collateral_load(&now, sample_path(TDX)), 0);
	assert_int_equal(collateral_load(&next, sample_path(TDX)), 0);
	next.tdx->tcb.by.evaluation = next.tdx->qe.by.evaluation = 20;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	collateral_free(&now);
	collateral_free(&next);
	sample_free(f.evidence);
	return 0;
}

static void
policy_is(const char *text)
{
	char error[200];

	assert_int_equal(policy_parse(&policy, text, error, sizeof(error)), 0);
}

static void
judged(int verdict, int next_verdict)
{
	forecast_judge(&o, &f, &format_dcap, &now, &next);
	assert_int_equal(o.now.verdict, verdict);
	assert_int_equal(o.next.verdict, next_verdict);
}

/* A new UpToDate level of 2025-05-14, which needs this microcode. */
static void
raise_level(struct collateral *c, uint8_t svn)
{
	struct levels *l = &c->tdx->tcb.levels;

	memmove(&l->list[1], &l->list[0], l->n++ * sizeof(l->list[0]));
	l->list[0].sgx[0] = svn;
	l->list[0].date = day(2025, 5, 14);
	strcpy(l->list[1].status, "OutOfDate");
}

static void
list_sets(unsigned a, time_t a_event, unsigned b, time_t b_event)
{
	struct tcb_sets *s = &next.tdx->sets;

	s->by = now.tdx->tcb.by;
	s->by.signer = NULL;
	s->n = 2;
	s->list[0].evaluation = a;
	s->list[0].event = a_event;
	s->list[0].date = a_event + 86400;
	s->list[1].evaluation = b;
	s->list[1].event = b_event;
	s->list[1].date = b_event + 86400;
}

/* ---- Intel ------------------------------------------------------------- */

static void
evidence_that_both_sets_accept_ends_with_its_certificate(void **state)
{
	(void)state;
	judged(0, 0);
	assert_string_equal(o.format, "TDX quote v5");
	assert_string_equal(o.now.status, "UpToDate");
	assert_string_equal(o.next.status, "UpToDate");
	assert_int_equal(o.now.evaluation, 18);
	assert_int_equal(o.next.evaluation, 20);
	assert_int_equal(o.n, 0);
	assert_int_equal(o.end / 86400, day(2033, 1, 27) / 86400);
	assert_int_equal(o.until, o.end);
	assert_false(o.is_estimate);
	assert_true(o.has_next);
	assert_int_equal(o.now.issued / 86400, day(2026, 2, 1) / 86400);
}

static void
a_component_below_the_next_set_is_named(void **state)
{
	const struct shortfall *s = &o.shortfalls[0];

	(void)state;
	raise_level(&next, 9);
	list_sets(20, day(2025, 8, 12), 18, day(2024, 11, 12));
	judged(0, 1);
	assert_string_equal(o.next.status, "OutOfDate");
	assert_int_equal(o.n, 1);
	assert_string_equal(s->component, "sgxtcbcomp01");
	assert_string_equal(s->name, "BIOS: Early Microcode Update");
	assert_string_equal(s->set, "early");
	assert_int_equal(s->have, 4);
	assert_int_equal(s->need, 9);
	assert_int_equal(s->since, day(2025, 5, 14));
	assert_int_equal(o.until, day(2025, 8, 12) + YEAR);
	assert_true(o.is_estimate);
	assert_non_null(strstr(o.basis, "set 20 was on 2025-08-12"));
}

static void
each_kind_of_component_is_named(void **state)
{
	static const char *const names[] = { "pcesvn", "tdxtcbcomp03",
		"TDX module isvsvn", "QE isvsvn" };
	struct tdx_collateral *c = next.tdx;
	size_t i;

	(void)state;
	raise_level(&next, 0);
	c->tcb.levels.list[0].svn = 99;
	c->tcb.levels.list[0].tdx[2] = 99;
	for (i = 0; i < c->tcb.n_modules; i++)
		c->tcb.modules[i].levels.list[0].svn = 99;
	c->qe.levels.list[0].svn = 99;
	judged(0, 1);
	assert_int_equal(o.n, 4);
	for (i = 0; i < 4; i++) {
		assert_string_equal(o.shortfalls[i].component, names[i]);
		assert_int_equal(o.shortfalls[i].need, 99);
	}
}

/* Set 19 came first and refuses the platform already. */
static void
a_set_between_counts_if_it_is_newer_than_the_level(void **state)
{
	size_t i;

	(void)state;
	raise_level(&next, 9);
	list_sets(20, day(2025, 11, 11), 19, day(2025, 5, 13));
	judged(0, 1);
	assert_int_equal(o.until, day(2025, 5, 13) + YEAR);
	/* The platform's level was confirmed with set 19. */
	next.tdx->tcb.levels.list[1].date = day(2025, 5, 14);
	next.tdx->qe.levels.list[0].date = day(2025, 5, 14);
	for (i = 0; i < next.tdx->tcb.n_modules; i++)
		next.tdx->tcb.modules[i].levels.list[0].date = day(2025, 5, 14);
	judged(0, 1);
	assert_int_equal(o.until, day(2025, 11, 11) + YEAR);
}

static void
without_a_list_of_sets_the_newest_level_is_counted_from(void **state)
{
	(void)state;
	raise_level(&next, 9);
	judged(0, 1);
	assert_int_equal(o.until, day(2025, 5, 14) + YEAR);
	assert_true(o.is_estimate);
	assert_non_null(strstr(o.basis, "no valid tcb_evaluation.json"));
}

static void
a_list_of_sets_that_is_not_signed_is_ignored(void **state)
{
	(void)state;
	raise_level(&next, 9);
	list_sets(20, day(2025, 8, 12), 18, day(2024, 11, 12));
	next.tdx->sets.by.is_signed = 0;
	judged(0, 1);
	assert_int_equal(o.until, day(2025, 5, 14) + YEAR);
	next.tdx->sets.by.is_signed = 1;
	next.tdx->sets.by.root[0] ^= 1;
	judged(0, 1);
	assert_int_equal(o.until, day(2025, 5, 14) + YEAR);
}

static void
an_estimate_is_neither_past_nor_after_the_certificate(void **state)
{
	(void)state;
	raise_level(&next, 9);
	list_sets(20, day(2025, 1, 1), 18, day(2024, 11, 12));
	judged(0, 1);
	assert_int_equal(o.until, f.at);
	list_sets(20, day(2033, 1, 1), 18, day(2024, 11, 12));
	judged(0, 1);
	assert_int_equal(o.until, o.end);
	assert_false(o.is_estimate);
	assert_string_equal(o.basis, "");
}

static void
evidence_refused_now_has_no_time_left(void **state)
{
	(void)state;
	raise_level(&now, 9);
	raise_level(&next, 9);
	judged(1, 1);
	assert_int_equal(o.until, f.at);
	assert_false(o.is_estimate);
	assert_non_null(strstr(o.now.why, "tcb-status: OutOfDate"));
	assert_int_equal(o.n, 2);
	assert_string_equal(o.shortfalls[0].set, "standard");
	assert_string_equal(o.shortfalls[1].set, "early");
}

static void
an_expired_certificate_has_its_end(void **state)
{
	(void)state;
	f.at = day(2040, 1, 1);
	judged(1, 1);
	assert_int_equal(o.until, o.end);
}

static void
each_limit_of_the_policy_counts(void **state)
{
	(void)state;
	policy_is("min-tcb-date 2026-01-01\n");
	judged(1, 1);
	assert_non_null(strstr(o.now.why, "min-tcb-date"));
	policy_default(&policy);
	policy_is("min-tcb-evaluation 19\n");
	judged(1, 0);
	assert_non_null(strstr(o.now.why, "tcb-evaluation"));
	policy_default(&policy);
	policy_is("max-collateral-age 3\n");
	judged(3, 3);
	assert_int_equal(o.until, 0);
	assert_int_equal(o.collateral_end, o.now.issued + 3 * 86400);
	/* The next set is refused by its date alone. */
	policy_default(&policy);
	policy_is("tcb-status UpToDate OutOfDate\nmin-tcb-date 2024-11-01\n");
	raise_level(&next, 9);
	judged(0, 0);
	next.tdx->tcb.levels.list[1].date = day(2024, 3, 13);
	judged(0, 1);
	assert_non_null(strstr(o.next.why, "min-tcb-date"));
}

static void
without_collateral_nothing_is_known(void **state)
{
	(void)state;
	collateral_free(&next);
	judged(0, 3);
	assert_int_equal(o.until, 0);
	assert_non_null(strstr(o.next.why, "no tcb_info.json"));
	collateral_free(&now);
	judged(3, 3);
	assert_int_equal(o.until, 0);
	assert_int_equal(o.now.issued, 0);
}

/* ---- AMD --------------------------------------------------------------- */

static void
amd_is(int verdict)
{
	struct collateral c;
	struct bytes tdx = f.evidence;

	f.evidence = sample(GENOA "/report.bin");
	f.at = day(2025, 6, 1);
	policy.allow_missing_crl = 1;
	assert_int_equal(collateral_load(&c, sample_path(GENOA)), 0);
	forecast_judge(&o, &f, &format_snp, &c, &next);
	collateral_free(&c);
	sample_free(f.evidence);
	f.evidence = tdx;
	assert_int_equal(o.now.verdict, verdict);
	assert_int_equal(o.next.verdict, 0);
	assert_false(o.has_next);
}

static void
an_amd_report_ends_with_its_certificate(void **state)
{
	(void)state;
	amd_is(0);
	assert_int_equal(o.n, 0);
	assert_true(o.end > day(2032, 1, 1) && o.end < day(2033, 1, 1));
	assert_int_equal(o.until, o.end);
	assert_false(o.is_estimate);
}

static void
an_amd_component_below_min_spl_is_named(void **state)
{
	(void)state;
	policy_is("min-spl bl 10 snp 24 ucode 85\n");
	amd_is(1);
	assert_int_equal(o.until, f.at);
	assert_int_equal(o.n, 2);
	assert_string_equal(o.shortfalls[0].component, "snp");
	assert_int_equal(o.shortfalls[0].have, 23);
	assert_int_equal(o.shortfalls[0].need, 24);
	assert_string_equal(o.shortfalls[0].set, "policy");
	assert_string_equal(o.shortfalls[1].component, "ucode");
	assert_int_equal(o.shortfalls[1].have, 84);
}

/* ---- the command ------------------------------------------------------- */

static void
missing_collateral_and_other_formats_have_a_status(void **state)
{
	char dir[] = "/tmp/test_forecast.XXXXXX";
	struct bytes tdx = f.evidence;

	(void)state;
	assert_non_null(mkdtemp(dir));
	f.directory = dir;
	f.is_offline = 1;
	assert_int_equal(forecast_run(&f), 3);
	f.evidence = sample("cca/cca-token-01.cbor");
	assert_int_equal(forecast_run(&f), 2);
	sample_free(f.evidence);
	f.evidence = tdx;
	assert_int_equal(rmdir(dir), 0);	/* nothing was written */
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(evidence_that_both_sets_accept_ends_with_its_certificate),
		TEST(a_component_below_the_next_set_is_named),
		TEST(each_kind_of_component_is_named),
		TEST(a_set_between_counts_if_it_is_newer_than_the_level),
		TEST(without_a_list_of_sets_the_newest_level_is_counted_from),
		TEST(a_list_of_sets_that_is_not_signed_is_ignored),
		TEST(an_estimate_is_neither_past_nor_after_the_certificate),
		TEST(evidence_refused_now_has_no_time_left),
		TEST(an_expired_certificate_has_its_end),
		TEST(each_limit_of_the_policy_counts),
		TEST(without_collateral_nothing_is_known),
		TEST(an_amd_report_ends_with_its_certificate),
		TEST(an_amd_component_below_min_spl_is_named),
		TEST(missing_collateral_and_other_formats_have_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
