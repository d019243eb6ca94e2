/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches and their tasks, from BATCH to RESULTS (DESIGN 3).  A batch is what is
 * signed, a task what is computed.  Runs in keys.  Each handler first checks that
 * the message fits the state of its batch and task; one that does not is net
 * broken or hostile, and fatal.  Exactly one TaskResult is signed for each
 * accepted (task, attempt), none for any other.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "log.h"
#include "typed_data.h"

#define CLOCK_SKEW	30	/* seconds that an Orchestrator may be ahead */

static struct batch *batches;

/* ---- the batch ----------------------------------------------------------- */

static struct batch *
batch_find(const struct chain *ch, uint32_t id)
{
	struct batch *b;

	for (b = batches; b != NULL && (b->chain != ch || b->id != id);
	    b = b->next)
		;
	return b;
}

/* The batch that a message names, in the state that it needs. */
static struct batch *
batch_get(const struct chan *c, enum msg_type type, uint32_t id,
    enum batch_state state)
{
	struct batch *b = batch_find(chain_of(c), id);

	if (b == NULL)
		chan_illegal(c, type, "no such batch");
	if (b->state != state)
		chan_illegal(c, type, "not in this state of the batch");
	return b;
}

static void
task_free(struct task *t)
{
	size_t i;

	if (t == NULL)
		return;
	job_forget(t);
	delegate_wipe(t);
	for (i = 0; i < t->n_seals; i++)
		free(t->seals[i].partials);
	free(t->seals);
	free(t->operands);
	free(t->outputs);
	free(t->words);
	free(t);
}

