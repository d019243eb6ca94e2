/* SPDX-License-Identifier: Apache-2.0
 *
 * Send a role's log lines to the monitor as LOG messages.  This is a separate
 * file so that neither log.c nor chan.c depends on the other.
 */
#include <stdio.h>
#include <string.h>

#include "chan.h"
#include "log.h"

/* bytes that the monitor has not read */
#define QUEUE_MAX	(256 * 1024)

static struct chan *to;

_Static_assert(
    sizeof(((struct m_log *)0)->text) == LOG_TEXT, "a line fits its message");

static void
send_message(int level, const char *text)
{
	struct m_log m;

	memset(&m, 0, sizeof(m));
	m.level = (uint32_t)level;
	snprintf(m.text, sizeof(m.text), "%s", text);
	(void)chan_send(to, M_LOG, &m, NULL, 0, -1);
}

/* If the monitor does not read, the role drops lines and goes on. */
static void
send_line(int level, const char *text)
{
	static unsigned dropped;
	char told[80];

	if (to->queued > QUEUE_MAX) {
		dropped++;
		return;
	}
	if (dropped != 0) {
		snprintf(told, sizeof(told),
		    "log: %u lines dropped: the "
		    "monitor did not read them",
		    dropped);
		dropped = 0;
		send_message(LOG_WARNING, told);
	}
	send_message(level, text);
}

static void
flush_lines(void)
{
	(void)chan_flush(to);
}

void
chan_log(struct chan *c)
{
	to = c;
	log_to(send_line, flush_lines);
}
