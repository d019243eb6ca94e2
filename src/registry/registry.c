/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the Registry in rounds; runs in registry.  In the first phase of a
 * round each endpoint reports its chain ID and newest block.  In the second
 * phase all of them are asked for the same block and for the facts at that
 * block.  If a quorum gives byte-for-byte the same answer, and the answer
 * agrees with registry-trusted-block (if configured; proven before the first
 * round), the facts go to keys.  Must never report facts that fewer endpoints
 * agree on.
 *
 * A failing endpoint must not delay the others: it is retried with exponential
 * back-off.  Each change of state is logged once.
 */
#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi.h"
#include "endpoint.h"
#include "gas.h"
#include "log.h"
#include "proof.h"
#include "registry.h"
#include "rpc.h"

static const struct conf_chain *conf;
static void (*report)(const struct m_facts *);
static void (*show)(
    const struct m_endpoints *, const struct m_endpoint *, size_t);
static struct endpoint endpoints[CONF_ENDPOINTS];
static size_t n_endpoints;
static uint8_t runner[20];
static uint32_t request;		/* RUNNER's number for the answer */
static struct event *next_round;
static struct proof proof;
static size_t prover;			/* endpoint to ask next for the proof */

/* State of the current round. */
static size_t pending;			/* endpoints still to answer */
static int is_obsolete;			/* discard this round's result */
static uint64_t block, started_at;

#define TX_REFRESH	3	/* seconds per round if a transaction waits */
static uint32_t retry_delay = 1;	/* seconds, after a failed round */
static enum quorum quorum;
static int is_unproven;			/* the warning was logged */
static const char *last_unusable;	/* why facts were unusable */
static const char *last_problem;	/* problem of reported facts */

/* Add jitter of +-10 %, so that many Runners do not ask at the same moment. */
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
schedule_now(void)
{
	static const struct timeval zero = { 0, 0 };

	evtimer_add(next_round, &zero);
}

static void
show_endpoints(void)
{
	struct m_endpoints m = { quorum,
		!conf->has_registry_trusted_block ? PROOF_NONE :
		    proof_is_missing(&proof)	  ? PROOF_MISSING :
						    PROOF_VERIFIED };
	struct m_endpoint rows[CONF_ENDPOINTS];
	size_t i;

	for (i = 0; i < n_endpoints; i++)
		endpoint_show(&endpoints[i], &rows[i]);
	show(&m, rows, n_endpoints);
}

/* is_settled: the facts are complete, so the next round can wait for the normal
 * refresh interval. */
static void
end_round(int is_settled)
{
	uint32_t limit = conf->registry_refresh;

	show_endpoints();
	if (is_obsolete) {
		schedule_now();
		return;
	}
	if (gas_is_waiting() && limit > TX_REFRESH)
		limit = TX_REFRESH;
	if (is_settled) {
		retry_delay = 1;
		schedule(limit);
		return;
	}
	schedule(retry_delay < limit ? retry_delay : limit);
	retry_delay = retry_delay < conf->registry_refresh / 2 ?
	    retry_delay * 2 :
	    conf->registry_refresh;
}

/* n: the number of endpoints that answered, or the size of the largest group
 * that agrees.  If that is enough, another group is as large. */
static void
no_quorum(size_t n, int do_answer)
{
	const enum quorum state = do_answer ? QUORUM_FEW_AGREE :
					      QUORUM_FEW_ANSWER;

	if (!is_obsolete && quorum != state) {
		quorum = state;
		if (do_answer && n >= conf->registry_quorum)
			log_warn("no quorum: two groups of %zu endpoints "
				 "disagree",
			    n);
		else
			log_warn("no quorum: %zu endpoints %s, "
				 "registry-quorum is %u",
			    n, do_answer ? "agree" : "answer",
			    conf->registry_quorum);
	}
	end_round(0);
}

/* ---- rounds ------------------------------------------------------------ */

