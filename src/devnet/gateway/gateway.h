/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the Gateway's files: gateway.c serves, quorum.c asks the KMS nodes,
 * fetch.c grants operands to Runners.
 */
#ifndef GATEWAY_H
#define GATEWAY_H

#include <sys/queue.h>

#include "devnet.pb-c.h"
#include "server.h"
#include "teerunner.pb-c.h"

/* ---- quorum.c ---------------------------------------------------------- */
void quorum_init(void);
/* Ask t nodes, replacing any that fail, until t have answered correctly.
 * `message' is packed again for each quorum: its quorum field is at *quorum,
 * *n_quorum; the message must stay valid until `fn' is called.  Each answer
 * must have n seals, and seal i must have operands[i] partials.  seals: [t][n],
 * in the call's pool, or NULL if no quorum answers. */
typedef void	(*quorum_done)(void *arg, Teerunner__V1__Seal ***seals);
void quorum_ask(struct pool *, const char *path, ProtobufCMessage *message,
    uint32_t **quorum, size_t *n_quorum, uint64_t avoid, const size_t *operands,
    size_t n, quorum_done fn, void *arg);
/* Bit mask of the nodes that failed recently. */
uint64_t quorum_failing(void);

/* ---- fetch.c ----------------------------------------------------------- */
void fetch_init(void);
void on_fetch(struct rpc_call *, void *);
extern uint64_t n_granted, n_declined;

/* ---- gateway.c --------------------------------------------------------- */
extern const struct server gateway_server;
/* Check that the Registry lists this Runner.  If it returns 0, the call has
 * failed. */
int gateway_admits(struct rpc_call *, const uint8_t runner[20]);
/* Use the store between these two, without waiting in between.  Calls share a
 * transaction; fn is called after its commit (store.h).  A call that changes
 * nothing needs no gateway_commit(). */
struct commit {
	STAILQ_ENTRY(commit) link;
	void		(*fn)(void *arg);
	void		*arg;
};
void gateway_begin(void);
void gateway_commit(struct commit *, void (*fn)(void *), void *arg);
struct m_value;
Teerunner__V1__GrantedOperand *gateway_operand(
    struct pool *, const struct m_value *);

#endif
