/* SPDX-License-Identifier: Apache-2.0
 *
 * See stream.h.  One request at a time: the reply that arrives is that of the
 * last request, by the number in its subject.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "nats.h"
#include "passphrase.h"
#include "stream.h"

#define TIMEOUT		5000	/* ms, of a request */
#define SECOND		1000000000LL	/* ns */

struct stream {
	struct event_base *base;
	struct nats	*nats;
	struct event	*timer;
	SSL_CTX		*tls;
	uint64_t	 sid;
	uint64_t	 request;
	json_t		*reply;		/* to it */
	char		 why[256];	/* the last failure */
};

/* ---- connection ---------------------------------------------------------- */

static void
on_connected(void *arg, const char *server, const struct nats_info *info)
{
	(void)arg;
	(void)server;
	(void)info;
}

static void
on_failure(void *arg, const char *server, const char *why)
{
	struct stream *s = arg;

	snprintf(s->why, sizeof(s->why), "%s: %s", server, why);
}

static void
reply_subject(const struct stream *s, char *subject, size_t size)
{
	snprintf(subject, size, "%s.%llu.%llu", nats_inbox(s->nats),
	    (unsigned long long)s->sid, (unsigned long long)s->request);
}

static void
on_message(void *arg, const struct nats_message *m)
{
	struct stream *s = arg;
	char subject[NATS_INBOX + 64];

	reply_subject(s, subject, sizeof(subject));
	if (m->sid != s->sid || strcmp(m->subject, subject) != 0)
		return;
	json_decref(s->reply);
	s->reply = m->status != 0 ?
	    json_pack("{s:{s:s}}", "error", "description", "no responder") :
	    json_loadb((const char *)m->payload, m->n_payload, 0, NULL);
}

static SSL_CTX *
load_tls(const struct devnet *d)
{
	char ca[DEVNET_PATH], certificate[DEVNET_PATH], file[DEVNET_PATH];
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	EVP_PKEY *key = NULL;
	FILE *f;

	dir_path(d, ca, "tls/ca.pem");
	dir_path(d, certificate, "tls/cli.pem");
	dir_path(d, file, "tls/cli.key");
	if ((f = fopen(file, "r")) != NULL) {
		key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL);
		fclose(f);
	}
	if (tls == NULL || key == NULL ||
	    SSL_CTX_load_verify_file(tls, ca) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, key) != 1)
		fatal("%s: cannot load certificates", certificate);
	EVP_PKEY_free(key);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return tls;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Wait for an event and handle it; at most for 20 ms. */
static void
handle_event(struct stream *s)
{
	const struct timeval tv = { 0, 20000 };

	event_add(s->timer, &tv);
	event_base_loop(s->base, EVLOOP_ONCE);
}

struct stream *
stream_open(const struct devnet *d, unsigned int ms)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(d->nox.nats_port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct nats_server server = { .name = "127.0.0.1",
		.n_address = sizeof(a) };
	struct stream *s = calloc(1, sizeof(*s));
	struct nats_conf conf = { .servers = &server,
		.n_servers = 1,
		.name = "tee-devnet",
		.version = "0",
		.call = { on_connected, on_failure, on_failure, on_message },
		.arg = s };
	const uint64_t until = now_ms() + ms;

	signal(SIGPIPE, SIG_IGN);	/* a server that goes */
	memcpy(&server.address, &a, sizeof(a));
	if (s == NULL || (s->base = conf.base = event_base_new()) == NULL ||
	    (s->timer = evtimer_new(s->base, on_timer, NULL)) == NULL)
		fatal("nats: out of memory");
	s->tls = conf.tls = load_tls(d);
	if ((s->nats = nats_new(&conf)) == NULL ||
	    (s->sid = nats_subscribe_inbox(s->nats)) == 0)
		fatal("nats: out of memory");
	while (!nats_is_connected(s->nats) && now_ms() < until)
		handle_event(s);
	if (nats_is_connected(s->nats))
		return s;
	fprintf(stderr, "tee-devnet: nats: cannot connect: %s\n", s->why);
	stream_close(s);
	return NULL;
}

