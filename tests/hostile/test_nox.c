/* SPDX-License-Identifier: Apache-2.0
 *
 * What a taken nox or worker gets from keys on a chain of Nox v0: no signature
 * by the wallet that was not due, no result that the worker of the transaction
 * did not compute, and one line that says why it was cut off.  The first test
 * is the honest run.
 */
#include "builder.h"
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"
#include "nox_data.h"
#include "rig.h"
#include "secp.h"
#include "typed_data.h"

#define REPORT	"On the 1 handles submitted to publishing, 1 were "	\
		"successfully created, 0 were unchanged and 0 conflicted"

/* A transaction with two inputs and one result. */
struct tx {
	struct m_nox_task m;
	struct work	 w;		/* its program */
	struct m_nox_operand operands[3];	/* two, and one too many */
	struct m_nox_ask ask;
};

static struct rig rig;
static struct tx tx[2], many[24];

/* ---- everyone else ----------------------------------------------------- */

static void
tell_key(struct chan *worker, uint32_t number)
{
	struct m_rsa_key m = { .number = number };

	memset(m.spki, (int)(number + 16 * worker->index), sizeof(m.spki));
	chan_send(worker, M_RSA_KEY, &m, NULL, 0, -1);
	rig_lives(&rig);
}

static void
tx_new(struct tx *t, uint32_t id)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	work_new(&rig, &t->w);
	t->m.id = id;
	t->m.chain_id = CHAIN_ID;
	t->m.block_number = 42;
	t->m.shape = t->w.m.shape;
	assert_int_equal(getrandom(t->m.transaction_hash, 32, 0), 32);
	assert_int_equal(getrandom(t->operands, sizeof(t->operands), 0),
	    sizeof(t->operands));
	for (i = 0; i < 3; i++) {
		if (i < 2)
			memcpy(t->operands[i].handle, t->w.program.inputs[i].b,
			    32);
		t->operands[i].len = 48;
	}
}

static void
offer(const struct tx *t)
{
	chan_send(&rig.net, M_NOX_TASK, &t->m, t->w.words, t->w.n_words, -1);
}

static void
to_transaction(const struct tx *t, struct nox_transaction *to)
{
	memset(to, 0, sizeof(*to));
	to->chain_id = CHAIN_ID;
	to->block_number = t->m.block_number;
	memcpy(to->caller, t->m.caller, 20);
	memcpy(to->hash, t->m.transaction_hash, 32);
}

/* Its operands are asked for with the key of this worker. */
static void
asked(struct tx *t, uint32_t ask, const struct chan *worker, uint32_t key)
{
	const struct m_nox_ask *m = rig_next(&rig, &rig.net, M_NOX_ASK)
					->payload;
	uint8_t spki[NOX_SPKI], hash[32];
	struct nox_transaction of;

	memset(spki, (int)(key + 16 * worker->index), sizeof(spki));
	assert_int_equal(m->id, t->m.id);
	assert_int_equal(m->ask, ask);
	assert_memory_equal(m->spki, spki, sizeof(spki));
	assert_memory_not_equal(m->salt, t->ask.salt, 32);
	to_transaction(t, &of);
	nox_operand_access(&of, (const uint8_t(*)[32])t->w.program.inputs, 2,
	    spki, sizeof(spki), hash);
	rig_signed(&rig, hash, m->signature);
	t->ask = *m;
}

static void
sign_salted(const struct party *by, const uint8_t *salt, const uint8_t hash[32],
    uint8_t signature[65])
{
	uint8_t domain[32], digest[32];

	nox_domain(CHAIN_ID, salt, domain);
	td_digest(domain, hash, digest);
	assert_int_equal(secp_sign(by->key, digest, signature), 0);
}

/* The first n operands as they are, signed. */
static void
grant_signed(
    struct tx *t, size_t n, const struct party *by, const uint8_t *salt)
{
	struct m_nox_grant m = { .id = t->m.id, .ask = t->ask.ask };
	struct nox_operand list[3];
	uint8_t hash[32];
	size_t i;

	for (i = 0; i < n; i++) {
		memcpy(list[i].handle, t->operands[i].handle, 32);
		memcpy(list[i].iv, t->operands[i].nonce, 12);
		list[i].ciphertext = t->operands[i].ciphertext;
		list[i].n_ciphertext = t->operands[i].len;
		list[i].secret = t->operands[i].secret;
		list[i].n_secret = NOX_RSA;
	}
	nox_compute_operands(list, n, hash);
	sign_salted(by, salt, hash, m.signature);
	chan_send(&rig.net, M_NOX_GRANT, &m, t->operands, n, -1);
}

static void
grant(struct tx *t)
{
	grant_signed(t, 2, &rig.gateway, t->ask.salt);
}

/* The worker gets the job, with exactly its program and operands: its
 * number. */
static uint32_t
job(const struct tx *t, struct chan *worker, uint32_t key)
{
	const struct msg *msg = rig_next(&rig, worker, M_NOX_JOB);
	const struct m_nox_job *m = msg->payload;
	const struct m_word *rows = msg->rows;

	assert_int_equal(m->chain_id, CHAIN_ID);
	assert_int_equal(m->rsa_key, key);
	assert_memory_equal(&m->shape, &t->m.shape, sizeof(m->shape));
	assert_memory_equal(m->kms_key, rig.kms.pub, 33);
	assert_int_equal(msg->n_rows, t->w.n_words + 2 * NOX_WORDS);
	assert_memory_equal(rows, t->w.words, 32 * t->w.n_words);
	assert_memory_equal(
	    rows + t->w.n_words, t->operands, 2 * sizeof(t->operands[0]));
	return m->job;
}

