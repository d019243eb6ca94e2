/* SPDX-License-Identifier: Apache-2.0
 *
 * Event logs against the quotes that they came with: the real ones replay to
 * the RTMRs, and what is changed, cut off or made up fails the check
 * "event-log" and no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "attest.h"
#include "collateral.h"
#include "eventlog.h"
#include "tests/unit/samples.h"

#define DSTACK_SET	"tdx/sets/tdx-v4-dstack-eventlog-uptodate"
#define CCEL_SIZE	18101		/* without its padding */

static struct report r;
static struct policy policy;
static char why[200];

static const struct sample {
	const char	*log, *quote;
	size_t		 events;
} samples[] = {
	{ "tdx/ccel/ccel.bin", "tdx/ccel/quote.bin", 43 },
	{ "tdx/dstack/full.json", DSTACK_SET "/quote.bin", 28 },
	{ "tdx/dstack/lite.json", "tdx/dstack/lite.quote", 29 },
};
#define SAMPLES		(sizeof(samples) / sizeof(samples[0]))

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return 0;
}

/* ---- with the quote ---------------------------------------------------- */

static void
verify(struct bytes log, const char *quote)
{
	struct collateral c = { .event_log = log };
	struct bytes b = sample(quote);

	memset(&r, 0, sizeof(r));
	format_dcap.verify(b, &c, &policy, day(2026, 11, 1), &r);
	sample_free(b);
}

static const char *
detail(void)
{
	return report_find(&r, "event-log")->detail;
}

static void
real_logs_replay_to_the_rtmrs_of_their_quotes(void **state)
{
	struct bytes log;
	size_t i;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		log = sample(samples[i].log);
		verify(log, samples[i].quote);
		only(&r, A_FAIL, "");
		assert_true(report_passed(&r, "event-log"));
		sample_free(log);
	}
}

/* The whole of it: accepted with the log, and refused with another's. */
static void
a_quote_is_accepted_with_its_log_alone(void **state)
{
	struct bytes b = sample(DSTACK_SET "/quote.bin");
	struct bytes logs[2] = { sample("tdx/dstack/full.json"),
		sample("tdx/dstack/lite.json") };
	struct collateral c;
	size_t i;

	(void)state;
	assert_int_equal(collateral_load(&c, sample_path(DSTACK_SET)), 0);
	for (i = 0; i < 2; i++) {
		c.event_log = logs[i];
		memset(&r, 0, sizeof(r));
		format_dcap.verify(b, &c, &policy, day(2026, 2, 25), &r);
		only(&r, A_FAIL, i == 0 ? "" : "event-log");
		assert_int_equal(report_verdict(&r), i == 0 ? 0 : 1);
		sample_free(logs[i]);
	}
	assert_non_null(strstr(detail(), "rtmr0 is 2e3843265f8ecdd4"));
	assert_non_null(strstr(detail(), "by the log f8438db36b96f85d"));
	assert_non_null(strstr(detail(), "rtmr1 too; rtmr2 too; rtmr3 too"));
	assert_null(fact_of(&r, "event-1"));
	collateral_free(&c);
	sample_free(b);
}

static void
a_log_is_missed_only_if_the_policy_requires_it(void **state)
{
	const struct bytes none = { NULL, 0 };
	char error[200];

	(void)state;
	verify(none, DSTACK_SET "/quote.bin");
	assert_int_equal(report_find(&r, "event-log")->outcome, A_NONE);
	assert_int_equal(
	    policy_parse(&policy, "event-log required\n", error, sizeof(error)),
	    0);
	verify(none, DSTACK_SET "/quote.bin");
	only(&r, A_FAIL, "event-log");
	assert_int_equal(
	    policy_parse(&policy, "event-log\n", error, sizeof(error)), -1);
	assert_int_equal(
	    policy_parse(&policy, "event-log wanted\n", error, sizeof(error)),
	    -1);
}

