/* SPDX-License-Identifier: Apache-2.0
 *
 * The Handle Gateway: stores ciphertexts and access rights, but no key that
 * decrypts them.  fetch.c grants operands; this file stores results and serves
 * users.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "facts.h"
#include "gateway.h"
#include "log.h"
#include "program.h"
#include "secp.h"
#include "signed.h"
#include "store.h"
#include "wire.h"

#define VALUES_MAX	4096	/* in one Put or Get */

static uint64_t n_stored, n_not_stored;

Teerunner__V1__GrantedOperand *
gateway_operand(struct pool *pool, const struct m_value *value)
{
	Teerunner__V1__GrantedOperand *o = pool_get(pool, 1, sizeof(*o));

	teerunner__v1__granted_operand__init(o);
	o->handle = pool_bytes(pool, value->handle, sizeof(value->handle));
	o->key = pool_bytes(pool, value->key, sizeof(value->key));
	o->nonce = pool_bytes(pool, value->nonce, sizeof(value->nonce));
	o->ciphertext = pool_bytes(pool, value->ciphertext, value->len);
	return o;
}

/* ---- transactions ------------------------------------------------------ */

/* Calls share a transaction, which is committed when no event is waiting, so
 * that a busy Gateway commits less often. */
#define CALLS_MAX	16	/* in a transaction */

static STAILQ_HEAD(, commit) commits = STAILQ_HEAD_INITIALIZER(commits);
static unsigned n_commits;
static int is_begun;

static void
commit_all(void)
{
	STAILQ_HEAD(, commit) done = STAILQ_HEAD_INITIALIZER(done);
	struct commit *c;

	store_commit();
	is_begun = 0;
	n_commits = 0;
	STAILQ_CONCAT(&done, &commits);
	while ((c = STAILQ_FIRST(&done)) != NULL) {
		STAILQ_REMOVE_HEAD(&done, link);
		c->fn(c->arg);
	}
}

void
gateway_begin(void)
{
	if (is_begun)
		return;
	store_begin();
	is_begun = 1;
	rpc_when_idle(commit_all);
}

void
gateway_commit(struct commit *c, void (*fn)(void *), void *arg)
{
	c->fn = fn;
	c->arg = arg;
	STAILQ_INSERT_TAIL(&commits, c, link);
	if (++n_commits < CALLS_MAX)
		return;
	rpc_when_idle(NULL);
	commit_all();
}

/* ---- messages ---------------------------------------------------------- */

static const char *
status(struct pool *pool)
{
	return pool_printf(pool,
	    "{\"values\":%llu,\"granted\":%llu,"
	    "\"declined\":%llu,\"stored\":%llu,\"notStored\":%llu,"
	    "\"failingNodes\":%llu}",
	    (unsigned long long)store_count(), (unsigned long long)n_granted,
	    (unsigned long long)n_declined, (unsigned long long)n_stored,
	    (unsigned long long)n_not_stored,
	    (unsigned long long)quorum_failing());
}

static int
is_answered(struct rpc_call *call, int answer)
{
	if (answer == -1)
		rpc_fail(call, GRPC_STATUS_UNAVAILABLE,
		    "the Registry does not answer");
	return answer != -1;
}

int
gateway_admits(struct rpc_call *call, const uint8_t runner[20])
{
	int is_runner = facts_is_runner(&devnet, runner);

	if (is_runner == 0)
		rpc_fail(call, GRPC_STATUS_PERMISSION_DENIED,
		    "the Registry does not list this Runner");
	return is_answered(call, is_runner) && is_runner;
}

/* Returns 1 if values of this epoch can be read.  Otherwise it fails the call
 * and returns 0. */
static int
is_open(struct rpc_call *call, uint64_t epoch)
{
	int is_epoch = facts_is_epoch(&devnet, epoch);

	if (is_epoch == 0)
		rpc_fail(call, GRPC_STATUS_FAILED_PRECONDITION,
		    status_text(ST_KMS_KEY_OVER));
	return is_answered(call, is_epoch) && is_epoch;
}

/* Copy a value from a message.  Returns 0, or -1 if the handle is not valid or
 * of another chain, or the length not that of its type. */
static int
read_value(const ProtobufCBinaryData *handle, const ProtobufCBinaryData *key,
    const ProtobufCBinaryData *nonce, const ProtobufCBinaryData *ciphertext,
    struct m_value *value)
{
	if (wire_value(handle, key, nonce, ciphertext, value) != 0 ||
	    !handle_ok(value->handle) ||
	    handle_chain(value->handle) != devnet.chain_id ||
	    secp_point_check(value->key) != 0 ||
	    value->len != type_size(handle_type(value->handle)) + 16)
		return -1;
	return 0;
}

