/* SPDX-License-Identifier: Apache-2.0
 *
 * See arena.h.  A list of chunks, each filled from the front.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "log.h"

#define CHUNK	(64 * 1024)

struct chunk {
	struct chunk	*next;
	size_t		 used, size;
	_Alignas(16) unsigned char b[];
};

static void *
arena_alloc(void *arg, size_t n)
{
	struct arena *a = arg;
	struct chunk *c = a->chunks;
	size_t size;
	void *p;

	if (n > a->left)
		return NULL;
	n = (n + 15) & ~(size_t)15;
	if (c == NULL || n > c->size - c->used) {
		size = n > CHUNK ? n : CHUNK;
		if ((c = malloc(sizeof(*c) + size)) == NULL)
			return NULL;
		c->next = a->chunks;
		c->used = 0;
		c->size = size;
		a->chunks = c;
	}
	p = c->b + c->used;
	c->used += n;
	a->left -= n < a->left ? n : a->left;
	return p;
}

static void
arena_no_free(void *arg, void *p)
{
	(void)arg;
	(void)p;
}

void
arena_init(struct arena *a, size_t max)
{
	a->allocator = (ProtobufCAllocator){ arena_alloc, arena_no_free, a };
	a->chunks = NULL;
	a->left = max;
}

void
arena_free(struct arena *a)
{
	struct chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
}

void *
arena_get(struct arena *a, size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > SIZE_MAX / size)
		fatal("arena: %zu items of %zu bytes", n, size);
	if ((p = arena_alloc(a, n * size)) == NULL)
		fatal("arena: out of memory");
	memset(p, 0, n * size);
	return p;
}
