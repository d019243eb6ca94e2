/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider for SEV-SNP on kernels before 6.7, which lack configfs-tsm: the
 * extended report of /dev/sev-guest, which includes the host's certificates.
 * It uses a single ioctl(2) command.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sev-guest.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#include "provider.h"
#include "log.h"
#include "payload.h"

#define RESPONSE_HEADER	32	/* status, size, 24 reserved; then the report */
#define CERTS_MAX	0x4000	/* the kernel's maximum; must be whole pages */

static int device = -1;
static int has_asked;

struct response {
	uint32_t	status;
	uint32_t	size;
	uint8_t		zero[24];
	uint8_t		report[SNP_REPORT];
};
_Static_assert(sizeof(struct response) == RESPONSE_HEADER + SNP_REPORT,
    "as in the firmware's ABI");

static int
explain(const struct snp_guest_request_ioctl *io)
{
	int e = errno;
	const uint32_t host = (uint32_t)(io->exitinfo2 >> 32);

	if (e == ENOTTY)
		log_err("tee: sev-snp: the guest's key is destroyed: reboot");
	else if (e == ETIMEDOUT)
		log_err("tee: sev-snp: the host did not answer in time");
	else if (host == SNP_GUEST_VMM_ERR_BUSY || e == EBUSY || e == EAGAIN) {
		log_err("tee: sev-snp: the host is busy");
		e = EBUSY;
	} else if (host == SNP_GUEST_VMM_ERR_INVALID_LEN)
		log_err("tee: sev-snp: the host's certificates exceed %d "
			"bytes",
		    CERTS_MAX);
	else
		log_err("tee: sev-snp: host error %u, firmware error %u", host,
		    (uint32_t)io->exitinfo2);
	errno = e;
	return -1;
}

static long
sev_quote(const uint8_t report_data[64], uint8_t *out, size_t size)
{
	static union {
		struct snp_report_resp	room;
		struct response		r;
	} resp;
	static uint8_t certs[CERTS_MAX] __attribute__((aligned(4096)));
	struct snp_ext_report_req req = { .certs_len = sizeof(certs) };
	struct snp_guest_request_ioctl io = { .msg_version = 1 };
	long more;

	if (has_asked)
		(void)poll(NULL, 0, SNP_PAUSE);
	has_asked = 1;
	memset(&resp, 0, sizeof(resp));
	memset(certs, 0, sizeof(certs));
	memcpy(req.data.user_data, report_data, 64);
	req.certs_address = (uintptr_t)certs;
	io.req_data = (uintptr_t)&req;
	io.resp_data = (uintptr_t)&resp;
	if (ioctl(device, SNP_GET_EXT_REPORT, &io) == -1)
		return explain(&io);
	if (resp.r.status != 0 || resp.r.size != SNP_REPORT) {
		log_err("tee: sev-snp: status %u, %u bytes", resp.r.status,
		    resp.r.size);
		errno = resp.r.size == 0 ? ENODATA : EIO;
		return -1;
	}
	if (blob_check(TEE_SEV_SNP, resp.r.report, SNP_REPORT, report_data) ==
	    -1)
		return -1;
	more = blob_table(certs, sizeof(certs));
	if (more == -1 || (size_t)more > size - SNP_REPORT) {
		log_err("tee: sev-snp: the host's table of certificates is "
			"broken");
		errno = EBADMSG;
		return -1;
	}
	memcpy(out, resp.r.report, SNP_REPORT);
	memcpy(out + SNP_REPORT, certs, (size_t)more);
	return SNP_REPORT + more;
}

static const struct provider sev = { "sev-snp", TEE_SEV_SNP, sev_quote };

const struct provider *
sev_open(const char *path)
{
	has_asked = 0;
	if ((device = open(path, O_RDWR | O_CLOEXEC)) != -1)
		return &sev;
	if (errno == ENOENT)
		return NULL;
	fatal("tee: %s: %s", path, strerror(errno));
}
