/* SPDX-License-Identifier: Apache-2.0
 *
 * Every role enters its sandbox here.  A feature that the kernel does not have
 * is left out and reported; a feature that it has and refuses is fatal.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "policy.h"
#include "proc.h"
#include "sandbox.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE	AUDIT_ARCH_AARCH64
#else
#error "no such architecture yet: add it here, and read its policies"
#endif

#define MDWE_SET		65	/* PR_SET_MDWE, Linux 6.3 */
#define MDWE_REFUSE_EXEC_GAIN	1
#define THREADS_WAIT		1000	/* milliseconds */

/* Landlock's own numbers (linux/landlock.h of Linux 6.12): the headers of the
 * build may be older than the kernel that runs. */
struct landlock_rules {
	uint64_t	fs, net, scoped;
};
#define LL_VERSION		1u
#define LL_BIND_TCP		(1ull << 0)
#define LL_CONNECT_TCP		(1ull << 1)
#define LL_SCOPE_ALL		3ull		/* abstract sockets, signals */
#define LL_PATH_BENEATH		1
#define LL_NET_PORT		2
#define LL_ABI_PORTS		4
#define LL_WRITE_FILE		(1ull << 1)
#define LL_READ_FILE		(1ull << 2)
#define LL_REMOVE_DIR		(1ull << 4)
#define LL_REMOVE_FILE		(1ull << 5)
#define LL_MAKE_DIR		(1ull << 7)
#define LL_MAKE_SOCK		(1ull << 9)
/* all that change a file system */
#define LL_WRITES		0x7ff2ull
struct landlock_path {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((packed));
struct landlock_port {
	uint64_t	allowed, port;
};
static const struct {
	int		abi;
	uint64_t	fs;
} ll_fs[] = {
	/* all rights that an ABI knows */
	{ 5, 0xffff },
	{ 3, 0x7fff },
	{ 2, 0x3fff },
	{ 1, 0x1fff },
};

const char *const sandbox_feature[SANDBOX_FEATURES] = {
	"chroot",
	"user",
	"landlock",
	"seccomp",
	"mdwe",
	"nodump",
	"secretmem",
	"netns",
	"mountns",
	"memlock",
	"ports",
};

#define MB			(1024ul * 1024)
/* max_memory bounds what a parser can be made to eat; net's is mostly the
 * address space of its threads' stacks and arenas.  Only evidence writes files:
 * the largest is the memfd with the evidence. */
static const struct sandbox_role roles[] = {
	{ R_NET, 1024, 4096 * MB, 0, 1, 0, "Orchestrator, Gateway", NULL },
	{ R_NOX, 256, 512 * MB, 0, 0, 0, "NATS servers, Gateway", NULL },
	{ R_REGISTRY, 64, 256 * MB, 0, 0, 0, "endpoints of the Registry",
	    NULL },
	{ R_KEYS,	512,	768 * MB,	0,	0, 1,	NULL, NULL },
	{ R_EVIDENCE, 16, 64 * MB, 1 * MB, 0, 0, NULL,
	    "its instance in configfs-tsm, if that is the TEE's" },
	{ R_COMPUTE,	16,	128 * MB,	0,	0, 1,	NULL, NULL },
};

/* clang-format off */
#define CAP(name, for_namespaces)	{ CAP_##name, #name, for_namespaces }
const struct sandbox_cap sandbox_caps[] = {
	CAP(SETUID, 0),
	CAP(SETGID, 0),
	CAP(SETPCAP, 0),
	CAP(SYS_CHROOT, 0),
	CAP(KILL, 0),
	CAP(IPC_LOCK, 0),
	/* For setns(2) of net and registry; the filter leaves little else of
	 * it. */
	CAP(SYS_ADMIN, 1),
};
/* clang-format on */
const size_t sandbox_n_caps = sizeof(sandbox_caps) / sizeof(sandbox_caps[0]);

#define PORTS_MAX		32
static uint16_t ports[PORTS_MAX];
static size_t n_ports;

const struct sandbox_role *
sandbox_role(enum role role)
{
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (roles[i].role == role)
			return &roles[i];
	fatal("sandbox: no limits for role %#x", (unsigned)role);
}

uint32_t
sandbox_of(enum role role)
{
	uint32_t all = (1u << SANDBOX_FEATURES) - 1;

	if (role & (R_FRONT | R_REGISTRY))
		all &= ~SANDBOX_NETNS;
	if (role != R_KEYS && role != R_COMPUTE)
		all &= ~(SANDBOX_SECRETMEM | SANDBOX_MEMLOCK);
	return all;
}

/* The filter traps.  Tell the monitor which call it was, then die of SIGSYS:
 * the handler was reset, so that the next forbidden call kills. */
static void
on_sigsys(int sig, siginfo_t *si, void *context)
{
	struct {
		struct msg_hdr	hdr;
		struct m_denied	denied;
	} rec = { { M_DENIED, 0 }, { (uint32_t)si->si_syscall, si->si_arch } };
	struct iovec iov = { &rec, sizeof(rec) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)sig;
	(void)context;
	(void)sendmsg(PROC_MONITOR_FD, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	syscall(SYS_reboot, 0, 0, 0, 0);	/* in no policy */
	_exit(1);
}

void
sandbox_catch(void)
{
	const struct sigaction sa = { .sa_sigaction = on_sigsys,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND | SA_NODEFER };

	if (sigaction(SIGSYS, &sa, NULL) == -1)
		fatal("sandbox: sigaction: %s", strerror(errno));
}

/* A hard limit that is lower is kept: the monitor has warned of it. */
static void
limit(int what, rlim_t value)
{
	const __rlimit_resource_t resource = (__rlimit_resource_t)what;
	struct rlimit rl;

	if (getrlimit(resource, &rl) == -1)
		fatal("sandbox: getrlimit %d: %s", what, strerror(errno));
	if (rl.rlim_max > value)
		rl.rlim_max = value;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(resource, &rl) == -1)
		fatal("sandbox: setrlimit %d: %s", what, strerror(errno));
}

static uint32_t
change_root_and_user(const struct sandbox *s)
{
	struct stat st;

	if (s->uid == 0)
		return 0;
	/* The monitor holds the directory: its path may lead elsewhere by now,
	 * or nowhere. */
	if (chroot(".") == -1 || chdir("/") == -1)
		fatal("sandbox: chroot %s: %s", s->empty_dir, strerror(errno));
	/* The monitor has seen that it is empty; a role cannot list a
	 * directory. */
	if (stat("/", &st) == -1 || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		fatal("sandbox: chroot %s: must be owned by root and writable "
		      "only by root",
		    s->empty_dir);
	if (setgroups(1, &s->gid) == -1 ||
	    setresgid(s->gid, s->gid, s->gid) == -1 ||
	    setresuid(s->uid, s->uid, s->uid) == -1)
		fatal("sandbox: cannot change to uid %u: %s", s->uid,
		    strerror(errno));
	return SANDBOX_CHROOT | SANDBOX_USER;
}

/* Before the user changes: another user may not. */
static void
drop_bounding_set(void)
{
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap) != -1; cap++)
		if (geteuid() == 0 && prctl(PR_CAPBSET_DROP, cap) == -1)
			fatal(
			    "sandbox: capability %d: %s", cap, strerror(errno));
}

