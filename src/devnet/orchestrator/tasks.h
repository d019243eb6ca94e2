/* SPDX-License-Identifier: Apache-2.0
 *
 * A task at the Orchestrator; shared by tasks.c (its state) and assign.c (its
 * batch).
 */
#ifndef TASKS_H
#define TASKS_H

#include "orchestrator.h"

#define ID_BUCKETS	4096

enum task_state {
	TASK_QUEUED,		/* waits for a Runner with credit */
	TASK_DELAYED,		/* until `when', then queued */
	TASK_ASSIGNED,		/* to `session', until `when' */
	TASK_STORING,		/* `storing' results are at the Gateway */
	TASK_DONE,
};

struct task {
	LIST_ENTRY(task)  bucket;
	TAILQ_ENTRY(task) queue;	/* while TASK_QUEUED */
	struct submission *submission;
	Teerunner__V1__Task *body;
	size_t		 index;		/* in its submission */
	enum task_state	 state;
	struct session	*session;	/* NULL: connection lost */
	uint8_t		 runner[20];	/* of the last attempt */
	uint8_t		 signature[65];	/* of its batch */
	uint32_t	 first;		/* attempts before our restart */
	uint32_t	 failures, storing;
	uint32_t	 status;	/* of the last attempt */
	uint64_t	 when;		/* now_ms() */
};

struct submission {
	LIST_ENTRY(submission) link;
	struct rpc_call	*call;
	Teerunner__Devnet__SubmitRequest *request;
	Teerunner__Devnet__SubmitResponse answer;
	struct task	*tasks;
	size_t		 left;
	uint64_t	 until;
	uint32_t	 attempt_time;	/* seconds */
};

TAILQ_HEAD(task_queue, task);
extern struct task_queue task_queue;

/* ---- assign.c ---------------------------------------------------------- */
void assign_init(void);
extern uint64_t n_assigned, n_batches;

/* ---- tasks.c ----------------------------------------------------------- */
void task_finish(struct task *, uint32_t status, const char *reason,
    const Teerunner__V1__TaskResult *, const uint8_t *runner);

#endif
