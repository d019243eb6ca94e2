/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl policy: what each role may do, as it was compiled in.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "ctl.h"
#include "hex.h"
#include "jsonw.h"
#include "log.h"
#include "policy.h"
#include "sandbox.h"

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
	return hex_encode(hex, hash, sizeof(hash));
}

static int
print_all(void)
{
	const struct policy *p;

	printf(
	    "%-9s %5s %12s  %s\n", "role", "calls", "instructions", "sha256");
	for (p = policies; p < policies + n_policies; p++)
		printf("%-9s %5u %12u  %s\n", p->role, rules_of(p), p->len,
		    policy_hex(p));
	return 0;
}

static int
print_all_json(void)
{
	const struct policy *p;
	struct jsonw j;

	jsonw_begin(&j, print, stdout);
	jsonw_array(&j, NULL);
	for (p = policies; p < policies + n_policies; p++) {
		jsonw_object(&j, NULL);
		jsonw_string(&j, "role", "%s", p->role);
		jsonw_number(&j, "calls", rules_of(p));
		jsonw_number(&j, "instructions", p->len);
		jsonw_string(&j, "sha256", "%s", policy_hex(p));
		jsonw_end(&j);
	}
	jsonw_end(&j);
	return 0;
}

static int
print_bpf(const struct policy *p)
{
	if (isatty(STDOUT_FILENO))
		return fail("--bpf",
		    "standard output is a terminal: redirect "
		    "it");
	return fwrite(p->filter, sizeof(*p->filter), p->len, stdout) == p->len ?
	    0 :
	    fail("--bpf", strerror(errno));
}

/* The roles that it has a channel with, from the table of messages. */
static void
print_channels(enum role role)
{
	uint32_t peers = 0, i;

	for (i = 1; i < M_TYPES; i++) {
		if (msg_rules[i].from & role)
			peers |= msg_rules[i].to;
		if (msg_rules[i].to & role)
			peers |= msg_rules[i].from;
	}
	printf("# descriptors: 0 to 2 are /dev/null; channels:");
	for (i = 0; i < ROLE_BITS; i++)
		if (peers & ~(uint32_t)role & 1u << i)
			printf(" %s", role_name(1u << i));
	printf("\n");
}

/* The rest of a role's sandbox: from the tables that it is made of. */
static void
print_sandbox(enum role role)
{
	const struct sandbox_role *r = sandbox_role(role);
	size_t i;

	print_channels(role);
	printf("# limits: %zu descriptors, %zu MB of address space, %zu MB a "
	       "file, %s, no core dump\n",
	    r->max_files, r->max_memory >> 20, r->max_file >> 20,
	    r->allow_fork ? "threads" : "one thread");
	printf(
	    "# Landlock: files: %s; connects to TCP ports: %s; binds: none\n",
	    r->files != NULL ? r->files : "none",
	    r->ports != NULL ? r->ports : "none");
	printf(
	    "# capabilities: none\n# sandbox, as far as the system gives it:");
	for (i = 0; i < SANDBOX_FEATURES; i++)
		if (sandbox_of(role) & 1u << i)
			printf(" %s", sandbox_feature[i]);
	printf("\n");
}

static void
print_monitor(void)
{
	size_t i;

	printf("# capabilities, as root:");
	for (i = 0; i < sandbox_n_caps; i++)
		printf(" %s%s", sandbox_caps[i].name,
		    sandbox_caps[i].for_namespaces ? " (with namespaces)" : "");
	printf("\n# sandbox: seccomp; as far as the system gives it: netns "
	       "mountns\n");
}

int
command_policy(const struct options *o)
{
	const struct policy *p;
	uint32_t i;

	if (o->all)
		return policy_diff_all(o->socket);
	if (o->arg == NULL)
		return o->json ? print_all_json() : print_all();
	if ((p = policy_of(o->arg)) == NULL)
		return fail(o->arg,
		    "no such role: monitor, net, nox, registry, "
		    "keys, evidence, compute");
	if (o->bpf)
		return print_bpf(p);
	if (o->pid != 0)
		return policy_diff(p, o->pid);
	printf("%s# sha256 of the program: %s\n", text_of(p), policy_hex(p));
	for (i = 0; i < ROLE_BITS; i++)
		if ((1u << i) & R_CHILDREN &&
		    strcmp(role_name(1u << i), p->role) == 0)
			print_sandbox(1u << i);
	if (p == policy_of("monitor"))
		print_monitor();
	return 0;
}
