/* SPDX-License-Identifier: Apache-2.0
 *
 * The real compute, started as the monitor starts it (START on fd 3, keys on fd
 * 4), given jobs by a test that plays monitor and keys, its outputs decrypted
 * with the KMS key.  And what a hostile keys, or a bad operand, gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <cmocka.h>

#include "chan.h"
#include "ecies.h"
#include "partial.h"
#include "proc.h"
#include "builder.h"
#include "nox_data.h"
#include "secp.h"
#include "shamir.h"

/* chan.c wants them; the test dispatches nothing. */
const msg_handler handlers[M_TYPES];

#define CHAIN	31337
#define U64	TYPE_UINT(64)

static struct worker {
	pid_t	pid;
	int	monitor, keys;		/* our ends */
} w;

#define NODES	3
#define QUORUM	2

static uint8_t kms_private[32], kms_public[33], kms_xy[64];
static uint8_t shares[NODES][32], share_pubs[NODES][33];
static struct builder b;
static struct m_value operands[TASK_INPUTS];
static size_t n_operands;

/* What the nodes of the quorum answer. */
static const uint32_t quorum[QUORUM] = { 1, 3 };
static struct m_job job;
static struct m_job_seal seals[QUORUM];
static struct m_partial partials[QUORUM][TASK_INPUTS];

/* ---- records ----------------------------------------------------------- */

static void
send_record(int fd, uint32_t type, const void *payload, size_t len,
    const void *rows, size_t rows_len)
{
	static uint8_t record[MSG_MAX];
	struct msg_hdr h = { .type = type };

	memcpy(record, &h, sizeof(h));
	if (len > 0)
		memcpy(record + sizeof(h), payload, len);
	if (rows_len > 0)
		memcpy(record + sizeof(h) + len, rows, rows_len);
	assert_int_not_equal(
	    send(fd, record, sizeof(h) + len + rows_len, MSG_NOSIGNAL), -1);
}

/* The next record that is no LOG; its length after the header, -1 at the
 * end. */
static ssize_t
recv_record(int fd, uint32_t *type, void *to, size_t size)
{
	static _Alignas(16) uint8_t record[MSG_MAX];
	struct msg_hdr h;
	ssize_t n;

	do {
		n = recv(fd, record, sizeof(record), 0);
		if (n <= 0)
			return -1;
		assert_true((size_t)n >= sizeof(h));
		memcpy(&h, record, sizeof(h));
	} while (h.type == M_LOG);
	n -= (ssize_t)sizeof(h);
	assert_true((size_t)n <= size);
	memcpy(to, record + sizeof(h), (size_t)n);
	*type = h.type;
	return n;
}

/* ---- the worker -------------------------------------------------------- */

static void
run_compute(int monitor_fd, int keys_fd)
{
	/* Out of the way first: either may be 3 or 4 already. */
	monitor_fd = dup2(monitor_fd, 60);
	keys_fd = dup2(keys_fd, 61);
	if (dup2(monitor_fd, PROC_MONITOR_FD) == -1 ||
	    dup2(keys_fd, PROC_KEYS_FD) == -1)
		_exit(126);
	if (close_range(PROC_KEYS_FD + 1, ~0u, 0) == -1)
		_exit(126);
	execl("libexec/compute", "compute", (char *)NULL);
	_exit(127);
}

static uint32_t protocol;		/* of the chain of workers that start */

static void
start_worker(uint32_t isolate_task)
{
	static struct m_start start;
	struct m_ready ready;
	uint32_t type;
	int m[2], k[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, m), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, k), 0);
	w.pid = fork();
	assert_int_not_equal(w.pid, -1);
	if (w.pid == 0)
		run_compute(m[1], k[1]);
	close(m[1]);
	close(k[1]);
	w.monitor = m[0];
	w.keys = k[0];
	msg_table_hash(start.table);
	start.role = R_COMPUTE;
	start.log_level = 3;
	start.conf.isolate_task = isolate_task;
	start.conf.n_chains = 1;
	start.conf.chains[0].protocol = protocol;
	snprintf(start.empty_dir, sizeof(start.empty_dir), "/");
	send_record(w.monitor, M_START, &start, sizeof(start), NULL, 0);
	assert_int_not_equal(
	    recv_record(w.monitor, &type, &ready, sizeof(ready)), -1);
	assert_int_equal(type, M_READY);
}

