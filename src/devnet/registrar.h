/* SPDX-License-Identifier: Apache-2.0
 *
 * The registrar: verifies the evidence of a Registration as tee-attest does, by
 * the policy and the collateral in DIR/evidence, and signs what it found.  The
 * Orchestrator, who relays registrations, asks it.
 */
#ifndef REGISTRAR_H
#define REGISTRAR_H


#include "teerunner.pb-c.h"

struct verdict {
	uint8_t		 registration[32];	/* its hashStruct */
	uint8_t		 measurement[32];	/* keccak256 of what was started */
	uint8_t		 signature[65];
	uint32_t	 verdict;		/* 0: the evidence is good */
	const char	*verifier;		/* its name and version */
};

/* What is wrong with the evidence is logged.  0, or -1 where the registration is not
 * well formed: then there is no verdict. */
int	registrar_judge(const Teerunner__V1__Registration *, struct verdict *);

#endif
