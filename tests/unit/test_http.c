/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's sockets of net without net: what control-socket may replace, and
 * how the HTTP port fares under clients that are slow, many or both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/net/http.c"
#include "dies.h"

struct net net;
/* chan.c wants them; the test dispatches nothing. */
const msg_handler handlers[M_TYPES];

void
net_lock(void)
{
}

void
net_unlock(void)
{
}

void
status_json(struct evbuffer *b)
{
	evbuffer_add_printf(b, "{}\n");
}

void
status_metrics(struct evbuffer *b)
{
	evbuffer_add_printf(b, "a_metric 1\n");
}

int
status_ready(const char **why)
{
	*why = "no session";
	return 0;
}

/* ---- the control socket -------------------------------------------------- */

static char dir[] = "/tmp/tee-http-XXXXXX";
static char path[64];

static int
begin(void **unused)
{
	(void)unused;
	net.base = event_base_new();
	snprintf(path, sizeof(path), "%s/control", dir);
	return 0;
}

static int
end(void **unused)
{
	(void)unused;
	unlink(path);
	return 0;
}

static void
listen_on(const void *p)
{
	control_listen(p);
}

static void
a_control_socket_that_is_a_file_stays(void **unused)
{
	char have[9] = "";
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	(void)unused;
	assert_int_equal(write(fd, "precious", 8), 8);
	dies(listen_on, path, "exists and is not a socket: remove it");
	assert_int_equal(pread(fd, have, 8, 0), 8);
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, have, 8), 8);
	assert_string_equal(have, "precious");
	close(fd);
}

static void
a_control_socket_that_is_a_link_stays(void **unused)
{
	struct stat st;

	(void)unused;
	assert_int_equal(symlink("/dev/null", path), 0);
	dies(listen_on, path, "exists and is not a socket: remove it");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

/* A socket bound to the path, with a queue for n; -1: that does not listen. */
static int
bound(int n)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_true(n == -1 || listen(fd, n) == 0);
	return fd;
}

static int
connected(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
a_control_socket_in_use_is_not_taken(void **unused)
{
	int fd = bound(8);

	(void)unused;
	dies(listen_on, path, "another process listens there: stop it");
	assert_int_not_equal(connected(), -1);
	close(fd);
}

static void
a_control_socket_with_a_full_queue_is_not_taken(void **unused)
{
	struct stat before, after;
	int fd = bound(0), n = 0;

	(void)unused;
	assert_int_equal(stat(path, &before), 0);
	while (connected() != -1)
		assert_true(n++ < 8);
	assert_int_equal(errno, EAGAIN);
	dies(listen_on, path, "another process listens there: stop it");
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	close(fd);
}

static void
a_control_socket_that_was_left_is_replaced(void **unused)
{
	(void)unused;
	close(bound(-1));
	control_listen(path);
	assert_int_not_equal(connected(), -1);
	evconnlistener_free(control_listener);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_control_socket_that_is_a_file_stays),
		T(a_control_socket_that_is_a_link_stays),
		T(a_control_socket_in_use_is_not_taken),
		T(a_control_socket_with_a_full_queue_is_not_taken),
		T(a_control_socket_that_was_left_is_replaced),
	};
	int r;

	log_init("net", LOG_INFO);
	if (mkdtemp(dir) == NULL)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
