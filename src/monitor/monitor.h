/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the monitor share.  The monitor starts the others, gives
 * each its channels, prints what they log and starts them again; it reads
 * nothing that comes from the network and holds no key.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <event2/event.h>

#include "chan.h"
#include "log.h"
#include "payload.h"

/* The number of a role's bit, for arrays. */
static inline size_t
role_bit(enum role role)
{
	return (size_t)__builtin_ctz(role);
}

/* ---- namespaces.c ------------------------------------------------------ */

/* Create them, before capabilities are dropped and the filter is on.  Returns
 * the SANDBOX_* that hold for the monitor and its children. */
uint32_t namespaces_enter(void);
/* Those of them that hold for a role. */
uint32_t namespaces_of(enum role, uint32_t namespaces);
/* In the child, before it executes the role: enter the network that the role
 * needs.  Returns 0, or -1 and errno. */
int namespaces_leave(enum role);

/* ---- logger.c: the log ------------------------------------------------- */

/* Before the filter: from now on log.c's lines go to syslogd, or else to
 * standard error.  Nothing here waits for a reader. */
void logger_init(int to_syslog);
/* Lines are JSON objects from now on, or text. */
void logger_format(int is_json);
/* Lines that could not be written are tried again from this loop. */
void logger_start(struct event_base *);
/* Write what is left: at most a second. */
void logger_finish(void);
/* Lines go to syslogd alone: nobody reads standard error any more. */
void logger_detach(void);
/* Lines that nobody read, or that log_budget.c did not let through. */
extern uint64_t logger_dropped;

/* ---- log_json.c -------------------------------------------------------- */

/* A string of `n' bytes; without text: there is none. */
struct log_part {
	const char	*text;
	size_t		 n;
};

/* `[chain N: ][subject: ]event[: detail][ [traceparent]]'. */
struct log_parts {
	struct log_part	 chain, subject, event, detail, traceparent;
};

/* The parts point into the text. */
void log_split(struct log_parts *, const char *text);

/* Each byte is twice in the object, and as \u00xx if it is escaped. */
#define LOG_JSON	(2 * 6 * LOG_LINE + 256)

/* A line of log.c, `who: text', as one JSON object without a newline.  stamp:
 * its time.  Returns the length. */
size_t log_json(
    char to[LOG_JSON], int level, const char *stamp, const char *line);

/* ---- background.c ------------------------------------------------------ */

/* Fork; the process that was started exits when background_ready() is called,
 * with 0, or when this one ends, with its exit status or 1.  Until then
 * warnings and errors are written to standard error, too. */
void background_start(void);
void background_ready(void);

/* ---- notify.c: the service manager ------------------------------------- */

/* Before the filter.  Without NOTIFY_SOCKET nothing is sent. */
void notify_init(void);
/* Lines of sd_notify(3): "READY=1", "STATUS=..."; formatted as by printf(3). */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Nothing is sent any more. */
void notify_end(void);
/* STATUS: whether tasks are accepted, of each chain. */
void notify_serving(const struct conf *, const struct m_serving *);

/* ---- exec.c ------------------------------------------------------------ */

/* Open the executable of each role: while files are replaced, the roles start
 * in the version that runs. */
void exec_open(const char *dir);
/* In the child: keep these descriptors and the standard ones, start a session
 * (no terminal; ^C reaches only the monitor), and execute the role.  empty_fd
 * is the directory to start in, or -1; keys_fd is the channel of a worker, or
 * -1.  Standard error stays open: the loader and abort(3) write there. */
_Noreturn void exec_role(enum role, int empty_fd, int monitor_fd, int keys_fd);

/* ---- reload.c ---------------------------------------------------------- */

/* The file, an absolute path, and the configuration that is used. */
void reload_init(const char *file, struct conf *);
/* Read it again, on SIGHUP; the log says what has changed. */
void reload(void);

/* ---- tls_files.c ------------------------------------------------------- */

/* Before the roles are started: from now on a file of tls-key or
 * tls-certificate that has changed is handed to its roles within 10 seconds, or
 * by tls_files_check(). */
