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

#define RATE	5000		/* tasks a second that there must be room for */

struct keys keys;
static uint64_t ms = 1000000;
static struct replay *table;

uint64_t
now_ms(void)
{
	return ms;
}

static int
init(void **unused)
{
	(void)unused;
	replay_init();
	table = replay_new();
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
	(void)unused;
	assert_int_equal(replay_add(table, id(1), 1, 60), ST_OK);
	assert_int_equal(replay_add(table, id(1), 1, 60), ST_REPLAYED);
	assert_int_equal(replay_add(table, id(1), 1, 120), ST_REPLAYED);
	ms += 60999;
	assert_int_equal(replay_add(table, id(1), 1, 60), ST_REPLAYED);
}

/* After its deadline a task is refused as expired before it comes here; its
 * place is free. */
static void
a_deadline_that_passed_makes_room(void **unused)
{
	(void)unused;
	assert_int_equal(replay_add(table, id(3), 1, 60), ST_OK);
	ms += 63000;
	assert_int_equal(replay_add(table, id(3), 1, 60), ST_OK);
	assert_int_equal(replay_add(table, id(3), 1, 60), ST_REPLAYED);
}

static void
another_attempt_is_another_task(void **unused)
{
	(void)unused;
	assert_int_equal(replay_add(table, id(2), 1, 60), ST_OK);
	assert_int_equal(replay_add(table, id(2), 2, 60), ST_OK);
	assert_int_equal(replay_add(table, id(2), 1, 60), ST_REPLAYED);
}

/* Another chain's Orchestrator cannot use it up either. */
static void
each_chain_has_its_own_table(void **unused)
{
	struct replay *other = replay_new();

	(void)unused;
	assert_int_equal(replay_add(table, id(4), 1, 60), ST_OK);
	assert_int_equal(replay_add(other, id(4), 1, 60), ST_OK);
	assert_int_equal(replay_add(other, id(4), 1, 60), ST_REPLAYED);
}

static void
there_is_room_for_the_rate_that_is_promised(void **unused)
{
	const uint64_t first = 1000, n = first + RATE * REPLAY_AHEAD;
	uint64_t i;

	(void)unused;
	for (i = first; i < n; i++)
		assert_int_equal(
		    replay_add(table, id(i), 7, REPLAY_AHEAD), ST_OK);
}

/* With all of the above in it. */
static void
a_full_table_refuses_and_forgets_nothing(void **unused)
{
	const uint64_t first = 1000000000, n = first + 2200000;
	uint64_t i, busy = 0;
	uint32_t status;

	(void)unused;
	for (i = first; i < n; i++) {
		status = replay_add(table, id(i), 7, REPLAY_AHEAD);
		if (status != ST_OK && status != ST_BUSY)
			fail_msg("id %llu: status %u", (unsigned long long)i,
			    status);
		busy += status == ST_BUSY;
	}
	assert_in_range(busy, 1, 2000000);
	for (i = first; i < n; i += 5)
		assert_int_not_equal(
		    replay_add(table, id(i), 7, REPLAY_AHEAD), ST_OK);
	for (i = 1000; i < 1000 + RATE * REPLAY_AHEAD; i += 50)
		assert_int_equal(
		    replay_add(table, id(i), 7, REPLAY_AHEAD), ST_REPLAYED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_is_taken_once),
		cmocka_unit_test(another_attempt_is_another_task),
		cmocka_unit_test(a_deadline_that_passed_makes_room),
		cmocka_unit_test(each_chain_has_its_own_table),
		cmocka_unit_test(there_is_room_for_the_rate_that_is_promised),
		cmocka_unit_test(a_full_table_refuses_and_forgets_nothing),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
