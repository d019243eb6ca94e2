/* SPDX-License-Identifier: Apache-2.0
 *
 * All checks of a DCAP quote.  Each has its own name and is as independent of
 * the others as possible, so that one defect fails one check.  The order is
 * that of Intel's quote verification library.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "dcap.h"
#include "eventlog.h"

/* ---- offsets in a body ------------------------------------------------- */

enum {			/* of an enclave's report */
	E_MISCSELECT = 16,
	E_ATTRIBUTES = 48,
	E_MRENCLAVE = 64,
	E_MRSIGNER = 128,
	E_PRODID = 256,
	E_SVN = 258,
	E_REPORT_DATA = 320
};
enum {			/* of a TD's report */
	T_SVN = 0,
	T_MRSIGNERSEAM = 64,
	T_SEAMATTRIBUTES = 112,
	T_ATTRIBUTES = 120,
	T_XFAM = 128,
	T_RTMRS = 328,
	T_REPORT_DATA = 520,
	T_SVN_2 = 584,
	T_MRSERVICETD = 600
};

static const struct field {
	const char	*name;
	size_t		 at, size;
} td_fields[] = {
	{ "tee-tcb-svn", T_SVN, 16 }, { "mrseam", 16, 48 },
	{ "mrsignerseam", T_MRSIGNERSEAM, 48 },
	{ "seam-attributes", T_SEAMATTRIBUTES, 8 },
	{ "td-attributes", T_ATTRIBUTES, 8 }, { "xfam", T_XFAM, 8 },
	{ "mrtd", 136, 48 }, { "mrconfigid", 184, 48 }, { "mrowner", 232, 48 },
	{ "mrownerconfig", 280, 48 }, { "rtmr0", 328, 48 },
	{ "rtmr1", 376, 48 }, { "rtmr2", 424, 48 }, { "rtmr3", 472, 48 },
	{ "report-data", T_REPORT_DATA, 64 },
	{ "tee-tcb-svn-2", T_SVN_2, 16 },		/* since TD 1.5 */
	{ "mrservicetd", T_MRSERVICETD, 48 },
}, enclave_fields[] = {
	{ "cpusvn", 0, 16 }, { "miscselect", E_MISCSELECT, 4 },
	{ "attributes", E_ATTRIBUTES, 16 }, { "mrenclave", E_MRENCLAVE, 32 },
	{ "mrsigner", E_MRSIGNER, 32 }, { "isvprodid", E_PRODID, 2 },
	{ "isvsvn", E_SVN, 2 }, { "report-data", E_REPORT_DATA, 64 },
};

/* Fields that a policy may list, and their checks. */
static const struct {
	const char *check, *field;
} listed[] = {
	{ "policy-mrtd", "mrtd" },
	{ "policy-rtmr0", "rtmr0" },
	{ "policy-rtmr1", "rtmr1" },
	{ "policy-rtmr2", "rtmr2" },
	{ "policy-rtmr3", "rtmr3" },
	{ "policy-mrseam", "mrseam" },
	{ "policy-mrconfigid", "mrconfigid" },
	{ "policy-mrowner", "mrowner" },
	{ "policy-mrownerconfig", "mrownerconfig" },
	{ "policy-mrenclave", "mrenclave" },
	{ "policy-mrsigner", "mrsigner" },
};

static const char *const versions[][2] = {
	[3] = { "SGX quote v3", "" },
	[4] = { "SGX quote v4", "TDX quote v4" },
	[5] = { "SGX quote v5", "TDX quote v5" },
};

/* State of a verification. */
struct verification {
	struct quote	 q;
	const struct tdx_collateral *c;		/* NULL: not given */
	struct bytes	 log;			/* event log, or empty */
	const struct policy *p;
	time_t		 at;
	struct report	*r;
	STACK_OF(X509)	*certs;
	X509		*leaf, *ca, *root;	/* from certs; NULL: absent */
	uint8_t		 anchor[32];	/* SHA-256 of the trusted root's key */
	struct pck	 pck;
	int		 has_pck;
};

static int
is_td(const struct quote *q)
{
	return q->tee == TEE_TDX;
}

static int
all_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* ---- show -------------------------------------------------------------- */

static int
dcap_is(struct bytes b)
{
	return b.n >= 48 && b.p[0] >= 3 && b.p[0] <= 5 && b.p[1] == 0 &&
	    (b.p[2] == 2 || b.p[2] == 3) && b.p[3] == 0;
}

