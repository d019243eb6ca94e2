/* SPDX-License-Identifier: Apache-2.0
 *
 * src/crypto against published vectors, and what must not pass.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ecies.h"
#include "keccak.h"
#include "report_data.h"
#include "secp.h"
#include "sha256.h"
#include "partial.h"
#include "shamir.h"
#include "typed_data.h"

#define FIELD	2048		/* bytes of one field of a vector */

static int
init(void **unused)
{
	(void)unused;
	secp_init(NULL);
	ecies_init();
	td_init();
	return 0;
}

static size_t
unhex(const char *hex, uint8_t *out)
{
	unsigned v;
	size_t n;

	if (strcmp(hex, "-") == 0)
		return 0;
	assert_true(strlen(hex) <= 2 * FIELD);
	for (n = 0; hex[2 * n] != '\0'; n++) {
		assert_int_equal(sscanf(hex + 2 * n, "%2x", &v), 1);
		out[n] = (uint8_t)v;
	}
	return n;
}

static void
assert_hex(const uint8_t *got, const char *hex)
{
	uint8_t want[FIELD];
	size_t n = unhex(hex, want);

	assert_memory_equal(got, want, n);
}

static FILE *
source(const char *file)
{
	const char *src = getenv("srcdir");
	char path[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", src == NULL ? ".." : src, file);
	in = fopen(path, "r");
	assert_non_null(in);
	return in;
}

/* Each line of this kind in the vectors: its fields after the kind. */
static void
each(const char *kind, void (*check)(char **))
{
	FILE *in = source("tests/vectors/crypto.txt");
	char line[8 * FIELD], *f[8];
	unsigned n = 0;

	while (fgets(line, sizeof(line), in) != NULL) {
		size_t i = 0;
		char *s = strtok(line, " \n");

		if (s == NULL || strcmp(s, kind) != 0)
			continue;
		while (i < 8 && (f[i] = strtok(NULL, " \n")) != NULL)
			i++;
		check(f);
		n++;
	}
	fclose(in);
	assert_true(n > 0);
}

/* ---- Keccak ------------------------------------------------------------ */

static void
keccak_has_its_known_answers(void **unused)
{
	uint8_t out[32];

	(void)unused;
	keccak256("", 0, out);
	assert_hex(out,
	    "c5d2460186f7233c927e7db2dcc703c0"
	    "e500b653ca82273b7bfad8045d85a470");
	keccak256("abc", 3, out);
	assert_hex(out,
	    "4e03657aea45a94fc7d47ba826c8d667"
	    "c0d1e6e33a64a036ec44f58fa12d6c45");
}

/* Blocks are 136 bytes: every way to cut 300 in three gives the same. */
/* Of each number of messages up to nine, of lengths around the ends of
 * blocks. */
static void
many_at_once_hash_as_one_by_one(void **unused)
{
	static const size_t lengths[] = { 0, 1, 7, 8, 33, 135, 136, 137, 271,
		272, 273, 500 };
	static uint8_t bytes[9][500];
	struct keccak_in in[9];
	uint8_t many[9][32], one[32];
	size_t n, i, round;

	(void)unused;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i / 500][i % 500] = (uint8_t)(i * 7 + i / 251);
	for (round = 0; round < 2000; round++) {
		n = round % 9 + 1;
		for (i = 0; i < n; i++) {
			in[i].p = bytes[i];
			in[i].n = round % 3 == 0 ?
			    lengths[round % 12] :
			    lengths[(round * 31 + i * (round / 12)) % 12];
		}
		keccak256_many(in, n, many);
		for (i = 0; i < n; i++) {
			keccak256(in[i].p, in[i].n, one);
			assert_memory_equal(many[i], one, 32);
		}
	}
}

static void
keccak_of_pieces_is_keccak_of_the_whole(void **unused)
{
	uint8_t in[300], whole[32], parts[32];
	struct keccak k;
	size_t i, j;

	(void)unused;
	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	keccak256(in, sizeof(in), whole);
	for (i = 0; i <= sizeof(in); i++)
		for (j = i; j <= sizeof(in); j += 13) {
			keccak_init(&k);
			keccak_update(&k, in, i);
			keccak_update(&k, in + i, j - i);
			keccak_update(&k, in + j, sizeof(in) - j);
			keccak_final(&k, parts);
			assert_memory_equal(parts, whole, 32);
		}
}

