/* SPDX-License-Identifier: Apache-2.0
 *
 * Start the roles, connect them, restart them with back-off, stop them.  Runs
 * in the monitor.  If keys ends, the identity is lost and every role is started
 * again.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "monitor.h"
#include "proc.h"
#include "sandbox.h"
#include "syscalls.h"

#define CHILDREN_MAX	(2 + CONF_WORKERS + 2 * CONF_CHAINS)
#define DELAY_FIRST	100		/* milliseconds */
#define DELAY_MAX	30000
#define DELAY_RESET	60000		/* up for so long: start over */
#define STOP_TIMEOUT	3		/* seconds to exit by itself */
#define QUOTE_TIMEOUT	90		/* the same, while the TEE is asked */
#define PING_INTERVAL	5		/* seconds */
#define PINGS_MISSED	3
#define PINGS_BUSY	24		/* evidence: the TEE may take minutes */
#define LAST_WORDS	64		/* turns of chan_dispatch() */

static struct event_base *base;
static const struct conf *conf;
static const struct users *users;
/* SANDBOX_* that the monitor has given to the children. */
static uint32_t namespaces;
static struct child children[CHILDREN_MAX];
static size_t n_children;
static enum { RUNNING, RESTARTING, DRAINING, STOPPING } phase;
static struct event *stop_timer;	/* ends draining, restarting or
					 * stopping */
static int waits_for_tee;		/* its timeout runs now */
int children_failed;

/* The channels from each role to keys, and the role that keys is told for
 * each. */
static const struct wire {
	enum role	 role;			/* each that is up */
	enum role	 as;
	uint32_t	 index;			/* which of its channels, for
						 * it */
} wires[] = {
	{ R_NET,	R_NET,		0 },
	{ R_NET,	R_TLS,		1 },
	{ R_NOX,	R_NOX,		0 },
	{ R_NOX,	R_TLS,		1 },
	{ R_REGISTRY,	R_REGISTRY,	0 },
	{ R_EVIDENCE,	R_EVIDENCE,	0 },
};

static void	on_heartbeat(evutil_socket_t, short, void *);
static void	child_start(struct child *);
static void	end_all(int);
static void	on_stop_timeout(evutil_socket_t, short, void *);

struct child *
child_of(const struct chan *c)
{
	return (struct child *)(uintptr_t)((const char *)c -
	    offsetof(struct child, chan));
}

/* ---- channels ---------------------------------------------------------- */

void
child_kill(struct child *c, const char *why)
{
	if (c->pid == 0)
		return;
	log_err("%s: killed: %s", c->name, why);
	kill(c->pid, SIGKILL);
}

static void
child_deafen(struct child *c)
{
	if (c->readable != NULL)
		event_free(c->readable);
	c->readable = NULL;
	chan_close(&c->chan);
}

/* Its channel is closed, or said something illegal: -1. */
static int
child_hear(struct child *c)
{
	static const enum state state = S_IDLE;

	if (c->chan.fd == -1)
		return -1;
	if (chan_flush(&c->chan) != -1 && chan_dispatch(&c->chan, &state) != -1)
		return 0;
	child_deafen(c);
	return -1;
}

/* A child that closed its channel ends; one that broke the protocol must. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (child_hear(c) == -1 && c->pid != 0)
		kill(c->pid, SIGKILL);
}

void
child_send(struct child *c, enum msg_type type, const void *payload, int fd)
{
	chan_send(&c->chan, type, payload, NULL, 0, fd);
	if (c->chan.is_broken)
		child_kill(c, "does not read messages from the monitor");
}

void
children_send(enum role role, enum msg_type type, int fd)
{
	struct child *c;

	for (c = children; c < children + n_children; c++)
		if (c->role & role)
			child_send(c, type, NULL, fd);
}

void
children_log_level(uint32_t level)
{
	const struct m_log_level m = { level };
	struct child *c;

	for (c = children; c < children + n_children; c++)
		if (c->pid != 0)
			child_send(c, M_LOG_LEVEL, &m, -1);
}

/* `workers' was lowered: it ends when it has no task, and is not started
 * again. */
static int
is_surplus(const struct child *c)
{
	return c->role == R_COMPUTE && c->index >= conf->workers;
}

static void
peer_send(struct child *c, enum role role, uint32_t index, int fd)
{
	const struct m_peer p = { role, index };

	child_send(c, M_PEER, &p, fd);
}

