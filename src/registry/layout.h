/* SPDX-License-Identifier: Apache-2.0
 *
 * The storage layout of proto/Registry.sol: the words that decide which
 * keys and counterparts are trusted, and how to read them.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#define LAYOUT_EPOCHS	3	/* the newest, and the two before */
#define LAYOUT_SHARES	(KMS_NODES * 33)
#define LAYOUT_WORDS	(1 + 2 * (1 + LIST_MAX) + LAYOUT_EPOCHS * \
	(1 + 1 + 2 + 1 + (LAYOUT_SHARES + 31) / 32))

struct layout_word {
	uint8_t		slot[32], value[32];
	int		is_known;
};

/* Words that are known or wanted; zeros at first.  The caller fetches the
 * unknown ones and sets is_known. */
struct layout_words {
	struct layout_word words[LAYOUT_WORDS];
	size_t		n, n_unknown;
};

struct layout_epoch {
	uint64_t	from_block, former_until;
	uint8_t		threshold, nodes;
	uint8_t		key[33];
	uint8_t		shares[KMS_NODES][33];
};

struct layout {
	uint64_t	last_epoch;	/* 0: none announced */
	struct layout_epoch epochs[LAYOUT_EPOCHS];	/* newest first */
	uint32_t	n_orchestrators, n_gateways;
	uint8_t		orchestrators[LIST_MAX][20];
	uint8_t		gateways[LIST_MAX][20];
};

/* Decode the known words and count the missing ones in n_unknown.  Until that
 * is 0, *l is not valid.  Returns NULL, or why the words cannot be a
 * Registry's. */
const char *layout_read(struct layout_words *, struct layout *l);

/* Fill in kms_*, orchestrators and gateways as facts() would return them at
 * this block if nothing else changed since. */
void layout_facts(
    const struct layout *, uint64_t block, uint64_t time, struct m_facts *);

#endif
