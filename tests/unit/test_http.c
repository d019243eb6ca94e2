/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's sockets without a role: what control-socket may replace,
 * and how the HTTP port fares under clients that are slow, many or both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "../../src/front/service.c"
#include "../../src/front/http.c"
#include "../../src/front/control.c"
#include "dies.h"

struct front front;
/* chan.c wants them; the test dispatches nothing. */
const msg_handler handlers[M_TYPES];

void
front_lock(void)
{
}

void
front_unlock(void)
{
}

void
status_json(struct evbuffer *b)
{
	evbuffer_add_printf(b, "{}\n");
}

void
metrics_write(struct evbuffer *b)
{
	evbuffer_add_printf(b, "a_metric 1\n");
}

int
status_ready(const char **why)
{
	*why = "no session";
	return 0;
}

int
timeline_list(struct evbuffer *b, const char *state)
{
	evbuffer_add_printf(b, "[\"%s\"]\n", state);
	return strcmp(state, "odd") == 0 ? -1 : 0;
}

int
timeline_show(struct evbuffer *b, const char *digits)
{
	evbuffer_add_printf(b, "[\"%s\"]\n", digits);
	return 0;
}

void
timeline_stages(struct evbuffer *b)
{
	evbuffer_add_printf(b, "[]\n");
}

void
front_pause(void)
{
	front.is_paused = 1;
}

void
front_resume(void)
{
	front.is_paused = 0;
}

void
front_evidence(struct evbuffer *b)
{
	evbuffer_add(b, "\0quote", 6);
}

void
front_to_keys(enum msg_type type, const void *p, const void *rows, size_t n)
{
	(void)p;
	(void)rows;
	assert_int_equal(type, M_RENEW);
	assert_int_equal(n, 0);
}

/* ---- the control socket ------------------------------------------------ */

static char dir[] = "/tmp/tee-http-XXXXXX";
static char path[64];

static int
begin(void **unused)
{
	(void)unused;
	front.base = event_base_new();
	snprintf(path, sizeof(path), "%s/control", dir);
	return 0;
}

static int
end(void **unused)
{
	(void)unused;
	unlink(path);
	event_base_free(front.base);
	return 0;
}

static void
listen_on(const void *p)
{
	control_listen(p, 0);
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
	control_listen(path, 0);
	assert_int_not_equal(connected(), -1);
	close(event_get_fd(control.accept));
	event_free(control.accept);
}

static const char *
control_says(const char *question, uid_t peer)
{
	static char text[512];
	struct evbuffer *b = evbuffer_new();
	int n;

	assert_int_equal(control_answer(question, peer, b), 0);
	n = evbuffer_remove(b, text, sizeof(text) - 1);
	text[n] = '\0';
	evbuffer_free(b);
	return text;
}

static void
a_question_may_have_an_argument(void **unused)
{
	(void)unused;
	assert_string_equal(control_says("status\n", 1000), "{}\n");
	assert_string_equal(control_says("tasks open\n", 1000), "[\"open\"]\n");
	assert_string_equal(control_says("tasks\n", 1000), "[\"\"]\n");
	assert_string_equal(control_says("task 0xab\n", 1000), "[\"0xab\"]\n");
	assert_non_null(
	    strstr(control_says("tasks odd\n", 0), "no such state"));
	assert_non_null(
	    strstr(control_says("status x\n", 0), "no such question"));
	assert_non_null(strstr(control_says("\n", 0), "no such question"));
	assert_non_null(
	    strstr(control_says("log-level debug\n", 0), "no such question"));
}

/* Whoever can connect may look; only root and the owner may change. */
static void
a_change_is_for_the_owner_alone(void **unused)
{
	static const char *const changes[] = { "drain\n", "resume\n", "renew\n",
		"forecast 1 2 1 1 UpToDate\n" };
	size_t i;

	(void)unused;
	owner = 900;
	front.keys.fd = 1;
	front.is_paused = 0;
	for (i = 0; i < 4; i++) {
		assert_non_null(
		    strstr(control_says(changes[i], 1000), "not permitted"));
		assert_non_null(strstr(
		    control_says(changes[i], (uid_t)-1), "not permitted"));
		assert_int_equal(front.is_paused, 0);
	}
	assert_non_null(strstr(control_says("drain\n", 900), "\"done\""));
	assert_int_equal(front.is_paused, 1);
	assert_non_null(strstr(control_says("resume\n", 0), "\"done\""));
	assert_int_equal(front.is_paused, 0);
	assert_non_null(strstr(control_says("renew\n", 0), "\"done\""));
	front.keys.fd = -1;
	assert_non_null(strstr(control_says("renew\n", 0), "not ready"));
}

