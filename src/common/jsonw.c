/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON writer.  Runs in net and tee-runnerctl.
 */
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "jsonw.h"
#include "log.h"

void
jsonw_begin(
    struct jsonw *j, void (*put)(void *, const char *, size_t), void *to)
{
	memset(j, 0, sizeof(*j));
	j->put = put;
	j->to = to;
}

static void
put(struct jsonw *j, const char *text)
{
	j->put(j->to, text, strlen(text));
}

static void
put_quoted(struct jsonw *j, const char *text)
{
	char escaped[sizeof("\\u0000")];
	size_t n;

	put(j, "\"");
	while (*text != '\0') {
		for (n = 0; text[n] != '\0' && text[n] != '"' &&
		     text[n] != '\\' && (unsigned char)text[n] >= ' ';
		     n++)
			;
		j->put(j->to, text, n);
		text += n;
		if (*text != '\0') {
			snprintf(escaped, sizeof(escaped), "\\u%04x",
			    (unsigned char)*text++);
			put(j, escaped);
		}
	}
	put(j, "\"");
}

static void
put_name(struct jsonw *j, const char *name)
{
	if (j->has_members)
		put(j, ",");
	j->has_members = 1;
	if (name != NULL) {
		put_quoted(j, name);
		put(j, ":");
	}
}

static void
open_bracket(struct jsonw *j, const char *name, const char *bracket, char end)
{
	if (j->depth == JSONW_DEPTH)
		fatal("jsonw: more than %d levels", JSONW_DEPTH);
	put_name(j, name);
	put(j, bracket);
	j->end[j->depth++] = end;
	j->has_members = 0;
}

void
jsonw_object(struct jsonw *j, const char *name)
{
	open_bracket(j, name, "{", '}');
}

void
jsonw_array(struct jsonw *j, const char *name)
{
	open_bracket(j, name, "[", ']');
}

void
jsonw_end(struct jsonw *j)
{
	if (j->depth == 0)
		fatal("jsonw: nothing to end");
	j->put(j->to, &j->end[--j->depth], 1);
	j->has_members = 1;
	if (j->depth == 0)
		put(j, "\n");
}

void
jsonw_number(struct jsonw *j, const char *name, uint64_t v)
{
	char text[21];

	put_name(j, name);
	/* What is larger, a reader of signed integers refuses. */
	snprintf(text, sizeof(text), "%llu",
	    (unsigned long long)(v > INT64_MAX ? INT64_MAX : v));
	put(j, text);
}

void
jsonw_seconds(struct jsonw *j, const char *name, uint64_t us)
{
	char text[28];

	put_name(j, name);
	snprintf(text, sizeof(text), "%llu.%06llu",
	    (unsigned long long)us / 1000000, (unsigned long long)us % 1000000);
	put(j, text);
}

void
jsonw_null(struct jsonw *j, const char *name)
{
	put_name(j, name);
	put(j, "null");
}

void
jsonw_string(struct jsonw *j, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_name(j, name);
	put_quoted(j, text);
}

void
jsonw_hex(struct jsonw *j, const char *name, const void *bytes, size_t n)
{
	char text[2 + 2 * 64 + 1] = "0x";

	if (n > 64)
		fatal("jsonw: %zu bytes of hex", n);
	put_name(j, name);
	put_quoted(j, (hex_encode(text + 2, bytes, n), text));
}
