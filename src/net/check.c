/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of tls-ca, tls-certificate and registry-ca, for tee-runnerd -t and
 * for its start.  Runs in a process of net's executable that ends after that:
 * the monitor does not parse certificates.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "verdict.h"
#include "hex.h"
#include "log.h"
#include "net.h"
#include "passphrase.h"

static const char certificate[] = "tls-certificate";
static const char key_alone[] = "has a private key and no certificate";
static char pem[PEM_LIMIT];

/* pem is of this file: its length, or 0 after a verdict. */
static size_t
read_file(const char *keyword, const char *path)
{
	FILE *f = fopen(path, "re");
	const char *fault;
	size_t n = 0;

	if (f == NULL)
		fault = strerror(errno);
	else
		fault = pem_read(fileno(f), pem, &n);
	if (f != NULL)
		fclose(f);
	if (fault == NULL && strstr(pem, "-----BEGIN ") == NULL)
		fault = pem[0] == 0x30 ?
		    "is DER: convert it with: openssl x509 -inform DER" :
		    "is not PEM: expected -----BEGIN CERTIFICATE-----";
	if (fault != NULL)
		verdict_print(keyword, 0, VERDICT_ERROR, fault);
	return fault == NULL ? n : 0;
}

/* Read all certificates of pem, whose length is len, and call `check', if it is
 * not NULL, with each and its number, which begins at 1.  *n is how many there
 * are.  Returns 0, or -1 if the next one cannot be parsed. */
static int
read_all(size_t len, unsigned *n, void (*check)(const X509 *, unsigned))
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *cert;

	if (bio == NULL)
		fatal("check: out of memory");
	ERR_clear_error();
	*n = 0;
	while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) !=
	    NULL) {
		++*n;
		if (check != NULL)
			check(cert, *n);
		X509_free(cert);
	}
	BIO_free(bio);
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ?
	    0 :
	    -1;
}

static void
check_authorities(const char *keyword, const char *path)
{
	const char *fault = NULL;
	unsigned n;
	size_t len;

	if ((len = read_file(keyword, path)) == 0)
		return;
	if (read_all(len, &n, NULL) == -1)
		fault = "has a certificate that cannot be parsed";
	else if (n == 0)
		fault = strstr(pem, "PRIVATE KEY") != NULL ?
		    key_alone :
		    "has no certificate";
	if (fault != NULL)
		verdict_print(keyword, 0, VERDICT_ERROR, fault);
}

/* "certificate 2: expired 2026-11-28: renew it" */
static void
print_date(unsigned n, const char *verdict, const char *what,
    const ASN1_TIME *date, const char *advice)
{
	char text[128], day[32] = "";
	struct tm tm;

	if (ASN1_TIME_to_tm(date, &tm) == 1)
		strftime(day, sizeof(day), "%F", &tm);
	snprintf(text, sizeof(text), "certificate %u: %s %s: %s", n, what, day,
	    advice);
	verdict_print(certificate, 0, verdict, text);
}

/* A peer refuses a chain if one of its certificates is not valid now.  One that
 * will be within a day may be valid already: our clock may be behind. */
#define CLOCK_OFF	(24 * 3600)

static void
check_dates(const X509 *cert, unsigned n)
{
	const ASN1_TIME *from = X509_get0_notBefore(cert);
	const ASN1_TIME *until = X509_get0_notAfter(cert);
	time_t now = time(NULL), soon = now + CERTIFICATE_SOON;
	time_t day = now + CLOCK_OFF;

	if (X509_cmp_time(from, &now) > 0)
		print_date(n,
		    X509_cmp_time(from, &day) > 0 ? VERDICT_ERROR :
						    VERDICT_WARNING,
		    "not valid before", from, "wait, or set the clock");
	if (X509_cmp_time(until, &now) < 0)
		print_date(n, VERDICT_ERROR, "expired", until, "renew it");
	else if (X509_cmp_time(until, &soon) < 0)
		print_date(n, VERDICT_WARNING, "expires", until, "renew it");
}

/* The first is the Runner's, the others lead to its CA. */
static void
check_certificates(const char *path)
{
	char text[64], hex[129];
	const char *fault;
	size_t len;
	unsigned n;

	if ((len = read_file(certificate, path)) == 0)
		return;
	if (strstr(pem, "BEGIN CERTIFICATE") == NULL &&
	    strstr(pem, "PRIVATE KEY-----") != NULL) {
		verdict_print(certificate, 0, VERDICT_ERROR, key_alone);
		return;
	}
	if (strstr(pem, "PRIVATE KEY-----") != NULL)
		verdict_print(certificate, 0, VERDICT_WARNING,
		    "has a private key, which net must not have: remove it");
	if ((fault = certificate_take(pem)) != NULL) {
		verdict_print(certificate, 0, VERDICT_ERROR, fault);
		return;
	}
	if (read_all(len, &n, check_dates) == -1) {
		snprintf(text, sizeof(text), "certificate %u: cannot be parsed",
		    n + 1);
		verdict_print(certificate, 0, VERDICT_ERROR, text);
	}
	verdict_print(certificate, 0, VERDICT_POINT,
	    hex_encode(hex, certificate_key(), 64));
}

_Noreturn void
net_check(char **args)
{
	log_init("net", LOG_INFO);
	if (args[0] == NULL || args[1] == NULL || args[2] == NULL)
		fatal("check: too few arguments");
	if (*args[0] != '\0')
		check_authorities("tls-ca", args[0]);
	if (*args[1] != '\0')
		check_certificates(args[1]);
	if (*args[2] != '\0')
		check_authorities("registry-ca", args[2]);
	verdict_finish();
}
