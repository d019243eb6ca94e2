/* SPDX-License-Identifier: Apache-2.0
 *
 * See calldata.h.  A tuple is a head of words, followed by the tails of its
 * members of variable size, in order; the head has each tail's offset from the
 * tuple's start.  All sizes are known in advance, so everything is written
 * once, in order.
 */
#include <string.h>

#include "calldata.h"
#include "keccak.h"

#define WORD		32
#define PADDED(n)	(((size_t)(n) + WORD - 1) / WORD * WORD)
#define BYTES(n)	(WORD + PADDED(n))	/* tail of n bytes */

#define REGISTRATION	(7 * WORD + BYTES(33))
#define OUTPUT		(4 * WORD + BYTES(33))
/* Without the word that holds its offset. */
#define RESULT(outputs)	(4 * WORD + WORD + (outputs) * (WORD + OUTPUT))

static uint8_t *
put_number(uint8_t *to, uint64_t v)
{
	size_t i;

	memset(to, 0, WORD);
	for (i = WORD; v != 0; v >>= 8)
		to[--i] = (uint8_t)v;
	return to + WORD;
}

/* bytesN, and data that fills whole words, is left-aligned. */
static uint8_t *
put_left(uint8_t *to, const void *b, size_t n)
{
	memset(to, 0, PADDED(n));
	if (n != 0)
		memcpy(to, b, n);
	return to + PADDED(n);
}

static uint8_t *
put_address(uint8_t *to, const uint8_t address[20])
{
	memset(to, 0, WORD - 20);
	memcpy(to + WORD - 20, address, 20);
	return to + WORD;
}

static uint8_t *
put_bytes(uint8_t *to, const void *b, size_t n)
{
	return put_left(put_number(to, n), b, n);
}

static uint8_t *
put_selector(uint8_t *to, const char *signature)
{
	uint8_t hash[32];

	keccak256(signature, strlen(signature), hash);
	memcpy(to, hash, 4);
	return to + 4;
}

/* ---- register(Registration,bytes,bytes) -------------------------------- */

static uint8_t *
put_registration(uint8_t *to, const struct m_register *r)
{
	to = put_address(to, r->runner);
	to = put_number(to, 7 * WORD);
	to = put_number(to, r->tee_type);
	to = put_left(to, r->evidence_hash, 32);
	to = put_left(to, r->configuration_hash, 32);
	to = put_number(to, r->sequence);
	to = put_number(to, r->valid_until);
	return put_bytes(to, r->public_key, 33);
}

/* abi.encode(bytes32 measurement, uint8 verdict, string verifier, bytes
 * signature) */
static uint8_t *
put_proof(uint8_t *to, const struct m_verdict *v)
{
	to = put_left(to, v->measurement, 32);
	to = put_number(to, v->verdict);
	to = put_number(to, 4 * WORD);
	to = put_number(to, 4 * WORD + BYTES(v->n_verifier));
	to = put_bytes(to, v->verifier, v->n_verifier);
	return put_bytes(to, v->signature, 65);
}

size_t
calldata_register(
    const struct m_register *r, const struct m_verdict *v, uint8_t *out)
{
	uint8_t *to = put_selector(out,
	    "register((address,bytes,uint8,bytes32,"
	    "bytes32,uint64,uint64),bytes,bytes)");

	to = put_number(to, 3 * WORD);
	to = put_number(to, 3 * WORD + REGISTRATION);
	to = put_number(to, 3 * WORD + REGISTRATION + BYTES(65));
	to = put_registration(to, r);
	to = put_bytes(to, r->signature, 65);
	to = put_number(to, 4 * WORD + BYTES(v->n_verifier) + BYTES(65));
	to = put_proof(to, v);
	return (size_t)(to - out);
}

/* ---- publish(uint64,TaskResult[],bytes) -------------------------------- */

static uint8_t *
put_output(uint8_t *to, const struct call_output *o)
{
	to = put_left(to, o->handle, 32);
	to = put_number(to, 4 * WORD);
	to = put_left(to, o->nonce, 12);
	to = put_left(to, o->hash, 32);
	return put_bytes(to, o->key, 33);
}

static uint8_t *
put_result(
    uint8_t *to, const struct call_task *t, const struct call_output *outputs)
{
	size_t i;

	to = put_left(to, t->id, 32);
	to = put_number(to, t->attempt);
	to = put_number(to, 0);
	to = put_number(to, 4 * WORD);
	to = put_number(to, t->n_outputs);
	for (i = 0; i < t->n_outputs; i++)
		to = put_number(to, t->n_outputs * WORD + i * OUTPUT);
	for (i = 0; i < t->n_outputs; i++)
		to = put_output(to, &outputs[i]);
	return to;
}

size_t
calldata_publish(uint64_t epoch, const struct call_task *tasks, size_t n,
    const struct call_output *outputs, const uint8_t signature[65],
    uint8_t *out)
{
	uint8_t *to = put_selector(out,
	    "publish(uint64,(bytes32,uint32,uint16,"
	    "(bytes32,bytes,bytes12,bytes32)[])[],bytes)");
	size_t i, at = n * WORD, all = WORD + n * WORD;

	for (i = 0; i < n; i++)
		all += RESULT(tasks[i].n_outputs);
	to = put_number(to, epoch);
	to = put_number(to, 3 * WORD);
	to = put_number(to, 3 * WORD + all);
	to = put_number(to, n);
	for (i = 0; i < n; at += RESULT(tasks[i++].n_outputs))
		to = put_number(to, at);
	for (i = 0; i < n; outputs += tasks[i++].n_outputs)
		to = put_result(to, &tasks[i], outputs);
	to = put_bytes(to, signature, 65);
	return (size_t)(to - out);
}
