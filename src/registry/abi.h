/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of the Solidity ABI that facts(address) of proto/IRegistry.sol
 * needs.
 */
#ifndef ABI_H
#define ABI_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#define ABI_CALL	(4 + 32)

/* keccak256("facts(address)")[0..3]; test_abi checks it. */
#define ABI_FACTS	{ 0xca, 0x53, 0x81, 0xee }

/* Encode the call data of facts(runner). */
void abi_facts_call(const uint8_t runner[20], uint8_t call[ABI_CALL]);

/* Decode the result of facts() into kms_*, orchestrators, gateways, sequence
 * and valid_until; the other members are not changed.  Returns NULL, or the
 * reason why it is invalid, and then *facts is unchanged. */
const char *abi_facts_read(const uint8_t *data, size_t n, struct m_facts *);

#endif