/* ---- secp256k1 --------------------------------------------------------- */

static void
the_key_one_has_the_generator_and_its_address(void **unused)
{
	uint8_t one[32] = { 0 }, pub[33], address[20];

	(void)unused;
	one[31] = 1;
	assert_int_equal(secp_public(one, pub), 0);
	assert_hex(pub,
	    "0279be667ef9dcbbac55a06295ce870b"
	    "07029bfcdb2dce28d959f2815b16f81798");
	assert_int_equal(secp_address(pub, address), 0);
	assert_hex(address, "7e5f4552091a69125d5dfcb7b8c2659029395bdf");
}

static void
check_ecdh(char **f)
{
	uint8_t xy[FIELD], k[FIELD], pub[33], x[32], both[64];
	int good;

	unhex(f[0], xy);
	unhex(f[1], k);
	good = secp_mul_x_of_xy(k, xy, x) == 0;
	assert_int_equal(good, strcmp(f[2], "-") != 0);
	if (!good)
		return;
	assert_hex(x, f[2]);
	assert_int_equal(secp_compress(xy, pub), 0);
	assert_int_equal(secp_mul_x(k, pub, x), 0);
	assert_hex(x, f[2]);
	assert_int_equal(secp_mul_xy(k, pub, both), 0);
	assert_hex(both, f[2]);
}

static void
multiplication_agrees_with_published_vectors(void **unused)
{
	(void)unused;
	each("ecdh", check_ecdh);
}

/* Whether it is (r, s) of the key, we ask by who signed: of the two v, at most
 * one is its. */
static void
check_ecdsa(char **f)
{
	uint8_t xy[FIELD], digest[FIELD], sig[FIELD], pub[33];
	uint8_t address[20], who[20];
	unsigned v, good = 0;

	unhex(f[0], xy);
	unhex(f[1], digest);
	unhex(f[2], sig);
	assert_int_equal(secp_compress(xy, pub), 0);
	assert_int_equal(secp_address(pub, address), 0);
	for (v = 27; v <= 28; v++) {
		sig[64] = (uint8_t)v;
		good += secp_recover(digest, sig, who) == 0 &&
		    memcmp(who, address, 20) == 0;
	}
	assert_int_equal(good, strcmp(f[3], "valid") == 0);
}

static void
verification_agrees_with_published_vectors(void **unused)
{
	(void)unused;
	each("ecdsa", check_ecdsa);
}

static void
check_sign(char **f)
{
	uint8_t key[FIELD], digest[FIELD], sig[65], who[20];

	unhex(f[0], key);
	unhex(f[1], digest);
	assert_int_equal(secp_sign(key, digest, sig), 0);
	assert_hex(sig, f[2]);
	assert_int_equal(secp_recover(digest, sig, who), 0);
	assert_hex(who, f[3]);
}

static void
signatures_are_those_of_another_implementation(void **unused)
{
	(void)unused;
	each("sign", check_sign);
}

static void
a_signature_names_who_signed_what(void **unused)
{
	uint8_t key[32], pub[33], address[20], who[20], digest[32], sig[65];

	(void)unused;
	secp_key_new(key);
	secp_public(key, pub);
	secp_address(pub, address);
	keccak256("x", 1, digest);
	assert_int_equal(secp_sign(key, digest, sig), 0);
	assert_int_equal(secp_recover(digest, sig, who), 0);
	assert_memory_equal(who, address, 20);
	digest[0] ^= 1;
	if (secp_recover(digest, sig, who) == 0)
		assert_memory_not_equal(who, address, 20);
}

/* (r, n - s) with the other v verifies as well: refused, or every signature
 * would have two forms. */
static void
a_high_s_is_refused(void **unused)
{
	uint8_t key[32], digest[32] = { 1 }, sig[65], who[20];

	(void)unused;
	secp_key_new(key);
	assert_int_equal(secp_sign(key, digest, sig), 0);
	assert_int_equal(secp_scalar_negate(sig + 32), 0);
	sig[64] = (uint8_t)(27 + 28 - sig[64]);
	assert_int_equal(secp_recover(digest, sig, who), -1);
}

