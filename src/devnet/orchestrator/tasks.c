/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of each task.  A task is retried with back-off until it succeeds,
 * its status is terminal, or its submission times out.  It is forgotten only
 * with its submission.  A later result is still sent to the Gateway, which
 * knows what it granted.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "builder.h"
#include "server.h"
#include "tasks.h"
#include "wire.h"

#define TICK		100	/* ms */
#define WAIT		500	/* ms before looking for an input again */
#define SUBMIT_MAX	4096	/* tasks */
#define TIMEOUT		60	/* seconds, if the submitter sets none */
#define ATTEMPT_MIN	15	/* seconds per attempt */
#define ATTEMPT_MAX	60

static LIST_HEAD(, task) ids[ID_BUCKETS];
static LIST_HEAD(, submission) submissions;
static struct rpc_timer timer;
static uint64_t n_submitted, n_done, n_again;

/* Number of times each status occurred, for Control. */
static uint32_t results[STATUS_MAX], refusals[STATUS_MAX];

static void
count_status(uint32_t table[STATUS_MAX], uint32_t status)
{
	if (status < STATUS_MAX)
		table[status]++;
}

/* ---- tasks by id ------------------------------------------------------- */

static size_t
bucket(const uint8_t *id)
{
	return ((size_t)id[0] << 8 | id[1]) % ID_BUCKETS;
}

static struct task *
find(const ProtobufCBinaryData *id)
{
	struct task *t;

	if (id->len != 32)
		return NULL;
	LIST_FOREACH(t, &ids[bucket(id->data)], bucket)
		if (memcmp(t->body->id.data, id->data, 32) == 0)
			return t;
	return NULL;
}

/* Remove the task from the list or count of its state. */
static void
leave_state(struct task *t)
{
	if (t->state == TASK_QUEUED)
		TAILQ_REMOVE(&task_queue, t, queue);
	if (t->state == TASK_ASSIGNED && t->session != NULL)
		t->session->assigned--;
	t->session = NULL;
}

static void
enqueue(struct task *t)
{
	t->state = TASK_QUEUED;
	TAILQ_INSERT_TAIL(&task_queue, t, queue);
}

static void
delay(struct task *t, uint64_t ms)
{
	leave_state(t);
	t->state = TASK_DELAYED;
	t->when = now_ms() + ms;
	n_again++;
}

/* ---- submissions ------------------------------------------------------- */

static void
answer_submission(struct submission *s)
{
	size_t i;

	for (i = 0; i < s->answer.n_outcomes; i++) {
		leave_state(&s->tasks[i]);
		s->tasks[i].state = TASK_DONE;
		LIST_REMOVE(&s->tasks[i], bucket);
	}
	LIST_REMOVE(s, link);
	/* The submission is in the call's pool, which lives until the answer is
	 * sent, that is, at least until this event has been handled. */
	rpc_reply(s->call, &s->answer.base);
}

void
task_finish(struct task *t, uint32_t status, const char *reason,
    const Teerunner__V1__TaskResult *result, const uint8_t *runner)
{
	struct submission *s = t->submission;
	struct pool *pool = &s->call->pool;
	Teerunner__Devnet__SubmitOutcome *o = s->answer.outcomes[t->index];

	leave_state(t);
	t->state = TASK_DONE;
	o->attempts = t->body->attempt - t->first;
	if (runner != NULL)
		o->runner = pool_bytes(pool, runner, 20);
	if (reason != NULL)
		o->reason = pool_printf(pool, "%s", reason);
	if (result != NULL)
		o->result = rpc_copy(&result->base, pool);
	o->result->status = status;
	s->left--;
	n_done++;
}

static void
finish_if_done(struct submission *s)
{
	if (s->left == 0)
		answer_submission(s);
}

/* The outputs are already stored at the Gateway, so only their handles are
 * reported. */
