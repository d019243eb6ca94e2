/* SPDX-License-Identifier: Apache-2.0
 *
 * Into the background: the process that was started waits until the daemon is
 * ready, so that its exit status says whether it is.  Runs in the monitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"

static int ready_fd = -1;	/* to the process that waits */

/* Exit as the daemon does, or with 0 when it is ready. */
static _Noreturn void
wait_until_ready(int fd, pid_t pid)
{
	int status;
	ssize_t n;
	char byte;

	while ((n = read(fd, &byte, 1)) == -1 && errno == EINTR)
		;
	if (n == 1)
		_exit(0);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ?
		WEXITSTATUS(status) :
		1);
}

void
background_start(void)
{
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		fatal("cannot start in the background: %s", strerror(errno));
	if (pid != 0) {
		close(fd[1]);
		wait_until_ready(fd[0], pid);
	}
	close(fd[0]);
	ready_fd = fd[1];
	setsid();
	if (chdir("/") == -1)
		fatal("cannot change to directory /: %s", strerror(errno));
}

void
background_ready(void)
{
	if (ready_fd == -1)
		return;
	(void)!write(ready_fd, "", 1);
	close(ready_fd);
	ready_fd = -1;
	logger_detach();
	/* main() has put /dev/null in the place of standard input. */
	if (dup2(STDIN_FILENO, STDERR_FILENO) == -1)
		fatal("dup2: %s", strerror(errno));
}
