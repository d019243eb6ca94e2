/* SPDX-License-Identifier: Apache-2.0
 *
 * What a taken net or registry gets from keys for the gas account's money: the
 * two calls that keys makes, to the Registry, for no more than gas-max-fee, and
 * one in some seconds.  Every transaction that keys signs is read here, field
 * by field.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "calldata.h"
#include "keccak.h"
#include "log.h"
#include "rig.h"
#include "secp.h"
#include "typed_data.h"

#define GWEI	UINT64_C(1000000000)

static struct rig rig;
static struct work work[1];

/* A transaction as it came. */
struct seen {
	uint64_t	 chain_id, nonce, tip, max_fee, gas;
	uint8_t		 data[CALLDATA_MAX];
	size_t		 n;
};

static int
setup(void **unused)
{
	(void)unused;
	rig.has_gas = 1;
	rig_start(&rig);
	work_new(&rig, &work[0]);
	/* Known, funded, and not registered. */
	memcpy(rig.facts.gas_account, rig.gas_account, 20);
	rig.facts.gas_nonce = 7;
	rig.facts.gas_balance = UINT64_MAX;
	rig.facts.base_fee = GWEI;
	return 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	rig_stop(&rig);
	return 0;
}

static void
facts(uint64_t sequence)
{
	rig.facts.sequence = sequence;
	rig.facts.block_number++;
	chan_send(&rig.registry, M_FACTS, &rig.facts, NULL, 0, -1);
}

static void
verdict(uint8_t xor)
{
	struct m_verdict v;

	memset(&v, 0, sizeof(v));
	td_registration(&rig.registration, v.registration);
	v.registration[0] ^= xor;
	v.n_verifier = 3;
	memcpy(v.verifier, "me!", 3);
	v.signature[64] = 27;
	chan_send(&rig.net, M_VERDICT, &v, NULL, 0, -1);
}

/* keys has the lock and wants newer facts: it gets them. */
static void
asked(void)
{
	const struct m_runner *r;

	r = rig_next(&rig, &rig.registry, M_RUNNER)->payload;
	assert_memory_equal(r->address, rig.runner, 20);
	rig.facts.request = r->request;
	facts(rig.facts.sequence);
}

static void
the_gas_key_stands_in_locked_memory_alone(void **unused)
{
	(void)unused;
	facts(0);
	verdict(0);
	asked();
	rig_next(&rig, &rig.registry, M_TX);
#ifndef TEE_SANITIZERS
	rig_scan(&rig, rig.has_memlock ? "-a" : "-u", GAS_KEY);
#endif
}

/* ---- what was signed --------------------------------------------------- */

/* The next item: its bytes. */
static const uint8_t *
item(const uint8_t **p, size_t *n)
{
	const uint8_t *at = *p;
	size_t i, sizes;

	if (at[0] < 0x80) {
		*n = 1;
		*p += 1;
		return at;
	}
	assert_true(at[0] < 0xc0);
	sizes = at[0] < 0xb8 ? 0 : at[0] - 0xb7u;
	for (i = 0, *n = at[0] - 0x80u; i < sizes; i++)
		*n = (i == 0 ? 0 : *n << 8) | at[1 + i];
	*p = at + 1 + sizes + *n;
	return at + 1 + sizes;
}

static uint64_t
number(const uint8_t **p)
{
	size_t n;
	const uint8_t *b = item(p, &n);
	uint64_t v = 0;

	assert_in_range(n, 0, 8);
	while (n-- > 0)
		v = v << 8 | *b++;
	return v;
}

/* The next transaction; whatever it is, it must keep to this. */
static void
next(struct seen *s)
{
	static const uint8_t registry[20] = { 0x52 };
	const struct msg *m = rig_next(&rig, &rig.registry, M_TX);
	const struct m_tx *tx = m->payload;
	const uint8_t *p = m->rows, *b, *end = p + tx->size;
	uint8_t hash[32];
	size_t n;

	keccak256(p, tx->size, hash);
	assert_memory_equal(hash, tx->hash, 32);
	assert_int_equal(*p++, 2);
	assert_true(*p >= 0xf8);	/* a list of more than 55 bytes */
	p += 1 + (*p - 0xf7);
	s->chain_id = number(&p);
	s->nonce = number(&p);
	s->tip = number(&p);
	s->max_fee = number(&p);
	s->gas = number(&p);
	assert_int_equal(s->chain_id, CHAIN_ID);
	assert_int_equal(s->nonce, tx->nonce);
	assert_in_range(s->max_fee, 1, GAS_MAX_FEE * GWEI);
	assert_in_range(s->tip, 1, s->max_fee);
	assert_in_range(s->gas, 21000, 1 << 24);
	b = item(&p, &n);
	assert_int_equal(n, 20);
	assert_memory_equal(b, registry, 20);
	assert_int_equal(number(&p), 0);	/* it pays no one */
	b = item(&p, &s->n);
	assert_in_range(s->n, 4, sizeof(s->data));
	memcpy(s->data, b, s->n);
	assert_int_equal(*p++, 0xc0);
	number(&p);
	item(&p, &n);
	item(&p, &n);
	assert_ptr_equal(p, end);
}

