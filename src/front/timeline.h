/* SPDX-License-Identifier: Apache-2.0
 *
 * The timelines of the last tasks, and how long each stage took.  A ring of
 * fixed size: the oldest task makes room for a new one.  No ciphertext and no
 * peer's text is in it.  Needs front_lock().
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <event2/buffer.h>
#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#define TIMELINE_TASKS	4096		/* that are remembered */

/* In order.  A task that fails leaves some out. */
enum stage {
	STAGE_RECEIVED,		/* the role has its batch */
	STAGE_ADMITTED,		/* keys has verified the batch */
	STAGE_ASKED,		/* it has asked the Gateway */
	STAGE_GRANTED,		/* the Gateway has answered */
	STAGE_VERIFIED,		/* keys has verified the grant */
	STAGE_STARTED,		/* a worker has been given it */
	STAGE_COMPUTED,		/* the worker has answered */
	STAGE_SIGNED,		/* keys has signed its result */
	STAGE_SENT,		/* the role has sent it */
	STAGE_ACKNOWLEDGED,	/* the Orchestrator has it */
	STAGE_PUBLISHED,	/* it is committed to on the chain */
	STAGES
};

/* A new task, received now: its number, for the functions below.  They do
 * nothing if the task has left the ring. */
uint64_t timeline_begin(const uint8_t id[32], uint32_t attempt, uint32_t batch,
    uint32_t task, const struct m_trace *);
/* at: now_us(); 0 marks nothing.  A stage that is marked stays as it is. */
void timeline_mark(uint64_t number, enum stage, uint64_t at);
void timeline_result(uint64_t number, const struct m_result *);
void timeline_refused(uint64_t number, uint32_t status);
/* keys has ended, and the task with it. */
void timeline_lost(uint64_t number);
void timeline_published(
    const struct m_published *, const struct m_task_id *, size_t n);

/* JSON of the tasks in this state, the newest first: all (""), `open' (not yet
 * acknowledged, refused or lost), or the name of a stage.  0; -1: no such
 * state. */
int timeline_list(struct evbuffer *out, const char *state);
/* JSON of the tasks whose id begins with these hexadecimal digits, each with
 * its stages.  0; -1: these are not digits. */
int timeline_show(struct evbuffer *out, const char *digits);
/* JSON of the histogram of each stage. */
void timeline_stages(struct evbuffer *out);
/* tee_runner_task_stage_seconds, a histogram for each stage. */
void timeline_metrics(struct evbuffer *out);

#endif