static void
finish_known(struct task *t)
{
	struct pool *pool = &t->submission->call->pool;
	Teerunner__V1__TaskResult r = TEERUNNER__V1__TASK_RESULT__INIT;
	Teerunner__V1__Output *o;
	size_t i, j;

	r.task_id = t->body->id;
	r.outputs = pool_get(pool, TASK_OUTPUTS, sizeof(r.outputs[0]));
	for (i = 0; i < t->body->n_operations; i++)
		for (j = 0; j < t->body->operations[i]->n_outputs; j++) {
			o = pool_get(pool, 1, sizeof(*o));
			teerunner__v1__output__init(o);
			o->handle = t->body->operations[i]->outputs[j];
			r.outputs[r.n_outputs++] = o;
		}
	task_finish(t, ST_OK, NULL, &r, NULL);
}

/* An attempt ended without outputs: retry or give up. */
static void
task_failed(struct task *t, uint32_t status, const char *reason,
    const Teerunner__V1__TaskResult *result)
{
	struct submission *s = t->submission;

	t->status = status;
	switch (status_class(status)) {
	case CLASS_WAITING: delay(t, WAIT); return;
	case CLASS_RETRYABLE: delay(t, rpc_back_off(++t->failures)); return;
	default: break;
	}
	/* Only an attempt at this task can have stored its outputs.  If the
	 * task was submitted again, that attempt was assigned before a restart
	 * of the Orchestrator. */
	if (status == ST_OUTPUT_EXISTS && t->first > 0)
		finish_known(t);
	else
		task_finish(t, status, reason, result, t->runner);
	finish_if_done(s);
}

static void
expire(struct submission *s)
{
	size_t i;

	for (i = 0; i < s->answer.n_outcomes; i++)
		if (s->tasks[i].state != TASK_DONE)
			task_finish(&s->tasks[i],
			    s->tasks[i].status == ST_OK ? ST_NOT_SERVING :
							  s->tasks[i].status,
			    "the submission's time is over", NULL, NULL);
	answer_submission(s);
}

static void
tick(void *none)
{
	struct submission *s, *next;
	uint64_t now = now_ms();
	struct task *t;
	size_t i;

	(void)none;
	for (s = LIST_FIRST(&submissions); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (now >= s->until) {
			expire(s);
			continue;
		}
		for (i = 0; i < s->answer.n_outcomes; i++) {
			t = &s->tasks[i];
			if (t->state == TASK_DELAYED && now >= t->when)
				enqueue(t);
			else if (t->state == TASK_ASSIGNED && now >= t->when)
				delay(t, 0);
		}
	}
	tasks_dispatch();
	rpc_after(&timer, TICK, tick, NULL);
}

/* Set the fields that the chain's transaction would determine, then check the
 * whole program as a Runner would. */
static void
prepare_task(struct submission *s, size_t i)
{
	static const uint8_t nobody[20];
	struct pool *pool = &s->call->pool;
	struct task *t = &s->tasks[i];
	Teerunner__Devnet__SubmitOutcome *o = pool_get(pool, 1, sizeof(*o));
	static struct builder builder;
	struct m_task flat;
	uint32_t st;
	size_t op = 0;

	t->submission = s;
	t->index = i;
	t->body = s->request->tasks[i];
	t->body->chain_id = devnet.chain_id;
	t->body->block_number = (uint64_t)time(NULL);
	t->body->runner = pool_bytes(pool, nobody, 20);
	/* A Runner accepts each attempt number once.  Before a restart the
	 * Orchestrator used at most one number per millisecond. */
	t->body->attempt = t->first = s->request->elapsed;
	teerunner__devnet__submit_outcome__init(o);
	o->result = pool_get(pool, 1, sizeof(*o->result));
	teerunner__v1__task_result__init(o->result);
	o->result->task_id = t->body->id;
	s->answer.outcomes[i] = o;
	LIST_INSERT_HEAD(&ids[bucket(t->body->id.data)], t, bucket);
	enqueue(t);
	if ((st = wire_task(t->body, &flat, &builder, &op)) != ST_OK)
		task_finish(t, st,
		    pool_printf(pool,
			"refused by the Orchestrator, operation %zu", op + 1),
		    NULL, NULL);
}

