/* SPDX-License-Identifier: Apache-2.0
 *
 * Common code of the servers: start-up, Control, faults.  A server reads only
 * its own secret and certificate.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "devnet.pb-c.h"
#include "log.h"
#include "server.h"

struct devnet devnet;
struct rpc_tls tls;
_Atomic enum fault fault;

static const char *self;
static const char *(*describe)(struct pool *);

static const struct {
	const char	*who, *name, *text;
	enum fault	 fault;
} faults[] = {
#define FAULT(who, name, text) { #who, #name, text, FAULT_##who##_##name },
#include "fault.def"
#undef FAULT
};
#define N_FAULTS	(sizeof(faults) / sizeof(faults[0]))

/* "kms-2" matches KMS. */
static int
is_for(size_t i, const char *who)
{
	size_t n = strlen(faults[i].who);

	return strncasecmp(faults[i].who, who, n) == 0 &&
	    (who[n] == '\0' || who[n] == '-');
}

void
server_list_faults(const char *who)
{
	size_t i;

	for (i = 0; i < N_FAULTS; i++)
		if (who == NULL || is_for(i, who))
			printf("  %-13s%-10s%s\n", faults[i].who,
			    faults[i].name, faults[i].text);
}

int
server_has_fault(const char *who, const char *what)
{
	size_t i;

	for (i = 0; i < N_FAULTS; i++)
		if (is_for(i, who) &&
		    (strcmp(faults[i].name, what) == 0 ||
			strcmp(what, "off") == 0))
			return 1;
	return 0;
}

int
server_set_fault(const char *who, const char *what)
{
	enum fault wanted = FAULT_none;
	size_t i;

	if (!server_has_fault(who, what))
		return -1;
	for (i = 0; i < N_FAULTS; i++)
		if (is_for(i, who) && strcmp(faults[i].name, what) == 0)
			wanted = faults[i].fault;
	fault = wanted;
	log_warn("fault: %s", what);
	return 0;
}

void
on_fault(struct rpc_call *call, void *p)
{
	const Teerunner__Devnet__FaultRequest *request = p;
	Teerunner__Devnet__FaultResponse answer =
	    TEERUNNER__DEVNET__FAULT_RESPONSE__INIT;

	if (server_set_fault(self, request->what) != 0) {
		rpc_fail(call, GRPC_STATUS_INVALID_ARGUMENT, "no such fault");
		return;
	}
	rpc_reply(call, &answer.base);
}

void
on_status(struct rpc_call *call, void *request)
{
	Teerunner__Devnet__StatusResponse answer =
	    TEERUNNER__DEVNET__STATUS_RESPONSE__INIT;

	(void)request;
	answer.json = (char *)(uintptr_t)describe(&call->pool);
	rpc_reply(call, &answer.base);
}

static void *
run_loop(void *none)
{
	(void)none;
	rpc_loop(NULL);
	fatal("the queue was shut down");
}

void
server_run(const struct server *server, const char *who, uint32_t node)
{
	long i, n = sysconf(_SC_NPROCESSORS_ONLN) / 2;
	pthread_t thread;
	uint16_t port;

	self = who;
	describe = server->status;
	rpc_tls_load(&tls, devnet.dir, who);
	port = server->start(node);
	rpc_serve(dir_address(port), &tls, server->methods, server->n_methods);
	if (n > (long)server->threads)
		n = (long)server->threads;
	for (i = 1; i < n; i++)
		if (pthread_create(&thread, NULL, run_loop, NULL) != 0)
			fatal("no thread");
	rpc_loop(NULL);
	fatal("the queue was shut down");
}
