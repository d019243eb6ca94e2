/* SPDX-License-Identifier: Apache-2.0
 *
 * The gas account's state machine, alone: facts and time go in, transactions
 * come out.  Everything around it in keys is a stand-in here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/keys/gas.c"
#include "../../src/keys/gas_key.c"
#include "../../src/keys/key_file.c"

#define BASE	(7 * GWEI)

/* chan.c wants them; nothing is dispatched. */
const msg_handler handlers[M_TYPES];

struct keys keys;
static struct chain *const ch = &keys.chains[0];
static struct gas *const g = &accounts[0];
static uint64_t now = 1000000, facts_at;
static struct m_facts facts;
static const uint8_t runner[20] = { 0x11 };
static unsigned n_sent;
static uint64_t n_first;
static int is_replacement;		/* the last that was sent */
static struct m_tx last;
static size_t to_publish;		/* what publish_call() gives */
static unsigned n_published, n_dropped, n_again;
static int is_slow;			/* registry */
static int other;			/* the file, of another process */

/* ---- the rest of keys -------------------------------------------------- */

uint64_t
now_ms(void)
{
	return 1000 * now;
}

uint64_t
facts_now(const struct chain *c)
{
	(void)c;
	return now;
}

enum idle_reason
facts_why(const struct chain *c)
{
	return facts_at + c->conf->registry_max_age < now ? WHY_FACTS_OLD :
							    WHY_NONE;
}

const uint8_t *
sign_address(const struct chain *c)
{
	(void)c;
	return runner;
}

void
trust_changed(void)
{
	gas_tick(ch);
}

void
registration_ask_facts(struct chain *c)
{
	(void)c;
	if (!is_slow)
		facts.request = gas_request();
}

void
registration_reverted(struct chain *c, uint64_t sequence)
{
	(void)sequence;
	c->is_reverted++;
}

int __wrap_chan_send(
    struct chan *, enum msg_type, const void *, const void *, size_t, int);
int
__wrap_chan_send(struct chan *c, enum msg_type type, const void *payload,
    const void *rows, size_t n_rows, int fd)
{
	(void)c;
	(void)rows;
	(void)fd;
	assert_int_equal(type, M_TX);
	is_replacement = last.nonce == ((const struct m_tx *)payload)->nonce &&
	    ch->status.tx_sent == n_first;
	n_first = ch->status.tx_sent;
	memcpy(&last, payload, sizeof(last));
	assert_in_range(last.size, (n_rows - 1) * 32 + 1, n_rows * 32);
	n_sent++;
	return 0;
}

size_t
publish_call(struct chain *c, uint8_t *out, uint64_t *gas)
{
	(void)c;
	memset(out, 1, to_publish);
	*gas = 100000;
	return to_publish;
}

void
publish_unsent(struct chain *c)
{
	(void)c;
	n_again++;
}

void
publish_ended(struct chain *c, enum tx_status status, uint64_t nonce)
{
	(void)c;
	(void)nonce;
	n_again += status == TX_UNKNOWN;
	n_published += status == TX_SUCCEEDED;
	n_dropped += status == TX_REVERTED;
	if (status == TX_SUCCEEDED || status == TX_REVERTED)
		to_publish = 0;
}

/* ---- what happens ------------------------------------------------------ */

