/* SPDX-License-Identifier: Apache-2.0
 *
 * The gas account's part of a round: its state at the agreed block, and sending
 * its transaction, which keys signed, to each endpoint.
 */
#ifndef CHAIN_GAS_H
#define CHAIN_GAS_H

#include <jansson.h>
#include <stddef.h>

#include "payload.h"
#include "rpc.h"

/* The account as one endpoint reports it.  Answers are compared with memcmp(),
 * hence the explicit padding. */
struct gas_answer {
	uint64_t	nonce, balance, base_fee;
	uint32_t	tx_status, zero;
};

/* Called when a step is done; why: NULL, or the reason of the failure. */
typedef void	 (*gas_next)(void *arg, const char *why);

/* State of one endpoint, zeros at first. */
struct gas_asked {
	struct rpc	*rpc;
	struct gas_answer answer;
	uint64_t	 block;
	size_t		 version;	/* whose receipt is requested */
	uint32_t	 sent;		/* number of the last TX sent */
	char		 refused[96];	/* its reason to reject that one */
	gas_next	 next;
	void		*arg;
};

/* Set the account to follow; zeros for none.  Another account drops the pending
 * transaction. */
void gas_account(const uint8_t account[20]);
/* Replace the pending transaction by this one from keys. */
void gas_tx(const struct m_tx *, const struct m_word *);
/* 1 if a transaction is pending, so that the next round should come soon. */
int gas_is_waiting(void);

/* Send the pending transaction unless this endpoint has it already, then call
 * next in any case, possibly before gas_send() returns.  Must not run inside a
 * callback of libevent. */
void gas_send(struct gas_asked *, struct rpc *, gas_next, void *arg);
/* Start with the base fee of the block.  NULL, or why the block is unusable. */
const char *gas_header(struct gas_asked *, const json_t *block);
/* Then request nonce, balance and receipt at that block. */
void gas_ask(
    struct gas_asked *, struct rpc *, uint64_t block, gas_next, void *arg);
/* Copy the agreed answer into the facts. */
void gas_facts(const struct gas_answer *, struct m_facts *);

#endif
