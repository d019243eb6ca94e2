/* SPDX-License-Identifier: Apache-2.0
 *
 * A KMS node: holds a share of the KMS key of each epoch and answers with
 * partials, sealed to the key of the request's signer, never to one that the
 * Gateway chose.  It trusts the Gateway only for the K of each handle and for
 * the access rights.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "facts.h"
#include "kms.h"
#include "log.h"
#include "secp.h"
#include "partial.h"
#include "shamir.h"
#include "signed.h"
#include "wire.h"

#define EXPIRY_MAX	3600	/* seconds from now */
#define SLOW		5000	/* ms */
#define EPOCHS		2	/* the current and the previous one */

static uint32_t self;
static uint64_t n_seals, n_partials, n_refused;

static const char *
status(struct pool *pool)
{
	return pool_printf(pool,
	    "{\"seals\":%llu,\"partials\":%llu,"
	    "\"refused\":%llu}",
	    (unsigned long long)n_seals, (unsigned long long)n_partials,
	    (unsigned long long)n_refused);
}

static const char no_answer[] = "the Registry does not answer";

static void
refuse(struct rpc_call *call, grpc_status_code code, const char *why)
{
	n_refused++;
	rpc_fail(call, code, why);
}

/* This node's share of the key of an epoch (not 0), from a cache or the file;
 * NULL if there is none. */
static const uint8_t *
share_of(uint64_t epoch)
{
	static struct {
		uint64_t	epoch;
		uint8_t		share[32];
	} kept[EPOCHS];
	const size_t i = epoch % EPOCHS;
	char file[48];

	if (kept[i].epoch == epoch)
		return kept[i].share;
	kept[i].epoch = 0;
	if (dir_find_secret(&devnet, dir_share(file, sizeof(file), self, epoch),
		kept[i].share) != 0)
		return NULL;
	kept[i].epoch = epoch;
	return kept[i].share;
}

/* This node's scalar for each epoch in a request. */
struct scalars {
	size_t		 n;
	uint64_t	 epoch[EPOCHS];
	uint8_t		 x[EPOCHS][32];
};

/* x = lambda_self(quorum) * share; the quorum must have t members and include
 * this node. */
static int
quorum_scalar(
    const uint32_t *quorum, size_t n, const uint8_t share[32], uint8_t x[32])
{
	size_t i;
	int has_self = 0;

	if (n != devnet.threshold)
		return -1;
	for (i = 0; i < n; i++) {
		if (quorum[i] < 1 || quorum[i] > devnet.nodes ||
		    (i > 0 && quorum[i] <= quorum[i - 1]))
			return -1;
		has_self |= quorum[i] == self;
	}
	if (!has_self || shamir_lambda(quorum, n, self, x) != 0)
		return -1;
	return secp_scalar_mul(x, share);
}

/* Fault: use another share, with a proof that is valid for it. */
static void
apply_wrong_share(uint8_t x[32])
{
	static const uint8_t one[32] = { [31] = 1 };

	if (fault == FAULT_KMS_partial)
		secp_scalar_add(x, one);
}

/* Compute the scalars for the epochs of all keys (epoch 0: a key that was not
 * requested).  Returns NULL, or what is wrong. */
static const char *
make_scalars(struct scalars *s, const uint32_t *quorum, size_t n_quorum,
    const uint64_t *epochs, size_t n)
{
	const uint8_t *share;
	size_t i, j;
	int is_epoch;

	s->n = 0;
	for (i = 0; i < n; i++) {
		for (j = 0; j < s->n && s->epoch[j] != epochs[i]; j++)
			;
		if (j < s->n || epochs[i] == 0)
			continue;
		if ((is_epoch = facts_is_epoch(&devnet, epochs[i])) == -1)
			return no_answer;
		if (s->n == EPOCHS || !is_epoch ||
		    (share = share_of(epochs[i])) == NULL)
			return "no share of that epoch, or it is over";
		if (quorum_scalar(quorum, n_quorum, share, s->x[s->n]) != 0)
			return "the quorum is not valid";
		apply_wrong_share(s->x[s->n]);
		s->epoch[s->n++] = epochs[i];
	}
	return NULL;
}

static const uint8_t *
scalar_of(const struct scalars *s, uint64_t epoch)
{
	size_t j;

	for (j = 0; j < s->n; j++)
		if (s->epoch[j] == epoch)
			return s->x[j];
	return NULL;
}

/* Cache of recent partials, which saves two multiplications for values that
 * many tasks read.  They are secret, like the share. */
#define CACHE	1024
static struct cached {
	uint8_t	x[32], K[33], partial[PARTIAL_PLAIN];
} cache[CACHE];

