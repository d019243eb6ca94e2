/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of results that wait to be published, alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/keys/publish.c"

/* chan.c wants them; nothing is dispatched. */
const msg_handler handlers[M_TYPES];

struct keys keys;
static struct chain *const ch = &keys.chains[0];
static struct batch batch = { .chain = &keys.chains[0] };
static struct m_facts facts;
static struct m_value values[TASK_OUTPUTS];
static uint8_t call[CALLDATA_MAX];
static uint64_t now = 1000000;

uint64_t
now_us(void)
{
	return now * 1000;
}

uint64_t
now_ms(void)
{
	return now;
}

void
sign_typed(const struct chain *c, const uint8_t hash[32], uint8_t sig[65])
{
	(void)c;
	(void)hash;
	memset(sig, 1, 65);
}

static int is_draining;

int
trust_is_draining(void)
{
	return is_draining;
}

static int
setup(void **unused)
{
	(void)unused;
	memset(&keys, 0, sizeof(keys));
	keys.conf.n_chains = 1;
	keys.conf.chains[0].publish = 1;
	keys.conf.chains[0].publish_interval = 10;
	ch->conf = &keys.conf.chains[0];
	ch->net.fd = -1;
	is_draining = 0;
	publish_init();
	memset(ch->publish, 0, sizeof(*ch->publish));
	batch.facts = &facts;
	facts.kms_epoch = 1;
	return 0;
}

/* A result of n outputs, which have `mark' in them. */
static void
add(uint8_t id, uint32_t attempt, uint16_t n, uint8_t mark)
{
	struct task t = { .batch = &batch, .status = ST_OK };
	uint8_t hash[32] = { mark };
	size_t i;

	t.m.id[0] = id;
	t.m.attempt = attempt;
	t.program.shape.n_outputs = n;
	for (i = 0; i < n; i++) {
		values[i].handle[0] = mark;
		values[i].len = 17;
	}
	t.outputs = values;
	publish_add(ch, &t, hash);
}

static size_t
due(void)
{
	uint64_t gas;

	now += 10000;
	return publish_call(ch, call, &gas);
}

static void
one_attempt_at_a_task_is_published(void **unused)
{
	struct publish *p = ch->publish;

	(void)unused;
	add(1, 1, 2, 0xa1);
	add(2, 1, 1, 0xb1);
	add(1, 2, 3, 0xa2);
	assert_int_equal(p->n_tasks, 2);
	assert_int_equal(p->n_outputs, 4);
	assert_int_equal(ch->status.publish_waiting, 2);
	assert_int_equal(p->tasks[0].id[0], 2);
	assert_int_equal(p->outputs[0].handle[0], 0xb1);
	assert_int_equal(p->hashes[0][0], 0xb1);
	assert_int_equal(p->tasks[1].attempt, 2);
	assert_int_equal(p->outputs[1].handle[0], 0xa2);
	assert_int_equal(p->hashes[1][0], 0xa2);
}

/* The contents of a transaction stay as they were signed. */
static void
an_attempt_that_was_sent_is_left_alone(void **unused)
{
	struct publish *p = ch->publish;

	(void)unused;
	add(1, 1, 2, 0xa1);
	assert_true(due() > 0);
	add(1, 2, 1, 0xa2);
	assert_int_equal(p->n_tasks, 2);
	publish_ended(ch, TX_SUCCEEDED, 5);
	assert_int_equal(ch->status.published, 1);
	assert_int_equal(p->n_tasks, 1);
	assert_int_equal(p->n_outputs, 1);
	assert_int_equal(p->tasks[0].attempt, 2);
}

static void
what_nobody_knows_the_end_of_is_given_up(void **unused)
{
	unsigned i;

	(void)unused;
	add(1, 1, 1, 0xa1);
	for (i = 0; i < 10; i++) {	/* these cost nothing */
		assert_true(due() > 0);
		publish_unsent(ch);
	}
	for (i = 1; i <= PUBLISH_TRIES; i++) {
		assert_int_equal(ch->status.publish_dropped, 0);
		assert_true(due() > 0);
		publish_ended(ch, TX_UNKNOWN, 5);
	}
	assert_int_equal(ch->status.publish_dropped, 1);
	assert_int_equal(due(), 0);
	/* The next has its tries, too. */
	add(2, 1, 1, 0xa1);
	assert_true(due() > 0);
	publish_ended(ch, TX_UNKNOWN, 5);
	assert_true(due() > 0);
	publish_ended(ch, TX_REVERTED, 5);
	assert_int_equal(ch->status.publish_dropped, 2);
}

static void
a_full_queue_takes_no_more_and_says_so(void **unused)
{
	unsigned i;

	(void)unused;
	for (i = 0; i < 5; i++)
		add((uint8_t)i, 1, 250, (uint8_t)i);
	assert_int_equal(ch->status.publish_dropped, 1);
	assert_int_equal(ch->status.publish_waiting, 4);
	/* Another attempt takes the place of the one before. */
	add(3, 2, 250, 9);
	assert_int_equal(ch->status.publish_dropped, 1);
	assert_int_equal(ch->status.publish_waiting, 4);
}

static void
results_do_not_wait_when_the_service_is_stopping(void **unused)
{
	uint64_t gas;

	(void)unused;
	add(1, 1, 2, 0xa1);
	assert_int_equal(publish_call(ch, call, &gas), 0);
	is_draining = 1;
	assert_int_not_equal(publish_call(ch, call, &gas), 0);
}

#define T(f)	cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_attempt_at_a_task_is_published),
		T(an_attempt_that_was_sent_is_left_alone),
		T(what_nobody_knows_the_end_of_is_given_up),
		T(results_do_not_wait_when_the_service_is_stopping),
		T(a_full_queue_takes_no_more_and_says_so),
	};

	td_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
