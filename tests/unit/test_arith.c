/* SPDX-License-Identifier: Apache-2.0
 *
 * The primitives on 8 bits against plain C integers: every pair of operands,
 * signed and unsigned; and what must hold at every width, on random values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "exec.h"

static int min, max;		/* of the 8-bit type under test */

static struct op
op_of(const char *name, size_t n_in, uint8_t in, size_t n_out, uint8_t out)
{
	struct op o = { .opcode = primitive_by_name(name)->opcode,
		.n_in = n_in,
		.n_out = n_out };

	memset(o.in, in, n_in);
	memset(o.out, out, n_out);
	return o;
}

/* A small number as a value of any type, and back. */
static struct u256
value(int64_t x)
{
	uint64_t top = x < 0 ? UINT64_MAX : 0;

	return (struct u256){ { (uint64_t)x, top, top, top } };
}

static int64_t
number(struct u256 v)
{
	assert_true(memcmp(&v.w[1], &v.w[2], 16) == 0);
	assert_true(v.w[1] == ((v.w[0] >> 63) ? UINT64_MAX : 0));
	return (int64_t)v.w[0];
}

static int
wrapped(int64_t x)
{
	return min < 0 ? (int8_t)(uint8_t)x : (uint8_t)x;
}

static int
clamped(int64_t x)
{
	return x < min ? min : x > max ? max : (int)x;
}

static int
fits(int64_t x)
{
	return x >= min && x <= max;
}

/* ---- 8 bits, all pairs ------------------------------------------------- */

static int64_t
power(int a, int e, int *exact)
{
	int64_t x = 1;

	*exact = 1;
	while (e-- > 0) {
		x *= a;
		if (x > 1 << 20 || x < -(1 << 20)) {
			*exact = 0;
			x %= 1 << 16;
		}
	}
	return x;
}

static int
is_power(const char *name)
{
	return strcmp(name, "exp") == 0 || strcmp(name, "safeExp") == 0;
}

/* The expected outputs: one number, or with `safe' a success before it. */
struct want {
	int	ok, x;
};

static struct want
safe(int ok, int64_t x)
{
	return (struct want){ ok, ok ? (int)x : 0 };
}

static struct want
expect(const char *name, int a, int b)
{
	int exact;
	int64_t p = power(a, b & 0xff, &exact);
	int width = 8, s = b & 7, u = (uint8_t)a;

#define IS(text)	if (strcmp(name, text) == 0) return
	IS("add") safe(1, wrapped(a + b));
	IS("sub") safe(1, wrapped(a - b));
	IS("mul") safe(1, wrapped(a * b));
	IS("div") safe(1, b == 0 ? max : wrapped(a / b));
	IS("mod") safe(1, b == 0 ? 0 : a % b);
	IS("min") safe(1, a < b ? a : b);
	IS("max") safe(1, a > b ? a : b);
	IS("satAdd") safe(1, clamped(a + b));
	IS("satSub") safe(1, clamped(a - b));
	IS("satMul") safe(1, clamped(a * b));
	IS("exp") safe(1, wrapped(p));
	IS("avg") safe(1, (a + b) / 2);
	IS("safeAdd") safe(fits(a + b), a + b);
	IS("safeSub") safe(fits(a - b), a - b);
	IS("safeMul") safe(fits(a * b), a * b);
	IS("safeDiv") safe(b != 0 && fits(a / b), b != 0 ? a / b : 0);
	IS("safeMod") safe(b != 0, b != 0 ? a % b : 0);
	IS("safeExp") safe(exact && fits(p), p);
	IS("eq") safe(1, a == b);
	IS("ne") safe(1, a != b);
	IS("lt") safe(1, a < b);
	IS("le") safe(1, a <= b);
	IS("gt") safe(1, a > b);
	IS("ge") safe(1, a >= b);
	IS("and") safe(1, a & b);
	IS("or") safe(1, a | b);
	IS("xor") safe(1, a ^ b);
	IS("shl") safe(1, b >= width ? 0 : wrapped(a * (1 << b)));
	IS("shr") safe(1, b >= width ? (a < 0 ? -1 : 0) : a >> b);
	IS("rotl") safe(1, wrapped(u << s | u >> (width - s)));
	IS("rotr") safe(1, wrapped(u >> s | u << (width - s)));
#undef IS
	fail_msg("%s: not expected", name);
	return (struct want){ 0, 0 };
}

