/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider for TrustZone: a hash of OP-TEE's code, signed by OP-TEE's
 * attestation PTA.  It is weaker than the other providers: the device generated
 * the key itself, and no certificate chain leads to the device's vendor.
 *
 * It uses the kernel's interface (linux/tee.h) directly: libteec would add
 * nothing that is needed here.  The session and the shared memory are set up
 * before the sandbox is entered; after that, one ioctl(2) command is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/tee.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "provider.h"
#include "log.h"
#include "optee.h"
#include "payload.h"

#define SHARED		4096
#define AT_OUTPUT	1024		/* in shared memory, after the nonce */
#define OUTPUT_MAX	(OPTEE_DIGEST + 1024)	/* for RSA-8192 */
#define HEAD		(sizeof(OPTEE_MAGIC) - 1 + 64 + 1)
#define N_PARAMS	4		/* always; unused ones have type none */

/* Return codes of the TEE Client API. */
#define TEE_SUCCESS		0
#define TEE_ITEM_NOT_FOUND	0xffff0008
#define TEE_BUSY		0xffff000d
#define TEE_TARGET_DEAD		0xffff3024

static const uint8_t pta[TEE_IOCTL_UUID_LEN] = { 0x39, 0x80, 0x08, 0x61, 0x18,
	0x2a, 0x47, 0x20, 0x9b, 0x67, 0x2b, 0xcd, 0x62, 0x2b, 0xc0, 0xb5 };

/* An ioctl argument followed by its parameters. */
union call {
	struct tee_ioctl_open_session_arg	open;
	struct tee_ioctl_invoke_arg		invoke;
	uint8_t	room[sizeof(struct tee_ioctl_open_session_arg) +
	    N_PARAMS * sizeof(struct tee_ioctl_param)];
};

static int device = -1;
static uint32_t session;
static uint8_t *shared;
static uint64_t shared_id;

static int
call(unsigned long command, union call *c, size_t head)
{
	struct tee_ioctl_buf_data b = { (uintptr_t)c,
		head + N_PARAMS * sizeof(struct tee_ioctl_param) };

	return ioctl(device, command, &b);
}

/* ---- before the sandbox ------------------------------------------------ */

/* /dev/tee0 may belong to another TEE. */
static int
is_optee(void)
{
	struct tee_ioctl_version_data v;

	return ioctl(device, TEE_IOC_VERSION, &v) == 0 &&
	    v.impl_id == TEE_IMPL_ID_OPTEE;
}

static void
session_open(void)
{
	union call c;

	memset(&c, 0, sizeof(c));
	memcpy(c.open.uuid, pta, sizeof(pta));
	c.open.clnt_login = TEE_IOCTL_LOGIN_PUBLIC;
	c.open.num_params = N_PARAMS;
	if (call(TEE_IOC_OPEN_SESSION, &c, sizeof(c.open)) == -1)
		fatal("tee: optee: cannot open a session: %s", strerror(errno));
	if (c.open.ret == TEE_ITEM_NOT_FOUND)
		fatal("tee: optee: this OP-TEE has no attestation: it must be "
		      "built with CFG_ATTESTATION_PTA");
	if (c.open.ret != TEE_SUCCESS)
		fatal("tee: optee: attestation cannot be opened: 0x%08" PRIx32,
		    (uint32_t)c.open.ret);
	session = c.open.session;
}

static void
memory_share(void)
{
	struct tee_ioctl_shm_alloc_data s = { .size = SHARED };
	const int fd = ioctl(device, TEE_IOC_SHM_ALLOC, &s);

	if (fd == -1)
		fatal("tee: optee: no shared memory: %s", strerror(errno));
	shared = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		fatal("tee: optee: no shared memory: %s", strerror(errno));
	shared_id = (uint64_t)s.id;	/* fd must stay open to keep it */
}

/* ---- requests ---------------------------------------------------------- */

static size_t
put_nonce(uint8_t *to, uint8_t command, const uint8_t report_data[64])
{
	const size_t n = sizeof(OPTEE_LABEL) - 1;

	memcpy(to, OPTEE_LABEL, n);
	to[n] = command;
	memcpy(to + n + 1, report_data, 64);
	return OPTEE_NONCE;
}

static struct tee_ioctl_param
memory(uint64_t attr, uint64_t at, uint64_t size)
{
	return (struct tee_ioctl_param){ attr, at, size, shared_id };
}

