/* SPDX-License-Identifier: Apache-2.0
 *
 * When each of the last tasks reached which stage, what it waits for, and the
 * histograms of the stages.  keys tells the times of what happens in keys and
 * in workers; both read the same clock.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "front.h"
#include "hex.h"
#include "jsonw.h"
#include "log.h"
#include "timeline.h"
#include "trace.h"

#define LIST_TASKS	1000	/* that one answer has at most */

enum line_end { LINE_OPEN, LINE_REFUSED, LINE_LOST };

struct timeline {
	uint64_t	 number;	/* 0: unused */
	uint64_t	 at[STAGES];	/* now_us(); 0: not reached */
	uint8_t		 id[32];
	uint32_t	 attempt, batch, task;
	uint32_t	 status;	/* STAGE_SIGNED, or refused */
	uint32_t	 worker;	/* plus 1; 0: none */
	uint32_t	 next;		/* in its list, by id: index + 1 */
	enum line_end	 end;
	uint64_t	 nonce;		/* STAGE_PUBLISHED: the transaction's */
	struct m_trace	 trace;
};

static struct timeline ring[TIMELINE_TASKS];
static uint32_t lists[TIMELINE_TASKS];	/* by id: index + 1; 0: empty */
static uint64_t last;

static const struct {
	const char	*name;
	const char	*by;		/* NULL: the worker */
	const char	*by_nox;	/* the same, for a chain of Nox v0 */
} stages[STAGES] = {
	[STAGE_RECEIVED] = { "received", "net", "nox" },
	[STAGE_ADMITTED] = { "admitted", "keys", "keys" },
	[STAGE_ASKED] = { "asked", "net", "nox" },
	[STAGE_GRANTED] = { "granted", "gateway", "gateway" },
	[STAGE_VERIFIED] = { "verified", "keys", "keys" },
	[STAGE_STARTED] = { "started", NULL, NULL },
	[STAGE_COMPUTED] = { "computed", NULL, NULL },
	[STAGE_SIGNED] = { "signed", "keys", "keys" },
	[STAGE_SENT] = { "sent", "net", "nox" },
	[STAGE_ACKNOWLEDGED] = { "acknowledged", "orchestrator", "gateway" },
	[STAGE_PUBLISHED] = { "published", "registry", "registry" },
};

/* Upper bounds in microseconds: from a worker's job to a slow publication. */
static const uint64_t bounds[] = { 100, 250, 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
	10000000, 30000000, 120000000 };
#define BOUNDS	(sizeof(bounds) / sizeof(bounds[0]))

static struct {
	uint64_t	 n[BOUNDS + 1];	/* the last: above all bounds */
	uint64_t	 sum;
} spent[STAGES];

/* ---- the ring ---------------------------------------------------------- */

static uint32_t *
list_of(const uint8_t id[32])
{
	uint32_t h;

	memcpy(&h, id, sizeof(h));
	return &lists[h % TIMELINE_TASKS];
}

static void
list_remove(const struct timeline *t)
{
	const uint32_t self = (uint32_t)(t - ring) + 1;
	uint32_t *at = list_of(t->id);

	while (*at != 0 && *at != self)
		at = &ring[*at - 1].next;
	if (*at == self)
		*at = t->next;
}

static struct timeline *
line_get(uint64_t number)
{
	struct timeline *t = &ring[number % TIMELINE_TASKS];

	return number != 0 && t->number == number ? t : NULL;
}

uint64_t
timeline_begin(const uint8_t id[32], uint32_t attempt, uint32_t batch,
    uint32_t task, const struct m_trace *trace)
{
	struct timeline *t = &ring[++last % TIMELINE_TASKS];
	uint32_t *list = list_of(id);

	if (t->number != 0)
		list_remove(t);
	memset(t, 0, sizeof(*t));
	t->number = last;
	memcpy(t->id, id, sizeof(t->id));
	t->attempt = attempt;
	t->batch = batch;
	t->task = task;
	t->trace = *trace;
	t->at[STAGE_RECEIVED] = now_us();
	t->next = *list;
	*list = (uint32_t)(t - ring) + 1;
	return last;
}