/* ---- results ----------------------------------------------------------- */

struct result {
	const Teerunner__V1__TaskResult *message;
	struct store_value *values;	/* the outputs; len 0: not valid */
	const uint8_t	*hash;
};

/* Takes long: a point is decompressed for each output. */
static void
read_outputs(struct result *r, struct pool *pool)
{
	size_t i, n = r->message->n_outputs;

	r->values = pool_get(pool, n, sizeof(r->values[0]));
	for (i = 0; i < n; i++) {
		const Teerunner__V1__Output *o = r->message->outputs[i];

		if (read_value(&o->handle, &o->key, &o->nonce, &o->ciphertext,
			&r->values[i].value) != 0)
			r->values[i].value.len = 0;
	}
}

static uint32_t
store_outputs(
    const struct result *r, uint64_t epoch, const struct store_grant *grant)
{
	struct store_value *v;
	uint32_t st = ST_OK;
	size_t i;

	for (i = 0; i < r->message->n_outputs && st == ST_OK; i++) {
		v = &r->values[i];
		v->epoch = epoch;
		memcpy(v->user, grant->caller, sizeof(v->user));
		memcpy(v->result, r->hash, sizeof(v->result));
		if (v->value.len == 0)
			st = ST_MALFORMED;
		else if (store_put(v) != 0)
			st = ST_OUTPUT_EXISTS;
	}
	/* The last one was not put. */
	if (st != ST_OK)
		for (i--; i > 0; i--)
			store_take_back(r->values[i - 1].value.handle);
	return st;
}

/* Store all outputs of a task, or none.  The check uses what was granted, to
 * whom and for which handles, so the Orchestrator need not be trusted.  A
 * result that was stored already is known by its first output. */
static uint32_t
store_one(const struct result *result, uint64_t epoch, int is_epoch,
    const uint8_t signer[20])
{
	const Teerunner__V1__TaskResult *r = result->message;
	struct store_grant grant;
	struct store_value known;
	uint32_t st;
	size_t i;

	if (r->status != ST_OK)
		return r->status;
	if (r->n_outputs > 0 && store_get(r->outputs[0]->handle.data, &known))
		return memcmp(known.result, result->hash, 32) == 0 ?
		    ST_OK :
		    ST_OUTPUT_EXISTS;
	if (!store_find_grant(r->task_id.data, r->attempt, &grant) ||
	    memcmp(grant.runner, signer, 20) != 0)
		return ST_WRONG_RUNNER;
	if (r->n_outputs != grant.n_outputs)
		return ST_MALFORMED;
	for (i = 0; i < r->n_outputs; i++)
		if (memcmp(r->outputs[i]->handle.data, grant.outputs[i].b,
			32) != 0)
			return ST_MALFORMED;
	if (!is_epoch)
		return ST_KMS_KEY_CHANGED;
	st = store_outputs(result, epoch, &grant);
	if (st == ST_OK && r->n_outputs > 0)
		store_forget_grant(&grant);
	return st;
}

static Teerunner__V1__StoreOutcome *
outcome(struct pool *pool, const Teerunner__V1__TaskResult *r, uint32_t st)
{
	Teerunner__V1__StoreOutcome *o = pool_get(pool, 1, sizeof(*o));

	teerunner__v1__store_outcome__init(o);
	o->task = pool_get(pool, 1, sizeof(*o->task));
	teerunner__v1__task_ref__init(o->task);
	o->task->id = r->task_id;
	o->task->attempt = r->attempt;
	o->status = st;
	if (st == ST_OK)
		n_stored++;
	else
		n_not_stored++;
	return o;
}

/* The part of a StoreResults that needs no other state.  Returns the results,
 * or NULL if they are not signed. */
static struct result *
read_results(const Teerunner__V1__TaskResultBatch *batch, struct pool *pool,
    uint8_t signer[20])
{
	struct result *results = pool_get(
	    pool, batch->n_results, sizeof(results[0]));
	uint8_t (*hashes)[32];
	size_t i;

	if (signed_results(batch, devnet.domain, pool, signer, &hashes) != 0)
		return NULL;
	for (i = 0; i < batch->n_results; i++) {
		results[i].message = batch->results[i];
		results[i].hash = hashes[i];
		read_outputs(&results[i], pool);
	}
	return results;
}

