/* SPDX-License-Identifier: Apache-2.0
 *
 * Encryption of values at rest (proto/VALUES.md): K = k G, S = x(k P),
 * AES-256-GCM with the key HKDF-SHA256(ikm S, salt 32 zero bytes, info
 * "ECIES:AES_GCM:v1").  This is the public format of the deployed protocol,
 * except that the handle is authenticated as AAD.
 */
#ifndef ECIES_H
#define ECIES_H

#include <stddef.h>
#include <stdint.h>

#define GCM_TAG		16
#define GCM_NONCE	12

/* Call once per process, before the filter: loads OpenSSL's algorithms. */
void ecies_init(void);

/* HKDF-SHA256 (RFC 5869) with a salt of 32 zero bytes, 32 bytes out. */
int hkdf32(
    const uint8_t *ikm, size_t ikm_len, const char *info, uint8_t out[32]);

/* AES-256-GCM. gcm_seal() writes n + GCM_TAG bytes, gcm_open() n - GCM_TAG.  If
 * the tag is wrong, gcm_open() writes zeros and returns -1. */
int gcm_seal(const uint8_t key[32], const uint8_t nonce[GCM_NONCE],
    const void *aad, size_t aad_len, const uint8_t *plain, size_t n,
    uint8_t *cipher);
int gcm_open(const uint8_t key[32], const uint8_t nonce[GCM_NONCE],
    const void *aad, size_t aad_len, const uint8_t *cipher, size_t n,
    uint8_t *plain);

/* Derive the data key of a value from S. */
int ecies_key(const uint8_t s[32], uint8_t key[32]);

/* Make k and erase it: K and the data key for the point P (x || y). */
int ecies_key_new(const uint8_t p_xy[64], uint8_t k_pub[33], uint8_t key[32]);
/* Encrypt n bytes (at most 32) with a data key that is used once, with the
 * handle as AAD.  aad_len 0 gives the format of the deployed protocol.  Writes
 * the nonce and n + 16 bytes of ciphertext. */
int ecies_seal_with(const uint8_t key[32], const void *aad, size_t aad_len,
    const uint8_t *plain, size_t n, uint8_t nonce[GCM_NONCE], uint8_t *cipher);
/* Both. */
int ecies_seal(const uint8_t p_xy[64], const void *aad, size_t aad_len,
    const uint8_t *plain, size_t n, uint8_t k_pub[33], uint8_t nonce[GCM_NONCE],
    uint8_t *cipher);

#endif
