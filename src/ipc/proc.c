/* SPDX-License-Identifier: Apache-2.0
 *
 * From exec to READY, the same in every child of the monitor.
 */
#include "clock.h"
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"
#include "sandbox.h"
#include "secret.h"

struct chan monitor = { .fd = -1 };

uint32_t
proc_worker_jobs(const struct conf *c, uint32_t index)
{
	return c->isolate_task ? 1 : WORKER_JOBS + index * WORKER_JOBS_APART;
}

void
proc_start(enum role role, struct m_start *start)
{
	struct pollfd p = { .fd = PROC_MONITOR_FD, .events = POLLIN };
	const struct m_start *s;
	uint8_t hash[32];
	struct msg m;
	socklen_t len = sizeof(int);
	int type = 0;

	/* Executed by descriptor: the kernel calls it after its number. */
	(void)prctl(PR_SET_NAME, role_name(role), 0, 0, 0);
	log_init(role_name(role), LOG_INFO);
	if (getsockopt(PROC_MONITOR_FD, SOL_SOCKET, SO_TYPE, &type, &len) ==
		-1 ||
	    type != SOCK_SEQPACKET)
		fatal("not started by the monitor: start tee-runnerd instead");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		fatal("signal: %s", strerror(errno));
	/* Libraries that ask for the time of day read no zone file for it. */
	setenv("TZ", "UTC0", 1);
	tzset();
	chan_init(&monitor, PROC_MONITOR_FD, role, R_MONITOR, 0);
	chan_log(&monitor);
	sandbox_catch();
	while (poll(&p, 1, -1) == -1)
		if (errno != EINTR)
			fatal("poll: %s", strerror(errno));
	if (chan_recv(&monitor, S_INIT, &m) != 1)
		exit(0);		/* the monitor has gone again */
	if (m.type != M_START)
		chan_illegal(&monitor, m.type, "START comes first");
	s = m.payload;
	msg_table_hash(hash);
	if (memcmp(s->table, hash, sizeof(hash)) != 0)
		fatal("version differs from that of tee-runnerd: install all "
		      "executables of one version");
	if (s->role != role)
		chan_illegal(&monitor, m.type, "of another role");
	*start = *s;
	log_level((int)start->log_level);
}

/* Standard error is the log if the monitor stays in the foreground: a role
 * could write lines there in the name of another.  The monitor has put
 * /dev/null in the place of standard input, and a role cannot open files. */
static void
drop_standard_error(void)
{
#ifndef TEE_SANITIZERS		/* their reports go to standard error */
	if (dup2(STDIN_FILENO, STDOUT_FILENO) == -1 ||
	    dup2(STDIN_FILENO, STDERR_FILENO) == -1)
		fatal("dup2: %s", strerror(errno));
#endif
}

#ifndef TEE_SANITIZERS		/* their memory would be too much to lock */
/* All that the process has, or will have, locked when it is touched: 1, or 0 if
 * the limit is not above all that the role may have, for then malloc(3) would
 * fail later. */
static int
lock_all(size_t max_memory)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_MEMLOCK, &rl) == -1)
		fatal("RLIMIT_MEMLOCK: %s", strerror(errno));
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &rl) == -1)
		fatal("RLIMIT_MEMLOCK: %s", strerror(errno));
	if (rl.rlim_max < max_memory)
		return 0;
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
		fatal("mlockall: %s", strerror(errno));
	return 1;
}

/* Secrets pass through more than what secret_alloc() gave: the stack, a
 * library's heap, a record on its way. */
static uint32_t
lock_memory(const struct sandbox_role *r)
{
	if (r->is_secret && lock_all(r->max_memory))
		return SANDBOX_MEMLOCK;
	if (r->is_secret)
		secret_lock_process();
	return 0;
}
#else
static uint32_t
lock_memory(const struct sandbox_role *r)
{
	(void)r;
	return 0;
}
#endif

void
proc_sandbox(enum role role, const struct m_start *start)
{
	proc_sandbox_with(role, start, 0);
}

void
proc_sandbox_with(enum role role, const struct m_start *start, int files_fd)
{
	const struct sandbox_role *r = sandbox_role(role);
	const struct sandbox s = { .role = role_name(role),
		.empty_dir = start->empty_dir,
		.uid = start->uid,
		.gid = start->gid,
		.max_files = r->max_files,
		.max_memory = r->max_memory,
		.max_file = r->max_file,
		.allow_fork = r->allow_fork,
		/* The closed channel ends a role, too, unless it hangs or was
		 * stopped.  A request to the TEE must not be cut short:
		 * evidence only goes on. */
		.death_signal = role == R_EVIDENCE ? SIGCONT : SIGKILL,
		.allow_ports = r->ports != NULL,
		.files_fd = r->files != NULL ? files_fd : 0 };
	struct m_ready ready = { 0 };

	drop_standard_error();
	ready.features = lock_memory(r);
	ready.features |= sandbox_enter(&s) | start->namespaces;
	if (secret_is_hidden())
		ready.features |= SANDBOX_SECRETMEM;
	if (chan_send(&monitor, M_READY, &ready, NULL, 0, -1) == -1)
		log_exit(0);
}

void
proc_pong(struct chan *c)
{
	const struct m_pong m = { now_cpu_us() };

	(void)chan_send(c, M_PONG, &m, NULL, 0, -1);
}
