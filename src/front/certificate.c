/* SPDX-License-Identifier: Apache-2.0
 *
 * The Runner's own TLS certificate: read, checked, watched, and replaced when
 * the file has changed.  It is public; its private key is in keys and never
 * here.  A renewed certificate is used when keys has its key, so that the order
 * in which the two files are renewed does not matter.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "front.h"
#include "log.h"
#include "passphrase.h"

#define TICK		1			/* seconds */

struct certificate {
	char		 pem[PEM_LIMIT];
	uint8_t		 xy[64];	/* its public key, on P-256 */
	uint64_t	 expires;	/* seconds since 1970 */
};

/* All but `used' are the libevent thread's alone; that is written under the
 * lock. */
static struct certificate used, next;
static int has_next;		/* `next' waits for its key */
static int is_told_waiting;	/* of that, in the log */
static int told;		/* the last warning in the log: 0, 1 or 2 */
static struct event *timer;

/* ---- reading ----------------------------------------------------------- */

const char *
pem_read(int fd, char to[PEM_LIMIT], size_t *len)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || st.st_size >= PEM_LIMIT)
		return "not a regular PEM file smaller than 1 MB";
	if ((n = pread(fd, to, PEM_LIMIT - 1, 0)) == -1)
		return strerror(errno);
	to[n] = '\0';
	*len = (size_t)n;
	return NULL;
}

size_t
pem_open(const char *what, const char *path, char to[PEM_LIMIT])
{
	FILE *f = fopen(path, "re");
	const char *fault;
	size_t n;

	if (f == NULL)
		fatal("%s %s: %s", what, path, strerror(errno));
	if ((fault = pem_read(fileno(f), to, &n)) != NULL)
		fatal("%s %s: %s", what, path, fault);
	fclose(f);
	return n;
}

/* A coordinate of a point on P-256, 32 bytes: 0 or -1. */
static int
take_coordinate(const EVP_PKEY *key, const char *name, uint8_t out[32])
{
	BIGNUM *n = NULL;
	int r = -1;

	if (EVP_PKEY_get_bn_param(key, name, &n) == 1 &&
	    BN_bn2binpad(n, out, 32) == 32)
		r = 0;
	BN_free(n);
	return r;
}

/* Its public key: 0, or -1 if it is not on P-256. */
static int
take_key(struct certificate *c, X509 *cert)
{
	EVP_PKEY *key = X509_get_pubkey(cert);
	char curve[32] = "";
	int r = -1;

	if (key != NULL && EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	    strcmp(curve, SN_X9_62_prime256v1) == 0 &&
	    take_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, c->xy) == 0 &&
	    take_coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, c->xy + 32) == 0)
		r = 0;
	EVP_PKEY_free(key);
	return r;
}

static int
take_expiry(struct certificate *c, const X509 *cert)
{
	struct tm tm;
	time_t t;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return -1;
	t = timegm(&tm);
	c->expires = t < 0 ? 0 : (uint64_t)t;
	return 0;
}

/* Parse c->pem: NULL, or the fault. */
static const char *
parse(struct certificate *c)
{
	BIO *bio = BIO_new_mem_buf(c->pem, -1);
	X509 *cert = bio == NULL ?
	    NULL :
	    PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	const char *fault = NULL;

	if (cert == NULL || take_expiry(c, cert) == -1)
		fault = "not a certificate in PEM";
	else if (take_key(c, cert) == -1)
		fault = "its key is not on P-256";
	X509_free(cert);
	BIO_free(bio);
	return fault;
}

void
certificate_init(const char *path)
{
	const char *fault;

	pem_open("tls-certificate", path, used.pem);
	if ((fault = parse(&used)) != NULL)
		fatal("tls-certificate %s: %s", path, fault);
}

const char *
certificate_take(const char *pem)
{
	snprintf(used.pem, sizeof(used.pem), "%s", pem);
	return parse(&used);
}

const char *
certificate_pem(void)
{
	return used.pem;
}

const uint8_t *
certificate_key(void)
{
	return used.xy;
}

/* ---- its end ----------------------------------------------------------- */

uint64_t
certificate_expires(void)
{
	return used.expires;
}

static void
date_text(char *text, size_t size, const char *verb)
{
	const time_t t = (time_t)used.expires;
	struct tm tm;
	char date[32];

	strftime(date, sizeof(date), "%Y-%m-%d", gmtime_r(&t, &tm));
	snprintf(text, size, "%s %s", verb, date);
}

int
certificate_warning(char *text, size_t size)
{
	const uint64_t now = now_unix();

	if (now >= used.expires) {
		date_text(text, size, "expired");
		return 2;
	}
	if (used.expires - now < CERTIFICATE_SOON) {
		date_text(text, size, "expires");
		return 1;
	}
	return 0;
}

/* Warn once before the certificate expires and once when it has expired. */
static void
watch_expiry(void)
{
	char text[CERTIFICATE_TEXT];
	const int now = certificate_warning(text, sizeof(text));

	if (now > told)
		log_warn("tls-certificate: %s: renew it", text);
	if (now > told)
		told = now;
}

/* ---- renewal ----------------------------------------------------------- */

void
certificate_renewed(int fd)
{
	size_t n;
	const char *fault = pem_read(fd, next.pem, &n);

	close(fd);
	has_next = is_told_waiting = 0;
	if (fault == NULL)
		fault = parse(&next);
	if (fault != NULL) {
		log_warn("tls-certificate: not renewed: %s", fault);
		return;
	}
	has_next = strcmp(next.pem, used.pem) != 0;
	event_active(timer, EV_TIMEOUT, 0);
}

int
certificate_is_waiting(void)
{
	return has_next && is_told_waiting;
}

static void
use_next(void)
{
	const int has_expired = now_unix() >= used.expires;
	char text[CERTIFICATE_TEXT];

	used = next;
	has_next = told = 0;
	date_text(text, sizeof(text), "expires");
	log_info("tls-certificate: renewed: %s", text);
	front_renewed(has_expired);
}

static void
tell_waiting(void)
{
	if (!is_told_waiting)
		log_info("tls-certificate: the new certificate waits for its "
			 "key in tls-key: the old certificate is used");
	is_told_waiting = 1;
}

/* keys is asked without the lock: the role's other threads do not wait for the
 * answer. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	const int fits_next = has_next ? tls_try(next.xy) : -1;
	const int fits_used = fits_next != 1 && tls_is_mismatched() ?
	    tls_try(used.xy) :
	    -1;

	(void)fd;
	(void)what;
	(void)arg;
	front_lock();
	if (fits_next == 1)
		use_next();
	else if (fits_next == 0)
		tell_waiting();
	if (fits_used == 1)
		front_matched();
	watch_expiry();
	front_unlock();
}

void
certificate_start(void)
{
	static const struct timeval tv = { TICK, 0 };

	timer = event_new(front.base, -1, EV_PERSIST, on_tick, NULL);
	if (timer == NULL || event_add(timer, &tv) == -1)
		fatal("libevent: cannot create a timer");
	watch_expiry();
}