static int
end_worker(void)
{
	int st;

	assert_int_equal(waitpid(w.pid, &st, 0), w.pid);
	close(w.monitor);
	close(w.keys);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

static int
setup(void **state)
{
	(void)state;
	builder_init(&b);
	n_operands = 0;
	start_worker(0);
	return 0;
}

/* keys goes: a worker that lives ends well. */
static int
teardown(void **state)
{
	(void)state;
	if (w.pid == 0)
		return 0;
	shutdown(w.keys, SHUT_RDWR);
	return end_worker();
}

/* The worker has refused: it is gone, without an answer. */
static void
assert_refused(void)
{
	uint8_t record[1024];
	uint32_t type;

	assert_int_equal(
	    recv_record(w.keys, &type, record, sizeof(record)), -1);
	assert_int_equal(end_worker(), 1);
	w.pid = 0;
}

/* ---- jobs -------------------------------------------------------------- */

static const uint8_t *
handle(uint8_t type, unsigned n)
{
	static uint8_t h[32];

	h[3] = CHAIN >> 8;
	h[4] = CHAIN & 0xff;
	h[5] = type;
	h[31] = (uint8_t)n;
	return h;
}

static void
op(const char *name)
{
	assert_int_equal(builder_op(&b, primitive_by_name(name)->opcode, 0), 0);
}

/* An input and its operand, a number in as many bytes as `len' says. */
static void
in_as(
    uint8_t type, unsigned n, uint64_t value, size_t len, const uint8_t aad[32])
{
	struct m_value *o = &operands[n_operands++];
	uint8_t plain[VALUE_MAX] = { 0 };
	size_t i;

	assert_int_equal(builder_handle(&b, handle(type, n)), 0);
	memset(o, 0, sizeof(*o));
	memcpy(o->handle, handle(type, n), 32);
	for (i = 0; i < len && i < 8; i++)
		plain[len - 1 - i] = (uint8_t)(value >> 8 * i);
	o->len = (uint8_t)(len + GCM_TAG);
	assert_int_equal(ecies_seal(kms_xy, aad, 32, plain, len, o->key,
			     o->nonce, o->ciphertext),
	    0);
}

static void
in(uint8_t type, unsigned n, uint64_t value)
{
	uint8_t h[32];

	memcpy(h, handle(type, n), 32);
	in_as(type, n, value, type_size(type), h);
}

static void
out(uint8_t type, unsigned n)
{
	assert_int_equal(builder_output(&b, handle(type, n)), 0);
}

/* Node quorum[k] computes its partials with this share, and seals them. */
static void
answer_of_node(size_t k, const uint8_t share[32])
{
	uint8_t own[32], key[32], x[32], partial[PARTIAL_PLAIN];
	struct m_job_seal *s = &seals[k];
	struct seal_bind bind = { .attempt = job.attempt, .node = quorum[k] };
	uint32_t j;

	memset(s, 0, sizeof(*s));
	s->node = quorum[k];
	memcpy(s->share, share_pubs[quorum[k] - 1], 33);
	secp_key_new(own);
	assert_int_equal(secp_public(own, s->key), 0);
	assert_int_equal(seal_key(own, job.ephemeral_key, key), 0);
	assert_int_equal(shamir_lambda(quorum, QUORUM, quorum[k], x), 0);
	assert_int_equal(secp_scalar_mul(x, share), 0);
	memcpy(bind.task_id, job.id, 32);
	memcpy(bind.ephemeral_key, job.ephemeral_key, 33);
	memcpy(bind.node_key, s->key, 33);
	for (j = 0; j < n_operands; j++) {
		assert_int_equal(partial_make(x, operands[j].key, partial), 0);
		assert_int_equal(seal_partial(key, &bind, j, operands[j].handle,
				     partial, partials[k][j].b),
		    0);
	}
}

/* The job, and what the nodes answer to its key. */
static void
make_job(uint32_t number)
{
	size_t k;

	memset(&job, 0, sizeof(job));
	job.chain_id = CHAIN;
	job.job = number;
	job.shape = b.shape;
	job.attempt = 1;
	job.id[0] = (uint8_t)number;
	job.n_seals = n_operands == 0 ? 0 : QUORUM;
	memcpy(job.kms_key, kms_public, sizeof(job.kms_key));
	secp_key_new(job.secret);
	assert_int_equal(secp_public(job.secret, job.ephemeral_key), 0);
	for (k = 0; k < job.n_seals; k++)
		answer_of_node(k, shares[quorum[k] - 1]);
}

static void
send_with_operands(size_t n_sent)
{
	static struct m_word words[JOB_WORDS];
	size_t n = builder_words(&b, words);

	memcpy(words + n, operands, n_sent * sizeof(operands[0]));
	n += n_sent * VALUE_WORDS;
	send_record(
	    w.keys, M_JOB, &job, sizeof(job), words, n * sizeof(*words));
}

static void
send_made_job(void)
{
	send_with_operands(n_operands);
}

static void
send_job(uint32_t number)
{
	make_job(number);
	send_made_job();
}

static void
send_seal(size_t k, size_t n)
{
	send_record(w.keys, M_JOB_SEAL, &seals[k], sizeof(seals[k]),
	    partials[k], n * sizeof(struct m_partial));
}

static struct {
	struct m_job_done	done;
	struct m_value		values[TASK_OUTPUTS];
} answer;

/* The answer to the job; how many values came. */
static size_t
receive(void)
{
	uint32_t type;
	ssize_t n;

	n = recv_record(w.keys, &type, &answer, sizeof(answer));
	assert_true(n >= (ssize_t)sizeof(answer.done));
	assert_int_equal(type, M_JOB_DONE);
	n -= (ssize_t)sizeof(answer.done);
	assert_int_equal((size_t)n % sizeof(struct m_value), 0);
	return (size_t)n / sizeof(struct m_value);
}

static size_t
do_made_job(void)
{
	size_t k;

	send_made_job();
	for (k = 0; k < job.n_seals; k++)
		send_seal(k, n_operands);
	return receive();
}

static size_t
do_job(uint32_t number)
{
	make_job(number);
	return do_made_job();
}

/* The plaintext of the value, as a number. */
static uint64_t
decrypt(const struct m_value *v)
{
	uint8_t s[32], key[32], plain[VALUE_MAX];
	size_t i, n = type_size(handle_type(v->handle));
	uint64_t x = 0;

	assert_int_equal(v->len, n + GCM_TAG);
	assert_int_equal(secp_mul_x(kms_private, v->key, s), 0);
	assert_int_equal(ecies_key(s, key), 0);
	assert_int_equal(gcm_open(key, v->nonce, v->handle, 32, v->ciphertext,
			     v->len, plain),
	    0);
	for (i = 0; i < n; i++)
		x = x << 8 | plain[i];
	return x;
}

static void
build_transfer(uint64_t from, uint64_t to, uint64_t amount)
{
	builder_init(&b);
	n_operands = 0;
	op("transfer");
	in(U64, 1, from);
	in(U64, 2, to);
	in(U64, 3, amount);
	out(TYPE_BOOL, 10);
	out(U64, 11);
	out(U64, 12);
}

static void
a_transfer_of_encrypted_values_is_computed(void **state)
{
	(void)state;
	build_transfer(100, 5, 30);
	assert_int_equal(do_job(7), 3);
	assert_int_equal(answer.done.job, 7);
	assert_int_equal(answer.done.status, ST_OK);
	assert_memory_equal(answer.values[0].handle, handle(TYPE_BOOL, 10), 32);
	assert_int_equal(decrypt(&answer.values[0]), 1);
	assert_int_equal(decrypt(&answer.values[1]), 70);
	assert_int_equal(decrypt(&answer.values[2]), 35);
}

static void
an_operation_takes_the_output_of_another(void **state)
{
	(void)state;
	op("add");
	in(U64, 1, 40);
	in(U64, 2, 2);
	out(U64, 10);
	op("mul");
	assert_int_equal(builder_handle(&b, handle(U64, 10)), 0);
	assert_int_equal(builder_handle(&b, handle(U64, 10)), 0);
	out(U64, 11);
	assert_int_equal(do_job(1), 2);
	assert_int_equal(decrypt(&answer.values[0]), 42);
	assert_int_equal(decrypt(&answer.values[1]), 42 * 42);
}

static void
a_worker_takes_one_job_after_the_other(void **state)
{
	struct m_value first;
	unsigned i;

	(void)state;
	for (i = 0; i < 20; i++) {
		build_transfer(1000, i, 1);
		assert_int_equal(do_job(i), 3);
		assert_int_equal(answer.done.job, i);
		assert_int_equal(decrypt(&answer.values[2]), i + 1);
		if (i == 0)
			first = answer.values[0];
	}
	/* The same value under the same handle, encrypted again. */
	assert_memory_not_equal(first.key, answer.values[0].key, 33);
	assert_memory_not_equal(first.nonce, answer.values[0].nonce, 12);
}

/* `n' outputs without an input. */
static void
build_outputs(unsigned n)
{
	unsigned i;

	builder_init(&b);
	n_operands = 0;
	for (i = 0; i < n; i++) {
		op("wrap");
		assert_int_equal(
		    builder_const(&b, TYPE_BYTES(32), handle(9, i)), 0);
		out(TYPE_UINT(8), i);
	}
}

/* Each of them decrypts with this private KMS key. */
static void
do_outputs(unsigned n, const uint8_t private[32])
{
	unsigned i;

	memcpy(kms_private, private, 32);
	assert_int_equal(secp_public(kms_private, kms_public), 0);
	build_outputs(n);
	assert_int_equal(do_job(n), n);
	for (i = 0; i < n; i++)
		assert_int_equal(decrypt(&answer.values[i]), i);
}

static void
assert_all_k_differ(const struct m_value *v, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			assert_memory_not_equal(v[i].key, v[j].key, 33);
}

static uint64_t
cpu_ns_of_worker(void)
{
	struct timespec t;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(w.pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Time for an idle worker to make all keys that it makes ahead: 2 ms. */
static void
pause_worker(void)
{
	usleep(100 * 1000);
}

static void
no_two_outputs_have_the_same_k(void **state)
{
	static struct m_value all[3 * 40];
	uint8_t same[32];
	unsigned i;

	(void)state;
	memcpy(same, kms_private, 32);
	for (i = 0; i < 3; i++) {
		do_outputs(40, same);
		memcpy(all + i * 40, answer.values, 40 * sizeof(all[0]));
		pause_worker();
	}
	assert_all_k_differ(all, 3 * 40);
}

/* decrypt() fails if an output has a data key of the former KMS key. */
static void
outputs_follow_the_kms_key(void **state)
{
	uint8_t first[32], second[32];
	unsigned i;

	(void)state;
	memcpy(first, kms_private, 32);
	secp_key_new(second);
	for (i = 0; i < 3; i++) {
		do_outputs(40, first);
		pause_worker();
		do_outputs(40, second);
		pause_worker();
	}
	do_outputs(1, first);
}

/* CPU time of the worker during a pause. */
static uint64_t
cpu_ns_of_pause(void)
{
	const uint64_t before = cpu_ns_of_worker();

	pause_worker();
	return cpu_ns_of_worker() - before;
}

/* Twenty tries each: on a busy machine the keys may be made before this process
 * has looked at the clock, or after the pause. */
static void
a_worker_makes_keys_after_a_job_and_then_sleeps(void **state)
{
	uint64_t t = 0;
	unsigned i;

	(void)state;
	build_outputs(40);
	for (i = 0; i < 20 && t < 500000; i++) {
		assert_int_equal(do_job(i), 40);
		t = cpu_ns_of_pause();
	}
	assert_true(t >= 500000);
	for (i = 0; i < 20 && t != 0; i++)
		t = cpu_ns_of_pause();
	assert_int_equal(t, 0);
}

static void
a_job_may_have_no_inputs(void **state)
{
	(void)state;
	op("wrap");
	assert_int_equal(builder_const(&b, TYPE_BYTES(32), handle(9, 9)), 0);
	out(TYPE_UINT(8), 10);
	assert_int_equal(do_job(1), 1);
	assert_int_equal(decrypt(&answer.values[0]), 9);
}

static void
assert_malformed(uint32_t which)
{
	assert_int_equal(do_job(1), 0);
	assert_int_equal(answer.done.status, ST_OPERAND_MALFORMED);
	assert_int_equal(answer.done.operand, which);
	build_transfer(1, 2, 1);		/* and it goes on */
	assert_int_equal(do_job(2), 3);
	assert_int_equal(decrypt(&answer.values[2]), 3);
}

static void
an_operand_of_the_wrong_size_is_malformed(void **state)
{
	uint8_t h[32];

	(void)state;
	op("add");
	in(U64, 1, 1);
	memcpy(h, handle(U64, 2), 32);
	in_as(U64, 2, 1, 9, h);
	out(U64, 10);
	assert_malformed(1);
}

static void
an_operand_of_another_handle_is_malformed(void **state)
{
	uint8_t h[32];

	(void)state;
	op("add");
	memcpy(h, handle(U64, 3), 32);
	in_as(U64, 1, 1, 8, h);
	in(U64, 2, 1);
	out(U64, 10);
	assert_malformed(0);
}

static void
a_bool_of_two_is_malformed(void **state)
{
	(void)state;
	op("not");
	in(TYPE_BOOL, 1, 2);
	out(TYPE_BOOL, 10);
	assert_malformed(0);
}

static void
a_forged_operand_is_malformed(void **state)
{
	(void)state;
	op("neg");
	in(U64, 1, 2);
	out(U64, 10);
	operands[0].ciphertext[0] ^= 1;
	assert_malformed(0);
}

/* ---- whose fault ------------------------------------------------------- */

static void
assert_fault(enum job_fault fault, uint64_t nodes)
{
	assert_int_equal(do_made_job(), 0);
	assert_int_equal(answer.done.status, ST_KMS_NODE_FAULT);
	assert_int_equal(answer.done.fault, fault);
	assert_int_equal(answer.done.nodes, nodes);
	build_transfer(1, 2, 1);		/* and it goes on */
	assert_int_equal(do_job(2), 3);
}

static void
a_seal_whose_key_is_no_point_is_named(void **state)
{
	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	seals[1].key[0] = 7;
	assert_fault(FAULT_SEAL, 1 << 2);
}

static void
a_partial_that_does_not_open_is_named(void **state)
{
	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	partials[0][2].b[5] ^= 1;
	assert_fault(FAULT_PARTIAL, 1 << 0);
}

static void
a_partial_of_another_task_does_not_open(void **state)
{
	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	job.attempt++;
	assert_fault(FAULT_PARTIAL, 1 << 0);
}

static void
a_node_with_another_share_is_named(void **state)
{
	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	answer_of_node(1, shares[1]);
	assert_fault(FAULT_PROOF, 1 << 2);
}

/* The Registry has another share of the node than the KMS dealt. */
static void
shares_that_do_not_match_the_kms_key_are_told(void **state)
{
	uint8_t other[32];

	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	secp_key_new(other);
	answer_of_node(1, other);
	assert_int_equal(secp_public(other, seals[1].share), 0);
	assert_fault(FAULT_SHARES, 0);
}

/* The Gateway changed K after the nodes had answered. */
static void
partials_of_another_point_make_the_grant_invalid(void **state)
{
	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	memcpy(operands[1].key, share_pubs[0], 33);
	operands[1].ciphertext[0] ^= 1;
	assert_int_equal(do_made_job(), 0);
	assert_int_equal(answer.done.status, ST_GRANT_INVALID);
	assert_int_equal(answer.done.operand, 1);
}

static void
a_point_that_is_none_is_the_operands_fault(void **state)
{
	(void)state;
	build_transfer(1, 2, 1);
	make_job(1);
	operands[1].key[0] = 7;
	operands[1].ciphertext[0] ^= 1;
	assert_int_equal(do_made_job(), 0);
	assert_int_equal(answer.done.status, ST_OPERAND_MALFORMED);
	assert_int_equal(answer.done.operand, 1);
}

/* A node that answers with its share of the epoch before is not at fault. */
static void
a_share_of_the_epoch_before_is_no_fault(void **state)
{
	size_t k;

	(void)state;
	build_transfer(1, 2, 1);
	operands[0].ciphertext[0] ^= 1;
	make_job(1);
	for (k = 0; k < QUORUM; k++) {
		memcpy(seals[k].former, seals[k].share, 33);
		memcpy(seals[k].share, share_pubs[1], 33);
		seals[k].has_former = 1;
	}
	assert_int_equal(do_made_job(), 0);
	assert_int_equal(answer.done.status, ST_KMS_NODE_FAULT);
	assert_int_equal(answer.done.fault, FAULT_SHARES);
}

static void
a_bad_program_is_answered_with_its_status(void **state)
{
	(void)state;
	op("add");
	in(U64, 1, 1);
	out(U64, 10);
	assert_int_equal(do_job(1), 0);
	assert_int_equal(answer.done.status, ST_WRONG_ARITY);
	builder_init(&b);
	build_transfer(1, 2, 3);
	b.outputs[0].b[1] = 1;
	assert_int_equal(do_job(1), 0);
	assert_int_equal(answer.done.status, ST_WRONG_CHAIN);
}

/* ---- hostile ----------------------------------------------------------- */

static void
a_seal_with_too_few_partials_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	send_job(1);
	send_seal(0, 2);
	assert_refused();
}

static void
one_node_twice_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	send_job(1);
	send_seal(0, 3);
	send_seal(0, 3);
	assert_refused();
}

static void
a_node_that_cannot_be_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	send_job(1);
	seals[0].node = KMS_NODES + 1;
	send_seal(0, 3);
	assert_refused();
}

