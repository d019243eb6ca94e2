/* SPDX-License-Identifier: Apache-2.0
 *
 * What no role can do: each system call that its policy does not allow, 0 to
 * 1023 and x32's, is made under the two filters that a live process has, the
 * monitor's and its own, and must end it or be refused by the written error.
 * What a filter says to a call is computed first, by the program's own
 * instructions, so that none is made that would be let through; the kernel's
 * answer must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sev-guest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy.h"

#if defined(__x86_64__)
#define ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH	AUDIT_ARCH_AARCH64
#endif
#define CALLS	1024
#define X32	0x40000000u
#define CHAN_RECV (MSG_DONTWAIT | MSG_CMSG_CLOEXEC)	/* chan.c's flags */
#define CHAN_SEND (MSG_DONTWAIT | MSG_NOSIGNAL)

/* Kernels let these two past any filter, for they are no calls: the return and
 * entry of a probe, which end a process that has none. */
static int
is_probe(uint32_t nr)
{
#if defined(__x86_64__)
	return nr == 335 || nr == 336;	/* uretprobe, uprobe */
#else
	(void)nr;
	return 0;
#endif
}

/* A classic BPF machine, as far as libseccomp's programs go. */
static uint32_t
simulate(const struct policy *p, const struct seccomp_data *d)
{
	const struct sock_filter *f = p->filter;
	uint32_t a = 0;
	size_t i;

	for (i = 0; i < p->len; i++) {
		const uint32_t k = f[i].k;

		switch (f[i].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(k % 4 == 0 && k < sizeof(*d));
			memcpy(&a, (const char *)d + k, sizeof(a));
			break;
		case BPF_JMP | BPF_JA: i += k; break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == k ? f[i].jt : f[i].jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			i += a > k ? f[i].jt : f[i].jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= k ? f[i].jt : f[i].jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			i += a & k ? f[i].jt : f[i].jf;
			break;
		case BPF_ALU | BPF_AND | BPF_K: a &= k; break;
		case BPF_RET | BPF_K: return k;
		default:
			fail_msg("%s: instruction %zu: code %#x", p->role, i,
			    f[i].code);
		}
	}
	fail_msg("%s: it does not end", p->role);
	return 0;
}

/* The stricter of the two, as the kernel has it. */
static uint32_t
verdict(const struct policy *p, const struct seccomp_data *d)
{
	uint32_t own = simulate(p, d), inherited;

	inherited = simulate(policy_of("monitor"), d);
	return (int32_t)(inherited & SECCOMP_RET_ACTION_FULL) <
		(int32_t)(own & SECCOMP_RET_ACTION_FULL) ?
	    inherited :
	    own;
}

