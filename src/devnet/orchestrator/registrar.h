/* SPDX-License-Identifier: Apache-2.0
 *
 * The registrar: verifies the evidence of a Registration as tee-attest does,
 * with the policy and collateral in DIR/evidence, and signs the verdict.  The
 * Orchestrator, which relays registrations, calls it.
 */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include "payload.h"
#include "teerunner.pb-c.h"

/* Verify a registration and log what is wrong with its evidence.  Returns 0
 * with the signed fields of the registration and the verdict, or -1 without a
 * verdict if it is malformed. */
int registrar_verify(const Teerunner__V1__Registration *, struct m_register *,
    struct m_verdict *);

#endif