static void
a_forecast_is_four_numbers_and_a_word(void **unused)
{
	static const char *const wrong[] = { "forecast\n", "forecast 1 2 1 1\n",
		"forecast 1 2 1 1 Up To\n", "forecast -1 2 1 1 UpToDate\n",
		"forecast 1 2 1 x UpToDate\n", "forecast 1 2 1 1 <b>\n" };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_non_null(
		    strstr(control_says(wrong[i], 0), "malformed forecast"));
		assert_int_equal(front.forecast.at, 0);
	}
	assert_non_null(strstr(
	    control_says("forecast 1900000000 1800000000 1 0 UpToDate\n", 0),
	    "\"done\""));
	assert_int_equal(front.forecast.until, 1900000000);
	assert_int_equal(front.forecast.issued, 1800000000);
	assert_int_equal(front.forecast.accepted, 1);
	assert_int_equal(front.forecast.accepted_next, 0);
	assert_string_equal(front.forecast.status, "UpToDate");
	assert_true(front.forecast.at != 0);
}

static void
the_socket_knows_its_peer(void **unused)
{
	int fd, one;

	(void)unused;
	control_listen(path, 0);
	fd = connected();
	one = accept(event_get_fd(control.accept), NULL, NULL);
	assert_int_equal(peer_of(one), getuid());
	close(one);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(peer_of(fd), (uid_t)-1);
	close(fd);
	close(event_get_fd(control.accept));
	event_free(control.accept);
}

/* ---- HTTP -------------------------------------------------------------- */

#define NET_FILES	1024		/* proc.c: limits of net */
#define SLOW		1500

static struct sockaddr_in server;
static pid_t server_pid;

static int
server_begin(void **unused)
{
	const struct rlimit files = { NET_FILES, NET_FILES };
	socklen_t len = sizeof(server);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char address[32];

	(void)unused;
	/* A port that is free. */
	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.sin_port = 0;
	assert_int_equal(bind(fd, (struct sockaddr *)&server, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&server, &len), 0);
	close(fd);
	snprintf(
	    address, sizeof(address), "127.0.0.1:%u", ntohs(server.sin_port));
	front.base = event_base_new();
	http_listen(address);
	if ((server_pid = fork()) == 0) {
		event_reinit(front.base);
		setrlimit(RLIMIT_NOFILE, &files);
		event_base_dispatch(front.base);
		_exit(1);
	}
	fd = event_get_fd(http.accept);
	event_free(http.accept);
	close(fd);
	event_base_free(front.base);
	return 0;
}

static int
server_end(void **unused)
{
	(void)unused;
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
	return 0;
}

static int
client(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&server, sizeof(server)), 0);
	return fd;
}

/* All that comes until the end, at most 3 s of silence: "" when it is closed,
 * or "(nothing)". */
static const char *
answer_on(int fd)
{
	static char text[4096];
	struct pollfd p = { fd, POLLIN, 0 };
	size_t n = 0;
	ssize_t r;

	while (poll(&p, 1, 3000) == 1) {
		r = read(fd, text + n, sizeof(text) - 1 - n);
		if (r <= 0) {
			text[n] = '\0';
			close(fd);
			return text;
		}
		n += (size_t)r;
	}
	close(fd);
	return "(nothing)";
}

static const char *
answer_to(const char *request)
{
	int fd = client();

	assert_int_equal(
	    send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return answer_on(fd);
}

static void
a_page_is_its_text(void **unused)
{
	(void)unused;
	assert_string_equal(answer_to("GET /metrics HTTP/1.1\r\nHost: x\r\n"
				      "\r\n"),
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: 11\r\n\r\na_metric 1\n");
	assert_non_null(
	    strstr(answer_to("GET /healthz?x HTTP/1.0\r\n\r\n"), "\r\nok\n"));
}

static void
not_ready_is_503_and_the_reason(void **unused)
{
	const char *a = answer_to("GET /readyz HTTP/1.1\r\n\r\n");

	(void)unused;
	assert_memory_equal(a, "HTTP/1.1 503 ", 13);
	assert_non_null(strstr(a, "\r\n\r\nno session\n"));
}

static void
another_path_is_404(void **unused)
{
	static const char *const paths[] = { "/", "/metric", "/metricsx", "",
		"/metrics/", "x" };
	char request[64];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n\r\n",
		    paths[i]);
		assert_memory_equal(answer_to(request), "HTTP/1.1 404 ", 13);
	}
}