static void
value_new(const struct tx *t, struct m_nox_value *v)
{
	memset(v, 0, sizeof(*v));
	memcpy(v->handle, t->w.program.outputs[0].b, 32);
	memcpy(v->key, rig.kms.pub, 33);
	memset(v->tag, 0x77, 32);
	memset(v->ciphertext, 0xcc, 48);
	v->len = 48;
}

static void
answer(struct chan *worker, uint32_t number, uint32_t status,
    const struct m_nox_value *values, size_t n)
{
	const struct m_job_done m = { .job = number, .status = status };

	chan_send(worker, M_NOX_DONE, &m, values, n, -1);
}

/* What was computed, with the signature to store it. */
static struct m_nox_result
result_signed(const struct tx *t)
{
	const struct msg *msg = rig_next(&rig, &rig.net, M_NOX_RESULT);
	const struct m_nox_result *m = msg->payload;
	struct nox_transaction of;
	struct m_nox_value v;
	uint8_t hash[32];

	value_new(t, &v);
	assert_int_equal(m->id, t->m.id);
	assert_int_equal(m->status, ST_OK);
	assert_int_equal(msg->n_rows, 1);
	assert_memory_equal(msg->rows, &v, sizeof(v));
	assert_memory_not_equal(m->salt, t->ask.salt, 32);
	to_transaction(t, &of);
	nox_result_publishing(&of, hash);
	rig_signed(&rig, hash, m->signature);
	return *m;
}

static void
failed(uint32_t id, uint32_t status)
{
	static const uint8_t none[65];
	const struct msg *msg = rig_next(&rig, &rig.net, M_NOX_RESULT);
	const struct m_nox_result *m = msg->payload;

	assert_int_equal(m->id, id);
	assert_int_equal(m->status, status);
	assert_int_equal(msg->n_rows, 0);
	assert_memory_equal(m->signature, none, 65);
}

static void
stored(const struct tx *t, const struct party *by, const uint8_t *salt)
{
	struct m_nox_stored m = { .id = t->m.id, .n = sizeof(REPORT) - 1 };
	uint8_t hash[32];

	memcpy(m.report, REPORT, m.n);
	nox_result_report(m.report, m.n, hash);
	sign_salted(by, salt, hash, m.signature);
	chan_send(&rig.net, M_NOX_STORED, &m, NULL, 0, -1);
}

static void
ended(const struct tx *t, uint32_t is_valid)
{
	const struct m_nox_ended *m = rig_next(&rig, &rig.net, M_NOX_ENDED)
					  ->payload;

	assert_int_equal(m->id, t->m.id);
	assert_int_equal(m->is_valid, is_valid);
}

static void
refused(const struct tx *t, uint32_t status)
{
	const struct m_nox_refused *m = rig_next(&rig, &rig.net, M_NOX_REFUSED)
					    ->payload;

	assert_int_equal(m->id, t->m.id);
	assert_int_equal(m->status, status);
}

static void
drop(const struct tx *t)
{
	const struct m_nox_id m = { t->m.id };

	chan_send(&rig.net, M_NOX_DROP, &m, NULL, 0, -1);
	rig_lives(&rig);	/* before what a worker sends next */
}

/* Nothing for nox, nor for a worker. */
static void
nothing_comes(void)
{
	rig_silent(&rig, &rig.net);
	if (rig.worker.fd != -1)
		rig_silent(&rig, &rig.worker);
	if (rig.second.fd != -1)
		rig_silent(&rig, &rig.second);
}

/* ---- honest ------------------------------------------------------------ */

static void
run_to_ask(struct tx *t)
{
	offer(t);
	asked(t, 1, &rig.worker, 1);
}

static uint32_t
run_to_job(struct tx *t)
{
	run_to_ask(t);
	grant(t);
	return job(t, &rig.worker, 1);
}

static void
finish(struct tx *t, struct chan *worker, uint32_t number)
{
	struct m_nox_result result;
	struct m_nox_value v;

	value_new(t, &v);
	answer(worker, number, ST_OK, &v, 1);
	result = result_signed(t);
	stored(t, &rig.gateway, result.salt);
	ended(t, 1);
}

/* It is computed and its result signed: the transaction before it did no harm
 * to keys. */
static void
serves(struct tx *t)
{
	finish(t, &rig.worker, run_to_job(t));
	nothing_comes();
}

static int
setup(void **unused)
{
	(void)unused;
	rig.is_nox = 1;
	rig_start(&rig);
	tell_key(&rig.worker, 1);
	tx_new(&tx[0], 1);
	tx_new(&tx[1], 2);
	return 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	rig_stop(&rig);
	rig.has_other = rig.max_tasks = rig.isolate_task = 0;
	return 0;
}

static int
setup_chains(void **unused)
{
	rig.has_other = 1;
	return setup(unused);
}

static int
setup_isolated(void **unused)
{
	rig.isolate_task = 1;
	return setup(unused);
}

static int
setup_few(void **unused)
{
	rig.max_tasks = 2;
	return setup(unused);
}

static void
an_honest_transaction_is_computed_and_signed(void **unused)
{
	(void)unused;
	serves(&tx[0]);
	serves(&tx[1]);
	tx_new(&tx[0], 1);	/* the number is free again */
	serves(&tx[0]);
}

/* All in one test: without access to memory it ends here. */
static void
the_wallet_stands_in_locked_memory_alone(void **unused)
{
	(void)unused;
	serves(&tx[0]);
#ifndef TEE_SANITIZERS
	rig_scan(&rig, rig.has_memlock ? "-a" : "-u", NOX_KEY);
#endif
}

/* ---- grants ------------------------------------------------------------ */

/* The transaction ends without a signature, and another one is served. */
static void
grant_is_refused(void)
{
	failed(1, ST_GRANT_INVALID);
	rig_said(&rig, "operands: refused: not those that were asked for");
	nothing_comes();
	serves(&tx[1]);
}

