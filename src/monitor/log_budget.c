/* SPDX-License-Identifier: Apache-2.0
 *
 * Limit how many lines each child can log.  Runs in the monitor.
 */
#include "clock.h"
#include "log.h"
#include "monitor.h"

/* milliseconds for each line of a child */
#define LOG_INTERVAL	100
#define LOG_BURST	200		/* lines at once */
/* seconds, from the first that is dropped */
#define LOG_REPORT	5

/* A token bucket: each line takes LOG_INTERVAL of the child's time, of which at
 * most LOG_BURST lines are lent.  It outlives the process: a restart refills
 * nothing. */
void
child_log(struct child *c, int level, const char *text)
{
	static const struct timeval tv = { LOG_REPORT, 0 };
	const uint64_t now = now_ms();

	if (c->log_time < now)
		c->log_time = now;
	if (c->log_time - now < LOG_BURST * LOG_INTERVAL) {
		c->log_time += LOG_INTERVAL;
		log_line(level, c->name, text);
	} else if (c->log_dropped++ == 0)
		event_add(c->log_report, &tv);
}

void
child_log_report(struct child *c)
{
	event_del(c->log_report);
	if (c->log_dropped != 0)
		log_warn("%s: %u log lines dropped: more than %d a second",
		    c->name, c->log_dropped, 1000 / LOG_INTERVAL);
	c->log_dropped = 0;
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	child_log_report(arg);
}

void
child_log_init(struct child *c, struct event_base *base)
{
	if ((c->log_report = evtimer_new(base, on_report, c)) == NULL)
		fatal("libevent: out of memory");
}
