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
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
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
start(uint32_t tee)
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
serve(void)
{
	const struct m_peer peer = { R_KEYS, 0 };
	struct msg m;
	int fd[2];

	start(TEE_CHOICE_INSECURE);
	assert_int_equal(next(&monitor_end, &m), 1);
	assert_int_equal(m.type, M_READY);
	assert_int_equal(chan_pair(fd), 0);
	chan_init(&keys_end, fd[0], R_KEYS, R_EVIDENCE, 0);
	chan_send(&monitor_end, M_PEER, &peer, NULL, 0, fd[1]);
	close(fd[1]);
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
	assert_ptr_equal(mmap(NULL, q.size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0), MAP_FAILED);
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

	start(choice);
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
	refuses(TEE_CHOICE_TDX, "tdx is not there: looked for /sys/kernel");
	refuses(TEE_CHOICE_CCA, "cca is not there: looked for /sys/kernel");
	refuses(TEE_CHOICE_SEV_SNP, "tsm/report or /dev/sev-guest");
}

static void
op_tee_is_refused_by_name(void **unused)
{
	(void)unused;
	refuses(TEE_CHOICE_OPTEE, "optee: ");
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
		cmocka_unit_test(a_quote_says_what_it_is_and_has_the_report_data),
		cmocka_unit_test(no_one_can_change_a_quote_any_more),
		cmocka_unit_test(it_answers_one_question_after_the_other),
		cmocka_unit_test(without_a_tee_it_does_not_start),
		cmocka_unit_test(op_tee_is_refused_by_name),
		cmocka_unit_test(a_message_that_is_not_for_it_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
