/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl policy --diff, --diff-all: are live processes under the filters
 * that were compiled in?  The kernel gives a process's filters to root alone
 * (PTRACE_SECCOMP_GET_FILTER); each thread is stopped for that moment.  Filters
 * that are older than the monitor's are an outer sandbox's, a container's or
 * systemd's: they can only take away, so they are reported and no more.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "policy.h"

#define THREADS_MAX	256
#define LEN_MAX		4096	/* BPF_MAXINSNS */
#define START_TURNS	20	/* of 100 ms, until a role is in its sandbox */
/* glibc has it as an enumerator that not every version knows. */
/* PTRACE_SECCOMP_GET_FILTER */
#define GET_FILTER	((enum __ptrace_request)0x420c)

/* ---- what /proc knows -------------------------------------------------- */

/* The value of "NAME:" in /proc/PID/status; "" when there is none. */
static const char *
status_of(pid_t pid, const char *name)
{
	static char text[64];
	char path[64], line[256];
	const size_t n = strlen(name);
	FILE *f;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return text;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, n) == 0 && line[n] == ':') {
			snprintf(text, sizeof(text), "%.*s",
			    (int)strcspn(line + n + 2, "\n"), line + n + 2);
			break;
		}
	fclose(f);
	return text;
}

/* The policy of the role that has this executable name, or NULL. */
static const struct policy *
role_of(pid_t pid)
{
	const char *name = status_of(pid, "Name");

	return policy_of(strcmp(name, "tee-runnerd") == 0 ? "monitor" :
		strcmp(name, "monitor") == 0		  ? "" :
							    name);
}

/* ---- one process ------------------------------------------------------- */

static int
fail_diff(pid_t pid, const char *why)
{
	char what[32];

	snprintf(what, sizeof(what), "--diff %d", (int)pid);
	return fail(what, why);
}

/* Why the kernel did not answer. */
static const char *
refusal(void)
{
	if (errno == EACCES && strcmp(status_of(getpid(), "Seccomp"), "0") != 0)
		return "tee-runnerctl is under a filter itself: run it outside "
		       "of the container";
	return errno == EPERM || errno == EACCES ?
	    "needs root, with "
	    "CAP_SYS_PTRACE and CAP_SYS_ADMIN" :
	    strerror(errno);
}

/* The number of filters of a stopped thread; -1 and errno. */
static long
count_filters(pid_t tid)
{
	long n = 0;

	while (ptrace(GET_FILTER, tid, n, NULL) >= 0)
		n++;
	return errno == ENOENT ? n : errno == EINVAL ? 0 : -1;
}

/* Is the n-th filter, the oldest is 0, this one? */
static int
is_filter(pid_t tid, long n, const struct policy *p)
{
	static struct sock_filter f[LEN_MAX];
	long i, len = ptrace(GET_FILTER, tid, n, NULL);

	if (len >= 0 && len <= LEN_MAX)
		len = ptrace(GET_FILTER, tid, n, f);
	if (len != p->len) {
		printf("thread %d: filter %ld has %ld instructions, %s %u\n",
		    (int)tid, n, len, p->role, p->len);
		return 0;
	}
	for (i = 0; i < len; i++)
		if (memcmp(&f[i], &p->filter[i], sizeof(f[i])) != 0) {
			printf("thread %d: filter %ld, instruction %ld: "
			       "%04x %u %u %08x, %s has %04x %u %u %08x\n",
			    (int)tid, n, i, f[i].code, f[i].jt, f[i].jf, f[i].k,
			    p->role, p->filter[i].code, p->filter[i].jt,
			    p->filter[i].jf, p->filter[i].k);
			return 0;
		}
	return 1;
}

/* A role has the monitor's filter and then its own, and none later.  The number
 * of older ones, or -1. */
static long
outer_filters(pid_t tid, const struct policy *p)
{
	const struct policy *monitor = policy_of("monitor");
	const long own = p == monitor ? 1 : 2, n = count_filters(tid);

	if (n == -1) {
		fail_diff(tid, refusal());
		return -1;
	}
	if (n < own) {
		printf("thread %d: has %ld filters, %s has %ld\n", (int)tid, n,
		    p->role, own);
		return -1;
	}
	return is_filter(tid, n - own, monitor) &&
		(own == 1 || is_filter(tid, n - 1, p)) ?
	    n - own :
	    -1;
}

static long
diff_thread(pid_t tid, const struct policy *p)
{
	int status;
	long n = -1;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == -1 ||
	    waitpid(tid, &status, __WALL) != tid) {
		fail_diff(tid, errno == ESRCH ? "no such process" : refusal());
		return -1;
	}
	if (WIFSTOPPED(status))
		n = outer_filters(tid, p);
	ptrace(PTRACE_DETACH, tid, NULL, NULL);
	return n;
}

