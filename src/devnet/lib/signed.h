/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures of protobuf messages.  Each function checks the lengths in the
 * message, computes its typed-data hash (proto/TYPED-DATA.md), and recovers or
 * makes the signature.  Returns 0, or -1 if the message is malformed or the
 * signature invalid.  Whether the signer is authorized, the caller must ask the
 * Registry.
 */
#ifndef SIGNED_H
#define SIGNED_H

#include <stdint.h>

#include "devnet.pb-c.h"
#include "pool.h"
#include "teerunner.pb-c.h"
#include "typed_data.h"

/* The signer must be the Runner that the request names. */
int signed_request(const Teerunner__V1__OperandRequestBatch *,
    const uint8_t domain[32], struct pool *);
/* Recovers any signer.  hashes: one per result, in the pool, independent of the
 * attempt's signature. */
int signed_results(const Teerunner__V1__TaskResultBatch *,
    const uint8_t domain[32], struct pool *, uint8_t signer[20],
    uint8_t (**hashes)[32]);
int signed_hello(const Teerunner__V1__Hello *, const uint8_t domain[32]);
/* These set the signature. */
int sign_tasks(Teerunner__V1__TaskBatch *, const uint8_t domain[32],
    const uint8_t key[32], struct pool *, uint32_t *status);
int sign_grants(Teerunner__V1__OperandGrantBatch *, const uint8_t domain[32],
    const uint8_t key[32], struct pool *);

/* Users' requests.  hash is the struct hash, which seals are bound to. */
int signed_put(const Teerunner__Devnet__PutRequest *, const uint8_t domain[32],
    struct pool *);
int sign_put(Teerunner__Devnet__PutRequest *, const uint8_t domain[32],
    const uint8_t key[32], struct pool *);
int signed_get(const Teerunner__Devnet__GetRequest *, const uint8_t domain[32],
    struct pool *, uint8_t hash[32]);
int sign_get(Teerunner__Devnet__GetRequest *, const uint8_t domain[32],
    const uint8_t key[32], struct pool *, uint8_t hash[32]);

/* The handles of a repeated bytes field, or NULL if one does not have 32
 * bytes. */
struct m_word *signed_words(
    const ProtobufCBinaryData *, size_t n, struct pool *);

#endif