struct storing {
	struct rpc_call	*call;
	struct commit	 commit;
	Teerunner__V1__StoreReport answer;
};

static void
on_stored(void *arg)
{
	struct storing *s = arg;

	rpc_reply(s->call, &s->answer.base);
}

static void
on_store(struct rpc_call *call, void *p)
{
	const Teerunner__V1__TaskResultBatch *batch = p;
	struct storing *s = pool_get(&call->pool, 1, sizeof(*s));
	struct result *results;
	uint8_t signer[20];
	size_t i;
	int is_epoch;

	if (fault == FAULT_GATEWAY_down) {
		rpc_fail(call, GRPC_STATUS_UNAVAILABLE, "down");
		return;
	}
	rpc_unlock();
	results = read_results(batch, &call->pool, signer);
	rpc_lock();
	if (results == NULL) {
		rpc_fail(call, GRPC_STATUS_UNAUTHENTICATED, "not signed");
		return;
	}
	if (!gateway_admits(call, signer))
		return;
	is_epoch = facts_is_epoch(&devnet, batch->epoch);
	if (!is_answered(call, is_epoch))
		return;
	s->call = call;
	teerunner__v1__store_report__init(&s->answer);
	s->answer.n_outcomes = batch->n_results;
	s->answer.outcomes = pool_get(
	    &call->pool, batch->n_results, sizeof(s->answer.outcomes[0]));
	gateway_begin();
	for (i = 0; i < batch->n_results; i++)
		s->answer.outcomes[i] = outcome(&call->pool, batch->results[i],
		    store_one(&results[i], batch->epoch, is_epoch, signer));
	gateway_commit(&s->commit, on_stored, s);
}

/* ---- users ------------------------------------------------------------- */

/* True if this user stored the same value before: the answer to the earlier Put
 * was lost. */
static int
is_repetition(const struct store_value *v)
{
	struct store_value known;

	return store_get(v->value.handle, &known) && known.epoch == v->epoch &&
	    memcmp(known.user, v->user, sizeof(known.user)) == 0 &&
	    memcmp(&known.value, &v->value, sizeof(known.value)) == 0;
}

/* Store all values of a Put, or none. */
static int
put_all(const Teerunner__Devnet__PutRequest *r, struct pool *pool)
{
	const uint8_t **put = pool_get(pool, r->n_values, sizeof(put[0]));
	struct store_value v = { .epoch = r->epoch };
	size_t i, n = 0;

	memcpy(v.user, r->user.data, sizeof(v.user));
	for (i = 0; i < r->n_values; i++) {
		const Teerunner__V1__GrantedOperand *o = r->values[i];

		if (read_value(&o->handle, &o->key, &o->nonce, &o->ciphertext,
			&v.value) != 0)
			break;
		if (store_put(&v) == 0)
			put[n++] = o->handle.data;
		else if (!is_repetition(&v))
			break;
	}
	if (i == r->n_values)
		return 0;
	while (n > 0)
		store_take_back(put[--n]);
	return -1;
}

struct putting {
	struct rpc_call	*call;
	struct commit	 commit;
	int		 is_good;
};

static void
on_put_done(void *arg)
{
	struct putting *p = arg;
	Teerunner__Devnet__PutResponse answer =
	    TEERUNNER__DEVNET__PUT_RESPONSE__INIT;

	if (p->is_good)
		rpc_reply(p->call, &answer.base);
	else
		rpc_fail(p->call, GRPC_STATUS_ALREADY_EXISTS,
		    "a value is malformed, or its handle is taken");
}

static void
on_put(struct rpc_call *call, void *p)
{
	const Teerunner__Devnet__PutRequest *r = p;
	struct putting *put = pool_get(&call->pool, 1, sizeof(*put));

	if (r->n_values > VALUES_MAX ||
	    signed_put(r, devnet.domain, &call->pool) != 0) {
		rpc_fail(call, GRPC_STATUS_UNAUTHENTICATED,
		    "not signed by the user it names");
		return;
	}
	if (r->expiry <= (uint64_t)time(NULL)) {
		rpc_fail(call, GRPC_STATUS_FAILED_PRECONDITION, "expired");
		return;
	}
	if (!is_open(call, r->epoch))
		return;
	put->call = call;
	gateway_begin();
	put->is_good = put_all(r, &call->pool) == 0;
	gateway_commit(&put->commit, on_put_done, put);
}

