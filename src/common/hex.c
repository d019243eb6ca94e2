/* SPDX-License-Identifier: Apache-2.0
 *
 * Hex digits to bytes and back.  Runs in any process; no I/O.
 */
#include <stdint.h>

#include "hex.h"

int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
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
	uint8_t *d = dst;
	size_t i;

	if (len % 2 != 0 || len / 2 != n)
		return -1;
	for (i = 0; i < len; i++)
		if (hex_digit(text[i]) == -1)
			return -1;
	for (i = 0; i < n; i++)
		d[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 |
		    hex_digit(text[2 * i + 1]));
	return 0;
}
