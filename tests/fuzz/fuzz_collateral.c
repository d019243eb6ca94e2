/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of collateral: the cutting out of the signed bytes, TCB info, QE
 * identity, the list of TCB sets, and the policy.  Its readers are static, so
 * it includes their file.  Build it with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include "../../src/attest/collateral.c"
#include "dcap.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tdx_collateral c;
	static const uint8_t svn[COMPONENTS] = { 5, 1, 2 };
	struct tcb_lack lacks[TCB_LACKS];
	struct tcb_result result;
	struct pck pck = { .pcesvn = 11 };
	struct policy policy;
	char *text = malloc(size + 1), error[200];
	struct bytes b;
	json_t *o;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	b = json_member(text, "tcbInfo");
	if (b.p != NULL && (b.n == 0 || b.p + b.n > (uint8_t *)text + size))
		abort();
	memset(&c, 0, sizeof(c));
	o = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	(void)read_qe_identity(o, &c.qe);
	(void)read_sets(o, &c.sets);
	if (read_tcb_info(o, &c.tcb) == 0) {
		tcb_evaluate(&c, &pck, svn, 4, &result);
		if (tcb_lacks(&c, &pck, svn, 4, lacks) > TCB_LACKS)
			abort();
	}
	json_decref(o);
	policy_default(&policy);
	(void)policy_parse(&policy, text, error, sizeof(error));
	free(text);
	return 0;
}
