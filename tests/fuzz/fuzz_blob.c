/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of the evidence that the evidence role takes from the host: the first
 * byte is the TEE, the second the offset of the report data in the rest, so
 * that some quotes are valid.  Build it with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/provider/provider.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *b, size_t n)
{
	static const size_t at[] = { 48 + 520, 54 + 520, 0x50, 0 };
	uint8_t data[64] = { 0 }, measurement[48];
	size_t from;
	long r;

	if (n < 2)
		return 0;
	from = at[b[1] % 4];
	if (n - 2 >= from + 64)
		memcpy(data, b + 2 + from, 64);
	r = blob_check(b[0] % 5, b + 2, n - 2, data);
	if (r < -1 || r == 0 || r > (long)n - 2)
		abort();
	if (r > 0)
		blob_measurement(b[0] % 5, b + 2, (size_t)r, measurement);
	r = blob_table(b + 2, n - 2);
	if (r < -1 || r > (long)n - 2)
		abort();
	return 0;
}
