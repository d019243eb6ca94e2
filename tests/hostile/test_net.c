/* SPDX-License-Identifier: Apache-2.0
 *
 * The real net, in its own process under its own filter; the test is the
 * monitor and keys (with the real TLS key), and a child of it an Orchestrator
 * that can be silent, lie, die and come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "chan.h"
#include "dir.h"
#include "log.h"
#include "proc.h"
#include "program.h"
#include "rpc.h"
#include "sha256.h"
#include "teerunner.pb-c.h"

#define PATIENCE	15000		/* ms */
#define CHAIN		31337

/* chan.c wants them; the test dispatches nothing. */
const msg_handler handlers[M_TYPES];

static char dir[] = "/tmp/tee-net-XXXXXX";
static char address[32];
static EVP_PKEY *tls_key, *renewed_key;

/* ---- the Orchestrator -------------------------------------------------- */

enum mode {
	GOOD,
	SILENT,
	RUBBISH,
	EARLY,
	SPOILED,
	OVER,
	GREEDY,
	UNSIGNED,
	FALSE_REPORT,
	BRIEF,
	WORK,
	TWINS,
	RENEWED,
	MODES
};
#define OPENED	100
#define ENDED	101
struct report {
	uint32_t	what;	/* RunnerMessage.body_case, OPENED, ENDED */
	uint32_t	value;	/* credit, or a refusal's status */
	uint32_t	n;	/* tasks of a refusal */
	char		text[52];	/* its reason */
};

/* The batches that an Orchestrator of a mode sends when it first gets credit:
 * how many, of n adds each; the lengths of the first task's id and of the
 * signature; are the last two tasks the same? */
static const struct offer {
	size_t	batches, n, id, signature;
	int	has_twins;
} offers[MODES] = {
	[EARLY] = { 0, 1, 32, 65, 0 },
	[SPOILED] = { 1, 2, 31, 65, 0 },
	[OVER] = { 1, BATCH_TASKS + 1, 32, 65, 0 },
	[GREEDY] = { 2, BATCH_TASKS, 32, 65, 0 },
	[UNSIGNED] = { 1, 3, 32, 64, 0 },
	[WORK] = { 1, 1, 32, 65, 0 },
	[TWINS] = { 1, 3, 32, 65, 1 },
};

static enum mode mode;
static struct rpc_stream *stream;
static int report_fd;

static void
report_all(uint32_t what, uint32_t value, size_t n, const char *text)
{
	struct report r = { what, value, (uint32_t)n, "" };

	snprintf(r.text, sizeof(r.text), "%s", text);
	if (write(report_fd, &r, sizeof(r)) != sizeof(r))
		_exit(0);
}

static void
report(uint32_t what, uint32_t value)
{
	report_all(what, value, 0, "");
}

static void
send_batch(const struct offer *offer)
{
	static uint8_t h[3][32], ids[BATCH_TASKS + 1][32], bytes[65];
	static Teerunner__V1__Operand in[2], *ins[2] = { &in[0], &in[1] };
	static Teerunner__V1__Operation op, *ops = &op;
	static Teerunner__V1__Task t[BATCH_TASKS + 1], *list[BATCH_TASKS + 1];
	Teerunner__V1__TaskBatch batch = TEERUNNER__V1__TASK_BATCH__INIT;
	Teerunner__V1__OrchestratorMessage m =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	ProtobufCBinaryData out = { 32, h[2] };
	size_t i;

	for (i = 0; i < 3; i++) {
		h[i][3] = CHAIN >> 8;
		h[i][4] = CHAIN & 0xff;
		h[i][5] = TYPE_UINT(256);
		h[i][31] = (uint8_t)i;
	}
	for (i = 0; i < 2; i++) {
		teerunner__v1__operand__init(&in[i]);
		in[i].source_case = TEERUNNER__V1__OPERAND__SOURCE_HANDLE;
		in[i].handle = (ProtobufCBinaryData){ 32, h[i] };
	}
	teerunner__v1__operation__init(&op);
	op.opcode = primitive_by_name("add")->opcode;
	op.n_inputs = 2;
	op.inputs = ins;
	op.n_outputs = 1;
	op.outputs = &out;
	for (i = 0; i < offer->n; i++) {
		teerunner__v1__task__init(&t[i]);
		ids[i][0] = (uint8_t)i;
		t[i].id = (ProtobufCBinaryData){ i == 0 ? offer->id : 32,
			ids[i] };
		t[i].transaction_hash = (ProtobufCBinaryData){ 32, bytes };
		t[i].caller = t[i].runner = (ProtobufCBinaryData){ 20, bytes };
		t[i].chain_id = CHAIN;
		t[i].n_operations = 1;
		t[i].operations = &ops;
		list[i] = &t[i];
	}
	if (offer->has_twins)
		t[i - 1].id = t[i - 2].id;
	batch.n_tasks = offer->n;
	batch.tasks = list;
	batch.signature = (ProtobufCBinaryData){ offer->signature, bytes };
	m.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_BATCH;
	m.batch = &batch;
	rpc_stream_send(stream, &m.base);
}

