/* SPDX-License-Identifier: Apache-2.0
 *
 * Does what the configuration names exist on this machine, and can it be used?
 * The same checks at `tee-runnerd -t' and at each start, before anything is
 * changed.  The files of keys and certificates are not read here, see
 * role_check.h.
 */
#ifndef CONF_CHECK_H
#define CONF_CHECK_H

#include <stdio.h>

#include "payload.h"		/* struct conf */

/* Each returns 0, or -1 after each fault was written to `err' by
 * conf_fault(). */
int conf_check_files(const struct conf *, FILE *err);
int conf_check_directories(const struct conf *, FILE *err);
/* The users of the roles exist, or the IDs from uid-base are free. */
int conf_check_users(const struct conf *, FILE *err);
/* All of these. */
int conf_check(const struct conf *, FILE *err);

/* Without a name in the message: is this a file that a role could read?  NULL,
 * or what is wrong and what to do.  Of a secret the mode matters, too. */
const char *file_fault(const char *path, int is_secret);

#endif
