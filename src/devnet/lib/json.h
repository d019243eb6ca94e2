/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes and numbers in JSON as Ethereum nodes write them.  No I/O.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* "0x.." of n bytes; NULL if there is no memory. */
json_t *json_hex(const void *, size_t n);
/* An array of n such strings, each of `size' bytes. */
json_t *json_hex_list(const void *, size_t n, size_t size);
/* Decode "0x.." of exactly n bytes.  Returns 0; or -1 and leaves `out'
 * unchanged, also if the value is NULL. */
int json_to_bytes(const json_t *, void *out, size_t n);
/* Read an integer that is not negative, or a quantity "0x..".  Returns 0; or -1
 * and leaves `out' unchanged, also if the value is NULL. */
int json_to_number(const json_t *, uint64_t *out);

#endif
