/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a log line, and the line as a JSON object (RFC 8259).  Runs in
 * the monitor.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hex.h"
#include "log.h"
#include "monitor.h"

#define TRACEPARENT	55	/* 00-<32>-<16>-<2>: W3C Trace Context */

/* ---- parts ------------------------------------------------------------- */

static int
is_traceparent(const char *s)
{
	size_t i;

	if (memcmp(s, "00-", 3) != 0)
		return 0;
	for (i = 3; i < TRACEPARENT; i++)
		if (i == 35 || i == 52 ? s[i] != '-' :
					 !isxdigit((unsigned char)s[i]))
			return 0;
	return 1;
}

/* Cut ` [traceparent]' from the end of `from'. */
static struct log_part
cut_traceparent(struct log_part *from)
{
	const size_t suffix = TRACEPARENT + sizeof(" []") - 1;
	struct log_part none = { NULL, 0 };
	const char *s;

	if (from->n <= suffix)
		return none;
	s = from->text + from->n - suffix;
	if (s[0] != ' ' || s[1] != '[' || from->text[from->n - 1] != ']' ||
	    !is_traceparent(s + 2))
		return none;
	from->n -= suffix;
	return (struct log_part){ s + 2, TRACEPARENT };
}

/* Cut the first part and its `: ' from `from'; without one nothing is cut. */
static struct log_part
cut_part(struct log_part *from)
{
	struct log_part part = { NULL, 0 };
	const char *end = memmem(from->text, from->n, ": ", 2);

	if (end == NULL)
		return part;
	part = (struct log_part){ from->text, (size_t)(end - from->text) };
	from->text += part.n + 2;
	from->n -= part.n + 2;
	return part;
}

/* `chain N: ' at the start; N is returned. */
static struct log_part
cut_chain(struct log_part *from)
{
	struct log_part rest = *from, part = cut_part(&rest);
	const size_t prefix = sizeof("chain ") - 1;
	size_t i;

	if (part.n <= prefix || memcmp(part.text, "chain ", prefix) != 0)
		return (struct log_part){ NULL, 0 };
	part.text += prefix;
	part.n -= prefix;
	for (i = 0; i < part.n; i++)
		if (!isdigit((unsigned char)part.text[i]))
			return (struct log_part){ NULL, 0 };
	*from = rest;
	return part;
}

void
log_split(struct log_parts *p, const char *text)
{
	struct log_part rest = { text, strlen(text) };

	p->traceparent = cut_traceparent(&rest);
	p->chain = cut_chain(&rest);
	p->subject = cut_part(&rest);
	p->event = cut_part(&rest);
	if (p->event.text == NULL) {
		p->event = rest;
		rest = (struct log_part){ NULL, 0 };
	}
	p->detail = rest;
}

/* ---- JSON -------------------------------------------------------------- */

struct out {
	char	*to;
	size_t	 n;
};

static void
put(struct out *o, const char *s)
{
	while (*s != '\0')
		o->to[o->n++] = *s++;
}

/* Bytes that are not ASCII are escaped one by one: there may be any, and JSON
 * must be UTF-8. */
static void
put_escaped(struct out *o, struct log_part p)
{
	unsigned char c;

	for (; p.n > 0; p.text++, p.n--) {
		c = (unsigned char)*p.text;
		if (c == '"' || c == '\\')
			o->to[o->n++] = '\\';
		if (c >= ' ' && c < 0x7f) {
			o->to[o->n++] = (char)c;
			continue;
		}
		put(o, "\\u00");
		o->to[o->n++] = HEX_LOWER[c >> 4];
		o->to[o->n++] = HEX_LOWER[c & 15];
	}
}

static void
put_member(struct out *o, const char *name, struct log_part value)
{
	if (value.text == NULL)
		return;
	put(o, ",\"");
	put(o, name);
	put(o, "\":\"");
	put_escaped(o, value);
	put(o, "\"");
}

static struct log_part
part_of(const char *text)
{
	return (struct log_part){ text, strlen(text) };
}

static const char *
level_name(int level)
{
	return level <= LOG_ERR ? "error" :
	    level == LOG_WARNING ? "warning" :
	    level == LOG_DEBUG	 ? "debug" :
				   "info";
}

size_t
log_json(char to[LOG_JSON], int level, const char *stamp, const char *line)
{
	char text[LOG_LINE];
	struct log_part role, rest;
	struct log_parts p;
	struct out o = { to, 0 };

	/* Bound the text and not the object, which must be complete. */
	snprintf(text, sizeof(text), "%s", line);
	rest = part_of(text);
	role = cut_part(&rest);
	log_split(&p, rest.text);
	put(&o, "{\"time\":\"");
	put(&o, stamp);
	put(&o, "\"");
	put_member(&o, "level", part_of(level_name(level)));
	put_member(&o, "role", role);
	put_member(&o, "chain", p.chain);
	put_member(&o, "subject", p.subject);
	put_member(&o, "event", p.event);
	put_member(&o, "detail", p.detail);
	put_member(&o, "traceparent", p.traceparent);
	put_member(&o, "message", rest);
	put(&o, "}");
	to[o.n] = '\0';
	return o.n;
}
