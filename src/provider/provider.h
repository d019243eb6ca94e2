/* SPDX-License-Identifier: Apache-2.0
 *
 * The interfaces of the TEEs, each a provider of evidence.  The evidence role and
 * tee-attest link them.  A provider may block for a minute.
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
	/* Evidence over `report_data' into `out': how many bytes, or -1 with
	 * errno. */
	long		(*quote)(const uint8_t report_data[64], uint8_t *out,
			    size_t size);
};
#define QUOTE_MAX	65536

#define TDX_MAX		8192	/* of a DCAP quote with its padding */
#define SNP_REPORT	1184
/* Milliseconds from one request to the next: the host throttles, and a request
 * that stays unanswered for a minute costs the guest its key until reboot. */
#define SNP_PAUSE	2000

extern const struct provider insecure;
extern const struct provider dstack;	/* by agent_fd */
extern int agent_fd;		/* dstack's agent, for one request; -1 */

/* Both before the sandbox.  NULL: not there.  There, but unusable or of another
 * TEE than `choice' (enum tee_choice): fatal.  gid: who is to write report data,
 * 0: we ourselves. */
const struct provider *tsm_open(const char *path, uint32_t choice, gid_t gid);
const struct provider *sev_open(const char *path);
const struct provider *optee_open(const char *path);
/* The device's RSA key, big-endian, behind optee_open(): 0 and the sizes, which were
 * those of the buffers, at most 1024; or -1 with errno. */
int	 optee_key(uint8_t *exponent, size_t *exponent_n, uint8_t *modulus,
	    size_t *modulus_n);
/* For one who is not in a sandbox: the instance is not needed any more. */
void	 tsm_remove(const char *path);
/* The directory that tsm's quote() works in, for the sandbox; 0: none. */
int	 tsm_dir(void);

/* Is `b' evidence of this TEE over just this report data?  Its size without
 * padding, or -1 with EBADMSG, and logged. */
long	 blob_check(uint32_t tee_type, const uint8_t *b, size_t n,
	    const uint8_t report_data[64]);
/* What it says that was started: MRTD, measurement, RIM; zeros where that is not
 * found.  `b' passed blob_check. */
void	 blob_measurement(uint32_t tee_type, const uint8_t *b, size_t n,
	    uint8_t out[48]);
/* How much of `b' the table of certificates uses that SNP's host gives: 0 when
 * it is empty, -1 when it points outside. */
long	 blob_table(const uint8_t *b, size_t n);

#endif
