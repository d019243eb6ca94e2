/* SPDX-License-Identifier: Apache-2.0
 *
 * Event logs: the measurements that extended a TD's RTMRs, one by one.  A log
 * is not signed.  It is believed only if its replay gives the RTMRs of a quote;
 * without a quote it proves nothing.
 */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include "attest.h"

#define RTMRS		4
#define DIGEST		48		/* SHA-384 */
#define EVENTS		1024		/* per log */
#define EVENT_TEXT	(64 << 10)	/* total of names and payloads */
#define EVENT_RUNTIME	0x08000001	/* dstack's type */

struct event {
	unsigned	 rtmr;		/* 0 to 3 */
	uint32_t	 type;
	uint8_t		 digest[DIGEST];
	struct bytes	 name, payload;	/* dstack's runtime events: the data
					 * that was hashed; else empty */
};

struct eventlog {
	const char	*form;		/* "CCEL", "dstack" */
	struct event	 events[EVENTS];	/* those that extend an RTMR */
	size_t		 n, n_read;	/* n_read: all events */
	uint8_t		 rtmr[RTMRS][DIGEST];	/* result of the replay */
	uint8_t		 text[EVENT_TEXT];	/* names, payloads */
	size_t		 n_text;
};

/* Parse and replay a log; release it with free(3).  NULL with the reason and
 * position on failure. */
struct eventlog *eventlog_read(struct bytes, char *why, size_t size);
/* Record the check "event-log": the replay must give the RTMRs of the quote.
 * If it does, the events of RTMR 3 are reported as facts. n = 0 means no
 * log. */
void eventlog_check(struct report *, struct bytes log,
    const uint8_t rtmrs[RTMRS * DIGEST], const struct policy *);

#endif