static void
send_registered(uint64_t sequence)
{
	Teerunner__V1__OrchestratorMessage m =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Registered registered = TEERUNNER__V1__REGISTERED__INIT;

	registered.sequence = sequence;
	m.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_REGISTERED;
	m.registered = &registered;
	rpc_stream_send(stream, &m.base);
}

static void
on_message(void *arg, grpc_byte_buffer *bytes)
{
	Teerunner__V1__RunnerMessage *m;
	const struct offer *offer = &offers[mode];
	struct pool pool;
	size_t i;

	(void)arg;
	pool_init(&pool);
	m = rpc_unpack(
	    bytes, &teerunner__v1__runner_message__descriptor, &pool.arena);
	if (m->body_case == TEERUNNER__V1__RUNNER_MESSAGE__BODY_CREDIT) {
		report(m->body_case, m->credit->tasks);
		if (mode == RUBBISH)
			rpc_stream_send_bytes(stream, "\377\377\377", 3);
		if (mode == BRIEF)
			rpc_stream_close(stream, GRPC_STATUS_OK, "");
		for (i = 0; i < offer->batches; i++)
			send_batch(offer);
		if (offer->batches != 0)
			mode = GOOD;	/* once */
	} else if (m->body_case == TEERUNNER__V1__RUNNER_MESSAGE__BODY_REFUSAL)
		report_all(m->body_case, m->refusal->status,
		    m->refusal->n_tasks, m->refusal->reason);
	else
		report(m->body_case, 0);
	if (m->body_case == TEERUNNER__V1__RUNNER_MESSAGE__BODY_REGISTRATION)
		send_registered(
		    m->registration->sequence + (mode == FALSE_REPORT));
	pool_free(&pool);
}

static void
on_end(void *arg)
{
	(void)arg;
	report(ENDED, 0);
}

static void
on_session(struct rpc_call *call, void *none)
{
	static const struct rpc_stream_events events = { on_message, on_end };
	static uint8_t nonce[32] = { 1 };
	Teerunner__V1__OrchestratorMessage m =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Challenge challenge = TEERUNNER__V1__CHALLENGE__INIT;

	(void)none;
	report(OPENED, 0);
	stream = rpc_stream_open(call, &events, NULL);
	if (mode == EARLY)
		send_batch(&offers[mode]);
	if (mode == SILENT || mode == EARLY)
		return;
	challenge.nonce = (ProtobufCBinaryData){ 32, nonce };
	m.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_CHALLENGE;
	m.challenge = &challenge;
	rpc_stream_send(stream, &m.base);
}

static void
serve(void)
{
	/* The owner of the certificate that it uses. */
	const struct rpc_method methods[] = {
		{ "/teerunner.v1.Orchestrator/Session",
		    mode == RENEWED ? "renewed" : "runner", NULL, on_session },
	};
	struct rpc_tls tls;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log_init("orchestrator", LOG_ERR);
	rpc_tls_load(&tls, dir, "orchestrator");
	rpc_serve(address, &tls, methods, 1);
	rpc_loop(NULL);
	_exit(1);
}

