/* SPDX-License-Identifier: Apache-2.0
 *
 * A pull consumer of JetStream.  For the role nox.  Must never take the answer
 * to an old request for one to the current request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jetstream.h"
#include "log.h"

#define MS		1000000ULL	/* ns */
#define WHY		256
#define TOKENS		16		/* of a $JS.ACK subject */

struct js_pull {
	struct js_conf	 conf;
	uint64_t	 sid;
	uint64_t	 request;	/* number of the current one */
	int		 is_asking;
	uint32_t	 awaited;	/* messages of it */
	uint32_t	 room;
	unsigned int	 silent;	/* requests in a row, until now */
	struct event	*timer;		/* for the next heartbeat */
};

/* ---- acknowledgements ---------------------------------------------------- */

/* A token that is a decimal number.  Returns 0, or -1. */
static int
number(const char *s, uint64_t *v)
{
	uint64_t sum = 0;

	if (*s == '\0' || strlen(s) > 19)
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		sum = sum * 10 + (uint64_t)(*s - '0');
	}
	*v = sum;
	return 0;
}

/* Split at the dots.  Returns how many tokens there are; those after TOKENS are
 * not kept. */
static size_t
split(char *s, const char **tokens)
{
	size_t n = 0;

	for (;;) {
		if (n < TOKENS)
			tokens[n] = s;
		n++;
		if ((s = strchr(s, '.')) == NULL)
			return n;
		*s++ = '\0';
	}
}

/* $JS.ACK.stream.consumer.delivered.sseq.cseq.timestamp.pending, or after ACK a
 * domain and the hash of an account, and after pending perhaps a random token
 * and others to come (ADR-15). */
int
js_ack_read(const char *reply, struct js_ack *a)
{
	char text[NATS_LINE];
	const char *tokens[TOKENS], **t = tokens;
	struct js_ack new;
	size_t n;

	if (strlen(reply) >= sizeof(text) || strncmp(reply, "$JS.ACK.", 8) != 0)
		return -1;
	memcpy(text, reply, strlen(reply) + 1);
	n = split(text, tokens);
	if (n != 9 && n < 11)
		return -1;
	t += n == 9 ? 2 : 4;
	if (strlen(t[0]) >= JS_NAME || strlen(t[1]) >= JS_NAME ||
	    t[0][0] == '\0' || t[1][0] == '\0' ||
	    number(t[2], &new.delivered) != 0 ||
	    number(t[3], &new.stream_seq) != 0 ||
	    number(t[4], &new.consumer_seq) != 0 ||
	    number(t[5], &new.timestamp) != 0 ||
	    number(t[6], &new.pending) != 0)
		return -1;
	snprintf(new.stream, sizeof(new.stream), "%s", t[0]);
	snprintf(new.consumer, sizeof(new.consumer), "%s", t[1]);
	*a = new;
	return 0;
}

static int
answer(struct nats *c, const char *reply, const char *text)
{
	return nats_publish(c, reply, NULL, NULL, text, strlen(text));
}

int
js_ack(struct nats *c, const char *reply)
{
	return answer(c, reply, "+ACK");
}

int
js_nak(struct nats *c, const char *reply, uint64_t delay)
{
	char text[64];

	snprintf(text, sizeof(text), "-NAK {\"delay\": %llu}",
	    (unsigned long long)delay);
	return answer(c, reply, delay == 0 ? "-NAK" : text);
}

int
js_working(struct nats *c, const char *reply)
{
	return answer(c, reply, "+WPI");
}

int
js_term(struct nats *c, const char *reply, const char *reason)
{
	const struct nats_info *info = nats_info(c);
	char text[JS_REASON + 8];

	if (info == NULL || info->version < NATS_VERSION(2, 10, 4))
		reason = NULL;
	snprintf(text, sizeof(text), "+TERM%s%.*s", reason == NULL ? "" : " ",
	    JS_REASON, reason == NULL ? "" : reason);
	return answer(c, reply, text);
}

/* ---- statuses ------------------------------------------------------------ */

static int
begins(const struct nats_text *t, const char *with)
{
	return t->n >= strlen(with) && memcmp(t->s, with, strlen(with)) == 0;
}

enum js_status
js_status(unsigned int status, const struct nats_text *text)
{
	static const struct {
		unsigned int	 status;
		const char	*text;
		enum js_status	 means;
	} table[] = {
		{ 100, "", JS_ALIVE },
		/* No Messages; Request Timeout. */
		{ 404, "", JS_ENDED },
		{ 408, "", JS_ENDED },
		{ 409, "Batch Completed", JS_ENDED },
		/* Consumer Deleted, Leadership Change, Server Shutdown,
		 * Exceeded MaxWaiting and other limits, Message Size Exceeds
		 * MaxBytes (we set no such limit); no responders. */
		{ 409, "", JS_FAILED },
		{ 503, "", JS_FAILED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].status == status && begins(text, table[i].text))
			return table[i].means;
	}
	return JS_FAILED;
}

/* ---- pull ---------------------------------------------------------------- */

