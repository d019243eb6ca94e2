/* SPDX-License-Identifier: Apache-2.0
 *
 * OP-TEE's provider against a TEE of the test's own, which signs as the
 * attestation PTA does (--wrap=ioctl), and its evidence before the verifier.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/tee.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attest.h"
#include "provider.h"
#include "log.h"
#include "payload.h"
#include "tests/unit/dies.h"

#define SESSION	0x5e55
#define MEMORY	7

int	__wrap_ioctl(int, unsigned long, ...);

static struct {
	uint32_t	 implementation;
	uint32_t	 open_ret, invoke_ret;
	int		 error;		/* of any call */
	uint64_t	 size;		/* of the output; 0: right */
	uint8_t		*memory;
	size_t		 memory_size;
	int		 invoked;
} tee;

static EVP_PKEY *key;
static char said[2048];
static uint8_t data[64], out[QUOTE_MAX];

/* ---- the TEE's side ---------------------------------------------------- */

static int
share(struct tee_ioctl_shm_alloc_data *s)
{
	const int fd = memfd_create("tee", 0);

	assert_int_equal(ftruncate(fd, (off_t)s->size), 0);
	tee.memory = mmap(
	    NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tee.memory_size = s->size;
	s->id = MEMORY;
	return fd;
}

static uint8_t *
place(const struct tee_ioctl_param *p, uint64_t attr)
{
	assert_true(p->attr == attr);
	assert_true(p->c == MEMORY);
	assert_true(p->b <= tee.memory_size && p->a <= tee.memory_size - p->b);
	return tee.memory + p->a;
}

static void
open_session(struct tee_ioctl_open_session_arg *a)
{
	assert_memory_equal(a->uuid,
	    "\x39\x80\x08\x61\x18\x2a\x47\x20"
	    "\x9b\x67\x2b\xcd\x62\x2b\xc0\xb5",
	    16);
	assert_int_equal(a->clnt_login, TEE_IOCTL_LOGIN_PUBLIC);
	assert_int_equal(a->num_params, 4);
	a->session = SESSION;
	a->ret = tee.open_ret;
}

/* The public part of the key. */
static void
give_key(struct tee_ioctl_invoke_arg *a)
{
	BIGNUM *e = NULL, *n = NULL;
	uint8_t *to[2];
	int i;

	for (i = 0; i < 2; i++)
		to[i] = place(
		    &a->params[i], TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_OUTPUT);
	assert_true(
	    a->params[2].attr == TEE_IOCTL_PARAM_ATTR_TYPE_VALUE_OUTPUT);
	EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e);
	EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
	a->params[0].b = (__u64)BN_bn2bin(e, to[0]);
	a->params[1].b = tee.size != 0 ? (__u64)tee.size :
					 (__u64)BN_bn2bin(n, to[1]);
	BN_free(e);
	BN_free(n);
	a->ret = tee.invoke_ret;
}

/* The hash of the TEE's memory, and its signature with the nonce. */
static void
attest(struct tee_ioctl_invoke_arg *a)
{
	const uint8_t *nonce = place(
	    &a->params[0], TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_INPUT);
	uint8_t *to = place(
		    &a->params[1], TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_OUTPUT),
		hash[32];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t n = (size_t)a->params[1].b - 32;

	assert_int_equal(a->func, 3);
	assert_int_equal(a->params[0].b, 17 + 1 + 64);
	memset(to, 0x77, 32);
	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	EVP_DigestUpdate(md, nonce, a->params[0].b);
	EVP_DigestUpdate(md, to, 32);
	EVP_DigestFinal_ex(md, hash, NULL);
	EVP_MD_CTX_free(md);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256());
	EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32);
	assert_int_equal(EVP_PKEY_sign(ctx, to + 32, &n, hash, 32), 1);
	EVP_PKEY_CTX_free(ctx);
	a->params[1].b = tee.size != 0 ? tee.size : 32 + n;
	a->ret = tee.invoke_ret;
	tee.invoked++;
}

int
__wrap_ioctl(int fd, unsigned long command, ...)
{
	struct tee_ioctl_version_data *v;
	struct tee_ioctl_invoke_arg *a;
	struct tee_ioctl_buf_data *b;
	void *arg;
	va_list ap;

	(void)fd;
	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (tee.error != 0) {
		errno = tee.error;
		return -1;
	}
	switch (command) {
	case TEE_IOC_VERSION:
		v = arg;
		v->impl_id = tee.implementation;
		return 0;
	case TEE_IOC_SHM_ALLOC: return share(arg);
	}
	b = arg;
	if (command == TEE_IOC_OPEN_SESSION) {
		assert_int_equal(b->buf_len,
		    sizeof(struct tee_ioctl_open_session_arg) + 4 * 32);
		open_session((void *)(uintptr_t)b->buf_ptr);
		return 0;
	}
	assert_true(command == TEE_IOC_INVOKE);
	assert_int_equal(
	    b->buf_len, sizeof(struct tee_ioctl_invoke_arg) + 4 * 32);
	a = (void *)(uintptr_t)b->buf_ptr;
	assert_int_equal(a->session, SESSION);
	assert_int_equal(a->num_params, 4);
	if (a->func == 0)
		give_key(a);
	else
		attest(a);
	return 0;
}

/* ---- helpers ----------------------------------------------------------- */

static void
hear(int level, const char *line)
{
	(void)level;
	strncat(said, line, sizeof(said) - strlen(said) - 1);
}

static int
setup_key(void **unused)
{
	(void)unused;
	key = EVP_RSA_gen(3072);
	memset(data, 0x5a, sizeof(data));
	return key == NULL ? -1 : 0;
}

