/* SPDX-License-Identifier: Apache-2.0
 *
 * See signed.h.  Linked into Orchestrator, Gateway, KMS nodes and commands; no
 * state.
 */
#include <string.h>

#include "builder.h"
#include "bytes.h"
#include "keccak.h"
#include "secp.h"
#include "signed.h"
#include "wire.h"

struct m_word *
signed_words(const ProtobufCBinaryData *fields, size_t n, struct pool *pool)
{
	struct m_word *words = pool_get(pool, n, sizeof(*words));
	size_t i;

	for (i = 0; i < n; i++)
		if (wire_fixed(&fields[i], words[i].b, 32) != 0)
			return NULL;
	return words;
}

/* Check that `signature' of `hash' is by `address'. */
static int
check_signature(const uint8_t domain[32], const uint8_t hash[32],
    const ProtobufCBinaryData *signature, const uint8_t address[20])
{
	uint8_t digest[32], sig[65], signer[20];

	if (wire_fixed(signature, sig, 65) != 0)
		return -1;
	td_digest(domain, hash, digest);
	if (secp_recover(digest, sig, signer) != 0 ||
	    memcmp(signer, address, 20) != 0)
		return -1;
	return 0;
}

static int
sign(const uint8_t domain[32], const uint8_t hash[32], const uint8_t key[32],
    struct pool *pool, ProtobufCBinaryData *signature)
{
	uint8_t digest[32], sig[65];

	td_digest(domain, hash, digest);
	if (secp_sign(key, digest, sig) != 0)
		return -1;
	*signature = pool_bytes(pool, sig, 65);
	return 0;
}

/* ---- signed by Runners ------------------------------------------------- */

int
signed_request(const Teerunner__V1__OperandRequestBatch *b,
    const uint8_t domain[32], struct pool *pool)
{
	uint8_t (*hashes)[32] = pool_get(pool, b->n_requests, 32);
	uint8_t hash[32], runner[20], id[32], caller[20], key[33];
	const Teerunner__V1__OperandRequest *r;
	struct m_word *inputs, *outputs;
	size_t i;

	if (b->n_requests == 0 || b->n_requests > BATCH_TASKS ||
	    wire_fixed(&b->runner, runner, 20) != 0)
		return -1;
	for (i = 0; i < b->n_requests; i++) {
		r = b->requests[i];
		if (wire_fixed(&r->task_id, id, 32) != 0 ||
		    wire_fixed(&r->caller, caller, 20) != 0 ||
		    wire_fixed(&r->ephemeral_key, key, 33) != 0 ||
		    secp_point_check(key) != 0 || r->n_inputs > TASK_INPUTS ||
		    r->n_outputs > TASK_OUTPUTS)
			return -1;
		inputs = signed_words(r->inputs, r->n_inputs, pool);
		outputs = signed_words(r->outputs, r->n_outputs, pool);
		if (inputs == NULL || outputs == NULL)
			return -1;
		td_operand_request(id, r->attempt, caller, key, inputs,
		    r->n_inputs, outputs, r->n_outputs, hashes[i]);
	}
	td_operand_request_batch(
	    runner, b->expiry, b->avoid, hashes, b->n_requests, hash);
	return check_signature(domain, hash, &b->signature, runner);
}

static int
result_hash(
    const Teerunner__V1__TaskResult *r, struct pool *pool, uint8_t out[32])
{
	struct m_value *values = pool_get(pool, r->n_outputs, sizeof(*values));
	uint8_t array[32], id[32];
	size_t i;

	if (r->n_outputs > TASK_OUTPUTS || r->status > UINT16_MAX ||
	    wire_fixed(&r->task_id, id, 32) != 0)
		return -1;
	for (i = 0; i < r->n_outputs; i++) {
		if (wire_value(&r->outputs[i]->handle, &r->outputs[i]->key,
			&r->outputs[i]->nonce, &r->outputs[i]->ciphertext,
			&values[i]) != 0)
			return -1;
	}
	td_outputs(values, r->n_outputs, array);
	td_task_result(id, r->attempt, r->status, array, out);
	return 0;
}

