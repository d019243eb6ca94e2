/* SPDX-License-Identifier: Apache-2.0
 *
 * natsclient [-w SECONDS] [-t CA CERTIFICATE KEY] PORT...: a client of NATS
 * servers on 127.0.0.1.  Commands come on standard input, one a line; what
 * happens is written to standard output.  It ends with its input.  With -w
 * commands are read when it is connected, and it ends when each request has its
 * reply, if there is one, or after SECONDS.  Exits with 1 if a reply is
 * missing.
 *
 *	sub SUBJECT			pub SUBJECT TEXT
 *	req SUBJECT TEXT		pull STREAM CONSUMER
 *
 * The text of a message that is pulled says how it is answered: ack, nak (after
 * half a second, once), term, wpi (+WPI for three seconds, then +ACK), none.
 */
#include <netinet/in.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jetstream.h"
#include "log.h"

static struct event_base *base;
static struct nats *nats;
static struct js_pull *pull;
static char names[2][JS_NAME];		/* stream and consumer to pull from */
static struct event *pull_timer;
static uint64_t replies;
static char working[NATS_LINE];		/* reply subject of it */
static int n_working;
static struct event *timer;
static struct event *input;
static int is_once;			/* -w */
static int is_read;			/* all commands */
static unsigned n_requests, n_replies;

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (++n_working < 6) {
		js_working(nats, working);
		return;
	}
	js_ack(nats, working);
	event_del(timer);
	printf("worked\n");
}

static void
on_pulled(void *arg, const struct nats_message *m, const struct js_ack *a)
{
	const struct timeval half = { 0, 500000 };
	const struct nats_text *id = nats_header(m, "Nats-Msg-Id");
	const char *s = (const char *)m->payload;
	const int n = (int)m->n_payload;

	(void)arg;
	printf("pulled %.*s: %s %s sequence %llu delivered %llu id %.*s%s\n", n,
	    s, m->subject, a->consumer, (unsigned long long)a->stream_seq,
	    (unsigned long long)a->delivered, id == NULL ? 1 : (int)id->n,
	    id == NULL ? "-" : id->s,
	    m->bad_headers == NULL ? "" : " bad headers");
	js_pull_room(pull, 1);
	if (strncmp(s, "nak", 3) == 0 && a->delivered == 1)
		js_nak(nats, m->reply, 500000000);
	else if (strncmp(s, "term", 4) == 0)
		js_term(nats, m->reply, "it can never succeed");
	else if (strncmp(s, "wpi", 3) == 0) {
		snprintf(working, sizeof(working), "%s", m->reply);
		n_working = 0;
		event_add(timer, &half);
	} else if (strncmp(s, "none", 4) != 0)
		js_ack(nats, m->reply);
}

static void
stop_pull(void)
{
	js_pull_free(pull);
	pull = NULL;
}

static void
on_failed(void *arg, const char *why)
{
	const struct timeval second = { 1, 0 };

	(void)arg;
	printf("failed %s\n", why);
	stop_pull();
	event_add(pull_timer, &second);
}

static int
start_pull(void)
{
	const struct js_conf conf = { .base = base,
		.nats = nats,
		.stream = names[0],
		.consumer = names[1],
		.batch = 3,
		.expires = 3000,
		.heartbeat = 500,
		.message = on_pulled,
		.failed = on_failed };

	stop_pull();
	if (*names[0] == '\0' || !nats_is_connected(nats))
		return 0;
	if ((pull = js_pull_new(&conf)) == NULL)
		return -1;
	js_pull_room(pull, 10);
	return 0;
}

static void
on_pull_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	(void)start_pull();
}

static void
end_if_answered(void)
{
	if (is_once && is_read && n_requests > 0 && n_replies >= n_requests)
		event_base_loopbreak(base);
}

static void
on_message(void *arg, const struct nats_message *m)
{
	(void)arg;
	if (pull != NULL && js_pull_message(pull, m))
		return;
	printf("%s %s %.*s\n", m->sid == replies ? "reply" : "message",
	    m->subject, (int)m->n_payload, (const char *)m->payload);
	n_replies += m->sid == replies;
	end_if_answered();
}

