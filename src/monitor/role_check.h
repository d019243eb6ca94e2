/* SPDX-License-Identifier: Apache-2.0
 *
 * The contents of keys and certificates, as the executables of keys and net see
 * them: each runs once, with -t, as root without capabilities, and prints
 * verdicts (src/ipc/verdict.h).
 */
#ifndef ROLE_CHECK_H
#define ROLE_CHECK_H

#include <stdio.h>

#include "payload.h"		/* struct conf */

#define ROLE_CHECK_WHY	4352

enum role_check {
	ROLE_CHECK_GOOD,
	ROLE_CHECK_BAD,		/* each fault was written to `err' */
	ROLE_CHECK_UNKNOWN,	/* an executable could not be run, or failed */
};

/* `dir' has the executables.  A warning that is no fault is written to `err',
 * too.  If the answer is unknown, `why' says why. */
enum role_check role_check(
    const struct conf *, const char *dir, char why[ROLE_CHECK_WHY], FILE *err);

#endif
