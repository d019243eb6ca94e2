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
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* The strings in a file, each with a NUL.  Closes it.  Returns their number, or
 * -1 if they cannot be read or are too many. */
static int
read_strings(int fd, const char *path, char *text, size_t size,
    char *list[ARGUMENTS + 1])
{
	const ssize_t n = fd == -1 ? -1 : read(fd, text, size - 1);
	int i = 0;
	char *s;

	if (n == -1)
		fail(path, strerror(errno));
	if (fd != -1)
		close(fd);
	if (n == -1)
		return -1;
	text[n] = '\0';
	for (s = text; s < text + n && i < ARGUMENTS; s += strlen(s) + 1)
		list[i++] = s;
	list[i] = NULL;
	if ((size_t)n < size - 1 && s >= text + n)
		return i;
	fail(path, "is too long");
	return -1;
}

static int
read_process(pid_t pid, const char *name, char *text, size_t size,
    char *list[ARGUMENTS + 1])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return read_strings(
	    open(path, O_RDONLY | O_CLOEXEC), path, text, size, list);
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

/* It writes its number to this descriptor. */
static void
mark_successor(int fd)
{
	static char mark[64];
	int i, k;

	snprintf(mark, sizeof(mark), SUCCESSOR "=%d", fd);
	for (i = k = 0; env[i] != NULL; i++)
		if (strncmp(env[i], SUCCESSOR "=", sizeof(SUCCESSOR)) != 0)
			env[k++] = env[i];
	env[k++] = mark;
	env[k] = NULL;
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
	execvpe(args[0], args, env);
	fprintf(stderr, "%s: %s\n", args[0], strerror(errno));
	_exit(1);
}

/* Returns its number when all of its roles run, or -1. */
static pid_t
start(pid_t old)
{
	pid_t pid, new = -1;
	int status, fd[2];

	if (pipe(fd) == -1 || (pid = fork()) == -1) {
		fail("fork", strerror(errno));
		return -1;
	}
	mark_successor(fd[1]);
	if (pid == 0) {
		close(fd[0]);
		execute(old);
	}
	close(fd[1]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (status != 0 || read(fd[0], &new, sizeof(new)) != sizeof(new)) {
		fail("the successor", "did not start");
		new = -1;
	}
	close(fd[0]);
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

static int
replace(pid_t old, int timeout)
{
	pid_t new;

	drop_foreground();
	printf("starting a successor of process %d\n", (int)old);
	fflush(stdout);
	if ((new = start(old)) == -1)
		return 1;
	printf("process %d runs: waiting until it serves\n", (int)new);
	fflush(stdout);
	if (wait_until_serving(new, timeout) != 0) {
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

/* ---- systemd ----------------------------------------------------------- */

/* Only what systemd starts is confined as the unit says, so ExecReload= of the
 * unit has to start the successor.  What is to be done is left in a file next
 * to the control socket: timeout, configuration, and the arguments, each with a
 * NUL. */
#define REQUEST_SUFFIX	".upgrade"

/* The unit that the service is, or 0. */
static int
unit_of(pid_t pid, char unit[256])
{
	char path[64], line[512], *name;
	int is_unit = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (access("/run/systemd/system", F_OK) == -1 ||
	    (f = fopen(path, "r")) == NULL)
		return 0;
	while (!is_unit && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		name = strrchr(line, '/');
		is_unit = name != NULL && strlen(name) > sizeof(".service") &&
		    strcmp(strchr(name, '\0') - 8, ".service") == 0;
		if (is_unit)
			snprintf(unit, 256, "%s", name + 1);
	}
	fclose(f);
	return is_unit;
}

static int
write_request(const char *path, const char *file, int timeout)
{
	FILE *f;
	int i;

	(void)unlink(path);
	if ((f = fopen(path, "wxe")) == NULL)
		return fail(path, strerror(errno));
	fprintf(f, "%d%c%s%c", timeout, 0, file, 0);
	for (i = 0; args[i] != NULL; i++)
		fprintf(f, "%s%c", args[i], 0);
	return fclose(f) == 0 ? 0 : fail(path, strerror(errno));
}

static int
reload_unit(const char *unit, const char *request)
{
	int status;
	pid_t pid;

	printf("having systemd reload %s: see its log\n", unit);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		execlp("systemctl", "systemctl", "reload", unit, NULL);
		_exit(127);
	}
	while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (unlink(request) == 0)
		return fail(unit,
		    "ExecReload= does not run tee-runnerctl reload --pid "
		    "$MAINPID");
	return pid != -1 && status == 0 ?
	    0 :
	    fail(unit, "has no successor: the service goes on");
}

int
upgrade_requested(const char *socket, pid_t old, int *status)
{
	char path[CONF_PATH + 16];
	struct stat st;
	int fd, n;

	snprintf(path, sizeof(path), "%s" REQUEST_SUFFIX, socket);
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		return 0;
	if (fstat(fd, &st) == -1 || st.st_uid != 0 || (st.st_mode & 022) != 0) {
		*status = fail(path, "is not of root alone: ignored");
		close(fd);
		return 1;
	}
	(void)unlink(path);
	n = read_strings(fd, path, old_args, sizeof(old_args), args);
	if (n < 3 || conf_read(args[1], &conf, stderr) != 0)
		*status = 1;
	else {
		const int timeout = atoi(args[0]);

		memmove(args, args + 2, (size_t)(n - 1) * sizeof(args[0]));
		for (n = 0; n < ARGUMENTS && environ[n] != NULL; n++)
			env[n] = environ[n];
		*status = replace(old, timeout);
	}
	return 1;
}

/* ---- the command ------------------------------------------------------- */

int
command_upgrade(const struct options *o)
{
	const int timeout = o->timeout != 0 ? o->timeout : TIMEOUT;
	char unit[256], request[CONF_PATH + 16], file[PATH_MAX];
	pid_t old;

	if (conf_read(o->file, &conf, stderr) != 0)
		return 1;
	old = find_monitor(conf.chains[0].control_socket);
	if (old == -1 ||
	    read_process(old, "cmdline", old_args, sizeof(old_args), args) < 1)
		return 1;
	if (unit_of(old, unit)) {
		snprintf(request, sizeof(request), "%s" REQUEST_SUFFIX,
		    conf.chains[0].control_socket);
		/* ExecReload= has another working directory. */
		if (realpath(o->file, file) == NULL)
			return fail(o->file, strerror(errno));
		if (write_request(request, file, timeout) != 0)
			return 1;
		return reload_unit(unit, request);
	}
	if (read_process(old, "environ", old_env, sizeof(old_env), env) == -1)
		return 1;
	return replace(old, timeout);
}
