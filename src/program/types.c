/* SPDX-License-Identifier: Apache-2.0
 *
 * The 98 value types and handles (libprogram.a): sizes, names, and both
 * encodings of a value, plaintext and 32-byte word.  Runs in net, keys, compute
 * and the tools, on any bytes.  type_word() and type_unword() are not
 * constant-time: compute uses them only for public constants.
 */
#include <string.h>

#include "types.h"

#define WIDTHS(X)							\
	X(1, 8) X(2, 16) X(3, 24) X(4, 32) X(5, 40) X(6, 48) X(7, 56)	\
	X(8, 64) X(9, 72) X(10, 80) X(11, 88) X(12, 96) X(13, 104)	\
	X(14, 112) X(15, 120) X(16, 128) X(17, 136) X(18, 144)		\
	X(19, 152) X(20, 160) X(21, 168) X(22, 176) X(23, 184)		\
	X(24, 192) X(25, 200) X(26, 208) X(27, 216) X(28, 224)		\
	X(29, 232) X(30, 240) X(31, 248) X(32, 256)

static const char *const names[] = { [TYPE_BOOL] = "bool",
	[TYPE_ADDRESS] = "address",
#define NAMES(n, bits)							\
	[TYPE_UINT(bits)] = "uint" #bits,				\
	[TYPE_INT(bits)] = "int" #bits,					\
	[TYPE_BYTES(n)] = "bytes" #n,
	WIDTHS(NAMES) };
#define N_NAMES	(sizeof(names) / sizeof(names[0]))

int
type_is_uint(uint8_t type)
{
	return type >= TYPE_UINT(8) && type <= TYPE_UINT(256);
}

int
type_is_int(uint8_t type)
{
	return type >= TYPE_INT(8) && type <= TYPE_INT(256);
}

int
type_is_bytes(uint8_t type)
{
	return type >= TYPE_BYTES(1) && type <= TYPE_BYTES(32);
}

size_t
type_size(uint8_t type)
{
	if (type == TYPE_BOOL)
		return 1;
	if (type == TYPE_ADDRESS)
		return 20;
	if (type_is_uint(type))
		return type - 3u;
	if (type_is_int(type))
		return type - 35u;
	if (type_is_bytes(type))
		return type - 67u;
	return 0;
}

const char *
type_name(uint8_t type)
{
	return type < N_NAMES && names[type] != NULL ? names[type] : "?";
}

int
type_parse(const char *name)
{
	size_t i;

	for (i = 0; i < N_NAMES; i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

void
type_word(uint8_t type, const uint8_t *plain, uint8_t word[32])
{
	size_t n = type_size(type), at = type_is_bytes(type) ? 0 : 32 - n;

	memset(word, 0, 32);
	if (n == 0)
		return;
	if (type_is_int(type))
		memset(word, -(plain[0] >> 7), 32);
	memcpy(word + at, plain, n);
}

int
type_unword(uint8_t type, const uint8_t word[32], uint8_t *plain)
{
	size_t n = type_size(type), at = type_is_bytes(type) ? 0 : 32 - n;
	uint8_t again[32];

	if (n == 0 || (type == TYPE_BOOL && word[31] > 1))
		return -1;
	type_word(type, word + at, again);
	if (memcmp(again, word, 32) != 0)
		return -1;
	memcpy(plain, word + at, n);
	return 0;
}

uint32_t
handle_chain(const uint8_t handle[32])
{
	return (uint32_t)handle[1] << 24 | (uint32_t)handle[2] << 16 |
	    (uint32_t)handle[3] << 8 | handle[4];
}

int
handle_ok(const uint8_t handle[32])
{
	return handle[0] == 0 && type_size(handle_type(handle)) != 0;
}
