/* SPDX-License-Identifier: Apache-2.0
 *
 * A client of NATS on libevent.  For the role nox.  Must never downgrade to a
 * connection without TLS, and never call getaddrinfo(3).
 *
 * There are at most two links: the current one, and when its server is about to
 * end (lame duck mode), the one that replaces it.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/random.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hex.h"
#include "log.h"
#include "nats.h"

#define WHY		256
#define HEADER_ROOM	2048	/* of headers that we send */

enum link_state {
	LINK_FREE,
	LINK_CONNECTING,	/* TCP, then INFO */
	LINK_SECURING,		/* the TLS handshake */
	LINK_GREETING,		/* CONNECT and PING are sent */
	LINK_READY,
	LINK_DRAINING,		/* replaced; ends with its last PONG */
};

struct link {
	struct nats		*nats;
	enum link_state		 state;
	size_t			 server;
	struct bufferevent	*bev;
	struct event		*timer;	/* to connect; then our PINGs */
	struct nats_parser	 parser;
	struct nats_info	 info;
	unsigned int		 pings;	/* not answered */
};

struct sub {
	uint64_t	sid;		/* 0: free */
	char		subject[NATS_SUBJECT];
};

struct nats {
	struct nats_conf	 conf;
	struct nats_server	 servers[NATS_SERVERS];
	struct link		 links[2];
	struct link		*current;	/* connected, or NULL */
	struct event		*retry;
	size_t			 next;		/* server to try */
	unsigned int		 failures;	/* in a row */
	uint64_t		 last_sid;
	struct sub		 subs[NATS_SUBS];
	char			 inbox[NATS_INBOX];
};

static void on_read(struct bufferevent *, void *);
static void on_event(struct bufferevent *, short, void *);

static const char *
server_name(const struct link *l)
{
	return l->nats->servers[l->server].name;
}

/* ---- when to connect ----------------------------------------------------- */

static int
random_bytes(void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? 0 : -1;
}

/* Between half the delay and all of it, so that the clients of a server that
 * restarts do not come back at once. */
static void
retry_later(struct nats *c)
{
	uint32_t ms = NATS_BACKOFF_MAX, jitter = 0;
	struct timeval tv;

	if (c->failures < 9)	/* otherwise more than NATS_BACKOFF_MAX */
		ms = (uint32_t)NATS_BACKOFF << c->failures;
	if (ms > NATS_BACKOFF_MAX)
		ms = NATS_BACKOFF_MAX;
	c->failures++;
	(void)random_bytes(&jitter, sizeof(jitter));
	ms = ms / 2 + jitter % (ms / 2 + 1);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	event_add(c->retry, &tv);
}

static void
link_free(struct link *l)
{
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = NULL;
	if (l->timer != NULL)
		event_del(l->timer);
	l->state = LINK_FREE;
	if (l->nats->current == l)
		l->nats->current = NULL;
}

static int
is_trying(const struct nats *c)
{
	for (size_t i = 0; i < 2; i++) {
		if (c->links[i].state > LINK_FREE &&
		    c->links[i].state < LINK_READY)
			return 1;
	}
	return 0;
}

static void
link_lost(struct link *l, const char *why)
{
	struct nats *c = l->nats;
	const int was_replaced = l->state == LINK_DRAINING;

	link_free(l);
	if (was_replaced)
		return;
	if (!is_trying(c) &&
	    (c->current == NULL || c->current->info.is_lame_duck))
		retry_later(c);
	c->conf.call.lost(c->conf.arg, server_name(l), why);
}

