/* SPDX-License-Identifier: Apache-2.0
 *
 * Write log lines to standard error or to syslogd.  Runs in the monitor, which
 * writes the lines of all roles.  It never waits for a reader: lines that
 * cannot be written now are kept in a buffer of fixed size, and lines that do
 * not fit are dropped and counted.
 *
 * syslog(3) is not used: it blocks when syslogd does not read.
 */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "monitor.h"

#ifndef SYSLOG_PATH			/* a test's own */
#define SYSLOG_PATH	"/dev/log"
#endif
/* a line, and syslogd's header or a time */
#define LINE_SIZE	(LOG_JSON + 64)
#define BUFFER		(128 * 1024)
#define RETRY		100		/* milliseconds */
#define FINISH		1000		/* milliseconds, at the end */

/* One record after the other: its length, then its bytes. */
static struct {
	unsigned char	 b[BUFFER];
	size_t		 used;
	size_t		 written;	/* bytes of the first record */
	unsigned	 dropped;
} pending;

uint64_t logger_dropped;

static int fd = STDERR_FILENO;
/* Write a record: how many bytes, or -1 if it cannot be written now. */
static ssize_t	(*put)(const void *, size_t);
static int is_syslog, is_journal, is_attached, is_json;
static struct event *retry;

/* ---- standard error ---------------------------------------------------- */

/* What failed for another reason than EAGAIN, such as a full disk, would fail
 * again: it counts as written, and as dropped. */
static ssize_t
written(ssize_t n, size_t all)
{
	if (n != -1)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -1;
	logger_dropped++;
	return (ssize_t)all;
}

static ssize_t
put_file(const void *line, size_t n)
{
	return written(write(fd, line, n), n);
}

static ssize_t
put_socket(const void *line, size_t n)
{
	return written(send(fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL), n);
}

/* Is standard error the journal of systemd?  JOURNAL_STREAM is its device and
 * inode. */
static int
is_of_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	    st->st_dev == dev && st->st_ino == ino;
}

/* O_NONBLOCK belongs to the open file, which a shell and other processes may
 * share: a pipe and a terminal are opened again for it.  A file does not
 * block. */
static void
open_stderr(void)
{
	struct stat st;

	put = put_file;
	if (fstat(STDERR_FILENO, &st) == -1)
		return;
	is_journal = is_of_journal(&st);
	if (S_ISSOCK(st.st_mode))
		put = put_socket;
	else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/2",
		    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		fd = STDERR_FILENO;	/* no /proc, or another user's
					 * terminal */
}

/* ---- syslogd ----------------------------------------------------------- */

static int
syslog_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", SYSLOG_PATH);
	if (fd != -1)
		close(fd);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	return connect(fd, (const struct sockaddr *)&sun, sizeof(sun));
}

/* A syslogd that was started again has another socket. */
static ssize_t
put_syslog(const void *line, size_t n)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (fd != -1 &&
		    send(fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
			return (ssize_t)n;
		if (fd != -1 && (errno == EAGAIN || errno == ENOBUFS))
			return -1;
		if (syslog_connect() == -1)
			return -1;
	}
	return -1;
}

/* The format of syslog(3): RFC 3164, section 4.1. */
static size_t
syslog_format(char *to, size_t size, int level, const char *line)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%b %e %T", &tm) == 0)
		stamp[0] = '\0';
	return (size_t)snprintf(to, size, "<%d>%s tee-runnerd[%d]: %s",
	    LOG_DAEMON | level, stamp, (int)getpid(), line);
}

