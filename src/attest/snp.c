/* SPDX-License-Identifier: Apache-2.0
 *
 * AMD SEV-SNP attestation reports: "SEV Secure Nested Paging Firmware ABI",
 * table ATTESTATION_REPORT; "Versioned Chip Endorsement Key Certificate and KDS
 * Interface".  Evidence is the report, optionally followed by the host's table
 * of certificates.
 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "collateral.h"
#include "snp.h"

enum {				/* offsets in a report */
	VERSION = 0x00,
	GUEST_SVN = 0x04,
	POLICY = 0x08,
	FAMILY_ID = 0x10,
	IMAGE_ID = 0x20,
	VMPL = 0x30,
	ALGORITHM = 0x34,
	CURRENT_TCB = 0x38,
	PLATFORM = 0x40,
	KEY_INFO = 0x48,
	RESERVED_1 = 0x4c,
	DATA = 0x50,
	MEASUREMENT = 0x90,
	HOST_DATA = 0xc0,
	ID_KEY = 0xe0,
	AUTHOR_KEY = 0x110,
	REPORT_ID = 0x140,
	REPORT_ID_MA = 0x160,
	REPORTED_TCB = 0x180,
	CPUID = 0x188,
	RESERVED_2 = 0x18b,
	CHIP_ID = 0x1a0,
	COMMITTED_TCB = 0x1e0,
	CURRENT_BUILD = 0x1e8,
	COMMITTED_BUILD = 0x1ec,
	LAUNCH_TCB = 0x1f0,
	LAUNCH_MIT = 0x1f8,
	CURRENT_MIT = 0x200,
	RESERVED_3 = 0x208,
	SIGNATURE = 0x2a0,
	SIGNATURE_END = 0x2a0 + 144
};

#define POLICY_MUST		(UINT64_C(1) << 17)
#define POLICY_MIGRATE		(UINT64_C(1) << 18)
#define POLICY_DEBUG		(UINT64_C(1) << 19)
#define PLATFORM_ALIAS		(UINT64_C(1) << 5)

const char *const snp_spl_names[SPLS] = { [SPL_BL] = "bl",
	[SPL_TEE] = "tee",
	[SPL_SNP] = "snp",
	[SPL_UCODE] = "ucode",
	[SPL_FMC] = "fmc" };
struct verification {
	const uint8_t	*b;			/* the report */
	const struct policy *p;
	time_t		 at;
	struct report	*r;
	struct vek	 v;
};

/* ---- numbers of a report ----------------------------------------------- */

/* The product that this CPU belongs to, or NULL if it is unknown. */
static const struct snp_product *
product_of_cpu(const uint8_t *b)
{
	unsigned family = b[CPUID], model = b[CPUID + 1];

	if (family == 0x19 && model <= 0x0f)
		return &snp_products[SNP_MILAN];
	if (family == 0x19 &&
	    ((model >= 0x10 && model <= 0x1f) ||
		(model >= 0xa0 && model <= 0xaf)))
		return &snp_products[SNP_GENOA];
	return family == 0x1a ? &snp_products[SNP_TURIN] : NULL;
}

static struct snp_tcb
tcb_read(const uint8_t *p, int is_turin)
{
	if (is_turin)
		return (struct snp_tcb){ { [SPL_FMC] = p[0],
		    [SPL_BL] = p[1],
		    [SPL_TEE] = p[2],
		    [SPL_SNP] = p[3],
		    [SPL_UCODE] = p[7] } };
	return (struct snp_tcb){ { [SPL_FMC] = -1,
	    [SPL_BL] = p[0],
	    [SPL_TEE] = p[1],
	    [SPL_SNP] = p[6],
	    [SPL_UCODE] = p[7] } };
}

/* The first component of a that exceeds that of b, or -1. */
static int
tcb_above(const struct snp_tcb *a, const struct snp_tcb *b)
{
	int i;

	for (i = 0; i < SPLS; i++)
		if (a->spl[i] > b->spl[i])
			return i;
	return -1;
}