static EVP_PKEY *
read_key(const char *name)
{
	char path[64];
	EVP_PKEY *key;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tls/%s.key", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(key);
	return key;
}

/* ---- monitor and keys -------------------------------------------------- */

static struct {
	pid_t		pid, server;
	int		reports;
	struct chan	monitor, keys, tls;
	int		is_ready, is_drained;
	char		log[8192];
	size_t		n_signed, n_batches;
	struct report	last;		/* of the Orchestrator */
} r;

static void
server_start(enum mode m)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	mode = m;
	if ((r.server = fork()) == 0) {
		report_fd = fd[1];
		serve();
	}
	close(fd[1]);
	r.reports = fd[0];
}

static void
server_stop(void)
{
	if (r.server == 0)
		return;
	kill(r.server, SIGKILL);
	waitpid(r.server, NULL, 0);
	close(r.reports);
	r.server = 0;
	r.reports = -1;
}

static void
on_monitor(void)
{
	const struct m_log *line;
	struct msg m;

	while (chan_recv(&r.monitor, S_SERVING, &m) == 1)
		switch (m.type) {
		case M_READY: r.is_ready = 1; break;
		case M_DRAINED: r.is_drained = 1; break;
		case M_LOG:
			line = m.payload;
			strncat(r.log, line->text,
			    sizeof(r.log) - strlen(r.log) - 2);
			strcat(r.log, "\n");
			break;
		default: fail_msg("net says %s", msg_rules[m.type].name);
		}
}

/* A worker was lost at once: what ends a batch with the fewest words. */
static void
answer_batch(const struct m_batch *b)
{
	const struct m_ask ask = { .batch = b->batch };
	const struct m_result result = { .batch = b->batch,
		.status = ST_WORKER_LOST };
	const struct m_results results = { .batch = b->batch, .n_results = 1 };
	static const struct m_ask_task row;

	chan_send(&r.keys, M_ASK, &ask, &row, 1, -1);
	chan_send(&r.keys, M_RESULT, &result, NULL, 0, -1);
	chan_send(&r.keys, M_RESULTS, &results, NULL, 0, -1);
}

static void
on_keys(void)
{
	struct m_hello hello;
	struct msg m;

	while (chan_recv(&r.keys, S_SERVING, &m) == 1) {
		r.n_batches += m.type == M_BATCH;
		if (m.type == M_BATCH &&
		    ((const struct m_batch *)m.payload)->n_tasks == 1)
			answer_batch(m.payload);
		if (m.type != M_HELLO_ASK)
			continue;
		memset(&hello, 0, sizeof(hello));
		hello.session = ((const struct m_hello_ask *)m.payload)
				    ->session;
		chan_send(&r.keys, M_HELLO, &hello, NULL, 0, -1);
	}
}

/* Is that its public point? */
static int
is_key(EVP_PKEY *key, const uint8_t xy[64])
{
	BIGNUM *x = NULL, *y = NULL;
	uint8_t own[64];

	assert_int_equal(EVP_PKEY_get_bn_param(key, "qx", &x), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "qy", &y), 1);
	assert_int_equal(BN_bn2binpad(x, own, 32), 32);
	assert_int_equal(BN_bn2binpad(y, own + 32, 32), 32);
	BN_free(x);
	BN_free(y);
	return memcmp(own, xy, sizeof(own)) == 0;
}

/* As keys does: a key that it does not hold is refused. */
static void
on_tls(void)
{
	struct m_tls_signed answer;
	const struct m_tls_sign *ask;
	const unsigned char *p;
	unsigned char der[80];
	size_t len = sizeof(der);
	EVP_PKEY_CTX *ctx;
	ECDSA_SIG *sig;
	struct msg m;

	while (chan_recv(&r.tls, S_SERVING, &m) == 1) {
		ask = m.payload;
		if (!is_key(tls_key, ask->key)) {
			memset(&answer, 0, sizeof(answer));
			chan_send(&r.tls, M_TLS_SIGNED, &answer, NULL, 0, -1);
			continue;
		}
		ctx = EVP_PKEY_CTX_new(tls_key, NULL);
		assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
		assert_int_equal(
		    EVP_PKEY_sign(ctx, der, &len, ask->digest, 32), 1);
		EVP_PKEY_CTX_free(ctx);
		p = der;
		sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
		BN_bn2binpad(ECDSA_SIG_get0_r(sig), answer.r, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), answer.s, 32);
		ECDSA_SIG_free(sig);
		chan_send(&r.tls, M_TLS_SIGNED, &answer, NULL, 0, -1);
		r.n_signed++;
		len = sizeof(der);
	}
}