static int
diff_threads(const struct policy *p, pid_t pid)
{
	pid_t tids[THREADS_MAX];
	const struct dirent *e;
	char path[64];
	size_t i, n = 0;
	long outer = 0, r;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	if ((d = opendir(path)) == NULL)
		return fail_diff(pid, "no such process");
	while ((e = readdir(d)) != NULL && n < THREADS_MAX)
		if ((tids[n] = (pid_t)atoi(e->d_name)) > 0)
			n++;
	closedir(d);
	for (i = 0; i < n && outer != -1; i++)
		outer = (r = diff_thread(tids[i], p)) > outer || r == -1 ?
		    r :
		    outer;
	if (outer == -1)
		return 1;
	printf("%s: process %d runs under it, in all of %zu threads: "
	       "sha256 %s",
	    p->role, (int)pid, n, policy_hex(p));
	if (outer != 0)
		printf("; %ld outer filters, which are not ours", outer);
	printf("\n");
	return 0;
}

int
policy_diff(const struct policy *p, pid_t pid)
{
	const struct policy *is;
	char why[64];

	if (*status_of(pid, "Name") == '\0')
		return fail_diff(pid, "no such process");
	if ((is = role_of(pid)) == NULL)
		return fail_diff(pid, "not a tee-runner role");
	if (is != p) {
		snprintf(why, sizeof(why), "is %s, not %s", is->role, p->role);
		return fail_diff(pid, why);
	}
	if (geteuid() != 0)
		return fail_diff(pid, "needs root");
	return diff_threads(p, pid);
}

/* ---- all of a service -------------------------------------------------- */

/* The monitor is the parent of net, and net listens at the control socket. */
pid_t
find_monitor(const char *path)
{
	struct ucred net = { 0 };
	socklen_t len = sizeof(net);
	pid_t monitor;
	const char *why;
	int fd;

	if ((fd = control_connect(path, &why)) == -1) {
		fail(path, why);
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &net, &len) == -1)
		fail(path, strerror(errno));
	close(fd);
	if (net.pid == 0)
		return -1;
	monitor = (pid_t)atoi(status_of(net.pid, "PPid"));
	if (role_of(monitor) != policy_of("monitor")) {
		fail(path,
		    "the process that listens there is not a child of "
		    "tee-runnerd");
		return -1;
	}
	return monitor;
}

/* A process that has just been forked becomes its role soon. */
static int
diff_child(pid_t pid, const char *parent_filters, unsigned seen[])
{
	const struct timespec turn = { 0, 100000000 };
	const struct policy *p = NULL;
	int i;

	for (i = 0; i < START_TURNS; i++) {
		p = role_of(pid);
		if (p != NULL && p != policy_of("monitor") &&
		    strcmp(status_of(pid, "Seccomp_filters"), parent_filters) !=
			0)
			break;
		if (*status_of(pid, "Name") == '\0')
			return 0;	/* it has ended */
		nanosleep(&turn, NULL);
	}
	if (p == NULL || p == policy_of("monitor"))
		return fail_diff(pid, "not a tee-runner role");
	seen[p - policies]++;
	return policy_diff(p, pid);
}

int
policy_diff_all(const char *socket_path)
{
	const size_t net = (size_t)(policy_of("net") - policies),
		     nox = (size_t)(policy_of("nox") - policies);
	const pid_t monitor = find_monitor(socket_path);
	unsigned seen[16] = { 0 };
	const struct dirent *e;
	char filters[64];
	size_t i;
	int r;
	DIR *d;

	if (monitor == -1)
		return 1;
	r = policy_diff(policy_of("monitor"), monitor);
	snprintf(filters, sizeof(filters), "%s",
	    status_of(monitor, "Seccomp_filters"));
	if ((d = opendir("/proc")) == NULL)
		return fail("/proc", strerror(errno));
	while (r == 0 && (e = readdir(d)) != NULL) {
		const pid_t pid = (pid_t)atoi(e->d_name);

		if (pid > 0 && atoi(status_of(pid, "PPid")) == monitor)
			r |= diff_child(pid, filters, seen);
	}
	closedir(d);
	seen[policy_of("monitor") - policies]++;
	/* Each chain has one of them: a service need not have both. */
	seen[net] = seen[nox] = seen[net] + seen[nox];
	for (i = 0; r == 0 && i < n_policies; i++)
		if (seen[i] == 0)
			r |= fail(policies[i].role, "does not run");
	return r;
}
