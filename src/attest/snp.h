/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes with an SEV-SNP report.
 */
#ifndef SNP_H
#define SNP_H

#include "attest.h"

#define SNP_REPORT	1184

/* The certificates of the table that the host hands out beside a report (GHCB
 * specification, SNP_GUEST_REQUEST: entries of GUID, offset and length): into
 * `to'.  0, or -1 where an entry points out of it. */
int	snp_cert_table(struct bytes, STACK_OF(X509) *to);

#endif
