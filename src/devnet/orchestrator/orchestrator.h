/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the Orchestrator's files: session.c keeps the Runners' streams,
 * tasks.c the queue and what becomes of each task, forward.c brings results to
 * the Gateway.
 */
#ifndef ORCHESTRATOR_H
#define ORCHESTRATOR_H

#include <stdint.h>
#include <sys/queue.h>

#include "devnet.pb-c.h"
#include "rpc.h"
#include "teerunner.pb-c.h"

struct session {
	LIST_ENTRY(session) link;
	struct rpc_stream *stream;
	uint8_t		 nonce[32];
	uint8_t		 runner[20];
	int		 has_hello, is_draining;
	uint32_t	 credit;	/* tasks that it can take now */
	uint32_t	 assigned;	/* tasks that it has */
	uint64_t	 ask_again;	/* not in the Registry: when to look */
};

/* ---- session.c ---- */
void	on_session(struct rpc_call *, void *);
/* One that can take *n tasks now, or an idle one and as many as it can take in
 * *n; NULL: none. */
struct session *session_choose(uint32_t *n);
void	session_assign(struct session *, const Teerunner__V1__TaskBatch *);
/* To whoever now is that Runner, if anyone. */
void	session_ack(const uint8_t runner[20],
	    const Teerunner__V1__TaskResultBatch *);
const char *session_status(struct pool *);

/* ---- tasks.c ---- */
void	tasks_init(void);
void	on_submit(struct rpc_call *, void *);
void	tasks_dispatch(void);
void	tasks_lost(struct session *);
void	tasks_refused(struct session *, const Teerunner__V1__Refusal *);
/* A result whose batch's signature is good; 1 where it is to be stored. */
int	tasks_result(const uint8_t runner[20],
	    const Teerunner__V1__TaskResult *);
/* What the Gateway said to one that was to be stored. */
void	tasks_stored(const uint8_t runner[20],
	    const Teerunner__V1__TaskResult *, uint32_t status);
const char *tasks_status(struct pool *);

/* ---- forward.c ---- */
void	forward_init(void);
/* Signed by that Runner, which the caller has verified. */
void	forward_results(const uint8_t runner[20],
	    const Teerunner__V1__TaskResultBatch *);

#endif
