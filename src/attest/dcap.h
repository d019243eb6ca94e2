/* SPDX-License-Identifier: Apache-2.0
 *
 * Intel's DCAP quotes: TDX in versions 4 and 5, SGX in versions 3 and 4.
 * Fields and offsets are those of "Intel TDX DCAP Quoting Library API",
 * appendix A.
 */
#ifndef DCAP_H
#define DCAP_H

#include "collateral.h"

#define TEE_SGX		0
#define TEE_TDX		0x81

struct quote {			/* points into the bytes it was read from */
	unsigned	 version, body_type;
	uint32_t	 tee;
	struct bytes	 head, body, signed_part, trailing;
	const uint8_t	*signature;	/* 64 */
	const uint8_t	*ak;		/* 64: x || y */
	const uint8_t	*qe_report;	/* 384 */
	const uint8_t	*qe_signature;	/* 64 */
	struct bytes	 qe_auth;
	struct bytes	 certs;		/* PEM: leaf, intermediate, root */
};

/* Returns 0, or -1 with the reason and the position. */
int quote_read(struct quote *, struct bytes, char *why, size_t size);

/* The platform as its PCK certificate describes it. */
struct pck {
	uint8_t		 ppid[16], components[COMPONENTS], pceid[2], fmspc[6];
	uint16_t	 pcesvn;
};
/* Read the certificate's SGX extension.  Returns 0 or -1. */
int pck_read(struct pck *, X509 *);

/* tcb.c: the status of a platform (EVIDENCE: steps 7 to 10 of a
 * verification). */
struct tcb_result {
	char		 status[48];	/* the combined status */
	const char	*platform, *module, *qe;	/* "": absent */
	time_t		 date;		/* the oldest of their dates */
	struct advisories advisories;
	char		 lacks[120];	/* components below the newest level;
					 * number 17 is the PCESVN */
};
/* `svn' is TEE_TCB_SVN, or NULL for SGX. */
void tcb_evaluate(const struct tdx_collateral *, const struct pck *,
    const uint8_t *svn, unsigned qe_svn, struct tcb_result *);
/* Combine the status at launch with that of the module under which the TD runs
 * now. */
void tcb_relaunch(struct tcb_result *launch, const struct tcb_result *now);
/* Identity of the module of this TEE_TCB_SVN, or NULL. */
const struct module *tcb_module(const struct tcb_info *, const uint8_t *svn);

#endif
