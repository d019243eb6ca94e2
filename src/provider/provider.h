/* SPDX-License-Identifier: Apache-2.0
 *
 * Providers of evidence, one for each TEE interface.  Linked into the evidence
 * role and tee-attest.  A provider may block for a minute.
 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tee.h"

struct provider {
	const char	*name;
	uint32_t	 tee_type;	/* enum tee_type */
	/* Write evidence over `report_data' to `out'.  Returns its size, or -1
	 * with errno: ENODATA if it is empty, ESTALE if it is over other report
	 * data, EBUSY, EAGAIN, EINTR or ETIMEDOUT if the TEE is busy, EBADMSG
	 * if it is malformed. */
	long (*quote)(const uint8_t report_data[64], uint8_t *out, size_t size);
};
#define QUOTE_MAX	65536

#define TDX_MAX		8192	/* of a DCAP quote including padding */
#define SNP_REPORT	1184
/* Minimum time between requests, in milliseconds: the host throttles them, and
 * if it leaves a request unanswered for a minute, the guest cannot use its key
 * until it reboots. */
#define SNP_PAUSE	2000

extern const struct provider insecure;
extern const struct provider dstack;	/* uses agent_fd */
extern int agent_fd;		/* dstack's agent, for one request; -1: none */

/* Open a TEE's interface, before the sandbox is entered.  Returns NULL if it is
 * absent; fatal if it is unusable or belongs to a TEE other than `choice' (enum
 * tee_choice).  gid: the group that writes report data; 0: this process. */
const struct provider *tsm_open(const char *path, uint32_t choice, gid_t gid);
const struct provider *sev_open(const char *path);
const struct provider *optee_open(const char *path);
/* Read the device's RSA key, big-endian, after optee_open().  The sizes are
 * those of the buffers, at most 1024, and then those of the numbers.  Returns
 * 0, or -1 with errno. */
int optee_key(
    uint8_t *exponent, size_t *exponent_n, uint8_t *modulus, size_t *modulus_n);
/* Remove our instance; for a process outside of the sandbox. */
void tsm_remove(const char *path);
/* Descriptor of the directory that tsm's quote() uses, for the sandbox; 0:
 * none. */
int tsm_dir(void);

/* Check that `b' is evidence of this TEE over this report data.  Returns its
 * size without padding, or -1 after a log line, with ESTALE if it is over other
 * report data and otherwise with EBADMSG. */
long blob_check(uint32_t tee_type, const uint8_t *b, size_t n,
    const uint8_t report_data[64]);
/* Extract the measurement (MRTD, measurement or RIM); zeros if there is none.
 * `b' must have passed blob_check(). */
void blob_measurement(
    uint32_t tee_type, const uint8_t *b, size_t n, uint8_t out[48]);
/* Size of the certificate table that SNP's host supplies: 0 if it is empty, -1
 * if an entry points outside of it. */
long blob_table(const uint8_t *b, size_t n);

#endif
