/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of Azure paravisor reports, from anyone.  Build it with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include "evidence.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_evidence(&format_hcl, data, size);
}
