/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the Orchestrator's files: session.c handles the Runners' streams,
 * tasks.c the queue and the state of each task, forward.c sends results to the
 * Gateway.
 */
#ifndef ORCHESTRATOR_H
#define ORCHESTRATOR_H

#include <stdint.h>
#include <sys/queue.h>

#include "devnet.pb-c.h"
#include "server.h"
#include "teerunner.pb-c.h"

struct session {
	LIST_ENTRY(session) link;
	struct rpc_stream *stream;
	uint8_t		 nonce[32];
	uint8_t		 runner[20];
	int		 has_hello, is_draining;
	uint32_t	 credit;	/* tasks it can take now */
	uint32_t	 assigned;	/* tasks assigned to it now */
	uint64_t	 total;		/* tasks ever assigned to it */
	uint64_t	 ask_again;	/* not listed: when to check */
};

extern const struct server orchestrator_server;

/* ---- session.c --------------------------------------------------------- */
void on_session(struct rpc_call *, void *);
/* Choose a Runner that can take *n tasks now, or else an idle one, and set *n
 * to what it can take.  NULL if there is none. */
struct session *session_choose(uint32_t *n);
void session_assign(struct session *, const Teerunner__V1__TaskBatch *);
/* Send an Ack to this Runner's current session, if there is one. */
void session_ack(
    const uint8_t runner[20], const Teerunner__V1__TaskResultBatch *);
const char *session_status(struct pool *);

/* ---- tasks.c ----------------------------------------------------------- */
void tasks_init(void);
void on_submit(struct rpc_call *, void *);
void tasks_dispatch(void);
void tasks_lost(struct session *);
void tasks_refused(struct session *, const Teerunner__V1__Refusal *);
/* Process a result from a batch with a valid signature.  Returns 1 if it is to
 * be stored. */
int tasks_result(const uint8_t runner[20], const Teerunner__V1__TaskResult *);
/* Process the Gateway's answer for a result that was to be stored. */
void tasks_stored(const uint8_t runner[20], const Teerunner__V1__TaskResult *,
    uint32_t status);
const char *tasks_status(struct pool *);

/* ---- forward.c --------------------------------------------------------- */
void forward_init(void);
/* The caller has verified that this Runner signed the results. */
void forward_results(
    const uint8_t runner[20], const Teerunner__V1__TaskResultBatch *);

#endif
