/* SPDX-License-Identifier: Apache-2.0
 *
 * What a taken net, worker or registry gets from keys: nothing signed that was
 * not due, and one line that says why it was cut off.  The first test is the
 * honest run, without which the others would prove little.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hex.h"
#include "log.h"
#include "rig.h"
#include "secp.h"
#include "typed_data.h"

static struct rig rig;
static struct work work[2];

static int
setup(void **unused)
{
	(void)unused;
	rig_start(&rig);
	work_new(&rig, &work[0]);
	work_new(&rig, &work[1]);
	return 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	rig_stop(&rig);
	return 0;
}

/* Up to the worker's job: its number, and what the worker can read. */
static uint32_t
run_to_plain(uint32_t batch, struct work *w, uint8_t plain[2][32])
{
	work_offer(&rig, batch, w, 1, &rig.orchestrator);
	work_asked(&rig, batch, w, 1, NULL);
	work_delegate(&rig, w);
	work_grant(&rig, batch, w, 1, &rig.gateway);
	return work_job(&rig, w, plain);
}

/* The same, all honest. */
static uint32_t
run_to_job(uint32_t batch, struct work *w)
{
	uint8_t plain[2][32];
	uint32_t job = run_to_plain(batch, w, plain);

	assert_int_equal(plain[0][31], 10);
	assert_int_equal(plain[1][31], 11);
	return job;
}

/* The worker answers a job with its one output, which is signed. */
static void
finish(uint32_t batch, struct work *w, uint32_t job)
{
	struct m_value v;

	work_done(&rig, job, w->program.outputs[0].b, 48, &v);
	work_result(&rig, batch, w, ST_OK, &v);
}

static void
expect_refused(uint32_t batch, uint32_t status)
{
	const struct m_refused *r = rig_next(&rig, &rig.net, M_REFUSED)
					->payload;

	assert_int_equal(r->batch, batch);
	assert_int_equal(r->status, status);
}

/* ---- another KMS key --------------------------------------------------- */

/* The key is the batch's, from its acceptance on, and the signature says
 * which. */
static void
a_new_kms_key_is_for_the_next_batch(void **unused)
{
	uint8_t old[33], plain[2][32];
	struct m_facts f = rig.facts;
	uint32_t job;

	(void)unused;
	memcpy(old, f.kms_key, 33);
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 1, &work[0], 1, NULL);
	work_delegate(&rig, &work[0]);
	memcpy(f.kms_key, rig.gateway.pub, 33);
	f.kms_epoch = 2;
	f.kms_former = 1;
	memcpy(f.kms_former_shares, f.kms_shares, sizeof(f.kms_shares));
	chan_send(&rig.registry, M_FACTS, &f, NULL, 0, -1);
	rig_lives(&rig);
	work_grant(&rig, 1, &work[0], 1, &rig.gateway);
	memcpy(rig.kms.pub, old, 33);
	job = work_job(&rig, &work[0], plain);
	finish(1, &work[0], job);
	/* The next: operands under the old key, its result under the new
	 * one. */
	rig.epoch = 2;
	memcpy(rig.kms.pub, rig.gateway.pub, 33);
	job = run_to_job(2, &work[1]);
	finish(2, &work[1], job);
}

/* ---- another chain ----------------------------------------------------- */

static int
setup_chains(void **unused)
{
	rig.has_other = 1;
	return setup(unused);
}

static int
teardown_chains(void **unused)
{
	(void)unused;
	rig_stop(&rig);
	rig.has_other = 0;
	return 0;
}

static void
each_chain_has_its_own_domain(void **unused)
{
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	finish(1, &work[0], job);
	rig_swap(&rig);
	work_new(&rig, &work[1]);
	job = run_to_job(1, &work[1]);
	finish(1, &work[1], job);
}

/* A message signed for one Registry, sent by the other chain's net. */
static void
a_batch_of_another_chain_is_refused(void **unused)
{
	uint8_t domain[32];

	(void)unused;
	memcpy(domain, rig.domain, 32);
	rig_swap(&rig);
	memcpy(rig.domain, domain, 32);
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	expect_refused(1, ST_BAD_SIGNATURE);
}

static void
a_task_of_another_chain_is_refused(void **unused)
{
	(void)unused;
	rig_swap(&rig);
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	expect_refused(1, ST_WRONG_CHAIN);
}

static void
net_grants_a_batch_of_another_chain(void **unused)
{
	(void)unused;
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 1, &work[0], 1, NULL);
	work_delegate(&rig, &work[0]);
	rig_swap(&rig);
	work_grant(&rig, 1, &work[0], 1, &rig.gateway);
	rig_cuts(&rig, &rig.net, "no such batch");
}

/* The owner of one chain's Registry cannot name another chain's Orchestrators,
 * nor end its registration, and when its net ends, no task of the other chain
 * does. */
static void
registry_can_lie_about_its_own_chain_alone(void **unused)
{
	struct m_facts f = rig.facts;
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	memcpy(f.orchestrators[0], rig.kms.address, 20);
	memcpy(f.gateways[0], rig.kms.address, 20);
	memcpy(f.kms_key, rig.gateway.pub, 33);
	f.valid_until = 0;
	chan_send(&rig.other_registry, M_FACTS, &f, NULL, 0, -1);
	rig_said(&rig, "chain 31338: not accepting tasks");
	chan_close(&rig.other_net);
	work_offer(&rig, 2, &work[1], 1, &rig.kms);
	expect_refused(2, ST_BAD_SIGNATURE);
	finish(1, &work[0], job);
	rig_lives(&rig);
}

/* ---- honest ------------------------------------------------------------ */

static void
an_honest_task_is_computed_and_signed(void **unused)
{
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	finish(1, &work[0], job);
	rig_lives(&rig);
}

/* ---- net --------------------------------------------------------------- */

static void
net_forges_a_workers_answer(void **unused)
{
	struct m_job_done d = { .status = ST_OK };
	struct {
		struct m_job_done d;
		struct m_value v;
	} forged;

	(void)unused;
	d.job = run_to_job(1, &work[0]);
	memset(&forged, 0, sizeof(forged));
	forged.d = d;
	memcpy(forged.v.handle, work[0].program.outputs[0].b, 32);
	forged.v.len = 48;
	rig_raw(&rig.net, M_JOB_DONE, &forged, sizeof(forged));
	rig_cuts(&rig, &rig.net, "illegal JOB_DONE");
}

/* Whatever registry says of its endpoints goes to net, and nowhere else. */
static void
registry_describes_its_endpoints(void **unused)
{
	const struct m_endpoints m = { UINT32_MAX, UINT32_MAX };
	struct m_endpoint rows[CONF_ENDPOINTS];
	const struct msg *got;
	int i;

	(void)unused;
	memset(rows, 0xff, sizeof(rows));
	for (i = 0; i < 100; i++)
		chan_send(
		    &rig.registry, M_ENDPOINTS, &m, rows, CONF_ENDPOINTS, -1);
	got = rig_next(&rig, &rig.net, M_ENDPOINTS_SEEN);
	assert_int_equal(got->n_rows, CONF_ENDPOINTS);
	assert_memory_equal(got->rows, rows, sizeof(rows));
	assert_int_equal(rig_status(&rig)->state, S_SERVING);
}

static void
net_sends_a_result_to_be_signed(void **unused)
{
	struct m_result r = { .batch = 1, .status = ST_OK };
	struct m_results rs = { .batch = 1, .n_results = 1 };

	(void)unused;
	run_to_job(1, &work[0]);
	rig_raw(&rig.net, M_RESULT, &r, sizeof(r));
	rig_raw(&rig.net, M_RESULTS, &rs, sizeof(rs));
	rig_cuts(&rig, &rig.net, "illegal RESULT");
}

/* The evidence is of this second: one that is asked for every time would never
 * end. */
static void
net_wants_new_evidence_a_thousand_times(void **unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 1000; i++)
		chan_send(&rig.net, M_RENEW, NULL, NULL, 0, -1);
	rig_lives(&rig);
	rig_silent(&rig, &rig.evidence);
}

static void
net_swaps_the_kms_key(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	memcpy(f.kms_key, rig.gateway.pub, 33);
	rig_raw(&rig.net, M_FACTS, &f, sizeof(f));
	rig_cuts(&rig, &rig.net, "illegal FACTS");
}

static void
net_asks_for_a_tls_signature_on_its_main_channel(void **unused)
{
	struct m_tls_sign s = { .digest = { 1 } };

	(void)unused;
	rig_raw(&rig.net, M_TLS_SIGN, &s, sizeof(s));
	rig_cuts(&rig, &rig.net, "illegal TLS_SIGN");
}

static void
the_tls_channel_asks_for_a_hello(void **unused)
{
	struct m_hello_ask a = { .session = 1 };

	(void)unused;
	rig_raw(&rig.tls, M_HELLO_ASK, &a, sizeof(a));
	rig_cuts(&rig, &rig.tls, "illegal HELLO_ASK");
}

/* Does keys sign by this key, or refuse with an answer of zero? */
static int
tls_signs(const uint8_t xy[64])
{
	static const struct m_tls_signed refused;
	struct m_tls_sign s = { .digest = { 1 } };

	memcpy(s.key, xy, sizeof(s.key));
	chan_send(&rig.tls, M_TLS_SIGN, &s, NULL, 0, -1);
	return memcmp(rig_next(&rig, &rig.tls, M_TLS_SIGNED)->payload, &refused,
		   sizeof(refused)) != 0;
}

/* The file of tls-key, as the monitor hands it over. */
static void
tls_key_file(const void *bytes, size_t n)
{
	int fd = memfd_create("tls-key", MFD_CLOEXEC);

	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(write(fd, bytes, n), n);
	chan_send(&rig.monitor, M_TLS_KEY, NULL, NULL, 0, fd);
	close(fd);
	rig_lives(&rig);
}

