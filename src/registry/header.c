/* SPDX-License-Identifier: Apache-2.0
 *
 * Encodes the JSON of eth_getBlockByHash as the RLP of a block header and
 * checks that its Keccak-256 is the block's hash; runs in registry.  Must never
 * return a field of a header that has another hash.  Source: go-ethereum's
 * documentation of eth_getBlockByHash; EIP-1559, 4895, 4844, 4788, 7685.
 */
#include <string.h>

#include "header.h"
#include "keccak.h"
#include "rlp.h"
#include "rpc.h"

#define DATA_MAX	1024	/* extraData: more than 32 if with signers */

enum kind { BYTES, DATA, NUMBER };

/* In the order of the encoding.  Forks added the optional ones, so old headers
 * lack them. */
static const struct field {
	const char	*name;
	enum kind	 kind;
	size_t		 size;		/* bytes, if kind is BYTES */
	int		 is_optional;
} fields[] = {
	{ "parentHash", BYTES, 32, 0 }, { "sha3Uncles", BYTES, 32, 0 },
	{ "miner", BYTES, 20, 0 }, { "stateRoot", BYTES, 32, 0 },
	{ "transactionsRoot", BYTES, 32, 0 }, { "receiptsRoot", BYTES, 32, 0 },
	{ "logsBloom", BYTES, 256, 0 }, { "difficulty", NUMBER, 0, 0 },
	{ "number", NUMBER, 0, 0 }, { "gasLimit", NUMBER, 0, 0 },
	{ "gasUsed", NUMBER, 0, 0 }, { "timestamp", NUMBER, 0, 0 },
	{ "extraData", DATA, 0, 0 }, { "mixHash", BYTES, 32, 0 },
	{ "nonce", BYTES, 8, 0 },
	{ "baseFeePerGas", NUMBER, 0, 1 },		/* London */
	{ "withdrawalsRoot", BYTES, 32, 1 },		/* Shanghai */
	{ "blobGasUsed", NUMBER, 0, 1 },		/* Cancun */
	{ "excessBlobGas", NUMBER, 0, 1 },
	{ "parentBeaconBlockRoot", BYTES, 32, 1 },
	{ "requestsHash", BYTES, 32, 1 },		/* Prague */
};
#define FIELDS	(sizeof(fields) / sizeof(fields[0]))

#define HEADER_MAX	(RLP_HEAD + FIELDS * (1 + 32) + 3 + 256 + 3 + DATA_MAX)

/* Encode one field.  Returns the end of it, or NULL if the value has the wrong
 * type or size. */
static uint8_t *
put_field(uint8_t *to, const struct field *f, const json_t *value)
{
	uint8_t bytes[DATA_MAX];
	uint64_t number;
	long n;

	if (f->kind == NUMBER)
		return rpc_quantity(value, &number) != 0 ?
		    NULL :
		    rlp_put_number(to, number);
	n = rpc_bytes(value, bytes, sizeof(bytes));
	if (n < 0 || (f->kind == BYTES && (size_t)n != f->size))
		return NULL;
	return rlp_put_bytes(to, bytes, (size_t)n);
}

const char *
header_read(const json_t *block, const uint8_t hash[32], struct header *header)
{
	uint8_t rlp[HEADER_MAX], head[RLP_HEAD], *start, *to, got[32];
	const json_t *value;
	struct header h;
	size_t n;

	if (!json_is_object(block))
		return "it does not have the block";
	to = rlp + RLP_HEAD;
	for (size_t i = 0; i < FIELDS; i++) {
		value = json_object_get(block, fields[i].name);
		if (fields[i].is_optional &&
		    (value == NULL || json_is_null(value)))
			continue;
		if ((to = put_field(to, &fields[i], value)) == NULL)
			return "a header with a missing or wrong field";
	}
	n = rlp_put_head(head, RLP_LIST, (size_t)(to - rlp - RLP_HEAD));
	start = rlp + RLP_HEAD - n;
	memcpy(start, head, n);
	keccak256(start, (size_t)(to - start), got);
	if (memcmp(got, hash, sizeof(got)) != 0)
		return "the hash of the header does not match";
	if (rpc_quantity(json_object_get(block, "number"), &h.number) != 0 ||
	    rpc_quantity(json_object_get(block, "timestamp"), &h.time) != 0 ||
	    rpc_bytes(json_object_get(block, "stateRoot"), h.state_root, 32) !=
		32)
		return "a header with a missing or wrong field";
	*header = h;
	return NULL;
}
