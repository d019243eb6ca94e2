/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence from OP-TEE's attestation PTA; optee.h has the layout.
 *
 * It is weaker than all other formats and proves at most that a key was on the
 * device at provisioning.  No chain leads to the chip's vendor.  The normal
 * world chooses the nonces, so it can ask for one command under the nonce of
 * another.  The only guarantee left is that no two commands have the same
 * digest, hence a digest means nothing unless a policy names it.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "attest.h"
#include "bytes.h"
#include "optee.h"
#include "passphrase.h"

#define MAGIC		(sizeof(OPTEE_MAGIC) - 1)
#define KEY_MIN		2048
#define KEY_MAX		8192		/* bits; the PTA: up to 4096 */
#define OUTPUT_MIN	(OPTEE_DIGEST + KEY_MIN / 8)
#define OUTPUT_MAX	(OPTEE_DIGEST + KEY_MAX / 8)

struct record {
	uint8_t		 command;
	struct bytes	 digest, signature;
};

struct evidence {			/* points into what was read */
	struct bytes	 report_data;
	struct record	 records[OPTEE_RECORDS];
	size_t		 n;
};

static const char *const record_names[] = { [OPTEE_TA_DIGEST] = "ta-digest",
	[OPTEE_TA_MEMORY] = "ta-memory",
	[OPTEE_TEE_MEMORY] = "tee-memory" };

/* ---- its form ---------------------------------------------------------- */

/* Take bytes that follow their length. */
static int
take_sized(struct bytes *from, size_t min, size_t max, struct bytes *to)
{
	struct bytes size;
	size_t n;

	if (bytes_take(from, 2, &size) == -1)
		return -1;
	n = get_le(size.p, 2);
	return n < min || n > max ? -1 : bytes_take(from, n, to);
}

static const struct record *
find(const struct evidence *e, uint8_t command)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		if (e->records[i].command == command)
			return &e->records[i];
	return NULL;
}

static const char *
read_record(struct evidence *e, struct bytes *from)
{
	struct record *to = &e->records[e->n];
	struct bytes b;

	if (bytes_take(from, 1, &b) == -1)
		return "it ends before its last record";
	to->command = *b.p;
	if (to->command < OPTEE_TA_DIGEST || to->command > OPTEE_TEE_MEMORY)
		return "a record is of no known command";
	if (find(e, to->command) != NULL)
		return "a command is there twice";
	if (take_sized(from, OUTPUT_MIN, OUTPUT_MAX, &b) == -1)
		return "an output is cut off, or of no possible size";
	(void)bytes_take(&b, OPTEE_DIGEST, &to->digest);
	to->signature = b;
	e->n++;
	return NULL;
}

static const char *
read_evidence(struct evidence *e, struct bytes b)
{
	struct bytes magic, n;
	const char *why;

	if (bytes_take(&b, MAGIC, &magic) == -1 ||
	    memcmp(magic.p, OPTEE_MAGIC, MAGIC) != 0)
		return "it does not begin as one";
	if (bytes_take(&b, 64, &e->report_data) == -1 ||
	    bytes_take(&b, 1, &n) == -1)
		return "it ends before its records";
	if (*n.p == 0 || *n.p > OPTEE_RECORDS)
		return "it must have one to three records";
	while (e->n < *n.p)
		if ((why = read_record(e, &b)) != NULL)
			return why;
	return b.n == 0 ? NULL : "there are bytes behind its records";
}

static int
optee_is(struct bytes b)
{
	return b.n > MAGIC && memcmp(b.p, OPTEE_MAGIC, MAGIC) == 0;
}

static int
open_evidence(struct evidence *e, struct bytes b, struct report *r)
{
	const char *why = read_evidence(e, b);
	size_t i;

	r->format = "OP-TEE attestation";
	r->debug = -1;			/* the evidence does not say */
	report_that(
	    r, "format", why == NULL, "%s", why == NULL ? "well formed" : why);
	if (why != NULL)
		return -1;
	report_hex(r, "report-data", e->report_data.p, 64);
	for (i = 0; i < e->n; i++)
		report_hex(r, record_names[e->records[i].command],
		    e->records[i].digest.p, OPTEE_DIGEST);
	return 0;
}

static int
optee_show(struct bytes b, struct report *r)
{
	struct evidence e = { 0 };

	return open_evidence(&e, b, r);
}

/* ---- hashes and signatures --------------------------------------------- */