static int
is_one_of(const char *name, const char *list)
{
	const char *at = strstr(list, name);
	size_t n = strlen(name);

	return at != NULL && (at == list || at[-1] == ' ') &&
	    (at[n] == ' ' || at[n] == '\0');
}

static void
check_pairs(const char *name, uint8_t type)
{
	int by_amount = is_power(name) || is_one_of(name, "shl shr rotl rotr");
	int is_safe = strncmp(name, "safe", 4) == 0;
	struct op o = op_of(name, 2, type, is_safe ? 2 : 1, type);
	struct u256 in[2], out[2];
	struct want w;
	int a, b;

	if (by_amount)
		o.in[1] = TYPE_UINT(8);
	min = type_is_int(type) ? -128 : 0;
	max = type_is_int(type) ? 127 : 255;
	for (a = min; a <= max; a++)
		for (b = by_amount ? 0 : min; b <= (by_amount ? 255 : max);
		     b++) {
			in[0] = value(a);
			in[1] = value(b);
			exec_op(&o, in, out);
			w = expect(name, a, b);
			if (is_safe)
				assert_int_equal(number(out[0]), w.ok);
			if (number(out[is_safe]) != w.x)
				fail_msg("%s(%d, %d): %lld, not %d", name, a, b,
				    (long long)number(out[is_safe]), w.x);
		}
}

static void
binary_operations_are_right_on_all_pairs_of_bytes(void **state)
{
	static const char *const both[] = {
		"add",
		"sub",
		"mul",
		"div",
		"mod",
		"min",
		"max",
		"satAdd",
		"satSub",
		"satMul",
		"exp",
		"safeAdd",
		"safeSub",
		"safeMul",
		"safeDiv",
		"safeMod",
		"safeExp",
		"eq",
		"ne",
		"lt",
		"le",
		"gt",
		"ge",
		"and",
		"or",
		"xor",
		"shl",
		"shr",
		"rotl",
		"rotr",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		check_pairs(both[i], TYPE_UINT(8));
		check_pairs(both[i], TYPE_INT(8));
	}
	check_pairs("avg", TYPE_UINT(8));
}

static int64_t
unary(const char *name, uint8_t type, uint8_t to, int a)
{
	struct op o = op_of(name, 1, type, 1, to);
	struct u256 in = value(a), out[2];

	exec_op(&o, &in, out);
	return number(out[0]);
}

static void
unary_operations_are_right_on_all_bytes(void **state)
{
	const uint8_t u = TYPE_UINT(8), s = TYPE_INT(8);
	int64_t r;
	int a;

	(void)state;
	min = -128;
	max = 127;
	for (a = min; a <= max; a++) {
		assert_int_equal(unary("neg", s, s, a), wrapped(-a));
		assert_int_equal(unary("not", s, s, a), ~a);
		assert_int_equal(
		    unary("abs", s, s, a), wrapped(a < 0 ? -a : a));
		assert_int_equal(unary("cast", s, u, a), a & 0xff);
		assert_int_equal(unary("cast", s, TYPE_INT(24), a), a);
		assert_int_equal(
		    unary("cast", s, TYPE_UINT(24), a), a & 0xffffff);
		assert_int_equal(unary("cast", s, TYPE_BOOL, a), a != 0);
	}
	min = 0;
	max = 255;
	for (a = 0; a < 256; a++) {
		assert_int_equal(unary("neg", u, u, a), wrapped(-a));
		assert_int_equal(unary("not", u, u, a), ~a & 0xff);
		r = unary("sqrt", u, u, a);
		assert_true(r * r <= a && (r + 1) * (r + 1) > a);
		r = unary("cbrt", u, u, a);
		assert_true(r * r * r <= a && (r + 1) * (r + 1) * (r + 1) > a);
		assert_int_equal(unary("log2", u, u, a),
		    a == 0 ? 0 : 31 - __builtin_clz((unsigned)a));
		assert_int_equal(unary("log10", u, u, a), (a > 9) + (a > 99));
		assert_int_equal(unary("log256", u, u, a), 0);
		assert_int_equal(unary("cast", u, s, a), (int8_t)a);
		assert_int_equal(
		    unary("cast", TYPE_BYTES(1), TYPE_BYTES(2), a), a << 8);
	}
	assert_int_equal(unary("not", TYPE_BOOL, TYPE_BOOL, 0), 1);
	assert_int_equal(unary("not", TYPE_BOOL, TYPE_BOOL, 1), 0);
}

