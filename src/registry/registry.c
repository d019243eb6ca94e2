/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the Registry in rounds.  Runs in registry.  A round has two phases: every endpoint
 * tells its chain and its head; then all are asked for one and the same block
 * and the facts at it.  What a quorum of them answers, byte for byte, is
 * reported, if it is what registry-trusted-block proves, where there is one: that
 * is proven before the first round.  Must never report what fewer say, nor hold
 * anybody up: an endpoint that fails is asked again after a while that doubles.  A
 * state is logged when it begins, not while it lasts.
 */
#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi.h"
#include "gas.h"
#include "log.h"
#include "proof.h"
#include "registry.h"
#include "rpc.h"

/* facts(): head, key, shares twice and both lists, all as long as can be. */
#define FACTS_MAX	(32 * (9 + 3 + 2 * (1 + (KMS_NODES * 33 + 31) / 32) + \
	2 * (1 + LIST_MAX)))

#define BEHIND	16	/* blocks that no honest endpoint lacks for long */

enum progress {
	OUT,			/* takes no part in this round, or no longer */
	ASKED, HAS_HEAD, HAS_FACTS,
};

struct endpoint {
	struct rpc	*rpc;
	enum progress	 progress;
	uint64_t	 head;
	uint64_t	 block_time;
	uint8_t		 block_hash[32];
	uint8_t		 facts[FACTS_MAX];
	size_t		 n_facts;
	struct gas_asked gas;

	time_t		 retry_at;	/* monotonic */
	uint32_t	 backoff;	/* seconds; 0: it answers */
	char		 why[64];	/* it fails, as logged */
	int		 differs, is_behind;
	uint64_t	 failures, disagreements;
};

static const struct conf_chain *conf;
static void (*report)(const struct m_facts *);
static struct endpoint endpoints[CONF_ENDPOINTS];
static size_t n_endpoints;
static uint8_t runner[20];
static struct event *next_round;
static struct proof proof;
static size_t prover;			/* the endpoint that is asked next */

/* the round */
static size_t pending;			/* endpoints that have not answered */
static int start_anew;			/* its result is not wanted any more */
static uint64_t block, started_at;

#define TX_REFRESH	3	/* seconds, while a transaction is on its way */
static uint32_t quick = 1;		/* seconds to the next one, if in need */
static enum quorum { UNKNOWN, THERE, FEW_ANSWER, FEW_AGREE } quorum;
static int is_unproven;			/* and that has been said */
static const char *refused;		/* facts that mean nothing: why */
static const char *missing;		/* in facts that were reported */

static void read_block(void);
static void judge(void);

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* +-10 %, so that many Runners do not ask at the same moment. */
static void
schedule(uint32_t seconds)
{
	int64_t usec = (int64_t)seconds * 900000;
	struct timeval t;

	usec += (int64_t)(seconds * 200000.0 * (double)random() / RAND_MAX);
	t.tv_sec = usec / 1000000;
	t.tv_usec = usec % 1000000;
	evtimer_add(next_round, &t);
}

static void
at_once(void)
{
	static const struct timeval zero = { 0, 0 };

	evtimer_add(next_round, &zero);
}

/* is_settled: nothing is waited for, so the next one can take its time. */
static void
end_round(int is_settled)
{
	uint32_t limit = conf->registry_refresh;

	if (start_anew) {
		at_once();
		return;
	}
	if (gas_is_waiting() && limit > TX_REFRESH)
		limit = TX_REFRESH;
	if (is_settled) {
		quick = 1;
		schedule(limit);
		return;
	}
	schedule(quick < limit ? quick : limit);
	quick = quick < conf->registry_refresh / 2 ? quick * 2 :
	    conf->registry_refresh;
}

/* n: of the endpoints, so many answered, or gave the same answer. */
static void
no_quorum(size_t n, int do_answer)
{
	const enum quorum state = do_answer ? FEW_AGREE : FEW_ANSWER;

	if (!start_anew && quorum != state) {
		quorum = state;
		log_warn("no quorum: %zu of %u endpoints %s", n,
		    conf->registry_quorum, do_answer ? "agree" : "answer");
	}
	end_round(0);
}

/* ---- endpoints ------------------------------------------------------------ */

