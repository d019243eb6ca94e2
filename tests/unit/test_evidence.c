/* SPDX-License-Identifier: Apache-2.0
 *
 * The evidence role in its own process: what it answers to keys, that no one
 * can change it any more, and that it never passes for more than it is.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chan.h"
#include "log.h"
#include "proc.h"

static struct chan monitor_end, keys_end;
static pid_t pid;
static char said[4096];

static void
start(uint32_t tee, const char *agent)
{
	static struct m_start s;
	int fd[2];

	said[0] = '\0';
	assert_int_equal(chan_pair(fd), 0);
	if ((pid = fork()) == 0) {
		dup2(fd[1], PROC_MONITOR_FD);
		execl("libexec/evidence", "evidence", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	chan_init(&monitor_end, fd[0], R_MONITOR, R_EVIDENCE, 0);
	memset(&s, 0, sizeof(s));
	msg_table_hash(s.table);
	s.role = R_EVIDENCE;
	s.log_level = LOG_DEBUG;
	s.conf.tee = tee;
	strcpy(s.conf.dstack_socket, agent);
	strcpy(s.empty_dir, "/");
	chan_send(&monitor_end, M_START, &s, NULL, 0, -1);
}

/* The next message but LOG, whose text is kept; 0 at the end. */
static int
next(struct chan *c, struct msg *m)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int r;

	while (poll(&p, 1, 5000) == 1) {
		if ((r = chan_recv(c, S_IDLE, m)) == -1)
			return 0;
		if (r == 0)
			continue;
		if (m->type != M_LOG)
			return 1;
		strncat(said, ((const struct m_log *)m->payload)->text,
		    sizeof(said) - strlen(said) - 1);
	}
	fail_msg("evidence says nothing");
	return 0;
}

static int
ended(void)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	chan_close(&monitor_end);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
serve_with(uint32_t tee, const char *agent)
{
	const struct m_peer peer = { R_KEYS, 0 };
	struct msg m;
	int fd[2];

	start(tee, agent);
	assert_int_equal(next(&monitor_end, &m), 1);
	assert_int_equal(m.type, M_READY);
	assert_int_equal(chan_pair(fd), 0);
	chan_init(&keys_end, fd[0], R_KEYS, R_EVIDENCE, 0);
	chan_send(&monitor_end, M_PEER, &peer, NULL, 0, fd[1]);
	close(fd[1]);
}

static void
serve(void)
{
	serve_with(TEE_CHOICE_INSECURE, "");
}

static void
stop(void)
{
	chan_close(&keys_end);
	shutdown(monitor_end.fd, SHUT_WR);
	assert_int_equal(ended(), 0);
}

static int
ask(uint8_t fill, uint8_t report_data[64], struct m_quote *q)
{
	struct m_quote_ask a;
	struct msg m;

	memset(a.report_data, fill, sizeof(a.report_data));
	memcpy(report_data, a.report_data, 64);
	chan_send(&keys_end, M_QUOTE_ASK, &a, NULL, 0, -1);
	assert_int_equal(next(&keys_end, &m), 1);
	assert_int_equal(m.type, M_QUOTE);
	*q = *(const struct m_quote *)m.payload;
	return m.fd;
}

static void
a_quote_says_what_it_is_and_has_the_report_data(void **unused)
{
	uint8_t data[64], quote[256];
	struct m_quote q;
	int fd;

	(void)unused;
	serve();
	fd = ask(0x5a, data, &q);
	assert_int_equal(q.tee_type, TEE_INSECURE);
	assert_int_equal(pread(fd, quote, sizeof(quote), 0), q.size);
	assert_memory_equal(quote, "INSECURE", 8);
	assert_memory_equal(quote + q.size - 64, data, 64);
	close(fd);
	stop();
	assert_non_null(strstr(said, "INSECURE"));
}

