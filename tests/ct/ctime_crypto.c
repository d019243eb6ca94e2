/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant time: src/crypto, and the decoding of compute's rsa.c, with keys,
 * scalars, shared points and plaintexts marked undefined, as keys and compute
 * use it.  Under valgrind a branch, an index or an address that depends on one
 * is an error, and the exit status tells.  `positive' as argument branches on
 * one on purpose, `leak' compares a data key by memcmp: both must be found.
 * Run by ctime_crypto.sh.
 *
 * What a library says of a secret may be public: that a key is one, that a tag
 * fits, a public key, a signature.  Upstream's libsecp256k1 declassifies such
 * inside, in a build for valgrind; the installed one does not.  So the linker
 * puts the functions below between (--wrap), which do it on the way out, and
 * ctime_crypto.supp names the branches inside, with what each decides.
 */
#include "config.h"

#include "../../src/compute/rsa.c"

#include <openssl/evp.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <valgrind/memcheck.h>

#include "ecies.h"
#include "keccak.h"
#include "secp.h"
#include "partial.h"
#include "shamir.h"

#define SECRET(x)	((void)VALGRIND_MAKE_MEM_UNDEFINED(&(x), sizeof(x)))
#define PUBLIC(x)	((void)VALGRIND_MAKE_MEM_DEFINED(&(x), sizeof(x)))

#define WRAP(ret, name, args)						\
	ret __real_##name args; ret __wrap_##name args;			\
	ret __wrap_##name args

/* ---- what is public of a secret ---------------------------------------- */

/* 32 random bytes are a key; 12 are a nonce, which anyone sees. */
WRAP(ssize_t, getrandom, (void *b, size_t n, unsigned flags))
{
	const ssize_t r = __real_getrandom(b, n, flags);

	if (n == 32)
		(void)VALGRIND_MAKE_MEM_UNDEFINED(b, n);
	return r;
}

/* That it is a key, a point, a sum, that there is a product: always so, but
 * with probability 2^-128, or the other side is at fault and named. */
WRAP(int, secp256k1_ec_seckey_verify,
    (const secp256k1_context *c, const unsigned char *key))
{
	int r = __real_secp256k1_ec_seckey_verify(c, key);

	PUBLIC(r);
	return r;
}

WRAP(int, secp256k1_ec_seckey_negate,
    (const secp256k1_context *c, unsigned char *key))
{
	int r = __real_secp256k1_ec_seckey_negate(c, key);

	PUBLIC(r);
	return r;
}

WRAP(int, secp256k1_ec_seckey_tweak_add,
    (const secp256k1_context *c, unsigned char *key,
	const unsigned char *tweak))
{
	int r = __real_secp256k1_ec_seckey_tweak_add(c, key, tweak);

	PUBLIC(r);
	return r;
}

WRAP(int, secp256k1_ec_seckey_tweak_mul,
    (const secp256k1_context *c, unsigned char *key,
	const unsigned char *tweak))
{
	int r = __real_secp256k1_ec_seckey_tweak_mul(c, key, tweak);

	PUBLIC(r);
	return r;
}

WRAP(int, secp256k1_ecdh,
    (const secp256k1_context *c, unsigned char *out, const secp256k1_pubkey *p,
	const unsigned char *key, secp256k1_ecdh_hash_function take, void *arg))
{
	int r = __real_secp256k1_ecdh(c, out, p, key, take, arg);

	PUBLIC(r);
	return r;
}

WRAP(int, secp256k1_ec_pubkey_parse,
    (const secp256k1_context *c, secp256k1_pubkey *p, const unsigned char *in,
	size_t n))
{
	int r = __real_secp256k1_ec_pubkey_parse(c, p, in, n);

	PUBLIC(r);
	return r;
}

WRAP(int, secp256k1_ec_pubkey_combine,
    (const secp256k1_context *c, secp256k1_pubkey *sum,
	const secp256k1_pubkey *const *p, size_t n))
{
	int r = __real_secp256k1_ec_pubkey_combine(c, sum, p, n);

	PUBLIC(r);
	return r;
}

/* A public key and a signature are for everyone. */
WRAP(int, secp256k1_ec_pubkey_create,
    (const secp256k1_context *c, secp256k1_pubkey *p, const unsigned char *key))
{
	int r = __real_secp256k1_ec_pubkey_create(c, p, key);

	PUBLIC(r);
	PUBLIC(*p);
	return r;
}

