/* SPDX-License-Identifier: Apache-2.0
 *
 * Which (task, attempt) of a chain were accepted, until their deadlines.  Runs
 * in keys.  A set-associative table of fixed size for each chain, under a keyed
 * hash: no one can aim at a set, and a full set refuses (fail closed) rather
 * than forgets.
 *
 * Size: 5,000 tasks a second, each REPLAY_AHEAD seconds from its deadline, are
 * 3 million entries, 92 in a set on average.  More than WAYS then is a set in
 * ten million.  A table that is full takes 54 MiB; in one of 100,000 entries,
 * about 4 MiB are used.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "keccak.h"
#include "keys.h"
#include "log.h"

#define SETS	32768
#define WAYS	144
#define PART	4

/* A set is filled from its first part on, so that a table in which little is
 * used takes few pages. */
struct replay {
	struct {
		uint64_t	tag[PART];
		/* seconds of now_ms(); past: free; 0: was never used, nor is
		 * any after it */
		uint32_t	until[PART];
	} part[WAYS / PART][SETS];
};

static uint8_t seed[32];

void
replay_init(void)
{
	uint32_t i;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		fatal("getrandom: no seed");
	for (i = 0; i < keys.conf.n_chains; i++)
		keys.chains[i].replay = replay_new();
}

struct replay *
replay_new(void)
{
	struct replay *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED)
		fatal("replay: cannot allocate %zu bytes: %s", sizeof(*r),
		    strerror(errno));
	return r;
}

uint32_t
replay_add(
    struct replay *r, const uint8_t id[32], uint32_t attempt, uint64_t life)
{
	const uint32_t now = (uint32_t)(now_ms() / 1000);
	size_t set, way, room = WAYS;
	uint32_t until = 1;
	struct keccak k;
	uint8_t h[32];
	uint64_t tag;

	keccak_init(&k);
	keccak_update(&k, seed, sizeof(seed));
	keccak_update(&k, id, 32);
	keccak_update(&k, &attempt, sizeof(attempt));
	keccak_final(&k, h);
	memcpy(&tag, h, sizeof(tag));
	set = (h[8] | (size_t)h[9] << 8) % SETS;
	for (way = 0; way < WAYS && until != 0; way++) {
		until = r->part[way / PART][set].until[way % PART];
		if (until > now) {
			if (r->part[way / PART][set].tag[way % PART] == tag)
				return ST_REPLAYED;
		} else if (room == WAYS)
			room = way;
	}
	if (room == WAYS || life > UINT32_MAX - now - 2)
		return ST_BUSY;
	r->part[room / PART][set].tag[room % PART] = tag;
	/* Both clocks were rounded down to seconds. */
	r->part[room / PART][set].until[room % PART] = now + (uint32_t)life + 2;
	return ST_OK;
}