static void
operands_without_a_seal_end_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	make_job(1);
	job.n_seals = 0;
	send_made_job();
	assert_refused();
}

static void
more_seals_than_nodes_end_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	make_job(1);
	job.n_seals = KMS_NODES + 1;
	send_made_job();
	assert_refused();
}

static void
a_seal_before_a_job_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	make_job(1);
	send_seal(0, 3);
	assert_refused();
}

static void
a_program_that_is_too_long_ends_the_worker(void **state)
{
	static const struct m_word words[JOB_WORDS];

	(void)state;
	op("wrap");
	assert_int_equal(builder_const(&b, TYPE_BYTES(32), handle(9, 9)), 0);
	out(TYPE_UINT(8), 10);
	make_job(1);
	send_record(w.keys, M_JOB, &job, sizeof(job), words, sizeof(words));
	assert_refused();
}

static void
a_second_job_before_the_seals_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	send_job(1);
	send_job(2);
	assert_refused();
}

static void
a_missing_operand_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	make_job(1);
	send_with_operands(2);
	assert_refused();
}

static void
an_operand_not_asked_for_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	operands[1].handle[31] ^= 1;
	send_job(1);
	assert_refused();
}

static void
a_shape_that_lies_ends_the_worker(void **state)
{
	(void)state;
	build_transfer(1, 2, 3);
	b.shape.n_refs++;
	send_job(1);
	assert_refused();
}

