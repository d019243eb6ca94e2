/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools: a list of chunks that are filled from the front.  Linked into every
 * process of tee-devnet; a pool is only freed as a whole.
 */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pool.h"

#define CHUNK	(16 * 1024)
#define ALIGN	16

struct pool_chunk {
	struct pool_chunk *next;
	size_t		   used, size;
	_Alignas(ALIGN) unsigned char data[];
};

static void *
pool_alloc(void *data, size_t size)
{
	return pool_get(data, 1, size);
}

static void
pool_ignore(void *data, void *pointer)
{
	(void)data;
	(void)pointer;
}

void
pool_init(struct pool *pool)
{
	pool->chunks = NULL;
	pool->allocator.alloc = pool_alloc;
	pool->allocator.free = pool_ignore;
	pool->allocator.allocator_data = pool;
}

void
pool_free(struct pool *pool)
{
	struct pool_chunk *chunk;

	while ((chunk = pool->chunks) != NULL) {
		pool->chunks = chunk->next;
		free(chunk);
	}
}

void *
pool_get(struct pool *pool, size_t n, size_t size)
{
	struct pool_chunk *chunk = pool->chunks;
	size_t want;
	void *p;

	if (size != 0 && n > (SIZE_MAX / 2) / size)
		fatal("pool: %zu items of %zu bytes", n, size);
	want = (n * size + ALIGN - 1) / ALIGN * ALIGN;
	if (chunk == NULL || want > chunk->size - chunk->used) {
		size_t room = want > CHUNK ? want : CHUNK;

		if ((chunk = malloc(sizeof(*chunk) + room)) == NULL)
			fatal("pool: out of memory");
		chunk->used = 0;
		chunk->size = room;
		chunk->next = pool->chunks;
		pool->chunks = chunk;
	}
	p = chunk->data + chunk->used;
	chunk->used += want;
	return memset(p, 0, want);
}

char *
pool_printf(struct pool *pool, const char *fmt, ...)
{
	va_list ap;
	char *text, *copy;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		fatal("pool: out of memory");
	copy = pool_get(pool, 1, (size_t)n + 1);
	memcpy(copy, text, (size_t)n);
	free(text);
	return copy;
}

ProtobufCBinaryData
pool_bytes(struct pool *pool, const void *data, size_t n)
{
	ProtobufCBinaryData bytes = { n, pool_get(pool, 1, n) };

	memcpy(bytes.data, data, n);
	return bytes;
}
