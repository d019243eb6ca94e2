/* SPDX-License-Identifier: Apache-2.0
 *
 * Limit how many lines each child can log, and how many of them with the same
 * cause.  Runs in the monitor.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "monitor.h"

/* milliseconds for each line of a child */
#define LOG_INTERVAL	100
#define LOG_BURST	200		/* lines at once */
/* seconds between looks at what is to be reported */
#define LOG_REPORT	5
/* The same for each cause: few, because they say nothing new. */
#define CAUSE_INTERVAL	10000
#define CAUSE_BURST	10
#define CAUSE_REPORT	60000		/* milliseconds */

/* A token bucket: each line takes `interval' milliseconds, of which at most
 * those of `burst' lines are lent.  `idle' is when all is paid back.  Is there
 * a token? */
static int
take_token(uint64_t *idle, uint64_t now, unsigned burst, unsigned interval)
{
	if (*idle < now)
		*idle = now;
	if (*idle - now > (uint64_t)(burst - 1) * interval)
		return 0;
	*idle += interval;
	return 1;
}

/* The bucket of the child outlives the process: a restart refills nothing. */
static int
child_token(struct child *c)
{
	return take_token(&c->log_time, now_ms(), LOG_BURST, LOG_INTERVAL);
}

static void
arm_report(struct child *c)
{
	static const struct timeval tv = { LOG_REPORT, 0 };

	if (!evtimer_pending(c->log_report, NULL))
		event_add(c->log_report, &tv);
}

/* ---- causes ------------------------------------------------------------ */

/* FNV-1a.  A child can make two causes equal, but only those of itself. */
static uint64_t
hash_bytes(uint64_t hash, const char *s, size_t n)
{
	while (n-- > 0)
		hash = (hash ^ (unsigned char)*s++) * 0x100000001b3;
	return hash;
}

/* Words with a digit are left out: they are numbers, addresses and IDs. */
static uint64_t
hash_words(uint64_t hash, const char *s, const char *end)
{
	const char *word;
	int is_number;

	while (s < end) {
		is_number = 0;
		for (word = s; s < end && isalnum((unsigned char)*s); s++)
			is_number |= isdigit((unsigned char)*s) != 0;
		if (!is_number)
			hash = hash_bytes(hash, word, (size_t)(s - word));
		if (s < end)
			hash = hash_bytes(hash, s++, 1);
	}
	return hash;
}

/* Report how many lines were suppressed, if the child may log a line. */
static void
cause_report(struct child *c, struct log_cause *k)
{
	char text[sizeof(k->text) + 64];
	const uint64_t ms = now_ms() - k->since;

	if (k->suppressed == 0 || !child_token(c))
		return;
	snprintf(text, sizeof(text), "%s: %u similar lines suppressed in %u s",
	    k->text, k->suppressed, (unsigned)((ms + 999) / 1000));
	log_line(k->level, c->name, text);
	k->suppressed = 0;
}

/* In the place of the one that was not logged for the longest time. */
static struct log_cause *
cause_new(struct child *c, uint64_t hash, int level, const char *text, size_t n)
{
	struct log_cause *k, *old = c->log_causes;

	for (k = old + 1; k < c->log_causes + LOG_CAUSES; k++)
		if (k->last < old->last)
			old = k;
	cause_report(c, old);
	if ((c->log_dropped += old->suppressed) != 0)
		arm_report(c);
	memset(old, 0, sizeof(*old));
	old->hash = hash;
	old->level = level;
	snprintf(old->text, sizeof(old->text), "%.*s", (int)n, text);
	return old;
}

/* The cause of a line is `subject: event' and its level. */
static struct log_cause *
cause_of(struct child *c, int level, const char *text)
{
	struct log_cause *k;
	struct log_parts p;
	const char *end;
	uint64_t hash;

	log_split(&p, text);
	end = p.event.text + p.event.n;
	hash = hash_bytes(
	    0xcbf29ce484222325 ^ (unsigned)level, p.chain.text, p.chain.n);
	hash = hash_words(
	    hash, p.subject.n != 0 ? p.subject.text : p.event.text, end);
	for (k = c->log_causes; k < c->log_causes + LOG_CAUSES; k++)
		if (k->last != 0 && k->hash == hash)
			return k;
	return cause_new(c, hash, level, text, (size_t)(end - text));
}

static int
is_suppressed(struct child *c, int level, const char *text)
{
	struct log_cause *k = cause_of(c, level, text);
	const uint64_t now = now_ms();

	k->last = now;
	if (take_token(&k->time, now, CAUSE_BURST, CAUSE_INTERVAL)) {
		cause_report(c, k);
		return 0;
	}
	if (k->suppressed++ == 0)
		k->since = now;
	return 1;
}

/* ---- lines ------------------------------------------------------------- */

void
child_log(struct child *c, int level, const char *text)
{
	if (level == LOG_DEBUG || !is_suppressed(c, level, text)) {
		if (child_token(c)) {
			log_line(level, c->name, text);
			return;
		}
		c->log_dropped++;
	}
	logger_dropped++;
	arm_report(c);
}

/* Report each cause that has suppressed lines for `ms' or longer. */
static void
report(struct child *c, uint64_t ms)
{
	struct log_cause *k;

	event_del(c->log_report);
	if (c->log_dropped != 0)
		log_warn("%s: %u log lines dropped: more than %d a second",
		    c->name, c->log_dropped, 1000 / LOG_INTERVAL);
	c->log_dropped = 0;
	for (k = c->log_causes; k < c->log_causes + LOG_CAUSES; k++) {
		if (k->suppressed != 0 && now_ms() - k->since >= ms)
			cause_report(c, k);
		if (k->suppressed != 0)
			arm_report(c);
	}
}

void
child_log_report(struct child *c)
{
	report(c, 0);
}

static void
on_report(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report(arg, CAUSE_REPORT);
}

void
child_log_init(struct child *c, struct event_base *base)
{
	if ((c->log_report = evtimer_new(base, on_report, c)) == NULL)
		fatal("libevent: out of memory");
}
