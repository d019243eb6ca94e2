/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of attestation evidence: declarations that the formats' modules
 * share.  Used by tee-attest and by tee-devnet's registrar.  Needs no network
 * and no secret, and reads only what the caller has loaded.
 *
 * A format has a show function, which parses the evidence and states facts, and
 * a verify function, which does the same and then makes every check it can,
 * each under a fixed name (listed in tee-attest(1)).  A check whose inputs are
 * missing is reported as A_MISSING and never silently left out.
 */
#ifndef ATTEST_H
#define ATTEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <openssl/x509.h>

struct bytes {
	const uint8_t	*p;
	size_t		 n;
};

/* Move the first n bytes of `from' to `to'.  Returns 0, or -1 if there are
 * fewer. */
int bytes_take(struct bytes *from, size_t n, struct bytes *to);

/* ---- the report -------------------------------------------------------- */

enum outcome {
	A_PASS,
	A_FAIL,		/* the evidence is refused */
	A_MISSING,	/* collateral is missing or outside its window */
	A_NONE		/* not applicable */
};

struct check {
	const char	*name;		/* static: "quote-signature" */
	enum outcome	 outcome;
	char		 detail[256];
};

struct fact {
	const char	*name;		/* static: "mrtd" */
	char		 text[256];
};

#define REPORT_CHECKS	64
#define REPORT_FACTS	96
#define REPORT_LINES	48		/* advisories; also warnings */

struct report {
	const char	*format;	/* "TDX quote v5", set by show */
	struct check	 checks[REPORT_CHECKS];
	struct fact	 facts[REPORT_FACTS];
	char		 advisories[REPORT_LINES][32];
	char		 warnings[REPORT_LINES][240];
	size_t		 n_checks, n_facts, n_advisories, n_warnings;
	char		 tcb_status[48];	/* "UpToDate"; "" if none */
	uint32_t	 evaluation;		/* the lowest
						 * tcbEvaluationDataNumber */
	int		 debug;			/* -1: unknown */
	/* 0: no hardware root; 1: signed by a chain that ends in a vendor's
	 * root that is compiled in; 2: in a key that the collateral
	 * endorses. */
	int		 hardware;
};

/* Record a check.  Of two with the same name the later one is kept, unless the
 * earlier one is worse. */
