/* SPDX-License-Identifier: Apache-2.0
 *
 * How many lines a child can log, and how it is told that there were more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define now_ms	test_now_ms		/* a clock that the test sets */
#include "../../src/monitor/log_budget.c"

static struct event_base *base;
static struct child child;
static char logged[1024];		/* a line */
static size_t n_logged, n_reports;
static uint64_t clock_ms;

uint64_t
now_ms(void)
{
	return clock_ms;
}

/* The last line is kept. */
static void
on_line(int level, const char *line)
{
	(void)level;
	snprintf(logged, sizeof(logged), "%s", line);
	n_logged++;
	n_reports += strstr(line, "suppressed") != NULL;
}

static void
on_first_line(int level, const char *line)
{
	(void)level;
	if (n_logged++ == 0)
		snprintf(logged, sizeof(logged), "%s", line);
}

static int
begin(void **unused)
{
	(void)unused;
	base = event_base_new();
	memset(&child, 0, sizeof(child));
	strcpy(child.name, "net");
	child_log_init(&child, base);
	log_init("tee-runnerd", LOG_INFO);
	log_sink(on_line);
	n_logged = n_reports = 0;
	logger_dropped = 0;
	clock_ms = 1000000;
	return 0;
}

static int
end(void **unused)
{
	(void)unused;
	event_free(child.log_report);
	event_base_free(base);
	log_sink(NULL);
	return 0;
}

/* No two lines have the same cause. */
static void
flood(void)
{
	char text[16];
	int i;

	for (i = 0; i < LOG_BURST + 300; i++) {
		snprintf(text, sizeof(text), "flood %c%c", 'a' + i % 26,
		    'a' + i / 26);
		child_log(&child, LOG_ERR, text);
	}
}

static void
say(const char *text, int n)
{
	n_logged = 0;
	while (n-- > 0)
		child_log(&child, LOG_WARNING, text);
}

