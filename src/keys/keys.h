/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the keys role share. keys holds the identity key, the TLS
 * key, the gas account's and each task's ephemeral key; it verifies and signs;
 * it never sees a plaintext, parses no variable format and has no network.
 */
#ifndef KEYS_H
#define KEYS_H

#include <stdint.h>
#include <sys/queue.h>

#include "chan.h"
#include "clock.h"
#include "program.h"
#include "shamir.h"

#define WORKERS_MAX	CONF_WORKERS

/* ---- keys.c: what the files share ---------------------------------------- */
/* Jobs that a worker has at a time: one that it computes, and the next. */
#define WORKER_QUEUE	2

struct job {
	struct task	*task;		/* or */
	struct nox	*nox;		/* both NULL: it was dropped */
	uint32_t	 number;
};

TAILQ_HEAD(workers, worker);
struct worker {
	struct chan	 chan;		/* fd -1: there is none */
	struct job	 jobs[WORKER_QUEUE];	/* not answered; oldest first */
	uint32_t	 n_jobs;
	uint32_t	 n_given;	/* in all */
	uint64_t	 since;		/* of the oldest job, milliseconds */
	uint64_t	 busy;		/* that it had a job, in all */
	uint64_t	 spent;		/* since when it exits, after its last
					 * job, and its successor is awaited; or
					 * 0 */
	struct workers	*takers;	/* job.c: the list that it is in, or
					 * NULL: it takes no task */
	TAILQ_ENTRY(worker) next;
	/* nox.c */
	struct m_rsa_key rsa;		/* number 0: it has not told one */
	TAILQ_HEAD(, nox) own;		/* that it alone can compute */
	uint32_t	 n_promised;	/* asked with its key, or in `own' */
	int		 had_nox;	/* its last job was one */
};

#define BATCH_LISTS	1024	/* in which a chain's batches are found */

/* One of the configuration's chains: who speaks for it, what its Registry says,
 * our registration there, and whether we serve it. */
struct chain {
	uint32_t	 index;		/* of the configuration's */
	const struct conf_chain *conf;
	char		 tag[32];	/* "chain 1: " for log lines, or "" if
					 * there is only one */
	uint8_t		 domain[32];	/* EIP-712, of its Registry */
	struct chan	 net, tls, registry;
	enum state	 state;
	struct m_status	 status;
	int		 status_due;	/* it has changed: tell net */
	struct m_endpoints endpoints;	/* registry's, for net: not read */
	struct m_endpoint endpoint[CONF_ENDPOINTS];
	size_t		 n_endpoints;
	int		 endpoints_due;

	/* facts.c; to the tasks' code a batch's snapshot is all that there
	 * is */
	const struct m_facts *facts;	/* the newest that passed; never NULL */
	uint64_t	 facts_at;	/* when they came; milliseconds */
	enum idle_reason	 fault;		/* of those that came last, or
					 * WHY_NONE */
	unsigned	 clock_batches;	/* in a row that our clock refused */
	uint64_t	 doubt_until;	/* our clock is not trusted;
					 * milliseconds */
	uint64_t	 floor, floor_at;	/* time of the newest block,
						 * seconds since 1970; when it
						 * came, milliseconds */
	/* registration.c; milliseconds, unless it says otherwise */
	struct m_register registration;	/* sequence 0: none was signed yet */
	uint8_t		 registration_hash[32];
	int		 evidence_fd;	/* of `registration'; -1: none yet */
	uint64_t	 quote_block;	/* whose hash it was asked over */
	uint64_t	 quote_not_before;
	uint32_t	 quote_retry;	/* the last delay, seconds; 0: none
					 * failed */
	uint64_t	 evidence_at;	/* when the last was made; 0: none
					 * yet */
	uint64_t	 renew_at;	/* when the next quote is due */
	uint64_t	 resend_at;	/* the registration, if it is not
					 * there */
	uint32_t	 resend_delay;	/* the last, seconds; 0: it is there */
	int		 wants_verdict;	/* it was sent, and none came yet */
	int		 is_refused;	/* by the last verdict, or reverted */
	int		 is_reverted;	/* its transaction: not paid again */
	/* task.c, job.c, replay.c */
	LIST_HEAD(, batch) batches;
	LIST_HEAD(, batch) by_id[BATCH_LISTS];	/* by its number */
	size_t		 memory;	/* bytes that they have, or will need */
	uint32_t	 max_tasks;	/* that they may have; task_limit() */
	TAILQ_HEAD(, task) ready;	/* verified, wait for a worker */
	struct replay	*replay;
	/* gas.c, publish.c; NULL: no gas account, or nothing to do for it */
	struct gas	*gas;
	struct publish	*publish;
	/* nox.c */
	LIST_HEAD(, nox) noxes[BATCH_LISTS];	/* by their number */
	TAILQ_HEAD(, nox) asking;	/* wait for a worker with a key */
	/* delegate.c */
	uint64_t	 suspect_until[KMS_NODES];	/* milliseconds */
	uint32_t	 quorum_turn;	/* whose node is avoided next */
};

