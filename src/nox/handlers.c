/* SPDX-License-Identifier: Apache-2.0
 *
 * One handler for each message that nox receives.  The table has checked
 * sender, state, size and descriptors; delivery.c checks that the message fits
 * its delivery.
 */
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "nox.h"
#include "proc.h"

#define SELF R_NOX
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
	stream_start();
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
}

/* The monitor asks whether we are alive. */
ON(PING)
{
	proc_pong(c);
}

ON(DRAIN)
{
	front.state = S_DRAINING;
	stream_update();
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
	stream_update();
}

ON(WORKERS)
{
	front_on_workers(m);
}

ON(ENDPOINTS_SEEN)
{
	front_on_endpoints(m);
}

ON(REGISTER)
{
	nox_keep_evidence(m->payload, m->fd);
	close(m->fd);
}

ON(NOX_REFUSED)
{
	delivery_on_refused(m->payload);
}

ON(NOX_ASK)
{
	delivery_on_ask(m->payload);
}

ON(NOX_RESULT)
{
	delivery_on_result(m);
}

ON(NOX_ENDED)
{
	delivery_on_ended(m->payload);
}