static void
a_v_other_than_27_and_28_is_refused(void **unused)
{
	uint8_t key[32], digest[32] = { 1 }, sig[65], who[20];
	unsigned v;

	(void)unused;
	secp_key_new(key);
	assert_int_equal(secp_sign(key, digest, sig), 0);
	for (v = 0; v < 256; v++) {
		sig[64] = (uint8_t)v;
		if (v != 27 && v != 28)
			assert_int_equal(secp_recover(digest, sig, who), -1);
	}
}

static void
what_is_no_point_is_refused(void **unused)
{
	uint8_t pub[33] = { 2 }, xy[64], k[32] = { [31] = 3 };

	(void)unused;
	memset(pub + 1, 0xff, 32);
	assert_int_equal(secp_point_check(pub), -1);
	assert_int_equal(secp_decompress(pub, xy), -1);
	assert_int_equal(secp_mul_xy(k, pub, xy), -1);
	memset(xy, 1, sizeof(xy));
	assert_int_equal(secp_compress(xy, pub), -1);
}

static void
scalars_are_reduced_by_the_group_order(void **unused)
{
	uint8_t n[32], out[32], zero[32] = { 0 };

	(void)unused;
	unhex("fffffffffffffffffffffffffffffffe"
	      "baaedce6af48a03bbfd25e8cd0364141",
	    n);
	secp_scalar_reduce(n, out);
	assert_memory_equal(out, zero, 32);
	n[31]++;
	secp_scalar_reduce(n, out);
	zero[31] = 1;
	assert_memory_equal(out, zero, 32);
	n[31] = 0x40;
	secp_scalar_reduce(n, out);
	assert_memory_equal(out, n, 32);
}

static void
a_sum_of_opposite_points_is_refused(void **unused)
{
	uint8_t k[32], p[2][64], sum[64];

	(void)unused;
	secp_key_new(k);
	secp_public_xy(k, p[0]);
	assert_int_equal(secp_scalar_negate(k), 0);
	secp_public_xy(k, p[1]);
	assert_int_equal(secp_sum((const uint8_t(*)[64])p, 2, sum), -1);
}

/* ---- values ------------------------------------------------------------ */

static void
check_gcm(char **f)
{
	uint8_t key[FIELD], nonce[FIELD], aad[FIELD], msg[FIELD], ct[FIELD];
	uint8_t out[FIELD];
	size_t n_aad, n, n_ct;

	unhex(f[0], key);
	unhex(f[1], nonce);
	n_aad = unhex(f[2], aad);
	n = unhex(f[3], msg);
	n_ct = unhex(f[4], ct);
	if (strcmp(f[5], "valid") != 0) {
		memset(out, 0xaa, sizeof(out));
		assert_int_equal(
		    gcm_open(key, nonce, aad, n_aad, ct, n_ct, out), -1);
		for (; n > 0; n--)
			assert_int_equal(out[n - 1], 0);
		return;
	}
	assert_int_equal(gcm_open(key, nonce, aad, n_aad, ct, n_ct, out), 0);
	assert_memory_equal(out, msg, n);
	assert_int_equal(gcm_seal(key, nonce, aad, n_aad, msg, n, out), 0);
	assert_memory_equal(out, ct, n_ct);
}

static void
gcm_agrees_with_published_vectors(void **unused)
{
	(void)unused;
	each("gcm", check_gcm);
}

static void
check_hkdf(char **f)
{
	uint8_t ikm[FIELD], info[FIELD], out[32];
	size_t n = unhex(f[0], ikm);

	info[unhex(f[1], info)] = '\0';
	assert_int_equal(hkdf32(ikm, n, (const char *)info, out), 0);
	assert_hex(out, f[2]);
}

static void
hkdf_agrees_with_published_vectors(void **unused)
{
	(void)unused;
	each("hkdf", check_hkdf);
}

