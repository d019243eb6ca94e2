/* SPDX-License-Identifier: Apache-2.0
 *
 * gRPC for tee-devnet over grpc core, in C: one completion queue and one
 * thread of ours a process (the Gateway's store has one more).  Every operation's tag is a struct with its handler, so
 * the loop is: take a tag, call it.  mTLS always: a server takes no client
 * without a certificate of the devnet's CA.
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

void	rpc_init(void);
/* Serve events until *done is set; NULL: for ever. */
void	rpc_loop(const int *done);
extern grpc_completion_queue *rpc_queue;

/* ---- time ---------------------------------------------------------------- */
struct rpc_timer {
	struct rpc_timer *next;
	uint64_t	  at;
	void		(*fn)(void *arg);
	void		 *arg;
};
/* Once, `ms' from now; set again while it waits, it moves. */
void	rpc_after(struct rpc_timer *, uint64_t ms, void (*fn)(void *), void *);
void	rpc_forget(struct rpc_timer *);
/* How long to wait after so many failures (1 or more), in ms: 100, doubled with each
 * failure, at most 2000; at random between half of that and all of it. */
uint64_t rpc_back_off(uint32_t failures);

/* ---- messages ------------------------------------------------------------ */
void	*rpc_copy(const ProtobufCMessage *, struct pool *);

/* ---- certificates: DIR/tls/{ca.pem,NAME.pem,NAME.key} -------------------- */
#define TLS_TEXT	8192
struct rpc_tls {
	char	ca[TLS_TEXT], certificate[TLS_TEXT], key[TLS_TEXT];
};
void	rpc_tls_load(struct rpc_tls *, const char *dir, const char *name);

/* ---- server -------------------------------------------------------------- */
struct rpc_call {
	struct pool	 pool;		/* freed with the call */
	grpc_call	*grpc;
	char		 peer[RPC_NAME];	/* common name of its certificate */
	/* the rest is rpc_server.c's */
	struct rpc_tag	 tag;
	const struct rpc_method *method;
	grpc_call_details details;
	grpc_metadata_array metadata;
	grpc_byte_buffer *received;
	int		 cancelled;
};

/* `peers': who may call, as prefixes of common names, "runner,orchestrator";
 * NULL: whoever has a certificate.  in NULL: `fn' gets the call of a stream,
 * whose operations are its own from then on, and NULL. */
struct rpc_method {
	const char	*path;
	const char	*peers;
	const ProtobufCMessageDescriptor *in;
	void		(*fn)(struct rpc_call *, void *request);
};
/* Serve the table and grpc.health.v1 at host:port; fatal when it cannot. */
void	rpc_serve(const char *address, const struct rpc_tls *,
	    const struct rpc_method *, size_t n);
/* The end of a unary call, now or later; the call is gone afterwards. */
void	rpc_reply(struct rpc_call *, const ProtobufCMessage *);
void	rpc_fail(struct rpc_call *, grpc_status_code, const char *why);
void	rpc_call_free(struct rpc_call *);

/* ---- streams, the server's side (rpc_stream.c) --------------------------- */
struct rpc_stream;
struct rpc_stream_events {
	/* A message came; `bytes' is valid until return. */
	void	(*message)(void *arg, grpc_byte_buffer *bytes);
	/* The last event: the stream is gone when this returns. */
	void	(*end)(void *arg);
};
struct rpc_stream *rpc_stream_open(struct rpc_call *,
	    const struct rpc_stream_events *, void *arg);
void	rpc_stream_send(struct rpc_stream *, const ProtobufCMessage *);
void	rpc_stream_send_bytes(struct rpc_stream *, const void *, size_t);
/* Close it from here; `end' still comes. */
void	rpc_stream_close(struct rpc_stream *, grpc_status_code,
	    const char *why);

/* ---- client -------------------------------------------------------------- */
struct rpc_peer {
	grpc_channel	*channel;
	int		 is_patient;	/* calls wait for it to come up */
};
struct rpc_peer *rpc_connect(const char *address, const struct rpc_tls *);
void	rpc_disconnect(struct rpc_peer *);
/* code 0: `answer' is of the type asked for, valid until `fn' returns. */
typedef void	(*rpc_done)(void *arg, int code, const char *why,
	    void *answer);
void	rpc_send(struct rpc_peer *, const char *path, const ProtobufCMessage *,
	    const ProtobufCMessageDescriptor *out, unsigned ms, rpc_done,
	    void *arg);
/* The same and wait for it (commands): the answer in `pool', or NULL and why
 * on stderr, with `what' was wanted; NULL `what': silent. */
void	*rpc_ask(struct rpc_peer *, const char *path, const ProtobufCMessage *,
	    const ProtobufCMessageDescriptor *out, unsigned ms,
	    struct pool *pool, const char *what);
/* grpc.health.v1: 1 where it says SERVING. */
int	rpc_healthy(struct rpc_peer *, unsigned ms);

#endif