static void
tls_key_renew(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	assert_int_equal(
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(bio, &pem);
	tls_key_file(pem, (size_t)n);
	BIO_free(bio);
}

static void
net_asks_for_a_signature_by_a_tls_key_that_is_not_held(void **unused)
{
	uint8_t xy[64];

	(void)unused;
	memcpy(xy, rig_tls_xy, sizeof(xy));
	assert_int_equal(tls_signs(xy), 1);
	xy[63] ^= 1;
	assert_int_equal(tls_signs(xy), 0);
	memset(xy, 0, sizeof(xy));
	assert_int_equal(tls_signs(xy), 0);
	assert_int_equal(tls_signs(rig_tls_xy), 1);
}

static void
net_sends_a_tls_key(void **unused)
{
	(void)unused;
	rig_raw(&rig.net, M_TLS_KEY, NULL, 0);
	rig_cuts(&rig, &rig.net, "illegal TLS_KEY");
}

static void
a_tls_key_file_of_rubbish_is_not_taken(void **unused)
{
	static const char half[] = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAM";
	static char large[5000];
	int fd[2];

	(void)unused;
	tls_key_file(half, sizeof(half));
	rig_said(&rig, "tls-key: not renewed: not an unencrypted private key");
	tls_key_file("", 0);
	tls_key_file(large, sizeof(large));
	rig_said(&rig, "tls-key: not renewed: not a regular file of at most");
	assert_int_equal(pipe(fd), 0);
	chan_send(&rig.monitor, M_TLS_KEY, NULL, NULL, 0, fd[0]);
	close(fd[0]);
	close(fd[1]);
	rig_lives(&rig);
	assert_int_equal(tls_signs(rig_tls_xy), 1);
}

/* Under its filter, and the key that was dropped is in its memory no more. */
static void
a_renewed_tls_key_signs_beside_the_one_before_it(void **unused)
{
	EVP_PKEY *key[2] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-256") };
	char turned[65] = "";
	uint8_t xy[2][64];
	size_t i;

	(void)unused;
	for (i = 0; i < 64; i += 2)
		memcpy(turned + i, rig_tls_scalar + 62 - i, 2);
	for (i = 0; i < 2; i++)
		rig_public_xy(key[i], xy[i]);
	tls_key_renew(key[0]);
	rig_said(&rig, "tls-key: renewed");
	assert_int_equal(tls_signs(xy[0]), 1);
	assert_int_equal(tls_signs(rig_tls_xy), 1);
	tls_key_renew(key[1]);
	assert_int_equal(tls_signs(xy[1]), 1);
	assert_int_equal(tls_signs(xy[0]), 1);
	assert_int_equal(tls_signs(rig_tls_xy), 0);
	for (i = 0; i < 2; i++)
		EVP_PKEY_free(key[i]);
	/* The last: without access to memory the test ends here. */
	rig_scan(&rig, "", rig_tls_scalar);
	assert_int_equal(rig_finds(&rig, turned), 0);
}

static void
net_grants_what_was_not_asked(void **unused)
{
	(void)unused;
	memcpy(work[0].ephemeral_key, rig.kms.pub, 33);
	work_delegate(&rig, &work[0]);
	work_grant(&rig, 9, &work[0], 1, &rig.gateway);
	rig_cuts(&rig, &rig.net, "illegal GRANT: no such batch");
}

static void
net_grants_the_same_batch_twice(void **unused)
{
	struct m_grant g = { .batch = 1, .n_tasks = 1 };

	(void)unused;
	run_to_job(1, &work[0]);
	chan_send(&rig.net, M_GRANT, &g, NULL, 0, -1);
	rig_cuts(&rig, &rig.net, "illegal GRANT: not in this state");
}

static void
net_grants_a_seal_out_of_order(void **unused)
{
	struct m_grant g = { .batch = 1, .n_tasks = 1 };
	struct m_grant_seal s = { .batch = 1, .node = 1 };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_GRANT, &g, NULL, 0, -1);
	chan_send(&rig.net, M_GRANT_SEAL, &s, work[0].partials[0], 2, -1);
	rig_cuts(&rig, &rig.net, "illegal GRANT_SEAL: out of order");
}

/* The length is a byte, the ciphertext 48 bytes: hashing as many as stated
 * would read past it. */
static void
net_grants_an_operand_longer_than_it_can_be(void **unused)
{
	struct m_grant g = { .batch = 1, .n_tasks = 1 };
	struct m_grant_task t = { .batch = 1, .n_seals = THRESHOLD };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_GRANT, &g, NULL, 0, -1);
	work[0].operands[1].len = 255;
	chan_send(&rig.net, M_GRANT_TASK, &t, work[0].operands, 2, -1);
	rig_cuts(&rig, &rig.net, "illegal GRANT_TASK: length of an operand");
}

static void
net_reports_a_failed_fetch_as_success(void **unused)
{
	struct m_fetch_failed f = { 1, ST_OK };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_FETCH_FAILED, &f, NULL, 0, -1);
	rig_cuts(&rig, &rig.net, "illegal FETCH_FAILED");
}

static void
net_takes_a_number_that_is_in_use(void **unused)
{
	(void)unused;
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 1, &work[0], 1, NULL);
	work_offer(&rig, 1, &work[1], 1, &rig.orchestrator);
	rig_cuts(&rig, &rig.net, "illegal BATCH");
}

static void
net_sends_a_task_out_of_order(void **unused)
{
	struct m_batch b = { .batch = 1, .n_tasks = 2 };

	(void)unused;
	chan_send(&rig.net, M_BATCH, &b, NULL, 0, -1);
	work[0].m.batch = 1;
	work[0].m.task = 1;
	chan_send(
	    &rig.net, M_TASK, &work[0].m, work[0].words, work[0].n_words, -1);
	rig_cuts(&rig, &rig.net, "illegal TASK: out of order");
}

static void
net_sends_a_program_that_reads_past_itself(void **unused)
{
	struct m_batch b = { .batch = 1, .n_tasks = 1 };

	(void)unused;
	chan_send(&rig.net, M_BATCH, &b, NULL, 0, -1);
	work[0].m.batch = 1;
	work[0].m.shape.n_refs = TASK_REFS;
	chan_send(
	    &rig.net, M_TASK, &work[0].m, work[0].words, work[0].n_words, -1);
	rig_cuts(&rig, &rig.net, "illegal TASK");
}

static void
net_plays_the_monitor(void **unused)
{
	struct m_peer p = { R_COMPUTE, 0 };

	(void)unused;
	rig_raw(&rig.net, M_PEER, &p, sizeof(p));
	rig_cuts(&rig, &rig.net, "illegal PEER");
}

/* ---- replay, and what was not signed ----------------------------------- */

static void
net_replays_a_task_under_way(void **unused)
{
	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_offer(&rig, 2, work, 1, &rig.orchestrator);
	expect_refused(2, ST_REPLAYED);
	rig_silent(&rig, &rig.net);
}

static void
net_replays_a_task_that_ended(void **unused)
{
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	finish(1, &work[0], job);
	work_offer(&rig, 2, work, 1, &rig.orchestrator);
	expect_refused(2, ST_REPLAYED);
	rig_silent(&rig, &rig.net);
}

static void
one_task_twice_in_a_batch_runs_once(void **unused)
{
	(void)unused;
	work[1] = work[0];
	work[1].program = work[0].program;
	work_offer(&rig, 1, work, 2, &rig.orchestrator);
	expect_refused(1, ST_REPLAYED);
	work_asked(&rig, 1, work, 1, NULL);
	rig_silent(&rig, &rig.net);
}

static void
a_batch_that_a_stranger_signed_is_refused(void **unused)
{
	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.gateway);
	expect_refused(1, ST_BAD_SIGNATURE);
	rig_silent(&rig, &rig.net);
}

/* Sign, then change: every byte of the task that keys acts upon is covered. */
static void
a_task_changed_after_its_signature_is_refused(void **unused)
{
	static const size_t at[] = {
		offsetof(struct m_task, id),
		offsetof(struct m_task, attempt),
		offsetof(struct m_task, caller),
		offsetof(struct m_task, chain_id),
		offsetof(struct m_task, block_number),
		offsetof(struct m_task, transaction_hash),
		offsetof(struct m_task, runner),
		offsetof(struct m_task, issued_at),
		offsetof(struct m_task, deadline),
	};
	struct m_batch b;
	struct m_task m;
	struct m_word words[PROGRAM_WORDS];
	uint32_t i, j, n = 1;
	struct chan real = rig.net, trap;
	int fd[2];

	(void)unused;
	/* Catch what an honest net would send, and change it on its way. */
	assert_int_equal(chan_pair(fd), 0);
	chan_init(&rig.net, fd[0], R_NET, R_KEYS, 0);
	chan_init(&trap, fd[1], R_KEYS, R_NET, 0);
	for (i = 0; i < sizeof(at) / sizeof(at[0]) + 3; i++) {
		const struct msg *got;

		work_offer(&rig, ++n, work, 1, &rig.orchestrator);
		got = rig_next(&rig, &trap, M_BATCH);
		b = *(const struct m_batch *)got->payload;
		got = rig_next(&rig, &trap, M_TASK);
		m = *(const struct m_task *)got->payload;
		memcpy(words, got->rows, got->n_rows * 32);
		j = i - (uint32_t)(sizeof(at) / sizeof(at[0]));
		if (i < sizeof(at) / sizeof(at[0]))
			((uint8_t *)&m)[at[i]] ^= 1;
		else	/* a handle each: two inputs, one output */
			words[j].b[31] ^= 1;
		chan_send(&real, M_BATCH, &b, NULL, 0, -1);
		chan_send(&real, M_TASK, &m, words, work[0].n_words, -1);
		{
			struct chan keep = rig.net;

			rig.net = real;
			expect_refused(n, ST_BAD_SIGNATURE);
			real = rig.net;
			rig.net = keep;
		}
	}
	chan_close(&rig.net);
	chan_close(&trap);
	rig.net = real;
	rig_silent(&rig, &rig.net);
}

static void
what_the_clock_or_the_address_speaks_against_is_refused(void **unused)
{
	static const struct {
		int64_t issued, deadline;	/* from now */
		uint64_t chain_id;
		uint8_t runner;			/* xor */
		uint32_t status;
	} cases[] = {
		{ 0, 60, CHAIN_ID + 1, 0, ST_WRONG_CHAIN },
		{ 0, 60, CHAIN_ID, 1, ST_WRONG_RUNNER },
		{ -60, -1, CHAIN_ID, 0, ST_EXPIRED },
		{ 120, 180, CHAIN_ID, 0, ST_NOT_YET },
		{ 0, 7200, CHAIN_ID, 0, ST_DEADLINE_TOO_FAR },
		/* Near enough for min-time, and not over yet on a machine that
		 * is busy. */
		{ 0, 6, CHAIN_ID, 0, ST_DEADLINE_TOO_NEAR },
	};
	uint32_t i;
	uint64_t t;

	(void)unused;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		work_new(&rig, &work[0]);
		t = work[0].m.issued_at;
		work[0].m.issued_at = t + (uint64_t)cases[i].issued;
		work[0].m.deadline = t + (uint64_t)cases[i].deadline;
		work[0].m.chain_id = cases[i].chain_id;
		work[0].m.runner[0] ^= cases[i].runner;
		work_offer(&rig, i + 1, work, 1, &rig.orchestrator);
		expect_refused(i + 1, cases[i].status);
	}
	rig_silent(&rig, &rig.net);
}

/* ---- the Gateway and the nodes ----------------------------------------- */