/* One value of the protocol in the field, made by another implementation. */
static void
a_value_of_the_field_decrypts(void **unused)
{
	uint8_t kms[FIELD], K[FIELD], nonce[FIELD], ct[FIELD];
	uint8_t x[32], key[32], plain[32];
	size_t n;

	(void)unused;
	unhex("78578f8ec98d81fdcc5f401088ddc8bf"
	      "b3df92d2e674345d3c0f1023693d7fe9",
	    kms);
	unhex("02989c0b76cb563971fdc9bef31ec06c"
	      "3560f3249d6ee9e5d83c57625596e05f6f",
	    K);
	unhex("000102030405060708090a0b", nonce);
	n = unhex("d424f0e76f73f7a5594a6f1dd9c7cb65"
		  "d9bc7ca528019cecce528047d947e812"
		  "05a20b46b0a2e3fb75f26a5f13882707",
	    ct);
	assert_int_equal(secp_mul_x(kms, K, x), 0);
	assert_int_equal(ecies_key(x, key), 0);
	assert_hex(key,
	    "ef3ddb4cc052f7111426c4ecc9cc03f8"
	    "447fe347ac0fd86ffa83f8c36412790b");
	assert_int_equal(gcm_open(key, nonce, NULL, 0, ct, n, plain), 0);
	assert_hex(plain,
	    "00000000000000000000000000000000"
	    "000000000000000000000000000004d2");
}

struct sealed {
	uint8_t	kms[32], xy[64], handle[32], plain[32];
	uint8_t	K[33], nonce[12], ct[48];
};

static void
seal(struct sealed *s)
{
	secp_key_new(s->kms);
	secp_public_xy(s->kms, s->xy);
	secp_key_new(s->handle);
	secp_key_new(s->plain);
	assert_int_equal(ecies_seal(s->xy, s->handle, 32, s->plain, 32, s->K,
			     s->nonce, s->ct),
	    0);
}

static int
open_sealed(const struct sealed *s, uint8_t plain[32])
{
	uint8_t x[32], key[32];

	if (secp_mul_x(s->kms, s->K, x) != 0 || ecies_key(x, key) != 0)
		return -1;
	return gcm_open(key, s->nonce, s->handle, 32, s->ct, 48, plain);
}

static void
a_value_opens_under_its_own_handle_alone(void **unused)
{
	struct sealed s;
	uint8_t plain[32];

	(void)unused;
	seal(&s);
	assert_int_equal(open_sealed(&s, plain), 0);
	assert_memory_equal(plain, s.plain, 32);
	s.handle[31] ^= 1;
	assert_int_equal(open_sealed(&s, plain), -1);
}

static void
a_value_with_any_changed_byte_does_not_open(void **unused)
{
	struct sealed s;
	uint8_t plain[32], *all[] = { s.K, s.nonce, s.ct };
	const size_t len[] = { sizeof(s.K), sizeof(s.nonce), sizeof(s.ct) };
	size_t i, j;

	(void)unused;
	seal(&s);
	for (i = 0; i < 3; i++)
		for (j = 0; j < len[i]; j++) {
			/* 02 to 03 is -K, whose x-coordinate is the same. */
			all[i][j] ^= i == 0 && j == 0 ? 4 : 1;
			assert_int_equal(open_sealed(&s, plain), -1);
			all[i][j] ^= i == 0 && j == 0 ? 4 : 1;
		}
}

static void
two_encryptions_of_a_value_differ(void **unused)
{
	struct sealed s, t;

	(void)unused;
	seal(&s);
	t = s;
	assert_int_equal(
	    ecies_seal(t.xy, t.handle, 32, t.plain, 32, t.K, t.nonce, t.ct), 0);
	assert_memory_not_equal(s.K, t.K, 33);
	assert_memory_not_equal(s.ct, t.ct, 48);
}

/* ---- threshold delegation ---------------------------------------------- */

#define NODES	5

struct kms {
	uint8_t	key[32], share[NODES][32], pub[NODES][33];
	uint8_t	K[33], want[64];
};

static void
kms_new(struct kms *k, unsigned t)
{
	uint8_t e[32];
	size_t i;

	secp_key_new(k->key);
	assert_int_equal(shamir_split(k->key, t, NODES, k->share), 0);
	for (i = 0; i < NODES; i++)
		secp_public(k->share[i], k->pub[i]);
	secp_key_new(e);
	secp_public(e, k->K);
	assert_int_equal(secp_mul_xy(k->key, k->K, k->want), 0);
}

