/* SPDX-License-Identifier: Apache-2.0
 *
 * secp256k1 with libsecp256k1.  Runs in keys, compute and the tools.  The
 * context is created once, before the filter; afterwards the only system call
 * is getrandom(2).
 */
#include <errno.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_recovery.h>
#include <string.h>
#include <sys/random.h>

#include "keccak.h"
#include "log.h"
#include "secp.h"

#define SUM_MAX	64	/* points, as KMS_NODES */

static secp256k1_context *ctx;

/* The group order (SEC 2, 2.4.1). */
/* clang-format off */
static const uint8_t order[32] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
	0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
	0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41
};
/* clang-format on */

void
secp_init(const uint8_t seed[32])
{
	if (ctx == NULL)	/* tests call this again */
		ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	if (ctx == NULL ||
	    (seed != NULL && secp256k1_context_randomize(ctx, seed) != 1))
		fatal("secp256k1: no context");
}

/* ---- keys and points --------------------------------------------------- */

int
secp_key_check(const uint8_t key[32])
{
	return secp256k1_ec_seckey_verify(ctx, key) == 1 ? 0 : -1;
}

void
secp_key_new(uint8_t key[32])
{
	do {
		if (getrandom(key, 32, 0) != 32)
			fatal("getrandom: %s", strerror(errno));
	} while (secp_key_check(key) != 0);
}

static void
put_compressed(const secp256k1_pubkey *p, uint8_t pub[33])
{
	size_t n = 33;

	secp256k1_ec_pubkey_serialize(ctx, pub, &n, p, SECP256K1_EC_COMPRESSED);
}

static void
put_xy(const secp256k1_pubkey *p, uint8_t xy[64])
{
	uint8_t b[65];
	size_t n = sizeof(b);

	secp256k1_ec_pubkey_serialize(ctx, b, &n, p, SECP256K1_EC_UNCOMPRESSED);
	memcpy(xy, b + 1, 64);
	explicit_bzero(b, sizeof(b));
}

static int
get_compressed(secp256k1_pubkey *p, const uint8_t pub[33])
{
	return secp256k1_ec_pubkey_parse(ctx, p, pub, 33) == 1 ? 0 : -1;
}

static int
get_xy(secp256k1_pubkey *p, const uint8_t xy[64])
{
	uint8_t b[65];
	int r;

	b[0] = 4;
	memcpy(b + 1, xy, 64);
	r = secp256k1_ec_pubkey_parse(ctx, p, b, sizeof(b)) == 1 ? 0 : -1;
	explicit_bzero(b, sizeof(b));
	return r;
}

int
secp_public(const uint8_t key[32], uint8_t pub[33])
{
	secp256k1_pubkey p;

	if (secp256k1_ec_pubkey_create(ctx, &p, key) != 1)
		return -1;
	put_compressed(&p, pub);
	return 0;
}

int
secp_public_xy(const uint8_t key[32], uint8_t xy[64])
{
	secp256k1_pubkey p;

	if (secp256k1_ec_pubkey_create(ctx, &p, key) != 1)
		return -1;
	put_xy(&p, xy);
	return 0;
}

int
secp_point_check(const uint8_t pub[33])
{
	secp256k1_pubkey p;

	return get_compressed(&p, pub);
}

int
secp_compress(const uint8_t xy[64], uint8_t pub[33])
{
	secp256k1_pubkey p;

	if (get_xy(&p, xy) != 0)
		return -1;
	put_compressed(&p, pub);
	explicit_bzero(&p, sizeof(p));		/* may be a partial's D */
	return 0;
}

int
secp_decompress(const uint8_t pub[33], uint8_t xy[64])
{
	secp256k1_pubkey p;

	if (get_compressed(&p, pub) != 0)
		return -1;
	put_xy(&p, xy);
	return 0;
}

static void
address_of(const secp256k1_pubkey *p, uint8_t address[20])
{
	uint8_t xy[64], hash[32];

	put_xy(p, xy);
	keccak256(xy, sizeof(xy), hash);
	memcpy(address, hash + 12, 20);
}

int
secp_address(const uint8_t pub[33], uint8_t address[20])
{
	secp256k1_pubkey p;

	if (get_compressed(&p, pub) != 0)
		return -1;
	address_of(&p, address);
	return 0;
}

/* ---- signatures -------------------------------------------------------- */

int
secp_sign(const uint8_t key[32], const uint8_t digest[32], uint8_t sig[65])
{
	secp256k1_ecdsa_recoverable_signature s;
	uint8_t out[65];
	int id;

	if (secp256k1_ecdsa_sign_recoverable(
		ctx, &s, digest, key, NULL, NULL) != 1)
		return -1;
	secp256k1_ecdsa_recoverable_signature_serialize_compact(
	    ctx, out, &id, &s);
	if (id > 1)		/* r >= n, which has probability 2^-127 */
		return -1;
	out[64] = (uint8_t)(27 + id);
	memcpy(sig, out, sizeof(out));
	return 0;
}