/* Serve everyone until the Orchestrator reports `what'; 1, or 0 after ms. */
static int
await(uint32_t what, int ms)
{
	struct pollfd p[4] = {
		{ r.monitor.fd, POLLIN, 0 },
		{ r.keys.fd, POLLIN, 0 },
		{ r.tls.fd, POLLIN, 0 },
		{ r.reports, POLLIN, 0 },
	};
	uint64_t until = now_ms() + (uint64_t)ms;

	while (now_ms() < until) {
		if (poll(p, 4, 50) <= 0)
			continue;
		on_monitor();
		on_keys();
		on_tls();
		if (p[3].revents & POLLIN &&
		    read(r.reports, &r.last, sizeof(r.last)) ==
			sizeof(r.last) &&
		    r.last.what == what)
			return 1;
		if (p[0].revents & POLLHUP)
			return 0;
	}
	return 0;
}

/* Until a line is in the log. */
static void
await_log(const char *text)
{
	int i;

	for (i = 0; strstr(r.log, text) == NULL && i < PATIENCE / 50; i++)
		(void)await(0, 50);
	if (strstr(r.log, text) == NULL)
		fail_msg("not in the log: %s; it has:\n%s", text, r.log);
}

static void
said(const char *text)
{
	if (strstr(r.log, text) == NULL)
		fail_msg("not in the log: %s; it has:\n%s", text, r.log);
}

static void
peer(struct chan *c, enum role self, uint32_t index)
{
	struct m_peer p = { R_KEYS, index };
	int fd[2];

	assert_int_equal(chan_pair(fd), 0);
	chan_init(c, fd[0], R_KEYS, self, 0);
	chan_send(&r.monitor, M_PEER, &p, NULL, 0, fd[1]);
	close(fd[1]);
}

static int is_replaced;	/* tls-ca, since the monitor started */

static void
hash_file(const char *path, uint8_t hash[32])
{
	char text[16384];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_in_range(n, 1, sizeof(text) - 1);
	sha256(text, n, hash);
}