static void
head_has_no_body(void **unused)
{
	const char *a = answer_to("HEAD /metrics HTTP/1.1\r\n\r\n");

	(void)unused;
	assert_non_null(strstr(a, "Content-Length: 11\r\n"));
	assert_string_equal(a + strlen(a) - 4, "\r\n\r\n");
}

static void
what_is_no_question_is_closed(void **unused)
{
	static char large[SERVICE_QUESTION + 1];
	int fd = client();

	(void)unused;
	assert_string_equal(answer_to("POST /metrics HTTP/1.1\r\n\r\n"), "");
	assert_string_equal(answer_to("\r\n\r\n"), "");
	assert_string_equal(answer_to("GET\r\n\r\n"), "");
	memset(large, 'x', SERVICE_QUESTION);
	assert_string_equal(answer_to(large), "");
	assert_int_equal(write(fd, "GET \0 HTTP/1.1\r\n\r\n", 18), 18);
	assert_string_equal(answer_on(fd), "");
}

static void
a_byte_now_and_then_gains_no_time(void **unused)
{
	int fd = client(), i;

	(void)unused;
	for (i = 0; i < 10 * (PATIENCE + 2); i++) {
		if (send(fd, "x", 1, MSG_NOSIGNAL) == -1)
			break;
		usleep(100000);
	}
	assert_in_range(i, 10 * (PATIENCE - 1), 10 * (PATIENCE + 1));
	close(fd);
}

/* It takes the time of no one who asks. */
static void
a_client_that_sends_nothing_is_closed_early(void **unused)
{
	const uint64_t start = now_ms();

	(void)unused;
	assert_string_equal(answer_on(client()), "");
	assert_in_range(
	    now_ms() - start, 1000 * QUIET - 500, 1000 * QUIET + 900);
}

static size_t
server_files(void)
{
	char name[32];
	size_t n = 0;
	DIR *d;

	snprintf(name, sizeof(name), "/proc/%d/fd", (int)server_pid);
	assert_non_null(d = opendir(name));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
slow_clients_leave_room_for_others(void **unused)
{
	static int fd[SLOW];
	struct rlimit files;
	size_t before;
	int i;

	(void)unused;
	/* It has answered: it has opened what its loop needs. */
	answer_to("GET /healthz HTTP/1.1\r\n\r\n");
	before = server_files();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_max < SLOW + 64) {
		print_message("skipped: RLIMIT_NOFILE is below %d\n", SLOW);
		skip();
	}
	files.rlim_cur = SLOW + 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (i = 0; i < SLOW; i++) {
		fd[i] = client();
		assert_int_equal(send(fd[i], "GET /", 5, MSG_NOSIGNAL), 5);
		if (i % 100 == 99)
			assert_non_null(
			    strstr(answer_to("GET /healthz HTTP/1.1\r\n\r\n"),
				"\r\nok\n"));
	}
	assert_in_range(server_files() - before, 1, CLIENTS);
	assert_non_null(
	    strstr(answer_to("GET /metrics HTTP/1.1\r\n\r\n"), "a_metric 1\n"));
	for (i = 0; i < SLOW; i++)
		close(fd[i]);
}

#define H(name)	cmocka_unit_test_setup_teardown(name, server_begin, server_end)
#define T(name)	cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_question_may_have_an_argument),
		T(a_change_is_for_the_owner_alone),
		T(the_socket_knows_its_peer),
		T(a_forecast_is_four_numbers_and_a_word),
		T(a_control_socket_that_is_a_file_stays),
		T(a_control_socket_that_is_a_link_stays),
		T(a_control_socket_in_use_is_not_taken),
		T(a_control_socket_with_a_full_queue_is_not_taken),
		T(a_control_socket_that_was_left_is_replaced),
		H(a_page_is_its_text),
		H(not_ready_is_503_and_the_reason),
		H(another_path_is_404),
		H(head_has_no_body),
		H(what_is_no_question_is_closed),
		H(a_byte_now_and_then_gains_no_time),
		H(a_client_that_sends_nothing_is_closed_early),
		H(slow_clients_leave_room_for_others),
	};
	int r;

	log_init("net", LOG_INFO);
	if (mkdtemp(dir) == NULL)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