static int
show(struct quote *q, struct bytes b, struct report *r)
{
	const struct field *f = enclave_fields;
	size_t i, n = sizeof(enclave_fields) / sizeof(*f);
	char why[120];

	r->format = "Intel DCAP quote";
	r->debug = -1;
	if (quote_read(q, b, why, sizeof(why)) == -1) {
		report_check(r, "format", A_FAIL, "%s", why);
		return -1;
	}
	r->format = versions[q->version][is_td(q)];
	report_check(r, "format", A_PASS, "%s, %zu bytes", r->format, b.n);
	report_that(r, "trailing", all_zero(q->trailing.p, q->trailing.n),
	    "%zu bytes after it, which are not signed: only zeros may be",
	    q->trailing.n);
	report_fact(r, "version", "%u", q->version);
	if (is_td(q)) {
		f = td_fields;
		n = sizeof(td_fields) / sizeof(*f);
	}
	for (i = 0; i < n; i++)
		if (f[i].at + f[i].size <= q->body.n)
			report_hex(
			    r, f[i].name, q->body.p + f[i].at, f[i].size);
	report_fact(
	    r, "qe-isvsvn", "%u", (unsigned)get_le(q->qe_report + E_SVN, 2));
	return 0;
}

static int
dcap_show(struct bytes b, struct report *r)
{
	struct quote q;

	return show(&q, b, r);
}

/* ---- the PCK certificate and its chain --------------------------------- */

static int
has_name(X509 *x, const char *wanted)
{
	char name[64];

	return x != NULL &&
	    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
		name, sizeof(name)) > 0 &&
	    strcmp(name, wanted) == 0;
}

static void
show_pck(struct verification *vf)
{
	vf->has_pck = vf->leaf != NULL && pck_read(&vf->pck, vf->leaf) == 0;
	report_that(vf->r, "pck-extension", vf->has_pck,
	    "what the PCK certificate says of its platform");
	if (!vf->has_pck)
		return;
	report_hex(vf->r, "ppid", vf->pck.ppid, sizeof(vf->pck.ppid));
	report_hex(vf->r, "fmspc", vf->pck.fmspc, sizeof(vf->pck.fmspc));
	report_hex(vf->r, "pce-id", vf->pck.pceid, sizeof(vf->pck.pceid));
	report_hex(vf->r, "tcb-components", vf->pck.components, COMPONENTS);
	report_fact(vf->r, "pcesvn", "%u", vf->pck.pcesvn);
}

static int
is_intel(const struct verification *vf)
{
	return memcmp(vf->anchor, intel_root, sizeof(vf->anchor)) == 0;
}

/* 1 for Intel's root, or for the test root that the policy names. */
static int
is_trusted(struct verification *vf)
{
	uint8_t digest[32];

	if (cert_key_digest(vf->root, digest) == -1)
		return 0;
	if (vf->p->has_test_root &&
	    memcmp(vf->p->test_root, digest, sizeof(digest)) == 0)
		memcpy(vf->anchor, digest, sizeof(digest));
	return memcmp(vf->anchor, digest, sizeof(digest)) == 0;
}

static void
check_chain(struct verification *vf)
{
	const char *why = NULL;

	if (vf->q.certs.p != NULL)
		vf->certs = certs_read(vf->q.certs);
	if (vf->certs == NULL || sk_X509_num(vf->certs) != 3) {
		report_check(vf->r, "pck-chain", A_FAIL,
		    "not exactly three certificates");
		return;
	}
	vf->leaf = sk_X509_value(vf->certs, 0);
	vf->ca = sk_X509_value(vf->certs, 1);
	vf->root = sk_X509_value(vf->certs, 2);
	if (!is_trusted(vf))
		why = "its root is not Intel's SGX Root CA";
	else if (!has_name(vf->leaf, "Intel SGX PCK Certificate") ||
	    (!has_name(vf->ca, "Intel SGX PCK Platform CA") &&
		!has_name(vf->ca, "Intel SGX PCK Processor CA")))
		why = "the certificates are not a PCK's and its CA's";
	else if (!cert_issued_by(vf->root, vf->root) ||
	    !cert_issued_by(vf->ca, vf->root) ||
	    !cert_issued_by(vf->leaf, vf->ca))
		why = "a certificate is not signed by the next";
	report_that(vf->r, "pck-chain", why == NULL, "%s",
	    why != NULL	    ? why :
		is_intel(vf) ? "PCK certificate to Intel's SGX Root "
			       "CA" :
			       "PCK certificate to the policy's test-root");
	report_that(vf->r, "pck-validity",
	    cert_valid_at(vf->leaf, vf->at) && cert_valid_at(vf->ca, vf->at) &&
		cert_valid_at(vf->root, vf->at),
	    "all three certificates must be valid at the time of the check");
}

