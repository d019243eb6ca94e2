/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's children without processes: how long it waits, what it calls a
 * cause, and who gets which end of which channel, also after a restart.  The
 * processes are those of tests/integration/roles.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../src/monitor/children.c"

static const struct conf two_workers = { .n_chains = 1, .workers = 2 };
static const struct conf two_chains = { .n_chains = 2,
	.workers = 2,
	.chains = { { .chain_id = 1 }, { .chain_id = 42161 } } };
static struct chan role[CHILDREN_MAX];	/* the other ends, by child */

/* ---- small things ------------------------------------------------------ */

static void
the_delay_doubles_up_to_its_limit(void **unused)
{
	static const unsigned want[] = { 100, 200, 400, 800, 1600, 3200, 6400,
		12800, 25600, 30000, 30000 };
	unsigned delay = 0;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		delay = next_delay(delay, 60000);
		assert_int_equal(delay, want[i]);
	}
}

static void
a_minute_without_fault_resets_the_delay(void **unused)
{
	(void)unused;
	assert_int_equal(next_delay(30000, 60000), 30000);
	assert_int_equal(next_delay(30000, 60001), 100);
}

static void
a_cause_is_status_signal_or_system_call(void **unused)
{
	struct child c = { .denied = 0 };
	char text[160];

	(void)unused;
	assert_string_equal(
	    exit_cause(&c, 3 << 8, text, sizeof(text)), "exit status 3");
	assert_string_equal(exit_cause(&c, SIGSEGV, text, sizeof(text)),
	    "signal 11: Segmentation fault");
	c.denied = 1 + 0;		/* read(2) is number 0 */
	assert_string_equal(exit_cause(&c, SIGSYS, text, sizeof(text)),
	    "signal 31: Bad system call: system call read (0) is not in its "
	    "policy");
}

/* ---- channels ---------------------------------------------------------- */

static struct child *
named(const char *name)
{
	size_t i;

	for (i = 0; i < n_children; i++)
		if (strcmp(children[i].name, name) == 0)
			return &children[i];
	fail_msg("no %s", name);
	return NULL;
}

/* As child_start(), but the role is this process. */
static void
began(struct child *c)
{
	struct chan *r = &role[c - children];
	int fd[2], work[2] = { -1, -1 };

	chan_close(r);
	chan_close(&c->chan);
	assert_int_equal(chan_pair(fd), 0);
	if (c->role == R_COMPUTE) {
		assert_int_equal(chan_pair(work), 0);
		close(work[1]);
	}
	c->keys_fd = work[0];
	c->is_ready = 0;
	chan_init(&c->chan, fd[0], R_MONITOR, c->role, c->index);
	chan_init(r, fd[1], c->role, R_MONITOR, 0);
}

static int
begin_with(const struct conf *c)
{
	uint32_t i;

	log_level(LOG_ERR);
	base = event_base_new();
	conf = c;
	n_children = 0;
	memset(children, 0, sizeof(children));
	for (i = 0; i < CHILDREN_MAX; i++)
		role[i].fd = -1;
	child_add(R_KEYS, 0);
	child_add(R_EVIDENCE, 0);
	child_add(R_COMPUTE, 0);
	child_add(R_COMPUTE, 1);
	for (i = 0; i < c->n_chains; i++) {
		child_add(R_REGISTRY, i);
		child_add(R_NET, i);
	}
	for (i = 0; i < n_children; i++)
		began(&children[i]);
	return 0;
}

static int
all_begin(void **unused)
{
	(void)unused;
	return begin_with(&two_workers);
}

static int
two_chains_begin(void **unused)
{
	(void)unused;
	return begin_with(&two_chains);
}

static int
all_end(void **unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < n_children; i++) {
		chan_close(&role[i]);
		chan_close(&children[i].chan);
		event_free(children[i].again);
		event_free(children[i].log_report);
		if (children[i].keys_fd != -1)
			close(children[i].keys_fd);
	}
	event_base_free(base);
	return 0;
}

