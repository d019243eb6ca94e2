/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifies a proof by following the key from the root to its value; registry
 * runs it on bytes that an endpoint sent.  Each node must have the hash by
 * which its parent refers to it, so the root vouches for everything that is
 * read.  Must never read past a node or go the path is longer than the key is
 * long.
 */
#include <string.h>

#include "keccak.h"
#include "trie.h"

#define NIBBLES	64		/* in a key */
#define BRANCH	17		/* 16 children and a value */

struct walk {
	const uint8_t		*key;
	unsigned		 at;		/* nibbles of the key
						 * consumed */
	const struct rlp	*nodes;
	size_t			 n_nodes, used;
	struct rlp_item		 node[BRANCH];
	int			 n_items;
};

/* The path of a leaf or an extension, in hex-prefix encoding. */
struct path {
	const uint8_t	*p;
	unsigned	 skip, n;	/* n nibbles, after `skip' ones */
	int		 is_leaf;
};

static unsigned
nibble(const uint8_t *p, unsigned i)
{
	return i % 2 == 0 ? p[i / 2] >> 4 : p[i / 2] & 0xf;
}

/* The root of a trie without entries is keccak256(0x80). */
static int
is_empty(const uint8_t root[32])
{
	static const uint8_t nothing = RLP_STRING;
	uint8_t hash[32];

	keccak256(&nothing, 1, hash);
	return memcmp(root, hash, sizeof(hash)) == 0;
}

/* Load the node that `to' refers to.  A node of 32 bytes or more is referred to
 * by its hash; a shorter one is embedded in its parent. */
static const char *
load_node(struct walk *w, const struct rlp_item *to)
{
	const struct rlp *node = &to->all;
	uint8_t hash[32];

	if (to->is_list) {
		if (node->n >= 32)
			return "an embedded node is too long";
	} else {
		if (to->in.n != 32)
			return "a reference is not a hash";
		if (w->used == w->n_nodes)
			return "a node is missing";
		node = &w->nodes[w->used];
		if (w->used > 0 && node->n < 32)
			return "a short node is not embedded";
		keccak256(node->p, node->n, hash);
		if (memcmp(hash, to->in.p, 32) != 0)
			return "the hash of a node does not match";
		w->used++;
	}
	w->n_items = rlp_split_list(*node, w->node, BRANCH);
	return w->n_items == 2 || w->n_items == BRANCH ?
	    NULL :
	    "a node of neither 2 nor 17 items";
}

static const char *
read_path(const struct rlp_item *item, struct path *path)
{
	const struct rlp *in = &item->in;
	unsigned flags;

	if (item->is_list || in->n == 0 || in->n > 1 + NIBBLES / 2)
		return "a malformed path";
	flags = in->p[0] >> 4;
	if (flags > 3 || (flags % 2 == 0 && (in->p[0] & 0xf) != 0))
		return "a path with a wrong prefix";
	path->p = in->p;
	path->is_leaf = flags >= 2;
	path->skip = flags % 2 == 0 ? 2 : 1;
	path->n = 2 * (unsigned)in->n - path->skip;
	return NULL;
}

static int
path_matches(const struct walk *w, const struct path *path)
{
	for (unsigned i = 0; i < path->n; i++)
		if (nibble(path->p, path->skip + i) !=
		    nibble(w->key, w->at + i))
			return 0;
	return 1;
}

/* Follow a leaf or an extension.  Sets *next to the child, or *value if the
 * search ends here. */
static const char *
follow_path(struct walk *w, struct rlp_item *next, struct rlp *value)
{
	static const struct rlp nothing = { NULL, 0 };
	struct path path;
	const char *why;

	if ((why = read_path(&w->node[0], &path)) != NULL)
		return why;
	if (path.is_leaf ? path.n != NIBBLES - w->at :
			   path.n == 0 || path.n >= NIBBLES - w->at)
		return "a path of the wrong length";
	if (path.is_leaf && (w->node[1].is_list || w->node[1].in.n == 0))
		return "a leaf without a value";
	next->all.n = 0;
	if (!path_matches(w, &path)) {
		*value = nothing;
		return NULL;
	}
	if (path.is_leaf) {
		*value = w->node[1].in;
		return NULL;
	}
	w->at += path.n;
	*next = w->node[1];
	return NULL;
}

/* Follow a branch; results as above. */
static const char *
follow_branch(struct walk *w, struct rlp_item *next, struct rlp *value)
{
	static const struct rlp nothing = { NULL, 0 };

	if (w->at == NIBBLES)
		return "the path is longer than the key";
	*next = w->node[nibble(w->key, w->at++)];
	if (!next->is_list && next->in.n == 0) {
		*value = nothing;
		next->all.n = 0;
	}
	return NULL;
}

const char *
trie_get(const uint8_t root[32], const uint8_t key[32], const struct rlp *nodes,
    size_t n_nodes, struct rlp *value)
{
	struct walk w = { .key = key, .nodes = nodes, .n_nodes = n_nodes };
	struct rlp_item next = { .in = { root, 32 }, .all = { root, 32 } };
	struct rlp found = { NULL, 0 };
	const char *why;

	if (is_empty(root)) {
		/* Some endpoints send the node 0x80, others send no node. */
		if (n_nodes > 1 ||
		    (n_nodes == 1 &&
			(nodes->n != 1 || nodes->p[0] != RLP_STRING)))
			return "nodes for an empty trie";
		*value = found;
		return NULL;
	}
	do {
		if ((why = load_node(&w, &next)) != NULL)
			return why;
		why = w.n_items == BRANCH ? follow_branch(&w, &next, &found) :
					    follow_path(&w, &next, &found);
		if (why != NULL)
			return why;
	} while (next.all.n != 0);
	if (w.used != n_nodes)
		return "nodes after the last one";
	*value = found;
	return NULL;
}
