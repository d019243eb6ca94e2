/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads and replays the event logs of a TD.  There are two forms: the CCEL,
 * which firmware and boot loader write ("TCG PC Client Platform Firmware
 * Profile", section 10), and dstack's JSON, which adds events of the guest.
 *
 * The replay uses only digests, and a digest in a CCEL does not prove the
 * payload stored with it.  Payloads are shown only if the digest is computed
 * from them here.
 */
#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "eventlog.h"
#include "hex.h"

#define ALGORITHMS	8		/* digest algorithms per log */
#define ALG_SHA384	0x000c
#define NO_ACTION	3		/* an event that extends no register */
#define SHOWN		48		/* events reported as facts */

/* ---- replay ------------------------------------------------------------ */

/* RTMR = SHA384(RTMR || digest) */
static const char *
extend(struct eventlog *l, const struct event *e)
{
	uint8_t both[2 * DIGEST];

	if (l->n == EVENTS)
		return "the log has too many events";
	memcpy(both, l->rtmr[e->rtmr], DIGEST);
	memcpy(both + DIGEST, e->digest, DIGEST);
	SHA384(both, sizeof(both), l->rtmr[e->rtmr]);
	l->events[l->n++] = *e;
	return NULL;
}

/* ---- CCEL -------------------------------------------------------------- */

struct algorithms {		/* digest algorithms, from the header */
	struct {
		unsigned id;
		size_t	 size;
	}	list[ALGORITHMS];
	size_t	n;
};

/* Take a little-endian number of n bytes. */
static int
take_number(struct bytes *from, size_t n, uint32_t *v)
{
	struct bytes b;

	if (bytes_take(from, n, &b) == -1)
		return -1;
	*v = (uint32_t)get_le(b.p, n);
	return 0;
}

/* Digest size of an algorithm; 0 if it is unknown. */
static size_t
size_of(const struct algorithms *a, unsigned id)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (a->list[i].id == id)
			return a->list[i].size;
	return 0;
}

static const char signature[16] = "Spec ID Event03";

static const char *
read_algorithms(struct algorithms *a, struct bytes b)
{
	uint32_t n, id, size;
	struct bytes skipped;

	/* Skip the platform class, the versions and the size of UINTN after the
	 * signature. */
	if (bytes_take(&b, sizeof(signature) + 8, &skipped) == -1 ||
	    memcmp(skipped.p, signature, sizeof(signature)) != 0)
		return "the log does not begin with its header";
	if (take_number(&b, 4, &n) == -1 || n > ALGORITHMS)
		return "the header names too many algorithms, or is cut off";
	while (a->n < n) {
		if (take_number(&b, 2, &id) == -1 ||
		    take_number(&b, 2, &size) == -1)
			return "the header ends in its algorithms";
		if (size == 0 || size > 64 || size_of(a, id) != 0)
			return "the header names an algorithm twice, or of no "
			       "possible size";
		a->list[a->n].id = id;
		a->list[a->n++].size = size;
	}
	if (size_of(a, ALG_SHA384) != DIGEST)
		return "the header names no SHA-384";
	if (take_number(&b, 1, &size) == -1 || size != b.n)
		return "the header is not as long as it says";
	return NULL;
}

/* The first event has the older form, with one SHA-1 digest, and extends
 * nothing. */
static const char *
read_header(struct algorithms *a, struct bytes *b)
{
	uint32_t mr, type, size;
	struct bytes digest, event;

	if (take_number(b, 4, &mr) == -1 || take_number(b, 4, &type) == -1 ||
	    bytes_take(b, 20, &digest) == -1 ||
	    take_number(b, 4, &size) == -1 || bytes_take(b, size, &event) == -1)
		return "the log ends in its header";
	if (type != NO_ACTION)
		return "the log does not begin with its header";
	return read_algorithms(a, event);
}

/* Find the SHA-384 digest and skip the others. */
static const char *
read_digests(const struct algorithms *a, struct bytes *b, uint8_t *to)
{
	const char *why = "it has no SHA-384 digest";
	uint32_t n, id;
	struct bytes digest;

	if (take_number(b, 4, &n) == -1 || n > a->n)
		return "it has more digests than there are algorithms, or is "
		       "cut off";
	while (n-- > 0) {
		if (take_number(b, 2, &id) == -1)
			return "the log ends in its digests";
		if (size_of(a, id) == 0)
			return "it has a digest that the header does not name";
		if (bytes_take(b, size_of(a, id), &digest) == -1)
			return "the log ends in its digests";
		if (id != ALG_SHA384)
			continue;
		if (why == NULL)
			return "it has two SHA-384 digests";
		memcpy(to, digest.p, DIGEST);
		why = NULL;
	}
	return why;
}

