/* SPDX-License-Identifier: Apache-2.0
 *
 * Collateral: what Intel, AMD and Arm publish about their platforms.  It is
 * read from a directory once and then used for any number of verifications.
 *
 *	tcb_info.json		as sent by the PCS, or only its "tcbInfo" value
 *	tcb_info.sig.hex	signature of the latter
 *	tcb_info_chain.pem	certificates of the signer, up to the root
 *	qe_identity.json, .sig.hex, _chain.pem	the same for the quoting enclave
 *	tcb_evaluation.json, .sig.hex, _chain.pem	the same for the list of
 *			TCB sets, "tcbEvaluationDataNumbers"
 *	root_ca.crl, pck.crl	DER or PEM
 *	vek.pem, ask.pem, ark.pem of AMD; snp.crl, which may hold several as PEM
 *	cpak.json or cpak.pem	Arm: the platform's key
 *	optee.pem		the device's key
 */
#ifndef COLLATERAL_H
#define COLLATERAL_H

#include "attest.h"

#define LEVELS		48
#define ADVISORIES	40
#define MODULES		16
#define COMPONENTS	16
#define TCB_SETS	32

struct advisories {
	char	id[ADVISORIES][24];	/* "INTEL-SA-01036" */
	size_t	n;
};

struct level {			/* TCB level of a platform, module or enclave */
	uint8_t		 sgx[COMPONENTS], tdx[COMPONENTS];
	uint16_t	 svn;		/* PCESVN, or ISVSVN */
	char		 status[48];
	time_t		 date;
	struct advisories advisories;
};

struct levels {
	struct level	 list[LEVELS];	/* highest first */
	size_t		 n;
};

struct module {			/* identity of a TDX module */
	unsigned	 major;
	uint8_t		 mrsigner[48], attributes[8], mask[8];
	struct levels	 levels;
};

/* A document with its signature. */
struct signed_by {
	char		 problem[160];	/* the reason; "" if usable */
	int		 is_signed;	/* 1: by a TCB signer below `root' */
	uint8_t		 root[32];	/* SHA-256 of its key's SPKI */
	X509		*signer;
	char		 id[16];
	unsigned	 version, evaluation;
	time_t		 issued, next;
};

struct tcb_info {
	struct signed_by by;
	uint8_t		 fmspc[6], pceid[2];
	unsigned	 type;
	struct module	 module;	/* for major version 0 */
	struct module	 modules[MODULES];
	size_t		 n_modules;
	struct levels	 levels;
	/* What Intel calls each component: "BIOS: Early Microcode Update", or
	 * "" if it does not say. */
	char		 sgx_names[COMPONENTS][64], tdx_names[COMPONENTS][64];
};

struct qe_identity {
	struct signed_by by;
	uint8_t		 miscselect[4], miscselect_mask[4];
	uint8_t		 attributes[16], attributes_mask[16], mrsigner[32];
	unsigned	 isvprodid;
	struct levels	 levels;
};

/* The TCB sets that Intel supports now, in its order.  A set begins with a TCB
 * recovery event. */
struct tcb_sets {
	struct signed_by by;
	struct {
		unsigned evaluation;
		time_t	 event, date;	/* tcbRecoveryEventDate, tcbDate */
	}		 list[TCB_SETS];
	size_t		 n;
};

struct tdx_collateral {
	struct tcb_info	 tcb;
	struct qe_identity qe;
	struct tcb_sets	 sets;
	X509_CRL	*root_crl, *pck_crl;
};

/* SHA-256 of the SubjectPublicKeyInfo of Intel's SGX Root CA. */
extern const uint8_t intel_root[32];

/* 1 if the document could be read and is signed under Intel's root, or under
 * the test-root of the policy, which may be NULL. */
int document_trusted(const struct signed_by *, const struct policy *);

/* Load all of the above that the directory contains.  A file that cannot be
 * read sets `problem'.  Returns 0, or -1 with errno if it is not a
 * directory. */
int collateral_load(struct collateral *, const char *directory);
void collateral_free(struct collateral *);

#endif
