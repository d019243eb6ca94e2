/* SPDX-License-Identifier: Apache-2.0
 *
 * RSA keys of a worker, by OpenSSL, and OAEP decoding.  Runs in compute.  Must
 * never tell one failure from another.
 *
 * The decoding is here because OpenSSL 3.0 leaves the encoded message, from
 * which anyone can compute the secret, in memory that it has freed.  And the
 * secret always has 32 bytes, so no length and no position is secret.
 */
/* RAND_set_rand_method(): see random_bytes(). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <nettle/sha2.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "rsa.h"
#include "secret.h"

/* Two keys, and the numbers that are used to make another, take a third. */
#define SECURE_HEAP	(128 * 1024)
#define SECURE_PIECE	32

/* The header of a SubjectPublicKeyInfo of 2048 bits and e 65537 (RFC 8017,
 * A.1.1, and RFC 5280): then come n and e. */
static const uint8_t spki_head[] = { 0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06,
	0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
	0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01,
	0x01, 0x00 };
static const uint8_t spki_e[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
_Static_assert(sizeof(spki_head) + NOX_RSA + sizeof(spki_e) == NOX_SPKI, "");

struct rsa {
	uint32_t	 number;	/* 0: none */
	EVP_PKEY	*key;
	EVP_PKEY_CTX	*ctx;		/* decrypts with it */
};
static struct rsa newest, former;
static uint64_t made_at;		/* the newest */
static uint32_t jobs;			/* of it */

/* ---- random numbers ---------------------------------------------------- */

/* In place of OpenSSL's generator, which calls getpid(2) each time; compute's
 * filter does not allow that.  And it would have a state that is a secret. */
static int
random_bytes(unsigned char *to, int n)
{
	ssize_t got;

	while (n > 0) {
		if ((got = getrandom(to, (size_t)n, 0)) == -1 && errno != EINTR)
			fatal("getrandom: %s", strerror(errno));
		to += got > 0 ? got : 0;
		n -= got > 0 ? (int)got : 0;
	}
	return 1;
}

static int
random_is_ready(void)
{
	return 1;
}

static const RAND_METHOD from_kernel = { .bytes = random_bytes,
	.pseudorand = random_bytes,
	.status = random_is_ready };

/* ---- keys -------------------------------------------------------------- */

static void
forget(struct rsa *k)
{
	EVP_PKEY_CTX_free(k->ctx);
	EVP_PKEY_free(k->key);
	memset(k, 0, sizeof(*k));
}

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, NOX_RSA * 8) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		fatal("libcrypto: cannot make an RSA key");
	EVP_PKEY_CTX_free(ctx);
	return key;
}

void
rsa_key_new(uint64_t now_ms)
{
	struct rsa k = { .number = newest.number + 1, .key = make_key() };

	k.ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k.key, NULL);
	if (k.ctx == NULL || EVP_PKEY_decrypt_init(k.ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(k.ctx, RSA_NO_PADDING) != 1)
		fatal("libcrypto: cannot decrypt by RSA");
	forget(&former);
	former = newest;
	newest = k;
	made_at = now_ms;
	jobs = 0;
}

void
rsa_init(uint64_t now_ms)
{
	static const uint8_t no_secret[NOX_RSA];
	uint8_t out[32];

	if (CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_PIECE) != 1)
		fatal("libcrypto: no secure heap of %d bytes: raise "
		      "RLIMIT_MEMLOCK",
		    SECURE_HEAP);
	if (RAND_set_rand_method(&from_kernel) != 1)
		fatal("libcrypto: no other source of random numbers");
	rsa_key_new(now_ms);
	(void)rsa_open(newest.number, no_secret, out);
}

void
rsa_public(struct m_rsa_key *m)
{
	uint8_t *at = m->spki;
	BIGNUM *n = NULL;

	memset(m, 0, sizeof(*m));
	m->number = newest.number;
	memcpy(at, spki_head, sizeof(spki_head));
	at += sizeof(spki_head);
	if (EVP_PKEY_get_bn_param(newest.key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    BN_bn2binpad(n, at, NOX_RSA) != NOX_RSA)
		fatal("libcrypto: an RSA key without its modulus");
	memcpy(at + NOX_RSA, spki_e, sizeof(spki_e));
	BN_free(n);
}

void
rsa_count_job(void)
{
	jobs++;
}

int
rsa_is_due(uint64_t now_ms)
{
	return jobs >= RSA_JOBS || now_ms - made_at >= RSA_MS;
}

void
rsa_wipe(void)
{
	forget(&newest);
	forget(&former);
}

/* ---- decryption -------------------------------------------------------- */

/* An encoded message (RFC 8017, 7.1.1): 00, the seed, then DB, which has the
 * hash of the label, zeros, 01 and the message. */
#define HASH		SHA256_DIGEST_SIZE
#define MESSAGE		32
struct encoded {
	uint8_t	first;
	uint8_t	seed[HASH];
	uint8_t	hash[HASH];
	uint8_t	zeros[NOX_RSA - 2 - 2 * HASH - MESSAGE];
	uint8_t	one;
	uint8_t	message[MESSAGE];
};
_Static_assert(sizeof(struct encoded) == NOX_RSA, "packed");
#define DB_SIZE		(sizeof(struct encoded) - 1 - HASH)

/* Add MGF1-SHA-256 of n bytes to `to'. */
static void
add_mask(const uint8_t *from, size_t n, uint8_t *to, size_t len)
{
	uint8_t count[4] = { 0 }, mask[HASH];
	struct sha256_ctx h;
	size_t i;

	for (i = 0; i < len; i++) {
		if (i % HASH == 0) {
			sha256_init(&h);
			sha256_update(&h, n, from);
			sha256_update(&h, sizeof(count), count);
			sha256_digest(&h, HASH, mask);
			count[3]++;
		}
		to[i] ^= mask[i % HASH];
	}
	secret_wipe(&h, sizeof(h));
	secret_wipe(mask, sizeof(mask));
}

/* 0 if it encodes a message of 32 bytes, else another number. */
static unsigned
decode(struct encoded *e)
{
	uint8_t *db = (uint8_t *)e + offsetof(struct encoded, hash);
	uint8_t no_label[HASH];
	struct sha256_ctx h;
	unsigned wrong;
	size_t i;

	add_mask(db, DB_SIZE, e->seed, HASH);
	add_mask(e->seed, HASH, db, DB_SIZE);
	sha256_init(&h);
	sha256_digest(&h, HASH, no_label);
	wrong = e->first | (e->one ^ 1u);
	for (i = 0; i < HASH; i++)
		wrong |= (unsigned)(e->hash[i] ^ no_label[i]);
	for (i = 0; i < sizeof(e->zeros); i++)
		wrong |= e->zeros[i];
	return wrong;
}

int
rsa_open(uint32_t number, const uint8_t cipher[NOX_RSA], uint8_t out[32])
{
	const struct rsa *k = number == newest.number ? &newest : &former;
	struct encoded e = { 0 };
	size_t n = sizeof(e);
	int r = -1;

	if (number == 0 || k->number != number)
		return -1;
	if (EVP_PKEY_decrypt(k->ctx, (uint8_t *)&e, &n, cipher, NOX_RSA) == 1 &&
	    n == sizeof(e) && decode(&e) == 0) {
		memcpy(out, e.message, MESSAGE);
		r = 0;
	}
	ERR_clear_error();
	secret_wipe(&e, sizeof(e));
	return r;
}
