/* SPDX-License-Identifier: Apache-2.0
 *
 * The KMS of the Nox v0 counterparts: the only file that uses its private key.
 * The server nox calls it as a function, instead of POST /v0/delegate.
 */
#ifndef NOX_KMS_H
#define NOX_KMS_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/evp.h>

#define NOX_KMS_SECRET	1024	/* bytes of an encrypted secret, at most */

/* Load the private key, of `devnet'. */
void nox_kms_init(void);
/* Read a recipient's key: RSA of 2048 bits or more as SubjectPublicKeyInfo
 * (DER).  Returns NULL if it is not; freed with EVP_PKEY_free(). */
EVP_PKEY *nox_kms_target(const uint8_t *spki, size_t n);
/* Encrypt the shared secret of an ephemeral public key for `target': RSA-OAEP
 * with SHA-256 and no label, of the x-coordinate.  Writes *n bytes.  Returns 0
 * or -1. */
int nox_kms_delegate(const uint8_t ephemeral[33], EVP_PKEY *target,
    uint8_t out[NOX_KMS_SECRET], size_t *n);

#endif
