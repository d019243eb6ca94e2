/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "reference.h"

#define IN(i)	(c->in[i].n)
#define OUT(i)	(&c->out[i])
#define WAD	1000000000000000000UL

static mpz_t t, u, v, low, high;	/* for one operation */

static unsigned long
bits_of(uint8_t type)
{
	return type == TYPE_BOOL ? 1 : 8 * type_size(type);
}

/* ---- a number into a type ---------------------------------------------- */

/* The value of these low bits; below 0 if the type is signed and the sign bit
 * is set. */
static void
wrap(struct value *to, const mpz_t x)
{
	unsigned long bits = bits_of(to->type);
	mpz_t all;

	mpz_fdiv_r_2exp(to->n, x, bits);
	if (type_is_int(to->type) && mpz_tstbit(to->n, bits - 1)) {
		mpz_init_set_ui(all, 1);
		mpz_mul_2exp(all, all, bits);
		mpz_sub(to->n, to->n, all);
		mpz_clear(all);
	}
}

static void
wrap_ui(struct value *to, unsigned long x)
{
	mpz_t n;

	mpz_init_set_ui(n, x);
	wrap(to, n);
	mpz_clear(n);
}

/* MIN and MAX into low and high. */
static void
bounds(uint8_t type)
{
	unsigned long bits = bits_of(type) - (type_is_int(type) ? 1 : 0);

	mpz_set_ui(high, 1);
	mpz_mul_2exp(high, high, bits);
	mpz_set_ui(low, 0);
	if (type_is_int(type))
		mpz_neg(low, high);
	mpz_sub_ui(high, high, 1);
}

static int
fits(uint8_t type, const mpz_t x)
{
	bounds(type);
	return mpz_cmp(x, low) >= 0 && mpz_cmp(x, high) <= 0;
}

static void
clamp(struct value *to, const mpz_t x)
{
	bounds(to->type);
	mpz_set(to->n,
	    mpz_cmp(x, low) < 0	     ? low :
		mpz_cmp(x, high) > 0 ? high :
				       x);
}

/* (true, x), or (false, 0) if it failed or does not fit. */
static void
safe(const struct call *c, int ok, const mpz_t x)
{
	ok = ok && fits(OUT(1)->type, x);
	wrap_ui(OUT(0), (unsigned long)ok);
	if (ok)
		mpz_set(OUT(1)->n, x);
	else
		mpz_set_ui(OUT(1)->n, 0);
}

void
value_read(struct value *x, const uint8_t *plain)
{
	mpz_t n;

	mpz_init(n);
	mpz_import(n, type_size(x->type), 1, 1, 1, 0, plain);
	wrap(x, n);
	mpz_clear(n);
}

void
value_write(const struct value *x, uint8_t *plain)
{
	size_t n, size = type_size(x->type);
	mpz_t raw;

	mpz_init(raw);
	mpz_fdiv_r_2exp(raw, x->n, 8 * size);
	memset(plain, 0, size);
	n = (mpz_sizeinbase(raw, 2) + 7) / 8;
	mpz_export(plain + size - n, NULL, 1, 1, 1, 0, raw);
	mpz_clear(raw);
}

/* ---- creation ---------------------------------------------------------- */

static void
ref_wrap(const struct call *c)
{
	if (OUT(0)->type == TYPE_BOOL)
		wrap_ui(OUT(0), mpz_sgn(IN(0)) != 0);
	else
		wrap(OUT(0), IN(0));
}

static void
ref_rand(const struct call *c)
{
	(void)c;
}
static void
ref_randBounded(const struct call *c)
{
	(void)c;
}

static void
ref_cast(const struct call *c)
{
	uint8_t from = c->in[0].type, to = OUT(0)->type;

	if (to == TYPE_BOOL)
		wrap_ui(OUT(0), mpz_sgn(IN(0)) != 0);
	else if (type_is_bytes(from) && type_is_bytes(to)) {
		mpz_mul_2exp(t, IN(0), 256 - bits_of(from));
		mpz_fdiv_q_2exp(t, t, 256 - bits_of(to));
		wrap(OUT(0), t);
	} else
		wrap(OUT(0), IN(0));
}

