/* SPDX-License-Identifier: Apache-2.0
 *
 * Azure's paravisor: its report is recognised, and refused for what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attest.h"
#include "tests/unit/samples.h"

static struct report r;

static void
verify(struct bytes b)
{
	static struct policy policy;

	policy_default(&policy);
	memset(&r, 0, sizeof(r));
	format_hcl.verify(b, NULL, &policy, 0, &r);
	assert_int_equal(report_verdict(&r), 1);
	assert_int_equal(r.hardware, 0);
}

static void
evidence_of_the_paravisor_is_recognised_and_refused(void **state)
{
	struct bytes b = sample("azure/hcl-tdx.bin");

	(void)state;
	assert_ptr_equal(format_of(b), &format_hcl);
	verify(b);
	only(&r, A_FAIL, "paravisor");
	only(&r, A_PASS, "format claims-binding");
	assert_string_equal(fact_of(&r, "hardware-report"), "TDREPORT");
	assert_string_equal(fact_of(&r, "claims"), "1201 bytes");
	sample_free(b);
}

static void
each_byte_of_the_claims_is_bound_by_the_report(void **state)
{
	struct bytes b = sample("azure/hcl-tdx.bin");
	uint8_t *p = (uint8_t *)(uintptr_t)b.p;
	size_t i;

	(void)state;
	for (i = 1236; i < 1236 + 1201; i++) {
		p[i] ^= 1;
		verify(b);
		only(&r, A_FAIL, "claims-binding paravisor");
		p[i] ^= 1;
	}
	p[1216 + 8] = 2;		/* read as SNP's: other report data */
	verify(b);
	only(&r, A_FAIL, "claims-binding paravisor");
	p[1216 + 8] = 3;
	verify(b);
	only(&r, A_FAIL, "format");
	sample_free(b);
}

static void
evidence_that_is_cut_anywhere_is_refused(void **state)
{
	struct bytes b = sample("azure/hcl-tdx.bin");
	uint8_t *p;
	size_t n;

	(void)state;
	for (n = 0; n < b.n; n++) {
		p = malloc(n + 1);
		assert_non_null(p);
		memcpy(p + 1, b.p, n);
		verify((struct bytes){ p + 1, n });
		if (n < 1236 + 1201)
			only(&r, A_FAIL, "format");
		free(p);
	}
	sample_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    evidence_of_the_paravisor_is_recognised_and_refused),
		cmocka_unit_test(
		    each_byte_of_the_claims_is_bound_by_the_report),
		cmocka_unit_test(evidence_that_is_cut_anywhere_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
