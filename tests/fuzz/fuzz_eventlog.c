/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of event logs, from anyone: what is read replays to its RTMRs, and a
 * payload is what its digest was made of.  Build it with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include <openssl/sha.h>

#include "eventlog.h"
#include "evidence.h"

static void
replay(const struct eventlog *l)
{
	uint8_t rtmr[RTMRS][2 * DIGEST], digest[DIGEST];
	const struct event *e;
	size_t i;

	memset(rtmr, 0, sizeof(rtmr));
	for (i = 0; i < l->n; i++) {
		e = &l->events[i];
		memcpy(rtmr[e->rtmr] + DIGEST, e->digest, DIGEST);
		SHA384(rtmr[e->rtmr], 2 * DIGEST, rtmr[e->rtmr]);
		if (e->name.n == 0)
			continue;
		/* type ":" name ":" payload, as they stand in its text */
		if (e->name.p < l->text + 5 ||
		    e->payload.p + e->payload.n > l->text + l->n_text ||
		    memchr(e->name.p, ':', e->name.n) != NULL)
			abort();
		SHA384(e->name.p - 5, 5 + e->name.n + 1 + e->payload.n, digest);
		if (memcmp(digest, e->digest, DIGEST) != 0)
			abort();
	}
	for (i = 0; i < RTMRS; i++)
		if (memcmp(rtmr[i], l->rtmr[i], DIGEST) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t rtmrs[RTMRS * DIGEST];
	static struct report r;
	struct bytes log = { data, size };
	struct policy policy;
	struct eventlog *l;
	char why[160];

	if ((l = eventlog_read(log, why, sizeof(why))) != NULL) {
		if (l->n == 0 || l->n > EVENTS || l->n > l->n_read ||
		    l->n_text > EVENT_TEXT)
			abort();
		replay(l);
		free(l);
	}
	policy_default(&policy);
	memset(&r, 0, sizeof(r));
	eventlog_check(&r, log, rtmrs, &policy);
	if (report_passed(&r, "event-log"))
		abort();
	return fuzz_evidence(&format_eventlog, data, size);
}
