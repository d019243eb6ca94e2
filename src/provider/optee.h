/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence of OP-TEE's attestation PTA (39800861-182a-4720-9b67-2bcd622bc0b5),
 * which has no form of its own: what the evidence process puts around it.
 *
 *	magic		7	"OPTEE1\n"
 *	report data	64
 *	records		1	how many: 1 to 3, no command twice
 *	  command	1	1 to 3
 *	  n		2	little-endian
 *	  output	n	SHA-256 digest (32), then the signature
 *
 * and nothing behind.  The nonce that a command is asked with is
 *
 *	"tee-runner optee " || command, one byte || report data
 *
 * because the PTA does not sign which command it was: outputs of two of them
 * under one nonce could be exchanged.  The signature is RSASSA-PSS (SHA-256,
 * MGF1 with SHA-256, salt of 32) of SHA-256(nonce || digest).
 */
#ifndef OPTEE_H
#define OPTEE_H

#define OPTEE_MAGIC		"OPTEE1\n"
#define OPTEE_LABEL		"tee-runner optee "	/* without its NUL */
#define OPTEE_NONCE		(sizeof(OPTEE_LABEL) - 1 + 1 + 64)
#define OPTEE_DIGEST		32
#define OPTEE_RECORDS		3

enum optee_command {			/* as the PTA numbers them */
	OPTEE_KEY = 0,			/* its public key: in no record */
	OPTEE_TA_DIGEST = 1,		/* of the header of an installed TA */
	OPTEE_TA_MEMORY = 2,		/* of the TA that asks */
	OPTEE_TEE_MEMORY = 3
};

#endif
