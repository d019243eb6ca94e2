/* SPDX-License-Identifier: Apache-2.0
 *
 * The result of a verification: checks, facts, advisories, and the verdict,
 * which depends on nothing else.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attest.h"
#include "hex.h"

int
bytes_take(struct bytes *from, size_t n, struct bytes *to)
{
	if (n > from->n)
		return -1;
	*to = (struct bytes){ from->p, n };
	*from = (struct bytes){ from->p + n, from->n - n };
	return 0;
}

/* If a check is made twice, the worse outcome is kept. */
static int
severity(enum outcome o)
{
	static const int of[] = {
		[A_PASS] = 1, [A_FAIL] = 3, [A_MISSING] = 2, [A_NONE] = 0
	};

	return of[o];
}

static struct check *
find(struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_checks; i++)
		if (strcmp(r->checks[i].name, name) == 0)
			return &r->checks[i];
	return NULL;
}

const char *
report_date(time_t t, char to[11])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(to, 11, "%F", &tm) == 0)
		snprintf(to, 11, "?");
	return to;
}

const struct check *
report_find(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_checks; i++)
		if (strcmp(r->checks[i].name, name) == 0)
			return &r->checks[i];
	return NULL;
}

int
report_passed(const struct report *r, const char *name)
{
	const struct check *c = report_find(r, name);

	return c != NULL && c->outcome == A_PASS;
}

void
report_check(struct report *r, const char *name, enum outcome outcome,
    const char *fmt, ...)
{
	struct check *c = find(r, name);
	va_list ap;

	if (c == NULL) {
		/* The names are few and fixed.  If the table were full, the
		 * last slot would be replaced only by a worse outcome. */
		c = &r->checks[r->n_checks < REPORT_CHECKS ? r->n_checks++ :
							     REPORT_CHECKS - 1];
	} else if (severity(outcome) < severity(c->outcome))
		return;
	c->name = name;
	c->outcome = outcome;
	va_start(ap, fmt);
	vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
	va_end(ap);
}

void
report_fact(struct report *r, const char *name, const char *fmt, ...)
{
	struct fact *f;
	va_list ap;

	if (r->n_facts == REPORT_FACTS)
		return;
	f = &r->facts[r->n_facts++];
	f->name = name;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

void
report_hex(struct report *r, const char *name, const uint8_t *p, size_t n)
{
	char text[sizeof(r->facts[0].text)];

	if (n > (sizeof(text) - 1) / 2)
		n = (sizeof(text) - 1) / 2;
	report_fact(r, name, "%s", hex_encode(text, p, n));
}

void
report_advisory(struct report *r, const char *id)
{
	size_t i;

	for (i = 0; i < r->n_advisories; i++)
		if (strcmp(r->advisories[i], id) == 0)
			return;
	if (r->n_advisories < REPORT_LINES)
		snprintf(r->advisories[r->n_advisories++],
		    sizeof(r->advisories[0]), "%s", id);
}

void
report_warn(struct report *r, const char *fmt, ...)
{
	va_list ap;

	if (r->n_warnings == REPORT_LINES)
		return;
	va_start(ap, fmt);
	vsnprintf(
	    r->warnings[r->n_warnings++], sizeof(r->warnings[0]), fmt, ap);
	va_end(ap);
}

int
report_verdict(const struct report *r)
{
	size_t i, passed = 0, missing = 0;

	for (i = 0; i < r->n_checks; i++)
		switch (r->checks[i].outcome) {
		case A_FAIL: return 1;
		case A_MISSING: missing++; break;
		case A_PASS: passed++; break;
		case A_NONE: break;
		}
	if (missing != 0)
		return 3;
	return passed != 0 ? 0 : 1;
}

void
report_line(const struct report *r, char *to, size_t size)
{
	static const char *const keys[] = { "no hardware key proven",
		"genuine hardware key", "a key that the collateral endorses" };
	static const char *const verdicts[] = { "accepted", "refused", "",
		"undecided" };

	snprintf(to, size, "%s: %s%s%s, debug %s, %s",
	    verdicts[report_verdict(r)], keys[r->hardware],
	    r->tcb_status[0] != '\0' ? ", TCB status " : "", r->tcb_status,
	    r->debug == -1 ? "unknown" :
		r->debug   ? "YES" :
			     "no",
	    "physical custody not proven");
}
