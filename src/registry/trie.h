/* SPDX-License-Identifier: Apache-2.0
 *
 * Verification of proofs in Ethereum's Merkle-Patricia tries.  A proof shows,
 * for a root hash that the caller trusts, that a key has a certain value or is
 * absent.  Source: Ethereum yellow paper, appendix D.
 */
#ifndef TRIE_H
#define TRIE_H

#include "rlp.h"

#define TRIE_NODES	65	/* longest path for a key of 32 bytes */
#define TRIE_NODE	600	/* branch: 532 bytes, account leaf: 148 */

/* Look the key up.  `nodes' must be exactly the nodes on its path, root first,
 * without those embedded in another.  Returns NULL and sets *value, which
 * points into `nodes' and has size 0 if the key is absent; or returns the
 * reason why the proof is invalid, and then *value is unchanged. */
const char *trie_get(const uint8_t root[32], const uint8_t key[32],
    const struct rlp *nodes, size_t n_nodes, struct rlp *value);

#endif
