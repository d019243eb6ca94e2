/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying attestation evidence: what the formats' modules share.  Used by
 * tee-attest and by tee-devnet's registrar; needs no network and no secret, and
 * reads only what its caller has loaded.
 *
 * A format has a show function, which parses and states facts, and a verify
 * function, which does the same and then makes every check it can, each under
 * a fixed name (tee-attest(1) lists them).  One that cannot be made for want of
 * what it needs is A_MISSING, never left out in silence.
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

/* The first n of them, which are then no more in `from': 0, or -1: too few. */
int	bytes_take(struct bytes *from, size_t n, struct bytes *to);

/* ---- the report ---- */

enum outcome {
	A_PASS,
	A_FAIL,		/* the evidence is refused */
	A_MISSING,	/* collateral is missing or outside its window */
	A_NONE		/* not applicable here */
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
#define REPORT_LINES	48		/* advisories, warnings: each */

struct report {
	const char	*format;	/* "TDX quote v5", set by show */
	struct check	 checks[REPORT_CHECKS];
	struct fact	 facts[REPORT_FACTS];
	char		 advisories[REPORT_LINES][32];
	char		 warnings[REPORT_LINES][240];
	size_t		 n_checks, n_facts, n_advisories, n_warnings;
	char		 tcb_status[48];	/* "UpToDate"; "" where it has none */
	uint32_t	 evaluation;		/* the lowest tcbEvaluationDataNumber */
	int		 debug;			/* -1 unknown, 0, 1 */
	/* 0 nobody's, 1 signed below a hardware maker's root that is compiled
	 * in, 2 below a key that the collateral endorses. */
	int		 hardware;
};

/* One of each name: a second one with the same name replaces the first, unless
 * that is worse. */
void	report_check(struct report *, const char *name, enum outcome,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The outcome by a condition: detail says what was compared, either way. */
#define report_that(r, name, ok, ...)					\
	report_check(r, name, (ok) ? A_PASS : A_FAIL, __VA_ARGS__)
void	report_fact(struct report *, const char *name, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	report_hex(struct report *, const char *name, const uint8_t *, size_t);
void	report_advisory(struct report *, const char *id);	/* once each */
void	report_warn(struct report *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
const struct check *report_find(const struct report *, const char *name);
int	report_passed(const struct report *, const char *name);
/* 0 accepted: something was checked and all of it passed; 1 refused; 3 nothing
 * failed, but something is A_MISSING. */
int	report_verdict(const struct report *);
/* The verdict as its line. */
void	report_line(const struct report *, char *to, size_t size);

/* ---- the policy ---- */

#define POLICY_LIST	32

struct policy_value {		/* one accepted value of a field */
	char		 field[24];	/* "mrtd", "measurement", "rim", ... */
	uint8_t		 value[64];
	size_t		 n;
};

/* What is accepted; policy_default is the strictest without any reference value. */
struct policy {
	struct policy_value values[POLICY_LIST * 8];
	size_t		 n_values;
	char		 tcb_statuses[POLICY_LIST][48];	/* accepted */
	size_t		 n_tcb_statuses;
	time_t		 min_tcb_date;		/* 0: any */
	long		 max_collateral_age;	/* seconds; 0: any in its window */
	uint32_t	 min_evaluation;	/* tcbEvaluationDataNumber */
	uint8_t		 test_root[32];		/* SHA-256 of its key's SPKI */
	int		 has_test_root;
	int		 allow_debug, allow_migration, allow_insecure;
	int		 allow_missing_crl;	/* SNP */
	int		 require_event_log;	/* TDX */
	int		 min_spl[5];		/* SNP: -1 any; enum spl */
	int		 max_vmpl;		/* SNP: 3 any */
	int		 has_report_data;
	uint8_t		 report_data[64];
};
enum spl { SPL_BL, SPL_TEE, SPL_SNP, SPL_UCODE, SPL_FMC };

void	policy_default(struct policy *);
/* The text of a policy file: 0, or -1 with "line 3: what, and what to do". */
int	policy_parse(struct policy *, const char *text, char *error, size_t size);
/* Is it one of the accepted values of the field?  1 yes, 0 no, -1 the policy
 * says nothing of the field. */
int	policy_accepts(const struct policy *, const char *field,
	    const uint8_t *value, size_t n);
/* A check of a field by policy_accepts: A_NONE where the policy says nothing. */
void	policy_check(struct report *, const struct policy *, const char *name,
	    const char *field, const uint8_t *value, size_t n);
/* The check "report-data": is what the evidence holds what was asked for? */
void	policy_report_data(struct report *, const struct policy *,
	    struct bytes held);

/* ---- collateral: all of it, loaded once; absent parts are NULL or empty ---- */

struct collateral {
	struct tdx_collateral	*tdx;	/* collateral.c; NULL */
	STACK_OF(X509)		*snp;	/* VCEK or VLEK, ASK or ASVK, ARK, any order */
	STACK_OF(X509_CRL)	*snp_crls;
	uint8_t			*cca_key;	/* CPAK: JWK, PEM or trust anchor JSON */
	size_t			 cca_key_n;
	uint8_t			*optee_key;	/* SPKI, DER or PEM */
	size_t			 optee_key_n;
	/* Not of the directory: the log that came with this evidence. */
	struct bytes		 event_log;
};

/* ---- formats ---- */

struct format {
	const char	*name;		/* "tdx", "snp", "cca", ... */
	/* Does it look like one?  By magic and size alone. */
	int		(*is)(struct bytes);
	/* Facts, and the checks of its form: 0, or -1 where it is not well
	 * formed, with a failed check "format" that says where. */
	int		(*show)(struct bytes, struct report *);
	void		(*verify)(struct bytes, const struct collateral *,
			    const struct policy *, time_t at, struct report *);
};
extern const struct format format_dcap, format_snp, format_cca,
	format_optee, format_hcl, format_insecure, format_eventlog;
/* The one that takes the evidence for its own; NULL. */
const struct format *format_of(struct bytes);

/* ---- x509.c ---- */

/* Certificates of PEM text or one DER: a new stack, maybe empty; NULL: memory. */
STACK_OF(X509) *certs_read(struct bytes);
/* Does `at' lie in the certificate's validity, in the CRL's window? */
int	cert_valid_at(const X509 *, time_t at);
int	crl_valid_at(const X509_CRL *, time_t at);
/* Is the one signed by the other, which may sign certificates? */
int	cert_issued_by(X509 *, X509 *issuer);
/* SHA-256 of its SubjectPublicKeyInfo: 0, or -1. */
int	cert_key_digest(const X509 *, uint8_t digest[32]);
/* ECDSA over a digest by a public key: raw r and s, big-endian, n bytes each. */
int	ecdsa_verify(EVP_PKEY *, const uint8_t *digest, size_t digest_n,
	    const uint8_t *rs, size_t n);
/* An RSA key, its numbers big-endian, as PEM: 0, or -1. */
int	rsa_key_write(FILE *, struct bytes exponent, struct bytes modulus);
/* A key of its affine point x || y ("P-256", "P-384"); NULL: not on the curve. */
EVP_PKEY *ec_key(const char *group, const uint8_t *xy, size_t n);

#endif
