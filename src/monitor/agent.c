/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections to dstack's guest agent, which evidence needs and may not make.
 * The one file of the monitor that connects, and to that socket of this machine
 * alone; what is said over it the monitor never reads.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"

int
agent_connect(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int e, fd;

	if (path[0] == '\0' || strlen(path) >= sizeof(a.sun_path)) {
		errno = ENOENT;
		return -1;
	}
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	e = errno;
	close(fd);
	errno = e;
	return -1;
}
