/* SPDX-License-Identifier: Apache-2.0
 *
 * What a compiled policy is known by: in the configuration's hash, which is attested,
 * and to auditors.
 */
#ifndef POLICY_HASH_H
#define POLICY_HASH_H

#include <stdint.h>

#include "policy.h"

/* SHA-256 over the instructions, each as the kernel takes it: 8 bytes, in host
 * order. */
void	policy_hash(const struct policy *, uint8_t hash[32]);

#endif
