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

#include <jansson.h>
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
	logger_format(0);
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

/* ---- JSON -------------------------------------------------------------- */

/* A line of the log as an object. */
static json_t *
object(int level, const char *who, const char *text)
{
	static char line[LINE_SIZE];
	json_t *o;
	ssize_t n;
	int p[2];

	assert_int_equal(pipe(p), 0);
	reader = p[0];
	stderr_is(p[1]);
	logger_format(1);
	log_line(level, who, text);
	n = read(reader, line, sizeof(line) - 1);
	assert_true(n > 0);
	assert_int_equal(line[n - 1], '\n');
	line[n - 1] = '\0';
	assert_null(strchr(line, '\n'));
	o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	close(reader);
	close(fd);
	fd = STDERR_FILENO;
	reader = -1;
	return o;
}

/* want: NULL, it has no such member */
static void
member(const json_t *o, const char *name, const char *want)
{
	const char *s = json_string_value(json_object_get(o, name));

	if (want == NULL)
		assert_null(s);
	else {
		assert_non_null(s);
		assert_string_equal(s, want);
	}
}

static void
a_json_line_has_the_parts_of_the_text(void **unused)
{
	json_t *o = object(LOG_WARNING, "net", "gateway h:1: failing: a: b");
	char stamp[64];

	(void)unused;
	assert_int_equal(json_object_size(o), 7);
	snprintf(stamp, sizeof(stamp), "%s ",
	    json_string_value(json_object_get(o, "time")));
	assert_string_equal(after_time(stamp), "");
	member(o, "level", "warning");
	member(o, "role", "net");
	member(o, "subject", "gateway h:1");
	member(o, "event", "failing");
	member(o, "detail", "a: b");
	member(o, "message", "gateway h:1: failing: a: b");
	json_decref(o);
}

static void
members_that_are_absent_are_left_out(void **unused)
{
	json_t *o = object(LOG_INFO, "keys", "accepting tasks");

	(void)unused;
	assert_int_equal(json_object_size(o), 5);
	member(o, "level", "info");
	member(o, "event", "accepting tasks");
	member(o, "message", "accepting tasks");
	json_decref(o);
	o = object(LOG_ERR, "keys", "tls-key: renewed");
	member(o, "level", "error");
	member(o, "subject", "tls-key");
	member(o, "event", "renewed");
	member(o, "detail", NULL);
	json_decref(o);
	o = object(LOG_ERR, "keys", "");
	member(o, "message", "");
	json_decref(o);
}

static void
the_chain_is_no_subject(void **unused)
{
	json_t *o = object(LOG_ERR, "keys", "chain 42161: publish: full: x");

	(void)unused;
	member(o, "chain", "42161");
	member(o, "subject", "publish");
	member(o, "event", "full");
	member(o, "detail", "x");
	member(o, "message", "chain 42161: publish: full: x");
	json_decref(o);
	o = object(LOG_ERR, "keys", "chain x: publish: full");
	member(o, "chain", NULL);
	member(o, "subject", "chain x");
	json_decref(o);
}

#define TRACE	"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void
a_traceparent_is_a_member(void **unused)
{
	json_t *o = object(LOG_INFO, "keys", "task 1: refused: x [" TRACE "]");

	(void)unused;
	member(o, "traceparent", TRACE);
	member(o, "detail", "x");
	member(o, "message", "task 1: refused: x [" TRACE "]");
	json_decref(o);
	o = object(LOG_INFO, "keys", "task 1: refused [" TRACE "]");
	member(o, "event", "refused");
	json_decref(o);
	o = object(LOG_INFO, "keys",
	    "task: refused [x0-4bf92f3577b34da6a3ce929"
	    "d0e0e4736-00f067aa0ba902b7-01]");
	member(o, "traceparent", NULL);
	json_decref(o);
}

static void
hostile_text_is_valid_json(void **unused)
{
	char text[256];
	json_t *o = object(LOG_ERR, "net", "a\"b\\: c\n\r\t\x1b[2K: \xc3\xa9");
	int c;

	(void)unused;
	member(o, "subject", "a\"b\\");
	member(o, "event", "c\n\r\t\x1b[2K");
	/* Each byte is one character: U+00C3, U+00A9. */
	member(o, "detail", "\xc3\x83\xc2\xa9");
	json_decref(o);
	for (c = 1; c < 256; c++)
		text[c - 1] = (char)c;
	text[255] = '\0';
	json_decref(object(LOG_ERR, "net", text));
}

/* Each byte needs six. */
static void
the_longest_line_is_complete(void **unused)
{
	static char text[2 * LOG_LINE];
	json_t *o;

	(void)unused;
	memset(text, '\x01', sizeof(text) - 1);
	memcpy(text, "s: e: ", 6);
	o = object(LOG_ERR, "net", text);
	assert_true(json_string_length(json_object_get(o, "message")) > 600);
	json_decref(o);
}

static void
the_journal_gets_priorities_before_json(void **unused)
{
	char text[LINE_SIZE];

	(void)unused;
	is_journal = is_json = 1;
	stderr_format(text, sizeof(text), LOG_WARNING, "{}");
	assert_string_equal(text, "<4>{}\n");
	is_journal = 0;
}

/* ---- syslogd ----------------------------------------------------------- */

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

static void
syslogd_gets_json(void **unused)
{
	(void)unused;
	snprintf(path, sizeof(path), "/tmp/tee-test-log.%d", (int)getpid());
	reader = listen_syslog();
	logger_init(1);
	logger_format(1);
	log_warn("a: b");
	syslog_gets(reader,
	    "\"level\":\"warning\",\"role\":\"tee-runnerd\","
	    "\"subject\":\"a\",\"event\":\"b\",\"message\":\"a: b\"}");
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
		TEST(a_json_line_has_the_parts_of_the_text),
		TEST(members_that_are_absent_are_left_out),
		TEST(the_chain_is_no_subject),
		TEST(a_traceparent_is_a_member),
		TEST(hostile_text_is_valid_json),
		TEST(the_longest_line_is_complete),
		TEST(the_journal_gets_priorities_before_json),
		TEST(syslogd_gets_json),
		TEST(a_syslogd_that_does_not_read_blocks_nothing),
		TEST(a_syslogd_that_starts_again_gets_what_was_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