/* ---- arithmetic -------------------------------------------------------- */

static int
quotient(const struct call *c)		/* into t */
{
	if (mpz_sgn(IN(1)) == 0)
		return 0;
	mpz_tdiv_q(t, IN(0), IN(1));
	return 1;
}

static int
remainder_(const struct call *c)
{
	if (mpz_sgn(IN(1)) == 0)
		return 0;
	mpz_tdiv_r(t, IN(0), IN(1));
	return 1;
}

static int
quotient_wide(const struct call *c)
{
	if (mpz_sgn(IN(2)) == 0)
		return 0;
	mpz_mul(t, IN(0), IN(1));
	mpz_fdiv_q(t, t, IN(2));
	return 1;
}

#define SUM	mpz_add(t, IN(0), IN(1))
#define DIFF	mpz_sub(t, IN(0), IN(1))
#define PRODUCT	mpz_mul(t, IN(0), IN(1))

static void
ref_add(const struct call *c)
{
	SUM;
	wrap(OUT(0), t);
}
static void
ref_sub(const struct call *c)
{
	DIFF;
	wrap(OUT(0), t);
}
static void
ref_mul(const struct call *c)
{
	PRODUCT;
	wrap(OUT(0), t);
}
static void
ref_satAdd(const struct call *c)
{
	SUM;
	clamp(OUT(0), t);
}
static void
ref_satSub(const struct call *c)
{
	DIFF;
	clamp(OUT(0), t);
}
static void
ref_satMul(const struct call *c)
{
	PRODUCT;
	clamp(OUT(0), t);
}
static void
ref_safeAdd(const struct call *c)
{
	SUM;
	safe(c, 1, t);
}
static void
ref_safeSub(const struct call *c)
{
	DIFF;
	safe(c, 1, t);
}
static void
ref_safeMul(const struct call *c)
{
	PRODUCT;
	safe(c, 1, t);
}
static void
ref_safeDiv(const struct call *c)
{
	safe(c, quotient(c), t);
}
static void
ref_safeMod(const struct call *c)
{
	safe(c, remainder_(c), t);
}
static void
ref_neg(const struct call *c)
{
	mpz_neg(t, IN(0));
	wrap(OUT(0), t);
}
static void
ref_safeNeg(const struct call *c)
{
	mpz_neg(t, IN(0));
	safe(c, 1, t);
}
static void
ref_abs(const struct call *c)
{
	mpz_abs(t, IN(0));
	wrap(OUT(0), t);
}
static void
ref_safeCast(const struct call *c)
{
	safe(c, 1, IN(0));
}
static void
ref_sqrt(const struct call *c)
{
	mpz_sqrt(OUT(0)->n, IN(0));
}
static void
ref_cbrt(const struct call *c)
{
	mpz_root(OUT(0)->n, IN(0), 3);
}
static void
ref_safeMulDiv(const struct call *c)
{
	safe(c, quotient_wide(c), t);
}

static void
ref_div(const struct call *c)
{
	bounds(OUT(0)->type);
	if (!quotient(c))
		mpz_set(t, high);
	wrap(OUT(0), t);
}

static void
ref_mod(const struct call *c)
{
	if (!remainder_(c))
		mpz_set_ui(t, 0);
	wrap(OUT(0), t);
}

static void
ref_min(const struct call *c)
{
	mpz_set(OUT(0)->n, mpz_cmp(IN(0), IN(1)) < 0 ? IN(0) : IN(1));
}

static void
ref_max(const struct call *c)
{
	mpz_set(OUT(0)->n, mpz_cmp(IN(0), IN(1)) > 0 ? IN(0) : IN(1));
}

static void
ref_exp(const struct call *c)
{
	mpz_set_ui(u, 1);
	mpz_mul_2exp(u, u, bits_of(OUT(0)->type));
	mpz_powm(t, IN(0), IN(1), u);
	wrap(OUT(0), t);
}