static void
failed(struct endpoint *e, const char *why)
{
	/* Half of refresh at most: so it is asked in every settled round. */
	uint32_t limit = conf->registry_refresh / 2;

	e->progress = OUT;
	e->failures++;
	if (e->backoff == 0 || strncmp(e->why, why, sizeof(e->why) - 1) != 0)
		log_warn("endpoint fails: %s: %s", rpc_name(e->rpc), why);
	snprintf(e->why, sizeof(e->why), "%s", why);
	e->backoff = e->backoff == 0 ? 1 : e->backoff * 2;
	if (e->backoff > limit)
		e->backoff = limit > 0 ? limit : 1;
	e->retry_at = now() + (time_t)e->backoff;
}

/* The end of an endpoint's part in a phase; and of the phase with the last. */
static void
answered(struct endpoint *e, const char *why_not, enum progress progress,
    void (*next_phase)(void))
{
	if (why_not != NULL)
		failed(e, why_not);
	else
		e->progress = progress;
	if (--pending == 0)
		next_phase();
}

static void
on_head(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;

	if (result != NULL && rpc_quantity(result, &e->head) != 0)
		why = "eth_blockNumber: no number";
	answered(e, why, HAS_HEAD, read_block);
}

static void
on_chain_id(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;
	uint64_t id;

	if (result != NULL && rpc_quantity(result, &id) != 0)
		why = "eth_chainId: no number";
	else if (result != NULL && id != conf->chain_id)
		why = "it serves another chain";
	if (why != NULL)
		answered(e, why, OUT, read_block);
	else
		rpc_call(e->rpc, "eth_blockNumber", json_array(), on_head, e);
}

static void
on_gas(void *arg, const char *why)
{
	answered(arg, why, HAS_FACTS, judge);
}

static void
on_facts(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;
	long n = 0;

	if (result != NULL && (n = rpc_bytes(result, e->facts,
	    sizeof(e->facts))) < 0)
		why = "eth_call: no bytes, or too many";
	e->n_facts = (size_t)n;
	if (why != NULL)
		answered(e, why, OUT, judge);
	else
		gas_ask(&e->gas, e->rpc, block, on_gas, e);
}

static void
on_block(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;
	uint8_t call[ABI_CALL];
	uint64_t number;

	if (result == NULL)
		;
	else if (!json_is_object(result))
		why = "it does not have the block";
	else if (rpc_quantity(json_object_get(result, "number"), &number) !=
	    0 || number != block || rpc_quantity(json_object_get(result,
	    "timestamp"), &e->block_time) != 0 || rpc_bytes(
	    json_object_get(result, "hash"), e->block_hash, 32) != 32)
		why = "eth_getBlockByNumber: no such block";
	else
		why = gas_header(&e->gas, result);
	if (why != NULL) {
		answered(e, why, OUT, judge);
		return;
	}
	abi_facts_call(runner, call);
	rpc_call(e->rpc, "eth_call", json_pack("[{s:o,s:o},o]",
	    "to", rpc_hex(conf->registry, sizeof(conf->registry)),
	    "data", rpc_hex(call, sizeof(call)), rpc_number(block)), on_facts, e);
}

/* ---- rounds --------------------------------------------------------------- */

static void
on_tx_sent(void *arg, const char *why)
{
	struct endpoint *e = arg;

	(void)why;
	rpc_call(e->rpc, "eth_chainId", json_array(), on_chain_id, e);
}

static void
on_proof(void *arg, const char *why)
{
	struct endpoint *e = arg;

	pending--;
	if (why != NULL)
		failed(e, why);
	at_once();
}

/* Ask the next endpoint that may be asked; one is enough. */
static void
prove(time_t t)
{
	for (size_t i = 0; i < n_endpoints; i++) {
		struct endpoint *e = &endpoints[prover++ % n_endpoints];

		if (e->retry_at > t)
			continue;
		pending++;
		proof_ask(&proof, e->rpc, on_proof, e);
		return;
	}
	if (!is_unproven)
		log_warn("registry: not proven yet at registry-trusted-block: "
		    "no task is accepted");
	is_unproven = 1;
	end_round(0);
}

