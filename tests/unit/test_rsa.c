/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's RSA keys, with a look at their memory: what OpenSSL encrypts
 * opens, nothing else does, the key before the newest still opens, and all of
 * it works behind compute's filter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "sandbox.h"
#include "../../src/compute/rsa.c"
#include <openssl/x509.h>

static const uint8_t secret[64] =
    "a shared secret is of 32 bytes: it is x of a point";

/* ---- another implementation of OAEP ------------------------------------ */

static EVP_PKEY *
public_key(const struct m_rsa_key *m)
{
	const uint8_t *at = m->spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, sizeof(m->spki));

	assert_non_null(key);
	assert_ptr_equal(at, m->spki + sizeof(m->spki));
	assert_int_equal(EVP_PKEY_get_bits(key), 2048);
	return key;
}

/* Encrypt n bytes to the newest key. */
static void
encrypt_as(const char *md, const char *mgf1, const char *label, size_t n,
    uint8_t cipher[NOX_RSA])
{
	struct m_rsa_key m;
	EVP_PKEY *key;
	EVP_PKEY_CTX *c;
	size_t len = NOX_RSA;

	rsa_public(&m);
	key = public_key(&m);
	assert_non_null(c = EVP_PKEY_CTX_new(key, NULL));
	assert_int_equal(EVP_PKEY_encrypt_init(c), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(c, md, NULL), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md_name(c, mgf1, NULL), 1);
	if (label != NULL)
		assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(c,
				     OPENSSL_strdup(label), (int)strlen(label)),
		    1);
	assert_int_equal(EVP_PKEY_encrypt(c, cipher, &len, secret, n), 1);
	assert_int_equal(len, NOX_RSA);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
}

static void
encrypt(uint8_t cipher[NOX_RSA])
{
	encrypt_as("SHA256", "SHA256", NULL, 32, cipher);
}

/* An encoded message, encrypted as it is. */
static void
encrypt_encoded(const struct encoded *e, uint8_t cipher[NOX_RSA])
{
	struct m_rsa_key m;
	EVP_PKEY *key;
	EVP_PKEY_CTX *c;
	size_t len = NOX_RSA;

	rsa_public(&m);
	key = public_key(&m);
	assert_non_null(c = EVP_PKEY_CTX_new(key, NULL));
	assert_int_equal(EVP_PKEY_encrypt_init(c), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
	assert_int_equal(
	    EVP_PKEY_encrypt(c, cipher, &len, (const uint8_t *)e, sizeof(*e)),
	    1);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
}

static void
opens(uint32_t number, const uint8_t cipher[NOX_RSA])
{
	uint8_t out[32];

	assert_int_equal(rsa_open(number, cipher, out), 0);
	assert_memory_equal(out, secret, 32);
}

static void
is_refused(uint32_t number, const uint8_t cipher[NOX_RSA])
{
	static const uint8_t zero[32];
	uint8_t out[32] = { 0 };

	assert_int_equal(rsa_open(number, cipher, out), -1);
	assert_memory_equal(out, zero, 32);
	assert_int_equal(ERR_peek_error(), 0);
}

/* ---- tests ------------------------------------------------------------- */

static void
a_secret_opens(void **state)
{
	uint8_t cipher[NOX_RSA];
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		encrypt(cipher);
		opens(newest.number, cipher);
	}
}

static int
run_openssl(const char *dir, const char *command)
{
	char line[512];

	snprintf(
	    line, sizeof(line), "cd %s && %s > /dev/null 2>&1", dir, command);
	return system(line);
}

static void
write_file(const char *dir, const char *name, const void *data, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(data, 1, n, f), n);
	fclose(f);
}

