/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Registry's stand-in knows, and the devnet_* methods that change it.
 */
#ifndef DEVNET_REGISTRY_STATE_H
#define DEVNET_REGISTRY_STATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "payload.h"
#include "registry.h"

/* facts(): head, key, shares twice and both lists, all as long as can be. */
#define FACTS_MAX	(32 * (9 + 3 + 2 * (1 + (KMS_NODES * 33 + 31) / 32) + \
	2 * (1 + LIST_MAX)))

/* Starts empty, or as the state file says: 0, or -1 where that is unreadable. */
int	state_init(const struct devnet_registry *);

/* Each: the method's result, or NULL and why. */
json_t	*state_set(const json_t *params, const char **why);
json_t	*state_register(const json_t *params, const char **why);
json_t	*state_revoke(const json_t *params, const char **why);
json_t	*state_runners(const json_t *params, const char **why);

/* What the contract returns, ABI-encoded; the number of bytes. */
size_t	state_facts(const uint8_t runner[20], uint64_t block, uint64_t time,
	    uint8_t out[FACTS_MAX]);
int	state_is_runner(const uint8_t runner[20]);

/* "0x.." of n bytes; exactly `size' bytes: 0 or -1; a number: 0 or -1. */
json_t	*hex_json(const uint8_t *p, size_t n);
int	 hex_exact(const json_t *, uint8_t *out, size_t size);
int	 number_json(const json_t *, uint64_t *out);

#endif
