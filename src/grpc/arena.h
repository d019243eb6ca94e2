/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of one message, which is freed as a whole.  It has an upper bound,
 * since a peer decides how much an unpacked message takes.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

struct arena {
	ProtobufCAllocator allocator;	/* for protobuf_c_message_unpack() */
	struct chunk	*chunks;
	size_t		 left;		/* bytes that may still be taken */
};

/* max: bytes that the arena may take in all. */
void arena_init(struct arena *, size_t max);
void arena_free(struct arena *);
/* n items of `size' bytes, zeroed; fatal if the arena is full: only for
 * messages that the caller builds. */
void *arena_get(struct arena *, size_t n, size_t size);

#endif
