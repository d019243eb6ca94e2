/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP client of one server: a persistent connection, HTTP or HTTPS, and one
 * request at a time.  Whatever the server does, a request ends within its time,
 * and an answer of more than its limit is an error.  A request whose connection
 * fails is sent again, to each address of the server once: only requests that
 * may come twice.
 */
#ifndef WEB_H
#define WEB_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct web;

struct web_conf {
	const char	*keyword;	/* for the log: of the configuration */
	uint32_t	 timeout;	/* seconds for a whole request */
	size_t		 max;		/* bytes of an answer's body */
};

struct web_request {
	int			 is_post;
	const char		*target;	/* NULL: that of the URL */
	const char *const	*headers;	/* names and values in turn,
						 * then NULL; or NULL */
	const void		*body;		/* of a POST */
	size_t			 n;		/* bytes of it */
};

struct web_answer {
	int		 code;		/* 200 */
	const char	*body;		/* not terminated */
	size_t		 n;
};

/* Receives the answer, valid until the callback returns, or NULL and the
 * reason. */
typedef void (*web_done)(void *arg, const struct web_answer *, const char *why);

/* Load the CA certificates from registry-ca, or from the system's file if that
 * is not set.  Call once, before the sandbox is entered.  Fatal if the hash of
 * the file is not the attested one. */
void web_init(const struct conf *);

/* Parse the URL and look up its host; before the sandbox is entered.  The conf
 * must last.  Returns NULL after a log line if the name does not resolve; fatal
 * if the URL is invalid. */
struct web *web_new(
    struct event_base *, const char *url, const struct web_conf *);
/* Another connection to the same server. */
struct web *web_another(const struct web *);

/* For the log: without user and path, which can contain an access key. */
const char *web_name(const struct web *);

/* Start a request; only one at a time.  Copies what it is given.  Never calls
 * the callback before it returns; the callback may start the next request. */
void web_send(struct web *, const struct web_request *, web_done, void *arg);
/* End it without a call of its callback. */
void web_cancel(struct web *);
int web_is_busy(const struct web *);

#endif
