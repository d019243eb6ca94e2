/* SPDX-License-Identifier: Apache-2.0
 *
 * Follows a key through the nodes of a proof; registry runs it on bytes that an
 * endpoint sent.  Each node must have the hash by which the one before refers to
 * it, so nothing is taken from them that the root does not vouch for.  Must
 * never read past a node, nor go deeper than the key is long.
 */
#include <string.h>

#include "keccak.h"
#include "trie.h"

#define NIBBLES	64		/* of a key */
#define BRANCH	17		/* items of a branch: children, a value */

struct walk {
	const uint8_t		*key;
	unsigned		 at;		/* nibbles that are behind us */
	const struct rlp	*nodes;
	size_t			 n_nodes, used;
	struct rlp_item		 node[BRANCH];
	int			 n_items;
};

/* The nibbles of a leaf or an extension, in hex-prefix. */
struct path {
	const uint8_t	*p;
	unsigned	 skip, n;	/* n nibbles behind `skip' others */
	int		 is_leaf;
};

static unsigned
nibble(const uint8_t *p, unsigned i)
{
	return i % 2 == 0 ? p[i / 2] >> 4 : p[i / 2] & 0xf;
}

/* keccak256(0x80): no key has a value. */
static int
is_empty(const uint8_t root[32])
{
	static const uint8_t nothing = RLP_STRING;
	uint8_t hash[32];

	keccak256(&nothing, 1, hash);
	return memcmp(root, hash, sizeof(hash)) == 0;
}

/* The node that `to' refers to: by its hash, or, where it is shorter, itself. */
static const char *
enter(struct walk *w, const struct rlp_item *to)
{
	const struct rlp *node = &to->all;
	uint8_t hash[32];

	if (to->is_list) {
		if (node->n >= 32)
			return "a long node in another";
	} else {
		if (to->in.n != 32)
			return "a reference that is no hash";
		if (w->used == w->n_nodes)
			return "a node is missing";
		node = &w->nodes[w->used];
		if (w->used > 0 && node->n < 32)
			return "a short node by its hash";
		keccak256(node->p, node->n, hash);
		if (memcmp(hash, to->in.p, 32) != 0)
			return "a node has another hash";
		w->used++;
	}
	w->n_items = rlp_get_list(*node, w->node, BRANCH);
	return w->n_items == 2 || w->n_items == BRANCH ? NULL :
	    "a node of neither 2 nor 17 items";
}

static const char *
read_path(const struct rlp_item *item, struct path *path)
{
	const struct rlp *in = &item->in;
	unsigned flags;

	if (item->is_list || in->n == 0 || in->n > 1 + NIBBLES / 2)
		return "a path that is none";
	flags = in->p[0] >> 4;
	if (flags > 3 || (flags % 2 == 0 && (in->p[0] & 0xf) != 0))
		return "a path with a wrong prefix";
	path->p = in->p;
	path->is_leaf = flags >= 2;
	path->skip = flags % 2 == 0 ? 2 : 1;
	path->n = 2 * (unsigned)in->n - path->skip;
	return NULL;
}

/* Is the key's way that of this path? */
static int
follows(const struct walk *w, const struct path *path)
{
	for (unsigned i = 0; i < path->n; i++)
		if (nibble(path->p, path->skip + i) !=
		    nibble(w->key, w->at + i))
			return 0;
	return 1;
}

/* Through a leaf or an extension: to *next, where the way goes on. */
static const char *
through_path(struct walk *w, struct rlp_item *next, struct rlp *value)
{
	static const struct rlp nothing = { NULL, 0 };
	struct path path;
	const char *why;

	if ((why = read_path(&w->node[0], &path)) != NULL)
		return why;
	if (path.is_leaf ? path.n != NIBBLES - w->at :
	    path.n == 0 || path.n >= NIBBLES - w->at)
		return "a path of another length";
	if (path.is_leaf && (w->node[1].is_list || w->node[1].in.n == 0))
		return "a leaf without a value";
	next->all.n = 0;
	if (!follows(w, &path)) {
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

/* The same through a branch. */
static const char *
through_branch(struct walk *w, struct rlp_item *next, struct rlp *value)
{
	static const struct rlp nothing = { NULL, 0 };

	if (w->at == NIBBLES)
		return "deeper than the key";
	*next = w->node[nibble(w->key, w->at++)];
	if (!next->is_list && next->in.n == 0) {
		*value = nothing;
		next->all.n = 0;
	}
	return NULL;
}

const char *
trie_get(const uint8_t root[32], const uint8_t key[32],
    const struct rlp *nodes, size_t n_nodes, struct rlp *value)
{
	struct walk w = { .key = key, .nodes = nodes, .n_nodes = n_nodes };
	struct rlp_item next = { .in = { root, 32 }, .all = { root, 32 } };
	struct rlp found = { NULL, 0 };
	const char *why;

	if (is_empty(root)) {
		/* Some send the node 0x80, some none. */
		if (n_nodes > 1 || (n_nodes == 1 && (nodes->n != 1 ||
		    nodes->p[0] != RLP_STRING)))
			return "nodes of a trie that is empty";
		*value = found;
		return NULL;
	}
	do {
		if ((why = enter(&w, &next)) != NULL)
			return why;
		why = w.n_items == BRANCH ? through_branch(&w, &next, &found) :
		    through_path(&w, &next, &found);
		if (why != NULL)
			return why;
	} while (next.all.n != 0);
	if (w.used != n_nodes)
		return "nodes behind the last one";
	*value = found;
	return NULL;
}
