/* SPDX-License-Identifier: Apache-2.0
 *
 * What chain proves: tries, headers and the Registry's storage against vectors
 * that others' implementations made (tests/interop/proof.sh), and changed in
 * every place.  PROOF_VECTORS: another file of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi.h"
#include "header.h"
#include "keccak.h"
#include "layout.h"
#include "rpc.h"
#include "trie.h"

#define WORDS		80	/* of a line */
#define STORED		2048	/* words of a Registry's storage */

struct line {
	char	*word[WORDS];
	size_t	 n;
};

struct vector {			/* a trie's */
	uint8_t		 root[32], key[32];
	struct rlp	 value;
	struct rlp	 nodes[WORDS];
	size_t		 n;
};

static FILE *vectors;

/* ---- lines ------------------------------------------------------------- */

static int
open_vectors(void **state)
{
	const char *path = getenv("PROOF_VECTORS"), *src = getenv("srcdir");
	char default_path[512];

	(void)state;
	snprintf(default_path, sizeof(default_path),
	    "%s/tests/vectors/proof.txt", src == NULL ? "." : src);
	vectors = fopen(path == NULL ? default_path : path, "r");
	assert_non_null(vectors);
	return 0;
}

static int
close_vectors(void **state)
{
	(void)state;
	return fclose(vectors);
}

/* The next line of this kind, or of either; with as few words as given the rest
 * is the last. */
static int
next_line(struct line *l, const char *kind, const char *other, size_t words)
{
	static char text[1 << 17];
	char *rest;

	while (fgets(text, sizeof(text), vectors) != NULL) {
		assert_non_null(strchr(text, '\n'));
		text[strcspn(text, "\n")] = '\0';
		rest = text;
		for (l->n = 0; l->n < words && rest != NULL; l->n++)
			l->word[l->n] = l->n == words - 1 ? rest :
							    strsep(&rest, " ");
		if (strcmp(l->word[0], kind) == 0 ||
		    strcmp(l->word[0], other) == 0)
			return 1;
	}
	return 0;
}

/* Exactly as many bytes as the text has, so that a sanitizer guards them. */
static struct rlp
bytes(const char *text)
{
	json_t *s = json_string(text);
	struct rlp b = { NULL, strlen(text) / 2 - 1 };
	uint8_t *p = malloc(b.n + (b.n == 0));

	assert_non_null(p);
	assert_int_equal(rpc_bytes(s, p, b.n), b.n);
	json_decref(s);
	b.p = p;
	return b;
}

static void
drop(struct rlp b)
{
	free((void *)(uintptr_t)b.p);
}

static void
fixed(uint8_t *to, size_t n, const char *text)
{
	struct rlp b = bytes(text);

	assert_int_equal(b.n, n);
	memcpy(to, b.p, n);
	drop(b);
}

/* ---- tries ------------------------------------------------------------- */

static int
next_vector(struct vector *v)
{
	static const struct rlp nothing = { NULL, 0 };
	struct line l;

	if (!next_line(&l, "trie", "", WORDS))
		return 0;
	fixed(v->root, 32, l.word[1]);
	fixed(v->key, 32, l.word[2]);
	v->value = strcmp(l.word[3], "-") == 0 ? nothing : bytes(l.word[3]);
	v->n = l.n - 4;
	for (size_t i = 0; i < v->n; i++)
		v->nodes[i] = bytes(l.word[4 + i]);
	return 1;
}

static void
drop_vector(struct vector *v)
{
	drop(v->value);
	for (size_t i = 0; i < v->n; i++)
		drop(v->nodes[i]);
}

static const char *
get(const struct vector *v, struct rlp *value)
{
	return trie_get(v->root, v->key, v->nodes, v->n, value);
}

/* The proof as it is now proves nothing, and nothing is returned. */
static void
is_refused(const struct vector *v)
{
	const struct rlp mine = { (const uint8_t *)v, 3 };
	struct rlp value = mine;

	assert_non_null(get(v, &value));
	assert_memory_equal(&value, &mine, sizeof(mine));
}

