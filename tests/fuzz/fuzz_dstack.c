/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of what dstack's agent answers.  Build it with
 * clang -fsanitize=fuzzer,address,undefined.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/provider/provider.h"
#include "log.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int agent_fd = -1;

static void
silence(int level, const char *line)
{
	(void)level;
	(void)line;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t report_data[64];
	static uint8_t out[QUOTE_MAX];
	int fd[2];

	log_sink(silence);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1 ||
	    write(fd[1], data, size) != (ssize_t)size ||
	    shutdown(fd[1], SHUT_WR) == -1)
		abort();
	agent_fd = fd[0];
	if (dstack.quote(report_data, out, sizeof(out)) > QUOTE_MAX)
		abort();
	close(fd[0]);
	close(fd[1]);
	return 0;
}
