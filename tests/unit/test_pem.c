/* SPDX-License-Identifier: Apache-2.0
 *
 * Encrypted PEM in evidence and in collateral.  The verifier runs in a session
 * without a terminal, so that OpenSSL would ask on standard error and read from
 * standard input; the right passphrase waits there.  Nothing may ask for it,
 * and nothing encrypted is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest.h"
#include "collateral.h"
#include "dcap.h"
#include "passphrase.h"
#include "snp.h"
#include "tests/unit/samples.h"

#define PASSPHRASE	"secret"
#define TDX_SET		"tdx/sets/tdx-v5-uptodate"
#define SNP_SET		"snp/snp-milan-v3-aws-vlek"
#define FEBRUARY	day(2026, 2, 25)	/* the TDX set is fresh */
#define JUNE		day(2025, 6, 1)		/* the SNP set's are valid */
#define PEM_SIZE	65536

static struct report r;
static struct policy policy;
static char dir[] = "/tmp/test_pem.XXXXXX";

/* ---- encrypted PEM ----------------------------------------------------- */

/* i2d of what is DER already. */
static int
copy_der(const void *from, unsigned char **to)
{
	const struct bytes *der = from;

	if (to != NULL) {
		memcpy(*to, der->p, der->n);
		*to += der->n;
	}
	return (int)der->n;
}

static struct bytes
encrypted(const char *name, struct bytes der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *p = malloc(PEM_SIZE);
	int n;

	assert_true(bio != NULL && p != NULL);
	assert_int_equal(PEM_ASN1_write_bio(copy_der, name, bio, &der,
			     EVP_aes_256_cbc(), (const uint8_t *)PASSPHRASE,
			     sizeof(PASSPHRASE) - 1, NULL, NULL),
	    1);
	n = BIO_read(bio, p, PEM_SIZE);
	assert_true(n > 0 && n < PEM_SIZE);
	BIO_free(bio);
	return (struct bytes){ p, (size_t)n };
}

static struct bytes
certificate_of(const X509 *x)
{
	uint8_t *der = NULL;
	int n = i2d_X509(x, &der);
	struct bytes b;

	assert_true(n > 0);
	b = encrypted(PEM_STRING_X509, (struct bytes){ der, (size_t)n });
	OPENSSL_free(der);
	return b;
}

/* ---- a verifier without a terminal ------------------------------------- */

static _Noreturn void
run_child(
    const int input[2], int said, int (*verify)(const void *), const void *arg)
{
	alarm(20);
	setsid();
	dup2(input[0], STDIN_FILENO);	/* its other end stays open: no EOF */
	dup2(said, STDERR_FILENO);
	_exit(verify(arg));
}

