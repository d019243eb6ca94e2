/* SPDX-License-Identifier: Apache-2.0
 *
 * The key that signs a SEV-SNP report: the VCEK or VLEK, the extensions of its
 * certificate, and its chain to AMD's root.  "Versioned Chip Endorsement Key
 * Certificate and KDS Interface"; for the host's table, "GHCB specification".
 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

#include "snp.h"

#define TABLE_MAX		16	/* certificates; 3 are usual */

/* SHA-256 of the SubjectPublicKeyInfo of each product's AMD root key. */
const struct snp_product snp_products[SNP_PRODUCTS] = {
	[SNP_MILAN] = { "Milan",
	    { 0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5,
		0xff, 0xa8, 0x95, 0xbd, 0xfb, 0x62, 0xd1, 0x88, 0x81, 0xfa,
		0x6b, 0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c,
		0xb9 } },
	[SNP_GENOA] = { "Genoa",
	    { 0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d,
		0xb5, 0xfc, 0xda, 0x9c, 0x64, 0x70, 0xef, 0x15, 0xf8, 0xcd,
		0x5a, 0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38,
		0x31 } },
	[SNP_TURIN] = { "Turin",
	    { 0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56,
		0xf9, 0x24, 0x3f, 0x6f, 0xe0, 0xb6, 0xf7, 0x3d, 0xe9, 0x86,
		0x03, 0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad,
		0x08 } },
};

/* 1.3.6.1.4.1.3704.1 */
static const uint8_t amd_oid[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78,
	0x01 };

/* Content of a complete DER element of this tag; p is NULL if it is not one.
 * All of AMD's are short enough for a length of one byte. */
static struct bytes
der_content(struct bytes b, uint8_t tag)
{
	if (b.n < 2 || b.p[0] != tag || b.p[1] > 0x7f || b.p[1] != b.n - 2)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ b.p + 2, b.n - 2 };
}

static int
der_svn(struct bytes b)		/* 0 to 255, or -1 */
{
	struct bytes c = der_content(b, V_ASN1_INTEGER);

	if (c.n == 1 && c.p[0] < 0x80)
		return c.p[0];
	return c.n == 2 && c.p[0] == 0 && c.p[1] >= 0x80 ? c.p[1] : -1;
}

static int
der_text(struct bytes b, char *to, size_t size)
{
	struct bytes c = der_content(b, V_ASN1_IA5STRING);
	size_t i;

	if (c.p == NULL || c.n >= size || to[0] != '\0')
		return -1;
	/* It is shown before AMD's signature is checked: allow no escape
	 * sequences and no newlines on the auditor's terminal. */
	for (i = 0; i < c.n; i++)
		if (c.p[i] < ' ' || c.p[i] > '~')
			return -1;
	memcpy(to, c.p, c.n);
	to[c.n] = '\0';
	return 0;
}

/* Read one extension below AMD's arc.  Returns 0, or -1 if it is malformed or
 * occurs twice, because then it would be unclear which one counts. */
static int
vek_extension(struct vek *v, const uint8_t *arc, size_t n, struct bytes value)
{
	static const int spl_of[] = { [1] = SPL_BL,
		[2] = SPL_TEE,
		[3] = SPL_SNP,
		[8] = SPL_UCODE,
		[9] = SPL_FMC };
	int svn;

	if (n == 1 && arc[0] == 2)
		return der_text(value, v->name, sizeof(v->name));
	if (n == 1 && arc[0] == 4) {
		if ((value.n != 8 && value.n != 64) || v->hwid_n != 0)
			return -1;
		memcpy(v->hwid, value.p, value.n);
		v->hwid_n = value.n;
	}
	if (n == 1 && arc[0] == 5)
		return der_text(value, v->csp, sizeof(v->csp));
	if (n == 2 && arc[0] == 3) {
		if ((svn = der_svn(value)) == -1)
			return -1;
		if (arc[1] < 1 || arc[1] > 9 || (arc[1] > 3 && arc[1] < 8))
			return 0;			/* reserved component */
		if (v->tcb.spl[spl_of[arc[1]]] != -1)
			return -1;
		v->tcb.spl[spl_of[arc[1]]] = svn;
	}
	return 0;
}

int
vek_read(struct vek *v)
{
	const ASN1_OCTET_STRING *data;
	const ASN1_OBJECT *o;
	const uint8_t *oid;
	X509_EXTENSION *e;
	size_t n;
	int i;

	for (i = 0; i < SPLS; i++)
		v->tcb.spl[i] = -1;
	for (i = 0; i < X509_get_ext_count(v->x); i++) {
		e = X509_get_ext(v->x, i);
		o = X509_EXTENSION_get_object(e);
		data = X509_EXTENSION_get_data(e);
		oid = OBJ_get0_data(o);
		n = OBJ_length(o);
		if (n > sizeof(amd_oid) &&
		    memcmp(oid, amd_oid, sizeof(amd_oid)) == 0 &&
		    vek_extension(v, oid + sizeof(amd_oid), n - sizeof(amd_oid),
			(struct bytes){ ASN1_STRING_get0_data(data),
			    (size_t)ASN1_STRING_length(data) }) == -1)
			return 0;
	}
	for (i = 0; i < SPLS; i++)
		if (v->tcb.spl[i] == -1 && i != SPL_FMC)
			return 0;
	return v->name[0] != '\0' &&
	    (v->is_vlek ? v->csp[0] != '\0' : v->hwid_n != 0);
}