static void
wire_to_keys(const struct wire *w, struct child *c, struct child *keys)
{
	int fd[2];

	if (chan_pair(fd) == -1)
		fatal("socketpair: %s", strerror(errno));
	peer_send(keys, w->as, c->index, fd[1]);
	peer_send(c, R_KEYS, w->index, fd[0]);
	close(fd[0]);
	close(fd[1]);
}

/* All roles run: whoever started the daemon can go on. */
static void
tell_ready(void)
{
	static int is_told;
	size_t i;

	if (is_told)
		return;
	for (i = 0; i < n_children; i++)
		if (!children[i].is_ready && !is_surplus(&children[i]))
			return;
	is_told = 1;
	log_info("all roles are ready");
	notify_send("READY=1\nMAINPID=%d", (int)getpid());
	background_ready();
}

/* Give this child its channels to keys; both are up. */
static void
child_wire(struct child *c, struct child *keys)
{
	size_t i;

	for (i = 0; i < sizeof(wires) / sizeof(wires[0]); i++)
		if (wires[i].role == c->role)
			wire_to_keys(&wires[i], c, keys);
	if (c->keys_fd == -1)
		return;
	if (!is_surplus(c))	/* or else it sees its channel closed */
		peer_send(keys, R_COMPUTE, c->index, c->keys_fd);
	close(c->keys_fd);
	c->keys_fd = -1;
}

/* Tell each net or nox how the others are. */
static void
tell_roles(void)
{
	struct m_roles r;
	struct child *c;
	size_t i, bit;

	if (phase != RUNNING)
		return;
	memset(&r, 0, sizeof(r));
	r.log_dropped = logger_dropped;
	r.cpu[role_bit(R_MONITOR)] = now_cpu_us();
	for (i = 0; i < n_children; i++) {
		bit = role_bit(children[i].role);
		r.restarts[bit] += children[i].restarts;
		r.cpu[bit] += children[i].cpu_before + children[i].cpu;
		r.features[bit] = children[i].features;
		r.workers += children[i].role == R_COMPUTE &&
		    children[i].is_ready;
	}
	for (c = children; c < children + n_children; c++)
		if ((c->role & R_FRONT) && c->is_ready)
			child_send(c, M_ROLES, &r, -1);
}

/* Does this role's sandbox lack a feature that the configuration requires? */
static int
lacks_feature(const struct child *c)
{
	const uint32_t missing = conf->require & sandbox_of(c->role) &
	    ~c->features;
	size_t i;

	for (i = 0; i < SANDBOX_FEATURES; i++)
		if (missing & 1u << i)
			log_err("%s: require %s: not available on this system: "
				"stopping",
			    c->name, sandbox_feature[i]);
	return missing != 0;
}

void
child_ready(struct child *c, uint32_t features)
{
	struct child *keys = &children[0];
	char text[128] = "";
	int is_routine;
	size_t i;

	if (c->is_ready) {
		child_kill(c, "sent READY twice");
		return;
	}
	/* With a process for each task it would be a line for each task. */
	is_routine = c->was_up && c->role == R_COMPUTE && conf->isolate_task;
	c->is_ready = c->was_up = 1;
	c->unanswered = 0;
	c->features = features;
	for (i = 0; i < SANDBOX_FEATURES; i++)
		if (features & 1u << i) {
			strcat(text, " ");
			strcat(text, sandbox_feature[i]);
		}
	if (!is_routine)
		log_info(
		    "%s[%d] ready, sandbox:%s", c->name, (int)c->pid, text);
	if (lacks_feature(c)) {
		children_failed = 1;
		phase = STOPPING;
		end_all(SIGKILL);
		return;
	}

	/* keys itself: all that were up before it. */
	for (i = 1; i < n_children && keys->is_ready; i++)
		if (children[i].is_ready && (c == keys || c == &children[i]))
			child_wire(&children[i], keys);
	tell_roles();
	tell_ready();
}

void
child_serving(struct child *c, const struct m_serving *m)
{
	if (m->chain >= conf->n_chains)
		child_kill(c, "reports an unknown chain");
	else
		notify_serving(conf, m);
}

/* ---- starting ---------------------------------------------------------- */

static void
child_send_start(struct child *c)
{
	static struct m_start s;
	size_t bit = role_bit(c->role);

	memset(&s, 0, sizeof(s));
	msg_table_hash(s.table);
	s.role = c->role;
	s.index = c->index;
	s.uid = users->uid[bit];
	s.gid = users->gid[bit];
	s.log_level = conf->log_level;
	s.namespaces = namespaces_of(c->role, namespaces);
	snprintf(s.empty_dir, sizeof(s.empty_dir), "%s", conf->chroot);
	s.conf = *conf;
	child_send(c, M_START, &s, -1);
}

