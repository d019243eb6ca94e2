/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of what chain takes for a proof.  The first byte says as what the rest
 * is taken: as a few keys, of which a trie is made here, another way than chain
 * reads it, whose proofs must prove, and no longer when they are changed; as
 * nodes that refer to each other, of which none may be read past its end; as
 * words of the Registry's storage.  Build it with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include <stdlib.h>
#include <string.h>

#include "keccak.h"
#include "layout.h"
#include "trie.h"

#define KEYS	12
#define NODE	700
#define MARK	0xee	/* 32 of it in a node: the hash of the next one */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t *in;
static size_t left;

static uint8_t
take(void)
{
	return left == 0 ? 0 : (left--, *in++);
}

/* ---- the test's trie --------------------------------------------------- */

struct pair {
	uint8_t		key[32], value[48];
	size_t		n;
};

/* A node that has a hash: it is at the first `depth' nibbles of `key'. */
struct made {
	uint8_t		node[NODE];
	size_t		n, depth;
	const uint8_t	*key;
};

static struct pair pairs[KEYS];
static size_t n_pairs;
static struct made made[4 * KEYS];
static size_t n_made;

static unsigned
digit(const uint8_t *key, size_t i)
{
	return key[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf;
}

static uint8_t *
put_path(uint8_t *to, const uint8_t *key, size_t from, size_t end, int is_leaf)
{
	uint8_t path[33];
	size_t n = 1, odd = (end - from) % 2;

	path[0] = (uint8_t)((is_leaf ? 0x20 : 0) |
	    (odd ? 0x10 | digit(key, from) : 0));
	for (from += odd; from < end; from += 2)
		path[n++] = (uint8_t)(digit(key, from) << 4 |
		    digit(key, from + 1));
	return rlp_put_bytes(to, path, n);
}

static size_t build(size_t, size_t, size_t, uint8_t *);

/* The reference of a node to the pairs lo to hi, whose node is at `depth'. */
static uint8_t *
put_child(uint8_t *to, size_t lo, size_t hi, size_t depth)
{
	uint8_t node[NODE], hash[32];
	const size_t n = build(lo, hi, depth, node);

	if (n >= 32) {
		keccak256(node, n, hash);
		return rlp_put_bytes(to, hash, 32);
	}
	memcpy(to, node, n);
	return to + n;
}

/* The node of pairs lo to hi, which are in order, at `depth': its size. */
static size_t
build(size_t lo, size_t hi, size_t depth, uint8_t *out)
{
	uint8_t body[NODE], *to = body;
	const uint8_t *key = pairs[lo].key;
	size_t same = depth, n;

	while (same < 64 && digit(key, same) == digit(pairs[hi - 1].key, same))
		same++;
	if (hi - lo == 1) {
		to = put_path(to, key, depth, 64, 1);
		to = rlp_put_bytes(to, pairs[lo].value, pairs[lo].n);
	} else if (same > depth) {
		to = put_path(to, key, depth, same, 0);
		to = put_child(to, lo, hi, same);
	} else {
		for (unsigned d = 0; d < 16; d++) {
			for (n = lo; n < hi && digit(pairs[n].key, depth) == d;)
				n++;
			if (n == lo)
				*to++ = 0x80;
			else
				to = put_child(to, lo, n, depth + 1);
			lo = n;
		}
		*to++ = 0x80;
	}
	n = rlp_put_head(out, RLP_LIST, (size_t)(to - body));
	memcpy(out + n, body, (size_t)(to - body));
	n += (size_t)(to - body);
	if (n >= 32 || depth == 0) {
		if (n_made == sizeof(made) / sizeof(made[0]))
			abort();
		memcpy(made[n_made].node, out, n);
		made[n_made].n = n;
		made[n_made].key = key;
		made[n_made++].depth = depth;
	}
	return n;
}

/* Zeros, but for a byte or two. */
static void
take_key(uint8_t key[32])
{
	memset(key, 0, 32);
	for (unsigned i = take() % 3; i < 3; i++) {
		unsigned at = take() % 32;

		key[at] = take();
	}
}

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static void
take_pairs(void)
{
	size_t n = 1 + take() % KEYS, kept = 0;

	for (size_t i = 0; i < n; i++) {
		take_key(pairs[i].key);
		pairs[i].n = 1 + take() % sizeof(pairs[i].value);
		memset(pairs[i].value, 1 + take() % 255, pairs[i].n);
	}
	qsort(pairs, n, sizeof(pairs[0]), by_key);
	for (size_t i = 1; i < n; i++)
		if (memcmp(pairs[i].key, pairs[kept].key, 32) != 0)
			pairs[++kept] = pairs[i];
	n_pairs = kept + 1;
}

/* Of the nodes on the key's way; a copy of each, of its exact size. */
static size_t
copy_proof(const uint8_t key[32], struct rlp *nodes)
{
	size_t n = 0;

	for (size_t depth = 0; depth <= 64; depth++)
		for (size_t i = 0; i < n_made; i++) {
			size_t same = 0;

			while (same < depth &&
			    digit(key, same) == digit(made[i].key, same))
				same++;
			if (made[i].depth != depth || same < depth)
				continue;
			uint8_t *copy = malloc(made[i].n);

			memcpy(copy, made[i].node, made[i].n);
			nodes[n++] = (struct rlp){ copy, made[i].n };
		}
	return n;
}

/* Another proof of the same: not one. */
static void
change_proof(
    const uint8_t root[32], const uint8_t key[32], struct rlp *nodes, size_t n)
{
	const size_t which = take() % n;
	struct rlp value, *node = &nodes[which];
	const size_t at = (size_t)(take() << 8 | take()) % node->n;
	const uint8_t by = take();

	switch (take() % 4) {
	case 0: ((uint8_t *)(uintptr_t)node->p)[at] ^= by == 0 ? 1 : by; break;
	case 1: node->n = at; break;
	case 2:
		memmove(node, node + 1, (n - which - 1) * sizeof(*node));
		n--;
		break;
	default: memmove(node + 1, node, (n - which) * sizeof(*node)); n++;
	}
	if (trie_get(root, key, nodes, n, &value) == NULL)
		abort();
}

static void
fuzz_pairs(void)
{
	static uint8_t out[NODE];
	struct rlp nodes[TRIE_NODES + 1], kept[TRIE_NODES + 1], value;
	const struct pair *is;
	uint8_t root[32], key[32];
	size_t n;

	take_pairs();
	n_made = 0;
	keccak256(out, build(0, n_pairs, 0, out), root);
	take_key(key);
	if (take() % 2 == 0)
		memcpy(key, pairs[take() % n_pairs].key, 32);
	is = bsearch(key, pairs, n_pairs, sizeof(pairs[0]), by_key);
	n = copy_proof(key, nodes);
	if (trie_get(root, key, nodes, n, &value) != NULL ||
	    value.n != (is == NULL ? 0 : is->n) ||
	    (is != NULL && memcmp(value.p, is->value, is->n) != 0))
		abort();
	memcpy(kept, nodes, sizeof(kept));
	change_proof(root, key, nodes, n);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)kept[i].p);
}

