/* SPDX-License-Identifier: Apache-2.0
 *
 * FetchOperands: checks a Runner's requests against its signature, the Registry
 * and the access rights of each task's caller, has the operands delegated to
 * each task's ephemeral key, and signs the grants.  A request that cannot be
 * granted gets its status in the same signed answer.  A batch without a valid
 * signature gets no answer.
 */
#include <string.h>
#include <time.h>

#include "facts.h"
#include "gateway.h"
#include "log.h"
#include "program.h"
#include "server.h"
#include "signed.h"
#include "store.h"

#define SLOW	5000	/* ms */

struct fetch {
	struct rpc_call	*call;
	Teerunner__V1__OperandRequestBatch *request;
	Teerunner__V1__OperandGrantBatch answer;
	Teerunner__V1__DelegateRequest delegate;
	size_t		*operands;	/* number per selected request */
	uint64_t	(*epochs)[TASK_INPUTS];	/* per operand */
	struct commit	 commit;
	struct rpc_timer timer;
};

uint64_t n_granted, n_declined;
static uint8_t key[32];

void
fetch_init(void)
{
	dir_secret(&devnet, "gateway", key);
}

/* ---- faults ------------------------------------------------------------ */

/* The grants of the first answer after the fault was switched on. */
static uint8_t *old_answer;
static struct pool old_pool;
static size_t old_size;

static void
replay(Teerunner__V1__OperandGrantBatch **answer, struct pool *pool)
{
	if (old_answer != NULL) {
		*answer = teerunner__v1__operand_grant_batch__unpack(
		    &pool->arena.allocator, old_size, old_answer);
		return;
	}
	pool_init(&old_pool);
	old_size = teerunner__v1__operand_grant_batch__get_packed_size(*answer);
	old_answer = pool_get(&old_pool, 1, old_size);
	teerunner__v1__operand_grant_batch__pack(*answer, old_answer);
}

/* Within a grant that has two operands, or else between two grants. */
static void
swap_ciphertexts(Teerunner__V1__OperandGrantBatch *answer)
{
	Teerunner__V1__GrantedOperand *first = NULL, *o, saved;
	size_t i, j;

	for (i = 0; i < answer->n_grants; i++)
		for (j = 0; j < answer->grants[i]->n_operands; j++) {
			o = answer->grants[i]->operands[j];
			if (first == NULL) {
				first = o;
				continue;
			}
			saved = *first;
			first->key = o->key;
			first->nonce = o->nonce;
			first->ciphertext = o->ciphertext;
			o->key = saved.key;
			o->nonce = saved.nonce;
			o->ciphertext = saved.ciphertext;
			return;
		}
}

static void
change_count(Teerunner__V1__OperandGrantBatch *answer, struct pool *pool)
{
	Teerunner__V1__GrantedOperand **more;
	Teerunner__V1__OperandGrant *g;
	size_t i, n;

	for (i = 0; i < answer->n_grants; i++) {
		g = answer->grants[i];
		if ((n = g->n_operands) == 0)
			continue;
		if (fault == FAULT_GATEWAY_drop) {
			g->n_operands--;
			continue;
		}
		more = pool_get(pool, n + 1, sizeof(more[0]));
		memcpy(more, g->operands, n * sizeof(more[0]));
		more[n] = more[n - 1];
		g->operands = more;
		g->n_operands++;
	}
}

/* ---- the answer -------------------------------------------------------- */

static void
send_answer(void *arg)
{
	struct fetch *f = arg;
	Teerunner__V1__OperandGrantBatch *answer = &f->answer;

	if (fault == FAULT_GATEWAY_replay)
		replay(&answer, &f->call->pool);
	rpc_reply(f->call, &answer->base);
}

