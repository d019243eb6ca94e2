/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles and value types; proto/VALUES.md defines the encodings.
 */
#ifndef TYPES_H
#define TYPES_H

#include <stddef.h>
#include <stdint.h>

/* ---- types: the type byte of a handle ---------------------------------- */
#define TYPE_BOOL	0
#define TYPE_ADDRESS	1
#define TYPE_UINT(bits)	((uint8_t)(3 + (bits) / 8))
#define TYPE_INT(bits)	((uint8_t)(35 + (bits) / 8))
#define TYPE_BYTES(n)	((uint8_t)(67 + (n)))
size_t type_size(uint8_t type);	/* of plaintext; 0: no such type */
int type_is_uint(uint8_t type);
int type_is_int(uint8_t type);	/* signed */
int type_is_bytes(uint8_t type);
/* Convert a type from and to its name, such as "uint256".  type_parse() returns
 * -1 if the name is unknown. */
const char *type_name(uint8_t type);	/* static; "?" if unknown */
int type_parse(const char *name);

/* Convert plaintext (type_size bytes) to and from the 32-byte word of a
 * constant.  type_unword() returns 0, or -1 if the word is not a value of the
 * type. */
void type_word(uint8_t type, const uint8_t *plain, uint8_t word[32]);
int type_unword(uint8_t type, const uint8_t word[32], uint8_t *plain);

/* ---- handles ----------------------------------------------------------- */
#define handle_type(h)	((h)[5])
uint32_t handle_chain(const uint8_t handle[32]);
/* 1 if the version is 0 and the type is one that programs can use. */
int handle_ok(const uint8_t handle[32]);

#endif
