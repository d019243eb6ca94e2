/* SPDX-License-Identifier: Apache-2.0
 *
 * src/registry/abi.c: takes what Solidity makes of facts(), and nothing else.
 * src/crypto/abi_encode.c: makes the same, within its buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi.h"
#include "abi_encode.h"
#include "keccak.h"
#include "tests/unit/dies.h"

#define WORDS		(9 + 3 + 4 + 4 + 3 + 2)
#define SIZE		(32 * WORDS)
#define KEY		(32 * 9)	/* start of the tails */
#define SHARES		(KEY + 32 * 3)
#define FORMER		(SHARES + 32 * 4)
#define ORCHESTRATORS	(FORMER + 32 * 4)
#define GATEWAYS	(ORCHESTRATORS + 32 * 3)

static void
put(uint8_t *data, size_t at, uint64_t v)
{
	memset(data + at, 0, 32);
	for (int i = 0; i < 8; i++)
		data[at + 24 + (size_t)i] = (uint8_t)(v >> (56 - 8 * i));
}

/* 2 of 2 nodes (three words of shares), 2 Orchestrators, 1 Gateway. */
static void
good(uint8_t data[SIZE])
{
	static const size_t tails[5] = { KEY, SHARES, FORMER, ORCHESTRATORS,
		GATEWAYS };

	memset(data, 0, SIZE);
	put(data, 0, 7);
	put(data, 32, 1900000000);
	put(data, 64, 3);
	put(data, 96, 2);
	for (size_t i = 0; i < 5; i++)
		put(data, 128 + 32 * i, tails[i]);
	put(data, KEY, 33);
	memset(data + KEY + 32, 0x11, 33);
	data[KEY + 32] = 2;
	put(data, SHARES, 66);
	memset(data + SHARES + 32, 0x22, 66);
	data[SHARES + 32] = 3;
	data[SHARES + 32 + 33] = 2;
	put(data, FORMER, 66);
	memset(data + FORMER + 32, 0x66, 66);
	data[FORMER + 32] = 2;
	data[FORMER + 32 + 33] = 3;
	put(data, ORCHESTRATORS, 2);
	memset(data + ORCHESTRATORS + 32 + 12, 0x33, 20);
	memset(data + ORCHESTRATORS + 64 + 12, 0x44, 20);
	put(data, GATEWAYS, 1);
	memset(data + GATEWAYS + 32 + 12, 0x55, 20);
}

/* From memory of exactly this size, so that a sanitizer sees a read past it. */
static const char *
read_copy(const uint8_t *data, size_t n, struct m_facts *f)
{
	uint8_t *copy = malloc(n);
	const char *why;

	assert_true(copy != NULL || n == 0);
	if (n > 0)
		memcpy(copy, data, n);
	why = abi_facts_read(copy, n, f);
	free(copy);
	return why;
}

static void
refuses(const uint8_t *data, size_t n)
{
	struct m_facts f, before;

	memset(&f, 0xa5, sizeof(f));
	before = f;
	assert_non_null(read_copy(data, n, &f));
	assert_memory_equal(&f, &before, sizeof(f));
}

static void
selector_is_the_hash_of_the_signature(void **state)
{
	static const char signature[] = "facts(address)";
	uint8_t hash[32], call[ABI_CALL], runner[20];

	(void)state;
	memset(runner, 0x77, sizeof(runner));
	keccak256(signature, strlen(signature), hash);
	abi_facts_call(runner, call);
	assert_memory_equal(call, hash, 4);
	for (size_t i = 4; i < 16; i++)
		assert_int_equal(call[i], 0);
	assert_memory_equal(call + 16, runner, 20);
}

