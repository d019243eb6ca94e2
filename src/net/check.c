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

#include "verdict.h"
#include "hex.h"
#include "log.h"
#include "net.h"
#include "passphrase.h"

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

/* NULL, or why these are not one or more certificates. */
static const char *
authorities_fault(BIO *bio)
{
	unsigned n = 0;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) !=
	    NULL) {
		X509_free(cert);
		n++;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return "has a certificate that cannot be parsed";
	if (n == 0)
		return strstr(pem, "PRIVATE KEY") != NULL ?
		    key_alone :
		    "has no certificate";
	return NULL;
}

static void
check_authorities(const char *keyword, const char *path)
{
	const char *fault;
	size_t n;
	BIO *bio;

	if ((n = read_file(keyword, path)) == 0)
		return;
	ERR_clear_error();
	if ((bio = BIO_new_mem_buf(pem, (int)n)) == NULL)
		fatal("check: out of memory");
	if ((fault = authorities_fault(bio)) != NULL)
		verdict_print(keyword, 0, VERDICT_ERROR, fault);
	BIO_free(bio);
}

static void
check_certificate(const char *path)
{
	static const char keyword[] = "tls-certificate";
	char text[CERTIFICATE_TEXT], line[CERTIFICATE_TEXT + 16], hex[129];
	const char *fault;
	int r;

	if (read_file(keyword, path) == 0)
		return;
	if (strstr(pem, "BEGIN CERTIFICATE") == NULL &&
	    strstr(pem, "PRIVATE KEY-----") != NULL) {
		verdict_print(keyword, 0, VERDICT_ERROR, key_alone);
		return;
	}
	if (strstr(pem, "PRIVATE KEY-----") != NULL)
		verdict_print(keyword, 0, VERDICT_WARNING,
		    "has a private key, which net must not have: remove it");
	if ((fault = certificate_take(pem)) != NULL) {
		verdict_print(keyword, 0, VERDICT_ERROR, fault);
		return;
	}
	r = certificate_warning(text, sizeof(text));
	snprintf(line, sizeof(line), "%s: renew it", text);
	if (r != 0)
		verdict_print(
		    keyword, 0, r == 2 ? VERDICT_ERROR : VERDICT_WARNING, line);
	verdict_print(
	    keyword, 0, VERDICT_POINT, hex_encode(hex, certificate_key(), 64));
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
		check_certificate(args[1]);
	if (*args[2] != '\0')
		check_authorities("registry-ca", args[2]);
	verdict_finish();
}
