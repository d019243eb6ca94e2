/* SPDX-License-Identifier: Apache-2.0
 *
 * See calldata.h.
 */
#include "abi_encode.h"
#include "calldata.h"

/* abi.encode(bytes32 measurement, uint8 verdict, string verifier, bytes
 * signature): the head, and tails of at most 3 and 4 words. */
#define PROOF_MAX	((4 + 3 + 4) * 32)

_Static_assert(VERIFIER_MAX <= 2 * 32, "PROOF_MAX");

/* ---- register(Registration,bytes,bytes) -------------------------------- */

static void
put_registration(struct abi_tuple *call, const struct m_register *r)
{
	struct abi_tuple t;

	abi_inner(call, &t, 7);
	abi_address(&t, r->runner);
	abi_bytes(&t, r->public_key, 33);
	abi_number(&t, r->tee_type);
	abi_fixed(&t, r->evidence_hash, 32);
	abi_fixed(&t, r->configuration_hash, 32);
	abi_number(&t, r->sequence);
	abi_number(&t, r->valid_until);
}

static void
put_proof(struct abi_tuple *call, const struct m_verdict *v)
{
	uint8_t data[PROOF_MAX];
	struct abi proof = { data, 0, sizeof(data) };
	struct abi_tuple t;

	abi_begin(&t, &proof, 4);
	abi_fixed(&t, v->measurement, 32);
	abi_number(&t, v->verdict);
	abi_bytes(&t, v->verifier, v->n_verifier);
	abi_bytes(&t, v->signature, 65);
	abi_bytes(call, data, proof.n);
}

size_t
calldata_register(
    const struct m_register *r, const struct m_verdict *v, uint8_t *out)
{
	struct abi abi = { out, 0, CALLDATA_MAX };
	struct abi_tuple call;

	abi_call(&call, &abi,
	    "register((address,bytes,uint8,bytes32,"
	    "bytes32,uint64,uint64),bytes,bytes)",
	    3);
	put_registration(&call, r);
	abi_bytes(&call, r->signature, 65);
	put_proof(&call, v);
	return abi.n;
}

/* ---- publish(uint64,TaskResult[],bytes) -------------------------------- */

static void
put_output(struct abi_tuple *list, const struct call_output *o)
{
	struct abi_tuple t;

	abi_inner(list, &t, 4);
	abi_fixed(&t, o->handle, 32);
	abi_bytes(&t, o->key, 33);
	abi_fixed(&t, o->nonce, 12);
	abi_fixed(&t, o->hash, 32);
}

static void
put_result(struct abi_tuple *results, const struct call_task *task,
    const struct call_output *outputs)
{
	struct abi_tuple t, list;
	size_t i;

	abi_inner(results, &t, 4);
	abi_fixed(&t, task->id, 32);
	abi_number(&t, task->attempt);
	abi_number(&t, 0);
	abi_array(&t, &list, task->n_outputs);
	for (i = 0; i < task->n_outputs; i++)
		put_output(&list, &outputs[i]);
}

size_t
calldata_publish(uint64_t epoch, const struct call_task *tasks, size_t n,
    const struct call_output *outputs, const uint8_t signature[65],
    uint8_t *out)
{
	struct abi abi = { out, 0, CALLDATA_MAX };
	struct abi_tuple call, results;
	size_t i;

	abi_call(&call, &abi,
	    "publish(uint64,(bytes32,uint32,uint16,"
	    "(bytes32,bytes,bytes12,bytes32)[])[],bytes)",
	    3);
	abi_number(&call, epoch);
	abi_array(&call, &results, n);
	for (i = 0; i < n; outputs += tasks[i++].n_outputs)
		put_result(&results, &tasks[i], outputs);
	abi_bytes(&call, signature, 65);
	return abi.n;
}
