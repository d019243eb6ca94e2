/* SPDX-License-Identifier: Apache-2.0
 *
 * A listening socket whose clients ask one question each; http.c and
 * control.c answer.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <event2/event.h>
#include <event2/buffer.h>
#include <sys/queue.h>
#include <sys/types.h>

/* Of each service.  They are all of the role's descriptors that a local user
 * can take: the rest of its RLIMIT_NOFILE (sandbox.c) is left to its
 * counterparts and the channels. */
#define CLIENTS		32
#define SERVICE_QUEUE	64		/* listen(2) */
#define SERVICE_QUESTION 4096		/* bytes of the longest question */

TAILQ_HEAD(clients, client);
struct service {
	size_t		 max;		/* bytes of a question, at most
					 * SERVICE_QUESTION */
	const char	*end;		/* of a question */
	/* 0: the answer is in `out'; -1: there is none, close.  peer: the user
	 * who asks, -1 if unknown. */
	int (*answer)(const char *question, uid_t peer, struct evbuffer *out);
	size_t		 n;
	struct clients	 clients;	/* the oldest first */
	struct event	*accept;
};

/* fd listens. */
void service_start(struct service *, int fd);

#endif
