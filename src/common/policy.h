/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies (policy/ROLE.policy) as policyc compiled them: each role loads
 * its own in sandbox.c; keys puts all of them into what is attested;
 * tee-runnerctl shows them and compares them with what is at work.
 */
#ifndef POLICY_H
#define POLICY_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

struct policy {
	const char	*role;		/* "keys" */
	const struct sock_filter *filter;
	unsigned short	 len;		/* instructions */
};
extern const struct policy policies[];
extern const size_t n_policies;
extern const char *const policy_texts[];	/* of each, in that order */

/* NULL: there is no such role. */
const struct policy *policy_of(const char *role);
/* SHA-256 over the instructions, each as the kernel takes it: 8 bytes, in host
 * order. */
void policy_hash(const struct policy *, uint8_t hash[32]);
/* Load it for good: 0, or -1 and errno. */
int policy_load(const struct policy *);

#endif
