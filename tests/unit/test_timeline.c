/* SPDX-License-Identifier: Apache-2.0
 *
 * Timelines: each stage once and in order, what a task waits for, a ring that
 * forgets the oldest, and histograms whose buckets add up.  And the traceparent
 * that goes with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "../../src/front/timeline.c"

struct front front;
static uint64_t now = 1000000;

uint64_t
now_us(void)
{
	return now;
}

uint64_t
now_ms(void)
{
	return now / 1000;
}

uint64_t
now_unix_us(void)
{
	return now + UINT64_C(1700000000000000);
}

static const struct m_trace none;

static int
setup(void **state)
{
	(void)state;
	memset(&front, 0, sizeof(front));
	memset(ring, 0, sizeof(ring));
	memset(lists, 0, sizeof(lists));
	memset(spent, 0, sizeof(spent));
	front.chain = &front.conf.chains[0];
	last = 0;
	clock_offset = 0;	/* no question was asked yet */
	return 0;
}

static uint64_t
begin(uint32_t n)
{
	uint8_t id[32] = { 0xab };

	memcpy(id + 1, &n, sizeof(n));
	return timeline_begin(id, 1, 7, n, &none);
}

static json_t *
asked(int (*ask)(struct evbuffer *, const char *), const char *arg)
{
	struct evbuffer *out = evbuffer_new();
	json_t *o;

	assert_int_equal(ask(out, arg), 0);
	o = json_loadb((const char *)evbuffer_pullup(out, -1),
	    evbuffer_get_length(out), JSON_REJECT_DUPLICATES, NULL);
	evbuffer_free(out);
	assert_non_null(o);
	return o;
}

static const char *
member(json_t *list, size_t i, const char *name)
{
	return json_string_value(
	    json_object_get(json_array_get(list, i), name));
}

static void
waits(uint64_t number, const char *what)
{
	const char *is = waits_for(line_get(number));

	if (what == NULL)
		assert_null(is);
	else
		assert_string_equal(is, what);
}

static void
a_task_goes_from_stage_to_stage(void **state)
{
	const struct m_result m = { 7, 0, ST_OK, 3, 5000001, 5000002, 5000400 };
	const uint64_t t = begin(0);
	json_t *o;

	(void)state;
	waits(t, "keys, to verify its batch");
	now = 2000000;
	timeline_mark(t, STAGE_ADMITTED, now);
	timeline_mark(t, STAGE_ASKED, now);
	waits(t, "the Gateway's operands");
	timeline_mark(t, STAGE_GRANTED, 5000000);
	now = 6000000;
	front.status.workers_idle = 0;
	waits(t, "a worker: all are busy");
	front.n_workers = 3;
	front.workers[2] = (struct m_worker){ 7, 0, 1, 1, 5500, 0 };
	waits(t, "worker 2, which has had it for 500 ms");
	timeline_result(t, &m);
	waits(t, "the other tasks of its batch");
	timeline_mark(t, STAGE_SIGNED, 6000000);
	waits(t, "the stream to the Orchestrator");
	timeline_mark(t, STAGE_SENT, 6000000);
	waits(t, "the Orchestrator's acknowledgement");
	timeline_mark(t, STAGE_SENT, 9000000);	/* sent again */
	assert_int_equal(line_get(t)->at[STAGE_SENT], 6000000);
	timeline_mark(t, STAGE_ACKNOWLEDGED, 7000000);
	waits(t, NULL);
	o = asked(timeline_show, "0xab");
	assert_true(json_number_value(json_object_get(
			json_array_get(o, 0), "received")) > 1700000000);
	assert_string_equal(member(o, 0, "state"), "acknowledged");
	assert_string_equal(member(o, 0, "status"), "OK");
	assert_int_equal(
	    json_array_size(json_object_get(json_array_get(o, 0), "timeline")),
	    10);
	json_decref(o);
}

static void
a_published_task_has_its_transaction(void **state)
{
	const struct m_published p = { 42 };
	struct m_task_id id = { { 0xab }, 1 };
	const uint64_t t = begin(0);
	json_t *o;

	(void)state;
	front.chain->publish = 1;
	timeline_mark(t, STAGE_SIGNED, now);
	timeline_mark(t, STAGE_ACKNOWLEDGED, now);
	front.status.gas = GAS_NO_FUNDS;
	waits(t, "gas account: insufficient funds");
	front.status.gas = GAS_PENDING;
	waits(t, "a transaction of the gas account");
	id.attempt = 2;
	timeline_published(&p, &id, 1);
	assert_int_equal(line_get(t)->at[STAGE_PUBLISHED], 0);
	id.attempt = 1;
	timeline_published(&p, &id, 1);
	waits(t, NULL);
	o = asked(timeline_show, "ab");
	assert_int_equal(json_integer_value(json_object_get(
			     json_array_get(o, 0), "publish_nonce")),
	    42);
	json_decref(o);
}

