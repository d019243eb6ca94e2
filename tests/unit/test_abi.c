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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
