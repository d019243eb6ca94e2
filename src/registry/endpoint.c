/* SPDX-License-Identifier: Apache-2.0
 *
 * One endpoint of the Registry's chain.  Runs in registry.  A failing endpoint
 * must not delay the others.
 */
#include <stdio.h>
#include <string.h>

#include "abi.h"
#include "clock.h"
#include "endpoint.h"
#include "log.h"
#include "rpc.h"

#define BEHIND	16	/* blocks: an honest endpoint catches up with this */

static const struct conf_chain *conf;

void
endpoint_init(const struct conf_chain *c)
{
	conf = c;
}

int
endpoint_open(struct endpoint *e, struct event_base *base, const char *url)
{
	e->rpc = rpc_new(base, url);
	return e->rpc == NULL ? -1 : 0;
}

static time_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

int
endpoint_is_ready(const struct endpoint *e)
{
	return e->retry_at <= now();
}

void
endpoint_failed(struct endpoint *e, const char *why)
{
	/* At most half the refresh interval, so that each regular round asks
	 * this endpoint again. */
	uint32_t limit = conf->registry_refresh / 2;

	e->progress = OUT;
	e->failures++;
	e->failed_at = now_unix();
	if (e->backoff == 0 || strncmp(e->why, why, sizeof(e->why) - 1) != 0)
		log_warn("endpoint %s: fails: %s", rpc_name(e->rpc), why);
	snprintf(e->why, sizeof(e->why), "%s", why);
	e->backoff = e->backoff == 0 ? 1 : e->backoff * 2;
	if (e->backoff > limit)
		e->backoff = limit > 0 ? limit : 1;
	e->retry_at = now() + (time_t)e->backoff;
}

void
endpoint_answers(struct endpoint *e)
{
	if (e->backoff != 0)
		log_info("endpoint %s: answers again", rpc_name(e->rpc));
	e->backoff = 0;
	e->answered_at = now_unix();
	e->latency = now_us() - e->asked_at;
}

static enum endpoint_state
endpoint_state(const struct endpoint *e)
{
	if (e->backoff != 0)
		return ENDPOINT_FAILS;
	if (e->answered_at == 0)
		return ENDPOINT_NEW;
	return e->differs   ? ENDPOINT_DISAGREES :
	    e->is_behind ? ENDPOINT_BEHIND :
			    ENDPOINT_ANSWERS;
}

void
endpoint_show(const struct endpoint *e, struct m_endpoint *m)
{
	memset(m, 0, sizeof(*m));
	m->answered_at = e->answered_at;
	m->failed_at = e->failed_at;
	m->latency = e->latency;
	m->head = e->head;
	m->failures = e->failures;
	m->disagreements = e->disagreements;
	m->state = endpoint_state(e);
	snprintf(m->name, sizeof(m->name), "%s", rpc_name(e->rpc));
	snprintf(m->why, sizeof(m->why), "%s", e->why);
}

/* ---- what it is asked for ---------------------------------------------- */

static void
finish(struct endpoint *e, const char *why_not, enum progress progress)
{
	if (why_not != NULL)
		endpoint_failed(e, why_not);
	else
		e->progress = progress;
	e->done();
}

static void
on_head(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;

	if (result != NULL && rpc_quantity(result, &e->head) != 0)
		why = "eth_blockNumber: not a number";
	finish(e, why, HAS_HEAD);
}

static void
on_chain_id(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;
	uint64_t id;

	if (result != NULL && rpc_quantity(result, &id) != 0)
		why = "eth_chainId: not a number";
	else if (result != NULL && id != conf->chain_id)
		why = "it serves another chain";
	if (why != NULL)
		finish(e, why, OUT);
	else
		rpc_call(e->rpc, "eth_blockNumber", json_array(), on_head, e);
}

static void
on_gas(void *arg, const char *why)
{
	finish(arg, why, HAS_FACTS);
}

static void
call_contract(struct endpoint *e, const uint8_t to[20], const uint8_t *call,
    size_t n, rpc_done done)
{
	rpc_call(e->rpc, "eth_call",
	    json_pack("[{s:o,s:o},o]", "to", rpc_hex(to, 20), "data",
		rpc_hex(call, n), rpc_number(e->block)),
	    done, e);
}

/* Append the answer to the facts: NULL, or why it cannot be used. */
static const char *
take_answer(struct endpoint *e, const json_t *result, const char *why)
{
	long n;

	if (result == NULL)
		return why;
	n = rpc_bytes(
	    result, e->facts + e->n_facts, sizeof(e->facts) - e->n_facts);
	if (n < 0)
		return "eth_call: no bytes, or too many";
	e->n_facts += (size_t)n;
	return NULL;
}