static void
net_exec(void)
{
	static struct m_start s;
	int fd[2];

	assert_int_equal(chan_pair(fd), 0);
	if ((r.pid = fork()) == 0) {
		if (dup2(fd[1], PROC_MONITOR_FD) == -1)
			_exit(127);
		execl("libexec/net", "net", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	chan_init(&r.monitor, fd[0], R_MONITOR, R_NET, 0);
	msg_table_hash(s.table);
	s.role = R_NET;
	s.log_level = LOG_INFO;
	s.conf.n_chains = 1;
	snprintf(s.conf.chains[0].orchestrator, CONF_HOST, "%s", address);
	snprintf(s.conf.chains[0].gateway, CONF_HOST, "%s", address);
	snprintf(s.conf.tls_ca, sizeof(s.conf.tls_ca), "%s/tls/ca.pem", dir);
	hash_file(s.conf.tls_ca, s.conf.tls_ca_sha256);
	s.conf.tls_ca_sha256[31] ^= (uint8_t)is_replaced;
	snprintf(s.conf.tls_certificate, sizeof(s.conf.tls_certificate),
	    "%s/tls/runner.pem", dir);
	s.conf.max_tasks = 100;
	s.conf.fetch_timeout = 5;
	chan_send(&r.monitor, M_START, &s, NULL, 0, -1);
}

static void
net_start(enum mode m)
{
	struct m_status status = { .state = S_SERVING };
	int i;

	memset(&r, 0, sizeof(r));
	r.keys.fd = r.tls.fd = r.reports = -1;
	server_start(m);
	net_exec();
	for (i = 0; !r.is_ready && i < 100; i++)
		(void)await(OPENED, 100);
	assert_true(r.is_ready);
	peer(&r.keys, R_NET, 0);
	peer(&r.tls, R_TLS, 1);
	chan_send(&r.keys, M_STATUS, &status, NULL, 0, -1);
}

static void
net_ends_with(int want)
{
	int status;

	assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
	on_monitor();
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("net ended with %#x; it said:\n%s", (unsigned)status,
		    r.log);
	r.pid = 0;
}

static int
teardown(void **state)
{
	(void)state;
	server_stop();
	chan_close(&r.monitor);
	if (r.pid != 0)
		net_ends_with(0);
	chan_close(&r.keys);
	chan_close(&r.tls);
	return 0;
}

#define HELLO	TEERUNNER__V1__RUNNER_MESSAGE__BODY_HELLO
#define CREDIT	TEERUNNER__V1__RUNNER_MESSAGE__BODY_CREDIT
#define RESULTS	TEERUNNER__V1__RUNNER_MESSAGE__BODY_RESULTS
#define REFUSAL	TEERUNNER__V1__RUNNER_MESSAGE__BODY_REFUSAL
#define DRAINING TEERUNNER__V1__RUNNER_MESSAGE__BODY_DRAINING

/* ---- the tests --------------------------------------------------------- */

static void
session_opens_with_a_signature_made_in_keys(void **state)
{
	(void)state;
	net_start(GOOD);
	assert_true(await(HELLO, PATIENCE));
	assert_true(r.n_signed > 0);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 100);
}

/* User and system time of net, in clock ticks. */
static unsigned long
cpu_time(void)
{
	char path[64];
	unsigned long user, sys;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)r.pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
			     "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u "
			     "%*u %*u %*u %*u %lu %lu",
			     &user, &sys),
	    2);
	fclose(f);
	return user + sys;
}

static void
session_comes_back_and_nothing_spins_meanwhile(void **state)
{
	unsigned long before;

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	server_stop();
	(void)await(OPENED, 500);
	before = cpu_time();
	(void)await(OPENED, 4000);
	/* Less than 5 %: it tries twice a second, each time with TLS made
	 * again. */
	assert_true(cpu_time() - before <=
	    (unsigned long)sysconf(_SC_CLK_TCK) * 4 / 20);
	said("not connected");
	server_start(GOOD);
	assert_true(await(HELLO, PATIENCE));
	assert_true(await(CREDIT, PATIENCE));
}

/* The session ends: how long does net wait before it connects again? */
static int
back_off_after_the_end(void)
{
	static const char text[] = ": retrying in ";

	r.log[0] = '\0';
	server_stop();
	await_log(text);
	return atoi(strstr(r.log, text) + strlen(text));
}

/* It waits between half of its back-off and all of it.  Four sessions that end
 * at once bring the back-off to 1600 ms.  It stays so while nobody answers, for
 * which there is another, of at most 500 ms. */
static void
only_a_session_that_did_work_resets_the_back_off(void **state)
{
	int i;

	(void)state;
	net_start(BRIEF);
	for (i = 0; i < 4; i++)
		assert_true(await(ENDED, PATIENCE));
	server_stop();
	assert_false(await(OPENED, 3000));
	server_start(GOOD);
	assert_true(await(CREDIT, 1000));
	assert_false(await(ENDED, 5500));
	assert_in_range(back_off_after_the_end(), 800, 30000);
	server_start(WORK);
	assert_true(await(RESULTS, PATIENCE));
	assert_in_range(back_off_after_the_end(), 0, 100);
}

static void
rubbish_is_refused_and_the_session_lives(void **state)
{
	(void)state;
	net_start(RUBBISH);
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_MALFORMED);
	assert_false(await(ENDED, 300));
	said("malformed message");
}

