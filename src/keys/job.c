/* SPDX-License-Identifier: Apache-2.0
 *
 * Verified tasks on their way through slots and workers: a task is prepared
 * (its data keys derived) while workers are busy with others, and given to the
 * first that is idle, one task at a time.  Runs in keys.
 */
#include <string.h>

#include "keys.h"
#include "log.h"
#include "proc.h"
#include "secret.h"

struct queue {
	struct task	*head, **tail;
};
static struct queue ready = { NULL, &ready.head };
static struct queue prepared = { NULL, &prepared.head };
static struct m_operand *rows;		/* of one JOB_OPERANDS; secret memory */
static uint32_t last_job;

void
job_init(void)
{
	/* A slot for each worker, and as many that are prepared ahead. */
	delegate_init(2 * keys.conf.workers, keys.conf.max_tasks);
	rows = secret_alloc(TASK_INPUTS * sizeof(*rows));
}

static void
queue_put(struct queue *q, struct task *t)
{
	t->next = NULL;
	*q->tail = t;
	q->tail = &t->next;
}

static void
queue_remove(struct queue *q, const struct task *t)
{
	struct task **p;

	for (p = &q->head; *p != NULL && *p != t; p = &(*p)->next)
		;
	if (*p == NULL)
		return;
	*p = t->next;
	if (*p == NULL)
		q->tail = p;
}

void
job_queue(struct task *t)
{
	t->state = T_READY;
	queue_put(&ready, t);
}

void
job_forget(struct task *t)
{
	size_t i;

	if (t->state == T_READY)
		queue_remove(&ready, t);
	if (t->state == T_PREPARED)
		queue_remove(&prepared, t);
	for (i = 0; t->state == T_RUNNING && i < WORKERS_MAX; i++)
		if (keys.workers[i].task == t)
			keys.workers[i].task = NULL;
}

int
job_is_idle(const struct worker *w)
{
	return w->chan.fd != -1 && w->job == 0 && w->spent == 0;
}

/* There, or with a process for each task about to be there again. */
int
job_is_up(const struct worker *w)
{
	return w->spent == 0 ? w->chan.fd != -1 :
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
	memcpy(job.kms_key, t->batch->kms_key, 33);
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

/* Give what is prepared to whoever is idle, then prepare one task more. */
int
job_work(void)
{
	struct worker *w;
	struct task *t;
	uint32_t status;

	while ((t = prepared.head) != NULL &&
	    (w = job_idle_worker()) != NULL) {
		queue_remove(&prepared, t);
		job_give(w, t);
	}
	if ((t = ready.head) == NULL)
		return 0;
	if (t->m.deadline <= now_unix()) {
		task_end(t, ST_DEADLINE_TOO_NEAR);
		return 1;
	}
	status = delegate_prepare(t);
	if (status == ST_BUSY)
		return 0;
	if (status != ST_OK) {
		task_end(t, status);
		return 1;
	}
	queue_remove(&ready, t);
	t->state = T_PREPARED;
	queue_put(&prepared, t);
	return 1;
}

/* A worker's answer must have exactly the task's outputs, each once, in order,
 * each as long as its type.  compute sees one task; it gets no signature on
 * another's handle. */
static void
job_check_outputs(const struct chan *c, const struct task *t,
    const struct msg *msg)
{
	const struct m_value *v = msg->rows;
	const uint8_t *handle;
	size_t i;

	if (msg->n_rows != t->program.shape.n_outputs)
		chan_illegal(c, M_JOB_DONE, "number of outputs");
	for (i = 0; i < msg->n_rows; i++) {
		handle = t->program.outputs[i].b;
		if (memcmp(v[i].handle, handle, 32) != 0)
			chan_illegal(c, M_JOB_DONE, "not the task's output");
		if (v[i].len != type_size(handle_type(handle)) + 16)
			chan_illegal(c, M_JOB_DONE, "length of an output");
	}
}

void
job_on_done(struct chan *c, const struct msg *msg)
{
	const struct m_job_done *m = msg->payload;
	struct worker *w = &keys.workers[c->index];
	struct task *t = w->task;
	uint32_t status = m->status;

	if (w->job == 0 || m->job != w->job)
		chan_illegal(c, M_JOB_DONE, "no such job");
	w->job = 0;
	w->task = NULL;
	if (keys.conf.isolate_task)
		w->spent = now_ms();	/* it exits now */
	if (t == NULL)
		return;		/* its batch was dropped meanwhile */
	if (status == ST_OK) {
		job_check_outputs(c, t, msg);
		task_outputs(t, msg->rows, msg->n_rows);
	} else if (msg->n_rows != 0) {
		chan_illegal(c, M_JOB_DONE, "outputs of a failed task");
	} else if (status_name(status) == NULL) {
		chan_illegal(c, M_JOB_DONE, "status");
	} else if (status == ST_OPERAND_MALFORMED) {
		if (m->operand >= t->n_operands)
			chan_illegal(c, M_JOB_DONE, "operand");
		status = delegate_blame(t, m->operand);
	}
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
	log_warn("worker %u: lost: its task ends as retryable", w->chan.index);
	task_end(t, ST_WORKER_LOST);
}

/* Every operation is total and takes microseconds: whoever takes seconds is
 * stuck or hostile, and only the monitor can end it. */
void
job_tick(void)
{
	uint64_t now = now_ms(), limit = keys.conf.task_timeout * 1000ULL;
	struct m_peer peer = { R_COMPUTE, 0 };
	struct worker *w;
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++) {
		w = &keys.workers[i];
		if (w->job == 0 || now - w->since < limit)
			continue;
		log_err("worker %zu: no answer for %u s: is ended", i,
		    keys.conf.task_timeout);
		peer.index = (uint32_t)i;
		chan_send(&monitor, M_STUCK, &peer, NULL, 0, -1);
		keys_peer_lost(&w->chan);
	}
}