struct keys {
	struct conf	 conf;
	struct chain	 chains[CONF_CHAINS];	/* conf.n_chains */
	struct chan	 evidence;
	struct worker	 workers[WORKERS_MAX];
	uint64_t	 busy;		/* not waiting, in all; milliseconds */
};
extern struct keys keys;

/* keys_init: no peer is there yet. */
void keys_init(const struct conf *);
/* The chain that a net's, its TLS's or a registry's channel is for. */
struct chain *chain_of(const struct chan *);
/* R_NET or R_NOX: who is at the other end of ch->net. */
enum role front_of(const struct chain *);

/* A channel came; or is to be closed, and all that hung on it to be ended. */
void keys_peer_up(struct chan *);
void keys_peer_lost(struct chan *);
/* The same for a peer that is broken or stuck: the monitor is to end it,
 * too. */
void keys_peer_cut(struct chan *);

/* ---- key_file.c -------------------------------------------------------- */
/* A private key in an open file: NULL, or what is wrong with it.  key: secret
 * memory. */
const char *key_file_read(int fd, uint8_t key[32]);

/* ---- sign.c: the identities, and all that they ever sign --------------- */
/* A fresh identity, in secret memory; and that of the file nox-key, unless its
 * path is "".  Before the sandbox. */
void sign_init(const char *nox_key);
/* NULL, or what is wrong with the file nox-key. */
const char *sign_check_wallet(const char *path);
/* Our address (20 bytes) and public key (33 bytes) on this chain. */
const uint8_t *sign_address(const struct chain *);
const uint8_t *sign_public(const struct chain *);
/* hash: hashStruct of a primary type of TYPED-DATA.md, from td_*, in the domain
 * of this chain's Registry; or from nox_*, in its domain for requests. */
void sign_typed(const struct chain *, const uint8_t hash[32], uint8_t sig[65]);
/* The address that signed hashStruct `hash' in that domain: 0 or -1. */
int sign_recover(const struct chain *, const uint8_t hash[32],
    const uint8_t sig[65], uint8_t address[20]);
/* The same in the domain of Nox v0 for answers with this salt. */
int sign_recover_salted(const struct chain *, const uint8_t salt[32],
    const uint8_t hash[32], const uint8_t sig[65], uint8_t address[20]);

/* ---- check.c: files, for tee-runnerd -t -------------------------------- */
/* Paths of tls-key, gas-key and nox-key, then pin-kms-key of each chain in hex;
 * each may be empty.  Ends the process. */
_Noreturn void keys_check(char **args);

/* ---- tls.c: the TLS keys, of no other use ------------------------------ */
void tls_init(const char *path);	/* PEM, P-256; before the sandbox */
/* The public point of the key in this file: NULL, or what is wrong with it. */
const char *tls_check(const char *path, uint8_t xy[64]);
/* The file has changed; fd becomes ours.  A file that is no key changes
 * nothing. */
void tls_renew(int fd);
/* By the key that is named; if it is not held, all of the answer is zero. */
void tls_sign(const struct m_tls_sign *, struct m_tls_signed *);

/* ---- facts.c: what the Registry says: the one door --------------------- */
#define CLOCK_SKEW	30	/* seconds that another's clock may be ahead */
void facts_init(void);
/* Install the facts that registry read.  Facts that violate a pin, come from a
 * block ahead of our clock, or show a registration that we did not sign never
 * become visible; ch->fault says which. */
