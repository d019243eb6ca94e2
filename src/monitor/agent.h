/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections to dstack's guest agent, for evidence.
 */
#ifndef AGENT_H
#define AGENT_H

/* A new connection to the socket at `path', non-blocking: -1 with errno.  It is
 * of this machine: it connects at once, or its queue is full (EAGAIN). */
int agent_connect(const char *path);

#endif
