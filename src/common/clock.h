/* SPDX-License-Identifier: Apache-2.0
 *
 * The two clocks.  Durations are measured with the first, which nobody can set
 * and which goes on while the system is suspended.  Times that others have
 * signed are compared with the second; keys uses it only through facts_now().
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t now_ms(void);		/* milliseconds since the system started */
uint64_t now_us(void);		/* microseconds since then */
uint64_t now_cpu_us(void);	/* microseconds of CPU time, this process */
uint64_t now_unix(void);	/* seconds since 1970 */
uint64_t now_unix_us(void);	/* microseconds since then */

#endif