static void
proofs_of_another_implementation_prove(void **state)
{
	struct vector v;
	struct rlp value;
	size_t n = 0, absent = 0, deep = 0;

	(void)state;
	for (; next_vector(&v); n++) {
		assert_null(get(&v, &value));
		assert_int_equal(value.n, v.value.n);
		if (value.n > 0)
			assert_memory_equal(value.p, v.value.p, value.n);
		absent += value.n == 0;
		deep += v.n >= 4;
		drop_vector(&v);
	}
	assert_true(n > 50 && absent > 10 && n - absent > 10 && deep > 10);
}

/* Nonce, balance, root of the storage, hash of the code. */
static void
accounts_are_in_the_state(void **state)
{
	struct line l;
	struct rlp nodes[WORDS], value, address;
	struct rlp_item items[4];
	uint8_t root[32], code[32], key[32];
	size_t n = 0;

	(void)state;
	for (; next_line(&l, "account", "", WORDS); n++) {
		address = bytes(l.word[1]);
		keccak256(address.p, address.n, key);
		fixed(root, 32, l.word[2]);
		fixed(code, 32, l.word[3]);
		for (size_t i = 4; i < l.n; i++)
			nodes[i - 4] = bytes(l.word[i]);
		assert_null(trie_get(root, key, nodes, l.n - 4, &value));
		assert_int_equal(rlp_split_list(value, items, 4), 4);
		assert_int_equal(items[3].in.n, 32);
		assert_memory_equal(items[3].in.p, code, 32);
		for (size_t i = 4; i < l.n; i++)
			drop(nodes[i - 4]);
		drop(address);
	}
	assert_int_equal(n, 7);
}

static void
change_node(struct vector *v, size_t i)
{
	const struct rlp node = v->nodes[i];
	uint8_t *p = (uint8_t *)(uintptr_t)node.p, *longer;

	for (size_t j = 0; j < node.n; j++) {
		p[j] ^= (uint8_t)(1u << j % 8);
		is_refused(v);
		p[j] ^= (uint8_t)(1u << j % 8);
	}
	for (v->nodes[i].n = 0; v->nodes[i].n < node.n; v->nodes[i].n++)
		is_refused(v);
	longer = calloc(1, node.n + 1);
	assert_non_null(longer);
	memcpy(longer, node.p, node.n);
	v->nodes[i] = (struct rlp){ longer, node.n + 1 };
	is_refused(v);
	free(longer);
	v->nodes[i] = node;
}

static void
change_order(struct vector *v, size_t i)
{
	const struct rlp node = v->nodes[i];
	const struct vector is = *v;

	if (i + 1 < v->n) {
		v->nodes[i] = v->nodes[i + 1];
		v->nodes[i + 1] = node;
		is_refused(v);
		*v = is;
	}
	/* once more, then not at all */
	memmove(v->nodes + i + 1, v->nodes + i, (v->n++ - i) * sizeof(node));
	is_refused(v);
	*v = is;
	memmove(v->nodes + i, v->nodes + i + 1, (--v->n - i) * sizeof(node));
	/* An empty trie's one node need not be there. */
	if (v->n > 0 || node.n > 1)
		is_refused(v);
	*v = is;
}

static void
a_proof_that_is_changed_is_refused(void **state)
{
	struct vector v;
	size_t n = 0;

	(void)state;
	while (n++ < 100 && next_vector(&v)) {
		for (size_t i = 0; i < v.n; i++) {
			change_node(&v, i);
			change_order(&v, i);
		}
		v.root[n % 32] ^= 0x10;
		is_refused(&v);
		drop_vector(&v);
	}
}

