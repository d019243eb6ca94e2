/* SPDX-License-Identifier: Apache-2.0
 *
 * See client.h: what a user's SDK would do.  It does not trust the Gateway: a
 * value opens only under its own handle, with partials that are sealed to this
 * request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "ecies.h"
#include "log.h"
#include "secp.h"
#include "partial.h"
#include "shamir.h"
#include "signed.h"
#include "wire.h"

#define TIMEOUT	30000	/* ms */
#define PATIENCE	10000	/* ms to wait for a Gateway that restarts */
#define EXPIRY	120	/* seconds */

void
client_open(struct client *c, const char *dir, const char *user)
{
	dir_load(&c->d, dir);
	rpc_tls_load(&c->tls, dir, "cli");
	dir_user(&c->d, user == NULL ? "alice" : user, c->key, c->address);
	if (secp_decompress(c->d.kms_key, c->kms_xy) != 0)
		fatal("devnet.json: kmsKey is no point");
	c->gateway = rpc_connect(dir_address(c->d.gateway_port), &c->tls);
	c->orchestrator = rpc_connect(
	    dir_address(c->d.orchestrator_port), &c->tls);
}

/* ---- calls with retries ------------------------------------------------ */

/* A call that is retried with exponential back-off while its server cannot be
 * reached, since the server may be restarting. */
struct call {
	struct rpc_peer	*peer;
	const char	*what;		/* for messages: "put" */
	const char	*path;
	const ProtobufCMessage *message;	/* valid until `fn' */
	const ProtobufCMessageDescriptor *out;
	unsigned	 timeout;	/* ms per attempt */
	unsigned	 patience;	/* ms for all attempts */
	uint32_t	*elapsed;	/* message's: ms since the first */
	rpc_done	 fn;
	void		*arg;
	struct rpc_timer timer;
	uint64_t	 start;
	uint32_t	 failures;
};

static void	send_call(void *);

static void
on_answer(void *arg, int code, const char *why, void *answer)
{
	struct call *call = arg;
	uint64_t elapsed = now_ms() - call->start;

	if (code != GRPC_STATUS_UNAVAILABLE || elapsed >= call->patience) {
		call->fn(call->arg, code, why, answer);
		return;
	}
	if (call->failures++ == 0)
		fprintf(stderr, "tee-devnet: %s: %s: retried for %u s\n",
		    call->what, why, call->patience / 1000);
	rpc_after(&call->timer, rpc_back_off(call->failures), send_call, call);
}

static void
send_call(void *arg)
{
	struct call *call = arg;

	if (call->failures == 0)
		call->start = now_ms();
	else if (call->elapsed != NULL)
		*call->elapsed = (uint32_t)(now_ms() - call->start);
	rpc_send(call->peer, call->path, call->message, call->out,
	    call->timeout, on_answer, call);
}

/* Wait for the answer.  Returns it in the pool, or NULL after a line on
 * stderr. */
static void *
wait_for(struct call *call, struct pool *pool)
{
	struct rpc_wait wait = { .pool = pool, .what = call->what };

	call->fn = rpc_waited;
	call->arg = &wait;
	send_call(call);
	rpc_loop(&wait.done);
	return wait.answer;
}

static void *
ask_gateway(struct client *c, const char *what, const char *path,
    const ProtobufCMessage *message, const ProtobufCMessageDescriptor *out,
    struct pool *pool)
{
	struct call call = { .peer = c->gateway,
		.what = what,
		.path = path,
		.message = message,
		.out = out,
		.timeout = TIMEOUT,
		.patience = PATIENCE };

	return wait_for(&call, pool);
}

/* ---- put --------------------------------------------------------------- */

static Teerunner__V1__GrantedOperand *
encrypt(const struct client *c, struct pool *pool, const struct plain *p,
    uint8_t handle[32])
{
	Teerunner__V1__GrantedOperand *o = pool_get(pool, 1, sizeof(*o));
	uint8_t key[33], nonce[GCM_NONCE], cipher[CIPHER_MAX];
	size_t n = type_size(p->type);

	value_handle(c->d.chain_id, p->type, handle);
	if (ecies_seal(
		c->kms_xy, handle, 32, p->bytes, n, key, nonce, cipher) != 0)
		fatal("put: cannot encrypt");
	teerunner__v1__granted_operand__init(o);
	o->handle = pool_bytes(pool, handle, 32);
	o->key = pool_bytes(pool, key, sizeof(key));
	o->nonce = pool_bytes(pool, nonce, sizeof(nonce));
	o->ciphertext = pool_bytes(pool, cipher, n + GCM_TAG);
	return o;
}