static int
teardown_key(void **unused)
{
	(void)unused;
	EVP_PKEY_free(key);
	return 0;
}

static int
setup(void **unused)
{
	(void)unused;
	memset(&tee, 0, sizeof(tee));
	tee.implementation = TEE_IMPL_ID_OPTEE;
	said[0] = '\0';
	log_sink(hear);
	return 0;
}

static const struct provider *
opened(void)
{
	const struct provider *p = optee_open("/dev/null");

	assert_non_null(p);
	assert_int_equal(p->tee_type, TEE_OPTEE);
	return p;
}

static void
fails(const struct provider *p, int error, const char *text)
{
	said[0] = '\0';
	errno = 0;
	assert_int_equal(p->quote(data, out, sizeof(out)), -1);
	assert_int_equal(errno, error);
	if (strstr(said, text) == NULL)
		fail_msg("`%s' not in: %s", text, said);
}

static void
open_null(const void *unused)
{
	(void)unused;
	optee_open("/dev/null");
}

/* ---- tests ------------------------------------------------------------- */

static void
the_verifier_accepts_what_it_gives(void **unused)
{
	const struct provider *p = opened();
	static struct report r;
	static struct policy policy;
	struct collateral c = { 0 };
	uint8_t measurement[48], sum[48] = { 0 };
	long n = p->quote(data, out, sizeof(out));
	int size;

	(void)unused;
	assert_int_equal(n, 7 + 64 + 1 + 3 + 32 + 384);
	assert_int_equal(tee.invoked, 1);
	policy_default(&policy);
	policy.has_report_data = 1;
	memcpy(policy.report_data, data, 64);
	size = i2d_PUBKEY(key, &c.optee_key);
	assert_true(size > 0);
	c.optee_key_n = (size_t)size;
	assert_ptr_equal(
	    format_of((struct bytes){ out, (size_t)n }), &format_optee);
	format_optee.verify(
	    (struct bytes){ out, (size_t)n }, &c, &policy, 0, &r);
	assert_int_equal(report_verdict(&r), 0);
	assert_true(report_passed(&r, "signature"));
	assert_true(report_passed(&r, "report-data"));
	OPENSSL_free(c.optee_key);
	blob_measurement(TEE_OPTEE, out, (size_t)n, measurement);
	memset(sum, 0x77, 32);
	assert_memory_equal(measurement, sum, 48);
	blob_measurement(TEE_OPTEE, out, 75, measurement);
	memset(sum, 0, 32);
	assert_memory_equal(measurement, sum, 48);
}

static void
its_key_can_be_kept(void **unused)
{
	uint8_t e[16], n[1024];
	size_t e_n = sizeof(e), n_n = sizeof(n);
	EVP_PKEY *kept;
	FILE *f = tmpfile();

	(void)unused;
	opened();
	assert_int_equal(optee_key(e, &e_n, n, &n_n), 0);
	assert_int_equal(e_n, 3);
	assert_int_equal(n_n, 384);
	assert_int_equal(rsa_key_write(f, (struct bytes){ e, e_n },
			     (struct bytes){ n, n_n }),
	    0);
	rewind(f);
	kept = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	assert_int_equal(EVP_PKEY_eq(kept, key), 1);
	EVP_PKEY_free(kept);
	fclose(f);
	e_n = sizeof(e);
	n_n = sizeof(n);
	tee.size = 1025;
	assert_int_equal(optee_key(e, &e_n, n, &n_n), -1);
	tee.size = 0;
	tee.invoke_ret = 0xffff0007;
	assert_int_equal(optee_key(e, &e_n, n, &n_n), -1);
	assert_non_null(strstr(said, "0xffff0007"));
}

static void
no_device_or_that_of_another_is_no_optee(void **unused)
{
	(void)unused;
	assert_null(optee_open("/nonexistent"));
	tee.implementation = TEE_IMPL_ID_AMDTEE;
	assert_null(optee_open("/dev/null"));
	assert_non_null(strstr(said, "is not OP-TEE"));
}

static void
without_attestation_it_says_what_to_build(void **unused)
{
	(void)unused;
	tee.open_ret = 0xffff0008;
	dies(open_null, NULL, "CFG_ATTESTATION_PTA");
	tee.open_ret = 0xffff000c;
	dies(open_null, NULL, "cannot be opened: 0xffff000c");
}

static void
a_failure_of_the_tee_is_told_with_its_cause(void **unused)
{
	const struct provider *p = opened();

	(void)unused;
	tee.invoke_ret = 0xffff0006;
	fails(p, EIO, "attestation failed: 0xffff0006");
	tee.invoke_ret = 0xffff3024;
	fails(p, EIO, "restart");
	tee.invoke_ret = 0xffff000d;
	fails(p, EBUSY, "attestation failed: 0xffff000d");
	tee.invoke_ret = 0;
	tee.error = ENODEV;
	fails(p, ENODEV, "No such device");
}

static void
an_output_of_no_possible_size_is_refused(void **unused)
{
	static const uint64_t sizes[] = { 1, 32, 32 + 1025, 1u << 20,
		UINT64_MAX };
	const struct provider *p = opened();
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		tee.size = sizes[i];
		fails(p, EBADMSG, "an output of");
	}
	tee.size = 0;
	assert_int_equal(p->quote(data, out, 100), -1);
	assert_int_equal(errno, EFBIG);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(the_verifier_accepts_what_it_gives),
		T(its_key_can_be_kept),
		T(no_device_or_that_of_another_is_no_optee),
		T(without_attestation_it_says_what_to_build),
		T(a_failure_of_the_tee_is_told_with_its_cause),
		T(an_output_of_no_possible_size_is_refused),
	};

	return cmocka_run_group_tests(tests, setup_key, teardown_key);
}