static void
a_grant_for_another_transactions_inputs_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	memcpy(tx[0].operands, tx[1].operands, sizeof(tx[1].operands));
	grant(&tx[0]);
	grant_is_refused();
}

static void
operands_that_are_swapped_are_refused(void **unused)
{
	const struct m_nox_operand first = tx[0].operands[0];

	(void)unused;
	run_to_ask(&tx[0]);
	tx[0].operands[0] = tx[0].operands[1];
	tx[0].operands[1] = first;
	grant(&tx[0]);
	grant_is_refused();
}

static void
an_operand_that_is_missing_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	grant_signed(&tx[0], 1, &rig.gateway, tx[0].ask.salt);
	grant_is_refused();
}

static void
a_grant_without_operands_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	grant_signed(&tx[0], 0, &rig.gateway, tx[0].ask.salt);
	grant_is_refused();
}

static void
one_operand_too_many_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	grant_signed(&tx[0], 3, &rig.gateway, tx[0].ask.salt);
	grant_is_refused();
}

static void
an_operand_of_another_handle_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	tx[0].operands[1].handle[31] ^= 1;
	grant(&tx[0]);
	grant_is_refused();
}

/* Each byte of an operand is signed. */
static void
an_operand_that_was_changed_is_refused(void **unused)
{
	struct m_nox_grant m = { .id = 1, .ask = 1 };

	(void)unused;
	run_to_ask(&tx[0]);
	chan_send(&rig.net, M_NOX_GRANT, &m, tx[0].operands, 2, -1);
	grant_is_refused();
}

static void
a_grant_that_somebody_else_signed_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	grant_signed(&tx[0], 2, &rig.kms, tx[0].ask.salt);
	grant_is_refused();
}

static void
a_grant_that_is_signed_without_a_salt_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	grant_signed(&tx[0], 2, &rig.gateway, NULL);
	grant_is_refused();
}

static void
a_grant_with_the_salt_of_another_transaction_is_refused(void **unused)
{
	(void)unused;
	run_to_ask(&tx[1]);
	drop(&tx[1]);
	run_to_ask(&tx[0]);
	grant_signed(&tx[0], 2, &rig.gateway, tx[1].ask.salt);
	failed(1, ST_GRANT_INVALID);
	nothing_comes();
}

/* Of the same transaction, before its worker ended. */
static void
a_grant_with_the_salt_of_an_earlier_request_is_refused(void **unused)
{
	uint8_t salt[32];

	(void)unused;
	run_to_ask(&tx[0]);
	memcpy(salt, tx[0].ask.salt, 32);
	rig_new_worker(&rig);
	tell_key(&rig.worker, 1);
	asked(&tx[0], 2, &rig.worker, 1);
	grant_signed(&tx[0], 2, &rig.gateway, salt);
	grant_is_refused();
}

static void
nox_grants_a_transaction_that_is_not_there(void **unused)
{
	(void)unused;
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: no such transaction");
	serves(&tx[1]);
}

static void
nox_grants_the_same_transaction_twice(void **unused)
{
	(void)unused;
	run_to_job(&tx[0]);
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: not in this state");
}

static void
nox_grants_what_is_stored(void **unused)
{
	struct m_nox_value v;
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	value_new(&tx[0], &v);
	answer(&rig.worker, number, ST_OK, &v, 1);
	result_signed(&tx[0]);
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: not in this state");
	serves(&tx[1]);
}

/* A transaction that waits for a worker with a key was not asked for. */
static void
nox_grants_before_it_was_asked(void **unused)
{
	(void)unused;
	rig_new_worker(&rig);
	offer(&tx[0]);
	tx[0].ask.ask = 1;
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: not in this state");
}

static void
nox_answers_a_request_that_was_not_made(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	tx[0].ask.ask = 2;
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: no such request");
	tx_new(&tx[0], 1);
	run_to_ask(&tx[0]);
	tx[0].ask.ask = 0;
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: no such request");
}

/* The length is a byte: hashing as many as stated would read past it. */
static void
nox_grants_an_operand_longer_than_it_can_be(void **unused)
{
	struct m_nox_grant m = { .id = 1, .ask = 1 };

	(void)unused;
	run_to_ask(&tx[0]);
	tx[0].operands[1].len = 255;
	chan_send(&rig.net, M_NOX_GRANT, &m, tx[0].operands, 2, -1);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: length of an operand");
}

/* ---- transactions ------------------------------------------------------ */

static void
nox_uses_a_number_that_is_in_use(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	tx[1].m.id = 1;
	offer(&tx[1]);
	rig_cuts(&rig, &rig.net, "illegal NOX_TASK: number is in use");
	serves(&tx[1]);
}

static void
program_is_cut(struct tx *t)
{
	offer(t);
	rig_cuts(&rig, &rig.net,
	    "illegal NOX_TASK: program that nox must have refused");
	serves(&tx[1]);
}

static void
nox_sends_a_type_that_the_protocol_lacks(void **unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < 3; i++)	/* uint8, of both inputs and the output */
		tx[0].w.words[i].b[5] = TYPE_UINT(8);
	program_is_cut(&tx[0]);
}

static void
nox_sends_operands_of_two_types(void **unused)
{
	(void)unused;
	tx[0].w.words[0].b[5] = TYPE_UINT(16);
	program_is_cut(&tx[0]);
}

static void
nox_sends_a_handle_of_another_chain(void **unused)
{
	(void)unused;
	tx[0].w.words[1].b[4] ^= 1;
	program_is_cut(&tx[0]);
}

/* Else its input would be signed as its result. */
static void
nox_sends_an_input_that_is_its_output(void **unused)
{
	(void)unused;
	tx[0].w.words[2] = tx[0].w.words[0];
	program_is_cut(&tx[0]);
}

