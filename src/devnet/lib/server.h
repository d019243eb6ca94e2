/* SPDX-License-Identifier: Apache-2.0
 *
 * The servers of a devnet.  Each is a process, `tee-devnet serve --dir DIR
 * WHO', started by `up'.  They share the devnet's data, the active fault and
 * the Control service.
 */
#ifndef SERVER_H
#define SERVER_H

#include "dir.h"
#include "rpc.h"

enum fault {
	FAULT_none,
#define FAULT(who, name, text) FAULT_##who##_##name,
#include "fault.def"
#undef FAULT
};

extern struct devnet devnet;
extern struct rpc_tls tls;
extern _Atomic enum fault fault;

struct server {
	/* Initialize, with `devnet' and `tls' loaded.  Returns the port to
	 * listen on.  node: of a KMS node, from 1. */
	uint16_t	(*start)(uint32_t node);
	/* Print JSON into the pool. */
	const char	*(*status)(struct pool *);
	const struct rpc_method *methods;
	size_t		 n_methods;
	unsigned	 threads;	/* that run handlers, at most; there are
					 * half as many as processors */
};
/* Serve until killed.  The caller has loaded `devnet'.  who: the name of the
 * certificate, such as "kms-2"; it is not copied. */
_Noreturn void server_run(
    const struct server *, const char *who, uint32_t node);

/* The Control service, which is in every table. */
void on_fault(struct rpc_call *, void *);
void on_status(struct rpc_call *, void *);
#define CONTROL_METHODS							\
	{ "/teerunner.devnet.Control/Fault", "cli",			\
	  &teerunner__devnet__fault_request__descriptor, on_fault },	\
	{ "/teerunner.devnet.Control/Status", "cli",			\
	  &teerunner__devnet__status_request__descriptor, on_status },

/* List the faults of `who' ("gateway", "kms-2"), one per line; NULL: of all
 * servers. */
void server_list_faults(const char *who);
int server_has_fault(const char *who, const char *what);
/* Make `what' the active fault of this process; "off": none.  Returns 0, or -1
 * if `who' has no such fault. */
int server_set_fault(const char *who, const char *what);

#endif
