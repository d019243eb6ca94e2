/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLS keys (P-256): the newest, and the one before it for a certificate
 * that is not renewed yet. net asks for a signature in each handshake and names
 * the key.  An attacker who controls net can have anything signed with these
 * keys, but gains no access that net does not have.  The file is read at
 * start-up, before the sandbox, into secret memory, and again from a descriptor
 * of the monitor's when it has changed.  It is not parsed: after base64 its
 * bytes must be one of the forms below, in which the key has a fixed place.
 * Those are what OpenSSL, Go, Java and Python write.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "log.h"
#include "secret.h"

#define SECURE_HEAP	32768
#define PEM_MAX		4096
#define DER_MAX		160
#define WRITE_ONE	"openssl genpkey -algorithm EC -pkeyopt " \
	"ec_paramgen_curve:P-256"

/* DER of a private key on P-256: the bytes before the key and the bytes after
 * it.  If `with' is not 0, that many bytes of the public key follow. */
static const struct form {
	const char	*label;
	const uint8_t	*before, *behind;
	size_t		 n_before, n_behind, with;
} forms[] = {
#define P256		0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
#define EC_ON_P256	0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,	\
	0x3d, 0x02, 0x01, 0x06, 0x08, P256
#define PUBLIC		0xa1, 0x44, 0x03, 0x42, 0x00, 0x04
	/* RFC 5208 around RFC 5915, with the public key and without */
	{ "PRIVATE KEY",
	    (const uint8_t[]){ 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, EC_ON_P256,
		0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 },
	    (const uint8_t[]){ PUBLIC }, 36, 6, 64 },
	{ "PRIVATE KEY",
	    (const uint8_t[]){ 0x30, 0x41, 0x02, 0x01, 0x00, EC_ON_P256, 0x04,
		0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20 },
	    NULL, 35, 0, 0 },
	/* RFC 5915 alone, likewise */
	{ "EC PRIVATE KEY",
	    (const uint8_t[]){ 0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20 },
	    (const uint8_t[]){ 0xa0, 0x0a, 0x06, 0x08, P256, PUBLIC }, 7, 18,
	    64 },
	{ "EC PRIVATE KEY",
	    (const uint8_t[]){ 0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20 },
	    (const uint8_t[]){ 0xa0, 0x0a, 0x06, 0x08, P256 }, 7, 12, 0 },
};

static struct secrets {
	char		 pem[PEM_MAX + 1];
	uint8_t		 der[DER_MAX + 3];
	uint8_t		 scalar[32];	/* least significant byte first */
} *secret;

static struct tls_key {
	EVP_PKEY	*key;		/* NULL: none */
	uint8_t		 xy[64];	/* its public point */
} held[2];				/* the newest, and the one before it */

/* ---- the file ---------------------------------------------------------- */

/* NULL, or what is wrong with it. */
static const char *
read_pem(int fd)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || st.st_size > PEM_MAX)
		return "not a regular file of at most 4096 bytes";
	if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "others can access it: set mode 600";
	if ((n = pread(fd, secret->pem, PEM_MAX, 0)) == -1)
		return strerror(errno);
	secret->pem[n] = '\0';
	return NULL;
}

/* The value of a base64 digit, or 64 if it is not one.  No branch and no index
 * depends on the digit. */
static unsigned
base64_digit(unsigned char c)
{
	const unsigned upper = (unsigned)(c - 'A'), lower = (unsigned)(c - 'a');
	const unsigned decimal = (unsigned)(c - '0');
	unsigned v = 0;

	v |= -(unsigned)(upper < 26) & upper;
	v |= -(unsigned)(lower < 26) & (lower + 26);
	v |= -(unsigned)(decimal < 10) & (decimal + 52);
	v |= -(unsigned)(c == '+') & 62;
	v |= -(unsigned)(c == '/') & 63;
	v |= -(unsigned)(!(upper < 26) & !(lower < 26) & !(decimal < 10) &
		 (c != '+') & (c != '/')) &
	    64;
	return v;
}

/* Decode base64 up to a hyphen into secret->der.  Returns the number of bytes,
 * or 0 if it is malformed. */
static size_t
decode_base64(const char *s)
{
	uint32_t bits = 0;
	size_t n = 0, used = 0;
	unsigned v;

	for (; *s != '-' && *s != '\0'; s++) {
		if (*s == '\n' || *s == '\r' || *s == '=')
			continue;
		v = base64_digit((unsigned char)*s);
		if (v > 63 || n >= DER_MAX)
			return 0;
		bits = bits << 6 | v;
		if (++used % 4 == 0) {
			secret->der[n++] = (uint8_t)(bits >> 16);
			secret->der[n++] = (uint8_t)(bits >> 8);
			secret->der[n++] = (uint8_t)bits;
		}
	}
	if (used % 4 == 1)
		return 0;
	if (used % 4 == 2)
		secret->der[n++] = (uint8_t)(bits >> 4);
	if (used % 4 == 3) {
		secret->der[n++] = (uint8_t)(bits >> 10);
		secret->der[n++] = (uint8_t)(bits >> 2);
	}
	return n;
}

/* Copy the key from secret->pem to secret->scalar if the file has this form.
 * Returns 0 or -1. */