/* ---- mutation ---------------------------------------------------------- */

/* The next place of a digest in the log, as it is there: bytes or hex. */
static uint8_t *
find_digest(struct bytes log, size_t from, const uint8_t *digest)
{
	char hex[2 * DIGEST + 1];
	uint8_t *p;
	size_t i;

	for (i = 0; i < DIGEST; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	p = memmem(log.p + from, log.n - from, digest, DIGEST);
	return p != NULL ? p :
			   memmem(log.p + from, log.n - from, hex, 2 * DIGEST);
}

static void
a_change_of_any_digest_fails_the_log(void **state)
{
	struct eventlog *l;
	struct bytes log;
	size_t i, k, at, tried = 0;
	uint8_t *p, was;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		log = sample(samples[i].log);
		l = eventlog_read(log, why, sizeof(why));
		assert_non_null(l);
		for (at = 0, k = 0; k < l->n; k++) {
			p = find_digest(log, at, l->events[k].digest);
			if (p == NULL) {	/* not in the log: recomputed */
				assert_int_equal(
				    l->events[k].type, EVENT_RUNTIME);
				continue;
			}
			tried++;
			at = (size_t)(p - log.p) + DIGEST;
			was = p[k % DIGEST];
			p[k % DIGEST] = was == '0' ? '1' : '0';
			verify(log, samples[i].quote);
			only(&r, A_FAIL, "event-log");
			p[k % DIGEST] = was;
		}
		free(l);
		sample_free(log);
	}
	assert_int_equal(tried, 43 + 28 + 20);
}

static void
compare_with(struct bytes log, const uint8_t *rtmrs)
{
	memset(&r, 0, sizeof(r));
	eventlog_check(&r, log, rtmrs, &policy);
}

static void
a_log_that_is_cut_anywhere_fails(void **state)
{
	uint8_t rtmrs[RTMRS * DIGEST], *p;
	struct eventlog *l;
	struct bytes log;
	size_t i, n;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		log = sample(samples[i].log);
		l = eventlog_read(log, why, sizeof(why));
		assert_non_null(l);
		assert_int_equal(l->n_read, samples[i].events);
		memcpy(rtmrs, l->rtmr, sizeof(rtmrs));
		free(l);
		for (n = 0; n <= log.n; n++) {
			/* So large and no larger, so that a read past it
			 * shows. */
			p = malloc(n + 1);
			assert_non_null(p);
			memcpy(p + 1, log.p, n);
			compare_with((struct bytes){ p + 1, n }, rtmrs);
			assert_int_equal(report_passed(&r, "event-log"),
			    n >= (i == 0 ? CCEL_SIZE : log.n - 1));
			free(p);
		}
		sample_free(log);
	}
}

static void
a_log_with_any_byte_changed_does_no_harm(void **state)
{
	struct eventlog *l;
	struct bytes log;
	size_t i, k;
	uint8_t *p;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		log = sample(samples[i].log);
		p = (uint8_t *)(uintptr_t)log.p;
		for (k = 0; k < log.n; k++) {
			p[k] ^= (uint8_t)(1 << k % 8);
			if ((l = eventlog_read(log, why, sizeof(why))) != NULL)
				assert_true(l->n <= samples[i].events);
			else
				assert_true(why[0] != '\0');
			free(l);
			p[k] ^= (uint8_t)(1 << k % 8);
		}
		sample_free(log);
	}
}

/* Data that the digest was not made of is not shown, whether the digest fits or
 * not. */