static void
good_facts_are_read(void **state)
{
	uint8_t data[SIZE];
	struct m_facts f;

	(void)state;
	good(data);
	memset(&f, 0, sizeof(f));
	f.block_number = 99;
	assert_null(read_copy(data, SIZE, &f));
	assert_int_equal(f.block_number, 99);
	assert_int_equal(f.sequence, 7);
	assert_int_equal(f.valid_until, 1900000000);
	assert_int_equal(f.kms_epoch, 3);
	assert_int_equal(f.kms_threshold, 2);
	assert_int_equal(f.kms_nodes, 2);
	assert_memory_equal(f.kms_key, data + KEY + 32, 33);
	assert_memory_equal(f.kms_shares, data + SHARES + 32, 66);
	assert_int_equal(f.kms_former, 1);
	assert_memory_equal(f.kms_former_shares, data + FORMER + 32, 66);
	assert_int_equal(f.n_orchestrators, 2);
	assert_int_equal(f.orchestrators[1][19], 0x44);
	assert_int_equal(f.n_gateways, 1);
	assert_int_equal(f.gateways[0][0], 0x55);
}

/* Nothing of the epoch before, or as many shares as there are nodes. */
static void
former_shares_may_be_missing(void **state)
{
	uint8_t data[SIZE];
	struct m_facts f;

	(void)state;
	good(data);
	put(data, FORMER, 33);
	memset(data + FORMER + 32 + 33, 0, 33);
	memmove(data + ORCHESTRATORS - 32, data + ORCHESTRATORS,
	    SIZE - ORCHESTRATORS);
	put(data, 224, ORCHESTRATORS - 32);
	put(data, 256, GATEWAYS - 32);
	refuses(data, SIZE - 32);		/* one of two */
	memmove(data + FORMER + 32, data + ORCHESTRATORS - 32,
	    SIZE - ORCHESTRATORS);
	put(data, FORMER, 0);
	put(data, 224, FORMER + 32);
	put(data, 256, GATEWAYS - 96);
	assert_null(read_copy(data, SIZE - 96, &f));
	assert_int_equal(f.kms_former, 0);
	assert_int_equal(f.kms_nodes, 2);
	assert_int_equal(f.n_gateways, 1);
}

static void
every_truncation_and_addition_is_refused(void **state)
{
	uint8_t data[SIZE + 32] = { 0 };

	(void)state;
	good(data);
	for (size_t n = 0; n < SIZE; n++)
		refuses(data, n);
	for (size_t n = SIZE + 1; n <= SIZE + 32; n++)
		refuses(data, n);
}

static void
every_other_offset_is_refused(void **state)
{
	static const uint64_t far[] = { UINT32_MAX, UINT64_MAX, UINT64_MAX - 31,
		(uint64_t)1 << 63 };
	uint8_t data[SIZE];

	(void)state;
	for (size_t at = 128; at < 288; at += 32) {
		good(data);
		const uint64_t right = (uint64_t)data[at + 30] << 8 |
		    data[at + 31];

		for (uint64_t v = 0; v <= SIZE + 64; v++) {
			put(data, at, v);
			if (v != right)
				refuses(data, SIZE);
		}
		for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
			put(data, at, far[i]);
			refuses(data, SIZE);
		}
		put(data, at, right);
		data[at] = 1;		/* above 64 bits */
		refuses(data, SIZE);
	}
}

static void
every_other_length_is_refused(void **state)
{
	static const size_t lengths[] = { KEY, SHARES, FORMER, ORCHESTRATORS,
		GATEWAYS };
	uint8_t data[SIZE];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		good(data);
		const uint8_t right = data[lengths[i] + 31];

		for (uint64_t v = 0; v <= 3000; v++) {
			put(data, lengths[i], v);
			if (v != right)
				refuses(data, SIZE);
		}
		put(data, lengths[i], UINT64_MAX);
		refuses(data, SIZE);
	}
}

