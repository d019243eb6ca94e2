/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl upgrade: starts a successor of the running service, with the
 * installed executables and the present configuration, and ends the old one
 * when the successor serves.  A successor that does not serve is stopped, and
 * the old service goes on.
 *
 * The successor has another identity and another stream to the Orchestrator.
 * Its control sockets are named with ".new" until they take the place of the
 * old ones; both processes of net listen at http-listen meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conf_file.h"
#include "ctl.h"

#define ARGUMENTS	512	/* or variables of the environment */
#define TIMEOUT		120		/* seconds until it serves */
#define END_TIMEOUT	100	/* seconds to end after drain-timeout */

static struct conf conf;
static char old_args[16384], old_env[65536];
static char *args[ARGUMENTS + 1], *env[ARGUMENTS + 2];

/* ---- the old service --------------------------------------------------- */

/* Strings of a file of /proc, each with a NUL.  Returns their number, or -1 if
 * they cannot be read or are too many. */
static int
read_strings(pid_t pid, const char *name, char *text, size_t size,
    char *list[ARGUMENTS + 1])
{
	char path[64], *s;
	ssize_t n;
	int fd, i = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd == -1 ? -1 : read(fd, text, size - 1);
	if (fd != -1)
		close(fd);
	if (n == -1) {
		fail(path, strerror(errno));
		return -1;
	}
	text[n] = '\0';
	for (s = text; s < text + n && i < ARGUMENTS; s += strlen(s) + 1)
		list[i++] = s;
	list[i] = NULL;
	if ((size_t)n < size - 1 && s >= text + n)
		return i;
	fail(path, "is too long");
	return -1;
}

/* As the old one was started, but in the background: it returns when all roles
 * run. */
static void
drop_foreground(void)
{
	int i, k;

	for (i = k = 0; args[i] != NULL; i++)
		if (strcmp(args[i], "-d") != 0)
			args[k++] = args[i];
	args[k] = NULL;
}

static void
mark_successor(void)
{
	int i, k;

	for (i = k = 0; env[i] != NULL; i++)
		if (strncmp(env[i], SUCCESSOR "=", sizeof(SUCCESSOR)) != 0)
			env[k++] = env[i];
	env[k++] = (char *)(uintptr_t)(SUCCESSOR "=1");
	env[k] = NULL;
}

/* A process of the service, for systemd: in its control group. */
static void
join_group(pid_t old)
{
	char path[512], group[400] = "", *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)old);
	if ((f = fopen(path, "r")) == NULL)
		return;
	if (fgets(group, sizeof(group), f) == NULL ||
	    strncmp(group, "0::/", 4) != 0)
		group[0] = '\0';
	fclose(f);
	if ((end = strchr(group, '\n')) != NULL)
		*end = '\0';
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs",
	    group[0] == '\0' ? "/none" : group + 3);
	if ((f = fopen(path, "w")) == NULL)
		return;
	fprintf(f, "%d\n", (int)getpid());
	fclose(f);
}

/* ---- the successor ----------------------------------------------------- */

static void
new_socket(char path[CONF_PATH + 8], size_t chain)
{
	snprintf(path, CONF_PATH + 8, "%s" SUCCESSOR_SUFFIX,
	    conf.chains[chain].control_socket);
}

static _Noreturn void
execute(pid_t old)
{
	char cwd[64];

	snprintf(cwd, sizeof(cwd), "/proc/%d/cwd", (int)old);
	(void)!chdir(cwd);
	join_group(old);
	execvpe(args[0], args, env);
	fprintf(stderr, "%s: %s\n", args[0], strerror(errno));
	_exit(1);
}

/* The process between us and the successor: becomes the parent of the monitor
 * when the process that it executed exits, and then learns the monitor's
 * number, whatever its roles do.  It must end before the successor serves:
 * systemd expects that the process that it follows has no other parent. */
static pid_t
start_between(pid_t old)
{
	pid_t pid;
	int status;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 || (pid = fork()) == -1) {
		fail("fork", strerror(errno));
		return -1;
	}
	if (pid == 0)
		execute(old);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return status == 0 ? find_child(getpid()) : -1;
}

/* Returns the successor's monitor when all of its roles run, or -1. */
static pid_t
start(pid_t old)
{
	pid_t between, new = -1;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) == -1 || (between = fork()) == -1) {
		fail("fork", strerror(errno));
		return -1;
	}
	if (between == 0) {
		new = start_between(old);
		_exit(write(fd[1], &new, sizeof(new)) != sizeof(new));
	}
	close(fd[1]);
	if (read(fd[0], &new, sizeof(new)) != sizeof(new) || new == -1) {
		new = -1;
		fail("the successor", "did not start");
	}
	close(fd[0]);
	while (waitpid(between, NULL, 0) == -1 && errno == EINTR)
		;
	return new;
}

/* Every chain that the old one serves. */
static const char *
why_not_serving(void)
{
	char path[CONF_PATH + 8];
	const char *why = NULL;
	size_t i;

	for (i = 0; i < conf.n_chains && why == NULL; i++) {
		new_socket(path, i);
		why = service_why(path);
	}
	return why;
}

static int
wait_until_serving(pid_t new, int timeout)
{
	const struct timespec pause = { 0, 200000000 };
	const time_t start = time(NULL);
	const char *why;

	while ((why = why_not_serving()) != NULL) {
		if (kill(new, 0) == -1)
			return fail("the successor", "has ended: see its log");
		if (time(NULL) - start >= timeout)
			return fail("the successor does not serve", why);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int
wait_until_ended(pid_t pid)
{
	const struct timespec pause = { 0, 100000000 };
	const unsigned turns = (conf.drain_timeout + END_TIMEOUT) * 10;
	unsigned i;

	for (i = 0; i < turns && kill(pid, 0) == 0; i++)
		nanosleep(&pause, NULL);
	return kill(pid, 0) == 0 ? -1 : 0;
}

static void
take_sockets(pid_t new)
{
	char path[CONF_PATH + 8];
	size_t i;

	for (i = 0; i < conf.n_chains; i++) {
		new_socket(path, i);
		if (rename(path, conf.chains[i].control_socket) == -1)
			fail(path, strerror(errno));
	}
	/* Its net binds there when it is restarted. */
	kill(new, SIGNAL_ALONE);
}

int
command_upgrade(const struct options *o)
{
	pid_t old, new;

	if (conf_read(o->file, &conf, stderr) != 0)
		return 1;
	old = find_monitor(conf.chains[0].control_socket);
	if (old == -1 ||
	    read_strings(old, "cmdline", old_args, sizeof(old_args), args) <
		1 ||
	    read_strings(old, "environ", old_env, sizeof(old_env), env) == -1)
		return 1;
	drop_foreground();
	mark_successor();
	printf("starting a successor of process %d\n", (int)old);
	fflush(stdout);
	if ((new = start(old)) == -1)
		return 1;
	printf("process %d runs: waiting until it serves\n", (int)new);
	fflush(stdout);
	if (wait_until_serving(new, o->timeout != 0 ? o->timeout : TIMEOUT) !=
	    0) {
		kill(new, SIGTERM);
		(void)wait_until_ended(new);
		fprintf(
		    stderr, "tee-runnerctl: process %d goes on\n", (int)old);
		return 1;
	}
	printf("process %d serves: process %d finishes its tasks\n", (int)new,
	    (int)old);
	fflush(stdout);
	sigqueue(old, SIGNAL_REPLACED, (union sigval){ .sival_int = (int)new });
	if (wait_until_ended(old) != 0)
		fail("the old service", "has not ended");
	take_sockets(new);
	return 0;
}