static int
setup(void **unused)
{
	static uint8_t one[32] = { 1 };
	char path[32];

	(void)unused;
	close(file);
	close(other);
	file = memfd_create("key", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	other = open(path, O_RDONLY);
	assert_true(other != -1);
	memset(&lock, 0, sizeof(lock));
	is_slow = 0;
	memset(&keys, 0, sizeof(keys));
	memset(accounts, 0, sizeof(accounts));
	memset(address, 0xaa, 20);
	secret = one;
	keys.conf.n_chains = 1;
	ch->conf = &keys.conf.chains[0];
	keys.conf.chains[0].chain_id = 1;
	keys.conf.chains[0].register_direct = 1;
	keys.conf.chains[0].publish = 1;
	keys.conf.chains[0].gas_max_fee = 100;
	keys.conf.chains[0].registry_depth = 2;
	keys.conf.chains[0].registry_max_age = 300;
	ch->gas = g;
	memset(&facts, 0, sizeof(facts));
	ch->facts = &facts;
	facts.block_number = 50;
	facts.gas_nonce = 5;
	facts.gas_balance = 1000 * GWEI;
	facts.base_fee = BASE;
	facts.valid_until = now + 10000;
	memcpy(facts.gas_account, address, 20);
	memcpy(facts.runner, runner, 20);
	ch->registration.sequence = 1;
	g->state = GAS_READY;
	g->phase = P_IDLE;
	g->wanted = V_NONE;
	n_sent = n_published = n_dropped = n_again = 0;
	to_publish = 0;
	return 0;
}

/* So many blocks and seconds on. */
static void
pass(uint64_t blocks, uint64_t seconds)
{
	now += seconds;
	facts.block_number += blocks;
	facts_at = now;
	gas_tick(ch);
}

/* Its nonce has passed, and this is what the receipt says. */
static void
mined(uint32_t status)
{
	facts.gas_nonce = facts.tx_nonce = last.nonce;
	facts.gas_nonce++;
	facts.tx_status = status;
	pass(3, 3);
}

static void
verdict(uint32_t v)
{
	struct m_verdict m = { .verdict = v };

	memcpy(m.registration, ch->registration_hash, 32);
	facts_at = now;
	gas_verdict(ch, &m);
}

static void
a_verdict_is_paid_for_once(void **unused)
{
	(void)unused;
	verdict(0);
	assert_int_equal(n_sent, 0);	/* nobody asked */
	gas_registration(ch);
	assert_false(gas_holds_registration(ch));
	verdict(1);
	assert_int_equal(n_sent, 0);	/* refused, and that was it */
	verdict(0);
	assert_int_equal(n_sent, 0);
	gas_registration(ch);
	ch->registration_hash[0] ^= 1;
	verdict(0);			/* of this one */
	assert_int_equal(n_sent, 1);
	assert_int_equal(last.nonce, 5);
	assert_true(gas_holds_registration(ch));
	verdict(0);
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	facts.sequence = 1;
	mined(TX_UNKNOWN);		/* the Registry has it: no receipt
					 * needed */
	assert_false(gas_holds_registration(ch));
	verdict(0);
	pass(100, 1000);
	assert_int_equal(n_sent, 1);
	assert_int_equal(ch->status.tx_sent, 1);
}

static void
a_registration_that_fails_waits_longer_each_time(void **unused)
{
	uint64_t t;

	(void)unused;
	gas_registration(ch);
	verdict(0);
	mined(TX_REVERTED);
	assert_int_equal(ch->status.tx_failed, 1);
	assert_int_equal(ch->is_reverted, 1);
	assert_false(gas_holds_registration(ch));
	verdict(0);			/* not asked for again */
	assert_int_equal(n_sent, 1);
	gas_registration(ch);		/* a new one, at once */
	verdict(0);
	for (t = 0; t < FAILED_FIRST - 1; t++)
		pass(1, 1);
	assert_int_equal(n_sent, 1);
	pass(1, 1);
	assert_int_equal(n_sent, 2);
	mined(TX_REVERTED);
	gas_registration(ch);
	verdict(0);
	pass(20, 2 * FAILED_FIRST - 1);
	assert_int_equal(n_sent, 2);
	pass(1, 1);
	assert_int_equal(n_sent, 3);
	facts.sequence = ch->registration.sequence;
	mined(TX_SUCCEEDED);		/* and from the start again */
	assert_int_equal(g->delay, 0);
}

static void
a_transaction_that_is_stuck_pays_more_up_to_the_cap(void **unused)
{
	uint64_t tip = 0, fee = 0;
	unsigned i;

	(void)unused;
	to_publish = 100;
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	assert_true(g->max_fee == 2 * BASE + GWEI && g->tip == GWEI);
	pass(2 + STUCK_BLOCKS, 100);	/* one block less than it had */
	assert_int_equal(n_sent, 1);
	for (i = 2; i < 40; i++) {
		tip = g->tip;
		fee = g->max_fee;
		pass(1, STUCK_TIME);
		if (n_sent != i)
			break;
		assert_true(
		    g->tip >= tip + tip / 10 && g->max_fee >= fee + fee / 10);
		assert_true(g->max_fee <= 100 * GWEI && g->tip <= g->max_fee);
		assert_int_equal(last.nonce, 5);
		pass(2 + STUCK_BLOCKS, 0);
	}
	assert_in_range(i, 8, 12);
	assert_true(fee > 85 * GWEI);
	assert_int_equal(g->state, GAS_FEE_TOO_HIGH);
	pass(1, AGAIN);			/* and the same again, in case */
	assert_int_equal(n_sent, i);
	assert_true(g->max_fee == fee);
	mined(TX_SUCCEEDED);
	assert_int_equal(n_published, 1);
	assert_int_equal(g->state, GAS_READY);
}

static void
above_the_cap_nothing_is_sent(void **unused)
{
	(void)unused;
	to_publish = 100;
	facts.base_fee = UINT64_MAX;
	pass(1, 1);
	assert_int_equal(g->state, GAS_FEE_TOO_HIGH);
	facts.base_fee = 100 * GWEI + 1;
	pass(1, 1);
	assert_int_equal(n_sent, 0);
	facts.base_fee = 100 * GWEI;
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	assert_true(g->max_fee == 100 * GWEI);
}

static void
without_funds_it_waits_for_them(void **unused)
{
	(void)unused;
	facts.gas_balance = 0;
	pass(1, 1);
	/* before it is needed */
	assert_int_equal(g->state, GAS_NO_FUNDS);
	to_publish = 100;
	pass(1, 1);
	/* Its gas, of which data is 40 a byte, at 15 gwei. */
	facts.gas_balance = (121000 + 4000) * 15 - 1;
	pass(1, 1);
	assert_int_equal(n_sent, 0);
	assert_int_equal(ch->status.gas, GAS_NO_FUNDS);
	facts.gas_balance++;
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	assert_int_equal(g->limit, 125000);
	assert_int_equal(ch->status.gas, GAS_PENDING);
}

static void
a_nonce_that_goes_back_is_used_again(void **unused)
{
	(void)unused;
	to_publish = 100;
	pass(1, 1);
	facts.gas_nonce = 3;
	pass(1, PAUSE);
	assert_int_equal(n_again, 1);
	assert_int_equal(n_sent, 2);
	assert_int_equal(last.nonce, 3);
	/* Facts of a block before are another endpoint's, for some time. */
	facts.gas_nonce = 2;
	pass((uint64_t)-1, PAUSE + 1);
	assert_int_equal(n_sent, 2);
	pass(0, BEHIND);
	pass(0, LOCK_PAUSE);
	assert_int_equal(n_sent, 3);
	assert_int_equal(last.nonce, 2);
}

static void
a_nonce_that_someone_else_used_is_noticed(void **unused)
{
	(void)unused;
	to_publish = 100;
	pass(1, 1);
	mined(TX_UNKNOWN);
	pass(1, LOST - 1);
	assert_int_equal(n_again, 0);
	pass(1, 1);
	assert_int_equal(n_again, 1);
	pass(1, LOCK_PAUSE);
	assert_int_equal(n_sent, 2);
	assert_int_equal(last.nonce, 6);
}

static void
a_publication_that_is_reverted_is_dropped(void **unused)
{
	(void)unused;
	to_publish = 100;
	pass(1, 1);
	mined(TX_REVERTED);
	assert_int_equal(n_dropped, 1);
	assert_int_equal(ch->status.tx_failed, 1);
	pass(10, 100);
	assert_int_equal(n_sent, 1);
}

static void
a_registry_that_starts_again_gets_the_same_transaction(void **unused)
{
	struct m_tx first;

	(void)unused;
	gas_registry_peer(ch);
	assert_int_equal(n_sent, 0);
	to_publish = 100;
	pass(1, 1);
	first = last;
	gas_registry_peer(ch);
	assert_int_equal(n_sent, 2);
	assert_memory_equal(&first, &last, sizeof(first));
}

/* Whatever registry says of nonces, receipts and blocks: a registration is sent
 * under one nonce for each verdict that was asked for. */
static void
a_verdict_is_paid_for_once_whatever_registry_says(void **unused)
{
	uint64_t nonce = UINT64_MAX, asked = 0, nonces = 0;
	unsigned before, i;

	(void)unused;
	srandom(1);
	for (i = 0; i < 100000; i++) {
		if (random() % 50 == 0) {
			ch->registration.sequence++;
			gas_registration(ch);
			asked++;
			g->delay = 0;		/* not what is tested here */
			g->not_before = 0;
		}
		if (random() % 5 == 0)
			verdict(0);
		facts.gas_nonce = random() % 3 == 0 ? (uint64_t)random() % 9 :
		    nonce == UINT64_MAX		    ? 5 :
					  nonce + (uint64_t)random() % 2;
		facts.tx_nonce = random() % 2 == 0 ? nonce :
						     (uint64_t)random() % 9;
		facts.tx_status = (uint32_t)random() % 3;
		before = n_sent;
		pass((uint64_t)random() % 9, (uint64_t)random() % 60);
		assert_in_range(n_sent - before, 0, 1);
		/* Its end and the next may fall together: same nonce or not. */
		if (n_sent != before &&
		    (nonce != last.nonce || !is_replacement)) {
			nonces++;
			nonce = last.nonce;
		}
		assert_true(nonces <= asked);
	}
	assert_true(asked > 1000 && nonces > 80);
}

/* The honest case of the same: the chain turns back, the verdict is spent. */
static void
a_chain_that_turns_back_costs_another_verdict(void **unused)
{
	(void)unused;
	gas_registration(ch);
	verdict(0);
	assert_int_equal(n_sent, 1);
	facts.gas_nonce = 3;
	pass(1, PAUSE);
	pass(1, 1000);
	assert_int_equal(n_sent, 1);
	assert_false(gas_holds_registration(ch));	/* trust.c asks again */
	verdict(0);
	assert_int_equal(n_sent, 1);
	gas_registration(ch);
	verdict(0);
	assert_int_equal(n_sent, 2);
	assert_int_equal(last.nonce, 3);
}

/* While the one before is on its way. */
static void
a_new_registration_waits_for_the_one_that_was_sent(void **unused)
{
	(void)unused;
	gas_registration(ch);
	verdict(0);
	ch->registration.sequence = 2;
	gas_registration(ch);
	verdict(0);
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	facts.sequence = 1;
	mined(TX_SUCCEEDED);
	pass(1, PAUSE);
	assert_int_equal(n_sent, 2);
	assert_int_equal(last.nonce, 6);
}

static void
registration_goes_before_publication(void **unused)
{
	(void)unused;
	facts.gas_balance = 0;
	to_publish = 100;
	pass(1, 1);
	assert_int_equal(g->what, PUBLISH);
	gas_registration(ch);
	verdict(0);
	assert_int_equal(g->what, REGISTER);
	assert_int_equal(n_again, 1);
}

static void
facts_of_another_account_or_too_old_are_none(void **unused)
{
	(void)unused;
	to_publish = 100;
	facts.gas_account[0] ^= 1;
	pass(1, 1);
	facts.gas_account[0] ^= 1;
	facts_at = now - 301;
	gas_tick(ch);
	assert_int_equal(n_sent, 0);
	facts_at = now - 300;
	gas_tick(ch);
	assert_int_equal(n_sent, 1);
}

static void
a_flood_of_nonces_is_one_transaction_in_a_pause(void **unused)
{
	uint64_t t;

	(void)unused;
	to_publish = 100;
	for (t = 0; t < 100; t++) {
		facts.gas_nonce = (uint64_t)random();
		facts.tx_nonce = last.nonce;
		facts.tx_status = (uint32_t)(t % 3);
		to_publish = 100;
		pass(1, 1);
	}
	assert_in_range(n_sent, 10, 100 / PAUSE);
}

static int
other_locks(void)
{
	return flock(other, LOCK_EX | LOCK_NB) == 0;
}

static void
other_unlocks(void)
{
	assert_int_equal(flock(other, LOCK_UN), 0);
}

static void
the_lock_is_held_until_the_transaction_ends(void **unused)
{
	(void)unused;
	pass(1, 1);			/* nothing to send */
	assert_true(other_locks());
	other_unlocks();
	to_publish = 100;
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	assert_false(other_locks());
	mined(TX_UNKNOWN);
	assert_int_equal(g->phase, P_PASSED);
	assert_false(other_locks());
	facts.tx_status = TX_SUCCEEDED;
	pass(1, 1);
	assert_true(other_locks());
}

static void
nothing_is_sent_while_another_process_has_the_lock(void **unused)
{
	unsigned i;

	(void)unused;
	assert_true(other_locks());
	to_publish = 100;
	for (i = 0; i < 2 * LOCK_LATE; i++)
		pass(1, 1);
	assert_int_equal(n_sent, 0);
	assert_int_equal(g->state, GAS_READY);
	assert_true(lock.is_late);
	other_unlocks();
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	assert_false(lock.is_late);
}

static void
a_nonce_that_was_read_before_the_lock_was_taken_is_not_used(void **unused)
{
	(void)unused;
	is_slow = 1;
	to_publish = 100;
	pass(1, 1);
	pass(1, 1);
	assert_int_equal(n_sent, 0);
	assert_false(other_locks());
	facts.request = gas_request();
	facts.gas_nonce = 6;
	pass(1, 1);
	assert_int_equal(n_sent, 1);
	assert_int_equal(last.nonce, 6);
}

static void
the_lock_is_released_if_no_newer_facts_come(void **unused)
{
	(void)unused;
	is_slow = 1;
	to_publish = 100;
	pass(1, 1);
	pass(1, LOCK_TIME - 1);
	assert_false(other_locks());
	pass(1, 1);
	assert_true(other_locks());
}

/* Two chains could otherwise keep the lock for each other. */
static void
after_some_time_the_other_process_has_its_turn(void **unused)
{
	struct chain *second = &keys.chains[1];

	(void)unused;
	keys.conf.n_chains = 2;
	*second = *ch;
	second->gas = &accounts[1];
	accounts[1] = *g;
	to_publish = 100;
	pass(1, 1);
	now += LOCK_TIME - 1;
	facts_at = now;
	gas_tick(second);
	assert_int_equal(n_sent, 2);
	mined(TX_SUCCEEDED);		/* of the first */
	to_publish = 100;
	facts_at = now += PAUSE;
	gas_tick(ch);			/* late */
	assert_int_equal(n_sent, 2);
	assert_false(other_locks());
	gas_tick(second);		/* the last that was pending */
	to_publish = 100;
	pass(1, LOCK_PAUSE - 1);
	assert_int_equal(n_sent, 2);
	assert_true(other_locks());
	other_unlocks();
	pass(1, 1);
	assert_int_equal(n_sent, 3);
}

static void
a_key_is_hex_and_nothing_else(void **unused)
{
	static const char good[] = "0123456789abcdefABCDEF0123456789"
				   "0123456789abcdefABCDEF0123456789\n";
	uint8_t key[32], text[80];
	size_t i;
	unsigned c;

	(void)unused;
	memcpy(text, "0x", 2);
	memcpy(text + 2, good, 65);
	assert_int_equal(read_key(text, 67, key), 0);
	assert_int_equal(key[7], 0xef);
	assert_int_equal(key[8], 0xab);
	assert_int_equal(read_key(text + 2, 64, key), 0);
	assert_int_equal(read_key(text + 2, 63, key), -1);
	assert_int_equal(read_key(text + 2, 66, key), -1);
	for (i = 0; i < 64; i += 63)
		for (c = 0; c < 256; c++) {
			memcpy(text, good, 65);
			text[i] = (uint8_t)c;
			assert_int_equal(read_key(text, 65, key) == 0,
			    c < 128 && c != 0 &&
				strchr("0123456789abcdefABCDEF", (int)c) !=
				    NULL);
		}
}

#define T(f)	cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_verdict_is_paid_for_once),
		T(a_registration_that_fails_waits_longer_each_time),
		T(a_transaction_that_is_stuck_pays_more_up_to_the_cap),
		T(above_the_cap_nothing_is_sent),
		T(without_funds_it_waits_for_them),
		T(a_nonce_that_goes_back_is_used_again),
		T(a_nonce_that_someone_else_used_is_noticed),
		T(a_publication_that_is_reverted_is_dropped),
		T(a_registry_that_starts_again_gets_the_same_transaction),
		T(a_verdict_is_paid_for_once_whatever_registry_says),
		T(a_chain_that_turns_back_costs_another_verdict),
		T(a_new_registration_waits_for_the_one_that_was_sent),
		T(registration_goes_before_publication),
		T(facts_of_another_account_or_too_old_are_none),
		T(a_flood_of_nonces_is_one_transaction_in_a_pause),
		T(the_lock_is_held_until_the_transaction_ends),
		T(nothing_is_sent_while_another_process_has_the_lock),
		T(a_nonce_that_was_read_before_the_lock_was_taken_is_not_used),
		T(the_lock_is_released_if_no_newer_facts_come),
		T(after_some_time_the_other_process_has_its_turn),
		T(a_key_is_hex_and_nothing_else),
	};

	log_init("test", LOG_ERR);
	secp_init(NULL);
	return cmocka_run_group_tests_name("gas", tests, NULL, NULL);
}
