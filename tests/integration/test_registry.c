/* SPDX-License-Identifier: Apache-2.0
 *
 * The real chain under its real filter, started as the monitor starts it, by a
 * test that plays monitor and keys: with stand-ins of the Registry that agree,
 * lie, go and come back, and with endpoints that are none.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "chan.h"
#include "config.h"
#include "proc.h"
#include "sandbox.h"
#include "../../src/devnet/registry/registry.h"

/* chan.c wants them; the test dispatches nothing. */
const msg_handler handlers[M_TYPES];

#define CHAIN	31337
#define SERVERS	8
#define SECOND	1000

static const uint8_t contract[20] = { 0x5f, 0xbd, [19] = 0xa3 };

/* The state of the stand-ins; any point will do as key and share. */
#define POINT	"0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f28" \
	"15b16f81798"
#define OTHER	"0x02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac0" \
	"9b95c709ee5"
#define KMS	"\"kmsKey\":\"" OTHER "\",\"shares\":[\"" POINT "\",\"" OTHER \
	"\"],\"threshold\":2,\"epoch\":7"
#define PEERS	"\"orchestrators\":[\"0x111111111111111111111111111111" \
	"1111111111\"]," \
	"\"gateways\":[\"0x2222222222222222222222222222222222222222\"]"

struct server {
	pid_t		 pid;
	uint16_t	 port;
	unsigned	*accepted;	/* shared with it */
};

static struct server servers[SERVERS];
static size_t n_servers;

static struct {
	pid_t		 pid;
	int		 monitor, keys;	/* our ends */
	struct m_start	 start;
	struct m_facts	 facts;		/* the last */
	unsigned	 n_facts;
	struct m_endpoint rows[CONF_ENDPOINTS];
	size_t		 n_rows;
	char		 log[64 * 1024];
	size_t		 n_log;
} c;

/* ---- endpoints --------------------------------------------------------- */

/* A stand-in on `port', 0: any; the number of its server. */
static size_t
stand_in(uint16_t port, uint64_t chain_id)
{
	struct server *s = &servers[n_servers];
	struct devnet_registry r = { .port = port, .chain_id = chain_id };
	char line[16] = "";
	int fd[2];

	assert_true(n_servers < SERVERS);
	memcpy(r.address, contract, sizeof(contract));
	assert_int_equal(pipe(fd), 0);
	if ((s->pid = fork()) == 0) {
		close(fd[0]);
		r.ready_fd = fd[1];
		_exit(devnet_registry_main(&r));
	}
	close(fd[1]);
	assert_true(read(fd[0], line, sizeof(line) - 1) > 0);
	close(fd[0]);
	s->port = (uint16_t)atoi(line);
	return n_servers++;
}

/* How a server that is no endpoint treats each connection. */
enum mood {
	CLOSES,
	SILENT,
	DRIPS,
	RUBBISH,
	HUGE_BODY,
	NOT_RPC,
};

static void
misbehave(int fd, enum mood mood)
{
	static char block[65536];
	const char *answer = mood == NOT_RPC ?
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]" :
	    mood == RUBBISH ? "\x16\x03 what?\r\n\r\n" :
	    mood == HUGE_BODY ? "HTTP/1.1 200 OK\r\n\r\n" :
				"HTTP/1.1 200 OK\r\nX: ";

	if (recv(fd, block, sizeof(block), 0) <= 0 || mood == CLOSES)
		return;
	if (mood == SILENT) {
		(void)recv(fd, block, sizeof(block), 0);
		return;
	}
	memset(block, ' ', sizeof(block));
	if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) == -1)
		return;
	while (mood == HUGE_BODY &&
	    send(fd, block, sizeof(block), MSG_NOSIGNAL) != -1)
		continue;
	while (mood == DRIPS && send(fd, "x", 1, MSG_NOSIGNAL) != -1)
		usleep(100000);
}

