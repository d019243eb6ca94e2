/* SPDX-License-Identifier: Apache-2.0
 *
 * EIP-712 of the Nox v0 protocol against golden vectors of two other
 * implementations (ethers and viem): domain, struct, digest, and who signed it.
 * And its value encryption, which has no AAD.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "ecies.h"
#include "hex.h"
#include "nox_data.h"
#include "secp.h"
#include "typed_data.h"

static json_t *golden;

static const json_t *
at(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL)
		fail_msg("the vectors have no %s", name);
	return v;
}

/* The bytes of "0x...": how many. */
static size_t
bytes(const json_t *v, void *to, size_t max)
{
	const char *text = json_string_value(v);
	const size_t n = (strlen(text) - 2) / 2;

	assert_true(n <= max);
	assert_int_equal(hex_decode(text + 2, 2 * n, to, n), 0);
	return n;
}

static void
is_hex(const uint8_t *got, const json_t *want)
{
	uint8_t b[32];

	assert_int_equal(bytes(want, b, 32), 32);
	assert_memory_equal(got, b, 32);
}

/* The hash of a struct, its domain, and the signer of its digest. */
static void
is_struct(const char *name, const uint8_t hash[32])
{
	const json_t *v = at(at(golden, "eip712"), name);
	const json_t *d = at(v, "domain");
	const json_t *who = at(
	    at(golden, "addresses"), json_string_value(at(v, "signer")));
	uint8_t domain[32], digest[32], salt[32], sig[65], address[20],
	    expected[20], key[32], own[65];
	const int is_salted = json_object_get(d, "salt") != NULL;
	char text[43];
	size_t i;

	if (is_salted)
		bytes(at(d, "salt"), salt, 32);
	nox_domain((uint64_t)json_integer_value(at(d, "chainId")),
	    is_salted ? salt : NULL, domain);
	is_hex(domain, at(v, "domainSeparator"));
	is_hex(hash, at(v, "structHash"));
	td_digest(domain, hash, digest);
	is_hex(digest, at(v, "digest"));
	assert_int_equal(bytes(at(v, "signature"), sig, 65), 65);
	assert_int_equal(secp_recover(digest, sig, address), 0);
	/* Addresses have capital letters as a checksum. */
	snprintf(text, sizeof(text), "%s", json_string_value(who));
	for (i = 0; text[i] != '\0'; i++)
		text[i] |= 0x20 * (text[i] >= 'A' && text[i] <= 'F');
	assert_int_equal(hex_decode(text + 2, 40, expected, 20), 0);
	assert_memory_equal(address, expected, 20);
	/* RFC 6979: the same key gives the same signature. */
	bytes(at(at(golden, "keys"), json_string_value(at(v, "signer"))), key,
	    32);
	assert_int_equal(secp_sign(key, digest, own), 0);
	assert_memory_equal(own, sig, 65);
}

static void
read_transaction(const json_t *m, struct nox_transaction *t)
{
	t->chain_id = (uint64_t)json_integer_value(at(m, "chainId"));
	t->block_number = (uint64_t)json_integer_value(at(m, "blockNumber"));
	bytes(at(m, "caller"), t->caller, 20);
	bytes(at(m, "transactionHash"), t->hash, 32);
}

static const json_t *
message(const char *name)
{
	return at(at(at(golden, "eip712"), name), "message");
}

static void
operand_access_is_as_golden(void **state)
{
	const json_t *m = message("OperandAccessAuthorization");
	struct nox_transaction t;
	uint8_t handles[2][32], rsa[300], hash[32];
	size_t n;

	(void)state;
	read_transaction(m, &t);
	bytes(json_array_get(at(m, "operands"), 0), handles[0], 32);
	bytes(json_array_get(at(m, "operands"), 1), handles[1], 32);
	n = bytes(at(m, "rsaPublicKey"), rsa, sizeof(rsa));
	nox_operand_access(&t, (const uint8_t(*)[32])handles, 2, rsa, n, hash);
	is_struct("OperandAccessAuthorization", hash);
}