static void
ref_safeExp(const struct call *c)
{
	int ok = 1;

	if (mpz_cmpabs_ui(IN(0), 1) <= 0)	/* 0, 1, -1: no power is
						 * large */
		mpz_pow_ui(t, IN(0),
		    mpz_sgn(IN(1)) == 0	 ? 0 :
			mpz_odd_p(IN(1)) ? 1 :
					   2);
	else if (mpz_cmp_ui(IN(1), 256) <= 0)
		mpz_pow_ui(t, IN(0), mpz_get_ui(IN(1)));
	else
		ok = 0;
	safe(c, ok, t);
}

/* How often it can be divided by the base before it is 0, less one. */
static void
logarithm(const struct call *c, unsigned long base)
{
	unsigned long n = 0;

	mpz_set(t, IN(0));
	while (mpz_cmp_ui(t, base) >= 0) {
		mpz_fdiv_q_ui(t, t, base);
		n++;
	}
	wrap_ui(OUT(0), n);
}

static void
ref_log2(const struct call *c)
{
	logarithm(c, 2);
}
static void
ref_log10(const struct call *c)
{
	logarithm(c, 10);
}
static void
ref_log256(const struct call *c)
{
	logarithm(c, 256);
}

static void
ref_mulDiv(const struct call *c)
{
	if (quotient_wide(c))
		clamp(OUT(0), t);
	else {
		bounds(OUT(0)->type);
		mpz_set(OUT(0)->n, high);
	}
}

static void
modulo(const struct call *c)		/* t by the third */
{
	if (mpz_sgn(IN(2)) == 0)
		mpz_set_ui(OUT(0)->n, 0);
	else
		mpz_fdiv_r(OUT(0)->n, t, IN(2));
}

static void
ref_addMod(const struct call *c)
{
	SUM;
	modulo(c);
}
static void
ref_mulMod(const struct call *c)
{
	PRODUCT;
	modulo(c);
}

static void
ref_sum(const struct call *c)
{
	size_t i;

	mpz_set_ui(t, 0);
	for (i = 0; i < c->n_in; i++)
		mpz_add(t, t, IN(i));
	wrap(OUT(0), t);
}

static void
ref_avg(const struct call *c)
{
	SUM;
	mpz_fdiv_q_2exp(OUT(0)->n, t, 1);
}

/* ---- fixed point: Solady 0.1.26, line by line -------------------------- */

static void
ref_mulWad(const struct call *c)
{
	int ok;

	PRODUCT;
	ok = fits(OUT(1)->type, t);
	mpz_fdiv_q_ui(t, t, WAD);
	safe(c, ok, t);
}

static void
ref_divWad(const struct call *c)
{
	int ok;

	mpz_mul_ui(t, IN(0), WAD);
	ok = fits(OUT(1)->type, t) && mpz_sgn(IN(1)) != 0;
	if (ok)
		mpz_fdiv_q(t, t, IN(1));
	safe(c, ok, t);
}

static void
ref_sqrtWad(const struct call *c)
{
	mpz_mul_ui(t, IN(0), WAD);
	mpz_sqrt(t, t);
	safe(c, 1, t);
}

/* p = p x / 2^96 + text */
static void
step(mpz_t p, const mpz_t x, const char *text)
{
	mpz_t k;

	mpz_init_set_str(k, text, 10);
	mpz_mul(p, p, x);
	mpz_fdiv_q_2exp(p, p, 96);
	mpz_add(p, p, k);
	mpz_clear(k);
}

static void
plus(mpz_t p, const mpz_t x, const char *text)
{
	mpz_t k;

	mpz_init_set_str(k, text, 10);
	mpz_add(p, x, k);
	mpz_clear(k);
}

static void
times(mpz_t p, const char *text)
{
	mpz_t k;

	mpz_init_set_str(k, text, 10);
	mpz_mul(p, p, k);
	mpz_clear(k);
}