/* A handle that no operation uses: anybody's. */
static void
nox_sends_an_input_that_is_not_used(void **unused)
{
	struct builder b;
	struct p_shape *s = &b.shape;

	(void)unused;
	builder_init(&b);
	builder_op(&b, 0x10, 0);
	builder_handle(&b, tx[0].w.program.inputs[0].b);
	builder_handle(&b, tx[0].w.program.inputs[1].b);
	builder_output(&b, tx[0].w.program.outputs[0].b);
	b.inputs[s->n_inputs++] = tx[1].w.words[0];
	tx[0].w.n_words = builder_words(&b, tx[0].w.words);
	tx[0].m.shape = *s;
	program_is_cut(&tx[0]);
}

static void
nox_sends_a_program_of_another_shape(void **unused)
{
	(void)unused;
	tx[0].m.shape.n_inputs--;
	program_is_cut(&tx[0]);
}

static void
nox_sends_an_empty_program(void **unused)
{
	(void)unused;
	memset(&tx[0].m.shape, 0, sizeof(tx[0].m.shape));
	tx[0].w.n_words = 0;
	program_is_cut(&tx[0]);
}

static void
nox_sends_more_inputs_than_a_request_may_have(void **unused)
{
	(void)unused;
	work_new_largest(&rig, &tx[0].w);
	tx[0].m.shape = tx[0].w.m.shape;
	offer(&tx[0]);
	rig_cuts(&rig, &rig.net,
	    "illegal NOX_TASK: more inputs than a request may have");
	serves(&tx[1]);
}

static void
a_transaction_of_another_chain_is_refused(void **unused)
{
	(void)unused;
	tx[0].m.chain_id++;
	offer(&tx[0]);
	refused(&tx[0], ST_WRONG_CHAIN);
	nothing_comes();
	serves(&tx[1]);
}

static void
more_transactions_than_max_tasks_are_refused(void **unused)
{
	struct tx *third = &many[0];

	(void)unused;
	tx_new(third, 3);
	run_to_ask(&tx[0]);
	run_to_ask(&tx[1]);
	offer(third);
	refused(third, ST_BUSY);
	drop(&tx[0]);
	serves(third);
}

static void
under_old_facts_transactions_are_refused(void **unused)
{
	(void)unused;
	rig_later(&rig, 601);
	offer(&tx[0]);
	refused(&tx[0], ST_NOT_SERVING);
	rig.facts.block_number++;
	rig.facts.block_time += 601;
	rig_facts_now(&rig, &rig.facts);
	serves(&tx[1]);
}

/* The Gateway of its admission is its Gateway; the next has the new one. */
static void
a_new_gateway_is_for_the_next_transaction(void **unused)
{
	const struct party old = rig.gateway;
	struct m_nox_result result;
	struct m_nox_value v;
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	memcpy(rig.facts.gateways[0], rig.orchestrator.address, 20);
	rig.facts.block_number++;
	rig_facts_now(&rig, &rig.facts);
	finish(&tx[0], &rig.worker, number);
	rig.gateway = rig.orchestrator;
	number = run_to_job(&tx[1]);
	value_new(&tx[1], &v);
	answer(&rig.worker, number, ST_OK, &v, 1);
	result = result_signed(&tx[1]);
	stored(&tx[1], &old, result.salt);
	ended(&tx[1], 0);
}

/* ---- reports ----------------------------------------------------------- */

static struct m_nox_result
run_to_result(struct tx *t)
{
	const uint32_t number = run_to_job(t);
	struct m_nox_value v;

	value_new(t, &v);
	answer(&rig.worker, number, ST_OK, &v, 1);
	return result_signed(t);
}

static void
a_report_that_somebody_else_signed_is_not_valid(void **unused)
{
	struct m_nox_result result;

	(void)unused;
	result = run_to_result(&tx[0]);
	stored(&tx[0], &rig.kms, result.salt);
	ended(&tx[0], 0);
	rig_said(&rig, "report: refused: not signed by the Gateway");
	serves(&tx[1]);
}

static void
a_report_with_an_old_salt_is_not_valid(void **unused)
{
	(void)unused;
	run_to_result(&tx[0]);
	stored(&tx[0], &rig.gateway, tx[0].ask.salt);
	ended(&tx[0], 0);
	run_to_result(&tx[1]);
	stored(&tx[1], &rig.gateway, NULL);
	ended(&tx[1], 0);
}

static void
a_report_that_was_changed_is_not_valid(void **unused)
{
	struct m_nox_stored m = { .id = 1, .n = NOX_REPORT };

	(void)unused;
	run_to_result(&tx[0]);
	chan_send(&rig.net, M_NOX_STORED, &m, NULL, 0, -1);
	ended(&tx[0], 0);
}

static void
nox_sends_a_report_longer_than_it_can_be(void **unused)
{
	struct m_nox_stored m = { .id = 1, .n = NOX_REPORT + 1 };

	(void)unused;
	run_to_result(&tx[0]);
	chan_send(&rig.net, M_NOX_STORED, &m, NULL, 0, -1);
	rig_cuts(&rig, &rig.net, "illegal NOX_STORED: length of the report");
}

static void
stored_is_cut(const char *text)
{
	struct m_nox_stored m = { .id = 1 };

	chan_send(&rig.net, M_NOX_STORED, &m, NULL, 0, -1);
	rig_cuts(&rig, &rig.net, text);
}

static void
nox_stores_what_is_not_computed(void **unused)
{
	(void)unused;
	stored_is_cut("illegal NOX_STORED: no such transaction");
	run_to_ask(&tx[0]);
	stored_is_cut("illegal NOX_STORED: not in this state");
	tx_new(&tx[0], 1);
	run_to_job(&tx[0]);
	stored_is_cut("illegal NOX_STORED: not in this state");
}