static void
batch_free(struct batch *b)
{
	struct batch **p;
	size_t i;

	for (p = &batches; *p != b; p = &(*p)->next)
		;
	*p = b->next;
	for (i = 0; i < b->n_tasks; i++)
		task_free(b->tasks[i]);
	keys.tasks -= b->n_tasks;
	b->chain->status.tasks -= b->n_tasks;
	b->chain->status.batches--;
	free(b);
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
task_drop_all(const struct chain *ch)
{
	struct batch *b, *next;

	for (b = batches; b != NULL; b = next) {
		next = b->next;
		if (b->chain == ch)
			batch_free(b);
	}
}

/* ---- offered ------------------------------------------------------------- */

void
task_on_batch(struct chan *c, const struct m_batch *m)
{
	struct chain *ch = chain_of(c);
	struct batch *b;

	if (m->batch == 0 || batch_find(ch, m->batch) != NULL)
		chan_illegal(c, M_BATCH, "number is in use");
	if (m->n_tasks == 0 || m->n_tasks > BATCH_TASKS)
		chan_illegal(c, M_BATCH, "number of tasks");
	b = xcalloc(1, sizeof(*b));
	b->chain = ch;
	b->id = m->batch;
	b->state = B_TASKS;
	b->n_tasks = m->n_tasks;
	memcpy(b->signature, m->signature, sizeof(b->signature));
	if (ch->state != S_SERVING)
		b->refuse = ST_NOT_SERVING;
	else if (keys.tasks >= keys.conf.max_tasks ||
	    m->n_tasks > keys.conf.max_tasks - keys.tasks)
		b->refuse = ST_BUSY;
	/* A net that offers without end gets no memory for it. */
	if (ch->status.tasks > 2 * keys.conf.max_tasks + BATCH_TASKS)
		chan_illegal(c, M_BATCH, "far over max-tasks");
	keys.tasks += b->n_tasks;
	ch->status.tasks += b->n_tasks;
	ch->status.batches++;
	b->next = batches;
	batches = b;
}

static void
batch_refuse(const struct batch *b, uint32_t task, uint32_t status)
{
	struct m_refused r = { b->id, task, status };

	chan_send(&b->chain->net, M_REFUSED, &r, NULL, 0, -1);
}

/* What only the task itself and the clock can say against it. */
static uint32_t
task_acceptable(const struct task *t, uint64_t now)
{
	const struct m_task *m = &t->m;

	if (m->chain_id != t->batch->chain->conf->chain_id)
		return ST_WRONG_CHAIN;
	if (memcmp(m->runner, sign_address(), 20) != 0)
		return ST_WRONG_RUNNER;
	if (m->deadline <= now)
		return ST_EXPIRED;
	if (m->issued_at > now + CLOCK_SKEW)
		return ST_NOT_YET;
	if (m->deadline > now + REPLAY_AHEAD)
		return ST_DEADLINE_TOO_FAR;
	if (m->deadline - now < keys.conf.min_time)
		return ST_DEADLINE_TOO_NEAR;
	return replay_add(m->chain_id, m->id, m->attempt, m->deadline);
}

static int
batch_signed_by_orchestrator(const struct batch *b)
{
	uint8_t hashes[BATCH_TASKS][32], hash[32], who[20];
	size_t i;

	for (i = 0; i < b->n_tasks; i++)
		td_task(&b->tasks[i]->m, &b->tasks[i]->program, hashes[i]);
	td_batch(TD_TASK_BATCH, (const uint8_t (*)[32])hashes, b->n_tasks,
	    hash);
	return sign_recover(b->chain, hash, b->signature, who) == 0 &&
	    trust_orchestrator(b->chain, who);
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
	/* One key for the whole batch, whatever the Registry announces meanwhile:
	 * what is signed says which. */
	b->kms_epoch = b->chain->facts.kms_epoch;
	memcpy(b->kms_key, b->chain->facts.kms_key, 33);
	b->expiry = now_unix() + keys.conf.fetch_timeout + CLOCK_SKEW;
	ask.batch = b->id;
	ask.expiry = b->expiry;
	ask.avoid = delegate_avoid(b->chain);
	memcpy(ask.runner, sign_address(), 20);
	td_operand_request_batch(ask.runner, ask.expiry, ask.avoid,
	    (const uint8_t (*)[32])hashes, n, hash);
	sign_typed(b->chain, hash, ask.signature);
	chan_send(&b->chain->net, M_ASK, &ask, rows, n, -1);
}

static void
batch_complete(struct batch *b)
{
	uint64_t now = now_unix();
	uint32_t i, status;
	char id[17];

	if (b->refuse == ST_OK && !batch_signed_by_orchestrator(b)) {
		log_warn("%sbatch: refused: not signed by an Orchestrator "
		    "of the Registry", b->chain->tag);
		b->refuse = ST_BAD_SIGNATURE;
	}
	if (b->refuse != ST_OK) {
		batch_refuse(b, ALL_TASKS, b->refuse);
		batch_free(b);
		return;
	}
	for (i = 0; i < b->n_tasks; i++) {
		status = task_acceptable(b->tasks[i], now);
		if (status == ST_OK) {
			b->tasks[i]->state = T_ASKED;
			b->n_accepted++;
			continue;
		}
		log_info("%stask %s: refused: %s", b->chain->tag, log_hex(id,
		    b->tasks[i]->m.id, 8), status_text(status));
		b->tasks[i]->state = T_REFUSED;
		batch_refuse(b, i, status);
	}
	if (b->n_accepted == 0)
		batch_free(b);
	else
		batch_ask(b);
}

void
task_on_task(struct chan *c, const struct msg *msg)
{
	const struct m_task *m = msg->payload;
	struct batch *b = batch_get(c, M_TASK, m->batch, B_TASKS);
	struct task *t;

	if (m->task != b->n_came)
		chan_illegal(c, M_TASK, "out of order");
	t = xcalloc(1, sizeof(*t));
	b->tasks[b->n_came++] = t;
	t->batch = b;
	t->m = *m;
	t->n_words = msg->n_rows;
	t->words = xmemdup(msg->rows, msg->n_rows, sizeof(*t->words));
	if (program_view(&t->program, &m->shape, t->words, t->n_words) != 0 ||
	    program_check_flow(&t->program) != ST_OK)
		chan_illegal(c, M_TASK, "program that net must have refused");
	if (b->n_came == b->n_tasks)
		batch_complete(b);
}

/* ---- granted ------------------------------------------------------------- */

static void
batch_end_all(struct batch *b, uint32_t status)
{
	uint32_t i, n = b->n_tasks;
	uint32_t left = b->n_accepted - b->n_ended;

	b->state = B_RUNNING;
	/* The last task_end() frees the batch. */
	for (i = 0; i < n && left > 0; i++)
		if (b->tasks[i]->state != T_REFUSED &&
		    b->tasks[i]->state != T_ENDED) {
			left--;
			task_end(b->tasks[i], status);
		}
}

void
task_on_fetch_failed(struct chan *c, const struct m_fetch_failed *m)
{
	struct batch *b = batch_get(c, M_FETCH_FAILED, m->batch, B_ASKED);

	if (m->status != ST_GATEWAY_UNREACHABLE &&
	    m->status != ST_GATEWAY_ERROR)
		chan_illegal(c, M_FETCH_FAILED, "status");
	batch_end_all(b, m->status);
}

void
task_on_grant(struct chan *c, const struct m_grant *m)
{
	struct batch *b = batch_get(c, M_GRANT, m->batch, B_ASKED);

	if (m->n_tasks != b->n_accepted)
		chan_illegal(c, M_GRANT, "number of tasks");
	memcpy(b->signature, m->signature, sizeof(b->signature));
	b->n_came = 0;
	b->state = B_GRANT;
}

static void
task_hash_grant(const struct task *t, uint8_t hash[32])
{
	static uint8_t hashes[TASK_INPUTS][32];
	uint8_t operands[32], seals[32];
	size_t i;

	for (i = 0; i < t->n_operands; i++)
		td_granted_operand(&t->operands[i], hashes[i]);
	td_array((const uint8_t (*)[32])hashes, t->n_operands, operands);
	for (i = 0; i < t->n_seals; i++)
		td_seal(t->seals[i].head.node, t->seals[i].head.key,
		    t->seals[i].partials, t->n_operands, hashes[i]);
	td_array((const uint8_t (*)[32])hashes, t->n_seals, seals);
	td_operand_grant(t->grant.id, t->grant.attempt, t->grant.status,
	    t->grant.ephemeral_key, operands, seals, hash);
}

static int
batch_signed_by_gateway(const struct batch *b)
{
	uint8_t hashes[BATCH_TASKS][32], hash[32], who[20];
	size_t i, n = 0;

	for (i = 0; i < b->n_tasks; i++)
		if (b->tasks[i]->state == T_GRANTED)
			task_hash_grant(b->tasks[i], hashes[n++]);
	td_batch(TD_OPERAND_GRANT_BATCH, (const uint8_t (*)[32])hashes, n,
	    hash);
	return sign_recover(b->chain, hash, b->signature, who) == 0 &&
	    trust_gateway(b->chain, who);
}

/* All of the grant is here: verify it, then each task is ready or ends. */
static void
batch_granted(struct batch *b)
{
	struct task *todo[BATCH_TASKS];
	uint32_t i, status, n = 0;

	b->state = B_RUNNING;
	if (!batch_signed_by_gateway(b)) {
		log_warn("%sgrant: not signed by a Gateway of the Registry",
		    b->chain->tag);
		batch_end_all(b, ST_GRANT_INVALID);
		return;
	}
	for (i = 0; i < b->n_tasks; i++)
		if (b->tasks[i]->state == T_GRANTED)
			todo[n++] = b->tasks[i];
	/* The batch may be gone after the last of these. */
	for (i = 0; i < n; i++) {
		status = delegate_check(todo[i]);
		if (status == ST_GRANT_INVALID)
			log_warn("%sgrant: does not fit its task",
			    b->chain->tag);
		if (status == ST_OK)
			job_queue(todo[i]);
		else
			task_end(todo[i], status);
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

/* The accepted task that is next to be granted; n_came: one behind the last. */
static struct task *
batch_next_granted(struct batch *b)
{
	while (b->n_came < b->n_tasks &&
	    b->tasks[b->n_came]->state == T_REFUSED)
		b->n_came++;
	return b->n_came < b->n_tasks ? b->tasks[b->n_came] : NULL;
}

void
task_on_grant_task(struct chan *c, const struct msg *msg)
{
	const struct m_grant_task *m = msg->payload;
	const struct m_value *operands = msg->rows;
	struct batch *b = batch_get(c, M_GRANT_TASK, m->batch, B_GRANT);
	const struct task *before;
	struct task *t;
	size_t i;

	before = b->n_came > 0 ? b->tasks[b->n_came - 1] : NULL;
	if (before != NULL && before->state == T_GRANTED &&
	    before->n_seals != before->grant.n_seals)
		chan_illegal(c, M_GRANT_TASK, "seals of the last are missing");
	t = batch_next_granted(b);
	if (t == NULL || m->task != b->n_came || t->state != T_ASKED)
		chan_illegal(c, M_GRANT_TASK, "out of order");
	if (m->n_seals > KMS_NODES)
		chan_illegal(c, M_GRANT_TASK, "number of seals");
	for (i = 0; i < msg->n_rows; i++)
		if (operands[i].len > CIPHER_MAX)
			chan_illegal(c, M_GRANT_TASK, "length of an operand");
	b->n_came++;
	t->state = T_GRANTED;
	t->grant = *m;
	t->n_operands = msg->n_rows;
	t->operands = xmemdup(operands, msg->n_rows, sizeof(*t->operands));
	t->seals = xcalloc(m->n_seals, sizeof(*t->seals));
	batch_try_granted(b);
}

void
task_on_grant_seal(struct chan *c, const struct msg *msg)
{
	const struct m_grant_seal *m = msg->payload;
	struct batch *b = batch_get(c, M_GRANT_SEAL, m->batch, B_GRANT);
	struct task *t;
	struct seal *s;

	t = b->n_came > 0 ? b->tasks[b->n_came - 1] : NULL;
	if (t == NULL || m->task != b->n_came - 1 || t->state != T_GRANTED ||
	    t->n_seals == t->grant.n_seals)
		chan_illegal(c, M_GRANT_SEAL, "out of order");
	if (msg->n_rows != t->n_operands)
		chan_illegal(c, M_GRANT_SEAL, "number of partials");
	s = &t->seals[t->n_seals++];
	s->head = *m;
	s->partials = xmemdup(msg->rows, msg->n_rows, sizeof(*s->partials));
	batch_try_granted(b);
}

/* ---- ended --------------------------------------------------------------- */

/* All accepted tasks have ended: send their results under one signature. */
static void
batch_results(struct batch *b)
{
	static uint8_t outputs[TASK_OUTPUTS][32];
	uint8_t hashes[BATCH_TASKS][32], hash[32];
	struct m_results results;
	struct m_result r;
	struct task *t;
	size_t i, j, n, done = 0;

	memset(&results, 0, sizeof(results));
	for (i = 0; i < b->n_tasks; i++) {
		t = b->tasks[i];
		if (t->state != T_ENDED)
			continue;
		n = t->status == ST_OK ? t->program.shape.n_outputs : 0;
		r = (struct m_result){ b->id, (uint32_t)i, t->status };
		chan_send(&b->chain->net, M_RESULT, &r, t->outputs, n, -1);
		for (j = 0; j < n; j++)
			td_output(&t->outputs[j], outputs[j]);
		td_array((const uint8_t (*)[32])outputs, n, hash);
		td_task_result(t->m.id, t->m.attempt, t->status, hash,
		    hashes[done++]);
	}
	td_task_result_batch(b->kms_epoch, (const uint8_t (*)[32])hashes, done,
	    hash);
	results.epoch = b->kms_epoch;
	results.batch = b->id;
	results.n_results = (uint32_t)done;
	sign_typed(b->chain, hash, results.signature);
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

	job_forget(t);
	delegate_wipe(t);
	t->state = T_ENDED;
	t->status = status;
	if (++b->n_ended < b->n_accepted)
		return;
	batch_results(b);
	batch_free(b);
}

/* A Gateway, or a net, that never answers: do not hold keys for it. */
void
task_tick(void)
{
	struct batch *b, *next;
	uint64_t now = now_unix();

	for (b = batches; b != NULL; b = next) {
		next = b->next;
		if ((b->state == B_ASKED || b->state == B_GRANT) &&
		    b->expiry < now) {
			if (b->state == B_GRANT)
				fatal("net: a grant without end");
			batch_end_all(b, ST_GATEWAY_UNREACHABLE);
		}
	}
}