/* The next PEER to `name', others skipped: its descriptor, or -1: none. */
static int
peer(const char *name, struct m_peer *p)
{
	struct msg m;

	while (chan_recv(&role[named(name) - children], S_IDLE, &m) == 1)
		if (m.type == M_PEER) {
			memcpy(p, m.payload, sizeof(*p));
			return m.fd;
		}
	return -1;
}

static void
expect(const char *name, enum role as, uint32_t index, int *fd)
{
	struct m_peer p;

	assert_int_not_equal(*fd = peer(name, &p), -1);
	assert_int_equal(p.role, as);
	assert_int_equal(p.index, index);
}

static void
expect_none(const char *name)
{
	struct m_peer p;

	assert_int_equal(peer(name, &p), -1);
}

/* Bytes written at one end arrive at the other. */
static void
joined(int a, int b)
{
	char x = 0;

	assert_int_equal(write(a, "x", 1), 1);
	assert_int_equal(read(b, &x, 1), 1);
	assert_int_equal(x, 'x');
	close(a);
	close(b);
}

/* Not ready: it may have read the file already. */
static void
a_file_goes_to_all_of_a_role(void **unused)
{
	const char *const nets[] = { "net-1", "net-42161" };
	struct msg m;
	size_t i;
	int p[2];

	(void)unused;
	assert_int_equal(pipe(p), 0);
	children_send(R_NET, M_TLS_CERTIFICATE, p[0]);
	close(p[0]);
	close(p[1]);
	for (i = 0; i < 2; i++) {
		do
			assert_int_equal(
			    chan_recv(
				&role[named(nets[i]) - children], S_IDLE, &m),
			    1);
		while (m.type != M_TLS_CERTIFICATE);
		assert_int_equal(fcntl(m.fd, F_GETFD), FD_CLOEXEC);
		close(m.fd);
	}
	assert_int_equal(
	    chan_recv(&role[named("keys") - children], S_IDLE, &m), 0);
}

static void
net_and_keys_have_two_channels(void **unused)
{
	int n, k, ntls, ktls;

	(void)unused;
	child_ready(named("net"), 0);
	expect_none("net");
	child_ready(named("keys"), 0);
	expect("net", R_KEYS, 0, &n);
	expect("net", R_KEYS, 1, &ntls);
	expect("keys", R_NET, 0, &k);
	expect("keys", R_TLS, 0, &ktls);
	expect_none("net");
	expect_none("keys");
	joined(n, k);
	joined(ktls, ntls);
}

static void
registry_and_evidence_have_a_channel_to_keys_only(void **unused)
{
	int a, b;

	(void)unused;
	child_ready(named("keys"), 0);
	child_ready(named("registry"), 0);
	expect("registry", R_KEYS, 0, &a);
	expect("keys", R_REGISTRY, 0, &b);
	joined(a, b);
	child_ready(named("evidence"), 0);
	expect("evidence", R_KEYS, 0, &a);
	expect("keys", R_EVIDENCE, 0, &b);
	joined(a, b);
	child_ready(named("net"), 0);
	expect_none("registry");
	expect_none("evidence");
}

static void
a_worker_is_announced_when_both_are_up(void **unused)
{
	int fd;

	(void)unused;
	child_ready(named("compute-1"), 0);
	child_ready(named("keys"), 0);
	expect("keys", R_COMPUTE, 1, &fd);
	close(fd);
	expect_none("keys");
	child_ready(named("compute-0"), 0);
	expect("keys", R_COMPUTE, 0, &fd);
	close(fd);
	expect_none("compute-0");
	assert_int_equal(named("compute-0")->keys_fd, -1);
}

static void
a_role_that_starts_again_gets_new_channels(void **unused)
{
	int a, b;

	(void)unused;
	child_ready(named("keys"), 0);
	child_ready(named("registry"), 0);
	child_ready(named("compute-0"), 0);
	expect("registry", R_KEYS, 0, &a);
	expect("keys", R_REGISTRY, 0, &b);
	close(a);
	close(b);
	expect("keys", R_COMPUTE, 0, &b);
	close(b);
	began(named("registry"));
	began(named("compute-0"));
	expect_none("keys");
	child_ready(named("compute-0"), 0);
	child_ready(named("registry"), 0);
	expect("keys", R_COMPUTE, 0, &b);
	close(b);
	expect("registry", R_KEYS, 0, &a);
	expect("keys", R_REGISTRY, 0, &b);
	joined(a, b);
	expect_none("keys");
}

