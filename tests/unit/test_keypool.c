/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool of data keys, with a look at its memory: each key is right, is given
 * once and then forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "secp.h"
#include "../../src/compute/keypool.c"

#define TAKEN	(KEYPOOL_SIZE + 8)

static uint8_t kms[2][32], pub[2][33];
static uint8_t seen[3 * TAKEN][33];
static size_t n_seen;

static int
start(void **state)
{
	(void)state;
	memset(kms_key, 0, sizeof(kms_key));
	assert_int_equal(keypool_use(pub[0]), 0);
	n_seen = 0;
	return 0;
}

/* A key that the KMS derives from K too, and that was not given before. */
static void
take(const uint8_t kms_private[32])
{
	uint8_t K[33], key[32], s[32], want[32];
	size_t i;

	assert_int_equal(keypool_take(K, key), 0);
	assert_int_equal(secp_mul_x(kms_private, K, s), 0);
	assert_int_equal(ecies_key(s, want), 0);
	assert_memory_equal(key, want, sizeof(want));
	for (i = 0; i < n_seen; i++)
		assert_memory_not_equal(seen[i], K, sizeof(K));
	memcpy(seen[n_seen++], K, sizeof(K));
}

static void
take_many(size_t n, const uint8_t kms_private[32])
{
	while (n-- > 0)
		take(kms_private);
}

/* How many keys it made. */
static size_t
fill(void)
{
	size_t n = 0;

	for (; keypool_has_room(); n++)
		keypool_add();
	return n;
}

static void
assert_no_key_is_left(void)
{
	static const struct keypool zero;

	assert_memory_equal(pool, &zero, sizeof(zero));
}

static void
each_key_is_given_once_and_forgotten(void **state)
{
	(void)state;
	take_many(TAKEN, kms[0]);
	assert_int_equal(fill(), KEYPOOL_SIZE);
	take_many(KEYPOOL_SIZE, kms[0]);
	assert_no_key_is_left();
	assert_int_equal(fill(), KEYPOOL_SIZE);
	take_many(TAKEN, kms[0]);
	assert_no_key_is_left();
}

static void
no_more_keys_are_made_than_were_taken(void **state)
{
	(void)state;
	assert_int_equal(fill(), 0);
	take_many(3, kms[0]);
	assert_int_equal(fill(), 3);
	assert_int_equal(fill(), 0);
	take(kms[0]);
	assert_int_equal(fill(), 2);
}

static void
another_kms_key_wipes_the_pool(void **state)
{
	(void)state;
	take_many(5, kms[0]);
	assert_int_equal(fill(), 5);
	assert_int_equal(keypool_use(pub[0]), 0);
	assert_int_equal(pool->n, 5);
	assert_int_equal(keypool_use(pub[1]), 0);
	assert_no_key_is_left();
	assert_int_equal(fill(), 0);
	take_many(5, kms[1]);
	assert_int_equal(fill(), 5);
	take_many(6, kms[1]);
	pub[1][0] = 5;
	assert_int_equal(keypool_use(pub[1]), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    each_key_is_given_once_and_forgotten, start),
		cmocka_unit_test_setup(
		    no_more_keys_are_made_than_were_taken, start),
		cmocka_unit_test_setup(another_kms_key_wipes_the_pool, start),
	};
	size_t i;

	secp_init(NULL);
	keypool_init();
	for (i = 0; i < 2; i++) {
		secp_key_new(kms[i]);
		if (secp_public(kms[i], pub[i]) != 0)
			return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