/* Nodes that have the right hash, which no trie has: the key is all zeros. */
static void
nodes_that_are_none_are_refused(void **state)
{
#define H32	"000000000000000000000000000000000000000000000000000000000" \
	"0000000"
#define EMPTY16	"80808080808080808080808080808080"
	static const struct {
		const char	*node, *why;
	} rows[] = {
		{ "0x", "a node of neither 2 nor 17 items" },
		{ "0x00", "a node of neither 2 nor 17 items" },
		{ "0xc0", "a node of neither 2 nor 17 items" },
		{ "0xc3010203", "a node of neither 2 nor 17 items" },
		{ "0xd2" EMPTY16 "8080", "a node of neither 2 nor 17 items" },
		{ "0xc2200100", "a node of neither 2 nor 17 items" },
		{ "0xc320", "a node of neither 2 nor 17 items" },
		{ "0xc38120"
		  "01",
		    "a node of neither 2 nor 17 items" },
		{ "0xf80220"
		  "01",
		    "a node of neither 2 nor 17 items" },
		{ "0xc28001", "a malformed path" },
		{ "0xc2c001", "a malformed path" },
		{ "0xe5a2"
		  "20" H32 "00"
		  "0100",
		    "a node of neither 2 nor 17 items" },
		{ "0xe4a2"
		  "20" H32 "00"
		  "01",
		    "a malformed path" },
		{ "0xc24001", "a path with a wrong prefix" },
		{ "0xc22101", "a path with a wrong prefix" },
		{ "0xc20101", "a path with a wrong prefix" },
		{ "0xc22001", "a path of the wrong length" },
		{ "0xc20001", "a path of the wrong length" },
		{ "0xe3a1"
		  "20" H32 "80",
		    "a leaf without a value" },
		{ "0xe3a1"
		  "20" H32 "c0",
		    "a leaf without a value" },
		{ "0xe3a1"
		  "00" H32 "01",
		    "a path of the wrong length" },
		{ "0xc21001", "a reference is not a hash" },
		{ "0xd101" EMPTY16, "a reference is not a hash" },
		{ "0xd1c0" EMPTY16, "a node of neither 2 nor 17 items" },
		{ "0xf1a0" H32 EMPTY16, "a node is missing" },
		{ "0xf1e0" H32 EMPTY16, "an embedded node is too long" },
	};
	struct vector v = { .n = 1 };
	struct rlp value;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		v.nodes[0] = bytes(rows[i].node);
		keccak256(v.nodes[0].p, v.nodes[0].n, v.root);
		why = get(&v, &value);
		if (why == NULL || strcmp(why, rows[i].why) != 0)
			fail_msg("%s: %s", rows[i].node, why);
		drop(v.nodes[0]);
	}
}

/* A branch in a branch in a branch, ... as deep as fits, and deeper than a key;
 * the innermost has what another would take for a value. */
static void
nothing_is_deeper_than_the_key(void **state)
{
	uint8_t nodes[70][600], *to;
	struct vector v = { .n = 70 };
	struct rlp value;

	(void)state;
	for (size_t i = v.n; i-- > 0;) {
		to = nodes[i] + rlp_put_head(nodes[i], RLP_LIST, 33 + 16);
		if (i == v.n - 1)
			memset(v.root, 1, 32);
		to = rlp_put_bytes(to, v.root, 32);
		memset(to, 0x80, 16);
		v.nodes[i] = (struct rlp){ nodes[i],
			(size_t)(to + 16 - nodes[i]) };
		keccak256(nodes[i], v.nodes[i].n, v.root);
	}
	assert_string_equal(get(&v, &value), "the path is longer than the key");
}

