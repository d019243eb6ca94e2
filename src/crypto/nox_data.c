/* SPDX-License-Identifier: Apache-2.0
 *
 * EIP-712 of the Nox v0 protocol.  Runs in keys, and the tag in compute.
 */
#include <string.h>

#include "eip712.h"
#include "hex.h"
#include "keccak.h"
#include "nox_data.h"

enum type {
	OPERAND_ACCESS,
	RESULT_PUBLISHING,
	COMPUTE_OPERANDS,
	MATERIAL,
	RESULT_REPORT,
	DOMAIN_PLAIN,
	DOMAIN_SALTED,
	TYPES
};

#define MATERIAL_TYPE							\
	"HandleCryptoMaterial(string handle,string ciphertext,"		\
	"string encryptedSharedSecret,string iv)"

static const char *const encode_type[TYPES] = {
	[OPERAND_ACCESS] = "OperandAccessAuthorization(uint256 chainId,"
			   "uint256 blockNumber,address caller,"
			   "string transactionHash,string[] operands,"
			   "string rsaPublicKey)",
	[RESULT_PUBLISHING] = "ResultPublishingAuthorization(uint256 chainId,"
			      "uint256 blockNumber,address caller,"
			      "string transactionHash)",
	[COMPUTE_OPERANDS] =
	    "ComputeOperands(HandleCryptoMaterial[] operands)" MATERIAL_TYPE,
	[MATERIAL] = MATERIAL_TYPE,
	[RESULT_REPORT] = "ResultPublishingReport(string message)",
	[DOMAIN_PLAIN] = "EIP712Domain(string name,string version,"
			 "uint256 chainId)",
	[DOMAIN_SALTED] = "EIP712Domain(string name,string version,"
			  "uint256 chainId,bytes32 salt)",
};

static uint8_t type_hash[TYPES][32];

void
nox_data_init(void)
{
	size_t i;

	for (i = 0; i < TYPES; i++)
		keccak256(encode_type[i], strlen(encode_type[i]), type_hash[i]);
}

/* ---- words ------------------------------------------------------------- */

static void
begin(struct keccak *k, enum type type)
{
	keccak_init(k);
	put_hash(k, type_hash[type]);
}

/* The word of a string that is "0x" and the digits of these bytes. */
static void
put_hex(struct keccak *k, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	struct keccak text;
	uint8_t hash[32];
	char part[2 * 32 + 1];
	size_t some;

	keccak_init(&text);
	keccak_update(&text, "0x", 2);
	for (; n > 0; n -= some, b += some) {
		some = n < 32 ? n : 32;
		keccak_update(&text, hex_encode(part, b, some), 2 * some);
	}
	keccak_final(&text, hash);
	put_hash(k, hash);
}

static void
put_transaction(struct keccak *k, const struct nox_transaction *t)
{
	put_number(k, t->chain_id);
	put_number(k, t->block_number);
	put_address(k, t->caller);
	put_hex(k, t->hash, 32);
}

/* ---- structs ----------------------------------------------------------- */

void
nox_domain(uint64_t chain_id, const uint8_t *salt, uint8_t out[32])
{
	struct keccak k;

	begin(&k, salt == NULL ? DOMAIN_PLAIN : DOMAIN_SALTED);
	put_bytes(&k, "Handle Gateway", 14);
	put_bytes(&k, "1", 1);
	put_number(&k, chain_id);
	if (salt != NULL)
		put_hash(&k, salt);
	keccak_final(&k, out);
}

void
nox_operand_access(const struct nox_transaction *t,
    const uint8_t (*handles)[32], size_t n, const void *rsa, size_t n_rsa,
    uint8_t out[32])
{
	struct keccak k, list;
	uint8_t hash[32];
	size_t i;

	keccak_init(&list);
	for (i = 0; i < n; i++)
		put_hex(&list, handles[i], 32);
	keccak_final(&list, hash);
	begin(&k, OPERAND_ACCESS);
	put_transaction(&k, t);
	put_hash(&k, hash);
	put_hex(&k, rsa, n_rsa);
	keccak_final(&k, out);
}

void
nox_result_publishing(const struct nox_transaction *t, uint8_t out[32])
{
	struct keccak k;

	begin(&k, RESULT_PUBLISHING);
	put_transaction(&k, t);
	keccak_final(&k, out);
}

void
nox_compute_operands(const struct nox_operand *o, size_t n, uint8_t out[32])
{
	struct keccak k, list;
	uint8_t hash[32];
	size_t i;

	keccak_init(&list);
	for (i = 0; i < n; i++) {
		begin(&k, MATERIAL);
		put_hex(&k, o[i].handle, 32);
		put_hex(&k, o[i].ciphertext, o[i].n_ciphertext);
		put_hex(&k, o[i].secret, o[i].n_secret);
		put_hex(&k, o[i].iv, 12);
		keccak_final(&k, hash);
		put_hash(&list, hash);
	}
	keccak_final(&list, hash);
	begin(&k, COMPUTE_OPERANDS);
	put_hash(&k, hash);
	keccak_final(&k, out);
}

void
nox_result_report(const char *text, size_t n, uint8_t out[32])
{
	struct keccak k;

	begin(&k, RESULT_REPORT);
	put_bytes(&k, text, n);
	keccak_final(&k, out);
}

void
nox_value_tag(
    const uint8_t handle[32], const uint8_t value[32], uint8_t out[32])
{
	struct keccak k;

	keccak_init(&k);
	put_hash(&k, handle);
	put_hash(&k, value);
	keccak_final(&k, out);
}
