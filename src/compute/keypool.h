/* SPDX-License-Identifier: Apache-2.0
 *
 * Data keys of outputs, made ahead for the KMS key of the last job.  compute
 * makes them while it waits for a job, which saves most of the time of
 * encrypting an output.  The pool holds K and the data key, never the scalar k.
 * It is the only secret that stays after a job; README.privsep says what a
 * reader of it gets.
 *
 * A worker has no KMS key before its first job, and makes no key after its
 * last.  So with `isolate task' the pool stays empty.
 */
#ifndef KEYPOOL_H
#define KEYPOOL_H

#include <stdint.h>

/* The most keys that are made ahead.  A task of one operation has at most three
 * outputs, so this is enough for ten of them.  32 keys take 2 ms to make; more
 * would give more to a reader of this memory. */
#define KEYPOOL_SIZE	32

/* Call before the sandbox is entered. */
void keypool_init(void);

/* From now on make keys for this KMS key.  If it is another than before, the
 * pool is wiped.  Returns -1 if it is no point, else 0. */
int keypool_use(const uint8_t kms_key[33]);

/* Is there room for another key?  1 or 0.  The pool holds at most as many keys
 * as were taken since the KMS key changed: if that changes with each task, no
 * more is wasted than is used. */
int keypool_has_room(void);
/* Make one key (about 66 us).  Only if keypool_has_room(). */
void keypool_add(void);

/* K and its data key, once: from the pool, which forgets it, or made now if the
 * pool is empty.  Returns 0 or -1. */
int keypool_take(uint8_t k_pub[33], uint8_t key[32]);

/* Every key. */
void keypool_wipe(void);

#endif