static void
nox_stores_twice(void **unused)
{
	struct m_nox_result result;

	(void)unused;
	result = run_to_result(&tx[0]);
	stored(&tx[0], &rig.gateway, result.salt);
	ended(&tx[0], 1);
	stored_is_cut("illegal NOX_STORED: no such transaction");
}

/* ---- drops ------------------------------------------------------------- */

static void
a_drop_of_what_is_not_there_changes_nothing(void **unused)
{
	(void)unused;
	drop(&tx[0]);
	nothing_comes();
	serves(&tx[0]);
	drop(&tx[0]);
	serves(&tx[1]);
}

static void
a_transaction_that_waits_for_a_worker_is_dropped(void **unused)
{
	(void)unused;
	rig_new_worker(&rig);
	offer(&tx[0]);
	drop(&tx[0]);
	tell_key(&rig.worker, 1);
	nothing_comes();
	serves(&tx[1]);
}

static void
a_transaction_that_was_asked_for_is_dropped(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	drop(&tx[0]);
	nothing_comes();
	serves(&tx[1]);
	grant(&tx[0]);
	rig_cuts(&rig, &rig.net, "illegal NOX_GRANT: no such transaction");
}

/* Of as many as its worker has, and more that are verified. */
static void
fill_worker(uint32_t numbers[2])
{
	struct tx *t;

	for (t = many; t < many + 4; t++) {
		tx_new(t, 10 + (uint32_t)(t - many));
		run_to_ask(t);
		grant(t);
	}
	numbers[0] = job(&many[0], &rig.worker, 1);
	numbers[1] = job(&many[1], &rig.worker, 1);
	nothing_comes();
}

static void
a_transaction_that_is_ready_is_dropped(void **unused)
{
	uint32_t numbers[2];

	(void)unused;
	fill_worker(numbers);
	drop(&many[2]);
	finish(&many[0], &rig.worker, numbers[0]);
	numbers[0] = job(&many[3], &rig.worker, 1);
	finish(&many[1], &rig.worker, numbers[1]);
	finish(&many[3], &rig.worker, numbers[0]);
	nothing_comes();
	serves(&tx[0]);
}

/* Its worker's answer is for nobody then, whatever it is. */
static void
a_transaction_that_is_computed_is_dropped(void **unused)
{
	struct m_nox_value v;
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	drop(&tx[0]);
	value_new(&tx[0], &v);
	answer(&rig.worker, number, ST_OK, &v, 1);
	nothing_comes();
	serves(&tx[1]);
}

static void
a_transaction_that_is_stored_is_dropped(void **unused)
{
	struct m_nox_result result;

	(void)unused;
	result = run_to_result(&tx[0]);
	drop(&tx[0]);
	nothing_comes();
	serves(&tx[1]);
	stored(&tx[0], &rig.gateway, result.salt);
	rig_cuts(&rig, &rig.net, "illegal NOX_STORED: no such transaction");
}

/* ---- workers ----------------------------------------------------------- */

/* The worker is cut off; its transaction is asked for again, with the key of
 * the next worker, and is computed there. */
static void
worker_is_cut(struct tx *t, const char *text)
{
	rig_cuts(&rig, &rig.worker, text);
	nothing_comes();	/* the new one has no key */
	tell_key(&rig.worker, 1);
	asked(t, 2, &rig.worker, 1);
	grant(t);
	finish(t, &rig.worker, job(t, &rig.worker, 1));
	nothing_comes();
}

static void
a_worker_answers_with_another_handle(void **unused)
{
	struct m_nox_value v;
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	value_new(&tx[1], &v);
	answer(&rig.worker, number, ST_OK, &v, 1);
	worker_is_cut(&tx[0], "illegal NOX_DONE: not the transaction's output");
}

static void
a_worker_answers_with_another_number_of_outputs(void **unused)
{
	struct m_nox_value v[2];
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	value_new(&tx[0], &v[0]);
	value_new(&tx[0], &v[1]);
	answer(&rig.worker, number, ST_OK, v, 2);
	worker_is_cut(&tx[0], "illegal NOX_DONE: number of outputs");
	number = run_to_job(&tx[1]);
	answer(&rig.worker, number, ST_OK, v, 0);
	worker_is_cut(&tx[1], "illegal NOX_DONE: number of outputs");
}

static void
a_worker_answers_with_another_length(void **unused)
{
	struct m_nox_value v;
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	value_new(&tx[0], &v);
	v.len = 47;
	answer(&rig.worker, number, ST_OK, &v, 1);
	worker_is_cut(&tx[0], "illegal NOX_DONE: length of an output");
	number = run_to_job(&tx[1]);
	v.len = 255;
	memcpy(v.handle, tx[1].w.program.outputs[0].b, 32);
	answer(&rig.worker, number, ST_OK, &v, 1);
	worker_is_cut(&tx[1], "illegal NOX_DONE: length of an output");
}

static void
a_worker_answers_a_job_that_it_does_not_have(void **unused)
{
	struct m_nox_value v;

	(void)unused;
	value_new(&tx[0], &v);
	answer(&rig.worker, run_to_job(&tx[0]) + 1, ST_OK, &v, 1);
	worker_is_cut(&tx[0], "illegal NOX_DONE: no such job");
}

static void
a_worker_answers_without_a_job(void **unused)
{
	(void)unused;
	answer(&rig.worker, 0, ST_INTERNAL, NULL, 0);
	rig_cuts(&rig, &rig.worker, "illegal NOX_DONE: no such job");
}

