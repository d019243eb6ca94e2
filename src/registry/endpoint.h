/* SPDX-License-Identifier: Apache-2.0
 *
 * One endpoint of the Registry's chain: what it is asked for in a round, what
 * it answered, how reliable it is.  Each change of its state is logged once.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdint.h>
#include <time.h>

#include "conf.h"
#include "gas.h"
#include "payload.h"

/* Size of the longest result of facts(): the head, the key, the shares twice,
 * both lists. */
#define FACTS_MAX	(32 * (9 + 3 + 2 * (1 + (KMS_NODES * 33 + 31) / 32) + \
	2 * (1 + LIST_MAX)))

enum progress {
	OUT,			/* takes no part in the rest of this round */
	ASKED,
	HAS_HEAD,
	HAS_FACTS,
};

struct endpoint {
	struct rpc	*rpc;
	enum progress	 progress;
	uint64_t	 head;
	uint64_t	 block;		/* that it was asked for */
	uint64_t	 block_time;
	uint8_t		 block_hash[32];
	uint8_t		 runner[20];	/* whose facts it was asked for */
	uint8_t		 facts[FACTS_MAX];	/* the answers to eth_call */
	size_t		 n_facts;
	size_t		 n_key;		/* of Nox v0: bytes of the first */
	struct gas_asked gas;
	void		(*done)(void);	/* when it has answered or failed */

	time_t		 retry_at;	/* seconds, monotonic */
	uint32_t	 backoff;	/* seconds; 0: no failure */
	char		 why[64];	/* the reason that was logged last */
	int		 differs, is_behind;
	uint64_t	 failures, disagreements;
	uint64_t	 asked_at;	/* now_us(), in this round */
	uint64_t	 latency;	/* microseconds */
	uint64_t	 answered_at, failed_at; /* seconds since 1970 */
};

/* endpoint_init: before any other function. */
void endpoint_init(const struct conf_chain *);
/* endpoint_open: look up the address of a URL; before the sandbox is entered.
 * Returns 0, or -1 if there is none. */
int endpoint_open(struct endpoint *, struct event_base *, const char *url);
/* endpoint_is_ready: 0 while a failed one waits for its next try. */
int endpoint_is_ready(const struct endpoint *);

/* endpoint_ask_head: send it the transaction that waits, then ask for its chain
 * ID and newest block.  Calls done() when it HAS_HEAD, or is OUT. */
void endpoint_ask_head(struct endpoint *, void (*done)(void));
/* endpoint_ask_facts: ask for the facts of a Runner at a block.  Calls done()
 * when it HAS_FACTS, or is OUT. */
void endpoint_ask_facts(struct endpoint *, uint64_t block,
    const uint8_t runner[20], void (*done)(void));
/* endpoint_failed: it is OUT; retried with exponential back-off. */
void endpoint_failed(struct endpoint *, const char *why);
/* endpoint_answers: its facts have come: it is not failing any more. */
void endpoint_answers(struct endpoint *);

/* endpoint_show: its state for the operator. */
void endpoint_show(const struct endpoint *, struct m_endpoint *);

/* endpoint_is_behind: it does not have this block yet. */
int endpoint_is_behind(struct endpoint *, uint64_t block);
/* endpoint_is_same: both gave the same answer, byte for byte. */
int endpoint_is_same(const struct endpoint *, const struct endpoint *);
/* endpoint_compare: log if it begins or ceases to contradict the quorum. */
void endpoint_compare(struct endpoint *, const struct endpoint *quorum);

#endif
