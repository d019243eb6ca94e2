/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON-RPC client of the counterparts and commands: calls the node or
 * stand-in at the devnet's Registry port.  A call blocks until the answer
 * arrives (at most two seconds), which is acceptable only in a devnet.
 */
#ifndef JSONRPC_H
#define JSONRPC_H

#include "dir.h"
#include "json.h"

/* Call a method.  Takes over the reference to `params'.  Returns the result,
 * which the caller must free, or NULL after a log line. */
json_t *jsonrpc_call(const struct devnet *, const char *method, json_t *params);

#endif
