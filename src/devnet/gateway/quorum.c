/* SPDX-License-Identifier: Apache-2.0
 *
 * The Gateway's client of the KMS: calls t nodes in parallel.  A partial is
 * valid only for one quorum, so if a node fails, another quorum is asked from
 * the beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "log.h"
#include "server.h"
#include "partial.h"
#include "shamir.h"

#define NODE_TIMEOUT	3000	/* ms per call */
#define FAILING		10000	/* ms to avoid a failed node */

static struct {
	struct rpc_peer	*peer;
	uint64_t	 failed_until;
} nodes[KMS_NODES];

struct round {
	struct pool	*pool;
	const char	*path;
	ProtobufCMessage *message;
	uint32_t	**quorum;
	size_t		*n_quorum;
	uint64_t	 avoid, tried;	/* tried: failed in this round */
	const size_t	*operands;
	size_t		 n, waiting, failed;
	Teerunner__V1__Seal ***seals;
	quorum_done	 fn;
	void		*arg;
};
struct leg {
	struct round	*round;
	size_t		 place;		/* index in the quorum */
	uint32_t	 node;
};

static void	ask(struct round *);

void
quorum_init(void)
{
	uint32_t i;

	for (i = 0; i < devnet.nodes; i++)
		nodes[i].peer = rpc_connect(
		    dir_address(devnet.kms_ports[i]), &tls);
}

uint64_t
quorum_failing(void)
{
	uint64_t bits = 0, now = now_ms();
	uint32_t i;

	for (i = 0; i < devnet.nodes; i++)
		if (nodes[i].failed_until > now)
			bits |= UINT64_C(1) << i;
	return bits;
}

/* Choose t nodes, in ascending order: first nodes without complaints, then
 * nodes the caller wants to avoid, then nodes that failed another round
 * recently; never one that failed this round.  Returns 0 or -1. */
static int
choose_nodes(struct round *r)
{
	uint64_t failing = quorum_failing(), chosen = 0, bit;
	static uint32_t turn;
	uint32_t i, k, have = 0;
	int pass;

	turn++;
	for (pass = 0; pass < 3; pass++)
		for (k = 0; k < devnet.nodes && have < devnet.threshold; k++) {
			bit = UINT64_C(1) << ((turn + k) % devnet.nodes);
			if (((chosen | r->tried) & bit) != 0 ||
			    (pass < 1 && (r->avoid & bit) != 0) ||
			    (pass < 2 && (failing & bit) != 0))
				continue;
			chosen |= bit;
			have++;
		}
	if (have < devnet.threshold)
		return -1;
	*r->quorum = pool_get(r->pool, have, sizeof(uint32_t));
	*r->n_quorum = 0;
	for (i = 0; i < devnet.nodes; i++)
		if ((chosen & (UINT64_C(1) << i)) != 0)
			(*r->quorum)[(*r->n_quorum)++] = i + 1;
	return 0;
}

/* Check the shape of the seals; only the receiver can check their contents. */
static int
seals_ok(const struct leg *leg, const Teerunner__V1__DelegateResponse *answer)
{
	const struct round *r = leg->round;
	size_t i;

	if (answer->n_seals != r->n)
		return 0;
	for (i = 0; i < r->n; i++)
		if (answer->seals[i]->node != leg->node ||
		    answer->seals[i]->key.len != 33 ||
		    answer->seals[i]->partials.len !=
			r->operands[i] * PARTIAL_SEALED)
			return 0;
	return 1;
}

static void
keep_seals(const struct leg *leg, const Teerunner__V1__DelegateResponse *answer)
{
	struct pool *pool = leg->round->pool;
	Teerunner__V1__Seal **seals;
	const Teerunner__V1__Seal *from;
	size_t i;

	seals = pool_get(pool, leg->round->n, sizeof(seals[0]));
	for (i = 0; i < leg->round->n; i++) {
		from = answer->seals[i];
		seals[i] = pool_get(pool, 1, sizeof(*from));
		teerunner__v1__seal__init(seals[i]);
		seals[i]->node = from->node;
		seals[i]->key = pool_bytes(pool, from->key.data, from->key.len);
		seals[i]->partials = pool_bytes(
		    pool, from->partials.data, from->partials.len);
	}
	leg->round->seals[leg->place] = seals;
}

static void
on_answer(void *arg, int code, const char *why, void *answer)
{
	struct leg *leg = arg;
	struct round *r = leg->round;

	if (code == GRPC_STATUS_OK && seals_ok(leg, answer))
		keep_seals(leg, answer);
	else {
		log_warn("kms-%u: failed: %s", leg->node,
		    code == GRPC_STATUS_OK ? "wrong number of seals" : why);
		nodes[leg->node - 1].failed_until = now_ms() + FAILING;
		r->tried |= UINT64_C(1) << (leg->node - 1);
		r->failed++;
	}
	if (--r->waiting > 0)
		return;
	if (r->failed > 0)
		ask(r);
	else
		r->fn(r->arg, r->seals);
}

static void
ask(struct round *r)
{
	struct leg *leg;
	size_t i;

	if (choose_nodes(r) != 0) {
		r->fn(r->arg, NULL);
		return;
	}
	r->failed = 0;
	r->waiting = *r->n_quorum;
	for (i = 0; i < *r->n_quorum; i++) {
		leg = pool_get(r->pool, 1, sizeof(*leg));
		leg->round = r;
		leg->place = i;
		leg->node = (*r->quorum)[i];
		rpc_send(nodes[leg->node - 1].peer, r->path, r->message,
		    &teerunner__v1__delegate_response__descriptor, NODE_TIMEOUT,
		    on_answer, leg);
	}
}

void
quorum_ask(struct pool *pool, const char *path, ProtobufCMessage *message,
    uint32_t **quorum, size_t *n_quorum, uint64_t avoid, const size_t *operands,
    size_t n, quorum_done fn, void *arg)
{
	struct round *r = pool_get(pool, 1, sizeof(*r));

	r->pool = pool;
	r->path = path;
	r->message = message;
	r->quorum = quorum;
	r->n_quorum = n_quorum;
	r->avoid = avoid;
	r->operands = operands;
	r->n = n;
	r->fn = fn;
	r->arg = arg;
	r->seals = pool_get(pool, devnet.threshold, sizeof(r->seals[0]));
	ask(r);
}