static void
tcb_text(const struct snp_tcb *t, char *to, size_t size)
{
	size_t n = 0;
	int i;

	for (i = 0; i < SPLS; i++)
		if (t->spl[i] != -1 && n < size)
			n += (size_t)snprintf(to + n, size - n, "%s%s=%d",
			    n == 0 ? "" : " ", snp_spl_names[i], t->spl[i]);
}

/* ---- show -------------------------------------------------------------- */

static int
snp_is(struct bytes b)
{
	return b.n >= 0x38 && u32(b.p) >= 2 && u32(b.p) <= 9 &&
	    u32(b.p + ALGORITHM) <= 1;
}

/* Version 2 does not contain the CPU: use the product of the certificates. */
static int
is_turin(const uint8_t *b, const struct snp_product *product)
{
	return u32(b + VERSION) >= 3 ? b[CPUID] == 0x1a :
				       product == &snp_products[SNP_TURIN];
}

static void
show_tcbs(const uint8_t *b, struct report *r)
{
	static const struct {
		const char *name;
		size_t at;
	} of[] = {
		{ "reported-tcb", REPORTED_TCB },
		{ "committed-tcb", COMMITTED_TCB },
		{ "current-tcb", CURRENT_TCB },
		{ "launch-tcb", LAUNCH_TCB },
	};
	struct snp_tcb t;
	char text[80];
	size_t i;

	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		t = tcb_read(b + of[i].at, is_turin(b, NULL));
		tcb_text(&t, text, sizeof(text));
		report_fact(r, of[i].name, "%s", text);
	}
}

static int
snp_show(struct bytes e, struct report *r)
{
	static const struct {
		const char *name;
		size_t at, n;
	} hex[] = {
		{ "family-id", FAMILY_ID, 16 },
		{ "image-id", IMAGE_ID, 16 },
		{ "report-data", DATA, 64 },
		{ "measurement", MEASUREMENT, 48 },
		{ "host-data", HOST_DATA, 32 },
		{ "id-key-digest", ID_KEY, 48 },
		{ "author-key-digest", AUTHOR_KEY, 48 },
		{ "report-id", REPORT_ID, 32 },
		{ "report-id-ma", REPORT_ID_MA, 32 },
		{ "cpuid", CPUID, 3 },
		{ "chip-id", CHIP_ID, 64 },
	};
	const uint8_t *b = e.p;
	size_t i;

	r->format = "AMD SEV-SNP report";
	r->debug = -1;
	if (e.n < SNP_REPORT) {
		report_check(r, "format", A_FAIL, "%zu bytes; a report has %d",
		    e.n, SNP_REPORT);
		return -1;
	}
	report_check(r, "format", A_PASS, "%d bytes, %zu of certificates",
	    SNP_REPORT, e.n - SNP_REPORT);
	report_fact(r, "version", "%u", u32(b + VERSION));
	report_fact(r, "guest-svn", "%u", u32(b + GUEST_SVN));
	report_fact(
	    r, "policy", "0x%llx", (unsigned long long)get_le(b + POLICY, 8));
	report_fact(r, "vmpl", "%u", u32(b + VMPL));
	report_fact(r, "platform-info", "0x%llx",
	    (unsigned long long)get_le(b + PLATFORM, 8));
	report_fact(r, "key-info", "0x%x", u32(b + KEY_INFO));
	show_tcbs(b, r);
	for (i = 0; i < sizeof(hex) / sizeof(hex[0]); i++)
		report_hex(r, hex[i].name, b + hex[i].at, hex[i].n);
	report_fact(r, "current-version", "%u.%u.%u", b[CURRENT_BUILD + 2],
	    b[CURRENT_BUILD + 1], b[CURRENT_BUILD]);
	report_fact(r, "committed-version", "%u.%u.%u", b[COMMITTED_BUILD + 2],
	    b[COMMITTED_BUILD + 1], b[COMMITTED_BUILD]);
	if (u32(b + VERSION) >= 5) {
		report_hex(r, "launch-mitigations", b + LAUNCH_MIT, 8);
		report_hex(r, "current-mitigations", b + CURRENT_MIT, 8);
	}
	return 0;
}

