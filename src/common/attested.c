/* SPDX-License-Identifier: Apache-2.0
 *
 * The attested configuration: what keys and evidence hash at their start,
 * before their sandbox, and what tee-runnerctl prints.
 */
#include <string.h>

#include "attested.h"
#include "hex.h"
#include "keywords.h"
#include "log.h"
#include "policy.h"
#include "sha256.h"

static void
print_hashed(
    const struct conf *c, const struct keyword *k, uint32_t chain, FILE *f)
{
	char hex[65];

	if (k->attested != HASHED)
		return;
	if (k->kind != CA)
		keyword_print(c, k, chain, "", f);
	else if (*(const char *)keyword_field(c, k, k->offset, chain) == '\0')
		fprintf(f, "%s system\n", k->name);
	else
		fprintf(f, "%s sha256:%s\n", k->name,
		    hex_encode(hex, keyword_field(c, k, k->count, chain), 32));
}

void
attested_text(const struct conf *c, FILE *f)
{
	const struct policy *p;
	uint8_t hash[32];
	char hex[65];

	fprintf(f, "tee-runner configuration v1\n");
	keywords_each(c, print_hashed, f);
	for (p = policies; p < policies + n_policies; p++) {
		policy_hash(p, hash);
		fprintf(f, "policy %s sha256:%s\n", p->role,
		    hex_encode(hex, hash, sizeof(hash)));
	}
}

static void
print_rest(
    const struct conf *c, const struct keyword *k, uint32_t chain, FILE *f)
{
	if (k->attested != HASHED || k->kind == CA)
		keyword_print(c, k, chain, "# ", f);
}

void
attested_rest(const struct conf *c, FILE *f)
{
	keywords_each(c, print_rest, f);
}

void
attested_hash(const struct conf *c, uint8_t hash[32])
{
	static char text[ATTESTED_MAX];
	FILE *f = fmemopen(text, sizeof(text), "w");
	long n;

	if (f == NULL)
		fatal("configuration: out of memory");
	attested_text(c, f);
	/* Flushed, or else an error may show only in fclose(3). */
	if (fflush(f) != 0 || ferror(f) || (n = ftell(f)) < 0)
		fatal("configuration: attested text exceeds %zu bytes",
		    sizeof(text));
	fclose(f);
	sha256(text, (size_t)n, hash);
}