/* ---- revocation -------------------------------------------------------- */

/* Check a CRL and its issuer's signature.  Returns 1 if it may be used. */
static int
crl_good(
    struct verification *vf, const char *check, X509_CRL *crl, X509 *issuer)
{
	int good;

	if (crl == NULL) {
		report_check(vf->r, check, A_MISSING, "no such CRL was given");
		return 0;
	}
	if (issuer == NULL)
		return 0;
	good = X509_NAME_cmp(X509_CRL_get_issuer(crl),
		   X509_get_subject_name(issuer)) == 0 &&
	    X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
	ERR_clear_error();
	if (!good) {
		report_check(vf->r, check, A_FAIL,
		    "the CRL is not signed by this chain's issuer");
		return 0;
	}
	if (!crl_valid_at(crl, vf->at)) {
		report_check(vf->r, check, A_MISSING,
		    "the CRL is outside its validity window");
		return 0;
	}
	report_check(vf->r, check, A_PASS, "signed, and within its window");
	return 1;
}

static int
is_revoked(X509_CRL *crl, X509 *x)
{
	X509_REVOKED *entry;

	return X509_CRL_get0_by_cert(crl, &entry, x) != 0;
}

static void
check_revoked(struct verification *vf)
{
	X509_CRL *root = vf->c->root_crl, *pck = vf->c->pck_crl;
	int has_root, has_pck, revoked = 0;

	has_root = crl_good(vf, "root-crl", root, vf->root);
	has_pck = crl_good(vf, "pck-crl", pck, vf->ca);
	if (has_root && vf->ca != NULL)
		revoked |= is_revoked(root, vf->ca);
	if (has_pck && vf->leaf != NULL)
		revoked |= is_revoked(pck, vf->leaf);
	if (has_root && vf->c->tcb.by.signer != NULL)
		revoked |= is_revoked(root, vf->c->tcb.by.signer);
	if (has_root && vf->c->qe.by.signer != NULL)
		revoked |= is_revoked(root, vf->c->qe.by.signer);
	if (revoked || (has_root && has_pck))
		report_that(vf->r, "not-revoked", !revoked,
		    "PCK certificate, its CA, the collateral's signers");
	else
		report_check(
		    vf->r, "not-revoked", A_MISSING, "needs both CRLs");
}

/* ---- signatures -------------------------------------------------------- */

static void
check_signatures(struct verification *vf)
{
	const struct quote *q = &vf->q;
	uint8_t d[SHA256_DIGEST_LENGTH];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *ak = ec_key("P-256", q->ak, 64);
	EVP_PKEY *pck = vf->leaf == NULL ? NULL : X509_get0_pubkey(vf->leaf);

	SHA256(q->qe_report, 384, d);
	report_that(vf->r, "qe-report-signature",
	    pck != NULL && EVP_PKEY_get_bits(pck) == 256 &&
		ecdsa_verify(pck, d, sizeof(d), q->qe_signature, 32),
	    "the quoting enclave's report, by the PCK");

	memset(d, 0, sizeof(d));
	if (md != NULL) {
		EVP_DigestInit_ex(md, EVP_sha256(), NULL);
		EVP_DigestUpdate(md, q->ak, 64);
		EVP_DigestUpdate(md, q->qe_auth.p, q->qe_auth.n);
		EVP_DigestFinal_ex(md, d, NULL);
	}
	report_that(vf->r, "ak-binding",
	    md != NULL &&
		memcmp(q->qe_report + E_REPORT_DATA, d, sizeof(d)) == 0 &&
		all_zero(q->qe_report + E_REPORT_DATA + 32, 32),
	    "the attestation key is the one that the quoting enclave made");
	EVP_MD_CTX_free(md);

	SHA256(q->signed_part.p, q->signed_part.n, d);
	report_that(vf->r, "quote-signature",
	    ak != NULL && ecdsa_verify(ak, d, sizeof(d), q->signature, 32),
	    "the quote, by the attestation key");
	EVP_PKEY_free(ak);
}