static void
child_start(struct child *c)
{
	int fd[2], work[2] = { -1, -1 };
	sigset_t all, before;

	if (chan_pair(fd) == -1 ||
	    (c->role == R_COMPUTE && chan_pair(work) == -1))
		fatal("socketpair: %s", strerror(errno));
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if ((c->pid = fork()) == -1)
		fatal("fork: %s", strerror(errno));
	if (c->pid == 0)
		exec_role(c->role, users->empty_fd, fd[1], work[1]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fd[1]);
	if (work[1] != -1)
		close(work[1]);
	c->keys_fd = work[0];
	c->is_ready = c->is_expected = 0;
	c->unanswered = 0;
	c->cpu_before += c->cpu;
	c->cpu = 0;
	c->denied = 0;
	c->started = now_ms();
	chan_init(&c->chan, fd[0], R_MONITOR, c->role, c->index);
	c->readable = event_new(
	    base, fd[0], EV_READ | EV_PERSIST, on_readable, c);
	if (c->readable == NULL || event_add(c->readable, NULL) == -1)
		fatal("libevent: out of memory");
	child_send_start(c);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (is_surplus(c))
		return;
	c->restarts++;
	child_start(c);
}

static void
child_again(struct child *c, unsigned ms)
{
	const struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	event_add(c->again, &tv);
}

/* Which of several it is, for the log. */
static void
child_name(struct child *c)
{
	const char *role = role_name(c->role);

	if (c->role == R_COMPUTE)
		snprintf(c->name, sizeof(c->name), "%s-%u", role, c->index);
	else if ((c->role & (R_FRONT | R_REGISTRY)) && conf->n_chains > 1)
		snprintf(c->name, sizeof(c->name), "%s-%llu", role,
		    (unsigned long long)conf->chains[c->index].chain_id);
	else
		snprintf(c->name, sizeof(c->name), "%s", role);
}

static void
child_add(enum role role, uint32_t index)
{
	struct child *c = &children[n_children++];

	c->role = role;
	c->index = index;
	c->keys_fd = c->chan.fd = -1;
	child_name(c);
	if ((c->again = evtimer_new(base, on_again, c)) == NULL)
		fatal("libevent: out of memory");
	child_log_init(c, base);
}

/* A worker that a reload adds, or that an earlier one ended. */
static void
worker_start(uint32_t index)
{
	struct child *c;

	for (c = children; c < children + n_children; c++)
		if (c->role == R_COMPUTE && c->index == index)
			break;
	if (c == children + n_children) {
		child_add(R_COMPUTE, index);
		c->was_up = 1;	/* the others are: its failure is no bad
				 * set-up */
	}
	/* Another is started when this one has ended, after the delay, or with
	 * all roles. */
	if (c->pid == 0 && !evtimer_pending(c->again, NULL) && phase == RUNNING)
		child_start(c);
}

void
children_limits(void)
{
	const struct m_limits m = { conf->max_tasks, conf->workers };
	struct child *c;
	uint32_t i;

	for (c = children; c < children + n_children; c++)
		if (c->pid != 0 && (c->role & (R_KEYS | R_FRONT)))
			child_send(c, M_LIMITS, &m, -1);
	for (i = 0; i < conf->workers; i++)
		worker_start(i);
}

const struct conf *
children_conf(void)
{
	return conf;
}

void
children_start(struct event_base *b, const struct conf *cf,
    const struct users *u, uint32_t sp, const char *dir)
{
	static const struct timeval tv = { PING_INTERVAL, 0 };
	struct event *heartbeat;
	uint32_t i;

	base = b;
	conf = cf;
	users = u;
	namespaces = sp;
	exec_open(dir);
	stop_timer = evtimer_new(base, on_stop_timeout, NULL);
	heartbeat = event_new(base, -1, EV_PERSIST, on_heartbeat, NULL);
	if (stop_timer == NULL || heartbeat == NULL ||
	    event_add(heartbeat, &tv) == -1)
		fatal("libevent: out of memory");
	child_add(R_KEYS, 0);		/* the first */
	child_add(R_EVIDENCE, 0);
	for (i = 0; i < conf->workers; i++)
		child_add(R_COMPUTE, i);
	for (i = 0; i < conf->n_chains; i++) {
		child_add(R_REGISTRY, i);
		child_add(
		    conf->chains[i].protocol == PROTOCOL_NOX ? R_NOX : R_NET,
		    i);
	}
	for (i = 0; i < n_children; i++)
		child_start(&children[i]);
}

