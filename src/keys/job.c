/* SPDX-License-Identifier: Apache-2.0
 *
 * Verified tasks on their way through slots and workers: a task is prepared
 * (its data keys derived) while workers are busy with others, and given to the
 * first that is idle, one task at a time.  The chains take turns, so that none
 * waits for another's queue.  Runs in keys.
 */
#include <string.h>

#include "keys.h"
#include "log.h"
#include "proc.h"
#include "secret.h"

static STAILQ_HEAD(, task) prepared = STAILQ_HEAD_INITIALIZER(prepared);
static uint32_t turn;			/* the chain whose task is prepared
					 * next */
static struct m_operand *rows;		/* of one JOB_OPERANDS; secret memory */
static uint32_t last_job;

void
job_init(void)
{
	/* The most that a reload can ask for. */
	delegate_init(WORKERS_MAX, keys.conf.n_chains * CONF_TASKS);
	rows = secret_alloc(TASK_INPUTS * sizeof(*rows));
}

void
job_queue(struct task *t)
{
	t->state = T_READY;
	STAILQ_INSERT_TAIL(&t->batch->chain->ready, t, next);
}

/* The first task of the chain whose turn it is, of those that have one; NULL:
 * none. */
static struct task *
job_next(void)
{
	const uint32_t n = keys.conf.n_chains;
	struct chain *ch;
	uint32_t i;

	for (i = 0; i < n; i++) {
		ch = &keys.chains[(turn + i) % n];
		if (!STAILQ_EMPTY(&ch->ready)) {
			turn = (ch->index + 1) % n;
			return STAILQ_FIRST(&ch->ready);
		}
	}
	return NULL;
}

void
job_forget(struct task *t)
{
	size_t i;

	if (t->state == T_READY)
		STAILQ_REMOVE(&t->batch->chain->ready, t, task, next);
	if (t->state == T_PREPARED)
		STAILQ_REMOVE(&prepared, t, task, next);
	for (i = 0; t->state == T_RUNNING && i < WORKERS_MAX; i++)
		if (keys.workers[i].task == t)
			keys.workers[i].task = NULL;
}

int
job_is_idle(const struct worker *w)
{
	return w->chan.fd != -1 && w->job == 0 && w->spent == 0;
}

/* There, or, after its last job, about to be there again. */
int
job_is_up(const struct worker *w)
{
	return w->spent == 0 ?
	    w->chan.fd != -1 :
	    now_ms() - w->spent < keys.conf.task_timeout * 1000ULL;
}

static struct worker *
job_idle_worker(void)
{
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++)
		if (job_is_idle(&keys.workers[i]))
			return &keys.workers[i];
	return NULL;
}

static void
job_give(struct worker *w, struct task *t)
{
	struct m_job job;
	size_t i;

	memset(&job, 0, sizeof(job));
	if (++last_job == 0)
		last_job = 1;
	job.job = last_job;
	job.shape = t->program.shape;
	job.chain_id = t->batch->chain->conf->chain_id;
	memcpy(job.kms_key, t->batch->facts->kms_key, 33);
	for (i = 0; i < t->n_operands; i++) {
		rows[i].value = t->operands[i];
		memcpy(rows[i].key, t->slot->keys[i], 32);
	}
	t->state = T_RUNNING;
	w->task = t;
	w->job = job.job;
	w->since = now_ms();
	chan_send(&w->chan, M_JOB, &job, t->words, t->n_words, -1);
	chan_send(&w->chan, M_JOB_OPERANDS, NULL, rows, t->n_operands, -1);
	secret_wipe(rows, t->n_operands * sizeof(*rows));
	secret_wipe(t->slot->keys, t->n_operands * 32);
}

/* Derive its data keys: 1, or 0 if no slot is free. */
static int
job_prepare(struct task *t)
{
	uint32_t status;

	if (t->m.deadline <= facts_now(t->batch->chain)) {
		task_end(t, ST_EXPIRED);
		return 1;
	}
	status = delegate_prepare(t);
	if (status == ST_BUSY)
		return 0;
	if (status != ST_OK) {
		task_end(t, status);
		return 1;
	}
	job_forget(t);
	t->state = T_PREPARED;
	STAILQ_INSERT_TAIL(&prepared, t, next);
	return 1;
}

