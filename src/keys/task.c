/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches and their tasks, from BATCH to RESULTS.  A batch is signed as a
 * whole; a task is computed.  Runs in keys.  Each handler first checks that the
 * message fits the state of its batch and task; if it does not, net is broken
 * or hostile and is cut off, and its batches end.  Exactly one TaskResult is
 * signed for each accepted (task, attempt), and none for any other.
 *
 * Ownership: a chain owns its batches, a batch its tasks.  A batch that has
 * ended moves to `ended'; only task_reap() frees it.
 */
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "keys.h"
#include "log.h"
#include "trace.h"
#include "typed_data.h"

#define TASKS_TIME	10000	/* milliseconds from a BATCH to its last TASK */

/* Bytes that the tasks of a chain may take. 256 of the largest that a quorum of
 * 2 grants are 35 MB; the limit of the address space has room for all chains'
 * (src/common/ sandbox.c). */
#define CHAIN_MEMORY	(64u * 1024 * 1024)

static struct tally refused[STATUS_MAX], failed[STATUS_MAX], unsigned_batches,
    unsigned_grants, unfit_grants;
static LIST_HEAD(, batch) ended = LIST_HEAD_INITIALIZER(ended);

/* ---- the batch --------------------------------------------------------- */

static struct batch *
batch_find(const struct chain *ch, uint32_t id)
{
	struct batch *b;

	LIST_FOREACH(b, &ch->by_id[id % BATCH_LISTS], same)
		if (b->id == id)
			return b;
	return NULL;
}

/* The batch that a message names, in the state that it needs; NULL: a fault. */
static struct batch *
batch_get(
    struct chan *c, enum msg_type type, uint32_t id, enum batch_state state)
{
	struct batch *b = batch_find(chain_of(c), id);

	if (b != NULL && b->state == state)
		return b;
	chan_fault(c, type,
	    b == NULL ? "no such batch" : "not in this state of the batch");
	return NULL;
}

/* The Orchestrator may still use the credit that it got before max-tasks was
 * lowered.  It gets none for tasks that end, so the bound falls with them. */
static void
lower_bound(struct chain *ch, uint32_t n_ended)
{
	const uint32_t over = ch->max_tasks - keys.conf.max_tasks;

	ch->max_tasks -= n_ended < over ? n_ended : over;
}

void
task_limit(uint32_t max_tasks)
{
	uint32_t i;

	keys.conf.max_tasks = max_tasks;
	for (i = 0; i < keys.conf.n_chains; i++)
		if (keys.chains[i].max_tasks < max_tasks)
			keys.chains[i].max_tasks = max_tasks;
}

/* Its tasks are out of every queue and worker. */
static void
batch_ended(struct batch *b)
{
	lower_bound(b->chain, b->n_tasks);
	b->chain->status.tasks -= b->n_tasks;
	b->chain->status.batches--;
	b->chain->memory -= b->memory;
	LIST_REMOVE(b, same);
	LIST_REMOVE(b, next);
	LIST_INSERT_HEAD(&ended, b, next);
}

/* Ended without results. */
static void
batch_drop(struct batch *b)
{
	uint32_t i;

	for (i = 0; i < b->n_tasks && b->tasks[i] != NULL; i++) {
		job_forget(b->tasks[i]);
		delegate_key_erase(b->tasks[i]);
	}
	batch_ended(b);
}

static void
task_free(struct task *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n_seals && t->seals != NULL; i++)
		free(t->seals[i].partials);
	free(t->seals);
	free(t->operands);
	free(t->outputs);
	free(t->words);
	free(t);
}

void
task_reap(void)
{
	struct batch *b;
	size_t i;

	while ((b = LIST_FIRST(&ended)) != NULL) {
		LIST_REMOVE(b, next);
		for (i = 0; i < b->n_tasks; i++)
			task_free(b->tasks[i]);
		facts_release(b->facts);
		free(b);
	}
}

static void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n == 0 ? 1 : n, size);

	if (p == NULL)
		fatal("task: out of memory");
	return p;
}

static void *
xmemdup(const void *src, size_t n, size_t size)
{
	void *p = xcalloc(n, size);

	if (n != 0)
		memcpy(p, src, n * size);
	return p;
}

void
task_drop_all(struct chain *ch)
{
	while (!LIST_EMPTY(&ch->batches))
		batch_drop(LIST_FIRST(&ch->batches));
}

/* ---- offered ----------------------------------------------------------- */

/* So many bytes more: 0, or -1 if the chain may not have them. */
static int
batch_reserve(struct batch *b, size_t n)
{
	if (n > CHAIN_MEMORY - b->chain->memory)
		return -1;
	b->memory += n;
	b->chain->memory += n;
	return 0;
}

/* Bytes that a task takes from its grant to its end. */
static size_t
task_grant_size(const struct task *t, size_t threshold)
{
	const struct p_shape *s = &t->program.shape;

	return s->n_inputs * sizeof(struct m_value) +
	    threshold *
	    (sizeof(struct seal) + s->n_inputs * sizeof(struct m_partial)) +
	    s->n_outputs * sizeof(struct m_value);
}

void
task_on_batch(struct chan *c, const struct m_batch *m)
{
	struct chain *ch = chain_of(c);
	const uint32_t max = ch->max_tasks, had = ch->status.tasks;
	struct batch *b;

	if (m->batch == 0 || batch_find(ch, m->batch) != NULL) {
		chan_fault(c, M_BATCH, "number is in use");
		return;
	}
	if (m->n_tasks == 0 || m->n_tasks > BATCH_TASKS) {
		chan_fault(c, M_BATCH, "number of tasks");
		return;
	}
	/* A net that offers without end gets no memory for it. */
	if (had > 2 * max + BATCH_TASKS) {
		chan_fault(c, M_BATCH, "far over max-tasks");
		return;
	}
	b = xcalloc(1, sizeof(*b));
	b->chain = ch;
	b->id = m->batch;
	b->state = B_TASKS;
	b->n_tasks = m->n_tasks;
	b->since = now_ms();
	memcpy(b->signature, m->signature, sizeof(b->signature));
	b->trace = m->trace;
	if (had >= max || m->n_tasks > max - had)
		b->refuse = ST_BUSY;
	ch->status.tasks += b->n_tasks;
	ch->status.batches++;
	LIST_INSERT_HEAD(&ch->batches, b, next);
	LIST_INSERT_HEAD(&ch->by_id[b->id % BATCH_LISTS], b, same);
}

static void
batch_refuse(const struct batch *b, uint32_t task, uint32_t status)
{
	struct m_refused r = { b->id, task, status };

	if (!status_by(status, REFUSAL_KEYS))
		fatal("status %u is not allowed in a refusal by keys", status);
	chan_send(&b->chain->net, M_REFUSED, &r, NULL, 0, -1);
}

/* Check what only the task itself and the clock tell: an ST_*. */
static uint32_t
task_acceptable(const struct task *t, uint64_t now)
{
	const struct chain *ch = t->batch->chain;
	const struct m_task *m = &t->m;

	if (m->chain_id != ch->conf->chain_id)
		return ST_WRONG_CHAIN;
	if (memcmp(m->runner, sign_address(ch), 20) != 0)
		return ST_WRONG_RUNNER;
	if (m->deadline <= now)
		return ST_EXPIRED;
	if (m->issued_at > now + CLOCK_SKEW)
		return ST_NOT_YET;
	if (m->deadline > now + REPLAY_AHEAD)
		return ST_DEADLINE_TOO_FAR;
	if (m->deadline - now < keys.conf.min_time)
		return ST_DEADLINE_TOO_NEAR;
	/* Until the deadline has passed by every clock that we may have
	 * then. */
	return replay_add(
	    ch->replay, m->id, m->attempt, m->deadline - facts_floor(ch));
}

static int
batch_signed_by_orchestrator(const struct batch *b)
{
	uint8_t hashes[BATCH_TASKS][32], hash[32], who[20];
	size_t i;

	for (i = 0; i < b->n_tasks; i++)
		td_task(&b->tasks[i]->m, &b->tasks[i]->program, hashes[i]);
	td_batch(TD_TASK_BATCH, (const uint8_t(*)[32])hashes, b->n_tasks, hash);
	return sign_recover(b->chain, hash, b->signature, who) == 0 &&
	    facts_orchestrator(b->chain->facts, who);
}

/* Sign one OperandRequestBatch for the accepted tasks. */
static void
batch_ask(struct batch *b)
{
	struct m_ask_task rows[BATCH_TASKS];
	uint8_t hashes[BATCH_TASKS][32], hash[32];
	struct m_ask ask;
	struct task *t;
	size_t i, n = 0;

	memset(rows, 0, sizeof(rows));
	memset(&ask, 0, sizeof(ask));
	for (i = 0; i < b->n_tasks; i++) {
		t = b->tasks[i];
		if (t->state != T_ASKED)
			continue;
		delegate_key_new(t);
		rows[n].task = (uint32_t)i;
		memcpy(rows[n].ephemeral_key, t->ephemeral_key, 33);
		td_operand_request(t->m.id, t->m.attempt, t->m.caller,
		    t->ephemeral_key, t->program.inputs,
		    t->program.shape.n_inputs, t->program.outputs,
		    t->program.shape.n_outputs, hashes[n++]);
	}
	b->state = B_ASKED;
	b->since = now_ms();
	ask.batch = b->id;
	ask.admitted_at = now_us();
	ask.expiry = facts_now(b->chain) + keys.conf.fetch_timeout + CLOCK_SKEW;
	ask.avoid = delegate_avoided(b->chain);
	memcpy(ask.runner, sign_address(b->chain), 20);
	td_operand_request_batch(ask.runner, ask.expiry, ask.avoid,
	    (const uint8_t(*)[32])hashes, n, hash);
	sign_typed(b->chain, hash, ask.signature);
	chan_send(&b->chain->net, M_ASK, &ask, rows, n, -1);
}

/* All of its tasks are here, and nothing of them was acted upon yet.  From here
 * on the facts are the snapshot, whatever the Registry announces. */
static uint32_t
batch_admit(struct batch *b)
{
	static const char by_nobody[] =
	    "not signed by an Orchestrator of the Registry";
	size_t i, size = 0;

	if (b->refuse != ST_OK)
		return b->refuse;
	if (!trust_serves(b->chain))
		return ST_NOT_SERVING;
	if (!batch_signed_by_orchestrator(b)) {
		if (tally_add(&unsigned_batches, "batch: refused", by_nobody))
			log_warn(
			    "%sbatch: refused: %s", b->chain->tag, by_nobody);
		return ST_BAD_SIGNATURE;
	}
	b->facts = facts_hold(b->chain);
	for (i = 0; i < b->n_tasks; i++)
		size += task_grant_size(b->tasks[i], b->facts->kms_threshold);
	return batch_reserve(b, size) == 0 ? ST_OK : ST_BUSY;
}

/* what: "task: refused" or "task: failed", and the same for this one. */
static void
log_task(const struct task *t, struct tally *tally, const char *what,
    const char *event, uint32_t status)
{
	const struct batch *b = t->batch;
	char id[17];

	if (tally_add(tally, what, status_text(status)))
		log_info("%stask %s: %s: %s%s", b->chain->tag,
		    hex_encode(id, t->m.id, 8), event, status_text(status),
		    trace_tag(&b->trace));
}

static void
task_refuse(struct task *t, uint32_t i, uint32_t status)
{
	log_task(t, &refused[status], "task: refused", "refused", status);
	t->state = T_REFUSED;
	batch_refuse(t->batch, i, status);
}

static void
batch_complete(struct batch *b)
{
	const uint64_t now = facts_now(b->chain);
	uint32_t i, status, n_time = 0;

	if ((status = batch_admit(b)) != ST_OK) {
		batch_refuse(b, ALL_TASKS, status);
		batch_ended(b);
		return;
	}
	for (i = 0; i < b->n_tasks; i++) {
		status = task_acceptable(b->tasks[i], now);
		if (status == ST_OK) {
			b->tasks[i]->state = T_ASKED;
			b->n_accepted++;
			continue;
		}
		n_time += status == ST_EXPIRED || status == ST_NOT_YET;
		task_refuse(b->tasks[i], i, status);
	}
	if (b->n_accepted != 0 || n_time != 0)
		facts_clock_refused(b->chain, b->n_accepted == 0);
	if (b->n_accepted == 0)
		batch_ended(b);
	else
		batch_ask(b);
}

/* 1, or 0 if it is none. */
static int
task_take_program(struct task *t, const struct msg *msg)
{
	t->n_words = msg->n_rows;
	t->words = xmemdup(msg->rows, msg->n_rows, sizeof(*t->words));
	return program_view(&t->program, &t->m.shape, t->words, t->n_words) ==
	    0 &&
	    program_check_flow(&t->program) == ST_OK;
}

void
task_on_task(struct chan *c, const struct msg *msg)
{
	const struct m_task *m = msg->payload;
	struct batch *b = batch_get(c, M_TASK, m->batch, B_TASKS);
	struct task *t;

	if (b == NULL)
		return;
	if (m->task != b->n_came) {
		chan_fault(c, M_TASK, "out of order");
		return;
	}
	t = xcalloc(1, sizeof(*t));
	b->tasks[b->n_came++] = t;
	t->batch = b;
	t->m = *m;
	if (b->refuse == ST_OK &&
	    batch_reserve(b, sizeof(*t) + msg->n_rows * sizeof(*t->words)) != 0)
		b->refuse = ST_BUSY;
	if (b->refuse == ST_OK && !task_take_program(t, msg))
		chan_fault(c, M_TASK, "program that net must have refused");
	else if (b->n_came == b->n_tasks)
		batch_complete(b);
}

/* ---- granted ----------------------------------------------------------- */

static void
batch_end_all(struct batch *b, uint32_t status)
{
	uint32_t i;

	b->state = B_RUNNING;
	for (i = 0; i < b->n_tasks; i++)
		if (b->tasks[i]->state != T_REFUSED &&
		    b->tasks[i]->state != T_ENDED)
			task_end(b->tasks[i], status);
}

void
task_on_fetch_failed(struct chan *c, const struct m_fetch_failed *m)
{
	struct batch *b = batch_get(c, M_FETCH_FAILED, m->batch, B_ASKED);

	if (b == NULL)
		return;
	if (!status_by(m->status, RESULT_NET))
		chan_fault(c, M_FETCH_FAILED, "status");
	else
		batch_end_all(b, m->status);
}

void
task_on_grant(struct chan *c, const struct m_grant *m)
{
	struct batch *b = batch_get(c, M_GRANT, m->batch, B_ASKED);

	if (b == NULL)
		return;
	if (m->n_tasks != b->n_accepted) {
		chan_fault(c, M_GRANT, "number of tasks");
		return;
	}
	memcpy(b->signature, m->signature, sizeof(b->signature));
	b->n_came = 0;
	b->state = B_GRANT;
}

static void
task_hash_grant(const struct task *t, uint8_t hash[32])
{
	struct td_seal list[KMS_NODES];
	uint8_t operands[32], seals[32];
	size_t i;

	td_granted_operands(t->operands, t->n_operands, operands);
	for (i = 0; i < t->n_seals; i++)
		list[i] = (struct td_seal){ t->seals[i].head.node,
			t->seals[i].head.key, t->seals[i].partials,
			t->n_operands };
	td_seals(list, t->n_seals, seals);
	td_operand_grant(t->grant.id, t->grant.attempt, t->grant.status,
	    t->grant.ephemeral_key, operands, seals, hash);
}

static int
batch_signed_by_gateway(const struct batch *b)
{
	uint8_t hashes[BATCH_TASKS][32], hash[32], who[20];
	size_t i, n = 0;

	for (i = 0; i < b->n_tasks; i++) {
		if (b->tasks[i]->state != T_GRANTED)
			continue;
		if (b->tasks[i]->is_oversized)
			return 0;	/* it is not there to be hashed */
		task_hash_grant(b->tasks[i], hashes[n++]);
	}
	td_batch(TD_OPERAND_GRANT_BATCH, (const uint8_t(*)[32])hashes, n, hash);
	return sign_recover(b->chain, hash, b->signature, who) == 0 &&
	    facts_gateway(b->facts, who);
}

/* All of the grant is here: verify it, then each task is ready or ends. */
static void
batch_granted(struct batch *b)
{
	static const char by_nobody[] =
	    "not signed by a Gateway of the Registry";
	uint32_t i, status;

	b->state = B_RUNNING;
	if (!batch_signed_by_gateway(b)) {
		if (tally_add(&unsigned_grants, "grant: refused", by_nobody))
			log_warn(
			    "%sgrant: refused: %s", b->chain->tag, by_nobody);
		batch_end_all(b, ST_GRANT_INVALID);
		return;
	}
	for (i = 0; i < b->n_tasks; i++) {
		if (b->tasks[i]->state != T_GRANTED)
			continue;
		status = delegate_check(b->tasks[i]);
		if (status == ST_GRANT_INVALID &&
		    tally_add(&unfit_grants, "grant: refused",
			"it does not fit its task"))
			log_warn("%sgrant: refused: it does not fit its task",
			    b->chain->tag);
		if (status == ST_OK)
			job_queue(b->tasks[i]);
		else
			task_end(b->tasks[i], status);
	}
}

/* Is every seal of every task that came here? */
static void
batch_try_granted(struct batch *b)
{
	struct task *last = b->tasks[b->n_came - 1];
	uint32_t i, n = 0;

	if (last->n_seals != last->grant.n_seals)
		return;
	for (i = 0; i < b->n_tasks; i++)
		n += b->tasks[i]->state == T_GRANTED;
	if (n == b->n_accepted)
		batch_granted(b);
}

/* The next accepted task to be granted; n_came: one after the last that was. */
static struct task *
batch_next_granted(struct batch *b)
{
	while (
	    b->n_came < b->n_tasks && b->tasks[b->n_came]->state == T_REFUSED)
		b->n_came++;
	return b->n_came < b->n_tasks ? b->tasks[b->n_came] : NULL;
}

/* Check this GRANT_TASK against its batch: NULL and *task, or the fault. */
static const char *
grant_task_fault(struct batch *b, const struct msg *msg, struct task **task)
{
	const struct m_grant_task *m = msg->payload;
	const struct m_value *operands = msg->rows;
	const struct task *before;
	size_t i;

	before = b->n_came > 0 ? b->tasks[b->n_came - 1] : NULL;
	if (before != NULL && before->state == T_GRANTED &&
	    before->n_seals != before->grant.n_seals)
		return "seals of the last are missing";
	*task = batch_next_granted(b);
	if (*task == NULL || m->task != b->n_came || (*task)->state != T_ASKED)
		return "out of order";
	if (m->n_seals > KMS_NODES)
		return "number of seals";
	for (i = 0; i < msg->n_rows; i++)
		if (operands[i].len > CIPHER_MAX)
			return "length of an operand";
	return NULL;
}

void
task_on_grant_task(struct chan *c, const struct msg *msg)
{
	const struct m_grant_task *m = msg->payload;
	struct batch *b = batch_get(c, M_GRANT_TASK, m->batch, B_GRANT);
	const char *wrong;
	struct task *t;

	if (b == NULL)
		return;
	if ((wrong = grant_task_fault(b, msg, &t)) != NULL) {
		chan_fault(c, M_GRANT_TASK, wrong);
		return;
	}
	b->n_came++;
	t->state = T_GRANTED;
	t->grant = *m;
	t->n_operands = msg->n_rows;
	/* More than was reserved cannot fit the task, and is not kept. */
	t->is_oversized = msg->n_rows > t->program.shape.n_inputs ||
	    m->n_seals > b->facts->kms_threshold;
	if (!t->is_oversized) {
		t->operands = xmemdup(
		    msg->rows, msg->n_rows, sizeof(*t->operands));
		t->seals = xcalloc(m->n_seals, sizeof(*t->seals));
	}
	batch_try_granted(b);
}

void
task_on_grant_seal(struct chan *c, const struct msg *msg)
{
	const struct m_grant_seal *m = msg->payload;
	struct batch *b = batch_get(c, M_GRANT_SEAL, m->batch, B_GRANT);
	struct task *t;
	struct seal *s;

	if (b == NULL)
		return;
	t = b->n_came > 0 ? b->tasks[b->n_came - 1] : NULL;
	if (t == NULL || m->task != b->n_came - 1 || t->state != T_GRANTED ||
	    t->n_seals == t->grant.n_seals) {
		chan_fault(c, M_GRANT_SEAL, "out of order");
		return;
	}
	if (msg->n_rows != t->n_operands) {
		chan_fault(c, M_GRANT_SEAL, "number of partials");
		return;
	}
	if (!t->is_oversized) {
		s = &t->seals[t->n_seals];
		s->head = *m;
		s->partials = xmemdup(
		    msg->rows, msg->n_rows, sizeof(*s->partials));
	}
	t->n_seals++;
	batch_try_granted(b);
}

/* ---- ended ------------------------------------------------------------- */

/* All accepted tasks have ended: send their results under one signature. */
static void
batch_results(struct batch *b)
{
	uint8_t hashes[BATCH_TASKS][32], hash[32];
	struct m_results results;
	struct m_result r;
	struct task *t;
	size_t i, n, done = 0;

	memset(&results, 0, sizeof(results));
	for (i = 0; i < b->n_tasks; i++) {
		t = b->tasks[i];
		if (t->state != T_ENDED)
			continue;
		n = t->status == ST_OK ? t->program.shape.n_outputs : 0;
		r = t->times;
		r.batch = b->id;
		r.task = (uint32_t)i;
		r.status = t->status;
		chan_send(&b->chain->net, M_RESULT, &r, t->outputs, n, -1);
		td_outputs(t->outputs, n, hash);
		td_task_result(
		    t->m.id, t->m.attempt, t->status, hash, hashes[done++]);
	}
	td_task_result_batch(
	    b->facts->kms_epoch, (const uint8_t(*)[32])hashes, done, hash);
	results.epoch = b->facts->kms_epoch;
	results.batch = b->id;
	results.n_results = (uint32_t)done;
	sign_typed(b->chain, hash, results.signature);
	results.signed_at = now_us();
	chan_send(&b->chain->net, M_RESULTS, &results, NULL, 0, -1);
	b->chain->status.signed_results += done;
	/* The Orchestrator has them; what goes onto the chain can wait. */
	for (i = done = 0; i < b->n_tasks; i++)
		if (b->tasks[i]->state == T_ENDED)
			publish_add(b->chain, b->tasks[i], hashes[done++]);
}

void
task_outputs(struct task *t, const struct m_value *rows, size_t n)
{
	t->outputs = xmemdup(rows, n, sizeof(*rows));
}

void
task_end(struct task *t, uint32_t status)
{
	struct batch *b = t->batch;

	if (!status_by(status,
		RESULT_KEYS | RESULT_COMPUTE | RESULT_NET | RESULT_GATEWAY))
		fatal("status %u is not allowed in a result by keys", status);
	job_forget(t);
	delegate_key_erase(t);
	t->state = T_ENDED;
	t->status = status;
	if (status != ST_OK && status_class(status) != CLASS_WAITING)
		log_task(t, &failed[status], "task: failed", "failed", status);
	if (++b->n_ended < b->n_accepted)
		return;
	batch_results(b);
	batch_ended(b);
}

/* A Gateway, or a net, that never answers: do not hold keys for it. */
static void
batch_tick(struct batch *b, uint64_t now)
{
	const uint64_t fetch = 1000 * (keys.conf.fetch_timeout + CLOCK_SKEW);

	if (b->state == B_TASKS && now - b->since > TASKS_TIME)
		chan_fault(&b->chain->net, M_BATCH, "its tasks do not come");
	else if (b->state == B_GRANT && now - b->since > fetch)
		chan_fault(&b->chain->net, M_GRANT, "its tasks do not come");
	else if (b->state == B_ASKED && now - b->since > fetch)
		batch_end_all(b, ST_GATEWAY_UNREACHABLE);
}

void
task_tick(void)
{
	struct batch *b, *next;
	const uint64_t now = now_ms();
	size_t i;

	for (i = 0; i < keys.conf.n_chains; i++)
		for (b = LIST_FIRST(&keys.chains[i].batches); b != NULL;
		     b = next) {
			next = LIST_NEXT(b, next);
			batch_tick(b, now);
		}
}