static void
a_kms_key_that_is_no_point_ends_the_worker(void **state)
{
	uint8_t good = kms_public[0];

	(void)state;
	build_transfer(1, 2, 3);
	kms_public[0] = 7;
	send_job(1);
	kms_public[0] = good;
	assert_refused();
}

static void
an_unknown_message_ends_the_worker(void **state)
{
	(void)state;
	send_record(w.keys, M_TYPES + 5, NULL, 0, NULL, 0);
	assert_refused();
}

static void
a_message_for_another_role_ends_the_worker(void **state)
{
	static const struct m_runner m;

	(void)state;
	send_record(w.keys, M_RUNNER, &m, sizeof(m), NULL, 0);
	assert_refused();
}

static void
a_second_start_ends_the_worker(void **state)
{
	static struct m_start start;

	(void)state;
	send_record(w.monitor, M_START, &start, sizeof(start), NULL, 0);
	assert_refused();
}

static void
a_worker_ends_with_the_monitor(void **state)
{
	(void)state;
	shutdown(w.monitor, SHUT_RDWR);
	assert_int_equal(end_worker(), 0);
	w.pid = 0;
}

static void
an_isolated_worker_ends_after_its_task(void **state)
{
	(void)state;
	shutdown(w.keys, SHUT_RDWR);
	assert_int_equal(end_worker(), 0);
	start_worker(1);
	build_transfer(1, 2, 1);
	assert_int_equal(do_job(1), 3);
	assert_int_equal(end_worker(), 0);
	w.pid = 0;
}

