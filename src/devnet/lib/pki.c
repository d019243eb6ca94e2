/* SPDX-License-Identifier: Apache-2.0
 *
 * The devnet's certificates: a new CA, and for every party a P-256 key with a
 * certificate for server and client use at loopback.  Only `up' runs this.  The
 * CA's key is kept in a file, so that certificates can be renewed later.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dir.h"
#include "log.h"

#define YEARS	10

static FILE *
create(const char *dir, const char *name, const char *suffix, mode_t mode)
{
	char path[DEVNET_PATH];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "%s/tls/%s%s", dir, name, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd == -1 || (f = fdopen(fd, "w")) == NULL)
		fatal("%s: %m", path);
	return f;
}

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (extension == NULL || !X509_add_ext(cert, extension, -1))
		fatal("pki: extension %s", value);
	X509_EXTENSION_free(extension);
}

/* A certificate without extensions and signature. */
static X509 *
new_certificate(const char *name, EVP_PKEY *key, X509 *issuer)
{
	uint8_t serial[16];
	X509 *cert = X509_new();
	X509_NAME *subject;
	BIGNUM *bn;

	random_fill(serial, sizeof(serial));
	serial[0] &= 0x7f;
	if (cert == NULL ||
	    (bn = BN_bin2bn(serial, sizeof(serial), NULL)) == NULL)
		fatal("pki: out of memory");
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));
	BN_free(bn);
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_time_adj_ex(X509_getm_notAfter(cert), 365 * YEARS, 0, NULL);
	subject = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
	    cert, issuer == NULL ? subject : X509_get_subject_name(issuer));
	X509_set_pubkey(cert, key);
	return cert;
}

static void
sign(X509 *cert, EVP_PKEY *key, const char *name)
{
	if (X509_sign(cert, key, EVP_sha256()) <= 0)
		fatal("pki: cannot sign the certificate of %s", name);
}

static void
write_certificate(const char *dir, const char *name, X509 *cert)
{
	FILE *f = create(dir, name, ".pem", 0644);

	if (!PEM_write_X509(f, cert) || fclose(f) != 0)
		fatal("%s/tls/%s.pem: %m", dir, name);
}

static void
write_key(const char *dir, const char *name, EVP_PKEY *key)
{
	FILE *f = create(dir, name, ".key", 0600);

	if (!PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) ||
	    fclose(f) != 0)
		fatal("%s/tls/%s.key: %m", dir, name);
}

static void
make_party(const char *dir, const char *name, X509 *ca, EVP_PKEY *ca_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert;

	if (key == NULL)
		fatal("pki: no key for %s", name);
	cert = new_certificate(name, key, ca);
	add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(cert, ca, NID_key_usage, "critical,digitalSignature");
	add_extension(cert, ca, NID_ext_key_usage, "serverAuth,clientAuth");
	add_extension(cert, ca, NID_subject_alt_name,
	    "DNS:localhost,IP:127.0.0.1,IP:::1");
	sign(cert, ca_key, name);
	write_certificate(dir, name, cert);
	write_key(dir, name, key);
	X509_free(cert);
	EVP_PKEY_free(key);
}

void
pki_create(const char *dir, const char *const *names, size_t n)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *ca;
	size_t i;

	if (key == NULL)
		fatal("pki: no key for the CA");
	ca = new_certificate("devnet CA", key, NULL);
	add_extension(
	    ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	add_extension(ca, ca, NID_key_usage, "critical,keyCertSign");
	add_extension(ca, ca, NID_subject_key_identifier, "hash");
	sign(ca, key, "the CA");
	write_certificate(dir, "ca", ca);
	write_key(dir, "ca", key);
	for (i = 0; i < n; i++)
		make_party(dir, names[i], ca, key);
	X509_free(ca);
	EVP_PKEY_free(key);
}