/* The last stage that it has reached before `end'. */
static enum stage
line_stage(const struct timeline *t, enum stage end)
{
	do
		end--;
	while (end > STAGE_RECEIVED && t->at[end] == 0);
	return end;
}

static void
line_mark(struct timeline *t, enum stage stage, uint64_t at)
{
	uint64_t before, took;
	size_t i = 0;

	if (at == 0 || t->at[stage] != 0)
		return;
	t->at[stage] = at;
	before = t->at[line_stage(t, stage)];
	took = at > before ? at - before : 0;
	while (i < BOUNDS && took > bounds[i])
		i++;
	spent[stage].n[i]++;
	spent[stage].sum += took;
}

void
timeline_mark(uint64_t number, enum stage stage, uint64_t at)
{
	struct timeline *t = line_get(number);

	if (t != NULL)
		line_mark(t, stage, at);
}

void
timeline_result(uint64_t number, const struct m_result *m)
{
	struct timeline *t = line_get(number);

	if (t == NULL)
		return;
	t->status = m->status;
	t->worker = m->worker;
	line_mark(t, STAGE_VERIFIED, m->verified_at);
	line_mark(t, STAGE_STARTED, m->started_at);
	line_mark(t, STAGE_COMPUTED, m->computed_at);
}

static void
line_end(uint64_t number, enum line_end end, uint32_t status)
{
	struct timeline *t = line_get(number);

	if (t == NULL || t->end != LINE_OPEN)
		return;
	t->end = end;
	t->status = status;
}

void
timeline_refused(uint64_t number, uint32_t status)
{
	line_end(number, LINE_REFUSED, status);
}

void
timeline_lost(uint64_t number)
{
	line_end(number, LINE_LOST, ST_OK);
}

void
timeline_published(
    const struct m_published *m, const struct m_task_id *rows, size_t n)
{
	const uint64_t now = now_us();
	struct timeline *t;
	uint32_t next;
	size_t i;

	for (i = 0; i < n; i++)
		for (next = *list_of(rows[i].id); next != 0; next = t->next) {
			t = &ring[next - 1];
			if (t->attempt != rows[i].attempt ||
			    memcmp(t->id, rows[i].id, 32) != 0)
				continue;
			t->nonce = m->nonce;
			line_mark(t, STAGE_PUBLISHED, now);
			break;
		}
}

/* ---- what a task waits for --------------------------------------------- */

static int
is_done(const struct timeline *t)
{
	const int is_acked = t->at[STAGE_ACKNOWLEDGED] != 0;

	if (t->end != LINE_OPEN || t->at[STAGE_PUBLISHED] != 0)
		return 1;
	return is_acked && (!front.chain->publish || t->status != ST_OK);
}

static const char *
waits_for_worker(const struct timeline *t)
{
	static char text[64];
	size_t i;

	for (i = 0; i < front.n_workers; i++)
		if (front.workers[i].batch == t->batch &&
		    front.workers[i].task == t->task) {
			snprintf(text, sizeof(text),
			    "worker %zu, which has had it for %llu ms", i,
			    (unsigned long long)(now_ms() -
				front.workers[i].since));
			return text;
		}
	return front.status.workers_idle == 0 ? "a worker: all are busy" :
						"keys, to give it to a worker";
}

static const char *
waits_for_chain(void)
{
	return front.status.gas == GAS_PENDING ?
	    "a transaction of the gas account" :
	    front.status.gas == GAS_READY ?
	    "publish-interval, or results for a full transaction" :
	    gas_text(front.status.gas);
}

/* NULL: for nothing. */
static const char *
waits_for(const struct timeline *t)
{
	if (is_done(t))
		return NULL;
	switch (line_stage(t, STAGES)) {
	case STAGE_RECEIVED: return "keys, to verify its batch";
	case STAGE_ADMITTED:
	case STAGE_ASKED: return "the Gateway's operands";
	case STAGE_GRANTED:
	case STAGE_VERIFIED:
	case STAGE_STARTED: return waits_for_worker(t);
	case STAGE_COMPUTED: return "the other tasks of its batch";
	case STAGE_SIGNED: return "the stream to the Orchestrator";
	case STAGE_SENT: return "the Orchestrator's acknowledgement";
	default: return waits_for_chain();
	}
}

