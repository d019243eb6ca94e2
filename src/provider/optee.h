/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of the evidence made with OP-TEE's attestation PTA
 * (39800861-182a-4720-9b67-2bcd622bc0b5).  The PTA defines none, so the
 * evidence process wraps the PTA's outputs:
 *
 *	magic		7	"OPTEE1\n"
 *	report data	64
 *	records		1	how many: 1 to 3, no command twice
 *	  command	1	1 to 3
 *	  n		2	little-endian
 *	  output	n	SHA-256 digest (32), then the signature
 *
 * without trailing bytes.  The nonce for a command is
 *
 *	"tee-runner optee " || command, one byte || report data
 *
 * because the PTA does not sign the command's number: with the same nonce, the
 * outputs of two commands could be exchanged.  The signature is RSASSA-PSS
 * (SHA-256, MGF1 with SHA-256, salt of 32) of SHA-256(nonce || digest).
 */
#ifndef OPTEE_H
#define OPTEE_H

#define OPTEE_MAGIC		"OPTEE1\n"
#define OPTEE_LABEL		"tee-runner optee "	/* without the NUL */
#define OPTEE_NONCE		(sizeof(OPTEE_LABEL) - 1 + 1 + 64)
#define OPTEE_DIGEST		32
#define OPTEE_RECORDS		3

enum optee_command {			/* numbers of the PTA */
	OPTEE_KEY = 0,			/* its public key; never in a record */
	OPTEE_TA_DIGEST = 1,		/* digest of an installed TA's header */
	OPTEE_TA_MEMORY = 2,		/* digest of the calling TA's memory */
	OPTEE_TEE_MEMORY = 3
};

#endif
