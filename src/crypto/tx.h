/* SPDX-License-Identifier: Apache-2.0
 *
 * Ethereum transactions of type 2 (EIP-1559), encoded in RLP (Yellow Paper,
 * appendix B) from typed fields and signed.  They call or create a contract,
 * and never transfer value.
 */
#ifndef TX_H
#define TX_H

#include <stddef.h>
#include <stdint.h>

struct tx {
	uint64_t	 chain_id, nonce;
	uint64_t	 priority_fee, max_fee;	/* wei per unit of gas */
	uint64_t	 gas;			/* gas limit */
	const uint8_t	*to;			/* 20 bytes; NULL: create */
	const uint8_t	*data;
	size_t		 n;
};

#define TX_ROOM	256	/* maximum size without the data */

/* Write the signed transaction to `out' (n + TX_ROOM bytes) and its hash.
 * Returns its size, or 0 if the key is invalid. */
size_t tx_sign(
    const struct tx *, const uint8_t key[32], uint8_t *out, uint8_t hash[32]);

#endif