struct get {
	struct rpc_call	*call;
	Teerunner__Devnet__DelegateUserRequest delegate;
	Teerunner__Devnet__GetResponse answer;
	size_t		 operands;
};

static void
on_user_seals(void *arg, Teerunner__V1__Seal ***seals)
{
	struct get *g = arg;
	size_t t;

	if (seals == NULL) {
		rpc_fail(g->call, GRPC_STATUS_UNAVAILABLE,
		    "no quorum of KMS nodes answers");
		return;
	}
	g->answer.n_seals = devnet.threshold;
	g->answer.seals = pool_get(
	    &g->call->pool, devnet.threshold, sizeof(g->answer.seals[0]));
	for (t = 0; t < devnet.threshold; t++)
		g->answer.seals[t] = seals[t][0];
	rpc_reply(g->call, &g->answer.base);
}

static int
fill_get(struct get *g, const Teerunner__Devnet__GetRequest *r)
{
	struct pool *pool = &g->call->pool;
	struct store_value v;
	size_t i;

	g->answer.n_values = g->delegate.n_keys = r->n_handles;
	g->delegate.n_epochs = r->n_handles;
	g->delegate.epochs = pool_get(pool, r->n_handles, sizeof(uint64_t));
	g->answer.values = pool_get(
	    pool, r->n_handles, sizeof(g->answer.values[0]));
	g->delegate.keys = pool_get(
	    pool, r->n_handles, sizeof(g->delegate.keys[0]));
	for (i = 0; i < r->n_handles; i++) {
		if (!store_get(r->handles[i].data, &v) ||
		    memcmp(v.user, r->user.data, sizeof(v.user)) != 0)
			return -1;
		g->delegate.epochs[i] = v.epoch;
		g->answer.values[i] = gateway_operand(pool, &v.value);
		g->delegate.keys[i] = g->answer.values[i]->key;
	}
	return 0;
}

static void
on_get(struct rpc_call *call, void *p)
{
	Teerunner__Devnet__GetRequest *r = p;
	struct get *g = pool_get(&call->pool, 1, sizeof(*g));
	uint8_t hash[32];
	size_t i;

	if (r->n_handles == 0 || r->n_handles > VALUES_MAX ||
	    signed_get(r, devnet.domain, &call->pool, hash) != 0) {
		rpc_fail(call, GRPC_STATUS_UNAUTHENTICATED,
		    "not signed by the user it names");
		return;
	}
	if (r->expiry <= (uint64_t)time(NULL)) {
		rpc_fail(call, GRPC_STATUS_FAILED_PRECONDITION, "expired");
		return;
	}
	g->call = call;
	teerunner__devnet__get_response__init(&g->answer);
	teerunner__devnet__delegate_user_request__init(&g->delegate);
	g->delegate.request = r;
	g->operands = r->n_handles;
	/* The same error for both, so that it does not reveal which handles
	 * exist. */
	if (fill_get(g, r) != 0) {
		rpc_fail(call, GRPC_STATUS_PERMISSION_DENIED,
		    "there is no such value, or it is not this user's");
		return;
	}
	for (i = 0; i < r->n_handles; i++)
		if (!is_open(call, g->delegate.epochs[i]))
			return;
	quorum_ask(&call->pool, "/teerunner.devnet.UserKms/DelegateUser",
	    &g->delegate.base, &g->delegate.quorum, &g->delegate.n_quorum,
	    r->avoid, &g->operands, 1, on_user_seals, g);
}

/* ---- start ------------------------------------------------------------- */

static uint16_t
start(uint32_t node)
{
	char path[DEVNET_PATH];

	(void)node;
	dir_path(&devnet, path, "gateway.db");
	store_open(path);
	fetch_init();
	quorum_init();
	return devnet.gateway_port;
}

static const struct rpc_method methods[] = {
	{ "/teerunner.v1.HandleGateway/FetchOperands", "runner",
	    &teerunner__v1__operand_request_batch__descriptor, on_fetch },
	{ "/teerunner.v1.HandleGateway/StoreResults", "orchestrator,runner",
	    &teerunner__v1__task_result_batch__descriptor, on_store },
	{ "/teerunner.devnet.Values/Put", "cli",
	    &teerunner__devnet__put_request__descriptor, on_put },
	{ "/teerunner.devnet.Values/Get", "cli",
	    &teerunner__devnet__get_request__descriptor, on_get },
	CONTROL_METHODS
};

const struct server gateway_server = { start, status, methods,
	sizeof(methods) / sizeof(methods[0]), 4 };
