/* SPDX-License-Identifier: Apache-2.0
 *
 * The counterparts' EIP-712 of Nox v0 against golden vectors of two other
 * implementations (ethers and viem): each struct, its domain, its signature,
 * and the forms of numbers and signatures that the protocol allows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hex.h"
#include "json.h"
#include "nox_typed.h"
#include "secp.h"
#include "typed_data.h"

static json_t *golden;

static void
is_hex(const uint8_t *got, const json_t *want)
{
	uint8_t b[32];

	assert_int_equal(json_to_bytes(want, b, 32), 0);
	assert_memory_equal(got, b, 32);
}

static void
read_domain(const json_t *v, uint8_t domain[32])
{
	const json_t *d = json_object_get(v, "domain");
	uint8_t salt[32], contract[20];
	const int has_salt = json_to_bytes(
				 json_object_get(d, "salt"), salt, 32) == 0;
	const int has_contract = json_to_bytes(
				     json_object_get(d, "verifyingContract"),
				     contract, 20) == 0;

	typed_domain(json_string_value(json_object_get(d, "name")),
	    (uint64_t)json_integer_value(json_object_get(d, "chainId")),
	    has_salt ? salt : NULL, has_contract ? contract : NULL, domain);
}

static void
each_struct_is_as_golden(void **state)
{
	json_t *all = json_object_get(golden, "eip712"), *v;
	uint8_t domain[32], hash[32], key[32], sig[65], want[65], signer[20],
	    address[20];
	const char *name;
	size_t n = 0;

	(void)state;
	json_object_foreach(all, name, v) {
		const char *type = json_string_value(
		    json_object_get(v, "encodeType"));
		const char *who = json_string_value(
		    json_object_get(v, "signer"));
		const json_t *m = json_object_get(v, "message");
		const json_t *s = json_object_get(v, "signature");

		read_domain(v, domain);
		is_hex(domain, json_object_get(v, "domainSeparator"));
		assert_int_equal(typed_hash(type, m, hash), 0);
		is_hex(hash, json_object_get(v, "structHash"));
		assert_int_equal(json_to_bytes(s, want, 65), 0);
		json_to_bytes(
		    json_object_get(json_object_get(golden, "keys"), who), key,
		    32);
		assert_int_equal(typed_sign(key, domain, type, m, sig), 0);
		assert_memory_equal(sig, want, 65);
		json_to_bytes(
		    json_object_get(json_object_get(golden, "addresses"), who),
		    address, 20);
		assert_int_equal(
		    typed_signer(domain, type, m, json_string_value(s), signer),
		    0);
		assert_memory_equal(signer, address, 20);
		n++;
	}
	assert_true(n >= 12);
}

/* The macros are the types of the vectors. */
static void
types_are_as_golden(void **state)
{
	static const struct {
		const char *name, *type;
	} types[] = {
		{ "OperandAccessAuthorization", TYPED_OPERAND_ACCESS },
		{ "ResultPublishingAuthorization", TYPED_RESULT_PUBLISHING },
		{ "DataAccessAuthorization", TYPED_DATA_ACCESS },
		{ "HandleCryptoMaterial", TYPED_MATERIAL },
		{ "ComputeOperands", TYPED_OPERANDS },
		{ "ResultPublishingReport", TYPED_REPORT },
		{ "HandleWithProof", TYPED_WITH_PROOF },
		{ "HandleStatusReport", TYPED_STATUSES },
		{ "HandleProof", TYPED_PROOF },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_string_equal(types[i].type,
		    json_string_value(json_object_get(
			json_object_get(
			    json_object_get(golden, "eip712"), types[i].name),
			"encodeType")));
}

static void
a_member_that_is_missing_or_wrong_is_refused(void **state)
{
	json_t *o = json_pack("{s:s}", "handle", "0x00");
	uint8_t hash[32];

	(void)state;
	assert_int_equal(typed_hash(TYPED_WITH_PROOF, o, hash), -1);
	json_object_set_new(o, "proof", json_integer(1));
	assert_int_equal(typed_hash(TYPED_WITH_PROOF, o, hash), -1);
	json_object_set_new(o, "proof", json_string("0x"));
	assert_int_equal(typed_hash(TYPED_WITH_PROOF, o, hash), 0);
	json_decref(o);
	o = json_pack("{s:s}", "statuses", "none");
	assert_int_equal(typed_hash(TYPED_STATUSES, o, hash), -1);
	json_object_set_new(o, "statuses", json_pack("[i]", 1));
	assert_int_equal(typed_hash(TYPED_STATUSES, o, hash), -1);
	json_decref(o);
}

static void
signatures_of_each_form_are_read(void **state)
{
	json_t *o = json_pack("{s:s}", "message", "text");
	uint8_t key[32] = { [31] = 7 }, domain[32] = { 1 }, sig[65], pub[33];
	uint8_t want[20], got[20];
	char text[131];
	int i;

	(void)state;
	assert_int_equal(secp_public(key, pub), 0);
	assert_int_equal(secp_address(pub, want), 0);
	assert_int_equal(typed_sign(key, domain, TYPED_REPORT, o, sig), 0);
	for (i = 0; i < 4; i++) {
		uint8_t form[65];

		memcpy(form, sig, 65);
		if (i == 1)
			form[64] = (uint8_t)(sig[64] - 27);
		if (i == 2)
			form[64] = (uint8_t)(sig[64] + 10);
		if (i == 3)
			form[32] |= (uint8_t)((sig[64] - 27) << 7);
		hex_encode(text, form, i == 3 ? 64 : 65);
		memset(got, 0, sizeof(got));
		assert_int_equal(
		    typed_signer(domain, TYPED_REPORT, o, text, got), 0);
		assert_memory_equal(got, want, 20);
	}
	assert_int_equal(
	    typed_signer(domain, TYPED_REPORT, o, "0x12", got), -1);
	assert_int_equal(typed_signer(domain, TYPED_REPORT, o, NULL, got), -1);
	json_decref(o);
}

static void
is_number(json_t *v, int r, uint64_t want)
{
	uint64_t got = want;

	assert_int_equal(typed_number64(v, &got), r);
	assert_int_equal(got, want);
	json_decref(v);
}

static void
numbers_of_each_form_are_read(void **state)
{
	(void)state;
	is_number(json_integer(31337), 0, 31337);
	is_number(json_string("31337"), 0, 31337);
	is_number(json_string("0x7a69"), 0, 31337);
	is_number(json_string("0x0"), 0, 0);
	is_number(json_string("18446744073709551616"), 0, UINT64_MAX);
	is_number(
	    json_string("0x10000000000000000000000000000000000000000000000"
			"000000000000000000"),
	    -1, 0);
	is_number(json_integer(-1), -1, 0);
	is_number(json_string("-1"), -1, 0);
	is_number(json_string("0x-1"), -1, 0);
	is_number(json_string("0x"), -1, 0);
	is_number(json_string(""), -1, 0);
	is_number(json_string("1g"), -1, 0);
	is_number(json_real(1.0), -1, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_struct_is_as_golden),
		cmocka_unit_test(types_are_as_golden),
		cmocka_unit_test(a_member_that_is_missing_or_wrong_is_refused),
		cmocka_unit_test(signatures_of_each_form_are_read),
		cmocka_unit_test(numbers_of_each_form_are_read),
	};
	const char *src = getenv("srcdir");
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/tests/vectors/nox-v0-golden.json",
	    src == NULL ? "." : src);
	if ((golden = json_load_file(path, 0, NULL)) == NULL) {
		fprintf(stderr, "%s: cannot read\n", path);
		return 1;
	}
	secp_init(NULL);
	td_init();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(golden);
	return r;
}
