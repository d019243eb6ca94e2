/* SPDX-License-Identifier: Apache-2.0
 *
 * Event logs: what was measured into a TD's RTMRs, one by one.  A log is nobody's
 * word; it is true as far as its replay gives the RTMRs of a quote, and says
 * nothing without one.
 */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include "attest.h"

#define RTMRS		4
#define DIGEST		48		/* SHA-384 */
#define EVENTS		1024		/* in a log */
#define EVENT_TEXT	(64 << 10)	/* the names and payloads of a log */
#define EVENT_RUNTIME	0x08000001	/* dstack's type */

struct event {
	unsigned	 rtmr;		/* 0 to 3 */
	uint32_t	 type;
	uint8_t		 digest[DIGEST];
	struct bytes	 name, payload;	/* dstack's runtime events: what the
					 * digest was made of; else empty */
};

struct eventlog {
	const char	*form;		/* "CCEL", "dstack" */
	struct event	 events[EVENTS];	/* that extend an RTMR */
	size_t		 n, n_read;	/* n_read: with those that extend none */
	uint8_t		 rtmr[RTMRS][DIGEST];	/* what they come to */
	uint8_t		 text[EVENT_TEXT];	/* names and payloads are here */
	size_t		 n_text;
};

/* A log, replayed; free(3) it.  NULL: with why not, and where. */
struct eventlog *eventlog_read(struct bytes, char *why, size_t size);
/* The check "event-log": is the replay what the quote has?  The events of RTMR 3
 * become facts where it is.  An empty log is none. */
void	eventlog_check(struct report *, struct bytes log,
	    const uint8_t rtmrs[RTMRS * DIGEST], const struct policy *);

#endif