static void
wait_for_heartbeat(struct js_pull *p)
{
	const uint32_t ms = p->conf.heartbeat * JS_MISSED;
	const struct timeval tv = { ms / 1000,
		(suseconds_t)(ms % 1000) * 1000 };

	event_add(p->timer, &tv);
}

static void
still_alive(struct js_pull *p)
{
	p->silent = 0;
	wait_for_heartbeat(p);
}

/* p is freed. */
static void
failed(struct js_pull *p, const char *why)
{
	p->conf.failed(p->conf.arg, why);
}

/* The answers of each request have a subject of their own. */
static void
reply_subject(const struct js_pull *p, char *s, size_t size, uint64_t request)
{
	snprintf(s, size, "%s.%llu.%llu", nats_inbox(p->conf.nats),
	    (unsigned long long)p->sid, (unsigned long long)request);
}

/* If it fails, p is freed. */
static void
ask(struct js_pull *p)
{
	char subject[2 * JS_NAME + 64], reply[NATS_INBOX + 64], text[160];
	const uint32_t n = p->room < p->conf.batch ? p->room : p->conf.batch;

	p->is_asking = 0;
	event_del(p->timer);
	if (n == 0 || !nats_is_connected(p->conf.nats))
		return;
	snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.MSG.NEXT.%s.%s",
	    p->conf.stream, p->conf.consumer);
	reply_subject(p, reply, sizeof(reply), ++p->request);
	snprintf(text, sizeof(text),
	    "{\"batch\":%u,\"expires\":%llu,\"idle_heartbeat\":%llu}", n,
	    (unsigned long long)(p->conf.expires * MS),
	    (unsigned long long)(p->conf.heartbeat * MS));
	if (nats_publish(
		p->conf.nats, subject, reply, NULL, text, strlen(text)) != 0) {
		failed(p, "the request cannot be sent");
		return;
	}
	p->is_asking = 1;
	p->awaited = n;
	wait_for_heartbeat(p);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct js_pull *p = arg;

	(void)fd;
	(void)what;
	/* Silence is normal after the consumer's leader has changed, but not
	 * twice.  A server does not say so if there is no consumer. */
	if (++p->silent > 1)
		failed(p,
		    "no heartbeat: no such consumer, or its leader is "
		    "not available");
	else
		ask(p);
}

static void
take_status(struct js_pull *p, const struct nats_message *m)
{
	char expected[NATS_INBOX + 64], word[128], why[WHY];

	reply_subject(p, expected, sizeof(expected), p->request);
	if (!p->is_asking || strcmp(m->subject, expected) != 0)
		return;
	switch (js_status(m->status, &m->status_text)) {
	case JS_ALIVE: still_alive(p); break;
	case JS_ENDED:
		p->silent = 0;
		ask(p);
		break;
	case JS_FAILED:
		snprintf(why, sizeof(why), "%u %s", m->status,
		    m->status == 503 ? "No Responders: no such consumer, or "
				       "JetStream is not available" :
				       log_escape(word, sizeof(word),
					   m->status_text.s, m->status_text.n));
		failed(p, why);
		break;
	}
}

int
js_pull_message(struct js_pull *p, const struct nats_message *m)
{
	const struct js_conf conf = p->conf;	/* ask() may free p */
	struct js_ack a;

	if (m->sid != p->sid)
		return 0;
	if (m->reply == NULL || js_ack_read(m->reply, &a) != 0) {
		if (m->status != 0)
			take_status(p, m);
		return 1;
	}
	if (p->room > 0)
		p->room--;
	if (p->awaited > 0)
		p->awaited--;
	if (p->is_asking)
		still_alive(p);
	if (p->is_asking && p->awaited == 0)
		ask(p);
	conf.message(conf.arg, m, &a);
	return 1;
}

void
js_pull_room(struct js_pull *p, uint32_t n)
{
	p->room = n > UINT32_MAX - p->room ? UINT32_MAX : p->room + n;
	if (!p->is_asking)
		ask(p);
}

static int
is_name(const char *s)
{
	return strlen(s) < JS_NAME && strchr(s, '.') == NULL &&
	    nats_subject_is_valid(s, 0);
}

struct js_pull *
js_pull_new(const struct js_conf *conf)
{
	struct js_pull *p;

	if (!is_name(conf->stream) || !is_name(conf->consumer) ||
	    conf->batch == 0 || conf->heartbeat == 0 ||
	    conf->heartbeat > conf->expires / 2 ||
	    (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->conf = *conf;
	p->timer = evtimer_new(conf->base, on_timer, p);
	if (p->timer == NULL ||
	    (p->sid = nats_subscribe_inbox(conf->nats)) == 0) {
		js_pull_free(p);
		return NULL;
	}
	return p;
}

void
js_pull_free(struct js_pull *p)
{
	if (p == NULL)
		return;
	if (p->sid != 0)
		nats_unsubscribe(p->conf.nats, p->sid);
	if (p->timer != NULL)
		event_free(p->timer);
	free(p);
}