static int
compare(const mpz_t x, const char *text)
{
	mpz_t k;
	int r;

	mpz_init_set_str(k, text, 10);
	r = mpz_cmp(x, k);
	mpz_clear(k);
	return r;
}

static int
exp_wad(mpz_t x)		/* in place; 0: it reverts */
{
	mpz_t k, p, q, y, ln2;

	if (compare(x, "-41446531673892822313") <= 0) {
		mpz_set_ui(x, 0);
		return 1;
	}
	if (compare(x, "135305999368893231589") >= 0)
		return 0;
	mpz_inits(k, p, q, y, NULL);
	mpz_init_set_str(ln2, "54916777467707473351141471128", 10);
	mpz_mul_2exp(x, x, 78);
	mpz_tdiv_q_ui(x, x, 3814697265625);		/* 5^18 */

	mpz_mul_2exp(k, x, 96);
	mpz_tdiv_q(k, k, ln2);
	mpz_set_ui(y, 1);
	mpz_mul_2exp(y, y, 95);
	mpz_add(k, k, y);
	mpz_fdiv_q_2exp(k, k, 96);
	mpz_submul(x, k, ln2);

	plus(y, x, "1346386616545796478920950773328");
	step(y, x, "57155421227552351082224309758442");
	mpz_add(p, y, x);
	plus(p, p, "-94201549194550492254356042504812");
	step(p, y, "28719021644029726153956944680412240");
	mpz_mul(p, p, x);
	mpz_set_str(q, "4385272521454847904659076985693276", 10);
	mpz_mul_2exp(q, q, 96);
	mpz_add(p, p, q);

	plus(q, x, "-2855989394907223263936484059900");
	step(q, x, "50020603652535783019961831881945");
	step(q, x, "-533845033583426703283633433725380");
	step(q, x, "3604857256930695427073651918091429");
	step(q, x, "-14423608567350463180887372962807573");
	step(q, x, "26449188498355588339934803723976023");

	mpz_tdiv_q(x, p, q);
	times(x, "3822833074963236453042738258902158003155416615667");
	mpz_fdiv_q_2exp(x, x, (unsigned long)(195 - mpz_get_si(k)));
	mpz_clears(k, p, q, y, ln2, NULL);
	return 1;
}

static int
ln_wad(mpz_t x)
{
	unsigned long log2;
	mpz_t p, q;

	if (mpz_sgn(x) <= 0)
		return 0;
	mpz_inits(p, q, NULL);
	log2 = mpz_sizeinbase(x, 2) - 1;
	mpz_mul_2exp(x, x, 255 - log2);
	mpz_fdiv_q_2exp(x, x, 159);

	plus(p, x, "3273285459638523848632254066296");
	step(p, x, "24828157081833163892658089445524");
	step(p, x, "43456485725739037958740375743393");
	step(p, x, "-11111509109440967052023855526967");
	step(p, x, "-45023709667254063763336534515857");
	step(p, x, "-14706773417378608786704636184526");
	mpz_mul(p, p, x);
	mpz_set_str(q, "795164235651350426258249787498", 10);
	mpz_mul_2exp(q, q, 96);
	mpz_sub(p, p, q);

	plus(q, x, "5573035233440673466300451813936");
	step(q, x, "71694874799317883764090561454958");
	step(q, x, "283447036172924575727196451306956");
	step(q, x, "401686690394027663651624208769553");
	step(q, x, "204048457590392012362485061816622");
	step(q, x, "31853899698501571402653359427138");
	step(q, x, "909429971244387300277376558375");

	mpz_tdiv_q(x, p, q);
	times(x, "1677202110996718588342820967067443963516166");
	mpz_set_si(p, (long)log2 - 96);
	times(p,
	    "1659757755268561422148728595819394746919382055921987817790809"
	    "3499208371");
	mpz_add(x, x, p);
	plus(x, x,
	    "6009201798297318617367027793216214595954722580490741015673778"
	    "83020018308");
	mpz_fdiv_q_2exp(x, x, 174);
	mpz_clears(p, q, NULL);
	return 1;
}

