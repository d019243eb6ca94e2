/* SPDX-License-Identifier: Apache-2.0
 *
 * The stream of NATS: one durable pull consumer, which other Runners may share.
 * Runs in nox.  A message is taken only while keys serves, and only as many as
 * the configuration and the consumer allow.  While one is worked on the server
 * is told so, or it would deliver it to another Runner.
 */
#include "config.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "nox.h"
#include "proc.h"
#include "sandbox.h"

#define EXPIRES		30000	/* ms, of a request for messages */
#define HEARTBEAT	5000	/* ms */
#define INFO_FIRST	1	/* seconds until the consumer is asked for */
#define INFO_MAX	5	/* again; they double */
#define UNSENT_MAX	8192	/* answers that wait for a connection */
#define LETTERS_MAX	(NATS_OUTPUT / 2)	/* bytes of dead letters */
/* Until the server has told those of the consumer. */
#define ACK_WAIT	30000	/* ms */
#define ACK_PENDING	10

struct unsent {
	STAILQ_ENTRY(unsent) link;
	int		 is_term;
	char		 reply[];
};

struct letter {
	STAILQ_ENTRY(letter) link;
	uint64_t	 sequence;
	size_t		 n;
	char		 why[192];
	char		 text[];
};

static struct nats_server servers[NATS_SERVERS];
static size_t n_servers;
static SSL_CTX *tls;
static struct nats *nats;
static struct js_pull *pull;
static uint64_t infos, advisories;	/* subscriptions */
static struct event *info_timer, *working_timer;
static STAILQ_HEAD(, unsent) unsent = STAILQ_HEAD_INITIALIZER(unsent);
static unsigned n_unsent;
static STAILQ_HEAD(, letter) letters = STAILQ_HEAD_INITIALIZER(letters);
static size_t letters_size;
static struct consumer consumer = { ACK_WAIT, 0, ACK_PENDING, ACK_PENDING };
static int is_known;		/* the server has told these */
static int is_asked;		/* and has not answered */
static unsigned info_delay;	/* seconds */

/* ---- answers ----------------------------------------------------------- */

static int
answer(const char *reply, int is_term, const char *why)
{
	if (nats == NULL)
		return -1;
	return is_term ? js_term(nats, reply, why) : js_ack(nats, reply);
}

/* An answer that is lost costs no more than that the message comes again. */
static void
answer_or_keep(const char *reply, int is_term, const char *why)
{
	const size_t n = strlen(reply) + 1;
	struct unsent *u;

	if (answer(reply, is_term, why) == 0 || n_unsent == UNSENT_MAX)
		return;
	if ((u = malloc(sizeof(*u) + n)) == NULL)
		fatal("out of memory");
	u->is_term = is_term;
	memcpy(u->reply, reply, n);
	STAILQ_INSERT_TAIL(&unsent, u, link);
	n_unsent++;
}

/* Returns 0, or -1 if there is no connection.  The log has what the server
 * would not take. */
static int
send_letter(const char *why, uint64_t sequence, const void *text, size_t n)
{
	char number[24];
	const char *headers[] = { "Tee-Runner-Cause", why,
		"Tee-Runner-Sequence", number, NULL };

	if (nats == NULL || !nats_is_connected(nats))
		return -1;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)sequence);
	if (nats_publish(nats, front.chain->nats_dead_letter, NULL, headers,
		text, n) != 0)
		log_err("dead letter: not sent: message %s: %s", number, why);
	return 0;
}

static enum letter_end
keep_letter(const char *why, uint64_t sequence, const void *text, size_t n)
{
	struct letter *l;

	if (sizeof(*l) + n > LETTERS_MAX - letters_size)
		return LETTER_LOST;
	if ((l = malloc(sizeof(*l) + n)) == NULL)
		fatal("out of memory");
	l->sequence = sequence;
	l->n = n;
	snprintf(l->why, sizeof(l->why), "%s", why);
	memcpy(l->text, text, n);
	STAILQ_INSERT_TAIL(&letters, l, link);
	letters_size += sizeof(*l) + n;
	return LETTER_KEPT;
}