/* Identify a root by its key, which is compiled in.  A test root, which the
 * policy names, is identified by its name, and proves no hardware. */
static const struct snp_product *
product_of_root(X509 *x, const struct policy *p, int *is_test)
{
	uint8_t digest[32];
	char name[64] = "";
	size_t i;

	*is_test = 0;
	if (cert_key_digest(x, digest) == -1)
		return NULL;
	for (i = 0; i < SNP_PRODUCTS; i++)
		if (memcmp(snp_products[i].root, digest, sizeof(digest)) == 0)
			return &snp_products[i];
	if (!p->has_test_root ||
	    memcmp(p->test_root, digest, sizeof(digest)) != 0)
		return NULL;
	*is_test = 1;
	X509_NAME_get_text_by_NID(
	    X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	for (i = 0; i < SNP_PRODUCTS; i++)
		if (strncmp(name, "ARK-", 4) == 0 &&
		    strcmp(name + 4, snp_products[i].name) == 0)
			return &snp_products[i];
	return NULL;
}

enum kind { OTHER, VCEK, VLEK, ASK, ASVK, ARK };

static enum kind
kind_of(X509 *x)
{
	char name[64];

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
		name, sizeof(name)) <= 0)
		return OTHER;
	if (strcmp(name, "SEV-VCEK") == 0)
		return VCEK;
	if (strcmp(name, "SEV-VLEK") == 0)
		return VLEK;
	if (strncmp(name, "ARK-", 4) == 0)
		return ARK;
	if (strncmp(name, "SEV-VLEK-", 9) == 0)
		return ASVK;
	return strncmp(name, "SEV-", 4) == 0 ? ASK : OTHER;
}

/* Find the certificate of this kind that fits best: by the issuer's name and,
 * for an ARK, by a known root key.  If none fits, return any of this kind, so
 * that vek-chain can report what is wrong.  Among equals the first is taken:
 * the verifier's come before the host's. */
static X509 *
find_issuer(STACK_OF(X509) *from, const X509 *of, enum kind kind,
    const struct policy *p)
{
	X509 *x, *best = NULL;
	int i, fit, is_test, best_fit = 0;

	for (i = 0; i < sk_X509_num(from); i++) {
		x = sk_X509_value(from, i);
		if (kind_of(x) != kind)
			continue;
		fit = 1;
		if (of != NULL &&
		    X509_NAME_cmp(X509_get_subject_name(x),
			X509_get_issuer_name(of)) == 0)
			fit += 2;
		if (kind == ARK && product_of_root(x, p, &is_test) != NULL)
			fit++;
		if (fit > best_fit) {
			best_fit = fit;
			best = x;
		}
	}
	return best;
}

void
vek_find(struct vek *v, STACK_OF(X509) *from, const struct policy *p)
{
	enum kind kind;
	int i;

	for (i = 0; v->x == NULL && i < sk_X509_num(from); i++) {
		kind = kind_of(sk_X509_value(from, i));
		if (kind == VCEK || kind == VLEK) {
			v->x = sk_X509_value(from, i);
			v->is_vlek = kind == VLEK;
		}
	}
	if (v->x == NULL)
		return;
	v->issuer = find_issuer(from, v->x, v->is_vlek ? ASVK : ASK, p);
	v->root = find_issuer(from, v->issuer, ARK, p);
	if (v->root != NULL)
		v->product = product_of_root(v->root, p, &v->is_test);
}

int
snp_cert_table(struct bytes b, STACK_OF(X509) *to)
{
	const uint8_t *e;
	STACK_OF(X509) *some;
	uint32_t at, n;
	X509 *x;
	size_t i;

	for (i = 0; i + 24 <= b.n; i += 24) {
		/* Entries may overlap.  Limit their number, or many entries
		 * that each cover the whole table would take a long time to
		 * parse. */
		if (i / 24 > TABLE_MAX)
			return -1;
		e = b.p + i;
		at = u32(e + 16);
		n = u32(e + 20);
		if (is_filled(e, 24, 0))
			return 0;
		if (at > b.n || n > b.n - at)
			return -1;
		/* Ignore the GUID: a certificate identifies itself, and
		 * anything else in the table does not parse as one. */
		some = certs_read((struct bytes){ b.p + at, n });
		while (some != NULL && (x = sk_X509_shift(some)) != NULL)
			if (sk_X509_push(to, x) == 0)
				X509_free(x);
		sk_X509_free(some);
	}
	return b.n == 0 ? 0 : -1;		/* no terminating entry */
}
