/* SPDX-License-Identifier: Apache-2.0
 *
 * One log line: `subject: event: detail'.  In a role it goes to the monitor as
 * a LOG message; before that, in the monitor and in tools, to standard error.
 * Text from peers goes through log_escape().
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>
#include <syslog.h>		/* LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG */

#define LOG_TEXT	508	/* bytes of a line, NUL included */
#define LOG_LINE	640	/* the same, with `who' and escapes */

/* who: prefix of every line, a role's name. level: least severe level that is
 * logged. */
void log_init(const char *who, int level);
void log_level(int level);
/* In a role: from now on lines go to `send', without `who' and newline;
 * log_exit() calls `flush' before the end. chan_log() of chan.h passes its
 * own. */
void log_to(void (*send)(int level, const char *text), void (*flush)(void));

void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* In the monitor: lines go to `f', without their newline, not to stderr. */
void log_sink(void (*f)(int level, const char *line));
/* In the monitor: a child's line, already formatted, under the child's name. */
void log_line(int level, const char *who, const char *text);

/* A broken invariant or a broken peer: log and exit 1. */
_Noreturn void fatal(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* End the process: what the channel still holds is written, and no library's
 * exit handler runs. */
_Noreturn void log_exit(int status);

/* Printable copy of `n' bytes of foreign text in dst (size `size', at least
 * 5): anything but graphic ASCII and space as \xNN, cut with `...'.  Returns
 * dst. */
char *log_escape(char *dst, size_t size, const void *src, size_t n);

#endif