/* SHA-256 of the concatenated parts. */
static int
hash(const struct bytes *parts, size_t n, uint8_t to[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t i;
	int ok;

	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (i = 0; i < n && ok; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, to, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

/* The signature is over the hash itself, which is not hashed again. */
static int
is_signed(const struct record *r, struct bytes report_data, EVP_PKEY *key)
{
	const struct bytes parts[] = {
		{ (const uint8_t *)OPTEE_LABEL, sizeof(OPTEE_LABEL) - 1 },
		{ &r->command, 1 },
		report_data,
		r->digest,
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t h[32];
	int ok;

	ok = ctx != NULL && hash(parts, 4, h) == 0 &&
	    r->signature.n == (size_t)EVP_PKEY_get_size(key) &&
	    EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) == 1 &&
	    EVP_PKEY_verify(
		ctx, r->signature.p, r->signature.n, h, sizeof(h)) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* ---- the device's key -------------------------------------------------- */

static EVP_PKEY *
read_key(struct bytes b)
{
	const uint8_t *p = b.p;
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (b.n == 0 || b.n > INT32_MAX)
		return NULL;
	if (b.p[0] == 0x30) {			/* a DER sequence */
		key = d2i_PUBKEY(NULL, &p, (long)b.n);
		if (key != NULL && p != b.p + b.n) {
			EVP_PKEY_free(key);
			key = NULL;
		}
	} else if ((bio = BIO_new_mem_buf(b.p, (int)b.n)) != NULL) {
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
		BIO_free(bio);
	}
	return key;
}

/* Accept an RSA key only if its size is sufficient and its public part is
 * sound: with exponent 1 any signature would verify. */
static EVP_PKEY *
device_key(struct bytes b)
{
	EVP_PKEY *key = read_key(b);
	EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
	int ok;

	ok = ctx != NULL && EVP_PKEY_is_a(key, "RSA") &&
	    EVP_PKEY_get_bits(key) >= KEY_MIN &&
	    EVP_PKEY_get_bits(key) <= KEY_MAX &&
	    EVP_PKEY_public_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	if (!ok) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* ---- verify ------------------------------------------------------------ */

static void
check_signatures(
    const struct evidence *e, const struct collateral *c, struct report *r)
{
	EVP_PKEY *key;
	size_t i;

	if (c == NULL || c->optee_key == NULL) {
		report_check(r, "signature", A_MISSING,
		    "needs the device's "
		    "key, as read out when it was provisioned: optee.pem");
		return;
	}
	key = device_key((struct bytes){ c->optee_key, c->optee_key_n });
	if (key == NULL)
		report_check(r, "signature", A_FAIL,
		    "the key given for the "
		    "device is not an RSA key of %d to %d bits",
		    KEY_MIN, KEY_MAX);
	for (i = 0; key != NULL && i < e->n; i++)
		report_that(r, "signature",
		    is_signed(&e->records[i], e->report_data, key),
		    "%s and the report data, by the "
		    "device's key",
		    record_names[e->records[i].command]);
	EVP_PKEY_free(key);
}

static void
check_values(const struct evidence *e, const struct policy *p, struct report *r)
{
	static const struct {
		const char *check;
		uint8_t command;
	} of[] = {
		{ "policy-ta-digest", OPTEE_TA_DIGEST },
		{ "policy-tee-memory", OPTEE_TEE_MEMORY },
	};
	const struct record *record;
	struct bytes digest;
	size_t i;

	policy_report_data(r, p, e->report_data);
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		/* A missing record is empty, which no accepted value is. */
		record = find(e, of[i].command);
		digest = record == NULL ? (struct bytes){ NULL, 0 } :
					  record->digest;
		policy_check(r, p, of[i].check, record_names[of[i].command],
		    digest.p, digest.n);
	}
}

static void
optee_verify(struct bytes b, const struct collateral *c, const struct policy *p,
    time_t at, struct report *r)
{
	struct evidence e = { 0 };

	(void)at;
	r->hardware = 0;		/* even if all checks pass */
	if (open_evidence(&e, b, r) == -1)
		return;
	check_signatures(&e, c, r);
	check_values(&e, p, r);
	report_warn(
	    r, "device key, trusted since provisioning: no hardware chain");
	if (policy_accepts(p, "ta-digest", NULL, 0) == -1 &&
	    policy_accepts(p, "tee-memory", NULL, 0) == -1)
		report_warn(r,
		    "the policy names no digest: only the "
		    "normal world says which command made a digest");
}

const struct format format_optee = { "optee", optee_is, optee_show,
	optee_verify };