static void
safe_unary_operations_are_right_on_all_bytes(void **state)
{
	struct op neg = op_of("safeNeg", 1, TYPE_INT(8), 2, TYPE_INT(8));
	struct op cast = op_of("safeCast", 1, TYPE_INT(8), 2, TYPE_UINT(8));
	struct op back = op_of("safeCast", 1, TYPE_UINT(8), 2, TYPE_INT(8));
	struct u256 in, out[2];
	int a;

	(void)state;
	for (a = -128; a < 256; a++) {
		in = value(a);
		if (a < 128) {
			exec_op(&neg, &in, out);
			assert_int_equal(number(out[0]), a != -128);
			assert_int_equal(number(out[1]), a != -128 ? -a : 0);
			exec_op(&cast, &in, out);
			assert_int_equal(number(out[0]), a >= 0);
			assert_int_equal(number(out[1]), a >= 0 ? a : 0);
		}
		if (a >= 0) {
			exec_op(&back, &in, out);
			assert_int_equal(number(out[0]), a < 128);
			assert_int_equal(number(out[1]), a < 128 ? a : 0);
		}
	}
}

static const int edges[] = { 0, 1, 2, 3, 7, 10, 16, 85, 127, 128, 200, 254,
	255 };
#define N_EDGES	(sizeof(edges) / sizeof(edges[0]))

static void
ternary(const char *name, int a, int b, int c, int flags, struct u256 *out)
{
	struct op o = op_of(name, 3, TYPE_UINT(8), 3, TYPE_UINT(8));
	struct u256 in[3] = { value(a), value(b), value(c) };

	o.flags = (uint8_t)flags;
	exec_op(&o, in, out);
}

static void
ternary_operations_are_right_on_all_bytes_and_edges(void **state)
{
	struct u256 out[3];
	int a, b, c, q;
	size_t i;

	(void)state;
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++)
			for (i = 0; i < N_EDGES; i++) {
				c = edges[i];
				q = c == 0 ? 256 : a * b / c;
				ternary("mulDiv", a, b, c, 0, out);
				assert_int_equal(
				    number(out[0]), q > 255 ? 255 : q);
				ternary("safeMulDiv", a, b, c, 0, out);
				assert_int_equal(number(out[0]), q <= 255);
				assert_int_equal(
				    number(out[1]), q > 255 ? 0 : q);
				ternary("addMod", a, b, c, 0, out);
				assert_int_equal(
				    number(out[0]), c == 0 ? 0 : (a + b) % c);
				ternary("mulMod", a, b, c, 0, out);
				assert_int_equal(
				    number(out[0]), c == 0 ? 0 : a * b % c);
			}
}

static void
outputs(const struct u256 *out, int64_t a, int64_t b, int64_t c)
{
	assert_int_equal(number(out[0]), a);
	assert_int_equal(number(out[1]), b);
	assert_int_equal(number(out[2]), c);
}

