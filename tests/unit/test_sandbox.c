/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox as a role gets it, here with compute's policy: what is not listed
 * kills by SIGSYS and is told to the monitor first; secret memory.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF R_COMPUTE
#include "dispatch.h"
#include "log.h"
#include "proc.h"
#include "sandbox.h"
#include "secret.h"

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
}
ON(JOB_SEAL)
{
}
ON(NOX_JOB)
{
}

static const struct sandbox box = { .role = "compute",
	.empty_dir = "/",
	.max_files = 16,
	.max_memory = 512ul << 20 };

/* Run `f' in a sandboxed child; its wait status, and what it told. */
static int
run(int (*f)(void), struct chan *told)
{
	int fd[2], status;
	pid_t pid;

	assert_int_equal(chan_pair(fd), 0);
	if ((pid = fork()) == 0) {
		dup2(fd[1], PROC_MONITOR_FD);
		chan_init(&monitor, PROC_MONITOR_FD, R_COMPUTE, R_MONITOR, 0);
		sandbox_enter(&box);
		_exit(f());
	}
	close(fd[1]);
	chan_init(told, fd[0], R_MONITOR, R_COMPUTE, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
allowed(void)
{
	char b[8];
	struct pollfd p = { .fd = PROC_MONITOR_FD, .events = POLLOUT };

	return getrandom(b, sizeof(b), 0) == 8 && poll(&p, 1, 0) == 1 ? 42 : 1;
}

static int
opens_a_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int
grows_its_heap(void)
{
	return malloc(4096) != NULL ? 42 : 1;
}

static void
the_calls_of_a_policy_work(void **unused)
{
	struct chan c;
	int status = run(allowed, &c);

	(void)unused;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	chan_close(&c);
	status = run(grows_its_heap, &c);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	chan_close(&c);
}

static void
any_other_call_kills_and_is_named(void **unused)
{
#ifdef TEE_SANITIZERS
	skip();
#else
	const struct m_denied *d;
	struct chan c;
	struct msg m;
	int status = run(opens_a_file, &c);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	assert_int_equal(chan_recv(&c, S_IDLE, &m), 1);
	assert_int_equal(m.type, M_DENIED);
	d = m.payload;
	assert_int_equal(d->nr, SYS_openat);
	chan_close(&c);
#endif
	(void)unused;
}

static void
secrets_are_zeroed_and_apart(void **unused)
{
	unsigned char *p = secret_alloc(100);
	size_t i;
	int status;
	pid_t pid;

	(void)unused;
	for (i = 0; i < 4096; i++)
		assert_int_equal(p[i], 0);
	memset(p, 0x5a, 100);
	assert_true(secret_equal(p, p + 50, 50));
	p[99] ^= 0x80;
	assert_false(secret_equal(p, p + 50, 50));
	assert_true(secret_equal(p, p + 50, 0));
	/* A child has no such page, or a wiped one; after the end is a guard
	 * page. */
	if ((pid = fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(p[0] == 0x5a);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	secret_free(p, 100);
}

static int
writes(const char *dir, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fd = open(path, O_WRONLY)) == -1)
		return errno;
	close(fd);
	return 0;
}

/* Files in one of two directories may be written, and none made or removed. */
static int
in_bounds(const char *mine, const char *other)
{
	const struct sandbox_path paths[] = {
		{ open(mine, O_PATH), SANDBOX_WRITE }, { -1, SANDBOX_WRITE }
	};
	char path[128];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    !sandbox_bound_writes(paths, 2))
		return 77;
	snprintf(path, sizeof(path), "%s/new", mine);
	return writes(mine, "file") == 0 && writes(other, "file") == EACCES &&
		open(path, O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES &&
		unlinkat(AT_FDCWD, path, 0) == -1 && mkdir(path, 0700) == -1 &&
		errno == EACCES && open("/etc/passwd", O_RDONLY) != -1 ?
	    42 :
	    1;
}

static void
paths_that_are_not_listed_cannot_be_written(void **unused)
{
	char dirs[2][26] = { "/tmp/test_sandbox.XXXXXX",
		"/tmp/test_sandbox.XXXXXX" },
	     file[2][64];
	int i, status;
	pid_t pid;

	(void)unused;
	for (i = 0; i < 2; i++) {
		assert_non_null(mkdtemp(dirs[i]));
		snprintf(file[i], sizeof(file[i]), "%s/file", dirs[i]);
		close(open(file[i], O_WRONLY | O_CREAT, 0600));
	}
	if ((pid = fork()) == 0)
		_exit(in_bounds(dirs[0], dirs[1]));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (i = 0; i < 2; i++) {
		unlink(file[i]);
		rmdir(dirs[i]);
	}
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("no Landlock here: not tested\n");
	else
		assert_int_equal(WEXITSTATUS(status), 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_calls_of_a_policy_work),
		cmocka_unit_test(any_other_call_kills_and_is_named),
		cmocka_unit_test(secrets_are_zeroed_and_apart),
		cmocka_unit_test(paths_that_are_not_listed_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
