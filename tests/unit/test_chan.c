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
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF R_COMPUTE
#include "dies.h"
#include "dispatch.h"
#include "log.h"
#include "proc.h"

static unsigned n_jobs, n_seals;
static enum state state;

ON(START)
{
}
ON(LOG_LEVEL)
{
}
ON(PEER)
{
}
ON(JOB)
{
	n_jobs++;
	state = S_SERVING;
}
ON(JOB_SEAL)
{
	assert_int_equal(m->n_rows, 3);
	n_seals++;
	state = S_IDLE;
}

ON(NOX_JOB)
{
}

/* The same rules once more, written by hand for messages that a mistake would
 * cost most. */
static int
expected(uint32_t from, uint32_t to, uint32_t state_bit, uint32_t type)
{
	switch (type) {
	case M_START:
		return from == R_MONITOR && (to & R_CHILDREN) &&
		    state_bit == S_INIT;
	case M_FACTS:
		return from == R_REGISTRY && to == R_KEYS &&
		    (state_bit & S_UP) != 0;
	case M_TX:
		return from == R_KEYS && to == R_REGISTRY &&
		    (state_bit & S_UP) != 0;
	case M_LIMITS:
		return from == R_MONITOR && (to & (R_KEYS | R_NET | R_NOX)) &&
		    (state_bit & S_UP) != 0;
	case M_TLS_KEY:
		return from == R_MONITOR && to == R_KEYS &&
		    (state_bit & S_UP) != 0;
	case M_TLS_CERTIFICATE:
		return from == R_MONITOR && (to == R_NET || to == R_NOX) &&
		    (state_bit & S_UP) != 0;
	case M_TLS_SIGN:
		return from == R_TLS && to == R_KEYS && (state_bit & S_UP) != 0;
	case M_JOB:
		return from == R_KEYS && to == R_COMPUTE && state_bit == S_IDLE;
	case M_JOB_SEAL:
		return from == R_KEYS && to == R_COMPUTE &&
		    state_bit == S_SERVING;
	case M_BATCH:
	case M_TASK:
	case M_GRANT:
	case M_GRANT_TASK:
	case M_GRANT_SEAL:
	case M_FETCH_FAILED:
	case M_HELLO_ASK:
	case M_VERDICT:
		return from == R_NET && to == R_KEYS && (state_bit & S_UP) != 0;
	case M_RENEW:
		return (from == R_NET || from == R_NOX) && to == R_KEYS &&
		    (state_bit & S_UP) != 0;
	case M_NOX_TASK:
	case M_NOX_GRANT:
	case M_NOX_STORED:
	case M_NOX_DROP:
		return from == R_NOX && to == R_KEYS && (state_bit & S_UP) != 0;
	case M_NOX_ASK:
	case M_NOX_RESULT:
	case M_NOX_ENDED:
		return from == R_KEYS && to == R_NOX && (state_bit & S_UP) != 0;
	case M_NOX_JOB:
		return from == R_KEYS && to == R_COMPUTE && state_bit == S_IDLE;
	case M_RSA_KEY:
	case M_NOX_DONE:
	case M_JOB_DONE:
		return from == R_COMPUTE && to == R_KEYS &&
		    (state_bit & S_UP) != 0;
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
	/* Nested loops, all indented as one. */
	/* clang-format off */
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
	/* clang-format on */
	assert_true(legal > 100 && legal < all / 50);
}

static void
two_bits_are_no_role_and_no_state(void **unused)
{
	(void)unused;
	assert_true(msg_legal(
	    R_NET, R_KEYS, S_IDLE, M_BATCH, sizeof(struct m_batch), 0));
	assert_false(msg_legal(
	    R_NET | R_TLS, R_KEYS, S_IDLE, M_BATCH, sizeof(struct m_batch), 0));
	assert_false(msg_legal(R_NET, R_KEYS | R_REGISTRY, S_IDLE, M_BATCH,
	    sizeof(struct m_batch), 0));
	assert_false(
	    msg_legal(R_NET, R_KEYS, S_UP, M_BATCH, sizeof(struct m_batch), 0));
	assert_false(
	    msg_legal(R_NET, R_KEYS, 0, M_BATCH, sizeof(struct m_batch), 0));
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
	static const struct m_partial partials[3];
	static const struct m_job_seal seal;
	static const struct m_job job;
	struct chan k, c;

	(void)unused;
	open_pair(&k, R_KEYS, &c, R_COMPUTE);
	state = S_IDLE;
	n_jobs = n_seals = 0;
	assert_int_equal(chan_send(&k, M_JOB, &job, NULL, 0, -1), 0);
	assert_int_equal(chan_dispatch(&c, &state), 0);
	assert_int_equal(n_jobs, 1);
	assert_int_equal(state, S_SERVING);
	assert_int_equal(chan_send(&k, M_JOB_SEAL, &seal, partials, 3, -1), 0);
	assert_int_equal(chan_dispatch(&c, &state), 0);
	assert_int_equal(n_seals, 1);
	assert_int_equal(state, S_IDLE);
	chan_close(&k);
	assert_int_equal(chan_dispatch(&c, &state), -1);
	chan_close(&c);
	assert_int_equal(chan_send(&c, M_JOB_DONE, NULL, NULL, 0, -1), -1);
}

/* Sends until some are queued, and receives all: each whole and in order. */
static void
through_the_queue(struct chan *a, struct chan *b)
{
	struct m_log log = { .level = 0 };
	struct msg m;
	unsigned sent, got = 0;

	for (sent = 0; a->queued < 4096; sent++) {
		log.level = sent;
		assert_int_equal(chan_send(a, M_LOG, &log, NULL, 0, -1), 0);
	}
	assert_int_equal(chan_flush(a), 1);
	do {
		while (chan_recv(b, S_IDLE, &m) == 1)
			assert_int_equal(
			    ((const struct m_log *)m.payload)->level, got++);
	} while (chan_flush(a) == 1 || got < sent);
	assert_int_equal(a->queued, 0);
}

static void
what_the_socket_does_not_take_is_queued(void **unused)
{
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_KEYS, &b, R_MONITOR);
	through_the_queue(&a, &b);
	through_the_queue(&a, &b);	/* the queue was empty in between */
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

/* Write these bytes to the raw socket as a hostile sender would; the receiver's
 * exit status. */
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
		struct m_word	words[JOB_WORDS + 1];
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
	log_level(LOG_INFO);
	close(fd[0]);
	chan_close(&c);
}

