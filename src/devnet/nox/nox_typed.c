/* SPDX-License-Identifier: Apache-2.0
 *
 * See nox_typed.h.  Runs in the server nox and in the commands.
 */
#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "dir.h"
#include "eip712.h"
#include "json.h"
#include "nox_typed.h"
#include "secp.h"
#include "typed_data.h"

#define DIGITS	80		/* of a number */

/* ---- numbers ------------------------------------------------------------- */

int
typed_number(const json_t *v, uint8_t word[32])
{
	const char *s = json_string_value(v);
	BIGNUM *bn = NULL;
	size_t used;
	int r = -1;

	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		memset(word, 0, 32);
		put_be(word + 24, 8, (uint64_t)json_integer_value(v));
		return 0;
	}
	if (s == NULL || *s == '-' || strlen(s) > DIGITS)
		return -1;
	if (strncmp(s, "0x", 2) == 0) {
		s += 2;
		used = *s == '-' ? 0 : (size_t)BN_hex2bn(&bn, s);
	} else
		used = (size_t)BN_dec2bn(&bn, s);
	if (*s != '\0' && used == strlen(s) && BN_bn2binpad(bn, word, 32) == 32)
		r = 0;
	BN_free(bn);
	return r;
}

int
typed_number64(const json_t *v, uint64_t *out)
{
	static const uint8_t zero[24];
	uint8_t word[32];

	if (typed_number(v, word) != 0)
		return -1;
	*out = memcmp(word, zero, 24) == 0 ? get_be(word + 24, 8) : UINT64_MAX;
	return 0;
}

/* ---- structs ------------------------------------------------------------- */

static int
is_type(const char *type, size_t n, const char *name)
{
	return strlen(name) == n && memcmp(type, name, n) == 0;
}

static int
put_hex_bytes(struct keccak *k, const json_t *v)
{
	size_t n = json_string_length(v) / 2;
	uint8_t *b;
	int r = -1;

	if (!json_is_string(v) || n < 1 || (b = malloc(n)) == NULL)
		return -1;
	if (json_to_bytes(v, b, n - 1) == 0) {
		put_bytes(k, b, n - 1);
		r = 0;
	}
	free(b);
	return r;
}

/* A member that is no array and no struct.  Returns 0 or -1. */
static int
put_simple(struct keccak *k, const char *type, size_t n, const json_t *v)
{
	uint8_t b[32];

	if (is_type(type, n, "string") && json_is_string(v))
		put_bytes(k, json_string_value(v), json_string_length(v));
	else if (is_type(type, n, "uint256") && typed_number(v, b) == 0)
		put_hash(k, b);
	else if (is_type(type, n, "bytes32") && json_to_bytes(v, b, 32) == 0)
		put_hash(k, b);
	else if (is_type(type, n, "address") && json_to_bytes(v, b, 20) == 0)
		put_address(k, b);
	else if (is_type(type, n, "bool") && json_is_boolean(v))
		put_number(k, json_is_true(v));
	else if (is_type(type, n, "bytes"))
		return put_hex_bytes(k, v);
	else
		return -1;
	return 0;
}

/* An array of strings or of a struct whose type stands in `others'. */
static int
put_array(struct keccak *k, const char *type, size_t n, const json_t *v,
    const char *others)
{
	const char *at = others;
	struct keccak list;
	uint8_t hash[32];
	size_t i;

	if (!json_is_array(v))
		return -1;
	while (*at != '\0' && (strncmp(at, type, n) != 0 || at[n] != '('))
		at = strchr(at, ')') + 1;
	keccak_init(&list);
	for (i = 0; i < json_array_size(v); i++) {
		const json_t *item = json_array_get(v, i);

		if (*at == '\0') {
			if (put_simple(&list, type, n, item) != 0)
				return -1;
			continue;
		}
		if (typed_hash(at, item, hash) != 0)
			return -1;
		put_hash(&list, hash);
	}
	keccak_final(&list, hash);
	put_hash(k, hash);
	return 0;
}

int
typed_hash(const char *encode_type, const json_t *o, uint8_t out[32])
{
	const char *type = strchr(encode_type, '(') + 1, *name;
	const char *end = strchr(type, ')');
	uint8_t hash[32];
	struct keccak k;
	char key[32];
	size_t n;
	int r;

	keccak256(encode_type, strlen(encode_type), hash);
	keccak_init(&k);
	put_hash(&k, hash);
	for (; type < end; type = name + strlen(key) + 1) {
		const json_t *v;

		n = strcspn(type, " ");
		name = type + n + 1;
		snprintf(
		    key, sizeof(key), "%.*s", (int)strcspn(name, ",)"), name);
		v = json_object_get(o, key);
		if (type[n - 1] == ']')
			r = put_array(&k, type, n - 2, v, end + 1);
		else
			r = put_simple(&k, type, n, v);
		if (r != 0)
			return -1;
	}
	keccak_final(&k, out);
	return 0;
}

void
typed_domain(const char *name, uint64_t chain_id, const uint8_t *salt,
    const uint8_t *contract, uint8_t out[32])
{
	char type[128];
	struct keccak k;
	uint8_t hash[32];

	snprintf(type, sizeof(type),
	    "EIP712Domain(string name,string version,uint256 chainId%s%s)",
	    contract == NULL ? "" : ",address verifyingContract",
	    salt == NULL ? "" : ",bytes32 salt");
	keccak256(type, strlen(type), hash);
	keccak_init(&k);
	put_hash(&k, hash);
	put_bytes(&k, name, strlen(name));
	put_bytes(&k, "1", 1);
	put_number(&k, chain_id);
	if (contract != NULL)
		put_address(&k, contract);
	if (salt != NULL)
		put_hash(&k, salt);
	keccak_final(&k, out);
}

/* ---- signatures ---------------------------------------------------------- */

int
typed_sign(const uint8_t key[32], const uint8_t domain[32],
    const char *encode_type, const json_t *o, uint8_t sig[65])
{
	uint8_t hash[32], digest[32];

	if (typed_hash(encode_type, o, hash) != 0)
		return -1;
	td_digest(domain, hash, digest);
	return secp_sign(key, digest, sig);
}

static int
read_signature(const char *text, uint8_t sig[65])
{
	if (hex_read(text, sig, 64) == 0) {
		sig[64] = 27 + (sig[32] >> 7);
		sig[32] &= 0x7f;
		return 0;
	}
	if (hex_read(text, sig, 65) != 0)
		return -1;
	if (sig[64] < 2)
		sig[64] = (uint8_t)(sig[64] + 27);
	else if (sig[64] >= 35)
		sig[64] = (uint8_t)(27 + (sig[64] - 35) % 2);
	return 0;
}

int
typed_signer(const uint8_t domain[32], const char *encode_type, const json_t *o,
    const char *signature, uint8_t address[20])
{
	uint8_t hash[32], digest[32], sig[65];

	if (signature == NULL || read_signature(signature, sig) != 0 ||
	    typed_hash(encode_type, o, hash) != 0)
		return -1;
	td_digest(domain, hash, digest);
	return secp_recover(digest, sig, address);
}