static void
begin(int fd, short what, void *arg)
{
	const time_t t = now();

	(void)fd;
	(void)what;
	(void)arg;
	started_at = (uint64_t)time(NULL);
	start_anew = 0;
	if (proof_is_missing(&proof)) {
		prove(t);
		return;
	}
	for (size_t i = 0; i < n_endpoints; i++) {
		endpoints[i].progress = OUT;
		if (endpoints[i].retry_at > t)
			continue;
		endpoints[i].progress = ASKED;
		pending++;
		gas_send(&endpoints[i].gas, endpoints[i].rpc, on_tx_sent,
		    &endpoints[i]);
	}
	if (pending == 0)
		no_quorum(0, 0);
}

static int
descending(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* It does not have the block; named when that is no matter of seconds. */
static int
is_behind(struct endpoint *e)
{
	const int is = e->head < block && block - e->head > BEHIND;

	if (is && !e->is_behind)
		log_warn("endpoint is behind: %s: at block %llu, not %llu",
		    rpc_name(e->rpc), (unsigned long long)e->head,
		    (unsigned long long)block);
	e->is_behind = is;
	return e->head < block;
}

/* The newest block that a quorum says to have, less the depth: so that a
 * minority can neither turn us back to an old block nor name a future one. */
static void
read_block(void)
{
	uint64_t heads[CONF_ENDPOINTS];
	size_t n = 0;

	for (size_t i = 0; i < n_endpoints; i++)
		if (endpoints[i].progress == HAS_HEAD)
			heads[n++] = endpoints[i].head;
	if (start_anew || n < conf->registry_quorum) {
		no_quorum(n, 0);
		return;
	}
	qsort(heads, n, sizeof(heads[0]), descending);
	block = heads[conf->registry_quorum - 1];
	block -= block < conf->registry_depth ? block : conf->registry_depth;
	for (size_t i = 0; i < n_endpoints; i++) {
		struct endpoint *e = &endpoints[i];

		if (e->progress != HAS_HEAD || is_behind(e))
			continue;
		e->progress = ASKED;
		pending++;
		rpc_call(e->rpc, "eth_getBlockByNumber", json_pack("[o,b]",
		    rpc_number(block), 0), on_block, e);
	}
}

static int
is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->block_time == b->block_time && a->n_facts == b->n_facts &&
	    memcmp(a->block_hash, b->block_hash, 32) == 0 &&
	    memcmp(a->facts, b->facts, a->n_facts) == 0 &&
	    memcmp(&a->gas.answer, &b->gas.answer,
	    sizeof(a->gas.answer)) == 0;
}

/* One of the largest group that answered the same; NULL where there are two
 * such groups, for neither is more credible.  *size: of the group. */
static const struct endpoint *
majority(size_t *size)
{
	const struct endpoint *best = NULL;
	int is_tie = 0;

	*size = 0;
	for (size_t i = 0; i < n_endpoints; i++) {
		size_t n = 0;

		if (endpoints[i].progress != HAS_FACTS)
			continue;
		for (size_t j = 0; j < n_endpoints; j++)
			n += endpoints[j].progress == HAS_FACTS &&
			    is_same(&endpoints[i], &endpoints[j]);
		if (n > *size) {
			*size = n;
			best = &endpoints[i];
			is_tie = 0;
		} else if (n == *size && !is_same(best, &endpoints[i]))
			is_tie = 1;
	}
	return is_tie ? NULL : best;
}

/* Log who changed: came back, differs from `truth', or does no longer. */
static void
compare(struct endpoint *e, const struct endpoint *truth)
{
	const int differs = !is_same(e, truth);

	e->disagreements += (uint64_t)differs;
	if (differs && !e->differs)
		log_warn("endpoint disagrees: %s", rpc_name(e->rpc));
	else if (!differs && e->differs)
		log_info("endpoint agrees again: %s: it disagreed "
		    "%llu times", rpc_name(e->rpc),
		    (unsigned long long)e->disagreements);
	e->differs = differs;
}

