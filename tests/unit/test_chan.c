/* SPDX-License-Identifier: Apache-2.0
 *
 * The table and the channel: msg_legal() over every combination, against a
 * second reading of messages.def; and what chan_recv() lets through.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF R_COMPUTE
#include "dispatch.h"
#include "log.h"
#include "proc.h"

static unsigned n_jobs, n_operands;
static enum state state;

ON(START) { }
ON(PEER) { }
ON(JOB)
{
	n_jobs++;
	state = S_SERVING;
}
ON(JOB_OPERANDS)
{
	assert_int_equal(m->n_rows, 3);
	n_operands++;
	state = S_IDLE;
}

/* The same rules, read once more by hand where a mistake would cost most. */
static int
expected(uint32_t from, uint32_t to, uint32_t state_bit, uint32_t type)
{
	switch (type) {
	case M_START:
		return from == R_MONITOR && (to & R_CHILDREN) &&
		    state_bit == S_INIT;
	case M_FACTS:
		return from == R_CHAIN && to == R_KEYS && (state_bit & S_UP) != 0;
	case M_TX:
		return from == R_KEYS && to == R_CHAIN && (state_bit & S_UP) != 0;
	case M_TLS_SIGN:
		return from == R_TLS && to == R_KEYS && (state_bit & S_UP) != 0;
	case M_JOB:
		return from == R_KEYS && to == R_COMPUTE && state_bit == S_IDLE;
	case M_JOB_OPERANDS:
		return from == R_KEYS && to == R_COMPUTE &&
		    state_bit == S_SERVING;
	case M_BATCH: case M_TASK: case M_GRANT: case M_GRANT_TASK:
	case M_GRANT_SEAL: case M_FETCH_FAILED: case M_HELLO_ASK:
	case M_RENEW: case M_VERDICT:
		return from == R_NET && to == R_KEYS && (state_bit & S_UP) != 0;
	case M_JOB_DONE:
		return from == R_COMPUTE && to == R_KEYS && (state_bit & S_UP) != 0;
	}
	return -1;		/* not read by hand */
}

static void
legal_is_the_table_and_nothing_else(void **unused)
{
	uint32_t from, to, st, type;
	size_t len, legal = 0, all = 0;
	int nfds, want;

	(void)unused;
	for (type = 0; type < M_TYPES + 3; type++)
	for (from = 1; from <= 1u << ROLE_BITS; from <<= 1)
	for (to = 1; to <= 1u << ROLE_BITS; to <<= 1)
	for (st = 1; st <= 1u << STATE_BITS; st <<= 1)
	for (nfds = 0; nfds < 3; nfds++) {
		const struct msg_rule *r = type > 0 && type < M_TYPES ?
		    &msg_rules[type] : NULL;
		const size_t fixed = r == NULL ? 0 : r->payload;
		const size_t lens[] = { 0, fixed - 1, fixed, fixed + 1,
		    r == NULL ? 1 : fixed + r->row,
		    r == NULL ? 2 : fixed + r->row * r->rows,
		    r == NULL ? 3 : fixed + r->row * (r->rows + 1),
		    MSG_MAX, SIZE_MAX };
		const int rule = r != NULL && (r->from & from) &&
		    (r->to & to) && (r->states & st) && nfds == r->fds;

		want = expected(from, to, st, type);
		for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
			int fits;

			len = lens[i];
			fits = r != NULL && len >= fixed &&
			    (r->row == 0 ? len == fixed :
			    (len - fixed) % r->row == 0 &&
			    (len - fixed) / r->row <= r->rows);
			assert_int_equal(msg_legal(from, to, st, type, len,
			    nfds), rule && fits);
			if (want != -1 && len == fixed && nfds == r->fds)
				assert_int_equal(rule, want);
			legal += rule && fits;
			all++;
		}
	}
	assert_true(legal > 100 && legal < all / 50);
}

