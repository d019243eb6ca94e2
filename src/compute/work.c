/* SPDX-License-Identifier: Apache-2.0
 *
 * The secrets of the job at hand, in compute.
 */
#include <string.h>

#include "ecies.h"
#include "exec.h"
#include "keypool.h"
#include "secret.h"
#include "work.h"

/* More stack than any function that a job calls uses. */
#define SCRUB		(24 * 1024)

struct work *work;

void
work_init(void)
{
	work = secret_alloc(sizeof(*work));
	keypool_init();
}

uint32_t
work_seal(size_t i, const uint8_t handle[32], size_t aad_len,
    const struct work_sealed *to)
{
	const uint8_t type = handle_type(handle);
	const size_t n = type_size(type);
	uint8_t *plain = work->plain + VALUE_MAX - n;

	memset(work->plain, 0, sizeof(work->plain));
	value_store(type, work->outputs[i], plain);
	*to->len = (uint8_t)(n + GCM_TAG);
	if (keypool_take(to->key, work->key) != 0 ||
	    ecies_seal_with(work->key, handle, aad_len, plain, n, to->nonce,
		to->ciphertext) != 0)
		return ST_INTERNAL;
	return ST_OK;
}

/* Overwrite the stack that the functions called before have used. */
static __attribute__((noinline)) void
scrub_stack(void)
{
	uint8_t below[SCRUB];

	secret_wipe(below, sizeof(below));
}

void
work_wipe(void)
{
	secret_wipe(work, sizeof(*work));
	scrub_stack();
}
