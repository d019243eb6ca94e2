/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLS key (P-256).  net asks for a signature in each handshake; what a taken
 * net can have signed with this key opens nothing that it does not hold already.
 * The file is read at start-up, before the sandbox.
 */
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "log.h"

#define SECURE_HEAP	32768

static EVP_PKEY *key;

void
tls_init(const char *path)
{
	static const uint8_t digest[32];
	struct m_tls_signed warm;
	char group[32];
	FILE *f;

	/* OpenSSL keeps private keys there: locked, and out of dumps. */
	if (CRYPTO_secure_malloc_init(SECURE_HEAP, 32) != 1)
		fatal("tls-key: no %d bytes of locked memory", SECURE_HEAP);
	if ((f = fopen(path, "re")) == NULL)
		fatal("tls-key %s: %s", path, strerror(errno));
	setvbuf(f, NULL, _IONBF, 0);	/* no copy of the file in a buffer */
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (key == NULL)
		fatal("tls-key %s: not a private key in PEM", path);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, "prime256v1") != 0)
		fatal("tls-key %s: not a key on P-256", path);
	/* OpenSSL fetches its algorithms on first use: before the filter. */
	tls_sign(digest, &warm);
}

void
tls_sign(const uint8_t digest[32], struct m_tls_signed *out)
{
	const unsigned char *p;
	unsigned char der[80];
	size_t len = sizeof(der);
	EVP_PKEY_CTX *ctx;
	ECDSA_SIG *sig;

	memset(out, 0, sizeof(*out));
	if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL ||
	    EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, digest, 32) != 1)
		fatal("tls-key: signing failed");
	EVP_PKEY_CTX_free(ctx);
	p = der;
	if ((sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) == NULL ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->r, 32) != 32 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->s, 32) != 32)
		fatal("tls-key: signature out of form");
	ECDSA_SIG_free(sig);
}