static void
two_bits_are_no_role_and_no_state(void **unused)
{
	(void)unused;
	assert_true(msg_legal(R_NET, R_KEYS, S_IDLE, M_BATCH,
	    sizeof(struct m_batch), 0));
	assert_false(msg_legal(R_NET | R_TLS, R_KEYS, S_IDLE, M_BATCH,
	    sizeof(struct m_batch), 0));
	assert_false(msg_legal(R_NET, R_KEYS | R_CHAIN, S_IDLE, M_BATCH,
	    sizeof(struct m_batch), 0));
	assert_false(msg_legal(R_NET, R_KEYS, S_UP, M_BATCH,
	    sizeof(struct m_batch), 0));
	assert_false(msg_legal(R_NET, R_KEYS, 0, M_BATCH,
	    sizeof(struct m_batch), 0));
}

static void
open_pair(struct chan *a, enum role ra, struct chan *b, enum role rb)
{
	int fd[2];

	assert_int_equal(chan_pair(fd), 0);
	chan_init(a, fd[0], ra, rb, 0);
	chan_init(b, fd[1], rb, ra, 0);
}

static void
records_come_whole_and_in_order(void **unused)
{
	static struct m_operand operands[3];
	static const struct m_job job;
	struct chan k, c;

	(void)unused;
	open_pair(&k, R_KEYS, &c, R_COMPUTE);
	state = S_IDLE;
	n_jobs = n_operands = 0;
	assert_int_equal(chan_send(&k, M_JOB, &job, NULL, 0, -1), 0);
	assert_int_equal(chan_send(&k, M_JOB_OPERANDS, NULL, operands, 3, -1),
	    0);
	assert_int_equal(chan_dispatch(&c, &state), 0);
	assert_int_equal(n_jobs, 1);
	assert_int_equal(n_operands, 1);
	chan_close(&k);
	assert_int_equal(chan_dispatch(&c, &state), -1);
	chan_close(&c);
	assert_int_equal(chan_send(&c, M_JOB_DONE, NULL, NULL, 0, -1), -1);
}

static void
what_the_socket_does_not_take_is_queued(void **unused)
{
	static const struct m_log log = { .level = LOG_INFO };
	struct chan a, b;
	struct msg m;
	unsigned sent, got = 0;

	(void)unused;
	open_pair(&a, R_KEYS, &b, R_MONITOR);
	for (sent = 0; a.queued < 4096; sent++)
		assert_int_equal(chan_send(&a, M_LOG, &log, NULL, 0, -1), 0);
	assert_int_equal(chan_flush(&a), 1);
	do {
		while (chan_recv(&b, S_IDLE, &m) == 1)
			got++;
	} while (chan_flush(&a) == 1);
	while (chan_recv(&b, S_IDLE, &m) == 1)
		got++;
	assert_int_equal(got, sent);
	assert_int_equal(a.queued, 0);
	chan_close(&a);
	chan_close(&b);
}

static void
last_words_outlive_records_left_unread(void **unused)
{
	static const struct m_denied denied = { .nr = 41 };
	static const struct m_start start;
	struct chan a, b;
	struct msg m;

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	assert_int_equal(chan_send(&a, M_START, &start, NULL, 0, -1), 0);
	assert_int_equal(chan_send(&b, M_DENIED, &denied, NULL, 0, -1), 0);
	chan_close(&b);		/* START is still in it */
	assert_int_equal(chan_recv(&a, S_IDLE, &m), 1);
	assert_int_equal(m.type, M_DENIED);
	assert_int_equal(chan_recv(&a, S_IDLE, &m), -1);
	chan_close(&a);
}

static void
a_descriptor_arrives_with_its_record(void **unused)
{
	static const struct m_peer peer = { .role = R_KEYS };
	struct chan a, b;
	struct msg m;
	int p[2];
	char x = 0;

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(chan_send(&a, M_PEER, &peer, NULL, 0, p[1]), 0);
	close(p[1]);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(m.type, M_PEER);
	assert_true(m.fd >= 0);
	assert_int_equal(write(m.fd, "x", 1), 1);
	assert_int_equal(read(p[0], &x, 1), 1);
	assert_int_equal(x, 'x');
	close(m.fd);
	close(p[0]);
	chan_close(&a);
	chan_close(&b);
}