static void
bad_task_and_its_batch_are_refused_and_keys_hears_nothing(void **state)
{
	(void)state;
	net_start(SPOILED);
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_MALFORMED);
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_BATCH_SPOILED);
	/* The room that the batch took is given back. */
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 2);
	assert_int_equal(r.n_batches, 0);
}

static void
same_task_twice_spoils_its_batch(void **state)
{
	int i;

	(void)state;
	net_start(TWINS);
	for (i = 0; i < 2; i++) {
		assert_true(await(REFUSAL, PATIENCE));
		assert_int_equal(r.last.value, ST_MALFORMED);
		assert_string_equal(
		    r.last.text, "the same task twice in a batch");
	}
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_BATCH_SPOILED);
	assert_int_equal(r.last.n, 1);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 3);
	assert_int_equal(r.n_batches, 0);
}

static void
batch_of_too_many_tasks_is_refused(void **state)
{
	(void)state;
	net_start(OVER);
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_OVER_LIMIT);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, BATCH_TASKS + 1);
	assert_int_equal(r.n_batches, 0);
}

/* The first batch takes 64 of 100: the second is refused, and uses up the rest,
 * which is given back. */
static void
batch_of_more_than_the_credit_is_refused(void **state)
{
	(void)state;
	net_start(GREEDY);
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_BUSY);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 100 - BATCH_TASKS);
	assert_int_equal(r.n_batches, 1);
}

static void
batch_that_its_signature_cannot_name_is_refused_by_its_tasks(void **state)
{
	(void)state;
	net_start(UNSIGNED);
	assert_true(await(REFUSAL, PATIENCE));
	assert_int_equal(r.last.value, ST_MALFORMED);
	assert_int_equal(r.last.n, 3);
	assert_string_equal(r.last.text, "signature is not of 65 bytes");
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 3);
	assert_int_equal(r.n_batches, 0);
}

/* keys has signed a registration of this sequence. */
static void
send_register(uint64_t sequence)
{
	struct m_register m = { .sequence = sequence, .evidence_size = 4 };
	int fd = memfd_create("evidence", MFD_CLOEXEC);

	assert_int_equal(write(fd, "quot", 4), 4);
	chan_send(&r.keys, M_REGISTER, &m, NULL, 0, fd);
	close(fd);
}

static void
relayed_registration_is_logged(void **state)
{
	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	send_register(3);
	await_log("registration: the Orchestrator says that it relayed "
		  "sequence 3");
}

static void
relayed_registration_that_was_never_signed_is_a_warning(void **state)
{
	(void)state;
	net_start(FALSE_REPORT);
	assert_true(await(CREDIT, PATIENCE));
	send_register(3);
	await_log("registration: ignored: the Orchestrator says that it "
		  "relayed sequence 4, but the last one signed is 3");
	assert_null(strstr(r.log,
	    "registration: the Orchestrator says that it relayed "
	    "sequence 4"));
}

static void
batch_before_our_hello_ends_the_session(void **state)
{
	(void)state;
	net_start(EARLY);
	assert_true(await(ENDED, PATIENCE));
	assert_int_equal(r.n_batches, 0);
}

static void
credit_follows_max_tasks(void **state)
{
	struct m_limits l = { 150, 1 };

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 100);
	chan_send(&r.monitor, M_LIMITS, &l, NULL, 0, -1);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 50);
	l.max_tasks = 120;
	chan_send(&r.monitor, M_LIMITS, &l, NULL, 0, -1);
	assert_false(await(CREDIT, 300));
	l.max_tasks = 151;
	chan_send(&r.monitor, M_LIMITS, &l, NULL, 0, -1);
	assert_true(await(CREDIT, PATIENCE));
	assert_int_equal(r.last.value, 1);
}

static void
drain_is_told_and_answered(void **state)
{
	int i;

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	chan_send(&r.monitor, M_DRAIN, NULL, NULL, 0, -1);
	assert_true(await(DRAINING, PATIENCE));
	for (i = 0; !r.is_drained && i < 50; i++)
		(void)await(OPENED, 20);
	assert_true(r.is_drained);
}