static void
look(void)
{
	event_active(child.log_report, EV_TIMEOUT, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
a_flood_of_lines_is_cut_and_told_once(void **unused)
{
	(void)unused;
	flood();
	assert_int_equal(n_logged, LOG_BURST);
	assert_int_equal(child.log_dropped, 300);
	assert_int_equal(logger_dropped, 300);
	assert_true(evtimer_pending(child.log_report, NULL));
	n_logged = 0;
	look();
	assert_int_equal(n_logged, 1);
	assert_string_equal(logged,
	    "tee-runnerd: net: 300 log lines dropped: more than 10 a second");
	child_log_report(&child);
	assert_int_equal(n_logged, 1);
}

static void
after_a_flood_lines_are_logged_again(void **unused)
{
	(void)unused;
	flood();
	clock_ms += LOG_INTERVAL;
	say("back", 1);
	assert_string_equal(logged, "net: back");
}

static void
a_cause_has_ten_lines_and_then_one_each_ten_seconds(void **unused)
{
	(void)unused;
	say("gateway: failing: a", 30);
	assert_int_equal(n_logged, 10);
	assert_int_equal(logger_dropped, 20);
	clock_ms += 9999;
	say("gateway: failing: b", 1);
	assert_int_equal(n_logged, 0);
	clock_ms += 1;
	say("gateway: failing: c", 2);
	assert_int_equal(n_logged, 2);	/* the report and one line */
	assert_string_equal(logged, "net: gateway: failing: c");
}

static void
the_next_line_comes_after_the_number_of_those_suppressed(void **unused)
{
	(void)unused;
	say("gateway h:1: failing: a", 47);
	clock_ms += 10000;
	log_sink(on_first_line);
	say("gateway h:1: failing: b", 1);
	assert_string_equal(logged,
	    "net: gateway h:1: failing: 37 similar lines suppressed in 10 s");
}

static void
a_minute_later_the_number_is_told_without_a_line(void **unused)
{
	(void)unused;
	say("gateway: failing: a", 47);
	n_logged = 0;
	clock_ms += 59999;
	look();
	assert_int_equal(n_logged, 0);
	assert_true(evtimer_pending(child.log_report, NULL));
	clock_ms += 1;
	look();
	assert_string_equal(logged,
	    "net: gateway: failing: 37 similar lines suppressed in 60 s");
	assert_false(evtimer_pending(child.log_report, NULL));
	assert_int_equal(n_logged, 1);
}

static void
when_the_process_ends_the_number_is_told(void **unused)
{
	(void)unused;
	say("gateway: failing: a", 11);
	child_log_report(&child);
	assert_string_equal(
	    logged, "net: gateway: failing: 1 similar lines suppressed in 0 s");
}

/* Does a line with text `b' have the cause of one with text `a'? */
static int
is_same(const char *a, const char *b)
{
	struct log_cause *k;

	memset(child.log_causes, 0, sizeof(child.log_causes));
	k = cause_of(&child, LOG_ERR, a);
	k->last = 1;
	return cause_of(&child, LOG_ERR, b) == k;
}

static void
a_cause_is_subject_and_event_without_numbers(void **unused)
{
	(void)unused;
	assert_true(is_same("a: b: c", "a: b: d: e"));
	assert_true(
	    is_same("task 0x1f: refused", "task 0xcafe9: refused: late"));
	assert_true(is_same(
	    "http://10.0.0.1:80: fails: x", "http://10.1.0.2:8080: fails: x"));
	assert_false(is_same("a: b: c", "a: d: c"));
	assert_false(is_same("a: b: c", "d: b: c"));
	assert_false(is_same("chain 1: a: b", "chain 2: a: b"));
	assert_true(is_same("chain 1: a: b: c", "chain 1: a: b: d"));
	assert_false(is_same("chain 1: a: b: c", "chain 1: a: c: c"));
	assert_true(is_same("", ""));
}

static void
a_warning_does_not_suppress_an_error(void **unused)
{
	(void)unused;
	say("a: b", 20);
	n_logged = 0;
	child_log(&child, LOG_ERR, "a: b");
	assert_int_equal(n_logged, 1);
}

static void
debug_lines_are_not_suppressed(void **unused)
{
	int i;

	(void)unused;
	log_level(LOG_DEBUG);
	for (i = 0; i < 20; i++)
		child_log(&child, LOG_DEBUG, "a: b");
	assert_int_equal(n_logged, 20);
	assert_int_equal(logger_dropped, 0);
}

static void
suppressed_lines_leave_the_budget_to_others(void **unused)
{
	(void)unused;
	say("a: b", 10 * LOG_BURST);
	say("c: d", 1);
	assert_int_equal(n_logged, 1);
	assert_int_equal(child.log_dropped, 0);
}

/* The number of a cause that is replaced is told, but only within the
 * budget. */
static void
the_oldest_cause_is_replaced(void **unused)
{
	char text[] = "a: b";
	int i;

	(void)unused;
	say("old: b", 12);
	for (i = 0; i < LOG_CAUSES - 1; i++, text[0]++) {
		clock_ms++;
		child_log(&child, LOG_ERR, text);
	}
	log_sink(on_first_line);
	clock_ms++;
	say("new: b", 1);
	assert_string_equal(
	    logged, "net: old: b: 2 similar lines suppressed in 1 s");
	n_logged = 0;
	say("old: b", 1);
	assert_string_equal(logged, "net: old: b");
}

/* Eleven lines for each report: the reports are limited, too. */
static void
many_causes_do_not_exceed_the_budget(void **unused)
{
	char text[16];
	int i, j, n = 0;

	(void)unused;
	for (i = 0; i < 26 * 26; i++)
		for (j = 0; j < 11; j++, n++) {
			snprintf(text, sizeof(text), "x%c%c: b", 'a' + i / 26,
			    'a' + i % 26);
			child_log(&child, LOG_ERR, text);
		}
	assert_int_equal(n_logged, LOG_BURST);
	assert_int_equal(logger_dropped, 26 * 26 * 11 - n_logged + n_reports);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flood_of_lines_is_cut_and_told_once),
		TEST(after_a_flood_lines_are_logged_again),
		TEST(a_cause_has_ten_lines_and_then_one_each_ten_seconds),
		TEST(the_next_line_comes_after_the_number_of_those_suppressed),
		TEST(a_minute_later_the_number_is_told_without_a_line),
		TEST(when_the_process_ends_the_number_is_told),
		TEST(a_cause_is_subject_and_event_without_numbers),
		TEST(a_warning_does_not_suppress_an_error),
		TEST(debug_lines_are_not_suppressed),
		TEST(suppressed_lines_leave_the_budget_to_others),
		TEST(the_oldest_cause_is_replaced),
		TEST(many_causes_do_not_exceed_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
