/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-attest forecast.  Fetches the current and the next TCB set with the code
 * of fetch-collateral, verifies the evidence under both with the code of
 * `verify', and compares.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fetch.h"
#include "forecast.h"
#include "https.h"

#define DAY		86400
/* The standard set is the highest tcbEvaluationDataNumber whose
 * tcbRecoveryEventDate is at least twelve months ago.  Other verifiers compute
 * it so from Intel's list, with a year of 365 days.  Intel can deviate from it,
 * so that the result is an estimate. */
#define STANDARD_DELAY	(365 * DAY)
#define SOURCES		64

struct source {			/* an item that one of them did not give */
	char		 url[256];
	const char	*file;
	char		 why[400];
};
static struct source sources[SOURCES];
static size_t n_sources;

/* The earlier of two times, of which 0 is unknown. */
static time_t
earlier(time_t a, time_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* ---- one set ----------------------------------------------------------- */

/* The first check that failed, or that misses collateral: then TCB info comes
 * first, because without it nothing can be told. */
static const struct check *
worst_check(const struct report *r)
{
	static const enum outcome bad[] = { A_FAIL, A_MISSING };
	const struct check *c = report_find(r, "tcb-info");
	size_t i, k;

	if (c != NULL && report_verdict(r) == 3 && c->outcome == A_MISSING)
		return c;
	for (k = 0; k < 2; k++)
		for (i = 0; i < r->n_checks; i++)
			if (r->checks[i].outcome == bad[k])
				return &r->checks[i];
	return NULL;
}

static void
judge(struct opinion *o, struct outlook *to, const struct forecast *f,
    const struct format *format, const struct collateral *c)
{
	static struct report r;
	const struct check *bad;

	memset(&r, 0, sizeof(r));
	format->verify(f->evidence, c, f->policy, f->at, &r);
	to->format = r.format;
	o->verdict = report_verdict(&r);
	o->evaluation = r.evaluation;
	snprintf(o->status, sizeof(o->status), "%s", r.tcb_status);
	if ((bad = worst_check(&r)) != NULL)
		snprintf(
		    o->why, sizeof(o->why), "%s: %s", bad->name, bad->detail);
	if (c->tdx != NULL)
		o->issued = earlier(
		    c->tdx->tcb.by.issued, c->tdx->qe.by.issued);
}

static void
name_lack(
    struct shortfall *s, const struct tcb_info *t, const struct tcb_lack *l)
{
	static const char *const names[] = { [TCB_PCE] = "pcesvn",
		[TCB_MODULE] = "TDX module isvsvn",
		[TCB_QE] = "QE isvsvn" };
	const char *name = "";

	if (l->part == TCB_SGX || l->part == TCB_TDX) {
		snprintf(s->component, sizeof(s->component), "%stcbcomp%02u",
		    l->part == TCB_SGX ? "sgx" : "tdx", l->number);
		name = l->part == TCB_SGX ? t->sgx_names[l->number - 1] :
					    t->tdx_names[l->number - 1];
	} else
		snprintf(
		    s->component, sizeof(s->component), "%s", names[l->part]);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->have = l->has;
	s->need = l->needs;
	s->since = l->since;
}

/* List what is below the UpToDate level.  An opinion with a TCB status comes
 * from documents that were verified. */
static void
list_lacks(struct outlook *o, const struct opinion *of, const char *set,
    const struct tdx_collateral *c, const struct dcap_platform *p)
{
	struct tcb_lack lacks[TCB_LACKS];
	size_t i, n;

	if (of->status[0] == '\0')
		return;
	n = tcb_lacks(c, &p->pck, p->is_td ? p->svn : NULL, p->qe_svn, lacks);
	for (i = 0; i < n; i++) {
		o->shortfalls[o->n].set = set;
		name_lack(&o->shortfalls[o->n++], &c->tcb, &lacks[i]);
	}
}

/* ---- Intel ------------------------------------------------------------- */

/* The next set, or one between it and that of now, refuses the platform.  Intel
 * gives a platform that needs no update the date of each new set, so that the
 * first set after the date of the platform's level is the one that refuses
 * it. */
static void
estimate(struct outlook *o, const struct forecast *f,
    const struct tdx_collateral *next, const struct dcap_platform *p)
{
	const struct tcb_sets *s = &next->sets;
	const struct levels *l = &next->tcb.levels;
	struct tcb_result r;
	time_t event = 0;
	char text[11];
	size_t i, n = 0, at = 0;

	if (document_trusted(&s->by, f->policy) &&
	    strcmp(s->by.id, p->is_td ? "TDX" : "SGX") == 0)
		n = s->n;
	tcb_evaluate(next, &p->pck, p->is_td ? p->svn : NULL, p->qe_svn, &r);
	for (i = 0; i < n; i++)
		if (s->list[i].evaluation > o->now.evaluation &&
		    s->list[i].evaluation <= o->next.evaluation &&
		    (s->list[i].date > r.date ||
			s->list[i].evaluation == o->next.evaluation) &&
		    (event == 0 || s->list[i].event < event))
			event = s->list[at = i].event;
	if (event != 0)
		snprintf(o->basis, sizeof(o->basis),
		    "the TCB recovery event of set %u was on %s, and the "
		    "standard channel has a set 12 months after its event",
		    s->list[at].evaluation, report_date(event, text));
	else {
		for (i = 0; i < l->n; i++)
			if (l->list[i].date > event)
				event = l->list[i].date;
		snprintf(o->basis, sizeof(o->basis),
		    "the newest level of set %u is of %s, and the standard "
		    "channel has a set 12 months after its TCB recovery event, "
		    "whose date is unknown: no valid tcb_evaluation.json",
		    o->next.evaluation, report_date(event, text));
	}
	o->is_estimate = 1;
	o->until = event + STANDARD_DELAY;
	/* It is late, but still accepted. */
	if (o->until < f->at)
		o->until = f->at;
	if (o->end != 0 && o->end <= o->until) {
		o->until = o->end;
		o->is_estimate = 0;
		o->basis[0] = '\0';
	}
}

static void
judge_intel(struct outlook *o, const struct forecast *f,
    const struct collateral *now, const struct collateral *next)
{
	const struct tdx_collateral *c = now->tdx;
	struct dcap_platform p;

	o->has_next = 1;
	judge(&o->next, o, f, &format_dcap, next);
	if (c != NULL) {
		o->collateral_end = earlier(c->tcb.by.next, c->qe.by.next);
		if (c->pck_crl != NULL)
			o->collateral_end = earlier(o->collateral_end,
			    asn1_seconds(X509_CRL_get0_nextUpdate(c->pck_crl)));
		if (c->root_crl != NULL)
			o->collateral_end = earlier(o->collateral_end,
			    asn1_seconds(
				X509_CRL_get0_nextUpdate(c->root_crl)));
	}
	if (o->now.issued != 0 && f->policy->max_collateral_age != 0)
		o->collateral_end = earlier(o->collateral_end,
		    o->now.issued + f->policy->max_collateral_age);
	if (dcap_platform(&p, f->evidence) == -1)
		return;
	o->end = o->until = p.end;
	list_lacks(o, &o->now, "standard", now->tdx, &p);
	list_lacks(o, &o->next, "early", next->tdx, &p);
	if (o->next.verdict == 1 && next->tdx != NULL)
		estimate(o, f, next->tdx, &p);
}

/* ---- AMD --------------------------------------------------------------- */

static const struct snp_product *
product_of(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < SNP_PRODUCTS; i++)
		if (strcmp(snp_products[i].name, name) == 0)
			return &snp_products[i];
	return NULL;
}

static void
judge_amd(
    struct outlook *o, const struct forecast *f, const struct collateral *now)
{
	const int *min = f->policy->min_spl;
	struct shortfall *s;
	struct snp_tcb tcb;
	X509_CRL *crl = NULL;
	int i;

	if (now->snp_crls != NULL)
		crl = sk_X509_CRL_value(now->snp_crls, 0);
	if (crl != NULL) {
		o->collateral_end = asn1_seconds(X509_CRL_get0_nextUpdate(crl));
		o->now.issued = asn1_seconds(X509_CRL_get0_lastUpdate(crl));
	}
	o->end = o->until = snp_key_end(f->evidence, now, f->policy);
	if (snp_lowest(&tcb, f->evidence, product_of(f->product)) == -1)
		return;
	for (i = 0; i < SPLS; i++) {
		if (tcb.spl[i] >= min[i])
			continue;
		s = &o->shortfalls[o->n++];
		snprintf(
		    s->component, sizeof(s->component), "%s", snp_spl_names[i]);
		/* -1: this product lacks the component. */
		s->have = tcb.spl[i] < 0 ? 0 : (unsigned)tcb.spl[i];
		s->need = (unsigned)min[i];
		s->set = "policy";
	}
}

void
forecast_judge(struct outlook *o, const struct forecast *f,
    const struct format *format, const struct collateral *now,
    const struct collateral *next)
{
	memset(o, 0, sizeof(*o));
	judge(&o->now, o, f, format, now);
	if (format == &format_dcap)
		judge_intel(o, f, now, next);
	else
		judge_amd(o, f, now);
	if (o->now.verdict == 0 && o->next.verdict != 3)
		return;
	o->is_estimate = 0;
	o->basis[0] = '\0';
	if (o->now.verdict != 1)
		o->until = 0;
	else if (o->end == 0 || o->end > f->at)
		o->until = f->at;
}

/* ---- output ------------------------------------------------------------ */

static int
status_of(const struct outlook *o)
{
	if (o->now.verdict == 1 || o->next.verdict == 1)
		return 1;
	return o->now.verdict == 0 && o->next.verdict == 0 ? 0 : 3;
}

/* When it ends, and the first component that is below the next set, or NULL. */
static void
print_end(const struct outlook *o, const struct shortfall *s)
{
	char text[11];

	printf("accepted until %s%s: ", o->is_estimate ? "about " : "",
	    report_date(o->until, text));
	if (!o->is_estimate)
		printf("its certificate ends; later: ");
	if (s == NULL)
		printf("the next TCB set refuses it: %s\n", o->next.why);
	else
		printf("%s%s%s%s is below the next TCB set\n", s->component,
		    s->name[0] == '\0' ? "" : " (", s->name,
		    s->name[0] == '\0' ? "" : ")");
}

/* The answer in one line. */
static void
print_answer(const struct outlook *o)
{
	const struct shortfall *s = NULL;
	char text[11];
	size_t i;

	for (i = o->n; i-- > 0;)
		if (strcmp(o->shortfalls[i].set, "early") == 0)
			s = &o->shortfalls[i];
	if (o->now.verdict == 1)
		printf("refused now: %s\n", o->now.why);
	else if (o->now.verdict == 3)
		printf("unknown: collateral is missing: %s\n", o->now.why);
	else if (o->next.verdict == 1)
		print_end(o, s);
	else if (o->next.verdict == 3)
		printf("accepted now; the next TCB set is unknown: %s\n",
		    o->next.why);
	else
		printf("accepted now%s; its certificate ends on %s\n",
		    o->has_next ? " and by the next TCB set" : "",
		    report_date(o->end, text));
}

static void
print_set(const char *name, const struct opinion *o, const char *why)
{
	static const char *const verdicts[] = { "accepted", "refused", "",
		"unknown" };
	char text[11];

	printf("  %-22s %s", name, verdicts[o->verdict]);
	if (o->status[0] != '\0')
		printf(", TCB status %s", o->status);
	if (o->evaluation != 0)
		printf(", tcbEvaluationDataNumber %u", o->evaluation);
	if (o->evaluation != 0 && o->issued != 0)
		printf(", issued %s", report_date(o->issued, text));
	printf("%s%s\n", why[0] == '\0' ? "" : ": ", why);
}

static void
print_shortfall(const struct shortfall *s)
{
	char text[11];

	printf("  %-22s %s%s%s%s: have %u, need %u (%s", "shortfall",
	    s->component, s->name[0] == '\0' ? "" : " (", s->name,
	    s->name[0] == '\0' ? "" : ")", s->have, s->need, s->set);
	if (s->since != 0)
		printf(", since %s", report_date(s->since, text));
	printf(")\n");
}

static void
print_text(const struct outlook *o, const struct forecast *f)
{
	char text[11];
	size_t i;

	print_answer(o);
	printf("\n  %-22s %s\n", "format", o->format);
	print_set(o->has_next ? "now (standard)" : "now", &o->now, "");
	if (o->has_next)
		print_set("next (early)", &o->next,
		    strncmp(o->next.why, "tcb-status:", 11) == 0 ?
			"" :		/* the shortfalls say it */
			o->next.why);
	else
		printf("  %-22s AMD has no early channel: the policy alone "
		       "(min-spl) raises what is needed\n",
		    "next");
	for (i = 0; i < o->n; i++)
		print_shortfall(&o->shortfalls[i]);
	if (o->is_estimate)
		printf("  %-22s %s is an estimate: %s\n", "accepted until",
		    report_date(o->until, text), o->basis);
	if (o->end != 0)
		printf("  %-22s %s\n", "certificate ends",
		    report_date(o->end, text));
	if (o->now.issued != 0)
		printf("  %-22s %s, %ld s old\n", "collateral issued",
		    report_date(o->now.issued, text),
		    (long)(f->at - o->now.issued));
	if (o->collateral_end != 0)
		printf("  %-22s %s\n", "collateral ends",
		    report_date(o->collateral_end, text));
	for (i = 0; i < n_sources; i++)
		printf("source %s: %s: %s\n", sources[i].url, sources[i].file,
		    sources[i].why);
}

static void
print_json(const struct outlook *o, const struct forecast *f)
{
	json_t *lacks = json_array(), *list = json_array(), *next;
	const struct shortfall *s;
	size_t i;

	for (i = 0; i < o->n; i++) {
		s = &o->shortfalls[i];
		json_array_append_new(lacks,
		    json_pack("{s:s, s:s, s:I, s:I, s:s, s:I}", "component",
			s->component, "name", s->name, "have",
			(json_int_t)s->have, "need", (json_int_t)s->need, "set",
			s->set, "since", (json_int_t)s->since));
	}
	for (i = 0; i < n_sources; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "url", sources[i].url, "file",
			sources[i].file, "error", sources[i].why));
	next = !o->has_next ?
	    json_null() :
	    json_pack("{s:s, s:b, s:I, s:I, s:s}", "tcbStatus", o->next.status,
		"accepted", o->next.verdict == 0, "evaluation",
		(json_int_t)o->next.evaluation, "issued",
		(json_int_t)o->next.issued, "reason", o->next.why);
	next = json_pack(
	    "{s:s, s:b, s:s, s:s, s:I, s:b, s:s, s:I, s:I, s:I, s:I, s:I, "
	    "s:o, s:o, s:o}",
	    "format", o->format, "accepted", o->now.verdict == 0, "tcbStatus",
	    o->now.status, "reason", o->now.why, "acceptedUntil",
	    (json_int_t)o->until, "isEstimate", o->is_estimate, "estimateBasis",
	    o->basis, "evaluation", (json_int_t)o->now.evaluation,
	    "certificateEnds", (json_int_t)o->end, "collateralIssued",
	    (json_int_t)o->now.issued, "collateralAgeSeconds",
	    (json_int_t)(o->now.issued == 0 ? 0 : f->at - o->now.issued),
	    "collateralEnds", (json_int_t)o->collateral_end, "next", next,
	    "shortfalls", lacks, "sources", list);
	json_dumpf(next, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(next);
}

/* ---- the command ------------------------------------------------------- */

static void
told(void *arg, const char *url, const char *file, const char *why)
{
	struct source *s;

	(void)arg;
	if (n_sources == SOURCES)
		return;
	s = &sources[n_sources++];
	snprintf(s->url, sizeof(s->url), "%s", url);
	s->file = file;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

/* Fetch from the first source, and what it does not give from the next.
 * Returns 0, or -1 after a message. */
static int
fetch_set(const struct forecast *f, const char *directory, const char *update)
{
	struct fetch fetch = { .evidence = f->evidence,
		.directory = directory,
		.at = f->at,
		.told = told,
		.policy = f->policy };
	size_t i = 0;
	int status;

	fetch.text[update == NULL ? FETCH_VCEK : FETCH_QUOTE] = "";
	fetch.text[FETCH_UPDATE] = update;
	if (update == NULL)
		fetch.text[FETCH_PRODUCT] = f->product;
	do {
		if (i < f->n_urls)
			fetch.text[FETCH_URL] = f->urls[i];
		status = fetch_collateral(&fetch);
	} while (status != 0 && status != 2 && ++i < f->n_urls);
	return status == 2 ? -1 : 0;
}

/* Fetch and load one set.  If there is none, *c stays empty. */
static int
take_set(const struct forecast *f, const char *channel, struct collateral *c)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", f->directory,
		channel == NULL ? "" : "/",
		channel == NULL ? "" : channel) >= sizeof(path)) {
		fprintf(stderr, "tee-attest: --collateral: too long\n");
		return -1;
	}
	if (!f->is_offline && fetch_set(f, path, channel) == -1)
		return -1;
	if (collateral_load(c, path) == -1 && errno != ENOENT) {
		fprintf(stderr, "tee-attest: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

static int
urls_good(const struct forecast *f)
{
	const char *why;
	size_t i;

	for (i = 0; i < f->n_urls; i++)
		if ((why = https_problem(f->urls[i])) != NULL) {
			fprintf(stderr, "tee-attest: --url %s: %s\n",
			    f->urls[i], why);
			return 0;
		}
	return 1;
}

int
forecast_run(const struct forecast *f)
{
	const struct format *format = format_of(f->evidence);
	struct collateral now = { 0 }, next = { 0 };
	static struct outlook o;
	int is_intel = format == &format_dcap, status = 2;

	if (!is_intel && format != &format_snp) {
		fprintf(stderr,
		    "tee-attest: forecast: the vendor of this format publishes "
		    "no TCB sets\n");
		return 2;
	}
	if (!urls_good(f))
		return 2;
	if (!f->is_offline && mkdir(f->directory, 0777) == -1 &&
	    errno != EEXIST) {
		fprintf(stderr, "tee-attest: --collateral %s: %s\n",
		    f->directory, strerror(errno));
		return 2;
	}
	if (take_set(f, is_intel ? "standard" : NULL, &now) == 0 &&
	    (!is_intel || take_set(f, "early", &next) == 0)) {
		forecast_judge(&o, f, format, &now, &next);
		if (f->json)
			print_json(&o, f);
		else
			print_text(&o, f);
		status = status_of(&o);
	}
	collateral_free(&now);
	collateral_free(&next);
	return status;
}
