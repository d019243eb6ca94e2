/* SPDX-License-Identifier: Apache-2.0
 *
 * SEV-SNP reports, the keys that sign them, and the certificates that come with
 * them.
 */
#ifndef SNP_H
#define SNP_H

#include "attest.h"

#define SNP_REPORT	1184

/* Little-endian; and whether all n bytes are v. */
static inline uint32_t
u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline int
all(const uint8_t *p, size_t n, uint8_t v)
{
	while (n > 0 && p[n - 1] == v)
		n--;
	return n == 0;
}

enum { SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_PRODUCTS };
struct snp_product {
	const char	*name;
	uint8_t		 root[32];	/* SHA-256 of its SubjectPublicKeyInfo */
};
extern const struct snp_product snp_products[SNP_PRODUCTS];

#define SPLS		5		/* enum spl */

struct snp_tcb {			/* -1: this product has none */
	int	spl[SPLS];
};

/* What a VCEK or VLEK certificate says. */
struct vek {
	X509		*x, *issuer, *root;	/* of the chain; NULL: not there */
	const struct snp_product *product;		/* by its root; NULL: another */
	int		 is_vlek, is_read;
	int		 is_test;		/* by the policy's own root */
	struct snp_tcb	 tcb;
	char		 name[32];		/* "Milan-B0" */
	uint8_t		 hwid[64];
	size_t		 hwid_n;
	char		 csp[64];
};

/* Of the given certificates the VEK, its issuer and a root, by their names: what
 * they are worth is checked later. */
void	vek_find(struct vek *, STACK_OF(X509) *, const struct policy *);
/* Its certificate's extensions: 1, or 0 where one is missing or not well formed. */
int	vek_read(struct vek *);

/* Which key signed a report, as that says itself. */
struct snp_signer {
	const struct snp_product *product;	/* NULL: it does not say */
	unsigned	 key;			/* 0 VCEK, 1 VLEK */
	int		 is_masked;		/* the chip's id */
	uint8_t		 hwid[64];
	size_t		 hwid_n;		/* 8 of Turin */
	struct snp_tcb	 tcb;			/* reported */
};
/* `product': of a report that does not say, or NULL.  0, or -1: no report. */
int	snp_signer(struct snp_signer *, struct bytes,
	    const struct snp_product *product);

/* The certificates of the table that the host hands out beside a report (GHCB
 * specification, SNP_GUEST_REQUEST: entries of GUID, offset and length): into
 * `to'.  0, or -1 where an entry points out of it. */
int	snp_cert_table(struct bytes, STACK_OF(X509) *to);

#endif
