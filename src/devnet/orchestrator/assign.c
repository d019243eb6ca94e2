/* SPDX-License-Identifier: Apache-2.0
 *
 * Assigns queued tasks to Runners: a batch of tasks from one submission, as
 * large as the submitter requests and the Runner can take, with one signature.
 */
#include <string.h>
#include <time.h>

#include "log.h"
#include "program.h"
#include "server.h"
#include "signed.h"
#include "tasks.h"
#include "trace.h"

struct task_queue task_queue = TAILQ_HEAD_INITIALIZER(task_queue);
uint64_t n_assigned, n_batches;
static uint8_t key[32];

void
assign_init(void)
{
	dir_secret(&devnet, "orchestrator", key);
}

/* Fault: move the task to another chain, including its handles. */
static void
move_chain(Teerunner__V1__Task *t)
{
	size_t i, j;

	t->chain_id++;
	for (i = 0; i < t->n_operations; i++) {
		Teerunner__V1__Operation *o = t->operations[i];

		for (j = 0; j < o->n_inputs; j++)
			if (o->inputs[j]->source_case ==
			    TEERUNNER__V1__OPERAND__SOURCE_HANDLE)
				o->inputs[j]->handle.data[4]++;
		for (j = 0; j < o->n_outputs; j++)
			o->outputs[j].data[4]++;
	}
}

static void
fill(struct task *t, const uint8_t runner[20])
{
	Teerunner__V1__Task *body = t->body;
	uint64_t now = (uint64_t)time(NULL);

	memcpy(t->runner, runner, 20);
	body->attempt++;
	body->runner.data = t->runner;
	body->runner.len = 20;
	body->issued_at = now;
	body->deadline = now + t->submission->attempt_time;
	if (fault == FAULT_ORCHESTRATOR_expired) {
		body->issued_at -= 1000;
		body->deadline = now - 10;
	}
	if (fault == FAULT_ORCHESTRATOR_runner)
		t->runner[0] ^= 1;
	if (fault == FAULT_ORCHESTRATOR_chain)
		move_chain(body);
}

/* A trace that begins here. */
static char *
trace_new(char text[TRACE_TEXT])
{
	struct m_trace t = { .flags = 1 };

	random_fill(t.id, sizeof(t.id));
	random_fill(t.parent, sizeof(t.parent));
	return trace_text(&t, text);
}

static void
assign(struct session *s, uint32_t n)
{
	Teerunner__V1__TaskBatch batch = TEERUNNER__V1__TASK_BATCH__INIT;
	Teerunner__V1__Task *bodies[BATCH_TASKS];
	struct task *t, *tasks[BATCH_TASKS];
	char text[TRACE_TEXT];
	struct pool pool;
	uint32_t i, status;

	pool_init(&pool);
	for (i = 0; i < n; i++) {
		t = tasks[i] = TAILQ_FIRST(&task_queue);
		TAILQ_REMOVE(&task_queue, t, queue);
		fill(t, s->runner);
		bodies[i] = t->body;
		t->state = TASK_ASSIGNED;
		t->session = s;
		t->when = now_ms() +
		    1000 * (uint64_t)t->submission->attempt_time + 500;
	}
	batch.n_tasks = n;
	batch.tasks = bodies;
	batch.traceparent = trace_new(text);
	if (sign_tasks(&batch, devnet.domain, key, &pool, &status) != 0)
		fatal("assign: a checked task is not valid: %s",
		    status_name(status));
	if (fault == FAULT_ORCHESTRATOR_badsig)
		batch.signature.data[10] ^= 1;
	for (i = 0; i < n; i++)
		memcpy(tasks[i]->signature, batch.signature.data, 65);
	session_assign(s, &batch);
	n_assigned += n;
	n_batches++;
	pool_free(&pool);
}

void
tasks_dispatch(void)
{
	struct session *s;
	struct task *t;
	uint32_t n, max;

	while ((t = TAILQ_FIRST(&task_queue)) != NULL) {
		struct submission *submission = t->submission;

		max = submission->request->batch;
		if (max == 0 || max > BATCH_TASKS)
			max = BATCH_TASKS;
		for (n = 0; t != NULL && n < max && t->submission == submission;
		     n++)
			t = TAILQ_NEXT(t, queue);
		if ((s = session_choose(&n)) == NULL)
			return;
		assign(s, n);
	}
}
