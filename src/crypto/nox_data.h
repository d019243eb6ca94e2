/* SPDX-License-Identifier: Apache-2.0
 *
 * EIP-712 of the Nox v0 protocol, for a chain with it: what a Runner signs, and
 * what it verifies of the Gateway's.  In this protocol handles, hashes and keys
 * are strings: their hexadecimal text, "0x" and lower case, is hashed.  Here
 * they are bytes, so that there is one text for them; an answer with another
 * text has another hash, and is refused.  No function fails.
 */
#ifndef NOX_DATA_H
#define NOX_DATA_H

#include <stddef.h>
#include <stdint.h>

/* Call once, before the others. */
void nox_data_init(void);

/* Domain "Handle Gateway", version 1.  salt: of an answer, 32 bytes; NULL: of a
 * request, whose domain has none. */
void nox_domain(uint64_t chain_id, const uint8_t *salt, uint8_t out[32]);

struct nox_transaction {
	uint64_t	 chain_id, block_number;
	uint8_t		 caller[20];
	uint8_t		 hash[32];
};

/* OperandAccessAuthorization: n handles in order, and the worker's RSA key as
 * SubjectPublicKeyInfo (DER). */
void nox_operand_access(const struct nox_transaction *,
    const uint8_t (*handles)[32], size_t n, const void *rsa, size_t n_rsa,
    uint8_t out[32]);
void nox_result_publishing(const struct nox_transaction *, uint8_t out[32]);

/* ComputeOperands: the Gateway's answer, n operands in order. */
struct nox_operand {
	uint8_t		 handle[32];
	const void	*ciphertext;
	size_t		 n_ciphertext;
	const void	*secret;	/* encryptedSharedSecret */
	size_t		 n_secret;
	uint8_t		 iv[12];
};
void nox_compute_operands(
    const struct nox_operand *, size_t n, uint8_t out[32]);
/* ResultPublishingReport: its text as it came, n bytes. */
void nox_result_report(const char *text, size_t n, uint8_t out[32]);

/* handleValueTag of a result: value is the plaintext, padded to 32 bytes at its
 * left.  Not salted: who holds it can try the values of a small type. */
void nox_value_tag(
    const uint8_t handle[32], const uint8_t value[32], uint8_t out[32]);

#endif