static void
refused_and_lost_tasks_say_so(void **state)
{
	const uint64_t a = begin(0), b = begin(1);
	json_t *o;

	(void)state;
	timeline_refused(a, ST_EXPIRED);
	timeline_lost(a);
	timeline_lost(b);
	o = asked(timeline_list, "");
	assert_int_equal(json_array_size(o), 2);
	assert_string_equal(member(o, 0, "state"), "lost");
	assert_null(member(o, 0, "status"));
	assert_string_equal(member(o, 1, "state"), "refused");
	assert_string_equal(member(o, 1, "status"), "EXPIRED");
	json_decref(o);
	o = asked(timeline_list, "open");
	assert_int_equal(json_array_size(o), 0);
	json_decref(o);
	o = asked(timeline_list, "refused");
	assert_int_equal(json_array_size(o), 1);
	json_decref(o);
}

/* The ring goes round: each list still has just its own tasks. */
static void
the_oldest_is_forgotten(void **state)
{
	const uint64_t first = begin(0);
	uint32_t i, next, listed = 0;
	json_t *o;

	(void)state;
	for (i = 1; i < 3 * TIMELINE_TASKS + 5; i++)
		begin(i);
	assert_null(line_get(first));
	timeline_mark(first, STAGE_SIGNED, now);
	timeline_refused(first, ST_EXPIRED);
	for (i = 0; i < TIMELINE_TASKS; i++)
		for (next = lists[i]; next != 0; next = ring[next - 1].next)
			listed++;
	assert_int_equal(listed, TIMELINE_TASKS);
	o = asked(timeline_list, "open");
	assert_int_equal(json_array_size(o), LIST_TASKS);
	json_decref(o);
}

static void
an_id_is_found_by_its_first_digits(void **state)
{
	static const struct {
		const char	*digits;
		size_t		 n;
	} cases[] = { { "a", 3 }, { "ab", 3 }, { "0xab0", 2 }, { "ab01", 1 },
		{ "ab1", 1 }, { "ab10", 1 }, { "b", 0 }, { "ab03", 0 },
		{ "ab010000000000000000000000000000000000000000000000000000000"
		  "00000",
		    1 } };
	json_t *o;
	size_t i;

	(void)state;
	begin(0);
	begin(1);
	begin(0x10);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		o = asked(timeline_show, cases[i].digits);
		assert_int_equal(json_array_size(o), cases[i].n);
		json_decref(o);
	}
}

static void
questions_that_are_none_are_refused(void **state)
{
	struct evbuffer *out = evbuffer_new();

	(void)state;
	assert_int_equal(timeline_list(out, "waiting"), -1);
	assert_int_equal(timeline_show(out, ""), -1);
	assert_int_equal(timeline_show(out, "0x"), -1);
	assert_int_equal(timeline_show(out, "xyz"), -1);
	assert_int_equal(timeline_show(out, "AB"), -1);
	assert_int_equal(evbuffer_get_length(out), 0);
	evbuffer_free(out);
}

static void
buckets_add_up(void **state)
{
	struct evbuffer *out = evbuffer_new();
	const uint64_t t = begin(0);
	const char *text;

	(void)state;
	timeline_mark(t, STAGE_ADMITTED, now + 250);
	timeline_mark(t, STAGE_ASKED, now + 251);
	timeline_metrics(out);
	text = (const char *)evbuffer_pullup(out, -1);
	assert_non_null(strstr(text, "{stage=\"admitted\",le=\"0.0001\"} 0\n"));
	assert_non_null(
	    strstr(text, "{stage=\"admitted\",le=\"0.00025\"} 1\n"));
	assert_non_null(strstr(text, "{stage=\"admitted\",le=\"+Inf\"} 1\n"));
	assert_non_null(strstr(text, "_sum{stage=\"admitted\"} 0.000250\n"));
	assert_non_null(strstr(text, "_count{stage=\"asked\"} 1\n"));
	assert_non_null(strstr(text, "_count{stage=\"published\"} 0\n"));
	evbuffer_free(out);
}

static void
a_traceparent_is_read_strictly(void **state)
{
	static const char good[] =
	    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	static const char *const bad[] = { "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\n1" };
	char text[TRACE_TEXT];
	struct m_trace t;
	size_t i;

	(void)state;
	trace_read(&t, good);
	assert_true(trace_is_set(&t));
	assert_string_equal(trace_text(&t, text), good);
	assert_memory_equal(trace_tag(&t), " [00-4bf9", 9);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		trace_read(&t, bad[i]);
		assert_false(trace_is_set(&t));
		assert_string_equal(trace_text(&t, text), "");
		assert_string_equal(trace_tag(&t), "");
	}
}

#define T(name)	cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_task_goes_from_stage_to_stage),
		T(a_published_task_has_its_transaction),
		T(refused_and_lost_tasks_say_so),
		T(the_oldest_is_forgotten),
		T(an_id_is_found_by_its_first_digits),
		T(questions_that_are_none_are_refused),
		T(buckets_add_up),
		T(a_traceparent_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