void facts_install(struct chain *, const struct m_facts *);
/* Why no batch may be accepted under them, or WHY_NONE. */
enum idle_reason facts_why(const struct chain *);
/* Time for this chain, seconds since 1970: the system's, but never less than
 * the time of the newest block and what has passed since it came. */
uint64_t facts_now(const struct chain *);
/* The lower bound alone: whatever the system's clock says, then or later,
 * facts_now() is not below it; 0 without facts. */
uint64_t facts_floor(const struct chain *);
/* All tasks of a batch that an Orchestrator has signed were refused, since they
 * seem expired or not yet issued; or 0: a task was accepted.  Each signs
 * shortly before it sends: some such batches in a row put our clock in doubt,
 * and we do not serve for a minute. */
void facts_clock_refused(struct chain *, int is_refused);
/* The facts of this moment, which cannot change: for a batch, until it releases
 * them. */
const struct m_facts *facts_hold(const struct chain *);
void facts_release(const struct m_facts *);	/* NULL: nothing */
/* Are they in its lists?  1 or 0. */
int facts_orchestrator(const struct m_facts *, const uint8_t address[20]);
int facts_gateway(const struct m_facts *, const uint8_t address[20]);

/* ---- registration.c: evidence and the registration signed over it ------- */
/* a new one: tell it who we are */
void registration_registry_peer(struct chain *);
/* Have the facts read again now, under the number of gas_request(). */
void registration_ask_facts(struct chain *);
/* the same: the registration again */
void registration_net_peer(struct chain *);
void registration_evidence_peer(void);	/* a new evidence: ask again */
/* its Orchestrator wants new evidence */
void registration_renew_asked(struct chain *);
/* fd: becomes ours */
void registration_quote(const struct m_quote *, int fd);
void registration_quote_failed(uint32_t error);
/* net brings a registrar's verdict. */
void registration_verdict(struct chain *, const struct m_verdict *);
/* The transaction of the registration with this sequence was reverted. */
void registration_reverted(struct chain *, uint64_t sequence);
/* Once a second, and when something changed; now: now_ms(). */
void registration_tick(struct chain *, uint64_t now, int is_draining);

/* ---- backoff.c --------------------------------------------------------- */
/* The delay after `delay', seconds: `first' after 0, then twice as long, up to
 * about ten minutes. */
uint32_t backoff_next(uint32_t delay, uint32_t first);

/* ---- trust.c: may we serve? -------------------------------------------- */
void trust_init(void);
void trust_drain(void);
int trust_is_draining(void);
/* something did: tick before the next poll */
void trust_changed(void);
int trust_has_changed(void);	/* since the last tick: 1 or 0 */
/* state again: the main loop's alone to call */
void trust_tick(void);
int trust_serves(const struct chain *);	/* this very moment: 1 or 0 */

/* ---- gas_key.c: the key that pays -------------------------------------- */
/* "": none; before the sandbox */
void gas_key_init(const char *path);
/* NULL, or what is wrong with the file. */
const char *gas_key_check(const char *path);
/* 32 bytes in secret memory; NULL: none */
const uint8_t *gas_key(void);
const uint8_t *gas_address(void);	/* 20 bytes; zeros: no account */
/* Lock the file, so that no other process with this account sends: 0, or -1 if
 * another process has the lock.  The lock ends with the process. */
int gas_key_lock(void);
void gas_key_unlock(void);

/* ---- gas.c: transactions of the account of the Runner, one at a time ---- */
void gas_init(const char *path);	/* "": no account; before the sandbox */
/* A registration was signed, or is sent again: one verdict on it is taken, and
 * paid for once at most. */
void gas_registration(struct chain *);
/* Is that verdict here, or on its way in a transaction? */
int gas_holds_registration(const struct chain *);
/* v: in bounds */
void gas_verdict(struct chain *, const struct m_verdict *v);
/* a new one: the transaction again */
void gas_registry_peer(struct chain *);
/* For RUNNER: its number changes when facts are needed that are newer. */
uint32_t gas_request(void);
void gas_tick(struct chain *);	/* once a second, and with facts */

