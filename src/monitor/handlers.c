/* SPDX-License-Identifier: Apache-2.0
 *
 * One handler for each message that the monitor receives.  A child's words are
 * logged or counted; they concern only that child.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "clock.h"
#include "log.h"
#include "monitor.h"

#define SELF R_MONITOR
#include "dispatch.h"

#define AGENT_PAUSE	1000	/* milliseconds */

ON(READY)
{
	const struct m_ready *r = m->payload;

	child_ready(child_of(c), r->features);
}

ON(LOG)
{
	const struct m_log *l = m->payload;
	char text[2 * sizeof(l->text)];
	int level = LOG_DEBUG;

	/* Nothing worse than an error: syslogd tells all users of those. */
	if (l->level < LOG_DEBUG)
		level = l->level < LOG_ERR ? LOG_ERR : (int)l->level;
	child_log(child_of(c), level,
	    log_escape(text, sizeof(text), l->text,
		strnlen(l->text, sizeof(l->text))));
}

ON(DENIED)
{
	const struct m_denied *d = m->payload;

	child_of(c)->denied = d->nr + 1;
}

ON(PONG)
{
	const struct m_pong *p = m->payload;
	struct child *child = child_of(c);

	child->unanswered = 0;
	child->cpu = p->cpu;
}

ON(SERVING)
{
	child_serving(child_of(c), m->payload);
}

ON(CUT)
{
	const struct m_peer *p = m->payload;

	child_cut(p->role, p->index);
}

ON(AGENT_ASK)
{
	static uint64_t last;
	const char *path = children_conf()->dstack_socket;
	const uint64_t now = now_ms();
	struct m_quote_failed f = { 0 };
	int fd;

	/* keys asks for evidence less often than that. */
	if (last != 0 && now - last < AGENT_PAUSE) {
		child_kill(child_of(c), "requested the dstack agent too often");
		return;
	}
	last = now;
	if ((fd = agent_connect(path)) != -1) {
		child_send(child_of(c), M_AGENT, NULL, fd);
		close(fd);
		return;
	}
	f.error = (uint32_t)errno;
	log_err("dstack-socket %s: %s", path, strerror(errno));
	child_send(child_of(c), M_AGENT_FAILED, &f, -1);
}

ON(DRAINED)
{
	child_drained(child_of(c));
}
