/* SPDX-License-Identifier: Apache-2.0
 *
 * EIP-712: the digest of every message that is signed.  The structs are in
 * proto/TYPED-DATA.md, which tests compare with an independent implementation.
 * td_X() computes hashStruct(X), td_batch() that of a batch of them, and
 * td_digest() the digest to sign.  No function fails.
 */
#ifndef TYPED_DATA_H
#define TYPED_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"
#include "program.h"

enum td_type {
	TD_TASK_BATCH,
	TD_SESSION_HELLO,
	TD_OPERAND_REQUEST_BATCH,
	TD_OPERAND_GRANT_BATCH,
	TD_TASK_RESULT_BATCH,
	TD_REGISTRATION,
	TD_VERDICT,
	TD_TASK,
	TD_OPERATION,
	TD_OPERAND_REQUEST,
	TD_OPERAND_GRANT,
	TD_GRANTED_OPERAND,
	TD_SEAL,
	TD_TASK_RESULT,
	TD_OUTPUT,
	TD_TYPES,
};
/* encodeType as text; td_init() computes its keccak256 once. */
const char *td_encode_type(enum td_type);
void td_init(void);

void td_domain(uint64_t chain_id, const uint8_t registry[20], uint8_t out[32]);
void td_digest(
    const uint8_t domain[32], const uint8_t hash[32], uint8_t digest[32]);

/* keccak256 of n concatenated hashes, which is the hash of an array of
 * structs. */
void td_array(const uint8_t (*hashes)[32], size_t n, uint8_t out[32]);

void td_task(const struct m_task *, const struct program *, uint8_t out[32]);
/* TaskBatch and OperandGrantBatch have a single member, an array of structs. */
void td_batch(
    enum td_type, const uint8_t (*hashes)[32], size_t n, uint8_t out[32]);

void td_session_hello(const uint8_t runner[20], const uint8_t challenge[32],
    const uint8_t registration[32], uint8_t out[32]);
void td_registration(const struct m_register *, uint8_t out[32]);
/* registration: its hashStruct.  measurement: keccak256 of the measurements of
 * the Runner.  verdict: tee-attest's exit status. */
void td_verdict(const uint8_t registration[32], const uint8_t measurement[32],
    uint32_t verdict, const char *verifier, uint8_t out[32]);

void td_operand_request(const uint8_t task_id[32], uint32_t attempt,
    const uint8_t caller[20], const uint8_t ephemeral_key[33],
    const struct m_word *inputs, size_t n_inputs, const struct m_word *outputs,
    size_t n_outputs, uint8_t out[32]);
void td_operand_request_batch(const uint8_t runner[20], uint64_t expiry,
    uint64_t avoid, const uint8_t (*hashes)[32], size_t n, uint8_t out[32]);

/* The array of them. */
void td_granted_operands(const struct m_value *, size_t n, uint8_t out[32]);
struct td_seal {
	uint32_t	 node;
	const uint8_t	*key;		/* 33 bytes */
	const struct m_partial *partials;
	size_t		 n;
};
/* The array of them. */
void td_seals(const struct td_seal *, size_t n, uint8_t out[32]);
void td_operand_grant(const uint8_t task_id[32], uint32_t attempt,
    uint32_t status, const uint8_t ephemeral_key[33],
    const uint8_t operands[32], const uint8_t seals[32], uint8_t out[32]);

/* The array of them. */
void td_outputs(const struct m_value *, size_t n, uint8_t out[32]);
void td_task_result(const uint8_t task_id[32], uint32_t attempt,
    uint32_t status, const uint8_t outputs[32], uint8_t out[32]);
void td_task_result_batch(
    uint64_t epoch, const uint8_t (*hashes)[32], size_t n, uint8_t out[32]);

#endif
