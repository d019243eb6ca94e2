/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions of all sizes, signed by src/crypto, a JSON object a line: for
 * tx.mjs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keccak.h"
#include "secp.h"
#include "tx.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t
number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> (seed % 61);	/* of any size */
}

static void
print_hex(const char *name, const uint8_t *b, size_t n, const char *end)
{
	size_t i;

	printf("\"%s\":\"0x", name);
	for (i = 0; i < n; i++)
		printf("%02x", b[i]);
	printf("\"%s", end);
}

static void
dump(size_t n, int is_call)
{
	static uint8_t data[70000], out[sizeof(data) + TX_ROOM];
	uint8_t key[32], to[20], hash[32], pub[33], from[20];
	/* ethers takes no nonce above 2^53, and no priority above the fee. */
	struct tx t = { number(), number() >> 11, number() >> 2, 0, number(),
		is_call ? to : NULL, data, n };
	size_t i, size;

	t.max_fee = t.priority_fee + (number() >> 2);
	for (i = 0; i < n; i++)
		data[i] = (uint8_t)number();
	for (i = 0; i < sizeof(to); i++)
		to[i] = (uint8_t)number();
	keccak256(data, n, key);
	if (secp_public(key, pub) != 0 || secp_address(pub, from) != 0 ||
	    (size = tx_sign(&t, key, out, hash)) == 0)
		abort();
	printf("{\"chainId\":\"%llu\",\"nonce\":\"%llu\",\"maxPriorityFeePerGas"
	       "\":\"%llu\",\"maxFeePerGas\":\"%llu\",\"gasLimit\":\"%llu\",",
	    (unsigned long long)t.chain_id, (unsigned long long)t.nonce,
	    (unsigned long long)t.priority_fee, (unsigned long long)t.max_fee,
	    (unsigned long long)t.gas);
	if (is_call)
		print_hex("to", to, sizeof(to), ",");
	print_hex("data", data, n, ",");
	print_hex("from", from, sizeof(from), ",");
	print_hex("raw", out, size, ",");
	print_hex("hash", hash, sizeof(hash), "}\n");
}

int
main(void)
{
	static const size_t sizes[] = { 0, 1, 2, 31, 54, 55, 56, 57, 255, 256,
		257, 4096, 65535, 65536, 70000 };
	size_t i, k;

	secp_init(NULL);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (k = 0; k < 10; k++)
			dump(sizes[i], k % 5 != 0);
	for (i = 0; i < 300; i++)
		dump(1, 1);
	return 0;
}