static void
set_bev(struct link *l, struct bufferevent *bev)
{
	const size_t payload = l->parser.max_payload + NATS_LINE + 2;

	l->bev = bev;
	bufferevent_setcb(bev, on_read, NULL, on_event, l);
	/* One message fits, so this never blocks; more is not kept. */
	bufferevent_setwatermark(
	    bev, EV_READ, 0, payload > NATS_INFO + 2 ? payload : NATS_INFO + 2);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void
link_connect(struct link *l, size_t server)
{
	const struct timeval timeout = { NATS_CONNECT_TIME, 0 };
	struct nats *c = l->nats;
	const struct nats_server *s = &c->servers[server];
	struct bufferevent *bev = bufferevent_socket_new(
	    c->conf.base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);

	l->server = server;
	l->state = LINK_CONNECTING;
	l->pings = 0;
	memset(&l->info, 0, sizeof(l->info));
	nats_parser_init(&l->parser, c->conf.max_payload);
	if (bev == NULL) {
		link_lost(l, "out of memory");
		return;
	}
	set_bev(l, bev);
	event_add(l->timer, &timeout);
	/* If it fails at once, on_event() is called later. */
	if (bufferevent_socket_connect(bev,
		(const struct sockaddr *)&s->address, (int)s->n_address) != 0 &&
	    l->state != LINK_FREE)
		link_lost(l, "cannot connect");
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct nats *c = arg;
	struct link *l = &c->links[c->links[0].state != LINK_FREE];
	const size_t server = c->next;

	(void)fd;
	(void)what;
	if (l->state != LINK_FREE) {	/* one is current, one drains */
		retry_later(c);
		return;
	}
	c->next = (c->next + 1) % c->conf.n_servers;
	link_connect(l, server);
}

/* ---- greeting ------------------------------------------------------------ */

static void
send_text(struct link *l, const char *text, size_t n)
{
	evbuffer_add(bufferevent_get_output(l->bev), text, n);
}

static void
link_greet(struct link *l)
{
	const struct nats_conf *conf = &l->nats->conf;
	char line[NATS_LINE];
	int n = nats_put_connect(
	    line, sizeof(line), conf->name, conf->version, conf->tls != NULL);

	if (n == -1) {
		link_lost(l, "CONNECT is too long");
		return;
	}
	l->state = LINK_GREETING;
	send_text(l, line, (size_t)n);
	/* The answer says that CONNECT was accepted. */
	send_text(l, NATS_PING, strlen(NATS_PING));
}

static SSL *
new_ssl(SSL_CTX *tls, const char *host)
{
	SSL *ssl = SSL_new(tls);

	if (ssl == NULL)
		return NULL;
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
		return ssl;
	if (SSL_set1_host(ssl, host) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

/* The socket goes from the plain bufferevent to one of TLS. */
static void
link_secure(struct link *l)
{
	const evutil_socket_t fd = bufferevent_getfd(l->bev);
	SSL *ssl = new_ssl(l->nats->conf.tls, server_name(l));
	struct bufferevent *bev;

	if (ssl == NULL) {
		link_lost(l, "TLS: cannot begin");
		return;
	}
	ERR_clear_error();
	bufferevent_disable(l->bev, EV_READ | EV_WRITE);
	bufferevent_setfd(l->bev, -1);
	bufferevent_free(l->bev);
	l->bev = NULL;
	bev = bufferevent_openssl_socket_new(l->nats->conf.base, fd, ssl,
	    BUFFEREVENT_SSL_CONNECTING,
	    BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (bev == NULL) {
		SSL_free(ssl);
		evutil_closesocket(fd);
		link_lost(l, "TLS: cannot begin");
		return;
	}
	l->state = LINK_SECURING;
	set_bev(l, bev);
}

static void
on_first_info(struct link *l)
{
	const int has_tls = l->nats->conf.tls != NULL;

	if (!l->info.has_headers)
		link_lost(l, "the server does not support headers");
	else if (l->info.requires_tls && !has_tls)
		link_lost(l, "the server requires TLS");
	else if (!has_tls)
		link_greet(l);
	else if (evbuffer_get_length(bufferevent_get_input(l->bev)) != 0)
		/* Whoever is between us could have put it there. */
		link_lost(l, "the server sends before TLS has begun");
	else
		link_secure(l);
}

/* ---- the connection ------------------------------------------------------ */

static void
send_sub(struct link *l, const struct sub *s)
{
	char line[NATS_LINE];
	int n = nats_put_sub(line, sizeof(line), s->subject, s->sid);

	send_text(l, line, (size_t)n);	/* nats_subscribe() tried it */
}

/* What we have sent is processed, and what the server has sent is delivered,
 * before its PONG arrives. */
static void
link_drain(struct link *l)
{
	const struct timeval timeout = { NATS_CONNECT_TIME, 0 };
	char line[64];
	int n;

	for (size_t i = 0; i < NATS_SUBS; i++) {
		n = nats_put_unsub(line, sizeof(line), l->nats->subs[i].sid, 0);
		if (l->nats->subs[i].sid != 0)
			send_text(l, line, (size_t)n);
	}
	l->state = LINK_DRAINING;
	l->pings++;
	send_text(l, NATS_PING, strlen(NATS_PING));
	event_add(l->timer, &timeout);
}

static void
link_ready(struct link *l)
{
	const struct timeval period = { NATS_PING_TIME, 0 };
	struct nats *c = l->nats;
	struct link *old = c->current;

	l->state = LINK_READY;
	event_add(l->timer, &period);
	for (size_t i = 0; i < NATS_SUBS; i++) {
		if (c->subs[i].sid != 0)
			send_sub(l, &c->subs[i]);
	}
	c->current = l;
	if (old != NULL)
		link_drain(old);
	if (l->info.is_lame_duck)
		retry_later(c);
	c->conf.call.connected(c->conf.arg, server_name(l), &l->info);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval period = { NATS_PING_TIME, 0 };
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (l->state != LINK_READY) {
		link_lost(l, "no answer while connecting");
		return;
	}
	if (l->pings == NATS_PINGS) {
		link_lost(l, "no answer to PING");
		return;
	}
	/* Not when it connects: a server that accepts and then closes must not
	 * be tried ten times a second. */
	if (l->pings == 0)
		l->nats->failures = 0;
	l->pings++;
	send_text(l, NATS_PING, strlen(NATS_PING));
	event_add(l->timer, &period);
}

static void
on_info(struct link *l, const struct nats_info *info)
{
	const struct timeval now = { 0, 0 };
	struct nats *c = l->nats;

	/* Later ones may be partial: of them only ldm counts. */
	if (l->state == LINK_CONNECTING) {
		l->info = *info;
		on_first_info(l);
	} else if (info->is_lame_duck && !l->info.is_lame_duck) {
		l->info.is_lame_duck = 1;
		c->conf.call.notice(c->conf.arg, server_name(l),
		    "lame duck mode: connecting to the next server");
		if (l == c->current)
			event_add(c->retry, &now);
	}
}

/* A permission that is lacking does not end the connection; all else does, by
 * the server too. */
static void
on_err(struct link *l, const struct nats_text *text)
{
	const struct nats_conf *conf = &l->nats->conf;
	const char *harmless = "-ERR: Permissions Violation";
	char why[WHY], name[WHY - 16];

	snprintf(why, sizeof(why), "-ERR: %s",
	    log_escape(name, sizeof(name), text->s, text->n));
	if (strncasecmp(why, harmless, strlen(harmless)) == 0)
		conf->call.notice(conf->arg, server_name(l), why);
	else
		link_lost(l, why);
}

static void
on_ping(struct link *l)
{
	/* Otherwise a server that sends PINGs and reads nothing would fill our
	 * memory. */
	if (evbuffer_get_length(bufferevent_get_output(l->bev)) >
	    l->nats->conf.max_output)
		link_lost(l, "the server does not read");
	else
		send_text(l, NATS_PONG, strlen(NATS_PONG));
}

static void
on_pong(struct link *l)
{
	if (l->state == LINK_GREETING)
		link_ready(l);
	else if (l->state == LINK_DRAINING && l->pings <= 1)
		link_free(l);
	else if (l->state == LINK_DRAINING)
		l->pings--;
	else
		l->pings = 0;
}

static void
link_dispatch(struct link *l, const struct nats_message *m)
{
	const struct nats_conf *conf = &l->nats->conf;

	/* Before it has greeted, a server says INFO or why it does not want
	 * us. */
	if (l->state < LINK_GREETING && m->op != NATS_OP_INFO &&
	    m->op != NATS_OP_ERR) {
		link_lost(l, "the server does not begin with INFO");
		return;
	}
	switch (m->op) {
	case NATS_OP_INFO: on_info(l, &m->info); break;
	case NATS_OP_ERR: on_err(l, &m->text); break;
	case NATS_OP_PING: on_ping(l); break;
	case NATS_OP_PONG: on_pong(l); break;
	case NATS_OP_OK: break;
	case NATS_OP_MSG: conf->call.message(conf->arg, m); break;
	}
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct link *l = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct nats_message m;
	const uint8_t *data;
	size_t n, used;
	int r;

	/* l->bev is another one after a callback has ended this one, or after
	 * TLS has begun. */
	while (
	    l->bev == bev && (n = evbuffer_get_length(in)) >= l->parser.need) {
		if ((data = evbuffer_pullup(in, -1)) == NULL) {
			link_lost(l, "out of memory");
			return;
		}
		if ((r = nats_parse(&l->parser, data, n, &m, &used)) == -1) {
			link_lost(l, l->parser.why);
			return;
		}
		if (r == 0)
			return;
		/* INFO refers to nothing in the buffer, and whether more
		 * follows it matters. */
		if (m.op == NATS_OP_INFO)
			evbuffer_drain(in, used);
		link_dispatch(l, &m);
		if (m.op != NATS_OP_INFO && l->bev == bev)
			evbuffer_drain(in, used);
	}
}

static void
tls_reason(struct bufferevent *bev, char *why, size_t size)
{
	unsigned long e = bufferevent_get_openssl_error(bev);
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);
	const char *reason = e == 0 ? NULL : ERR_reason_error_string(e);

	if (verdict != X509_V_OK)
		reason = X509_verify_cert_error_string(verdict);
	snprintf(why, size, "TLS: %s", reason == NULL ? "closed" : reason);
}

/* What we send is small, and somebody waits for each of it. */
static void
send_at_once(evutil_socket_t fd)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct link *l = arg;
	const int error = EVUTIL_SOCKET_ERROR();
	char why[WHY];

	if (l->bev != bev)
		return;
	if (what & BEV_EVENT_CONNECTED) {
		if (l->state == LINK_CONNECTING)
			send_at_once(bufferevent_getfd(bev));
		else if (l->state == LINK_SECURING)
			link_greet(l);
		return;
	}
	/* The server may have said why it closes. */
	on_read(bev, l);
	if (l->bev != bev)
		return;
	if (what & BEV_EVENT_EOF)
		snprintf(why, sizeof(why), "closed by the server");
	else if (bufferevent_openssl_get_ssl(bev) != NULL &&
	    (l->state == LINK_SECURING || error == 0))
		tls_reason(bev, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s",
		    evutil_socket_error_to_string(error));
	link_lost(l, why);
}

/* ---- for the caller ------------------------------------------------------ */

static int
make_inbox(struct nats *c)
{
	uint8_t bytes[12];
	char hex[2 * sizeof(bytes) + 1];

	if (random_bytes(bytes, sizeof(bytes)) != 0)
		return -1;
	snprintf(c->inbox, NATS_INBOX, "_INBOX.%s",
	    hex_encode(hex, bytes, sizeof(bytes)));
	return 0;
}

struct nats *
nats_new(const struct nats_conf *conf)
{
	const struct timeval now = { 0, 0 };
	struct nats *c;

	if (conf->n_servers == 0 || conf->n_servers > NATS_SERVERS ||
	    (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->conf = *conf;
	if (c->conf.max_output == 0)
		c->conf.max_output = NATS_OUTPUT;
	memcpy(
	    c->servers, conf->servers, conf->n_servers * sizeof(*c->servers));
	c->conf.servers = c->servers;
	c->retry = evtimer_new(conf->base, on_retry, c);
	for (size_t i = 0; i < 2; i++) {
		c->links[i].nats = c;
		c->links[i].timer = evtimer_new(
		    conf->base, on_timer, &c->links[i]);
	}
	if (c->retry == NULL || c->links[0].timer == NULL ||
	    c->links[1].timer == NULL || make_inbox(c) != 0) {
		nats_free(c);
		return NULL;
	}
	event_add(c->retry, &now);
	return c;
}

void
nats_free(struct nats *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < 2; i++) {
		link_free(&c->links[i]);
		if (c->links[i].timer != NULL)
			event_free(c->links[i].timer);
	}
	if (c->retry != NULL)
		event_free(c->retry);
	free(c);
}

int
nats_is_connected(const struct nats *c)
{
	return c->current != NULL;
}

const struct nats_info *
nats_info(const struct nats *c)
{
	return c->current == NULL ? NULL : &c->current->info;
}

const char *
nats_inbox(const struct nats *c)
{
	return c->inbox;
}

uint64_t
nats_subscribe(struct nats *c, const char *subject)
{
	struct sub *s = c->subs;

	while (s < c->subs + NATS_SUBS && s->sid != 0)
		s++;
	if (s == c->subs + NATS_SUBS || strlen(subject) >= NATS_SUBJECT ||
	    !nats_subject_is_valid(subject, 1))
		return 0;
	s->sid = ++c->last_sid;
	snprintf(s->subject, sizeof(s->subject), "%s", subject);
	if (c->current != NULL)
		send_sub(c->current, s);
	return s->sid;
}

uint64_t
nats_subscribe_inbox(struct nats *c)
{
	char subject[NATS_INBOX + 32];

	snprintf(subject, sizeof(subject), "%s.%llu.*", c->inbox,
	    (unsigned long long)c->last_sid + 1);
	return nats_subscribe(c, subject);
}

void
nats_unsubscribe(struct nats *c, uint64_t sid)
{
	char line[64];
	int n = nats_put_unsub(line, sizeof(line), sid, 0);

	for (size_t i = 0; i < NATS_SUBS; i++) {
		if (c->subs[i].sid == sid)
			c->subs[i].sid = 0;
	}
	if (c->current != NULL && n != -1)
		send_text(c->current, line, (size_t)n);
}

size_t
nats_waiting(const struct nats *c)
{
	return c->current == NULL ?
	    0 :
	    evbuffer_get_length(bufferevent_get_output(c->current->bev));
}

int
nats_publish(struct nats *c, const char *subject, const char *reply,
    const char *const *headers, const void *payload, size_t n)
{
	char line[NATS_LINE], block[HEADER_ROOM];
	int n_line, n_block = 0;
	size_t most;

	if (c->current == NULL ||
	    (headers != NULL &&
		(n_block = nats_put_headers(block, sizeof(block), headers)) ==
		    -1))
		return -1;
	most = c->current->info.max_payload;
	if (n > most || (size_t)n_block > most - n)
		return -1;
	n_line = headers == NULL ?
	    nats_put_pub(line, sizeof(line), subject, reply, n) :
	    nats_put_hpub(
		line, sizeof(line), subject, reply, (size_t)n_block, n);
	if (n_line == -1 || nats_waiting(c) > c->conf.max_output ||
	    n + sizeof(line) + sizeof(block) >
		c->conf.max_output - nats_waiting(c))
		return -1;
	send_text(c->current, line, (size_t)n_line);
	send_text(c->current, block, (size_t)n_block);
	send_text(c->current, payload, n);
	send_text(c->current, "\r\n", 2);
	return 0;
}
