/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of the Solidity ABI that facts(address) of proto/IRegistry.sol
 * needs, and the two getters of a NoxCompute contract.
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

/* The getters of a NoxCompute contract, whose selectors are the first bytes of
 * keccak256("kmsPublicKey()") and keccak256("gateway()"); test_abi checks
 * them. */
#define ABI_NOX_CALL	4
#define ABI_NOX_KEY	{ 0xac, 0x6c, 0x54, 0x4f }
#define ABI_NOX_GATEWAY	{ 0x11, 0x61, 0x91, 0xb6 }
/* Decode their results into kms_key and gateways.  key: of type `bytes', a
 * point in SEC1 form, which is compressed here.  gateway: an address.  Returns
 * NULL, or the reason why they are invalid, and then *facts is unchanged. */
const char *abi_nox_read(const uint8_t *key, size_t n_key,
    const uint8_t *gateway, size_t n_gateway, struct m_facts *);

/* Decode the result of facts() into kms_*, orchestrators, gateways, sequence
 * and valid_until; the other members are not changed.  Returns NULL, or the
 * reason why it is invalid, and then *facts is unchanged. */
const char *abi_facts_read(const uint8_t *data, size_t n, struct m_facts *);

#endif