static void
on_facts(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;

	if ((why = take_answer(e, result, why)) != NULL)
		finish(e, why, OUT);
	else
		gas_ask(&e->gas, e->rpc, e->block, on_gas, e);
}

/* Of Nox v0: kmsPublicKey(), then gateway(). */
static void
on_nox_key(void *arg, const json_t *result, const char *why)
{
	static const uint8_t call[ABI_NOX_CALL] = ABI_NOX_GATEWAY;
	struct endpoint *e = arg;

	if ((why = take_answer(e, result, why)) != NULL) {
		finish(e, why, OUT);
		return;
	}
	e->n_key = e->n_facts;
	call_contract(e, conf->nox_compute, call, sizeof(call), on_facts);
}

static void
on_block(void *arg, const json_t *result, const char *why)
{
	struct endpoint *e = arg;
	static const uint8_t key[ABI_NOX_CALL] = ABI_NOX_KEY;
	uint8_t call[ABI_CALL];
	uint64_t number;

	if (result == NULL)
		;
	else if (!json_is_object(result))
		why = "it does not have the block";
	else if (rpc_quantity(json_object_get(result, "number"), &number) !=
		0 ||
	    number != e->block ||
	    rpc_quantity(
		json_object_get(result, "timestamp"), &e->block_time) != 0 ||
	    rpc_bytes(json_object_get(result, "hash"), e->block_hash, 32) != 32)
		why = "eth_getBlockByNumber: no such block";
	else
		why = gas_header(&e->gas, result);
	if (why != NULL) {
		finish(e, why, OUT);
		return;
	}
	e->n_facts = e->n_key = 0;
	if (conf->protocol == PROTOCOL_NOX) {
		call_contract(
		    e, conf->nox_compute, key, sizeof(key), on_nox_key);
		return;
	}
	abi_facts_call(e->runner, call);
	call_contract(e, conf->registry, call, sizeof(call), on_facts);
}

static void
on_tx_sent(void *arg, const char *why)
{
	struct endpoint *e = arg;

	(void)why;
	rpc_call(e->rpc, "eth_chainId", json_array(), on_chain_id, e);
}

void
endpoint_ask_head(struct endpoint *e, void (*done)(void))
{
	e->progress = ASKED;
	e->done = done;
	e->asked_at = now_us();
	gas_send(&e->gas, e->rpc, on_tx_sent, e);
}

void
endpoint_ask_facts(struct endpoint *e, uint64_t block, const uint8_t runner[20],
    void (*done)(void))
{
	e->progress = ASKED;
	e->done = done;
	e->block = block;
	memcpy(e->runner, runner, 20);
	rpc_call(e->rpc, "eth_getBlockByNumber",
	    json_pack("[o,b]", rpc_number(block), 0), on_block, e);
}

/* ---- compared with others ---------------------------------------------- */

/* Warn only if it is more than BEHIND blocks late, because a difference of a
 * few blocks is normal. */
int
endpoint_is_behind(struct endpoint *e, uint64_t block)
{
	const int is = e->head < block && block - e->head > BEHIND;

	if (is && !e->is_behind)
		log_warn("endpoint %s: is behind: at block %llu, not %llu",
		    rpc_name(e->rpc), (unsigned long long)e->head,
		    (unsigned long long)block);
	e->is_behind = is;
	return e->head < block;
}

int
endpoint_is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->block_time == b->block_time && a->n_facts == b->n_facts &&
	    a->n_key == b->n_key &&
	    memcmp(a->block_hash, b->block_hash, 32) == 0 &&
	    memcmp(a->facts, b->facts, a->n_facts) == 0 &&
	    memcmp(&a->gas.answer, &b->gas.answer, sizeof(a->gas.answer)) == 0;
}

void
endpoint_compare(struct endpoint *e, const struct endpoint *quorum)
{
	const int differs = !endpoint_is_same(e, quorum);

	e->disagreements += (uint64_t)differs;
	if (differs && !e->differs)
		log_warn(
		    "endpoint %s: disagrees with the quorum", rpc_name(e->rpc));
	else if (!differs && e->differs)
		log_info("endpoint %s: agrees again: it disagreed "
			 "%llu times",
		    rpc_name(e->rpc), (unsigned long long)e->disagreements);
	e->differs = differs;
}