/* ---- publish.c: results that wait to be committed to on the chain ------ */
void publish_init(void);
/* A computed task, whose result was signed: hash is that of its TaskResult. */
void publish_add(struct chain *, const struct task *, const uint8_t hash[32]);
/* Encode the call that publishes the results that are due, CALLDATA_MAX bytes
 * at most: its size, and in *gas what it takes without its data; 0: none is
 * due.  These results then wait for publish_ended(). */
size_t publish_call(struct chain *, uint8_t *out, uint64_t *gas);
/* the call was dropped before it was sent */
void publish_unsent(struct chain *);
/* nonce: of its transaction. */
void publish_ended(struct chain *, enum tx_status, uint64_t nonce);

/* ---- tally.c: log lines that a peer can cause at will ------------------ */
struct tally {			/* static, zero */
	const char	*subject, *reason;
	unsigned	 lines, more;	/* logged; counted in their place */
	uint64_t	 since;		/* of `more', milliseconds */
	struct tally	*next;
};
/* One more line "subject: reason", of which both are static: 1: log it, with
 * what else there is to say; 0: it was counted. */
int tally_add(struct tally *, const char *subject, const char *reason);
void tally_tick(void);		/* once a second */

/* ---- replay.c ---------------------------------------------------------- */
#define REPLAY_AHEAD	600	/* seconds: no deadline is further away */
void replay_init(void);
struct replay *replay_new(void);	/* a chain's table */
/* Remember (id, attempt) for `life' seconds: ST_OK, ST_REPLAYED, or ST_BUSY if
 * there is no room (then the task must be refused). */
uint32_t replay_add(
    struct replay *, const uint8_t id[32], uint32_t attempt, uint64_t life);

/* ---- task.c: batches and tasks, from BATCH to RESULTS ------------------ */
enum task_state {
	T_OFFERED,	/* received; the batch is not verified yet */
	T_REFUSED,	/* never accepted */
	T_ASKED,	/* accepted, has its ephemeral key */
	T_GRANTED,	/* operands here, not verified yet */
	T_READY,	/* verified, waits for a worker */
	T_RUNNING,	/* a worker has it; its ephemeral key is gone */
	T_ENDED,	/* has its status */
};

struct seal {
	struct m_grant_seal head;
	struct m_partial *partials;	/* one for each operand; malloc */
};

struct task {
	enum task_state	 state;
	uint32_t	 status;
	struct batch	*batch;
	struct m_task	 m;
	struct m_word	*words;		/* the program; malloc */
	size_t		 n_words;
	struct program	 program;	/* a view of it */
	uint32_t	 key;		/* number of the ephemeral key, 0:
					 * none */
	uint8_t		 ephemeral_key[33];
	struct m_grant_task grant;
	struct m_value	*operands;	/* malloc */
	size_t		 n_operands;
	struct seal	*seals;		/* malloc */
	size_t		 n_seals;	/* that came, of grant.n_seals */
	int		 is_oversized;	/* the grant does not fit and was not
					 * kept */
	struct worker	*worker;	/* T_RUNNING: that has it */
	struct m_result	 times;		/* worker, and when; for net */
	struct m_value	*outputs;	/* shape.n_outputs if the status is OK;
					 * malloc */
	TAILQ_ENTRY(task) next;		/* of those that wait for a worker */
};

enum batch_state { B_TASKS, B_ASKED, B_GRANT, B_RUNNING };

struct batch {
	struct chain	*chain;
	uint32_t	 id;		/* its net's number */
	enum batch_state state;
	uint32_t	 n_tasks, n_accepted, n_ended;
	uint32_t	 n_came;	/* TASKs, then GRANT_TASKs */
	uint32_t	 refuse;	/* an ST_* known before its TASKs
					 * came */
	uint8_t		 signature[65];	/* of the batch, then of the grant */
	uint64_t	 since;		/* it came, then the ASK;
					 * milliseconds */
	struct m_trace	 trace;
	size_t		 memory;	/* its part of the chain's */
	const struct m_facts *facts;	/* from its admission on; before that
					 * NULL */
	struct task	*tasks[BATCH_TASKS];
	LIST_ENTRY(batch) next;		/* of its chain's, or of those that
					 * ended */
	LIST_ENTRY(batch) same;		/* of its chain's by_id */
};

