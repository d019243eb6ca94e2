/* SPDX-License-Identifier: Apache-2.0
 *
 * How a child of the monitor starts, in every role.  fd 3 is the channel to
 * the monitor; compute has its channel to keys on fd 4; all others get their
 * channels later, as PEER messages.
 */
#ifndef PROC_H
#define PROC_H

#include "chan.h"

#define PROC_MONITOR_FD	3
#define PROC_KEYS_FD	4	/* compute only */

extern struct chan monitor;	/* the channel to the monitor, in every child */

/* After how many jobs does a worker exit, to be replaced by a fresh process?
 * keys and the worker both count, so that keys gives it none after the last.
 * Workers end at different numbers: they do not all exit at once. */
#define WORKER_JOBS	10000
#define WORKER_JOBS_APART 150
uint32_t proc_worker_jobs(const struct conf *, uint32_t index);

/* First call of main(): takes START from the monitor (fatal without one: "start
 * tee-runnerd, not this"), checks the table's hash and that `role' is ours,
 * sets up logging.  Before the sandbox: blocking, may use any system call. */
void proc_start(enum role role, struct m_start *start);

/* Last call of start-up, when all that is needed is open: chroot, uid, limits,
 * Landlock, filter (sandbox_enter), then READY to the monitor. */
void proc_sandbox(enum role role, const struct m_start *start);
/* The same, but the files in the directory `files_fd' may be opened yet. */
void proc_sandbox_with(
    enum role role, const struct m_start *start, int files_fd);

/* Answer a PING, with the CPU time that this process has used. */
void proc_pong(struct chan *);

#endif
