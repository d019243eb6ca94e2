/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's log with readers that do not read. alarm(2) ends a test in
 * which a write blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>

static char path[64];
#define SYSLOG_PATH path
#include "../../src/monitor/logger.c"

#define LINES	10000		/* more than a pipe and the buffer hold */

static int reader, old_stderr;
static struct event_base *base;

static int
begin(void **unused)
{
	(void)unused;
	alarm(20);
	old_stderr = dup(STDERR_FILENO);
	base = event_base_new();
	logger_start(base);
	memset(&pending, 0, sizeof(pending));
	log_init("tee-runnerd", LOG_INFO);
	return 0;
}

static int
end(void **unused)
{
	(void)unused;
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	if (fd != STDERR_FILENO)
		close(fd);
	fd = STDERR_FILENO;
	log_sink(NULL);
	event_free(retry);
	retry = NULL;
	event_base_free(base);
	close(reader);
	alarm(0);
	return 0;
}

static void
stderr_is(int writer)
{
	assert_int_not_equal(dup2(writer, STDERR_FILENO), -1);
	close(writer);
	logger_init(0);
}

static void
fill(void)
{
	int i;

	for (i = 0; i < LINES; i++)
		log_warn("line %d", i);
	assert_true(pending.dropped > 0);
	assert_true(evtimer_pending(retry, NULL));
}

/* What follows the time at the start of a line, which is of this minute or the
 * last. */
static const char *
after_time(const char *line)
{
	const time_t now = time(NULL);
	struct tm tm = { 0 };
	const char *end = strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);

	assert_non_null(end);
	assert_in_range(now - timegm(&tm), 0, 60);
	assert_int_equal(end[0], '.');
	assert_int_equal(strspn(end + 1, "0123456789"), 3);
	assert_memory_equal(end + 4, "Z ", 2);
	return end + 6;
}

/* Read all lines while the loop runs: their numbers follow one another, and
 * what is missing was told. */
static void
read_all(void)
{
	char text[1024 * 1024];
	const char *s = text;
	size_t used = 0;
	unsigned i, dropped = pending.dropped;
	char want[64];
	ssize_t n;

	fcntl(reader, F_SETFL, O_NONBLOCK);
	do {
		event_base_loop(base, EVLOOP_NONBLOCK);
		n = read(reader, text + used, sizeof(text) - 1 - used);
		if (n > 0)
			used += (size_t)n;
	} while (pending.used != 0 || n > 0);
	text[used] = '\0';
	for (i = 0; i < LINES - dropped; i++) {
		snprintf(want, sizeof(want), "tee-runnerd: line %u\n", i);
		s = after_time(s);
		assert_memory_equal(s, want, strlen(want));
		s += strlen(want);
	}
	snprintf(want, sizeof(want),
	    "tee-runnerd: log: %u lines dropped: "
	    "nobody read them\n",
	    dropped);
	assert_string_equal(after_time(s), want);
	assert_int_equal(pending.dropped, 0);
}

static void
a_pipe_that_nobody_reads_blocks_nothing(void **unused)
{
	int p[2];

	(void)unused;
	assert_int_equal(pipe(p), 0);
	reader = p[0];
	stderr_is(p[1]);
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	fill();
	read_all();
}

static void
a_socket_that_nobody_reads_blocks_nothing(void **unused)
{
	int p[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	reader = p[0];
	stderr_is(p[1]);
	fill();
	read_all();
}

static void
a_reader_that_is_gone_is_no_reason_to_wait(void **unused)
{
	int p[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(p), 0);
	reader = dup(p[0]);
	close(p[0]);
	close(reader);
	stderr_is(p[1]);
	log_warn("line");
	assert_int_equal(pending.used, 0);
	reader = -1;
}

/* JOURNAL_STREAM is that of the journal's socket and not of another. */
static void
the_journal_gets_priorities_and_others_the_time(void **unused)
{
	char stream[64], line[64] = "";
	struct stat st;
	int p[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	assert_int_equal(fstat(p[1], &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
	    (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	reader = p[0];
	stderr_is(p[1]);
	log_warn("a line");
	assert_true(read(reader, line, sizeof(line) - 1) > 0);
	assert_string_equal(line, "<4>tee-runnerd: a line\n");
	setenv("JOURNAL_STREAM", "1:1", 1);
	logger_init(0);
	log_warn("another");
	memset(line, 0, sizeof(line));
	assert_true(read(reader, line, sizeof(line) - 1) > 0);
	assert_string_equal(after_time(line), "tee-runnerd: another\n");
	unsetenv("JOURNAL_STREAM");
}

static int
listen_syslog(void)
{
	struct sockaddr_un sun = { AF_UNIX, "" };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	unlink(path);
	assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return s;
}

/* The next datagram ends with `want'. */
static void
syslog_gets(int s, const char *want)
{
	char line[1024];
	ssize_t n;

	n = recv(s, line, sizeof(line) - 1, 0);
	assert_true(n > (ssize_t)strlen(want));
	line[n] = '\0';
	assert_memory_equal(line, "<28>", 4);
	assert_non_null(strstr(line, " tee-runnerd["));
	assert_string_equal(line + n - strlen(want), want);
}

static void
a_syslogd_that_does_not_read_blocks_nothing(void **unused)
{
	unsigned i, dropped;
	char want[64];

	(void)unused;
	snprintf(path, sizeof(path), "/tmp/tee-test-log.%d", (int)getpid());
	reader = listen_syslog();
	logger_init(1);
	fill();
	dropped = pending.dropped;
	for (i = 0; i < LINES - dropped; i++) {
		snprintf(want, sizeof(want), "]: tee-runnerd: line %u", i);
		flush();
		syslog_gets(reader, want);
	}
	snprintf(want, sizeof(want), "log: %u lines dropped: nobody read them",
	    dropped);
	syslog_gets(reader, want);
	unlink(path);
}

static void
a_syslogd_that_starts_again_gets_what_was_kept(void **unused)
{
	(void)unused;
	snprintf(path, sizeof(path), "/tmp/tee-test-log.%d", (int)getpid());
	reader = listen_syslog();
	logger_init(1);
	log_warn("before");
	syslog_gets(reader, ": before");
	close(reader);
	log_warn("meanwhile");
	assert_int_not_equal(pending.used, 0);
	reader = listen_syslog();
	log_warn("after");
	syslog_gets(reader, ": meanwhile");
	syslog_gets(reader, ": after");
	unlink(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pipe_that_nobody_reads_blocks_nothing),
		TEST(a_socket_that_nobody_reads_blocks_nothing),
		TEST(a_reader_that_is_gone_is_no_reason_to_wait),
		TEST(the_journal_gets_priorities_and_others_the_time),
		TEST(a_syslogd_that_does_not_read_blocks_nothing),
		TEST(a_syslogd_that_starts_again_gets_what_was_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
