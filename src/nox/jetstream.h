/* SPDX-License-Identifier: Apache-2.0
 *
 * A pull consumer of JetStream, on the client of nats.h.  For the role nox.  It
 * asks for messages as long as the caller has room, and asks again when a
 * request ends, or once if the server is silent: a request dies without a word
 * when the consumer's leader changes.
 *
 * Formats: the NATS documentation, "JetStream wire API reference" and
 * "JetStream model deep dive" (acknowledgements); ADR-15 for the $JS.ACK
 * subject; ADR-37 and the server's consumer.go for the statuses.
 */
#ifndef JETSTREAM_H
#define JETSTREAM_H

#include <event2/event.h>
#include <stdint.h>

#include "nats.h"

#define JS_NAME		256	/* of a stream or consumer, with its NUL */
#define JS_REASON	128	/* bytes of +TERM's reason that are sent */
#define JS_MISSED	2	/* heartbeats; then the request is dead */

/* ---- acknowledgements ---------------------------------------------------- */

/* What the reply subject of a message says. */
struct js_ack {
	char		stream[JS_NAME], consumer[JS_NAME];
	uint64_t	delivered;	/* times, from 1 */
	uint64_t	stream_seq, consumer_seq;
	uint64_t	timestamp;	/* ns since 1970, of the publication */
	uint64_t	pending;	/* messages that follow */
};

/* js_ack_read: read the reply subject of a message, with 9 tokens, or with a
 * domain and an account 11, or 12 and more.  Returns 0, or -1 if it is none. */
int js_ack_read(const char *reply, struct js_ack *);

/* These answer the message with this reply subject.  Return 0, or -1 as
 * nats_publish() does: then it will be delivered again, after ack_wait.
 * delay: ns.  reason: printable, cut after JS_REASON bytes; NULL: none; not
 * sent to a server before 2.10.4, which would ignore all of it. */
int js_ack(struct nats *, const char *reply);
int js_nak(struct nats *, const char *reply, uint64_t delay);
int js_working(struct nats *, const char *reply);	/* ack_wait again */
int js_term(struct nats *, const char *reply, const char *reason);

/* ---- pull ---------------------------------------------------------------- */

/* What a status means for the request that it answers. */
enum js_status {
	JS_ALIVE,	/* heartbeat: the request lives */
	JS_ENDED,	/* it ended as it should: ask again */
	JS_FAILED,	/* it failed */
};

/* js_status: of a message that has a status. */
enum js_status js_status(unsigned int status, const struct nats_text *);

struct js_pull;

struct js_conf {
	struct event_base	*base;
	struct nats		*nats;
	const char		*stream, *consumer;	/* they must last */
	uint32_t		 batch;		/* messages of a request */
	uint32_t		 expires;	/* ms, of a request */
	uint32_t		 heartbeat;	/* ms; at most half of that */
	/* A message of the stream: it has to be answered by its reply subject.
	 * One whose request was given up can still come: up to a batch more
	 * than there is room for. */
	void (*message)(
	    void *arg, const struct nats_message *, const struct js_ack *);
	/* A request has failed: the consumer may be gone, or be another by now.
	 * why: printable.  The pull must be freed here. */
	void	(*failed)(void *arg, const char *why);
	void	*arg;
};

/* js_pull_new: subscribes, on a connection.  Returns NULL if a name or a number
 * is invalid or memory is lacking.  js_pull_free: also when the connection is
 * lost. */
struct js_pull *js_pull_new(const struct js_conf *);
void js_pull_free(struct js_pull *);
/* js_pull_room: the caller takes n messages more; each that is delivered takes
 * one away. */
void js_pull_room(struct js_pull *, uint32_t n);
/* Each message of nats.h.  Returns 0 if it is not of this pull. */
int js_pull_message(struct js_pull *, const struct nats_message *);

#endif
