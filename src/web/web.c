/* SPDX-License-Identifier: Apache-2.0
 *
 * An HTTP client on libevent's, for registry and nox.  Certificate authorities
 * and addresses are read at start-up: after the sandbox is entered, this opens
 * no file and looks up no name.
 *
 * A connection that failed or was closed is replaced, since an SSL object
 * cannot be reused.  It is freed only from a timer, never in a callback of
 * libevent's HTTP code, which may still use it.
 */
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "passphrase.h"
#include "sandbox.h"
#include "sha256.h"
#include "web.h"

#define ADDRESSES	4
#define CONNECT_TIME	1	/* seconds per address, except for the last */
#define HEADERS_MAX	(16 * 1024)
#define CA_MAX		(1024 * 1024)
#define OUT_HEADERS	4	/* of a request, those of the caller */

struct web {
	const struct web_conf	*conf;
	struct event_base	*base;
	char			 name[192], host[128], host_header[144];
	char			*target;	/* path and query of the URL */
	char			 address[ADDRESSES][NI_MAXHOST];
	size_t			 n_addresses, which;
	uint16_t		 port;
	int			 is_tls, is_stale;
	struct evhttp_connection *http;
	struct event		*start, *connecting, *overdue;

	/* The current request; texts are malloc's. */
	int			 is_post;
	char			*path;		/* NULL: `target' */
	char			*headers[2 * OUT_HEADERS];
	size_t			 n_headers;
	char			*body;
	size_t			 n_body;
	size_t			 tries;		/* addresses tried so far */
	uint64_t		 id;		/* counts them */
	web_done		 done;		/* NULL: no request */
	void			*arg;
};

static SSL_CTX *tls;

/* ---- one request ------------------------------------------------------- */

static void
forget(struct web *r)
{
	evtimer_del(r->start);
	evtimer_del(r->connecting);
	evtimer_del(r->overdue);
	while (r->n_headers > 0)
		free(r->headers[--r->n_headers]);
	free(r->path);
	free(r->body);
	r->path = r->body = NULL;
	r->done = NULL;
}

static void
finish(struct web *r, const struct web_answer *answer, const char *why)
{
	web_done done = r->done;

	forget(r);
	if (answer == NULL && r->is_stale)
		r->which = (r->which + 1) % r->n_addresses;
	done(r->arg, answer, why);
}

/* Try the next address.  Returns 1 if there is one, 0 if all were tried. */
static int
next_address(struct web *r)
{
	static const struct timeval at_once = { 0, 0 };

	r->is_stale = 1;
	if (r->tries >= r->n_addresses)
		return 0;
	r->which = (r->which + 1) % r->n_addresses;
	evtimer_del(r->connecting);
	evtimer_add(r->start, &at_once);
	return 1;
}

static void
on_closed(struct evhttp_connection *http, void *arg)
{
	(void)http;
	((struct web *)arg)->is_stale = 1;
}

static void
on_answer(struct evhttp_request *req, void *arg)
{
	struct web *r = arg;
	struct web_answer answer;
	struct evbuffer *body;

	if (req == NULL ||
	    (answer.code = evhttp_request_get_response_code(req)) == 0) {
		if (r->done != NULL && !next_address(r))
			finish(
			    r, NULL, "no connection, or no valid HTTP answer");
		return;
	}
	body = evhttp_request_get_input_buffer(req);
	answer.n = evbuffer_get_length(body);
	answer.body = (const char *)evbuffer_pullup(body, -1);
	if (answer.body == NULL)
		answer.body = "";
	finish(r, &answer, NULL);
}

static void
disconnect(struct web *r)
{
	if (r->http != NULL)
		evhttp_connection_free(r->http);
	r->http = NULL;
	r->is_stale = 1;
}

/* The TCP connection is not established in time and other addresses remain. */
static void
on_connecting(int fd, short what, void *arg)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct web *r = arg;

	(void)what;
	if (r->http != NULL) {
		fd = bufferevent_getfd(
		    evhttp_connection_get_bufferevent(r->http));
		if (fd != -1 &&
		    getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
			return;		/* connected, but slow to answer */
	}
	disconnect(r);
	(void)next_address(r);
}