void
on_submit(struct rpc_call *call, void *p)
{
	Teerunner__Devnet__SubmitRequest *request = p;
	struct submission *s;
	uint64_t elapsed;
	uint32_t timeout;
	size_t i;

	if (request->n_tasks == 0 || request->n_tasks > SUBMIT_MAX) {
		rpc_fail(call, GRPC_STATUS_INVALID_ARGUMENT,
		    "1 to 4096 tasks can be submitted together");
		return;
	}
	for (i = 0; i < request->n_tasks; i++)
		if (request->tasks[i]->id.len != 32) {
			rpc_fail(call, GRPC_STATUS_INVALID_ARGUMENT,
			    "a task's id has 32 bytes");
			return;
		}
	timeout = request->timeout == 0 ? TIMEOUT : request->timeout;
	elapsed = request->elapsed < 1000 * (uint64_t)timeout ?
	    request->elapsed :
	    1000 * (uint64_t)timeout;
	s = pool_get(&call->pool, 1, sizeof(*s));
	s->call = call;
	s->request = request;
	s->left = request->n_tasks;
	s->until = now_ms() + 1000 * (uint64_t)timeout - elapsed;
	s->attempt_time = timeout < ATTEMPT_MIN ? ATTEMPT_MIN :
	    timeout > ATTEMPT_MAX		? ATTEMPT_MAX :
						  timeout;
	s->tasks = pool_get(&call->pool, request->n_tasks, sizeof(*s->tasks));
	teerunner__devnet__submit_response__init(&s->answer);
	s->answer.n_outcomes = request->n_tasks;
	s->answer.outcomes = pool_get(
	    &call->pool, request->n_tasks, sizeof(s->answer.outcomes[0]));
	LIST_INSERT_HEAD(&submissions, s, link);
	n_submitted += request->n_tasks;
	for (i = 0; i < request->n_tasks; i++)
		prepare_task(s, i);
	finish_if_done(s);
	tasks_dispatch();
}

/* ---- answers of Runners ------------------------------------------------ */

void
tasks_lost(struct session *session)
{
	struct submission *s;
	size_t i;

	/* Not immediately: the Runner may reconnect with results. */
	LIST_FOREACH(s, &submissions, link)
		for (i = 0; i < s->answer.n_outcomes; i++)
			if (s->tasks[i].state == TASK_ASSIGNED &&
			    s->tasks[i].session == session) {
				s->tasks[i].session = NULL;
				delay(&s->tasks[i], 500);
			}
}

/* ST_REPLAYED means that another copy is being computed; wait for its result or
 * its deadline. */
static void
refuse_task(struct session *session, struct task *t, uint32_t status,
    const char *reason)
{
	if (t->state == TASK_ASSIGNED && t->session == session &&
	    status != ST_REPLAYED)
		task_failed(t, status, reason, NULL);
}

static void
refuse_batch(struct session *session, const Teerunner__V1__Refusal *r)
{
	struct submission *s, *next;
	size_t i, n;

	for (s = LIST_FIRST(&submissions); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		n = s->answer.n_outcomes;
		for (i = 0; i < n; i++) {
			struct task *t = &s->tasks[i];

			if (memcmp(t->signature, r->batch.data, 65) == 0)
				refuse_task(session, t, r->status, r->reason);
		}
	}
}

void
tasks_refused(struct session *session, const Teerunner__V1__Refusal *r)
{
	char reason[200];
	struct task *t;
	size_t i;

	count_status(refusals, r->status);
	log_warn("runner: refuses %zu tasks: %s: %s", r->n_tasks,
	    status_name(r->status) == NULL ? "?" : status_name(r->status),
	    log_escape(reason, sizeof(reason), r->reason, strlen(r->reason)));
	if (r->n_tasks == 0 && r->batch.len == 65)
		refuse_batch(session, r);
	for (i = 0; i < r->n_tasks; i++)
		if ((t = find(&r->tasks[i]->id)) != NULL &&
		    t->body->attempt == r->tasks[i]->attempt)
			refuse_task(session, t, r->status, r->reason);
}

