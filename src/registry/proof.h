/* SPDX-License-Identifier: Apache-2.0
 *
 * Proves the Registry's state at a block whose hash the Runner's owner vouches
 * for (registry-trusted-block), with eth_getProof.  A proof needs no quorum:
 * any endpoint can supply it, and the next endpoint completes what the last
 * one left.
 */
#ifndef PROOF_H
#define PROOF_H

#include "conf.h"
#include "header.h"
#include "layout.h"
#include "rpc.h"
#include "trie.h"

#define PROOF_PIECE	16	/* words per call */

/* why: NULL, or what is wrong with the endpoint's answer. */
typedef void (*proof_done)(void *arg, const char *why);

/* Owned by the caller; initialize with proof_init(). */
struct proof {
	const struct conf_chain *conf;
	int		 has_header, is_proven;
	struct header	 header;
	uint8_t		 code_hash[32];
	struct layout_words words;
	struct layout	 layout;
	const char	*unusable;	/* why it is no Registry */

	/* The call in progress. */
	struct rpc	*rpc;
	proof_done	 done;
	void		*arg;
	struct layout_word *asked[PROOF_PIECE];
	size_t		 n_asked;
	uint8_t		 bytes[TRIE_NODES][TRIE_NODE];
	struct rlp	 nodes[TRIE_NODES];
	char		 why[96];
};

void proof_init(struct proof *, const struct conf_chain *);
/* 1 if a trusted block is configured and the proof is not complete. */
int proof_is_missing(const struct proof *);
/* Ask this endpoint for the missing parts.  It must have no other call. */
void proof_ask(struct proof *, struct rpc *, proof_done, void *arg);
/* Compare facts with the proven state.  Returns NULL if they agree or no
 * trusted block is configured, or else the difference (a static string). */
const char *proof_check(const struct proof *, const struct m_facts *);

#endif
