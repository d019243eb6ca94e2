/* SPDX-License-Identifier: Apache-2.0
 *
 * Make both ends of a new channel.  This is an object by itself since only the
 * monitor, and tests, may make sockets.
 */
#include <sys/socket.h>

#include "chan.h"

#define BUFFER	(1024 * 1024)	/* a batch of 64 tasks without queueing */

int
chan_pair(int fd[2])
{
	const int size = BUFFER;
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, fd) == -1)
		return -1;
	/* Best effort: the system's own limit will do, only slower. */
	for (i = 0; i < 2; i++)
		(void)setsockopt(
		    fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}
