/* SPDX-License-Identifier: Apache-2.0
 *
 * The NATS client with two servers on loopback, which the test plays: as they
 * should be, about to end, and hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nats.h"

#define INFO	"INFO {\"headers\":true,\"max_payload\":1048576}\r\n"
#define LDM	"INFO {\"headers\":true,\"ldm\":true}\r\n"

static struct event_base *base;
static struct nats *nats;
static int listener[2], peer[2];
static char said[2][65536];	/* by the client, to each server */
static size_t n_said[2];
static int connected, lost, messages, notices;
static char why[256], payload[64];

static void
on_connected(void *arg, const char *server, const struct nats_info *info)
{
	(void)arg;
	(void)server;
	assert_int_equal(info->max_payload, 1048576);
	connected++;
}

static void
on_lost(void *arg, const char *server, const char *reason)
{
	(void)arg;
	(void)server;
	lost++;
	snprintf(why, sizeof(why), "%s", reason);
}

static void
on_notice(void *arg, const char *server, const char *text)
{
	(void)arg;
	(void)server;
	assert_true(text[0] != '\0');
	notices++;
}

static void
on_message(void *arg, const struct nats_message *m)
{
	(void)arg;
	messages++;
	snprintf(payload, sizeof(payload), "%.*s", (int)m->n_payload,
	    (const char *)m->payload);
}

/* One turn of everybody. */
static void
turn(void)
{
	ssize_t n;

	event_base_loop(base, EVLOOP_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		if (peer[i] == -1)
			peer[i] = accept4(
			    listener[i], NULL, NULL, SOCK_NONBLOCK);
		if (peer[i] == -1)
			continue;
		n = recv(peer[i], said[i] + n_said[i],
		    sizeof(said[i]) - 1 - n_said[i], MSG_DONTWAIT);
		if (n > 0)
			n_said[i] += (size_t)n;
		said[i][n_said[i]] = '\0';
	}
	usleep(1000);
}

/* Until the condition holds; two seconds at most. */
#define until(condition)	do {					\
	for (int t_ = 0; t_ < 2000 && !(condition); t_++)		\
		turn();							\
	assert_true(condition);						\
} while (0)

