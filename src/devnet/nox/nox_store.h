/* SPDX-License-Identifier: Apache-2.0
 *
 * The database of the server nox: encrypted values by handle.
 */
#ifndef NOX_STORE_H
#define NOX_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "ecies.h"

#define NOX_PLAIN_MAX	4096	/* bytes of a value, for bytes and string */

struct nox_value {
	uint8_t	handle[32];
	uint8_t	public_key[33], nonce[GCM_NONCE];	/* of the envelope */
	uint8_t	tag[32];	/* handleValueTag */
	uint8_t	owner[20];	/* who may read it */
	size_t	n;		/* bytes of ciphertext */
	uint8_t	ciphertext[NOX_PLAIN_MAX + GCM_TAG];
};

enum nox_put {
	NOX_CREATED,
	NOX_UNCHANGED,		/* stored already, with the same tag */
	NOX_CONFLICTED,		/* ... with another tag, which is kept */
};

/* A database error is fatal. */
void nox_store_open(const char *path);
/* Returns 1 with the value, or 0. */
int nox_store_get(const uint8_t handle[32], struct nox_value *);
int nox_store_has(const uint8_t handle[32]);
enum nox_put nox_store_put(const struct nox_value *);
uint64_t nox_store_count(void);

#endif
