/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's interfaces: GET /metrics, /healthz and /readyz on a loopback
 * port, and `status' on the control socket.  Both sockets are bound before the
 * sandbox and served by net's libevent thread.  A connection carries one
 * question.  It is closed after PATIENCE, or after QUIET if nothing was
 * received.  If there are too many connections, a new one replaces the oldest:
 * a client that asks at once is answered, a client that waits is closed.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "net.h"

#define PATIENCE	5		/* seconds, for question and answer */
#define QUIET		2		/* for the first byte */
/* Of each service.  They are all of net's descriptors that a local user can
 * take: the rest of its RLIMIT_NOFILE (proc.c) is left to gRPC and the
 * channels. */
#define CLIENTS		32
#define QUEUE		64		/* listen(2) */
#define HEADERS_MAX	4096
#define QUESTION_MAX	64

struct client {
	TAILQ_ENTRY(client) link;
	struct service	*service;
	struct bufferevent *b;
	int		 fd;
	struct event	*deadline;
	int		 has_spoken;	/* a byte came */
	int		 is_late;	/* QUIET is over */
};
TAILQ_HEAD(clients, client);

/* 0: the answer is in `out'; -1: there is none. */
static int	http_answer(const char *question, struct evbuffer *out);
static int	control_answer(const char *question, struct evbuffer *out);

static struct service {
	size_t		 max;		/* bytes of a question */
	const char	*end;		/* of a question */
	int		(*answer)(const char *, struct evbuffer *);
	size_t		 n;
	struct clients	 clients;	/* the oldest first */
	struct event	*accept;
} http = { .max = HEADERS_MAX, .end = "\r\n\r\n", .answer = http_answer },
  control = { .max = QUESTION_MAX, .end = "\n", .answer = control_answer };

/* ---- clients ----------------------------------------------------------- */

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
	char question[HEADERS_MAX + 1];
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
	if (s->answer(question, bufferevent_get_output(b)) == -1) {
		client_close(c);
		return;
	}
	bufferevent_disable(b, EV_READ);
	bufferevent_setcb(b, NULL, on_written, on_event, c);
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
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	s->n++;
	c->b = bufferevent_socket_new(net.base, fd, 0);
	c->deadline = evtimer_new(net.base, on_deadline, c);
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
	event_base_once(net.base, -1, EV_TIMEOUT, resume, s, &second);
}

/* fd listens. */
static void
service_start(struct service *s, int fd)
{
	TAILQ_INIT(&s->clients);
	s->accept = event_new(net.base, fd, EV_READ | EV_PERSIST, on_accept, s);
	if (s->accept == NULL || event_add(s->accept, NULL) == -1)
		fatal("libevent: cannot create an event for a listener");
}

/* ---- HTTP -------------------------------------------------------------- */

static int
metrics(struct evbuffer *body)
{
	net_lock();
	status_metrics(body);
	net_unlock();
	return 200;
}

/* Alive: this thread runs, and the other does not hold the lock for ever. */
static int
healthz(struct evbuffer *body)
{
	net_lock();
	net_unlock();
	evbuffer_add_printf(body, "ok\n");
	return 200;
}

static int
readyz(struct evbuffer *body)
{
	const char *why = "ready";
	int is_ready;

	net_lock();
	is_ready = status_ready(&why);
	net_unlock();
	evbuffer_add_printf(body, "%s\n", is_ready ? "ready" : why);
	return is_ready ? 200 : 503;
}

static int
not_found(struct evbuffer *body)
{
	evbuffer_add_printf(body, "/metrics, /healthz or /readyz\n");
	return 404;
}

static const struct page {
	const char	*path;
	int		(*write)(struct evbuffer *body);	/* status */
} pages[] = {
	{ "/metrics", metrics },
	{ "/healthz", healthz },
	{ "/readyz", readyz },
	{ NULL, not_found },
};

/* RFC 9112, one request a connection: "GET /metrics HTTP/1.1" and headers, of
 * which none matters. */
static int
http_answer(const char *question, struct evbuffer *out)
{
	const size_t method = strcspn(question, " \r");
	const int is_head = method == 4 && memcmp(question, "HEAD", 4) == 0;
	const struct page *p = pages;
	struct evbuffer *body;
	const char *path = question + method + 1;
	size_t len;
	int status;

	if (!is_head && (method != 3 || memcmp(question, "GET", 3) != 0))
		return -1;
	if (question[method] != ' ' || (body = evbuffer_new()) == NULL)
		return -1;
	len = strcspn(path, " ?\r");
	while (p->path != NULL &&
	    (strlen(p->path) != len || memcmp(p->path, path, len) != 0))
		p++;
	status = p->write(body);
	evbuffer_add_printf(out,
	    "HTTP/1.1 %d %s\r\nConnection: close\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    status,
	    status == 200     ? "OK" :
		status == 404 ? "Not Found" :
				"Service Unavailable",
	    evbuffer_get_length(body));
	if (!is_head)
		evbuffer_add_buffer(out, body);
	evbuffer_free(body);
	return 0;
}

static void
http_listen(const char *address)
{
	struct sockaddr_storage ss;
	int fd, on = 1, len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&ss, &len) ==
	    -1)
		fatal("http-listen %s: not IP:PORT", address);
	fd = socket(
	    ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    /* A successor (tee-runnerctl upgrade) listens at the same address,
	     * as the same user. */
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&ss, (socklen_t)len) == -1 ||
	    listen(fd, QUEUE) == -1)
		fatal("http-listen %s: %s", address, strerror(errno));
	service_start(&http, fd);
}

/* ---- the control socket ------------------------------------------------ */

static int
control_answer(const char *question, struct evbuffer *out)
{
	if (strcmp(question, "status\n") != 0)
		return -1;
	net_lock();
	status_json(out);
	net_unlock();
	return 0;
}

/* Remove a socket that a dead process has left, and nothing else. connect(2)
 * fails with ECONNREFUSED for a regular file, too: check the type first. */
static void
control_clear(int fd, const struct sockaddr_un *sun)
{
	const char *path = sun->sun_path;
	struct stat st;

	if (lstat(path, &st) == -1) {
		if (errno != ENOENT)
			fatal("control-socket %s: %s", path, strerror(errno));
		return;
	}
	if (!S_ISSOCK(st.st_mode))
		fatal("control-socket %s: exists and is not a socket: "
		      "remove it, or configure another path",
		    path);
	/* EAGAIN: somebody listens, and the queue is full. */
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN)
		fatal("control-socket %s: another process listens there: "
		      "stop it, or configure another path",
		    path);
	if (errno != ECONNREFUSED)
		fatal("control-socket %s: connect: %s: remove it, or "
		      "configure another path",
		    path, strerror(errno));
	if (unlink(path) == -1)
		fatal("control-socket %s: unlink: %s", path, strerror(errno));
}

static void
control_listen(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;

	if (strlen(path) >= sizeof(sun.sun_path))
		fatal("control-socket %s: too long", path);
	strcpy(sun.sun_path, path);
	if (fd == -1)
		fatal("control-socket: socket: %s", strerror(errno));
	control_clear(fd, &sun);
	mask = umask(0117);
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, QUEUE) == -1)
		fatal("control-socket %s: %s", path, strerror(errno));
	umask(mask);
	service_start(&control, fd);
}

void
http_init(const char *address, const char *control_path)
{
	if (address[0] != '\0')
		http_listen(address);
	if (control_path[0] != '\0')
		control_listen(control_path);
}
