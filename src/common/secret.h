/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for secrets: locked, left out of dumps, wiped on fork, between guard
 * pages, and from memfd_secret(2) if the kernel has it. keys and compute only.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>

/* `size' zeroed bytes, rounded up to pages; fatal when it cannot be had.
 * Make few and large ones, at start-up, before the filter. */
void *secret_alloc(size_t size);
/* Wipe and unmap. */
void secret_free(void *, size_t size);
/* Lock what else secrets pass through: data, stack and heap as they are now,
 * with some room, but no mapping that is shared.  Before the filter; fatal when
 * it cannot be had. */
void secret_lock_process(void);
/* 1 when memfd_secret backs it, 0 when mlock does: valid after an alloc. */
int secret_is_hidden(void);

#define secret_wipe(p, n)	explicit_bzero((p), (n))

/* Equal?  Time depends on n alone.  1 or 0. */
int secret_equal(const void *, const void *, size_t n);

#endif