static int
put_some(struct client *c, const struct plain *values, size_t n,
    uint8_t (*handles)[32])
{
	Teerunner__Devnet__PutRequest request =
	    TEERUNNER__DEVNET__PUT_REQUEST__INIT;
	struct pool pool;
	size_t i;
	int r = -1;

	pool_init(&pool);
	request.user = pool_bytes(&pool, c->address, 20);
	request.expiry = (uint64_t)time(NULL) + EXPIRY;
	request.epoch = c->d.epoch;
	request.n_values = n;
	request.values = pool_get(&pool, n, sizeof(request.values[0]));
	for (i = 0; i < n; i++)
		request.values[i] = encrypt(c, &pool, &values[i], handles[i]);
	if (sign_put(&request, c->d.domain, c->key, &pool) == 0 &&
	    ask_gateway(c, "put", "/teerunner.devnet.Values/Put", &request.base,
		&teerunner__devnet__put_response__descriptor, &pool) != NULL)
		r = 0;
	pool_free(&pool);
	return r;
}

int
client_put(struct client *c, const struct plain *values, size_t n,
    uint8_t (*handles)[32])
{
	size_t i, some;

	for (i = 0; i < n; i += some) {
		some = n - i < CLIENT_BULK ? n - i : CLIENT_BULK;
		if (put_some(c, values + i, some, handles + i) != 0)
			return -1;
	}
	return 0;
}

/* ---- get --------------------------------------------------------------- */

struct opening {
	const struct client *c;
	const Teerunner__Devnet__GetResponse *answer;
	struct seal_bind bind[KMS_NODES];
	uint8_t		 keys[KMS_NODES][32];
	uint32_t	 quorum[KMS_NODES];
	uint64_t	*bad;		/* nodes with a wrong answer */
};

static void
blame(const struct opening *o, uint32_t node, const char *what)
{
	fprintf(stderr, "tee-devnet: get: KMS node %u: %s\n", node, what);
	*o->bad |= UINT64_C(1) << (node - 1);
}

/* Find out which node is wrong, after a tag did not match. */
static void
find_fault(const struct opening *o, const struct m_value *value,
    const uint8_t (*partials)[PARTIAL_PLAIN])
{
	size_t t, n = o->c->d.threshold;
	uint8_t lambda[32];

	for (t = 0; t < n; t++)
		if (shamir_lambda(o->quorum, n, o->quorum[t], lambda) != 0 ||
		    (partial_check(o->c->d.kms_shares[o->quorum[t] - 1], lambda,
			 value->key, partials[t]) != 0 &&
			partial_check(o->c->d.kms_former[o->quorum[t] - 1],
			    lambda, value->key, partials[t]) != 0))
			blame(o, o->quorum[t], "a partial is wrong");
}

static int
open_one(const struct opening *o, uint32_t j, const uint8_t handle[32],
    struct plain *plain)
{
	const Teerunner__V1__GrantedOperand *from = o->answer->values[j];
	uint8_t partials[KMS_NODES][PARTIAL_PLAIN], points[KMS_NODES][64];
	uint8_t sum[64], key[32];
	struct m_value value;
	size_t t, n = o->c->d.threshold;

	memset(plain, 0, sizeof(*plain));
	plain->type = handle_type(handle);
	if (wire_value(&from->handle, &from->key, &from->nonce,
		&from->ciphertext, &value) != 0 ||
	    memcmp(value.handle, handle, 32) != 0 ||
	    value.len != type_size(plain->type) + GCM_TAG)
		return -1;
	memcpy(plain->ciphertext, value.ciphertext, value.len);
	plain->n_ciphertext = value.len;
	for (t = 0; t < n; t++) {
		if (open_partial(o->keys[t], &o->bind[t], j, handle,
			o->answer->seals[t]->partials.data +
			    (size_t)j * PARTIAL_SEALED,
			partials[t]) != 0) {
			blame(o, o->quorum[t], "a seal does not open");
			return -1;
		}
		memcpy(points[t], partials[t], 64);
	}
	if (secp_sum((const uint8_t(*)[64])points, n, sum) != 0 ||
	    ecies_key(sum, key) != 0 ||
	    gcm_open(key, value.nonce, handle, 32, value.ciphertext, value.len,
		plain->bytes) != 0) {
		find_fault(
		    o, &value, (const uint8_t(*)[PARTIAL_PLAIN])partials);
		return -1;
	}
	return 0;
}