static const char *
read_event(struct eventlog *l, const struct algorithms *a, struct bytes *b)
{
	struct event e = { 0 };
	uint32_t mr, size;
	struct bytes data;
	const char *why;

	if (take_number(b, 4, &mr) == -1 || take_number(b, 4, &e.type) == -1)
		return "the log ends in it";
	if (mr > RTMRS)
		return "it is of no register that there is";
	if ((why = read_digests(a, b, e.digest)) != NULL)
		return why;
	if (take_number(b, 4, &size) == -1 || bytes_take(b, size, &data) == -1)
		return "the log ends in it";
	/* Register 0 is the MRTD, which is fixed when the TD starts. */
	if (mr == 0 || e.type == NO_ACTION)
		return NULL;
	e.rtmr = mr - 1;
	return extend(l, &e);
}

/* The memory area of the log is larger than its contents.  No event is all
 * zeros or all ones, since it has a digest and one of a few registers. */
static int
is_padding(struct bytes b)
{
	return b.n == 0 ||
	    ((b.p[0] == 0 || b.p[0] == 0xff) &&
		memcmp(b.p, b.p + 1, b.n - 1) == 0);
}

static const char *
read_ccel(struct eventlog *l, struct bytes b)
{
	struct algorithms a = { 0 };
	const char *why = read_header(&a, &b);

	while (why == NULL && !is_padding(b)) {
		l->n_read++;
		why = read_event(l, &a, &b);
	}
	return why;
}

static int
is_ccel(struct bytes b)
{
	return b.n >= 32 + sizeof(signature) &&
	    memcmp(b.p + 4, "\3\0\0", 4) == 0 &&
	    memcmp(b.p + 32, signature, sizeof(signature)) == 0;
}

/* ---- dstack ------------------------------------------------------------ */

/* Decode hex.  -1 if it is invalid or longer than `size'. */
static int
read_hex(const char *text, uint8_t *to, size_t size, size_t *n)
{
	*n = strlen(text) / 2;
	return *n <= size ? hex_decode(text, strlen(text), to, *n) : -1;
}

/* The digest is over type ":" name ":" payload.  Store this string; the event
 * points into it. */
static const char *
read_runtime(struct eventlog *l, const json_t *o, struct event *e)
{
	const json_t *name = json_object_get(o, "event");
	const char *payload = json_string_value(
	    json_object_get(o, "event_payload"));
	uint8_t *p = l->text + l->n_text;
	size_t room = EVENT_TEXT - l->n_text;
	size_t n = json_string_length(name);

	if (e->rtmr != 3)
		return "a runtime event is of RTMR 3 alone";
	if (n == 0 || payload == NULL)
		return "it has no name, or no payload";
	/* With a colon in the name, the same digest would fit other names and
	 * payloads. */
	if (strchr(json_string_value(name), ':') != NULL)
		return "its name has a colon";
	if (room < 6 || n > room - 6)
		return "the names and payloads are too large";
	memcpy(p, "\1\0\0\10:", 5);		/* EVENT_RUNTIME */
	memcpy(p + 5, json_string_value(name), n);
	p[5 + n] = ':';
	e->name = (struct bytes){ p + 5, n };
	e->payload.p = p + 6 + n;
	if (read_hex(payload, p + 6 + n, room - 6 - n, &e->payload.n) == -1)
		return "its payload is not hex, or the names and payloads are "
		       "too large";
	n += 6 + e->payload.n;
	SHA384(p, n, e->digest);
	l->n_text += n;
	return NULL;
}

static int
read_number(const json_t *o, const char *name, uint32_t max, uint32_t *to)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    json_integer_value(v) > max)
		return -1;
	*to = (uint32_t)json_integer_value(v);
	return 0;
}

