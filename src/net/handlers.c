/* SPDX-License-Identifier: Apache-2.0
 *
 * One handler for each message that net receives.  The table has checked
 * sender, state, size and descriptors; batch.c checks that the message fits its
 * batch.
 */
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "net.h"
#include "proc.h"
#include "timeline.h"

#define SELF R_NET
#include "dispatch.h"

/* proc_start() has taken it; a second one is a fault of the monitor. */
ON(START)
{
	chan_illegal(c, m->type, "started already");
}

ON(PEER)
{
	const struct m_peer *p = m->payload;

	if (p->role != R_KEYS || p->index > 1)
		chan_illegal(c, M_PEER, "no such peer");
	if (p->index == 1)
		tls_channel(m->fd);
	else
		front_keys_up(m->fd);
	session_start();
}

ON(LOG_LEVEL)
{
	const struct m_log_level *l = m->payload;

	log_level((int)l->level);
}

ON(LIMITS)
{
	const struct m_limits *l = m->payload;

	if (l->max_tasks == 0 || l->max_tasks > CONF_TASKS)
		chan_illegal(c, M_LIMITS, "out of bounds");
	front.conf.max_tasks = l->max_tasks;
	session_credit();
}

/* The monitor asks whether we are alive. */
ON(PING)
{
	proc_pong(c);
}

ON(DRAIN)
{
	front.state = S_DRAINING;
	session_drain();
}

ON(ROLES)
{
	front_on_roles(m->payload);
}

ON(TLS_CERTIFICATE)
{
	certificate_renewed(m->fd);
}

ON(STATUS)
{
	front_on_status(m->payload);
	batch_try_drained();
	session_credit();
}

ON(WORKERS)
{
	front_on_workers(m);
}

ON(ENDPOINTS_SEEN)
{
	front_on_endpoints(m);
}

ON(PUBLISHED)
{
	timeline_published(m->payload, m->rows, m->n_rows);
}

ON(REGISTER)
{
	session_on_register(m->payload, m->fd);
	close(m->fd);
}

ON(HELLO)
{
	session_on_hello(m->payload);
}

ON(REFUSED)
{
	batch_on_refused(c, m->payload);
}

ON(ASK)
{
	batch_on_ask(c, m);
}

ON(RESULT)
{
	batch_on_result(c, m);
}

ON(RESULTS)
{
	batch_on_results(c, m->payload);
}

/* TLS_SIGNED comes on the other channel, which is not dispatched:
 * src/front/tls_engine.c waits for it. */
