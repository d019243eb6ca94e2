/* SPDX-License-Identifier: Apache-2.0
 *
 * See abi_encode.h.  Used by keys and tee-devnet; no I/O, no allocation.
 */
#include <string.h>

#include "abi_encode.h"
#include "bytes.h"
#include "keccak.h"
#include "log.h"

#define WORD	32

/* Append zeroed words. */
static uint8_t *
add_words(struct abi *a, size_t words)
{
	uint8_t *p = a->data + a->n;

	if (words > (a->max - a->n) / WORD)
		fatal("abi: the buffer is full");
	memset(p, 0, words * WORD);
	a->n += words * WORD;
	return p;
}

static void
set_number(uint8_t *word, uint64_t v)
{
	put_be(word + WORD - 8, 8, v);
}

static uint8_t *
next_word(struct abi_tuple *t)
{
	uint8_t *word = t->abi->data + t->next;

	if (t->next == t->end)
		fatal("abi: too many members");
	t->next += WORD;
	return word;
}

/* The next member's tail begins here. */
static struct abi *
begin_tail(struct abi_tuple *t)
{
	set_number(next_word(t), t->abi->n - t->start);
	return t->abi;
}

void
abi_begin(struct abi_tuple *t, struct abi *a, size_t n)
{
	t->abi = a;
	t->start = t->next = a->n;
	add_words(a, n);
	t->end = a->n;
}

void
abi_call(struct abi_tuple *t, struct abi *a, const char *signature, size_t n)
{
	uint8_t hash[32];

	if (a->max - a->n < 4)
		fatal("abi: the buffer is full");
	keccak256(signature, strlen(signature), hash);
	memcpy(a->data + a->n, hash, 4);
	a->n += 4;
	abi_begin(t, a, n);
}

void
abi_number(struct abi_tuple *t, uint64_t v)
{
	set_number(next_word(t), v);
}

void
abi_address(struct abi_tuple *t, const uint8_t address[20])
{
	memcpy(next_word(t) + WORD - 20, address, 20);
}

void
abi_fixed(struct abi_tuple *t, const void *b, size_t n)
{
	memcpy(next_word(t), b, n);
}

void
abi_bytes(struct abi_tuple *t, const void *b, size_t n)
{
	struct abi *a = begin_tail(t);

	set_number(add_words(a, 1), n);
	if (n != 0)
		memcpy(add_words(a, (n - 1) / WORD + 1), b, n);
}

void
abi_inner(struct abi_tuple *t, struct abi_tuple *inner, size_t n)
{
	abi_begin(inner, begin_tail(t), n);
}

void
abi_array(struct abi_tuple *t, struct abi_tuple *inner, size_t n)
{
	struct abi *a = begin_tail(t);

	set_number(add_words(a, 1), n);
	abi_begin(inner, a, n);
}