/* Asked and delegated; the test spoils the grant, keys must not start a job. */
static void
granted(void (*spoil)(void), const struct party *by, uint32_t status)
{
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_delegate(&rig, work);
	if (spoil != NULL)
		spoil();
	work_grant(&rig, 1, work, 1, by);
	work_result(&rig, 1, work, status, NULL);
	rig_silent(&rig, &rig.worker);
}

static void
a_grant_that_a_stranger_signed_is_invalid(void **unused)
{
	(void)unused;
	granted(NULL, &rig.orchestrator, ST_GRANT_INVALID);
	rig_said(
	    &rig, "grant: refused: not signed by a Gateway of the Registry");
}

static void
swap_handles(void)
{
	struct m_value v = work[0].operands[0];

	work[0].operands[0] = work[0].operands[1];
	work[0].operands[1] = v;
}

static void
operands_in_another_order_are_invalid(void **unused)
{
	(void)unused;
	granted(swap_handles, &rig.gateway, ST_GRANT_INVALID);
	rig_said(&rig, "grant: refused: it does not fit its task");
}

static void
other_key(void)
{
	memcpy(work[0].ephemeral_key, rig.kms.pub, 33);
}

static void
a_grant_for_another_ephemeral_key_is_invalid(void **unused)
{
	(void)unused;
	granted(other_key, &rig.gateway, ST_GRANT_INVALID);
}

static void
same_node_twice(void)
{
	work[0].seals[1] = work[0].seals[0];
	memcpy(work[0].partials[1], work[0].partials[0],
	    sizeof(work[0].partials[0]));
}

static void
one_node_twice_is_invalid(void **unused)
{
	(void)unused;
	granted(same_node_twice, &rig.gateway, ST_GRANT_INVALID);
}

static void
no_such_node(void)
{
	work[0].seals[1].node = NODES + 1;
}

static void
a_node_that_the_registry_does_not_have_is_invalid(void **unused)
{
	(void)unused;
	granted(no_such_node, &rig.gateway, ST_GRANT_INVALID);
}

static void
a_node_whose_seal_does_not_open_is_named_and_avoided(void **unused)
{
	uint64_t avoid = 0;
	uint8_t plain[2][32];

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_delegate(&rig, work);
	work[0].partials[1][0].b[5] ^= 1;
	work_grant(&rig, 1, work, 1, &rig.gateway);
	work_job(&rig, work, plain);
	work_fails(&rig);
	work_result(&rig, 1, work, ST_KMS_NODE_FAULT, NULL);
	rig_said(&rig, "kms node 2 or the gateway: cannot decrypt a partial");
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[1], 1, &avoid);
	assert_int_equal(avoid, 1 << 1);
}

static void
ciphertexts_that_changed_places_do_not_decrypt(void **unused)
{
	struct m_value *o = work[0].operands, v = o[0];
	uint8_t plain[2][32];

	(void)unused;
	/* The Gateway serves each ciphertext under the other's handle. */
	memcpy(v.handle, o[1].handle, 32);
	memcpy(o[1].handle, o[0].handle, 32);
	memcpy(o[0].handle, v.handle, 32);
	v = o[0], o[0] = o[1], o[1] = v;
	run_to_plain(1, work, plain);
	assert_int_equal(plain[0][0], 0xff);
	work_fails(&rig);
	/* Every proof holds: it is the operand, no node is to blame. */
	work_result(&rig, 1, work, ST_OPERAND_MALFORMED, NULL);
	rig_lives(&rig);
	assert_null(strstr(rig.log, "kms node"));
}

/* The Gateway exchanges two values after the nodes have answered: no node is
 * to blame for that. */
static void
values_exchanged_after_delegation_are_the_gateways_fault(void **unused)
{
	struct m_value *o = work[0].operands, v;
	uint8_t plain[2][32];

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_delegate(&rig, work);
	v = o[0], o[0] = o[1], o[1] = v;
	memcpy(o[0].handle, work[0].program.inputs[0].b, 32);
	memcpy(o[1].handle, work[0].program.inputs[1].b, 32);
	work_grant(&rig, 1, work, 1, &rig.gateway);
	work_job(&rig, work, plain);
	assert_int_equal(plain[0][0], 0xff);
	work_fails(&rig);
	work_result(&rig, 1, work, ST_GRANT_INVALID, NULL);
	rig_said(&rig, "the Gateway changed the operand");
	assert_null(strstr(rig.log, "kms node"));
}

static void
a_node_whose_partial_is_wrong_is_named_and_avoided(void **unused)
{
	uint8_t plain[2][32], share[32];
	uint64_t avoid = 0;

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	memcpy(share, rig.shares[0], 32);
	memcpy(rig.shares[0], rig.shares[2], 32);	/* node 1 lies */
	work_delegate(&rig, work);
	memcpy(rig.shares[0], share, 32);
	work_grant(&rig, 1, work, 1, &rig.gateway);
	work_job(&rig, work, plain);
	assert_int_equal(plain[0][0], 0xff);
	work_fails(&rig);
	work_result(&rig, 1, work, ST_KMS_NODE_FAULT, NULL);
	rig_said(&rig, "kms node 1 or the gateway: invalid proof of a partial");
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[1], 1, &avoid);
	assert_int_equal(avoid, 1 << 0);
}

/* Of everything that a Gateway can write, keys signs what is the Gateway's to
 * say. */
static void
a_status_that_is_not_the_gateways_becomes_its_error(void **unused)
{
	static const uint32_t theirs[] = { ST_KMS_UNAVAILABLE, ST_GATEWAY_ERROR,
		ST_INPUT_MISSING, ST_BAD_HANDLE, ST_OUTPUT_EXISTS,
		ST_ACCESS_DENIED, ST_KMS_KEY_OVER };
	uint32_t status, expect, i, batch = 1;

	(void)unused;
	for (status = 1; status < 400; status++, batch++) {
		expect = ST_GATEWAY_ERROR;
		for (i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
			if (theirs[i] == status)
				expect = status;
		work_new(&rig, &work[0]);
		work_offer(&rig, batch, work, 1, &rig.orchestrator);
		work_asked(&rig, batch, work, 1, NULL);
		work_grant_fails(&rig, batch, work, status);
		work_result(&rig, batch, work, expect, NULL);
	}
}

/* The statuses of others do not pass either. */
static void
a_status_that_is_not_a_workers_costs_the_worker(void **unused)
{
	struct m_job_done d = { .status = ST_EXPIRED };

	(void)unused;
	d.job = run_to_job(1, &work[0]);
	chan_send(&rig.worker, M_JOB_DONE, &d, NULL, 0, -1);
	rig_cuts(&rig, &rig.worker, "illegal JOB_DONE: status");
	work_result(&rig, 1, &work[0], ST_WORKER_LOST, NULL);
}

static void
net_ends_a_fetch_with_a_status_of_the_gateway(void **unused)
{
	struct m_fetch_failed f = { 1, ST_ACCESS_DENIED };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_FETCH_FAILED, &f, NULL, 0, -1);
	rig_cuts(&rig, &rig.net, "illegal FETCH_FAILED");
}

static void
the_last_nodes_make_a_quorum_too(void **unused)
{
	uint32_t job;

	(void)unused;
	rig.quorum[0] = 2;
	rig.quorum[1] = NODES;
	job = run_to_job(1, &work[0]);
	finish(1, &work[0], job);
}

/* All of a quorum of one: that is a node, not the Gateway for certain. */
static void
a_quorum_of_one_that_lies_is_a_node_that_lies(void **unused)
{
	uint8_t plain[2][32];

	(void)unused;
	rig.facts.kms_threshold = 1;
	rig.threshold = 1;
	rig_facts_now(&rig, &rig.facts);
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_delegate(&rig, work);	/* as if a second one answered, too */
	work_grant(&rig, 1, work, 1, &rig.gateway);
	work_job(&rig, work, plain);
	work_fails(&rig);
	work_result(&rig, 1, work, ST_KMS_NODE_FAULT, NULL);
	rig_said(&rig, "kms node 1 or the gateway: invalid proof of a partial");
}

/* A rekey gone wrong: the Registry has another share of node 1, which that node
 * really has.  Every proof holds, and nothing opens but with nodes 2 and 3. */
static void
a_quorum_whose_shares_do_not_fit_is_avoided(void **unused)
{
	uint8_t plain[2][32];
	uint64_t avoid = 0;

	(void)unused;
	secp_key_new(rig.shares[0]);
	assert_int_equal(
	    secp_public(rig.shares[0], rig.facts.kms_shares[0]), 0);
	rig_facts_now(&rig, &rig.facts);
	run_to_plain(1, work, plain);
	assert_int_equal(plain[0][0], 0xff);
	work_fails(&rig);
	work_result(&rig, 1, work, ST_KMS_NODE_FAULT, NULL);
	rig_said(&rig, "do not match the KMS key");
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[1], 1, &avoid);
	assert_int_equal(avoid, 1 << 0);
}

/* A Gateway that damages seals makes no node useless for good: of 2 of 3 one is
 * avoided, the last that was named. */
static void
a_quorum_is_always_left(void **unused)
{
	uint64_t avoid = 0;
	uint8_t plain[2][32];
	uint32_t i;

	(void)unused;
	for (i = 1; i <= 4; i++) {
		work_new(&rig, &work[0]);
		work_offer(&rig, i, work, 1, &rig.orchestrator);
		work_asked(&rig, i, work, 1, &avoid);
		assert_int_equal(avoid, i == 1 ? 0 : 1 << i % 2);
		work_delegate(&rig, work);
		work[0].partials[(i + 1) % 2][0].b[5] ^= 1;
		work_grant(&rig, i, work, 1, &rig.gateway);
		work_job(&rig, work, plain);
		work_fails(&rig);
		work_result(&rig, i, work, ST_KMS_NODE_FAULT, NULL);
	}
	rig_later(&rig, 61);
	rig_facts_now(&rig, &rig.facts);
	work_new(&rig, &work[0]);
	work[0].m.deadline += 61;
	work_offer(&rig, i, work, 1, &rig.orchestrator);
	work_asked(&rig, i, work, 1, &avoid);
	assert_int_equal(avoid, 0);
}

static void
a_fetch_that_failed_ends_as_retryable(void **unused)
{
	struct m_fetch_failed f = { 1, ST_GATEWAY_UNREACHABLE };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_FETCH_FAILED, &f, NULL, 0, -1);
	work_result(&rig, 1, work, ST_GATEWAY_UNREACHABLE, NULL);
}

/* ---- a worker ---------------------------------------------------------- */

static void
a_worker_answers_for_another_tasks_handle(void **unused)
{
	struct m_value v;
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	work_done(&rig, job, work[1].program.outputs[0].b, 48, &v);
	rig_cuts(&rig, &rig.worker, "illegal JOB_DONE: not the task's output");
	work_result(&rig, 1, &work[0], ST_WORKER_LOST, NULL);
	rig_lives(&rig);
}