static void
a_worker_ends_after_its_last_job(void **state)
{
	static const struct conf conf;
	const uint32_t jobs = proc_worker_jobs(&conf, 0);
	uint32_t i;

	(void)state;
	op("wrap");
	assert_int_equal(builder_const(&b, TYPE_BYTES(32), handle(9, 9)), 0);
	out(TYPE_UINT(8), 10);
	for (i = 1; i <= jobs; i++)
		assert_int_equal(do_job(i), 1);
	assert_int_equal(end_worker(), 0);
	w.pid = 0;
}

static void
workers_end_at_different_numbers_of_jobs(void **state)
{
	static const struct conf conf;
	uint32_t i;

	(void)state;
	for (i = 1; i < 64; i++)
		assert_true(proc_worker_jobs(&conf, i) >
		    proc_worker_jobs(&conf, i - 1) + 100);
}

/* ---- Nox v0 ------------------------------------------------------------ */

static int
setup_nox(void **state)
{
	protocol = PROTOCOL_NOX;
	setup(state);
	protocol = PROTOCOL_TEE_RUNNER;
	return 0;
}

/* An operand, its shared secret encrypted to the worker's RSA key. */
static void
nox_operand(struct m_nox_operand *o, const uint8_t h[32], uint64_t value,
    const struct m_rsa_key *rsa)
{
	const uint8_t *der = rsa->spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &der, sizeof(rsa->spki));
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t k[33], s[32], plain[32] = { 0 };
	size_t i, n = NOX_RSA;

	memset(o, 0, sizeof(*o));
	memcpy(o->handle, h, 32);
	for (i = 0; i < 8; i++)
		plain[31 - i] = (uint8_t)(value >> 8 * i);
	o->len = 32 + GCM_TAG;
	assert_int_equal(
	    ecies_seal(kms_xy, NULL, 0, plain, 32, k, o->nonce, o->ciphertext),
	    0);
	assert_int_equal(secp_mul_x(kms_private, k, s), 0);
	assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_encrypt(ctx, o->secret, &n, s, sizeof(s)), 1);
	assert_int_equal(n, NOX_RSA);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static struct {
	struct m_job_done	done;
	struct m_nox_value	values[TASK_OUTPUTS];
} nox_answer;

