/* SPDX-License-Identifier: Apache-2.0
 *
 * registry: reads one chain's Registry through JSON-RPC endpoints and tells
 * keys what a quorum of them agrees on.  It holds no secret, signs nothing, and
 * reaches neither net nor compute.  After start-up it opens no file and looks
 * up no name.
 */
#include "handlers.h"
#include "log.h"
#include "proc.h"
#include "registry.h"
#include "web.h"

int
main(void)
{
	static struct m_start start;	/* registry.c keeps a pointer into it */
	struct event_base *base;

	proc_start(R_REGISTRY, &start);
	if ((base = event_base_new()) == NULL)
		fatal("cannot create an event loop");
	web_init(&start.conf);
	registry_init(base, &start.conf.chains[start.index], handlers_facts,
	    handlers_endpoints);
	proc_sandbox(R_REGISTRY, &start);
	handlers_init(base);
	event_base_dispatch(base);
	fatal("the event loop ended");
}
