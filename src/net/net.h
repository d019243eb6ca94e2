/* SPDX-License-Identifier: Apache-2.0
 *
 * The net role: everything that speaks with one chain's Orchestrator and
 * Gateway.  It holds no private key and no plaintext; if it is taken over, the
 * attacker can deny service.
 *
 * Two threads.  One runs libevent: all of src/front, and the session's timer.
 * The other runs gRPC's completion queue.  Each holds front_lock() while it
 * works and releases it to wait.  Everything below needs the lock. gRPC's own
 * threads call only the ENGINE of src/front/tls_engine.c, which does not.
 */
#ifndef NET_H
#define NET_H

#include <grpc/grpc.h>

#include "front.h"
#include "message.h"
#include "teerunner.pb-c.h"

/* ---- rpc.c: gRPC ------------------------------------------------------- */

/* A tag of the completion queue: the first member of its owner, or at a known
 * offset in it. */
struct tag {
	void	(*fn)(struct tag *, int ok);
};

/* Call before the sandbox, in this order. rpc_warm makes every library do what
 * it does on first use, and leaves no thread. */
void rpc_warm(void);
/* Resolve "host:port" for rpc_channel; fatal if it does not resolve. */
struct target {
	char	uri[512];
	char	authority[CONF_HOST];
};
void rpc_resolve(const char *what, const char *address, struct target *);

/* After the sandbox: start gRPC and its thread. */
void rpc_start(void);
/* The back-off of gRPC's own attempts, in ms: the first and the longest time
 * between two.  An attempt at one address has CONNECT_TIME, or `first' if that
 * is longer. */
#define CONNECT_TIME	5000
grpc_channel *rpc_channel(
    const struct target *, int receive_max, int first, int longest);
/* A deadline of 0 is none. */
grpc_call *rpc_call(grpc_channel *, const char *method, uint32_t seconds);
void rpc_begin(grpc_call *, const grpc_op *, size_t n, struct tag *);

/* Printable: log_escape of a slice. */
char *rpc_text(char *dst, size_t size, grpc_slice);

/* ---- check.c: files, for tee-runnerd -t -------------------------------- */

/* Paths of tls-ca, tls-certificate and registry-ca; each may be empty.
 * Ends the process. */
_Noreturn void net_check(char **args);

/* ---- orchestrator.c: the session --------------------------------------- */

void session_init(void);
/* Connect, now and for ever, once both channels to keys are there. */
void session_start(void);
void session_stop(const char *why);	/* and connect again */
/* There is a new certificate, or keys now has its key: if the session is down,
 * connect now.  An open session goes on, unless its certificate has expired. */
void session_renewed(int has_expired);
void session_on_hello(const struct m_hello *);
void session_on_register(const struct m_register *, int fd);
void session_drain(void);
uint32_t session_number(void);		/* counts connections */
/* Send if the stream is open; the caller keeps the message. */
void session_send(const Teerunner__V1__RunnerMessage *);
void session_send_packed(grpc_byte_buffer *);
/* Give the Orchestrator what room there is. */
void session_credit(void);
/* A batch that came in this session has its results.  If the session lives, the
 * back-off after it begins at its minimum; nothing else resets it, or an
 * Orchestrator that only connects would be dialled without end. */
void session_worked(uint32_t session);

/* ---- batch.c: from TaskBatch to Ack ------------------------------------ */

struct offer {			/* a task of a batch, as far as net needs it */
	uint8_t		 id[32];
	uint32_t	 attempt;
	uint8_t		 caller[20];
	uint16_t	 n_inputs, n_outputs;
	struct m_word	*handles;	/* inputs, then outputs */
	uint8_t		 ephemeral_key[33];	/* from ASK */
	uint8_t		 is_refused, is_ended, is_acked;
	uint64_t	 line;		/* its timeline */
	uint32_t	 status;
	struct m_value	*outputs;
	size_t		 n_values;
	struct batch	*batch;
	LIST_ENTRY(offer) same;		/* of the list for its id, while its
					 * result waits for an Ack */
};

struct batch {
	LIST_ENTRY(batch) link;
	LIST_ENTRY(batch) same;		/* of the list for its id */
	uint32_t	 id;
	enum { B_OFFERED, B_FETCHING, B_RUNNING, B_KEPT } state;
	uint32_t	 n_tasks, n_accepted, n_ended, n_acked;
	uint32_t	 session;	/* in which it came */
	struct m_trace	 trace;
	struct fetch	*fetch;
	grpc_byte_buffer *packed;	/* RunnerMessage of its results */
	struct offer	 tasks[];	/* n_tasks */
};

void batch_on_offer(const Teerunner__V1__TaskBatch *);
void batch_on_ack(const Teerunner__V1__Ack *);
void batch_on_refused(struct chan *, const struct m_refused *);
void batch_on_ask(struct chan *, const struct msg *);
void batch_on_result(struct chan *, const struct msg *);
void batch_on_results(struct chan *, const struct m_results *);
void batch_resend(void);	/* what waits for an Ack, to a new session */
void batch_forget_all(void);
/* In the timelines of its accepted tasks. */
void batch_mark(struct batch *, enum stage, uint64_t at);
/* Draining: tell the monitor once nothing is left. */
void batch_try_drained(void);
/* Tell the Orchestrator what is not accepted: these tasks, or if there are none
 * all of the batch with this signature. */
void batch_refuse(Teerunner__V1__TaskRef **, size_t n,
    const ProtobufCBinaryData *signature, uint32_t status, const char *reason);

/* ---- gateway.c: FetchOperands ------------------------------------------ */

void gateway_init(void);
/* Make the channel; again: calls that are under way finish on the old one. */
void gateway_start(void);
void gateway_connect(void);	/* before the first batch needs it */
void gateway_fetch(struct batch *, const struct m_ask *);
/* Its batch has ended without it. */
void gateway_cancel(struct batch *);

#endif
