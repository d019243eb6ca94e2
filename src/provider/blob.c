/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that what a TEE returned has a form that verifiers know, and that it
 * is over the requested report data.  Whether it is genuine is for the verifier
 * to check.  Runs in evidence, on bytes that the host can influence.
 */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "provider.h"
#include "log.h"
#include "optee.h"
#include "payload.h"

/* A DCAP quote of a TD: header, body, 4 bytes of length, signature. */
#define TDX_HEADER	48
#define TDX_TEE		0x81
#define TDX_BODY	584	/* TDX 1.0 */
#define TDX_BODY_15	648	/* TDX 1.5 */
#define TDX_DATA	520	/* offset of the report data in the body */
#define TDX_MRTD	136
#define OPTEE_AT	(sizeof(OPTEE_MAGIC) - 1 + 64 + 1 + 3) /* digest */
#define SNP_DATA	0x50
#define SNP_MEASUREMENT	0x90
#define SNP_ENTRY	24	/* UUID, offset, length */

static int
is_zero(const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (b[i] != 0)
			return 0;
	return 1;
}

static long
reject(const char *tee, const char *why)
{
	log_err("tee: %s: refused: %s", tee, why);
	errno = EBADMSG;
	return -1;
}

/* It answers another request. */
static long
reject_stale(const char *tee, const char *why)
{
	reject(tee, why);
	errno = ESTALE;
	return -1;
}

/* Find the body of a quote.  Returns its offset, or 0 if this is not a
 * quote. */
static size_t
tdx_body(const uint8_t *b, size_t n, size_t *size)
{
	uint32_t type;

	if (n < TDX_HEADER + 6 || (uint32_t)get_le(b + 4, 4) != TDX_TEE)
		return 0;
	if ((uint32_t)get_le(b, 2) == 4) {
		*size = TDX_BODY;
		return TDX_HEADER;
	}
	if ((uint32_t)get_le(b, 2) != 5)
		return 0;
	type = (uint32_t)get_le(b + TDX_HEADER, 2);
	*size = (uint32_t)get_le(b + TDX_HEADER + 2, 4);
	if ((type == 2 && *size == TDX_BODY) ||
	    (type == 3 && *size == TDX_BODY_15))
		return TDX_HEADER + 6;
	return 0;
}

static long
tdx_check(const uint8_t *b, size_t n, const uint8_t report_data[64])
{
	size_t at, size, signature;

	/* Since Linux 7.0: drivers that support the DICE/CWT form use larger
	 * buffers. */
	if (n > TDX_MAX || (at = tdx_body(b, n, &size)) == 0)
		return reject("tdx",
		    "not a DCAP quote of version 4 or 5: the "
		    "newer DICE/CWT form, which tee-attest does not support");
	if (n < at + size + 4)
		return reject("tdx", "the quote is cut off");
	if (memcmp(b + at + TDX_DATA, report_data, 64) != 0)
		return reject_stale("tdx", "a quote over other report data");
	at += size;
	signature = (uint32_t)get_le(b + at, 4);
	at += 4;
	if (signature > n - at)
		return reject("tdx", "the quote is cut off");
	at += signature;
	/* Some hosts pad the quote to the buffer's size: GCP, to 8000 bytes. */
	if (!is_zero(b + at, n - at))
		return reject("tdx", "bytes that are not zero after the quote");
	return (long)at;
}

static long
snp_check(const uint8_t *b, size_t n, const uint8_t report_data[64])
{
	if (n != SNP_REPORT)
		return reject("sev-snp", "a report has 1184 bytes");
	if (memcmp(b + SNP_DATA, report_data, 64) != 0)
		return reject_stale(
		    "sev-snp", "a report over other report data");
	return (long)n;
}

/* The realm's challenge is claim 10, a string of 64 bytes.  Without a CBOR
 * parser we can only search for these bytes.  That suffices to detect mistakes
 * here, since the verifier reads the claim itself. */
static long
cca_check(const uint8_t *b, size_t n, const uint8_t report_data[64])
{
	uint8_t claim[3 + 64] = { 0x0a, 0x58, 0x40 };

	memcpy(claim + 3, report_data, 64);
	if (memmem(b, n, claim, sizeof(claim)) == NULL)
		return reject_stale("cca", "a token without the challenge");
	return (long)n;
}

long
blob_check(uint32_t tee_type, const uint8_t *b, size_t n,
    const uint8_t report_data[64])
{
	switch (tee_type) {		/* optee returns records, not a blob */
	case TEE_TDX: return tdx_check(b, n, report_data);
	case TEE_SEV_SNP: return snp_check(b, n, report_data);
	case TEE_CCA: return cca_check(b, n, report_data);
	}
	return reject("evidence", "of a TEE that has no check");
}

void
blob_measurement(uint32_t tee_type, const uint8_t *b, size_t n, uint8_t out[48])
{
	/* Claim 44238 of a realm token, a string of up to 64 bytes. */
	static const uint8_t rim[] = { 0x19, 0xac, 0xce, 0x58 };
	const uint8_t *p;
	size_t at, size;

	memset(out, 0, 48);
	if (tee_type == TEE_TDX && (at = tdx_body(b, n, &size)) != 0)
		memcpy(out, b + at + TDX_MRTD, 48);
	else if (tee_type == TEE_OPTEE && n > OPTEE_AT + OPTEE_DIGEST)
		memcpy(out, b + OPTEE_AT, OPTEE_DIGEST);
	else if (tee_type == TEE_SEV_SNP)
		memcpy(out, b + SNP_MEASUREMENT, 48);
	else if (tee_type == TEE_CCA &&
	    (p = memmem(b, n, rim, sizeof(rim))) != NULL) {
		n -= (size_t)(p - b) + sizeof(rim);
		p += sizeof(rim);
		if (n > 0 && *p < n)
			memcpy(out, p + 1, *p < 48 ? *p : 48);
	}
}

long
blob_table(const uint8_t *b, size_t n)
{
	size_t i, offset, length, end = 0;

	for (i = 0; n - i >= SNP_ENTRY; i += SNP_ENTRY) {
		if (is_zero(b + i, SNP_ENTRY))
			return (long)(end == 0 ? 0 :
				end > i + SNP_ENTRY ? end :
						      i + SNP_ENTRY);
		offset = (uint32_t)get_le(b + i + 16, 4);
		length = (uint32_t)get_le(b + i + 20, 4);
		if (offset > n || length > n - offset)
			return -1;
		if (offset + length > end)
			end = offset + length;
	}
	return n == 0 ? 0 : -1;
}