/* ---- are they alive? --------------------------------------------------- */

/* How many PINGs may this role leave unanswered?  Before it is ready, how many
 * ticks may it take?  Counted, not timed: while the system is suspended nobody
 * answers.  Workers are watched by keys. */
static unsigned
may_miss(const struct child *c)
{
	return c->is_ready && c->role != R_EVIDENCE ? PINGS_MISSED : PINGS_BUSY;
}

/* Do keys and each net or nox answer? */
static int
do_answer(void)
{
	const struct child *c;

	for (c = children; c < children + n_children; c++)
		if ((c->role & (R_KEYS | R_FRONT)) &&
		    (!c->is_ready || c->unanswered >= PINGS_MISSED))
			return 0;
	return 1;
}

static void
on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
	struct child *c;
	char why[64];

	(void)fd;
	(void)what;
	(void)arg;
	if (phase == STOPPING || phase == RESTARTING)
		return;
	for (c = children; c < children + n_children; c++) {
		if (c->pid == 0 || (c->is_ready && !(c->role & R_PINGED)))
			continue;
		if (c->unanswered++ >= may_miss(c)) {
			snprintf(why, sizeof(why),
			    c->is_ready ? "no answer for %u s" :
					  "not ready after %u s",
			    may_miss(c) * PING_INTERVAL);
			child_kill(c, why);
		} else if (c->is_ready)
			child_send(c, M_PING, NULL, -1);
	}
	tell_roles();
	if (do_answer())
		notify_send("WATCHDOG=1");
}

/* ---- ending ------------------------------------------------------------ */

static size_t
children_alive(void)
{
	size_t i, n = 0;

	for (i = 0; i < n_children; i++)
		n += children[i].pid != 0;
	return n;
}

/* After a delay of `last' and a life of `up', both milliseconds. */
static unsigned
next_delay(unsigned last, uint64_t up)
{
	if (last == 0 || up > DELAY_RESET)
		return DELAY_FIRST;
	return last > DELAY_MAX / 2 ? DELAY_MAX : last * 2;
}

/* "signal 31: Bad system call: system call openat (257) is not ..." */
static const char *
exit_cause(const struct child *c, int status, char *text, size_t size)
{
	if (WIFEXITED(status)) {
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
		return text;
	}
	snprintf(text, size, "signal %d: %s", WTERMSIG(status),
	    strsignal(WTERMSIG(status)));
	if (c->denied != 0)
		snprintf(text + strlen(text), size - strlen(text),
		    ": system call %s (%u) is not in its policy",
		    syscall_name(c->denied - 1), c->denied - 1);
	return text;
}

/* All are to end, none is to be started before they have. */
static void
end_all(int sig)
{
	size_t i;

	for (i = 0; i < n_children; i++) {
		event_del(children[i].again);
		children[i].is_expected = 1;
		children[i].is_ready = 0;
		/* A request to the TEE that is cut short can cost the guest
		 * its key: evidence ends when it is answered. */
		if (children[i].pid != 0 && sig != 0 &&
		    (children[i].role != R_EVIDENCE || !children[i].was_up))
			kill(children[i].pid, sig);
		else if (children[i].chan.fd != -1)
			shutdown(children[i].chan.fd, SHUT_WR);
	}
}

static void
wait_at_most(uint32_t seconds)
{
	const struct timeval tv = { seconds, 0 };

	event_add(stop_timer, &tv);
}

static void
keys_lost(struct child *keys)
{
	log_warn("keys: ended, and its identity key with it: restarting all "
		 "roles with a new identity");
	phase = RESTARTING;
	end_all(SIGKILL);
	wait_at_most(STOP_TIMEOUT);
	keys->is_expected = 1;
}

static void
restart_all(void)
{
	size_t i;

	phase = RUNNING;
	waits_for_tee = 0;
	event_del(stop_timer);
	for (i = 0; i < n_children; i++)
		child_again(&children[i], children[0].delay);
}

/* After its last job, or because it is one too many: no failure, and not
 * counted as a restart.  Or keys has ended, which is handled next. */
static void
worker_exited(struct child *c)
{
	if (!is_surplus(c)) {
		child_start(c);
		return;
	}
	log_info("%s: ended: workers is %u now", c->name, conf->workers);
	tell_roles();
}

