/* SPDX-License-Identifier: Apache-2.0
 *
 * See value.h.  Used only by commands; not constant-time.
 */
#include <stdio.h>
#include <string.h>
#include <openssl/bn.h>

#include "dir.h"
#include "hex.h"
#include "log.h"
#include "value.h"

/* Convert to two's complement of n bytes; -1 if it does not fit. */
static int
store_integer(BIGNUM *value, struct plain *p, size_t n)
{
	BIGNUM *limit = BN_new();
	int is_signed = type_is_int(p->type), r = -1;

	if (limit == NULL || !BN_set_bit(limit, (int)(8 * n) - is_signed))
		fatal("value: out of memory");
	if (BN_is_negative(value)) {
		/* The minimum is -2^(N-1), so |value| may equal limit. */
		if (is_signed && BN_ucmp(value, limit) <= 0) {
			BN_clear(limit);
			BN_set_bit(limit, (int)(8 * n));
			BN_add(value, value, limit);
			r = 0;
		}
	} else if (BN_ucmp(value, limit) < 0)
		r = 0;
	if (r == 0)
		BN_bn2binpad(value, p->bytes, (int)n);
	BN_free(limit);
	return r;
}

static int
parse_integer(const char *text, struct plain *p, size_t n, const char **why)
{
	int is_negative = *text == '-';
	const char *digits = text + is_negative;
	BIGNUM *value = NULL;
	size_t used;
	int r;

	if (strncmp(digits, "0x", 2) == 0) {
		digits += 2;
		used = (size_t)BN_hex2bn(&value, digits);
	} else
		used = (size_t)BN_dec2bn(&value, digits);
	if (*digits == '\0' || *digits == '-' || used != strlen(digits)) {
		BN_free(value);
		*why = "an integer is decimal, or 0x and hex";
		return -1;
	}
	BN_set_negative(value, is_negative);
	if ((r = store_integer(value, p, n)) != 0)
		*why = "out of the type's range";
	BN_free(value);
	return r;
}

int
value_parse(
    const char *type, const char *text, struct plain *p, const char **why)
{
	int t = type_parse(type);
	size_t n;

	memset(p, 0, sizeof(*p));
	if (t == -1) {
		*why = "no such type: bool, address, uint8..uint256, "
		       "int8..int256, bytes1..bytes32";
		return -1;
	}
	p->type = (uint8_t)t;
	n = type_size(p->type);
	if (t == TYPE_BOOL) {
		p->bytes[0] = strcmp(text, "true") == 0;
		*why = "a bool is true or false";
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ?
		    0 :
		    -1;
	}
	if (type_is_uint(p->type) || type_is_int(p->type))
		return parse_integer(text, p, n, why);
	*why = "expected hex, exactly as long as the type";
	return hex_read(text, p->bytes, n);
}

int
value_parse_pair(const char *pair, struct plain *p, const char **why)
{
	char type[16];
	size_t n = strcspn(pair, ":");

	if (pair[n] != ':' || n >= sizeof(type)) {
		*why = "expected TYPE:VALUE";
		return -1;
	}
	memcpy(type, pair, n);
	type[n] = '\0';
	return value_parse(type, pair + n + 1, p, why);
}

char *
value_print(const struct plain *p, char out[VALUE_TEXT])
{
	size_t n = type_size(p->type);
	BIGNUM *value, *wrap;
	char *text;

	if (p->type == TYPE_BOOL)
		return strcpy(out, p->bytes[0] ? "true" : "false");
	if (!type_is_uint(p->type) && !type_is_int(p->type)) {
		strcpy(out, "0x");
		hex_encode(out + 2, p->bytes, n);
		return out;
	}
	value = BN_bin2bn(p->bytes, (int)n, NULL);
	if (type_is_int(p->type) && (p->bytes[0] & 0x80) != 0) {
		wrap = BN_new();
		BN_set_bit(wrap, (int)(8 * n));
		BN_sub(value, value, wrap);
		BN_free(wrap);
	}
	if (value == NULL || (text = BN_bn2dec(value)) == NULL)
		fatal("value: out of memory");
	snprintf(out, VALUE_TEXT, "%s", text);
	OPENSSL_free(text);
	BN_free(value);
	return out;
}

void
value_handle(uint64_t chain_id, uint8_t type, uint8_t handle[32])
{
	int i;

	random_fill(handle, 32);
	handle[0] = 0;
	for (i = 0; i < 4; i++)
		handle[1 + i] = (uint8_t)(chain_id >> (24 - 8 * i));
	handle[5] = type;
	handle[6] = 1;		/* generated here, hence unique */
}
