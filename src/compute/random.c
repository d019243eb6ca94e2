/* SPDX-License-Identifier: Apache-2.0
 *
 * Random values from getrandom(2), the only system call that arithmetic makes.
 * compute runs it.
 */
#include <string.h>
#include <sys/random.h>

#include "prim.h"
#include "secret.h"

static void
random_bytes(void *p, size_t n)
{
	/* getrandom() never fails or returns less for at most 256 bytes after
	 * the system has booted, so there is no error to report. */
	if (getrandom(p, n, 0) != (ssize_t)n)
		__builtin_trap();
}

void
prim_rand(const struct op *o, const struct u256 *in, struct u256 *out)
{
	struct u256 x;

	(void)in;
	random_bytes(x.w, sizeof(x.w));
	out[0] = kind_fit(kind_of(o->out[0]), x);
	secret_wipe(&x, sizeof(x));
}

/* floor(r n / 2^384) for 384 random bits r.  Each value results from 2^384 / n
 * of them, plus or minus one, so the bias is below n / 2^384 <= 2^-128. */
void
prim_randBounded(const struct op *o, const struct u256 *in, struct u256 *out)
{
	uint64_t r[6], p[10];

	(void)o;
	random_bytes(r, sizeof(r));
	mp_mul(p, r, 6, in[0].w, 4);
	memcpy(out[0].w, p + 6, sizeof(out[0].w));
	secret_wipe(r, sizeof(r));
	secret_wipe(p, sizeof(p));
}