enum letter_end
stream_dead_letter(
    const char *why, uint64_t sequence, const void *text, size_t n)
{
	if (front.chain->nats_dead_letter[0] == '\0' ||
	    send_letter(why, sequence, text, n) == 0)
		return LETTER_SENT;
	return keep_letter(why, sequence, text, n);
}

/* A message is not answered before its dead letter is sent. */
static void
send_unsent(void)
{
	struct unsent *u;
	struct letter *l;

	while ((l = STAILQ_FIRST(&letters)) != NULL &&
	    send_letter(l->why, l->sequence, l->text, l->n) == 0) {
		STAILQ_REMOVE_HEAD(&letters, link);
		letters_size -= sizeof(*l) + l->n;
		free(l);
	}
	if (l != NULL)
		return;
	while ((u = STAILQ_FIRST(&unsent)) != NULL &&
	    answer(u->reply, u->is_term, NULL) == 0) {
		STAILQ_REMOVE_HEAD(&unsent, link);
		n_unsent--;
		free(u);
	}
}

void
stream_ack(const char *reply)
{
	answer_or_keep(reply, 0, NULL);
}

void
stream_term(const char *reply, const char *why)
{
	answer_or_keep(reply, 1, why);
}

/* Without a connection it comes again after ack_wait. */
void
stream_nak(const char *reply, uint32_t seconds)
{
	if (nats != NULL)
		(void)js_nak(nats, reply, seconds * UINT64_C(1000000000));
}

int
stream_is_last(uint64_t delivered)
{
	return consumer.deliveries != 0 && delivered >= consumer.deliveries;
}

/* ---- the consumer ------------------------------------------------------ */

static uint32_t
limit(void)
{
	const uint32_t max = front.conf.max_tasks;

	return consumer.pending != 0 && consumer.pending < max ?
	    (uint32_t)consumer.pending :
	    max;
}

int
stream_has_room(void)
{
	return delivery_count() < limit();
}

static void
on_pulled(void *arg, const struct nats_message *m, const struct js_ack *a)
{
	(void)arg;
	info_delay = 0;
	delivery_new(m, a);
}

/* Without interest in its answers the server forgets the request. */
static void
stop_pull(void)
{
	js_pull_free(pull);
	pull = NULL;
}

/* It may be another now, with other limits: no message is taken before the
 * server has told them. */
static void
forget_consumer(void)
{
	is_known = 0;
	stop_pull();
}

static void
ask_later(void)
{
	struct timeval tv = { 0, 0 };

	info_delay = info_delay == 0 ? INFO_FIRST : 2 * info_delay;
	if (info_delay > INFO_MAX)
		info_delay = INFO_MAX;
	tv.tv_sec = info_delay;
	event_add(info_timer, &tv);
}

static void
on_failed(void *arg, const char *why)
{
	(void)arg;
	log_warn("stream: no messages: %s", why);
	error_note(&front.orchestrator_error, why);
	forget_consumer();
	ask_later();
}

static void
start_pull(void)
{
	const struct js_conf conf = { .base = front.base,
		.nats = nats,
		.stream = front.chain->nats_stream,
		.consumer = front.chain->nats_consumer,
		.batch = consumer.batch == 0 || consumer.batch > limit() ?
		    limit() :
		    (uint32_t)consumer.batch,
		.expires = EXPIRES,
		.heartbeat = HEARTBEAT,
		.message = on_pulled,
		.failed = on_failed };
	const uint32_t here = delivery_count();

	if ((pull = js_pull_new(&conf)) == NULL)
		fatal("nats-stream, nats-consumer: not a name");
	if (here < limit())
		js_pull_room(pull, limit() - here);
}

void
stream_room(void)
{
	if (pull != NULL)
		js_pull_room(pull, 1);
}

static void
try_drained(void)
{
	static int is_told;

	if (front.state != S_DRAINING || is_told || delivery_count() != 0 ||
	    !STAILQ_EMPTY(&letters))
		return;
	is_told = 1;
	chan_send(&monitor, M_DRAINED, NULL, NULL, 0, -1);
}