int
secp_recover(
    const uint8_t digest[32], const uint8_t sig[65], uint8_t address[20])
{
	secp256k1_ecdsa_recoverable_signature s;
	secp256k1_ecdsa_signature plain;
	secp256k1_pubkey p;

	if ((sig[64] != 27 && sig[64] != 28) ||
	    secp256k1_ecdsa_recoverable_signature_parse_compact(
		ctx, &s, sig, sig[64] - 27) != 1)
		return -1;
	secp256k1_ecdsa_recoverable_signature_convert(ctx, &plain, &s);
	if (secp256k1_ecdsa_signature_normalize(ctx, NULL, &plain) == 1)
		return -1;	/* high s: another encoding of the same */
	if (secp256k1_ecdsa_recover(ctx, &p, &s, digest) != 1)
		return -1;
	address_of(&p, address);
	return 0;
}

/* ---- multiplication by a secret ---------------------------------------- */

/* secp256k1_ecdh() is the library's constant-time multiplication.  Its hash
 * callback receives the point, which we copy out. */
static int
copy_x(unsigned char *out, const unsigned char *x, const unsigned char *y,
    void *arg)
{
	(void)y;
	(void)arg;
	memcpy(out, x, 32);
	return 1;
}

static int
copy_xy(unsigned char *out, const unsigned char *x, const unsigned char *y,
    void *arg)
{
	(void)arg;
	memcpy(out, x, 32);
	memcpy(out + 32, y, 32);
	return 1;
}

static int
multiply(const uint8_t scalar[32], const secp256k1_pubkey *p,
    secp256k1_ecdh_hash_function take, uint8_t *out, size_t n)
{
	uint8_t b[64];
	int r = -1;

	if (secp256k1_ecdh(ctx, b, p, scalar, take, NULL) == 1) {
		memcpy(out, b, n);
		r = 0;
	}
	explicit_bzero(b, sizeof(b));
	return r;
}

int
secp_mul_x(const uint8_t scalar[32], const uint8_t point[33], uint8_t x[32])
{
	secp256k1_pubkey p;

	if (get_compressed(&p, point) != 0)
		return -1;
	return multiply(scalar, &p, copy_x, x, 32);
}

int
secp_mul_xy(const uint8_t scalar[32], const uint8_t point[33], uint8_t xy[64])
{
	secp256k1_pubkey p;

	if (get_compressed(&p, point) != 0)
		return -1;
	return multiply(scalar, &p, copy_xy, xy, 64);
}

int
secp_mul_x_of_xy(
    const uint8_t scalar[32], const uint8_t point[64], uint8_t x[32])
{
	secp256k1_pubkey p;

	if (get_xy(&p, point) != 0)
		return -1;
	return multiply(scalar, &p, copy_x, x, 32);
}

int
secp_sum(const uint8_t (*points)[64], size_t n, uint8_t sum[64])
{
	secp256k1_pubkey p[SUM_MAX], all;
	const secp256k1_pubkey *list[SUM_MAX];
	int r = -1;
	size_t i;

	if (n == 0 || n > SUM_MAX)
		return -1;
	for (i = 0; i < n; i++) {
		if (get_xy(&p[i], points[i]) != 0)
			goto out;
		list[i] = &p[i];
	}
	if (secp256k1_ec_pubkey_combine(ctx, &all, list, n) == 1) {
		put_xy(&all, sum);
		r = 0;
	}
out:
	explicit_bzero(p, i * sizeof(p[0]));
	explicit_bzero(&all, sizeof(all));
	return r;
}

/* ---- scalars ----------------------------------------------------------- */

typedef int scalar_op(
    const secp256k1_context *, unsigned char *, const unsigned char *);

static int
scalar(scalar_op *op, uint8_t a[32], const uint8_t b[32])
{
	uint8_t t[32];		/* the library zeroes its output on failure */
	int r = -1;

	memcpy(t, a, 32);
	if (op(ctx, t, b) == 1) {
		memcpy(a, t, 32);
		r = 0;
	}
	explicit_bzero(t, sizeof(t));
	return r;
}

int
secp_scalar_add(uint8_t a[32], const uint8_t b[32])
{
	return scalar(secp256k1_ec_seckey_tweak_add, a, b);
}

int
secp_scalar_mul(uint8_t a[32], const uint8_t b[32])
{
	return scalar(secp256k1_ec_seckey_tweak_mul, a, b);
}

int
secp_scalar_negate(uint8_t a[32])
{
	return secp256k1_ec_seckey_negate(ctx, a) == 1 ? 0 : -1;
}

void
secp_scalar_reduce(const uint8_t in[32], uint8_t out[32])
{
	uint8_t less[32], keep;
	unsigned t, borrow = 0;
	int i;

	/* in < 2^256 < 2 n, so at most one subtraction is needed. */
	for (i = 31; i >= 0; i--) {
		t = 256u + in[i] - order[i] - borrow;
		less[i] = (uint8_t)t;
		borrow = 1 - (t >> 8);
	}
	keep = (uint8_t)(0 - borrow);	/* all ones if in < n */
	for (i = 0; i < 32; i++)
		out[i] = (uint8_t)((in[i] & keep) | (less[i] & ~keep));
	explicit_bzero(less, sizeof(less));
}