static void
a_secret_of_the_command_line_opens(void **state)
{
	char dir[] = "/tmp/tee-rsa-XXXXXX", path[128];
	uint8_t cipher[NOX_RSA];
	struct m_rsa_key m;
	size_t n;
	FILE *f;

	(void)state;
	if (system("command -v openssl > /dev/null") != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	rsa_public(&m);
	write_file(dir, "key.der", m.spki, sizeof(m.spki));
	write_file(dir, "secret", secret, 32);
	assert_int_equal(run_openssl(dir,
			     "openssl pkeyutl -encrypt -pubin -keyform DER "
			     "-inkey key.der -in secret -out cipher "
			     "-pkeyopt rsa_padding_mode:oaep "
			     "-pkeyopt rsa_oaep_md:sha256 "
			     "-pkeyopt rsa_mgf1_md:sha256"),
	    0);
	snprintf(path, sizeof(path), "%s/cipher", dir);
	assert_non_null(f = fopen(path, "r"));
	n = fread(cipher, 1, sizeof(cipher), f);
	fclose(f);
	(void)run_openssl(dir, "rm key.der secret cipher");
	rmdir(dir);
	assert_int_equal(n, sizeof(cipher));
	opens(m.number, cipher);
}

static void
another_encoding_is_refused(void **state)
{
	uint8_t cipher[NOX_RSA];

	(void)state;
	encrypt_as("SHA1", "SHA256", NULL, 32, cipher);
	is_refused(newest.number, cipher);
	encrypt_as("SHA256", "SHA1", NULL, 32, cipher);
	is_refused(newest.number, cipher);
	encrypt_as("SHA256", "SHA256", "label", 32, cipher);
	is_refused(newest.number, cipher);
	encrypt_as("SHA256", "SHA256", NULL, 31, cipher);
	is_refused(newest.number, cipher);
	encrypt_as("SHA256", "SHA256", NULL, 33, cipher);
	is_refused(newest.number, cipher);
	encrypt_as("SHA256", "SHA256", NULL, 0, cipher);
	is_refused(newest.number, cipher);
}

static void
a_changed_secret_is_refused(void **state)
{
	uint8_t cipher[NOX_RSA];
	size_t i;

	(void)state;
	encrypt(cipher);
	for (i = 0; i < NOX_RSA; i += 15) {
		cipher[i] ^= 1;
		is_refused(newest.number, cipher);
		cipher[i] ^= 1;
	}
	opens(newest.number, cipher);
	memset(cipher, 0, sizeof(cipher));
	is_refused(newest.number, cipher);
	memset(cipher, 0xff, sizeof(cipher));	/* more than the modulus */
	is_refused(newest.number, cipher);
}

/* An encoded message that is right, but for one bit of a part that is not the
 * message. */
static void
each_byte_of_the_encoding_is_checked(void **state)
{
	const size_t at = offsetof(struct encoded, hash),
		     fixed = offsetof(struct encoded, message);
	uint8_t cipher[NOX_RSA];
	struct encoded e, good = { .one = 1 };
	struct sha256_ctx h;
	size_t i;

	(void)state;
	memcpy(good.message, secret, MESSAGE);
	memset(good.seed, 7, sizeof(good.seed));
	sha256_init(&h);
	sha256_digest(&h, HASH, good.hash);
	for (i = 0; i <= fixed; i++) {
		e = good;
		if (i >= at && i < fixed)
			((uint8_t *)&e)[i] ^= 0x10;
		add_mask(e.seed, HASH, (uint8_t *)&e + at, DB_SIZE);
		add_mask((uint8_t *)&e + at, DB_SIZE, e.seed, HASH);
		e.first = i == 0;	/* still below the modulus */
		encrypt_encoded(&e, cipher);
		if (i == 0 || (i >= at && i < fixed))
			is_refused(newest.number, cipher);
		else
			opens(newest.number, cipher);
	}
}

static void
only_the_former_key_still_opens(void **state)
{
	uint8_t first[NOX_RSA], second[NOX_RSA];
	const uint32_t n = newest.number;

	(void)state;
	encrypt(first);
	is_refused(0, first);
	is_refused(n + 1, first);
	rsa_key_new(0);
	assert_int_equal(newest.number, n + 1);
	encrypt(second);
	opens(n, first);
	opens(n + 1, second);
	is_refused(n, second);
	is_refused(n + 1, first);
	rsa_key_new(0);
	is_refused(n, first);
	opens(n + 1, second);
	is_refused(0, first);
}

static void
a_key_is_renewed_after_jobs_or_time(void **state)
{
	int i;

	(void)state;
	rsa_key_new(5000);
	assert_int_equal(rsa_is_due(5000), 0);
	assert_int_equal(rsa_is_due(5000 + RSA_MS - 1), 0);
	assert_int_equal(rsa_is_due(5000 + RSA_MS), 1);
	for (i = 0; i < RSA_JOBS; i++) {
		assert_int_equal(rsa_is_due(5000), 0);
		rsa_count_job();
	}
	assert_int_equal(rsa_is_due(5000), 1);
	rsa_key_new(6000);
	assert_int_equal(rsa_is_due(6000), 0);
}

static void
private_numbers_are_in_the_secure_heap(void **state)
{
	size_t used;
	int i;

	(void)state;
	rsa_key_new(0);
	rsa_key_new(0);
	assert_true((used = CRYPTO_secure_used()) >= 2 * 5 * 128);
	for (i = 0; i < 5; i++)
		rsa_key_new(0);
	assert_true(CRYPTO_secure_used() <= 2 * used);
	/* OpenSSL keeps something that is no key. */
	rsa_wipe();
	assert_true(CRYPTO_secure_used() <= 512);
	rsa_key_new(0);
}

/* Makes keys and decrypts with them in compute's sandbox. */
static void
it_works_in_the_sandbox(void **state)
{
	const struct sandbox box = { .role = "compute",
		.empty_dir = "/",
		.max_files = sandbox_role(R_COMPUTE)->max_files,
		.max_memory = sandbox_role(R_COMPUTE)->max_memory };
	uint8_t cipher[NOX_RSA], out[32];
	struct m_rsa_key m;
	int i, status;
	pid_t pid;

	(void)state;
	encrypt(cipher);
	if ((pid = fork()) == 0) {
		sandbox_enter(&box);
		if (rsa_open(newest.number, cipher, out) != 0 ||
		    memcmp(out, secret, 32) != 0)
			_exit(1);
		for (i = 0; i < 3; i++) {
			rsa_key_new(0);
			rsa_public(&m);
			encrypt(cipher);
			if (rsa_open(m.number, cipher, out) != 0 ||
			    memcmp(out, secret, 32) != 0)
				_exit(1);
			cipher[9] ^= 1;
			if (rsa_open(m.number, cipher, out) != -1)
				_exit(1);
		}
		rsa_wipe();
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_opens),
		cmocka_unit_test(a_secret_of_the_command_line_opens),
		cmocka_unit_test(another_encoding_is_refused),
		cmocka_unit_test(a_changed_secret_is_refused),
		cmocka_unit_test(each_byte_of_the_encoding_is_checked),
		cmocka_unit_test(only_the_former_key_still_opens),
		cmocka_unit_test(a_key_is_renewed_after_jobs_or_time),
		cmocka_unit_test(private_numbers_are_in_the_secure_heap),
		cmocka_unit_test(it_works_in_the_sandbox),
	};

	log_init("test", LOG_ERR);
	rsa_init(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