static void
drain_waits_for_publications(void **state)
{
	struct m_status s = {
		.state = S_SERVING, .gas = GAS_READY, .publish_waiting = 1
	};
	int i;

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	chan_send(&r.keys, M_STATUS, &s, NULL, 0, -1);
	chan_send(&r.monitor, M_DRAIN, NULL, NULL, 0, -1);
	assert_true(await(DRAINING, PATIENCE));
	for (i = 0; i < 10; i++)
		(void)await(OPENED, 20);
	assert_false(r.is_drained);
	s.gas = GAS_PENDING;
	s.publish_waiting = 0;
	chan_send(&r.keys, M_STATUS, &s, NULL, 0, -1);
	for (i = 0; i < 10; i++)
		(void)await(OPENED, 20);
	assert_false(r.is_drained);
	/* Nothing can be sent: there is no use in waiting. */
	s.gas = GAS_NO_FUNDS;
	s.publish_waiting = 1;
	chan_send(&r.keys, M_STATUS, &s, NULL, 0, -1);
	for (i = 0; !r.is_drained && i < 50; i++)
		(void)await(OPENED, 20);
	assert_true(r.is_drained);
	assert_non_null(strstr(r.log, "1 results are not published"));
}

static void
result_of_no_batch_ends_net(void **state)
{
	struct m_results none = { .batch = 7, .n_results = 1 };

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	chan_send(&r.keys, M_RESULTS, &none, NULL, 0, -1);
	net_ends_with(1);
	said("illegal RESULTS: no such batch");
}

/* Tasks may have left the ring of timelines. */
static void
news_of_unknown_tasks_does_no_harm(void **state)
{
	const struct m_published published = { 7 };
	static const struct m_task_id tasks[2] = { { { 1 }, 1 }, { { 2 }, 9 } };
	static const struct m_worker workers[CONF_WORKERS];
	static struct m_endpoint endpoint[CONF_ENDPOINTS];
	const struct m_endpoints endpoints = { UINT32_MAX, UINT32_MAX };
	struct m_results none = { .batch = 7, .n_results = 1 };

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	chan_send(&r.keys, M_PUBLISHED, &published, tasks, 2, -1);
	chan_send(&r.keys, M_WORKERS, NULL, workers, CONF_WORKERS, -1);
	memset(endpoint, 0xff, sizeof(endpoint));
	chan_send(&r.keys, M_ENDPOINTS_SEEN, &endpoints, endpoint,
	    CONF_ENDPOINTS, -1);
	chan_send(&r.keys, M_RESULTS, &none, NULL, 0, -1);
	net_ends_with(1);
	said("illegal RESULTS: no such batch");
}

static void
message_that_is_not_for_net_ends_net(void **state)
{
	const struct msg_hdr h = { .type = M_TASK };

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	assert_true(send(r.keys.fd, &h, sizeof(h), 0) == sizeof(h));
	net_ends_with(1);
	said("illegal TASK");
}

/* keys has another key: said in a line, and no session until it has the right
 * one. */
static void
tls_key_of_another_certificate_is_named(void **state)
{
	EVP_PKEY *right = tls_key;

	(void)state;
	tls_key = renewed_key;
	net_start(GOOD);
	assert_false(await(OPENED, 3500));	/* the next try is seconds
						 * away */
	tls_key = right;
	said("tls-key does not match tls-certificate");
	assert_true(await(OPENED, 1500));
}