void task_on_batch(struct chan *, const struct m_batch *);
void task_on_task(struct chan *, const struct msg *);
void task_on_fetch_failed(struct chan *, const struct m_fetch_failed *);
void task_on_grant(struct chan *, const struct m_grant *);
void task_on_grant_task(struct chan *, const struct msg *);
void task_on_grant_seal(struct chan *, const struct msg *);
void task_outputs(struct task *, const struct m_value *, size_t n);
void task_end(struct task *, uint32_t status);
/* its net is another: the batches are void */
void task_drop_all(struct chain *);
/* The keyword max-tasks has this value now. */
void task_limit(uint32_t max_tasks);
void task_tick(void);		/* time-outs, once a second */
/* Free the batches that have ended.  Only the main loop calls it, when no
 * handler runs: until then a task and its batch stay valid, whatever ends
 * them. */
void task_reap(void);

/* ---- job.c: tasks and workers ------------------------------------------ */
void job_init(void);
void job_queue(struct task *);	/* T_READY */
void job_forget(struct task *);	/* out of the queue, or of its worker */
void job_on_done(struct chan *, const struct msg *);
void job_worker_up(struct worker *);
void job_worker_lost(struct worker *);
/* May it be given a task?  That has changed. */
void job_worker_changed(struct worker *);
int job_is_idle(const struct worker *);
int job_is_up(const struct worker *);
void job_work(void);		/* give tasks to workers */
void job_tick(void);		/* stuck workers */
void job_send_workers(void);	/* what each one does, to every net */

/* A job that this worker was sent now. */
void job_begin(struct worker *, struct task *, struct nox *, uint32_t number);
uint32_t job_number(void);	/* of the next */
/* A worker did not take a job, and chan_try() said why: 1 if another may, or 0
 * if there is none now. */
int job_not_taken(struct worker *, int sent);
/* Its oldest job has this number, or it broke the protocol: the job; NULL. */
const struct job *job_answered(
    struct worker *, enum msg_type, const struct m_job_done *);
void job_ended(struct worker *);	/* the oldest */

/* ---- nox.c: transactions of Nox v0, from NOX_TASK to NOX_ENDED ---------- */
void nox_init(void);
void nox_on_task(struct chan *, const struct msg *);
void nox_on_grant(struct chan *, const struct msg *);
void nox_on_stored(struct chan *, const struct m_nox_stored *);
void nox_on_drop(struct chan *, const struct m_nox_id *);
void nox_on_rsa_key(struct chan *, const struct m_rsa_key *);
void nox_on_done(struct chan *, const struct msg *);
void nox_drop_all(struct chain *);	/* its nox is another */
/* The worker has ended, and with it this job; or without a job, all that was
 * promised to it. */
void nox_job_lost(struct nox *);
void nox_worker_lost(struct worker *);
void nox_work(void);		/* give jobs to workers */
void nox_row(struct m_worker *, const struct nox *, const struct chain *);

/* ---- delegate.c: ephemeral keys, and the nodes that answer to them ------ */
/* For at most so many tasks. */
void delegate_init(uint32_t tasks);
/* A task's ephemeral key: make it (number and public key), read it, erase
 * it. */
void delegate_key_new(struct task *);
const uint8_t *delegate_key(const struct task *);	/* 32 bytes */
void delegate_key_erase(struct task *);
/* Does the grant fit the task?  ST_OK, a status that the Gateway may report,
 * ST_GRANT_INVALID or ST_GATEWAY_ERROR. */
uint32_t delegate_check(const struct task *);
/* May a worker say of this task that these nodes are at fault?  1 or 0. */
int delegate_is_possible(const struct task *, const struct m_job_done *);
/* A worker says so: each is avoided for a time, but at least one quorum never
 * is. */
void delegate_blame(const struct task *, const struct m_job_done *);
/* Nodes that are avoided now: bit i is node i + 1. */
uint64_t delegate_avoided(const struct chain *);

#endif
