/* SPDX-License-Identifier: Apache-2.0
 *
 * The two clocks.  Time spans are measured with the first, which nobody can set and
 * which goes on while the system is suspended.  What others signed is compared with
 * the second; keys uses it through facts_now() alone.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t now_ms(void);		/* milliseconds since the system started */
uint64_t now_unix(void);	/* seconds since 1970 */

#endif
