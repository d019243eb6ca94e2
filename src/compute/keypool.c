/* SPDX-License-Identifier: Apache-2.0
 *
 * A stack of data keys that are made ahead.  Runs in compute.  Must never give
 * the same key twice: AES-GCM with a key that encrypts two values relies on the
 * nonce alone, and K would show that both come from one worker.
 */
#include <string.h>

#include "ecies.h"
#include "keypool.h"
#include "log.h"
#include "secp.h"
#include "secret.h"

static uint8_t kms_key[33], kms_xy[64];	/* public */
static uint32_t taken;		/* for this KMS key, at most KEYPOOL_SIZE */

static struct keypool {
	uint32_t	n;
	struct {
		uint8_t	k_pub[33], key[32];
	} entries[KEYPOOL_SIZE];
} *pool;

void
keypool_init(void)
{
	pool = secret_alloc(sizeof(*pool));
}

void
keypool_wipe(void)
{
	secret_wipe(pool, sizeof(*pool));
}

static void
start_over(const uint8_t xy[64])
{
	keypool_wipe();
	memcpy(kms_xy, xy, sizeof(kms_xy));
	taken = 0;
}

int
keypool_use(const uint8_t key[33])
{
	uint8_t xy[64];

	if (memcmp(key, kms_key, sizeof(kms_key)) == 0)
		return 0;
	if (secp_decompress(key, xy) != 0)
		return -1;
	start_over(xy);
	memcpy(kms_key, key, sizeof(kms_key));
	return 0;
}

int
keypool_has_room(void)
{
	return pool->n < taken;
}

void
keypool_add(void)
{
	if (ecies_key_new(kms_xy, pool->entries[pool->n].k_pub,
		pool->entries[pool->n].key) != 0)
		fatal("cannot make a data key");
	pool->n++;
}

int
keypool_take(uint8_t k_pub[33], uint8_t key[32])
{
	if (taken < KEYPOOL_SIZE)
		taken++;
	if (pool->n == 0)
		return ecies_key_new(kms_xy, k_pub, key);
	pool->n--;
	memcpy(k_pub, pool->entries[pool->n].k_pub, 33);
	memcpy(key, pool->entries[pool->n].key, 32);
	secret_wipe(&pool->entries[pool->n], sizeof(pool->entries[0]));
	return 0;
}
