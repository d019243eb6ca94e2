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
extern enum fault fault;

/* Serve until killed. */
_Noreturn void	orchestrator_main(void);
_Noreturn void	gateway_main(void);
_Noreturn void	kms_main(uint32_t node);

/* The Control service, which is in every table.  `status' prints JSON into the
 * pool. */
void server_init(const char *who, const char *(*status)(struct pool *));
void on_fault(struct rpc_call *, void *);
void on_status(struct rpc_call *, void *);
#define CONTROL_METHODS							\
	{ "/teerunner.devnet.Control/Fault", "cli",			\
	  &teerunner__devnet__fault_request__descriptor, on_fault },	\
	{ "/teerunner.devnet.Control/Status", "cli",			\
	  &teerunner__devnet__status_request__descriptor, on_status },

/* Main function of `tee-devnet serve'. */
int server_run(const char *dir, const char *who);
/* List the faults of `who' ("gateway", "kms-2"), one per line; NULL: of all
 * servers. */
void server_list_faults(const char *who);
int server_has_fault(const char *who, const char *what);

#endif
