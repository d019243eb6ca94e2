/* SPDX-License-Identifier: Apache-2.0
 *
 * The report of Azure's paravisor, as stored in its vTPM (NV index 0x01400001).
 * It is shown, and `verify' always refuses it: the guest cannot choose the
 * report data, so anyone who has seen the report can replay it.  A quote of the
 * vTPM by the key in its claims would show that it is fresh, but that is a
 * separate document.
 *
 *	0	"HCLA", version, size, request type, status: 32 bytes
 *	32	the hardware's report: SEV-SNP's, or a TDREPORT; 1184 bytes
 *	1216	size, version, report type, hash type, size of the claims
 *	1236	the claims, JSON; their hash is the report data's first half
 */
#include <openssl/evp.h>
#include <string.h>

#include "attest.h"
#include "bytes.h"

#define REPORT_AT	32
#define RUNTIME_AT	1216
#define CLAIMS_AT	1236
#define SNP_DATA	0x50		/* report data in a SEV-SNP report */
#define TD_DATA		128		/* report data in a TDREPORT */

enum { HCL_SNP = 2, HCL_TDX = 4 };	/* report type */

static int
hcl_is(struct bytes b)
{
	return b.n >= 4 && memcmp(b.p, "HCLA", 4) == 0;
}

/* Find the claims.  Returns NULL, or what is malformed. */
static const char *
read_claims(struct bytes b, struct bytes *claims)
{
	uint32_t type;

	if (b.n < CLAIMS_AT)
		return "it is cut off";
	type = (uint32_t)get_le(b.p + RUNTIME_AT + 8, 4);
	if (type != HCL_SNP && type != HCL_TDX)
		return "its hardware report is of no known type";
	*claims = (struct bytes){ b.p + CLAIMS_AT,
		(uint32_t)get_le(b.p + RUNTIME_AT + 16, 4) };
	if (claims->n == 0 || claims->n > b.n - CLAIMS_AT)
		return "its claims are cut off";
	return NULL;
}

/* True if the report data is the hash of the claims. */
static int
is_bound(const uint8_t *data, struct bytes claims)
{
	static const uint8_t zero[32];
	uint8_t h[32];

	return EVP_Digest(claims.p, claims.n, h, NULL, EVP_sha256(), NULL) ==
	    1 &&
	    memcmp(data, h, 32) == 0 && memcmp(data + 32, zero, 32) == 0;
}

static int
hcl_show(struct bytes b, struct report *r)
{
	struct bytes claims;
	const char *why = read_claims(b, &claims);
	const uint8_t *data;

	r->format = "Azure paravisor's report (HCL)";
	r->debug = -1;
	report_that(
	    r, "format", why == NULL, "%s", why == NULL ? "well formed" : why);
	if (why != NULL)
		return -1;
	data = b.p + REPORT_AT +
	    ((uint32_t)get_le(b.p + RUNTIME_AT + 8, 4) == HCL_SNP ? SNP_DATA :
								    TD_DATA);
	report_fact(r, "version", "%u", (uint32_t)get_le(b.p + 4, 4));
	report_fact(r, "hardware-report", "%s",
	    data == b.p + REPORT_AT + SNP_DATA ? "SEV-SNP" : "TDREPORT");
	report_hex(r, "report-data", data, 64);
	report_fact(r, "claims", "%zu bytes", claims.n);
	report_that(r, "claims-binding", is_bound(data, claims),
	    "the hardware's report is over the SHA-256 of the claims");
	return 0;
}

static void
hcl_verify(struct bytes b, const struct collateral *c, const struct policy *p,
    time_t at, struct report *r)
{
	(void)c;
	(void)p;
	(void)at;
	if (hcl_show(b, r) == -1)
		return;
	report_check(r, "paravisor", A_FAIL,
	    "evidence by a paravisor's vTPM "
	    "is not accepted: it cannot contain the report data that was "
	    "requested");
}

const struct format format_hcl = { "hcl", hcl_is, hcl_show, hcl_verify };