/* 40 + number under this key: how many values came. */
static size_t
nox_add(uint32_t number, const struct m_rsa_key *rsa, uint32_t rsa_number)
{
	static struct m_word words[NOX_JOB_WORDS];
	struct m_nox_operand o[2];
	struct m_nox_job m;
	uint32_t type;
	ssize_t n;

	builder_init(&b);
	op("add");
	for (n = 1; n < 3; n++) {
		assert_int_equal(
		    builder_handle(&b, handle(TYPE_UINT(256), (unsigned)n)), 0);
		nox_operand(&o[n - 1], handle(TYPE_UINT(256), (unsigned)n),
		    n == 1 ? 40 : number, rsa);
	}
	out(TYPE_UINT(256), 3);
	memset(&m, 0, sizeof(m));
	m.chain_id = CHAIN;
	m.job = number;
	m.rsa_key = rsa_number;
	m.shape = b.shape;
	memcpy(m.kms_key, kms_public, 33);
	n = (ssize_t)builder_words(&b, words);
	memcpy(words + n, o, sizeof(o));
	n += 2 * (ssize_t)NOX_WORDS;
	send_record(w.keys, M_NOX_JOB, &m, sizeof(m), words,
	    (size_t)n * sizeof(*words));
	n = recv_record(w.keys, &type, &nox_answer, sizeof(nox_answer));
	assert_true(n >= (ssize_t)sizeof(nox_answer.done));
	assert_int_equal(type, M_NOX_DONE);
	assert_int_equal(nox_answer.done.job, number);
	return ((size_t)n - sizeof(nox_answer.done)) /
	    sizeof(struct m_nox_value);
}

