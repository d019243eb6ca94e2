/* SPDX-License-Identifier: Apache-2.0
 *
 * The traceparent of W3C Trace Context.  Runs in net and keys.
 */
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "trace.h"

static int
is_zero(const uint8_t *b, size_t n)
{
	while (n > 0 && b[n - 1] == 0)
		n--;
	return n == 0;
}

int
trace_is_set(const struct m_trace *t)
{
	return !is_zero(t->id, sizeof(t->id));
}

/* n bytes of lower case: 1 or 0. */
static int
digits(const char *text, uint8_t *to, size_t n)
{
	return strspn(text, HEX_LOWER) == 2 * n &&
	    hex_decode(text, 2 * n, to, n) == 0;
}

void
trace_read(struct m_trace *t, const char *text)
{
	struct m_trace got;

	memset(t, 0, sizeof(*t));
	if (strlen(text) != TRACE_TEXT - 1 || memcmp(text, "00-", 3) != 0 ||
	    text[35] != '-' || text[52] != '-' ||
	    !digits(text + 3, got.id, 16) ||
	    !digits(text + 36, got.parent, 8) ||
	    !digits(text + 53, &got.flags, 1) || is_zero(got.parent, 8))
		return;
	*t = got;
}

char *
trace_text(const struct m_trace *t, char to[TRACE_TEXT])
{
	char id[33], parent[17];

	to[0] = '\0';
	if (trace_is_set(t))
		snprintf(to, TRACE_TEXT, "00-%s-%s-%02x",
		    hex_encode(id, t->id, 16), hex_encode(parent, t->parent, 8),
		    t->flags);
	return to;
}

const char *
trace_tag(const struct m_trace *t)
{
	static char tag[TRACE_TEXT + 3];
	char text[TRACE_TEXT];

	tag[0] = '\0';
	if (trace_is_set(t))
		snprintf(tag, sizeof(tag), " [%s]", trace_text(t, text));
	return tag;
}