/* A leaf under a branch whose path is as long as all of the key. */
static void
a_path_longer_than_what_is_left_is_refused(void **state)
{
	uint8_t branch[50] = { RLP_LIST + 49, 0xa0 };
	struct vector v = { .n = 2 };
	struct rlp value;

	(void)state;
	v.nodes[1] = bytes("0xe3a1"
			   "20" H32 "01");
	keccak256(v.nodes[1].p, v.nodes[1].n, branch + 2);
	memset(branch + 34, 0x80, 16);
	v.nodes[0] = (struct rlp){ branch, sizeof(branch) };
	keccak256(branch, sizeof(branch), v.root);
	assert_string_equal(get(&v, &value), "a path of the wrong length");
	drop(v.nodes[1]);
}

/* ---- RLP --------------------------------------------------------------- */

static void
other_encodings_are_none(void **state)
{
	static const char *const bad[] = {
		"0x",
		"0x81",
		"0x8100",
		"0x817f",
		"0xb7",
		"0xb800",
		"0xb837",
		"0xb90001",
		"0xb90038",
		"0xbf",
		"0xbfffffffffffffffff",
		"0xbb7fffffff",
		"0xc1",
		"0xf7",
		"0xf800",
		"0xffffffffffffffffff",
		"0xfbffffffff",
		"0x8201",
	};
	static const char *const good[] = {
		"0x00",
		"0x7f",
		"0x80",
		"0x8180",
		"0x820000",
		"0xc0",
		"0xc100",
	};
	struct rlp_item item;
	struct rlp all, at;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		at = all = bytes(bad[i]);
		assert_int_equal(rlp_get(&at, &item), -1);
		assert_ptr_equal(at.p, all.p);
		drop(all);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		at = all = bytes(good[i]);
		assert_int_equal(rlp_get(&at, &item), 0);
		assert_int_equal(at.n, 0);
		drop(all);
	}
}

/* ---- headers ----------------------------------------------------------- */

static void
headers_have_their_hash_and_no_other(void **state)
{
	struct header h;
	struct line l;
	const char *name;
	json_t *block, *changed, *field;
	uint8_t hash[32], root[32];
	size_t n = 0, fields;
	uint64_t number;
	char *text;

	(void)state;
	for (; next_line(&l, "header", "", 3); n++) {
		fixed(hash, 32, l.word[1]);
		block = json_loads(l.word[2], 0, NULL);
		assert_null(header_read(block, hash, &h));
		assert_int_equal(
		    rpc_quantity(json_object_get(block, "number"), &number), 0);
		assert_int_equal(h.number, number);
		fixed(root, 32,
		    json_string_value(json_object_get(block, "stateRoot")));
		assert_memory_equal(h.state_root, root, 32);
		fields = 0;
		json_object_foreach(block, name, field) {
			changed = json_deep_copy(block);
			text = strdup(json_string_value(field) != NULL ?
				json_string_value(field) :
				"0x00");
			text[strlen(text) - 1] ^= 1;
			json_object_set_new(changed, name, json_string(text));
			fields += header_read(changed, hash, &h) != NULL;
			json_object_del(changed, name);
			if (header_read(changed, hash, &h) == NULL)
				assert_true(strcmp(name, "hash") == 0 ||
				    strcmp(name, "size") == 0 ||
				    strcmp(name, "totalDifficulty") == 0 ||
				    strcmp(name, "uncles") == 0 ||
				    strcmp(name, "withdrawals") == 0 ||
				    strcmp(name, "transactions") == 0);
			json_decref(changed);
			free(text);
		}
		assert_in_range(fields, 15, 21);
		hash[n] ^= 1;
		assert_string_equal(header_read(block, hash, &h),
		    "the hash of the header does not match");
		json_decref(block);
	}
	assert_int_equal(n, 7);
	assert_string_equal(
	    header_read(json_null(), hash, &h), "it does not have the block");
}

/* ---- storage ----------------------------------------------------------- */

static struct {
	uint8_t	slot[32], value[32];
} stored[STORED];
static size_t n_stored;