/* ---- collateral -------------------------------------------------------- */

/* Check that a document is present, genuine, for this TEE and within its
 * window. */
static int
document_good(struct verification *vf, const struct signed_by *by,
    const char *check, const char *window, const char *id)
{
	char from[11], to[11];
	long age = (long)(vf->at - by->issued);
	int fresh;

	if (by->problem[0] != '\0') {
		report_check(vf->r, check,
		    by->problem[0] == 'n' ? A_MISSING : A_FAIL, "%s",
		    by->problem);
		return 0;
	}
	if (!by->is_signed || memcmp(by->root, vf->anchor, 32) != 0) {
		report_check(vf->r, check, A_FAIL,
		    "its signature is not that "
		    "of Intel's TCB signer");
		return 0;
	}
	if (strcmp(by->id, id) != 0) {
		report_check(
		    vf->r, check, A_FAIL, "it is of %s, not %s", by->id, id);
		return 0;
	}
	report_check(vf->r, check, A_PASS, "signed by its TCB signer");
	fresh = by->issued <= vf->at && vf->at <= by->next &&
	    cert_valid_at(by->signer, vf->at);
	report_check(vf->r, window, fresh ? A_PASS : A_MISSING, "from %s to %s",
	    report_date(by->issued, from), report_date(by->next, to));
	report_check(vf->r, "collateral-age",
	    vf->p->max_collateral_age == 0	? A_NONE :
		age <= vf->p->max_collateral_age ? A_PASS :
						   A_MISSING,
	    "%s is %ld days old", id, age / 86400);
	if (vf->r->evaluation == 0 || by->evaluation < vf->r->evaluation)
		vf->r->evaluation = by->evaluation;
	report_that(vf->r, "tcb-evaluation",
	    by->evaluation >= vf->p->min_evaluation,
	    "tcbEvaluationDataNumber %u, at least %u", by->evaluation,
	    vf->p->min_evaluation);
	return fresh;
}

static int
masked_equal(
    const uint8_t *has, const uint8_t *mask, const uint8_t *wanted, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((has[i] & mask[i]) != (wanted[i] & mask[i]))
			return 0;
	return 1;
}

static void
check_qe(struct verification *vf)
{
	const struct qe_identity *i = &vf->c->qe;
	const uint8_t *e = vf->q.qe_report;
	const char *why = NULL;

	if (memcmp(e + E_MRSIGNER, i->mrsigner, 32) != 0)
		why = "MRSIGNER";
	else if ((unsigned)get_le(e + E_PRODID, 2) != i->isvprodid)
		why = "ISVPRODID";
	else if (!masked_equal(
		     e + E_ATTRIBUTES, i->attributes_mask, i->attributes, 16))
		why = "ATTRIBUTES";
	else if (!masked_equal(
		     e + E_MISCSELECT, i->miscselect_mask, i->miscselect, 4))
		why = "MISCSELECT";
	report_that(vf->r, "qe-measurement", why == NULL, "%s%s",
	    why == NULL ? "it is Intel's quoting enclave" : why,
	    why == NULL ? "" : " is not that of Intel's quoting enclave");
}

static void
check_module(struct verification *vf)
{
	const uint8_t *b = vf->q.body.p;
	const struct module *m = tcb_module(&vf->c->tcb, b + T_SVN);

	report_that(vf->r, "tdx-module",
	    m != NULL && memcmp(b + T_MRSIGNERSEAM, m->mrsigner, 48) == 0 &&
		masked_equal(b + T_SEAMATTRIBUTES, m->mask, m->attributes, 8),
	    "module version %u: %s", b[T_SVN + 1],
	    m == NULL ? "Intel names no such" : "its signer and attributes");
}

static int
is_accepted(const struct policy *p, const char *status)
{
	size_t i;

	for (i = 0; i < p->n_tcb_statuses; i++)
		if (strcmp(p->tcb_statuses[i], status) == 0)
			return 1;
	return 0;
}

