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

#include "../../src/monitor/log_budget.c"

static struct event_base *base;
static struct child child;
static char logged[1024];		/* the last line */
static size_t n_logged;

static void
on_line(int level, const char *line)
{
	(void)level;
	snprintf(logged, sizeof(logged), "%s", line);
	n_logged++;
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
	n_logged = 0;
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

static void
flood(void)
{
	int i;

	for (i = 0; i < LOG_BURST + 300; i++)
		child_log(&child, LOG_ERR, "flood");
}

static void
a_flood_of_lines_is_cut_and_told_once(void **unused)
{
	(void)unused;
	flood();
	/* The machine may be slow: some intervals can pass meanwhile. */
	assert_in_range(n_logged, LOG_BURST, LOG_BURST + 50);
	assert_int_equal(child.log_dropped, LOG_BURST + 300 - n_logged);
	assert_true(evtimer_pending(child.log_report, NULL));
	child.log_dropped = 250;
	n_logged = 0;
	event_active(child.log_report, EV_TIMEOUT, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_logged, 1);
	assert_string_equal(logged,
	    "tee-runnerd: net: 250 log lines dropped: more than 10 a second");
	child_log_report(&child);
	assert_int_equal(n_logged, 1);
}

static void
after_a_flood_lines_are_logged_again(void **unused)
{
	(void)unused;
	flood();
	child.log_time = now_ms();	/* much later */
	child_log(&child, LOG_ERR, "back");
	assert_string_equal(logged, "net: back");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flood_of_lines_is_cut_and_told_once),
		TEST(after_a_flood_lines_are_logged_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