static void
bad_fields_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 32 * 3 + 31, 0 },		/* threshold 0 */
		{ 32 * 3 + 31, 3 },		/* above n */
		{ 32 * 3 + 30, 1 },		/* above 255 */
		{ 0, 1 },
		{ 23, 1 },	 /* sequence above 64 bits */
		{ KEY + 32, 4 },		/* no compressed point */
		{ SHARES + 32 + 33, 0 },
		{ FORMER + 32, 5 },
		{ KEY + 32 + 33, 1 },		/* padding */
		{ SHARES + 32 + 95, 1 },
		{ FORMER + 32 + 95, 1 },
		{ ORCHESTRATORS + 32, 1 },	/* address above 160 bits */
		{ GATEWAYS + 32 + 11, 1 },
	};
	uint8_t data[SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		good(data);
		data[bad[i].at] = bad[i].value;
		refuses(data, SIZE);
	}
}

static void
no_list_is_longer_than_its_array(void **state)
{
	static uint8_t data[32 * (9 + 3 + 4 + 4 + 1 + LIST_MAX + 1 + 1)];
	size_t at = ORCHESTRATORS;
	struct m_facts f;

	(void)state;
	for (uint64_t n = LIST_MAX; n <= LIST_MAX + 1; n++) {
		memset(data, 0, sizeof(data));
		good(data);
		memset(data + at, 0, sizeof(data) - at);
		put(data, at, n);
		put(data, 32 * 8, at + 32 * (1 + n));
		memset(&f, 0, sizeof(f));
		if (n == LIST_MAX)
			assert_null(read_copy(data, at + 32 * (2 + n), &f));
		else
			refuses(data, at + 32 * (2 + n));
	}
	assert_int_equal(f.n_orchestrators, 0);
}

static void
what_is_taken_after_mutation_is_within_bounds(void **state)
{
	uint8_t data[SIZE];
	struct m_facts f;

	(void)state;
	srandom(1);
	for (int i = 0; i < 50000; i++) {
		good(data);
		for (long k = random() % 4; k >= 0; k--)
			data[random() % SIZE] = (uint8_t)random();
		memset(&f, 0, sizeof(f));
		if (read_copy(data,
			SIZE -
			    (size_t)(random() % 8 == 0 ? random() % SIZE : 0),
			&f) != NULL)
			continue;
		assert_in_range(f.kms_nodes, 1, KMS_NODES);
		assert_in_range(f.kms_threshold, 1, f.kms_nodes);
		assert_in_range(f.n_orchestrators, 0, LIST_MAX);
		assert_in_range(f.n_gateways, 0, LIST_MAX);
	}
}

/* Encode the facts of good() into a buffer of this size. */
static size_t
encode(uint8_t *data, size_t max)
{
	uint8_t wanted[SIZE];
	struct abi abi = { data, 0, max };
	struct abi_tuple t, list;

	good(wanted);
	abi_begin(&t, &abi, 9);
	abi_number(&t, 7);
	abi_number(&t, 1900000000);
	abi_number(&t, 3);
	abi_number(&t, 2);
	abi_bytes(&t, wanted + KEY + 32, 33);
	abi_bytes(&t, wanted + SHARES + 32, 66);
	abi_bytes(&t, wanted + FORMER + 32, 66);
	abi_array(&t, &list, 2);
	abi_address(&list, wanted + ORCHESTRATORS + 32 + 12);
	abi_address(&list, wanted + ORCHESTRATORS + 64 + 12);
	abi_array(&t, &list, 1);
	abi_address(&list, wanted + GATEWAYS + 32 + 12);
	return abi.n;
}

static void
encoder_makes_the_facts_that_are_read(void **state)
{
	uint8_t data[SIZE], wanted[SIZE];

	(void)state;
	memset(data, 0xff, SIZE);
	good(wanted);
	assert_int_equal(encode(data, SIZE), SIZE);
	assert_memory_equal(data, wanted, SIZE);
}

static void
encode_with_max(const void *max)
{
	const size_t n = *(const size_t *)max;

	encode(malloc(n), n);
}

static void
add_too_many_members(const void *arg)
{
	uint8_t data[SIZE];
	struct abi abi = { data, 0, SIZE };
	struct abi_tuple t;

	(void)arg;
	abi_begin(&t, &abi, 1);
	abi_number(&t, 1);
	abi_number(&t, 2);
}

