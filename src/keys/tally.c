/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines that a peer can cause again and again, such as one for each refused
 * task.  Runs in keys.  The first TALLY_LINES of a reason are logged; further
 * ones are counted, and once a minute their number is logged.  A minute without
 * one starts again.
 */
#include <stddef.h>

#include "keys.h"
#include "log.h"

#define TALLY_LINES	10
#define TALLY_TIME	60000		/* milliseconds */

static struct tally *all;

int
tally_add(struct tally *t, const char *subject, const char *reason)
{
	if (t->reason == NULL) {
		t->subject = subject;
		t->reason = reason;
		t->next = all;
		all = t;
	}
	if (t->lines == 0)
		t->since = now_ms();
	if (t->lines < TALLY_LINES) {
		t->lines++;
		return 1;
	}
	t->more++;
	return 0;
}

void
tally_tick(void)
{
	const uint64_t now = now_ms();
	struct tally *t;

	for (t = all; t != NULL; t = t->next) {
		if (now - t->since < TALLY_TIME)
			continue;
		if (t->more == 0)
			t->lines = 0;
		else
			log_warn("%s: %s: %u more in the last minute",
			    t->subject, t->reason, t->more);
		t->more = 0;
		t->since = now;
	}
}