static void
net_is_told_how_all_are(void **unused)
{
	struct m_roles r;
	struct msg m;

	(void)unused;
	named("compute-0")->restarts = 2;
	named("compute-1")->restarts = 3;
	logger_dropped = 7;
	child_ready(named("compute-1"), 8);
	child_ready(named("registry"), 5);
	child_ready(named("net"), 1);
	assert_int_equal(
	    chan_recv(&role[named("net") - children], S_IDLE, &m), 1);
	assert_int_equal(m.type, M_ROLES);
	memcpy(&r, m.payload, sizeof(r));
	assert_int_equal(r.restarts[6], 5);
	assert_int_equal(r.restarts[4], 0);
	assert_int_equal(r.features[3], 5);
	assert_int_equal(r.features[1], 1);
	assert_int_equal(r.workers, 1);
	assert_int_equal(r.log_dropped, 7);
}

/* keys is told whose each channel is; they are none of each other's
 * business. */
static void
each_chain_has_a_net_and_a_registry(void **unused)
{
	int n, k, tls, ktls;

	(void)unused;
	child_ready(named("keys"), 0);
	child_ready(named("net-42161"), 0);
	expect("net-42161", R_KEYS, 0, &n);
	expect("net-42161", R_KEYS, 1, &tls);
	expect("keys", R_NET, 1, &k);
	expect("keys", R_TLS, 1, &ktls);
	joined(n, k);
	joined(tls, ktls);
	child_ready(named("registry-1"), 0);
	expect("registry-1", R_KEYS, 0, &n);
	expect("keys", R_REGISTRY, 0, &k);
	joined(n, k);
	expect_none("net-1");
	expect_none("registry-42161");
}

static int
told(const char *name, enum msg_type type)
{
	struct msg m;
	int n = 0;

	while (chan_recv(&role[named(name) - children], S_IDLE, &m) == 1) {
		n += m.type == type;
		if (m.fd != -1)
			close(m.fd);
	}
	return n;
}

static void
it_stops_when_each_net_is_drained(void **unused)
{
	(void)unused;
	phase = RUNNING;
	stop_timer = evtimer_new(base, on_stop_timeout, NULL);
	child_ready(named("keys"), 0);
	child_ready(named("net-1"), 0);
	child_ready(named("net-42161"), 0);
	children_drain();
	assert_int_equal(told("keys", M_DRAIN), 1);
	assert_int_equal(told("net-1", M_DRAIN), 1);
	assert_int_equal(told("net-42161", M_DRAIN), 1);
	child_drained(named("net-42161"));
	child_drained(named("net-42161"));
	assert_int_equal(phase, DRAINING);
	child_drained(named("net-1"));
	assert_int_equal(phase, STOPPING);
	event_free(stop_timer);
	phase = RUNNING;
}

/* ---- logs -------------------------------------------------------------- */

static char logged[1024];		/* the last line */
static size_t n_logged;

static void
on_line(int level, const char *line)
{
	(void)level;
	snprintf(logged, sizeof(logged), "%s", line);
	n_logged++;
}

/* This child sends these lines, by its channel. */
static void
child_says(struct child *c, const char *text, size_t n)
{
	struct m_log m = { .level = LOG_ERR };
	int i;

	memcpy(m.text, text, strnlen(text, sizeof(m.text)));
	n_logged = 0;
	log_sink(on_line);
	while (n-- > 0)
		assert_int_equal(
		    chan_send(&role[c - children], M_LOG, &m, NULL, 0, -1), 0);
	/* A turn takes some of them. */
	for (i = 0; i < LAST_WORDS; i++) {
		assert_int_not_equal(chan_flush(&role[c - children]), -1);
		assert_int_equal(child_hear(c), 0);
	}
}

