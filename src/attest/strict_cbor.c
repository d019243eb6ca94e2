/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict CBOR: every head is checked before libcbor decodes the data.
 */
#include <string.h>

#include "bytes.h"
#include "strict_cbor.h"

#define ENTRIES_MAX	32	/* per map: keys are compared pairwise */
#define DEPTH_MAX	8	/* claims use 3 */

struct bytes
item_bytes(const cbor_item_t *i)
{
	if (i == NULL || !cbor_isa_bytestring(i) ||
	    !cbor_bytestring_is_definite(i))
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ cbor_bytestring_handle(i),
		cbor_bytestring_length(i) };
}

struct bytes
item_text(const cbor_item_t *i)
{
	if (i == NULL || !cbor_isa_string(i) || !cbor_string_is_definite(i))
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ cbor_string_handle(i), cbor_string_length(i) };
}

/* Read the head of an item, its major type and number; only the shortest form
 * is valid. */
static int
head(struct bytes *b, unsigned *major, uint64_t *n)
{
	unsigned info;
	size_t size;

	if (b->n == 0)
		return -1;
	*major = *b->p >> 5;
	info = *b->p & 31;
	*b = (struct bytes){ b->p + 1, b->n - 1 };
	*n = info;
	if (info < 24)
		return 0;
	size = (size_t)1 << (info - 24);
	if (info > 27 || size > b->n)	/* reserved, or indefinite length */
		return -1;
	*n = get_be(b->p, size);
	*b = (struct bytes){ b->p + size, b->n - size };
	if (*major == 7)		/* simple value or float */
		return size == 1 && *n < 32 ? -1 : 0;
	return *n < (size == 1 ? 24 : UINT64_C(1) << 4 * size) ? -1 : 0;
}

/* Check that the data is one item, of definite lengths and limited depth,
 * without trailing bytes.  This must come before libcbor, which allocates
 * whatever a head announces. */
static int
is_strict(struct bytes b)
{
	uint64_t left[DEPTH_MAX] = { 1 }, n;
	size_t depth = 0;
	unsigned major;

	for (;;) {
		while (left[depth] == 0)
			if (depth-- == 0)
				return b.n == 0;
		left[depth]--;
		if (head(&b, &major, &n) == -1)
			return 0;
		if ((major == 2 || major == 3 || major == 4 || major == 5) &&
		    n > b.n)
			return 0;
		if (major == 2 || major == 3)
			b = (struct bytes){ b.p + n, b.n - (size_t)n };
		else if (major >= 4 && major <= 6) {
			if (++depth == DEPTH_MAX)
				return 0;
			left[depth] = major == 4 ? n : major == 5 ? 2 * n : 1;
		}
	}
}

cbor_item_t *
item_decode(struct bytes b)
{
	struct cbor_load_result result;
	cbor_item_t *i;

	if (b.n == 0 || b.n > ITEM_MAX || !is_strict(b))
		return NULL;
	i = cbor_load(b.p, b.n, &result);
	if (i != NULL &&
	    (result.error.code != CBOR_ERR_NONE || result.read != b.n))
		cbor_decref(&i);
	return i;
}

/* Keys of other types cannot be compared reliably. */
static int
is_key(const cbor_item_t *k)
{
	return cbor_is_int(k) || cbor_isa_string(k);
}

static int
same_key(const cbor_item_t *a, const cbor_item_t *b)
{
	struct bytes s = item_text(a), t = item_text(b);

	if (cbor_typeof(a) != cbor_typeof(b))
		return 0;
	if (cbor_is_int(a))
		return cbor_get_int(a) == cbor_get_int(b);
	return s.n == t.n && (s.n == 0 || memcmp(s.p, t.p, s.n) == 0);
}

int
item_is_map(const cbor_item_t *m)
{
	const struct cbor_pair *p;
	size_t i, k, n;

	if (m == NULL || !cbor_isa_map(m) || cbor_map_size(m) > ENTRIES_MAX)
		return 0;
	p = cbor_map_handle(m);
	n = cbor_map_size(m);
	for (i = 0; i < n; i++) {
		if (!is_key(p[i].key))
			return 0;
		for (k = 0; k < i; k++)
			if (same_key(p[i].key, p[k].key))
				return 0;
	}
	return 1;
}

cbor_item_t *
item_claim(const cbor_item_t *map, unsigned long key)
{
	const struct cbor_pair *p = cbor_map_handle(map);
	size_t i;

	for (i = 0; i < cbor_map_size(map); i++)
		if (cbor_isa_uint(p[i].key) && cbor_get_int(p[i].key) == key)
			return p[i].value;
	return NULL;
}