/* What a hostile sender writes to the raw socket; the receiver's exit status. */
static int
status_after(const void *record, size_t len, enum state st, int with_fd)
{
	unsigned char control[CMSG_SPACE(sizeof(int))]
	    __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { (void *)(uintptr_t)record, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;
	struct chan c;
	struct msg m;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(chan_pair(fd), 0);
	if (with_fd) {
		mh.msg_control = control;
		mh.msg_controllen = sizeof(control);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd[0], sizeof(int));
	}
	assert_int_equal(sendmsg(fd[0], &mh, 0), (ssize_t)len);
	if ((pid = fork()) == 0) {
		log_init("test", -1);
		chan_init(&c, fd[1], R_COMPUTE, R_KEYS, 0);
		_exit(chan_recv(&c, st, &m) == 1 ? 42 : 43);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd[0]);
	close(fd[1]);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
an_illegal_record_ends_the_receiver(void **unused)
{
	static struct {
		struct msg_hdr	hdr;
		struct m_job	job;
		struct m_word	words[PROGRAM_WORDS + 1];
	} r = { .hdr = { .type = M_JOB } };
	static unsigned char big[MSG_MAX + 1];
	const size_t fixed = sizeof(r.hdr) + sizeof(r.job);

	(void)unused;
	assert_int_equal(status_after(&r, fixed, S_IDLE, 0), 42);
	assert_int_equal(status_after(&r, fixed + 32, S_IDLE, 0), 42);
	assert_int_equal(status_after(&r, fixed, S_SERVING, 0), 1);
	assert_int_equal(status_after(&r, fixed, S_IDLE, 1), 1);
	assert_int_equal(status_after(&r, fixed + 31, S_IDLE, 0), 1);
	assert_int_equal(status_after(&r, fixed - 1, S_IDLE, 0), 1);
	assert_int_equal(status_after(&r, sizeof(r.hdr), S_IDLE, 0), 1);
	assert_int_equal(status_after(&r, 1, S_IDLE, 0), 1);
	assert_int_equal(status_after(&r, sizeof(r), S_IDLE, 0), 1);
	memcpy(big, &r.hdr, sizeof(r.hdr));
	assert_int_equal(status_after(big, sizeof(big), S_IDLE, 0), 1);
	r.hdr.zero = 1;
	assert_int_equal(status_after(&r, fixed, S_IDLE, 0), 1);
	r.hdr = (struct msg_hdr){ .type = M_TYPES };
	assert_int_equal(status_after(&r, fixed, S_IDLE, 0), 1);
	r.hdr.type = M_NONE;
	assert_int_equal(status_after(&r, fixed, S_IDLE, 0), 1);
}

static void
the_monitor_outlives_an_illegal_record(void **unused)
{
	const struct msg_hdr hdr = { .type = M_START };
	struct chan c;
	struct msg m;
	int fd[2];

	(void)unused;
	assert_int_equal(chan_pair(fd), 0);
	chan_init(&c, fd[1], R_MONITOR, R_NET, 0);
	assert_int_equal(write(fd[0], &hdr, sizeof(hdr)), sizeof(hdr));
	log_init("test", -1);
	assert_int_equal(chan_recv(&c, S_IDLE, &m), -1);
	close(fd[0]);
	chan_close(&c);
}

static void
text_of_peers_is_escaped(void **unused)
{
	char dst[16];

	(void)unused;
	assert_string_equal(log_escape(dst, sizeof(dst), "a\nb", 3), "a\\x0ab");
	assert_string_equal(log_escape(dst, sizeof(dst), "a\\b", 3), "a\\x5cb");
	assert_string_equal(log_escape(dst, sizeof(dst), "123456789012345", 15),
	    "123456789012345");
	assert_string_equal(log_escape(dst, sizeof(dst), "1234567890123456",
	    16), "123456789012...");
	assert_string_equal(log_escape(dst, 5, "\xff\xff", 2), "...");
	assert_string_equal(log_escape(dst, 5, "", 0), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_is_the_table_and_nothing_else),
		cmocka_unit_test(two_bits_are_no_role_and_no_state),
		cmocka_unit_test(records_come_whole_and_in_order),
		cmocka_unit_test(what_the_socket_does_not_take_is_queued),
		cmocka_unit_test(last_words_outlive_records_left_unread),
		cmocka_unit_test(a_descriptor_arrives_with_its_record),
		cmocka_unit_test(an_illegal_record_ends_the_receiver),
		cmocka_unit_test(the_monitor_outlives_an_illegal_record),
		cmocka_unit_test(text_of_peers_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
