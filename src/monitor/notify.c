/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells the service manager how the daemon is, by the protocol of sd_notify(3):
 * datagrams of lines NAME=VALUE to the socket in NOTIFY_SOCKET.  Runs in the
 * monitor.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"

static int fd = -1;

void
notify_init(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n;

	if (path == NULL)
		return;
	n = strlen(path);
	if ((*path != '/' && *path != '@') || n >= sizeof(sun.sun_path)) {
		log_warn("NOTIFY_SOCKET: not the path of a socket: ignored");
		return;
	}
	memcpy(sun.sun_path, path, n);
	if (*path == '@')		/* in the abstract namespace */
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    connect(fd, (const struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) ==
		-1) {
		log_warn("NOTIFY_SOCKET: cannot connect: ignored");
		if (fd != -1)
			close(fd);
		fd = -1;
	}
}

void
notify_end(void)
{
	if (fd != -1)
		close(fd);
	fd = -1;
}

void
notify_send(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	if (fd == -1)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		(void)send(fd, text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A chain of which nothing is known yet is not shown. */
void
notify_serving(const struct conf *conf, const struct m_serving *m)
{
	static struct m_serving last[CONF_CHAINS];
	static int is_known[CONF_CHAINS];
	char text[400] = "", why[2 * sizeof(m->why)];
	size_t i, n = 0;

	last[m->chain] = *m;
	is_known[m->chain] = 1;
	for (i = 0; i < conf->n_chains && n < sizeof(text); i++) {
		if (!is_known[i])
			continue;
		if (conf->n_chains > 1)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%schain %llu: ", n == 0 ? "" : "; ",
			    (unsigned long long)conf->chains[i].chain_id);
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    last[i].is_serving ? "accepting tasks" :
						 "not accepting tasks: %s",
			    log_escape(why, sizeof(why), last[i].why,
				strnlen(last[i].why, sizeof(last[i].why))));
	}
	notify_send("STATUS=%s", text);
}
