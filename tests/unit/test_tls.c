/* SPDX-License-Identifier: Apache-2.0
 *
 * The TLS key's file: each form that is accepted gives the key, everything else
 * is refused by name, and the key is in no memory but what is meant for it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "../../src/keys/tls.c"
#include "dies.h"

/* chan.c wants them; nothing is dispatched. */
const msg_handler handlers[M_TYPES];

static char path[] = "/tmp/tee-tls-XXXXXX";
static EVP_PKEY *real;

static int
setup(void **unused)
{
	const int fd = mkstemp(path);

	(void)unused;
	real = EVP_EC_gen("P-256");
	return fd == -1 || close(fd) == -1 || real == NULL ? -1 : 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	EVP_PKEY_free(real);
	return unlink(path);
}

static void
put(const void *data, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* The scalar, then the public key. */
static void
parts(EVP_PKEY *key, uint8_t scalar[32], uint8_t xy[64])
{
	uint8_t point[65];
	BIGNUM *d = NULL;
	size_t n;

	assert_int_equal(
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	assert_int_equal(BN_bn2binpad(d, scalar, 32), 32);
	BN_free(d);
	assert_int_equal(
	    EVP_PKEY_set_utf8_string_param(key,
		OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed"),
	    1);
	assert_int_equal(EVP_PKEY_get_octet_string_param(key,
			     OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
	    1);
	assert_int_equal(n, 65);
	memcpy(xy, point + 1, 64);
}

/* DER as PEM, with lines that end in this. */
static void
put_pem(const char *label, const uint8_t *der, size_t n, const char *end)
{
	unsigned char base64[512];
	char pem[1024];
	int used, len, i;

	len = EVP_EncodeBlock(base64, der, (int)n);
	used = snprintf(pem, sizeof(pem), "-----BEGIN %s-----%s", label, end);
	for (i = 0; i < len; i += 64)
		used += snprintf(pem + used, sizeof(pem) - (size_t)used,
		    "%.64s%s", base64 + i, end);
	used += snprintf(pem + used, sizeof(pem) - (size_t)used,
	    "-----END %s-----%s", label, end);
	put(pem, (size_t)used);
}

/* Does it sign by that key?  A refusal, which is all zero, is none. */
static int
signs_by(EVP_PKEY *key)
{
	static const struct m_tls_signed refused;
	struct m_tls_sign ask = { .digest = { 1, 2, 3 } };
	uint8_t scalar[32];
	struct m_tls_signed s;
	unsigned char der[80], *p = der;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	int n, r;

	parts(key, scalar, ask.key);
	tls_sign(&ask, &s);
	assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(s.r, 32, NULL),
			     BN_bin2bn(s.s, 32, NULL)),
	    1);
	n = i2d_ECDSA_SIG(sig, &p);
	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	r = EVP_PKEY_verify(ctx, der, (size_t)n, ask.digest, 32) == 1;
	EVP_PKEY_CTX_free(ctx);
	ECDSA_SIG_free(sig);
	assert_int_equal(memcmp(&s, &refused, sizeof(s)) != 0, r);
	return r;
}

static void
forget(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		EVP_PKEY_free(held[i].key);
	memset(held, 0, sizeof(held));
	secret_free(secret, sizeof(*secret));
}

static void
signs_as_the_real_one(void)
{
	assert_true(signs_by(real));
	forget();
}

static void
each_form_gives_the_key(void **unused)
{
	uint8_t der[DER_MAX], scalar[32], xy[64];
	const struct form *f;
	size_t i, n;

	(void)unused;
	parts(real, scalar, xy);
	for (i = 0; i < 2 * sizeof(forms) / sizeof(forms[0]); i++) {
		f = &forms[i / 2];
		memcpy(der, f->before, f->n_before);
		n = f->n_before;
		memcpy(der + n, scalar, 32);
		n += 32;
		if (f->n_behind != 0)
			memcpy(der + n, f->behind, f->n_behind);
		n += f->n_behind;
		memcpy(der + n, xy, f->with);
		n += f->with;
		put_pem(f->label, der, n, i % 2 == 0 ? "\n" : "\r\n");
		tls_init(path);
		signs_as_the_real_one();
	}
}

/* The forms that OpenSSL writes, before and since 3.0. */
static void
openssls_own_files_are_read(void **unused)
{
	FILE *f = fopen(path, "w");
	BIO *b;

	(void)unused;
	assert_int_equal(
	    PEM_write_PKCS8PrivateKey(f, real, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	tls_init(path);
	signs_as_the_real_one();
	b = BIO_new_file(path, "w");
	BIO_puts(b,
	    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
	    "-----END EC PARAMETERS-----\n");
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(
			     b, real, NULL, NULL, 0, NULL, NULL),
	    1);
	BIO_free(b);
	tls_init(path);
	signs_as_the_real_one();
}

static void
init(const void *p)
{
	tls_init(p);
}

static void
what_is_no_such_key_is_refused(void **unused)
{
	static const char *const bad[] = { "", "-----BEGIN PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\nMEEC*\n",
		"-----BEGIN PRIVATE KEY-----\n"
		"MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAA\n"
		"-----END PRIVATE KEY-----\n" };
	uint8_t der[67] = { 0 };
	EVP_PKEY *other = EVP_EC_gen("P-384");
	FILE *f;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i], strlen(bad[i]));
		dies(init, path, "not an unencrypted private key on P-256");
	}
	f = fopen(path, "w");
	PEM_write_PKCS8PrivateKey(f, other, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	dies(init, path, "not an unencrypted private key on P-256");
	f = fopen(path, "w");
	PEM_write_PKCS8PrivateKey(
	    f, real, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	fclose(f);
	dies(init, path, "is encrypted: remove the passphrase");
	/* A scalar of zero, and one that is the order or more. */
	memcpy(der, forms[1].before, forms[1].n_before);
	put_pem("PRIVATE KEY", der, sizeof(der), "\n");
	dies(init, path, "not a valid private key on P-256");
	memset(der + forms[1].n_before, 0xff, 32);
	put_pem("PRIVATE KEY", der, sizeof(der), "\n");
	dies(init, path, "not a valid private key on P-256");
	assert_int_equal(chmod(path, 0604), 0);
	dies(init, path, "others can access it: set mode 600");
	assert_int_equal(chmod(path, 0600), 0);
	put(path, sizeof(path));
	assert_int_equal(truncate(path, PEM_MAX + 1), 0);
	dies(init, path, "not a regular file of at most");
	dies(init, "/tmp", "not a regular file of at most");
	dies(init, "/nonexistent", "No such file");
	EVP_PKEY_free(other);
}

static void
put_key(EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");

	assert_int_equal(
	    PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
}

static void
start_with(EVP_PKEY *key)
{
	put_key(key);
	tls_init(path);
}

/* This key is in the file, and the file is handed over. */
static void
renew_with(EVP_PKEY *key)
{
	put_key(key);
	tls_renew(open(path, O_RDONLY | O_CLOEXEC));
}

static void
the_newest_key_and_the_one_before_it_sign(void **unused)
{
	EVP_PKEY *second = EVP_EC_gen("P-256"), *third = EVP_EC_gen("P-256");

	(void)unused;
	start_with(real);
	assert_false(signs_by(second));
	renew_with(second);
	assert_true(signs_by(second) && signs_by(real));
	renew_with(second);			/* only its time has changed */
	assert_true(signs_by(second) && signs_by(real));
	renew_with(third);
	assert_true(signs_by(third) && signs_by(second));
	assert_false(signs_by(real));
	renew_with(second);			/* back */
	assert_true(signs_by(second) && signs_by(third));
	EVP_PKEY_free(second);
	EVP_PKEY_free(third);
	forget();
}

static void
a_file_that_is_no_key_changes_nothing(void **unused)
{
	static const char half[] = "-----BEGIN PRIVATE KEY-----\nMIGHAgE";
	int fd;

	(void)unused;
	start_with(real);
	put(half, sizeof(half) - 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	tls_renew(fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);	/* it was ours */
	put("", 0);
	tls_renew(open(path, O_RDONLY | O_CLOEXEC));
	tls_renew(open("/tmp", O_RDONLY | O_CLOEXEC));
	assert_true(signs_by(real));
	assert_null(held[1].key);
	forget();
}

/* The secure heap, which is small, keeps nothing of it either. */
static void
a_hundred_renewals_cost_no_memory(void **unused)
{
	EVP_PKEY *key;
	size_t before = 0;
	int i;

	(void)unused;
	start_with(real);
	for (i = 0; i < 100; i++) {
		key = EVP_EC_gen("P-256");
		renew_with(key);
		assert_true(signs_by(key));
		EVP_PKEY_free(key);
		put("", 0);
		tls_renew(open(path, O_RDONLY | O_CLOEXEC));
		if (i == 1)
			before = CRYPTO_secure_used();
	}
	assert_int_equal(CRYPTO_secure_used(), before);
	forget();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_gives_the_key),
		cmocka_unit_test(openssls_own_files_are_read),
		cmocka_unit_test(what_is_no_such_key_is_refused),
		cmocka_unit_test(the_newest_key_and_the_one_before_it_sign),
		cmocka_unit_test(a_file_that_is_no_key_changes_nothing),
		cmocka_unit_test(a_hundred_renewals_cost_no_memory),
	};

	log_init("test", LOG_ERR);
	return cmocka_run_group_tests(tests, setup, teardown);
}
