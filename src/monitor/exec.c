/* SPDX-License-Identifier: Apache-2.0
 *
 * From fork(2) to the executable of a role.  Runs in the monitor and, between
 * the two, in the child.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"
#include "proc.h"

static int executable[ROLE_BITS];	/* of each role */

void
exec_open(const char *dir)
{
	char path[4096];
	enum role role;
	size_t bit;

	for (bit = 0; bit < ROLE_BITS; bit++) {
		role = 1u << bit;
		if (!(role & R_CHILDREN))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, role_name(role));
		executable[bit] = open(path, O_PATH | O_CLOEXEC);
		if (executable[bit] == -1)
			fatal("%s: %s", path, strerror(errno));
	}
}

/* The role cannot be started: the monitor is to hear why. */
static _Noreturn void
exec_failed(enum role role)
{
	static struct chan to;
	int error = errno;

	chan_init(&to, PROC_MONITOR_FD, role, R_MONITOR, 0);
	chan_log(&to);
	fatal("execveat: %s", strerror(error));
}

_Noreturn void
exec_role(enum role role, int empty_fd, int monitor_fd, int keys_fd)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	char *const argv[] = { (char *)(uintptr_t)role_name(role), NULL };
	char *const envp[] = { NULL };
	const int first = keys_fd != -1 ? PROC_KEYS_FD + 1 :
					  PROC_MONITOR_FD + 1;
	sigset_t none;
	size_t i;
	int sig, fd;

	if (empty_fd != -1 && fchdir(empty_fd) == -1)
		_exit(124);
	if (namespaces_leave(role) == -1)
		_exit(125);
	/* Away from both places first: neither may overwrite the other. */
	if ((monitor_fd = fcntl(monitor_fd, F_DUPFD, 10)) == -1 ||
	    (keys_fd != -1 && (keys_fd = fcntl(keys_fd, F_DUPFD, 10)) == -1) ||
	    dup2(monitor_fd, PROC_MONITOR_FD) == -1 ||
	    (keys_fd != -1 && dup2(keys_fd, PROC_KEYS_FD) == -1) ||
	    (fd = fcntl(executable[role_bit(role)], F_DUPFD_CLOEXEC, 10)) ==
		-1 ||
	    close_range((unsigned)first, (unsigned)fd - 1, 0) == -1 ||
	    close_range((unsigned)fd + 1, ~0U, 0) == -1)
		_exit(126);
	setsid();
	/* libevent's handlers would tell the monitor of our signals.  A signal
	 * to the control group is the monitor's: it drains, and then ends the
	 * roles. */
	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	exec_failed(role);
}
