/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd SOCKET: prints the lines that a service sends to its manager by
 * sd_notify(3), until it is killed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char text[4096];
	ssize_t n;
	int fd;

	if (argc != 2 || strlen(argv[1]) >= sizeof(sun.sun_path)) {
		fputs("usage: notifyd SOCKET\n", stderr);
		return 2;
	}
	strcpy(sun.sun_path, argv[1]);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1 ||
	    bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1) {
		perror(argv[1]);
		return 1;
	}
	while ((n = recv(fd, text, sizeof(text), 0)) != -1) {
		printf("%.*s\n", (int)n, text);
		fflush(stdout);
	}
	return 1;
}
