/* SPDX-License-Identifier: Apache-2.0
 *
 * Ethereum transactions; no I/O.
 */
#include <string.h>

#include "keccak.h"
#include "secp.h"
#include "tx.h"

#define TYPE	2
#define HEAD	(1 + 9)		/* the type, and a list's longest head */

/* ---- RLP ------------------------------------------------------------------ */

/* The head of a string (0x80) or of a list (0xc0): its size. */
static size_t
put_head(uint8_t *to, uint8_t kind, size_t n)
{
	size_t i, size = 0, left;

	if (n < 56) {
		to[0] = (uint8_t)(kind + n);
		return 1;
	}
	for (left = n; left != 0; left >>= 8)
		size++;
	to[0] = (uint8_t)(kind + 55 + size);
	for (i = size; i > 0; i--, n >>= 8)
		to[i] = (uint8_t)n;
	return 1 + size;
}

static uint8_t *
put_bytes(uint8_t *to, const uint8_t *b, size_t n)
{
	if (n != 1 || b[0] >= 0x80)
		to += put_head(to, 0x80, n);
	if (n != 0)
		memcpy(to, b, n);
	return to + n;
}

/* Big-endian, without the zeros before it: 0 is the empty string. */
static uint8_t *
put_integer(uint8_t *to, const uint8_t *b, size_t n)
{
	while (n > 0 && b[0] == 0) {
		b++;
		n--;
	}
	return put_bytes(to, b, n);
}

static uint8_t *
put_number(uint8_t *to, uint64_t v)
{
	uint8_t b[8];
	size_t i;

	for (i = 8; i > 0; i--, v >>= 8)
		b[i - 1] = (uint8_t)v;
	return put_integer(to, b, sizeof(b));
}

/* ---- transactions --------------------------------------------------------- */

static uint8_t *
put_fields(uint8_t *to, const struct tx *t)
{
	to = put_number(to, t->chain_id);
	to = put_number(to, t->nonce);
	to = put_number(to, t->priority_fee);
	to = put_number(to, t->max_fee);
	to = put_number(to, t->gas);
	to = put_bytes(to, t->to, t->to == NULL ? 0 : 20);
	to = put_number(to, 0);			/* value */
	to = put_bytes(to, t->data, t->n);
	return to + put_head(to, 0xc0, 0);	/* access list */
}

/* Type and head before the fields, which are at out + HEAD: where it starts. */
static uint8_t *
put_envelope(uint8_t *out, size_t n)
{
	uint8_t head[9], *start;
	const size_t size = put_head(head, 0xc0, n);

	start = out + HEAD - size - 1;
	start[0] = TYPE;
	memcpy(start + 1, head, size);
	return start;
}

size_t
tx_sign(const struct tx *t, const uint8_t key[32], uint8_t *out,
    uint8_t hash[32])
{
	uint8_t *end = put_fields(out + HEAD, t), *start;
	uint8_t sig[65];
	size_t n;

	start = put_envelope(out, (size_t)(end - out - HEAD));
	keccak256(start, (size_t)(end - start), hash);
	if (secp_sign(key, hash, sig) != 0)
		return 0;
	end = put_number(end, (uint64_t)(sig[64] - 27));
	end = put_integer(end, sig, 32);
	end = put_integer(end, sig + 32, 32);
	start = put_envelope(out, (size_t)(end - out - HEAD));
	n = (size_t)(end - start);
	memmove(out, start, n);
	keccak256(out, n, hash);
	return n;
}