static void
every_role_has_a_name_and_only_roles_have(void **unused)
{
	(void)unused;
	assert_string_equal(role_name(R_MONITOR), "monitor");
	assert_string_equal(role_name(R_NET), "net");
	assert_string_equal(role_name(R_TLS), "tls");
	assert_string_equal(role_name(R_REGISTRY), "registry");
	assert_string_equal(role_name(R_KEYS), "keys");
	assert_string_equal(role_name(R_EVIDENCE), "evidence");
	assert_string_equal(role_name(R_COMPUTE), "compute");
	assert_string_equal(role_name(0), "?");
	assert_string_equal(role_name(R_NET | R_KEYS), "?");
	assert_string_equal(role_name(1u << ROLE_BITS), "?");
}

static void
init_descriptor(const void *fd)
{
	struct chan c;

	chan_init(&c, *(const int *)fd, R_KEYS, R_NET, 0);
}

static void
a_channel_needs_an_open_descriptor(void **unused)
{
	static const int none = -1;

	(void)unused;
	dies(init_descriptor, &none, "channel to net: descriptor -1: Bad file");
}

static void
a_channel_neither_blocks_nor_outlives_exec(void **unused)
{
	struct chan c;
	int p[2];

	(void)unused;
	assert_int_equal(pipe(p), 0);
	chan_init(&c, p[1], R_KEYS, R_NET, 7);
	assert_int_equal(fcntl(p[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(p[1], F_GETFL), O_WRONLY | O_NONBLOCK);
	assert_int_equal(c.index, 7);
	chan_close(&c);
	assert_int_equal(fcntl(p[1], F_GETFD), -1);
	close(p[0]);
}

/* One message and its sender. */
struct sent {
	enum role	self, peer;
	enum msg_type	type;
	size_t		n_rows;
	int		fd;
};

static void
send_one(const void *arg)
{
	static const union {
		struct m_start start;
		struct m_peer peer;
		struct m_job job;
	} payload;
	static const struct m_word rows[JOB_WORDS + 1];
	const struct sent *s = arg;
	struct chan a, b;

	open_pair(&a, s->self, &b, s->peer);
	(void)chan_send(&a, s->type, &payload, rows, s->n_rows, s->fd);
}

static void
what_is_not_in_the_table_is_never_sent(void **unused)
{
	static const struct sent bad[] = {
		{ R_NET, R_COMPUTE, M_JOB, 0, -1 },
		{ R_KEYS, R_NET, M_JOB, 0, -1 },
		{ R_KEYS, R_COMPUTE, M_JOB, JOB_WORDS + 1, -1 },
		{ R_KEYS, R_COMPUTE, M_JOB, 0, STDERR_FILENO },
		{ R_MONITOR, R_NET, M_START, 1, -1 },
		{ R_MONITOR, R_NET, M_PEER, 0, -1 },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		dies(send_one, &bad[i], ": not in the table");
}

static void
send_on_a_bad_descriptor(const void *unused)
{
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	close(a.fd);
	(void)chan_send(&a, M_DRAINED, NULL, NULL, 0, -1);
}

static void
receive_on_a_bad_descriptor(const void *unused)
{
	struct chan a, b;
	struct msg m;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	close(a.fd);
	(void)chan_recv(&a, S_IDLE, &m);
}

static void
an_error_that_no_peer_can_cause_is_fatal(void **unused)
{
	(void)unused;
	dies(
	    send_on_a_bad_descriptor, NULL, "channel to monitor: sendmsg: Bad");
	dies(receive_on_a_bad_descriptor, NULL,
	    "channel to monitor: recvmsg: Bad");
}

static void
a_closed_channel_is_silent(void **unused)
{
	struct chan a, b;
	struct msg m;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	chan_close(&a);
	assert_int_equal(a.fd, -1);
	assert_int_equal(chan_send(&a, M_DRAINED, NULL, NULL, 0, -1), -1);
	assert_int_equal(chan_recv(&a, S_IDLE, &m), -1);
	chan_close(&a);
	chan_close(&b);
}

static void
a_broken_channel_is_silent(void **unused)
{
	struct chan a, b;
	struct msg m;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	assert_int_equal(chan_send(&a, M_DRAINED, NULL, NULL, 0, -1), 0);
	a.is_broken = b.is_broken = 1;
	assert_int_equal(chan_send(&a, M_DRAINED, NULL, NULL, 0, -1), -1);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), -1);
	b.is_broken = 0;
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 0);
	chan_close(&a);
	chan_close(&b);
}

