/* SPDX-License-Identifier: Apache-2.0
 *
 * Policy files: the values that a verifier accepts, one keyword per line.  `#'
 * begins a comment; unknown keywords are errors.  The auditor wrote the file,
 * so it is trusted, but it is parsed strictly, since a slip would accept bad
 * evidence.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"
#include "hex.h"

#define DAY	86400L

struct line {
	struct policy	*p;
	char		*argv[POLICY_LIST];	/* after the keyword */
	size_t		 argc;
	const char	*why;			/* error message, or NULL */
};

/* ---- arguments --------------------------------------------------------- */

static long
parse_number(struct line *l, size_t i, long max)
{
	char *end;
	long v;

	if (i >= l->argc) {
		l->why = "a number is missing";
		return 0;
	}
	v = strtol(l->argv[i], &end, 10);
	if (end == l->argv[i] || *end != '\0' || v < 0 || v > max) {
		l->why = "not a number in range";
		return 0;
	}
	return v;
}

/* Decode at most 64 bytes of hex.  Returns their number, 0 if it is not hex. */
static size_t
decode_hex(const char *text, uint8_t to[64])
{
	size_t n = strlen(text);

	return n <= 128 && hex_decode(text, n, to, n / 2) == 0 ? n / 2 : 0;
}

/* ---- keywords ---------------------------------------------------------- */

static void
on_accept(struct line *l)
{
	static const struct {
		const char *name;
		size_t min, max;
	} fields[] = {
		{ "mrtd", 48, 48 },
		{ "rtmr0", 48, 48 },
		{ "rtmr1", 48, 48 },
		{ "rtmr2", 48, 48 },
		{ "rtmr3", 48, 48 },
		{ "mrconfigid", 48, 48 },
		{ "mrowner", 48, 48 },
		{ "mrownerconfig", 48, 48 },
		{ "mrservicetd", 48, 48 },
		{ "mrseam", 48, 48 },
		{ "mrenclave", 32, 32 },
		{ "mrsigner", 32, 32 },
		{ "ppid", 16, 16 },
		{ "fmspc", 6, 6 },
		{ "measurement", 48, 48 },
		{ "host-data", 32, 32 },
		{ "id-key", 48, 48 },
		{ "author-key", 48, 48 },
		{ "chip-id", 64, 64 },
		{ "rim", 32, 64 },
		{ "implementation-id", 32, 32 },
		{ "instance-id", 33, 33 },
		{ "personalization", 64, 64 },
		{ "ta-digest", 32, 32 },
		{ "tee-memory", 32, 32 },
	};
	const size_t n_fields = sizeof(fields) / sizeof(fields[0]);
	struct policy_value *v;
	size_t i, j;

	for (j = 0; j < n_fields; j++)
		if (l->argc > 0 && strcmp(fields[j].name, l->argv[0]) == 0)
			break;
	if (j == n_fields) {
		l->why = "accept: no such field; see tee-attest(1)";
		return;
	}
	if (l->argc < 2)
		l->why = "accept: the values are missing: as hex";
	for (i = 1; i < l->argc; i++) {
		if (l->p->n_values ==
		    sizeof(l->p->values) / sizeof(l->p->values[0])) {
			l->why = "too many values";
			return;
		}
		v = &l->p->values[l->p->n_values];
		v->n = decode_hex(l->argv[i], v->value);
		if (v->n < fields[j].min || v->n > fields[j].max) {
			l->why = "accept: a value is not hex of the field's "
				 "size";
			return;
		}
		snprintf(v->field, sizeof(v->field), "%s", fields[j].name);
		l->p->n_values++;
	}
}

static void
on_tcb_status(struct line *l)
{
	static const char *const known[] = {
		"UpToDate",
		"SWHardeningNeeded",
		"ConfigurationNeeded",
		"ConfigurationAndSWHardeningNeeded",
		"OutOfDate",
		"OutOfDateConfigurationNeeded",
		"TDRelaunchAdvised",
		"TDRelaunchAdvisedConfigurationNeeded",
	};
	const size_t n_known = sizeof(known) / sizeof(known[0]);
	size_t i, j;

	l->p->n_tcb_statuses = 0;
	for (i = 0; i < l->argc; i++) {
		for (j = 0; j < n_known; j++)
			if (strcmp(known[j], l->argv[i]) == 0)
				break;
		if (j == n_known) {
			l->why = "tcb-status: not a status that can be "
				 "accepted";
			return;
		}
		snprintf(l->p->tcb_statuses[l->p->n_tcb_statuses++],
		    sizeof(l->p->tcb_statuses[0]), "%s", known[j]);
	}
	if (l->argc == 0)
		l->why = "tcb-status: none is named";
}

static void
on_min_tcb_date(struct line *l)
{
	struct tm tm = { 0 };
	char more;

	if (l->argc != 1 ||
	    sscanf(l->argv[0], "%4d-%2d-%2d%c", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &more) != 3 ||
	    tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31) {
		l->why = "min-tcb-date: a date is YYYY-MM-DD";
		return;
	}
	tm.tm_year -= 1900;
	tm.tm_mon--;
	l->p->min_tcb_date = timegm(&tm);
}

static void
on_max_collateral_age(struct line *l)
{
	l->p->max_collateral_age = parse_number(l, 0, 3650) * DAY;
}

static void
on_min_evaluation(struct line *l)
{
	l->p->min_evaluation = (uint32_t)parse_number(l, 0, INT32_MAX);
}

