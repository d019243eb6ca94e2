/* SPDX-License-Identifier: Apache-2.0
 *
 * The evidence of the insecure provider (src/provider/insecure.c): a line that
 * says that it proves nothing, and the report data.
 */
#include <string.h>

#include "attest.h"

static const char head[] = "INSECURE: NOT EVIDENCE OF ANYTHING\n";
#define HEAD	(sizeof(head) - 1)

static int
insecure_is(struct bytes b)
{
	return b.n >= HEAD && memcmp(b.p, head, HEAD) == 0;
}

static int
insecure_show(struct bytes b, struct report *r)
{
	r->format = "insecure evidence, of no TEE";
	r->debug = 1;
	if (b.n != HEAD + 64) {
		report_check(
		    r, "format", A_FAIL, "%zu bytes, not %zu", b.n, HEAD + 64);
		return -1;
	}
	report_check(r, "format", A_PASS, "its line, and 64 bytes");
	report_hex(r, "report-data", b.p + HEAD, 64);
	return 0;
}

static void
insecure_verify(struct bytes b, const struct collateral *c,
    const struct policy *p, time_t at, struct report *r)
{
	(void)c;
	(void)at;
	if (insecure_show(b, r) == -1)
		return;
	report_that(r, "insecure", p->allow_insecure,
	    "the policy must say `allow insecure': this proves nothing");
	policy_report_data(r, p, (struct bytes){ b.p + HEAD, 64 });
}

const struct format format_insecure = { "insecure", insecure_is, insecure_show,
	insecure_verify };