/* The time as ISO 8601, UTC. */
static void
format_time(char *to, size_t size)
{
	struct timespec now = { 0, 0 };
	struct tm tm = { 0 };
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	n = strftime(to, size, "%FT%T", &tm);
	snprintf(to + n, size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

/* The journal has its own time, and an object of JSON contains it. */
static size_t
stderr_format(char *to, size_t size, int level, const char *line)
{
	char stamp[32];

	if (is_journal)
		return (size_t)snprintf(to, size, "<%d>%s\n", level, line);
	if (is_json)
		return (size_t)snprintf(to, size, "%s\n", line);
	format_time(stamp, sizeof(stamp));
	return (size_t)snprintf(to, size, "%s %s\n", stamp, line);
}

/* Until the daemon is ready, somebody may wait for it at a terminal. */
static void
echo(int level, const char *line)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (level <= LOG_WARNING && poll(&p, 1, 0) == 1)
		dprintf(STDERR_FILENO, "%s\n", line);
}

static void	flush(void);

/* ---- the buffer -------------------------------------------------------- */

static void
keep(const void *line, uint16_t n)
{
	if (pending.used + sizeof(n) + n > BUFFER) {
		pending.dropped++;
		logger_dropped++;
		return;
	}
	memcpy(pending.b + pending.used, &n, sizeof(n));
	memcpy(pending.b + pending.used + sizeof(n), line, n);
	pending.used += sizeof(n) + n;
}

static void
line_out(int level, const char *line)
{
	char text[LINE_SIZE], json[LOG_JSON], stamp[32];
	const char *body = line;
	size_t n;

	if (is_json) {
		format_time(stamp, sizeof(stamp));
		log_json(json, level, stamp, line);
		body = json;
	}
	n = is_syslog ? syslog_format(text, sizeof(text), level, body) :
			stderr_format(text, sizeof(text), level, body);
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	keep(text, (uint16_t)n);
	flush();
	if (is_attached)
		echo(level, line);
}

/* Tell of what was dropped, when there is room for it again. */
static void
tell_dropped(void)
{
	char line[80];

	if (pending.dropped == 0 || pending.used != 0)
		return;
	snprintf(line, sizeof(line),
	    "tee-runnerd: log: %u lines dropped: "
	    "nobody read them",
	    pending.dropped);
	pending.dropped = 0;
	line_out(LOG_WARNING, line);
}

/* Write what is kept: 0, or -1 if something stays. */
static int
drain(void)
{
	size_t at = 0;
	uint16_t n;
	ssize_t r = 0;

	while (at < pending.used) {
		memcpy(&n, pending.b + at, sizeof(n));
		r = put(pending.b + at + sizeof(n) + pending.written,
		    n - pending.written);
		if (r == -1)
			break;
		pending.written += (size_t)r;
		if (pending.written < n)
			continue;
		pending.written = 0;
		at += sizeof(n) + n;
	}
	memmove(pending.b, pending.b + at, pending.used - at);
	pending.used -= at;
	return r == -1 ? -1 : 0;
}

static void
flush(void)
{
	static const struct timeval tv = { 0, RETRY * 1000 };

	if (drain() == 0)
		tell_dropped();
	else if (retry != NULL && !evtimer_pending(retry, NULL))
		event_add(retry, &tv);
}

static void
on_retry(evutil_socket_t none, short what, void *arg)
{
	(void)none;
	(void)what;
	(void)arg;
	flush();
}

/* ---- start and end ----------------------------------------------------- */

void
logger_init(int to_syslog)
{
	is_syslog = is_attached = to_syslog;
	tzset();		/* reads a file: before the filter */
	if (is_syslog) {
		fd = -1;
		put = put_syslog;
		syslog_connect();
	} else
		open_stderr();
	log_sink(line_out);
}

void
logger_format(int json)
{
	is_json = json;
}

void
logger_detach(void)
{
	is_attached = 0;
}

void
logger_start(struct event_base *base)
{
	if ((retry = evtimer_new(base, on_retry, NULL)) == NULL)
		fatal("libevent: out of memory");
}

void
logger_finish(void)
{
	int left;

	/* Not until it is writable: syslogd may come back on another socket. */
	for (left = FINISH; pending.used != 0 && left > 0; left -= RETRY) {
		flush();
		if (pending.used != 0)
			poll(NULL, 0, RETRY);
	}
}