/* In its filter it tells its key, opens what is encrypted to it, and
 * answers. */
static void
a_worker_of_nox_v0_tells_its_key_and_computes(void **state)
{
	const struct m_nox_value *v = nox_answer.values;
	uint8_t s[32], key[32], plain[32], tag[32];
	struct m_rsa_key rsa;
	uint32_t type, i;

	(void)state;
	assert_int_equal(
	    recv_record(w.keys, &type, &rsa, sizeof(rsa)), sizeof(rsa));
	assert_int_equal(type, M_RSA_KEY);
	assert_int_equal(rsa.number, 1);
	for (i = 1; i < 5; i++) {
		assert_int_equal(nox_add(i, &rsa, 1), 1);
		assert_int_equal(nox_answer.done.status, ST_OK);
		assert_memory_equal(v->handle, handle(TYPE_UINT(256), 3), 32);
		assert_int_equal(secp_mul_x(kms_private, v->key, s), 0);
		assert_int_equal(ecies_key(s, key), 0);
		assert_int_equal(gcm_open(key, v->nonce, NULL, 0, v->ciphertext,
				     v->len, plain),
		    0);
		assert_int_equal(plain[31], 40 + i);
		nox_value_tag(v->handle, plain, tag);
		assert_memory_equal(v->tag, tag, 32);
	}
	/* A key that it does not have. */
	assert_int_equal(nox_add(9, &rsa, 2), 0);
	assert_int_equal(nox_answer.done.status, ST_GRANT_INVALID);
}