static int
take_form(const struct form *f)
{
	const size_t all = f->n_before + 32 + f->n_behind + f->with;
	const uint8_t *d = secret->der;
	char begin[40];
	const char *at;
	size_t i;

	snprintf(begin, sizeof(begin), "-----BEGIN %s-----", f->label);
	if ((at = strstr(secret->pem, begin)) == NULL ||
	    decode_base64(at + strlen(begin)) != all ||
	    memcmp(d, f->before, f->n_before) != 0 ||
	    (f->n_behind != 0 &&
		memcmp(d + f->n_before + 32, f->behind, f->n_behind) != 0))
		return -1;
	for (i = 0; i < 32; i++)
		secret->scalar[i] = d[f->n_before + 31 - i];
	return 0;
}

/* ---- the key ----------------------------------------------------------- */

/* secret->scalar times the generator: 0, or -1. */
static int
make_public(uint8_t xy[64])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
	BIGNUM *d = BN_secure_new();
	uint8_t out[65];
	int r = -1;

	if (d != NULL)
		BN_set_flags(d, BN_FLG_CONSTTIME);
	if (d != NULL && point != NULL &&
	    BN_lebin2bn(secret->scalar, sizeof(secret->scalar), d) != NULL &&
	    EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1 &&
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out,
		sizeof(out), NULL) == sizeof(out)) {
		memcpy(xy, out + 1, 64);
		r = 0;
	}
	BN_clear_free(d);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return r;
}

/* OpenSSL keeps a scalar that comes so in its secure heap.  NULL: no key. */
static EVP_PKEY *
make_key(void)
{
	char curve[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY,
		    secret->scalar, sizeof(secret->scalar)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *k = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_KEYPAIR, params) != 1 ||
	    (check = EVP_PKEY_CTX_new(k, NULL)) == NULL ||
	    EVP_PKEY_private_check(check) != 1) {
		EVP_PKEY_free(k);
		k = NULL;
	}
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(ctx);
	return k;
}

/* The file has none of the forms. */
static const char *
form_fault(void)
{
	if (strstr(secret->pem, "ENCRYPTED") != NULL)
		return "is encrypted: remove the passphrase with: openssl pkey "
		       "-in OLD -out NEW";
	if (strstr(secret->pem, "PRIVATE KEY") == NULL &&
	    strstr(secret->pem, "BEGIN CERTIFICATE") != NULL)
		return "is a certificate: expected its private key";
	return "not an unencrypted private key on P-256 in PEM: create one "
	       "with: " WRITE_ONE;
}

/* The key in the file: NULL, or what is wrong with it. */
static const char *
load(int fd, struct tls_key *to)
{
	const char *fault = read_pem(fd);
	size_t i;

	for (i = 0; fault == NULL && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (take_form(&forms[i]) == 0)
			break;
	if (i == sizeof(forms) / sizeof(forms[0]))
		fault = form_fault();
	to->key = NULL;
	if (fault == NULL &&
	    ((to->key = make_key()) == NULL || make_public(to->xy) == -1)) {
		EVP_PKEY_free(to->key);
		fault = "not a valid private key on P-256";
	}
	secret_wipe(secret, sizeof(*secret));
	return fault;
}

const char *
tls_check(const char *path, uint8_t xy[64])
{
	const char *fault;
	int fd;

	/* OpenSSL keeps private keys there: locked, and out of dumps. */
	if (!CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_malloc_init(SECURE_HEAP, 32) != 1)
		fatal("tls-key: cannot allocate %d bytes of locked memory",
		    SECURE_HEAP);
	secret = secret_alloc(sizeof(*secret));
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return strerror(errno);
	fault = load(fd, &held[0]);
	close(fd);
	if (fault == NULL)
		memcpy(xy, held[0].xy, sizeof(held[0].xy));
	return fault;
}

void
tls_init(const char *path)
{
	struct m_tls_sign ask = { 0 };
	struct m_tls_signed warm;
	const char *fault;

	if ((fault = tls_check(path, ask.key)) != NULL)
		fatal("tls-key %s: %s", path, fault);
	/* OpenSSL fetches its algorithms on first use: before the filter. */
	tls_sign(&ask, &warm);
}

/* The key that was the newest is kept: net may still use a certificate of
 * it. */
void
tls_renew(int fd)
{
	struct tls_key new = { 0 };
	const char *fault = load(fd, &new);

	close(fd);
	if (fault != NULL) {
		log_warn("tls-key: not renewed: %s", fault);
		return;
	}
	if (memcmp(new.xy, held[0].xy, sizeof(new.xy)) == 0) {
		EVP_PKEY_free(new.key);
		return;
	}
	EVP_PKEY_free(held[1].key);
	held[1] = held[0];
	held[0] = new;
	log_info("tls-key: renewed");
}

/* The key of this public point; NULL: it is not held. */
static EVP_PKEY *
key_of(const uint8_t xy[64])
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (held[i].key != NULL && memcmp(held[i].xy, xy, 64) == 0)
			return held[i].key;
	return NULL;
}

void
tls_sign(const struct m_tls_sign *ask, struct m_tls_signed *out)
{
	const unsigned char *p;
	unsigned char der[80];
	size_t len = sizeof(der);
	EVP_PKEY *key = key_of(ask->key);
	EVP_PKEY_CTX *ctx;
	ECDSA_SIG *sig;

	memset(out, 0, sizeof(*out));
	if (key == NULL)
		return;
	if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL ||
	    EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, ask->digest, 32) != 1)
		fatal("tls-key: signing failed");
	EVP_PKEY_CTX_free(ctx);
	p = der;
	if ((sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) == NULL ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->r, 32) != 32 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->s, 32) != 32)
		fatal("tls-key: malformed signature");
	ECDSA_SIG_free(sig);
}
