/* SPDX-License-Identifier: Apache-2.0
 *
 * What a TD may have besides configfs-tsm: dstack's agent, which a child of the
 * test plays at the other end of a socket, and run-time registers, which are
 * files here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attested.h"
#include "evidence.h"
#include "log.h"
#include "payload.h"
#include "tests/unit/dies.h"

#define QUOTE	(48 + 584 + 4 + 4300)	/* of the sample, without padding */
#define DATA	(48 + 520)

int agent_fd = -1;

int	__real_poll(struct pollfd *, nfds_t, int);
int	__wrap_poll(struct pollfd *, nfds_t, int);

static char said[2048], dir[64];
static uint8_t data[64], out[QUOTE_MAX], sample[8192];
static int no_time;		/* poll(2) comes back with nothing */

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	assert_true(ms > 0 && ms <= 60000);
	return no_time ? 0 : __real_poll(p, n, ms);
}

static void
hear(int level, const char *line)
{
	(void)level;
	strncat(said, line, sizeof(said) - strlen(said) - 1);
}

static int
setup(void **unused)
{
	const char name[] = VECTORS
	    "/evidence/tdx/sets/tdx-v4-emr-uptodate/quote.bin";
	FILE *f = fopen(name, "r");
	size_t i;

	(void)unused;
	assert_non_null(f);
	assert_true(fread(sample, 1, sizeof(sample), f) >= QUOTE);
	fclose(f);
	for (i = 0; i < 64; i++)
		data[i] = (uint8_t)(0xf0 + 3 * i);
	memcpy(sample + DATA, data, 64);
	said[0] = '\0';
	no_time = 0;
	log_sink(hear);
	strcpy(dir, "/tmp/test_dstack.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int
teardown(void **unused)
{
	char command[128];

	(void)unused;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---- the agent --------------------------------------------------------- */

/* Is it what the agent understands, with our report data?  Ends the child. */
static void
read_request(int fd)
{
	char b[1024], want[256];
	ssize_t n = 0, r;
	size_t i;

	while (n < (ssize_t)sizeof(b) - 1 &&
	    memchr(b, '}', (size_t)n) == NULL &&
	    (r = read(fd, b + n, sizeof(b) - 1 - (size_t)n)) > 0)
		n += r;
	b[n] = '\0';
	strcpy(want, "\r\n\r\n{\"report_data\":\"");
	for (i = 0; i < 64; i++)
		snprintf(want + strlen(want), 3, "%02x", data[i]);
	strcat(want, "\"}");
	if (strncmp(b, "POST /GetQuote HTTP/1.0\r\n", 25) != 0 ||
	    strstr(b, "\r\nContent-Length: 146\r\n") == NULL ||
	    strstr(b, want) == NULL)
		_exit(1);
}

/* An agent that answers this, in pieces of `piece' bytes. */
static pid_t
agent(const char *head, const char *hex, const char *tail, size_t piece)
{
	int fd[2];
	size_t n, at;
	char *b;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	agent_fd = fd[0];
	assert_int_equal(fcntl(agent_fd, F_SETFL, O_NONBLOCK), 0);
	if ((pid = fork()) != 0) {
		close(fd[1]);
		return pid;
	}
	close(fd[0]);
	n = strlen(head) + strlen(hex) + strlen(tail);
	b = malloc(n + 1);
	snprintf(b, n + 1, "%s%s%s", head, hex, tail);
	read_request(fd[1]);
	for (at = 0; at < n; at += piece)
		if (write(fd[1], b + at, n - at < piece ? n - at : piece) == -1)
			_exit(2);
	_exit(0);
}

static void
agent_ends(pid_t pid)
{
	int status;

	close(agent_fd);
	agent_fd = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* 2: it could not say all, for we did not wait. */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
}

static const char *
hex_of(const uint8_t *b, size_t n)
{
	static char text[2 * sizeof(sample) + 1];
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", b[i]);
	return text;
}

static void
fails(const char *head, const char *hex, const char *tail, int error,
    const char *text)
{
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	said[0] = '\0';
	pid = agent(head, hex, tail, 4096);
	errno = 0;
	assert_int_equal(dstack.quote(data, out, sizeof(out)), -1);
	assert_int_equal(errno, error);
	agent_ends(pid);
	if (strstr(said, text) == NULL)
		fail_msg("`%s' not in: %s", text, said);
}

#define OK	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

static void
a_quote_is_taken_without_its_padding(void **unused)
{
	static const size_t pieces[] = { 1000000, 4096, 7 };
	size_t i;
	pid_t pid;

	(void)unused;
	for (i = 0; i < 3; i++) {
		pid = agent(OK "{\"event_log\":\"[{\\\"quote\\\":1}]\", "
			       "\"quote\": \"",
		    hex_of(sample, QUOTE + 64), "\",\"report_data\":\"00\"}",
		    pieces[i]);
		assert_int_equal(dstack.quote(data, out, sizeof(out)), QUOTE);
		assert_memory_equal(out, sample, QUOTE);
		agent_ends(pid);
	}
}

static void
other_report_data_is_refused(void **unused)
{
	(void)unused;
	sample[DATA] ^= 1;	/* as one that hashes it first gives it */
	fails(OK "{\"quote\":\"", hex_of(sample, QUOTE), "\"}", ESTALE,
	    "over other report data");
}

static void
answers_without_a_quote_are_refused(void **unused)
{
	(void)unused;
	fails("HTTP/1.1 500 Oh\r\n\r\n", "", "", EIO,
	    "the agent refuses: HTTP/1.1 500 Oh");
	fails("nonsense", "", "", EIO, "the agent refuses: nonsense");
	fails("", "", "", ECONNRESET, "closed the connection");
	fails("HTTP/1.1 200 OK\r\nx: y\r\n", "", "", EBADMSG, "no body");
	fails(OK "{\"error\":\"none\"}", "", "", EBADMSG, "has no quote");
	fails(OK "{\"quote\":7}", "", "", EBADMSG, "no string");
	fails(OK "{\"quote\":\"zz\"}", "", "", EBADMSG, "not in hex");
	fails(OK "{\"quote\":\"040\"}", "", "", EBADMSG, "not in hex");
	fails(OK "{\"quote\"", "", "", EBADMSG, "no string");
	fails(OK "{\"quote\":\"04", "", "", EBADMSG, "not in hex");
	fails(OK "{\"quote\":\"\"}", "", "", ENODATA, "is empty");
	fails(OK "{\"quote\":\"", hex_of(sample, QUOTE - 1), "\"}", EBADMSG,
	    "cut off");
}

static void
too_much_is_refused(void **unused)
{
	char *much = malloc(600001);

	(void)unused;
	memset(much, '0', 600000);
	much[600000] = '\0';
	fails(OK, much, "", EBADMSG, "too large");
	much[2 * QUOTE_MAX + 2] = '\0';
	fails(OK "{\"quote\":\"", much, "\"}", EBADMSG, "not in hex");
	free(much);
}

static void
silence_ends_the_wait(void **unused)
{
	int fd[2];

	(void)unused;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	agent_fd = fd[0];
	no_time = 1;
	assert_int_equal(dstack.quote(data, out, sizeof(out)), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_non_null(strstr(said, "no answer in 60 seconds"));
	close(fd[0]);
	close(fd[1]);
}

/* ---- registers --------------------------------------------------------- */

static void
put(const char *name, const uint8_t *b, size_t n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b, 1, n, f), n);
	fclose(f);
}

static void
holds(const char *name, const uint8_t want[48])
{
	char path[128];
	uint8_t b[49];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(b, 1, sizeof(b), f), 48);
	assert_memory_equal(b, want, 48);
	fclose(f);
}

static void
an_empty_register_is_extended_once(void **unused)
{
	static struct conf conf = { .n_chains = 1, .rtmr_extend = 3 };
	uint8_t b[48] = { 0 };

	(void)unused;
	put("rtmr2:sha384", b, 48);
	put("rtmr3:sha384", b, 48);
	rtmr_extend(dir, &conf);
	holds("rtmr2:sha384", b);
	attested_hash(&conf, b);
	holds("rtmr3:sha384", b);
	assert_non_null(strstr(said, "extended register 3"));
	conf.chains[0].chain_id = 2;
	rtmr_extend(dir, &conf);
	holds("rtmr3:sha384", b);
	assert_non_null(strstr(said, "register 3 is not empty"));
}

static void
extend(const void *unused)
{
	static const struct conf conf = { .n_chains = 1, .rtmr_extend = 3 };

	(void)unused;
	rtmr_extend(dir, &conf);
}

static void
no_register_is_fatal(void **unused)
{
	static const uint8_t b[64];

	(void)unused;
	dies(extend, NULL, "Linux 6.16");
	put("rtmr3:sha384", b, 47);
	dies(extend, NULL, "not a register of 48 bytes");
	put("rtmr3:sha384", b, 49);
	dies(extend, NULL, "not a register of 48 bytes");
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_quote_is_taken_without_its_padding),
		T(other_report_data_is_refused),
		T(answers_without_a_quote_are_refused),
		T(too_much_is_refused),
		T(silence_ends_the_wait),
		T(an_empty_register_is_extended_once),
		T(no_register_is_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
