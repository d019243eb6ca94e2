/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the Registry's stand-in, and the devnet_* methods that change
 * it.
 */
#ifndef DEVNET_REGISTRY_STATE_H
#define DEVNET_REGISTRY_STATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "payload.h"
#include "registry.h"

/* Size of the longest result of facts(): the head, the key, the shares twice,
 * both lists. */
#define FACTS_MAX	(32 * (9 + 3 + 2 * (1 + (KMS_NODES * 33 + 31) / 32) + \
	2 * (1 + LIST_MAX)))

/* Load the state file if there is one, or start empty.  Returns 0, or -1 if the
 * file is invalid. */
int state_init(const struct devnet_registry *);

/* Each returns the method's result, or NULL and the reason. */
json_t *state_set(const json_t *params, const char **why);
json_t *state_register(const json_t *params, const char **why);
json_t *state_revoke(const json_t *params, const char **why);
json_t *state_runners(const json_t *params, const char **why);

/* The ABI-encoded result of facts(); returns its size. */
size_t state_facts(const uint8_t runner[20], uint64_t block, uint64_t time,
    uint8_t out[FACTS_MAX]);
int state_is_runner(const uint8_t runner[20]);

#endif
