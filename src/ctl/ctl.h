/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of tee-runnerctl share.
 */
#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct policy;

struct options {
	const char	*socket;
	const char	*arg;		/* after the command; or NULL */
	const char	*file;		/* config's */
	const char	*state;		/* of tasks; "": all */
	const char	*save;		/* of evidence; NULL: not */
	int		 json, bpf, all, hash;
	int		 pid;		/* of --diff or --pid; 0: none */
	int		 timeout;	/* of wait, seconds; 0: none */
	int		 count;		/* frames of top; 0: no end */
};

/* "tee-runnerctl: WHAT: WHY" on standard error: 1. */
int fail(const char *what, const char *why);

/* For jsonw_begin(): writes to a FILE. */
void print(void *file, const char *text, size_t n);

/* ---- ask.c: questions to a control socket ------------------------------ */

/* A connection to a control socket, or -1, and in *why the reason. */
int control_connect(const char *path, const char **why);
/* The answer to "NAME\n" or "NAME ARGUMENT\n", *n bytes and a NUL, to be
 * freed; NULL, and in *why the reason. */
char *ask(const char *path, const char *question, size_t *n, const char **why);
/* The same as JSON; an answer with a member "error" is a reason. */
json_t *ask_json(const char *path, const char *question, const char **why);
void print_json(const json_t *);

/* Texts below are printable, and good for the next seven calls. */
const char *safe(const char *);		/* foreign text */
/* Numbers and strings alike; `-' for all else. */
const char *value_text(const json_t *);
const char *member_text(const json_t *, const char *name);
uint64_t member_number(const json_t *, const char *name);	/* 0: none */
const char *date_text(uint64_t at);	/* 2026-11-28T16:00:00Z, or never */
const char *duration_text(uint64_t seconds);	/* "3 h" */
const char *when_text(uint64_t at);	/* the date, and how far away */

/* ---- show.c: the parts of the status ----------------------------------- */

int command_status(const struct options *);
int command_wait(const struct options *);
int command_endpoints(const struct options *);
int command_kms(const struct options *);
int command_registration(const struct options *);
int command_evidence(const struct options *);
/* Why the service at this control socket does not serve; NULL: it does. */
const char *service_why(const char *socket);

/* ---- top.c ------------------------------------------------------------- */

int command_top(const struct options *);

/* ---- show_tasks.c ------------------------------------------------------ */

int command_tasks(const struct options *);
int command_task(const struct options *);

/* ---- steer.c: what changes a running service --------------------------- */

int command_drain(const struct options *);
int command_resume(const struct options *);
int command_renew(const struct options *);
int command_forecast(const struct options *);
int command_log_level(const struct options *);
int command_reload(const struct options *);

int command_upgrade(const struct options *);
/* upgrade.c: was an upgrade requested, by the file next to this control socket?
 * Then it is done, and 1 is returned; *status is that of the command. */
int upgrade_requested(const char *socket, pid_t old, int *status);
int command_explain(const struct options *);
int command_config(const struct options *);
int command_policy(const struct options *);

/* policy.c: the program's SHA-256, in hex; until the next call. */
const char *policy_hex(const struct policy *);
/* diff.c: the monitor of the service at this control socket, or -1, and why is
 * told. */
pid_t find_monitor(const char *socket);
/* diff.c: 0 when the process, or each of the service at this control socket, is
 * under the compiled filters; else 1, and why is told. */
int policy_diff(const struct policy *, pid_t);
int policy_diff_all(const char *socket);

#endif
