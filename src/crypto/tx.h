/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactions of an Ethereum account, type 2 (EIP-1559), made of typed fields and
 * signed: RLP as the Yellow Paper's appendix B has it.  They call a contract or make
 * one, and never pay anyone.
 */
#ifndef TX_H
#define TX_H

#include <stddef.h>
#include <stdint.h>

struct tx {
	uint64_t	 chain_id, nonce;
	uint64_t	 priority_fee, max_fee;	/* wei for a unit of gas */
	uint64_t	 gas;			/* at most */
	const uint8_t	*to;			/* 20 bytes; NULL: a new contract */
	const uint8_t	*data;
	size_t		 n;
};

#define TX_ROOM	256	/* what is around the data, at most */

/* The signed transaction into `out', of n + TX_ROOM bytes, and its hash: its size;
 * 0: the key is none. */
size_t	tx_sign(const struct tx *, const uint8_t key[32], uint8_t *out,
	    uint8_t hash[32]);

#endif