static int
get_partial(
    const uint8_t x[32], const uint8_t K[33], uint8_t partial[PARTIAL_PLAIN])
{
	/* K's x coordinate is a sufficient hash. */
	struct cached *c = &cache[((unsigned)K[31] << 8 | K[32]) % CACHE];
	int r;

	if (memcmp(c->K, K, 33) != 0 || memcmp(c->x, x, 32) != 0) {
		rpc_unlock();
		r = partial_make(x, K, partial);
		rpc_lock();
		if (r != 0)
			return -1;
		memcpy(c->x, x, 32);
		memcpy(c->K, K, 33);
		memcpy(c->partial, partial, PARTIAL_PLAIN);
	}
	memcpy(partial, c->partial, PARTIAL_PLAIN);
	return 0;
}

/* Put all partials of a request into a Seal; NULL if a K is not a point. */
static Teerunner__V1__Seal *
make_seal(struct pool *pool, const struct scalars *s, struct seal_bind *bind,
    const ProtobufCBinaryData *handles, const ProtobufCBinaryData *keys,
    const uint64_t *epochs, size_t n)
{
	Teerunner__V1__Seal *seal = pool_get(pool, 1, sizeof(*seal));
	uint8_t own[32], key[32], K[33], partial[PARTIAL_PLAIN];
	uint8_t *sealed = pool_get(pool, n, PARTIAL_SEALED);
	const uint8_t *x;
	size_t j;
	int r = -1, is_bad;

	bind->node = self;
	rpc_unlock();
	secp_key_new(own);
	is_bad = secp_public(own, bind->node_key) != 0 ||
	    seal_key(own, bind->ephemeral_key, key) != 0;
	rpc_lock();
	if (is_bad)
		goto out;
	for (j = 0; j < n; j++) {
		if ((x = scalar_of(s, epochs[j])) == NULL ||
		    wire_fixed(&keys[j], K, 33) != 0 ||
		    get_partial(x, K, partial) != 0)
			goto out;
		if (fault == FAULT_KMS_proof)
			partial[PARTIAL_PLAIN - 1] ^= 1;
		if (seal_partial(key, bind, (uint32_t)j, handles[j].data,
			partial, sealed + j * PARTIAL_SEALED) != 0)
			goto out;
		if (fault == FAULT_KMS_seal)
			sealed[j * PARTIAL_SEALED] ^= 1;
	}
	teerunner__v1__seal__init(seal);
	seal->node = self;
	seal->key = pool_bytes(pool, bind->node_key, 33);
	seal->partials.data = sealed;
	seal->partials.len = n * PARTIAL_SEALED;
	n_seals++;
	n_partials += n;
	r = 0;
out:
	explicit_bzero(own, sizeof(own));
	explicit_bzero(key, sizeof(key));
	explicit_bzero(partial, sizeof(partial));
	return r == 0 ? seal : NULL;
}

static int
is_in_time(uint64_t expiry)
{
	uint64_t now = (uint64_t)time(NULL);

	return expiry > now && expiry <= now + EXPIRY_MAX;
}

static int
seal_selected(struct rpc_call *call, const Teerunner__V1__DelegateRequest *d,
    const struct scalars *s, Teerunner__V1__DelegateResponse *answer)
{
	const Teerunner__V1__OperandRequest *r;
	struct seal_bind bind;
	size_t i, next = 0, at = 0;

	answer->seals = pool_get(
	    &call->pool, d->n_selected, sizeof(answer->seals[0]));
	for (i = 0; i < d->request->n_requests; i++) {
		r = d->request->requests[i];
		if (r->n_inputs > d->n_keys - at)
			return -1;
		if (next < d->n_selected && d->selected[next] == i) {
			memcpy(bind.task_id, r->task_id.data, 32);
			bind.attempt = r->attempt;
			memcpy(bind.ephemeral_key, r->ephemeral_key.data, 33);
			answer->seals[next] = make_seal(&call->pool, s, &bind,
			    r->inputs, d->keys + at, d->epochs + at,
			    r->n_inputs);
			if (answer->seals[next++] == NULL)
				return -1;
		}
		at += r->n_inputs;
	}
	answer->n_seals = next;
	return next == d->n_selected && at == d->n_keys ? 0 : -1;
}

/* Fault: call `fn' only after the Gateway's timeout. */
struct late {
	struct rpc_timer timer;
	struct rpc_call	*call;
	void		*request;
	void		(*fn)(struct rpc_call *, void *);
};

static void
on_late(void *arg)
{
	struct late *late = arg;

	late->fn(late->call, late->request);
}

static void
maybe_late(
    struct rpc_call *call, void *request, void (*fn)(struct rpc_call *, void *))
{
	struct late *late;

	if (fault != FAULT_KMS_slow) {
		fn(call, request);
		return;
	}
	late = pool_get(&call->pool, 1, sizeof(*late));
	late->call = call;
	late->request = request;
	late->fn = fn;
	rpc_after(&late->timer, SLOW, on_late, late);
}