static void
a_payload_that_does_not_fit_its_digest_is_not_shown(void **state)
{
	static const char *const names[] = { "tdx/dstack/full.json",
		"tdx/dstack/lite.json" };
	static const char *const said[] = { "not that of its name",
		"rtmr3 is" };
	struct bytes log;
	uint8_t *p;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		log = sample(names[i]);
		p = memmem(log.p, log.n, "compose-hash", 12);
		assert_non_null(p);
		p = memmem(p, 100, "event_payload\\\":\\\"", 18);
		assert_non_null(p);
		p[18] = p[18] == '3' ? '4' : '3';
		verify(log, samples[1 + i].quote);
		only(&r, A_FAIL, "event-log");
		assert_non_null(strstr(detail(), said[i]));
		assert_null(fact_of(&r, "event-1"));
		sample_free(log);
	}
}

/* ---- CCEL by hand ------------------------------------------------------ */

static uint8_t area[1 << 17];
static size_t used;

static void
put(uint32_t v, size_t n)
{
	for (; n > 0; n--, v >>= 8)
		area[used++] = (uint8_t)v;
}

/* A header with these algorithms: id, size, ..., 0. */
static void
put_header(const unsigned *algorithms)
{
	size_t i, n = 0;

	while (algorithms[2 * n] != 0)
		n++;
	memset(area, 0, sizeof(area));
	used = 0;
	put(1, 4);
	put(3, 4);
	used += 20;
	put((uint32_t)(29 + 4 * n), 4);
	memcpy(area + used, "Spec ID Event03", 16);
	used += 16;
	put(0, 4);
	put(0x02000200, 4);
	put((uint32_t)n, 4);
	for (i = 0; i < 2 * n; i++)
		put(algorithms[i], 2);
	put(0, 1);
}

/* An event with these digests, each of so many bytes `fill'. */
static void
put_event(uint32_t mr, uint32_t type, const unsigned *digests, int fill)
{
	size_t i, n = 0;

	while (digests[2 * n] != 0)
		n++;
	put(mr, 4);
	put(type, 4);
	put((uint32_t)n, 4);
	for (i = 0; i < n; i++) {
		put(digests[2 * i], 2);
		memset(area + used, fill, digests[2 * i + 1]);
		used += digests[2 * i + 1];
	}
	put(3, 4);
	memcpy(area + used, "abc", 3);
	used += 3;
}

static const unsigned sha384[] = { 12, 48, 0 };
static const unsigned three[] = { 4, 20, 11, 32, 12, 48, 0 };

static struct eventlog *
read_area(void)
{
	return eventlog_read((struct bytes){ area, used }, why, sizeof(why));
}

static void
area_fails(const char *wanted)
{
	assert_null(read_area());
	if (strstr(why, wanted) == NULL)
		fail_msg("wanted: %s; it says: %s", wanted, why);
}

/* Other digests are skipped, and so are events that extend nothing and padding
 * of either kind, but nothing after the padding. */
static void
other_digests_and_padding_of_a_ccel_are_skipped(void **state)
{
	uint8_t both[2 * DIGEST] = { 0 }, wanted[DIGEST];
	struct eventlog *l;
	size_t end;

	(void)state;
	memset(both + DIGEST, 7, DIGEST);
	SHA384(both, sizeof(both), wanted);
	put_header(three);
	put_event(3, 0xd, three, 7);
	put_event(3, 3, three, 8);		/* EV_NO_ACTION */
	put_event(0, 1, three, 9);		/* the MRTD */
	l = read_area();
	assert_non_null(l);
	assert_int_equal(l->n_read, 3);
	assert_int_equal(l->n, 1);
	assert_int_equal(l->events[0].rtmr, 2);
	assert_memory_equal(l->rtmr[2], wanted, DIGEST);
	assert_memory_equal(l->rtmr[3], both, DIGEST);
	free(l);

	end = used;
	used += 1000;
	l = read_area();
	assert_non_null(l);
	free(l);
	area[used - 1] = 1;
	area_fails("event 4: ");
	memset(area + end, 0xff, 1000);
	l = read_area();
	assert_non_null(l);
	assert_memory_equal(l->rtmr[2], wanted, DIGEST);
	free(l);
	area[used - 1] = 1;
	area_fails("event 4: it is of no register");
}

