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

#include "chan.h"
#include "log.h"

#define QUEUE_MAX	(256 * 1024)	/* bytes that the monitor has not read */

static const char *name = "tee-runner";
static int shown = LOG_INFO;
static struct chan *to;
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
log_to(struct chan *c)
{
	to = c;
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
	char line[640];
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

/* A monitor that does not read costs lines, not the role. */
static void
send_line(const struct m_log *m)
{
	static unsigned dropped;
	struct m_log told = { .level = LOG_WARNING };

	if (to->queued > QUEUE_MAX) {
		dropped++;
		return;
	}
	if (dropped != 0) {
		snprintf(told.text, sizeof(told.text), "log: %u lines dropped: "
		    "the monitor did not read them", dropped);
		dropped = 0;
		(void)chan_send(to, M_LOG, &told, NULL, 0, -1);
	}
	(void)chan_send(to, M_LOG, m, NULL, 0, -1);
}

static void
say(int level, const char *fmt, va_list ap)
{
	struct m_log m;

	if (level > shown)
		return;
	memset(&m, 0, sizeof(m));
	m.level = (uint32_t)level;
	vsnprintf(m.text, sizeof(m.text), fmt, ap);
	if (to == NULL)
		log_line(level, name, m.text);
	else
		send_line(&m);
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
	if (to != NULL)
		(void)chan_flush(to);
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

char *
log_hex(char *dst, const void *src, size_t n)
{
	static const char digit[16] = "0123456789abcdef";
	const unsigned char *s = src;
	size_t i;

	for (i = 0; i < n; i++) {
		dst[2 * i] = digit[s[i] >> 4];
		dst[2 * i + 1] = digit[s[i] & 15];
	}
	dst[2 * n] = '\0';
	return dst;
}
