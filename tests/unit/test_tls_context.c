/* SPDX-License-Identifier: Apache-2.0
 *
 * A handshake as a client of TLS whose private key is with keys: a thread is
 * keys, and a server asks for our certificate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front.h"
#include "log.h"
#include "sha256.h"

/* chan.c wants them; nothing is dispatched. */
const msg_handler handlers[M_TYPES];

/* The parts of a role that certificate.c calls. */
struct front front;

void
front_lock(void)
{
}

void
front_unlock(void)
{
}

void
front_renewed(int has_expired)
{
	(void)has_expired;
}

void
front_matched(void)
{
}

static char ca_path[] = "/tmp/tee-ca-XXXXXX";
static char own_path[] = "/tmp/tee-own-XXXXXX";
static EVP_PKEY *ca_key, *own_key, *server_key;
static X509 *ca, *other_ca, *own, *server;
static EVP_PKEY *keys_key;	/* NULL: keys has another one */

/* ---- certificates ------------------------------------------------------ */

static X509 *
certificate(EVP_PKEY *of, const char *name, X509 *issuer, EVP_PKEY *by)
{
	const unsigned char *cn = (const unsigned char *)name;
	X509 *c = X509_new();

	assert_non_null(c);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	X509_gmtime_adj(X509_getm_notBefore(c), -60);
	X509_gmtime_adj(X509_getm_notAfter(c), 86400);
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(c), "CN", MBSTRING_ASC, cn, -1, -1, 0);
	X509_set_issuer_name(
	    c, X509_get_subject_name(issuer == NULL ? c : issuer));
	assert_int_equal(X509_set_pubkey(c, of), 1);
	assert_true(X509_sign(c, by, EVP_sha256()) > 0);
	return c;
}

static void
put(char *path, X509 *first, X509 *second)
{
	const int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, first), 1);
	if (second != NULL)
		assert_int_equal(PEM_write_X509(f, second), 1);
	assert_int_equal(fclose(f), 0);
}

/* ---- keys -------------------------------------------------------------- */

static void
key_sign(const struct m_tls_sign *ask, struct m_tls_signed *answer)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(keys_key, NULL);
	unsigned char der[128];
	const unsigned char *p = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	memset(answer, 0, sizeof(*answer));
	if (ctx == NULL)
		return;
	if (EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &n, ask->digest, sizeof(ask->digest)) != 1)
		abort();
	if ((sig = d2i_ECDSA_SIG(NULL, &p, (long)n)) == NULL)
		abort();
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), answer->r, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), answer->s, 32);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(ctx);
}

static void *
keys_thread(void *arg)
{
	const int fd = *(int *)arg;
	struct pollfd p = { fd, POLLIN, 0 };
	struct m_tls_signed answer;
	struct chan c;
	struct msg m;
	int r;

	chan_init(&c, fd, R_KEYS, R_TLS, 0);
	while (
	    poll(&p, 1, -1) == 1 && (r = chan_recv(&c, S_SERVING, &m)) != -1) {
		if (r == 0)
			continue;
		key_sign(m.payload, &answer);
		if (chan_send(&c, M_TLS_SIGNED, &answer, NULL, 0, -1) == -1)
			abort();
	}
	chan_close(&c);
	return NULL;
}

/* ---- a handshake ------------------------------------------------------- */

/* The server's side: it wants a certificate of our CA. */
static SSL *
server_ssl(X509 *trusted)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	assert_int_equal(SSL_CTX_use_certificate(ctx, server), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, server_key), 1);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), trusted);
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_accept_state(ssl);
	return ssl;
}

/* 1 if both sides are done; then the server has our certificate and the one
 * after it. */
static int
shake(SSL *client, SSL *peer)
{
	BIO *a, *b;
	int i, x = 0, y = 0;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(peer, b, b);
	SSL_set_connect_state(client);
	for (i = 0; i < 20; i++) {
		x = SSL_do_handshake(client);
		y = SSL_do_handshake(peer);
	}
	if (x == 1 && y == 1) {
		X509 *seen = SSL_get1_peer_certificate(peer);

		assert_non_null(seen);
		assert_int_equal(X509_cmp(seen, own), 0);
		X509_free(seen);
		/* A server has the chain without it. */
		assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(peer)), 1);
	}
	return x == 1 && y == 1;
}

/* A handshake with a server that is named NAME and believes TRUSTED. */
static int
connects(const char *name, X509 *trusted, EVP_PKEY *in_keys)
{
	SSL_CTX *ctx;
	SSL *client, *peer = server_ssl(trusted);
	pthread_t thread;
	int fd[2], done;

	assert_int_equal(chan_pair(fd), 0);
	keys_key = in_keys;
	assert_int_equal(pthread_create(&thread, NULL, keys_thread, &fd[1]), 0);
	tls_channel(fd[0]);
	assert_non_null(ctx = tls_context());
	assert_non_null(client = SSL_new(ctx));
	SSL_CTX_free(ctx);
	assert_int_equal(SSL_set1_host(client, name), 1);
	done = shake(client, peer);
	SSL_free(client);
	SSL_free(peer);
	tls_channel(-1);
	pthread_join(thread, NULL);
	return done;
}

static void
a_server_gets_our_certificate_and_the_signature_of_keys(void **state)
{
	(void)state;
	assert_int_equal(connects("server", ca, own_key), 1);
	assert_int_equal(tls_is_mismatched(), 0);
}

static void
a_server_with_another_name_or_authority_is_refused(void **state)
{
	X509 *real = server;

	(void)state;
	assert_int_equal(connects("another", ca, own_key), 0);
	server = certificate(server_key, "server", other_ca, server_key);
	assert_int_equal(connects("server", ca, own_key), 0);
	X509_free(server);
	server = real;
}

static void
without_its_key_in_keys_there_is_no_connection(void **state)
{
	(void)state;
	assert_int_equal(connects("server", ca, NULL), 0);
	assert_int_equal(tls_is_mismatched(), 1);
	assert_int_equal(connects("server", ca, own_key), 1);
	assert_int_equal(tls_is_mismatched(), 0);
}

static int
once(void **state)
{
	struct conf conf = { 0 };
	char *pem = calloc(1, PEM_LIMIT);

	(void)state;
	log_init("test", LOG_INFO);
	ca_key = EVP_EC_gen("P-256");
	own_key = EVP_EC_gen("P-256");
	server_key = EVP_EC_gen("P-256");
	ca = certificate(ca_key, "CA", NULL, ca_key);
	other_ca = certificate(server_key, "other", NULL, server_key);
	own = certificate(own_key, "runner", ca, ca_key);
	server = certificate(server_key, "server", ca, ca_key);
	put(ca_path, ca, NULL);
	put(own_path, own, ca);
	strcpy(conf.tls_ca, ca_path);
	strcpy(conf.tls_certificate, own_path);
	assert_non_null(pem);
	sha256(pem, pem_open("ca", ca_path, pem), conf.tls_ca_sha256);
	free(pem);
	tls_init(&conf);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	X509_free(ca);
	X509_free(other_ca);
	X509_free(own);
	X509_free(server);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(own_key);
	EVP_PKEY_free(server_key);
	return unlink(ca_path) + unlink(own_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_server_gets_our_certificate_and_the_signature_of_keys),
		cmocka_unit_test(
		    a_server_with_another_name_or_authority_is_refused),
		cmocka_unit_test(
		    without_its_key_in_keys_there_is_no_connection),
	};

	return cmocka_run_group_tests(tests, once, clean);
}
