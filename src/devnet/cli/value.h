/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as text: TYPE and VALUE, where integers are decimal or 0x, booleans
 * true or false, addresses and bytesN hex.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdint.h>

#include "program.h"

#define VALUE_TEXT	96	/* longest value, including the NUL */

struct plain {
	uint8_t	type;
	uint8_t	bytes[VALUE_MAX];	/* the first type_size(type) are used */
	/* The stored ciphertext; n_ciphertext is 0 if it is unknown. */
	uint8_t	n_ciphertext, ciphertext[CIPHER_MAX];
};

/* Returns 0, or -1 with a static reason. */
int value_parse(
    const char *type, const char *text, struct plain *, const char **why);
/* Parse "TYPE:VALUE". */
int value_parse_pair(const char *pair, struct plain *, const char **why);
/* Print the VALUE; returns `out'. */
char *value_print(const struct plain *, char out[VALUE_TEXT]);
/* Make a new handle of this type on this chain. */
void value_handle(uint64_t chain_id, uint8_t type, uint8_t handle[32]);

#endif
