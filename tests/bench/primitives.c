/* SPDX-License-Identifier: Apache-2.0
 *
 * primitives [milliseconds]: nanoseconds of CPU for each primitive at 8, 64, 128
 * and 256 bits, operands and results in place: what an operation costs besides
 * the encryption of its outputs (about 63000 each).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec.h"

static const unsigned widths[] = { 8, 64, 128, 256 };
#define N_WIDTHS	(sizeof(widths) / sizeof(widths[0]))

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint8_t
type_of(char letter, unsigned bits)
{
	switch (letter) {
	case 'S':
		return TYPE_INT(bits);
	case 'B':
		return TYPE_BOOL;
	case 'w':
		return TYPE_UINT(256);
	case 'i':
		return TYPE_INT(256);
	case 'F':
		return TYPE_UINT(32);
	}
	return TYPE_UINT(bits);
}

static size_t
fill(const char *pattern, unsigned bits, uint8_t *to)
{
	size_t n = 0;

	for (; *pattern != '\0' && *pattern != '*'; pattern++)
		to[n++] = type_of(*pattern, bits);
	return n;
}

static double
measure(const struct primitive *row, unsigned bits, double most)
{
	struct op o = { .opcode = row->opcode, .fee = 3, .fee_base = 1000 };
	struct u256 in[OP_OPERANDS], out[EXEC_OUTPUTS];
	double start, t;
	uint8_t plain[32];
	size_t i, n = 0;

	o.n_in = fill(row->in, bits, o.in);
	o.n_out = fill(row->out, bits, o.out);
	for (i = 0; i < o.n_in; i++) {
		memset(plain, (int)(0x31 + i), sizeof(plain));
		plain[0] = o.in[i] == TYPE_BOOL ? 1 : plain[0];
		(void)value_load(o.in[i], plain, &in[i]);
	}
	start = now();
	do {
		for (i = 0; i < 16; i++)
			exec_op(&o, in, out);
		n += i;
	} while ((t = now() - start) < most);
	return t / (double)n;
}

int
main(int argc, char **argv)
{
	double most = (argc > 1 ? atof(argv[1]) : 1) * 1e6;
	size_t i, w;

	printf("%-16s", "ns");
	for (w = 0; w < N_WIDTHS; w++)
		printf("%8u", widths[w]);
	for (i = 0; i < n_primitives; i++) {
		printf("\n%-16s", primitives[i].name);
		for (w = 0; w < N_WIDTHS; w++)
			printf("%8.0f", measure(&primitives[i], widths[w],
			    most));
	}
	printf("\n");
	return 0;
}