static void
each_error_of_a_ccel_is_named(void **state)
{
	static const unsigned none[] = { 0 }, sha256[] = { 11, 32, 0 },
			      twice[] = { 12, 48, 12, 48, 0 },
			      wrong[] = { 12, 32, 0 },
			      odd[] = { 11, 65, 12, 48, 0 },
			      empty[] = { 11, 0, 12, 48, 0 },
			      nine[] = { 12, 48, 1, 9, 2, 9, 3, 9, 4, 9, 5, 9,
				      6, 9, 7, 9, 8, 9, 0 };
	static const struct {
		const unsigned *header, *event;
		unsigned mr;
		const char *error;
	} cases[] = {
		{ none, sha384, 1, "no SHA-384" },
		{ sha256, sha256, 1, "no SHA-384" },
		{ wrong, wrong, 1, "no SHA-384" },
		{ twice, sha384, 1, "twice" },
		{ odd, sha384, 1, "of no possible size" },
		{ empty, sha384, 1, "of no possible size" },
		{ nine, sha384, 1, "too many algorithms" },
		{ sha384, sha256, 1, "event 1: it has a digest that" },
		{ sha384, twice, 1, "event 1: it has more digests" },
		{ three, twice, 1, "event 1: it has two" },
		{ three, sha256, 1, "event 1: it has no SHA-384" },
		{ sha384, none, 1, "event 1: it has no SHA-384" },
		{ sha384, sha384, 5, "event 1: it is of no register" },
		{ sha384, sha384, 0, "no event of it" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_header(cases[i].header);
		put_event(cases[i].mr, 1, cases[i].event, 1);
		area_fails(cases[i].error);
	}
	put_header(sha384);
	area[4] = 4;
	area_fails("");
	put_header(sha384);
	area[28]++;
	area_fails("");
	put_header(sha384);
	area[used - 1] = 1;			/* the vendor's bytes */
	area_fails("not as long");
	put_header(sha384);
	put_event(1, 1, sha384, 1);
	memset(area + used - 7, 0xff, 4);	/* the event's size */
	area_fails("event 1: the log ends");
}

static void
a_ccel_has_as_many_events_as_the_limit(void **state)
{
	struct eventlog *l;
	size_t i;

	(void)state;
	put_header(sha384);
	for (i = 0; i < EVENTS; i++)
		put_event(4, 1, sha384, 1);
	l = read_area();
	assert_non_null(l);
	assert_int_equal(l->n, EVENTS);
	free(l);
	put_event(4, 1, sha384, 1);
	area_fails("event 1025: the log has too many");
}

/* ---- dstack by hand ---------------------------------------------------- */

#define D32	"0123456789abcdef0123456789abcdef"
#define D96	D32 D32 D32
#define RUNTIME	"\"imr\":3,\"event_type\":134217729"

static struct eventlog *
read_text(const char *text)
{
	return eventlog_read(
	    (struct bytes){ (const uint8_t *)text, strlen(text) }, why,
	    sizeof(why));
}

static void
each_error_of_a_dstack_log_is_named(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "no JSON array" },
		{ "7", "no JSON array" },
		{ "{\"event_log\":7}", "no JSON array" },
		{ "{\"event_log\":\"7\"}", "no JSON array" },
		{ "{\"event_log\":\"\\\"[]\\\"\"}", "no JSON array" },
		{ "{\"event_log\":{\"event_log\":[]}}", "no JSON array" },
		{ "{\"event_log\":[],\"event_log\":[]}", "no JSON array" },
		{ "[] []", "no JSON array" },
		{ "[]", "no event of it" },
		{ "[7]", "event 1: its \"imr\"" },
		{ "[{\"imr\":4,\"event_type\":1,\"digest\":\"" D96 "\"}]",
		    "event 1: its \"imr\"" },
		{ "[{\"imr\":-1,\"event_type\":1,\"digest\":\"" D96 "\"}]",
		    "event 1: its \"imr\"" },
		{ "[{\"imr\":1.0,\"event_type\":1,\"digest\":\"" D96 "\"}]",
		    "event 1: its \"imr\"" },
		{ "[{\"imr\":1,\"digest\":\"" D96 "\"}]", "\"event_type\"" },
		{ "[{\"imr\":1,\"event_type\":4294967296,\"digest\":\"" D96
		  "\"}]",
		    "\"event_type\"" },
		{ "[{\"imr\":1,\"event_type\":1}]", "\"digest\"" },
		{ "[{\"imr\":1,\"event_type\":1,\"digest\":\"" D96 "0\"}]",
		    "\"digest\"" },
		{ "[{\"imr\":1,\"event_type\":1,\"digest\":\"" D96 "00\"}]",
		    "\"digest\"" },
		{ "[{\"imr\":1,\"event_type\":1,\"digest\":\"" D32 "\"}]",
		    "\"digest\"" },
		{ "[{\"imr\":1,\"event_type\":1,\"digest\":\"x" D96 "\"}]",
		    "\"digest\"" },
		{ "[{\"imr\":1,\"event_type\":1,\"digest\":\"\"}]",
		    "no digest" },
		{ "[{\"imr\":3,\"event_type\":1,\"digest\":\"\"}]",
		    "no digest" },
		{ "[{\"imr\":2,\"event_type\":134217729,\"digest\":\"\","
		  "\"event\":\"a\",\"event_payload\":\"\"}]",
		    "RTMR 3" },
		{ "[{" RUNTIME ",\"digest\":\"\",\"event\":\"a\"}]",
		    "no payload" },
		{ "[{" RUNTIME ",\"digest\":\"\",\"event_payload\":\"00\"}]",
		    "no name" },
		{ "[{" RUNTIME ",\"digest\":\"\",\"event\":\"a\","
		  "\"event_payload\":\"0\"}]",
		    "not hex" },
		{ "[{" RUNTIME ",\"digest\":\"\",\"event\":\"a\","
		  "\"event_payload\":\"0x\"}]",
		    "not hex" },
		{ "[{" RUNTIME ",\"digest\":\"\",\"event\":\"a:b\","
		  "\"event_payload\":\"00\"}]",
		    "colon" },
		{ "[{" RUNTIME ",\"digest\":\"" D96 "\",\"event\":\"a\","
		  "\"event_payload\":\"00\"}]",
		    "not that of" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(read_text(cases[i].text));
		if (strstr(why, cases[i].error) == NULL)
			fail_msg("%s: %s", cases[i].text, why);
	}
}

