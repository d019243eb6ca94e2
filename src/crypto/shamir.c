/* SPDX-License-Identifier: Apache-2.0
 *
 * Threshold delegation; the exact bytes are in proto/VALUES.md.
 * keys opens and checks, tee-devnet's nodes make.  Shamir: "How to share a
 * secret", 1979; the proof: Chaum and Pedersen, 1992, made non-interactive by
 * hashing all that it speaks of.
 */
#include <string.h>

#include "ecies.h"
#include "keccak.h"
#include "payload.h"
#include "secp.h"
#include "shamir.h"

/* ---- shares -------------------------------------------------------------- */

static void
scalar_small(uint32_t v, uint8_t out[32])
{
	memset(out, 0, 32);
	out[28] = (uint8_t)(v >> 24);
	out[29] = (uint8_t)(v >> 16);
	out[30] = (uint8_t)(v >> 8);
	out[31] = (uint8_t)v;
}

int
shamir_split(const uint8_t key[32], unsigned t, unsigned n,
    uint8_t (*shares)[32])
{
	uint8_t a[KMS_NODES][32], x[32];
	unsigned i, j;
	int r = -1;

	if (t == 0 || t > n || n > KMS_NODES || secp_key_check(key) != 0)
		return -1;
	memcpy(a[0], key, 32);
	for (j = 1; j < t; j++)
		secp_key_new(a[j]);
	for (i = 1; i <= n; i++) {
		scalar_small(i, x);
		memcpy(shares[i - 1], a[t - 1], 32);
		for (j = t - 1; j-- > 0; )	/* Horner */
			if (secp_scalar_mul(shares[i - 1], x) != 0 ||
			    secp_scalar_add(shares[i - 1], a[j]) != 0)
				goto out;
	}
	r = 0;
out:
	explicit_bzero(a, sizeof(a));
	return r;
}

/* a^(n-2), n the group order: the inverse, by Fermat.  Of public numbers. */
static int
scalar_invert(uint8_t a[32])
{
	static const uint8_t exponent[32] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
		0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x3f,
	};
	uint8_t r[32];
	int i;

	memcpy(r, a, 32);		/* the highest bit is set */
	for (i = 254; i >= 0; i--) {
		if (secp_scalar_mul(r, r) != 0)
			return -1;
		if ((exponent[31 - i / 8] >> i % 8 & 1) != 0 &&
		    secp_scalar_mul(r, a) != 0)
			return -1;
	}
	memcpy(a, r, 32);
	return 0;
}

int
shamir_lambda(const uint32_t *quorum, size_t t, uint32_t i,
    uint8_t lambda[32])
{
	uint8_t num[32], den[32], x[32];
	int found = 0;
	size_t k, l;

	scalar_small(1, num);
	scalar_small(1, den);
	for (k = 0; k < t; k++) {
		for (l = 0; l < k; l++)
			if (quorum[l] == quorum[k])
				return -1;
		if (quorum[k] == i) {
			found = 1;
			continue;
		}
		scalar_small(quorum[k], x);
		if (secp_scalar_mul(num, x) != 0)
			return -1;
		scalar_small(quorum[k] > i ? quorum[k] - i : i - quorum[k], x);
		if ((quorum[k] < i && secp_scalar_negate(x) != 0) ||
		    secp_scalar_mul(den, x) != 0)
			return -1;
	}
	if (!found || i == 0 || scalar_invert(den) != 0 ||
	    secp_scalar_mul(num, den) != 0)
		return -1;
	memcpy(lambda, num, 32);
	return 0;
}

int
shamir_check(const uint32_t *quorum, size_t t, const uint8_t (*share_pubs)[33],
    const uint8_t pub[33])
{
	uint8_t points[KMS_NODES][64], lambda[32], sum[64], key[33];
	size_t i;

	if (t == 0 || t > KMS_NODES)
		return -1;
	for (i = 0; i < t; i++)
		if (shamir_lambda(quorum, t, quorum[i], lambda) != 0 ||
		    secp_mul_xy(lambda, share_pubs[quorum[i] - 1],
		    points[i]) != 0)
			return -1;
	if (secp_sum((const uint8_t (*)[64])points, t, sum) != 0 ||
	    secp_compress(sum, key) != 0)
		return -1;
	return memcmp(key, pub, 33) == 0 ? 0 : -1;
}

/* ---- partials ------------------------------------------------------------ */

struct proof {			/* all points that e is the hash of */
	uint8_t	X[33], K[33], D[33], A[33], B[33];
};

static void
proof_hash(const struct proof *p, uint8_t e[32])
{
	static const char domain[] = "TEE Runner DLEQ v1";
	struct keccak k;
	uint8_t hash[32];

	keccak_init(&k);
	keccak_update(&k, domain, sizeof(domain) - 1);
	keccak_update(&k, p->X, 33);
	keccak_update(&k, p->K, 33);
	keccak_update(&k, p->D, 33);
	keccak_update(&k, p->A, 33);
	keccak_update(&k, p->B, 33);
	keccak_final(&k, hash);
	secp_scalar_reduce(hash, e);
	explicit_bzero(&k, sizeof(k));		/* has D */
}

