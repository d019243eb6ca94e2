/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is freed all at once.  Each call has one pool, for its unpacked
 * request and its answer.  Every process of tee-devnet uses it.
 */
#ifndef POOL_H
#define POOL_H

#include "arena.h"

struct pool {
	struct arena	 arena;
};

void pool_init(struct pool *);
void pool_free(struct pool *);
/* Zeroed memory; never NULL (fatal if out of memory). */
void *pool_get(struct pool *, size_t n, size_t size);
char *pool_printf(struct pool *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A protobuf bytes field with a copy of n bytes. */
ProtobufCBinaryData pool_bytes(struct pool *, const void *, size_t n);

#endif
