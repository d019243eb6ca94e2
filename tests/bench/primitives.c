/* SPDX-License-Identifier: Apache-2.0
 *
 * primitives [milliseconds]: nanoseconds of CPU for each primitive at 8, 64,
 * 128 and 256 bits, operands and results in place; then the largest share of
 * a task that arithmetic has, compared with the least that its cryptography
 * takes: the ephemeral key, two KMS nodes' seals, and the encryption of each
 * output.  Exits 1 if arithmetic is 5 % of a transfer or more, or 15 % of any
 * operation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ecies.h"
#include "exec.h"
#include "secp.h"

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
	case 'S': return TYPE_INT(bits);
	case 'B': return TYPE_BOOL;
	case 'w': return TYPE_UINT(256);
	case 'i': return TYPE_INT(256);
	case 'F': return TYPE_UINT(32);
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

static uint8_t kms[32], kms_pub[33], kms_xy[64];

static int
encrypt(void)
{
	static const uint8_t handle[32], plain[32];
	uint8_t K[33], nonce[GCM_NONCE], cipher[48];

	return ecies_seal(kms_xy, handle, 32, plain, 32, K, nonce, cipher);
}

static int
multiply(void)
{
	uint8_t x[32];

	return secp_mul_x(kms, kms_pub, x);
}

/* Nanoseconds of one. */
static double
measure_crypto(int (*f)(void), double most)
{
	double start = now(), t;
	size_t n = 0;

	do {
		if (f() != 0)
			exit(1);
		n++;
	} while ((t = now() - start) < most);
	return t / (double)n;
}

int
main(int argc, char **argv)
{
	double most = (argc > 1 ? atof(argv[1]) : 1) * 1e6;
	double ns, share, seal, task, transfer = 0, dearest = 0;
	const char *dearest_name = "?";
	unsigned dearest_bits = 0;
	size_t i, w;

	secp_init(NULL);
	ecies_init();
	secp_key_new(kms);
	if (secp_public(kms, kms_pub) != 0 || secp_public_xy(kms, kms_xy) != 0)
		return 1;
	seal = measure_crypto(encrypt, 100 * most);
	task = 3 * measure_crypto(multiply, 100 * most);

	printf("%-16s", "ns");
	for (w = 0; w < N_WIDTHS; w++)
		printf("%8u", widths[w]);
	for (i = 0; i < n_primitives; i++) {
		printf("\n%-16s", primitives[i].name);
		for (w = 0; w < N_WIDTHS; w++) {
			ns = measure(&primitives[i], widths[w], most);
			share = 100 * ns /
			    (ns + task +
				seal * (double)strlen(primitives[i].out));
			printf("%8.0f", ns);
			if (strcmp(primitives[i].name, "transfer") == 0 &&
			    share > transfer)
				transfer = share;
			if (share > dearest) {
				dearest = share;
				dearest_name = primitives[i].name;
				dearest_bits = widths[w];
			}
		}
	}
	printf("\nof a task, with %.0f us of cryptography and %.0f for each "
	       "output: transfer %.2f %%, dearest: %s at %u bits %.1f %%\n",
	    task / 1000, seal / 1000, transfer, dearest_name, dearest_bits,
	    dearest);
	return transfer < 5 && dearest < 15 ? 0 : 1;
}