/* STARTs until the socket takes no more: their number. */
static unsigned
fill(struct chan *a)
{
	static const struct m_start start;
	unsigned n;

	for (n = 0; a->head == NULL; n++)
		assert_int_equal(chan_send(a, M_START, &start, NULL, 0, -1), 0);
	return n;
}

static void
one_that_has_gone_gets_nothing_more(void **unused)
{
	static const struct m_start start;
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	fill(&a);
	chan_close(&b);
	assert_int_equal(chan_flush(&a), -1);
	chan_close(&a);

	open_pair(&a, R_MONITOR, &b, R_NET);
	chan_close(&b);
	assert_int_equal(chan_send(&a, M_START, &start, NULL, 0, -1), -1);
	assert_null(a.head);
	chan_close(&a);
}

/* Is the write end of this pipe closed everywhere? */
static int
is_closed(int p)
{
	char x;

	assert_int_not_equal(fcntl(p, F_SETFL, O_NONBLOCK), -1);
	return read(p, &x, 1) == 0;
}

/* A full channel with a descriptor at the end of its queue: as number 0, which
 * must be treated as any other. */
static unsigned
queue_descriptor(struct chan *a, int p[2])
{
	static const struct m_peer peer = { .role = R_KEYS };
	const unsigned n = fill(a);

	assert_int_equal(pipe(p), 0);
	close(STDIN_FILENO);
	assert_int_equal(chan_send(a, M_PEER, &peer, NULL, 0, p[1]), 0);
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), FD_CLOEXEC);
	close(p[1]);
	assert_false(is_closed(p[0]));
	return n;
}