static void
child_ended(struct child *c, int status)
{
	int was_ready = c->is_ready, i;
	char text[160];

	/* Read what it sent before it ended.  Limited, because another process
	 * may hold a copy of its socket and go on sending. */
	for (i = 0; i < LAST_WORDS && child_hear(c) == 0; i++)
		;
	child_deafen(c);
	child_log_report(c);
	c->pid = 0;
	c->is_ready = 0;
	if (c->keys_fd != -1)
		close(c->keys_fd);
	c->keys_fd = -1;
	if (c->is_expected)
		return;
	if (c->role == R_COMPUTE && was_ready && status == 0) {
		worker_exited(c);
		return;
	}
	exit_cause(c, status, text, sizeof(text));
	if (!c->was_up) {
		log_err("%s: failed to start: %s", c->name, text);
		children_failed = 1;
		phase = STOPPING;
		end_all(SIGKILL);
		return;
	}
	if (is_surplus(c)) {
		log_err("%s: died: %s: not restarted: workers is %u now",
		    c->name, text, conf->workers);
		tell_roles();
		return;
	}
	c->delay = next_delay(c->delay, now_ms() - c->started);
	if (phase == DRAINING && (c->role & (R_KEYS | R_FRONT))) {
		log_err("%s: died: %s: not restarted during shutdown", c->name,
		    text);
		if (c->role == R_KEYS)
			children_stop();
		else
			child_drained(c);
		return;
	}
	log_err("%s: died: %s: restarting in %u ms", c->name, text, c->delay);
	if (c->role == R_KEYS)
		keys_lost(c);
	else
		child_again(c, c->delay);
	tell_roles();
}

void
children_reap(void)
{
	size_t i;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < n_children; i++)
			if (children[i].pid == pid) {
				child_ended(&children[i], status);
				break;
			}
	if (children_alive() != 0)
		return;
	if (phase == RESTARTING)
		restart_all();
	if (phase == STOPPING)
		event_base_loopbreak(base);
}

void
children_stop(void)
{
	phase = STOPPING;
	waits_for_tee = 0;
	end_all(0);
	wait_at_most(STOP_TIMEOUT);
	children_reap();
}

/* Are keys and each net or nox up? */
static int
can_drain(void)
{
	const struct child *c;

	for (c = children; c < children + n_children; c++)
		if ((c->role & (R_KEYS | R_FRONT)) && !c->is_ready)
			return 0;
	return 1;
}

void
children_drain(void)
{
	struct child *c;

	if (phase == STOPPING)
		return;
	if (phase != RUNNING || !can_drain()) {
		children_stop();
		return;
	}
	log_info("shutting down: finishing tasks in flight (timeout %u s)",
	    conf->drain_timeout);
	phase = DRAINING;
	notify_send("STOPPING=1");
	for (c = children; c < children + n_children; c++) {
		c->is_drained = 0;
		if (c->role & (R_KEYS | R_FRONT))
			child_send(c, M_DRAIN, NULL, -1);
	}
	wait_at_most(conf->drain_timeout);
}

void
child_drained(struct child *c)
{
	if (phase != DRAINING) {
		child_kill(c, "sent DRAINED without a request to drain");
		return;
	}
	c->is_drained = 1;
	for (c = children; c < children + n_children; c++)
		if ((c->role & R_FRONT) && !c->is_drained)
			return;
	children_stop();
}

static void
on_stop_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct child *c;
	size_t i;

	(void)fd;
	(void)what;
	(void)arg;
	if (phase == DRAINING) {
		log_warn("shutting down: tasks or transactions not finished "
			 "within drain-timeout (%u s): stopping",
		    conf->drain_timeout);
		children_stop();
		return;
	}
	for (i = 0; i < n_children; i++) {
		c = &children[i];
		if (c->pid != 0 && c->role == R_EVIDENCE && c->was_up &&
		    !waits_for_tee) {
			log_warn("%s: not stopped yet: waiting at most %d s "
				 "for the TEE to answer",
			    c->name, QUOTE_TIMEOUT);
			waits_for_tee = 1;
			wait_at_most(QUOTE_TIMEOUT);
		} else
			child_kill(c, "did not exit");
	}
}

void
child_cut(enum role role, uint32_t index)
{
	size_t i;

	for (i = 0; i < n_children; i++)
		if (children[i].role == role && children[i].index == index)
			child_kill(&children[i], "requested by keys");
}
