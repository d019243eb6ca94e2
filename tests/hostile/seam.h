/* SPDX-License-Identifier: Apache-2.0
 *
 * The clocks of tests/hostile/keys: the system's, plus what the rig has written
 * to a page that both map.  Tests only.
 */
#ifndef SEAM_H
#define SEAM_H

#include <stdint.h>

#define SEAM_FD	6		/* of the page, when keys is executed */

struct seam {
	int64_t		 boot_ms;	/* added to the time since the start */
	int64_t		 unix_s;	/* added to the time of day */
};

#endif