static void
encoder_stays_within_its_buffer(void **state)
{
	(void)state;
	for (size_t n = 0; n < SIZE; n += 31)
		dies(encode_with_max, &n, "abi: the buffer is full");
	dies(add_too_many_members, NULL, "abi: too many members");
}

/* ---- the getters of NoxCompute ----------------------------------------- */

/* kmsPublicKey(): an offset, a length, up to three words. */
#define NOX_KEY		(32 * 5)

/* As Solidity encodes a key of n bytes that begins with `first': its size. */
static size_t
nox_key(uint8_t key[NOX_KEY], size_t n, uint8_t first)
{
	memset(key, 0, NOX_KEY);
	put(key, 0, 32);
	put(key, 32, n);
	memset(key + 64, 0x11, n);
	key[64] = first;
	return 64 + (n + 31) / 32 * 32;
}

static void
nox_gateway(uint8_t gateway[32])
{
	memset(gateway, 0, 12);
	memset(gateway + 12, 0x77, 20);
}

static const char *
nox_read(const uint8_t *key, size_t n_key, const uint8_t *gateway,
    size_t n_gateway, struct m_facts *f)
{
	uint8_t *k = malloc(n_key + 1), *g = malloc(n_gateway + 1);
	const char *why;

	assert_true(k != NULL && g != NULL);
	/* At the end of each, so that a sanitizer sees a read past it. */
	memcpy(k + 1, key, n_key);
	memcpy(g + 1, gateway, n_gateway);
	why = abi_nox_read(k + 1, n_key, g + 1, n_gateway, f);
	free(k);
	free(g);
	return why;
}

static void
nox_refuses(const uint8_t *key, size_t n_key, const uint8_t *gateway,
    size_t n_gateway, const char *reason)
{
	struct m_facts f, before;
	const char *why;

	memset(&f, 0xa5, sizeof(f));
	before = f;
	why = nox_read(key, n_key, gateway, n_gateway, &f);
	assert_non_null(why);
	assert_string_equal(why, reason);
	assert_memory_equal(&f, &before, sizeof(f));
}

static void
nox_selectors_are_hashes_of_the_signatures(void **state)
{
	static const struct {
		const char	*signature;
		uint8_t		 selector[ABI_NOX_CALL];
	} calls[] = { { "kmsPublicKey()", ABI_NOX_KEY },
		{ "gateway()", ABI_NOX_GATEWAY } };
	uint8_t hash[32];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		keccak256(calls[i].signature, strlen(calls[i].signature), hash);
		assert_memory_equal(calls[i].selector, hash, ABI_NOX_CALL);
	}
}

static void
nox_keys_are_read_in_both_forms(void **state)
{
	uint8_t key[NOX_KEY], gateway[32];
	struct m_facts f;
	size_t n;

	(void)state;
	nox_gateway(gateway);
	for (uint8_t sign = 2; sign <= 3; sign++) {
		memset(&f, 0, sizeof(f));
		f.block_number = 99;
		n = nox_key(key, 33, sign);
		assert_null(nox_read(key, n, gateway, 32, &f));
		assert_memory_equal(f.kms_key, key + 64, 33);
		assert_int_equal(f.n_gateways, 1);
		assert_memory_equal(f.gateways[0], gateway + 12, 20);
		assert_int_equal(f.kms_nodes, 1);
		assert_int_equal(f.kms_threshold, 1);
		assert_int_equal(f.block_number, 99);
		/* Whole: the sign is that of its last bit. */
		n = nox_key(key, 65, 4);
		key[64 + 64] = sign;
		assert_null(nox_read(key, n, gateway, 32, &f));
		assert_int_equal(f.kms_key[0], sign);
		assert_memory_equal(f.kms_key + 1, key + 65, 32);
	}
}