static void
is_registration(const struct seen *s)
{
	static uint8_t data[CALLDATA_MAX];
	struct m_verdict v;

	memset(&v, 0, sizeof(v));
	v.n_verifier = 3;
	memcpy(v.verifier, "me!", 3);
	v.signature[64] = 27;
	assert_int_equal(s->n, calldata_register(&rig.registration, &v, data));
	assert_memory_equal(s->data, data, s->n);
}

/* ---- net --------------------------------------------------------------- */

static void
verdicts_on_another_registration_cost_nothing(void **unused)
{
	int i;

	(void)unused;
	facts(0);
	for (i = 0; i < 1000; i++)
		verdict((uint8_t)(1 + i % 255));
	rig_lives(&rig);
	rig_silent(&rig, &rig.registry);
}

static void
a_thousand_verdicts_are_paid_for_once(void **unused)
{
	static struct seen s;
	int i;

	(void)unused;
	facts(0);
	for (i = 0; i < 1000; i++)
		verdict(0);
	asked();
	next(&s);
	assert_int_equal(s.nonce, 7);
	is_registration(&s);
	/* It was rubbish: the next try is keys's to make, not net's. */
	rig.facts.gas_nonce = 8;
	rig.facts.tx_nonce = 7;
	rig.facts.tx_status = TX_REVERTED;
	facts(0);
	rig_said(&rig, "nonce 7: reverted: registration");
	for (i = 0; i < 1000; i++)
		verdict(0);
	sleep(6);			/* longer than the pause */
	facts(0);
	rig_lives(&rig);
	rig_silent(&rig, &rig.registry);
}

/* A refusal costs nothing; one of the Registry is not paid for again: the next
 * transaction has a registration over new evidence. */
static void
a_reverted_registration_is_not_paid_for_twice(void **unused)
{
	static struct seen s;
	struct m_verdict v = { .verdict = VERDICT_REFUSED };

	(void)unused;
	facts(0);
	td_registration(&rig.registration, v.registration);
	chan_send(&rig.net, M_VERDICT, &v, NULL, 0, -1);
	rig_said(&rig, "refused: verdict 1 of verifier");
	rig_turn(&rig);		/* it has set the time of its next try */
	rig_later(&rig, 21);
	rig_next(&rig, &rig.net, M_REGISTER);
	rig_silent(&rig, &rig.registry);
	facts(0);
	verdict(0);
	asked();
	next(&s);
	is_registration(&s);
	rig.facts.gas_nonce = s.nonce + 1;
	rig.facts.tx_nonce = s.nonce;
	rig.facts.tx_status = TX_REVERTED;
	facts(0);
	rig_said(&rig, "reverted: registration");
	assert_int_equal(
	    rig_status(&rig)->registration_verdict, VERDICT_REVERTED);
	rig_silent(&rig, &rig.net);
	rig_later(&rig, 41);
	facts(0);
	rig_quote(&rig);
	assert_int_equal(rig.registration.sequence, 2);
	verdict(0);
	rig_turn(&rig);
	rig_later(&rig, 10);
	facts(0);
	asked();
	next(&s);
	assert_int_equal(s.nonce, rig.facts.gas_nonce);
	is_registration(&s);
}

static void
net_sends_a_verdict_longer_than_it_can_be(void **unused)
{
	struct m_verdict v = { .n_verifier = VERIFIER_MAX + 1 };

	(void)unused;
	chan_send(&rig.net, M_VERDICT, &v, NULL, 0, -1);
	rig_cuts(&rig, &rig.net, "illegal VERDICT: length of the verifier");
}

static void
net_sends_a_transaction(void **unused)
{
	struct m_tx t = { .size = 0 };

	(void)unused;
	rig_raw(&rig.net, M_TX, &t, sizeof(t));
	rig_cuts(&rig, &rig.net, "illegal TX");
}

/* ---- registry ---------------------------------------------------------- */