static void
a_line_is_one_and_bears_its_childs_name(void **unused)
{
	static const char text[] = "x\ntee-runnerd: keys: up\r\x1b[2K\tend";
	static char full[509];

	(void)unused;
	child_says(&children[1], text, 1);
	assert_int_equal(n_logged, 1);
	assert_string_equal(logged,
	    "evidence: x\\x0atee-runnerd: keys: up"
	    "\\x0d\\x1b[2K\\x09end");
	memset(full, '\n', 508);
	child_says(&children[1], full, 1);
	assert_int_equal(n_logged, 1);
	assert_memory_equal(logged, "evidence: \\x0a\\x0a", 18);
	assert_null(strchr(logged, '\n'));
}

static void
net_is_told_of_the_roles_with_each_heartbeat(void **unused)
{
	(void)unused;
	child_ready(named("net"), 0);
	on_heartbeat(-1, 0, NULL);
	told("net", M_ROLES);
	assert_int_equal(told("net", M_ROLES), 0);
	on_heartbeat(-1, 0, NULL);
	assert_int_equal(told("net", M_ROLES), 1);
}

#define WITH_CHILDREN(f) cmocka_unit_test_setup_teardown(f, all_begin, all_end)

/* It does not read, and the monitor goes on: the child is killed. */
static void
a_child_that_does_not_read_is_killed(void **unused)
{
	static struct m_roles roles;
	struct child *net = named("net");
	int status, i;

	(void)unused;
	if ((net->pid = fork()) == 0) {
		sleep(10);
		_exit(0);
	}
	for (i = 0; i < 1000000 && !net->chan.is_broken; i++)
		child_send(net, M_ROLES, &roles, -1);
	assert_true(net->chan.is_broken);
	assert_int_equal(waitpid(net->pid, &status, 0), net->pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	net->pid = 0;
}

/* ---- hung roles -------------------------------------------------------- */

/* A process in the place of this child. */
static void
gets_a_process(struct child *c)
{
	if ((c->pid = fork()) == 0) {
		sleep(30);
		_exit(0);
	}
}

static void
was_killed(struct child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	c->pid = 0;
}

static void
is_alive(struct child *c)
{
	assert_int_equal(waitpid(c->pid, NULL, WNOHANG), 0);
}

static void
answers(struct child *c)
{
	const struct m_pong pong = { 1500 };
	struct msg m;

	while (chan_recv(&role[c - children], S_UP & -S_UP, &m) == 1)
		if (m.type == M_PING)
			chan_send(
			    &role[c - children], M_PONG, &pong, NULL, 0, -1);
	assert_int_equal(child_hear(c), 0);
}

static void
a_role_that_does_not_answer_is_killed(void **unused)
{
	struct child *net = named("net"), *keys = named("keys");
	unsigned i;

	(void)unused;
	net->is_ready = keys->is_ready = 1;
	gets_a_process(net);
	gets_a_process(keys);
	for (i = 0; i < PINGS_MISSED; i++) {
		on_heartbeat(-1, 0, NULL);
		answers(keys);
		is_alive(net);
	}
	log_sink(on_line);
	on_heartbeat(-1, 0, NULL);
	assert_string_equal(logged,
	    "tee-runner: net: killed: no answer for "
	    "15 s");
	was_killed(net);
	for (i = 0; i < 3 * PINGS_BUSY; i++) {
		answers(keys);
		on_heartbeat(-1, 0, NULL);
	}
	is_alive(keys);
	kill(keys->pid, SIGKILL);
	was_killed(keys);
}

static void
evidence_may_be_busy_and_workers_are_not_asked(void **unused)
{
	struct child *evidence = named("evidence"),
		     *worker = named("compute-0");
	unsigned i;

	(void)unused;
	evidence->is_ready = worker->is_ready = 1;
	gets_a_process(evidence);
	gets_a_process(worker);
	for (i = 0; i < PINGS_BUSY; i++)
		on_heartbeat(-1, 0, NULL);
	is_alive(evidence);
	on_heartbeat(-1, 0, NULL);
	was_killed(evidence);
	assert_int_equal(worker->unanswered, 0);
	is_alive(worker);
	kill(worker->pid, SIGKILL);
	was_killed(worker);
}

static void
a_role_that_does_not_come_up_is_killed(void **unused)
{
	struct child *registry = named("registry");
	unsigned i;

	(void)unused;
	registry->is_ready = 0;
	gets_a_process(registry);
	for (i = 0; i < PINGS_BUSY; i++)
		on_heartbeat(-1, 0, NULL);
	is_alive(registry);
	log_sink(on_line);
	on_heartbeat(-1, 0, NULL);
	assert_string_equal(logged,
	    "tee-runner: registry: killed: not ready "
	    "after 120 s");
	was_killed(registry);
}

/* A CUT that names no child changes nothing.  One that net sends ends net and
 * leaves the child that it names alone. */
static void
only_keys_has_a_role_killed(void **unused)
{
	struct child *net = named("net"), *keys = named("keys");
	struct child *worker = named("compute-1");
	struct m_peer p = { .role = R_COMPUTE, .index = 2 };
	const struct {
		struct msg_hdr hdr;
		struct m_peer peer;
	} record = { { M_CUT, 0 }, { .role = R_COMPUTE, .index = 1 } };
	struct chan *at_keys = &role[keys - children];

	(void)unused;
	gets_a_process(worker);
	assert_int_equal(chan_send(at_keys, M_CUT, &p, NULL, 0, -1), 0);
	p.role = R_MONITOR;
	assert_int_equal(chan_send(at_keys, M_CUT, &p, NULL, 0, -1), 0);
	assert_int_equal(child_hear(keys), 0);
	is_alive(worker);
	assert_int_equal(
	    send(role[net - children].fd, &record, sizeof(record), 0),
	    sizeof(record));
	assert_int_equal(child_hear(net), -1);
	is_alive(worker);
	p = record.peer;
	assert_int_equal(chan_send(at_keys, M_CUT, &p, NULL, 0, -1), 0);
	log_sink(on_line);
	assert_int_equal(child_hear(keys), 0);
	assert_string_equal(logged,
	    "tee-runner: compute-1: killed: requested "
	    "by keys");
	was_killed(worker);
}

/* Also in one that has not come up yet. */
static void
a_new_log_level_reaches_every_role(void **unused)
{
	struct child *c;
	struct msg m;

	(void)unused;
	for (c = children; c < children + n_children; c++)
		c->pid = getpid();
	children_log_level(LOG_DEBUG);
	for (c = children; c < children + n_children; c++) {
		c->pid = 0;
		assert_int_equal(chan_recv(&role[c - children], S_IDLE, &m), 1);
		assert_int_equal(m.type, M_LOG_LEVEL);
		assert_int_equal(
		    ((const struct m_log_level *)m.payload)->level, LOG_DEBUG);
	}
}

static void
limits_reach_keys_and_net(void **unused)
{
	static const struct conf lower = {
		.n_chains = 1, .workers = 1, .max_tasks = 7
	};
	struct child *c;
	struct msg m;

	(void)unused;
	conf = &lower;
	for (c = children; c < children + n_children; c++)
		c->pid = getpid();
	children_limits();
	for (c = children; c < children + n_children; c++) {
		c->pid = 0;
		if (c->role != R_KEYS && c->role != R_NET) {
			assert_int_equal(
			    chan_recv(&role[c - children], S_IDLE, &m), 0);
			continue;
		}
		assert_int_equal(chan_recv(&role[c - children], S_IDLE, &m), 1);
		assert_int_equal(m.type, M_LIMITS);
		assert_int_equal(
		    ((const struct m_limits *)m.payload)->workers, 1);
		assert_int_equal(
		    ((const struct m_limits *)m.payload)->max_tasks, 7);
	}
}

/* One that is up ends when keys closes its channel; one that comes up then does
 * not reach keys. */
static void
a_surplus_worker_is_not_started_again(void **unused)
{
	static const struct conf lower = { .n_chains = 1, .workers = 1 };
	struct child *c = named("compute-1");

	(void)unused;
	child_ready(named("keys"), 0);
	conf = &lower;
	child_ready(c, 0);
	expect_none("keys");
	assert_int_equal(c->keys_fd, -1);
	child_ended(c, 0);
	assert_int_equal(c->pid, 0);
	on_again(-1, 0, c);
	assert_int_equal(c->pid, 0);
	assert_int_equal(c->restarts, 0);
}

/* ---- the service manager ----------------------------------------------- */

void
background_ready(void)
{
}

/* keys says this of a chain; `text' is what the service manager is told. */
static void
keys_says(uint32_t chain, int is_serving, int manager, const char *text)
{
	struct child *keys = named("keys");
	struct m_serving s = { chain, (uint32_t)is_serving, "a\nreason" };
	char told[512];
	ssize_t n;

	assert_int_equal(
	    chan_send(&role[keys - children], M_SERVING, &s, NULL, 0, -1), 0);
	assert_int_equal(child_hear(keys), 0);
	n = recv(manager, told, sizeof(told) - 1, MSG_DONTWAIT);
	told[n == -1 ? 0 : n] = '\0';
	assert_string_equal(told, text);
}

static void
the_service_manager_is_told_of_each_chain(void **unused)
{
	static const struct sockaddr_un sun = { AF_UNIX, "\0tee-test" };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct child *keys = named("keys");

	(void)unused;
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&sun, sizeof(sun.sun_family) + 9),
	    0);
	setenv("NOTIFY_SOCKET", "@tee-test", 1);
	notify_init();
	gets_a_process(keys);
	keys_says(
	    1, 0, fd, "STATUS=chain 42161: not accepting tasks: a\\x0areason");
	keys_says(0, 1, fd,
	    "STATUS=chain 1: accepting tasks; "
	    "chain 42161: not accepting tasks: a\\x0areason");
	is_alive(keys);
	keys_says(2, 1, fd, "");
	was_killed(keys);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_delay_doubles_up_to_its_limit),
		cmocka_unit_test(a_minute_without_fault_resets_the_delay),
		cmocka_unit_test(a_cause_is_status_signal_or_system_call),
		WITH_CHILDREN(a_line_is_one_and_bears_its_childs_name),
		WITH_CHILDREN(net_and_keys_have_two_channels),
		WITH_CHILDREN(
		    registry_and_evidence_have_a_channel_to_keys_only),
		WITH_CHILDREN(a_worker_is_announced_when_both_are_up),
		WITH_CHILDREN(a_role_that_starts_again_gets_new_channels),
		WITH_CHILDREN(net_is_told_how_all_are),
		WITH_CHILDREN(net_is_told_of_the_roles_with_each_heartbeat),
		WITH_CHILDREN(a_child_that_does_not_read_is_killed),
		WITH_CHILDREN(a_role_that_does_not_answer_is_killed),
		WITH_CHILDREN(evidence_may_be_busy_and_workers_are_not_asked),
		WITH_CHILDREN(a_role_that_does_not_come_up_is_killed),
		WITH_CHILDREN(only_keys_has_a_role_killed),
		WITH_CHILDREN(a_new_log_level_reaches_every_role),
		WITH_CHILDREN(limits_reach_keys_and_net),
		WITH_CHILDREN(a_surplus_worker_is_not_started_again),
		cmocka_unit_test_setup_teardown(
		    the_service_manager_is_told_of_each_chain, two_chains_begin,
		    all_end),
		cmocka_unit_test_setup_teardown(
		    a_file_goes_to_all_of_a_role, two_chains_begin, all_end),
		cmocka_unit_test_setup_teardown(
		    each_chain_has_a_net_and_a_registry, two_chains_begin,
		    all_end),
		cmocka_unit_test_setup_teardown(
		    it_stops_when_each_net_is_drained, two_chains_begin,
		    all_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