static void
a_worker_answers_with_an_output_of_another_length(void **unused)
{
	struct m_value v;
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	work_done(&rig, job, work[0].program.outputs[0].b, 17, &v);
	rig_cuts(&rig, &rig.worker, "illegal JOB_DONE: length");
	work_result(&rig, 1, &work[0], ST_WORKER_LOST, NULL);
	rig_lives(&rig);
}

/* Of which nodes a worker may say that they are at fault: those that answered,
 * and only with the status for it. */
static void
a_worker_blames_nodes_that_did_not_answer(void **unused)
{
	static const struct m_job_done lies[] = {
		{ .status = ST_KMS_NODE_FAULT,
		    .fault = FAULT_PROOF,
		    .nodes = 1 << 2 },
		{ .status = ST_KMS_NODE_FAULT,
		    .fault = FAULT_PARTIAL,
		    .nodes = UINT64_MAX },
		{ .status = ST_KMS_NODE_FAULT, .fault = FAULT_SEAL },
		{ .status = ST_KMS_NODE_FAULT,
		    .fault = FAULT_SHARES,
		    .nodes = 1 },
		{ .status = ST_KMS_NODE_FAULT, .fault = FAULT_NONE },
		{ .status = ST_KMS_NODE_FAULT, .fault = FAULTS, .nodes = 1 },
		{ .status = ST_INTERNAL, .fault = FAULT_PROOF, .nodes = 1 },
		{ .status = ST_OPERAND_MALFORMED, .nodes = 1 },
	};
	struct m_job_done d;
	uint32_t i;

	(void)unused;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		work_new(&rig, &work[0]);
		d = lies[i];
		d.job = run_to_job(i + 1, &work[0]);
		chan_send(&rig.worker, M_JOB_DONE, &d, NULL, 0, -1);
		rig_cuts(&rig, &rig.worker, "illegal JOB_DONE: nodes at fault");
		work_result(&rig, i + 1, &work[0], ST_WORKER_LOST, NULL);
	}
	assert_null(strstr(rig.log, "kms node"));
}

/* A worker that was taken over names honest nodes: they are avoided for a
 * while, and a quorum is left. */
static void
what_a_worker_says_of_nodes_is_a_hint(void **unused)
{
	struct m_job_done d = { .status = ST_KMS_NODE_FAULT,
		.fault = FAULT_PROOF,
		.nodes = 1 << 0 | 1 << 1 };
	struct m_fetch_failed f = { 2, ST_GATEWAY_UNREACHABLE };
	uint64_t avoid = 0;

	(void)unused;
	d.job = run_to_job(1, &work[0]);
	chan_send(&rig.worker, M_JOB_DONE, &d, NULL, 0, -1);
	work_result(&rig, 1, &work[0], ST_KMS_NODE_FAULT, NULL);
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[1], 1, &avoid);
	assert_int_equal(__builtin_popcountll(avoid), NODES - THRESHOLD);
	chan_send(&rig.net, M_FETCH_FAILED, &f, NULL, 0, -1);
	work_result(&rig, 2, &work[1], ST_GATEWAY_UNREACHABLE, NULL);
	rig_later(&rig, 61);
	rig_facts_now(&rig, &rig.facts);
	work_new(&rig, &work[0]);
	work[0].m.deadline += 61;
	work_offer(&rig, 3, work, 1, &rig.orchestrator);
	work_asked(&rig, 3, work, 1, &avoid);
	assert_int_equal(avoid, 0);
}

/* One is computed and the next waits in the socket; the third waits in keys,
 * with its key. */
static void
a_worker_has_two_tasks_and_no_third(void **unused)
{
	static struct work third;
	struct m_value v[3];
	uint8_t plain[2][32];
	uint32_t job[3];

	(void)unused;
	work_new(&rig, &third);
	job[0] = run_to_job(1, &work[0]);
	job[1] = run_to_job(2, &work[1]);
	work_offer(&rig, 3, &third, 1, &rig.orchestrator);
	work_asked(&rig, 3, &third, 1, NULL);
	work_delegate(&rig, &third);
	work_grant(&rig, 3, &third, 1, &rig.gateway);
	rig_silent(&rig, &rig.worker);
	work_done(&rig, job[0], work[0].program.outputs[0].b, 48, &v[0]);
	work_result(&rig, 1, &work[0], ST_OK, &v[0]);
	job[2] = work_job(&rig, &third, plain);
	work_done(&rig, job[1], work[1].program.outputs[0].b, 48, &v[1]);
	work_result(&rig, 2, &work[1], ST_OK, &v[1]);
	work_done(&rig, job[2], third.program.outputs[0].b, 48, &v[2]);
	work_result(&rig, 3, &third, ST_OK, &v[2]);
}

static void
a_worker_answers_for_its_next_job_first(void **unused)
{
	struct m_value v;
	uint32_t job;

	(void)unused;
	run_to_job(1, &work[0]);
	job = run_to_job(2, &work[1]);
	work_done(&rig, job, work[1].program.outputs[0].b, 48, &v);
	rig_cuts(&rig, &rig.worker, "illegal JOB_DONE: no such job");
	work_result(&rig, 1, &work[0], ST_WORKER_LOST, NULL);
	work_result(&rig, 2, &work[1], ST_WORKER_LOST, NULL);
}

static void
a_worker_answers_without_a_job(void **unused)
{
	struct m_value v;

	(void)unused;
	work_done(&rig, 1, work[0].program.outputs[0].b, 48, &v);
	rig_cuts(&rig, &rig.worker, "illegal JOB_DONE: no such job");
}

static void
a_worker_that_is_lost_ends_its_task_as_retryable(void **unused)
{
	(void)unused;
	run_to_job(1, &work[0]);
	chan_close(&rig.worker);
	work_result(&rig, 1, work, ST_WORKER_LOST, NULL);
	rig_said(&rig, "worker 0: lost");
}

static int
setup_isolated(void **unused)
{
	rig.isolate_task = 1;
	return setup(unused);
}

static int
teardown_isolated(void **unused)
{
	rig.isolate_task = 0;
	return teardown(unused);
}

/* It has seen one task's plaintexts and is about to exit. */
static void
a_worker_that_is_isolated_gets_no_second_task(void **unused)
{
	uint8_t plain[2][32];
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	finish(1, &work[0], job);
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[1], 1, NULL);
	work_delegate(&rig, &work[1]);
	work_grant(&rig, 2, &work[1], 1, &rig.gateway);
	rig_silent(&rig, &rig.worker);
	rig_new_worker(&rig);
	job = work_job(&rig, &work[1], plain);
	finish(2, &work[1], job);
	rig_lives(&rig);
}

/* One that is taken keeps its place. */
static void
a_worker_that_does_not_exit_after_its_last_task_is_ended(void **unused)
{
	(void)unused;
	finish(1, &work[0], run_to_job(1, &work[0]));
	rig_later(&rig, 6);
	rig_cuts(&rig, &rig.worker, "did not exit after its last task");
}

/* ---- registry ---------------------------------------------------------- */

static void
registry_sends_facts_out_of_bounds(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	f.kms_threshold = 0;
	chan_send(&rig.registry, M_FACTS, &f, NULL, 0, -1);
	rig_cuts(&rig, &rig.registry, "illegal FACTS: out of bounds");
}

static void
a_runner_that_is_revoked_serves_no_more(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	f.valid_until = 0;
	chan_send(&rig.registry, M_FACTS, &f, NULL, 0, -1);
	rig_said(&rig,
	    "not accepting tasks: registration pending, expired"
	    " or revoked");
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	expect_refused(1, ST_NOT_SERVING);
	rig_silent(&rig, &rig.net);
}

/* ---- facts: one door --------------------------------------------------- */

static int
setup_pins(void **unused)
{
	rig.pin_kms_key = rig.pin_lists = 1;
	return setup(unused);
}

static int
teardown_pins(void **unused)
{
	rig.pin_kms_key = rig.pin_lists = 0;
	return teardown(unused);
}

static void
send_batch(uint32_t batch, uint32_t n)
{
	struct m_batch b = { .batch = batch, .n_tasks = n };

	chan_send(&rig.net, M_BATCH, &b, NULL, 0, -1);
}

/* BATCH, then what registry says, then the TASK: facts that a pin forbids
 * change nothing, and no task is accepted under them. */
static void
with_facts_in_between(const struct m_facts *f, uint32_t status)
{
	struct m_batch b = { .batch = 1, .n_tasks = 1 };
	struct chan real = rig.net, trap;
	const struct msg *got;
	int fd[2];

	assert_int_equal(chan_pair(fd), 0);
	chan_init(&rig.net, fd[0], R_NET, R_KEYS, 0);
	chan_init(&trap, fd[1], R_KEYS, R_NET, 0);
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	got = rig_next(&rig, &trap, M_BATCH);
	b = *(const struct m_batch *)got->payload;
	chan_close(&rig.net);
	rig.net = real;
	chan_send(&rig.net, M_BATCH, &b, NULL, 0, -1);
	rig_lives(&rig);
	rig_facts_now(&rig, f);
	got = rig_next(&rig, &trap, M_TASK);
	chan_send(&rig.net, M_TASK, got->payload, got->rows, got->n_rows, -1);
	chan_close(&trap);
	expect_refused(1, status);
	rig_silent(&rig, &rig.net);
}

static void
a_kms_key_that_comes_between_batch_and_task_is_not_used(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	memcpy(f.kms_key, rig.gateway.pub, 33);
	with_facts_in_between(&f, ST_NOT_SERVING);
	rig_said(&rig, "KMS key is not pin-kms-key");
}

static void
a_revocation_between_batch_and_task_is_obeyed(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	f.valid_until = 0;
	with_facts_in_between(&f, ST_NOT_SERVING);
}

static void
an_orchestrator_removed_between_batch_and_task_is_not_one(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	memcpy(f.orchestrators[0], rig.kms.address, 20);
	with_facts_in_between(&f, ST_BAD_SIGNATURE);
}

/* Good facts, bad facts, good facts, ... under an honest net: each output is
 * for the pinned key or there is none. */
static void
facts_that_alternate_never_show(void **unused)
{
	struct m_facts bad = rig.facts;
	uint32_t i, job;

	(void)unused;
	memcpy(bad.kms_key, rig.orchestrator.pub, 33);
	memcpy(bad.orchestrators[0], rig.kms.address, 20);
	memcpy(bad.gateways[0], rig.kms.address, 20);
	for (i = 1; i <= 8; i++) {
		work_new(&rig, &work[0]);
		rig_facts_now(&rig, &bad);
		work_offer(&rig, 2 * i, work, 1, &rig.orchestrator);
		expect_refused(2 * i, ST_NOT_SERVING);
		rig_facts_now(&rig, &rig.facts);
		work_offer(&rig, 2 * i + 1, work, 1, &rig.orchestrator);
		work_asked(&rig, 2 * i + 1, work, 1, NULL);
		rig_facts_now(&rig, &bad);
		work_delegate(&rig, work);
		work_grant(&rig, 2 * i + 1, work, 1, &rig.gateway);
		/* work_job() compares the KMS key. */
		job = work_job(&rig, work, (uint8_t[2][32]){ { 0 } });
		finish(2 * i + 1, work, job);
	}
}

