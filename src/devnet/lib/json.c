/* SPDX-License-Identifier: Apache-2.0
 *
 * See json.h.  Runs in every process of a devnet.
 */
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "json.h"

json_t *
json_hex(const void *bytes, size_t n)
{
	char *text = malloc(2 * n + 1);
	json_t *value = NULL;

	if (text != NULL)
		value = json_sprintf("0x%s", hex_encode(text, bytes, n));
	free(text);
	return value;
}

json_t *
json_hex_list(const void *bytes, size_t n, size_t size)
{
	const uint8_t *item = bytes;
	json_t *list = json_array();

	for (; n > 0; n--, item += size)
		json_array_append_new(list, json_hex(item, size));
	return list;
}

int
json_to_bytes(const json_t *value, void *out, size_t n)
{
	const char *text = json_string_value(value);

	return text == NULL || strncmp(text, "0x", 2) != 0 ?
	    -1 :
	    hex_decode(text + 2, json_string_length(value) - 2, out, n);
}

int
json_to_number(const json_t *value, uint64_t *out)
{
	const char *text = json_string_value(value);
	uint64_t v = 0;

	if (json_is_integer(value)) {
		if (json_integer_value(value) < 0)
			return -1;
		*out = (uint64_t)json_integer_value(value);
		return 0;
	}
	if (text == NULL || strncmp(text, "0x", 2) != 0 || text[2] == '\0' ||
	    strlen(text) > 18)
		return -1;
	for (text += 2; *text != '\0'; text++) {
		if (hex_digit(*text) < 0)
			return -1;
		v = v << 4 | (uint64_t)hex_digit(*text);
	}
	*out = v;
	return 0;
}
