/* SPDX-License-Identifier: Apache-2.0
 *
 * The gas account's part of a round: what there is of it at the agreed block, and its
 * transaction, which keys signed, on its way to every endpoint.
 */
#ifndef CHAIN_GAS_H
#define CHAIN_GAS_H

#include <jansson.h>
#include <stddef.h>

#include "payload.h"
#include "rpc.h"

/* What one endpoint says; compared as bytes. */
struct gas_answer {
	uint64_t	nonce, balance, base_fee;
	uint32_t	tx_status, zero;
};

/* Its next step: on with `arg', or why not. */
typedef void	 (*gas_next)(void *arg, const char *why);

/* An endpoint's, at rest all zero. */
struct gas_asked {
	struct rpc	*rpc;
	struct gas_answer answer;
	uint64_t	 block;
	size_t		 version;	/* whose receipt is asked for */
	uint32_t	 sent;		/* of the transactions: the number */
	char		 refused[96];	/* why it did not take the last */
	gas_next	 next;
	void		*arg;
};

/* Whose it is; zero: nobody's, and no transaction of his any more. */
void	gas_account(const uint8_t account[20]);
/* keys's, from now on to be sent. */
void	gas_tx(const struct m_tx *, const struct m_word *);
/* 1: a transaction is on its way, so the next round is not far. */
int	gas_is_waiting(void);

/* Send it what it was not sent yet; whatever it says, next is called, at once where
 * there is nothing to send.  Not within a callback of libevent's. */
void	gas_send(struct gas_asked *, struct rpc *, gas_next, void *arg);
/* Begin with what a block says of itself: NULL, or what is wrong with that. */
const char *gas_header(struct gas_asked *, const json_t *block);
/* Then ask for the account at that block. */
void	gas_ask(struct gas_asked *, struct rpc *, uint64_t block, gas_next,
	    void *arg);
/* What was agreed, into the facts. */
void	gas_facts(const struct gas_answer *, struct m_facts *);

#endif