void
stream_update(void)
{
	const int serves = front.has_status &&
	    front.status.state == S_SERVING && front.state == S_SERVING &&
	    !front.is_paused;

	if (front.has_status && front.status.state == S_SERVING)
		delivery_offer_all();
	if (serves && pull == NULL && nats != NULL && nats_is_connected(nats) &&
	    is_known)
		start_pull();
	else if (!serves && pull != NULL)
		stop_pull();
	try_drained();
}

/* ---- what the server says of it ----------------------------------------- */

static void
ask_info(void)
{
	char subject[2 * CONF_SUBJECT + 40], reply[NATS_INBOX + 32];

	snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.INFO.%s.%s",
	    front.chain->nats_stream, front.chain->nats_consumer);
	snprintf(reply, sizeof(reply), "%s.%llu.info", nats_inbox(nats),
	    (unsigned long long)infos);
	(void)nats_publish(nats, subject, reply, NULL, NULL, 0);
	is_asked = 1;
	ask_later();
}

static void
on_info_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (nats == NULL || !nats_is_connected(nats))
		return;
	if (is_asked) {
		log_warn("consumer %s: the server does not say what it is: "
			 "asking again",
		    front.chain->nats_consumer);
		error_note(&front.orchestrator_error,
		    "the server does not say what nats-consumer is");
	}
	ask_info();
	front_settle();
}

static void
on_info(const struct nats_message *m)
{
	char why[128];

	is_asked = 0;
	if (nox_json_consumer((const char *)m->payload, m->n_payload, &consumer,
		why, sizeof(why)) != 0) {
		log_warn("consumer %s: %s", front.chain->nats_consumer, why);
		error_note(&front.orchestrator_error, why);
		return;		/* asked again by the timer */
	}
	event_del(info_timer);
	is_known = 1;
	if (consumer.ack_wait == 0)
		consumer.ack_wait = ACK_WAIT;
	stop_pull();
	log_info("consumer %s: ack_wait %llu ms, max_deliver %llu, "
		 "max_ack_pending %llu, max_batch %llu: %u messages at a time",
	    front.chain->nats_consumer, (unsigned long long)consumer.ack_wait,
	    (unsigned long long)consumer.deliveries,
	    (unsigned long long)consumer.pending,
	    (unsigned long long)consumer.batch, limit());
	stream_update();
}

/* A message was delivered as often as it may be: it never comes again. */
static void
on_advisory(const struct nats_message *m)
{
	uint64_t sequence, deliveries;

	nox_json_advisory(
	    (const char *)m->payload, m->n_payload, &sequence, &deliveries);
	front.given_up++;
	log_err("message %llu: delivered %llu times and not answered: the "
		"server gives it up",
	    (unsigned long long)sequence, (unsigned long long)deliveries);
}

static void
tell_working(const char *reply)
{
	(void)js_working(nats, reply);
}

static void
on_working(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = { (time_t)(consumer.ack_wait / 3000),
		(suseconds_t)(consumer.ack_wait / 3 % 1000 * 1000) };

	(void)fd;
	(void)what;
	(void)arg;
	if (nats != NULL && nats_is_connected(nats))
		delivery_each(tell_working);
	event_add(working_timer, &tv);
}

/* ---- the connection ---------------------------------------------------- */

static void
on_connected(void *arg, const char *server, const struct nats_info *info)
{
	(void)arg;
	(void)info;
	log_info("nats: connected to %s", server);
	front.stream = STREAM_OPEN;
	send_unsent();
	forget_consumer();
	info_delay = 0;
	ask_info();
	stream_update();
	front_settle();
}

static void
on_lost(void *arg, const char *server, const char *why)
{
	char text[200];

	(void)arg;
	snprintf(text, sizeof(text), "%s: %s", server, why);
	if (strcmp(front.orchestrator_error.text, text) != 0 ||
	    front.stream == STREAM_OPEN)
		log_warn("nats: %s", text);
	error_note(&front.orchestrator_error, text);
	front.reconnections++;
	if (!nats_is_connected(nats)) {
		front.stream = STREAM_CONNECTING;
		forget_consumer();
	}
	front_settle();
}

