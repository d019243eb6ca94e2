/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs Ethereum transactions; no I/O.
 */
#include <string.h>

#include "keccak.h"
#include "rlp.h"
#include "secp.h"
#include "tx.h"

#define TYPE	2
#define HEAD	(1 + RLP_HEAD)	/* type byte and list head */

static uint8_t *
put_fields(uint8_t *to, const struct tx *t)
{
	to = rlp_put_number(to, t->chain_id);
	to = rlp_put_number(to, t->nonce);
	to = rlp_put_number(to, t->priority_fee);
	to = rlp_put_number(to, t->max_fee);
	to = rlp_put_number(to, t->gas);
	to = rlp_put_bytes(to, t->to, t->to == NULL ? 0 : 20);
	to = rlp_put_number(to, 0);			/* value */
	to = rlp_put_bytes(to, t->data, t->n);
	return to + rlp_put_head(to, RLP_LIST, 0);	/* access list */
}

/* Put type and list head directly before the fields, which start at out + HEAD.
 * Returns the start. */
static uint8_t *
put_envelope(uint8_t *out, size_t n)
{
	uint8_t head[RLP_HEAD], *start;
	const size_t size = rlp_put_head(head, RLP_LIST, n);

	start = out + HEAD - size - 1;
	start[0] = TYPE;
	memcpy(start + 1, head, size);
	return start;
}

size_t
tx_sign(
    const struct tx *t, const uint8_t key[32], uint8_t *out, uint8_t hash[32])
{
	uint8_t *end = put_fields(out + HEAD, t), *start;
	uint8_t sig[65];
	size_t n;

	start = put_envelope(out, (size_t)(end - out - HEAD));
	keccak256(start, (size_t)(end - start), hash);
	if (secp_sign(key, hash, sig) != 0)
		return 0;
	end = rlp_put_number(end, (uint64_t)(sig[64] - 27));
	end = rlp_put_integer(end, sig, 32);
	end = rlp_put_integer(end, sig + 32, 32);
	start = put_envelope(out, (size_t)(end - out - HEAD));
	n = (size_t)(end - start);
	memmove(out, start, n);
	keccak256(out, n, hash);
	return n;
}
