/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of NATS on libevent: one connection to the first of several servers
 * that answers.  For the role nox.  It reads no key and no file, looks up no
 * name, and what it keeps for a server is bounded.
 * Protocol: the NATS documentation, "Client Protocol"; ADR-4 for headers.
 *
 * nats_free() must not be called in a callback.
 */
#ifndef NATS_H
#define NATS_H

#include <sys/socket.h>

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "nats_parse.h"

#define NATS_SERVERS		8
#define NATS_SUBS		8
#define NATS_SUBJECT		512	/* of a subscription, with its NUL */
#define NATS_INBOX		40	/* of the prefix, with its NUL */
#define NATS_OUTPUT		(4 * 1024 * 1024)

#define NATS_CONNECT_TIME	5	/* seconds until the server's PONG */
#define NATS_PING_TIME		20	/* seconds between our PINGs */
#define NATS_PINGS		2	/* unanswered: the connection is dead */
#define NATS_BACKOFF		100	/* ms; doubles with each failure */
#define NATS_BACKOFF_MAX	5000	/* ms */

struct nats;

struct nats_server {
	/* For the log, and with TLS the host name or address that must be in
	 * the server's certificate. */
	char			name[256];
	struct sockaddr_storage	address;
	socklen_t		n_address;
};

struct nats_callbacks {
	/* A server has accepted us; subscriptions are in place.  Also after a
	 * change of server without an interruption (lame duck): requests that
	 * wait for an answer have to be repeated. */
	void (*connected)(
	    void *arg, const char *server, const struct nats_info *);
	/* A connection, or an attempt, failed; nats_is_connected() says whether
	 * another is in use.  why: printable. */
	void	(*lost)(void *arg, const char *server, const char *why);
	/* Something for the log that changes nothing: a permission that is
	 * lacking, lame duck mode.  text: printable. */
	void	(*notice)(void *arg, const char *server, const char *text);
	/* Valid until it returns. */
	void	(*message)(void *arg, const struct nats_message *);
};

struct nats_conf {
	struct event_base	*base;
	const struct nats_server *servers;	/* in order of preference */
	size_t			 n_servers;	/* 1 to NATS_SERVERS */
	/* NULL: plain.  Otherwise TLS is required, whatever INFO says, because
	 * nobody signs INFO.  The caller sets the authorities, and a
	 * certificate whose private key may be elsewhere. */
	SSL_CTX			*tls;
	const char		*name, *version;	/* told to the server */
	size_t			 max_payload;	/* bytes; 0: NATS_PAYLOAD */
	size_t			 max_output;	/* bytes; 0: NATS_OUTPUT */
	struct nats_callbacks	 call;
	void			*arg;
};

/* nats_new: start to connect.  Copies *conf and the servers; the texts and the
 * SSL_CTX must last.  Returns NULL if memory or random bytes are lacking or a
 * number is out of range. */
struct nats *nats_new(const struct nats_conf *);
/* nats_free: close the connection; what is not sent yet is lost. */
void nats_free(struct nats *);
int nats_is_connected(const struct nats *);
/* nats_info: of the server in use; NULL if there is none. */
const struct nats_info *nats_info(const struct nats *);
/* nats_inbox: a prefix for the subjects of replies, random: "_INBOX.xyz". */
const char *nats_inbox(const struct nats *);
/* nats_subscribe: from now on and after each connect.  Returns the sid, from 1;
 * 0 if there are NATS_SUBS or the subject is invalid. */
uint64_t nats_subscribe(struct nats *, const char *subject);
/* nats_subscribe_inbox: the same, to INBOX.sid.*, for replies: so each
 * subscriber hears only what is for itself. */
uint64_t nats_subscribe_inbox(struct nats *);
void nats_unsubscribe(struct nats *, uint64_t sid);
/* nats_publish: headers: names and values in turn, then NULL; or NULL.  reply:
 * or NULL.  Returns 0, or -1 if there is no connection, a name is invalid, the
 * message is longer than the server takes, or the server is so slow that
 * max_output bytes wait. */
int nats_publish(struct nats *, const char *subject, const char *reply,
    const char *const *headers, const void *payload, size_t n);
/* nats_waiting: bytes that wait to be sent. */
size_t nats_waiting(const struct nats *);

#endif