static void
ref_expWad(const struct call *c)
{
	int ok;

	mpz_set(t, IN(0));
	ok = exp_wad(t);
	safe(c, ok, t);
}

static void
ref_lnWad(const struct call *c)
{
	int ok;

	mpz_set(t, IN(0));
	ok = ln_wad(t);
	safe(c, ok, t);
}

static void
ref_powWad(const struct call *c)
{
	int ok;

	mpz_set(t, IN(0));
	ok = ln_wad(t);
	mpz_mul(t, t, IN(1));
	ok = ok && fits(OUT(1)->type, t);
	mpz_tdiv_q_ui(t, t, WAD);
	ok = ok && exp_wad(t);
	safe(c, ok, t);
}

/* ---- comparison and choice --------------------------------------------- */

#define COMPARE(name, is)						\
static void								\
ref_##name(const struct call *c)					\
{									\
	wrap_ui(OUT(0), mpz_cmp(IN(0), IN(1)) is 0);			\
}
COMPARE(eq, ==)
COMPARE(ne, !=)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)

static void
ref_select(const struct call *c)
{
	mpz_set(OUT(0)->n, mpz_sgn(IN(0)) != 0 ? IN(1) : IN(2));
}

static void
ref_isIn(const struct call *c)
{
	size_t i;
	int found = 0;

	for (i = 1; i < c->n_in; i++)
		found |= mpz_cmp(IN(0), IN(i)) == 0;
	wrap_ui(OUT(0), (unsigned long)found);
}

/* ---- bits -------------------------------------------------------------- */

static void
ref_and(const struct call *c)
{
	mpz_and(t, IN(0), IN(1));
	wrap(OUT(0), t);
}
static void
ref_or(const struct call *c)
{
	mpz_ior(t, IN(0), IN(1));
	wrap(OUT(0), t);
}
static void
ref_xor(const struct call *c)
{
	mpz_xor(t, IN(0), IN(1));
	wrap(OUT(0), t);
}
static void
ref_not(const struct call *c)
{
	mpz_com(t, IN(0));
	wrap(OUT(0), t);
}

/* The amount, or the width if the amount is larger. */
static unsigned long
amount(const struct call *c)
{
	unsigned long bits = bits_of(OUT(0)->type);

	return mpz_cmp_ui(IN(1), bits) < 0 ? mpz_get_ui(IN(1)) : bits;
}

static void
ref_shl(const struct call *c)
{
	mpz_mul_2exp(t, IN(0), amount(c));
	wrap(OUT(0), t);
}

static void
ref_shr(const struct call *c)
{
	mpz_fdiv_q_2exp(t, IN(0), amount(c));
	wrap(OUT(0), t);
}

static void
rotate(const struct call *c, unsigned long left)
{
	unsigned long bits = bits_of(OUT(0)->type);

	mpz_fdiv_r_2exp(t, IN(0), bits);
	mpz_fdiv_q_2exp(u, t, bits - left);
	mpz_mul_2exp(t, t, left);
	mpz_ior(t, t, u);
	wrap(OUT(0), t);
}

static void
ref_rotl(const struct call *c)
{
	rotate(c, mpz_fdiv_ui(IN(1), bits_of(OUT(0)->type)));
}

static void
ref_rotr(const struct call *c)
{
	unsigned long bits = bits_of(OUT(0)->type);

	rotate(c, bits - mpz_fdiv_ui(IN(1), bits));
}

/* ---- tokens ------------------------------------------------------------ */

/* Subtract and add if both go; what is left of the two in outputs 1 and 2. */
static int
move(const struct call *c)
{
	int ok;

	mpz_add(t, IN(1), IN(2));
	ok = mpz_cmp(IN(2), IN(0)) <= 0 && (c->same || fits(c->in[1].type, t));
	mpz_set(OUT(1)->n, IN(0));
	mpz_set(OUT(2)->n, IN(1));
	if (ok && !c->same) {
		mpz_sub(OUT(1)->n, IN(0), IN(2));
		mpz_set(OUT(2)->n, t);
	}
	return ok;
}