static void
a_worker_answers_a_transaction_as_a_task(void **unused)
{
	struct m_job_done m = { .status = ST_INTERNAL };

	(void)unused;
	m.job = run_to_job(&tx[0]);
	chan_send(&rig.worker, M_JOB_DONE, &m, NULL, 0, -1);
	worker_is_cut(&tx[0], "illegal JOB_DONE: no such job");
}

static void
a_worker_answers_with_outputs_of_a_failed_task(void **unused)
{
	struct m_nox_value v;

	(void)unused;
	value_new(&tx[0], &v);
	answer(&rig.worker, run_to_job(&tx[0]), ST_INTERNAL, &v, 1);
	worker_is_cut(&tx[0], "illegal NOX_DONE: outputs of a failed task");
}

static void
a_worker_answers_with_a_status_that_it_has_not(void **unused)
{
	static const uint32_t statuses[] = { ST_KMS_NODE_FAULT, ST_BUSY,
		ST_INPUT_MISSING, 4711, UINT32_MAX };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		answer(&rig.worker, run_to_job(&tx[0]), statuses[i], NULL, 0);
		worker_is_cut(&tx[0], "illegal NOX_DONE: status");
		tx_new(&tx[0], 1);
	}
}

static void
a_worker_blames_a_node(void **unused)
{
	struct m_job_done m = { .status = ST_INTERNAL, .fault = FAULT_PROOF };

	(void)unused;
	m.job = run_to_job(&tx[0]);
	chan_send(&rig.worker, M_NOX_DONE, &m, NULL, 0, -1);
	worker_is_cut(&tx[0], "illegal NOX_DONE: status");
}

static void
a_worker_blames_an_operand_that_is_not_there(void **unused)
{
	struct m_job_done m = { .status = ST_OPERAND_MALFORMED, .operand = 2 };

	(void)unused;
	m.job = run_to_job(&tx[0]);
	chan_send(&rig.worker, M_NOX_DONE, &m, NULL, 0, -1);
	worker_is_cut(&tx[0], "illegal NOX_DONE: operand");
}

/* What a worker may say ends the transaction without a signature. */
static void
a_transaction_that_fails_ends_unsigned(void **unused)
{
	(void)unused;
	answer(&rig.worker, run_to_job(&tx[0]), ST_OPERAND_MALFORMED, NULL, 0);
	failed(1, ST_OPERAND_MALFORMED);
	serves(&tx[1]);
}

static void
a_worker_tells_a_key_with_a_wrong_number(void **unused)
{
	static const uint32_t numbers[] = { 0, 1, 3, UINT32_MAX };
	struct m_rsa_key m;
	size_t i;

	(void)unused;
	memset(&m, 0, sizeof(m));
	for (i = 0; i < 4; i++) {
		m.number = numbers[i];
		chan_send(&rig.worker, M_RSA_KEY, &m, NULL, 0, -1);
		rig_cuts(&rig, &rig.worker, "illegal RSA_KEY: number");
		tell_key(&rig.worker, 1);
	}
	serves(&tx[0]);
}

static void
a_worker_asks_for_operands(void **unused)
{
	(void)unused;
	rig_raw(&rig.worker, M_NOX_TASK, &tx[0].m, sizeof(tx[0].m));
	rig_cuts(&rig, &rig.worker, "illegal NOX_TASK");
}

/* ---- a worker ends ----------------------------------------------------- */

/* The first worker ends; the second one's key is asked for, and what answers
 * the old request is ignored. */
static void
second_computes(struct tx *t)
{
	static struct tx old;

	old = *t;
	tell_key(&rig.second, 1);
	asked(t, 2, &rig.second, 1);
	grant(&old);
	nothing_comes();
	grant(t);
	finish(t, &rig.second, job(t, &rig.second, 1));
	nothing_comes();
}

static void
second_comes(void)
{
	rig_peer(&rig, &rig.second, R_COMPUTE, 1);
}

static void
a_worker_ends_while_its_transaction_is_asked_for(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	second_comes();
	chan_close(&rig.worker);
	nothing_comes();
	second_computes(&tx[0]);
}

/* Then the answer to the request before may come first. */
static void
an_old_grant_is_ignored_while_no_worker_has_a_key(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	rig_new_worker(&rig);
	rig_lives(&rig);
	grant(&tx[0]);
	nothing_comes();
	tell_key(&rig.worker, 1);
	asked(&tx[0], 2, &rig.worker, 1);
	grant(&tx[0]);
	finish(&tx[0], &rig.worker, job(&tx[0], &rig.worker, 1));
}

static void
a_worker_ends_with_jobs_and_with_more_that_are_ready(void **unused)
{
	uint32_t numbers[2], number;
	size_t i;

	(void)unused;
	fill_worker(numbers);
	rig_new_worker(&rig);
	rig_said(&rig, "worker 0: lost: its task is asked for again");
	nothing_comes();
	tell_key(&rig.worker, 1);
	/* The order is nobody's. */
	for (i = 0; i < 4; i++) {
		const struct m_nox_ask *m = rig_next(&rig, &rig.net, M_NOX_ASK)
						->payload;

		assert_int_equal(m->ask, 2);
		many[m->id - 10].ask = *m;
	}
	nothing_comes();
	for (i = 0; i < 4; i++) {
		grant(&many[i]);
		number = job(&many[i], &rig.worker, 1);
		finish(&many[i], &rig.worker, number);
	}
	nothing_comes();
}

static void
a_worker_ends_while_it_computes(void **unused)
{
	(void)unused;
	run_to_job(&tx[0]);
	second_comes();
	chan_close(&rig.worker);
	nothing_comes();
	second_computes(&tx[0]);
}

