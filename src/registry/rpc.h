/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON-RPC endpoint: a persistent HTTP or HTTPS connection, one call at a
 * time.  Whatever the other side does, a call ends within RPC_TIMEOUT, and an
 * answer has at most RPC_MAX bytes and RPC_DEPTH levels.
 */
#ifndef RPC_H
#define RPC_H

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>

#include "conf.h"

#define RPC_TIMEOUT	5		/* seconds, for a whole call */
#define RPC_MAX		(1024 * 1024)
#define RPC_DEPTH	32

struct rpc;

/* The answer: its `result', valid until the callback returns, or NULL and why. */
typedef void (*rpc_done)(void *arg, const json_t *result, const char *why);

/* Before the sandbox, once: the authorities that certificates are checked
 * against, from the file of registry-ca, whose hash must be the one that is attested,
 * or where there is none from the system's file. */
void	 rpc_init(const struct conf *);

/* Before the sandbox: reads the URL and looks its name up.  NULL after a log
 * line where there is no such name; fatal where it is no URL. */
struct rpc *rpc_new(struct event_base *, const char *url);

/* For the log: no path or user, which can hold the owner's access key. */
const char *rpc_name(const struct rpc *);

/* Call; one at a time.  `params' becomes ours.  The callback comes later, never
 * from within this function, and may call again. */
void	 rpc_call(struct rpc *, const char *method, json_t *params, rpc_done,
	     void *arg);

/* Parse an answer to call `id': its result, a new reference, or NULL and why
 * (in buf or static).  Apart, so that it can be tested and fuzzed. */
json_t	*rpc_parse(const char *text, size_t n, uint64_t id, char *buf,
	     size_t size, const char **why);

/* "0x1f": 0, or -1 where it is no string of that form. */
int	 rpc_quantity(const json_t *, uint64_t *);
/* "0x0102..": the number of bytes, or -1; at most `max'. */
long	 rpc_bytes(const json_t *, uint8_t *out, size_t max);

/* The other way: bytes and numbers as parameters of a call. */
json_t	*rpc_hex(const uint8_t *, size_t n);
json_t	*rpc_number(uint64_t);

#endif
