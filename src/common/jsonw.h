/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON writer that places commas, brackets and escapes itself.  Used by net
 * and tee-runnerctl; no allocation, no I/O but through the caller's function.
 *
 *	struct jsonw j;
 *
 *	jsonw_begin(&j, put, file);
 *	jsonw_object(&j, NULL);
 *	jsonw_number(&j, "credit", 12);
 *	jsonw_end(&j);
 *
 * In an object `name' is the member's name; in an array, and at the top, it is
 * NULL.
 */
#ifndef JSONW_H
#define JSONW_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define JSONW_DEPTH	8	/* objects and arrays in each other */

struct jsonw {
	void	(*put)(void *to, const char *text, size_t n);
	void	*to;
	char	end[JSONW_DEPTH];	/* brackets that are open */
	size_t	depth;
	int	has_members;		/* the next one needs a comma */
};

/* jsonw_begin: what is written is passed to put(to, ...), in pieces. */
void jsonw_begin(
    struct jsonw *, void (*put)(void *, const char *, size_t), void *to);
/* jsonw_object, jsonw_array: begin one; jsonw_end: ends the innermost. */
void jsonw_object(struct jsonw *, const char *name);
void jsonw_array(struct jsonw *, const char *name);
void jsonw_end(struct jsonw *);
/* jsonw_number: at most INT64_MAX. */
void jsonw_number(struct jsonw *, const char *name, uint64_t);
/* jsonw_seconds: microseconds, written as seconds with six decimals. */
void jsonw_seconds(struct jsonw *, const char *name, uint64_t us);
void jsonw_null(struct jsonw *, const char *name);
/* jsonw_string: formatted as by printf(3); cut after 511 bytes. */
void jsonw_string(struct jsonw *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* jsonw_hex: "0x" and the digits of n bytes, of which there are at most 64. */
void jsonw_hex(struct jsonw *, const char *name, const void *, size_t n);

#endif