/* The Registry's lists do not count if there are pins. */
static void
pins_take_the_place_of_the_lists(void **unused)
{
	struct m_facts f = rig.facts;
	uint32_t job;

	(void)unused;
	memcpy(f.orchestrators[0], rig.kms.address, 20);
	memcpy(f.gateways[0], rig.kms.address, 20);
	rig_facts_now(&rig, &f);
	work_offer(&rig, 1, &work[0], 1, &rig.kms);
	expect_refused(1, ST_BAD_SIGNATURE);
	work_offer(&rig, 2, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[0], 1, NULL);
	work_delegate(&rig, &work[0]);
	work_grant(&rig, 2, &work[0], 1, &rig.kms);
	work_result(&rig, 2, &work[0], ST_GRANT_INVALID, NULL);
	job = run_to_job(3, &work[1]);
	finish(3, &work[1], job);
}

/* Without a pin: what is removed while the Gateway is asked stays for that
 * batch. */
static void
a_batch_keeps_the_gateway_that_it_was_admitted_under(void **unused)
{
	struct m_facts f = rig.facts;
	uint8_t plain[2][32];

	(void)unused;
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 1, &work[0], 1, NULL);
	memcpy(f.gateways[0], rig.kms.address, 20);
	rig_facts_now(&rig, &f);
	work_delegate(&rig, &work[0]);
	work_grant(&rig, 1, &work[0], 1, &rig.gateway);
	work_job(&rig, &work[0], plain);
}

/* keys counts its registrations itself: this one it has not signed. */
static void
a_sequence_that_keys_did_not_sign_is_a_lie(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	f.sequence = UINT64_MAX - 1;
	rig_facts_now(&rig, &f);
	rig_said(&rig,
	    "not accepting tasks: the Registry shows a registration that "
	    "this Runner did not sign");
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	expect_refused(1, ST_NOT_SERVING);
	rig_facts_now(&rig, &rig.facts);
	rig_renewed(&rig);
	assert_int_equal(rig.registration.sequence, 2);
}

/* ---- bounds at their exact maximum ------------------------------------- */

/* keys takes these facts and serves under them, or cuts registry off. */
static void
facts_are(const struct m_facts *f, int good)
{
	uint64_t block = rig.facts.block_number + 1;
	struct m_facts copy = *f;

	copy.block_number = rig.facts.block_number = block;
	rig_facts_now(&rig, &copy);
	if (good)
		assert_int_equal(rig_status(&rig)->facts_block, block);
	else
		rig_cuts(&rig, &rig.registry, "illegal FACTS: out of bounds");
}

static void
facts_are_taken_up_to_their_bounds(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	f.n_orchestrators = f.n_gateways = LIST_MAX;
	f.kms_nodes = f.kms_threshold = KMS_NODES;
	facts_are(&f, 1);
	f.n_orchestrators = LIST_MAX + 1;
	facts_are(&f, 0);
	f.n_orchestrators = 0;
	f.n_gateways = LIST_MAX + 1;
	facts_are(&f, 0);
	f.n_gateways = 0;
	f.kms_nodes = KMS_NODES + 1;
	facts_are(&f, 0);
	f.kms_nodes = KMS_NODES - 1;
	facts_are(&f, 0);		/* fewer than the threshold */
	f.kms_threshold = 1;
	facts_are(&f, 1);
}

static void
a_grant_has_as_many_seals_as_there_can_be_nodes(void **unused)
{
	struct m_grant g = { .batch = 1, .n_tasks = 1 };
	struct m_grant_task t = { .batch = 1, .n_seals = KMS_NODES };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_GRANT, &g, NULL, 0, -1);
	chan_send(&rig.net, M_GRANT_TASK, &t, work[0].operands, 2, -1);
	rig_lives(&rig);
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, 2, &work[1], 1, NULL);
	g.batch = t.batch = 2;
	t.n_seals++;
	chan_send(&rig.net, M_GRANT, &g, NULL, 0, -1);
	chan_send(&rig.net, M_GRANT_TASK, &t, work[1].operands, 2, -1);
	rig_cuts(&rig, &rig.net, "illegal GRANT_TASK: number of seals");
}

static void
as_many_tasks_as_max_tasks_are_taken(void **unused)
{
	static struct work many[BATCH_TASKS];
	uint32_t i, batch;

	(void)unused;
	for (batch = 1; batch <= 256 / BATCH_TASKS; batch++) {
		for (i = 0; i < BATCH_TASKS; i++)
			work_new(&rig, &many[i]);
		work_offer(&rig, batch, many, BATCH_TASKS, &rig.orchestrator);
		work_asked(&rig, batch, many, BATCH_TASKS, NULL);
	}
	work_offer(&rig, batch, work, 1, &rig.orchestrator);
	expect_refused(batch, ST_BUSY);
	/* They end, and there is room for as many again. */
	rig_later(&rig, 40);
	for (i = 0; i < 256; i++)
		rig_next_result(&rig);
	rig_next(&rig, &rig.net, M_RESULTS);
	work_new(&rig, &work[0]);
	work[0].m.deadline += 40;
	work_offer(&rig, batch + 1, work, 1, &rig.orchestrator);
	work_asked(&rig, batch + 1, work, 1, NULL);
}

/* The monitor has read the configuration again, and keys knows it. */
static void
reloaded(uint32_t max_tasks, uint32_t workers)
{
	const struct m_limits l = { max_tasks, workers };

	chan_send(&rig.monitor, M_LIMITS, &l, NULL, 0, -1);
	rig_lives(&rig);
}

/* Offers n full batches, which are accepted, and one task, which is not: the
 * number of the next batch. */
static uint32_t
fill(uint32_t batch, uint32_t n)
{
	static struct work many[BATCH_TASKS];
	uint32_t i;

	for (; n > 0; n--, batch++) {
		for (i = 0; i < BATCH_TASKS; i++) {
			work_new(&rig, &many[i]);
			many[i].m.deadline += 60;
		}
		work_offer(&rig, batch, many, BATCH_TASKS, &rig.orchestrator);
		work_asked(&rig, batch, many, BATCH_TASKS, NULL);
	}
	work_offer(&rig, batch, work, 1, &rig.orchestrator);
	expect_refused(batch, ST_BUSY);
	return batch + 1;
}

static void
more_max_tasks_are_taken_at_once(void **unused)
{
	(void)unused;
	reloaded(256 + BATCH_TASKS, 1);
	fill(1, 256 / BATCH_TASKS + 1);
}

static void
credit_is_good_after_max_tasks_was_lowered(void **unused)
{
	uint32_t i, batch;

	(void)unused;
	reloaded(BATCH_TASKS, 1);
	batch = fill(1, 256 / BATCH_TASKS);
	rig_later(&rig, 40);
	for (i = 0; i < 256; i++)
		rig_next_result(&rig);
	rig_next(&rig, &rig.net, M_RESULTS);
	fill(batch, 1);
}

/* It said so, and exited with an error. */
static void
keys_has_ended(const char *text)
{
	int status;

	rig_said(&rig, text);
	assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	rig.pid = 0;
}

static void
limits_out_of_bounds_end_keys(void **unused)
{
	const struct m_limits l = { 256, CONF_WORKERS + 1 };

	(void)unused;
	chan_send(&rig.monitor, M_LIMITS, &l, NULL, 0, -1);
	keys_has_ended("monitor: illegal LIMITS: out of bounds");
}

static void
a_surplus_worker_finishes_its_task(void **unused)
{
	const struct m_peer p = { R_COMPUTE, 1 };
	struct chan first;
	uint32_t job[2];
	struct msg m;
	int fd[2];

	(void)unused;
	reloaded(256, 2);
	assert_int_equal(chan_pair(fd), 0);
	chan_send(&rig.monitor, M_PEER, &p, NULL, 0, fd[1]);
	close(fd[1]);
	job[0] = run_to_job(1, &work[0]);
	first = rig.worker;
	chan_init(&rig.worker, fd[0], R_COMPUTE, R_KEYS, 0);
	job[1] = run_to_job(2, &work[1]);
	reloaded(256, 1);
	assert_int_equal(chan_recv(&rig.worker, S_IDLE, &m), 0);
	finish(2, &work[1], job[1]);
	rig_lives(&rig);
	assert_int_equal(chan_recv(&rig.worker, S_IDLE, &m), -1);
	chan_close(&rig.worker);
	rig.worker = first;
	finish(1, &work[0], job[0]);
	assert_int_equal(rig_status(&rig)->workers_idle, 1);
}

/* Chains that are allowed all that max-tasks allows, in tasks as large as they
 * can be: this one is refused more memory, and the other has its own. */
static int
setup_large(void **unused)
{
	rig.max_tasks = 4096;
	return setup_chains(unused);
}

static int
teardown_large(void **unused)
{
	rig.max_tasks = 0;
	return teardown_chains(unused);
}

static void
offer_the_largest(uint32_t batch)
{
	static struct work many[BATCH_TASKS];
	uint32_t i;

	for (i = 0; i < BATCH_TASKS; i++)
		work_new_largest(&rig, &many[i]);
	work_offer(&rig, batch, many, BATCH_TASKS, &rig.orchestrator);
}

static void
the_memory_of_a_chain_is_bounded(void **unused)
{
	const struct msg *m;
	uint32_t i, job;

	(void)unused;
	/* 140 kB a task are 9 MB a batch. */
	for (i = 1; i <= 7; i++) {
		offer_the_largest(i);
		m = rig_next(&rig, &rig.net, M_ASK);
		assert_int_equal(m->n_rows, BATCH_TASKS);
	}
	offer_the_largest(i);
	expect_refused(i, ST_BUSY);
	rig_swap(&rig);
	work_new(&rig, &work[1]);
	job = run_to_job(1, &work[1]);
	finish(1, &work[1], job);
	rig_swap(&rig);
	/* And it is given back. */
	rig_raw(&rig.net, M_RESULT, "", 1);
	rig_cuts(&rig, &rig.net, "illegal RESULT");
	offer_the_largest(1);
	rig_next(&rig, &rig.net, M_ASK);
}

