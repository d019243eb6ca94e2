/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled policies: found, hashed, and loaded.
 */
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy.h"
#include "sha256.h"

const struct policy *
policy_of(const char *role)
{
	size_t i;

	for (i = 0; i < n_policies; i++)
		if (strcmp(policies[i].role, role) == 0)
			return &policies[i];
	return NULL;
}

void
policy_hash(const struct policy *p, uint8_t hash[32])
{
	sha256(p->filter, p->len * sizeof(*p->filter), hash);
}

int
policy_load(const struct policy *p)
{
	const struct sock_fprog prog = { p->len,
		(struct sock_filter *)(uintptr_t)p->filter };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