static void
on_connected(void *arg, const char *server, const struct nats_info *info)
{
	(void)arg;
	(void)info;
	printf("connected %s\n", server);
	(void)start_pull();
	if (is_once && !is_read)
		event_add(input, NULL);
}

static void
on_notice(void *arg, const char *server, const char *text)
{
	(void)arg;
	printf("notice %s: %s\n", server, text);
}

static void
on_lost(void *arg, const char *server, const char *why)
{
	(void)arg;
	printf("lost %s: %s\n", server, why);
	if (!nats_is_connected(nats))
		stop_pull();
}

/* ---- commands ------------------------------------------------------------ */

static int
publish(const char *subject, const char *text, int wants_reply)
{
	const char *headers[] = { "Nats-Msg-Id", text, NULL };
	char reply[NATS_INBOX + 32];

	snprintf(reply, sizeof(reply), "%s.%llu.0", nats_inbox(nats),
	    (unsigned long long)replies);
	return nats_publish(nats, subject, wants_reply ? reply : NULL,
	    wants_reply ? NULL : headers, text, strlen(text));
}

static int
pull_from(const char *stream, const char *consumer)
{
	snprintf(names[0], sizeof(names[0]), "%s", stream);
	snprintf(names[1], sizeof(names[1]), "%s", consumer);
	return start_pull();
}

static void
command(char *line)
{
	const char *verb = strsep(&line, " "), *a = strsep(&line, " ");
	int r = -1;

	if (a == NULL)
		;
	else if (strcmp(verb, "sub") == 0)
		r = nats_subscribe(nats, a) == 0 ? -1 : 0;
	else if (line == NULL)
		;
	else if (strcmp(verb, "pub") == 0)
		r = publish(a, line, 0);
	else if (strcmp(verb, "req") == 0) {
		r = publish(a, line, 1);
		n_requests++;
	} else if (strcmp(verb, "pull") == 0)
		r = pull_from(a, line);
	printf("%s %s\n", r == 0 ? "done" : "error", verb);
}

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	struct evbuffer *in = arg;
	char *line;

	(void)what;
	if (evbuffer_read(in, fd, 4096) <= 0) {
		event_del(input);
		is_read = 1;
		if (is_once)
			end_if_answered();
		else
			event_base_loopbreak(base);
		return;
	}
	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF)) != NULL) {
		command(line);
		free(line);
	}
}

static SSL_CTX *
new_tls(char **files)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls == NULL || SSL_CTX_load_verify_file(tls, files[0]) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, files[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, files[2], SSL_FILETYPE_PEM) != 1)
		fatal("tls: cannot load");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return tls;
}

static void
set_server(struct nats_server *s, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };

	a.sin_port = htons((uint16_t)atoi(port));
	memcpy(&s->address, &a, sizeof(a));
	s->n_address = sizeof(a);
	snprintf(s->name, sizeof(s->name), "127.0.0.1");
}

int
main(int argc, char **argv)
{
	struct nats_server servers[NATS_SERVERS];
	struct nats_conf conf = { .servers = servers,
		.name = "natsclient",
		.version = "0",
		.call = { on_connected, on_lost, on_notice, on_message } };
	struct timeval seconds = { 0, 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_init("natsclient", LOG_DEBUG);
	if (argc > 2 && strcmp(argv[1], "-w") == 0) {
		is_once = 1;
		seconds.tv_sec = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc > 5 && strcmp(argv[1], "-t") == 0) {
		conf.tls = new_tls(argv + 2);
		argv += 4;
	}
	while (*++argv != NULL && conf.n_servers < NATS_SERVERS)
		set_server(&servers[conf.n_servers++], *argv);
	base = conf.base = event_base_new();
	timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
	pull_timer = evtimer_new(base, on_pull_timer, NULL);
	input = event_new(
	    base, 0, EV_READ | EV_PERSIST, on_input, evbuffer_new());
	if ((nats = nats_new(&conf)) == NULL ||
	    (replies = nats_subscribe_inbox(nats)) == 0)
		fatal("cannot start");
	if (is_once)
		event_base_loopexit(base, &seconds);
	else
		event_add(input, NULL);
	event_base_dispatch(base);
	stop_pull();
	nats_free(nats);
	return is_once && n_replies < n_requests;
}