static void
check_status(struct verification *vf)
{
	const uint8_t *b = vf->q.body.p;
	unsigned qe_svn = (unsigned)get_le(vf->q.qe_report + E_SVN, 2);
	struct tcb_result now, r;
	char since[11];
	size_t i;

	tcb_evaluate(
	    vf->c, &vf->pck, is_td(&vf->q) ? b + T_SVN : NULL, qe_svn, &r);
	if (is_td(&vf->q) && vf->q.body.n >= T_MRSERVICETD) {
		tcb_evaluate(vf->c, &vf->pck, b + T_SVN_2, qe_svn, &now);
		tcb_relaunch(&r, &now);
	}
	snprintf(vf->r->tcb_status, sizeof(vf->r->tcb_status), "%s", r.status);
	report_date(r.date, since);
	report_fact(vf->r, "tcb-date", "%s", since);
	for (i = 0; i < r.advisories.n; i++)
		report_advisory(vf->r, r.advisories.id[i]);
	report_that(vf->r, "tcb-status", is_accepted(vf->p, r.status),
	    "%s, TCB of %s: platform %s%s%s, QE %s%s%s", r.status, since,
	    r.platform, r.module[0] == '\0' ? "" : ", module ", r.module, r.qe,
	    r.lacks[0] == '\0' ? "" : "; behind the newest: ", r.lacks);
	if (vf->p->min_tcb_date != 0)
		report_that(vf->r, "min-tcb-date",
		    r.date >= vf->p->min_tcb_date, "TCB of %s", since);
}

static void
check_collateral(struct verification *vf)
{
	const struct tcb_info *t = &vf->c->tcb;
	int tcb, qe;

	tcb = document_good(vf, &t->by, "tcb-info", "tcb-info-window",
	    is_td(&vf->q) ? "TDX" : "SGX");
	qe = document_good(vf, &vf->c->qe.by, "qe-identity",
	    "qe-identity-window", is_td(&vf->q) ? "TD_QE" : "QE");
	if (qe)
		check_qe(vf);
	if (tcb && is_td(&vf->q))
		check_module(vf);
	if (tcb && vf->has_pck) {
		tcb = memcmp(t->fmspc, vf->pck.fmspc, 6) == 0 &&
		    memcmp(t->pceid, vf->pck.pceid, 2) == 0;
		report_that(vf->r, "tcb-platform", tcb,
		    "the TCB info is of this FMSPC and PCEID");
	}
	if (tcb && qe && vf->has_pck)
		check_status(vf);
	else
		report_check(vf->r, "tcb-status", A_MISSING,
		    "unknown: needs TCB info and QE identity of this platform "
		    "and time");
}

/* ---- the TD or enclave ------------------------------------------------- */

/* Known attributes, and those of a TD whose memory can be inspected or that can
 * migrate; as in go-tdx-guest and Intel's default policy. */
#define ATTRIBUTES_DEBUG	UINT64_C(0xff)
#define ATTRIBUTES_MIGRATABLE	(UINT64_C(1) << 29)
#define ATTRIBUTES_KNOWN						\
	(UINT64_C(1) << 28 | UINT64_C(1) << 30 | UINT64_C(1) << 63)
#define XFAM_FIXED		UINT64_C(3)
#define XFAM_KNOWN		UINT64_C(0x6dbe7)

static void
check_td(struct verification *vf)
{
	const uint8_t *b = vf->q.body.p;
	uint64_t a = get_le(b + T_ATTRIBUTES, 8), xfam = get_le(b + T_XFAM, 8);
	uint64_t known = ATTRIBUTES_KNOWN | ATTRIBUTES_DEBUG |
	    (vf->p->allow_migration ? ATTRIBUTES_MIGRATABLE : 0);
	int listed_td;

	vf->r->debug = (a & ATTRIBUTES_DEBUG) != 0;
	report_that(vf->r, "debug", !vf->r->debug || vf->p->allow_debug,
	    "TD attributes %016llx: the host can read a TD under debug",
	    (unsigned long long)a);
	report_that(vf->r, "td-attributes", (a & ~known) == 0,
	    "no attribute but SEPT_VE_DISABLE, PKS and PERFMON");
	report_that(vf->r, "xfam",
	    (xfam & XFAM_FIXED) == XFAM_FIXED && (xfam & ~XFAM_KNOWN) == 0,
	    "extended features %llx", (unsigned long long)xfam);
	eventlog_check(vf->r, vf->log, b + T_RTMRS, vf->p);
	if (vf->q.body.n < T_MRSERVICETD + 48)
		return;
	listed_td = policy_accepts(vf->p, "mrservicetd", b + T_MRSERVICETD, 48);
	report_that(vf->r, "mrservicetd",
	    listed_td == 1 ||
		(listed_td == -1 && all_zero(b + T_MRSERVICETD, 48)),
	    "a service TD may see or move the TD: none, or one that the "
	    "policy lists");
}

