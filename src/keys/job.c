/* SPDX-License-Identifier: Apache-2.0
 *
 * Verified tasks on their way to the workers and back.  A task is given to the
 * worker that has had none for longest; if all have one, each gets one more,
 * which waits in its socket, so that the worker need not wait for keys.  The
 * chains take turns, so that none waits for another's queue.  Runs in keys.
 */
#include <string.h>

#include "keys.h"
#include "log.h"
#include "proc.h"
#include "secret.h"

static uint32_t turn;			/* the chain whose task is given next */
static struct m_job *job;		/* secret memory: it has a key */
static struct m_word rows[JOB_WORDS];	/* of one JOB */
static uint32_t last_job;
/* Those that take a task, by the number of jobs that they have. */
static struct workers takers[WORKER_QUEUE + 1];

void
job_init(void)
{
	size_t i;

	for (i = 0; i <= WORKER_QUEUE; i++)
		TAILQ_INIT(&takers[i]);
	job = secret_alloc(sizeof(*job));
	delegate_init(keys.conf.n_chains * CONF_TASKS);
}

void
job_queue(struct task *t)
{
	t->state = T_READY;
	t->times.verified_at = now_us();
	TAILQ_INSERT_TAIL(&t->batch->chain->ready, t, next);
}

/* ---- workers ----------------------------------------------------------- */

void
job_worker_changed(struct worker *w)
{
	const uint32_t index = (uint32_t)(w - keys.workers);

	if (w->takers != NULL)
		TAILQ_REMOVE(w->takers, w, next);
	w->takers = NULL;
	if (w->chan.fd == -1 || w->chan.is_broken ||
	    index >= keys.conf.workers ||
	    w->n_given >= proc_worker_jobs(&keys.conf, index))
		return;
	w->takers = &takers[w->n_jobs];
	TAILQ_INSERT_TAIL(w->takers, w, next);
}

static struct worker *
job_taker(void)
{
	struct worker *w = NULL;
	size_t i;

	for (i = 0; i < WORKER_QUEUE && w == NULL; i++)
		w = TAILQ_FIRST(&takers[i]);
	return w;
}

int
job_is_idle(const struct worker *w)
{
	return w->chan.fd != -1 && w->n_jobs == 0 && w->spent == 0;
}

/* There, or, after its last job, about to be there again. */
int
job_is_up(const struct worker *w)
{
	return w->spent == 0 ?
	    w->chan.fd != -1 :
	    now_ms() - w->spent < keys.conf.task_timeout * 1000ULL;
}

/* ---- tasks ------------------------------------------------------------- */

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
		if (!TAILQ_EMPTY(&ch->ready)) {
			turn = (ch->index + 1) % n;
			return TAILQ_FIRST(&ch->ready);
		}
	}
	return NULL;
}

void
job_forget(struct task *t)
{
	uint32_t i;

	if (t->state == T_READY)
		TAILQ_REMOVE(&t->batch->chain->ready, t, next);
	for (i = 0; t->state == T_RUNNING && i < t->worker->n_jobs; i++)
		if (t->worker->jobs[i].task == t)
			t->worker->jobs[i].task = NULL;
}

static void
job_send_seals(struct worker *w, const struct task *t)
{
	const struct m_facts *f = t->batch->facts;
	struct m_job_seal m;
	uint32_t node;
	size_t k;

	memset(&m, 0, sizeof(m));
	m.has_former = f->kms_former;
	for (k = 0; k < t->n_seals; k++) {
		node = t->seals[k].head.node;
		m.node = node;
		memcpy(m.key, t->seals[k].head.key, 33);
		memcpy(m.share, f->kms_shares[node - 1], 33);
		memcpy(m.former, f->kms_former_shares[node - 1], 33);
		chan_send(&w->chan, M_JOB_SEAL, &m, t->seals[k].partials,
		    t->n_operands, -1);
	}
}

/* The JOB, which has the ephemeral key, goes into the socket now, or not at
 * all: the key never waits on the heap.  As chan_try(). */
static int
job_send(struct worker *w, struct task *t, uint32_t number)
{
	int sent;

	memset(job, 0, sizeof(*job));
	job->job = number;
	job->shape = t->program.shape;
	job->chain_id = t->batch->chain->conf->chain_id;
	job->n_seals = (uint32_t)t->n_seals;
	job->attempt = t->m.attempt;
	memcpy(job->id, t->m.id, 32);
	memcpy(job->kms_key, t->batch->facts->kms_key, 33);
	memcpy(job->ephemeral_key, t->ephemeral_key, 33);
	memcpy(job->secret, delegate_key(t), 32);
	memcpy(rows, t->words, t->n_words * sizeof(rows[0]));
	memcpy(rows + t->n_words, t->operands,
	    t->n_operands * sizeof(t->operands[0]));
	sent = chan_try(&w->chan, M_JOB, job, rows,
	    t->n_words + t->n_operands * VALUE_WORDS);
	secret_wipe(job->secret, 32);
	return sent;
}

int
job_not_taken(struct worker *w, int sent)
{
	if (sent == 0 && w->n_jobs != 0)
		return 0;	/* its socket has room again when it answers */
	if (sent == 0)		/* it has answered all that it was sent */
		chan_fault(&w->chan, M_JOB, "not read");
	if (w->chan.is_broken)
		job_worker_changed(w);	/* keys_sweep() cuts it off */
	else
		keys_peer_lost(&w->chan);
	return 1;
}

uint32_t
job_number(void)
{
	return last_job + 1 == 0 ? 1 : last_job + 1;
}