WRAP(int, secp256k1_ecdsa_sign_recoverable,
    (const secp256k1_context *c, secp256k1_ecdsa_recoverable_signature *sig,
	const unsigned char *digest, const unsigned char *key,
	secp256k1_nonce_function nonce, const void *data))
{
	int r = __real_secp256k1_ecdsa_sign_recoverable(
	    c, sig, digest, key, nonce, data);

	PUBLIC(r);
	PUBLIC(*sig);
	return r;
}

/* Does the tag fit? */
WRAP(int, EVP_DecryptFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *out, int *n))
{
	int r = __real_EVP_DecryptFinal_ex(c, out, n);

	PUBLIC(r);
	return r;
}

/* ---- what runs --------------------------------------------------------- */

static int failed;

static void
must(int ok, const char *what)
{
	if (!ok) {
		printf("%s: failed\n", what);
		failed = 1;
	}
}

/* A result of secrets is one: the marks were not lost on the way. */
static void
must_be_secret(const void *p, size_t n, const char *what)
{
	static const uint8_t defined[PARTIAL_PLAIN];
	uint8_t vbits[PARTIAL_PLAIN];

	must(VALGRIND_GET_VBITS(p, vbits, n) == 1 &&
		memcmp(vbits, defined, n) != 0,
	    what);
}

/* keys: an identity is made, signs, and is recovered from the signature. */
static void
signing(void)
{
	uint8_t key[32], pub[33], address[20], who[20], digest[32], sig[65];

	secp_key_new(key);
	must_be_secret(key, sizeof(key), "sign: marks of the key");
	must(secp_public(key, pub) == 0, "sign: public");
	must(secp_address(pub, address) == 0, "sign: address");
	keccak256("batch", 5, digest);
	must(secp_sign(key, digest, sig) == 0, "sign");
	must(secp_recover(digest, sig, who) == 0, "sign: recover");
	must(memcmp(who, address, 20) == 0, "sign: who");
}

/* compute: an RSA plaintext is decoded; it says only whether it is right. */
static void
decoding(void)
{
	struct encoded e = { .one = 1 };
	uint8_t *db = (uint8_t *)&e + offsetof(struct encoded, hash);
	struct sha256_ctx h;
	unsigned wrong;
	size_t i;

	sha256_init(&h);
	sha256_digest(&h, sizeof(e.hash), e.hash);
	for (i = 0; i < 2; i++) {
		add_mask(e.seed, HASH, db, DB_SIZE);
		add_mask(db, DB_SIZE, e.seed, HASH);
		e.first = (uint8_t)i;
		SECRET(e);
		wrong = decode(&e);
		must_be_secret(e.message, MESSAGE, "decode: marks");
		PUBLIC(wrong);
		must((wrong != 0) == i, "decode");
	}
}

typedef int	 seal_fn(const uint8_t *, const void *, size_t, const uint8_t *,
    size_t, uint8_t *, uint8_t *, uint8_t *);

/* ecies_seal() in two steps, as compute does it. */
static int
seal_in_steps(const uint8_t *xy, const void *aad, size_t aad_len,
    const uint8_t *plain, size_t n, uint8_t *K, uint8_t *nonce, uint8_t *ct)
{
	uint8_t key[32];

	must(ecies_key_new(xy, K, key) == 0, "value: key");
	must_be_secret(key, sizeof(key), "value: marks of the new data key");
	return ecies_seal_with(key, aad, aad_len, plain, n, nonce, ct);
}

/* An output of `n' bytes is encrypted; then decrypted by S. */
static void
values(size_t n, seal_fn *seal)
{
	uint8_t kms[32], xy[64], handle[32] = { 1 }, plain[32], back[32];
	uint8_t K[33], nonce[GCM_NONCE], ct[32 + GCM_TAG], s[32], key[32];

	secp_key_new(kms);
	must(secp_public_xy(kms, xy) == 0, "value: public");
	memset(plain, 0x5a, sizeof(plain));
	SECRET(plain);
	must(seal(xy, handle, 32, plain, n, K, nonce, ct) == 0, "value: seal");
	must_be_secret(ct, n, "value: marks of the ciphertext");
	PUBLIC(ct);
	must(secp_mul_x(kms, K, s) == 0, "value: multiply");
	must(ecies_key(s, key) == 0, "value: derive");
	must_be_secret(key, sizeof(key), "value: marks of the data key");
	must(gcm_open(key, nonce, handle, 32, ct, n + GCM_TAG, back) == 0,
	    "value: open");
	must_be_secret(back, n, "value: marks of the plaintext");
	PUBLIC(back);
	PUBLIC(plain);
	must(memcmp(back, plain, n) == 0, "value: plaintext");
	ct[0] ^= 1;
	must(gcm_open(key, nonce, handle, 32, ct, n + GCM_TAG, back) == -1,
	    "value: a changed ciphertext");
}