static const char *
line_state(const struct timeline *t)
{
	return t->end == LINE_REFUSED ? "refused" :
	    t->end == LINE_LOST	      ? "lost" :
					stages[line_stage(t, STAGES)].name;
}

/* ---- JSON -------------------------------------------------------------- */

static uint64_t clock_offset;	/* of an answer: from now_us() to 1970 */

/* Microseconds since 1970 of a time of now_us(). */
static uint64_t
unix_us(uint64_t at)
{
	return at + clock_offset;
}

static void
answer_begin(struct jsonw *j, struct evbuffer *out)
{
	clock_offset = now_unix_us() - now_us();
	front_json(j, out);
	jsonw_array(j, NULL);
}

static void
json_line(struct jsonw *j, const struct timeline *t)
{
	const char *wait = waits_for(t);
	const enum stage end = line_stage(t, STAGES);

	jsonw_hex(j, "task", t->id, 32);
	jsonw_number(j, "attempt", t->attempt);
	jsonw_string(j, "state", "%s", line_state(t));
	if (t->end == LINE_REFUSED || t->at[STAGE_SIGNED] != 0)
		jsonw_string(j, "status", "%s", status_name(t->status));
	else
		jsonw_null(j, "status");
	jsonw_seconds(j, "received", unix_us(t->at[STAGE_RECEIVED]));
	/* Until now, or until the last stage if no other follows. */
	jsonw_seconds(j, "took",
	    (wait != NULL ? now_us() : t->at[end]) - t->at[STAGE_RECEIVED]);
	if (wait != NULL)
		jsonw_string(j, "waits_for", "%s", wait);
	else
		jsonw_null(j, "waits_for");
}

static void
json_stages(struct jsonw *j, const struct timeline *t)
{
	uint64_t before = t->at[STAGE_RECEIVED];
	enum stage i;

	jsonw_array(j, "timeline");
	for (i = STAGE_RECEIVED; i < STAGES; i++) {
		if (t->at[i] == 0)
			continue;
		jsonw_object(j, NULL);
		jsonw_string(j, "stage", "%s", stages[i].name);
		jsonw_seconds(j, "at", unix_us(t->at[i]));
		jsonw_seconds(
		    j, "took", t->at[i] > before ? t->at[i] - before : 0);
		if (stages[i].by != NULL)
			jsonw_string(j, "by", "%s",
			    front_is_nox() ? stages[i].by_nox : stages[i].by);
		else
			jsonw_string(j, "by", "worker %u", t->worker - 1);
		jsonw_end(j);
		before = t->at[i];
	}
	jsonw_end(j);
}

static int
is_in_state(const struct timeline *t, const char *state)
{
	if (*state == '\0')
		return 1;
	if (strcmp(state, "open") == 0)
		return t->end == LINE_OPEN && t->at[STAGE_ACKNOWLEDGED] == 0;
	return strcmp(state, line_state(t)) == 0;
}

static int
is_state(const char *state)
{
	static const char *const others[] = { "", "open", "refused", "lost" };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(state, others[i]) == 0)
			return 1;
	for (i = 0; i < STAGES; i++)
		if (strcmp(state, stages[i].name) == 0)
			return 1;
	return 0;
}

int
timeline_list(struct evbuffer *out, const char *state)
{
	const struct timeline *t;
	struct jsonw j;
	uint64_t number;
	size_t n = 0;

	if (!is_state(state))
		return -1;
	answer_begin(&j, out);
	for (number = last; n < LIST_TASKS; number--) {
		if ((t = line_get(number)) == NULL)
			break;
		if (!is_in_state(t, state))
			continue;
		jsonw_object(&j, NULL);
		json_line(&j, t);
		jsonw_end(&j);
		n++;
	}
	jsonw_end(&j);
	return 0;
}

