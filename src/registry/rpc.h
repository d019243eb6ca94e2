/* SPDX-License-Identifier: Apache-2.0
 *
 * Client of one JSON-RPC endpoint: a persistent HTTP or HTTPS connection and
 * one call at a time.  Whatever the server does, a call ends within RPC_TIMEOUT
 * seconds, and an answer of more than RPC_MAX bytes or RPC_DEPTH levels is an
 * error.
 */
#ifndef RPC_H
#define RPC_H

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>

#include "conf.h"

#define RPC_TIMEOUT	5		/* seconds for a whole call */
#define RPC_MAX		(1024 * 1024)
#define RPC_DEPTH	32

struct rpc;

/* Receives the answer: `result', valid until the callback returns, or NULL and
 * the reason. */
typedef void (*rpc_done)(void *arg, const json_t *result, const char *why);

/* Parse the URL and look up its host; before the sandbox is entered.  Returns
 * NULL after a log line if the name does not resolve; fatal if the URL is
 * invalid. */
struct rpc *rpc_new(struct event_base *, const char *url);

/* For the log: without user and path, which can contain an access key. */
const char *rpc_name(const struct rpc *);

/* Start a call; only one at a time.  Takes over the reference to `params'.
 * Never calls the callback before it returns; the callback may start the next
 * call. */
void rpc_call(
    struct rpc *, const char *method, json_t *params, rpc_done, void *arg);

/* Parse the answer to call `id'.  Returns a new reference to its result, or
 * NULL and the reason (in buf, or static).  Exported for tests and the
 * fuzzer. */
json_t *rpc_parse(const char *text, size_t n, uint64_t id, char *buf,
    size_t size, const char **why);

/* Parse "0x1f".  Returns 0, or -1 if it is not such a string. */
int rpc_quantity(const json_t *, uint64_t *);
/* Parse "0x0102..", at most `max' bytes.  Returns the number of bytes, or
 * -1. */
long rpc_bytes(const json_t *, uint8_t *out, size_t max);

/* Encode bytes and numbers as parameters of a call. */
json_t *rpc_hex(const uint8_t *, size_t n);
json_t *rpc_number(uint64_t);

#endif