void
job_begin(struct worker *w, struct task *t, struct nox *nox, uint32_t number)
{
	last_job = number;
	if (w->n_jobs == 0)
		w->since = now_ms();
	w->jobs[w->n_jobs++] = (struct job){ t, nox, number };
	w->n_given++;
	w->had_nox = nox != NULL;
	job_worker_changed(w);
}

/* 1, or 0 if no worker takes a task now. */
static int
job_give(struct worker *w, struct task *t)
{
	const uint32_t number = job_number();
	const int sent = job_send(w, t, number);

	if (sent != 1)
		return job_not_taken(w, sent);
	delegate_key_erase(t);
	job_send_seals(w, t);
	job_forget(t);
	t->state = T_RUNNING;
	t->worker = w;
	t->times.worker = w->chan.index + 1;
	t->times.started_at = now_us();
	job_begin(w, t, NULL, number);
	return 1;
}

void
job_work(void)
{
	struct worker *w;
	struct task *t;

	nox_work();
	while ((w = job_taker()) != NULL && (t = job_next()) != NULL)
		if (t->m.deadline <= facts_now(t->batch->chain))
			task_end(t, ST_EXPIRED);
		else if (!job_give(w, t))
			break;
	nox_work();
}

/* ---- answers ----------------------------------------------------------- */

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
	if ((m->status == ST_OPERAND_MALFORMED ||
		m->status == ST_GRANT_INVALID) &&
	    m->operand >= t->n_operands)
		return "operand";
	return delegate_is_possible(t, m) ? NULL : "nodes at fault";
}

void
job_ended(struct worker *w)
{
	const uint64_t now = now_ms();

	w->n_jobs--;
	memmove(w->jobs, w->jobs + 1, w->n_jobs * sizeof(w->jobs[0]));
	w->busy += now - w->since;
	w->since = now;
	if (w->n_jobs == 0 &&
	    w->n_given >= proc_worker_jobs(&keys.conf, w->chan.index))
		w->spent = w->since;	/* it exits now */
	job_worker_changed(w);
}

const struct job *
job_answered(struct worker *w, enum msg_type type, const struct m_job_done *m)
{
	const struct job *j = &w->jobs[0];

	if (w->n_jobs != 0 && m->job == j->number &&
	    !(type == M_JOB_DONE ? j->nox != NULL : j->task != NULL))
		return j;
	chan_fault(&w->chan, type, "no such job");
	return NULL;
}

void
job_on_done(struct chan *c, const struct msg *msg)
{
	const struct m_job_done *m = msg->payload;
	struct worker *w = &keys.workers[c->index];
	const char *wrong;
	struct task *t;
	const struct job *j = job_answered(w, M_JOB_DONE, m);

	if (j == NULL)
		return;
	t = j->task;
	/* The worker is cut off then, and its tasks end with it. */
	if (t != NULL && (wrong = job_answer_fault(t, msg)) != NULL) {
		chan_fault(c, M_JOB_DONE, wrong);
		return;
	}
	if (t != NULL) {	/* or its batch was dropped meanwhile */
		t->times.computed_at = now_us();
		if (m->status == ST_OK)
			task_outputs(t, msg->rows, msg->n_rows);
		else
			delegate_blame(t, m);
		task_end(t, m->status);
	}
	job_ended(w);
}

void
job_worker_up(struct worker *w)
{
	w->spent = 0;
	w->n_jobs = w->n_given = 0;
	w->rsa.number = 0;
	job_worker_changed(w);
}

void
job_worker_lost(struct worker *w)
{
	struct task *t;
	uint32_t i;

	for (i = 0; i < w->n_jobs; i++) {
		if (w->jobs[i].nox != NULL)
			nox_job_lost(w->jobs[i].nox);
		if ((t = w->jobs[i].task) == NULL)
			continue;
		log_warn("worker %u: lost: its task fails with the retryable "
			 "status WORKER_LOST",
		    w->chan.index);
		task_end(t, ST_WORKER_LOST);
	}
	w->n_jobs = 0;
	job_worker_changed(w);
	nox_worker_lost(w);
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
		since = w->n_jobs != 0 ? w->since : w->spent;
		if (w->chan.fd == -1 || since == 0 || now - since < limit)
			continue;
		log_err("worker %zu: killed: %s task-timeout (%u s)", i,
		    w->n_jobs != 0 ? "task exceeded" :
				     "did not exit after its last task within",
		    keys.conf.task_timeout);
		keys_peer_cut(&w->chan);
	}
}

/* A chain's net is told of the tasks of that chain alone. */
static void
worker_row(struct m_worker *row, const struct worker *w, const struct chain *ch)
{
	const struct task *t = w->jobs[0].task;

	row->is_up = (uint32_t)job_is_up(w);
	row->n_jobs = w->n_jobs;
	row->busy = w->busy;
	if (w->n_jobs == 0)
		return;
	row->since = w->since;
	row->busy += now_ms() - w->since;
	if (t != NULL && t->batch->chain == ch) {
		row->batch = t->batch->id;
		row->task = t->m.task;
	}
	if (w->jobs[0].nox != NULL)
		nox_row(row, w->jobs[0].nox, ch);
}

void
job_send_workers(void)
{
	struct m_worker list[CONF_WORKERS];
	struct chain *ch = keys.chains;
	uint32_t i;

	for (; ch < keys.chains + keys.conf.n_chains; ch++) {
		if (ch->net.fd == -1)
			continue;
		memset(list, 0, sizeof(list));
		for (i = 0; i < keys.conf.workers; i++)
			worker_row(&list[i], &keys.workers[i], ch);
		chan_send(&ch->net, M_WORKERS, NULL, list, i, -1);
	}
}
