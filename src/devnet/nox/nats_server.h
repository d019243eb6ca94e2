/* SPDX-License-Identifier: Apache-2.0
 *
 * Run nats-server, as `tee-devnet serve DIR nats'.
 */
#ifndef NATS_SERVER_H
#define NATS_SERVER_H

#include "dir.h"

/* Find nats-server in PATH or /usr/sbin.  Returns 0, or -1 if there is none. */
int nats_server_find(char path[DEVNET_PATH]);
/* Become nats-server with DIR/nats.conf. */
_Noreturn void nats_server_run(const struct devnet *);

#endif