int
signed_results(const Teerunner__V1__TaskResultBatch *b,
    const uint8_t domain[32], struct pool *pool, uint8_t signer[20],
    uint8_t (**out)[32])
{
	uint8_t (*hashes)[32] = pool_get(pool, b->n_results, 32);
	uint8_t hash[32], digest[32], sig[65];
	size_t i;

	if (b->n_results == 0 || b->n_results > BATCH_TASKS ||
	    wire_fixed(&b->signature, sig, 65) != 0)
		return -1;
	for (i = 0; i < b->n_results; i++)
		if (result_hash(b->results[i], pool, hashes[i]) != 0)
			return -1;
	td_task_result_batch(b->epoch, hashes, b->n_results, hash);
	td_digest(domain, hash, digest);
	if (secp_recover(digest, sig, signer) != 0)
		return -1;
	if (out != NULL)
		*out = hashes;
	return 0;
}

int
signed_hello(const Teerunner__V1__Hello *h, const uint8_t domain[32])
{
	uint8_t runner[20], challenge[32], registration[32];
	uint8_t hash[32];

	if (wire_fixed(&h->runner, runner, 20) != 0 ||
	    wire_fixed(&h->challenge, challenge, 32) != 0 ||
	    wire_fixed(&h->registration, registration, 32) != 0)
		return -1;
	td_session_hello(runner, challenge, registration, hash);
	return check_signature(domain, hash, &h->signature, runner);
}

/* ---- signed by the Orchestrator and the Gateway ------------------------ */

int
sign_tasks(Teerunner__V1__TaskBatch *b, const uint8_t domain[32],
    const uint8_t key[32], struct pool *pool, uint32_t *status)
{
	uint8_t (*hashes)[32] = pool_get(pool, b->n_tasks, 32), hash[32];
	struct builder *builder = pool_get(pool, 1, sizeof(*builder));
	struct m_word *words = pool_get(pool, PROGRAM_WORDS, 32);
	struct program program;
	struct m_task task;
	size_t i, n, op;

	for (i = 0; i < b->n_tasks; i++) {
		*status = wire_task(b->tasks[i], &task, builder, &op);
		if (*status != ST_OK)
			return -1;
		n = builder_words(builder, words);
		if (program_view(&program, &task.shape, words, n) != 0) {
			*status = ST_MALFORMED;
			return -1;
		}
		td_task(&task, &program, hashes[i]);
	}
	td_batch(TD_TASK_BATCH, hashes, b->n_tasks, hash);
	return sign(domain, hash, key, pool, &b->signature);
}

static int
seals_hash(
    Teerunner__V1__Seal *const *s, size_t n, struct pool *pool, uint8_t out[32])
{
	struct td_seal *seals = pool_get(pool, n, sizeof(*seals));
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i]->key.len != 33 ||
		    s[i]->partials.len % sizeof(struct m_partial) != 0)
			return -1;
		seals[i].node = s[i]->node;
		seals[i].key = s[i]->key.data;
		seals[i].partials = (const void *)s[i]->partials.data;
		seals[i].n = s[i]->partials.len / sizeof(struct m_partial);
	}
	td_seals(seals, n, out);
	return 0;
}

/* The array of these values. */
static int
operands_hash(Teerunner__V1__GrantedOperand *const *o, size_t n,
    struct pool *pool, uint8_t out[32])
{
	struct m_value *values = pool_get(pool, n, sizeof(*values));
	size_t i;

	for (i = 0; i < n; i++)
		if (wire_value(&o[i]->handle, &o[i]->key, &o[i]->nonce,
			&o[i]->ciphertext, &values[i]) != 0)
			return -1;
	td_granted_operands(values, n, out);
	return 0;
}

static int
grant_hash(
    const Teerunner__V1__OperandGrant *g, struct pool *pool, uint8_t out[32])
{
	uint8_t a[32], b[32], id[32], key[33];

	if (wire_fixed(&g->task_id, id, 32) != 0 ||
	    wire_fixed(&g->ephemeral_key, key, 33) != 0 ||
	    operands_hash(g->operands, g->n_operands, pool, a) != 0 ||
	    seals_hash(g->seals, g->n_seals, pool, b) != 0)
		return -1;
	td_operand_grant(id, g->attempt, g->status, key, a, b, out);
	return 0;
}

