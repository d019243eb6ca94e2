/* SPDX-License-Identifier: Apache-2.0
 *
 * Collateral: what Intel and AMD say about their platforms, read from a
 * directory once and then used for any number of verifications.
 *
 *	tcb_info.json		as the PCS gives it, or its "tcbInfo" value alone
 *	tcb_info.sig.hex	with the latter: its signature
 *	tcb_info_chain.pem	who signed it, up to the root
 *	qe_identity.json, .sig.hex, _chain.pem	the same of the quoting enclave
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

struct advisories {
	char	id[ADVISORIES][24];	/* "INTEL-SA-01036" */
	size_t	n;
};

struct level {			/* of a platform, a module or an enclave */
	uint8_t		 sgx[COMPONENTS], tdx[COMPONENTS];
	uint16_t	 svn;		/* PCESVN, or ISVSVN */
	char		 status[48];
	time_t		 date;
	struct advisories advisories;
};

struct levels {
	struct level	 list[LEVELS];	/* the highest first */
	size_t		 n;
};

struct module {			/* of TDX, by its major version */
	unsigned	 major;
	uint8_t		 mrsigner[48], attributes[8], mask[8];
	struct levels	 levels;
};

/* A document with its signature. */
struct signed_by {
	char		 problem[160];	/* "" where it was read */
	int		 is_signed;	/* by a TCB signer below this root */
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
	struct module	 module;	/* of major version 0 */
	struct module	 modules[MODULES];
	size_t		 n_modules;
	struct levels	 levels;
};

struct qe_identity {
	struct signed_by by;
	uint8_t		 miscselect[4], miscselect_mask[4];
	uint8_t		 attributes[16], attributes_mask[16], mrsigner[32];
	unsigned	 isvprodid;
	struct levels	 levels;
};

struct tdx_collateral {
	struct tcb_info	 tcb;
	struct qe_identity qe;
	X509_CRL	*root_crl, *pck_crl;
};

/* SHA-256 of the SubjectPublicKeyInfo of Intel's SGX Root CA. */
extern const uint8_t intel_root[32];

/* All that the directory holds of the above; what is there but cannot be read
 * says so in its `problem'.  0, or -1 with errno where it is no directory. */
int	collateral_load(struct collateral *, const char *directory);
void	collateral_free(struct collateral *);

#endif