/* Nothing left in any set.  Not root: nothing to do. */
static void
drop_capabilities(const struct sandbox *s)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (s->uid == 0 && geteuid() != 0)
		return;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	memset(d, 0, sizeof(d));
	if (syscall(SYS_capset, &h, d) == -1 ||
	    syscall(SYS_capget, &h, d) == -1 || d[0].permitted != 0 ||
	    d[1].permitted != 0)
		fatal("sandbox: cannot drop all capabilities");
}

/* 0: this kernel has no Landlock. */
static int
landlock_abi(uint64_t *fs)
{
	const int abi = (int)syscall(
	    SYS_landlock_create_ruleset, NULL, 0, LL_VERSION);
	size_t i;

	*fs = 0;
	for (i = 0; i < sizeof(ll_fs) / sizeof(ll_fs[0]) && *fs == 0; i++)
		if (abi >= ll_fs[i].abi)
			*fs = ll_fs[i].fs;
	return abi < 1 ? 0 : abi;
}

static void
allow_writes(int ruleset, const struct sandbox_path *s)
{
	struct landlock_path p = { 0, s->fd };

	if (s->may & SANDBOX_WRITE)
		p.allowed |= LL_WRITE_FILE;
	if (s->may & SANDBOX_DIRS)
		p.allowed |= LL_MAKE_DIR | LL_REMOVE_DIR;
	if (s->may & SANDBOX_SOCKETS)
		p.allowed |= LL_MAKE_SOCK | LL_REMOVE_FILE;
	if (p.fd != -1 &&
	    syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &p, 0) ==
		-1)
		fatal("landlock: path: %s", strerror(errno));
}

int
sandbox_bound_writes(const struct sandbox_path *paths, size_t n)
{
	struct landlock_rules r = { 0 };
	size_t i;
	int fd;

	if (landlock_abi(&r.fs) == 0)
		return 0;
	r.fs &= LL_WRITES;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r,
	    offsetof(struct landlock_rules, net), 0);
	if (fd == -1)
		fatal("landlock: %s", strerror(errno));
	for (i = 0; i < n; i++)
		allow_writes(fd, &paths[i]);
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		fatal("landlock: %s", strerror(errno));
	close(fd);
	return 1;
}

