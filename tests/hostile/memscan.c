/* SPDX-License-Identifier: Apache-2.0
 *
 * memscan [-u | -a] PID HEX...: how often each byte string stands in the memory
 * of a process, in every mapping that can be read; with -u in those alone that
 * are not locked; with -a the same, and no private one that can be written may
 * be unlocked.  One line each: HEX COUNT.  Exit 1 if one was found.  Tests
 * only; needs to be allowed to trace the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEEDLES	32
#define CHUNK	(1024 * 1024)

static struct needle {
	const char	*hex;
	uint8_t		 b[64];
	size_t		 n;
	unsigned long	 found;
} needles[NEEDLES];
static int n_needles;

static void
needle_add(const char *hex)
{
	struct needle *x = &needles[n_needles++];
	unsigned v;
	size_t i, len = strlen(hex);

	if (len < 16 || len % 2 != 0 || len / 2 > sizeof(x->b)) {
		fprintf(stderr, "memscan: %s: expected 8 to 64 bytes of hex\n",
		    hex);
		exit(2);
	}
	x->hex = hex;
	x->n = len / 2;
	for (i = 0; i < x->n; i++) {
		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			exit(2);
		x->b[i] = (uint8_t)v;
	}
}

/* Each needle that starts in the first `n' of `have' bytes. */
static void
scan(const uint8_t *b, size_t n, size_t have)
{
	const uint8_t *p, *end;
	int i;

	for (i = 0; i < n_needles; i++)
		for (p = b, end = b + n; p < end; p++) {
			p = memmem(p, (size_t)(b + have - p), needles[i].b,
			    needles[i].n);
			if (p == NULL || p >= end)
				break;
			needles[i].found++;
		}
}

static size_t
scan_mapping(int mem, unsigned long from, unsigned long to)
{
	static uint8_t b[CHUNK + 64];
	size_t all = 0, want;
	ssize_t n;

	for (; from < to; from += CHUNK) {
		want = to - from < sizeof(b) ? to - from : sizeof(b);
		n = pread(mem, b, want, (off_t)from);
		if (n <= 0)
			continue;	/* guard pages, secret memory */
		scan(b, (size_t)n < CHUNK ? (size_t)n : CHUNK, (size_t)n);
		all += (size_t)n;
	}
	return all;
}

/* The mapping that these lines of smaps begin with, and whether it is locked:
 * 1, or 0 at the end. */
static int
next_mapping(FILE *smaps, unsigned long *from, unsigned long *to, int *writable,
    int *locked)
{
	char line[512], perms[8];
	unsigned long a, b;
	int found = 0;

	*locked = 0;
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &a, &b, perms) == 3) {
			*from = a;
			*to = b;
			found = perms[0] == 'r';
			*writable = perms[1] == 'w' && perms[3] == 'p';
		}
		if (strncmp(line, "VmFlags:", 8) == 0 && found) {
			*locked = strstr(line, " lo") != NULL;
			return 1;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	int i, mem, writable, locked, r = 0, unlocked_only = 0;
	unsigned long from, to;
	char path[64];
	size_t all = 0;
	FILE *smaps;

	if (argc > 1 && argv[1][0] == '-') {
		unlocked_only = argv[1][1];
		argc--;
		argv++;
	}
	if (argc < 2 || argc - 2 > NEEDLES) {
		fprintf(stderr, "usage: memscan [-u | -a] PID HEX...\n");
		return 2;
	}
	for (i = 2; i < argc; i++)
		needle_add(argv[i]);
	snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
	mem = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%s/smaps", argv[1]);
	if (mem == -1 || (smaps = fopen(path, "r")) == NULL) {
		fprintf(stderr, "memscan: %s: %s\n", path, strerror(errno));
		return 2;
	}
	while (next_mapping(smaps, &from, &to, &writable, &locked)) {
		if (unlocked_only && locked)
			continue;
		all += scan_mapping(mem, from, to);
		if (unlocked_only == 'a' && writable) {
			printf("%lx-%lx is not locked\n", from, to);
			r = 1;
		}
	}
	if (all == 0 && !unlocked_only) {
		fprintf(
		    stderr, "memscan: %s: nothing could be read\n", argv[1]);
		return 2;
	}
	for (i = 0; i < n_needles; i++) {
		printf("%s %lu\n", needles[i].hex, needles[i].found);
		r |= needles[i].found != 0;
	}
	return r;
}
