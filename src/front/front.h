/* SPDX-License-Identifier: Apache-2.0
 *
 * What a role that faces a chain's counterparts has in common with others of
 * its kind: the channels to the monitor and keys, what it tells an operator
 * (control socket, HTTP, status, metrics, timelines), and TLS whose private key
 * is in keys.  How the counterparts are spoken with is the role's own: it
 * defines the functions below that are said to be its.
 *
 * One thread runs libevent, which serves all sockets here.  The role may have
 * other threads.  Each holds front_lock() while it works and releases it to
 * wait.  Everything below needs the lock, except what is called before the
 * sandbox and what says otherwise; the role's functions are called with it.
 * Signing in tls_engine.c does not need it.
 */
#ifndef FRONT_H
#define FRONT_H

#include <event2/event.h>
#include <event2/buffer.h>
#include <openssl/types.h>
#include <sys/queue.h>

#include "chan.h"
#include "clock.h"
#include "jsonw.h"
#include "program.h"
#include "timeline.h"

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

struct last_error {
	uint64_t	 at;		/* now_unix(); 0: none yet */
	char		 text[200];	/* printable; may be a peer's */
};

struct front {
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
	enum idle_reason why;		/* status_note(): the state, */
	uint64_t	 why_since;	/* and since when, now_unix() */
	struct forecast	 forecast;

	/* the role's to set */
	int		 is_paused;	/* by front_pause() */
	struct last_error orchestrator_error, gateway_error;
	enum stream	 stream;
	uint64_t	 reconnections;
	int		 gateway_failing;
	uint32_t	 credit;	/* given and not yet used */
	uint32_t	 in_flight;	/* tasks from acceptance to result */
	uint32_t	 kept;		/* tasks whose Ack has not come */
	uint64_t	 ok, retryable, waiting, terminal, refused;
	uint64_t	 given_up;	/* messages of Nox v0 that were, here or
					 * by the server */
	uint64_t	 statuses[STATUS_MAX];	/* results and refusals */
};
extern struct front front;

/* Is our chain of Nox v0? */
#define front_is_nox()	(front.chain->protocol == PROTOCOL_NOX)

/* ---- defined by the role ----------------------------------------------- */

/* Finish the tasks and take no new ones, until front_resume(). */
void front_pause(void);
void front_resume(void);
/* The evidence of the registration; nothing if there is none yet. */
void front_evidence(struct evbuffer *);
/* keys has ended: what was agreed on with it is void. */
void front_keys_lost(void);
/* New connections use another certificate.  has_expired: the old one has, and
 * no connection goes on with it. */
void front_renewed(int has_expired);
/* keys now has the key of the certificate, which it did not have: a connection
 * that is down can be tried now. */
void front_matched(void);

/* ---- front.c: start, lock, channels ------------------------------------ */

/* Before the sandbox, in this order.  The first reads the files of TLS; a role
 * with threads has called evthread_use_pthreads(3) before.  The second binds
 * the control socket and the HTTP port. */
void front_init(const struct m_start *);
void front_listen(void);
/* After the sandbox, without the lock. */
void front_start(void);

void front_lock(void);
/* also settles */
void front_unlock(void);
/* See to it that queues are written out, and note a change of the state.  A
 * role without other threads needs no lock in its callbacks, but ends each with
 * this. */
void front_settle(void);

/* A new channel to keys; the old one is closed. */
void front_keys_up(int fd);
/* What the monitor and keys tell each role of this kind. */
void front_on_roles(const struct m_roles *);
void front_on_status(const struct m_status *);
void front_on_workers(const struct msg *);
void front_on_endpoints(const struct msg *);
/* To keys, in order, however much it is: what the channel has no room for
 * waits here. */
void front_to_keys(
    enum msg_type, const void *payload, const void *rows, size_t n_rows);

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
const char *tls_ca(void);		/* tls-ca: PEM */
/* The name, for OpenSSL's ENGINEs, of the key of certificate_key(). */
#define TLS_KEY_NAME	160
void tls_key_name(char name[TLS_KEY_NAME]);
/* That key: what is signed with it, keys signs.  The caller frees it with
 * EVP_PKEY_free(3). NULL: out of memory. */
EVP_PKEY *tls_key(void);
/* A new channel to keys for signatures alone; -1: none. */
void tls_channel(int fd);
int tls_has_channel(void);
/* Has keys turned out not to have the certificate's key? */
int tls_is_mismatched(void);
/* Does keys sign by the key with this public point (x, y)? 1; 0: it does not
 * have it; -1: it does not answer, for which it has PATIENCE: not under the
 * lock. */
int tls_try(const uint8_t xy[64]);

/* ---- tls_context.c: a client of TLS on OpenSSL ------------------------- */

/* Connections as a client, TLS 1.3: the server's certificate must be signed by
 * an authority of tls-ca, ours is certificate_pem(), with tls_key().  Call
 * SSL_set1_host(3) for each connection; its handshake waits for keys.  After
 * front_renewed(), make another context.  The caller frees it with
 * SSL_CTX_free(3). NULL: the certificates cannot be used or memory is short. */
SSL_CTX *tls_context(void);

/* ---- front_json.c ------------------------------------------------------ */

/* jsonw_begin() with what is written appended to `out'. */
void front_json(struct jsonw *, struct evbuffer *out);

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
 * is.  front_unlock() does. */
void status_note(void);
/* 1: ready; 0, and why. */
int status_ready(const char **why);
void error_note(struct last_error *, const char *text);

/* ---- metrics.c: for Prometheus ---------------------------------------- */

void metrics_write(struct evbuffer *);

/* ---- http.c: /metrics, /healthz, /readyz ------------------------------- */

void http_listen(const char *address);	/* before the sandbox */

/* ---- control.c: the control socket ------------------------------------- */

/* Before the sandbox; group: may connect, 0: root's alone. */
void control_listen(const char *path, gid_t group);

#endif
