/* SPDX-License-Identifier: Apache-2.0
 *
 * A role that has been taken over connects to the TCP ports of its counterparts
 * and to no other: in a sandbox as net and registry have it, next to servers
 * that listen.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define SERVERS	3		/* two counterparts, and somebody else */
#define OTHER	2
#define KILLED	1000		/* and the signal */

static int listeners[SERVERS];
static struct sockaddr_in servers[SERVERS];

static int
open_servers(void **unused)
{
	socklen_t len;
	int i;

	(void)unused;
	for (i = 0; i < SERVERS; i++) {
		servers[i] = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		len = sizeof(servers[i]);
		listeners[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (listeners[i] == -1 ||
		    bind(listeners[i], (struct sockaddr *)&servers[i], len) ==
			-1 ||
		    listen(listeners[i], 8) == -1 ||
		    getsockname(listeners[i], (struct sockaddr *)&servers[i],
			&len) == -1)
			return -1;
	}
	return 0;
}

/* 0, or why not. */
static int
reach(const struct sockaddr_in *to)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r;

	if (fd == -1)
		return 255;
	r = connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1 ?
	    errno :
	    0;
	close(fd);
	return r;
}

static int
take_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (struct sockaddr *)&any, sizeof(any)) == -1 ? errno : 0;
}

/* `try' in the sandbox of this role, which has two counterparts: what it
 * says. */
static int
in_sandbox(const char *role, int (*try)(void))
{
	const struct sandbox s = { .role = role,
		.empty_dir = "/",
		.max_files = 64,
		.allow_fork = 1,
		.allow_ports = 1 };
	int i, status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		for (i = 0; i < OTHER; i++)
			sandbox_allow_port(ntohs(servers[i].sin_port));
		sandbox_enter(&s);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return KILLED + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int
reach_counterparts(void)
{
	return reach(&servers[0]) | reach(&servers[1]);
}

static int
reach_other(void)
{
	return reach(&servers[OTHER]);
}

static void
the_ports_of_the_counterparts_are_reached(void **unused)
{
	(void)unused;
	assert_int_equal(in_sandbox("net", reach_counterparts), 0);
	assert_int_equal(in_sandbox("registry", reach_counterparts), 0);
}

static void
no_other_port_is_reached(void **unused)
{
	(void)unused;
	assert_int_equal(in_sandbox("net", reach_other), EACCES);
	assert_int_equal(in_sandbox("registry", reach_other), EACCES);
}

static void
no_port_is_bound(void **unused)
{
	(void)unused;
#ifdef TEE_SANITIZERS		/* no filter: Landlock refuses it */
	assert_int_equal(in_sandbox("net", take_port), EACCES);
#else
	assert_int_equal(in_sandbox("net", take_port), KILLED + SIGSYS);
#endif
}

/* A role does not get what the table does not print for it. */
static void
a_role_without_counterparts_gets_no_port(void **unused)
{
	const struct sandbox s = {
		.role = "evidence", .empty_dir = "/", .max_files = 64
	};
	int status;
	pid_t pid;

	(void)unused;
	if ((pid = fork()) == 0) {
		sandbox_allow_port(ntohs(servers[0].sin_port));
		sandbox_enter(&s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ports_of_the_counterparts_are_reached),
		cmocka_unit_test(no_other_port_is_reached),
		cmocka_unit_test(no_port_is_bound),
		cmocka_unit_test(a_role_without_counterparts_gets_no_port),
	};
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	if (abi < 4) {
		printf("skipped: Landlock here is ABI %ld, its rules for ports "
		       "need 4\n",
		    abi);
		return 77;
	}
	return cmocka_run_group_tests(tests, open_servers, NULL);
}
