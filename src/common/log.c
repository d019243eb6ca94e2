/* SPDX-License-Identifier: Apache-2.0
 *
 * One line at a time, to stderr, or to the monitor once there is a channel.
 * Used by every role; must never take a format from a peer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static const char *name = "tee-runner";
static int shown = LOG_INFO;
static void (*send_line)(int, const char *);
static void (*flush_lines)(void);
static void (*sink)(int, const char *);

void
log_init(const char *who, int level)
{
	name = who;
	shown = level;
}

void
log_level(int level)
{
	shown = level;
}

void
log_to(void (*send)(int, const char *), void (*flush)(void))
{
	send_line = send;
	flush_lines = flush;
}

void
log_sink(void (*f)(int level, const char *line))
{
	sink = f;
}

/* One write, so that lines of several processes do not mix. */
void
log_line(int level, const char *who, const char *text)
{
	char line[LOG_LINE];
	int n;

	if (level > shown)
		return;
	n = snprintf(line, sizeof(line), "%s: %s\n", who, text);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (sink != NULL) {
		line[n - 1] = '\0';
		sink(level, line);
	} else if (n > 0 && write(STDERR_FILENO, line, (size_t)n) == -1)
		return;		/* nowhere left to say it */
}

static void
say(int level, const char *fmt, va_list ap)
{
	char text[LOG_TEXT];

	if (level > shown)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (send_line == NULL)
		log_line(level, name, text);
	else
		send_line(level, text);
}

#define SAY(level) do {			\
	va_list ap;			\
	va_start(ap, fmt);		\
	say((level), fmt, ap);		\
	va_end(ap);			\
} while (0)

void
log_err(const char *fmt, ...)
{
	SAY(LOG_ERR);
}

void
log_warn(const char *fmt, ...)
{
	SAY(LOG_WARNING);
}

void
log_info(const char *fmt, ...)
{
	SAY(LOG_INFO);
}

void
log_debug(const char *fmt, ...)
{
	SAY(LOG_DEBUG);
}

void
log_exit(int status)
{
	if (flush_lines != NULL)
		flush_lines();
	/* Not exit(): handlers of libraries want more than a filter allows. */
	_exit(status);
}

void
fatal(const char *fmt, ...)
{
	static int again;

	if (again++ == 0)	/* the log's own channel may be what broke */
		SAY(LOG_ERR);
	log_exit(1);
}

static size_t
escaped_width(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '\\' ? 1 : 4;
}

char *
log_escape(char *dst, size_t size, const void *src, size_t n)
{
	const unsigned char *s = src;
	size_t i, w, used = 0, all = 0;
	const char *end = "";

	for (i = 0; i < n && all < size; i++)
		all += escaped_width(s[i]);
	if (all >= size) {
		end = "...";
		size -= 3;
	}
	for (i = 0; i < n; i++, used += w) {
		w = escaped_width(s[i]);
		if (w >= size - used)
			break;
		if (w == 1)
			dst[used] = (char)s[i];
		else
			snprintf(dst + used, 5, "\\x%02x", s[i]);
	}
	strcpy(dst + used, end);
	return dst;
}