static void
result_publishing_is_as_golden(void **state)
{
	struct nox_transaction t;
	uint8_t hash[32];

	(void)state;
	read_transaction(message("ResultPublishingAuthorization"), &t);
	nox_result_publishing(&t, hash);
	is_struct("ResultPublishingAuthorization", hash);
}

static void
compute_operands_is_as_golden(void **state)
{
	const json_t *list = at(message("ComputeOperands"), "operands"), *v;
	uint8_t ciphertext[2][64], secret[2][300], hash[32], other[32];
	struct nox_operand o[2];
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	json_array_foreach(list, i, v) {
		bytes(at(v, "handle"), o[i].handle, 32);
		o[i].ciphertext = ciphertext[i];
		o[i].n_ciphertext = bytes(
		    at(v, "ciphertext"), ciphertext[i], 64);
		o[i].secret = secret[i];
		o[i].n_secret = bytes(
		    at(v, "encryptedSharedSecret"), secret[i], 300);
		assert_int_equal(bytes(at(v, "iv"), o[i].iv, 12), 12);
	}
	nox_compute_operands(o, 2, hash);
	is_struct("ComputeOperands", hash);
	/* A byte of one is in the hash. */
	o[0].iv[0] ^= 1;
	nox_compute_operands(o, 2, other);
	assert_memory_not_equal(hash, other, 32);
}

static void
result_report_is_as_golden(void **state)
{
	const char *text = json_string_value(
	    at(message("ResultPublishingReport"), "message"));
	uint8_t hash[32];

	(void)state;
	nox_result_report(text, strlen(text), hash);
	is_struct("ResultPublishingReport", hash);
}

static void
value_tag_is_as_golden(void **state)
{
	const json_t *v = at(golden, "handleValueTag");
	uint8_t handle[32], value[32] = { [30] = 0x04, [31] = 0xd2 }, tag[32];

	(void)state;
	bytes(at(v, "handle"), handle, 32);
	nox_value_tag(handle, value, tag);
	is_hex(tag, at(v, "runner_uint256_1234"));
}

static void
value_is_encrypted_as_golden(void **state)
{
	const json_t *v = at(golden, "ecies");
	uint8_t s[32], key[32], nonce[12], cipher[48], plain[32], opened[32];
	uint8_t got[48];

	(void)state;
	bytes(at(v, "sharedX"), s, 32);
	assert_int_equal(ecies_key(s, key), 0);
	is_hex(key, at(v, "aesKey"));
	bytes(at(v, "iv"), nonce, 12);
	bytes(at(v, "plaintext"), plain, 32);
	assert_int_equal(bytes(at(v, "ciphertextAndTag"), cipher, 48), 48);
	assert_int_equal(gcm_seal(key, nonce, NULL, 0, plain, 32, got), 0);
	assert_memory_equal(got, cipher, 48);
	assert_int_equal(gcm_open(key, nonce, NULL, 0, cipher, 48, opened), 0);
	assert_memory_equal(opened, plain, 32);
}

int
main(void)
{
	const char *src = getenv("srcdir");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operand_access_is_as_golden),
		cmocka_unit_test(result_publishing_is_as_golden),
		cmocka_unit_test(compute_operands_is_as_golden),
		cmocka_unit_test(result_report_is_as_golden),
		cmocka_unit_test(value_tag_is_as_golden),
		cmocka_unit_test(value_is_encrypted_as_golden),
	};
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/tests/vectors/nox-v0-golden.json",
	    src == NULL ? "." : src);
	if ((golden = json_load_file(path, 0, NULL)) == NULL) {
		print_error("%s: cannot be read\n", path);
		return 1;
	}
	nox_data_init();
	td_init();
	ecies_init();
	secp_init(NULL);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	json_decref(golden);
	return r;
}