/* Landlock sees the path, not how it was come by: files below a directory that
 * is open already need their rule too. */
static void
allow_files(int ruleset, int dir)
{
	const struct landlock_path p = { LL_READ_FILE | LL_WRITE_FILE, dir };

	if (dir != 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, LL_PATH_BENEATH, &p, 0) ==
		-1)
		fatal("sandbox: landlock rule: %s", strerror(errno));
}

void
sandbox_allow_port(uint16_t port)
{
	if (n_ports == PORTS_MAX)
		fatal("sandbox: more than %d ports", PORTS_MAX);
	ports[n_ports++] = port;
}

static void
allow_ports(int ruleset)
{
	size_t i;

	for (i = 0; i < n_ports; i++) {
		const struct landlock_port p = { LL_CONNECT_TCP, ports[i] };

		if (syscall(SYS_landlock_add_rule, ruleset, LL_NET_PORT, &p,
			0) == -1)
			fatal("sandbox: landlock rule for port %u: %s",
			    ports[i], strerror(errno));
	}
}

/* No file but those of one directory, no TCP port to bind, none to connect to
 * but those that were allowed, no signal to others. */
static uint32_t
enter_landlock(const struct sandbox *s)
{
	struct landlock_rules r = { .net = LL_BIND_TCP | LL_CONNECT_TCP };
	size_t size = offsetof(struct landlock_rules, net);
	int abi, fd;

	if ((abi = landlock_abi(&r.fs)) == 0)
		return 0;
	if (abi >= LL_ABI_PORTS)
		size = offsetof(struct landlock_rules, scoped);
	if (abi >= 6) {
		r.scoped = LL_SCOPE_ALL;
		size = sizeof(r);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd == -1)
		fatal("sandbox: landlock: %s", strerror(errno));
	allow_files(fd, s->files_fd);
	if (abi >= LL_ABI_PORTS)
		allow_ports(fd);
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		fatal("sandbox: landlock: %s", strerror(errno));
	close(fd);
	return SANDBOX_LANDLOCK | (abi >= LL_ABI_PORTS ? SANDBOX_PORTS : 0);
}

static uint32_t
load_filter(const char *role)
{
	const struct policy *p = policy_of(role);

	if (p == NULL)
		fatal("sandbox: no policy for %s", role);
#ifdef TEE_SANITIZERS
	return 0;
#else
	sandbox_catch();
	if (policy_load(p) == -1)
		fatal("sandbox: filter of %s: %s", role, strerror(errno));
	return SANDBOX_SECCOMP;
#endif
}

static void
check_one_thread(void)
{
#ifndef TEE_SANITIZERS
	const struct timespec ms = { 0, 1000000 };
	struct stat st;
	int i;

	/* A directory has a link for itself, one for its name, one a thread.
	 * One that was joined may still be on its way out of the kernel. */
	for (i = 0; i < THREADS_WAIT; i++) {
		if (stat("/proc/self/task", &st) == -1 || st.st_nlink == 3)
			return;
		nanosleep(&ms, NULL);
	}
	fatal("sandbox: %u threads were started before it",
	    (unsigned)st.st_nlink - 2);
#endif
}

uint32_t
sandbox_enter(const struct sandbox *s)
{
	uint32_t has = 0;

	check_one_thread();
	if (n_ports > 0 && !s->allow_ports)
		fatal("sandbox: %s connects to nobody", s->role);
	drop_bounding_set();
	has |= change_root_and_user(s);
	drop_capabilities(s);

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, s->max_files);
	if (!s->allow_fork)
		limit(RLIMIT_NPROC, 0);
#ifndef TEE_SANITIZERS		/* their reports are written to a file */
	limit(RLIMIT_FSIZE, s->max_file);
	if (s->max_memory != 0)
		limit(RLIMIT_AS, s->max_memory);
#endif
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		fatal("sandbox: dumpable: %s", strerror(errno));
	has |= SANDBOX_NODUMP;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("sandbox: no_new_privs: %s", strerror(errno));
	if (prctl(MDWE_SET, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
		has |= SANDBOX_MDWE;
	/* After the user has changed, which clears it. */
	if (s->death_signal != 0 &&
	    prctl(PR_SET_PDEATHSIG, s->death_signal, 0, 0, 0) == -1)
		fatal("sandbox: death signal: %s", strerror(errno));
	has |= enter_landlock(s);
	return has | load_filter(s->role);
}
