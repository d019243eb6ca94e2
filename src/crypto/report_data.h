/* SPDX-License-Identifier: Apache-2.0
 *
 * The 64 bytes that a Runner has its TEE sign, which bind the evidence to its
 * key.
 */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H

#include <stdint.h>

/* SHA-512("TEE Runner evidence v1" || compressed key || configuration hash ||
 * hash of a recent block, which proves the evidence's age).  Returns 0, or -1
 * if OpenSSL lacks SHA-512. */
int report_data(const uint8_t public_key[33],
    const uint8_t configuration_hash[32], const uint8_t block_hash[32],
    uint8_t out[64]);

#endif
