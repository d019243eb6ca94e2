/* SPDX-License-Identifier: Apache-2.0
 *
 * Between protobuf and the flat structs of src/ipc/payload.h: every length and
 * count of the wire is checked here, once.  net runs it on what comes from the
 * Orchestrator and the Gateway; tee-devnet links it too, for the other side.
 */
#ifndef WIRE_H
#define WIRE_H

#include "payload.h"
#include "builder.h"
#include "teerunner.pb-c.h"

/* Task to flat: t (batch, task left 0; shape set) and its program in b.  The
 * program is checked against primitives.def, for the chain that the task names.
 * Returns an ST_*; *op says at which operation. */
uint32_t wire_task(const Teerunner__V1__Task *, struct m_task *t,
    struct builder *b, size_t *op);

/* An encrypted value: lengths 32, 33, 12 and 17..CIPHER_MAX.  0 or -1. */
int wire_value(const ProtobufCBinaryData *handle,
    const ProtobufCBinaryData *key, const ProtobufCBinaryData *nonce,
    const ProtobufCBinaryData *ciphertext, struct m_value *);

/* Copy a field of exactly n bytes: 0 or -1. */
int wire_fixed(const ProtobufCBinaryData *, void *, size_t n);

/* A grant to flat (batch, task left 0) and its n_operands operands; then each
 * of its n_seals seals (batch, task left 0), with a partial for each of the `n'
 * operands.  Whether they fit the task is for keys. 0 or -1. */
int wire_grant(const Teerunner__V1__OperandGrant *, struct m_grant_task *,
    struct m_value operands[TASK_INPUTS]);
int wire_seal(const Teerunner__V1__Seal *, size_t n, struct m_grant_seal *,
    struct m_partial partials[TASK_INPUTS]);

#endif