/* Make the call under both filters: the wait status. */
static int
try(const struct policy *p, const struct seccomp_data *d)
{
	const __u64 *a = d->args;
	const struct policy *monitor = policy_of("monitor");
	int status, sig;
	pid_t pid;

	if ((pid = fork()) == 0) {
		for (sig = 1; sig < NSIG; sig++)
			signal(sig, SIG_DFL);	/* cmocka's are not for it */
		if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		    policy_load(monitor) == -1 ||
		    (p != monitor && policy_load(p) == -1))
			_exit(255);
		errno = 0;
		syscall(
		    (long)(uint32_t)d->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		syscall(SYS_exit_group, errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* 1: it was made and did what the filter says; 0: it would be let through. */
static int
check(const struct policy *p, uint32_t nr, uint64_t arg)
{
	const struct seccomp_data d = { .nr = (int)nr,
		.arch = ARCH,
		.args = { arg, arg, arg, arg, arg, arg } };
	const uint32_t v = verdict(p, &d);
	int status;

	if (v == SECCOMP_RET_ALLOW)
		return 0;
	status = try(p, &d);
	if ((v & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
		if (!WIFEXITED(status) ||
		    WEXITSTATUS(status) != (int)(v & SECCOMP_RET_DATA))
			fail_msg("%s: call %#x: status %#x, not the error %u",
			    p->role, nr, (unsigned)status,
			    v & SECCOMP_RET_DATA);
	} else if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		if (!is_probe(nr))
			fail_msg("%s: call %#x: status %#x: it lives", p->role,
			    nr, (unsigned)status);
	return 1;
}

/* Calls that a role's text has a rule for. */
static unsigned
rules(const struct policy *p)
{
	const char *s = policy_texts[p - policies];
	unsigned n = 0;

	for (; *s != '\0'; s += strcspn(s, "\n") + 1)
		n += *s >= 'a' && *s <= 'z';
	return n;
}

static void
what_is_not_allowed_ends_a_role(void **unused)
{
	static const uint64_t args[] = { 0, UINT64_MAX };
	const struct policy *p;
	uint32_t nr;
	size_t i;

	(void)unused;
	for (p = policies; p < policies + n_policies; p++) {
		unsigned made = 0, passed = 0;

		for (nr = 0; nr < CALLS; nr++) {
			int lets = 0;

			for (i = 0; i < 2; i++)
				lets |= !check(p, nr, args[i]);
			passed += (unsigned)lets;
			made += !lets;
		}
#if defined(__x86_64__)
		for (nr = 0; nr < CALLS; nr++)
			if (!check(p, nr | X32, 0))
				fail_msg(
				    "%s: x32 %u is let through", p->role, nr);
#endif
		/* At most as many as there are rules; rules for a single
		 * argument take neither 0 nor -1. */
		assert_true(passed <= rules(p));
		assert_true(made >= CALLS - rules(p));
		printf("%-9s %4u calls end it or are refused, of %u rules %u "
		       "let 0 or -1 through\n",
		    p->role, made, rules(p), passed);
	}
}

static void
a_call_of_i386_ends_every_role(void **unused)
{
	const struct seccomp_data d = { .nr = 1, .arch = AUDIT_ARCH_I386 };
	const struct policy *p;

	(void)unused;
	for (p = policies; p < policies + n_policies; p++)
		assert_int_equal(simulate(p, &d), SECCOMP_RET_KILL_PROCESS);
}

/* Promises of each policy about arguments: `good' is allowed, `bad' kills. */
static const struct mode {
	const char	*role;
	uint32_t	 nr;
	int		 arg;
	uint64_t	 bad, good;
	int		 also;		/* another argument of that rule, */
	uint64_t	 value;		/* and its value */
} modes[] = {
	{ "keys", SYS_mmap, 2, 4, 3, 3, 0x22 },
	{ "net", SYS_mmap, 2, 7, 3, 3, 0x22 },
	{ "net", SYS_mprotect, 2, 5, 1, 0, 0 },
	{ "registry", SYS_mmap, 2, 5, 3, 3, 0x22 },
	{ "evidence", SYS_mmap, 2, 6, 3, 3, 0x22 },
	{ "monitor", SYS_mmap, 2, 7, 5, 3, MAP_PRIVATE },
	{ "monitor", SYS_mprotect, 2, 6, 1, 0, 0 },
	{ "net", SYS_socket, 0, 1, 2, 1, 1 },
	{ "net", SYS_socket, 0, 16, 10, 1, 1 },
	{ "net", SYS_socket, 0, 17, 2, 1, 1 },
	{ "monitor", SYS_socket, 0, 17, 16, 1, 1 },
	{ "net", SYS_clone, 0, 0x11, 0x3d0f00, 1, 0 },
	{ "monitor", SYS_clone, 0, 0x10000000 | 0x11, 0x1200011, 1, 0 },
	{ "net", SYS_prctl, 0, 22, 15, 1, 0 },
	{ "monitor", SYS_prctl, 0, 26, 38, 1, 0 },
	{ "monitor", SYS_kill, 1, 15, 9, 0, 0 },
	{ "monitor", SYS_openat, 2, 0100, 02000000, 0, 0 },
	{ "monitor", SYS_prlimit64, 0, 1, 0, 1, 0 },
	{ "evidence", SYS_openat, 2, 02, 02000001, 0, 0 },
	{ "evidence", SYS_ioctl, 1, TCGETS, SNP_GET_EXT_REPORT, 0, 0 },
	{ "net", SYS_ioctl, 1, 0x5412, FIONREAD, 0, 0 },
	{ "keys", SYS_fcntl, 1, 8, 3, 0, 0 },
	{ "keys", SYS_flock, 1, LOCK_EX, LOCK_EX | LOCK_NB, 0, 0 },
	{ "keys", SYS_flock, 1, LOCK_SH | LOCK_NB, LOCK_UN, 0, 0 },
	{ "net", SYS_futex, 1, 6, 0x80, 0, 0 },
	{ "net", SYS_madvise, 2, 100, 4, 0, 0 },
	{ "net", SYS_mremap, 3, 2, 1, 0, 0 },
	{ "compute", SYS_recvmsg, 2, MSG_PEEK, CHAN_RECV, 0, 0 },
	{ "compute", SYS_recvmsg, 2, 0, CHAN_RECV, 0, 0 },
	{ "compute", SYS_sendmsg, 2, MSG_OOB, CHAN_SEND, 0, 0 },
	{ "compute", SYS_sendmsg, 2, 0, CHAN_SEND, 0, 0 },
	{ "keys", SYS_recvmsg, 2, MSG_PEEK, CHAN_RECV, 0, 0 },
	{ "keys", SYS_recvmsg, 2, MSG_DONTWAIT, CHAN_RECV, 0, 0 },
	{ "keys", SYS_sendmsg, 2, MSG_OOB, CHAN_SEND, 0, 0 },
	{ "keys", SYS_sendmsg, 2, MSG_NOSIGNAL, CHAN_SEND, 0, 0 },
	{ "keys", SYS_newfstatat, 3, 0, AT_EMPTY_PATH, 0, 0 },
	{ "keys", SYS_newfstatat, 3, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
	    AT_EMPTY_PATH, 0, 0 },
	{ "keys", SYS_mmap, 3, MAP_SHARED, MAP_PRIVATE, 2, PROT_READ },
	{ "keys", SYS_mmap, 3, MAP_PRIVATE | MAP_FIXED, MAP_PRIVATE, 2,
	    PROT_READ },
	{ "keys", SYS_mmap, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN,
	    MAP_PRIVATE | MAP_ANONYMOUS, 2, PROT_READ },
	{ "evidence", SYS_recvmsg, 2, MSG_PEEK, CHAN_RECV, 0, 0 },
	{ "evidence", SYS_sendmsg, 2, MSG_OOB, CHAN_SEND, 0, 0 },
	{ "evidence", SYS_mmap, 3, MAP_SHARED, MAP_PRIVATE, 2, PROT_READ },
	{ "evidence", SYS_mmap, 3, MAP_PRIVATE | MAP_GROWSDOWN, MAP_PRIVATE, 2,
	    PROT_READ },
	{ "registry", SYS_recvmsg, 2, MSG_PEEK, CHAN_RECV, 0, 0 },
	{ "registry", SYS_sendmsg, 2, MSG_OOB, CHAN_SEND, 0, 0 },
	{ "registry", SYS_sendmsg, 2, MSG_ZEROCOPY, CHAN_SEND, 0, 0 },
	{ "registry", SYS_mmap, 3, MAP_SHARED, MAP_PRIVATE, 2, PROT_READ },
	{ "registry", SYS_mmap, 3, MAP_PRIVATE | MAP_GROWSDOWN, MAP_PRIVATE, 2,
	    PROT_READ },
	{ "net", SYS_recvmsg, 2, MSG_PEEK, 0, 0, 0 },
	{ "net", SYS_recvmsg, 2, MSG_OOB, MSG_ERRQUEUE, 0, 0 },
	{ "net", SYS_sendmsg, 2, MSG_OOB | MSG_NOSIGNAL, MSG_NOSIGNAL, 0, 0 },
	{ "net", SYS_newfstatat, 3, 0, AT_EMPTY_PATH, 0, 0 },
	{ "net", SYS_mmap, 3, MAP_SHARED, MAP_PRIVATE, 2, PROT_READ },
	{ "net", SYS_mmap, 3, MAP_PRIVATE | MAP_GROWSDOWN,
	    MAP_PRIVATE | MAP_STACK, 2, PROT_READ },
	{ "net", SYS_setsockopt, 2, SO_ATTACH_FILTER, SO_REUSEADDR, 1,
	    SOL_SOCKET },
	{ "net", SYS_setsockopt, 2, SO_ATTACH_BPF, SO_REUSEADDR, 1,
	    SOL_SOCKET },
	{ "net", SYS_setsockopt, 2, SO_BINDTODEVICE, SO_REUSEADDR, 1,
	    SOL_SOCKET },
	{ "net", SYS_setsockopt, 2, SO_SNDBUF, SO_REUSEADDR, 1, SOL_SOCKET },
	{ "net", SYS_setsockopt, 2, TCP_REPAIR, TCP_NODELAY, 1, IPPROTO_TCP },
	{ "net", SYS_setsockopt, 2, TCP_ULP, TCP_USER_TIMEOUT, 1, IPPROTO_TCP },
	{ "net", SYS_setsockopt, 2, IPV6_ADDRFORM, IPV6_V6ONLY, 1,
	    IPPROTO_IPV6 },
	{ "monitor", SYS_recvmsg, 2, MSG_PEEK, CHAN_RECV, 0, 0 },
	{ "monitor", SYS_sendmsg, 2, MSG_OOB, CHAN_SEND, 0, 0 },
	{ "monitor", SYS_mmap, 3, MAP_SHARED, MAP_PRIVATE, 2, PROT_EXEC },
	{ "monitor", SYS_mmap, 3, MAP_PRIVATE | MAP_ANONYMOUS, MAP_PRIVATE, 2,
	    PROT_READ | PROT_EXEC },
	{ "monitor", SYS_mmap, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN,
	    MAP_PRIVATE | MAP_ANONYMOUS, 2, PROT_READ | PROT_WRITE },
	{ "monitor", SYS_mmap, 3, MAP_SHARED | MAP_ANONYMOUS,
	    MAP_SHARED | MAP_FIXED, 2, PROT_READ | PROT_WRITE },
	{ "monitor", SYS_mprotect, 2, PROT_READ | PROT_EXEC, PROT_READ, 0, 0 },
	{ "monitor", SYS_tgkill, 2, SIGKILL, SIGABRT, 0, 0 },
	{ "monitor", SYS_tgkill, 2, 0, SIGABRT, 0, 0 },
	{ "monitor", SYS_ioctl, 1, TIOCSTI, TCGETS, 0, 0 },
	{ "monitor", SYS_ioctl, 1, FIOASYNC, FIONBIO, 0, 0 },
	{ "monitor", SYS_socket, 2, NETLINK_NETFILTER, NETLINK_ROUTE, 0,
	    AF_NETLINK },
	{ "monitor", SYS_setsockopt, 2, SO_ATTACH_FILTER, SO_SNDBUF, 1,
	    SOL_SOCKET },
	{ "monitor", SYS_setsockopt, 2, SO_ATTACH_BPF, SO_SNDBUF, 1,
	    SOL_SOCKET },
	{ "monitor", SYS_setsockopt, 2, SO_BINDTODEVICE, SO_REUSEADDR, 1,
	    SOL_SOCKET },
};

/* Made under the real filters, it kills. */
static void
kills(const struct mode *m, struct seccomp_data *d, uint64_t bad)
{
	const struct policy *p = policy_of(m->role);
	int status;

	d->args[m->arg] = bad;
	assert_int_not_equal(verdict(p, d), SECCOMP_RET_ALLOW);
	status = try(p, d);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: call %u, argument %d is %#llx: status %#x",
		    m->role, m->nr, m->arg, (unsigned long long)bad,
		    (unsigned)status);
}

static void
forbidden_arguments_end_a_role(void **unused)
{
	const struct mode *m;

	(void)unused;
	for (m = modes; m < modes + sizeof(modes) / sizeof(modes[0]); m++) {
		struct seccomp_data d = { .nr = (int)m->nr, .arch = ARCH };

		d.args[m->also] = m->value;
		d.args[m->arg] = m->good;
		if (verdict(policy_of(m->role), &d) != SECCOMP_RET_ALLOW)
			fail_msg("%s: call %u, argument %d is %#llx: refused",
			    m->role, m->nr, m->arg,
			    (unsigned long long)m->good);
		kills(m, &d, m->bad);
		/* Bits that the kernel does not look at help nobody. */
		kills(m, &d, m->bad | UINT64_C(1) << 40);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_allowed_ends_a_role),
		cmocka_unit_test(a_call_of_i386_ends_every_role),
		cmocka_unit_test(forbidden_arguments_end_a_role),
	};

#ifdef TEE_SANITIZERS
	return 77;		/* what they need is in no policy */
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