/* Whoever signed it: what does not fit is not even kept. */
static void
a_grant_that_is_larger_than_its_task_is_invalid(void **unused)
{
	struct m_grant g = { .batch = 1, .n_tasks = 1 };
	struct m_grant_task t = { .batch = 1, .n_seals = THRESHOLD + 1 };
	struct m_grant_seal s = { .batch = 1 };

	(void)unused;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	chan_send(&rig.net, M_GRANT, &g, NULL, 0, -1);
	chan_send(&rig.net, M_GRANT_TASK, &t, work[0].operands, 2, -1);
	for (s.node = 1; s.node <= THRESHOLD + 1; s.node++)
		chan_send(&rig.net, M_GRANT_SEAL, &s,
		    work[0].partials[s.node - 1], 2, -1);
	work_result(&rig, 1, work, ST_GRANT_INVALID, NULL);
	rig_lives(&rig);
}

/* The monitor is believed, and yet: no worker beyond the last. */
static void
a_peer_that_there_cannot_be_ends_keys(void **unused)
{
	const struct m_peer p = { R_COMPUTE, 1 };
	int fd[2];

	(void)unused;
	assert_int_equal(chan_pair(fd), 0);
	chan_send(&rig.monitor, M_PEER, &p, NULL, 0, fd[1]);
	close(fd[0]);
	close(fd[1]);
	keys_has_ended("monitor: illegal PEER: no such peer");
}

/* Asked for in time, granted too late. */
static void
a_task_whose_deadline_has_passed_is_expired(void **unused)
{
	(void)unused;
	work[0].m.deadline = work[0].m.issued_at + 12;
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	work_asked(&rig, 1, work, 1, NULL);
	work_delegate(&rig, work);
	rig_later(&rig, 13);
	work_grant(&rig, 1, work, 1, &rig.gateway);
	work_result(&rig, 1, work, ST_EXPIRED, NULL);
	rig_silent(&rig, &rig.worker);
}

/* ---- serving or not ---------------------------------------------------- */

static void
without_a_worker_it_does_not_serve(void **unused)
{
	(void)unused;
	assert_memory_equal(rig_status(&rig)->runner, rig.runner, 20);
	chan_close(&rig.worker);
	rig_said(&rig, "not accepting tasks: no compute process is ready");
	assert_int_equal(rig_status(&rig)->why, WHY_NO_WORKER);
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	expect_refused(1, ST_NOT_SERVING);
}

static void
a_draining_runner_takes_no_task_and_asks_for_no_evidence(void **unused)
{
	uint32_t job;

	(void)unused;
	job = run_to_job(1, &work[0]);
	chan_send(&rig.monitor, M_DRAIN, NULL, NULL, 0, -1);
	rig_said(&rig, "not accepting tasks: shutting down");
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	expect_refused(2, ST_NOT_SERVING);
	finish(1, &work[0], job);
	rig_later(&rig, 2600);
	rig_silent(&rig, &rig.evidence);
}

/* ---- what is dropped --------------------------------------------------- */

/* One task in the worker, one that waits for it; then their net is another. */
static void
a_task_that_waits_is_forgotten_with_its_batch(void **unused)
{
	struct m_value v;
	uint8_t plain[2][32];
	static struct work third, fourth;
	uint32_t job[2];

	(void)unused;
	work_new(&rig, &third);
	work_new(&rig, &fourth);
	job[0] = run_to_job(1, &work[0]);
	job[1] = run_to_job(2, &work[1]);
	work_offer(&rig, 3, &third, 1, &rig.orchestrator);
	work_asked(&rig, 3, &third, 1, NULL);
	work_delegate(&rig, &third);
	work_grant(&rig, 3, &third, 1, &rig.gateway);
	rig_lives(&rig);
	rig_raw(&rig.net, M_RESULT, "", 1);
	rig_cuts(&rig, &rig.net, "illegal RESULT");
	assert_int_equal(rig_status(&rig)->tasks, 0);
	assert_int_equal(rig_status(&rig)->batches, 0);
	work_done(&rig, job[0], work[0].program.outputs[0].b, 48, &v);
	work_done(&rig, job[1], work[1].program.outputs[0].b, 48, &v);
	job[0] = run_to_plain(4, &fourth, plain);
	finish(4, &fourth, job[0]);
	rig_silent(&rig, &rig.worker);
}

/* ---- the registration -------------------------------------------------- */

static void
later_with_new_blocks(int seconds)
{
	rig_later(&rig, seconds);
	rig.facts.block_time += (uint64_t)seconds;
	rig.facts.block_number++;
	rig_facts_now(&rig, &rig.facts);
}

static void
a_registration_is_renewed_after_two_thirds_of_its_life(void **unused)
{
	(void)unused;
	later_with_new_blocks(2090);	/* 2400, or up to 300 before */
	rig_silent(&rig, &rig.evidence);
	later_with_new_blocks(320);
	rig_quote(&rig);
	assert_int_equal(rig.registration.sequence, 2);
	assert_true(rig_status(&rig)->renewal_late == 0);
}

static void
a_registration_that_is_not_renewed_is_told(void **unused)
{
	(void)unused;
	later_with_new_blocks(2600);
	rig_next(&rig, &rig.evidence, M_QUOTE_ASK);
	assert_true(rig_status(&rig)->renewal_late == 0);
	later_with_new_blocks(150);
	rig_said(&rig, "registration: not renewed: expires in");
	assert_int_equal(rig_status(&rig)->renewal_late, 1);
	later_with_new_blocks(900);
	rig_said(&rig,
	    "not accepting tasks: registration pending, expired"
	    " or revoked");
}

static void
a_quote_that_fails_is_tried_again_after_a_while(void **unused)
{
	struct m_quote_failed f = { 5 };
	int i;

	(void)unused;
	rig_later(&rig, 11);
	chan_send(&rig.net, M_RENEW, NULL, NULL, 0, -1);
	for (i = 1; i <= 3; i++) {
		rig_next(&rig, &rig.evidence, M_QUOTE_ASK);
		chan_send(&rig.evidence, M_QUOTE_FAILED, &f, NULL, 0, -1);
		rig_said(&rig,
		    i == 1     ? "retrying in 10 s" :
			i == 2 ? "retrying in 20 s" :
				 "retrying in 40 s");
		assert_int_equal(rig_status(&rig)->evidence_failures, i);
		rig_later(&rig, (5 << i) - 4);
		rig_silent(&rig, &rig.evidence);
		rig_later(&rig, 4);
	}
	rig_quote(&rig);
}

/* All that a TEE can answer: none of it costs evidence, and each is told. */
static void
each_failure_of_the_tee_is_told_with_its_cause(void **unused)
{
	static const struct {
		uint32_t	 error;
		const char	*text;
	} all[] = {
		{ ENODATA, "evidence: no quote: empty quote: retrying in 10" },
		{ EBUSY, "no quote: Device or resource busy: retrying in 20" },
		{ EAGAIN, "no quote: Resource temporarily unavailable" },
		{ EINTR, "no quote: Interrupted system call" },
		{ ETIMEDOUT, "no quote: Connection timed out" },
		{ ESTALE, "no quote: quote over other report data" },
		{ EBADMSG, "no quote: malformed quote: retrying in 640 s" },
		{ UINT32_MAX, "no quote: ?: retrying in 640 s" },
	};
	struct m_quote_failed f;
	const struct m_status *s;
	size_t i;

	(void)unused;
	rig_later(&rig, 11);
	chan_send(&rig.net, M_RENEW, NULL, NULL, 0, -1);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		rig_next(&rig, &rig.evidence, M_QUOTE_ASK);
		f.error = all[i].error;
		chan_send(&rig.evidence, M_QUOTE_FAILED, &f, NULL, 0, -1);
		rig_said(&rig, all[i].text);
		s = rig_status(&rig);
		assert_int_equal(s->evidence_error, f.error);
		assert_true(s->evidence_failed_at != 0);
		assert_int_equal(s->evidence_retry_at - s->evidence_failed_at,
		    i < 6 ? 10 << i : 640);
		later_with_new_blocks(i < 6 ? 10 << i : 640);
	}
	rig_quote(&rig);
	s = rig_status(&rig);
	assert_int_equal(s->evidence_retry_at, 0);
	assert_int_equal(s->evidence_error, UINT32_MAX);
	assert_int_equal(rig.cut.role, 0);
}

static void
a_quote_that_nobody_asked_for_costs_evidence(void **unused)
{
	struct m_quote_failed f = { 5 };

	(void)unused;
	chan_send(&rig.evidence, M_QUOTE_FAILED, &f, NULL, 0, -1);
	rig_cuts(&rig, &rig.evidence, "illegal QUOTE_FAILED: not asked for");
}

/* It is sent again, at first after 20 s. */
static void
a_registration_that_does_not_show_is_sent_again(void **unused)
{
	(void)unused;
	rig_renewed(&rig);
	rig_facts_now(&rig, &rig.facts);
	rig_silent(&rig, &rig.net);
	assert_int_equal(rig_status(&rig)->registration_retry_at, 0);
	rig_later(&rig, 21);
	rig_next(&rig, &rig.net, M_REGISTER);
	assert_true(rig_status(&rig)->registration_retry_at != 0);
	assert_int_equal(rig_status(&rig)->registration_refused, 0);
	rig_later(&rig, 30);
	rig_silent(&rig, &rig.net);
	rig_later(&rig, 11);
	rig_next(&rig, &rig.net, M_REGISTER);
	rig.facts.sequence = 2;
	rig_facts_now(&rig, &rig.facts);
	rig_later(&rig, 200);
	rig_silent(&rig, &rig.net);
}

static void
verdict(uint32_t n)
{
	struct m_verdict v = { .verdict = n, .n_verifier = 1 };

	td_registration(&rig.registration, v.registration);
	v.verifier[0] = '\n';
	chan_send(&rig.net, M_VERDICT, &v, NULL, 0, -1);
}

/* `refused' so far, the last with this verdict; tried again in `seconds', 0:
 * not. */
static void
shows_refusal(uint64_t refused, uint32_t n, uint64_t seconds)
{
	const struct m_status *s = rig_status(&rig);

	assert_int_equal(s->registration_refused, refused);
	assert_int_equal(s->registration_verdict, n);
	if (seconds == 0)
		assert_int_equal(s->registration_retry_at, 0);
	else
		assert_in_range(s->registration_retry_at,
		    s->registration_refused_at + seconds - 5,
		    s->registration_refused_at + seconds);
}

