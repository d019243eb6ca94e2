/* SPDX-License-Identifier: Apache-2.0
 *
 * CBOR (RFC 8949) from anyone: definite lengths, shortest forms, no key twice,
 * not deep, nothing behind it.  What passes can be written in this one way only.
 */
#ifndef STRICT_CBOR_H
#define STRICT_CBOR_H

#include <cbor.h>

#include "attest.h"

#define ITEM_MAX	16384

/* All of the bytes as one item, at most ITEM_MAX; NULL.  cbor_decref frees it. */
cbor_item_t *item_decode(struct bytes);
/* Of a byte string, of a text string: p is NULL where it is another, or NULL. */
struct bytes item_bytes(const cbor_item_t *);
struct bytes item_text(const cbor_item_t *);
/* A map, of keys that are numbers or text and all different?  NULL is none. */
int	 item_is_map(const cbor_item_t *);
/* The value of this key in a map; NULL. */
cbor_item_t *item_claim(const cbor_item_t *map, unsigned long key);

#endif