/* The result of `verify'; it must have asked nothing. */
static int
without_terminal(int (*verify)(const void *), const void *arg)
{
	static const char typed[] = PASSPHRASE "\n" PASSPHRASE "\n";
	int input[2], status, said = memfd_create("stderr", MFD_CLOEXEC);
	char text[512] = "";
	pid_t pid;

	assert_int_equal(pipe(input), 0);
	assert_int_equal(
	    write(input[1], typed, sizeof(typed) - 1), sizeof(typed) - 1);
	if ((pid = fork()) == 0)
		run_child(input, said, verify, arg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(pread(said, text, sizeof(text) - 1, 0) >= 0);
	assert_string_equal(text, "");
	assert_int_equal(read(input[0], text, sizeof(text)), sizeof(typed) - 1);
	close(said);
	close(input[0]);
	close(input[1]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- evidence ---------------------------------------------------------- */

static void
put32(const uint8_t *at, size_t v)
{
	uint8_t *p = (uint8_t *)(uintptr_t)at;
	int i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static int
verify_quote(const void *quote)
{
	struct collateral c;

	if (collateral_load(&c, sample_path(TDX_SET)) == -1)
		return 99;
	format_dcap.verify(
	    *(const struct bytes *)quote, &c, &policy, FEBRUARY, &r);
	collateral_free(&c);
	return report_find(&r, "format")->outcome != A_PASS ?
	    98 :
	    report_passed(&r, "pck-chain");
}

/* A quote whose PCK certificates are encrypted one by one. */
static void
an_encrypted_pck_chain_asks_for_no_passphrase(void **state)
{
	struct bytes b = sample(TDX_SET "/quote.bin"), pem, to;
	struct quote q, whole;
	STACK_OF(X509) *chain;
	char why[128];
	uint8_t *p = calloc(1, b.n + 4 * PEM_SIZE);
	size_t n, i, at;

	(void)state;
	assert_non_null(p);
	assert_int_equal(quote_read(&q, b, why, sizeof(why)), 0);
	at = (size_t)(q.certs.p - b.p);
	memcpy(p, b.p, at);
	chain = certs_read(q.certs);
	assert_int_equal(sk_X509_num(chain), 3);
	for (i = 0, n = at; i < 3; i++, n += pem.n) {
		pem = certificate_of(sk_X509_value(chain, (int)i));
		memcpy(p + n, pem.p, pem.n);
		sample_free(pem);
	}
	sk_X509_pop_free(chain, X509_free);
	put32(p + at - 4, n - at);
	at = (size_t)(q.signature - b.p);
	put32(p + at - 4, n - at);
	put32(p + at + 64 + 64 + 2, n - (at + 64 + 64 + 6));
	to = (struct bytes){ p, n };
	assert_int_equal(quote_read(&whole, to, why, sizeof(why)), 0);
	assert_int_equal(without_terminal(verify_quote, &b), 1);
	assert_int_equal(without_terminal(verify_quote, &to), 0);
	free(p);
	sample_free(b);
}

static int
verify_snp(const void *report)
{
	format_snp.verify(
	    *(const struct bytes *)report, NULL, &policy, JUNE, &r);
	return report_passed(&r, "certificate-table") ?
	    report_passed(&r, "vek-chain") :
	    98;
}

/* A report with the host's table of certificates: as PEM, then encrypted. */
static void
an_encrypted_table_of_the_host_asks_for_no_passphrase(void **state)
{
	struct bytes b = sample(SNP_SET "/report.bin"), pem, to;
	uint8_t *p = calloc(1, SNP_REPORT + 4 * PEM_SIZE), *entry;
	struct collateral c;
	size_t at;
	int i, locked;

	(void)state;
	assert_non_null(p);
	memcpy(p, b.p, SNP_REPORT);
	assert_int_equal(collateral_load(&c, sample_path(SNP_SET)), 0);
	for (locked = 0; locked < 2; locked++) {
		at = 24 * (size_t)(sk_X509_num(c.snp) + 1);
		for (i = 0; i < sk_X509_num(c.snp); i++) {
			uint8_t *der = p + SNP_REPORT + at;

			pem.n = (size_t)i2d_X509(sk_X509_value(c.snp, i), &der);
			if (locked) {
				pem = certificate_of(sk_X509_value(c.snp, i));
				memcpy(p + SNP_REPORT + at, pem.p, pem.n);
				sample_free(pem);
			}
			entry = p + SNP_REPORT + 24 * i;
			entry[0] = 0x63;	/* some GUID */
			put32(entry + 16, at);
			put32(entry + 20, pem.n);
			at += pem.n;
		}
		to = (struct bytes){ p, SNP_REPORT + at };
		assert_int_equal(without_terminal(verify_snp, &to), !locked);
	}
	collateral_free(&c);
	free(p);
	sample_free(b);
}

/* ---- collateral -------------------------------------------------------- */

static void
put_file(const char *name, struct bytes b)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
	assert_int_equal(fclose(f), 0);
}

static void
remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

/* How many certificates and revocation lists it read. */
static int
load_directory(const void *name)
{
	struct collateral c;
	int n;

	if (collateral_load(&c, name) == -1)
		return 99;
	n = sk_X509_num(c.snp) + sk_X509_CRL_num(c.snp_crls) +
	    (c.tdx->root_crl != NULL) + (c.tdx->pck_crl != NULL);
	collateral_free(&c);
	return n;
}

static void
encrypted_collateral_asks_for_no_passphrase(void **state)
{
	static const struct {
		const char *file, *name, *der;
	} of[] = {
		{ "vek.pem", PEM_STRING_X509, "snp/vcek_turin.der" },
		{ "snp.crl", PEM_STRING_X509_CRL, "sgx/root_ca.crl" },
		{ "root_ca.crl", PEM_STRING_X509_CRL, "sgx/root_ca.crl" },
		{ "pck.crl", PEM_STRING_X509_CRL, "sgx/root_ca.crl" },
	};
	struct bytes der, pem;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		der = sample(of[i].der);
		put_file(of[i].file, der);
		assert_int_equal(without_terminal(load_directory, dir), 1);
		pem = encrypted(of[i].name, der);
		put_file(of[i].file, pem);
		assert_int_equal(without_terminal(load_directory, dir), 0);
		remove_file(of[i].file);
		sample_free(pem);
		sample_free(der);
	}
}

/* Is what is given as the platform's key none? */
static int
verify_cca(const void *key)
{
	struct bytes b = sample("cca/cca-token-01.cbor");
	const struct bytes *pem = key;
	struct collateral c = { .cca_key = (uint8_t *)(uintptr_t)pem->p,
		.cca_key_n = pem->n };

	format_cca.verify(b, &c, &policy, JUNE, &r);
	sample_free(b);
	return report_passed(&r, "platform-signature");
}

static void
an_encrypted_platform_key_asks_for_no_passphrase(void **state)
{
	struct bytes plain = sample("cca/cca_platform.pem"), pem;
	BIO *bio = BIO_new_mem_buf(plain.p, (int)plain.n);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	(void)state;
	assert_true(n > 0);
	pem = encrypted(PEM_STRING_PUBLIC, (struct bytes){ der, (size_t)n });
	assert_int_equal(without_terminal(verify_cca, &plain), 1);
	assert_int_equal(without_terminal(verify_cca, &pem), 0);
	sample_free(pem);
	sample_free(plain);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static int
setup(void **state)
{
	(void)state;
	policy_default(&policy);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_encrypted_pck_chain_asks_for_no_passphrase),
		cmocka_unit_test(
		    an_encrypted_table_of_the_host_asks_for_no_passphrase),
		cmocka_unit_test(encrypted_collateral_asks_for_no_passphrase),
		cmocka_unit_test(
		    an_encrypted_platform_key_asks_for_no_passphrase),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
