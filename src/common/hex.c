/* SPDX-License-Identifier: Apache-2.0
 *
 * Hex digits to bytes and back.  Runs in any process; no I/O.  Not for secrets:
 * which entry of a table is read depends on the text.
 */
#include <stdint.h>

#include "hex.h"

/* The value of each digit, plus 1; 0: no digit. */
static const uint8_t values[256] = { ['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16 };

int
hex_digit(int c)
{
	return c < 0 || c > 255 ? -1 : values[c] - 1;
}

char *
hex_encode(char *dst, const void *src, size_t n)
{
	static const char digit[] = HEX_LOWER;
	const uint8_t *s = src;
	size_t i;

	for (i = 0; i < n; i++) {
		dst[2 * i] = digit[s[i] >> 4];
		dst[2 * i + 1] = digit[s[i] & 15];
	}
	dst[2 * n] = '\0';
	return dst;
}

int
hex_decode(const char *text, size_t len, void *dst, size_t n)
{
	const unsigned char *t = (const unsigned char *)text;
	uint8_t *d = dst;
	size_t i;

	if (len % 2 != 0 || len / 2 != n)
		return -1;
	for (i = 0; i < len; i++)
		if (values[t[i]] == 0)
			return -1;
	for (i = 0; i < n; i++)
		d[i] = (uint8_t)((values[t[2 * i]] - 1) << 4 |
		    (values[t[2 * i + 1]] - 1));
	return 0;
}
