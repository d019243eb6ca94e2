/* SPDX-License-Identifier: Apache-2.0
 *
 * The net role: everything that speaks with one chain's Orchestrator and
 * Gateway.  It holds no private key and no plaintext; if it is taken over, the
 * attacker can deny service.
 *
 * Two threads.  One runs libevent: the channels to the monitor and keys, HTTP,
 * the control socket, one timer.  The other runs gRPC's completion queue.  Each
 * holds net_lock() while it works and releases it to wait.  Everything below
 * needs the lock, except signing in tls_engine.c. gRPC's own threads call only
 * that.
 */
#ifndef NET_H
#define NET_H

#include <event2/event.h>
#include <event2/buffer.h>
#include <grpc/grpc.h>
#include <sys/queue.h>

#include "chan.h"
#include "clock.h"
#include "jsonw.h"
#include "message.h"
#include "program.h"
#include "teerunner.pb-c.h"
#include "timeline.h"

/* ---- main.c ------------------------------------------------------------ */

enum stream {			/* with the Orchestrator */
	STREAM_DOWN,		/* waits to try again */
	STREAM_CONNECTING,
	STREAM_HELLO,		/* has its challenge, waits for keys */
	STREAM_OPEN,
};

struct forecast {		/* of tee-attest, by tee-runnerctl forecast */
	uint64_t	 at;		/* now_unix(); 0: none came */
	uint64_t	 until, issued;	/* seconds since 1970; 0: unknown */
	unsigned	 accepted, accepted_next;	/* 1 or 0 */
	char		 status[48];	/* letters */
};

struct net_error {
	uint64_t	 at;		/* now_unix(); 0: none yet */
	char		 text[200];	/* printable; may be a peer's */
};

struct net {
	struct conf	 conf;
	struct conf_chain *chain;	/* in it: ours */
	struct event_base *base;
	enum state	 state;		/* S_SERVING, or S_DRAINING once told */
	uint64_t	 started;	/* now_ms() */
	struct chan	 keys;
	int		 has_status;	/* has keys told one? */
	struct m_status	 status;	/* keys's */
	struct m_roles	 roles;		/* the monitor's */
	uint64_t	 log_dropped_at;	/* the last line; 0: none */
	struct m_worker	 workers[CONF_WORKERS];	/* keys's */
	size_t		 n_workers;
	struct m_endpoints endpoints;	/* registry's, not checked by keys */
	struct m_endpoint endpoint[CONF_ENDPOINTS];
	size_t		 n_endpoints;
	int		 is_paused;	/* session_pause() */
	enum idle_reason why;		/* status_note(): the state, */
	uint64_t	 why_since;	/* and since when, now_unix() */
	struct forecast	 forecast;
	struct net_error orchestrator_error, gateway_error;	/* the last */
	enum stream	 stream;
	uint32_t	 session;	/* its number: counts connections */
	uint64_t	 reconnections;
	int		 gateway_failing;
	uint32_t	 credit;	/* given and not yet used */
	uint32_t	 in_flight;	/* tasks from acceptance to result */
	uint32_t	 kept;		/* tasks whose Ack has not come */
	uint64_t	 ok, retryable, waiting, terminal, refused;
	uint64_t	 statuses[STATUS_MAX];	/* results and refusals */
};
extern struct net net;

void net_lock(void);
/* also sees to it that queues are written out */
void net_unlock(void);

void net_keys_up(int fd);
void net_keys_lost(void);
/* To keys, in order, however much it is: what the channel has no room for
 * waits here. */
void net_to_keys(
    enum msg_type, const void *payload, const void *rows, size_t n_rows);

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

/* ---- certificate.c: the Runner's own certificate ----------------------- */

#define PEM_LIMIT	(1024 * 1024)
#define CERTIFICATE_TEXT 64
#define CERTIFICATE_SOON (14 * 24 * 3600)	/* seconds before it expires */

/* A file of PEM, NUL-terminated, and its length: NULL, or what is wrong with
 * it. */
const char *pem_read(int fd, char to[PEM_LIMIT], size_t *len);
/* The same for a path: the length; fatal if it cannot be read. */
size_t pem_open(const char *what, const char *path, char to[PEM_LIMIT]);

void certificate_init(const char *path);	/* before the sandbox */
/* Take this text for the certificate that is used: NULL, or what is wrong. */
const char *certificate_take(const char *pem);
/* after the sandbox: watches expiry and renewal */
void certificate_start(void);
/* The file has changed; fd becomes ours.  If it is no certificate, or keys does
 * not have its key, the old certificate stays. */
void certificate_renewed(int fd);
int certificate_is_waiting(void);	/* has one come whose key has not? */
/* The one that new connections use: PEM, and x and y of its public key (64
 * bytes). */
const char *certificate_pem(void);
const uint8_t *certificate_key(void);
uint64_t certificate_expires(void);	/* seconds since 1970 */
/* 0; or 1: it expires soon, or 2: it has expired, and the text says when. */
int certificate_warning(char *text, size_t size);

/* ---- tls_engine.c: the private key is elsewhere ------------------------ */

/* Reads the CA's and our certificate, makes the ENGINE: before the sandbox. */
void tls_init(const struct conf *);
grpc_channel_credentials *tls_credentials(void);
/* A new channel to keys for signatures alone; -1: none. */
void tls_channel(int fd);
int tls_has_channel(void);
/* Has keys turned out not to have the certificate's key? */
int tls_is_mismatched(void);
/* Does keys sign by the key with this public point (x, y)? 1; 0: it does not
 * have it; -1: it does not answer, for which it has PATIENCE: not under net's
 * lock. */
int tls_try(const uint8_t xy[64]);

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
/* Finish the tasks and take no new ones, until session_resume(). */
void session_pause(void);
void session_resume(void);
void session_evidence(struct evbuffer *);	/* of the registration */
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

/* ---- net_json.c -------------------------------------------------------- */

/* jsonw_begin() with what is written appended to `out'. */
void net_json(struct jsonw *, struct evbuffer *out);

/* ---- status.c: what others may know ------------------------------------ */

void status_json(struct evbuffer *);
/* Why no tasks are taken; WHY_NONE: they are. */
enum idle_reason status_why(void);
/* Seconds since a time of now_unix(); 0: never. */
uint64_t status_age(uint64_t at);
/* How long this worker has had the task that it has, milliseconds; 0: it has
 * none. */
uint64_t status_job_ms(const struct m_worker *);
/* Call when anything may have changed: notes since when the state is what it
 * is. */
void status_note(void);
/* 1: ready; 0, and why. */
int status_ready(const char **why);
void error_note(struct net_error *, const char *text);

/* ---- metrics.c: for Prometheus ---------------------------------------- */

void metrics_write(struct evbuffer *);

/* ---- http.c: /metrics, /healthz, /readyz ------------------------------- */

void http_listen(const char *address);	/* before the sandbox */

/* ---- control.c: the control socket ------------------------------------- */

/* Before the sandbox; group: may connect, 0: root's alone. */
void control_listen(const char *path, gid_t group);

#endif
