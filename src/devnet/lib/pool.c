/* SPDX-License-Identifier: Apache-2.0
 *
 * See pool.h.  An arena without a bound.
 */
#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pool.h"

void
pool_init(struct pool *pool)
{
	/* No bound: the peers of these servers are the tests'. */
	arena_init(&pool->arena, SIZE_MAX / 2);
}

void
pool_free(struct pool *pool)
{
	arena_free(&pool->arena);
}

void *
pool_get(struct pool *pool, size_t n, size_t size)
{
	return arena_get(&pool->arena, n, size);
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
