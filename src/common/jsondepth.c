/* SPDX-License-Identifier: Apache-2.0
 *
 * The depth of JSON text.  For any process; no allocation, no I/O.
 */
#include "jsondepth.h"

int
jsondepth_exceeds(const char *text, size_t n, int max)
{
	int depth = 0, in_string = 0;

	for (size_t i = 0; i < n; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = 0;
		} else if (text[i] == '"')
			in_string = 1;
		else if (text[i] == '[' || text[i] == '{') {
			if (++depth > max)
				return 1;
		} else if (text[i] == ']' || text[i] == '}')
			depth--;
	}
	return 0;
}
