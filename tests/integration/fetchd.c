/* SPDX-License-Identifier: Apache-2.0
 *
 * fetchd DIR: Intel's and AMD's services as a test wants them: a server on a
 * loopback address that gives what DIR holds.  The target of a request with
 * every byte that is no letter, digit, dot or hyphen made `_' is the name of a
 * file, and that is the answer, head and all.  NAME.1 to NAME.9 go before it,
 * each once, the lowest first; where NAME.slow is, it comes a byte a second.
 * Targets are written to DIR/requests, the port to standard output.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char absent[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
			     "Connection: close\r\n\r\n";

/* The target of a request whose head ends here; NULL: there is none. */
static char *
read_target(int fd, char *head, size_t size)
{
	size_t n = 0;
	ssize_t r;
	char *end;

	head[0] = '\0';
	while (strstr(head, "\r\n\r\n") == NULL) {
		if (n == size - 1 ||
		    (r = read(fd, head + n, size - 1 - n)) <= 0)
			return NULL;
		head[n += (size_t)r] = '\0';
	}
	if (strncmp(head, "GET /", 5) != 0 ||
	    (end = strchr(head + 4, ' ')) == NULL)
		return NULL;
	*end = '\0';
	return head + 4;
}

static void
write_log(const char *target)
{
	int fd = open("requests", O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (fd == -1 || dprintf(fd, "%s\n", target) < 0)
		err(1, "requests");
	close(fd);
}

/* The file that answers: NULL none. */
static FILE *
open_answer(const char *name)
{
	char once[300];
	FILE *f;
	int i;

	for (i = 1; i <= 9; i++) {
		snprintf(once, sizeof(once), "%s.%d", name, i);
		if ((f = fopen(once, "rb")) != NULL) {
			unlink(once);
			return f;
		}
	}
	return fopen(name, "rb");
}

static void
answer(int fd)
{
	char head[8192], name[256], slow[300], b[4096], *target, *p;
	FILE *f;
	size_t n, step = sizeof(b);

	if ((target = read_target(fd, head, sizeof(head))) == NULL)
		return;
	write_log(target);
	for (p = target; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			*p = '_';
	snprintf(name, sizeof(name), "%.255s", target);
	snprintf(slow, sizeof(slow), "%s.slow", name);
	if (access(slow, F_OK) == 0)
		step = 1;
	if ((f = open_answer(name)) == NULL) {
		if (write(fd, absent, sizeof(absent) - 1) == -1)
			warn("write");
		return;
	}
	while ((n = fread(b, 1, step, f)) > 0 && write(fd, b, n) == (ssize_t)n)
		if (step == 1)
			sleep(1);
	fclose(f);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int s, fd;

	signal(SIGCHLD, SIG_IGN);
	if (argc != 2 || chdir(argv[1]) == -1)
		errx(2, "usage: fetchd DIR");
	if ((s = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    bind(s, (struct sockaddr *)&sin, n) == -1 || listen(s, 8) == -1 ||
	    getsockname(s, (struct sockaddr *)&sin, &n) == -1)
		err(1, "socket");
	printf("%d\n", ntohs(sin.sin_port));
	fflush(stdout);
	while ((fd = accept(s, NULL, NULL)) != -1) {
		if (fork() == 0) {
			close(s);
			answer(fd);
			_exit(0);
		}
		close(fd);
	}
	err(1, "accept");
}