void
stream_close(struct stream *s)
{
	nats_free(s->nats);
	event_free(s->timer);
	SSL_CTX_free(s->tls);
	event_base_free(s->base);
	json_decref(s->reply);
	free(s);
}

/* ---- requests ------------------------------------------------------------ */

/* Takes over the reference to `body'.  Returns the reply, valid until the next
 * request, or NULL after a line on stderr. */
static const json_t *
ask(struct stream *s, const char *subject, const char *const *headers,
    json_t *body)
{
	const uint64_t until = now_ms() + TIMEOUT;
	char *text = json_dumps(body, JSON_COMPACT), inbox[NATS_INBOX + 64];
	const json_t *error;
	const char *why = "no answer";
	int sent = 0;

	if (text == NULL)
		fatal("nats: out of memory");
	json_decref(body);
	json_decref(s->reply);
	s->reply = NULL;
	s->request++;
	reply_subject(s, inbox, sizeof(inbox));
	while (s->reply == NULL && now_ms() < until) {
		sent = sent ||
		    nats_publish(s->nats, subject, inbox, headers, text,
			strlen(text)) == 0;
		handle_event(s);
	}
	free(text);
	error = json_object_get(s->reply, "error");
	if (s->reply != NULL && error == NULL)
		return s->reply;
	if (error != NULL)
		why = json_string_value(json_object_get(error, "description"));
	fprintf(stderr, "tee-devnet: nats: %s: %s\n", subject, why);
	return NULL;
}

static json_t *
stream_conf(void)
{
	return json_pack("{s:s,s:[s],s:s,s:s,s:I,s:I,s:i}", "name", STREAM_NAME,
	    "subjects", STREAM_NAME ".>", "storage", "file", "retention",
	    "limits", "max_age", (json_int_t)(86400 * SECOND),
	    "duplicate_window", (json_int_t)(600 * SECOND), "num_replicas", 1);
}

static json_t *
consumer_conf(const struct devnet_nox *x)
{
	return json_pack("{s:s,s:{s:s,s:s,s:s,s:i,s:I,s:I,s:I}}", "stream_name",
	    STREAM_NAME, "config", "durable_name", STREAM_CONSUMER,
	    "ack_policy", "explicit", "deliver_policy", "all", "max_deliver",
	    10, "max_ack_pending", (json_int_t)x->max_ack_pending, "max_batch",
	    (json_int_t)x->max_batch, "ack_wait",
	    (json_int_t)x->ack_wait * SECOND);
}

int
stream_create(struct stream *s, const struct devnet *d)
{
	if (ask(s, "$JS.API.STREAM.CREATE." STREAM_NAME, NULL, stream_conf()) ==
		NULL ||
	    ask(s,
		"$JS.API.CONSUMER.DURABLE.CREATE." STREAM_NAME
		"." STREAM_CONSUMER,
		NULL, consumer_conf(&d->nox)) == NULL)
		return -1;
	return 0;
}

json_t *
stream_status(struct stream *s)
{
	const json_t *info = ask(s,
	    "$JS.API.CONSUMER.INFO." STREAM_NAME "." STREAM_CONSUMER, NULL,
	    json_object());

	return json_pack("{s:O?,s:O?,s:O?}", "pending",
	    json_object_get(info, "num_pending"), "ackPending",
	    json_object_get(info, "num_ack_pending"), "redelivered",
	    json_object_get(info, "num_redelivered"));
}

int
stream_publish(struct stream *s, const char *subject, const char *id,
    const json_t *message)
{
	const char *headers[] = { "Nats-Msg-Id", id, NULL };

	return ask(s, subject, headers, json_deep_copy(message)) == NULL ? -1 :
									   0;
}