static void
a_refused_registration_is_told_and_sent_again(void **unused)
{
	(void)unused;
	rig_renewed(&rig);
	rig_facts_now(&rig, &rig.facts);
	shows_refusal(0, 0, 0);
	verdict(VERDICT_UNDECIDED);
	rig_said(&rig,
	    "registration: refused: verdict 3 of verifier \\x0a: the "
	    "registrar could not decide: it lacks collateral");
	shows_refusal(1, VERDICT_UNDECIDED, 20);
	rig_later(&rig, 21);
	rig_next(&rig, &rig.net, M_REGISTER);
	verdict(VERDICT_REFUSED);
	rig_said(&rig, "refused: verdict 1 of verifier");
	shows_refusal(2, VERDICT_REFUSED, 40);
	rig_later(&rig, 41);
	rig_next(&rig, &rig.net, M_REGISTER);
	rig.facts.sequence = 2;
	rig_facts_now(&rig, &rig.facts);
	shows_refusal(2, VERDICT_REFUSED, 0);
	rig_later(&rig, 200);
	rig_silent(&rig, &rig.net);
	rig_silent(&rig, &rig.evidence);
}

/* With new evidence, since the registrar might want it. */
static void
a_registration_that_stays_refused_is_made_again(void **unused)
{
	int i;

	(void)unused;
	rig_renewed(&rig);
	rig_facts_now(&rig, &rig.facts);
	for (i = 20; i <= 640; i *= 2) {
		verdict(VERDICT_REFUSED);
		rig_later(&rig, i + 1);
		rig_next(&rig, &rig.net, M_REGISTER);
	}
	assert_int_equal(rig_status(&rig)->registration_refused, 6);
	later_with_new_blocks(641);
	rig_quote(&rig);
	assert_int_equal(rig.registration.sequence, 3);
	verdict(VERDICT_REFUSED);
	shows_refusal(7, VERDICT_REFUSED, 640);
}

static void
one_verdict_is_told_each_time_that_it_was_sent(void **unused)
{
	int i;

	(void)unused;
	rig_renewed(&rig);
	rig_facts_now(&rig, &rig.facts);
	for (i = 0; i < 1000; i++)
		verdict(VERDICT_REFUSED);
	rig_lives(&rig);
	shows_refusal(1, VERDICT_REFUSED, 20);
	rig_silent(&rig, &rig.net);
}

static void
net_sends_a_verdict_that_no_registrar_can_send(void **unused)
{
	(void)unused;
	verdict(VERDICT_REVERTED);
	rig_cuts(&rig, &rig.net, "illegal VERDICT: out of bounds");
}

/* ---- memory ------------------------------------------------------------ */

/* Not on the heap or the stack: keys derives no data key, and has no ephemeral
 * key that a worker has. */
static void
no_data_key_is_ever_in_keys(void **unused)
{
	char hex[65];
	uint32_t i;

	(void)unused;
	run_to_job(1, &work[0]);
	for (i = 0; i < 2; i++)
		rig_scan(&rig, "", hex_encode(hex, rig.data_keys[i], 32));
	rig_scan(&rig, "", hex_encode(hex, rig.ephemeral, 32));
	/* It does find what must be there. */
	assert_int_equal(rig_finds(&rig, hex_encode(hex, work[0].m.id, 32)), 1);
}

/* OpenSSL has its key as a number, too: least significant byte first. */
static void
the_tls_key_stands_in_locked_memory_alone(void **unused)
{
	struct m_tls_sign s = { .digest = { 1 } };
	char turned[65] = "";
	size_t i;

	(void)unused;
	memcpy(s.key, rig_tls_xy, sizeof(s.key));
	for (i = 0; i < 64; i += 2)
		memcpy(turned + i, rig_tls_scalar + 62 - i, 2);
	chan_send(&rig.tls, M_TLS_SIGN, &s, NULL, 0, -1);
	rig_next(&rig, &rig.tls, M_TLS_SIGNED);
	rig_scan(&rig, "", rig_tls_scalar);
	assert_int_equal(rig_finds(&rig, turned), 1);
	/* A sanitizer's memory would be too much to lock. */
#ifndef TEE_SANITIZERS
	rig_scan(&rig, rig.has_memlock ? "-a" : "-u", turned);
#endif
}

/* It answers without having read a job: no key may wait for it on the heap. */
static void
a_worker_that_does_not_read_is_cut_off(void **unused)
{
	uint8_t plain[2][32];
	struct m_value v;
	uint32_t i, job;

	(void)unused;
	for (i = 1; i < 2000; i++) {
		work_new(&rig, &work[0]);
		work_offer(&rig, i, &work[0], 1, &rig.orchestrator);
		work_asked(&rig, i, &work[0], 1, NULL);
		work_delegate(&rig, &work[0]);
		work_grant(&rig, i, &work[0], 1, &rig.gateway);
		/* Once around keys's loop it was given the job, or cut off. */
		rig_turn(&rig);
		if (rig.cut.role != 0)
			break;
		work_done(&rig, i, work[0].program.outputs[0].b, 48, &v);
		work_result(&rig, i, &work[0], ST_OK, &v);
	}
	rig_cuts(&rig, &rig.worker, "compute: illegal JOB: not read");
	/* The task waits for the next worker. */
	job = work_job(&rig, &work[0], plain);
	work_done(&rig, job, work[0].program.outputs[0].b, 48, &v);
	work_result(&rig, i, &work[0], ST_OK, &v);
	rig_lives(&rig);
}

/* ---- time: the host sets the clock ------------------------------------- */

static void
facts_ahead_of_the_clock_are_refused(void **unused)
{
	struct m_facts f = rig.facts;

	(void)unused;
	f.block_time += 20;		/* within what clocks may differ */
	rig_facts_now(&rig, &f);
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 1, &work[0], 1, NULL);
	f.block_time = UINT64_MAX;
	rig_facts_now(&rig, &f);
	rig_said(&rig, "system clock: it is at");
	rig_said(&rig, "not accepting tasks: the system's clock disagrees");
	work_offer(&rig, 2, &work[1], 1, &rig.orchestrator);
	expect_refused(2, ST_NOT_SERVING);
}

static void
a_clock_that_is_turned_back_makes_no_facts_fresh(void **unused)
{
	(void)unused;
	rig_later(&rig, 601);
	rig_clock(&rig, -601);
	rig_said(&rig, "not accepting tasks: the Registry was not read");
	rig_clock(&rig, -3600);
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	expect_refused(1, ST_NOT_SERVING);
}

/* registry reads the Registry again and again, but it is the same old block. */
static void
a_clock_that_is_turned_back_makes_no_block_new(void **unused)
{
	(void)unused;
	rig_later(&rig, 601);
	rig_clock(&rig, -601);
	rig_facts_now(&rig, &rig.facts);
	rig_said(&rig, "not accepting tasks: the newest block is older");
}

static void
a_clock_an_hour_ahead_stops_and_goes_on_when_it_is_set(void **unused)
{
	(void)unused;
	rig_clock(&rig, 3600);
	rig_said(&rig, "not accepting tasks: the newest block is older");
	work_offer(&rig, 1, work, 1, &rig.orchestrator);
	expect_refused(1, ST_NOT_SERVING);
	rig_clock(&rig, -3600);
	work_offer(&rig, 2, work, 1, &rig.orchestrator);
	work_asked(&rig, 2, work, 1, NULL);
}

static void
a_clock_an_hour_behind_does_not_move_time_back(void **unused)
{
	(void)unused;
	rig_clock(&rig, -3600);
	/* By the clock it has an hour left; by the newest block it is over. */
	work[0].m.issued_at -= 20;
	work[0].m.deadline = rig.facts.block_time - 1;
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	expect_refused(1, ST_EXPIRED);
	rig_facts_now(&rig, &rig.facts);
	rig_said(&rig, "system clock: it is at");
}

/* Refused: so many batches of one task, which seem to be from another time. */
static void
refused_by_time(uint32_t *id, size_t n, int64_t shift, uint32_t status)
{
	for (; n > 0; n--) {
		work_new(&rig, &work[0]);
		work[0].m.issued_at += (uint64_t)shift;
		work[0].m.deadline += (uint64_t)shift;
		work_offer(&rig, ++*id, work, 1, &rig.orchestrator);
		expect_refused(*id, status);
	}
}

static void
tasks_of_another_time_put_the_clock_in_doubt(void **unused)
{
	uint32_t id = 0;

	(void)unused;
	refused_by_time(&id, 3, -300, ST_EXPIRED);
	rig_said(&rig, "system clock: it is at");
	rig_said(&rig, "not accepting tasks: the system's clock disagrees");
	refused_by_time(&id, 1, 0, ST_NOT_SERVING);
	rig_later(&rig, 61);
	rig_facts_now(&rig, &rig.facts);
	/* One more is enough now, from the other side too. */
	refused_by_time(&id, 1, 300, ST_NOT_YET);
	refused_by_time(&id, 1, 0, ST_NOT_SERVING);
	rig_later(&rig, 61);
	rig_facts_now(&rig, &rig.facts);
	work_new(&rig, &work[0]);	/* by the time of the start */
	work[0].m.issued_at += 122;
	work[0].m.deadline += 122;
	work_offer(&rig, ++id, work, 1, &rig.orchestrator);
	work_asked(&rig, id, work, 1, NULL);
}

static void
a_task_that_is_in_time_ends_the_doubt(void **unused)
{
	uint32_t id = 0, i;

	(void)unused;
	for (i = 0; i < 3; i++) {
		refused_by_time(&id, 2, 300, ST_NOT_YET);
		work_new(&rig, &work[1]);
		work_offer(&rig, ++id, &work[1], 1, &rig.orchestrator);
		work_asked(&rig, id, &work[1], 1, NULL);
	}
	/* Batches that others sign say nothing about the clock. */
	for (i = 0; i < 4; i++) {
		work_new(&rig, &work[0]);
		work[0].m.deadline = work[0].m.issued_at -= 300;
		work_offer(&rig, ++id, work, 1, &rig.gateway);
		expect_refused(id, ST_BAD_SIGNATURE);
	}
	refused_by_time(&id, 2, 300, ST_NOT_YET);
	work_new(&rig, &work[1]);
	work_offer(&rig, ++id, &work[1], 1, &rig.orchestrator);
	work_asked(&rig, id, &work[1], 1, NULL);
}

static void
refused_tasks_are_ten_lines_and_then_a_number(void **unused)
{
	const char *s;
	uint32_t id = 0, i, lines = 0;

	(void)unused;
	for (i = 0; i < 40; i++) {
		work_new(&rig, &work[0]);
		work[0].m.chain_id++;
		work_offer(&rig, ++id, work, 1, &rig.orchestrator);
		expect_refused(id, ST_WRONG_CHAIN);
	}
	rig_later(&rig, 61);
	rig_said(
	    &rig, "task: refused: wrong chain: 30 more in the last minute");
	for (s = rig.log; (s = strstr(s, "refused: wrong chain")) != NULL; s++)
		lines++;
	assert_int_equal(lines, 10 + 1);
}