static int
descending(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void settle_round(void);

static void
on_facts(void)
{
	if (--pending == 0)
		settle_round();
}

/* Take the newest block that a quorum claims to have, minus registry-depth.  A
 * minority can then neither replay an old block nor name a future one. */
static void
read_block(void)
{
	uint64_t heads[CONF_ENDPOINTS];
	size_t n = 0;

	for (size_t i = 0; i < n_endpoints; i++)
		if (endpoints[i].progress == HAS_HEAD)
			heads[n++] = endpoints[i].head;
	if (is_obsolete || n < conf->registry_quorum) {
		no_quorum(n, 0);
		return;
	}
	qsort(heads, n, sizeof(heads[0]), descending);
	block = heads[conf->registry_quorum - 1];
	block -= block < conf->registry_depth ? block : conf->registry_depth;
	for (size_t i = 0; i < n_endpoints; i++) {
		struct endpoint *e = &endpoints[i];

		if (e->progress != HAS_HEAD || endpoint_is_behind(e, block))
			continue;
		pending++;
		endpoint_ask_facts(e, block, runner, on_facts);
	}
}

static void
on_head(void)
{
	if (--pending == 0)
		read_block();
}

static void
on_proof(void *arg, const char *why)
{
	struct endpoint *e = arg;

	pending--;
	if (why != NULL)
		endpoint_failed(e, why);
	schedule_now();
}

/* One endpoint is enough: a proof needs no quorum. */
static void
ask_for_proof(void)
{
	for (size_t i = 0; i < n_endpoints; i++) {
		struct endpoint *e = &endpoints[prover++ % n_endpoints];

		if (!endpoint_is_ready(e))
			continue;
		pending++;
		proof_ask(&proof, e->rpc, on_proof, e);
		return;
	}
	if (!is_unproven)
		log_warn("the Registry is not proven yet at "
			 "registry-trusted-block: no endpoint has given a "
			 "valid proof");
	is_unproven = 1;
	end_round(0);
}

static void
begin_round(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	started_at = (uint64_t)time(NULL);
	is_obsolete = 0;
	if (proof_is_missing(&proof)) {
		ask_for_proof();
		return;
	}
	for (size_t i = 0; i < n_endpoints; i++) {
		endpoints[i].progress = OUT;
		if (!endpoint_is_ready(&endpoints[i]))
			continue;
		pending++;
		endpoint_ask_head(&endpoints[i], on_head);
	}
	if (pending == 0)
		no_quorum(0, 0);
}

/* Return a member of the largest group of equal answers and the size of that
 * group.  NULL if two groups are the largest, because neither is more
 * credible. */
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
			    endpoint_is_same(&endpoints[i], &endpoints[j]);
		if (n > *size) {
			*size = n;
			best = &endpoints[i];
			is_tie = 0;
		} else if (n == *size && !endpoint_is_same(best, &endpoints[i]))
			is_tie = 1;
	}
	return is_tie ? NULL : best;
}

/* There is no quorum: log which endpoints disagree, because one of them is
 * wrong. */
static void
name_disagreeing(void)
{
	const struct endpoint *first = NULL;

	if (quorum == QUORUM_FEW_AGREE || is_obsolete)
		return;
	for (size_t i = 0; i < n_endpoints; i++) {
		if (endpoints[i].progress != HAS_FACTS)
			continue;
		if (first == NULL)
			first = &endpoints[i];
		else if (!endpoint_is_same(first, &endpoints[i]))
			log_warn("endpoints disagree on block %llu: %s and %s",
			    (unsigned long long)block, rpc_name(first->rpc),
			    rpc_name(endpoints[i].rpc));
	}
}

/* Why a Runner could not work with these facts, for the log.  The decision is
 * made in keys. */
static const char *
find_problem(const struct m_facts *f)
{
	if (f->n_orchestrators == 0 && conf->n_pin_orchestrators == 0 &&
	    conf->protocol != PROTOCOL_NOX)
		return "the Registry lists no Orchestrator";
	if (f->n_gateways == 0 && conf->n_pin_gateways == 0)
		return "the Registry lists no Gateway";
	if (f->block_time + conf->registry_max_age < started_at)
		return "the newest block is older than registry-max-age";
	return NULL;
}

