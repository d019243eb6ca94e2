/* SPDX-License-Identifier: Apache-2.0
 *
 * The registrar: verifies the evidence of a Registration as tee-attest does, by
 * the policy and the collateral in DIR/evidence, and signs what it found.  The
 * Orchestrator, who relays registrations, asks it.
 */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include "payload.h"
#include "teerunner.pb-c.h"

/* What is wrong with the evidence is logged.  0, the registration's signed fields and
 * the verdict; or -1 where it is not well formed: then there is none. */
int	registrar_judge(const Teerunner__V1__Registration *,
	    struct m_register *, struct m_verdict *);

#endif