/* A node's answer for K, sealed; then what compute does with it. */
static void
delegate(const uint8_t share[32], const uint32_t *quorum, uint32_t node,
    const uint8_t ephemeral[32], const uint8_t K[33], uint8_t D[64])
{
	struct seal_bind b = { .attempt = 1, .node = node };
	uint8_t n[32], x[32], key[32], partial[PARTIAL_PLAIN];
	uint8_t handle[32] = { 1 }, lambda[32], share_pub[33],
		sealed[PARTIAL_SEALED];

	secp_key_new(n);
	must(secp_public(n, b.node_key) == 0, "node: public");
	must(secp_public(ephemeral, b.ephemeral_key) == 0, "task: public");
	must(secp_public(share, share_pub) == 0, "share: public");
	must(shamir_lambda(quorum, 2, node, lambda) == 0, "node: lambda");
	memcpy(x, lambda, sizeof(x));
	must(secp_scalar_mul(x, share) == 0, "node: share");
	must_be_secret(x, sizeof(x), "node: marks of the share");
	must(partial_make(x, K, partial) == 0, "node: partial");
	must(seal_key(n, b.ephemeral_key, key) == 0, "node: seal's key");
	must(seal_partial(key, &b, 0, handle, partial, sealed) == 0,
	    "node: seal");
	PUBLIC(sealed);

	must(seal_key(ephemeral, b.node_key, key) == 0, "compute: seal's key");
	must(open_partial(key, &b, 0, handle, sealed, partial) == 0,
	    "keys: open");
	must_be_secret(
	    partial, sizeof(partial), "compute: marks of the partial");
	memcpy(D, partial, 64);

	/* Only if a node is at fault; its D is no secret then. */
	PUBLIC(partial);
	must(partial_check(share_pub, lambda, K, partial) == 0,
	    "compute: proof");
}

/* compute: the partials of a quorum become the data key. */
static void
delegation(void)
{
	static const uint32_t quorum[2] = { 1, 3 };
	uint8_t kms[32], shares[3][32], e[32], k[32], K[33], D[2][64];
	uint8_t sum[64], want[64], key[32];
	size_t i;

	secp_key_new(kms);
	secp_key_new(e);
	secp_key_new(k);
	must(secp_public(k, K) == 0, "K");
	must(shamir_split(kms, 2, 3, shares) == 0, "split");
	for (i = 0; i < 2; i++)
		delegate(shares[quorum[i] - 1], quorum, quorum[i], e, K, D[i]);
	must(secp_sum((const uint8_t(*)[64])D, 2, sum) == 0, "sum");
	must_be_secret(sum, sizeof(sum), "marks of the sum");
	must(ecies_key(sum, key) == 0, "derive");
	must_be_secret(key, sizeof(key), "marks of the data key");
	must(secp_mul_xy(kms, K, want) == 0, "multiply");
	PUBLIC(sum);
	PUBLIC(want);
	must(memcmp(sum, want, 64) == 0, "the sum is s K");
}

static int
positive(const char *how)
{
	uint8_t key[32];

	secp_key_new(key);
	if (strcmp(how, "leak") == 0)
		must(ecies_key(key, key) == 0, "derive");
	if (memcmp(key, "positive control", 16) == 0)
		printf("positive control\n");
	return 0;
}

int
main(int argc, char **argv)
{
	uint8_t seed[32];

#ifdef TEE_SANITIZERS
	return 77;		/* valgrind and they exclude each other */
#endif
	if (!RUNNING_ON_VALGRIND)
		return 2;
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return 1;
	secp_init(seed);
	ecies_init();
	if (argc == 2)
		return positive(argv[1]);
	signing();
	values(1, seal_in_steps);
	values(20, seal_in_steps);
	values(32, seal_in_steps);
	values(32, ecies_seal);
	delegation();
	decoding();
	if (!failed)
		printf("signing, values, delegation, decoding: "
		       "no secret told apart\n");
	return failed;
}