/* The array, and the array as a member. */
static void
a_dstack_log_is_an_array_or_a_member(void **state)
{
	static const char list[] = "[{\"imr\":0,\"event_type\":1,"
				   "\"digest\":\"" D96 "\"}]";
	char text[400];
	struct eventlog *l;

	(void)state;
	l = read_text(list);
	assert_non_null(l);
	assert_int_equal(l->n, 1);
	free(l);
	snprintf(text, sizeof(text), " {\"event_log\":%s}\n", list);
	l = read_text(text);
	assert_non_null(l);
	assert_int_equal(l->n, 1);
	free(l);
}

static void
a_dstack_log_has_as_many_events_as_the_limit(void **state)
{
	static char text[(EVENTS + 2) * 150];
	const char entry[] = "{\"imr\":3,\"event_type\":1,\"digest\":\"" D96
			     "\"},";
	struct eventlog *l;
	size_t i;

	(void)state;
	strcpy(text, "[");
	for (i = 0; i < EVENTS; i++)
		strcpy(text + 1 + i * (sizeof(entry) - 1), entry);
	text[i * (sizeof(entry) - 1)] = ']';
	l = read_text(text);
	assert_non_null(l);
	assert_int_equal(l->n, EVENTS);
	free(l);
	/* More than are shown. */
	memset(&r, 0, sizeof(r));
	assert_int_equal(
	    format_eventlog.show(
		(struct bytes){ (const uint8_t *)text, strlen(text) }, &r),
	    0);
	assert_non_null(fact_of(&r, "event-48"));
	assert_null(fact_of(&r, "event-49"));
	assert_int_equal(r.n_warnings, 1);
	strcpy(text + i * (sizeof(entry) - 1), ",");
	strcpy(text + 1 + i * (sizeof(entry) - 1), entry);
	text[(i + 1) * (sizeof(entry) - 1)] = ']';
	assert_null(read_text(text));
	assert_non_null(strstr(why, "event 1025: the log has too many"));
}