static void
on_notice(void *arg, const char *server, const char *text)
{
	(void)arg;
	log_info("nats: %s: %s", server, text);
}

static void
on_message(void *arg, const struct nats_message *m)
{
	(void)arg;
	if (pull != NULL && js_pull_message(pull, m))
		;
	else if (m->sid == infos)
		on_info(m);
	else if (m->sid == advisories)
		on_advisory(m);
	front_settle();
}

static void
connect_nats(void)
{
	const struct nats_conf conf = { .base = front.base,
		.servers = servers,
		.n_servers = n_servers,
		.tls = tls,
		.name = PACKAGE_NAME,
		.version = PACKAGE_VERSION,
		.max_payload = NATS_PAYLOAD,
		.call = { on_connected, on_lost, on_notice, on_message } };
	char subject[2 * CONF_SUBJECT + 64];

	front.stream = STREAM_CONNECTING;
	if ((nats = nats_new(&conf)) == NULL)
		fatal("nats: out of memory");
	snprintf(subject, sizeof(subject),
	    "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.%s.%s",
	    front.chain->nats_stream, front.chain->nats_consumer);
	infos = nats_subscribe_inbox(nats);
	advisories = nats_subscribe(nats, subject);
	if (infos == 0 || advisories == 0)
		fatal("nats: cannot subscribe");
}

static void
disconnect(void)
{
	forget_consumer();
	nats_free(nats);
	nats = NULL;
	SSL_CTX_free(tls);
	tls = NULL;
	front.stream = STREAM_DOWN;
}

void
stream_start(void)
{
	const int wants_tls = front.chain->nats_tls != 0;

	if (nats != NULL || front.keys.fd == -1 || !tls_has_channel())
		return;
	if (wants_tls && (tls = tls_context()) == NULL)
		fatal("nats-tls: the certificates cannot be used");
	connect_nats();
	on_working(-1, 0, NULL);
}

void
stream_renewed(void)
{
	if (nats == NULL || !front.chain->nats_tls)
		return;
	disconnect();
	stream_start();
}

/* ---- start-up ---------------------------------------------------------- */

static void
add_address(const char *name, const struct evutil_addrinfo *ai)
{
	struct nats_server *s = &servers[n_servers];

	if (n_servers == NATS_SERVERS || ai->ai_addrlen > sizeof(s->address))
		return;
	n_servers++;
	snprintf(s->name, sizeof(s->name), "%s", name);
	memcpy(&s->address, ai->ai_addr, ai->ai_addrlen);
	s->n_address = (socklen_t)ai->ai_addrlen;
}

static void
look_up(const char *host_port)
{
	struct evutil_addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP },
			       *list, *ai;
	char host[CONF_HOST];
	const char *port = strrchr(host_port, ':') + 1;
	int e;

	/* Without the brackets of an IPv6 address. */
	if (*host_port == '[')
		snprintf(host, sizeof(host), "%.*s",
		    (int)strcspn(host_port + 1, "]"), host_port + 1);
	else
		snprintf(host, sizeof(host), "%.*s",
		    (int)(port - 1 - host_port), host_port);
	sandbox_allow_port((uint16_t)atoi(port));
	if ((e = evutil_getaddrinfo(host, port, &hints, &list)) != 0) {
		log_warn("nats-server %s: cannot resolve its name: %s",
		    host_port, evutil_gai_strerror(e));
		return;
	}
	for (ai = list; ai != NULL; ai = ai->ai_next)
		add_address(host, ai);
	evutil_freeaddrinfo(list);
}

void
stream_init(void)
{
	uint32_t i;

	for (i = 0; i < front.chain->n_nats_servers; i++)
		look_up(front.chain->nats_servers[i]);
	if (n_servers == 0)
		fatal("nats-server: none of them has an address");
	info_timer = evtimer_new(front.base, on_info_timer, NULL);
	working_timer = evtimer_new(front.base, on_working, NULL);
	if (info_timer == NULL || working_timer == NULL)
		fatal("out of memory");
}
