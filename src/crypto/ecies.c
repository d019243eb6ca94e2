/* SPDX-License-Identifier: Apache-2.0
 *
 * HKDF, AES-256-GCM and the encryption of values.  Runs in keys, compute and
 * the tools.  The cipher context is allocated at start-up, before the filter,
 * and reset after each use, so that no key schedule stays in memory.
 */
#include <errno.h>
#include <nettle/hmac.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "ecies.h"
#include "log.h"
#include "secp.h"

static EVP_CIPHER *aes;
static EVP_CIPHER_CTX *ctx;

void
ecies_init(void)
{
	static const uint8_t zero[32];
	uint8_t warm[1 + GCM_TAG], plain[1];

	aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ctx = EVP_CIPHER_CTX_new();
	/* Run both once: OpenSSL loads some parts lazily, which the filter
	 * forbids. */
	if (aes == NULL || ctx == NULL ||
	    gcm_seal(zero, zero, zero, 1, zero, 1, warm) != 0 ||
	    gcm_open(zero, zero, zero, 1, warm, sizeof(warm), plain) != 0)
		fatal("libcrypto: no AES-256-GCM");
}

/* Use nettle's HMAC, whose state is on the stack and can be wiped: OpenSSL's
 * EVP_KDF leaves a copy of the key on the heap. */
int
hkdf32(const uint8_t *ikm, size_t ikm_len, const char *info, uint8_t out[32])
{
	static const uint8_t salt[32], one = 1;
	struct hmac_sha256_ctx h;
	uint8_t prk[32];

	hmac_sha256_set_key(&h, sizeof(salt), salt);
	hmac_sha256_update(&h, ikm_len, ikm);
	hmac_sha256_digest(&h, sizeof(prk), prk);
	hmac_sha256_set_key(&h, sizeof(prk), prk);
	hmac_sha256_update(&h, strlen(info), (const uint8_t *)info);
	hmac_sha256_update(&h, 1, &one);
	hmac_sha256_digest(&h, 32, out);
	explicit_bzero(&h, sizeof(h));
	explicit_bzero(prk, sizeof(prk));
	return 0;
}

int
gcm_seal(const uint8_t key[32], const uint8_t nonce[GCM_NONCE], const void *aad,
    size_t aad_len, const uint8_t *plain, size_t n, uint8_t *cipher)
{
	int len, r = -1;

	if (EVP_EncryptInit_ex2(ctx, aes, key, nonce, NULL) == 1 &&
	    (aad_len == 0 ||
		EVP_EncryptUpdate(ctx, NULL, &len, aad, (int)aad_len) == 1) &&
	    EVP_EncryptUpdate(ctx, cipher, &len, plain, (int)n) == 1 &&
	    EVP_EncryptFinal_ex(ctx, cipher + n, &len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(
		ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, cipher + n) == 1)
		r = 0;
	EVP_CIPHER_CTX_reset(ctx);
	return r;
}

int
gcm_open(const uint8_t key[32], const uint8_t nonce[GCM_NONCE], const void *aad,
    size_t aad_len, const uint8_t *cipher, size_t n, uint8_t *plain)
{
	uint8_t tag[GCM_TAG];
	int len, r = -1;

	if (n < GCM_TAG)
		return -1;
	n -= GCM_TAG;
	memcpy(tag, cipher + n, GCM_TAG);
	if (EVP_DecryptInit_ex2(ctx, aes, key, nonce, NULL) == 1 &&
	    (aad_len == 0 ||
		EVP_DecryptUpdate(ctx, NULL, &len, aad, (int)aad_len) == 1) &&
	    EVP_DecryptUpdate(ctx, plain, &len, cipher, (int)n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) ==
		1 &&
	    EVP_DecryptFinal_ex(ctx, plain + n, &len) == 1)
		r = 0;
	else
		explicit_bzero(plain, n);
	EVP_CIPHER_CTX_reset(ctx);
	return r;
}

int
ecies_key(const uint8_t s[32], uint8_t key[32])
{
	return hkdf32(s, 32, "ECIES:AES_GCM:v1", key);
}

int
ecies_key_new(const uint8_t p_xy[64], uint8_t k_pub[33], uint8_t key[32])
{
	struct {
		uint8_t	k[32], s[32];
	} t;
	int r = -1;

	secp_key_new(t.k);
	if (secp_public(t.k, k_pub) == 0 &&
	    secp_mul_x_of_xy(t.k, p_xy, t.s) == 0)
		r = ecies_key(t.s, key);
	explicit_bzero(&t, sizeof(t));
	return r;
}

int
ecies_seal_with(const uint8_t key[32], const void *aad, size_t aad_len,
    const uint8_t *plain, size_t n, uint8_t nonce[GCM_NONCE], uint8_t *cipher)
{
	if (getrandom(nonce, GCM_NONCE, 0) != GCM_NONCE)
		fatal("getrandom: %s", strerror(errno));
	return gcm_seal(key, nonce, aad, aad_len, plain, n, cipher);
}

int
ecies_seal(const uint8_t p_xy[64], const void *aad, size_t aad_len,
    const uint8_t *plain, size_t n, uint8_t k_pub[33], uint8_t nonce[GCM_NONCE],
    uint8_t *cipher)
{
	uint8_t key[32];
	int r = ecies_key_new(p_xy, k_pub, key);

	if (r == 0)
		r = ecies_seal_with(key, aad, aad_len, plain, n, nonce, cipher);
	explicit_bzero(key, sizeof(key));
	return r;
}
