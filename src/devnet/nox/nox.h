/* SPDX-License-Identifier: Apache-2.0
 *
 * The server nox: the counterpart of a Runner on a chain with the protocol Nox
 * v0, a Gateway with its REST interface and a KMS.  It is one thread, on
 * loopback.  `devnet' is loaded.
 */
#ifndef NOX_H
#define NOX_H

#include "rest.h"

#define NOX_HANDLES	256	/* of a request for their status */

/* Serve until killed.  Returns the exit status. */
int nox_main(void);

/* Handlers; the salt is read.  argument: the rest of the path. */
void secrets_post(struct rest *, const char *argument);
void secrets_get(struct rest *, const char *argument);
void secrets_status(struct rest *, const char *argument);
void runner_operands(struct rest *, const char *argument);
void runner_results(struct rest *, const char *argument);

#endif