static void
delegate(struct rpc_call *call, void *p)
{
	const Teerunner__V1__DelegateRequest *d = p;
	Teerunner__V1__DelegateResponse answer =
	    TEERUNNER__V1__DELEGATE_RESPONSE__INIT;
	struct scalars s;
	const char *why;
	int is_runner = -1, is_signed;

	rpc_unlock();
	is_signed = d->request != NULL &&
	    signed_request(d->request, devnet.domain, &call->pool) == 0;
	rpc_lock();
	if (fault == FAULT_KMS_down)
		refuse(call, GRPC_STATUS_UNAVAILABLE, "down");
	else if (!is_signed)
		refuse(call, GRPC_STATUS_UNAUTHENTICATED,
		    "not signed by the Runner it names");
	else if ((is_runner = facts_is_runner(
		      &devnet, d->request->runner.data)) == -1)
		refuse(call, GRPC_STATUS_UNAVAILABLE, no_answer);
	else if (!is_runner)
		refuse(call, GRPC_STATUS_PERMISSION_DENIED,
		    "the Registry does not list this Runner");
	else if (!is_in_time(d->request->expiry))
		refuse(call, GRPC_STATUS_FAILED_PRECONDITION, "expired");
	else if (d->n_epochs != d->n_keys)
		refuse(call, GRPC_STATUS_INVALID_ARGUMENT, "keys and epochs");
	else if ((why = make_scalars(&s, d->quorum, d->n_quorum, d->epochs,
		      d->n_epochs)) != NULL)
		refuse(call, GRPC_STATUS_INVALID_ARGUMENT, why);
	else if (seal_selected(call, d, &s, &answer) != 0)
		refuse(call, GRPC_STATUS_INVALID_ARGUMENT,
		    "keys and requests do not fit");
	else
		rpc_reply(call, &answer.base);
	explicit_bzero(&s, sizeof(s));
}

static void
on_delegate(struct rpc_call *call, void *request)
{
	maybe_late(call, request, delegate);
}

static void
delegate_user(struct rpc_call *call, void *p)
{
	const Teerunner__Devnet__DelegateUserRequest *d = p;
	const Teerunner__Devnet__GetRequest *r = d->request;
	Teerunner__V1__DelegateResponse answer =
	    TEERUNNER__V1__DELEGATE_RESPONSE__INIT;
	Teerunner__V1__Seal *seal;
	struct seal_bind bind = { .attempt = 0 };
	struct scalars s;
	const char *why;

	if (fault == FAULT_KMS_down)
		refuse(call, GRPC_STATUS_UNAVAILABLE, "down");
	else if (r == NULL ||
	    signed_get(r, devnet.domain, &call->pool, bind.task_id) != 0)
		refuse(call, GRPC_STATUS_UNAUTHENTICATED,
		    "not signed by the user it names");
	else if (!is_in_time(r->expiry))
		refuse(call, GRPC_STATUS_FAILED_PRECONDITION, "expired");
	else if (d->n_keys != r->n_handles || d->n_epochs != d->n_keys)
		refuse(call, GRPC_STATUS_INVALID_ARGUMENT, "keys and epochs");
	else if ((why = make_scalars(&s, d->quorum, d->n_quorum, d->epochs,
		      d->n_epochs)) != NULL)
		refuse(call, GRPC_STATUS_INVALID_ARGUMENT, why);
	else {
		memcpy(bind.ephemeral_key, r->ephemeral_key.data, 33);
		seal = make_seal(&call->pool, &s, &bind, r->handles, d->keys,
		    d->epochs, d->n_keys);
		answer.seals = &seal;
		answer.n_seals = 1;
		if (seal == NULL)
			refuse(call, GRPC_STATUS_INVALID_ARGUMENT,
			    "a key is not a curve point");
		else
			rpc_reply(call, &answer.base);
	}
	explicit_bzero(&s, sizeof(s));
}

static void
on_delegate_user(struct rpc_call *call, void *request)
{
	maybe_late(call, request, delegate_user);
}

static uint16_t
start(uint32_t node)
{
	self = node;
	return devnet.kms_ports[node - 1];
}

static const struct rpc_method methods[] = {
	{ "/teerunner.v1.KmsNode/Delegate", "gateway",
	    &teerunner__v1__delegate_request__descriptor, on_delegate },
	{ "/teerunner.devnet.UserKms/DelegateUser", "gateway",
	    &teerunner__devnet__delegate_user_request__descriptor,
	    on_delegate_user },
	CONTROL_METHODS
};

const struct server kms_server = { start, status, methods,
	sizeof(methods) / sizeof(methods[0]), 4 };
