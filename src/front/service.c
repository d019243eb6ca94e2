/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of a listening socket that ask one question each: the HTTP port and
 * the control socket.  Both are bound before the sandbox and served by the
 * libevent thread.  A connection is closed after PATIENCE, or after QUIET if
 * nothing was received.  If there are too many connections, a new one replaces
 * the oldest: a client that asks at once is answered, a client that waits is
 * closed.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "front.h"
#include "log.h"
#include "service.h"

#define PATIENCE	5		/* seconds, for question and answer */
#define QUIET		2		/* for the first byte */

struct client {
	TAILQ_ENTRY(client) link;
	struct service	*service;
	struct bufferevent *b;
	int		 fd;
	uid_t		 peer;
	struct event	*deadline;
	int		 has_spoken;	/* a byte came */
	int		 is_late;	/* QUIET is over */
};

static void
client_close(struct client *c)
{
	TAILQ_REMOVE(&c->service->clients, c, link);
	c->service->n--;
	if (c->deadline != NULL)
		event_free(c->deadline);
	/* libevent would close it in a later turn of the loop. */
	if (c->b != NULL)
		bufferevent_free(c->b);
	close(c->fd);
	free(c);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval rest = { PATIENCE - QUIET, 0 };
	struct client *c = arg;

	(void)fd;
	(void)what;
	if (!c->has_spoken || c->is_late || event_add(c->deadline, &rest) == -1)
		client_close(c);
	else
		c->is_late = 1;
}

static void
on_written(struct bufferevent *b, void *arg)
{
	(void)b;
	client_close(arg);
}

static void
on_event(struct bufferevent *b, short what, void *arg)
{
	(void)b;
	(void)what;
	client_close(arg);
}

static void
on_read(struct bufferevent *b, void *arg)
{
	struct client *c = arg;
	const struct service *s = c->service;
	char question[SERVICE_QUESTION + 1];
	ssize_t n;

	c->has_spoken = 1;
	n = evbuffer_copyout(bufferevent_get_input(b), question, s->max);
	if (n < 0)
		n = 0;
	question[n] = '\0';
	if (strstr(question, s->end) == NULL) {
		if ((size_t)n == s->max || strlen(question) != (size_t)n)
			client_close(c);
		return;
	}
	if (s->answer(question, c->peer, bufferevent_get_output(b)) == -1) {
		client_close(c);
		return;
	}
	bufferevent_disable(b, EV_READ);
	bufferevent_setcb(b, NULL, on_written, on_event, c);
}

/* The user who connected; nobody for a connection over a network. */
static uid_t
peer_of(int fd)
{
	struct ucred u;
	socklen_t n = sizeof(u);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n) == 0 &&
		n == sizeof(u) ?
	    u.uid :
	    (uid_t)-1;
}

static void
client_add(struct service *s, int fd)
{
	static const struct timeval tv = { QUIET, 0 };
	struct client *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	c->service = s;
	c->fd = fd;
	c->peer = peer_of(fd);
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	s->n++;
	c->b = bufferevent_socket_new(front.base, fd, 0);
	c->deadline = evtimer_new(front.base, on_deadline, c);
	if (c->b == NULL || c->deadline == NULL ||
	    event_add(c->deadline, &tv) == -1) {
		client_close(c);
		return;
	}
	bufferevent_setcb(c->b, on_read, NULL, on_event, c);
	bufferevent_setwatermark(c->b, EV_READ, 0, s->max);
	bufferevent_enable(c->b, EV_READ | EV_WRITE);
}

static void
resume(evutil_socket_t fd, short what, void *arg)
{
	const struct service *s = arg;

	(void)fd;
	(void)what;
	event_add(s->accept, NULL);
}

/* One connection in a turn of the loop: a flood of them leaves turns to the
 * channels, and to the clients that have asked already. */
static void
on_accept(evutil_socket_t listener, short what, void *arg)
{
	static const struct timeval second = { 1, 0 };
	struct service *s = arg;
	int fd;

	(void)what;
	/* Before there is a descriptor more. */
	if (s->n == CLIENTS)
		client_close(TAILQ_FIRST(&s->clients));
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		client_add(s, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* Out of descriptors: it would fail again at once, and for ever. */
	event_del(s->accept);
	event_base_once(front.base, -1, EV_TIMEOUT, resume, s, &second);
}

void
service_start(struct service *s, int fd)
{
	TAILQ_INIT(&s->clients);
	s->accept = event_new(
	    front.base, fd, EV_READ | EV_PERSIST, on_accept, s);
	if (s->accept == NULL || event_add(s->accept, NULL) == -1)
		fatal("libevent: cannot create an event for a listener");
}
