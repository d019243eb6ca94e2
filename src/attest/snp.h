/* SPDX-License-Identifier: Apache-2.0
 *
 * SEV-SNP reports, the keys that sign them, and the certificates of these keys.
 */
#ifndef SNP_H
#define SNP_H

#include "attest.h"

#define SNP_REPORT	1184

/* Read a little-endian number. */
static inline uint32_t
u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline int
is_filled(const uint8_t *p, size_t n, uint8_t v)
{
	while (n > 0 && p[n - 1] == v)
		n--;
	return n == 0;
}

enum { SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_PRODUCTS };
struct snp_product {
	const char	*name;
	uint8_t		 root[32];	/* SHA-256 of its
					 * SubjectPublicKeyInfo */
};
extern const struct snp_product snp_products[SNP_PRODUCTS];

#define SPLS		5		/* enum spl */

struct snp_tcb {			/* -1: the product lacks it */
	int	spl[SPLS];
};

/* The contents of a VCEK or VLEK certificate. */
struct vek {
	X509		*x, *issuer, *root;	/* NULL: not given */
	const struct snp_product *product;		/* NULL: unknown */
	int		 is_vlek, is_read;
	int		 is_test;		/* root is test-root */
	struct snp_tcb	 tcb;
	char		 name[32];		/* "Milan-B0" */
	uint8_t		 hwid[64];
	size_t		 hwid_n;
	char		 csp[64];
};

/* Select the VEK, its issuer and a root by their names.  Their signatures are
 * checked later. */
void vek_find(struct vek *, STACK_OF(X509) *, const struct policy *);
/* Read the certificate's extensions.  Returns 1, or 0 if one is missing or
 * malformed. */
int vek_read(struct vek *);

/* The key that signed a report, as described in the report. */
struct snp_signer {
	const struct snp_product *product;	/* NULL: not in it */
	unsigned	 key;			/* 0 VCEK, 1 VLEK */
	int		 is_masked;		/* the chip ID is hidden */
	uint8_t		 hwid[64];
	size_t		 hwid_n;		/* 8 for Turin */
	struct snp_tcb	 tcb;			/* the reported TCB */
};
/* `product' is used if the report does not name one; may be NULL.  Returns 0,
 * or -1 if it is not a report. */
int snp_signer(
    struct snp_signer *, struct bytes, const struct snp_product *product);

/* The lowest value of each component in the reported, committed and launch TCB,
 * which are those that min-spl is compared with.  Returns 0, or -1 if it is not
 * a report. */
int snp_lowest(struct snp_tcb *, struct bytes, const struct snp_product *);
extern const char *const snp_spl_names[SPLS];
/* The end of the validity of the key's certificate or of one above it; 0 if it
 * is not given. */
time_t snp_key_end(
    struct bytes, const struct collateral *, const struct policy *);

/* Add the certificates of the table that the host appends to a report (GHCB
 * specification, SNP_GUEST_REQUEST: entries of GUID, offset and length).
 * Returns 0, or -1 if an entry points outside the table. */
int snp_cert_table(struct bytes, STACK_OF(X509) *to);

#endif