static void
ref_transfer(const struct call *c)
{
	wrap_ui(OUT(0), (unsigned long)move(c));
}

static void
ref_transferCapped(const struct call *c)
{
	if (move(c))
		mpz_set(OUT(0)->n, IN(2));
	else
		mpz_set_ui(OUT(0)->n, 0);
}

static void
ref_mint(const struct call *c)
{
	uint8_t type = c->in[0].type;
	int ok;

	mpz_add(t, IN(0), IN(1));
	mpz_add(u, IN(2), IN(1));
	ok = fits(type, t) && fits(type, u);
	wrap_ui(OUT(0), (unsigned long)ok);
	mpz_set(OUT(1)->n, ok ? t : IN(0));
	mpz_set(OUT(2)->n, ok ? u : IN(2));
}

static void
ref_burn(const struct call *c)
{
	int ok;

	mpz_sub(t, IN(0), IN(1));
	mpz_sub(u, IN(2), IN(1));
	ok = mpz_sgn(t) >= 0 && mpz_sgn(u) >= 0;
	wrap_ui(OUT(0), (unsigned long)ok);
	mpz_set(OUT(1)->n, ok ? t : IN(0));
	mpz_set(OUT(2)->n, ok ? u : IN(2));
}

static void
ref_swap(const struct call *c)
{
	enum {
		BALANCE_IN,
		BALANCE_OUT,
		RESERVE_IN,
		RESERVE_OUT,
		AMOUNT,
		LEAST
	};
	uint8_t type = c->in[0].type;
	int ok;

	mpz_mul_ui(t, IN(AMOUNT), c->fee_base - c->fee);
	mpz_mul_ui(u, IN(RESERVE_IN), c->fee_base);
	mpz_add(u, u, t);
	mpz_mul(t, t, IN(RESERVE_OUT));
	if (mpz_sgn(u) != 0)
		mpz_fdiv_q(t, t, u);
	mpz_add(u, IN(RESERVE_IN), IN(AMOUNT));
	mpz_add(v, IN(BALANCE_OUT), t);
	ok = mpz_sgn(IN(AMOUNT)) > 0 &&
	    mpz_cmp(IN(AMOUNT), IN(BALANCE_IN)) <= 0 &&
	    mpz_sgn(IN(RESERVE_IN)) > 0 && mpz_sgn(IN(RESERVE_OUT)) > 0 &&
	    mpz_sgn(t) > 0 && mpz_cmp(t, IN(RESERVE_OUT)) < 0 &&
	    mpz_cmp(t, IN(LEAST)) >= 0 && fits(type, u) && fits(type, v);
	if (!ok) {
		mpz_set_ui(t, 0);
		mpz_set(u, IN(RESERVE_IN));
		mpz_set(v, IN(BALANCE_OUT));
	}
	wrap_ui(OUT(0), (unsigned long)ok);
	mpz_set(OUT(1)->n, t);
	mpz_set(OUT(2)->n, IN(BALANCE_IN));
	if (ok)
		mpz_sub(OUT(2)->n, IN(BALANCE_IN), IN(AMOUNT));
	mpz_set(OUT(3)->n, v);
	mpz_set(OUT(4)->n, u);
	mpz_sub(OUT(5)->n, IN(RESERVE_OUT), t);

	/* The pool of an operation. */
	mpz_mul(u, u, OUT(5)->n);
	mpz_mul(v, IN(RESERVE_IN), IN(RESERVE_OUT));
	if (mpz_cmp(u, v) < 0)
		abort();
}

void
reference(uint8_t opcode, const struct call *c)
{
	static void (*const functions[256])(const struct call *) = {
#define PRIM(number, name, in, out, flags) [number] = ref_##name,
#include "primitives.def"
#undef PRIM
	};

	mpz_inits(t, u, v, low, high, NULL);
	functions[opcode](c);
	mpz_clears(t, u, v, low, high, NULL);
}