/* An event with a name and a payload of so many bytes, and maybe a small
 * one. */
static struct eventlog *
read_sized(size_t name, size_t payload, int more)
{
	static char text[3 * EVENT_TEXT + 300];
	char *p = text;

	p += sprintf(p, "[{" RUNTIME ",\"digest\":\"\",\"event\":\"");
	memset(p, 'a', name);
	p += name + (size_t)sprintf(p + name, "\",\"event_payload\":\"");
	memset(p, '7', 2 * payload);
	strcpy(p + 2 * payload,
	    more ? "\"},{" RUNTIME ",\"digest\":\"\","
		   "\"event\":\"b\",\"event_payload\":\"\"}]" :
		   "\"}]");
	return read_text(text);
}

static void
the_text_of_all_events_together_is_bounded(void **state)
{
	static const struct {
		size_t name, payload;
		int more;
	} cases[] = {
		{ 1, EVENT_TEXT - 6, 0 },
		{ EVENT_TEXT - 5, 0, 0 },
		{ EVENT_TEXT + 1, 0, 0 },
		{ 1, EVENT_TEXT - 7, 1 },
		{ 1, EVENT_TEXT - 13, 1 },
	};
	struct eventlog *l = read_sized(1, EVENT_TEXT - 7, 0);
	size_t i;

	(void)state;
	assert_non_null(l);
	assert_int_equal(l->n_text, EVENT_TEXT);
	assert_int_equal(l->events[0].payload.n, EVENT_TEXT - 7);
	free(l);
	l = read_sized(1, EVENT_TEXT - 14, 1);
	assert_non_null(l);
	assert_int_equal(l->n_text, EVENT_TEXT);
	free(l);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(
		    read_sized(cases[i].name, cases[i].payload, cases[i].more));
		assert_non_null(strstr(why, "too large"));
	}
}

/* ---- show -------------------------------------------------------------- */

/* The fact that an event becomes. */
static const char *
shown(const char *name, const char *payload)
{
	char text[4096];
	struct bytes b = { (const uint8_t *)text, 0 };

	b.n = (size_t)snprintf(text, sizeof(text),
	    "[{" RUNTIME ",\"digest\":"
	    "\"\",\"event\":\"%s\",\"event_payload\":\"%s\"}]",
	    name, payload);
	memset(&r, 0, sizeof(r));
	assert_ptr_equal(format_of(b), &format_eventlog);
	assert_int_equal(format_eventlog.show(b, &r), 0);
	return fact_of(&r, "event-1");
}