/* Invoke a command of the PTA with the parameters in c.  Returns 0, or -1 with
 * errno. */
static int
invoke(uint32_t command, union call *c)
{
	c->invoke.func = command;
	c->invoke.session = session;
	c->invoke.num_params = N_PARAMS;
	if (call(TEE_IOC_INVOKE, c, sizeof(c->invoke)) == -1) {
		log_err("tee: optee: %s", strerror(errno));
		return -1;
	}
	if (c->invoke.ret == TEE_SUCCESS)
		return 0;
	log_err("tee: optee: attestation failed: 0x%08" PRIx32 "%s",
	    (uint32_t)c->invoke.ret,
	    c->invoke.ret == TEE_TARGET_DEAD ?
		": OP-TEE has given it up: restart" :
		"");
	errno = c->invoke.ret == TEE_BUSY ? EBUSY : EIO;
	return -1;
}

static int
is_size(uint64_t n, uint64_t min, uint64_t max)
{
	if (n >= min && n <= max)
		return 1;
	log_err("tee: optee: an output of %" PRIu64 " bytes", n);
	errno = EBADMSG;
	return 0;
}

/* Have digest and signature written to the shared memory.  Returns their size,
 * or -1 with errno. */
static long
attest(uint8_t command, const uint8_t report_data[64])
{
	const size_t nonce = put_nonce(shared, command, report_data);
	struct tee_ioctl_param *p;
	union call c;

	memset(&c, 0, sizeof(c));
	p = c.invoke.params;
	p[0] = memory(TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_INPUT, 0, nonce);
	p[1] = memory(
	    TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_OUTPUT, AT_OUTPUT, OUTPUT_MAX);
	if (invoke(command, &c) == -1 ||
	    !is_size(p[1].b, OPTEE_DIGEST + 1, OUTPUT_MAX))
		return -1;
	return (long)p[1].b;
}

int
optee_key(
    uint8_t *exponent, size_t *exponent_n, uint8_t *modulus, size_t *modulus_n)
{
	struct tee_ioctl_param *p;
	union call c;

	memset(&c, 0, sizeof(c));
	p = c.invoke.params;
	p[0] = memory(TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_OUTPUT, 0, *exponent_n);
	p[1] = memory(
	    TEE_IOCTL_PARAM_ATTR_TYPE_MEMREF_OUTPUT, AT_OUTPUT, *modulus_n);
	p[2].attr = TEE_IOCTL_PARAM_ATTR_TYPE_VALUE_OUTPUT;
	if (invoke(OPTEE_KEY, &c) == -1 || !is_size(p[0].b, 1, *exponent_n) ||
	    !is_size(p[1].b, 1, *modulus_n))
		return -1;
	*exponent_n = (size_t)p[0].b;
	*modulus_n = (size_t)p[1].b;
	memcpy(exponent, shared, *exponent_n);
	memcpy(modulus, shared + AT_OUTPUT, *modulus_n);
	return 0;
}

static long
optee_quote(const uint8_t report_data[64], uint8_t *out, size_t size)
{
	const size_t magic = sizeof(OPTEE_MAGIC) - 1;
	long n;

	if (size < HEAD + 3 + OUTPUT_MAX) {
		errno = EFBIG;
		return -1;
	}
	if ((n = attest(OPTEE_TEE_MEMORY, report_data)) == -1)
		return -1;
	memcpy(out, OPTEE_MAGIC, magic);
	memcpy(out + magic, report_data, 64);
	out[magic + 64] = 1;
	out += HEAD;
	out[0] = OPTEE_TEE_MEMORY;
	out[1] = (uint8_t)n;
	out[2] = (uint8_t)(n >> 8);
	memcpy(out + 3, shared + AT_OUTPUT, (size_t)n);
	return (long)HEAD + 3 + n;
}

static const struct provider optee = { "optee", TEE_OPTEE, optee_quote };

const struct provider *
optee_open(const char *path)
{
	if ((device = open(path, O_RDWR | O_CLOEXEC)) == -1) {
		if (errno == ENOENT)
			return NULL;
		fatal("tee: %s: %s", path, strerror(errno));
	}
	if (!is_optee()) {
		log_warn("tee: %s: exists, but is not OP-TEE", path);
		close(device);
		return NULL;
	}
	session_open();
	memory_share();
	return &optee;
}