void tls_files_start(struct event_base *, const struct conf *);
void tls_files_check(void);

/* ---- children.c -------------------------------------------------------- */

#define LOG_CAUSES	32

/* Lines of a child that differ only in their detail and in numbers. */
struct log_cause {
	uint64_t	 hash;
	uint64_t	 last;		/* milliseconds: its last line; 0: not
					 * used */
	uint64_t	 time;		/* as log_time */
	uint64_t	 since;		/* the first that was suppressed */
	uint32_t	 suppressed;
	int		 level;
	char		 text[160];	/* subject: event */
};

struct child {
	enum role	 role;
	uint32_t	 index;		/* which worker; of net and registry:
					 * which chain */
	char		 name[32];	/* "keys", "compute-3", "net-42161": in
					 * the log */
	pid_t		 pid;		/* 0: not running */
	struct chan	 chan;
	struct event	*readable, *again;	/* the channel; the restart */
	int		 keys_fd;	/* compute: keys' end, until both are
					 * up */
	int		 is_ready;
	int		 was_up;	/* once: what ends it now is no bad
					 * set-up */
	int		 is_expected;	/* its end is no fault */
	int		 is_drained;	/* net: has nothing left to do */
	uint64_t	 started;	/* milliseconds */
	unsigned	 delay;		/* milliseconds, before the next
					 * start */
	uint32_t	 restarts, features;
	unsigned	 unanswered;	/* PINGs, or ticks of its start */
	uint64_t	 cpu;		/* microseconds, as PONG said; */
	uint64_t	 cpu_before;	/* of its predecessors */
	uint32_t	 denied;	/* system call + 1; 0: none */
	uint64_t	 log_time;	/* milliseconds: when its log is idle
					 * again */
	uint32_t	 log_dropped;	/* lines that were not logged */
	struct event	*log_report;	/* of them */
	struct log_cause log_causes[LOG_CAUSES];
};

/* Users of the roles by bit of enum role; 0: not separated. */
struct users {
	uid_t		 uid[ROLE_BITS];
	gid_t		 gid[ROLE_BITS];
	int		 empty_fd;	/* their root directory; -1: not
					 * changed */
};

/* Start all roles; `dir' has their executables, `namespaces' is from
 * namespaces_enter().  Returns at once. */
void children_start(struct event_base *, const struct conf *,
    const struct users *, uint32_t namespaces, const char *dir);
/* One did not come up at the very first start: the daemon has failed. */
extern int children_failed;
/* The configuration that they were started with. */
const struct conf *children_conf(void);
/* Wait for children that ended: on SIGCHLD. */
void children_reap(void);
/* No new tasks, finish what there is, then end; again: end now. */
void children_drain(void);
void children_stop(void);
struct child *child_of(const struct chan *);
/* It does what it must not. */
void child_kill(struct child *, const char *why);
/* keys gave up this peer: it broke the protocol, does not read, or is stuck. */
void child_cut(enum role, uint32_t index);
/* A message without rows.  A child that does not read is killed. */
void child_send(struct child *, enum msg_type, const void *payload, int fd);
/* The level from which on roles send lines. */
void children_log_level(uint32_t);
/* workers or max-tasks has changed: tell keys and net, and start workers that
 * are missing.  keys ends those that are too many. */
void children_limits(void);
/* A descriptor to each process of a role, or of several, also to one that is
 * not in its sandbox yet.  It stays the caller's. */
void children_send(enum role, enum msg_type, int fd);
/* This net has finished what it had. */
void child_drained(struct child *);
/* From keys: it accepts tasks of this chain, or does not and why. */
void child_serving(struct child *, const struct m_serving *);
/* It is in its sandbox: give it its channels. */
void child_ready(struct child *, uint32_t features);

/* ---- log_budget.c ------------------------------------------------------ */

void child_log_init(struct child *, struct event_base *);
/* Log a line of its, which is escaped, unless there were too many, or too many
 * with the same cause. */
void child_log(struct child *, int level, const char *text);
/* Its process has ended: log now how many lines were dropped or suppressed. */
void child_log_report(struct child *);

#endif