static void
a_worker_of_other_chains_has_no_rsa_key(void **state)
{
	(void)state;
	op("add");
	in(U64, 1, 40);
	in(U64, 2, 2);
	out(U64, 3);
	/* The first that it sends is the answer. */
	assert_int_equal(do_job(1), 1);
	assert_int_equal(decrypt(&answer.values[0]), 42);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_transfer_of_encrypted_values_is_computed),
		T(an_operation_takes_the_output_of_another),
		T(a_worker_takes_one_job_after_the_other),
		T(no_two_outputs_have_the_same_k),
		T(outputs_follow_the_kms_key),
		T(a_worker_makes_keys_after_a_job_and_then_sleeps),
		T(a_job_may_have_no_inputs),
		T(an_operand_of_the_wrong_size_is_malformed),
		T(an_operand_of_another_handle_is_malformed),
		T(a_bool_of_two_is_malformed),
		T(a_forged_operand_is_malformed),
		T(a_bad_program_is_answered_with_its_status),
		T(a_seal_whose_key_is_no_point_is_named),
		T(a_partial_that_does_not_open_is_named),
		T(a_partial_of_another_task_does_not_open),
		T(a_node_with_another_share_is_named),
		T(shares_that_do_not_match_the_kms_key_are_told),
		T(partials_of_another_point_make_the_grant_invalid),
		T(a_point_that_is_none_is_the_operands_fault),
		T(a_share_of_the_epoch_before_is_no_fault),
		T(a_seal_with_too_few_partials_ends_the_worker),
		T(one_node_twice_ends_the_worker),
		T(a_node_that_cannot_be_ends_the_worker),
		T(operands_without_a_seal_end_the_worker),
		T(more_seals_than_nodes_end_the_worker),
		T(a_seal_before_a_job_ends_the_worker),
		T(a_program_that_is_too_long_ends_the_worker),
		T(a_second_job_before_the_seals_ends_the_worker),
		T(a_missing_operand_ends_the_worker),
		T(an_operand_not_asked_for_ends_the_worker),
		T(a_shape_that_lies_ends_the_worker),
		T(a_kms_key_that_is_no_point_ends_the_worker),
		T(an_unknown_message_ends_the_worker),
		T(a_message_for_another_role_ends_the_worker),
		T(a_second_start_ends_the_worker),
		T(a_worker_ends_with_the_monitor),
		T(an_isolated_worker_ends_after_its_task),
		T(a_worker_ends_after_its_last_job),
		cmocka_unit_test(workers_end_at_different_numbers_of_jobs),
		cmocka_unit_test_setup_teardown(
		    a_worker_of_nox_v0_tells_its_key_and_computes, setup_nox,
		    teardown),
		T(a_worker_of_other_chains_has_no_rsa_key),
	};

	size_t i;

	secp_init(NULL);
	ecies_init();
	secp_key_new(kms_private);
	if (secp_public(kms_private, kms_public) != 0 ||
	    secp_public_xy(kms_private, kms_xy) != 0 ||
	    shamir_split(kms_private, QUORUM, NODES, shares) != 0)
		return 1;
	for (i = 0; i < NODES; i++)
		if (secp_public(shares[i], share_pubs[i]) != 0)
			return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