/* ---- nodes as they come ------------------------------------------------ */

static void
fuzz_nodes(void)
{
	uint8_t *node[8], root[32] = { 0 }, key[32], mark[32];
	struct rlp nodes[8], value = { NULL, 0 };
	size_t n;

	memset(mark, MARK, sizeof(mark));
	take_key(key);
	for (n = 0; n < 8 && left > 1; n++) {
		size_t size = (size_t)(take() << 8 | take()) % NODE;

		size = size < left ? size : left;
		node[n] = malloc(size);
		memcpy(node[n], in, size);
		in += size;
		left -= size;
		nodes[n] = (struct rlp){ node[n], size };
	}
	for (size_t i = n; i-- > 0;) {
		uint8_t *at = memmem(node[i], nodes[i].n, mark, sizeof(mark));

		if (at != NULL)
			memcpy(at, root, sizeof(root));
		keccak256(node[i], nodes[i].n, root);
	}
	if (trie_get(root, key, nodes, n, &value) == NULL && value.n != 0) {
		size_t i;

		for (i = 0; i < n; i++)
			if (value.p >= nodes[i].p &&
			    value.p + value.n <= nodes[i].p + nodes[i].n)
				break;
		if (i == n)
			abort();
	}
	while (n > 0)
		free(node[--n]);
}

/* ---- storage ----------------------------------------------------------- */

static void
fuzz_words(void)
{
	static struct layout_words words;
	static struct layout l;
	struct m_facts f;
	const char *why = NULL;

	memset(&words, 0, sizeof(words));
	for (int round = 0; round < 4; round++) {
		if ((why = layout_read(&words, &l)) != NULL ||
		    words.n_unknown == 0)
			break;
		if (round == 3)
			abort();
		for (size_t i = 0; i < words.n; i++) {
			struct layout_word *w = &words.words[i];
			size_t at = 32 - take() % 33;

			for (; !w->is_known && at < 32; at++)
				w->value[at] = take();
			w->is_known = 1;
		}
	}
	if (why != NULL)
		return;
	memset(&f, 0, sizeof(f));
	layout_facts(&l, take(), take(), &f);
	if (f.n_orchestrators > LIST_MAX || f.n_gateways > LIST_MAX ||
	    f.kms_nodes > KMS_NODES)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(
	    void) = { fuzz_pairs, fuzz_nodes, fuzz_words };

	in = data;
	left = size;
	kinds[take() % 3]();
	return 0;
}
