/* SPDX-License-Identifier: Apache-2.0
 *
 * Shamir shares s_i of the KMS key, with public P_i = s_i G; any t of them
 * determine the key.  proto/VALUES.md defines the exact bytes.
 */
#ifndef SHAMIR_H
#define SHAMIR_H

#include <stddef.h>
#include <stdint.h>

/* Dealer (tee-devnet, tests): split `key' into n shares, any t of which
 * suffice. */
int shamir_split(
    const uint8_t key[32], unsigned t, unsigned n, uint8_t (*shares)[32]);

/* Check that the shares of these t nodes determine the key `pub'.  share_pubs[i
 * - 1] is that of node i.  Returns 0 or -1. */
int shamir_check(const uint32_t *quorum, size_t t,
    const uint8_t (*share_pubs)[33], const uint8_t pub[33]);

/* lambda_i(Q) at 0.  quorum: t distinct node numbers >= 1, including i. */
int shamir_lambda(
    const uint32_t *quorum, size_t t, uint32_t i, uint8_t lambda[32]);

#endif
