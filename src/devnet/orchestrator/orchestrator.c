/* SPDX-License-Identifier: Apache-2.0
 *
 * The Orchestrator: accepts tasks from submitters (who stand in for the chain),
 * assigns them to Runners over their streams, and forwards results to the
 * Gateway.  It sees no plaintext and never changes what a Runner signed.
 */
#include "orchestrator.h"

static const char *
status(struct pool *pool)
{
	return pool_printf(pool, "{%s,\"runners\":[%s]}", tasks_status(pool),
	    session_status(pool));
}

static uint16_t
start(uint32_t node)
{
	(void)node;
	tasks_init();
	forward_init();
	return devnet.orchestrator_port;
}

static const struct rpc_method methods[] = {
	{ "/teerunner.v1.Orchestrator/Session", "runner", NULL, on_session },
	{ "/teerunner.devnet.Submitter/Submit", "cli",
	    &teerunner__devnet__submit_request__descriptor, on_submit },
	CONTROL_METHODS
};

const struct server orchestrator_server = { start, status, methods,
	sizeof(methods) / sizeof(methods[0]), 1 };