static void
partial_of(const struct kms *k, const uint32_t *quorum, size_t t, uint32_t i,
    uint8_t partial[PARTIAL_PLAIN], uint8_t lambda[32])
{
	uint8_t x[32];

	assert_int_equal(shamir_lambda(quorum, t, i, lambda), 0);
	memcpy(x, lambda, 32);
	assert_int_equal(secp_scalar_mul(x, k->share[i - 1]), 0);
	assert_int_equal(partial_make(x, k->K, partial), 0);
}

static int
quorum_opens(const struct kms *k, const uint32_t *quorum, size_t t)
{
	uint8_t partial[PARTIAL_PLAIN], points[NODES][64], sum[64], l[32];
	size_t i;

	for (i = 0; i < t; i++) {
		partial_of(k, quorum, t, quorum[i], partial, l);
		memcpy(points[i], partial, 64);
	}
	assert_int_equal(secp_sum((const uint8_t(*)[64])points, t, sum), 0);
	return memcmp(sum, k->want, 64) == 0;
}

/* Every subset of five nodes, for every threshold: those with t open, those
 * with fewer do not. */
static void
any_t_nodes_open_and_fewer_do_not(void **unused)
{
	struct kms k;
	uint32_t quorum[NODES], set, i;
	unsigned t;
	size_t n;

	(void)unused;
	for (t = 1; t <= NODES; t++) {
		kms_new(&k, t);
		for (set = 1; set < 1u << NODES; set++) {
			for (n = 0, i = 0; i < NODES; i++)
				if (set & 1u << i)
					quorum[n++] = i + 1;
			assert_int_equal(quorum_opens(&k, quorum, n), n >= t);
		}
	}
}

static void
a_quorum_that_is_none_has_no_lambda(void **unused)
{
	const uint32_t twice[3] = { 2, 2, 1 }, zero[2] = { 0, 1 };
	uint8_t l[32];

	(void)unused;
	assert_int_equal(shamir_lambda(twice, 2, 2, l), -1);
	assert_int_equal(shamir_lambda(twice, 2, 1, l), -1);
	assert_int_equal(shamir_lambda(twice, 3, 1, l), -1);
	assert_int_equal(shamir_lambda(zero, 2, 1, l), -1);
}

static void
a_partial_is_proven_and_any_change_is_not(void **unused)
{
	static const uint32_t quorum[2] = { 2, 5 };
	uint8_t partial[PARTIAL_PLAIN], l[32];
	struct kms k;
	size_t i;

	(void)unused;
	kms_new(&k, 2);
	partial_of(&k, quorum, 2, 2, partial, l);
	assert_int_equal(partial_check(k.pub[1], l, k.K, partial), 0);
	assert_int_equal(partial_check(k.pub[0], l, k.K, partial), -1);
	for (i = 0; i < sizeof(partial); i += 7) {
		partial[i] ^= 1;
		assert_int_equal(partial_check(k.pub[1], l, k.K, partial), -1);
		partial[i] ^= 1;
	}
	assert_int_equal(partial_check(k.pub[1], l, k.pub[0], partial), -1);
}

static void
a_seal_opens_where_it_belongs_alone(void **unused)
{
	uint8_t e[32], n[32], key[2][32], handle[32] = { 7 };
	uint8_t partial[PARTIAL_PLAIN] = { 1, 2, 3 }, out[PARTIAL_PLAIN];
	uint8_t sealed[PARTIAL_SEALED];
	struct seal_bind b = { .attempt = 1, .node = 2 }, other;

	(void)unused;
	secp_key_new(e);
	secp_key_new(n);
	secp_public(e, b.ephemeral_key);
	secp_public(n, b.node_key);
	assert_int_equal(seal_key(n, b.ephemeral_key, key[0]), 0);
	assert_int_equal(seal_key(e, b.node_key, key[1]), 0);
	assert_memory_equal(key[0], key[1], 32);
	assert_int_equal(
	    seal_partial(key[0], &b, 3, handle, partial, sealed), 0);
	assert_int_equal(open_partial(key[1], &b, 3, handle, sealed, out), 0);
	assert_memory_equal(out, partial, sizeof(out));

	assert_int_equal(open_partial(key[1], &b, 2, handle, sealed, out), -1);
	other = b;
	other.attempt = 2;
	assert_int_equal(
	    open_partial(key[1], &other, 3, handle, sealed, out), -1);
	other = b;
	other.node = 1;
	assert_int_equal(
	    open_partial(key[1], &other, 3, handle, sealed, out), -1);
	other = b;
	other.task_id[0] = 1;
	assert_int_equal(
	    open_partial(key[1], &other, 3, handle, sealed, out), -1);
	handle[0] = 8;
	assert_int_equal(open_partial(key[1], &b, 3, handle, sealed, out), -1);
}