static void
a_queued_descriptor_is_closed_after_it_was_sent(void **unused)
{
	struct chan a, b;
	struct msg m;
	unsigned n;
	int p[2];

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	for (n = queue_descriptor(&a, p); n > 0; n--) {
		assert_int_equal(chan_recv(&b, S_INIT, &m), 1);
		assert_int_equal(m.type, M_START);
		assert_int_equal(m.fd, -1);
		(void)chan_flush(&a);
	}
	assert_int_equal(chan_flush(&a), 0);
	assert_int_equal(open("/dev/null", O_RDONLY), STDIN_FILENO);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(m.type, M_PEER);
	assert_int_equal(write(m.fd, "x", 1), 1);
	assert_false(is_closed(p[0]));
	close(m.fd);
	assert_true(is_closed(p[0]));
	close(p[0]);
	chan_close(&a);
	chan_close(&b);
}

static void
closing_drops_the_queue_and_its_descriptors(void **unused)
{
	struct chan a, b;
	int p[2];

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	queue_descriptor(&a, p);
	chan_close(&a);
	assert_int_equal(open("/dev/null", O_RDONLY), STDIN_FILENO);
	assert_true(is_closed(p[0]));
	assert_null(a.head);
	assert_int_equal(a.queued, 0);
	close(p[0]);
	chan_close(&b);
}

static char lines[8][640];
static unsigned n_lines;

static void
keep_line(int level, const char *line)
{
	assert_int_equal(level, LOG_ERR);
	assert_true(n_lines < sizeof(lines) / sizeof(lines[0]));
	strcpy(lines[n_lines++], line);
}

static void
one_that_does_not_read_is_a_fault_at_the_limit(void **unused)
{
	static const struct m_job job;
	static const struct m_word rows[PROGRAM_WORDS];
	const size_t size = sizeof(struct msg_hdr) + sizeof(job) + sizeof(rows);
	struct chan a, b;
	int sent = 0;

	(void)unused;
	open_pair(&a, R_KEYS, &b, R_COMPUTE);
	log_sink(keep_line);
	n_lines = 0;
	while (!a.is_broken &&
	    (sent = chan_send(&a, M_JOB, &job, rows, PROGRAM_WORDS, -1)) == 0)
		assert_true(a.queued <= CHAN_QUEUE);
	assert_int_equal(sent, -1);
	assert_true(a.is_broken);
	assert_true(CHAN_QUEUE - a.queued < size);
	assert_int_equal(n_lines, 1);
	assert_non_null(
	    strstr(lines[0], "compute: does not read its messages"));
	log_sink(NULL);
	chan_close(&a);
	chan_close(&b);
}

static void *watched;
static int is_freed, has_secret;
void __real_free(void *);
void __wrap_free(void *);

/* free(3) of the channel comes here. */
void
__wrap_free(void *p)
{
	if (p != NULL && p == watched) {
		is_freed = 1;
		has_secret = memmem(p, malloc_usable_size(p), "secret", 6) !=
		    NULL;
	}
	__real_free(p);
}

static void
a_record_that_leaves_the_queue_is_wiped_and_freed(void **unused)
{
	struct m_log log = { .level = LOG_INFO, .text = "secret" };
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	while (a.head == NULL)
		assert_int_equal(chan_send(&a, M_LOG, &log, NULL, 0, -1), 0);
	watched = a.head;
	assert_non_null(
	    memmem(watched, malloc_usable_size(watched), "secret", 6));
	is_freed = has_secret = 0;
	chan_close(&a);
	watched = NULL;
	assert_true(is_freed);
	assert_false(has_secret);
	chan_close(&b);
}

static void
the_queue_may_be_exactly_full(void **unused)
{
	static const struct m_start start;
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	fill(&a);
	a.queued += CHAN_QUEUE - 2 * a.queued;	/* room for one more */
	assert_int_equal(chan_send(&a, M_START, &start, NULL, 0, -1), 0);
	assert_int_equal(a.queued, CHAN_QUEUE);
	chan_close(&a);
	chan_close(&b);
}

static void
a_secret_is_sent_at_once_or_not_at_all(void **unused)
{
	static const struct m_job job;
	struct chan a, b;
	struct msg m;
	int sent;

	(void)unused;
	open_pair(&a, R_KEYS, &b, R_COMPUTE);
	while ((sent = chan_try(&a, M_JOB, &job, NULL, 0)) == 1)
		;
	assert_int_equal(sent, 0);
	assert_null(a.head);
	/* Nor does it overtake what is queued. */
	assert_int_equal(chan_send(&a, M_JOB, &job, NULL, 0, -1), 0);
	assert_non_null(a.head);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(chan_try(&a, M_JOB, &job, NULL, 0), 0);
	chan_close(&b);
	assert_int_equal(chan_flush(&a), -1);
	chan_close(&a);
	assert_int_equal(chan_try(&a, M_JOB, &job, NULL, 0), -1);
}