/* The monitor hands over what is in this file, or a file of rubbish. */
static void
hand_over(const char *name)
{
	static const char rubbish[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
	char path[64];
	int fd;

	if (name != NULL) {
		snprintf(path, sizeof(path), "%s/tls/%s.pem", dir, name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	} else {
		fd = memfd_create("rubbish", MFD_CLOEXEC);
		assert_int_equal(
		    write(fd, rubbish, sizeof(rubbish)), sizeof(rubbish));
	}
	assert_int_not_equal(fd, -1);
	chan_send(&r.monitor, M_TLS_CERTIFICATE, NULL, NULL, 0, fd);
	close(fd);
}

/* The certificate comes before its key, the Orchestrator takes no other, and
 * net has a back-off of seconds by then. */
static void
renewed_certificate_is_used_when_keys_has_its_key(void **state)
{
	EVP_PKEY *before = tls_key;

	(void)state;
	net_start(RENEWED);
	assert_false(await(OPENED, 3500));
	hand_over("renewed");
	await_log("tls-certificate: the new certificate waits for its key");
	assert_false(await(OPENED, 1500));
	tls_key = renewed_key;
	assert_true(await(OPENED, 1500));
	tls_key = before;
	said("tls-certificate: renewed: expires 20");
}

static void
session_outlives_a_renewal_and_rubbish(void **state)
{
	EVP_PKEY *before = tls_key;

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	hand_over(NULL);
	await_log("tls-certificate: not renewed: not a certificate in PEM");
	tls_key = renewed_key;
	hand_over("renewed");
	await_log("tls-certificate: renewed");
	assert_false(await(ENDED, 1000));
	server_stop();
	server_start(RENEWED);
	assert_true(await(OPENED, PATIENCE));
	tls_key = before;
}

static void
keys_sends_a_certificate(void **state)
{
	const struct msg_hdr h = { .type = M_TLS_CERTIFICATE };

	(void)state;
	net_start(GOOD);
	assert_true(await(CREDIT, PATIENCE));
	assert_true(send(r.keys.fd, &h, sizeof(h), 0) == sizeof(h));
	net_ends_with(1);
	said("illegal TLS_CERTIFICATE");
}

/* Authorities that were put there after the hash was made are not taken. */
static void
tls_ca_that_is_not_the_attested_one_is_refused(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	r.keys.fd = r.tls.fd = r.reports = -1;
	is_replaced = 1;
	server_start(GOOD);
	net_exec();
	is_replaced = 0;
	(void)await(OPENED, PATIENCE);
	assert_false(r.is_ready);
	net_ends_with(1);
	said("not the attested file");
}

/* ---- once -------------------------------------------------------------- */

static int
once(void **state)
{
	static const char *const names[] = { "runner", "orchestrator",
		"renewed" };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char path[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/tls", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	pki_create(dir, names, 3);
	tls_key = read_key("runner");
	renewed_key = read_key("renewed");
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(sin.sin_port));
	return 0;
}

static int
clean(void **state)
{
	static const char *const files[] = { "tls/ca.pem", "tls/ca.key",
		"tls/runner.pem", "tls/runner.key", "tls/orchestrator.pem",
		"tls/orchestrator.key", "tls/renewed.pem", "tls/renewed.key",
		"tls", "" };
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)remove(path);
	}
	return 0;
}

#define T(name)	cmocka_unit_test_teardown(name, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(session_opens_with_a_signature_made_in_keys),
		T(session_comes_back_and_nothing_spins_meanwhile),
		T(only_a_session_that_did_work_resets_the_back_off),
		T(rubbish_is_refused_and_the_session_lives),
		T(bad_task_and_its_batch_are_refused_and_keys_hears_nothing),
		T(same_task_twice_spoils_its_batch),
		T(batch_of_too_many_tasks_is_refused),
		T(batch_of_more_than_the_credit_is_refused),
		T(batch_that_its_signature_cannot_name_is_refused_by_its_tasks),
		T(relayed_registration_is_logged),
		T(relayed_registration_that_was_never_signed_is_a_warning),
		T(batch_before_our_hello_ends_the_session),
		T(credit_follows_max_tasks),
		T(drain_is_told_and_answered),
		T(drain_waits_for_publications),
		T(result_of_no_batch_ends_net),
		T(news_of_unknown_tasks_does_no_harm),
		T(message_that_is_not_for_net_ends_net),
		T(tls_key_of_another_certificate_is_named),
		T(renewed_certificate_is_used_when_keys_has_its_key),
		T(session_outlives_a_renewal_and_rubbish),
		T(keys_sends_a_certificate),
		T(tls_ca_that_is_not_the_attested_one_is_refused),
	};

	return cmocka_run_group_tests(tests, once, clean);
}