/* ---- typed data -------------------------------------------------------- */

/* A signature of one must not stand for another: all must differ, also in their
 * first names. */
static void
no_signed_type_is_the_beginning_of_another(void **unused)
{
	const char *a, *b;
	size_t i, j, n;

	(void)unused;
	for (i = 0; i < TD_TYPES; i++)
		for (j = 0; j < TD_TYPES; j++) {
			a = td_encode_type((enum td_type)i);
			b = td_encode_type((enum td_type)j);
			n = strcspn(a, "(") + 1;
			if (i != j)
				assert_int_not_equal(strncmp(a, b, n), 0);
		}
}

/* The document's table, whose hashes ethers checks (tests/interop). */
static void
type_hashes_are_those_of_the_document(void **unused)
{
	FILE *in = source("proto/TYPED-DATA.md");
	char line[1024], name[32], hex[65];
	const char *type;
	uint8_t hash[32];
	unsigned i, n = 0;

	(void)unused;
	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "| %31[A-Za-z] | 0x%64[0-9a-f] |", name,
			hex) != 2)
			continue;
		for (i = 0; i < TD_TYPES; i++) {
			type = td_encode_type((enum td_type)i);
			if (strcspn(type, "(") != strlen(name) ||
			    strncmp(type, name, strlen(name)) != 0)
				continue;
			keccak256(type, strlen(type), hash);
			assert_hex(hash, hex);
			n++;
		}
	}
	fclose(in);
	assert_int_equal(n, TD_TYPES);
}

/* ---- what is attested -------------------------------------------------- */

