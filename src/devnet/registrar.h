/* SPDX-License-Identifier: Apache-2.0
 *
 * The registrar: verifies the evidence of a Registration as tee-attest does, by
 * the policy and the collateral in DIR/evidence, and signs what it found.  The
 * Orchestrator, who relays registrations, asks it.
 */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include <jansson.h>

#include "teerunner.pb-c.h"

/* Adds verdict, verifier and verdictSignature to the parameters of
 * devnet_register.  What is wrong with the evidence is logged. */
void	registrar_judge(const Teerunner__V1__Registration *, json_t *params);

#endif
