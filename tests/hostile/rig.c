/* SPDX-License-Identifier: Apache-2.0
 *
 * Everyone else: see rig.h.
 */
#include "builder.h"
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "delegate.h"
#include "ecies.h"
#include "hex.h"
#include "log.h"
#include "nox_data.h"
#include "partial.h"
#include "proc.h"
#include "rig.h"
#include "sandbox.h"
#include "seam.h"
#include "secp.h"
#include "typed_data.h"

#define PATIENCE	5000	/* milliseconds */

/* chan.c wants them; the rig dispatches nothing. */
const msg_handler handlers[M_TYPES];

static const uint8_t registry[20] = { 0x52 };
static char tls_key[] = "/tmp/tee-rig-XXXXXX";
char rig_gas_key[] = "/tmp/tee-rig-XXXXXX";
static char nox_key[] = "/tmp/tee-rig-XXXXXX";
char rig_tls_scalar[65];
uint8_t rig_tls_xy[64];
static char empty_dir[] = "/tmp/tee-rig-XXXXXX";

/* ---- once -------------------------------------------------------------- */

static void
tls_key_remove(void)
{
	unlink(tls_key);
	unlink(rig_gas_key);
	unlink(nox_key);
	rmdir(empty_dir);
}

void
rig_public_xy(EVP_PKEY *key, uint8_t xy[64])
{
	BIGNUM *x = NULL, *y = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, "qx", &x), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "qy", &y), 1);
	assert_int_equal(BN_bn2binpad(x, xy, 32), 32);
	assert_int_equal(BN_bn2binpad(y, xy + 32, 32), 32);
	BN_free(x);
	BN_free(y);
}

static void
key_file(char *path, const char *hex)
{
	const int fd = mkstemp(path);

	if (fd == -1 || write(fd, hex, 64) != 64)
		fail_msg("no key: %s", strerror(errno));
	close(fd);
}