static void
on_overdue(int fd, short what, void *arg)
{
	struct web *r = arg;

	(void)fd;
	(void)what;
	evtimer_del(r->start);
	disconnect(r);
	finish(r, NULL, "no answer in time");
}

static SSL *
new_ssl(const struct web *r)
{
	SSL *ssl = SSL_new(tls);
	X509_VERIFY_PARAM *param;

	if (ssl == NULL)
		return NULL;
	param = SSL_get0_param(ssl);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, r->host) == 1)
		return ssl;
	if (SSL_set1_host(ssl, r->host) == 1 &&
	    SSL_set_tlsext_host_name(ssl, r->host) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static int
connect_http(struct web *r)
{
	struct bufferevent *bev = NULL;
	SSL *ssl;

	if (r->http != NULL && !r->is_stale)
		return 0;
	if (r->http != NULL)
		evhttp_connection_free(r->http);
	r->http = NULL;
	if (r->is_tls) {
		if ((ssl = new_ssl(r)) == NULL)
			return -1;
		if ((bev = bufferevent_openssl_socket_new(r->base, -1, ssl,
			 BUFFEREVENT_SSL_CONNECTING,
			 BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS)) ==
		    NULL) {
			SSL_free(ssl);
			return -1;
		}
	}
	/* A numeric address, so that connecting looks up no name. */
	r->http = evhttp_connection_base_bufferevent_new(
	    r->base, NULL, bev, r->address[r->which], r->port);
	if (r->http == NULL) {
		if (bev != NULL)
			bufferevent_free(bev);
		return -1;
	}
	r->is_stale = 0;
	/* Longer than the request's own timeout, which reports a better
	 * reason. */
	evhttp_connection_set_timeout(r->http, 2 * (int)r->conf->timeout);
	evhttp_connection_set_max_body_size(r->http, (ev_ssize_t)r->conf->max);
	evhttp_connection_set_max_headers_size(r->http, HEADERS_MAX);
	evhttp_connection_set_closecb(r->http, on_closed, r);
	return 0;
}

static void
on_start(int fd, short what, void *arg)
{
	struct web *r = arg;
	struct evhttp_request *req;
	struct evkeyvalq *headers;
	static const struct timeval connect_time = { CONNECT_TIME, 0 };
	const uint64_t id = r->id;
	size_t i;

	(void)fd;
	(void)what;
	if (++r->tries < r->n_addresses)
		evtimer_add(r->connecting, &connect_time);
	if (connect_http(r) != 0 ||
	    (req = evhttp_request_new(on_answer, r)) == NULL) {
		finish(r, NULL, "no connection: out of memory");
		return;
	}
	headers = evhttp_request_get_output_headers(req);
	evhttp_add_header(headers, "Host", r->host_header);
	evhttp_add_header(headers, "Connection", "keep-alive");
	for (i = 0; i < r->n_headers; i += 2)
		evhttp_add_header(headers, r->headers[i], r->headers[i + 1]);
	if (r->n_body != 0)
		evbuffer_add(
		    evhttp_request_get_output_buffer(req), r->body, r->n_body);
	/* On failure libevent frees req and may have called on_answer, which
	 * may have started the next request. */
	if (evhttp_make_request(r->http, req,
		r->is_post ? EVHTTP_REQ_POST : EVHTTP_REQ_GET,
		r->path == NULL ? r->target : r->path) != 0 &&
	    r->done != NULL && r->id == id &&
	    !evtimer_pending(r->start, NULL) && !next_address(r))
		finish(r, NULL, "no connection");
}

static char *
copy_of(const void *from, size_t n)
{
	char *p = malloc(n + 1);

	if (p == NULL)
		fatal("out of memory");
	memcpy(p, from, n);
	p[n] = '\0';
	return p;
}

void
web_send(struct web *r, const struct web_request *q, web_done done, void *arg)
{
	static const struct timeval at_once = { 0, 0 };
	const struct timeval limit = { r->conf->timeout, 0 };
	const char *const *h;

	if (r->done != NULL)
		fatal("%s: two requests at a time", r->name);
	r->id++;
	r->is_post = q->is_post;
	if (q->target != NULL)
		r->path = copy_of(q->target, strlen(q->target));
	for (h = q->headers; h != NULL && *h != NULL; h++) {
		if (r->n_headers == 2 * OUT_HEADERS)
			fatal("%s: too many headers", r->name);
		r->headers[r->n_headers++] = copy_of(*h, strlen(*h));
	}
	r->n_body = q->n;
	if (q->n != 0)
		r->body = copy_of(q->body, q->n);
	r->done = done;
	r->arg = arg;
	r->tries = 0;
	evtimer_add(r->start, &at_once);
	evtimer_add(r->overdue, &limit);
}

/* The connection may bring the answer yet: another is made for the next
 * request. */
void
web_cancel(struct web *r)
{
	if (r->done == NULL)
		return;
	forget(r);
	disconnect(r);
}

int
web_is_busy(const struct web *r)
{
	return r->done != NULL;
}

/* ---- start-up ---------------------------------------------------------- */

/* Like SSL_CTX_load_verify_file(), but from memory, so that the bytes are those
 * that were hashed.  Returns the number of certificates. */
static int
add_authorities(BIO *pem)
{
	STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read_bio(
	    pem, NULL, no_passphrase, NULL);
	X509_STORE *store = SSL_CTX_get_cert_store(tls);
	X509_INFO *info;
	int i, n = 0;

	for (i = 0; i < sk_X509_INFO_num(infos); i++) {
		info = sk_X509_INFO_value(infos, i);
		if (info->x509 != NULL)
			n += X509_STORE_add_cert(store, info->x509);
		if (info->crl != NULL)
			X509_STORE_add_crl(store, info->crl);
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	return n;
}

/* The file may have been replaced since the monitor hashed it, so hash the
 * bytes that are used and compare with the attested hash. */
static void
read_ca(const struct conf *conf)
{
	static unsigned char text[CA_MAX];
	BIO *file = BIO_new_file(conf->registry_ca, "r"), *pem;
	uint8_t hash[32];
	size_t n = 0, got;

	if (file == NULL)
		fatal("registry-ca %s: cannot open", conf->registry_ca);
	while (n < sizeof(text) &&
	    BIO_read_ex(file, text + n, sizeof(text) - n, &got) == 1)
		n += got;
	BIO_free(file);
	sha256(text, n, hash);
	if (memcmp(hash, conf->registry_ca_sha256, sizeof(hash)) != 0)
		fatal("registry-ca %s: not the attested file: it changed after "
		      "the start: restart tee-runnerd",
		    conf->registry_ca);
	if ((pem = BIO_new_mem_buf(text, (int)n)) == NULL ||
	    add_authorities(pem) == 0)
		fatal("registry-ca %s: no certificates in the file",
		    conf->registry_ca);
	BIO_free(pem);
}

void
web_init(const struct conf *conf)
{
	const char *const system[] = { X509_get_default_cert_file(),
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt" };

	if ((tls = SSL_CTX_new(TLS_client_method())) == NULL ||
	    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
		fatal("cannot set up TLS");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (conf->registry_ca[0] != '\0') {
		read_ca(conf);
		return;
	}
	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++)
		if (SSL_CTX_load_verify_file(tls, system[i]) == 1)
			return;
	log_warn("no CA certificates found: https endpoints will fail: set "
		 "registry-ca");
}

/* The name omits the path, which may contain an access key. */
static void
set_names(struct web *r, const char *scheme, const char *host, int port)
{
	/* libevent keeps the brackets of an IPv6 address. */
	if (*host == '[')
		snprintf(r->host, sizeof(r->host), "%.*s",
		    (int)strcspn(host + 1, "]"), host + 1);
	else
		snprintf(r->host, sizeof(r->host), "%s", host);
	if (port == -1)
		snprintf(r->host_header, sizeof(r->host_header), "%s", host);
	else
		snprintf(r->host_header, sizeof(r->host_header), "%s:%d", host,
		    port);
	snprintf(r->name, sizeof(r->name), "%s://%s", scheme, r->host_header);
}

static int
look_up(struct web *r)
{
	/* Use evutil_getaddrinfo(), not getaddrinfo(3): its first call opens
	 * files to check for IPv4 and IPv6, which the sandbox would refuse
	 * later. */
	struct evutil_addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_protocol = IPPROTO_TCP },
			       *list, *ai;
	int e;

	if ((e = evutil_getaddrinfo(r->host, NULL, &hints, &list)) != 0) {
		log_warn("%s %s: cannot resolve its name: %s", r->conf->keyword,
		    r->name, evutil_gai_strerror(e));
		return -1;
	}
	for (ai = list; ai != NULL && r->n_addresses < ADDRESSES;
	     ai = ai->ai_next)
		if (getnameinfo(ai->ai_addr, ai->ai_addrlen,
			r->address[r->n_addresses], NI_MAXHOST, NULL, 0,
			NI_NUMERICHOST) == 0)
			r->n_addresses++;
	evutil_freeaddrinfo(list);
	return r->n_addresses > 0 ? 0 : -1;
}

static struct web *
new_web(struct event_base *base, const struct web_conf *conf)
{
	struct web *r = calloc(1, sizeof(*r));

	if (r == NULL)
		fatal("out of memory");
	r->base = base;
	r->conf = conf;
	r->start = evtimer_new(base, on_start, r);
	r->connecting = evtimer_new(base, on_connecting, r);
	r->overdue = evtimer_new(base, on_overdue, r);
	if (r->start == NULL || r->connecting == NULL || r->overdue == NULL)
		fatal("out of memory");
	return r;
}

static void
free_web(struct web *r)
{
	event_free(r->start);
	event_free(r->connecting);
	event_free(r->overdue);
	free(r->target);
	free(r);
}

struct web *
web_new(struct event_base *base, const char *url, const struct web_conf *conf)
{
	struct evhttp_uri *uri = evhttp_uri_parse(url);
	const char *scheme, *host, *path, *query;
	struct web *r = new_web(base, conf);
	int port;

	if (uri == NULL || (scheme = evhttp_uri_get_scheme(uri)) == NULL ||
	    (host = evhttp_uri_get_host(uri)) == NULL || *host == '\0' ||
	    strlen(host) >= sizeof(r->host) ||
	    evhttp_uri_get_userinfo(uri) != NULL ||
	    (strcasecmp(scheme, "http") != 0 &&
		strcasecmp(scheme, "https") != 0))
		fatal("%s: expected an http or https URL", conf->keyword);
	r->is_tls = strcasecmp(scheme, "https") == 0;
	port = evhttp_uri_get_port(uri);
	r->port = (uint16_t)(port != -1 ? port : r->is_tls ? 443 : 80);
	set_names(r, scheme, host, port);
	path = evhttp_uri_get_path(uri);
	query = evhttp_uri_get_query(uri);
	if (asprintf(&r->target, "%s%s%s", *path == '\0' ? "/" : path,
		query != NULL ? "?" : "", query != NULL ? query : "") == -1)
		fatal("out of memory");
	evhttp_uri_free(uri);
	if (look_up(r) == 0) {
		sandbox_allow_port(r->port);
		return r;
	}
	free_web(r);
	return NULL;
}

struct web *
web_another(const struct web *from)
{
	struct web *r = new_web(from->base, from->conf);

	memcpy(r->name, from->name, sizeof(r->name));
	memcpy(r->host, from->host, sizeof(r->host));
	memcpy(r->host_header, from->host_header, sizeof(r->host_header));
	memcpy(r->address, from->address, sizeof(r->address));
	r->n_addresses = from->n_addresses;
	r->port = from->port;
	r->is_tls = from->is_tls;
	r->target = copy_of(from->target, strlen(from->target));
	return r;
}

const char *
web_name(const struct web *r)
{
	return r->name;
}