/* ---- the report by itself ---------------------------------------------- */

/* Offset of a reserved byte that is not zero, or 0 if there is none. */
static size_t
reserved_set(const struct verification *vf)
{
	int turin = is_turin(vf->b, vf->v.product);
	size_t lo = turin ? 4 : 2, hi = turin ? 7 : 6;	/* in a TCB */
	uint32_t version = u32(vf->b + VERSION);
	size_t cpuid = version >= 3 ? RESERVED_2 : CPUID;
	size_t rest = version >= 5 ? RESERVED_3 : LAUNCH_MIT;
	const struct {
		size_t from, to;
	} of[] = {
		{ RESERVED_1, DATA },
		{ cpuid, CHIP_ID },
		{ CURRENT_BUILD + 3, COMMITTED_BUILD },
		{ COMMITTED_BUILD + 3, LAUNCH_TCB },
		{ rest, SIGNATURE },
		{ SIGNATURE_END, SNP_REPORT },
		{ CURRENT_TCB + lo, CURRENT_TCB + hi },
		{ REPORTED_TCB + lo, REPORTED_TCB + hi },
		{ COMMITTED_TCB + lo, COMMITTED_TCB + hi },
		{ LAUNCH_TCB + lo, LAUNCH_TCB + hi },
	};
	size_t i, at;

	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		for (at = of[i].from; at < of[i].to; at++)
			if (vf->b[at] != 0)
				return at;
	return 0;
}

static void
check_form(struct verification *vf)
{
	const uint8_t *b = vf->b;
	uint32_t version = u32(b + VERSION);
	size_t set = reserved_set(vf);

	report_that(vf->r, "version",
	    version == 2 || version == 3 || version == 5,
	    "version %u; 2, 3 and 5 are known", version);
	report_that(vf->r, "signature-algorithm", u32(b + ALGORITHM) == 1,
	    "ECDSA P-384 with SHA-384 is 1, it has %u", u32(b + ALGORITHM));
	if (set == 0)
		report_check(vf->r, "reserved-zero", A_PASS, "all are zero");
	else
		report_check(vf->r, "reserved-zero", A_FAIL,
		    "byte 0x%zx is reserved and not zero", set);
}

static void
check_policy_bits(struct verification *vf)
{
	const uint8_t *b = vf->b;
	uint64_t policy = get_le(b + POLICY, 8);
	uint32_t vmpl = u32(b + VMPL);

	vf->r->debug = (policy & POLICY_DEBUG) != 0;
	report_that(vf->r, "debug", !vf->r->debug || vf->p->allow_debug,
	    "guest policy %llx: the host may read a guest under debug",
	    (unsigned long long)policy);
	report_that(vf->r, "policy-reserved", (policy & POLICY_MUST) != 0,
	    "bit 17 of the guest policy is always set");
	report_that(vf->r, "migration-agent",
	    vf->p->allow_migration ||
		((policy & POLICY_MIGRATE) == 0 &&
		    is_filled(b + REPORT_ID_MA, 32, 0xff)),
	    "no migration agent is bound, and none may be");
	report_that(vf->r, "vmpl", vmpl <= (uint32_t)vf->p->max_vmpl,
	    "asked for at VMPL %d, at most %d%s", (int)vmpl, vf->p->max_vmpl,
	    vmpl == UINT32_MAX ? ": by the host, not by the guest" : "");
	if (get_le(b + PLATFORM, 8) & PLATFORM_ALIAS)
		report_check(vf->r, "alias-check", A_PASS,
		    "memory aliases were looked for at boot (AMD-SB-3015)");
	else {
		report_check(vf->r, "alias-check", A_NONE,
		    "this firmware does "
		    "not say that memory aliases were looked for");
		report_warn(vf->r,
		    "whoever can change a memory module's SPD "
		    "may alias memory (BadRAM, AMD-SB-3015): newer firmware "
		    "looks for it and sets platform-info bit 5");
	}
}