static void
token_operations_are_right_on_all_bytes_and_edges(void **state)
{
	struct u256 out[3];
	int a, b, c, ok;
	size_t i, j;

	(void)state;
	for (a = 0; a < 256; a++)
		for (j = 0; j < N_EDGES; j++)
			for (i = 0; i < N_EDGES; i++) {
				b = edges[j];
				c = edges[i];
				ok = c <= a && b + c <= 255;
				ternary("transfer", a, b, c, 0, out);
				outputs(
				    out, ok, ok ? a - c : a, ok ? b + c : b);
				ternary("transferCapped", a, b, c, 0, out);
				outputs(out, ok ? c : 0, ok ? a - c : a,
				    ok ? b + c : b);
				ternary(
				    "transfer", a, b, c, OP_SAME_ACCOUNT, out);
				outputs(out, c <= a, a, b);
				ternary("transferCapped", a, b, c,
				    OP_SAME_ACCOUNT, out);
				outputs(out, c <= a ? c : 0, a, b);
				ok = a + b <= 255 && c + b <= 255;
				ternary("mint", a, b, c, 0, out);
				outputs(
				    out, ok, ok ? a + b : a, ok ? c + b : c);
				ok = b <= a && b <= c;
				ternary("burn", a, b, c, 0, out);
				outputs(
				    out, ok, ok ? a - b : a, ok ? c - b : c);
			}
}

/* ---- all widths, random values ----------------------------------------- */

static uint64_t
prng(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1d;
}

/* Of any length, so that small ones and all ones are not rare. */
static struct u256
random_value(uint8_t type)
{
	struct u256 v;
	uint8_t plain[32];
	size_t i, n = type_size(type),
		  zeros = prng() % 3 ? 0 : prng() % (n + 1);

	for (i = 0; i < n; i++)
		plain[i] = i < zeros ? 0 : prng() % 4 ? (uint8_t)prng() : 0xff;
	if (type == TYPE_BOOL)
		plain[0] &= 1;
	assert_int_equal(value_load(type, plain, &v), 0);
	return v;
}

static void
quotient_and_remainder_make_the_dividend(void **state)
{
	struct u256 in[2], q, r, back;
	struct op div, mod;
	unsigned t, i;

	(void)state;
	for (t = TYPE_UINT(8); t <= TYPE_INT(256); t++)
		for (i = 0; i < 200; i++) {
			div = op_of("div", 2, (uint8_t)t, 1, (uint8_t)t);
			mod = op_of("mod", 2, (uint8_t)t, 1, (uint8_t)t);
			in[0] = random_value((uint8_t)t);
			in[1] = random_value((uint8_t)t);
			if (!u256_nonzero(in[1]))
				continue;
			exec_op(&div, in, &q);
			exec_op(&mod, in, &r);
			back = u256_add(u256_mul(q, in[1]), r);
			assert_memory_equal(&back, &in[0], sizeof(back));
			if (type_is_int((uint8_t)t)) {
				r = u256_abs(r);
				in[1] = u256_abs(in[1]);
			}
			assert_true(u256_lt(r, in[1]));
		}
}

static void
roots_are_rounded_down_in_all_widths(void **state)
{
	struct u256 x, r, r1, s;
	uint64_t p[8], c[12];
	struct op o;
	unsigned n, i;

	(void)state;
	for (n = 8; n <= 256; n += 8)
		for (i = 0; i < 200; i++) {
			x = random_value(TYPE_UINT(n));
			o = op_of("sqrt", 1, TYPE_UINT(n), 1, TYPE_UINT(n));
			exec_op(&o, &x, &r);
			mp_mul(p, r.w, 4, r.w, 4);
			memcpy(s.w, p, 32);
			assert_false(mp_nonzero(p + 4, 4) | u256_lt(x, s));
			r1 = u256_add(r, u256_from(1));
			mp_mul(p, r1.w, 4, r1.w, 4);
			memcpy(s.w, p, 32);
			assert_true(mp_nonzero(p + 4, 4) | u256_lt(x, s));

			o = op_of("cbrt", 1, TYPE_UINT(n), 1, TYPE_UINT(n));
			exec_op(&o, &x, &r);
			mp_mul(p, r.w, 4, r.w, 4);
			mp_mul(c, p, 8, r.w, 4);
			memcpy(s.w, c, 32);
			assert_false(mp_nonzero(c + 4, 8) | u256_lt(x, s));
			r1 = u256_add(r, u256_from(1));
			mp_mul(p, r1.w, 4, r1.w, 4);
			mp_mul(c, p, 8, r1.w, 4);
			memcpy(s.w, c, 32);
			assert_true(mp_nonzero(c + 4, 8) | u256_lt(x, s));
		}
}

