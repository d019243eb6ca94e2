/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens: transfers, supply, and a constant-product exchange.  compute runs it;
 * no I/O, constant time (u256.h): only the encrypted outputs show whether a
 * transfer succeeded.
 */
#include <string.h>

#include "prim.h"

#define IN	kind_of(o->in[0])
#define PRIMITIVE(name)							\
void									\
prim_##name(const struct op *o, const struct u256 *in, struct u256 *out)

/* in: from, to, amount.  The balances change only if the transfer succeeds. */
static uint64_t
move_tokens(const struct op *o, const struct u256 *in, struct u256 *from,
    struct u256 *to)
{
	struct result less = result_sub(IN, in[0], in[2]);
	struct result more = result_add(IN, in[1], in[2]);
	uint64_t ok = less.over ^ 1;

	if (o->flags & OP_SAME_ACCOUNT) {
		*from = in[0];
		*to = in[1];
		return ok;
	}
	ok &= more.over ^ 1;
	*from = u256_select(ok, less.value, in[0]);
	*to = u256_select(ok, more.value, in[1]);
	return ok;
}

PRIMITIVE(transfer)
{
	out[0] = u256_from(move_tokens(o, in, &out[1], &out[2]));
}

PRIMITIVE(transferCapped)
{
	uint64_t ok = move_tokens(o, in, &out[1], &out[2]);

	out[0] = u256_select(ok, in[2], u256_from(0));
}

PRIMITIVE(mint)
{
	struct result to = result_add(IN, in[0], in[1]);
	struct result supply = result_add(IN, in[2], in[1]);
	uint64_t ok = (to.over | supply.over) ^ 1;

	out[0] = u256_from(ok);
	out[1] = u256_select(ok, to.value, in[0]);
	out[2] = u256_select(ok, supply.value, in[2]);
}

PRIMITIVE(burn)
{
	struct result from = result_sub(IN, in[0], in[1]);
	struct result supply = result_sub(IN, in[2], in[1]);
	uint64_t ok = (from.over | supply.over) ^ 1;

	out[0] = u256_from(ok);
	out[1] = u256_select(ok, from.value, in[0]);
	out[2] = u256_select(ok, supply.value, in[2]);
}

/*
 * floor(amount (F - f) reserveOut / (reserveIn F + amount (F - f))), without
 * truncation: F <= 2^16, so the dividend has 2 N + 16 bits and the divisor
 * N + 17.  *over: the result exceeds 256 bits.
 */
static struct u256
swap_amount(const struct op *o, unsigned bits, struct u256 reserve_in,
    struct u256 reserve_out, struct u256 amount, uint64_t *over)
{
	uint64_t net = o->fee_base - o->fee, base = o->fee_base;
	uint64_t paid[5], divisor[5], dividend[9], q[9] = { 0 }, r[5];
	struct u256 low;

	mp_mul(paid, amount.w, 4, &net, 1);
	mp_mul(dividend, paid, 5, reserve_out.w, 4);
	mp_mul(divisor, reserve_in.w, 4, &base, 1);
	(void)mp_add(divisor, divisor, paid, 5);
	mp_div(q, r, dividend, 2 * bits + 17, divisor, MP_LIMBS(bits + 17));
	memcpy(low.w, q, sizeof(low.w));
	*over = mp_nonzero(q + 4, 5);
	return low;
}

PRIMITIVE(swap)
{
	enum {
		BALANCE_IN,
		BALANCE_OUT,
		RESERVE_IN,
		RESERVE_OUT,
		AMOUNT_IN,
		MIN_OUT
	};
	struct u256 amount = in[AMOUNT_IN], got;
	struct result next[4];		/* of the first four */
	uint64_t fails, over;
	size_t i;

	got = swap_amount(
	    o, IN.bits, in[RESERVE_IN], in[RESERVE_OUT], amount, &over);
	next[BALANCE_IN] = result_sub(IN, in[BALANCE_IN], amount);
	next[BALANCE_OUT] = result_add(IN, in[BALANCE_OUT], got);
	next[RESERVE_IN] = result_add(IN, in[RESERVE_IN], amount);
	next[RESERVE_OUT] = result_sub(IN, in[RESERVE_OUT], got);

	fails = over | (u256_nonzero(amount) ^ 1) |
	    (u256_nonzero(in[RESERVE_IN]) ^ 1) |
	    (u256_nonzero(in[RESERVE_OUT]) ^ 1) | (u256_nonzero(got) ^ 1) |
	    (u256_lt(got, in[RESERVE_OUT]) ^ 1) | u256_lt(got, in[MIN_OUT]);
	for (i = 0; i < 4; i++)
		fails |= next[i].over;

	out[0] = u256_from(fails ^ 1);
	out[1] = u256_select(fails, u256_from(0), got);
	for (i = 0; i < 4; i++)
		out[2 + i] = u256_select(fails, in[i], next[i].value);
}
