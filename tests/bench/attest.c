/* SPDX-License-Identifier: Apache-2.0
 *
 * attest [N]: microseconds of CPU for one verification of each format, with the
 * collateral loaded once.  Run it in the source tree, or with srcdir set.
 * Exits 1 if a TDX or an SNP verification takes more than 2 ms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest.h"
#include "collateral.h"

static const struct sample {
	const char	*name;
	const struct format *format;
	const char	*evidence, *collateral;
	time_t		 at;
	double		 most;			/* microseconds; 0: any */
} samples[] = {
	{ "TDX quote v4", &format_dcap,
	    "tdx/sets/tdx-v4-emr-uptodate/quote.bin",
	    "tdx/sets/tdx-v4-emr-uptodate", 1750809600, 2000 },
	{ "TDX quote v5", &format_dcap, "tdx/sets/tdx-v5-uptodate/quote.bin",
	    "tdx/sets/tdx-v5-uptodate", 1771977600, 2000 },
	{ "SNP, VCEK", &format_snp, "snp/snp-genoa-v3-azure/report.bin",
	    "snp/snp-genoa-v3-azure", 1748736000, 2000 },
	{ "SNP, VLEK", &format_snp, "snp/snp-milan-v3-aws-vlek/report.bin",
	    "snp/snp-milan-v3-aws-vlek", 1748736000, 2000 },
	{ "CCA token", &format_cca, "cca/cca-token-01.cbor", NULL, 0, 0 },
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const char *
path_of(const char *name)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/tests/vectors/evidence/%s",
	    srcdir == NULL ? "." : srcdir, name);
	return path;
}

/* The median of n: a shared machine's hiccups are not the code's. */
static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
measure(const struct sample *s, size_t n)
{
	static uint8_t evidence[65536];
	static struct report r;
	struct collateral c = { 0 };
	struct policy p;
	struct bytes b = { evidence, 0 };
	double *took = calloc(n, sizeof(*took)), t;
	FILE *f = fopen(path_of(s->evidence), "rb");
	size_t i;

	if (f == NULL || took == NULL) {
		fprintf(stderr, "%s: cannot be read; set srcdir\n",
		    path_of(s->evidence));
		exit(2);
	}
	b.n = fread(evidence, 1, sizeof(evidence), f);
	fclose(f);
	policy_default(&p);
	if (s->collateral != NULL &&
	    collateral_load(&c, path_of(s->collateral)) == -1)
		exit(2);
	for (i = 0; i < n; i++) {
		memset(&r, 0, sizeof(r));
		t = now();
		s->format->verify(b, &c, &p, s->at, &r);
		took[i] = now() - t;
		if (report_verdict(&r) == 1) {
			fprintf(stderr, "%s: refused\n", s->name);
			exit(2);
		}
	}
	collateral_free(&c);
	qsort(took, n, sizeof(*took), by_size);
	t = took[n / 2];
	free(took);
	return t;
}

int
main(int argc, char **argv)
{
	size_t i, n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
	int slow = 0;
	double us;

	if (n == 0) {
		fprintf(stderr, "usage: attest [verifications]\n");
		return 2;
	}
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		us = measure(&samples[i], n);
		printf("%-16s %7.0f us\n", samples[i].name, us);
		if (samples[i].most != 0 && us > samples[i].most)
			slow = 1;
	}
	return slow;
}