static void
no_one_can_change_a_quote_any_more(void **unused)
{
	uint8_t data[64];
	struct m_quote q;
	int fd;

	(void)unused;
	serve();
	fd = ask(1, data, &q);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_ptr_equal(
	    mmap(NULL, q.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	    MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	close(fd);
	stop();
}

static void
it_answers_one_question_after_the_other(void **unused)
{
	uint8_t data[64], quote[256];
	struct m_quote q;
	int fd, i;

	(void)unused;
	serve();
	for (i = 0; i < 100; i++) {
		fd = ask((uint8_t)i, data, &q);
		assert_int_equal(pread(fd, quote, sizeof(quote), 0), q.size);
		assert_memory_equal(quote + q.size - 64, data, 64);
		close(fd);
	}
	stop();
}

/* It does not start, and says this. */
static void
refuses(uint32_t choice, const char *text)
{
	struct msg m;

	start(choice, "");
	assert_int_equal(next(&monitor_end, &m), 0);
	assert_int_equal(ended(), 1);
	assert_non_null(strstr(said, text));
	assert_non_null(strstr(said, "`tee insecure' is for development"));
}

/* Not silently insecure: a machine without a TEE is told. */
static void
without_a_tee_it_does_not_start(void **unused)
{
	(void)unused;
	if (access("/dev/sev-guest", F_OK) == 0 ||
	    access("/sys/kernel/config/tsm/report", F_OK) == 0 ||
	    access("/dev/tee0", F_OK) == 0)
		skip();
	refuses(TEE_CHOICE_AUTO, "none found");
	refuses(TEE_CHOICE_TDX, "tdx not found: looked for /sys/kernel");
	refuses(TEE_CHOICE_CCA, "cca not found: looked for /sys/kernel");
	refuses(TEE_CHOICE_SEV_SNP, "tsm/report or /dev/sev-guest");
	refuses(TEE_CHOICE_OPTEE, "optee not found: looked for /dev/tee0");
}

/* The answer of dstack's agent to any request: a sample, over the report data
 * of the request. */
static void
play_agent(int fd, const uint8_t report_data[64])
{
	const char name[] = "/tests/vectors/evidence/tdx/sets/"
			    "tdx-v4-emr-uptodate/quote.bin";
	const char *srcdir = getenv("srcdir");
	static char path[512],
	    text[20000] = "HTTP/1.0 200 OK\r\n\r\n"
			  "{\"quote\":\"";
	static uint8_t quote[8192];
	size_t i, n, at = strlen(text);
	char request[1024];
	FILE *f;

	snprintf(
	    path, sizeof(path), "%s%s", srcdir == NULL ? "." : srcdir, name);
	if ((f = fopen(path, "r")) == NULL ||
	    read(fd, request, sizeof(request)) <= 0)
		_exit(1);
	n = fread(quote, 1, sizeof(quote), f);
	memcpy(quote + 48 + 520, report_data, 64);
	for (i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, 3, "%02x", quote[i]);
	at += (size_t)snprintf(text + at, 3, "\"}");
	_exit(write(fd, text, at) == (ssize_t)at ? 0 : 1);
}

static void
ask_agent(struct msg *m)
{
	struct m_quote_ask a;

	memset(a.report_data, 7, sizeof(a.report_data));
	chan_send(&keys_end, M_QUOTE_ASK, &a, NULL, 0, -1);
	assert_int_equal(next(&monitor_end, m), 1);
	assert_int_equal(m->type, M_AGENT_ASK);
}

static void
a_connection_to_the_agent_is_the_monitors(void **unused)
{
	const struct m_quote_failed refused = { ECONNREFUSED };
	uint8_t data[64];
	struct msg m;
	int fd[2], status;
	pid_t child;

	(void)unused;
	memset(data, 7, sizeof(data));
	serve_with(TEE_CHOICE_TDX, "/agent");
	ask_agent(&m);
	chan_send(&monitor_end, M_AGENT_FAILED, &refused, NULL, 0, -1);
	assert_int_equal(next(&keys_end, &m), 1);
	assert_int_equal(m.type, M_QUOTE_FAILED);
	assert_int_equal(
	    ((const struct m_quote_failed *)m.payload)->error, ECONNREFUSED);
	ask_agent(&m);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	if ((child = fork()) == 0) {
		close(fd[0]);
		play_agent(fd[1], data);
	}
	close(fd[1]);
	chan_send(&monitor_end, M_AGENT, NULL, NULL, 0, fd[0]);
	close(fd[0]);
	assert_int_equal(next(&keys_end, &m), 1);
	assert_int_equal(m.type, M_QUOTE);
	assert_int_equal(
	    ((const struct m_quote *)m.payload)->tee_type, TEE_TDX);
	close(m.fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	stop();
}

/* One at a time: keys waits for each. */
static void
a_second_question_before_the_answer_ends_it(void **unused)
{
	struct m_quote_ask a = { { 0 } };
	struct msg m;

	(void)unused;
	serve_with(TEE_CHOICE_TDX, "/agent");
	ask_agent(&m);
	chan_send(&keys_end, M_QUOTE_ASK, &a, NULL, 0, -1);
	assert_int_equal(next(&monitor_end, &m), 0);
	assert_int_equal(ended(), 1);
	chan_close(&keys_end);
	assert_non_null(strstr(said, "the last one is not answered"));
}

static void
a_message_that_is_not_for_it_ends_it(void **unused)
{
	const struct msg_hdr h = { M_FACTS, 0 };

	(void)unused;
	serve();
	assert_true(write(keys_end.fd, &h, sizeof(h)) == sizeof(h));
	assert_int_equal(ended(), 1);
	chan_close(&keys_end);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_quote_says_what_it_is_and_has_the_report_data),
		cmocka_unit_test(no_one_can_change_a_quote_any_more),
		cmocka_unit_test(it_answers_one_question_after_the_other),
		cmocka_unit_test(without_a_tee_it_does_not_start),
		cmocka_unit_test(a_connection_to_the_agent_is_the_monitors),
		cmocka_unit_test(a_second_question_before_the_answer_ends_it),
		cmocka_unit_test(a_message_that_is_not_for_it_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
