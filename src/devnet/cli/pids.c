/* SPDX-License-Identifier: Apache-2.0
 *
 * The processes of a devnet.  A number in the file may belong to another
 * process by now: a signal is sent only if the command line is ours.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dir.h"
#include "log.h"

uint32_t
pids_read(const char *dir, struct pid *list)
{
	struct devnet d = { .dir = dir };
	char path[DEVNET_PATH];
	uint32_t n = 0;
	FILE *f;

	dir_path(&d, path, "pids");
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (n < PIDS_MAX &&
	    fscanf(f, "%31s %d", list[n].name, &list[n].pid) == 2)
		n++;
	fclose(f);
	return n;
}

void
pids_write(const char *dir, const struct pid *list, uint32_t n)
{
	struct devnet d = { .dir = dir };
	char path[DEVNET_PATH];
	uint32_t i;
	FILE *f;

	dir_path(&d, path, "pids");
	if ((f = fopen(path, "w")) == NULL)
		fatal("%s: %m", path);
	for (i = 0; i < n; i++)
		fprintf(f, "%s %d\n", list[i].name, list[i].pid);
	if (fclose(f) != 0)
		fatal("%s: %m", path);
}

/* Read the command line.  It is empty for a zombie, and during execve(2). */
static size_t
command_line(const struct pid *p, char *line, size_t size)
{
	char path[32];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", p->pid);
	if (p->pid <= 1 || (f = fopen(path, "r")) == NULL)
		return 0;
	n = fread(line, 1, size, f);
	fclose(f);
	return n;
}

/* By its state: during execve(2) it has no command line. */
int
pid_is_alive(const struct pid *p)
{
	char path[32], state = 'X';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", p->pid);
	if (p->pid <= 1 || (f = fopen(path, "r")) == NULL)
		return 0;
	/* Our programs have no parenthesis in their names. */
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	fclose(f);
	return state != 'X' && state != 'Z';
}

static int
ends_with(const char *line, size_t n, const char *end)
{
	const size_t len = strlen(end);

	return n > len && strcmp(line + n - 1 - len, end) == 0;
}

/* The command line must be "PROGRAM\0serve\0DIR\0NAME\0", or, after `serve' has
 * become nats-server, "nats-server\0-c\0DIR/nats.conf\0". */
int
pid_is_ours(const struct pid *p)
{
	char line[2 * DEVNET_PATH];
	size_t n;

	n = command_line(p, line, sizeof(line) - 1);
	line[n] = '\0';
	if (strcmp(p->name, "nats") == 0 && strcmp(line, "nats-server") == 0)
		return ends_with(line, n, "/nats.conf");
	return ends_with(line, n, p->name) &&
	    memmem(line, n, "\0serve\0", 7) != NULL;
}

int
pids_end(const char *dir)
{
	struct devnet d = { .dir = dir };
	struct pid list[PIDS_MAX];
	char path[DEVNET_PATH];
	uint32_t i, n, alive = 1;
	int tries;

	n = pids_read(dir, list);
	for (tries = 0; tries < 50 && alive > 0; tries++) {
		for (alive = 0, i = 0; i < n; i++)
			if (pid_is_ours(&list[i])) {
				alive++;
				kill(list[i].pid,
				    tries < 30 ? SIGTERM : SIGKILL);
			}
		if (alive > 0)
			usleep(100 * 1000);
	}
	if (alive > 0)
		return -1;
	dir_path(&d, path, "pids");
	unlink(path);
	return 0;
}