static int
open_all(const struct client *c, const Teerunner__Devnet__GetResponse *answer,
    const uint8_t own[32], const uint8_t hash[32], const uint8_t (*handles)[32],
    size_t n, struct plain *values, uint64_t *bad)
{
	struct opening o = { .c = c, .answer = answer, .bad = bad };
	size_t t, i;

	if (answer->n_values != n || answer->n_seals != c->d.threshold)
		return -1;
	for (t = 0; t < answer->n_seals; t++) {
		const Teerunner__V1__Seal *seal = answer->seals[t];

		if (seal->node < 1 || seal->node > c->d.nodes ||
		    wire_fixed(&seal->key, o.bind[t].node_key, 33) != 0 ||
		    seal->partials.len != n * PARTIAL_SEALED ||
		    seal_key(own, seal->key.data, o.keys[t]) != 0)
			return -1;
		memcpy(o.bind[t].task_id, hash, 32);
		o.bind[t].attempt = 0;
		o.bind[t].node = o.quorum[t] = seal->node;
		if (secp_public(own, o.bind[t].ephemeral_key) != 0)
			return -1;
	}
	for (i = 0; i < n; i++)
		if (open_one(&o, (uint32_t)i, handles[i], &values[i]) != 0)
			return -1;
	return 0;
}

/* *bad: nodes to avoid; nodes found to be wrong are added. */
static int
get_some(struct client *c, const uint8_t (*handles)[32], size_t n,
    struct plain *values, uint64_t *bad)
{
	Teerunner__Devnet__GetRequest request =
	    TEERUNNER__DEVNET__GET_REQUEST__INIT;
	Teerunner__Devnet__GetResponse *answer = NULL;
	uint8_t own[32], public[33], hash[32];
	struct pool pool;
	size_t i;
	int r = -1;

	pool_init(&pool);
	secp_key_new(own);
	if (secp_public(own, public) != 0)
		fatal("get: no key");
	request.user = pool_bytes(&pool, c->address, 20);
	request.expiry = (uint64_t)time(NULL) + EXPIRY;
	request.avoid = *bad;
	request.ephemeral_key = pool_bytes(&pool, public, sizeof(public));
	request.n_handles = n;
	request.handles = pool_get(&pool, n, sizeof(request.handles[0]));
	for (i = 0; i < n; i++)
		request.handles[i] = pool_bytes(&pool, handles[i], 32);
	if (sign_get(&request, c->d.domain, c->key, &pool, hash) == 0)
		answer = ask_gateway(c, "get", "/teerunner.devnet.Values/Get",
		    &request.base, &teerunner__devnet__get_response__descriptor,
		    &pool);
	if (answer != NULL &&
	    (r = open_all(c, answer, own, hash, handles, n, values, bad)) != 0)
		fprintf(stderr, "tee-devnet: get: the answer does not open\n");
	explicit_bzero(own, sizeof(own));
	pool_free(&pool);
	return r;
}

int
client_get(struct client *c, const uint8_t (*handles)[32], size_t n,
    struct plain *values)
{
	uint64_t bad = 0, before;
	size_t i, some;

	for (i = 0; i < n; i += some) {
		some = n - i < CLIENT_BULK ? n - i : CLIENT_BULK;
		do {
			before = bad;
			if (get_some(c, handles + i, some, values + i, &bad) ==
			    0)
				break;
			if (bad == before)	/* no other node to avoid */
				return -1;
		} while (1);
	}
	return 0;
}

/* ---- submit ------------------------------------------------------------ */

static struct call *
make_submit(struct client *c, struct pool *pool, Teerunner__V1__Task **tasks,
    size_t n, uint32_t batch, uint32_t timeout)
{
	struct call *call = pool_get(pool, 1, sizeof(*call));
	Teerunner__Devnet__SubmitRequest *request = pool_get(
	    pool, 1, sizeof(*request));

	teerunner__devnet__submit_request__init(request);
	request->n_tasks = n;
	request->tasks = tasks;
	request->batch = batch;
	request->timeout = timeout;
	call->peer = c->orchestrator;
	call->what = "submit";
	call->path = "/teerunner.devnet.Submitter/Submit";
	call->message = &request->base;
	call->out = &teerunner__devnet__submit_response__descriptor;
	call->timeout = 1000 * (timeout + 10);
	call->patience = 1000 * timeout;
	call->elapsed = &request->elapsed;
	return call;
}

void
client_submit_send(struct client *c, struct pool *pool,
    Teerunner__V1__Task **tasks, size_t n, uint32_t batch, uint32_t timeout,
    rpc_done fn, void *arg)
{
	struct call *call = make_submit(c, pool, tasks, n, batch, timeout);

	call->fn = fn;
	call->arg = arg;
	send_call(call);
}

Teerunner__Devnet__SubmitResponse *
client_submit(struct client *c, struct pool *pool, Teerunner__V1__Task **tasks,
    size_t n, uint32_t batch, uint32_t timeout)
{
	return wait_for(make_submit(c, pool, tasks, n, batch, timeout), pool);
}
