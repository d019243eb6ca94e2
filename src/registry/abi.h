/* SPDX-License-Identifier: Apache-2.0
 *
 * The Solidity ABI, as far as facts(address) of proto/IRegistry.sol needs it.
 */
#ifndef ABI_H
#define ABI_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#define ABI_CALL	(4 + 32)

/* keccak256("facts(address)")[0..3]; test_abi makes sure. */
#define ABI_FACTS	{ 0xca, 0x53, 0x81, 0xee }

/* The call's data. */
void	abi_facts_call(const uint8_t runner[20], uint8_t call[ABI_CALL]);

/* Read what facts() returned into kms_*, orchestrators, gateways, sequence and
 * valid_until; the other members stay as they are.  NULL, or what is wrong
 * with it, and then *facts is as it was. */
const char *abi_facts_read(const uint8_t *data, size_t n, struct m_facts *);

#endif