/* Give what is prepared to whoever is idle, then prepare one task more. */
int
job_work(void)
{
	struct worker *w;
	struct task *t;

	while ((t = STAILQ_FIRST(&prepared)) != NULL &&
	    (w = job_idle_worker()) != NULL) {
		STAILQ_REMOVE_HEAD(&prepared, next);
		job_give(w, t);
	}
	return (t = job_next()) != NULL && job_prepare(t);
}

/* Check a worker's outputs: NULL, or the fault.  They must be exactly the
 * task's, each once, in order, and each as long as its type: a worker sees one
 * task and gets no signature on another task's handle. */
static const char *
job_outputs_fault(const struct task *t, const struct msg *msg)
{
	const struct m_value *v = msg->rows;
	const uint8_t *handle;
	size_t i;

	if (msg->n_rows != t->program.shape.n_outputs)
		return "number of outputs";
	for (i = 0; i < msg->n_rows; i++) {
		handle = t->program.outputs[i].b;
		if (memcmp(v[i].handle, handle, 32) != 0)
			return "not the task's output";
		if (v[i].len != type_size(handle_type(handle)) + 16)
			return "length of an output";
	}
	return NULL;
}

static const char *
job_answer_fault(const struct task *t, const struct msg *msg)
{
	const struct m_job_done *m = msg->payload;

	if (m->status == ST_OK)
		return job_outputs_fault(t, msg);
	if (msg->n_rows != 0)
		return "outputs of a failed task";
	if (!status_by(m->status, RESULT_COMPUTE))
		return "status";
	if (m->status == ST_OPERAND_MALFORMED && m->operand >= t->n_operands)
		return "operand";
	return NULL;
}

void
job_on_done(struct chan *c, const struct msg *msg)
{
	const struct m_job_done *m = msg->payload;
	struct worker *w = &keys.workers[c->index];
	struct task *t = w->task;
	uint32_t status = m->status;
	const char *wrong;

	if (w->job == 0 || m->job != w->job) {
		chan_fault(c, M_JOB_DONE, "no such job");
		return;
	}
	/* The worker is cut off then, and its task ends with it. */
	if (t != NULL && (wrong = job_answer_fault(t, msg)) != NULL) {
		chan_fault(c, M_JOB_DONE, wrong);
		return;
	}
	w->job = 0;
	w->task = NULL;
	if (++w->jobs >= proc_worker_jobs(&keys.conf, c->index))
		w->spent = now_ms();	/* it exits now */
	if (t == NULL)
		return;		/* its batch was dropped meanwhile */
	if (status == ST_OK)
		task_outputs(t, msg->rows, msg->n_rows);
	else if (status == ST_OPERAND_MALFORMED)
		status = delegate_blame(t, m->operand);
	task_end(t, status);
}

void
job_worker_lost(struct worker *w)
{
	struct task *t = w->task;

	w->job = 0;
	w->task = NULL;
	if (t == NULL)
		return;
	log_warn("worker %u: lost: its task fails with the retryable status "
		 "WORKER_LOST",
	    w->chan.index);
	task_end(t, ST_WORKER_LOST);
}

/* Every operation is total and takes microseconds, and after its last job a
 * worker exits at once: whoever takes seconds is stuck or hostile, and only the
 * monitor can end it. */
void
job_tick(void)
{
	uint64_t now = now_ms(), limit = keys.conf.task_timeout * 1000ULL;
	struct worker *w;
	uint64_t since;
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++) {
		w = &keys.workers[i];
		since = w->job != 0 ? w->since : w->spent;
		if (w->chan.fd == -1 || since == 0 || now - since < limit)
			continue;
		log_err("worker %zu: killed: %s task-timeout (%u s)", i,
		    w->job != 0 ? "task exceeded" :
				  "did not exit after its last task within",
		    keys.conf.task_timeout);
		keys_peer_cut(&w->chan);
	}
}
