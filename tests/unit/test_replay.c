/* SPDX-License-Identifier: Apache-2.0
 *
 * What was accepted is not accepted again: not even when the table is full.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "clock.h"
#include "keys.h"

static int
init(void **unused)
{
	(void)unused;
	replay_init();
	return 0;
}

/* The n-th of many task ids. */
static const uint8_t *
id(uint64_t n)
{
	static uint8_t b[32];

	memcpy(b, &n, sizeof(n));
	return b;
}

static void
a_task_is_taken_once(void **unused)
{
	uint64_t later = now_unix() + 60;

	(void)unused;
	assert_int_equal(replay_add(1, id(1), 1, later), ST_OK);
	assert_int_equal(replay_add(1, id(1), 1, later), ST_REPLAYED);
	assert_int_equal(replay_add(1, id(1), 1, later + 60), ST_REPLAYED);
}

static void
another_attempt_is_another_task(void **unused)
{
	uint64_t later = now_unix() + 60;

	(void)unused;
	assert_int_equal(replay_add(1, id(2), 1, later), ST_OK);
	assert_int_equal(replay_add(1, id(2), 2, later), ST_OK);
	assert_int_equal(replay_add(1, id(2), 1, later), ST_REPLAYED);
	/* Nor can another chain's Orchestrator use it up. */
	assert_int_equal(replay_add(2, id(2), 1, later), ST_OK);
	assert_int_equal(replay_add(2, id(2), 1, later), ST_REPLAYED);
}

/* Behind its deadline a task is refused as expired before it comes here; its
 * place is free. */
static void
a_deadline_that_passed_makes_room(void **unused)
{
	(void)unused;
	assert_int_equal(replay_add(1, id(3), 1, now_unix() - 1), ST_OK);
	assert_int_equal(replay_add(1, id(3), 1, now_unix() + 60), ST_OK);
	assert_int_equal(replay_add(1, id(3), 1, now_unix() + 60), ST_REPLAYED);
}

static void
a_full_table_refuses_and_forgets_nothing(void **unused)
{
	uint64_t later = now_unix() + 3600, n, taken = 0, busy = 0;

	(void)unused;
	for (n = 1000; n < 1000 + 300000; n++)
		switch (replay_add(1, id(n), 7, later)) {
		case ST_OK:
			taken++;
			break;
		case ST_BUSY:
			busy++;
			break;
		default:
			fail_msg("id %llu: seen before",
			    (unsigned long long)n);
		}
	assert_true(busy > 0);
	assert_true(taken > 200000);
	for (n = 1000; n < 1000 + 300000; n++)
		assert_int_not_equal(replay_add(1, id(n), 7, later), ST_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_is_taken_once),
		cmocka_unit_test(another_attempt_is_another_task),
		cmocka_unit_test(a_deadline_that_passed_makes_room),
		cmocka_unit_test(a_full_table_refuses_and_forgets_nothing),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
