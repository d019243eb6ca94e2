/* SPDX-License-Identifier: Apache-2.0
 *
 * gRPC for tee-devnet, in C over grpc core: one completion queue per process.
 * Every operation's tag is a struct with its handler, so the event loop takes a
 * tag and calls the handler.  Several threads may run the loop, but one handler
 * runs at a time, except between rpc_unlock() and rpc_lock().  mTLS is always
 * on: a server accepts only clients with a certificate of the devnet's CA.
 */
#ifndef RPC_H
#define RPC_H

#include <stddef.h>
#include <stdint.h>
#include <grpc/grpc.h>
#include <grpc/status.h>
#include <protobuf-c/protobuf-c.h>

#include "clock.h"
#include "message.h"
#include "pool.h"

#define RPC_MESSAGE_MAX	(64 * 1024 * 1024)
#define RPC_NAME	64

struct rpc_tag {
	void	(*fn)(struct rpc_tag *, int ok);
};

void rpc_init(void);
/* Handle events until *done is set; forever if done is NULL. */
void rpc_loop(const int *done);
extern grpc_completion_queue *rpc_queue;
/* A handler that computes for long, such as a signature, lets others run
 * meanwhile.  Between the two it uses only its call and constants. */
void rpc_unlock(void);
void rpc_lock(void);
/* Call fn once, when no event is waiting. */
void rpc_when_idle(void (*fn)(void));

/* ---- time -------------------------------------------------------------- */
struct rpc_timer {
	struct rpc_timer *next;
	uint64_t	  at;
	void		(*fn)(void *arg);
	void		 *arg;
};
/* Call fn once, ms from now.  If the timer is already set, it is moved. */
void rpc_after(struct rpc_timer *, uint64_t ms, void (*fn)(void *), void *);
void rpc_forget(struct rpc_timer *);
/* Back-off in ms after this many failures (at least 1): 100, doubled with each
 * failure, at most 2000; random between half of that and all of it. */
uint64_t rpc_back_off(uint32_t failures);

/* ---- messages ---------------------------------------------------------- */
void *rpc_copy(const ProtobufCMessage *, struct pool *);

/* ---- certificates: DIR/tls/{ca.pem,NAME.pem,NAME.key} ------------------ */
#define TLS_TEXT	8192
struct rpc_tls {
	char	ca[TLS_TEXT], certificate[TLS_TEXT], key[TLS_TEXT];
};
void rpc_tls_load(struct rpc_tls *, const char *dir, const char *name);

/* ---- server ------------------------------------------------------------ */
struct rpc_call {
	struct pool	 pool;		/* freed with the call */
	grpc_call	*grpc;
	char		 peer[RPC_NAME];	/* name in certificate */
	/* Private to rpc_server.c. */
	struct rpc_tag	 tag;
	const struct rpc_method *method;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *received;
	int		 cancelled;
};

/* peers: who may call, as prefixes of common names ("runner,orchestrator");
 * NULL: anyone with a certificate.  If `in' is NULL, the method is a stream:
 * `fn' gets the call and NULL, and owns the call's operations from then on. */
struct rpc_method {
	const char	*path;
	const char	*peers;
	const ProtobufCMessageDescriptor *in;
	void		(*fn)(struct rpc_call *, void *request);
};
/* Serve the table and grpc.health.v1 at host:port; fatal if the port cannot be
 * used. */
void rpc_serve(const char *address, const struct rpc_tls *,
    const struct rpc_method *, size_t n);
/* End a unary call, now or later; afterwards the call and its pool are gone. */
void rpc_reply(struct rpc_call *, const ProtobufCMessage *);
void rpc_fail(struct rpc_call *, grpc_status_code, const char *why);
void rpc_call_free(struct rpc_call *);

/* ---- streams, the server's side (rpc_stream.c) ------------------------- */
struct rpc_stream;
struct rpc_stream_events {
	/* A message arrived; `bytes' is valid until this returns. */
	void	(*message)(void *arg, grpc_byte_buffer *bytes);
	/* The last event: the stream is freed when this returns. */
	void	(*end)(void *arg);
};
struct rpc_stream *rpc_stream_open(
    struct rpc_call *, const struct rpc_stream_events *, void *arg);
void rpc_stream_send(struct rpc_stream *, const ProtobufCMessage *);
void rpc_stream_send_bytes(struct rpc_stream *, const void *, size_t);
/* Close the stream; `end' will still be called. */
void rpc_stream_close(struct rpc_stream *, grpc_status_code, const char *why);

/* ---- client ------------------------------------------------------------ */
struct rpc_peer {
	grpc_channel	*channel;
	int		 is_patient;	/* calls wait for the connection */
};
struct rpc_peer *rpc_connect(const char *address, const struct rpc_tls *);
void rpc_disconnect(struct rpc_peer *);
/* If code is 0, `answer' has the requested type and is valid until `fn'
 * returns. */
typedef void (*rpc_done)(void *arg, int code, const char *why, void *answer);
void rpc_send(struct rpc_peer *, const char *path, const ProtobufCMessage *,
    const ProtobufCMessageDescriptor *out, unsigned ms, rpc_done, void *arg);
/* To wait for an answer: pass rpc_waited and this struct as rpc_done and its
 * argument, then run rpc_loop() on `done'. */
struct rpc_wait {
	int		 done;
	struct pool	*pool;		/* for the answer */
	void		*answer;	/* NULL: failed */
	/* for a message on stderr; NULL: none */
	const char	*what;
};
void rpc_waited(void *wait, int code, const char *why, void *answer);
/* rpc_send(), then wait for the answer (for commands).  Returns the answer in
 * `pool', or NULL after a message on stderr that names `what'; no message if
 * `what' is NULL. */
void *rpc_ask(struct rpc_peer *, const char *path, const ProtobufCMessage *,
    const ProtobufCMessageDescriptor *out, unsigned ms, struct pool *pool,
    const char *what);
/* grpc.health.v1: 1 if the peer reports SERVING. */
int rpc_healthy(struct rpc_peer *, unsigned ms);

#endif
