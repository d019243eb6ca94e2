/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of tee-runnerctl share.
 */
#ifndef CTL_H
#define CTL_H

#include <sys/types.h>

struct policy;

struct options {
	const char	*socket;
	const char	*role;		/* policy's; NULL: all */
	const char	*file;		/* config's */
	int		 json, bpf, all, hash;
	int		 pid;		/* of --diff; 0: none */
	int		 timeout;	/* of wait, seconds; 0: none */
};

/* "tee-runnerctl: WHAT: WHY" on standard error: 1. */
int fail(const char *what, const char *why);

/* For jsonw_begin(): writes to a FILE. */
void print(void *file, const char *text, size_t n);

/* A connection to a control socket, or -1, and in *why the reason. */
int control_connect(const char *path, const char **why);
/* Why the service at this control socket does not serve; NULL: it does. */
const char *service_why(const char *socket);

int command_upgrade(const struct options *);
int command_config(const struct options *);
int command_policy(const struct options *);

/* policy.c: the program's SHA-256, in hex; until the next call. */
const char *policy_hex(const struct policy *);
/* diff.c: the monitor of the service at this control socket, or -1, and why is
 * told. */
pid_t find_monitor(const char *socket);
/* diff.c: the first child of this process that /proc lists, or -1. */
pid_t find_child(pid_t parent);
/* diff.c: 0 when the process, or each of the service at this control socket, is
 * under the compiled filters; else 1, and why is told. */
int policy_diff(const struct policy *, pid_t);
int policy_diff_all(const char *socket);

#endif