/* Accepted while the clock was ahead, when the deadline seemed near. */
static void
no_clock_makes_keys_forget_what_it_accepted(void **unused)
{
	(void)unused;
	rig_clock(&rig, 500);
	work[0].m.deadline += 500;
	work_offer(&rig, 1, &work[0], 1, &rig.orchestrator);
	work_asked(&rig, 1, &work[0], 1, NULL);
	rig_later(&rig, 70);
	rig_clock(&rig, -500);
	work_result(&rig, 1, &work[0], ST_GATEWAY_UNREACHABLE, NULL);
	rig.facts.block_time += 70;
	rig_facts_now(&rig, &rig.facts);
	work_offer(&rig, 2, &work[0], 1, &rig.orchestrator);
	expect_refused(2, ST_REPLAYED);
}

/* ---- bounds of a chain ------------------------------------------------- */

static void
a_batch_whose_tasks_do_not_come_expires(void **unused)
{
	(void)unused;
	send_batch(1, BATCH_TASKS);
	rig_lives(&rig);
	rig_later(&rig, 11);
	rig_cuts(&rig, &rig.net, "illegal BATCH: its tasks do not come");
	an_honest_task_is_computed_and_signed(unused);
}

/* BATCHes alone, as many as keys takes: it is this chain that has no room. */
static void
batches_of_one_chain_leave_room_for_another(void **unused)
{
	uint32_t i, job;

	(void)unused;
	for (i = 1; i <= 4; i++)
		send_batch(i, BATCH_TASKS);
	work_offer(&rig, 5, &work[0], 1, &rig.orchestrator);
	expect_refused(5, ST_BUSY);
	rig_swap(&rig);
	work_new(&rig, &work[1]);
	job = run_to_job(1, &work[1]);
	finish(1, &work[1], job);
	rig_swap(&rig);
	for (i = 6; i <= 20; i++)
		send_batch(i, BATCH_TASKS);
	rig_cuts(&rig, &rig.net, "illegal BATCH: far over max-tasks");
}

/* The other chain's task goes on while this one's net, registry and TLS are cut
 * off. */
static void
what_one_chain_breaks_costs_the_other_nothing(void **unused)
{
	uint8_t b[64] = { 0 };
	uint32_t job;

	(void)unused;
	rig_swap(&rig);
	work_new(&rig, &work[1]);
	job = run_to_job(1, &work[1]);
	rig_swap(&rig);
	rig_raw(&rig.net, M_RESULT, b, sizeof(b));
	rig_cuts(&rig, &rig.net, "illegal RESULT");
	rig_raw(&rig.registry, M_BATCH, b, sizeof(b));
	rig_cuts(&rig, &rig.registry, "illegal BATCH");
	rig_raw(&rig.tls, M_BATCH, b, sizeof(b));
	rig_cuts(&rig, &rig.tls, "illegal BATCH");
	rig_swap(&rig);
	finish(1, &work[1], job);
}

/* ---- anything ---------------------------------------------------------- */

/* Records of every type at every size: whatever keys does, it signs nothing. */
static void
net_says_anything_at_all(void **unused)
{
	uint8_t b[4096];
	uint32_t type;
	size_t n;
	int round;

	(void)unused;
	for (type = 0; type <= M_TYPES; type++)
		for (round = 0; round < 3; round++) {
			if (type == M_HELLO_ASK || type == M_RENEW ||
			    type == M_VERDICT)
				continue;	/* legal at any time */
			n = type > 0 && type < M_TYPES ?
			    msg_rules[type].payload +
				(size_t)round * msg_rules[type].row :
			    64;
			if (n > sizeof(b))
				continue;
			assert_int_equal(getrandom(b, n, 0), (ssize_t)n);
			rig_raw(&rig.net, type, b, n);
			rig_cuts(&rig, &rig.net, "illegal");
			*rig.log = '\0';
		}
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f)	cmocka_unit_test_setup_teardown(f, setup_pins, teardown_pins)
#define C(f)								\
	cmocka_unit_test_setup_teardown(f, setup_chains, teardown_chains)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_honest_task_is_computed_and_signed),
		T(net_forges_a_workers_answer),
		T(registry_describes_its_endpoints),
		T(net_sends_a_result_to_be_signed),
		T(net_wants_new_evidence_a_thousand_times),
		T(net_swaps_the_kms_key),
		T(net_asks_for_a_tls_signature_on_its_main_channel),
		T(the_tls_channel_asks_for_a_hello),
		T(net_asks_for_a_signature_by_a_tls_key_that_is_not_held),
		T(net_sends_a_tls_key),
		T(a_tls_key_file_of_rubbish_is_not_taken),
		T(a_renewed_tls_key_signs_beside_the_one_before_it),
		T(net_grants_what_was_not_asked),
		T(net_grants_the_same_batch_twice),
		T(net_grants_a_seal_out_of_order),
		T(net_grants_an_operand_longer_than_it_can_be),
		T(net_reports_a_failed_fetch_as_success),
		T(net_takes_a_number_that_is_in_use),
		T(net_sends_a_task_out_of_order),
		T(net_sends_a_program_that_reads_past_itself),
		T(net_plays_the_monitor),
		T(net_replays_a_task_under_way),
		T(net_replays_a_task_that_ended),
		T(one_task_twice_in_a_batch_runs_once),
		T(a_batch_that_a_stranger_signed_is_refused),
		T(a_task_changed_after_its_signature_is_refused),
		T(what_the_clock_or_the_address_speaks_against_is_refused),
		T(a_grant_that_a_stranger_signed_is_invalid),
		T(operands_in_another_order_are_invalid),
		T(a_grant_for_another_ephemeral_key_is_invalid),
		T(one_node_twice_is_invalid),
		T(a_node_that_the_registry_does_not_have_is_invalid),
		T(a_node_whose_seal_does_not_open_is_named_and_avoided),
		T(ciphertexts_that_changed_places_do_not_decrypt),
		T(values_exchanged_after_delegation_are_the_gateways_fault),
		T(a_node_whose_partial_is_wrong_is_named_and_avoided),
		T(a_status_that_is_not_the_gateways_becomes_its_error),
		T(a_status_that_is_not_a_workers_costs_the_worker),
		T(net_ends_a_fetch_with_a_status_of_the_gateway),
		T(a_quorum_whose_shares_do_not_fit_is_avoided),
		T(a_quorum_is_always_left),
		T(a_fetch_that_failed_ends_as_retryable),
		T(a_worker_answers_for_another_tasks_handle),
		T(a_worker_answers_with_an_output_of_another_length),
		T(a_worker_blames_nodes_that_did_not_answer),
		T(what_a_worker_says_of_nodes_is_a_hint),
		T(a_worker_has_two_tasks_and_no_third),
		T(a_worker_answers_for_its_next_job_first),
		T(a_worker_answers_without_a_job),
		T(a_worker_that_is_lost_ends_its_task_as_retryable),
		T(a_new_kms_key_is_for_the_next_batch),
		C(each_chain_has_its_own_domain),
		C(a_batch_of_another_chain_is_refused),
		C(a_task_of_another_chain_is_refused),
		C(net_grants_a_batch_of_another_chain),
		C(registry_can_lie_about_its_own_chain_alone),
		cmocka_unit_test_setup_teardown(
		    a_worker_that_is_isolated_gets_no_second_task,
		    setup_isolated, teardown_isolated),
		cmocka_unit_test_setup_teardown(
		    a_worker_that_does_not_exit_after_its_last_task_is_ended,
		    setup_isolated, teardown_isolated),
		T(registry_sends_facts_out_of_bounds),
		T(a_runner_that_is_revoked_serves_no_more),
		T(net_says_anything_at_all),
		P(a_kms_key_that_comes_between_batch_and_task_is_not_used),
		P(a_revocation_between_batch_and_task_is_obeyed),
		T(a_revocation_between_batch_and_task_is_obeyed),
		T(an_orchestrator_removed_between_batch_and_task_is_not_one),
		P(facts_that_alternate_never_show),
		P(pins_take_the_place_of_the_lists),
		T(a_batch_keeps_the_gateway_that_it_was_admitted_under),
		T(a_sequence_that_keys_did_not_sign_is_a_lie),
		T(facts_are_taken_up_to_their_bounds),
		T(a_grant_has_as_many_seals_as_there_can_be_nodes),
		T(as_many_tasks_as_max_tasks_are_taken),
		T(more_max_tasks_are_taken_at_once),
		T(credit_is_good_after_max_tasks_was_lowered),
		T(limits_out_of_bounds_end_keys),
		T(a_surplus_worker_finishes_its_task),
		cmocka_unit_test_setup_teardown(
		    the_memory_of_a_chain_is_bounded, setup_large,
		    teardown_large),
		T(a_grant_that_is_larger_than_its_task_is_invalid),
		T(the_last_nodes_make_a_quorum_too),
		T(a_quorum_of_one_that_lies_is_a_node_that_lies),
		T(a_peer_that_there_cannot_be_ends_keys),
		T(a_task_whose_deadline_has_passed_is_expired),
		T(without_a_worker_it_does_not_serve),
		T(a_draining_runner_takes_no_task_and_asks_for_no_evidence),
		T(a_task_that_waits_is_forgotten_with_its_batch),
		T(a_registration_is_renewed_after_two_thirds_of_its_life),
		T(a_registration_that_is_not_renewed_is_told),
		T(a_quote_that_fails_is_tried_again_after_a_while),
		T(each_failure_of_the_tee_is_told_with_its_cause),
		T(a_quote_that_nobody_asked_for_costs_evidence),
		T(a_registration_that_does_not_show_is_sent_again),
		T(a_refused_registration_is_told_and_sent_again),
		T(a_registration_that_stays_refused_is_made_again),
		T(one_verdict_is_told_each_time_that_it_was_sent),
		T(net_sends_a_verdict_that_no_registrar_can_send),
		T(no_data_key_is_ever_in_keys),
		T(the_tls_key_stands_in_locked_memory_alone),
		T(a_worker_that_does_not_read_is_cut_off),
		T(facts_ahead_of_the_clock_are_refused),
		T(a_clock_that_is_turned_back_makes_no_facts_fresh),
		T(a_clock_that_is_turned_back_makes_no_block_new),
		T(a_clock_an_hour_ahead_stops_and_goes_on_when_it_is_set),
		T(a_clock_an_hour_behind_does_not_move_time_back),
		T(tasks_of_another_time_put_the_clock_in_doubt),
		T(a_task_that_is_in_time_ends_the_doubt),
		T(refused_tasks_are_ten_lines_and_then_a_number),
		T(no_clock_makes_keys_forget_what_it_accepted),
		T(a_batch_whose_tasks_do_not_come_expires),
		C(batches_of_one_chain_leave_room_for_another),
		C(what_one_chain_breaks_costs_the_other_nothing),
	};

	return cmocka_run_group_tests_name("hostile: keys", tests, NULL, NULL);
}
