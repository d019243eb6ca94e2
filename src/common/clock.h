/* SPDX-License-Identifier: Apache-2.0
 *
 * The two clocks.  Time spans are measured with the first, what others signed
 * is compared with the second.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t now_ms(void);		/* monotonic, milliseconds */
uint64_t now_unix(void);	/* seconds since 1970 */

#endif
