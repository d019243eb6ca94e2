/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS without the private key. gRPC takes a key named "engine:ID:KEY"; this
 * file is that ENGINE, built in.  KEY is the certificate's public key.  To
 * sign, the ENGINE asks keys on a separate channel and waits for the answer, in
 * whichever thread does the handshake.  It never takes front_lock(): that
 * thread may hold it.
 */
/* OpenSSL 3 calls ENGINEs deprecated; gRPC of today knows no other way. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "front.h"
#include "hex.h"
#include "log.h"
#include "sha256.h"

#define ENGINE_NAME	"tee-runner"
#define PATIENCE	10000		/* ms until keys counts as stuck */

static char ca[PEM_LIMIT];
static EC_KEY_METHOD *method;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chan tls = { .fd = -1 };
static atomic_int mismatched;

/* ---- asking keys ------------------------------------------------------- */

static int
wait_answer(struct m_tls_signed *answer)
{
	struct {
		struct msg_hdr		hdr;
		struct m_tls_signed	answer;
		uint8_t			more;	/* nothing legal fills it */
	} rec;
	struct iovec iov = { &rec, sizeof(rec) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd p = { .fd = tls.fd, .events = POLLIN };
	ssize_t n;
	int r;

	while ((r = poll(&p, 1, PATIENCE)) == -1 && errno == EINTR)
		;
	if (r != 1)
		return -1;
	n = recvmsg(tls.fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < (ssize_t)sizeof(rec.hdr) ||
	    (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || rec.hdr.zero != 0 ||
	    rec.hdr.type != M_TLS_SIGNED ||
	    !msg_legal(R_KEYS, R_TLS, S_SERVING, rec.hdr.type,
		(size_t)n - sizeof(rec.hdr), 0))
		return -1;
	*answer = rec.answer;
	return 0;
}

/* 1: signed, 0: keys does not have that key, -1: no answer.  A channel that
 * failed once can be out of step: it is not used again, and the monitor sees to
 * keys. */
static int
ask_keys(const struct m_tls_sign *ask, struct m_tls_signed *answer)
{
	static const struct m_tls_signed refused;
	int r;

	pthread_mutex_lock(&lock);
	r = tls.fd == -1 ? -1 : chan_send(&tls, M_TLS_SIGN, ask, NULL, 0, -1);
	if (r == 0)
		r = wait_answer(answer);
	if (r == -1 && tls.fd != -1)
		chan_close(&tls);
	pthread_mutex_unlock(&lock);
	if (r == -1)
		return -1;
	if (memcmp(answer, &refused, sizeof(refused)) == 0)
		return 0;
	atomic_store(&mismatched, 0);
	return 1;
}

int
tls_try(const uint8_t xy[64])
{
	struct m_tls_sign ask = { 0 };	/* some digest */
	struct m_tls_signed answer;

	memcpy(ask.key, xy, sizeof(ask.key));
	return ask_keys(&ask, &answer);
}

void
tls_channel(int fd)
{
	pthread_mutex_lock(&lock);
	chan_close(&tls);
	if (fd != -1)
		chan_init(&tls, fd, R_TLS, R_KEYS, 1);
	pthread_mutex_unlock(&lock);
}

int
tls_has_channel(void)
{
	int has;

	pthread_mutex_lock(&lock);
	has = tls.fd != -1;
	pthread_mutex_unlock(&lock);
	return has;
}

int
tls_is_mismatched(void)
{
	return atomic_load(&mismatched);
}

/* ---- the ENGINE -------------------------------------------------------- */

/* The public point of the key that is used is what keys knows it by. */
static int
name_key(const EC_KEY *key, uint8_t xy[64])
{
	uint8_t point[65];

	if (EC_POINT_point2oct(EC_KEY_get0_group(key),
		EC_KEY_get0_public_key(key), POINT_CONVERSION_UNCOMPRESSED,
		point, sizeof(point), NULL) != sizeof(point))
		return -1;
	memcpy(xy, point + 1, 64);
	return 0;
}

static ECDSA_SIG *
sign_sig(const unsigned char *digest, int len, const BIGNUM *kinv,
    const BIGNUM *rp, EC_KEY *key)
{
	struct m_tls_sign ask;
	struct m_tls_signed answer;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r, *s;
	int got;

	(void)kinv;
	(void)rp;
	/* P-256 goes with SHA-256; keys signs nothing else. */
	if (sig == NULL || len != sizeof(ask.digest) ||
	    name_key(key, ask.key) == -1)
		goto fail;
	memcpy(ask.digest, digest, sizeof(ask.digest));
	if ((got = ask_keys(&ask, &answer)) != 1) {
		if (got == 0)
			atomic_store(&mismatched, 1);
		goto fail;
	}
	r = BN_bin2bn(answer.r, sizeof(answer.r), NULL);
	s = BN_bin2bn(answer.s, sizeof(answer.s), NULL);
	if (r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		goto fail;
	}
	return sig;
fail:
	ECerr(EC_F_ECDSA_DO_SIGN_EX, EC_R_RANDOM_NUMBER_GENERATION_FAILED);
	ECDSA_SIG_free(sig);
	return NULL;
}

static int
sign(int type, const unsigned char *digest, int len, unsigned char *der,
    unsigned int *der_len, const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	ECDSA_SIG *sig = sign_sig(digest, len, kinv, r, key);
	int n;

	(void)type;
	*der_len = 0;
	if (sig == NULL)
		return 0;
	if ((n = i2d_ECDSA_SIG(sig, &der)) > 0)
		*der_len = (unsigned int)n;
	ECDSA_SIG_free(sig);
	return n > 0;
}

/* The key with this public point. */
static EVP_PKEY *
key_of(const uint8_t *point, size_t n)
{
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *key = EVP_PKEY_new();

	if (ec == NULL || key == NULL ||
	    EC_KEY_oct2key(ec, point, n, NULL) != 1 ||
	    EC_KEY_set_method(ec, method) != 1 ||
	    EVP_PKEY_assign_EC_KEY(key, ec) != 1) {
		EC_KEY_free(ec);
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

/* The key named by these digits, which are its public point: certificates and
 * their keys are not mixed up, whenever gRPC loads them. */
static EVP_PKEY *
load_key(ENGINE *e, const char *id, UI_METHOD *ui, void *arg)
{
	unsigned char *point;
	EVP_PKEY *key = NULL;
	long n;

	(void)e;
	(void)ui;
	(void)arg;
	if ((point = OPENSSL_hexstr2buf(id, &n)) != NULL)
		key = key_of(point, (size_t)n);
	OPENSSL_free(point);
	return key;
}

static void
engine_init(void)
{
	ENGINE *e = ENGINE_new();

	method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	if (e == NULL || method == NULL || ENGINE_set_id(e, ENGINE_NAME) != 1 ||
	    ENGINE_set_name(e, "signs in another process") != 1 ||
	    ENGINE_set_load_privkey_function(e, load_key) != 1)
		fatal("tls: cannot create the ENGINE");
	EC_KEY_METHOD_set_sign(method, sign, NULL, sign_sig);
	/* Before gRPC makes its first credentials, which look for it. */
	if (ENGINE_add(e) != 1)
		fatal("tls: cannot register the ENGINE");
	ENGINE_free(e);
}

/* ---- start ------------------------------------------------------------- */

/* Only the authorities that are attested: the file may have been replaced
 * since. */
static void
read_ca(const struct conf *conf)
{
	const size_t n = pem_open("tls-ca", conf->tls_ca, ca);
	uint8_t hash[32];

	sha256(ca, n, hash);
	if (memcmp(hash, conf->tls_ca_sha256, sizeof(hash)) != 0)
		fatal("tls-ca %s: not the attested file: it changed after the "
		      "start: restart tee-runnerd",
		    conf->tls_ca);
}

void
tls_init(const struct conf *conf)
{
	read_ca(conf);
	certificate_init(conf->tls_certificate);
	engine_init();
}

const char *
tls_ca(void)
{
	return ca;
}

void
tls_key_name(char name[TLS_KEY_NAME])
{
	char xy[129];

	snprintf(name, TLS_KEY_NAME, "engine:" ENGINE_NAME ":04%s",
	    hex_encode(xy, certificate_key(), 64));
}

EVP_PKEY *
tls_key(void)
{
	uint8_t point[65] = { 4 };

	memcpy(point + 1, certificate_key(), 64);
	return key_of(point, sizeof(point));
}
