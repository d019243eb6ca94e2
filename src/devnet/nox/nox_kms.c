/* SPDX-License-Identifier: Apache-2.0
 *
 * See nox_kms.h.  Runs in the server nox.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "nox_kms.h"
#include "secp.h"
#include "server.h"

#define BITS	2048

static uint8_t key[32];

void
nox_kms_init(void)
{
	dir_secret(&devnet, "nox-kms", key);
}

EVP_PKEY *
nox_kms_target(const uint8_t *spki, size_t n)
{
	const uint8_t *p = spki;
	EVP_PKEY *target = d2i_PUBKEY(NULL, &p, (long)n);

	if (target == NULL)
		return NULL;
	if (p != spki + n || EVP_PKEY_get_base_id(target) != EVP_PKEY_RSA ||
	    EVP_PKEY_get_bits(target) < BITS ||
	    EVP_PKEY_get_size(target) > NOX_KMS_SECRET) {
		EVP_PKEY_free(target);
		return NULL;
	}
	return target;
}

static int
encrypt(EVP_PKEY *target, const uint8_t x[32], uint8_t *out, size_t *n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(target, NULL);
	int r = -1;

	*n = NOX_KMS_SECRET;
	if (c != NULL && EVP_PKEY_encrypt_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1 &&
	    EVP_PKEY_encrypt(c, out, n, x, 32) == 1)
		r = 0;
	EVP_PKEY_CTX_free(c);
	return r;
}

int
nox_kms_delegate(const uint8_t ephemeral[33], EVP_PKEY *target,
    uint8_t out[NOX_KMS_SECRET], size_t *n)
{
	uint8_t x[32];
	int r;

	if (fault == FAULT_NOX_kms || secp_mul_x(key, ephemeral, x) != 0)
		return -1;
	if (fault == FAULT_NOX_secret)
		x[0] ^= 1;
	r = encrypt(target, x, out, n);
	explicit_bzero(x, sizeof(x));
	return r;
}