/* Nothing of it is the worker's any more. */
static void
a_worker_ends_while_a_result_is_stored(void **unused)
{
	struct m_nox_result result;

	(void)unused;
	result = run_to_result(&tx[0]);
	rig_new_worker(&rig);
	nothing_comes();
	stored(&tx[0], &rig.gateway, result.salt);
	ended(&tx[0], 1);
	tell_key(&rig.worker, 1);
	serves(&tx[1]);
}

static void
without_a_key_a_transaction_waits_for_one(void **unused)
{
	(void)unused;
	rig_new_worker(&rig);
	offer(&tx[0]);
	nothing_comes();
	tell_key(&rig.worker, 1);
	asked(&tx[0], 1, &rig.worker, 1);
	grant(&tx[0]);
	finish(&tx[0], &rig.worker, job(&tx[0], &rig.worker, 1));
}

/* A job goes to the worker whose key was in the request, and to no other. */
static void
a_job_goes_to_the_worker_that_was_promised(void **unused)
{
	uint32_t first, other;

	(void)unused;
	second_comes();
	tell_key(&rig.second, 1);
	run_to_ask(&tx[0]);
	offer(&tx[1]);
	asked(&tx[1], 1, &rig.second, 1);
	grant(&tx[1]);
	grant(&tx[0]);
	first = job(&tx[0], &rig.worker, 1);
	other = job(&tx[1], &rig.second, 1);
	finish(&tx[0], &rig.worker, first);
	finish(&tx[1], &rig.second, other);
	nothing_comes();
}

static void
a_worker_renews_its_key_once(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	tell_key(&rig.worker, 2);
	grant(&tx[0]);
	finish(&tx[0], &rig.worker, job(&tx[0], &rig.worker, 1));
	offer(&tx[1]);
	asked(&tx[1], 1, &rig.worker, 2);
}

/* It has the last two. */
static void
a_key_that_is_two_renewals_old_is_asked_for_again(void **unused)
{
	(void)unused;
	run_to_ask(&tx[0]);
	tell_key(&rig.worker, 2);
	tell_key(&rig.worker, 3);
	grant(&tx[0]);
	asked(&tx[0], 2, &rig.worker, 3);
	grant(&tx[0]);
	finish(&tx[0], &rig.worker, job(&tx[0], &rig.worker, 3));
	nothing_comes();
}

/* The worker has one job in its life, which is promised, then has. */
static void
with_isolate_task_each_has_its_own_worker(void **unused)
{
	uint32_t number;

	(void)unused;
	run_to_ask(&tx[0]);
	offer(&tx[1]);
	nothing_comes();
	grant(&tx[0]);
	number = job(&tx[0], &rig.worker, 1);
	finish(&tx[0], &rig.worker, number);
	nothing_comes();
	rig_new_worker(&rig);
	nothing_comes();
	tell_key(&rig.worker, 1);
	asked(&tx[1], 1, &rig.worker, 1);
	grant(&tx[1]);
	finish(&tx[1], &rig.worker, job(&tx[1], &rig.worker, 1));
}

/* ---- messages of others ------------------------------------------------ */

/* All that only net, a worker or keys may send. */
static void
nox_sends_what_it_may_not(void **unused)
{
	static const struct {
		enum msg_type	 type;
		const char	*text;
	} cases[] = {
		{ M_HELLO_ASK, "illegal HELLO_ASK" },
		{ M_BATCH, "illegal BATCH" },
		{ M_TASK, "illegal TASK" },
		{ M_GRANT, "illegal GRANT" },
		{ M_GRANT_TASK, "illegal GRANT_TASK" },
		{ M_GRANT_SEAL, "illegal GRANT_SEAL" },
		{ M_FETCH_FAILED, "illegal FETCH_FAILED" },
		{ M_VERDICT, "illegal VERDICT" },
		{ M_FACTS, "illegal FACTS" },
		{ M_RSA_KEY, "illegal RSA_KEY" },
		{ M_NOX_JOB, "illegal NOX_JOB" },
		{ M_NOX_DONE, "illegal NOX_DONE" },
		{ M_NOX_ASK, "illegal NOX_ASK" },
		{ M_NOX_RESULT, "illegal NOX_RESULT" },
		{ M_NOX_REFUSED, "illegal NOX_REFUSED" },
		{ M_NOX_ENDED, "illegal NOX_ENDED" },
		{ M_TLS_SIGN, "illegal TLS_SIGN" },
	};
	static const uint8_t zeros[1024];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig.log[0] = '\0';
		rig_raw(&rig.net, cases[i].type, zeros, sizeof(zeros));
		rig_cuts(&rig, &rig.net, cases[i].text);
	}
	serves(&tx[0]);
}

/* Its transactions end with it, and the numbers are free. */
static void
another_nox_begins_again(void **unused)
{
	uint32_t number;

	(void)unused;
	number = run_to_job(&tx[0]);
	run_to_ask(&tx[1]);
	rig_raw(&rig.net, M_NOX_DROP, NULL, 0);
	rig_cuts(&rig, &rig.net, "illegal NOX_DROP");
	answer(&rig.worker, number, ST_INTERNAL, NULL, 0);
	nothing_comes();
	tx_new(&tx[0], 1);
	serves(&tx[0]);
}

/* ---- another chain ----------------------------------------------------- */

/* As many transactions as they like wait: the other chain's task is the next
 * that the worker gets. */