static const char *
read_facts(const struct endpoint *e, struct m_facts *facts)
{
	if (conf->protocol == PROTOCOL_NOX)
		return abi_nox_read(e->facts, e->n_key, e->facts + e->n_key,
		    e->n_facts - e->n_key, facts);
	return abi_facts_read(e->facts, e->n_facts, facts);
}

/* Report agreed facts to keys, unless they cannot be decoded or contradict the
 * proof. */
static void
accept_facts(const struct endpoint *truth)
{
	struct m_facts facts;
	const char *why;

	memset(&facts, 0, sizeof(facts));
	facts.block_number = block;
	facts.block_time = truth->block_time;
	if ((why = read_facts(truth, &facts)) != NULL ||
	    (why = proof_check(&proof, &facts)) != NULL) {
		if (why != last_unusable)
			log_err("not usable: %s", why);
		last_unusable = why;
		end_round(0);
		return;
	}
	last_unusable = NULL;
	memcpy(facts.block_hash, truth->block_hash, 32);
	memcpy(facts.runner, runner, sizeof(facts.runner));
	facts.request = request;
	gas_facts(&truth->gas.answer, &facts);
	for (size_t i = 0; i < n_endpoints; i++) {
		facts.endpoint_failures += endpoints[i].failures;
		facts.endpoint_disagreements += endpoints[i].disagreements;
	}
	if ((why = find_problem(&facts)) != last_problem && why != NULL)
		log_warn("%s", why);
	last_problem = why;
	report(&facts);
	end_round(facts.valid_until != 0 || conf->protocol == PROTOCOL_NOX);
}

static void
settle_round(void)
{
	const struct endpoint *truth;
	size_t n;

	for (size_t i = 0; i < n_endpoints; i++)
		if (endpoints[i].progress == HAS_FACTS)
			endpoint_answers(&endpoints[i]);
	truth = majority(&n);
	if (is_obsolete || truth == NULL || n < conf->registry_quorum) {
		name_disagreeing();
		no_quorum(n, 1);
		return;
	}
	for (size_t i = 0; i < n_endpoints; i++)
		if (endpoints[i].progress == HAS_FACTS)
			endpoint_compare(&endpoints[i], truth);
	if (quorum != QUORUM_THERE)
		log_info("read at block %llu (%zu of %zu endpoints agree)",
		    (unsigned long long)block, n, n_endpoints);
	quorum = QUORUM_THERE;
	accept_facts(truth);
}

/* Start a round for the new request; a round in progress answers the old
 * one. */
static void
restart_round(void)
{
	retry_delay = 1;
	if (pending > 0)
		is_obsolete = 1;
	else
		schedule_now();
}

void
registry_runner(const struct m_runner *r)
{
	memcpy(runner, r->address, sizeof(runner));
	request = r->request;
	gas_account(r->gas_account);
	restart_round();
}

void
registry_tx(const struct m_tx *m, const struct m_word *words)
{
	gas_tx(m, words);
	restart_round();
}

void
registry_init(struct event_base *base, const struct conf_chain *c,
    void (*r)(const struct m_facts *),
    void (*w)(const struct m_endpoints *, const struct m_endpoint *, size_t))
{
	unsigned seed;

	conf = c;
	report = r;
	show = w;
	proof_init(&proof, c);
	endpoint_init(c);
	/* The seed is for the jitter.  Seed jansson's hash tables now too:
	 * later it would have to open /dev/urandom. */
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		fatal("no randomness");
	srandom(seed);
	json_object_seed(0);
	if ((next_round = evtimer_new(base, begin_round, NULL)) == NULL)
		fatal("out of memory");
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (endpoint_open(
			&endpoints[n_endpoints], base, c->endpoints[i]) == 0)
			n_endpoints++;
	if (n_endpoints < c->registry_quorum || n_endpoints == 0)
		fatal("only %zu endpoints have an address, registry-quorum is "
		      "%u",
		    n_endpoints, c->registry_quorum);
}
