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

/* A security version that is below the level that Intel calls UpToDate. */
enum tcb_part { TCB_SGX, TCB_PCE, TCB_TDX, TCB_MODULE, TCB_QE };
struct tcb_lack {
	enum tcb_part	 part;
	unsigned	 number;	/* of the component, from 1 */
	unsigned	 has, needs;
	time_t		 since;		/* tcbDate of the level */
};
#define TCB_LACKS	(2 * COMPONENTS + 3)
/* List them, in the order of enum tcb_part.  Returns how many. */
size_t tcb_lacks(const struct tdx_collateral *, const struct pck *,
    const uint8_t *svn, unsigned qe_svn, struct tcb_lack[TCB_LACKS]);

/* The platform and versions of a quote, which is not verified. */
struct dcap_platform {
	struct pck	 pck;
	int		 is_td;
	uint8_t		 svn[16];	/* TEE_TCB_SVN at launch, if a TD */
	unsigned	 qe_svn;
	time_t		 end;		/* of the PCK certificate or its CAs */
};
/* Returns 0, or -1 if it is no quote with a PCK certificate. */
int dcap_platform(struct dcap_platform *, struct bytes);

/* Combine the status at launch with that of the module under which the TD runs
 * now. */
void tcb_relaunch(struct tcb_result *launch, const struct tcb_result *now);
/* Identity of the module of this TEE_TCB_SVN, or NULL. */
const struct module *tcb_module(const struct tcb_info *, const uint8_t *svn);

#endif
