/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the Registry's storage in Solidity's layout; no I/O.  Slots depend on
 * values in other slots, so layout_read() starts again from the first slot each
 * time that more words are known, until none is missing.  No state is kept
 * between the passes.  Source: Solidity's documentation, Layout of State
 * Variables in Storage.
 */
#include <string.h>

#include "bytes.h"
#include "keccak.h"
#include "layout.h"
#include "log.h"

struct place {
	uint8_t		slot;
	unsigned	offset, size;	/* in bytes, from the low end */
};
#define OF(name, member, slot, offset, size) \
	static const struct place name##_##member = { slot, offset, size };
#include "layout.def"
#undef OF

/* Add n to a slot number of 256 bits. */
static void
slot_add(uint8_t slot[32], uint64_t n)
{
	for (size_t i = 32; i > 0 && n != 0; i--) {
		n += slot[i - 1];
		slot[i - 1] = (uint8_t)n;
		n >>= 8;
	}
}

/* Value of slot base + n.  If the slot is not known yet, add it to the wanted
 * ones and return zeros. */
static const uint8_t *
get_word(struct layout_words *s, const uint8_t base[32], uint64_t n)
{
	uint8_t slot[32];
	struct layout_word *w;

	memcpy(slot, base, sizeof(slot));
	slot_add(slot, n);
	for (w = s->words; w < s->words + s->n; w++)
		if (memcmp(w->slot, slot, sizeof(slot)) == 0) {
			s->n_unknown += !w->is_known;
			return w->value;
		}
	if (s->n == LAYOUT_WORDS)
		fatal("layout: more words than a Registry has");
	memset(w, 0, sizeof(*w));
	memcpy(w->slot, slot, sizeof(slot));
	s->n++;
	s->n_unknown++;
	return w->value;
}

/* Read an integer that shares its word with other variables. */
static uint64_t
read_number(const uint8_t *word, const struct place *p)
{
	const uint8_t *at = word + 32 - p->offset - p->size;

	return get_be(at, p->size);
}

/* Read a word that holds a length.  Returns max + 1 if it exceeds max. */
static size_t
read_length(const uint8_t *word, size_t max)
{
	static const struct place low = { 0, 0, 8 };
	const uint64_t v = read_number(word, &low);

	for (size_t i = 0; i < 24; i++)
		if (word[i] != 0)
			return max + 1;
	return v > max ? max + 1 : (size_t)v;
}

/* Read a variable of type `bytes'.  Up to 31 bytes are stored in the word
 * itself, with twice the length in the last byte.  For longer values the word
 * holds twice the length plus 1, and the data starts at keccak256(slot).
 * Returns -1 if longer than max. */
static long
get_bytes(struct layout_words *s, const uint8_t base[32], const struct place *p,
    uint8_t *to, size_t max)
{
	const uint8_t *head = get_word(s, base, p->slot);
	uint8_t slot[32], data[32];
	size_t n, part;

	if (head[31] % 2 == 0) {
		if ((n = head[31] / 2) > 31 || n > max)
			return -1;
		memcpy(to, head, n);
		return (long)n;
	}
	if ((n = read_length(head, 2 * max + 1) / 2) > max || n < 32)
		return -1;
	memcpy(slot, base, sizeof(slot));
	slot_add(slot, p->slot);
	keccak256(slot, sizeof(slot), data);
	for (size_t i = 0; i < n; i += part) {
		part = n - i < 32 ? n - i : 32;
		memcpy(to + i, get_word(s, data, i / 32), part);
	}
	return (long)n;
}

static int
get_addresses(struct layout_words *s, const struct place *p,
    uint8_t list[LIST_MAX][20], uint32_t *count)
{
	uint8_t slot[32] = { 0 }, data[32];
	size_t n;

	slot[31] = p->slot;
	if ((n = read_length(get_word(s, slot, 0), LIST_MAX)) > LIST_MAX)
		return -1;
	keccak256(slot, sizeof(slot), data);
	for (size_t i = 0; i < n; i++)
		memcpy(list[i], get_word(s, data, i) + 12, 20);
	*count = (uint32_t)n;
	return 0;
}

/* epochs[n] starts at slot keccak256(n, slot of epochs). */
static const char *
get_epoch(struct layout_words *s, uint64_t n, struct layout_epoch *e)
{
	uint8_t key[64] = { 0 }, base[32];
	const uint8_t *head;
	long key_size, size;

	slot_add(key, n);
	key[63] = Registry_epochs.slot;
	keccak256(key, sizeof(key), base);
	head = get_word(s, base, Epoch_fromBlock.slot);
	e->from_block = read_number(head, &Epoch_fromBlock);
	e->former_until = read_number(head, &Epoch_formerUntil);
	e->threshold = (uint8_t)read_number(head, &Epoch_threshold);
	key_size = get_bytes(s, base, &Epoch_key, e->key, sizeof(e->key));
	size = get_bytes(s, base, &Epoch_shares, e->shares[0], LAYOUT_SHARES);
	if (key_size != 33)
		return "a KMS key does not have 33 bytes";
	if (size <= 0 || size % 33 != 0)
		return "shares are not 1 to 64 points";
	e->nodes = (uint8_t)(size / 33);
	return NULL;
}

const char *
layout_read(struct layout_words *s, struct layout *l)
{
	static const uint8_t zero[32];
	const char *why = NULL, *w;

	memset(l, 0, sizeof(*l));
	s->n_unknown = 0;
	l->last_epoch = read_number(
	    get_word(s, zero, Registry_lastEpoch.slot), &Registry_lastEpoch);
	for (uint64_t i = 0; i < LAYOUT_EPOCHS && i < l->last_epoch; i++)
		if ((w = get_epoch(s, l->last_epoch - i, &l->epochs[i])) !=
		    NULL)
			why = w;
	if (get_addresses(s, &Registry_orchestrators, l->orchestrators,
		&l->n_orchestrators) != 0 ||
	    get_addresses(s, &Registry_gateways, l->gateways, &l->n_gateways) !=
		0)
		why = "a list is too long";
	/* Unknown words read as zeros, so an error may be due to them. */
	return s->n_unknown != 0 ? NULL : why;
}

void
layout_facts(
    const struct layout *l, uint64_t block, uint64_t time, struct m_facts *f)
{
	const struct layout_epoch *e = &l->epochs[0];

	memcpy(f->orchestrators, l->orchestrators, sizeof(f->orchestrators));
	memcpy(f->gateways, l->gateways, sizeof(f->gateways));
	f->n_orchestrators = l->n_orchestrators;
	f->n_gateways = l->n_gateways;
	f->kms_epoch = l->last_epoch;
	if (l->last_epoch != 0 && block < e->from_block) {
		f->kms_epoch--;
		e++;
	}
	memcpy(f->kms_key, e->key, sizeof(f->kms_key));
	memcpy(f->kms_shares, e->shares, sizeof(f->kms_shares));
	f->kms_threshold = e->threshold;
	f->kms_nodes = e->nodes;
	f->kms_former = time < e->former_until;
	memset(f->kms_former_shares, 0, sizeof(f->kms_former_shares));
	if (f->kms_former)
		memcpy(f->kms_former_shares, e[1].shares,
		    sizeof(f->kms_former_shares));
}
