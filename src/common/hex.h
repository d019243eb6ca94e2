/* SPDX-License-Identifier: Apache-2.0
 *
 * Hex digits to bytes and back.  Used by any process; no I/O.
 */
#ifndef HEX_H
#define HEX_H

#include <stddef.h>

#define HEX_LOWER	"0123456789abcdef"

/* hex_digit: the value of a digit, of either case, or -1. */
int hex_digit(int c);

/* hex_encode: writes 2 n lower-case digits and a NUL, and returns dst. */
char *hex_encode(char *dst, const void *src, size_t n);

/*
 * hex_decode: decodes the len characters at text, which must be 2 n digits, to
 * the n bytes at dst.  dst may be text.  Returns 0; or -1 and leaves dst
 * unchanged.
 */
int hex_decode(const char *text, size_t len, void *dst, size_t n);

#endif