/* The first n hexadecimal digits of an id. */
static int
has_prefix(const struct timeline *t, const uint8_t *bytes, size_t n)
{
	return memcmp(t->id, bytes, n / 2) == 0 &&
	    (n % 2 == 0 || t->id[n / 2] >> 4 == bytes[n / 2] >> 4);
}

int
timeline_show(struct evbuffer *out, const char *digits)
{
	const struct timeline *t;
	struct jsonw j;
	char trace[TRACE_TEXT], text[64];
	uint8_t bytes[32];
	uint64_t number;
	size_t n, shown = 0;

	/* "0x" may be left out. */
	if (strncmp(digits, "0x", 2) == 0)
		digits += 2;
	n = strlen(digits);
	if (n == 0 || n > 64 || strspn(digits, HEX_LOWER) != n)
		return -1;
	memset(text, '0', 64);
	memcpy(text, digits, n);
	hex_decode(text, 64, bytes, 32);
	answer_begin(&j, out);
	for (number = last;
	     (t = line_get(number)) != NULL && shown < LIST_TASKS; number--) {
		if (!has_prefix(t, bytes, n))
			continue;
		jsonw_object(&j, NULL);
		json_line(&j, t);
		jsonw_string(
		    &j, "traceparent", "%s", trace_text(&t->trace, trace));
		if (t->at[STAGE_PUBLISHED] != 0)
			jsonw_number(&j, "publish_nonce", t->nonce);
		else
			jsonw_null(&j, "publish_nonce");
		json_stages(&j, t);
		jsonw_end(&j);
		shown++;
	}
	jsonw_end(&j);
	return 0;
}

void
timeline_stages(struct evbuffer *out)
{
	struct jsonw j;
	enum stage stage;
	size_t i;

	front_json(&j, out);
	jsonw_object(&j, NULL);
	jsonw_array(&j, "bounds");	/* microseconds; the last has none */
	for (i = 0; i < BOUNDS; i++)
		jsonw_number(&j, NULL, bounds[i]);
	jsonw_end(&j);
	jsonw_array(&j, "stages");
	for (stage = STAGE_ADMITTED; stage < STAGES; stage++) {
		jsonw_object(&j, NULL);
		jsonw_string(&j, "stage", "%s", stages[stage].name);
		jsonw_array(&j, "buckets");
		for (i = 0; i <= BOUNDS; i++)
			jsonw_number(&j, NULL, spent[stage].n[i]);
		jsonw_end(&j);
		jsonw_end(&j);
	}
	jsonw_end(&j);
	jsonw_end(&j);
}

/* ---- metrics ----------------------------------------------------------- */

#define METRIC	"tee_runner_task_stage_seconds"

static void
stage_metrics(struct evbuffer *out, enum stage stage)
{
	const char *name = stages[stage].name;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < BOUNDS; i++) {
		n += spent[stage].n[i];
		evbuffer_add_printf(out,
		    METRIC "_bucket{stage=\"%s\",le=\"%g\"} %" PRIu64 "\n",
		    name, (double)bounds[i] / 1e6, n);
	}
	n += spent[stage].n[BOUNDS];
	evbuffer_add_printf(out,
	    METRIC "_bucket{stage=\"%s\",le=\"+Inf\"} %" PRIu64 "\n" METRIC
		   "_sum{stage=\"%s\"} %" PRIu64 ".%06" PRIu64 "\n" METRIC
		   "_count{stage=\"%s\"} %" PRIu64 "\n",
	    name, n, name, spent[stage].sum / 1000000,
	    spent[stage].sum % 1000000, name, n);
}

void
timeline_metrics(struct evbuffer *out)
{
	enum stage i;

	evbuffer_add_printf(out,
	    "# HELP " METRIC " Time from the stage before to this one.\n"
	    "# TYPE " METRIC " histogram\n");
	for (i = STAGE_ADMITTED; i < STAGES; i++)
		stage_metrics(out, i);
}