static void
check_tcbs(struct verification *vf)
{
	static const struct {
		const char *name;
		size_t at;
	} of[] = {
		{ "reported", REPORTED_TCB },
		{ "committed", COMMITTED_TCB },
		{ "launch", LAUNCH_TCB },
	};
	int turin = is_turin(vf->b, vf->v.product), i, asked = 0;
	struct snp_tcb reported = tcb_read(vf->b + REPORTED_TCB, turin);
	struct snp_tcb committed = tcb_read(vf->b + COMMITTED_TCB, turin);
	struct snp_tcb current = tcb_read(vf->b + CURRENT_TCB, turin), t;
	size_t k;

	report_that(vf->r, "tcb-order",
	    tcb_above(&reported, &committed) == -1 &&
		tcb_above(&committed, &current) == -1,
	    "reported TCB <= committed <= current");
	for (i = 0; i < SPLS; i++) {
		asked |= vf->p->min_spl[i] != -1;
		for (k = 0; k < sizeof(of) / sizeof(of[0]); k++) {
			t = tcb_read(vf->b + of[k].at, turin);
			if (t.spl[i] < vf->p->min_spl[i])
				report_check(vf->r, "min-tcb", A_FAIL,
				    "%s TCB: %s %d, at least %d", of[k].name,
				    snp_spl_names[i], t.spl[i],
				    vf->p->min_spl[i]);
		}
	}
	if (report_find(vf->r, "min-tcb") == NULL)
		report_check(vf->r, "min-tcb", asked ? A_PASS : A_NONE,
		    asked ? "as new as the policy asks" :
			    "the policy names no min-spl");
}

/* ---- the key and its certificates -------------------------------------- */

/* AMD signs with RSA-4096, RSASSA-PSS, SHA-384 and a salt of 48 bytes. */
static int
is_amd_signed(X509 *x, X509 *issuer)
{
	RSA_PSS_PARAMS *pss = NULL;
	const X509_ALGOR *algorithm = X509_get0_tbs_sigalg(x);
	const ASN1_STRING *params;
	const void *value;
	const unsigned char *p;
	int type, md, key, ok;

	X509_ALGOR_get0(NULL, &type, &value, algorithm);
	if (X509_get_signature_info(x, &md, &key, NULL, NULL) != 1 ||
	    md != NID_sha384 || key != NID_rsassaPss || type != V_ASN1_SEQUENCE)
		return 0;
	params = value;
	p = ASN1_STRING_get0_data(params);
	pss = d2i_RSA_PSS_PARAMS(NULL, &p, ASN1_STRING_length(params));
	ok = pss != NULL && ASN1_INTEGER_get(pss->saltLength) == 48 &&
	    EVP_PKEY_get_bits(X509_get0_pubkey(issuer)) == 4096;
	RSA_PSS_PARAMS_free(pss);
	ERR_clear_error();
	return ok;
}

static void
check_chain(struct verification *vf)
{
	const struct vek *v = &vf->v;
	const char *why = NULL;

	if (v->x == NULL || v->issuer == NULL || v->root == NULL) {
		report_check(vf->r, "vek-chain", A_MISSING,
		    "no %s: give "
		    "vek.pem, ask.pem and ark.pem",
		    v->x == NULL	  ? "VCEK or VLEK" :
			v->issuer == NULL ? "ASK or ASVK" :
					    "ARK");
		report_check(vf->r, "vek-validity", A_MISSING,
		    "needs all three certificates");
		return;
	}
	if (v->product == NULL)
		why = "its root is not one of AMD's";
	else if (!cert_issued_by(v->root, v->root) ||
	    !cert_issued_by(v->issuer, v->root) ||
	    !cert_issued_by(v->x, v->issuer))
		why = "a certificate is not signed by the next";
	else if (!is_amd_signed(v->root, v->root) ||
	    !is_amd_signed(v->issuer, v->root) ||
	    !is_amd_signed(v->x, v->issuer))
		why = "not RSASSA-PSS of 4096 bits with SHA-384";
	report_that(vf->r, "vek-chain", why == NULL, "%s to AMD's root%s%s",
	    v->is_vlek ? "VLEK" : "VCEK", why == NULL ? " of " : ": ",
	    why == NULL ? v->product->name : why);
	report_that(vf->r, "vek-validity",
	    cert_valid_at(v->x, vf->at) && cert_valid_at(v->issuer, vf->at) &&
		cert_valid_at(v->root, vf->at),
	    "all three certificates must be valid at the time of the check");
}

