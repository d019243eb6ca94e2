/* SPDX-License-Identifier: Apache-2.0
 *
 * allow FILE COMMAND...: run a command that may make only the system calls of
 * FILE, which has a name on each line; any other fails with EPERM, as under the
 * SystemCallFilter= of a systemd unit.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	char name[128];
	FILE *f;
	int nr;

	if (argc < 3 || filter == NULL || (f = fopen(argv[1], "r")) == NULL) {
		fputs("usage: allow FILE COMMAND...\n", stderr);
		return 2;
	}
	while (fgets(name, sizeof(name), f) != NULL) {
		name[strcspn(name, "\n")] = '\0';
		nr = seccomp_syscall_resolve_name(name);
		if (nr != __NR_SCMP_ERROR && nr >= 0)
			seccomp_rule_add(filter, SCMP_ACT_ALLOW, nr, 0);
	}
	fclose(f);
	if (seccomp_load(filter) != 0) {
		perror("seccomp");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
