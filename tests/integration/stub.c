/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of the monitor: any role, named by argv[0] as the monitor names it,
 * which comes up as a real one does, waits, and misbehaves when a signal says
 * so.  It has evidence's policy, and its handlers never return: they could not,
 * by that policy.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

static const enum state state = S_IDLE;

static void	on_any(struct chan *, const struct msg *);

#define SELF R_CHILDREN
#include "dispatch.h"

#define MSG(name, from, to, states, payload, row, rows, fds)		\
	ON(name)							\
	{								\
		on_any(c, m);						\
	}
#include "messages.def"
#undef MSG

static void
on_any(struct chan *c, const struct msg *m)
{
	if (m->type == M_DRAIN && c->self == R_NET)
		chan_send(c, M_DRAINED, NULL, NULL, 0, -1);
	/* PEER: the descriptor stays open, as in a real role. */
}

static _Noreturn void
loop(void)
{
	struct pollfd p = { .fd = PROC_MONITOR_FD, .events = POLLIN };

	for (;;) {
		if (poll(&p, 1, -1) == -1 && errno != EINTR)
			fatal("poll: %s", strerror(errno));
		if (chan_dispatch(&monitor, &state) == -1)
			log_exit(0);
	}
}

static _Noreturn void
on_signal(int sig)
{
	struct msg_hdr illegal = { .type = M_TYPES };
	struct iovec iov = { &illegal, sizeof(illegal) };
	const struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	const struct m_peer worker = { R_COMPUTE, 0 };
	int i;

	switch (sig) {
	case SIGUSR1:		/* a forbidden system call */
		syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
		break;
	case SIGUSR2:		/* an illegal message */
		(void)sendmsg(
		    PROC_MONITOR_FD, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case SIGTTOU:		/* a flood of lines that look like another's */
		for (i = 0; i < 100; i++)
			log_info("flood\ntee-runnerd: keys: forged");
		for (i = 0; i < 26 * 26; i++)
			log_info("flood %c%c", 'a' + i / 26, 'a' + i % 26);
		loop();
	case SIGIO: _exit(7);
	case SIGURG: _exit(0);
	case SIGWINCH:		/* what only this role may say */
		if (monitor.self == R_EVIDENCE) {
			chan_send(&monitor, M_AGENT_ASK, NULL, NULL, 0, -1);
			chan_send(&monitor, M_AGENT_ASK, NULL, NULL, 0, -1);
		}
		if (monitor.self == R_KEYS)
			chan_send(&monitor, M_CUT, &worker, NULL, 0, -1);
		if (monitor.self == R_NET)
			chan_send(&monitor, M_DRAINED, NULL, NULL, 0, -1);
		loop();
	}
	for (;;)		/* SIGALRM: deaf from now on */
		(void)poll(NULL, 0, -1);
}

int
main(int argc, char **argv)
{
	static const int signals[] = { SIGUSR1, SIGUSR2, SIGIO, SIGURG,
		SIGWINCH, SIGALRM, SIGTTOU };
	static struct m_start start;
	enum role role = R_NET;
	size_t i;

	if (argc > 1)			/* checks nothing */
		return 0;
	while (argc > 0 && strcmp(role_name(role), argv[0]) != 0)
		role <<= 1;
	proc_start(role, &start);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
	proc_sandbox(R_EVIDENCE, &start);
	loop();
}
