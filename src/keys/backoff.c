/* SPDX-License-Identifier: Apache-2.0
 *
 * Exponential back-off, without jitter.  Runs in keys.
 */
#include "keys.h"

#define DELAY_MAX	640		/* seconds */

uint32_t
backoff_next(uint32_t delay, uint32_t first)
{
	return delay == 0 ? first : delay < DELAY_MAX ? 2 * delay : DELAY_MAX;
}