static const char *
read_entry(struct eventlog *l, const json_t *o)
{
	const char *text = json_string_value(json_object_get(o, "digest"));
	struct event e = { 0 };
	uint8_t digest[DIGEST];
	const char *why;
	uint32_t imr;
	size_t n;

	if (read_number(o, "imr", RTMRS - 1, &imr) == -1)
		return "its \"imr\" is not 0 to 3";
	if (read_number(o, "event_type", UINT32_MAX, &e.type) == -1)
		return "its \"event_type\" is not a number of 32 bits";
	if (text == NULL || read_hex(text, digest, DIGEST, &n) == -1 ||
	    (n != 0 && n != DIGEST))
		return "its \"digest\" is not 48 bytes as hex";
	e.rtmr = imr;
	if (e.type == EVENT_RUNTIME) {
		if ((why = read_runtime(l, o, &e)) != NULL)
			return why;
		if (n != 0 && memcmp(digest, e.digest, DIGEST) != 0)
			return "its digest is not that of its name and payload";
	} else if (n == 0)
		return "it has no digest, and is no runtime event";
	else
		memcpy(e.digest, digest, DIGEST);
	return extend(l, &e);
}

static const char *
read_array(struct eventlog *l, const json_t *a)
{
	const char *why = NULL;
	const json_t *o;

	if (!json_is_array(a))
		return "it is no JSON array of events, nor has one in a member "
		       "\"event_log\"";
	while (why == NULL && l->n_read < json_array_size(a)) {
		o = json_array_get(a, l->n_read++);
		why = read_entry(l, o);
	}
	return why;
}

static const char *
read_dstack(struct eventlog *l, struct bytes b)
{
	json_t *all = json_loadb(
		   (const char *)b.p, b.n, JSON_REJECT_DUPLICATES, NULL),
	       *inner = NULL;
	const json_t *a = all;
	const char *why;

	if (json_is_object(a))
		a = json_object_get(a, "event_log");
	if (json_is_string(a))
		a = inner = json_loadb(json_string_value(a),
		    json_string_length(a), JSON_REJECT_DUPLICATES, NULL);
	why = read_array(l, a);
	json_decref(inner);
	json_decref(all);
	return why;
}

static int
is_dstack(struct bytes b)
{
	while (b.n > 0 && memchr(" \t\r\n", b.p[0], 4) != NULL) {
		b.p++;
		b.n--;
	}
	return b.n > 0 &&
	    ((b.p[0] == '[' && memmem(b.p, b.n, "\"imr\"", 5) != NULL) ||
		(b.p[0] == '{' &&
		    memmem(b.p, b.n, "\"event_log\"", 11) != NULL));
}

/* ---- both forms -------------------------------------------------------- */

struct eventlog *
eventlog_read(struct bytes b, char *why, size_t size)
{
	struct eventlog *l = calloc(1, sizeof(*l));
	const char *problem;

	if (l == NULL) {
		snprintf(why, size, "no memory");
		return NULL;
	}
	l->form = is_ccel(b) ? "CCEL" : "dstack";
	problem = is_ccel(b) ? read_ccel(l, b) : read_dstack(l, b);
	if (problem != NULL && l->n_read > 0)
		snprintf(why, size, "event %zu: %s", l->n_read, problem);
	else if (problem != NULL)
		snprintf(why, size, "%s", problem);
	else if (l->n == 0)
		snprintf(why, size, "no event of it extends an RTMR");
	else
		return l;
	free(l);
	return NULL;
}

/* ---- as text ----------------------------------------------------------- */

static int
is_print(uint8_t c)
{
	return c >= ' ' && c <= '~';
}

/* Write a name as one word: blanks, backslashes and unprintable bytes become
 * \xNN. */
static void
name_text(char *to, size_t size, struct bytes b)
{
	const char *end = "";
	size_t i, n = 0;

	to[0] = '\0';
	for (i = 0; i < b.n; i++) {
		if (n + sizeof("\\x00...") > size) {
			end = "...";
			break;
		}
		if (is_print(b.p[i]) && b.p[i] != ' ' && b.p[i] != '\\')
			to[n++] = (char)b.p[i];
		else
			n += (size_t)snprintf(
			    to + n, size - n, "\\x%02x", b.p[i]);
	}
	snprintf(to + n, size - n, "%s", end);
}

/* Write a payload in quotation marks if all of it is printable, else as hex. */
static void
payload_text(char *to, size_t size, struct bytes b)
{
	size_t i, n = b.n;

	for (i = 0; i < b.n && is_print(b.p[i]); i++)
		continue;
	if (i == b.n) {
		if (n > size - sizeof("\"...\""))
			n = size - sizeof("\"...\"");
		snprintf(to, size, "\"%.*s%s\"", (int)n, (const char *)b.p,
		    n < b.n ? "..." : "");
		return;
	}
	if (n > (size - sizeof("...")) / 2)
		n = (size - sizeof("...")) / 2;
	hex_encode(to, b.p, n);
	snprintf(to + 2 * n, size - 2 * n, "%s", n < b.n ? "..." : "");
}

