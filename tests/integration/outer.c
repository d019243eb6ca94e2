/* SPDX-License-Identifier: Apache-2.0
 *
 * outer COMMAND [ARGUMENT]...: the command under one more filter, which allows
 * everything, as a container or systemd may have one around the whole service.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog program = { 1, &all };

	if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == -1)
		return 1;
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
