/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of tee-runnerctl share.
 */
#ifndef CTL_H
#define CTL_H

struct options {
	const char	*socket;
	const char	*role;		/* policy's; NULL: all */
	const char	*file;		/* config's */
	int		 json, bpf, hash;
	int		 pid;		/* of --diff; 0: none */
};

/* "tee-runnerctl: WHAT: WHY" on standard error: 1. */
int	fail(const char *what, const char *why);

int	command_config(const struct options *);
int	command_policy(const struct options *);

#endif