static void
on_min_spl(struct line *l)
{
	static const char *const names[] = { [SPL_BL] = "bl",
		[SPL_TEE] = "tee",
		[SPL_SNP] = "snp",
		[SPL_UCODE] = "ucode",
		[SPL_FMC] = "fmc" };
	size_t i, j;

	if (l->argc == 0 || l->argc % 2 != 0)
		l->why = "min-spl: pairs: bl N tee N snp N ucode N fmc N";
	for (i = 0; i + 1 < l->argc; i += 2) {
		for (j = 0; j < 5; j++)
			if (strcmp(names[j], l->argv[i]) == 0)
				break;
		if (j == 5) {
			l->why = "min-spl: one of bl, tee, snp, ucode, fmc";
			return;
		}
		l->p->min_spl[j] = (int)parse_number(l, i + 1, 255);
	}
}

static void
on_max_vmpl(struct line *l)
{
	l->p->max_vmpl = (int)parse_number(l, 0, 3);
}

static void
on_allow(struct line *l)
{
	const struct {
		const char *name;
		int *flag;
	} of[] = {
		{ "debug", &l->p->allow_debug },
		{ "migration", &l->p->allow_migration },
		{ "insecure", &l->p->allow_insecure },
		{ "missing-crl", &l->p->allow_missing_crl },
	};
	const size_t n = sizeof(of) / sizeof(of[0]);
	size_t i, j = n;

	for (i = 0; i < l->argc; i++) {
		for (j = 0; j < n; j++)
			if (strcmp(of[j].name, l->argv[i]) == 0)
				break;
		if (j == n)
			break;
		*of[j].flag = 1;
	}
	if (j == n)
		l->why = "allow: one of debug, migration, insecure, "
			 "missing-crl";
}

static void
on_event_log(struct line *l)
{
	l->p->require_event_log = 1;
	if (l->argc != 1 || strcmp(l->argv[0], "required") != 0)
		l->why = "event-log: required";
}

static void
on_report_data(struct line *l)
{
	l->p->has_report_data = 1;
	if (l->argc != 1 || decode_hex(l->argv[0], l->p->report_data) != 64)
		l->why = "report-data: 64 bytes as hex";
}

static void
on_test_root(struct line *l)
{
	uint8_t digest[64];

	l->p->has_test_root = 1;
	if (l->argc != 1 || decode_hex(l->argv[0], digest) != 32)
		l->why = "test-root: a SHA-256 of 32 bytes as hex";
	else
		memcpy(l->p->test_root, digest, 32);
}

static const struct {
	const char	*name;
	void		(*take)(struct line *);
} keywords[] = {
	{ "accept", on_accept },
	{ "allow", on_allow },
	{ "event-log", on_event_log },
	{ "max-collateral-age", on_max_collateral_age },
	{ "max-vmpl", on_max_vmpl },
	{ "min-spl", on_min_spl },
	{ "min-tcb-date", on_min_tcb_date },
	{ "min-tcb-evaluation", on_min_evaluation },
	{ "report-data", on_report_data },
	{ "tcb-status", on_tcb_status },
	{ "test-root", on_test_root },
};

static const char *
take_line(struct policy *p, char *text)
{
	struct line l = { .p = p };
	char *save, *word, *keyword;
	size_t i;

	text[strcspn(text, "#\r")] = '\0';
	if ((keyword = strtok_r(text, " \t", &save)) == NULL)
		return NULL;
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (l.argc == POLICY_LIST)
			return "too many words; begin another line";
		l.argv[l.argc++] = word;
	}
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(keywords[i].name, keyword) == 0) {
			keywords[i].take(&l);
			return l.why;
		}
	return "no such keyword; see tee-attest(1)";
}

void
policy_default(struct policy *p)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	snprintf(p->tcb_statuses[0], sizeof(p->tcb_statuses[0]), "UpToDate");
	p->n_tcb_statuses = 1;
	for (i = 0; i < 5; i++)
		p->min_spl[i] = -1;
	p->max_vmpl = 3;
}

int
policy_parse(struct policy *p, const char *text, char *error, size_t size)
{
	const char *end, *why;
	char line[8192];
	size_t n, number = 0;

	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = text + strcspn(text, "\n");
		n = (size_t)(end - text);
		number++;
		why = "the line is too long";
		if (n < sizeof(line)) {
			memcpy(line, text, n);
			line[n] = '\0';
			why = take_line(p, line);
		}
		if (why != NULL) {
			snprintf(error, size, "line %zu: %s", number, why);
			return -1;
		}
	}
	return 0;
}

int
policy_accepts(
    const struct policy *p, const char *field, const uint8_t *value, size_t n)
{
	const struct policy_value *v;
	size_t i;
	int listed = -1;

	for (i = 0; i < p->n_values; i++) {
		v = &p->values[i];
		if (strcmp(v->field, field) != 0)
			continue;
		if (v->n == n && memcmp(v->value, value, n) == 0)
			return 1;
		listed = 0;
	}
	return listed;
}

void
policy_check(struct report *r, const struct policy *p, const char *name,
    const char *field, const uint8_t *value, size_t n)
{
	switch (policy_accepts(p, field, value, n)) {
	case 1:
		report_check(
		    r, name, A_PASS, "the policy accepts this %s", field);
		break;
	case 0:
		report_check(r, name, A_FAIL,
		    "the policy does not accept "
		    "this %s",
		    field);
		break;
	default: report_check(r, name, A_NONE, "the policy names no %s", field);
	}
}

void
policy_report_data(struct report *r, const struct policy *p, struct bytes held)
{
	if (p->has_report_data)
		report_that(r, "report-data",
		    held.n == 64 && memcmp(held.p, p->report_data, 64) == 0,
		    "it is the requested report data");
	else
		report_check(r, "report-data", A_NONE,
		    "none was requested: this may have been made for anyone");
}