static void
swap_never_shrinks_the_product(void **state)
{
	struct u256 in[6], out[6];
	uint64_t before[8], after[8], t[8];
	struct op o;
	unsigned n, i, j, done = 0;

	(void)state;
	for (n = 8; n <= 256; n += 8)
		for (i = 0; i < 300; i++) {
			o = op_of("swap", 8, TYPE_UINT(n), 6, TYPE_UINT(n));
			o.fee_base = (uint32_t)(1 + prng() % 65536);
			o.fee = (uint32_t)(prng() % o.fee_base);
			for (j = 0; j < 6; j++)
				in[j] = u256_shr(random_value(TYPE_UINT(n)),
				    j == 5     ? n - 1 :
					j == 4 ? 2 :
						 0,
				    0);
			exec_op(&o, in, out);
			done += (unsigned)out[0].w[0];
			mp_mul(before, in[2].w, 4, in[3].w, 4);
			mp_mul(after, out[4].w, 4, out[5].w, 4);
			assert_false(mp_sub(t, after, before, 8));
			if (out[0].w[0])
				continue;
			assert_false(u256_nonzero(out[1]));
			assert_memory_equal(out + 2, in, 4 * sizeof(*in));
		}
	assert_true(done > 300);
}

static void
random_values_are_of_their_type(void **state)
{
	struct u256 bound, out, fit;
	uint8_t plain[32];
	unsigned t, i, ones = 0, seen[3] = { 0 };
	struct op o;

	(void)state;
	for (t = 0; t < 100; t++)
		for (i = 0; i < 20 && type_size((uint8_t)t) != 0; i++) {
			o = op_of("rand", 0, 0, 1, (uint8_t)t);
			exec_op(&o, NULL, &out);
			value_store((uint8_t)t, out, plain);
			assert_int_equal(
			    value_load((uint8_t)t, plain, &fit), 0);
			assert_memory_equal(&fit, &out, sizeof(fit));
		}
	o = op_of("rand", 0, 0, 1, TYPE_BOOL);
	for (i = 0; i < 1000; i++) {
		exec_op(&o, NULL, &out);
		ones += (unsigned)out.w[0];
	}
	assert_in_range(ones, 350, 650);	/* 9 standard deviations */
	o = op_of("randBounded", 1, TYPE_UINT(256), 1, TYPE_UINT(256));
	for (i = 0; i < 1000; i++) {
		bound = random_value(TYPE_UINT(256));
		bound.w[0] |= 1;
		exec_op(&o, &bound, &out);
		assert_true(u256_lt(out, bound));
	}
	o = op_of("randBounded", 1, TYPE_UINT(8), 1, TYPE_UINT(8));
	bound = value(3);
	for (i = 0; i < 3000; i++) {
		exec_op(&o, &bound, &out);
		seen[out.w[0]]++;
	}
	for (i = 0; i < 3; i++)
		assert_in_range(seen[i], 750, 1250);
}

static void
no_bool_but_zero_and_one_is_loaded(void **state)
{
	struct u256 v;
	uint8_t b;
	unsigned i;

	(void)state;
	for (i = 0; i < 256; i++) {
		b = (uint8_t)i;
		assert_int_equal(value_load(TYPE_BOOL, &b, &v), i < 2 ? 0 : -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    binary_operations_are_right_on_all_pairs_of_bytes),
		cmocka_unit_test(unary_operations_are_right_on_all_bytes),
		cmocka_unit_test(safe_unary_operations_are_right_on_all_bytes),
		cmocka_unit_test(
		    ternary_operations_are_right_on_all_bytes_and_edges),
		cmocka_unit_test(
		    token_operations_are_right_on_all_bytes_and_edges),
		cmocka_unit_test(quotient_and_remainder_make_the_dividend),
		cmocka_unit_test(roots_are_rounded_down_in_all_widths),
		cmocka_unit_test(swap_never_shrinks_the_product),
		cmocka_unit_test(random_values_are_of_their_type),
		cmocka_unit_test(no_bool_but_zero_and_one_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