static void
a_nox_that_floods_does_not_stop_another_chain(void **unused)
{
	static struct work work;
	const size_t n = sizeof(many) / sizeof(many[0]);
	uint32_t numbers[2], number;
	uint8_t plain[2][32];
	struct m_value v;
	size_t i;

	(void)unused;
	fill_worker(numbers);
	for (i = 4; i < n; i++) {
		tx_new(&many[i], 10 + (uint32_t)i);
		run_to_ask(&many[i]);
		grant(&many[i]);
	}
	rig_lives(&rig);
	rig_swap(&rig);
	work_new(&rig, &work);
	work_offer(&rig, 1, &work, 1, &rig.orchestrator);
	work_asked(&rig, 1, &work, 1, NULL);
	work_delegate(&rig, &work);
	work_grant(&rig, 1, &work, 1, &rig.gateway);
	rig_lives(&rig);
	answer(&rig.worker, numbers[0], ST_INTERNAL, NULL, 0);
	number = work_job(&rig, &work, plain);
	answer(&rig.worker, numbers[1], ST_INTERNAL, NULL, 0);
	job(&many[2], &rig.worker, 1);
	work_done(&rig, number, work.program.outputs[0].b, 48, &v);
	work_result(&rig, 1, &work, ST_OK, &v);
}

/* The wallet signs for the chain of Nox v0 alone, and the fresh identity for
 * the others. */
static void
each_protocol_has_its_own_identity(void **unused)
{
	(void)unused;
	assert_memory_not_equal(rig.runner, rig.other_runner, 20);
	serves(&tx[0]);
	rig_swap(&rig);
	rig_raw(&rig.net, M_NOX_TASK, &tx[0].m, sizeof(tx[0].m));
	rig_cuts(&rig, &rig.net, "illegal NOX_TASK");
}

#define T(f)		cmocka_unit_test_setup_teardown(f, setup, teardown)
#define CHAINS(f)							\
	cmocka_unit_test_setup_teardown(f, setup_chains, teardown)
#define FEW(f)		cmocka_unit_test_setup_teardown(f, setup_few, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_honest_transaction_is_computed_and_signed),
		T(a_grant_for_another_transactions_inputs_is_refused),
		T(operands_that_are_swapped_are_refused),
		T(an_operand_that_is_missing_is_refused),
		T(a_grant_without_operands_is_refused),
		T(one_operand_too_many_is_refused),
		T(an_operand_of_another_handle_is_refused),
		T(an_operand_that_was_changed_is_refused),
		T(a_grant_that_somebody_else_signed_is_refused),
		T(a_grant_that_is_signed_without_a_salt_is_refused),
		T(a_grant_with_the_salt_of_another_transaction_is_refused),
		T(a_grant_with_the_salt_of_an_earlier_request_is_refused),
		T(nox_grants_a_transaction_that_is_not_there),
		T(nox_grants_the_same_transaction_twice),
		T(nox_grants_what_is_stored),
		T(nox_grants_before_it_was_asked),
		T(nox_answers_a_request_that_was_not_made),
		T(nox_grants_an_operand_longer_than_it_can_be),
		T(nox_uses_a_number_that_is_in_use),
		T(nox_sends_a_type_that_the_protocol_lacks),
		T(nox_sends_operands_of_two_types),
		T(nox_sends_a_handle_of_another_chain),
		T(nox_sends_an_input_that_is_its_output),
		T(nox_sends_an_input_that_is_not_used),
		T(nox_sends_a_program_of_another_shape),
		T(nox_sends_an_empty_program),
		T(nox_sends_more_inputs_than_a_request_may_have),
		T(a_transaction_of_another_chain_is_refused),
		FEW(more_transactions_than_max_tasks_are_refused),
		T(under_old_facts_transactions_are_refused),
		T(a_new_gateway_is_for_the_next_transaction),
		T(a_report_that_somebody_else_signed_is_not_valid),
		T(a_report_with_an_old_salt_is_not_valid),
		T(a_report_that_was_changed_is_not_valid),
		T(nox_sends_a_report_longer_than_it_can_be),
		T(nox_stores_what_is_not_computed),
		T(nox_stores_twice),
		T(a_drop_of_what_is_not_there_changes_nothing),
		T(a_transaction_that_waits_for_a_worker_is_dropped),
		T(a_transaction_that_was_asked_for_is_dropped),
		T(a_transaction_that_is_ready_is_dropped),
		T(a_transaction_that_is_computed_is_dropped),
		T(a_transaction_that_is_stored_is_dropped),
		T(a_worker_answers_with_another_handle),
		T(a_worker_answers_with_another_number_of_outputs),
		T(a_worker_answers_with_another_length),
		T(a_worker_answers_a_job_that_it_does_not_have),
		T(a_worker_answers_without_a_job),
		T(a_worker_answers_a_transaction_as_a_task),
		T(a_worker_answers_with_outputs_of_a_failed_task),
		T(a_worker_answers_with_a_status_that_it_has_not),
		T(a_worker_blames_a_node),
		T(a_worker_blames_an_operand_that_is_not_there),
		T(a_transaction_that_fails_ends_unsigned),
		T(a_worker_tells_a_key_with_a_wrong_number),
		T(a_worker_asks_for_operands),
		T(a_worker_ends_while_its_transaction_is_asked_for),
		T(an_old_grant_is_ignored_while_no_worker_has_a_key),
		T(a_worker_ends_with_jobs_and_with_more_that_are_ready),
		T(a_worker_ends_while_it_computes),
		T(a_worker_ends_while_a_result_is_stored),
		T(without_a_key_a_transaction_waits_for_one),
		T(a_job_goes_to_the_worker_that_was_promised),
		T(a_worker_renews_its_key_once),
		T(a_key_that_is_two_renewals_old_is_asked_for_again),
		cmocka_unit_test_setup_teardown(
		    with_isolate_task_each_has_its_own_worker, setup_isolated,
		    teardown),
		T(nox_sends_what_it_may_not),
		T(another_nox_begins_again),
		CHAINS(a_nox_that_floods_does_not_stop_another_chain),
		CHAINS(each_protocol_has_its_own_identity),
		T(the_wallet_stands_in_locked_memory_alone),
	};

	return cmocka_run_group_tests_name("hostile: nox", tests, NULL, NULL);
}
