/* SPDX-License-Identifier: Apache-2.0
 *
 * Which (chain, task, attempt) were accepted, until their deadlines.  A set-associative
 * table of fixed size under a keyed hash: no one can aim at a set, and a full
 * set refuses (fail closed) rather than forgets.
 */
#include <string.h>
#include <sys/random.h>

#include "keccak.h"
#include "keys.h"
#include "log.h"

#define SETS	4096
#define WAYS	64

static struct {
	uint64_t	tag[WAYS];
	uint64_t	deadline[WAYS];	/* in the past: free */
} sets[SETS];
static uint8_t seed[32];

void
replay_init(void)
{
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		fatal("getrandom: no seed");
}

uint32_t
replay_add(uint64_t chain_id, const uint8_t id[32], uint32_t attempt,
    uint64_t deadline)
{
	struct keccak k;
	uint8_t h[32];
	uint64_t tag, now = now_unix();
	size_t set, i, room = WAYS;

	keccak_init(&k);
	keccak_update(&k, seed, sizeof(seed));
	keccak_update(&k, &chain_id, sizeof(chain_id));
	keccak_update(&k, id, 32);
	keccak_update(&k, &attempt, sizeof(attempt));
	keccak_final(&k, h);
	memcpy(&tag, h, sizeof(tag));
	set = (h[8] | (size_t)h[9] << 8) % SETS;
	for (i = 0; i < WAYS; i++) {
		if (sets[set].deadline[i] < now)
			room = i;
		else if (sets[set].tag[i] == tag)
			return ST_REPLAYED;
	}
	if (room == WAYS)
		return ST_BUSY;
	sets[set].tag[room] = tag;
	sets[set].deadline[room] = deadline;
	return ST_OK;
}