int
sign_grants(Teerunner__V1__OperandGrantBatch *b, const uint8_t domain[32],
    const uint8_t key[32], struct pool *pool)
{
	uint8_t (*hashes)[32] = pool_get(pool, b->n_grants, 32), hash[32];
	size_t i;

	for (i = 0; i < b->n_grants; i++)
		if (grant_hash(b->grants[i], pool, hashes[i]) != 0)
			return -1;
	td_batch(TD_OPERAND_GRANT_BATCH, hashes, b->n_grants, hash);
	return sign(domain, hash, key, pool, &b->signature);
}

/* ---- signed by users --------------------------------------------------- */

#define GRANTED_OPERAND							\
	"GrantedOperand(bytes32 handle,bytes key,bytes12 nonce,"	\
	"bytes ciphertext)"
#define PUT_VALUES							\
	"PutValues(address user,uint64 expiry,uint64 epoch,"		\
	"GrantedOperand[] values)"					\
	GRANTED_OPERAND
#define GET_VALUES							\
	"GetValues(address user,uint64 expiry,uint64 avoid,"		\
	"bytes ephemeralKey,bytes32[] handles)"

static void
number_word(uint8_t word[32], uint64_t n)
{
	memset(word, 0, 32);
	put_be(word + 24, 8, n);
}

/* typeHash, user, expiry: the first three words of both structs. */
static void
user_words(uint8_t words[][32], const char *type, const uint8_t user[20],
    uint64_t expiry)
{
	keccak256(type, strlen(type), words[0]);
	memset(words[1], 0, 32);
	memcpy(words[1] + 12, user, 20);
	number_word(words[2], expiry);
}

static int
put_hash(const Teerunner__Devnet__PutRequest *r, struct pool *pool,
    uint8_t user[20], uint8_t out[32])
{
	uint8_t words[5][32];

	if (wire_fixed(&r->user, user, 20) != 0 ||
	    operands_hash(r->values, r->n_values, pool, words[4]) != 0)
		return -1;
	user_words(words, PUT_VALUES, user, r->expiry);
	number_word(words[3], r->epoch);
	keccak256(words, sizeof(words), out);
	return 0;
}

int
signed_put(const Teerunner__Devnet__PutRequest *r, const uint8_t domain[32],
    struct pool *pool)
{
	uint8_t user[20], hash[32];

	if (put_hash(r, pool, user, hash) != 0)
		return -1;
	return check_signature(domain, hash, &r->signature, user);
}

int
sign_put(Teerunner__Devnet__PutRequest *r, const uint8_t domain[32],
    const uint8_t key[32], struct pool *pool)
{
	uint8_t user[20], hash[32];

	if (put_hash(r, pool, user, hash) != 0)
		return -1;
	return sign(domain, hash, key, pool, &r->signature);
}

static int
get_hash(const Teerunner__Devnet__GetRequest *r, struct pool *pool,
    uint8_t user[20], uint8_t out[32])
{
	struct m_word *handles = signed_words(r->handles, r->n_handles, pool);
	uint8_t key[33], words[6][32];

	if (handles == NULL || wire_fixed(&r->user, user, 20) != 0 ||
	    wire_fixed(&r->ephemeral_key, key, 33) != 0 ||
	    secp_point_check(key) != 0)
		return -1;
	user_words(words, GET_VALUES, user, r->expiry);
	number_word(words[3], r->avoid);
	keccak256(key, sizeof(key), words[4]);
	keccak256(handles, r->n_handles * 32, words[5]);
	keccak256(words, sizeof(words), out);
	return 0;
}

int
signed_get(const Teerunner__Devnet__GetRequest *r, const uint8_t domain[32],
    struct pool *pool, uint8_t hash[32])
{
	uint8_t user[20];

	if (get_hash(r, pool, user, hash) != 0)
		return -1;
	return check_signature(domain, hash, &r->signature, user);
}

int
sign_get(Teerunner__Devnet__GetRequest *r, const uint8_t domain[32],
    const uint8_t key[32], struct pool *pool, uint8_t hash[32])
{
	uint8_t user[20];

	if (get_hash(r, pool, user, hash) != 0)
		return -1;
	return sign(domain, hash, key, pool, &r->signature);
}