/* A VCEK has serial number 0 and cannot be revoked itself, but the key that
 * signed it can be. */
static void
check_revoked(struct verification *vf, STACK_OF(X509_CRL) *crls)
{
	X509_REVOKED *entry;
	X509_CRL *crl;
	int i;

	if (crls != NULL && sk_X509_CRL_num(crls) > 0 &&
	    (vf->v.root == NULL || vf->v.issuer == NULL)) {
		report_check(vf->r, "vek-revoked", A_MISSING,
		    "needs the ASK or ASVK, and the ARK");
		return;
	}
	for (i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++) {
		crl = sk_X509_CRL_value(crls, i);
		if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
			X509_get_subject_name(vf->v.root)) != 0)
			continue;
		if (X509_CRL_verify(crl, X509_get0_pubkey(vf->v.root)) != 1) {
			ERR_clear_error();
			report_check(vf->r, "vek-revoked", A_FAIL,
			    "the CRL is not signed by AMD's root");
			return;
		}
		if (!crl_valid_at(crl, vf->at)) {
			report_check(vf->r, "vek-revoked", A_MISSING,
			    "the CRL is outside its validity window");
			return;
		}
		report_that(vf->r, "vek-revoked",
		    X509_CRL_get0_by_cert(crl, &entry, vf->v.issuer) == 0,
		    "the ASK or ASVK");
		return;
	}
	if (!vf->p->allow_missing_crl) {
		report_check(vf->r, "vek-revoked", A_MISSING,
		    "no CRL of AMD's "
		    "for this product: give snp.crl");
		return;
	}
	report_check(vf->r, "vek-revoked", A_NONE,
	    "no CRL was given, and the policy allows that");
	report_warn(vf->r,
	    "no CRL of AMD's was given (snp.crl): a revoked "
	    "intermediate key would not be noticed");
}

static int
is_p384(const EVP_PKEY *key)
{
	char group[32];

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    strcmp(group, SN_secp384r1) == 0;
}

static void
check_signature(struct verification *vf)
{
	uint8_t digest[SHA384_DIGEST_LENGTH], rs[96];
	EVP_PKEY *key;
	size_t i;
	int ok;

	if (vf->v.x == NULL) {
		report_check(vf->r, "report-signature", A_MISSING,
		    "needs the VCEK or VLEK");
		return;
	}
	for (i = 0; i < 48; i++) {		/* little-endian */
		rs[i] = vf->b[SIGNATURE + 47 - i];
		rs[48 + i] = vf->b[SIGNATURE + 72 + 47 - i];
	}
	SHA384(vf->b, SIGNATURE, digest);
	key = X509_get0_pubkey(vf->v.x);
	ok = is_filled(vf->b + SIGNATURE + 48, 24, 0) &&
	    is_filled(vf->b + SIGNATURE + 72 + 48, 24, 0) && key != NULL &&
	    is_p384(key) && ecdsa_verify(key, digest, sizeof(digest), rs, 48);
	report_that(vf->r, "report-signature", ok, "the report, by the %s",
	    vf->v.is_vlek ? "VLEK" : "VCEK");
}

static void
check_chip(struct verification *vf)
{
	const uint8_t *chip = vf->b + CHIP_ID;
	const struct vek *v = &vf->v;

	if (v->is_vlek)
		report_check(vf->r, "vek-chip", A_NONE,
		    "a VLEK is of a cloud, not of a chip: %s", v->csp);
	else if (u32(vf->b + KEY_INFO) & 2)
		report_check(
		    vf->r, "vek-chip", A_NONE, "the host masks the chip's id");
	else
		report_that(vf->r, "vek-chip",
		    memcmp(chip, v->hwid, v->hwid_n) == 0 &&
			is_filled(chip + v->hwid_n, 64 - v->hwid_n, 0),
		    "the VCEK is of the chip that the report names");
}

