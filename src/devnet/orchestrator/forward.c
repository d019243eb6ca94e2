/* SPDX-License-Identifier: Apache-2.0
 *
 * Forwards results to the Gateway.  A batch is sent as the Runner signed it,
 * and retried until the Gateway answers; only then is it acknowledged, and the
 * Runner drops its copy.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "orchestrator.h"
#include "program.h"
#include "server.h"

#define STORE_TIMEOUT	5000	/* ms */
#define AGAIN		500	/* ms between retries */

struct forward {
	struct pool	 pool;
	struct rpc_timer timer;
	Teerunner__V1__TaskResultBatch *batch;
	uint8_t		 runner[20];
};

static struct rpc_peer *gateway;

void
forward_init(void)
{
	gateway = rpc_connect(dir_address(devnet.gateway_port), &tls);
	gateway->is_patient = 1;
}

static void	store(void *);

static void
finish(struct forward *f, const Teerunner__V1__StoreReport *report)
{
	size_t i;

	for (i = 0; i < f->batch->n_results; i++)
		tasks_stored(f->runner, f->batch->results[i],
		    report != NULL && i < report->n_outcomes ?
			report->outcomes[i]->status :
			ST_GATEWAY_ERROR);
	session_ack(f->runner, f->batch);
	pool_free(&f->pool);
	free(f);
	tasks_dispatch();
}

static void
on_report(void *arg, int code, const char *why, void *report)
{
	struct forward *f = arg;

	switch (code) {
	case GRPC_STATUS_OK: finish(f, report); break;
	case GRPC_STATUS_UNAUTHENTICATED:
	case GRPC_STATUS_PERMISSION_DENIED:
	case GRPC_STATUS_INVALID_ARGUMENT:
		/* Retrying would not help: let the tasks be computed again. */
		log_warn("gateway: refuses results: %s", why);
		finish(f, NULL);
		break;
	default:
		log_warn("gateway: does not store: %s", why);
		rpc_after(&f->timer, AGAIN, store, f);
	}
}

static void
store(void *arg)
{
	struct forward *f = arg;

	rpc_send(gateway, "/teerunner.v1.HandleGateway/StoreResults",
	    &f->batch->base, &teerunner__v1__store_report__descriptor,
	    STORE_TIMEOUT, on_report, f);
}

void
forward_results(
    const uint8_t runner[20], const Teerunner__V1__TaskResultBatch *batch)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (f == NULL)
		fatal("forward: out of memory");
	pool_init(&f->pool);
	f->batch = rpc_copy(&batch->base, &f->pool);
	memcpy(f->runner, runner, sizeof(f->runner));
	store(f);
}
