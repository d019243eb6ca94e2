/* SPDX-License-Identifier: Apache-2.0
 *
 * Proofs in Ethereum's Merkle-Patricia tries: that a root of 32 bytes, whose
 * source the caller trusts, has a value under a key, or has none.
 * Source: Ethereum yellow paper, appendix D.
 */
#ifndef TRIE_H
#define TRIE_H

#include "rlp.h"

#define TRIE_NODES	65	/* from the root to the leaf of a key of 32 bytes */
#define TRIE_NODE	600	/* a branch has 532 bytes, an account's leaf 148 */

/* What the root has under the key: *value, which is in `nodes', or nothing: a
 * value of size 0.  The proof: exactly the nodes on the key's way, the root's
 * first; not those embedded in another.  NULL, or what is wrong with it, and
 * then *value is as it was. */
const char *trie_get(const uint8_t root[32], const uint8_t key[32],
	    const struct rlp *nodes, size_t n_nodes, struct rlp *value);

#endif