static size_t
bad_endpoint(enum mood mood)
{
	struct server *s = &servers[n_servers];
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd, peer;

	assert_true(n_servers < SERVERS);
	s->accepted = mmap(NULL, sizeof(unsigned), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(s->accepted, MAP_FAILED);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	s->port = ntohs(sin.sin_port);
	if ((s->pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while ((peer = accept(fd, NULL, NULL)) != -1) {
			++*s->accepted;
			misbehave(peer, mood);
			close(peer);
		}
		_exit(0);
	}
	close(fd);
	return n_servers++;
}

static void
end_server(size_t i)
{
	struct server *s = &servers[i];

	if (s->pid == 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

/* devnet_set on a stand-in. */
static void
tell(size_t i, const char *members)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(servers[i].port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char body[2048], text[4096];
	size_t n = 0;
	ssize_t r;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	snprintf(body, sizeof(body),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,"
	    "\"method\":\"devnet_set\",\"params\":{%s}}",
	    members);
	snprintf(text, sizeof(text),
	    "POST / HTTP/1.0\r\nContent-Length: %zu"
	    "\r\n\r\n%s",
	    strlen(body), body);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	while ((r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = '\0';
	close(fd);
	assert_non_null(strstr(text, "\"result\":true"));
}

/* ---- registry ---------------------------------------------------------- */

static void
send_record(int fd, uint32_t type, const void *payload, size_t len, int pass_fd)
{
	static uint8_t record[MSG_MAX];
	struct msg_hdr h = { .type = type };
	union {
		struct cmsghdr	h;
		char		b[CMSG_SPACE(sizeof(int))];
	} control = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)),
			  .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { record, sizeof(h) + len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(record, &h, sizeof(h));
	memcpy(record + sizeof(h), payload, len);
	if (pass_fd != -1) {
		memcpy(CMSG_DATA(&control.h), &pass_fd, sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.b);
	}
	assert_int_not_equal(sendmsg(fd, &m, MSG_NOSIGNAL), -1);
}

static void
note(const struct msg_hdr *h, const void *payload, size_t n)
{
	const struct m_log *line = payload;

	switch (h->type) {
	case M_LOG:
		assert_int_equal(n, sizeof(*line));
		c.n_log += (size_t)snprintf(c.log + c.n_log,
		    sizeof(c.log) - c.n_log, "%s\n", line->text);
		assert_true(c.n_log < sizeof(c.log));
		break;
	case M_FACTS:
		assert_int_equal(n, sizeof(c.facts));
		memcpy(&c.facts, payload, n);
		c.n_facts++;
		break;
	case M_ENDPOINTS:
		n -= sizeof(struct m_endpoints);
		assert_int_equal(n % sizeof(struct m_endpoint), 0);
		c.n_rows = n / sizeof(struct m_endpoint);
		assert_in_range(c.n_rows, 1, CONF_ENDPOINTS);
		memcpy(c.rows,
		    (const char *)payload + sizeof(struct m_endpoints), n);
		break;
	case M_READY: assert_int_equal(n, sizeof(struct m_ready));
#ifndef TEE_SANITIZERS
		assert_true(((const struct m_ready *)payload)->features &
		    SANDBOX_SECCOMP);
#endif
		break;
	default: fail_msg("chain sent a message of type %u", h->type);
	}
}

/* The next message of either channel, within `ms'. */
static void
take_records(int ms)
{
	static _Alignas(16) uint8_t record[MSG_MAX];
	struct pollfd p[2] = { { .fd = c.monitor, .events = POLLIN },
		{ .fd = c.keys, .events = POLLIN } };
	ssize_t n;

	assert_int_not_equal(poll(p, 2, ms), -1);
	for (int i = 0; i < 2; i++)
		while ((n = recv(p[i].fd, record, sizeof(record),
			    MSG_DONTWAIT)) != -1) {
			if (n == 0)
				fail_msg("chain has gone:\n%s", c.log);
			note((struct msg_hdr *)record,
			    record + sizeof(struct msg_hdr),
			    (size_t)n - sizeof(struct msg_hdr));
		}
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
pass_time(int ms)
{
	const int64_t end = now_ms() + ms;

	while (now_ms() < end)
		take_records((int)(end - now_ms()));
}

static unsigned
logged(const char *text)
{
	unsigned n = 0;

	for (const char *p = c.log; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

static void
await_log(const char *text)
{
	const int64_t end = now_ms() + 15 * SECOND;

	while (logged(text) == 0) {
		if (now_ms() > end)
			fail_msg("not logged: %s\n%s", text, c.log);
		take_records(100);
	}
}

/* Facts that are newer than all before now. */
static void
await_facts(void)
{
	const int64_t end = now_ms() + 15 * SECOND;
	const unsigned before = c.n_facts;

	while (c.n_facts == before) {
		if (now_ms() > end)
			fail_msg("no facts:\n%s", c.log);
		take_records(100);
	}
}

static void
name_runner(uint8_t first_byte)
{
	const struct m_runner r = { .address = { first_byte } };

	send_record(c.keys, M_RUNNER, &r, sizeof(r), -1);
}

/* With all servers as endpoints. */
static void
start_chain(uint32_t quorum, uint32_t refresh)
{
	const struct m_peer peer = { .role = R_KEYS };
	struct conf_chain *conf = &c.start.conf.chains[0];
	int m[2], k[2];

	msg_table_hash(c.start.table);
	c.start.role = R_REGISTRY;
	c.start.log_level = 6;
	snprintf(c.start.empty_dir, sizeof(c.start.empty_dir), "/");
	conf->chain_id = CHAIN;
	if (conf->registry[0] == 0)
		memcpy(conf->registry, contract, sizeof(contract));
	conf->registry_quorum = quorum;
	conf->registry_refresh = refresh;
	conf->registry_max_age = 300;
	conf->registry_depth = 3;
	for (size_t i = 0; i < n_servers; i++)
		snprintf(conf->endpoints[conf->n_endpoints++], CONF_URL,
		    "http://127.0.0.1:%d/secret", servers[i].port);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, m), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, k), 0);
	if ((c.pid = fork()) == 0) {
		if (dup2(m[1], 60) == -1 || dup2(60, PROC_MONITOR_FD) == -1 ||
		    close_range(PROC_MONITOR_FD + 1, ~0u, 0) == -1)
			_exit(126);
		execl("libexec/registry", "registry", (char *)NULL);
		_exit(127);
	}
	close(m[1]);
	c.monitor = m[0];
	c.keys = k[0];
	send_record(c.monitor, M_START, &c.start, sizeof(c.start), -1);
	send_record(c.monitor, M_PEER, &peer, sizeof(peer), k[1]);
	close(k[1]);
}

static int
setup(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	memset(servers, 0, sizeof(servers));
	n_servers = 0;
	c.monitor = c.keys = -1;
	return 0;
}

/* The monitor goes: whatever happened, chain lives and ends well. */
static int
teardown(void **state)
{
	int st = 0;

	(void)state;
	for (size_t i = 0; i < n_servers; i++)
		end_server(i);
	close(c.monitor);
	if (c.pid > 0)
		waitpid(c.pid, &st, 0);
	close(c.keys);
	if (st != 0)
		fprintf(stderr, "chain ended with %#x:\n%s", st, c.log);
	return st;
}

/* "endpoint http://127.0.0.1:PORT: what" */
static const char *
of(const char *what, size_t i)
{
	static char text[128];

	snprintf(text, sizeof(text), "endpoint http://127.0.0.1:%d: %s",
	    servers[i].port, what);
	return text;
}

/* ---- tests ------------------------------------------------------------- */

static void
facts_are_what_the_registry_says(void **state)
{
	static const uint8_t nobody[20];
	uint64_t first;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		tell(stand_in(0, CHAIN), KMS "," PEERS);
	start_chain(2, 1);
	await_facts();
	assert_int_equal(c.facts.kms_threshold, 2);
	assert_int_equal(c.facts.kms_nodes, 2);
	assert_int_equal(c.facts.kms_epoch, 7);
	assert_int_equal(c.facts.kms_key[1], 0xc6);
	assert_int_equal(c.facts.kms_shares[0][1], 0x79);
	assert_int_equal(c.facts.n_orchestrators, 1);
	assert_int_equal(c.facts.orchestrators[0][19], 0x11);
	assert_int_equal(c.facts.n_gateways, 1);
	assert_int_equal(c.facts.gateways[0][0], 0x22);
	assert_int_equal(c.facts.sequence, 0);
	assert_int_equal(c.facts.valid_until, 0);
	assert_memory_equal(c.facts.runner, nobody, 20);
	/* A block is a second: the clock is `depth' blocks ahead. */
	assert_in_range((uint64_t)time(NULL) - c.facts.block_time, 2, 8);
	first = c.facts.block_number;
	pass_time(2 * SECOND + 500);
	assert_true(c.facts.block_number > first);
	assert_int_equal(c.n_rows, 2);
	assert_int_equal(c.rows[1].state, ENDPOINT_ANSWERS);
	assert_memory_equal(c.rows[1].name, "http://127.0.0.1:", 17);
	assert_null(strstr(c.rows[1].name, "secret"));
	assert_true(c.rows[1].answered_at != 0 && c.rows[1].latency != 0);
	assert_int_equal(logged("(2 of 2 endpoints agree)"), 1);
	assert_int_equal(logged("fails"), 0);
	assert_int_equal(logged("secret"), 0);	/* a path can be a password */
}

static void
a_runner_that_is_named_is_asked_for_at_once(void **state)
{
	(void)state;
	tell(stand_in(0, CHAIN), KMS "," PEERS);
	start_chain(1, 3600);
	await_facts();
	for (uint8_t i = 1; i < 4; i++) {
		const int64_t asked = now_ms();

		name_runner(i);
		do
			await_facts();
		while (c.facts.runner[0] != i);
		assert_true(now_ms() - asked < 900);
	}
}

static void
a_registry_without_a_kms_key_gives_no_facts(void **state)
{
	size_t a, b;

	(void)state;
	a = stand_in(0, CHAIN);
	b = stand_in(0, CHAIN);
	start_chain(2, 1);
	await_log("not usable: it has no KMS key yet");
	pass_time(2 * SECOND);
	assert_int_equal(logged("not usable"), 1);
	assert_int_equal(c.n_facts, 0);
	tell(a, KMS);
	tell(b, KMS);
	await_facts();
	await_log("the Registry lists no Orchestrator");
	assert_int_equal(c.facts.n_orchestrators, 0);
	pass_time(2 * SECOND);
	assert_int_equal(logged("lists no Orchestrator"), 1);
}

static void
an_address_without_a_contract_gives_no_facts(void **state)
{
	(void)state;
	stand_in(0, CHAIN);
	c.start.conf.chains[0].registry[0] = 1;
	start_chain(1, 1);
	await_log("not usable: no contract at its address");
	assert_int_equal(c.n_facts, 0);
}

static void
two_that_disagree_give_no_facts(void **state)
{
	size_t a, b;

	(void)state;
	a = stand_in(0, CHAIN);
	b = stand_in(0, CHAIN);
	tell(a, KMS "," PEERS);
	tell(b, KMS "," PEERS ",\"lie\":true");
	start_chain(2, 1);
	await_log("endpoints disagree on block");
	await_log("no quorum: 1 endpoints agree, registry-quorum is 2");
	pass_time(2 * SECOND);
	assert_int_equal(logged("endpoints disagree"), 1);
	assert_int_equal(logged("no quorum"), 1);
	assert_int_equal(c.n_facts, 0);
	tell(b, "\"lie\":false");
	await_facts();
	assert_int_equal(c.facts.kms_key[1], 0xc6);
}

static void
one_that_lies_is_outvoted_and_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		tell(stand_in(0, CHAIN), KMS "," PEERS);
	tell(1, "\"lie\":true");
	start_chain(2, 1);
	await_facts();
	assert_int_equal(c.facts.kms_key[1], 0xc6);
	await_log(of("disagrees", 1));
	pass_time(2 * SECOND);
	assert_int_equal(logged(": disagrees"), 1);
	assert_int_equal(c.facts.kms_key[1], 0xc6);
	assert_int_equal(c.rows[1].state, ENDPOINT_DISAGREES);
	assert_true(c.rows[1].disagreements > 0);
	assert_true(c.facts.endpoint_disagreements > 0);
	assert_int_equal(c.facts.endpoint_failures, 0);
	tell(1, "\"lie\":false");
	await_log(of("agrees again", 1));
}

/* Of five two may lie together.  A third that tells something else leaves
 * nobody with a quorum: then nothing is reported, whoever is right. */
static void
two_of_five_are_outvoted_three_leave_no_quorum(void **state)
{
	unsigned n;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		tell(stand_in(0, CHAIN), KMS "," PEERS);
	tell(1, "\"lie\":true");
	tell(3, "\"lie\":true");
	start_chain(3, 1);
	await_facts();
	assert_int_equal(c.facts.kms_key[1], 0xc6);
	await_log(of("disagrees", 1));
	await_log(of("disagrees", 3));
	pass_time(2 * SECOND);
	assert_int_equal(c.facts.kms_key[1], 0xc6);
	assert_int_equal(logged("no quorum"), 0);
	tell(0, "\"gateways\":[]");
	await_log("no quorum: 2 endpoints agree, registry-quorum is 3");
	n = c.n_facts;
	pass_time(3 * SECOND);
	assert_int_equal(c.n_facts, n);
	tell(0, PEERS);
	await_facts();
	assert_int_equal(c.facts.kms_key[1], 0xc6);
}

static void
a_tie_is_no_quorum_and_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		tell(stand_in(0, CHAIN), KMS "," PEERS);
	tell(1, "\"lie\":true");
	tell(3, "\"lie\":true");
	start_chain(2, 1);
	await_log("no quorum: two groups of 2 endpoints disagree");
	assert_int_equal(c.n_facts, 0);
	tell(1, "\"lie\":false");
	await_facts();
	assert_int_equal(c.facts.kms_key[1], 0xc6);
}

static void
one_that_goes_is_named_and_taken_back(void **state)
{
	uint16_t port;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		tell(stand_in(0, CHAIN), KMS "," PEERS);
	start_chain(2, 1);
	await_facts();
	port = servers[1].port;
	end_server(1);
	await_log(of("fails", 1));
	await_log("no quorum: 1 endpoints answer, registry-quorum is 2");
	n = c.n_facts;
	pass_time(3 * SECOND);
	assert_int_equal(c.n_facts, n);
	assert_int_equal(logged(": fails"), 1);
	assert_int_equal(logged("no quorum"), 1);
	tell(stand_in(port, CHAIN), KMS "," PEERS);
	await_facts();
	await_log(of("answers again", 1));
	assert_int_equal(logged("(2 of 2 endpoints agree)"), 2);
}

static void
one_of_another_chain_takes_no_part(void **state)
{
	(void)state;
	tell(stand_in(0, CHAIN), KMS "," PEERS);
	tell(stand_in(0, CHAIN + 1), KMS "," PEERS);
	start_chain(1, 1);
	await_facts();
	assert_int_equal(c.facts.kms_epoch, 7);
	await_log("it serves another chain");
	pass_time(2 * SECOND);
	assert_int_equal(logged("another chain"), 1);
}

static long
ticks(pid_t pid)
{
	char path[32];
	long user, sys;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
			     "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u "
			     "%*u %*u %*u %*u %ld %ld",
			     &user, &sys),
	    2);
	fclose(f);
	return user + sys;
}

static void
endpoints_that_are_none_hold_nobody_up(void **state)
{
	static const enum mood moods[] = { CLOSES, SILENT, DRIPS, RUBBISH,
		HUGE_BODY, NOT_RPC };
	const size_t n_bad = sizeof(moods) / sizeof(moods[0]);
	long used;

	(void)state;
	for (size_t i = 0; i < n_bad; i++)
		bad_endpoint(moods[i]);
	for (size_t i = 0; i < 2; i++)
		tell(stand_in(0, CHAIN), KMS "," PEERS);
	start_chain(2, 8);
	await_facts();
	used = ticks(c.pid);
	for (size_t i = 0; i < n_bad; i++)
		await_log(of("fails", i));
	pass_time(6 * SECOND);
	for (size_t i = 0; i < n_bad; i++) {
		assert_int_equal(logged(of("fails", i)), 1);
		/* Asked again, but not often: after 1, 2, 4 seconds. */
		assert_in_range(*servers[i].accepted, 1, 5);
	}
	assert_true(ticks(c.pid) - used <= sysconf(_SC_CLK_TCK) / 4);
	assert_int_equal(c.facts.kms_epoch, 7);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(facts_are_what_the_registry_says),
		T(a_runner_that_is_named_is_asked_for_at_once),
		T(a_registry_without_a_kms_key_gives_no_facts),
		T(an_address_without_a_contract_gives_no_facts),
		T(two_that_disagree_give_no_facts),
		T(one_that_lies_is_outvoted_and_named),
		T(two_of_five_are_outvoted_three_leave_no_quorum),
		T(a_tie_is_no_quorum_and_is_named),
		T(one_that_goes_is_named_and_taken_back),
		T(one_of_another_chain_takes_no_part),
		T(endpoints_that_are_none_hold_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
