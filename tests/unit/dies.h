/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of what is fatal.
 */
#ifndef DIES_H
#define DIES_H

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

/* f() ends its process with exit status 1, and says this. */
static inline void
dies(void (*f)(const void *), const void *arg, const char *text)
{
	static char words[4096];
	int fd[2], status;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		log_sink(NULL);
		dup2(fd[1], STDERR_FILENO);
		f(arg);
		_exit(0);
	}
	close(fd[1]);
	while (n < sizeof(words) - 1 &&
	    (r = read(fd[0], words + n, sizeof(words) - 1 - n)) > 0)
		n += (size_t)r;
	words[n] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	if (strstr(words, text) == NULL)
		fail_msg("`%s' not in: %s", text, words);
}

#endif
