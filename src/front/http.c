/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /metrics, /healthz and /readyz on a loopback port.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "front.h"
#include "log.h"
#include "service.h"

static int
metrics(struct evbuffer *body)
{
	front_lock();
	metrics_write(body);
	front_unlock();
	return 200;
}

/* Alive: this thread runs, and the other does not hold the lock for ever. */
static int
healthz(struct evbuffer *body)
{
	front_lock();
	front_unlock();
	evbuffer_add_printf(body, "ok\n");
	return 200;
}

static int
readyz(struct evbuffer *body)
{
	const char *why = "ready";
	int is_ready;

	front_lock();
	is_ready = status_ready(&why);
	front_unlock();
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
http_answer(const char *question, uid_t peer, struct evbuffer *out)
{
	const size_t method = strcspn(question, " \r");
	const int is_head = method == 4 && memcmp(question, "HEAD", 4) == 0;
	const struct page *p = pages;
	struct evbuffer *body;
	const char *path = question + method + 1;
	size_t len;
	int status;

	(void)peer;		/* anyone */
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

static struct service http = {
	.max = SERVICE_QUESTION, .end = "\r\n\r\n", .answer = http_answer
};

void
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
	    listen(fd, SERVICE_QUEUE) == -1)
		fatal("http-listen %s: %s", address, strerror(errno));
	service_start(&http, fd);
}