static void
nox_keys_that_are_no_points_are_refused(void **state)
{
	static const struct {
		size_t	n;
		uint8_t first;
	} bad[] = { { 0, 0 }, { 1, 2 }, { 32, 2 }, { 33, 4 }, { 33, 0 },
		{ 34, 2 }, { 64, 4 }, { 65, 2 }, { 65, 0 }, { 65, 6 } };
	uint8_t key[NOX_KEY], gateway[32];
	size_t n;

	(void)state;
	nox_gateway(gateway);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = nox_key(key, bad[i].n, bad[i].first);
		nox_refuses(key, n, gateway, 32, "kmsPublicKey is not a point");
	}
}

static void
nox_keys_in_another_encoding_are_refused(void **state)
{
	static const char why[] = "bad encoding of kmsPublicKey";
	static const uint64_t far[] = { 0, 31, 33, 64, UINT32_MAX, UINT64_MAX };
	uint8_t key[NOX_KEY + 32] = { 0 }, gateway[32];
	size_t n, i;

	(void)state;
	nox_gateway(gateway);
	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		n = nox_key(key, 33, 2);
		put(key, 0, far[i]);
		nox_refuses(key, n, gateway, 32, why);
	}
	for (i = 0; i < 24; i++) {	/* above 64 bits */
		n = nox_key(key, 33, 2);
		key[i] = 1;
		nox_refuses(key, n, gateway, 32, why);
		n = nox_key(key, 33, 2);
		key[32 + i] = 1;
		nox_refuses(key, n, gateway, 32, why);
	}
	n = nox_key(key, 65, 4);
	for (i = 1; i < n; i++)
		nox_refuses(key, i, gateway, 32, why);
	for (i = n + 1; i <= n + 32; i++)
		nox_refuses(key, i, gateway, 32, why);
	key[64 + 65] = 1;			/* padding */
	nox_refuses(key, n, gateway, 32, why);
	nox_key(key, 65, 4);
	put(key, 32, 66);
	nox_refuses(key, n, gateway, 32, why);
	put(key, 32, UINT64_MAX);
	nox_refuses(key, n, gateway, 32, why);
}

static void
nox_gateways_that_are_no_address_are_refused(void **state)
{
	uint8_t key[NOX_KEY], gateway[64] = { 0 };
	size_t n, i;

	(void)state;
	n = nox_key(key, 33, 2);
	nox_refuses(key, n, gateway, 32, "it names no Gateway yet");
	for (i = 0; i < 12; i++) {
		nox_gateway(gateway);
		gateway[i] = 1;
		nox_refuses(key, n, gateway, 32, "bad encoding of gateway");
	}
	nox_gateway(gateway);
	for (i = 1; i <= 64; i++)
		if (i != 32)
			nox_refuses(
			    key, n, gateway, i, "bad encoding of gateway");
	nox_refuses(key, n, gateway, 0, "no contract at its address");
	nox_refuses(key, 0, gateway, 32, "no contract at its address");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selector_is_the_hash_of_the_signature),
		cmocka_unit_test(good_facts_are_read),
		cmocka_unit_test(former_shares_may_be_missing),
		cmocka_unit_test(every_truncation_and_addition_is_refused),
		cmocka_unit_test(every_other_offset_is_refused),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(bad_fields_are_refused),
		cmocka_unit_test(no_list_is_longer_than_its_array),
		cmocka_unit_test(what_is_taken_after_mutation_is_within_bounds),
		cmocka_unit_test(encoder_makes_the_facts_that_are_read),
		cmocka_unit_test(encoder_stays_within_its_buffer),
		cmocka_unit_test(nox_selectors_are_hashes_of_the_signatures),
		cmocka_unit_test(nox_keys_are_read_in_both_forms),
		cmocka_unit_test(nox_keys_that_are_no_points_are_refused),
		cmocka_unit_test(nox_keys_in_another_encoding_are_refused),
		cmocka_unit_test(nox_gateways_that_are_no_address_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