static void
finish(void *arg)
{
	struct fetch *f = arg;
	int r;

	if (fault == FAULT_GATEWAY_swap)
		swap_ciphertexts(&f->answer);
	if (fault == FAULT_GATEWAY_drop || fault == FAULT_GATEWAY_add)
		change_count(&f->answer, &f->call->pool);
	rpc_unlock();
	r = sign_grants(&f->answer, devnet.domain, key, &f->call->pool);
	rpc_lock();
	if (r != 0)
		fatal("fetch: cannot sign the grants");
	if (fault == FAULT_GATEWAY_badsig)
		f->answer.signature.data[10] ^= 1;
	if (fault == FAULT_GATEWAY_stuck)
		return;		/* keep the call open to test for leaks */
	if (fault == FAULT_GATEWAY_slow)
		rpc_after(&f->timer, SLOW, send_answer, f);
	else
		send_answer(f);
}

static void
add_seals(struct fetch *f, size_t i, Teerunner__V1__Seal ***seals, size_t at)
{
	Teerunner__V1__OperandGrant *g = f->answer.grants[i];
	size_t t;

	g->n_seals = devnet.threshold;
	g->seals = pool_get(&f->call->pool, g->n_seals, sizeof(g->seals[0]));
	for (t = 0; t < g->n_seals; t++)
		g->seals[t] = seals[t][at];
}

static void
remember(const struct fetch *f, size_t i)
{
	const Teerunner__V1__OperandRequest *r = f->request->requests[i];
	struct store_grant grant;
	size_t j;

	memcpy(grant.task, r->task_id.data, sizeof(grant.task));
	grant.attempt = r->attempt;
	memcpy(grant.runner, f->request->runner.data, sizeof(grant.runner));
	memcpy(grant.caller, r->caller.data, sizeof(grant.caller));
	grant.n_outputs = (uint32_t)r->n_outputs;
	for (j = 0; j < r->n_outputs; j++)
		memcpy(grant.outputs[j].b, r->outputs[j].data, 32);
	store_granted(&grant);
	n_granted++;
}

static void
on_seals(void *arg, Teerunner__V1__Seal ***seals)
{
	struct fetch *f = arg;
	size_t i, at = 0;

	gateway_begin();
	for (i = 0; i < f->answer.n_grants; i++) {
		Teerunner__V1__OperandGrant *g = f->answer.grants[i];

		if (g->status != ST_OK)
			continue;
		if (g->n_operands > 0 && seals == NULL) {
			g->status = ST_KMS_UNAVAILABLE;
			g->n_operands = 0;
			n_declined++;
			continue;
		}
		if (g->n_operands > 0)
			add_seals(f, i, seals, at++);
		remember(f, i);
	}
	gateway_commit(&f->commit, finish, f);
}

/* ---- the checks -------------------------------------------------------- */

static uint32_t
check_outputs(const Teerunner__V1__OperandRequest *r)
{
	size_t i;

	for (i = 0; i < r->n_outputs; i++) {
		if (!handle_ok(r->outputs[i].data) ||
		    handle_chain(r->outputs[i].data) != devnet.chain_id)
			return ST_BAD_HANDLE;
		if (store_has(r->outputs[i].data))
			return ST_OUTPUT_EXISTS;
	}
	return ST_OK;
}

/* Returns ST_KMS_KEY_OVER if the epoch of an input has ended, so that nobody
 * can decrypt it any more, or ST_GATEWAY_ERROR if the Registry does not
 * answer. */
static uint32_t
fill_operands(struct fetch *f, const Teerunner__V1__OperandRequest *r,
    Teerunner__V1__OperandGrant *g, uint64_t epochs[TASK_INPUTS])
{
	int is_missing = 0, is_denied = 0, is_over = 0, is_silent = 0, is_open;
	struct pool *pool = &f->call->pool;
	struct store_value v;
	size_t i;

	g->operands = pool_get(pool, r->n_inputs, sizeof(g->operands[0]));
	for (i = 0; i < r->n_inputs; i++) {
		if (!store_get(r->inputs[i].data, &v)) {
			is_missing = 1;
			continue;
		}
		is_denied |= memcmp(r->caller.data, v.user, 20) != 0;
		is_open = facts_is_epoch(&devnet, epochs[i] = v.epoch);
		is_over |= is_open == 0;
		is_silent |= is_open == -1;
		g->operands[i] = gateway_operand(pool, &v.value);
	}
	if (is_denied || is_missing)
		return is_denied ? ST_ACCESS_DENIED : ST_INPUT_MISSING;
	if (is_over || is_silent)
		return is_over ? ST_KMS_KEY_OVER : ST_GATEWAY_ERROR;
	g->n_operands = r->n_inputs;
	return ST_OK;
}

