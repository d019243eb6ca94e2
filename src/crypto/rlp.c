/* SPDX-License-Identifier: Apache-2.0
 *
 * RLP encoding and decoding: transactions in keys and tee-devnet, headers and
 * proofs in registry.  Must never read past its input.
 */
#include <string.h>

#include "bytes.h"
#include "rlp.h"

#define SHORT	56u		/* from here on the length has separate bytes */

size_t
rlp_put_head(uint8_t *to, uint8_t kind, size_t n)
{
	size_t i, size = 0, left;

	if (n < SHORT) {
		to[0] = (uint8_t)(kind + n);
		return 1;
	}
	for (left = n; left != 0; left >>= 8)
		size++;
	to[0] = (uint8_t)(kind + SHORT - 1 + size);
	for (i = size; i > 0; i--, n >>= 8)
		to[i] = (uint8_t)n;
	return 1 + size;
}

uint8_t *
rlp_put_bytes(uint8_t *to, const uint8_t *b, size_t n)
{
	if (n != 1 || b[0] >= RLP_STRING)
		to += rlp_put_head(to, RLP_STRING, n);
	if (n != 0)
		memcpy(to, b, n);
	return to + n;
}

uint8_t *
rlp_put_integer(uint8_t *to, const uint8_t *b, size_t n)
{
	while (n > 0 && b[0] == 0) {
		b++;
		n--;
	}
	return rlp_put_bytes(to, b, n);
}

uint8_t *
rlp_put_number(uint8_t *to, uint64_t v)
{
	uint8_t b[8];
	size_t i;

	for (i = 8; i > 0; i--, v >>= 8)
		b[i - 1] = (uint8_t)v;
	return rlp_put_integer(to, b, sizeof(b));
}

/* ---- reading ----------------------------------------------------------- */

/* Read the length that follows a long head, in `size' bytes.  Returns 0 or
 * -1. */
static int
get_length(struct rlp *at, size_t size, size_t *n)
{
	if (at->n < size || size > 4 || at->p[0] == 0)
		return -1;
	*n = get_be(at->p, size);
	at->p += size;
	at->n -= size;
	return *n < SHORT ? -1 : 0;
}

int
rlp_get(struct rlp *from, struct rlp_item *item)
{
	struct rlp at = *from;
	uint8_t first;
	size_t n;
	int is_list;

	if (at.n == 0)
		return -1;
	first = at.p[0];
	is_list = first >= RLP_LIST;
	if (first < RLP_STRING) {
		n = 1;			/* a byte below 0x80 encodes itself */
	} else {
		at.p++;
		at.n--;
		n = first - (is_list ? RLP_LIST : RLP_STRING);
		if (n >= SHORT && get_length(&at, n - (SHORT - 1), &n) != 0)
			return -1;
		if (n > at.n || (!is_list && n == 1 && at.p[0] < RLP_STRING))
			return -1;
	}
	item->is_list = is_list;
	item->in = (struct rlp){ at.p, n };
	item->all = (struct rlp){ from->p, (size_t)(at.p - from->p) + n };
	from->p += item->all.n;
	from->n -= item->all.n;
	return 0;
}

int
rlp_split_list(struct rlp from, struct rlp_item *items, int max)
{
	struct rlp_item list;
	int n;

	if (rlp_get(&from, &list) != 0 || !list.is_list || from.n != 0)
		return -1;
	for (n = 0; list.in.n != 0; n++)
		if (n == max || rlp_get(&list.in, &items[n]) != 0)
			return -1;
	return n;
}
