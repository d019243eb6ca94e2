/* SPDX-License-Identifier: Apache-2.0
 *
 * CBOR (RFC 8949) from untrusted sources: definite lengths, shortest forms,
 * unique keys, limited depth, no trailing bytes.  Data that passes has only
 * this encoding.
 */
#ifndef STRICT_CBOR_H
#define STRICT_CBOR_H

#include <cbor.h>

#include "attest.h"

#define ITEM_MAX	16384

/* Decode all of the bytes as one item of at most ITEM_MAX bytes, or return
 * NULL.  Free it with cbor_decref(). */
cbor_item_t *item_decode(struct bytes);
/* Contents of a byte or text string; p is NULL if the item has another type or
 * is NULL. */
struct bytes item_bytes(const cbor_item_t *);
struct bytes item_text(const cbor_item_t *);
/* 1 if the item is a map with unique keys that are numbers or text; 0 for
 * NULL. */
int item_is_map(const cbor_item_t *);
/* The value of a key in a map, or NULL. */
cbor_item_t *item_claim(const cbor_item_t *map, unsigned long key);

#endif