static void
fill_the_channel_of_the_log(const void *unused)
{
	static const struct m_denied denied;
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	chan_log(&a);
	while (chan_send(&a, M_DENIED, &denied, NULL, 0, -1) == 0)
		;
}

static void
a_fault_of_the_channel_of_the_log_is_not_logged_through_it(void **unused)
{
	(void)unused;
	dies(fill_the_channel_of_the_log, NULL, "");
}

static void
keys_outlive_a_fault_of_all_but_the_monitor(void **unused)
{
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_KEYS, &b, R_NET);
	log_sink(keep_line);
	n_lines = 0;
	chan_fault(&a, M_BATCH, "first");
	assert_true(a.is_broken);
	chan_fault(&a, M_BATCH, "second");
	assert_int_equal(n_lines, 1);
	assert_non_null(strstr(lines[0], "net: illegal BATCH: first"));
	a.is_broken = 0;
	chan_fault(&a, M_NONE, "third");
	a.is_broken = 0;
	chan_fault(&a, M_TYPES, "fourth");
	assert_non_null(strstr(lines[1], "net: illegal message: third"));
	assert_non_null(strstr(lines[2], "net: illegal message: fourth"));
	log_sink(NULL);
	chan_close(&a);
	chan_close(&b);
}

static void
fault_of(const void *arg)
{
	const struct sent *s = arg;
	struct chan a, b;

	open_pair(&a, s->self, &b, s->peer);
	chan_fault(&a, s->type, "why");
}

static void
illegal_in_monitor(const void *unused)
{
	struct chan a, b;

	(void)unused;
	open_pair(&a, R_MONITOR, &b, R_NET);
	chan_illegal(&a, M_READY, "why");
}

static void
all_others_end_at_a_fault(void **unused)
{
	static const struct sent of[] = {
		{ R_KEYS, R_MONITOR, M_START, 0, -1 },
		{ R_NET, R_KEYS, M_START, 0, -1 },
		{ R_COMPUTE, R_KEYS, M_START, 0, -1 },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		dies(fault_of, &of[i], ": illegal START: why");
	dies(illegal_in_monitor, NULL, "net: illegal READY: why");
}

/* A legal record, but for its n descriptors: they must not stay open. */
static void
receive_descriptors(size_t n)
{
	unsigned char control[CMSG_SPACE(8 * sizeof(int))]
	    __attribute__((aligned(8))) = { 0 };
	struct msg_hdr hdr = { .type = M_DRAINED };
	struct iovec iov = { &hdr, sizeof(hdr) };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	struct chan a, b;
	struct msg m;
	int p[2];
	size_t i;

	open_pair(&a, R_NET, &b, R_MONITOR);
	assert_int_equal(pipe(p), 0);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		memcpy(CMSG_DATA(cm) + i * sizeof(int), &p[1], sizeof(int));
	assert_int_equal(sendmsg(a.fd, &mh, 0), sizeof(hdr));
	close(p[1]);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), -1);
	assert_true(b.is_broken);
	assert_true(is_closed(p[0]));
	close(p[0]);
	chan_close(&a);
	chan_close(&b);
}

static void
descriptors_of_an_illegal_record_are_closed(void **unused)
{
	(void)unused;
	log_sink(keep_line);
	n_lines = 0;
	receive_descriptors(1);
	receive_descriptors(2);
	receive_descriptors(8);		/* more than there is room for */
	assert_int_equal(n_lines, 3);
	log_sink(NULL);
}

