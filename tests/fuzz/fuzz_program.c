/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of program_view and the checks after it: a shape of 12 bytes, then the
 * words.  A program that is viewed must be checked without harm, and one that
 * passes must execute.  Build it with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include <stdlib.h>
#include <string.h>

#include "exec.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct u256 in[TASK_INPUTS], out[TASK_OUTPUTS];
	struct p_shape shape;
	struct m_word *words;
	struct program p;
	size_t n, at;

	if (size < sizeof(shape))
		return 0;
	memcpy(&shape, data, sizeof(shape));
	n = (size - sizeof(shape)) / sizeof(*words);
	if ((words = malloc(n * sizeof(*words) + 1)) == NULL)
		return 0;
	memcpy(words, data + sizeof(shape), n * sizeof(*words));
	if (program_view(&p, &shape, words, n) == 0) {
		(void)program_check_flow(&p);
		if (program_check(&p, 0, &at) == ST_OK)
			exec_program(&p, in, out);
	}
	free(words);
	return 0;
}