static void
store(const struct line *l)
{
	uint8_t slot[32];
	size_t i;

	fixed(slot, 32, l->word[1]);
	for (i = 0; i < n_stored; i++)
		if (memcmp(stored[i].slot, slot, 32) == 0)
			break;
	n_stored += i == n_stored;
	assert_true(n_stored <= STORED);
	memcpy(stored[i].slot, slot, 32);
	fixed(stored[i].value, 32, l->word[2]);
}

static void
make_known(struct layout_words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		for (size_t j = 0; j < n_stored; j++)
			if (memcmp(stored[j].slot, w->words[i].slot, 32) == 0)
				memcpy(w->words[i].value, stored[j].value, 32);
		w->words[i].is_known = 1;
	}
}

/* The facts as read from the storage. */
static const char *
read_stored(struct layout *l)
{
	static struct layout_words w;
	const char *why;
	unsigned rounds = 0;

	memset(&w, 0, sizeof(w));
	while ((why = layout_read(&w, l)) == NULL && w.n_unknown != 0) {
		assert_true(rounds++ < 3);
		make_known(&w);
	}
	return why;
}

/* The facts by the storage, and the facts by the EVM. */
static void
compare(uint64_t block, uint64_t time, struct rlp said)
{
	struct m_facts facts, is;
	struct layout l;

	memset(&facts, 0, sizeof(facts));
	memset(&is, 0, sizeof(is));
	assert_null(abi_facts_read(said.p, said.n, &is));
	assert_null(read_stored(&l));
	layout_facts(&l, block, time, &facts);
	assert_memory_equal(&facts, &is, sizeof(is));
}

static void
storage_says_what_facts_returns(void **state)
{
	struct line l;
	uint64_t block = 0, time = 0;
	struct rlp said = { NULL, 0 };
	size_t n = 0;

	(void)state;
	n_stored = 0;
	while (next_line(&l, "registry", "word", 4)) {
		if (strcmp(l.word[0], "word") == 0) {
			store(&l);
			continue;
		}
		if (n++ > 0)
			compare(block, time, said);
		drop(said);
		block = strtoull(l.word[1], NULL, 10);
		time = strtoull(l.word[2], NULL, 10);
		said = bytes(l.word[3]);
	}
	compare(block, time, said);
	drop(said);
	assert_int_equal(n, 7);
}

static void
set_word(size_t at, unsigned byte, uint8_t value)
{
	stored[at].value[byte] = value;
}

/* Storage that a Registry never has: nothing is read past anything. */
static void
storage_of_another_contract_is_refused(void **state)
{
	static const uint8_t lists[2] = { 4, 5 };
	struct layout l;

	(void)state;
	n_stored = 0;
	memset(stored, 0, sizeof(stored));
	assert_null(read_stored(&l));
	assert_int_equal(l.last_epoch, 0);
	n_stored = 3;
	for (size_t i = 0; i < 2; i++) {
		stored[i].slot[31] = lists[i];
		set_word(i, 31, LIST_MAX + 1);
		assert_string_equal(read_stored(&l), "a list is too long");
		set_word(i, 31, LIST_MAX);
		assert_null(read_stored(&l));
		set_word(i, 0, 0x80);
		assert_string_equal(read_stored(&l), "a list is too long");
		set_word(i, 0, 0);
	}
	stored[2].slot[31] = 2;
	memset(stored[2].value, 0xff, 32);	/* epoch 2^64 - 1 */
	assert_string_equal(
	    read_stored(&l), "a KMS key does not have 33 bytes");
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, open_vectors, close_vectors)
	const struct CMUnitTest tests[] = {
		T(proofs_of_another_implementation_prove),
		T(accounts_are_in_the_state),
		T(a_proof_that_is_changed_is_refused),
		T(nodes_that_are_none_are_refused),
		T(nothing_is_deeper_than_the_key),
		T(a_path_longer_than_what_is_left_is_refused),
		T(other_encodings_are_none),
		T(headers_have_their_hash_and_no_other),
		T(storage_says_what_facts_returns),
		T(storage_of_another_contract_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