void report_check(struct report *, const char *name, enum outcome,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Record A_PASS or A_FAIL by a condition; the detail says what was compared. */
#define report_that(r, name, ok, ...)					\
	report_check(r, name, (ok) ? A_PASS : A_FAIL, __VA_ARGS__)
void report_fact(struct report *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void report_hex(struct report *, const char *name, const uint8_t *, size_t);
/* Record an advisory, unless it is recorded already. */
void report_advisory(struct report *, const char *id);
void report_warn(struct report *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* 2026-11-28, in `to', which is returned; "?" if it is out of range. */
const char *report_date(time_t, char to[11]);
const struct check *report_find(const struct report *, const char *name);
int report_passed(const struct report *, const char *name);
/* 0 accepted: at least one check was made and all passed; 1 refused; 3 nothing
 * failed, but something is A_MISSING. */
int report_verdict(const struct report *);
/* The verdict as a line of text. */
void report_line(const struct report *, char *to, size_t size);

/* ---- the policy -------------------------------------------------------- */

#define POLICY_LIST	32

struct policy_value {		/* one accepted value of a field */
	char		 field[24];	/* "mrtd", "measurement", "rim", ... */
	uint8_t		 value[64];
	size_t		 n;
};

/* The values that are accepted. policy_default() sets the strictest policy that
 * needs no reference values. */
struct policy {
	struct policy_value values[POLICY_LIST * 8];
	size_t		 n_values;
	char		 tcb_statuses[POLICY_LIST][48];	/* accepted */
	size_t		 n_tcb_statuses;
	time_t		 min_tcb_date;		/* 0: any */
	long		 max_collateral_age;	/* seconds; 0: any age */
	uint32_t	 min_evaluation;	/* tcbEvaluationDataNumber */
	uint8_t		 test_root[32];		/* SHA-256 of its key's SPKI */
	int		 has_test_root;
	int		 allow_debug, allow_migration, allow_insecure;
	int		 allow_missing_crl;	/* SNP */
	int		 require_event_log;	/* TDX */
	int		 min_spl[5];		/* SNP: -1: any; enum spl */
	int		 max_vmpl;		/* SNP: maximum; 3: any */
	int		 has_report_data;
	uint8_t		 report_data[64];
};
enum spl { SPL_BL, SPL_TEE, SPL_SNP, SPL_UCODE, SPL_FMC };

void policy_default(struct policy *);
/* Parse a policy file.  Returns 0, or -1 with a message such as "line 3: what,
 * and what to do". */
int policy_parse(struct policy *, const char *text, char *error, size_t size);
/* 1 if the value is one of the accepted ones of this field, 0 if not, -1 if the
 * policy does not mention the field. */
int policy_accepts(
    const struct policy *, const char *field, const uint8_t *value, size_t n);
/* Record a check of a field with policy_accepts(); A_NONE if the policy does
 * not mention it. */
void policy_check(struct report *, const struct policy *, const char *name,
    const char *field, const uint8_t *value, size_t n);
/* Record the check "report-data": the evidence must contain the requested
 * report data. */
void policy_report_data(
    struct report *, const struct policy *, struct bytes held);

/* ---- collateral: all of it, loaded once; absent parts are NULL or empty -- */

struct collateral {
	struct tdx_collateral	*tdx;	/* collateral.c; NULL */
	STACK_OF(X509)		*snp;	/* VEK, ASK or ASVK, ARK */
	STACK_OF(X509_CRL)	*snp_crls;
	uint8_t			*cca_key;	/* CPAK: JWK, PEM or trust
						 * anchor JSON */
	size_t			 cca_key_n;
	uint8_t			*optee_key;	/* SPKI, DER or PEM */
	size_t			 optee_key_n;
	/* The log that came with this evidence; not from the directory. */
	struct bytes		 event_log;
};

/* ---- formats ----------------------------------------------------------- */

struct format {
	const char	*name;		/* "tdx", "snp", "cca", ... */
	/* Recognize the format by magic and size only. */
	int		(*is)(struct bytes);
	/* Record facts in the report and check the form.  Returns 0, or -1
	 * with a failed check "format" that says what is malformed. */
	int		(*show)(struct bytes, struct report *);
	void		(*verify)(struct bytes, const struct collateral *,
	    const struct policy *, time_t at, struct report *);
};
extern const struct format format_dcap, format_snp, format_cca, format_optee,
    format_hcl, format_insecure, format_eventlog;
/* The format of this evidence, or NULL. */
const struct format *format_of(struct bytes);

/* ---- x509.c ------------------------------------------------------------ */

/* Parse certificates, PEM text or one in DER: a new stack, possibly empty; NULL
 * if out of memory. */
STACK_OF(X509) *certs_read(struct bytes);
/* 1 if `at' is within the certificate's validity or the CRL's window. */
int cert_valid_at(const X509 *, time_t at);
int crl_valid_at(const X509_CRL *, time_t at);
/* Seconds since 1970; 0 if it is absent or no time. */
time_t asn1_seconds(const ASN1_TIME *);
/* Is this its common name?  1 or 0. */
int name_is(const X509_NAME *, const char *wanted);
/* The end of the certificate's validity. */
time_t cert_end(const X509 *);
/* 1 if the certificate is signed by the issuer, and the issuer may sign
 * certificates. */
int cert_issued_by(X509 *, X509 *issuer);
/* SHA-256 of the certificate's SubjectPublicKeyInfo.  Returns 0 or -1. */
int cert_key_digest(const X509 *, uint8_t digest[32]);
/* Verify a raw ECDSA signature over a digest: r and s, big-endian, n bytes
 * each. */
int ecdsa_verify(EVP_PKEY *, const uint8_t *digest, size_t digest_n,
    const uint8_t *rs, size_t n);
/* Write an RSA key, given by big-endian numbers, as PEM.  Returns 0 or -1. */
int rsa_key_write(FILE *, struct bytes exponent, struct bytes modulus);
/* Make a key from an affine point x || y ("P-256", "P-384").  NULL if it is not
 * on the curve. */
EVP_PKEY *ec_key(const char *group, const uint8_t *xy, size_t n);

#endif
