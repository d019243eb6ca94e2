/* SPDX-License-Identifier: Apache-2.0
 *
 * The two clocks, for every process.
 */
#include <time.h>

#include "clock.h"

static uint64_t
read_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
now_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

uint64_t
now_ms(void)
{
	return now_us() / 1000;
}

uint64_t
now_cpu_us(void)
{
	return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t
now_unix_us(void)
{
	return read_us(CLOCK_REALTIME);
}

uint64_t
now_unix(void)
{
	return now_unix_us() / 1000000;
}