static void
credentials_are_no_descriptors(void **unused)
{
	const int on = 1;
	struct chan a, b;
	struct msg m;

	(void)unused;
	open_pair(&a, R_NET, &b, R_MONITOR);
	assert_int_equal(
	    setsockopt(b.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	assert_int_equal(chan_send(&a, M_DRAINED, NULL, NULL, 0, -1), 0);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(m.fd, -1);
	chan_close(&a);
	chan_close(&b);
}

static void
payload_and_rows_arrive_as_they_were_sent(void **unused)
{
	static const struct m_denied denied = { .nr = 41 };
	struct m_word rows[2];
	struct m_job job;
	struct chan a, b;
	struct msg m;

	(void)unused;
	memset(&job, 0x5a, sizeof(job));
	memset(rows, 0xa5, sizeof(rows));
	open_pair(&a, R_KEYS, &b, R_COMPUTE);
	assert_int_equal(chan_send(&a, M_JOB, &job, rows, 2, -1), 0);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(m.n_rows, 2);
	assert_memory_equal(m.payload, &job, sizeof(job));
	assert_memory_equal(m.rows, rows, sizeof(rows));
	chan_close(&a);
	chan_close(&b);

	open_pair(&a, R_NET, &b, R_MONITOR);
	assert_int_equal(chan_send(&a, M_DENIED, &denied, NULL, 0, -1), 0);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	assert_int_equal(m.n_rows, 0);
	assert_memory_equal(m.payload, &denied, sizeof(denied));
	chan_close(&a);
	chan_close(&b);
}

static void
a_wipe_goes_as_far_as_was_received(void **unused)
{
	static const struct m_word zero[3];
	struct m_word rows[2], *seen;
	struct m_job job;
	struct chan a, b;
	struct msg m;

	(void)unused;
	memset(&job, 0x5a, sizeof(job));
	memset(rows, 0xa5, sizeof(rows));
	open_pair(&a, R_KEYS, &b, R_COMPUTE);
	assert_int_equal(chan_send(&a, M_JOB, &job, rows, 2, -1), 0);
	assert_int_equal(chan_send(&a, M_JOB, &job, NULL, 0, -1), 0);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	seen = (struct m_word *)(uintptr_t)m.rows;
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);	/* shorter */
	assert_memory_equal(seen, rows, sizeof(rows));
	chan_wipe();
	assert_memory_equal(seen, zero, sizeof(rows));
	assert_memory_equal(m.payload, zero, sizeof(zero));

	/* The next record does not come so far, and its wipe neither. */
	seen[1].b[0] = 1;
	assert_int_equal(chan_send(&a, M_JOB, &job, NULL, 0, -1), 0);
	assert_int_equal(chan_recv(&b, S_IDLE, &m), 1);
	chan_wipe();
	assert_memory_equal(m.payload, zero, sizeof(zero));
	assert_int_equal(seen[1].b[0], 1);
	chan_close(&a);
	chan_close(&b);
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
	assert_string_equal(
	    log_escape(dst, sizeof(dst), "1234567890123456", 16),
	    "123456789012...");
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
		cmocka_unit_test(every_role_has_a_name_and_only_roles_have),
		cmocka_unit_test(a_channel_needs_an_open_descriptor),
		cmocka_unit_test(a_channel_neither_blocks_nor_outlives_exec),
		cmocka_unit_test(what_is_not_in_the_table_is_never_sent),
		cmocka_unit_test(an_error_that_no_peer_can_cause_is_fatal),
		cmocka_unit_test(a_closed_channel_is_silent),
		cmocka_unit_test(a_broken_channel_is_silent),
		cmocka_unit_test(one_that_has_gone_gets_nothing_more),
		cmocka_unit_test(
		    a_queued_descriptor_is_closed_after_it_was_sent),
		cmocka_unit_test(closing_drops_the_queue_and_its_descriptors),
		cmocka_unit_test(
		    one_that_does_not_read_is_a_fault_at_the_limit),
		cmocka_unit_test(
		    a_record_that_leaves_the_queue_is_wiped_and_freed),
		cmocka_unit_test(the_queue_may_be_exactly_full),
		cmocka_unit_test(a_secret_is_sent_at_once_or_not_at_all),
		cmocka_unit_test(
		    a_fault_of_the_channel_of_the_log_is_not_logged_through_it),
		cmocka_unit_test(keys_outlive_a_fault_of_all_but_the_monitor),
		cmocka_unit_test(all_others_end_at_a_fault),
		cmocka_unit_test(descriptors_of_an_illegal_record_are_closed),
		cmocka_unit_test(credentials_are_no_descriptors),
		cmocka_unit_test(payload_and_rows_arrive_as_they_were_sent),
		cmocka_unit_test(a_wipe_goes_as_far_as_was_received),
		cmocka_unit_test(text_of_peers_is_escaped),
	};

	mallopt(M_PERTURB, 0x5a);	/* fresh memory is never zero */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
