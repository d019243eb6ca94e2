/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS for a role that uses OpenSSL itself: its certificate, the key that is in
 * keys, and the authorities of tls-ca.  Reads no file.  net does not link it:
 * gRPC does this there.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "front.h"
#include "passphrase.h"

/* Give each certificate of pem to `take': 0, or -1 if there is none, or one of
 * them is malformed or not taken. */
static int
each_certificate(
    const char *pem, SSL_CTX *ctx, int (*take)(SSL_CTX *, X509 *, int is_first))
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert;
	int is_first = 1, is_taken = 1;

	if (bio == NULL)
		return -1;
	ERR_clear_error();
	while (is_taken &&
	    (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) !=
		NULL) {
		is_taken = take(ctx, cert, is_first);
		is_first = 0;
		X509_free(cert);
	}
	BIO_free(bio);
	if (!is_taken || is_first ||
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return -1;
	ERR_clear_error();
	return 0;
}

static int
take_authority(SSL_CTX *ctx, X509 *cert, int is_first)
{
	(void)is_first;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
}

/* The first is the Runner's, the others lead to its CA. */
static int
take_own(SSL_CTX *ctx, X509 *cert, int is_first)
{
	return is_first ? SSL_CTX_use_certificate(ctx, cert) :
			  (int)SSL_CTX_add1_chain_cert(ctx, cert);
}

SSL_CTX *
tls_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	EVP_PKEY *key = tls_key();

	/* keys signs SHA-256 alone.  In TLS 1.2 a server may choose another
	 * hash for P-256. */
	if (ctx == NULL || key == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    each_certificate(tls_ca(), ctx, take_authority) == -1 ||
	    each_certificate(certificate_pem(), ctx, take_own) == -1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1) {
		SSL_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_PKEY_free(key);
	if (ctx != NULL)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}