static void
check_product(struct verification *vf)
{
	const struct snp_product *cpu = product_of_cpu(vf->b);
	const struct vek *v = &vf->v;
	const char *name = v->product == NULL ? "" : v->product->name;

	if (v->root == NULL) {
		report_check(vf->r, "vek-product", A_MISSING, "needs the ARK");
		return;
	}
	if (u32(vf->b + VERSION) < 3)
		cpu = v->product;		/* version 2: CPU unknown */
	report_that(vf->r, "vek-product",
	    v->product != NULL && cpu == v->product &&
		strncmp(v->name, name, strlen(name)) == 0,
	    "certificate of %s, root of %s, CPUID %02x %02x", v->name, name,
	    vf->b[CPUID], vf->b[CPUID + 1]);
}

/* Record this check and the following ones as missing. */
static void
key_missing(struct verification *vf, const char *from, const char *why)
{
	static const char *const names[] = { "vek-extensions", "signing-key",
		"vek-tcb", "vek-chip", "vek-product" };
	size_t i = 0;

	while (strcmp(names[i], from) != 0)
		i++;
	for (; i < sizeof(names) / sizeof(names[0]); i++)
		report_check(vf->r, names[i], A_MISSING, "%s", why);
}

/* Compare the certificate with the report. */
static void
check_key(struct verification *vf)
{
	struct snp_tcb t = tcb_read(
	    vf->b + REPORTED_TCB, is_turin(vf->b, vf->v.product));
	unsigned signer = u32(vf->b + KEY_INFO) >> 2 & 7;
	char has[80], wanted[80];
	int i = 0;

	if (vf->v.x == NULL) {
		key_missing(vf, "vek-extensions", "needs the VCEK or VLEK");
		return;
	}
	vf->v.is_read = vek_read(&vf->v);
	report_that(vf->r, "vek-extensions", vf->v.is_read,
	    "AMD's extensions, each once and well formed");
	report_that(vf->r, "signing-key", signer == (unsigned)vf->v.is_vlek,
	    "the report is signed by key %u (0 VCEK, 1 VLEK), the certificate "
	    "is a %s's",
	    signer, vf->v.is_vlek ? "VLEK" : "VCEK");
	if (!vf->v.is_read) {
		key_missing(vf, "vek-tcb", "the certificate does not say");
		return;
	}
	tcb_text(&vf->v.tcb, has, sizeof(has));
	tcb_text(&t, wanted, sizeof(wanted));
	while (i < SPLS && t.spl[i] == vf->v.tcb.spl[i])
		i++;
	report_that(vf->r, "vek-tcb", i == SPLS, "key of %s, report of %s%s%s",
	    has, wanted, i == SPLS ? "" : ": they differ in ",
	    i == SPLS ? "" : snp_spl_names[i]);
	if (vf->v.is_vlek)
		report_fact(vf->r, "csp-id", "%s", vf->v.csp);
	check_chip(vf);
	check_product(vf);
}

static void
check_values(struct verification *vf)
{
	static const struct {
		const char *check, *field;
		size_t at, n;
	} of[] = {
		{ "policy-measurement", "measurement", MEASUREMENT, 48 },
		{ "policy-host-data", "host-data", HOST_DATA, 32 },
		{ "policy-id-key", "id-key", ID_KEY, 48 },
		{ "policy-author-key", "author-key", AUTHOR_KEY, 48 },
		{ "policy-chip-id", "chip-id", CHIP_ID, 64 },
	};
	size_t i;

	policy_report_data(vf->r, vf->p, (struct bytes){ vf->b + DATA, 64 });
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		policy_check(vf->r, vf->p, of[i].check, of[i].field,
		    vf->b + of[i].at, of[i].n);
}

/* All certificates: those of the verifier come before those of the host. */
static STACK_OF(X509) *
certs_of(struct bytes e, const struct collateral *c, int *table)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	int i;

	if (certs == NULL)
		return NULL;
	for (i = 0; c != NULL && c->snp != NULL && i < sk_X509_num(c->snp); i++)
		if (X509_up_ref(sk_X509_value(c->snp, i)) == 1)
			sk_X509_push(certs, sk_X509_value(c->snp, i));
	*table = snp_cert_table(
	    (struct bytes){ e.p + SNP_REPORT, e.n - SNP_REPORT }, certs);
	return certs;
}