static void
an_event_is_shown_as_one_word_and_its_payload(void **state)
{
	char longer[601];
	const char *fact;

	(void)state;
	assert_string_equal(
	    shown("storage-fs", "7a6673"), "storage-fs \"zfs\"");
	assert_string_equal(shown("system-ready", ""), "system-ready \"\"");
	assert_string_equal(shown("hash", "1b5b"), "hash 1b5b");
	/* A name is one word, whatever it is. */
	assert_string_equal(shown("app-id 00\\n\\u001b[\\\\x", "00"),
	    "app-id\\x2000\\x0a\\x1b[\\x5cx 00");
	assert_string_equal(shown("\xc3\xa9", "20"), "\\xc3\\xa9 \" \"");

	/* A text longer than a fact ends in dots. */
	memset(longer, '6', 600);
	longer[600] = '\0';
	fact = shown(longer, longer);
	assert_memory_equal(fact + 57, "... \"fff", 8);
	assert_string_equal(fact + strlen(fact) - 5, "f...\"");
	longer[0] = '0';
	fact = shown("a", longer);
	assert_memory_equal(fact, "a 066666", 8);
	assert_string_equal(fact + strlen(fact) - 5, "66...");
	assert_true(strlen(fact) < sizeof(r.facts[0].text));
}

/* By itself it is a log, is shown, and is evidence of nothing. */
static void
a_log_by_itself_is_shown_and_is_no_evidence(void **state)
{
	static const struct collateral none;
	const char *const wanted[] = {
		NULL,
		"compose-hash 3763bc34552cf3a27ff"
		"71ad5f7a90471562a1a2df552dfc1998cba2d60da27e7",
		"compose-hash 86b"
		"0e55f2fa8e4fb69d890f14f54d5612707646e2573d54e0d2ddaaade77caa9"
	};
	struct bytes log;
	size_t i;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		log = sample(samples[i].log);
		assert_ptr_equal(format_of(log), &format_eventlog);
		memset(&r, 0, sizeof(r));
		assert_int_equal(format_eventlog.show(log, &r), 0);
		only(&r, A_FAIL, "");
		assert_string_equal(
		    fact_of(&r, "form"), i == 0 ? "CCEL" : "dstack");
		if (wanted[i] == NULL)
			assert_null(fact_of(&r, "event-3"));
		else
			assert_string_equal(fact_of(&r, "event-3"), wanted[i]);
		memset(&r, 0, sizeof(r));
		format_eventlog.verify(log, &none, &policy, 0, &r);
		only(&r, A_FAIL, "event-log");
		assert_int_equal(report_verdict(&r), 1);
		sample_free(log);
	}
	memset(&r, 0, sizeof(r));
	assert_int_equal(format_eventlog.show(
			     (struct bytes){ (const uint8_t *)"[]", 2 }, &r),
	    -1);
	only(&r, A_FAIL, "format");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    real_logs_replay_to_the_rtmrs_of_their_quotes, setup),
		cmocka_unit_test_setup(
		    a_quote_is_accepted_with_its_log_alone, setup),
		cmocka_unit_test_setup(
		    a_log_is_missed_only_if_the_policy_requires_it, setup),
		cmocka_unit_test_setup(
		    a_change_of_any_digest_fails_the_log, setup),
		cmocka_unit_test_setup(a_log_that_is_cut_anywhere_fails, setup),
		cmocka_unit_test_setup(
		    a_log_with_any_byte_changed_does_no_harm, setup),
		cmocka_unit_test_setup(
		    a_payload_that_does_not_fit_its_digest_is_not_shown, setup),
		cmocka_unit_test_setup(
		    other_digests_and_padding_of_a_ccel_are_skipped, setup),
		cmocka_unit_test_setup(each_error_of_a_ccel_is_named, setup),
		cmocka_unit_test_setup(
		    a_ccel_has_as_many_events_as_the_limit, setup),
		cmocka_unit_test_setup(
		    each_error_of_a_dstack_log_is_named, setup),
		cmocka_unit_test_setup(
		    a_dstack_log_is_an_array_or_a_member, setup),
		cmocka_unit_test_setup(
		    a_dstack_log_has_as_many_events_as_the_limit, setup),
		cmocka_unit_test_setup(
		    the_text_of_all_events_together_is_bounded, setup),
		cmocka_unit_test_setup(
		    an_event_is_shown_as_one_word_and_its_payload, setup),
		cmocka_unit_test_setup(
		    a_log_by_itself_is_shown_and_is_no_evidence, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