/* A grant without inputs needs no delegation and is only signed. */
static void
check_all(struct fetch *f)
{
	struct pool *pool = &f->call->pool;
	const Teerunner__V1__OperandRequest *r;
	Teerunner__V1__OperandGrant *g;
	size_t i, j, n = f->request->n_requests;
	static uint8_t no_key[33];

	f->answer.n_grants = n;
	f->answer.grants = pool_get(pool, n, sizeof(f->answer.grants[0]));
	f->delegate.selected = pool_get(pool, n, sizeof(uint32_t));
	f->operands = pool_get(pool, n, sizeof(size_t));
	f->epochs = pool_get(pool, n, sizeof(f->epochs[0]));
	for (i = 0; i < n; i++) {
		r = f->request->requests[i];
		f->answer.grants[i] = g = pool_get(pool, 1, sizeof(*g));
		teerunner__v1__operand_grant__init(g);
		g->task_id = r->task_id;
		g->attempt = r->attempt;
		g->ephemeral_key = r->ephemeral_key;
		if ((g->status = check_outputs(r)) != ST_OK ||
		    (g->status = fill_operands(f, r, g, f->epochs[i])) !=
			ST_OK) {
			n_declined++;
			continue;
		}
		if (g->n_operands > 0) {
			f->operands[f->delegate.n_selected] = g->n_operands;
			f->delegate
			    .selected[f->delegate.n_selected++] = (uint32_t)i;
		}
	}
	/* Reserve room for the inputs of all requests, granted or not. */
	for (i = 0; i < n; i++)
		f->delegate.n_keys += f->request->requests[i]->n_inputs;
	f->delegate.keys = pool_get(
	    pool, f->delegate.n_keys, sizeof(f->delegate.keys[0]));
	f->delegate.n_epochs = f->delegate.n_keys;
	f->delegate.epochs = pool_get(
	    pool, f->delegate.n_keys, sizeof(f->delegate.epochs[0]));
	for (i = 0, n = 0; i < f->answer.n_grants; i++) {
		g = f->answer.grants[i];
		for (j = 0; j < f->request->requests[i]->n_inputs; j++, n++) {
			f->delegate.keys[n].data = no_key;
			f->delegate.keys[n].len = 33;
			if (j >= g->n_operands)
				continue;
			f->delegate.keys[n] = g->operands[j]->key;
			f->delegate.epochs[n] = f->epochs[i][j];
		}
	}
}

void
on_fetch(struct rpc_call *call, void *p)
{
	Teerunner__V1__OperandRequestBatch *request = p;
	struct fetch *f;
	int is_signed;

	if (fault == FAULT_GATEWAY_down) {
		rpc_fail(call, GRPC_STATUS_UNAVAILABLE, "down");
		return;
	}
	rpc_unlock();
	is_signed = signed_request(request, devnet.domain, &call->pool) == 0;
	rpc_lock();
	if (!is_signed) {
		rpc_fail(call, GRPC_STATUS_UNAUTHENTICATED,
		    "not signed by the Runner it names");
		return;
	}
	if (!gateway_admits(call, request->runner.data))
		return;
	if (request->expiry <= (uint64_t)time(NULL)) {
		rpc_fail(call, GRPC_STATUS_FAILED_PRECONDITION, "expired");
		return;
	}
	f = pool_get(&call->pool, 1, sizeof(*f));
	f->call = call;
	f->request = request;
	teerunner__v1__operand_grant_batch__init(&f->answer);
	teerunner__v1__delegate_request__init(&f->delegate);
	f->delegate.request = request;
	gateway_begin();
	check_all(f);
	if (f->delegate.n_selected == 0)
		on_seals(f, NULL);
	else
		quorum_ask(&call->pool, "/teerunner.v1.KmsNode/Delegate",
		    &f->delegate.base, &f->delegate.quorum,
		    &f->delegate.n_quorum, request->avoid, f->operands,
		    f->delegate.n_selected, on_seals, f);
}