/* The result is in *r. */
static void
snp_verify(struct bytes e, const struct collateral *c, const struct policy *p,
    time_t at, struct report *r)
{
	struct verification vf = { .b = e.p, .p = p, .at = at, .r = r };
	STACK_OF(X509) *certs;
	int table;

	if (snp_show(e, r) == -1 || (certs = certs_of(e, c, &table)) == NULL)
		return;
	report_that(r, "certificate-table", table == 0,
	    "the report must be followed by nothing or by a valid table");
	vek_find(&vf.v, certs, p);
	check_form(&vf);
	check_chain(&vf);
	check_revoked(&vf, c == NULL ? NULL : c->snp_crls);
	check_signature(&vf);
	check_key(&vf);
	check_tcbs(&vf);
	check_policy_bits(&vf);
	check_values(&vf);
	r->hardware = report_passed(r, "vek-chain") && !vf.v.is_test &&
	    report_passed(r, "report-signature");
	if (vf.v.is_test)
		report_warn(r,
		    "the chain ends in the policy's test-root, not in AMD's "
		    "root: this proves nothing");
	if (vf.v.product == &snp_products[SNP_MILAN])
		report_warn(r,
		    "Milan: seeds of VCEKs were extracted by "
		    "software on chips with old firmware: set min-spl, and "
		    "list the chip-ids of machines you know");
	report_warn(r,
	    "physical access to the machine allows reading its memory bus "
	    "(DDR4 and DDR5 interposers, 2025): keep it in a place "
	    "that you trust, and list its chip-id in the policy");
	sk_X509_pop_free(certs, X509_free);
}

int
snp_signer(
    struct snp_signer *s, struct bytes e, const struct snp_product *product)
{
	const uint8_t *b = e.p;

	if (e.n < SNP_REPORT || !snp_is(e))
		return -1;
	s->product = u32(b + VERSION) >= 3 ? product_of_cpu(b) : product;
	s->key = u32(b + KEY_INFO) >> 2 & 7;
	s->is_masked = (u32(b + KEY_INFO) & 2) != 0;
	s->tcb = tcb_read(b + REPORTED_TCB, is_turin(b, product));
	memcpy(s->hwid, b + CHIP_ID, sizeof(s->hwid));
	s->hwid_n = is_turin(b, product) ? 8 : sizeof(s->hwid);
	return 0;
}

int
snp_lowest(
    struct snp_tcb *to, struct bytes e, const struct snp_product *product)
{
	static const size_t at[] = { COMMITTED_TCB, LAUNCH_TCB };
	struct snp_tcb t;
	size_t k;
	int i;

	if (e.n < SNP_REPORT || !snp_is(e))
		return -1;
	*to = tcb_read(e.p + REPORTED_TCB, is_turin(e.p, product));
	for (k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		t = tcb_read(e.p + at[k], is_turin(e.p, product));
		for (i = 0; i < SPLS; i++)
			if (t.spl[i] < to->spl[i])
				to->spl[i] = t.spl[i];
	}
	return 0;
}

time_t
snp_key_end(struct bytes e, const struct collateral *c, const struct policy *p)
{
	struct vek v = { 0 };
	STACK_OF(X509) *certs;
	time_t end = 0;
	int table;

	if (e.n < SNP_REPORT || (certs = certs_of(e, c, &table)) == NULL)
		return 0;
	vek_find(&v, certs, p);
	if (v.x != NULL)
		end = cert_end(v.x);
	if (v.issuer != NULL && cert_end(v.issuer) < end)
		end = cert_end(v.issuer);
	if (v.root != NULL && cert_end(v.root) < end)
		end = cert_end(v.root);
	sk_X509_pop_free(certs, X509_free);
	return end;
}

const struct format format_snp = { "snp", snp_is, snp_show, snp_verify };
