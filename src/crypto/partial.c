/* SPDX-License-Identifier: Apache-2.0
 *
 * See partial.h.  The proof is that of Chaum and Pedersen, 1992, made
 * non-interactive by hashing all points that it is about.
 */
#include <string.h>

#include "bytes.h"
#include "ecies.h"
#include "keccak.h"
#include "partial.h"
#include "payload.h"
#include "secp.h"

/* ---- partials ---------------------------------------------------------- */

struct proof {			/* the points that e hashes */
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
	explicit_bzero(&k, sizeof(k));		/* derived from D */
}

int
partial_make(
    const uint8_t x[32], const uint8_t K[33], uint8_t partial[PARTIAL_PLAIN])
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

/* s P - e Q; minus_e is n - e, and points[0] already holds s P. */
static int
sub_points(uint8_t points[2][64], const uint8_t minus_e[32],
    const uint8_t Q[33], uint8_t out[33])
{
	uint8_t sum[64];

	if (secp_mul_xy(minus_e, Q, points[1]) != 0 ||
	    secp_sum((const uint8_t(*)[64])points, 2, sum) != 0)
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
	    sub_points(points, minus_e, p.X, p.A) == 0 &&
	    secp_mul_xy(s, K, points[0]) == 0 &&
	    sub_points(points, minus_e, p.D, p.B) == 0) {
		proof_hash(&p, hash);
		r = memcmp(hash, e, 32) == 0 ? 0 : -1;
	}
	/* If one node's partial is wrong, those of the honest nodes, which are
	 * secret, are checked here too. */
	explicit_bzero(points, sizeof(points));
	explicit_bzero(&p, sizeof(p));
	return r;
}

/* ---- seals ------------------------------------------------------------- */

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
seal_bytes(const struct seal_bind *b, uint32_t j, const uint8_t handle[32],
    struct seal_aad *aad, uint8_t nonce[GCM_NONCE])
{
	memcpy(aad->task_id, b->task_id, 32);
	put_be(aad->attempt, 4, b->attempt);
	put_be(aad->node, 4, b->node);
	memcpy(aad->e, b->ephemeral_key, 33);
	memcpy(aad->n, b->node_key, 33);
	memcpy(aad->handle, handle, 32);
	memset(nonce, 0, GCM_NONCE);
	put_be(nonce + GCM_NONCE - 4, 4, j);
}

int
seal_partial(const uint8_t key[32], const struct seal_bind *b, uint32_t j,
    const uint8_t handle[32], const uint8_t partial[PARTIAL_PLAIN],
    uint8_t sealed[PARTIAL_SEALED])
{
	uint8_t nonce[GCM_NONCE];
	struct seal_aad aad;

	seal_bytes(b, j, handle, &aad, nonce);
	return gcm_seal(
	    key, nonce, &aad, sizeof(aad), partial, PARTIAL_PLAIN, sealed);
}

int
open_partial(const uint8_t key[32], const struct seal_bind *b, uint32_t j,
    const uint8_t handle[32], const uint8_t sealed[PARTIAL_SEALED],
    uint8_t partial[PARTIAL_PLAIN])
{
	uint8_t nonce[GCM_NONCE];
	struct seal_aad aad;

	seal_bytes(b, j, handle, &aad, nonce);
	return gcm_open(
	    key, nonce, &aad, sizeof(aad), sealed, PARTIAL_SEALED, partial);
}
