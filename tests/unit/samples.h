/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of src/attest: samples of tests/vectors/evidence, and which checks
 * failed.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest.h"

static inline const char *
sample_path(const char *name)
{
	static char path[2][512];
	static int i;
	const char *srcdir = getenv("srcdir");

	i ^= 1;
	snprintf(path[i], sizeof(path[i]), "%s/tests/vectors/evidence/%s",
	    srcdir == NULL ? "." : srcdir, name);
	return path[i];
}

/* A sample in memory of exactly its size. */
static inline struct bytes
sample(const char *name)
{
	FILE *f = fopen(sample_path(name), "rb");
	uint8_t *p = malloc(1 << 20), *q;
	size_t n = 0;

	if (f == NULL || p == NULL)
		fail_msg("%s: cannot be read", sample_path(name));
	n = fread(p, 1, 1 << 20, f);
	fclose(f);
	q = malloc(n);
	assert_non_null(q);
	memcpy(q, p, n);
	free(p);
	return (struct bytes){ q, n };
}

static inline void
sample_free(struct bytes b)
{
	free((void *)(uintptr_t)b.p);
}

static inline time_t
day(int year, int month, int mday)
{
	struct tm tm = {
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = mday
	};

	return timegm(&tm);
}

static inline const char *
fact_of(const struct report *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_facts; i++)
		if (strcmp(r->facts[i].name, name) == 0)
			return r->facts[i].text;
	return NULL;
}

/* Bytes that the crypto library has allocated and not yet freed. */
static long n_allocated;

static inline void *
counted_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	n_allocated++;
	return malloc(n);
}

static inline void *
counted_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	n_allocated += p == NULL;
	return realloc(p, n);
}

static inline void
counted_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	n_allocated -= p != NULL;
	free(p);
}

/* Before its first use. */
static inline void
count_allocations(void)
{
	if (CRYPTO_set_mem_functions(
		counted_malloc, counted_realloc, counted_free) != 1)
		abort();
}

/* The checks that ended so are exactly these, given as "one two". */
static inline void
only(const struct report *r, enum outcome outcome, const char *names)
{
	char list[2048] = "", wanted[2048];
	const char *name;
	char *save;
	size_t i, n = 0;

	for (i = 0; i < r->n_checks; i++)
		if (r->checks[i].outcome == outcome) {
			n++;
			strcat(strcat(list, r->checks[i].name), " ");
		}
	snprintf(wanted, sizeof(wanted), "%s", names);
	for (name = strtok_r(wanted, " ", &save); name != NULL;
	     name = strtok_r(NULL, " ", &save), n--)
		if (report_find(r, name) == NULL ||
		    report_find(r, name)->outcome != outcome)
			fail_msg("wanted: %s; there are: %s", names, list);
	if (n != 0)
		fail_msg("wanted: %s; there are: %s", names, list);
}

#endif
