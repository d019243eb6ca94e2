/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as people write them: TYPE and VALUE, where integers are decimal or
 * 0x, booleans true or false, addresses and bytesN hex.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdint.h>

#include "program.h"

#define VALUE_TEXT	96	/* of any value, NUL included */

struct plain {
	uint8_t	type;
	uint8_t	bytes[VALUE_MAX];	/* type_size(type) of them */
	/* As it was stored, for who wants to see it; 0: not known. */
	uint8_t	n_ciphertext, ciphertext[CIPHER_MAX];
};

/* 0, or -1 with a reason in static storage. */
int	value_parse(const char *type, const char *text, struct plain *,
	    const char **why);
/* "TYPE:VALUE". */
int	value_parse_pair(const char *pair, struct plain *, const char **why);
/* The VALUE; returns `out'. */
char	*value_print(const struct plain *, char out[VALUE_TEXT]);
/* A fresh handle of the type, on the chain. */
void	value_handle(uint64_t chain_id, uint8_t type, uint8_t handle[32]);

#endif