static void
no_fee_that_registry_tells_is_paid_above_the_cap(void **unused)
{
	static struct seen s;

	(void)unused;
	rig.facts.base_fee = UINT64_MAX;
	facts(0);
	verdict(0);
	rig_said(&rig, "fees exceed gas-max-fee");
	rig_silent(&rig, &rig.registry);
	rig.facts.base_fee = GAS_MAX_FEE * GWEI - 1;
	facts(0);
	asked();
	next(&s);
	assert_int_equal(s.max_fee, GAS_MAX_FEE * GWEI);
	is_registration(&s);
}

static void
nonces_that_jump_are_one_transaction_in_a_pause(void **unused)
{
	static struct seen s;
	int i;

	(void)unused;
	facts(0);
	verdict(0);
	asked();
	next(&s);
	for (i = 0; i < 200; i++) {
		rig.facts.gas_nonce = i % 2 == 0 ? 3 : (uint64_t)i * 1000;
		rig.facts.gas_balance = (uint64_t)i << 56;
		facts(0);
	}
	rig_lives(&rig);
	rig_silent(&rig, &rig.registry);
}

/* Two processes with one account, of which the test is the other. */
static void
two_with_one_key_never_have_transactions_at_one_time(void **unused)
{
	const int file = open(rig_gas_key, O_RDONLY | O_CLOEXEC);
	static struct seen s;

	(void)unused;
	assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
	facts(0);
	verdict(0);
	rig_lives(&rig);
	rig_silent(&rig, &rig.registry);
	/* The other one has used a nonce, which keys does not know yet. */
	assert_int_equal(flock(file, LOCK_UN), 0);
	facts(0);
	rig.facts.gas_nonce = 8;
	asked();
	next(&s);
	assert_int_equal(s.nonce, 8);
	assert_int_equal(flock(file, LOCK_EX | LOCK_NB), -1);
	rig.facts.gas_nonce = 9;
	rig.facts.tx_nonce = 8;
	facts(0);
	rig_lives(&rig);
	assert_int_equal(flock(file, LOCK_EX | LOCK_NB), -1);
	rig.facts.tx_status = TX_SUCCEEDED;
	facts(1);
	rig_said(&rig, "nonce 8: mined: registration");
	rig_lives(&rig);
	assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
	close(file);
}

static void
facts_of_another_account_move_nothing(void **unused)
{
	(void)unused;
	rig.facts.gas_account[19] ^= 1;
	facts(0);
	verdict(0);
	rig_lives(&rig);
	rig_silent(&rig, &rig.registry);
}

/* ---- publication ------------------------------------------------------- */

static void
what_is_published_is_what_was_computed(void **unused)
{
	static struct seen s;
	static uint8_t data[CALLDATA_MAX];
	uint8_t plain[2][32], hash[1][32], digest[32];
	struct call_output o;
	struct call_task t;
	struct m_value v;
	uint32_t job;

	(void)unused;
	facts(1);
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_delegate(&rig, work);
	work_grant(&rig, 1, work, 1, &rig.gateway);
	job = work_job(&rig, work, plain);
	work_done(&rig, job, work[0].program.outputs[0].b, 48, &v);
	work_result(&rig, 1, work, ST_OK, &v);
	asked();
	next(&s);
	memcpy(t.id, work[0].m.id, 32);
	t.attempt = work[0].m.attempt;
	t.n_outputs = 1;
	memcpy(o.handle, v.handle, 32);
	memcpy(o.key, v.key, 33);
	memcpy(o.nonce, v.nonce, 12);
	keccak256(v.ciphertext, v.len, o.hash);
	/* The signature is what it ends with, in three words. */
	assert_int_equal(s.n,
	    calldata_publish(rig.epoch, &t, 1, &o, s.data + s.n - 96, data));
	assert_memory_equal(s.data, data, s.n);
	td_outputs(&v, 1, digest);
	td_task_result(t.id, t.attempt, ST_OK, digest, hash[0]);
	td_task_result_batch(rig.epoch, (const uint8_t(*)[32])hash, 1, digest);
	rig_signed(&rig, digest, s.data + s.n - 96);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(verdicts_on_another_registration_cost_nothing),
		T(a_thousand_verdicts_are_paid_for_once),
		T(a_reverted_registration_is_not_paid_for_twice),
		T(net_sends_a_verdict_longer_than_it_can_be),
		T(net_sends_a_transaction),
		T(no_fee_that_registry_tells_is_paid_above_the_cap),
		T(nonces_that_jump_are_one_transaction_in_a_pause),
		T(two_with_one_key_never_have_transactions_at_one_time),
		T(facts_of_another_account_move_nothing),
		T(what_is_published_is_what_was_computed),
		T(the_gas_key_stands_in_locked_memory_alone),
	};

	return cmocka_run_group_tests_name("hostile: gas", tests, NULL, NULL);
}