static void
rig_once(void)
{
	static int done;
	EVP_PKEY *key = NULL;
	uint8_t scalar[32];
	BIGNUM *d = NULL;
	FILE *f = NULL;
	int fd;

	if (done)
		return;
	done = 1;
	log_init("rig", LOG_INFO);
	secp_init(NULL);
	ecies_init();
	delegate_init();
	td_init();
	nox_data_init();
	signal(SIGPIPE, SIG_IGN);
	if ((fd = mkstemp(tls_key)) == -1 || mkdtemp(empty_dir) == NULL ||
	    (key = EVP_EC_gen("P-256")) == NULL ||
	    (f = fdopen(fd, "w")) == NULL)
		fail_msg("no TLS key: %s", strerror(errno));
	assert_int_equal(
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
	assert_int_equal(BN_bn2binpad(d, scalar, 32), 32);
	hex_encode(rig_tls_scalar, scalar, 32);
	BN_free(d);
	rig_public_xy(key, rig_tls_xy);
	EVP_PKEY_free(key);
	key_file(rig_gas_key, GAS_KEY);
	key_file(nox_key, NOX_KEY);
	atexit(tls_key_remove);
}

static void
party_new(struct party *p)
{
	secp_key_new(p->key);
	assert_int_equal(secp_public(p->key, p->pub), 0);
	assert_int_equal(secp_public_xy(p->key, p->xy), 0);
	assert_int_equal(secp_address(p->pub, p->address), 0);
}

static uint64_t
now(void)
{
	return (uint64_t)time(NULL);
}

/* ---- channels ---------------------------------------------------------- */

int
rig_hear(struct rig *r)
{
	struct msg m;
	size_t n = strlen(r->log);
	int got;

	while ((got = chan_recv(&r->monitor, S_IDLE, &m)) == 1) {
		if (m.type == M_READY) {
			r->is_ready = 1;
			r->has_memlock = ((const struct m_ready *)m.payload)
					     ->features &
			    SANDBOX_MEMLOCK;
		}
		r->pongs += m.type == M_PONG;
		if (m.type == M_CUT)
			r->cut = *(const struct m_peer *)m.payload;
		if (m.type != M_LOG)
			continue;
		snprintf(r->log + n, sizeof(r->log) - n, "%s\n",
		    ((const struct m_log *)m.payload)->text);
		n = strlen(r->log);
	}
	return got == 0;
}

static int
readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static uint64_t
real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The next message but those that come once a second: 1, 0 for silence, -1 for
 * an end. */
static int
rig_recv(struct chan *c, enum state state, struct msg *m, int ms)
{
	const uint64_t end = real_ms() + (uint64_t)ms;
	uint64_t now;
	int got;

	while ((now = real_ms()) <= end) {
		if (!readable(c->fd, (int)(end - now)))
			return 0;
		if ((got = chan_recv(c, state, m)) == -1)
			return -1;
		if (got == 1 && m->type != M_STATUS && m->type != M_WORKERS)
			return 1;
	}
	return 0;
}

const struct msg *
rig_next(struct rig *r, struct chan *c, enum msg_type type)
{
	static struct msg m;

	const int is_job = type == M_JOB || type == M_NOX_JOB;

	if (rig_recv(c, is_job ? S_IDLE : S_SERVING, &m, PATIENCE) != 1 ||
	    m.type != type) {
		rig_hear(r);
		fail_msg("%s did not come (%s did); keys said:\n%s",
		    msg_rules[type].name,
		    m.type > 0 && m.type < M_TYPES ? msg_rules[m.type].name :
						     "nothing",
		    r->log);
	}
	return &m;
}

static void
ping(struct rig *r)
{
	const unsigned before = r->pongs;

	chan_send(&r->monitor, M_PING, NULL, NULL, 0, -1);
	while (r->pongs == before) {
		assert_true(readable(r->monitor.fd, PATIENCE));
		rig_hear(r);
	}
}

/* A turn of keys's loop has ended since its last answer on net's channel: the
 * monitor's channel comes before net's, so its PING is for another turn. */
void
rig_turn(struct rig *r)
{
	rig_lives(r);
	ping(r);
}

const struct m_status *
rig_status(struct rig *r)
{
	static struct m_status s;
	struct msg m;

	r->seam->boot_ms += 1000;	/* keys tells it once a second ... */
	rig_lives(r);			/* ... and wakes up for this */
	do {
		assert_true(readable(r->net.fd, PATIENCE));
		assert_int_equal(chan_recv(&r->net, S_IDLE, &m), 1);
	} while (m.type != M_STATUS);
	s = *(const struct m_status *)m.payload;
	return &s;
}

const struct m_result *
rig_next_result(struct rig *r)
{
	static struct m_result result;
	struct msg m;

	do {
		assert_int_equal(rig_recv(&r->net, S_SERVING, &m, PATIENCE), 1);
		assert_true(m.type == M_RESULT || m.type == M_RESULTS);
	} while (m.type == M_RESULTS);
	result = *(const struct m_result *)m.payload;
	return &result;
}

/* keys has received all that was sent on this channel. */
static void
rig_received(const struct chan *c)
{
	int left = 1, i;

	for (i = 0; i < PATIENCE && c->fd != -1 && left != 0; i++) {
		assert_int_equal(ioctl(c->fd, SIOCOUTQ, &left), 0);
		poll(NULL, 0, left != 0);
	}
	assert_true(c->fd == -1 || left == 0);
}

/* nox may not ask for a HELLO: what was sent was received, and two turns have
 * begun since; in the first, a channel that was closed may come after PING. */
static void
rig_nox_lives(struct rig *r)
{
	rig_received(&r->net);
	rig_received(&r->tls);
	rig_received(&r->registry);
	rig_received(&r->worker);
	rig_received(&r->second);
	ping(r);
	ping(r);
}

void
rig_lives(struct rig *r)
{
	struct m_hello_ask ask = { .session = 77 };
	const struct m_hello *h;

	if (r->net.self == R_NOX) {
		rig_nox_lives(r);
		return;
	}
	chan_send(&r->net, M_HELLO_ASK, &ask, NULL, 0, -1);
	h = rig_next(r, &r->net, M_HELLO)->payload;
	assert_int_equal(h->session, 77);
}

void
rig_silent(struct rig *r, struct chan *c)
{
	const int ms = r->net.self == R_NOX ? 5 : 50;
	struct msg m;

	rig_lives(r);		/* all that came before it is worked off */
	assert_int_equal(rig_recv(c, S_IDLE, &m, ms), 0);
}

void
rig_raw(struct chan *c, uint32_t type, const void *p, size_t n)
{
	struct msg_hdr h = { type, 0 };
	struct iovec iov[2] = { { &h, sizeof(h) },
		{ (void *)(uintptr_t)p, n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	/* After the first illegal record keys may have gone already. */
	if (sendmsg(c->fd, &m, 0) == -1 && errno != EPIPE &&
	    errno != ECONNRESET)
		fail_msg("sendmsg: %s", strerror(errno));
}

void
rig_said(struct rig *r, const char *text)
{
	int i;

	for (i = 0; i < PATIENCE / 10; i++) {
		rig_hear(r);
		if (strstr(r->log, text) != NULL)
			return;
		readable(r->monitor.fd, 10);
	}
	fail_msg("not in the log: %s; it has:\n%s", text, r->log);
}

/* It sent net no signature since the rig last looked; REFUSED is no
 * signature. */
static void
nothing_signed(struct rig *r)
{
	struct msg m;

	while (rig_recv(&r->net, S_IDLE, &m, 0) == 1)
		if (m.type != M_REFUSED && m.type != M_NOX_REFUSED)
			fail_msg("%s was sent", msg_rules[m.type].name);
}

/* ---- start ------------------------------------------------------------- */

void
rig_peer(struct rig *r, struct chan *c, enum role role, uint32_t index)
{
	struct m_peer p = { role, index };
	int fd[2];

	assert_int_equal(chan_pair(fd), 0);
	chan_init(c, fd[0], role, R_KEYS, index);
	chan_send(&r->monitor, M_PEER, &p, NULL, 0, fd[1]);
	close(fd[1]);
}

static void
rig_cut_heard(struct rig *r, enum role role, uint32_t index)
{
	int i;

	for (i = 0; i < PATIENCE / 10 && r->cut.role == 0; i++) {
		if (!rig_hear(r))
			fail_msg("keys has ended; it said:\n%s", r->log);
		readable(r->monitor.fd, 10);
	}
	if (r->cut.role != role || r->cut.index != index)
		fail_msg("cut off: role %u, index %u; keys said:\n%s",
		    r->cut.role, r->cut.index, r->log);
	r->cut.role = 0;
}

void
rig_cuts(struct rig *r, struct chan *c, const char *text)
{
	const enum role front = r->net.self;
	const enum role role = c->self, real = role == R_TLS ? front : role;
	const uint32_t index = c->index;
	char byte;
	ssize_t n;

	rig_cut_heard(r, real, index);
	if (strstr(r->log, text) == NULL)
		fail_msg("not in the log: %s; it has:\n%s", text, r->log);
	if (real == front)
		nothing_signed(r);
	/* The records that were sent before, then the end; a reset means that
	 * our records were not read. */
	do {
		assert_true(readable(c->fd, PATIENCE));
		n = recv(c->fd, &byte, 1, MSG_DONTWAIT);
	} while (n > 0 || (n == -1 && errno == ECONNRESET));
	assert_int_equal(n, 0);
	chan_close(c);
	if (real == front) {	/* with both its channels */
		chan_close(&r->net);
		chan_close(&r->tls);
		rig_peer(r, &r->tls, R_TLS, index);
		rig_peer(r, &r->net, front, index);
		rig_next(r, &r->net, M_REGISTER);
	} else
		rig_peer(r, c, role, index);
	if (real == R_REGISTRY)
		rig_next(r, c, M_RUNNER);
	if (real != R_COMPUTE)	/* its task's result comes first */
		rig_lives(r);
}

static void
rig_domain(struct rig *r)
{
	if (r->net.self == R_NOX)
		nox_domain(r->chain_id, NULL, r->domain);
	else
		td_domain(r->chain_id, registry, r->domain);
}

void
rig_swap(struct rig *r)
{
	const struct chan net = r->net, from = r->registry;
	uint8_t runner[20];

	r->net = r->other_net;
	r->registry = r->other_registry;
	r->other_net = net;
	r->other_registry = from;
	memcpy(runner, r->runner, 20);
	memcpy(r->runner, r->other_runner, 20);
	memcpy(r->other_runner, runner, 20);
	r->chain_id = CHAIN_ID + (r->chain_id == CHAIN_ID);
	rig_domain(r);
}

void
rig_new_worker(struct rig *r)
{
	chan_close(&r->worker);
	rig_peer(r, &r->worker, R_COMPUTE, 0);
}

static void
rig_exec(struct rig *r)
{
	static struct m_start s;
	uint32_t i;
	int fd[2], page;

	/* As the monitor does, if it may. */
	(void)setrlimit(RLIMIT_MEMLOCK,
	    &(const struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	assert_int_equal(chan_pair(fd), 0);
	page = memfd_create("seam", 0);
	assert_int_equal(ftruncate(page, sizeof(*r->seam)), 0);
	r->seam = mmap(NULL, sizeof(*r->seam), PROT_READ | PROT_WRITE,
	    MAP_SHARED, page, 0);
	assert_true(r->seam != MAP_FAILED);
	if ((r->pid = fork()) == 0) {
		if ((page = fcntl(page, F_DUPFD, 10)) == -1 ||
		    dup2(fd[1], PROC_MONITOR_FD) == -1 ||
		    dup2(page, SEAM_FD) == -1)
			_exit(127);
		execl("tests/hostile/keys", "keys", (char *)NULL);
		_exit(127);
	}
	close(page);
	close(fd[1]);
	chan_init(&r->monitor, fd[0], R_MONITOR, R_KEYS, 0);
	memset(&s, 0, sizeof(s));
	msg_table_hash(s.table);
	s.role = R_KEYS;
	s.log_level = LOG_DEBUG;
	snprintf(s.empty_dir, sizeof(s.empty_dir), "%s", empty_dir);
	snprintf(s.conf.tls_key, sizeof(s.conf.tls_key), "%s", tls_key);
	if (r->has_gas) {
		snprintf(
		    s.conf.gas_key, sizeof(s.conf.gas_key), "%s", rig_gas_key);
		s.conf.chains[0].register_direct = 1;
		s.conf.chains[0].publish = 1;
		s.conf.chains[0].publish_interval = 1;
		s.conf.chains[0].gas_max_fee = GAS_MAX_FEE;
	}
	for (i = 0; i <= r->has_other; i++) {
		s.conf.n_chains++;
		s.conf.chains[i].chain_id = CHAIN_ID + i;
		memcpy(s.conf.chains[i].registry, registry, 20);
		s.conf.chains[i].registry_max_age = 600;
	}
	if (r->is_nox) {
		snprintf(s.conf.nox_key, sizeof(s.conf.nox_key), "%s", nox_key);
		s.conf.chains[0].protocol = PROTOCOL_NOX;
	}
	if (r->pin_kms_key) {
		s.conf.chains[0].has_pin_kms_key = 1;
		memcpy(s.conf.chains[0].pin_kms_key, r->kms.pub, 33);
	}
	if (r->pin_lists) {
		s.conf.chains[0].n_pin_orchestrators = 1;
		s.conf.chains[0].n_pin_gateways = 1;
		memcpy(s.conf.chains[0].pin_orchestrators[0],
		    r->orchestrator.address, 20);
		memcpy(
		    s.conf.chains[0].pin_gateways[0], r->gateway.address, 20);
	}
	s.conf.workers = 1 + r->is_nox;
	s.conf.isolate_task = r->isolate_task;
	s.conf.max_tasks = r->max_tasks == 0 ? 256 : r->max_tasks;
	s.conf.min_time = 10;
	s.conf.task_timeout = 5;
	s.conf.fetch_timeout = 5;
	s.conf.suspect_time = 60;
	s.conf.registration_life = 3600;
	chan_send(&r->monitor, M_START, &s, NULL, 0, -1);
}

static void
rig_facts(struct rig *r)
{
	struct m_facts *f = &r->facts;
	size_t i;

	assert_int_equal(
	    shamir_split(r->kms.key, THRESHOLD, NODES, r->shares), 0);
	memset(f, 0, sizeof(*f));
	f->block_number = 1;
	f->block_time = now();
	f->n_orchestrators = f->n_gateways = 1;
	memcpy(f->orchestrators[0], r->orchestrator.address, 20);
	memcpy(f->gateways[0], r->gateway.address, 20);
	f->kms_epoch = 1;
	memcpy(f->kms_key, r->kms.pub, 33);
	f->kms_threshold = THRESHOLD;
	f->kms_nodes = NODES;
	for (i = 0; i < NODES; i++)
		assert_int_equal(
		    secp_public(r->shares[i], f->kms_shares[i]), 0);
}

void
rig_facts_now(struct rig *r, const struct m_facts *f)
{
	chan_send(&r->registry, M_FACTS, f, NULL, 0, -1);
	rig_received(&r->registry);
	rig_lives(r);
}

void
rig_later(struct rig *r, int seconds)
{
	r->seam->boot_ms += 1000 * (int64_t)seconds;
	r->seam->unix_s += seconds;
}

void
rig_clock(struct rig *r, int seconds)
{
	r->seam->unix_s += seconds;
}

void
rig_quote(struct rig *r)
{
	static const char evidence[] = "insecure";
	struct m_quote q = { .size = sizeof(evidence) };
	const struct msg *m;
	int fd = memfd_create("evidence", MFD_ALLOW_SEALING);

	rig_next(r, &r->evidence, M_QUOTE_ASK);
	assert_true(write(fd, evidence, sizeof(evidence)) == sizeof(evidence));
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
	chan_send(&r->evidence, M_QUOTE, &q, NULL, 0, fd);
	close(fd);
	m = rig_next(r, &r->net, M_REGISTER);
	r->registration = *(const struct m_register *)m->payload;
	close(m->fd);
}

void
rig_renewed(struct rig *r)
{
	rig_later(r, 11);
	chan_send(&r->net, M_RENEW, NULL, NULL, 0, -1);
	rig_quote(r);
}

static void
rig_register(struct rig *r)
{
	chan_send(&r->registry, M_FACTS, &r->facts, NULL, 0, -1);
	rig_quote(r);
	if (r->net.self == R_NOX)	/* it has no registrations */
		return;
	memcpy(r->facts.runner, r->runner, 20);
	r->facts.sequence = 1;
	r->facts.valid_until = now() + 3600;
	chan_send(&r->registry, M_FACTS, &r->facts, NULL, 0, -1);
}

/* The other chain has the same counterparts: only its Registry is another. */
static void
rig_other(struct rig *r)
{
	const struct m_runner *us;

	rig_peer(r, &r->other_net, R_NET, 1);
	rig_peer(r, &r->other_registry, R_REGISTRY, 1);
	rig_swap(r);
	us = rig_next(r, &r->registry, M_RUNNER)->payload;
	memcpy(r->runner, us->address, 20);
	memset(r->facts.runner, 0, 20);
	rig_register(r);
	rig_said(r, "chain 31338: accepting tasks");
	rig_swap(r);
}

void
rig_start(struct rig *r)
{
	const uint32_t isolate_task = r->isolate_task, other = r->has_other;
	const uint32_t gas = r->has_gas, nox = r->is_nox;
	const uint32_t pin = r->pin_kms_key, lists = r->pin_lists;
	const uint32_t max_tasks = r->max_tasks;
	const struct m_runner *us;

	rig_once();
	memset(r, 0, sizeof(*r));
	r->isolate_task = isolate_task;
	r->has_other = other;
	r->has_gas = gas;
	r->is_nox = nox;
	r->pin_kms_key = pin;
	r->max_tasks = max_tasks;
	r->pin_lists = lists;
	party_new(&r->orchestrator);
	party_new(&r->gateway);
	party_new(&r->kms);
	r->other_net.fd = r->other_registry.fd = r->second.fd = -1;
	rig_exec(r);
	while (!r->is_ready && readable(r->monitor.fd, PATIENCE) && rig_hear(r))
		;
	rig_peer(r, &r->net, r->is_nox ? R_NOX : R_NET, 0);
	rig_peer(r, &r->tls, R_TLS, 0);
	rig_peer(r, &r->registry, R_REGISTRY, 0);
	rig_peer(r, &r->evidence, R_EVIDENCE, 0);
	rig_peer(r, &r->worker, R_COMPUTE, 0);
	us = rig_next(r, &r->registry, M_RUNNER)->payload;
	memcpy(r->runner, us->address, 20);
	memcpy(r->gas_account, us->gas_account, 20);
	r->epoch = 1;
	r->threshold = THRESHOLD;
	r->quorum[0] = 1;
	r->quorum[1] = 2;
	r->chain_id = CHAIN_ID;
	rig_domain(r);
	rig_facts(r);
	rig_register(r);
	rig_said(r, "accepting tasks\n");
	if (r->has_other)
		rig_other(r);
}

void
rig_stop(struct rig *r)
{
	struct chan *all[] = { &r->net, &r->tls, &r->registry, &r->evidence,
		&r->worker, &r->second, &r->other_net, &r->other_registry };
	int status;
	size_t i;

	chan_close(&r->monitor);
	munmap(r->seam, sizeof(*r->seam));
	if (r->pid != 0) {
		assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
		assert_int_equal(status, 0);
	}
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->fd != -1)
			chan_close(all[i]);
}

/* ---- work -------------------------------------------------------------- */

static void
handle_new(const struct rig *r, uint8_t h[32])
{
	assert_int_equal(getrandom(h, 32, 0), 32);
	h[0] = 0;
	h[1] = 0;
	h[2] = 0;
	h[3] = (uint8_t)(r->chain_id >> 8);
	h[4] = (uint8_t)r->chain_id;
	h[5] = TYPE_UINT(256);
	h[6] = 0;
}

void
work_new(struct rig *r, struct work *w)
{
	static struct builder b;
	struct p_shape shape;
	uint8_t in[2][32], out[32], plain[32];
	size_t i;

	memset(w, 0, sizeof(*w));
	builder_init(&b);
	assert_int_equal(
	    builder_op(&b, primitive_by_name("add")->opcode, 0), 0);
	for (i = 0; i < 2; i++) {
		handle_new(r, in[i]);
		assert_int_equal(builder_handle(&b, in[i]), 0);
		memset(plain, 0, 32);
		plain[31] = (uint8_t)(10 + i);
		memcpy(w->operands[i].handle, in[i], 32);
		w->operands[i].len = 48;
		assert_int_equal(ecies_seal(r->kms.xy, in[i], 32, plain, 32,
				     w->operands[i].key, w->operands[i].nonce,
				     w->operands[i].ciphertext),
		    0);
	}
	handle_new(r, out);
	assert_int_equal(builder_output(&b, out), 0);
	w->n_words = builder_words(&b, w->words);
	shape = b.shape;
	assert_int_equal(
	    program_view(&w->program, &shape, w->words, w->n_words), 0);
	w->m.shape = shape;
	assert_int_equal(getrandom(w->m.id, 32, 0), 32);
	w->m.attempt = 1;
	w->m.chain_id = r->chain_id;
	memcpy(w->m.runner, r->runner, 20);
	w->m.issued_at = now();
	w->m.deadline = now() + 60;
}

void
work_new_largest(struct rig *r, struct work *w)
{
	static struct builder b;
	struct p_shape shape;
	uint8_t handle[32];
	size_t i, j;

	work_new(r, w);
	builder_init(&b);
	for (i = 0; i < TASK_OPS; i++) {
		assert_int_equal(
		    builder_op(&b, primitive_by_name("add")->opcode, 0), 0);
		for (j = 0; j < 2; j++) {
			handle_new(r, handle);
			assert_int_equal(builder_handle(&b, handle), 0);
		}
		handle_new(r, handle);
		assert_int_equal(builder_output(&b, handle), 0);
	}
	w->n_words = builder_words(&b, w->words);
	shape = b.shape;
	assert_int_equal(
	    program_view(&w->program, &shape, w->words, w->n_words), 0);
	w->m.shape = shape;
}

static void
sign(struct rig *r, const struct party *p, const uint8_t hash[32],
    uint8_t sig[65])
{
	uint8_t digest[32];

	td_digest(r->domain, hash, digest);
	assert_int_equal(secp_sign(p->key, digest, sig), 0);
}

void
rig_signed(struct rig *r, const uint8_t hash[32], const uint8_t sig[65])
{
	uint8_t digest[32], who[20];

	td_digest(r->domain, hash, digest);
	assert_int_equal(secp_recover(digest, sig, who), 0);
	assert_memory_equal(who, r->runner, 20);
}

void
work_offer(struct rig *r, uint32_t batch, struct work *w, uint32_t n,
    const struct party *by)
{
	uint8_t hashes[BATCH_TASKS][32], hash[32];
	struct m_batch b = { .batch = batch, .n_tasks = n };
	uint32_t i;

	for (i = 0; i < n; i++) {
		w[i].m.batch = batch;
		w[i].m.task = i;
		td_task(&w[i].m, &w[i].program, hashes[i]);
	}
	td_batch(TD_TASK_BATCH, (const uint8_t(*)[32])hashes, n, hash);
	sign(r, by, hash, b.signature);
	chan_send(&r->net, M_BATCH, &b, NULL, 0, -1);
	for (i = 0; i < n; i++)
		chan_send(
		    &r->net, M_TASK, &w[i].m, w[i].words, w[i].n_words, -1);
}

void
work_asked(
    struct rig *r, uint32_t batch, struct work *w, uint32_t n, uint64_t *avoid)
{
	const struct msg *m = rig_next(r, &r->net, M_ASK);
	const struct m_ask *a = m->payload;
	const struct m_ask_task *t = m->rows;
	uint8_t hashes[BATCH_TASKS][32], hash[32];
	uint32_t i;

	assert_int_equal(a->batch, batch);
	assert_int_equal(m->n_rows, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(t[i].task, i);
		memcpy(w[i].ephemeral_key, t[i].ephemeral_key, 33);
		td_operand_request(w[i].m.id, w[i].m.attempt, w[i].m.caller,
		    t[i].ephemeral_key, w[i].program.inputs,
		    w[i].program.shape.n_inputs, w[i].program.outputs,
		    w[i].program.shape.n_outputs, hashes[i]);
	}
	td_operand_request_batch(r->runner, a->expiry, a->avoid,
	    (const uint8_t(*)[32])hashes, n, hash);
	rig_signed(r, hash, a->signature);
	if (avoid != NULL)
		*avoid = a->avoid;
}

static void
node_answer(struct rig *r, struct work *w, uint32_t node)
{
	const uint32_t *quorum = r->quorum;
	struct m_grant_seal *s = &w->seals[node - 1];
	uint8_t own[32], key[32], x[32], partial[PARTIAL_PLAIN];
	struct seal_bind bind;
	uint32_t j;

	assert_int_equal(shamir_lambda(quorum, THRESHOLD, node, x), 0);
	assert_int_equal(secp_scalar_mul(x, r->shares[node - 1]), 0);
	secp_key_new(own);
	memset(s, 0, sizeof(*s));
	s->node = node;
	assert_int_equal(secp_public(own, s->key), 0);
	assert_int_equal(seal_key(own, w->ephemeral_key, key), 0);
	memcpy(bind.task_id, w->m.id, 32);
	bind.attempt = w->m.attempt;
	bind.node = node;
	memcpy(bind.ephemeral_key, w->ephemeral_key, 33);
	memcpy(bind.node_key, s->key, 33);
	for (j = 0; j < 2; j++) {
		assert_int_equal(
		    partial_make(x, w->operands[j].key, partial), 0);
		assert_int_equal(
		    seal_partial(key, &bind, j, w->operands[j].handle, partial,
			w->partials[node - 1][j].b),
		    0);
	}
}

void
work_delegate(struct rig *r, struct work *w)
{
	node_answer(r, w, r->quorum[0]);
	node_answer(r, w, r->quorum[1]);
}

void
work_grant(struct rig *r, uint32_t batch, struct work *w, uint32_t n,
    const struct party *by)
{
	uint8_t hashes[BATCH_TASKS][32];
	struct td_seal seals[THRESHOLD];
	uint8_t ops_hash[32], seals_hash[32], hash[32];
	struct m_grant g = { .batch = batch, .n_tasks = n };
	struct m_grant_task t;
	struct m_grant_seal *s;
	uint32_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < r->threshold; j++)
			seals[j] = (struct td_seal){
				w[i].seals[r->quorum[j] - 1].node,
				w[i].seals[r->quorum[j] - 1].key,
				w[i].partials[r->quorum[j] - 1], 2
			};
		td_granted_operands(w[i].operands, 2, ops_hash);
		td_seals(seals, r->threshold, seals_hash);
		td_operand_grant(w[i].m.id, w[i].m.attempt, ST_OK,
		    w[i].ephemeral_key, ops_hash, seals_hash, hashes[i]);
	}
	td_batch(TD_OPERAND_GRANT_BATCH, (const uint8_t(*)[32])hashes, n, hash);
	sign(r, by, hash, g.signature);
	chan_send(&r->net, M_GRANT, &g, NULL, 0, -1);
	for (i = 0; i < n; i++) {
		memset(&t, 0, sizeof(t));
		t.batch = batch;
		t.task = i;
		t.status = ST_OK;
		t.n_seals = r->threshold;
		memcpy(t.id, w[i].m.id, 32);
		t.attempt = w[i].m.attempt;
		memcpy(t.ephemeral_key, w[i].ephemeral_key, 33);
		chan_send(&r->net, M_GRANT_TASK, &t, w[i].operands, 2, -1);
		for (j = 0; j < r->threshold; j++) {
			s = &w[i].seals[r->quorum[j] - 1];
			s->batch = batch;
			s->task = i;
			chan_send(&r->net, M_GRANT_SEAL, s,
			    w[i].partials[r->quorum[j] - 1], 2, -1);
		}
	}
}

void
work_grant_fails(struct rig *r, uint32_t batch, struct work *w, uint32_t status)
{
	struct m_grant g = { .batch = batch, .n_tasks = 1 };
	struct m_grant_task t = { .batch = batch, .status = status };
	uint8_t none[32], hash[1][32], digest[32];

	memcpy(t.id, w->m.id, 32);
	t.attempt = w->m.attempt;
	memcpy(t.ephemeral_key, w->ephemeral_key, 33);
	td_array(NULL, 0, none);
	td_operand_grant(
	    t.id, t.attempt, status, t.ephemeral_key, none, none, hash[0]);
	td_batch(TD_OPERAND_GRANT_BATCH, (const uint8_t(*)[32])hash, 1, digest);
	sign(r, &r->gateway, digest, g.signature);
	chan_send(&r->net, M_GRANT, &g, NULL, 0, -1);
	chan_send(&r->net, M_GRANT_TASK, &t, NULL, 0, -1);
}

/* As the worker derives it. */
static uint32_t
open_operand(
    struct rig *r, const struct m_value *v, uint32_t j, uint8_t plain[32])
{
	uint32_t st = delegate_key(v, j, r->data_keys[j], &r->answer);

	if (st == ST_OK &&
	    gcm_open(r->data_keys[j], v->nonce, v->handle, 32, v->ciphertext,
		48, plain) != 0) {
		memset(plain, 0xff, 32);
		st = delegate_blame(v, j, &r->answer);
	}
	return st;
}

uint32_t
work_job(struct rig *r, struct work *w, uint8_t plain[2][32])
{
	const struct msg *m = rig_next(r, &r->worker, M_JOB);
	const struct m_job *job = m->payload;
	struct m_value o[2];
	uint32_t j, st, n_seals = job->n_seals;

	memset(&r->answer, 0, sizeof(r->answer));
	r->answer.job = job->job;
	memcpy(r->ephemeral, job->secret, 32);
	assert_memory_equal(job->kms_key, r->kms.pub, 33);
	assert_int_equal(m->n_rows, w->n_words + 2 * VALUE_WORDS);
	assert_memory_equal(m->rows, w->words, w->n_words * 32);
	memcpy(o, (const struct m_word *)m->rows + w->n_words, sizeof(o));
	assert_null(delegate_start(job));
	for (j = 0; j < n_seals; j++) {
		m = rig_next(r, &r->worker, M_JOB_SEAL);
		assert_null(delegate_seal(m->payload, m->rows, m->n_rows));
	}
	assert_true(delegate_is_complete());
	memset(plain, 0xff, 64);
	st = delegate_open(&r->answer);
	for (j = 0; j < 2 && st == ST_OK; j++)
		st = open_operand(r, &o[j], j, plain[j]);
	r->answer.status = st;
	return r->answer.job;
}

void
work_fails(struct rig *r)
{
	assert_int_not_equal(r->answer.status, ST_OK);
	chan_send(&r->worker, M_JOB_DONE, &r->answer, NULL, 0, -1);
}

static int
memscan(struct rig *r, const char *option, const char *hex)
{
	char command[512];
	int status;

#ifdef TEE_SANITIZERS
	skip();			/* terabytes of shadow memory */
#endif
	if (geteuid() != 0)
		skip();		/* the memory of another process */
	snprintf(command, sizeof(command), "tests/hostile/memscan %s %d %s",
	    option, (int)r->pid, hex);
	status = system(command);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status);
}

int
rig_finds(struct rig *r, const char *hex)
{
	return memscan(r, "", hex);
}

void
rig_scan(struct rig *r, const char *option, const char *hex)
{
	if (memscan(r, option, hex) != 0)
		fail_msg("it is in the memory of keys, or some is not locked");
}

void
work_done(struct rig *r, uint32_t job, const uint8_t handle[32], uint8_t len,
    struct m_value *v)
{
	struct m_job_done d = { .job = job, .status = ST_OK };

	memset(v, 0, sizeof(*v));
	memcpy(v->handle, handle, 32);
	memcpy(v->key, r->kms.pub, 33);
	memset(v->ciphertext, 0xcc, len);
	v->len = len;
	chan_send(&r->worker, M_JOB_DONE, &d, v, 1, -1);
}

void
work_result(struct rig *r, uint32_t batch, struct work *w, uint32_t status,
    const struct m_value *output)
{
	const struct msg *m = rig_next(r, &r->net, M_RESULT);
	const struct m_result *res = m->payload;
	const struct m_results *all;
	uint8_t hash[1][32], digest[32];
	size_t n = output == NULL ? 0 : 1;

	assert_int_equal(res->batch, batch);
	assert_int_equal(res->status, status);
	assert_int_equal(m->n_rows, n);
	if (n == 1)
		assert_memory_equal(m->rows, output, sizeof(*output));
	td_outputs(output, n, digest);
	td_task_result(w->m.id, w->m.attempt, status, digest, hash[0]);
	all = rig_next(r, &r->net, M_RESULTS)->payload;
	assert_int_equal(all->n_results, 1);
	assert_int_equal(all->epoch, r->epoch);
	td_task_result_batch(all->epoch, (const uint8_t(*)[32])hash, 1, digest);
	rig_signed(r, digest, all->signature);
}
