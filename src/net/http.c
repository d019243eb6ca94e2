/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an operator asks: GET /metrics, /healthz and /readyz on a loopback port,
 * and `status' on the control socket.  Both are bound before the sandbox and run
 * in net's libevent thread.  A client that is slow, or talks too much, is closed.
 */
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "net.h"

#define PATIENCE	5		/* seconds for a client */
#define HEADERS_MAX	4096
#define QUESTION_MAX	64
#define CLIENTS		32		/* on the control socket */

static struct evconnlistener *control_listener;
static int clients;

/* ---- HTTP ---------------------------------------------------------------- */

static void
reply(struct evhttp_request *r, int code, const char *text)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(r);

	if (text != NULL)
		evbuffer_add_printf(out, "%s\n", text);
	evhttp_add_header(evhttp_request_get_output_headers(r),
	    "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	evhttp_send_reply(r, code, NULL, NULL);
}

static void
on_metrics(struct evhttp_request *r, void *arg)
{
	(void)arg;
	net_lock();
	status_metrics(evhttp_request_get_output_buffer(r));
	net_unlock();
	reply(r, HTTP_OK, NULL);
}

/* Alive: this thread runs, and the other does not hold the lock for ever. */
static void
on_healthz(struct evhttp_request *r, void *arg)
{
	(void)arg;
	net_lock();
	net_unlock();
	reply(r, HTTP_OK, "ok");
}

static void
on_readyz(struct evhttp_request *r, void *arg)
{
	const char *why;
	int is_ready;

	(void)arg;
	net_lock();
	is_ready = status_ready(&why);
	net_unlock();
	reply(r, is_ready ? HTTP_OK : HTTP_SERVUNAVAIL,
	    is_ready ? "ready" : why);
}

static void
resume(evutil_socket_t fd, short what, void *listener)
{
	(void)fd;
	(void)what;
	evconnlistener_enable(listener);
}

/* Out of descriptors: accept(2) would fail again at once, and for ever. */
static void
on_accept_error(struct evconnlistener *l, void *arg)
{
	static const struct timeval second = { 1, 0 };

	(void)arg;
	evconnlistener_disable(l);
	event_base_once(net.base, -1, EV_TIMEOUT, resume, l, &second);
}

static void
http_listen(const char *address)
{
	struct sockaddr_storage ss;
	struct evconnlistener *l;
	struct evhttp *http;
	int len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&ss,
	    &len) == -1)
		fatal("http-listen %s: not IP:PORT", address);
	l = evconnlistener_new_bind(net.base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
	    64, (struct sockaddr *)&ss, len);
	if (l == NULL)
		fatal("http-listen %s: %s", address, strerror(errno));
	if ((http = evhttp_new(net.base)) == NULL ||
	    evhttp_bind_listener(http, l) == NULL)
		fatal("http-listen: out of memory");
	evconnlistener_set_error_cb(l, on_accept_error);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_timeout(http, PATIENCE);
	evhttp_set_cb(http, "/metrics", on_metrics, NULL);
	evhttp_set_cb(http, "/healthz", on_healthz, NULL);
	evhttp_set_cb(http, "/readyz", on_readyz, NULL);
}

/* ---- the control socket -------------------------------------------------- */

static void
client_close(struct bufferevent *b)
{
	bufferevent_free(b);
	if (clients-- == CLIENTS)
		evconnlistener_enable(control_listener);
}

static void
on_client_written(struct bufferevent *b, void *arg)
{
	(void)arg;
	client_close(b);
}

static void
on_client_event(struct bufferevent *b, short what, void *arg)
{
	(void)what;
	(void)arg;
	client_close(b);
}

static void
on_client_read(struct bufferevent *b, void *arg)
{
	static const char question[] = "status\n";
	struct evbuffer *in = bufferevent_get_input(b);
	char line[QUESTION_MAX];
	size_t n = evbuffer_get_length(in);

	(void)arg;
	if (n > sizeof(line))
		n = sizeof(line);
	n = (size_t)evbuffer_copyout(in, line, n);
	if (memchr(line, '\n', n) == NULL) {
		if (n == sizeof(line))
			client_close(b);
		return;
	}
	if (n != sizeof(question) - 1 || memcmp(line, question, n) != 0) {
		client_close(b);
		return;
	}
	evbuffer_drain(in, n);
	bufferevent_disable(b, EV_READ);
	bufferevent_setcb(b, NULL, on_client_written, on_client_event, NULL);
	net_lock();
	status_json(bufferevent_get_output(b));
	net_unlock();
}

static void
on_client(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
    int len, void *arg)
{
	static const struct timeval tv = { PATIENCE, 0 };
	struct bufferevent *b;

	(void)sa;
	(void)len;
	(void)arg;
	b = bufferevent_socket_new(net.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (b == NULL) {
		close(fd);
		return;
	}
	if (++clients == CLIENTS)
		evconnlistener_disable(l);
	bufferevent_setcb(b, on_client_read, NULL, on_client_event, NULL);
	bufferevent_setwatermark(b, EV_READ, 0, QUESTION_MAX);
	bufferevent_set_timeouts(b, &tv, &tv);
	bufferevent_enable(b, EV_READ | EV_WRITE);
}

/* Remove a socket that a process left behind, and nothing else.  connect(2) fails
 * with ECONNREFUSED for a regular file, too: the type comes first. */
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
		    "remove it, or configure another path", path);
	/* EAGAIN: somebody listens, and the queue is full. */
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN)
		fatal("control-socket %s: another process listens there: "
		    "stop it, or configure another path", path);
	if (errno != ECONNREFUSED)
		fatal("control-socket %s: connect: %s: remove it, or "
		    "configure another path", path, strerror(errno));
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
	    listen(fd, CLIENTS) == -1)
		fatal("control-socket %s: %s", path, strerror(errno));
	umask(mask);
	control_listener = evconnlistener_new(net.base, on_client, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (control_listener == NULL)
		fatal("control-socket: out of memory");
	evconnlistener_set_error_cb(control_listener, on_accept_error);
}

void
http_init(const char *address, const char *control)
{
	if (address[0] != '\0')
		http_listen(address);
	if (control[0] != '\0')
		control_listen(control);
}
