/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl policy: what each role may do, as it was compiled in, and whether that
 * is what a live process runs under.  The kernel gives a process's filters to root
 * alone (PTRACE_SECCOMP_GET_FILTER); the process is stopped for that moment.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "policy.h"

#define THREADS_MAX	256
#define LEN_MAX		4096	/* BPF_MAXINSNS */
/* glibc has it as an enumerator that not every version knows. */
#define GET_FILTER	((enum __ptrace_request)0x420c)	/* PTRACE_SECCOMP_GET_FILTER */

static const char *
text_of(const struct policy *p)
{
	return policy_texts[p - policies];
}

/* Lines that begin with a call. */
static unsigned
rules_of(const struct policy *p)
{
	const char *s = text_of(p);
	unsigned n = 0;

	for (; *s != '\0'; s += strcspn(s, "\n") + 1)
		n += *s >= 'a' && *s <= 'z';
	return n;
}

static const char *
hash_of(const struct policy *p)
{
	static char hex[65];
	uint8_t hash[32];

	policy_hash(p, hash);
	return log_hex(hex, hash, sizeof(hash));
}

static int
print_all(int as_json)
{
	const struct policy *p;

	printf(as_json ? "[\n" : "%-9s %5s %12s  %s\n", "role", "calls",
	    "instructions", "sha256");
	for (p = policies; p < policies + n_policies; p++)
		printf(as_json ? "  {\"role\": \"%s\", \"calls\": %u, "
		    "\"instructions\": %u, \"sha256\": \"%s\"}%s\n" :
		    "%-9s %5u %12u  %s%s\n", p->role, rules_of(p), p->len,
		    hash_of(p), as_json && p + 1 < policies + n_policies ?
		    "," : "");
	if (as_json)
		printf("]\n");
	return 0;
}

static int
print_bpf(const struct policy *p)
{
	if (isatty(STDOUT_FILENO))
		return fail("--bpf", "standard output is a terminal: redirect "
		    "it");
	return fwrite(p->filter, sizeof(*p->filter), p->len, stdout) ==
	    p->len ? 0 : fail("--bpf", strerror(errno));
}

/* ---- --diff -------------------------------------------------------------- */

/* The n-th filter of a stopped thread, the oldest first: its length, 0: there is
 * none. */
static long
filter_of(pid_t tid, unsigned long n, struct sock_filter f[LEN_MAX])
{
	long len = ptrace(GET_FILTER, tid, n, NULL);

	if (len < 0 && errno == ENOENT)
		return 0;
	if (len < 0 || len > LEN_MAX)
		return -1;
	return ptrace(GET_FILTER, tid, n, f);
}

static int
is_filter(pid_t tid, unsigned long n, const struct policy *p)
{
	static struct sock_filter f[LEN_MAX];
	const long len = filter_of(tid, n, f);
	long i;

	if (len < 0) {
		fail("--diff", errno == EACCES ? "the kernel shows filters to "
		    "root alone" : errno == EINVAL ? "it has no filter" :
		    strerror(errno));
		return 0;
	}
	if (len != p->len) {
		printf("thread %d: filter %lu has %ld instructions, %s %u\n",
		    (int)tid, n, len, p->role, p->len);
		return 0;
	}
	for (i = 0; i < len; i++)
		if (memcmp(&f[i], &p->filter[i], sizeof(f[i])) != 0) {
			printf("thread %d: filter %lu, instruction %ld: "
			    "%04x %u %u %08x, %s has %04x %u %u %08x\n",
			    (int)tid, n, i, f[i].code, f[i].jt, f[i].jf, f[i].k,
			    p->role, p->filter[i].code, p->filter[i].jt,
			    p->filter[i].jf, p->filter[i].k);
			return 0;
		}
	return 1;
}

/* A role inherits the monitor's filter and has its own on top. */
static int
thread_has(pid_t tid, const struct policy *p)
{
	static struct sock_filter f[LEN_MAX];
	const struct policy *monitor = policy_of("monitor");
	const unsigned long n = p == monitor ? 1 : 2;

	if (!is_filter(tid, 0, monitor) || (n == 2 && !is_filter(tid, 1, p)))
		return 0;
	if (filter_of(tid, n, f) == 0)
		return 1;
	printf("thread %d: has filters beside these\n", (int)tid);
	return 0;
}

static int
diff_thread(pid_t tid, const struct policy *p)
{
	int status, r;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) == -1 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == -1 ||
	    waitpid(tid, &status, __WALL) != tid)
		return fail("--diff", errno == EPERM ? "the process is another "
		    "user's: try as root" : strerror(errno));
	r = WIFSTOPPED(status) && thread_has(tid, p) ? 0 : 1;
	ptrace(PTRACE_DETACH, tid, NULL, NULL);
	return r;
}

static int
diff(const struct policy *p, int pid)
{
	pid_t tids[THREADS_MAX];
	const struct dirent *e;
	char path[64];
	size_t i, n = 0;
	int r = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if ((d = opendir(path)) == NULL)
		return fail(path, strerror(errno));
	while ((e = readdir(d)) != NULL && n < THREADS_MAX)
		if ((tids[n] = (pid_t)atoi(e->d_name)) > 0)
			n++;
	closedir(d);
	for (i = 0; i < n; i++)
		r |= diff_thread(tids[i], p);
	if (r == 0)
		printf("%s: process %d runs under it, in all of %zu threads: "
		    "sha256 %s\n", p->role, pid, n, hash_of(p));
	return r;
}

int
command_policy(const struct options *o)
{
	const struct policy *p;

	if (o->role == NULL)
		return print_all(o->json);
	if ((p = policy_of(o->role)) == NULL)
		return fail(o->role, "no such role: monitor, net, chain, keys, "
		    "evidence, compute");
	if (o->bpf)
		return print_bpf(p);
	if (o->pid != 0)
		return diff(p, o->pid);
	printf("%s# sha256 of the program: %s\n", text_of(p), hash_of(p));
	return 0;
}