static void
sha256_is_that_of_openssl(void **unused)
{
	uint8_t data[300], got[32], want[32];
	size_t n;

	(void)unused;
	sha256("abc", 3, got);
	assert_hex(got,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	for (n = 0; n < sizeof(data); n++) {
		data[n] = (uint8_t)(n * 7 + 1);
		sha256(data, n, got);
		assert_int_equal(
		    EVP_Digest(data, n, want, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(got, want, 32);
	}
}

static void
report_data_are_those_of_the_document(void **unused)
{
	static const char *const names[] = { "configuration hash", "public key",
		"block hash", "report data" };
	FILE *in = source("proto/REPORT-DATA.md");
	uint8_t value[4][64], got[64];
	char line[1024], *hex;
	size_t i, n = 0;

	(void)unused;
	while (fgets(line, sizeof(line), in) != NULL)
		for (i = 0; i < 4; i++) {
			hex = line + 4 + strlen(names[i]);
			if (strncmp(line, "    ", 4) != 0 ||
			    strncmp(line + 4, names[i], strlen(names[i])) ||
			    (hex = strstr(hex, " 0x")) == NULL)
				continue;
			hex[strcspn(hex, "\n")] = '\0';
			assert_int_equal(strlen(hex + 3),
			    i == 1     ? 66 :
				i == 3 ? 128 :
					 64);
			unhex(hex + 3, value[i]);
			n++;
		}
	fclose(in);
	assert_int_equal(n, 4);
	assert_int_equal(report_data(value[1], value[0], value[2], got), 0);
	assert_memory_equal(got, value[3], 64);
}

/* ---- after the filter -------------------------------------------------- */

/* All that keys and compute call once they run; 0 when it works. */
static int
all_of_it(void)
{
	static const uint32_t quorum[2] = { 1, 2 };
	uint8_t key[32], pub[33], xy[64], digest[32] = { 1 }, sig[65], who[20];
	uint8_t share[2][32], x[32], l[32], partial[2][PARTIAL_PLAIN];
	uint8_t points[2][64], sum[64], sealed[PARTIAL_SEALED];
	uint8_t plain[32] = { 7 }, K[33], nonce[GCM_NONCE], ct[48], back[32];
	struct seal_bind b = { .node = 1 };
	int i, bad = 0;

	secp_key_new(key);
	bad |= secp_public(key, pub) | secp_decompress(pub, xy);
	bad |= secp_sign(key, digest, sig) | secp_recover(digest, sig, who);
	bad |= ecies_seal(xy, digest, 32, plain, 32, K, nonce, ct);
	bad |= shamir_split(key, 2, 2, share);
	for (i = 0; i < 2; i++) {
		bad |= shamir_lambda(quorum, 2, quorum[i], l);
		memcpy(x, l, 32);
		bad |= secp_scalar_mul(x, share[i]);
		bad |= partial_make(x, K, partial[i]);
		bad |= secp_public(share[i], pub);
		bad |= partial_check(pub, l, K, partial[i]);
		bad |= seal_key(x, pub, key);
		bad |= seal_partial(key, &b, 0, digest, partial[i], sealed);
		bad |= open_partial(key, &b, 0, digest, sealed, partial[i]);
		memcpy(points[i], partial[i], 64);
	}
	bad |= secp_sum((const uint8_t(*)[64])points, 2, sum);
	bad |= ecies_key(sum, key);
	bad |= gcm_open(key, nonce, digest, 32, ct, 48, back);
	bad |= memcmp(back, plain, 32);
	ct[0] ^= 1;
	bad |= gcm_open(key, nonce, digest, 32, ct, 48, back) == 0;
	return bad;
}

/* compute has these two and its channels: nothing may be loaded late. */
static void
after_init_it_draws_random_numbers_and_grows_its_heap(void **unused)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_brk, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };
	int status, i;
	pid_t pid;

	(void)unused;
#ifdef TEE_SANITIZERS
	skip();			/* they need more of the kernel */
#endif
	if ((pid = fork()) == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
			_exit(2);
		for (i = 0; i < 20; i++)
			if (all_of_it() != 0)
				_exit(1);
		_exit(42);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_not_equal(WTERMSIG(status), SIGSYS);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* First of all: of this process nothing is warm yet but what init warms. */
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    after_init_it_draws_random_numbers_and_grows_its_heap),
		cmocka_unit_test(keccak_has_its_known_answers),
		cmocka_unit_test(many_at_once_hash_as_one_by_one),
		cmocka_unit_test(keccak_of_pieces_is_keccak_of_the_whole),
		cmocka_unit_test(the_key_one_has_the_generator_and_its_address),
		cmocka_unit_test(multiplication_agrees_with_published_vectors),
		cmocka_unit_test(verification_agrees_with_published_vectors),
		cmocka_unit_test(
		    signatures_are_those_of_another_implementation),
		cmocka_unit_test(a_signature_names_who_signed_what),
		cmocka_unit_test(a_high_s_is_refused),
		cmocka_unit_test(a_v_other_than_27_and_28_is_refused),
		cmocka_unit_test(what_is_no_point_is_refused),
		cmocka_unit_test(scalars_are_reduced_by_the_group_order),
		cmocka_unit_test(a_sum_of_opposite_points_is_refused),
		cmocka_unit_test(gcm_agrees_with_published_vectors),
		cmocka_unit_test(hkdf_agrees_with_published_vectors),
		cmocka_unit_test(a_value_of_the_field_decrypts),
		cmocka_unit_test(a_value_opens_under_its_own_handle_alone),
		cmocka_unit_test(a_value_with_any_changed_byte_does_not_open),
		cmocka_unit_test(two_encryptions_of_a_value_differ),
		cmocka_unit_test(any_t_nodes_open_and_fewer_do_not),
		cmocka_unit_test(a_quorum_that_is_none_has_no_lambda),
		cmocka_unit_test(a_partial_is_proven_and_any_change_is_not),
		cmocka_unit_test(a_seal_opens_where_it_belongs_alone),
		cmocka_unit_test(no_signed_type_is_the_beginning_of_another),
		cmocka_unit_test(type_hashes_are_those_of_the_document),
		cmocka_unit_test(sha256_is_that_of_openssl),
		cmocka_unit_test(report_data_are_those_of_the_document),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