/* No quorum agrees: who differs from whom, for one of them is wrong. */
static void
name_disagreeing(void)
{
	const struct endpoint *first = NULL;

	if (quorum == FEW_AGREE || start_anew)
		return;
	for (size_t i = 0; i < n_endpoints; i++) {
		if (endpoints[i].progress != HAS_FACTS)
			continue;
		if (first == NULL)
			first = &endpoints[i];
		else if (!is_same(first, &endpoints[i]))
			log_warn("endpoints disagree on block %llu: %s and %s",
			    (unsigned long long)block, rpc_name(first->rpc),
			    rpc_name(endpoints[i].rpc));
	}
}

/* What facts lack that a Runner cannot do without; keys decides, we tell. */
static const char *
lack(const struct m_facts *f)
{
	if (f->n_orchestrators == 0 && conf->n_pin_orchestrators == 0)
		return "it lists no Orchestrator";
	if (f->n_gateways == 0 && conf->n_pin_gateways == 0)
		return "it lists no Gateway";
	if (f->block_time + conf->registry_max_age < started_at)
		return "the chain's newest block is older than "
		    "registry-max-age";
	return NULL;
}

/* Agreed facts go to keys, unless they mean nothing. */
static void
take(const struct endpoint *truth)
{
	struct m_facts facts;
	const char *why;

	memset(&facts, 0, sizeof(facts));
	facts.block_number = block;
	facts.block_time = truth->block_time;
	if ((why = abi_facts_read(truth->facts, truth->n_facts, &facts)) !=
	    NULL || (why = proof_check(&proof, &facts)) != NULL) {
		if (why != refused)
			log_err("registry: not usable: %s", why);
		refused = why;
		end_round(0);
		return;
	}
	refused = NULL;
	memcpy(facts.block_hash, truth->block_hash, 32);
	memcpy(facts.runner, runner, sizeof(facts.runner));
	gas_facts(&truth->gas.answer, &facts);
	for (size_t i = 0; i < n_endpoints; i++) {
		facts.endpoint_failures += endpoints[i].failures;
		facts.endpoint_disagreements += endpoints[i].disagreements;
	}
	if ((why = lack(&facts)) != missing && why != NULL)
		log_warn("registry: %s", why);
	missing = why;
	report(&facts);
	end_round(facts.valid_until != 0);
}

static void
judge(void)
{
	const struct endpoint *truth;
	size_t n;

	for (size_t i = 0; i < n_endpoints; i++) {
		if (endpoints[i].progress != HAS_FACTS)
			continue;
		if (endpoints[i].backoff != 0)
			log_info("endpoint answers again: %s",
			    rpc_name(endpoints[i].rpc));
		endpoints[i].backoff = 0;
	}
	truth = majority(&n);
	if (start_anew || truth == NULL || n < conf->registry_quorum) {
		name_disagreeing();
		no_quorum(n, 1);
		return;
	}
	for (size_t i = 0; i < n_endpoints; i++)
		if (endpoints[i].progress == HAS_FACTS)
			compare(&endpoints[i], truth);
	if (quorum != THERE)
		log_info("%zu endpoints agree on block %llu", n,
		    (unsigned long long)block);
	quorum = THERE;
	take(truth);
}

/* A round for what is asked for from now on. */
static void
anew(void)
{
	quick = 1;
	if (pending > 0)
		start_anew = 1;
	else
		at_once();
}

void
registry_runner(const struct m_runner *r)
{
	memcpy(runner, r->address, sizeof(runner));
	gas_account(r->gas_account);
	anew();
}

void
registry_tx(const struct m_tx *m, const struct m_word *words)
{
	gas_tx(m, words);
	anew();
}

void
registry_init(struct event_base *base, const struct conf_chain *c,
    void (*r)(const struct m_facts *))
{
	unsigned seed;

	conf = c;
	report = r;
	proof_init(&proof, c);
	/* For the jitter; and before the first table: /dev/urandom is a file */
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		fatal("no randomness");
	srandom(seed);
	json_object_seed(0);
	if ((next_round = evtimer_new(base, begin, NULL)) == NULL)
		fatal("out of memory");
	for (size_t i = 0; i < c->n_endpoints; i++)
		if ((endpoints[n_endpoints].rpc = rpc_new(base,
		    c->endpoints[i])) != NULL)
			n_endpoints++;
	if (n_endpoints < c->registry_quorum || n_endpoints == 0)
		fatal("%zu endpoints have an address, the quorum is %u",
		    n_endpoints, c->registry_quorum);
}
