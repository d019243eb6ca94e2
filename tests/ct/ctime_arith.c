/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant time: every primitive with its operands marked undefined, at 8, 64,
 * 128 and 256 bits.  Under valgrind a branch, an index or an address that
 * depends on one is an error, and the exit status tells.  With `positive' as
 * argument it branches on one on purpose: that must be found, else this test
 * finds nothing.  Run by ctime_arith.sh.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "exec.h"

static const unsigned widths[] = { 8, 64, 128, 256 };
#define N_WIDTHS	(sizeof(widths) / sizeof(widths[0]))

/* The types that a letter can have at this width; two, as a bytesN shifts
 * otherwise than an integer, and a signed integer otherwise than both. */
static size_t
types_of(char letter, unsigned bits, uint8_t types[3])
{
	switch (letter) {
	case 'I':
	case 'J':
		types[0] = TYPE_UINT(bits);
		types[1] = TYPE_INT(bits);
		return 2;
	case 'A':
	case 'Z':
	case 'L':
	case 'H':
		types[0] = TYPE_UINT(bits);
		types[1] = TYPE_INT(bits);
		types[2] = TYPE_BYTES(bits / 8);
		return 3;
	case 'S': types[0] = TYPE_INT(bits); return 1;
	case 'B': types[0] = TYPE_BOOL; return 1;
	case 'w': types[0] = TYPE_UINT(256); return 1;
	case 'i': types[0] = TYPE_INT(256); return 1;
	case 'K': types[0] = TYPE_BYTES(32); return 1;
	case 'F': types[0] = TYPE_UINT(32); return 1;
	}
	types[0] = TYPE_UINT(bits);
	return 1;
}

/* Letters that can be two types all take the same choice: only casts mix types,
 * and the second type of a cast is chosen separately. */
static size_t
fill(const char *pattern, unsigned bits, size_t choice, uint8_t *to)
{
	uint8_t types[3];
	size_t n, k;

	for (n = 0; *pattern != '\0'; pattern++)
		if (*pattern == '*') {
			to[n] = to[n + 1] = to[n - 1];
			n += 2;
		} else {
			k = types_of(*pattern, bits, types);
			to[n++] = types[choice % k];
		}
	return n;
}

static int lost;

static void
run(const struct op *o)
{
	static const uint8_t defined[EXEC_OUTPUTS * sizeof(struct u256)];
	uint8_t vbits[sizeof(defined)];
	struct u256 in[OP_OPERANDS], out[EXEC_OUTPUTS];
	uint8_t plain[32];
	size_t i;

	memset(in, 0x5a, sizeof(in));
	memset(out, 0, sizeof(out));
	for (i = 0; i < o->n_in; i++) {
		memset(plain, 0x5a, sizeof(plain));
		plain[0] &= o->in[i] == TYPE_BOOL ? 1 : 0xff;
		/* Loading a bool tells whether it is one: that is public. */
		if (o->in[i] != TYPE_BOOL)
			(void)VALGRIND_MAKE_MEM_UNDEFINED(plain, sizeof(plain));
		(void)value_load(o->in[i], plain, &in[i]);
		if (o->in[i] == TYPE_BOOL)
			(void)VALGRIND_MAKE_MEM_UNDEFINED(
			    &in[i], sizeof(in[i]));
	}
	exec_op(o, in, out);
	/* Results of undefined operands are: the marks were not lost. */
	if (o->n_in > 0 && VALGRIND_GET_VBITS(out, vbits, sizeof(out)) == 1 &&
	    memcmp(vbits, defined, sizeof(defined)) == 0) {
		printf("opcode %#x: the operands were not marked\n", o->opcode);
		lost = 1;
	}
	for (i = 0; i < o->n_out; i++)
		value_store(o->out[i], out[i], plain);
}

/* Nox v0: plaintexts of any size, and branches of different types. */
static size_t
run_nox(void)
{
	static const uint8_t types[] = { TYPE_BOOL, TYPE_UINT(16),
		TYPE_UINT(256), TYPE_INT(16), TYPE_INT(256) };
	struct op o = { .opcode = primitive_by_name("select")->opcode,
		.n_in = 3,
		.n_out = 1 };
	const size_t t = sizeof(types);
	uint8_t plain[32];
	struct u256 v;
	size_t i;

	for (i = 0; i < t * sizeof(plain); i++) {
		memset(plain, 0x5a, sizeof(plain));
		(void)VALGRIND_MAKE_MEM_UNDEFINED(plain, sizeof(plain));
		value_load_nox(types[i % t], plain, 1 + i / t, &v);
		value_store(types[i % t], v, plain);
	}
	for (i = 0; i < t * t * t; i++) {
		o.in[0] = TYPE_BOOL;
		o.in[1] = types[i % t];
		o.in[2] = types[i / t % t];
		o.out[0] = types[i / t / t];
		run(&o);
	}
	return i;
}

static int
positive(void)
{
	volatile int x = 0;

	(void)VALGRIND_MAKE_MEM_UNDEFINED(&x, sizeof(x));
	if (x)
		printf("positive control\n");
	return 0;
}

int
main(int argc, char **argv)
{
	size_t i, w, a, b, n = 0;
	struct op o;

#ifdef TEE_SANITIZERS
	return 77;		/* valgrind and they exclude each other */
#endif
	if (!RUNNING_ON_VALGRIND)
		return 2;
	if (argc == 2 && strcmp(argv[1], "positive") == 0)
		return positive();
	for (i = 0; i < n_primitives; i++)
		for (w = 0; w < N_WIDTHS; w++)
			for (a = 0; a < 3; a++)
				for (b = 0; b < 3; b++) {
					memset(&o, 0, sizeof(o));
					o.opcode = primitives[i].opcode;
					o.flags = b &&
						(primitives[i].flags &
						    P_SAME_ACCOUNT) ?
					    OP_SAME_ACCOUNT :
					    0;
					o.n_in = fill(primitives[i].in,
					    widths[w], a, o.in);
					o.n_out = fill(primitives[i].out,
					    widths[w],
					    primitives[i].out[0] == 'Z' ||
						    primitives[i].out[1] ==
							'J' ?
						b :
						a,
					    o.out);
					o.fee = 3;
					o.fee_base = 1000;
					run(&o);
					n++;
				}
	n += run_nox();
	printf("%zu operations, no value told apart\n", n);
	return lost;
}