int
partial_make(const uint8_t x[32], const uint8_t K[33],
    uint8_t partial[PARTIAL_PLAIN])
{
	uint8_t r[32], B[64], out[PARTIAL_PLAIN];
	uint8_t *e = out + 64, *s = out + 96;
	struct proof p;
	int ok;

	memcpy(p.K, K, 33);
	secp_key_new(r);
	ok = secp_public(x, p.X) == 0 && secp_mul_xy(x, K, out) == 0 &&
	    secp_compress(out, p.D) == 0 && secp_public(r, p.A) == 0 &&
	    secp_mul_xy(r, K, B) == 0 && secp_compress(B, p.B) == 0;
	if (ok) {
		proof_hash(&p, e);
		memcpy(s, e, 32);
		ok = secp_scalar_mul(s, x) == 0 && secp_scalar_add(s, r) == 0;
	}
	if (ok)
		memcpy(partial, out, sizeof(out));
	explicit_bzero(r, sizeof(r));
	explicit_bzero(out, sizeof(out));
	explicit_bzero(&p, sizeof(p));
	return ok ? 0 : -1;
}

/* s P - e Q, where `minus_e' is n - e and s P is points[0] already. */
static int
difference(uint8_t points[2][64], const uint8_t minus_e[32],
    const uint8_t Q[33], uint8_t out[33])
{
	uint8_t sum[64];

	if (secp_mul_xy(minus_e, Q, points[1]) != 0 ||
	    secp_sum((const uint8_t (*)[64])points, 2, sum) != 0)
		return -1;
	return secp_compress(sum, out);
}

int
partial_check(const uint8_t share_pub[33], const uint8_t lambda[32],
    const uint8_t K[33], const uint8_t partial[PARTIAL_PLAIN])
{
	const uint8_t *e = partial + 64, *s = partial + 96;
	uint8_t points[2][64], X[64], minus_e[32], hash[32];
	struct proof p;
	int r = -1;

	memcpy(minus_e, e, 32);
	memcpy(p.K, K, 33);
	if (secp_scalar_negate(minus_e) == 0 &&
	    secp_mul_xy(lambda, share_pub, X) == 0 &&
	    secp_compress(X, p.X) == 0 && secp_compress(partial, p.D) == 0 &&
	    secp_public_xy(s, points[0]) == 0 &&
	    difference(points, minus_e, p.X, p.A) == 0 &&
	    secp_mul_xy(s, K, points[0]) == 0 &&
	    difference(points, minus_e, p.D, p.B) == 0) {
		proof_hash(&p, hash);
		r = memcmp(hash, e, 32) == 0 ? 0 : -1;
	}
	/* Honest nodes' partials, too, are checked when one lies. */
	explicit_bzero(points, sizeof(points));
	explicit_bzero(&p, sizeof(p));
	return r;
}

/* ---- seals --------------------------------------------------------------- */

int
seal_key(const uint8_t own[32], const uint8_t peer[33], uint8_t key[32])
{
	uint8_t x[32];
	int r = -1;

	if (secp_mul_x(own, peer, x) == 0)
		r = hkdf32(x, sizeof(x), "TEE Runner seal v1", key);
	explicit_bzero(x, sizeof(x));
	return r;
}

struct seal_aad {
	uint8_t	task_id[32], attempt[4], node[4], e[33], n[33], handle[32];
};

static void
put32(uint8_t out[4], uint32_t v)
{
	out[0] = (uint8_t)(v >> 24);
	out[1] = (uint8_t)(v >> 16);
	out[2] = (uint8_t)(v >> 8);
	out[3] = (uint8_t)v;
}

static void
seal_bytes(const struct seal_bind *b, uint32_t j, const uint8_t handle[32],
    struct seal_aad *aad, uint8_t nonce[GCM_NONCE])
{
	memcpy(aad->task_id, b->task_id, 32);
	put32(aad->attempt, b->attempt);
	put32(aad->node, b->node);
	memcpy(aad->e, b->ephemeral_key, 33);
	memcpy(aad->n, b->node_key, 33);
	memcpy(aad->handle, handle, 32);
	memset(nonce, 0, GCM_NONCE);
	put32(nonce + GCM_NONCE - 4, j);
}

int
seal_partial(const uint8_t key[32], const struct seal_bind *b, uint32_t j,
    const uint8_t handle[32], const uint8_t partial[PARTIAL_PLAIN],
    uint8_t sealed[PARTIAL_SEALED])
{
	uint8_t nonce[GCM_NONCE];
	struct seal_aad aad;

	seal_bytes(b, j, handle, &aad, nonce);
	return gcm_seal(key, nonce, &aad, sizeof(aad), partial, PARTIAL_PLAIN,
	    sealed);
}

int
open_partial(const uint8_t key[32], const struct seal_bind *b, uint32_t j,
    const uint8_t handle[32], const uint8_t sealed[PARTIAL_SEALED],
    uint8_t partial[PARTIAL_PLAIN])
{
	uint8_t nonce[GCM_NONCE];
	struct seal_aad aad;

	seal_bytes(b, j, handle, &aad, nonce);
	return gcm_open(key, nonce, &aad, sizeof(aad), sealed, PARTIAL_SEALED,
	    partial);
}