/* True if the outputs are exactly those of the task, in order of definition. */
static int
outputs_match(const struct task *t, const Teerunner__V1__TaskResult *r)
{
	size_t i, j, n = 0;

	for (i = 0; i < t->body->n_operations; i++) {
		const Teerunner__V1__Operation *o = t->body->operations[i];

		for (j = 0; j < o->n_outputs; j++, n++)
			if (n >= r->n_outputs ||
			    r->outputs[n]->handle.len != 32 ||
			    memcmp(r->outputs[n]->handle.data,
				o->outputs[j].data, 32) != 0)
				return 0;
	}
	return n == r->n_outputs;
}

int
tasks_result(const uint8_t runner[20], const Teerunner__V1__TaskResult *r)
{
	struct task *t = find(&r->task_id);
	int is_current;

	count_status(results, r->status);
	if (t == NULL)
		return r->status == ST_OK;	/* already given up */
	is_current = t->state == TASK_ASSIGNED &&
	    t->body->attempt == r->attempt &&
	    memcmp(t->runner, runner, 20) == 0;
	if (r->status != ST_OK) {
		if (is_current)
			task_failed(t, r->status, NULL, r);
		return 0;
	}
	if (!outputs_match(t, r)) {
		log_warn("runner: the outputs are not those of the task");
		if (is_current)
			task_failed(t, ST_INTERNAL, "wrong outputs", NULL);
		return 0;
	}
	if (t->state == TASK_DONE)
		return 1;
	leave_state(t);
	t->state = TASK_STORING;
	t->storing++;
	return 1;
}

void
tasks_stored(const uint8_t runner[20], const Teerunner__V1__TaskResult *r,
    uint32_t status)
{
	struct task *t = find(&r->task_id);
	struct submission *s;

	if (r->status != ST_OK || t == NULL || t->state != TASK_STORING)
		return;
	s = t->submission;
	t->storing--;
	if (status == ST_OK) {
		task_finish(t, ST_OK, NULL, r, runner);
		finish_if_done(s);
	} else if (t->storing == 0) {
		log_warn("gateway: a result is not stored: %s",
		    status_name(status) == NULL ? "?" : status_name(status));
		/* A later attempt may succeed. */
		task_failed(t,
		    status == ST_WRONG_RUNNER ? ST_GATEWAY_ERROR : status,
		    "not stored by the Gateway", NULL);
	}
}

/* ---- Control ----------------------------------------------------------- */

static const char *
list_counts(struct pool *pool, const uint32_t table[STATUS_MAX])
{
	const char *text = "";
	uint32_t i;

	for (i = 0; i < STATUS_MAX; i++)
		if (table[i] != 0 && status_name(i) != NULL)
			text = pool_printf(pool, "%s%s\"%s\":%u", text,
			    *text == '\0' ? "" : ",", status_name(i), table[i]);
	return text;
}

const char *
tasks_status(struct pool *pool)
{
	size_t queued = 0;
	struct task *t;

	TAILQ_FOREACH(t, &task_queue, queue)
		queued++;
	return pool_printf(pool,
	    "\"submitted\":%llu,\"done\":%llu,"
	    "\"queued\":%zu,\"assigned\":%llu,\"batches\":%llu,"
	    "\"again\":%llu,\"results\":{%s},\"refusals\":{%s}",
	    (unsigned long long)n_submitted, (unsigned long long)n_done, queued,
	    (unsigned long long)n_assigned, (unsigned long long)n_batches,
	    (unsigned long long)n_again, list_counts(pool, results),
	    list_counts(pool, refusals));
}

void
tasks_init(void)
{
	assign_init();
	LIST_INIT(&submissions);
	rpc_after(&timer, TICK, tick, NULL);
}