static void
check_enclave(struct verification *vf)
{
	vf->r->debug = (vf->q.body.p[E_ATTRIBUTES] & 2) != 0;
	report_that(vf->r, "debug", !vf->r->debug || vf->p->allow_debug,
	    "the enclave's DEBUG attribute");
}

static void
check_body(struct verification *vf)
{
	const struct field *f = is_td(&vf->q) ? td_fields : enclave_fields;
	const uint8_t *b = vf->q.body.p;
	size_t i, k,
	    n = is_td(&vf->q) ? sizeof(td_fields) / sizeof(*f) :
				sizeof(enclave_fields) / sizeof(*f);

	if (is_td(&vf->q))
		check_td(vf);
	else
		check_enclave(vf);
	b += is_td(&vf->q) ? T_REPORT_DATA : E_REPORT_DATA;
	policy_report_data(vf->r, vf->p, (struct bytes){ b, 64 });
	for (i = 0; i < sizeof(listed) / sizeof(listed[0]); i++)
		for (k = 0; k < n; k++)
			if (strcmp(f[k].name, listed[i].field) == 0)
				policy_check(vf->r, vf->p, listed[i].check,
				    f[k].name, vf->q.body.p + f[k].at,
				    f[k].size);
	if (!vf->has_pck)
		return;
	policy_check(vf->r, vf->p, "policy-ppid", "ppid", vf->pck.ppid, 16);
	policy_check(vf->r, vf->p, "policy-fmspc", "fmspc", vf->pck.fmspc, 6);
}

static void
dcap_verify(struct bytes b, const struct collateral *c, const struct policy *p,
    time_t at, struct report *r)
{
	static const struct tdx_collateral none = {
		.tcb.by.problem = "no tcb_info.json",
		.qe.by.problem = "no qe_identity.json",
	};
	struct verification vf = { .c = c == NULL || c->tdx == NULL ? &none :
								      c->tdx,
		.p = p,
		.at = at,
		.r = r };

	if (c != NULL)
		vf.log = c->event_log;
	if (show(&vf.q, b, r) == -1)
		return;
	memcpy(vf.anchor, intel_root, sizeof(vf.anchor));
	check_chain(&vf);
	show_pck(&vf);
	check_revoked(&vf);
	check_signatures(&vf);
	check_collateral(&vf);
	check_body(&vf);
	r->hardware = is_intel(&vf) && report_passed(r, "pck-chain") &&
	    report_passed(r, "ak-binding") &&
	    report_passed(r, "qe-report-signature") &&
	    report_passed(r, "quote-signature");
	report_warn(r,
	    "physical access to the machine allows reading its memory bus "
	    "(DDR4 and DDR5 interposers, 2025): keep it in a place "
	    "that you trust, and list its ppid in the policy");
	sk_X509_pop_free(vf.certs, X509_free);
}

int
dcap_platform(struct dcap_platform *to, struct bytes b)
{
	STACK_OF(X509) *certs = NULL;
	struct quote q;
	char why[120];
	int i, r = -1;

	memset(to, 0, sizeof(*to));
	if (quote_read(&q, b, why, sizeof(why)) == 0 && q.certs.p != NULL &&
	    (certs = certs_read(q.certs)) != NULL && sk_X509_num(certs) > 0 &&
	    pck_read(&to->pck, sk_X509_value(certs, 0)) == 0) {
		to->is_td = is_td(&q);
		if (to->is_td)
			memcpy(to->svn, q.body.p + T_SVN, sizeof(to->svn));
		to->qe_svn = (unsigned)get_le(q.qe_report + E_SVN, 2);
		to->end = cert_end(sk_X509_value(certs, 0));
		for (i = 1; i < sk_X509_num(certs); i++)
			if (cert_end(sk_X509_value(certs, i)) < to->end)
				to->end = cert_end(sk_X509_value(certs, i));
		r = 0;
	}
	sk_X509_pop_free(certs, X509_free);
	return r;
}

const struct format format_dcap = { "dcap", dcap_is, dcap_show, dcap_verify };
