/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of tee-devnet, and the options that main.c parses for them.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stddef.h>
#include <stdint.h>

struct options {
	const char	*dir, *user;
	const char	*kms, *op, *ops;	/* --kms T/N, --op, --ops a,b */
	uint32_t	 runners, port, tasks, batch, in_flight, timeout;
	const char	*chain, *owner_key;	/* --chain URL, and FILE */
	const char	*shared;		/* another DIR, or NULL */
	uint32_t	 chain_id;
	uint32_t	 blocks, overlap;	/* for rekey */
	uint32_t	 seconds;		/* for ledger */
	uint32_t	 rate;			/* for bench; 0: none */
	/* Of `up --nox': the consumer's max_ack_pending and max_batch, and
	 * its ack_wait in seconds. */
	uint32_t	 nox_pending, nox_batch, nox_ack_wait;
	uint32_t	 times;			/* for nox submit and bench */
	int		 json, insecure, nox;
};

/* Exit status after usage(), which prints what is wrong. */
#define EXIT_USAGE	2
int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

int command_up(const struct options *, int argc, char **argv);
int command_down(const struct options *, int argc, char **argv);
int command_status(const struct options *, int argc, char **argv);
int command_fault(const struct options *, int argc, char **argv);
int command_rekey(const struct options *, int argc, char **argv);
/* Serve until killed.  Returns the exit status. */
int command_serve(const char *dir, const char *who);
int command_put(const struct options *, int argc, char **argv);
int command_get(const struct options *, int argc, char **argv);
int command_submit(const struct options *, int argc, char **argv);
int command_task(const struct options *, int argc, char **argv);
int command_run(const struct options *, int argc, char **argv);
int command_ledger(const struct options *, int argc, char **argv);
int command_bench(const struct options *, int argc, char **argv);
int command_nox_put(const struct options *, int argc, char **argv);
int command_nox_get(const struct options *, int argc, char **argv);
int command_nox_submit(const struct options *, int argc, char **argv);
int command_nox_bench(const struct options *, int argc, char **argv);

/* bench.c: percentiles of n latencies, which are sorted; 0 if there are
 * none. */
struct latency {
	double	p50, p99, max;		/* ms */
};
void latency_of(double *ms, size_t n, struct latency *);

/* pids.c: DIR/pids has a line "NAME PID" per process. */
struct pid {
	char	name[32];
	int	pid;
};
#define PIDS_MAX	(3 + 64)
uint32_t pids_read(const char *dir, struct pid *list);	/* alive or not */
void pids_write(const char *dir, const struct pid *list, uint32_t n);
int pid_is_alive(const struct pid *);	/* not, once it has ended */
/* 1 if the process is still the server that we started. */
int pid_is_ours(const struct pid *);
/* Terminate our processes and wait.  Returns 0, or -1 if one does not end. */
int pids_end(const char *dir);

#endif