static void
show_event(struct report *r, const char *name, const struct event *e)
{
	char text[sizeof(r->facts[0].text)], digest[2 * DIGEST + 1];
	size_t n;

	if (e->name.n == 0) {
		hex_encode(digest, e->digest, DIGEST);
		report_fact(
		    r, name, "(type %" PRIx32 ") digest %s", e->type, digest);
		return;
	}
	name_text(text, 64, e->name);
	n = strlen(text);
	text[n++] = ' ';
	payload_text(text + n, sizeof(text) - n, e->payload);
	report_fact(r, name, "%s", text);
}

/* RTMR 3 is extended by the guest's own software. */
static void
show_events(struct report *r, const struct eventlog *l)
{
	static char names[SHOWN][16];
	size_t i, n = 0;

	for (i = 0; i < l->n; i++) {
		if (l->events[i].rtmr != 3 || n++ >= SHOWN)
			continue;
		snprintf(names[n - 1], sizeof(names[0]), "event-%zu", n);
		show_event(r, names[n - 1], &l->events[i]);
	}
	if (n > SHOWN)
		report_warn(r, "RTMR 3 has %zu events; the first %d are shown",
		    n, SHOWN);
}

/* ---- the check --------------------------------------------------------- */

static void
check_replay(struct report *r, const struct eventlog *l, const uint8_t *rtmrs)
{
	char has[2 * DIGEST + 1], gives[2 * DIGEST + 1], text[256];
	size_t i, n = 0;

	for (i = 0; i < RTMRS; i++) {
		if (memcmp(rtmrs + i * DIGEST, l->rtmr[i], DIGEST) == 0)
			continue;
		hex_encode(has, rtmrs + i * DIGEST, DIGEST);
		hex_encode(gives, l->rtmr[i], DIGEST);
		if (n == 0)
			n = (size_t)snprintf(text, sizeof(text),
			    "rtmr%zu is "
			    "%s, by the log %s",
			    i, has, gives);
		else
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "; rtmr%zu too", i);
	}
	if (n == 0)
		snprintf(text, sizeof(text),
		    "the replay of %zu events gives "
		    "all four RTMRs",
		    l->n);
	report_that(r, "event-log", n == 0, "%s", text);
	if (n == 0)
		show_events(r, l);
}

void
eventlog_check(struct report *r, struct bytes log,
    const uint8_t rtmrs[RTMRS * DIGEST], const struct policy *p)
{
	struct eventlog *l;
	char why[160];

	if (log.p == NULL) {
		report_check(r, "event-log",
		    p->require_event_log ? A_FAIL : A_NONE,
		    "no event log was given");
		return;
	}
	if ((l = eventlog_read(log, why, sizeof(why))) == NULL) {
		report_check(r, "event-log", A_FAIL, "%s", why);
		return;
	}
	check_replay(r, l, rtmrs);
	free(l);
}

/* ---- a log by itself --------------------------------------------------- */

static int
eventlog_is(struct bytes b)
{
	return is_ccel(b) || is_dstack(b);
}

static int
eventlog_show(struct bytes b, struct report *r)
{
	static const char *const names[RTMRS] = { "rtmr0", "rtmr1", "rtmr2",
		"rtmr3" };
	struct eventlog *l;
	char why[160];
	size_t i;

	r->format = "TDX event log";
	r->debug = -1;
	if ((l = eventlog_read(b, why, sizeof(why))) == NULL) {
		report_check(r, "format", A_FAIL, "%s", why);
		return -1;
	}
	report_check(r, "format", A_PASS, "well formed");
	report_fact(r, "form", "%s", l->form);
	report_fact(r, "events", "%zu", l->n_read);
	for (i = 0; i < RTMRS; i++)
		report_hex(r, names[i], l->rtmr[i], DIGEST);
	show_events(r, l);
	free(l);
	return 0;
}

static void
eventlog_verify(struct bytes b, const struct collateral *c,
    const struct policy *p, time_t at, struct report *r)
{
	(void)c;
	(void)p;
	(void)at;
	if (eventlog_show(b, r) == -1)
		return;
	report_check(r, "event-log", A_FAIL,
	    "an event log is not signed: "
	    "verify a quote, with this as its --event-log");
}

const struct format format_eventlog = { "event-log", eventlog_is, eventlog_show,
	eventlog_verify };
