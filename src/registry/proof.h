/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Registry holds, proven from the hash of a block that the Runner's
 * owner vouches for (registry-trusted-block): by eth_getProof of any endpoint,
 * for a proof needs no quorum.  One conversation at a time; what one endpoint
 * has proven need not be proven by the next.
 */
#ifndef PROOF_H
#define PROOF_H

#include "conf.h"
#include "header.h"
#include "layout.h"
#include "rpc.h"
#include "trie.h"

#define PROOF_PIECE	16	/* words in one call */

/* why: NULL, or what is wrong with the endpoint's answer. */
typedef void (*proof_done)(void *arg, const char *why);

/* The caller's; zeros until proof_init. */
struct proof {
	const struct conf_chain *conf;
	int		 has_header, is_proven;
	struct header	 header;
	uint8_t		 code_hash[32];
	struct layout_words words;
	struct layout	 layout;
	const char	*unusable;	/* proven, but no Registry: why */

	/* the conversation */
	struct rpc	*rpc;
	proof_done	 done;
	void		*arg;
	struct layout_word *asked[PROOF_PIECE];
	size_t		 n_asked;
	uint8_t		 bytes[TRIE_NODES][TRIE_NODE];
	struct rlp	 nodes[TRIE_NODES];
	char		 why[96];
};

void	proof_init(struct proof *, const struct conf_chain *);
/* Is a trusted block configured, and nothing proven yet? */
int	proof_is_missing(const struct proof *);
/* Ask this endpoint, which has no other call, for all that is still missed. */
void	proof_ask(struct proof *, struct rpc *, proof_done, void *arg);
/* NULL: these facts are what was proven, or nothing was to be.  Or what differs;
 * the text is static. */
const char *proof_check(const struct proof *, const struct m_facts *);

#endif
