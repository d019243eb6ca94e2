/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl policy: what each role may do, as it was compiled in.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"
#include "policy.h"
#include "policy_hash.h"

static const char *
text_of(const struct policy *p)
{
	return policy_texts[p - policies];
}

/* Lines that begin with a call. */
static unsigned
rules_of(const struct policy *p)
{
	const char *s = text_of(p);
	unsigned n = 0;

	for (; *s != '\0'; s += strcspn(s, "\n") + 1)
		n += *s >= 'a' && *s <= 'z';
	return n;
}

const char *
policy_hex(const struct policy *p)
{
	static char hex[65];
	uint8_t hash[32];

	policy_hash(p, hash);
	return log_hex(hex, hash, sizeof(hash));
}

static int
print_all(int as_json)
{
	const struct policy *p;

	printf(as_json ? "[\n" : "%-9s %5s %12s  %s\n", "role", "calls",
	    "instructions", "sha256");
	for (p = policies; p < policies + n_policies; p++)
		printf(as_json ? "  {\"role\": \"%s\", \"calls\": %u, "
		    "\"instructions\": %u, \"sha256\": \"%s\"}%s\n" :
		    "%-9s %5u %12u  %s%s\n", p->role, rules_of(p), p->len,
		    policy_hex(p), as_json && p + 1 < policies + n_policies ?
		    "," : "");
	if (as_json)
		printf("]\n");
	return 0;
}

static int
print_bpf(const struct policy *p)
{
	if (isatty(STDOUT_FILENO))
		return fail("--bpf", "standard output is a terminal: redirect "
		    "it");
	return fwrite(p->filter, sizeof(*p->filter), p->len, stdout) ==
	    p->len ? 0 : fail("--bpf", strerror(errno));
}

int
command_policy(const struct options *o)
{
	const struct policy *p;

	if (o->all)
		return policy_diff_all(o->socket);
	if (o->role == NULL)
		return print_all(o->json);
	if ((p = policy_of(o->role)) == NULL)
		return fail(o->role, "no such role: monitor, net, chain, keys, "
		    "evidence, compute");
	if (o->bpf)
		return print_bpf(p);
	if (o->pid != 0)
		return policy_diff(p, o->pid);
	printf("%s# sha256 of the program: %s\n", text_of(p), policy_hex(p));
	return 0;
}