static void
say(int i, const char *text)
{
	assert_int_equal(
	    send(peer[i], text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int
heard(int i, const char *text)
{
	return strstr(said[i], text) != NULL;
}

static void
serve(int i)
{
	until(peer[i] != -1);
	say(i, INFO);
	until(heard(i, "PING\r\n"));
	assert_memory_equal(said[i], "CONNECT {", 9);
	say(i, "PONG\r\n");
}

static void
hang_up(int i)
{
	close(peer[i]);
	peer[i] = -1;
	n_said[i] = 0;
	said[i][0] = '\0';
}

static int
start(void **state)
{
	static struct nats_server servers[2];
	struct nats_conf conf = { .servers = servers,
		.n_servers = 2,
		.name = "test",
		.version = "0",
		.max_output = 100000,
		.call = { on_connected, on_lost, on_notice, on_message } };
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);

	(void)state;
	base = conf.base = event_base_new();
	for (int i = 0; i < 2; i++) {
		a.sin_port = 0;
		listener[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (bind(listener[i], (struct sockaddr *)&a, n) != 0 ||
		    listen(listener[i], 5) != 0 ||
		    getsockname(listener[i], (struct sockaddr *)&a, &n) != 0)
			return -1;
		snprintf(servers[i].name, sizeof(servers[i].name), "s%d", i);
		memcpy(&servers[i].address, &a, n);
		servers[i].n_address = n;
		peer[i] = -1;
		n_said[i] = 0;
		said[i][0] = '\0';
	}
	connected = lost = messages = notices = 0;
	why[0] = '\0';
	nats = nats_new(&conf);
	return nats == NULL ? -1 : 0;
}

static int
stop(void **state)
{
	(void)state;
	nats_free(nats);
	for (int i = 0; i < 2; i++) {
		close(listener[i]);
		if (peer[i] != -1)
			close(peer[i]);
	}
	event_base_free(base);
	return 0;
}

static void
it_connects_subscribes_and_publishes(void **state)
{
	const char *headers[] = { "a", "b", NULL };

	(void)state;
	assert_int_equal(nats_publish(nats, "x", NULL, NULL, "", 0), -1);
	assert_int_equal(nats_subscribe(nats, "a.>"), 1);
	assert_int_equal(nats_subscribe(nats, "a b"), 0);
	serve(0);
	until(connected == 1);
	until(heard(0, "SUB a.> 1\r\n"));
	say(0, "PING\r\nMSG a.b 1 2\r\nhi\r\n");
	until(messages == 1);
	assert_string_equal(payload, "hi");
	until(heard(0, "PONG\r\n"));
	assert_int_equal(nats_publish(nats, "x", "r", NULL, "yes", 3), 0);
	assert_int_equal(nats_publish(nats, "x", NULL, headers, "no", 2), 0);
	until(heard(0, "PUB x r 3\r\nyes\r\n"));
	until(heard(0, "HPUB x 18 20\r\nNATS/1.0\r\na: b\r\n\r\nno\r\n"));
	nats_unsubscribe(nats, 1);
	until(heard(0, "UNSUB 1\r\n"));
	assert_int_equal(lost, 0);
}

static void
it_goes_to_the_next_server_and_subscribes_again(void **state)
{
	(void)state;
	nats_subscribe(nats, "a");
	serve(0);
	until(connected == 1);
	hang_up(0);
	until(lost == 1);
	assert_string_equal(why, "closed by the server");
	assert_false(nats_is_connected(nats));
	serve(1);
	until(connected == 2);
	until(heard(1, "SUB a 1\r\n"));
	hang_up(1);
	serve(0);
	until(connected == 3);
}

static void
before_its_server_ends_it_changes_to_the_next(void **state)
{
	(void)state;
	nats_subscribe(nats, "a");
	serve(0);
	until(connected == 1);
	say(0, LDM);
	until(peer[1] != -1);
	assert_true(nats_is_connected(nats));
	serve(1);
	until(connected == 2);
	until(heard(0, "UNSUB 1\r\nPING\r\n"));
	/* What the old server sent before its PONG is delivered. */
	say(0, "MSG a 1 3\r\nold\r\n");
	until(messages == 1);
	n_said[0] = 0;
	say(0, "PONG\r\n");
	until(recv(peer[0], why, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
	assert_int_equal(nats_publish(nats, "x", NULL, NULL, "", 0), 0);
	until(heard(1, "PUB x 0\r\n"));
	assert_int_equal(lost, 0);
}

/* What server 0 says instead, and the reason that is reported. */
static void
refuses(const char *text, const char *reason)
{
	until(peer[0] != -1);
	say(0, text);
	until(lost == 1);
	assert_non_null(strstr(why, reason));
	assert_int_equal(n_said[0], 0);
	serve(1);
	until(connected == 1);
}

static void
a_server_that_does_not_begin_with_info_is_left(void **state)
{
	(void)state;
	refuses("PONG\r\n" INFO, "does not begin with INFO");
}

static void
a_server_that_wants_tls_is_left_if_there_is_none(void **state)
{
	(void)state;
	refuses("INFO {\"headers\":true,\"tls_required\":true}\r\n",
	    "requires TLS");
}

static void
a_server_without_headers_is_left(void **state)
{
	(void)state;
	refuses("INFO {}\r\n", "headers");
}

static void
a_server_that_speaks_http_is_left(void **state)
{
	(void)state;
	refuses("HTTP/1.1 400 Bad Request\r\n\r\n", "unknown control line");
}

static void
an_error_is_the_reason_but_for_a_permission(void **state)
{
	(void)state;
	serve(0);
	until(connected == 1);
	say(0, "-ERR 'Permissions Violation for Publish to \"x\"'\r\n");
	say(0, "PING\r\n");
	until(heard(0, "PONG\r\n"));
	assert_int_equal(lost, 0);
	assert_int_equal(notices, 1);
	say(0, "-ERR 'Stale\x1b Connection'\r\n");
	until(lost == 1);
	assert_string_equal(why, "a control character in a line");
	serve(1);
	until(connected == 2);
	say(1, "-ERR 'Stale Connection'\r\n");
	until(lost == 2);
	assert_string_equal(why, "-ERR: Stale Connection");
}

static void
what_waits_to_be_sent_is_bounded(void **state)
{
	static char big[50000];
	int n = 0;

	(void)state;
	serve(0);
	until(connected == 1);
	assert_int_equal(nats_publish(nats, "x", NULL, NULL, big, 1048577), -1);
	while (nats_publish(nats, "x", NULL, NULL, big, sizeof(big)) == 0)
		n++;
	assert_int_equal(n, 1);
	assert_in_range(nats_waiting(nats), sizeof(big), 100000);
	until(nats_waiting(nats) == 0);
	assert_int_equal(
	    nats_publish(nats, "x", NULL, NULL, big, sizeof(big)), 0);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		T(it_connects_subscribes_and_publishes),
		T(it_goes_to_the_next_server_and_subscribes_again),
		T(before_its_server_ends_it_changes_to_the_next),
		T(a_server_that_does_not_begin_with_info_is_left),
		T(a_server_that_wants_tls_is_left_if_there_is_none),
		T(a_server_without_headers_is_left),
		T(a_server_that_speaks_http_is_left),
		T(an_error_is_the_reason_but_for_a_permission),
		T(what_waits_to_be_sent_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
