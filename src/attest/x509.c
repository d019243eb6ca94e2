/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL helpers for the formats: reading certificates, verifying raw ECDSA
 * signatures.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "attest.h"
#include "passphrase.h"

#define CERTS_MAX	16

static void
read_pem(STACK_OF(X509) *to, BIO *bio)
{
	X509 *x;

	while (sk_X509_num(to) < CERTS_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
		if (sk_X509_push(to, x) == 0)
			X509_free(x);
}

STACK_OF(X509) *
certs_read(struct bytes b)
{
	STACK_OF(X509) *to = sk_X509_new_null();
	const uint8_t *p = b.p;
	BIO *bio;
	X509 *x;

	if (to == NULL || b.n == 0 || b.n > INT32_MAX)
		return to;
	if (b.p[0] == 0x30) {			/* a DER sequence */
		x = d2i_X509(NULL, &p, (long)b.n);
		if (x != NULL && (p != b.p + b.n || sk_X509_push(to, x) == 0))
			X509_free(x);
	} else if ((bio = BIO_new_mem_buf(b.p, (int)b.n)) != NULL) {
		read_pem(to, bio);
		BIO_free(bio);
	}
	ERR_clear_error();
	return to;
}

int
cert_valid_at(const X509 *x, time_t at)
{
	/* X509_cmp_time() returns 0 on error, and -1 if the times are equal. */
	return X509_cmp_time(X509_get0_notBefore(x), &at) == -1 &&
	    X509_cmp_time(X509_get0_notAfter(x), &at) == 1;
}

int
crl_valid_at(const X509_CRL *crl, time_t at)
{
	return X509_CRL_get0_nextUpdate(crl) != NULL &&
	    X509_cmp_time(X509_CRL_get0_lastUpdate(crl), &at) == -1 &&
	    X509_cmp_time(X509_CRL_get0_nextUpdate(crl), &at) == 1;
}

time_t
asn1_seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

int
name_is(const X509_NAME *n, const char *wanted)
{
	char name[64];

	return X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)n,
		   NID_commonName, name, sizeof(name)) > 0 &&
	    strcmp(name, wanted) == 0;
}

time_t
cert_end(const X509 *x)
{
	return asn1_seconds(X509_get0_notAfter(x));
}

int
cert_issued_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	int ok = key != NULL &&
	    X509_NAME_cmp(
		X509_get_issuer_name(x), X509_get_subject_name(issuer)) == 0 &&
	    X509_check_ca(issuer) == 1 &&
	    (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) != 0 &&
	    X509_verify(x, key) == 1;

	ERR_clear_error();
	return ok;
}

int
cert_key_digest(const X509 *x, uint8_t digest[32])
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (n <= 0)
		return -1;
	SHA256(der, (size_t)n, digest);
	OPENSSL_free(der);
	return 0;
}

int
ecdsa_verify(EVP_PKEY *key, const uint8_t *digest, size_t digest_n,
    const uint8_t *rs, size_t n)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t *der = NULL;
	BIGNUM *r, *s;
	int len, ok = 0;

	r = BN_bin2bn(rs, (int)n, NULL);
	s = BN_bin2bn(rs + n, (int)n, NULL);
	if (sig == NULL || ECDSA_SIG_set0(sig, r, s) == 0) {
		BN_free(r);
		BN_free(s);
		goto out;
	}
	if ((len = i2d_ECDSA_SIG(sig, &der)) <= 0 ||
	    (ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL ||
	    EVP_PKEY_verify_init(ctx) <= 0)
		goto out;
	ok = EVP_PKEY_verify(ctx, der, (size_t)len, digest, digest_n) == 1;
out:
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	ERR_clear_error();
	return ok;
}

EVP_PKEY *
ec_key(const char *group, const uint8_t *xy, size_t n)
{
	uint8_t point[1 + 2 * 66];
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;

	if (n > sizeof(point) - 1)
		goto out;
	point[0] = 4;				/* uncompressed */
	memcpy(point + 1, xy, n);
	if (b == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(
		b, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(
		b, OSSL_PKEY_PARAM_PUB_KEY, point, n + 1) != 1 ||
	    (params = OSSL_PARAM_BLD_to_param(b)) == NULL ||
	    (ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
out:
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	ERR_clear_error();
	return key;
}

int
rsa_key_write(FILE *to, struct bytes exponent, struct bytes modulus)
{
	BIGNUM *e = BN_bin2bn(exponent.p, (int)exponent.n, NULL);
	BIGNUM *n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	int ok;

	ok = e != NULL && n != NULL && b != NULL && ctx != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    (params = OSSL_PARAM_BLD_to_param(b)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
	    PEM_write_PUBKEY(to, key) == 1;
	EVP_PKEY_free(key);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	BN_free(e);
	ERR_clear_error();
	return ok ? 0 : -1;
}
