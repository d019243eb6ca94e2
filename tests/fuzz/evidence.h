/* SPDX-License-Identifier: Apache-2.0
 *
 * For the fuzzers of evidence: one format shown and verified, without
 * collateral, in a time before all certificates, so that none can ever be
 * enough.
 */
#ifndef FUZZ_EVIDENCE_H
#define FUZZ_EVIDENCE_H

#include <stdlib.h>
#include <string.h>

#include "attest.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static inline int
fuzz_evidence(const struct format *f, const uint8_t *data, size_t size)
{
	static struct report r;
	struct collateral none = { 0 };
	struct policy policy;
	struct bytes b = { data, size };

	policy_default(&policy);
	memset(&r, 0, sizeof(r));
	(void)f->is(b);
	(void)f->show(b, &r);
	memset(&r, 0, sizeof(r));
	f->verify(b, &none, &policy, 0, &r);
	if (report_verdict(&r) == 0)
		abort();
	return 0;
}

#endif
