/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's RSA-2048 key, for Nox v0: the Gateway has each operand's shared
 * secret encrypted to it by RSA-OAEP (RFC 8017) with SHA-256, MGF1 with
 * SHA-256, and an empty label.  Runs in compute.
 *
 * The private numbers of a key are in OpenSSL's secure heap: locked, left out
 * of dumps, between guard pages.  OpenSSL keeps the primes once more in its
 * Montgomery contexts, on the heap, which proc_sandbox() has locked.  It wipes
 * both when a key is freed.
 */
#ifndef RSA_H
#define RSA_H

#include <stdint.h>

#include "payload.h"

/* A key is renewed after so many jobs, or so long after it was made.  Its
 * former key opens what was encrypted to it until the next renewal, so a
 * private key exists for at most twice as long. */
#define RSA_JOBS	4000
#define RSA_MS		60000

/* Call before the sandbox is entered.  Makes key 1, so that OpenSSL has loaded
 * all that a later key needs.  From now on OpenSSL draws random numbers by
 * getrandom(2). */
void rsa_init(uint64_t now_ms);

/* Make the next key and forget all but the one before it.  Fatal if it cannot
 * be made.  It takes 60 to 600 ms of CPU time, 200 on average (measured: a core
 * of a server, November 2026); a decryption takes 0.4 ms. */
void rsa_key_new(uint64_t now_ms);
/* Number and public key of the newest. */
void rsa_public(struct m_rsa_key *);

/* The newest key was used for a job. */
void rsa_count_job(void);
/* Is it time for the next key?  1 or 0. */
int rsa_is_due(uint64_t now_ms);

/* Decrypt a shared secret with the key of this number.  -1 if there is no such
 * key, or the secret is not one of 32 bytes: one result for every failure,
 * after the same instructions, so that nobody can use it as an oracle
 * (Manger 2001); *out is then unchanged. */
int rsa_open(uint32_t number, const uint8_t cipher[NOX_RSA], uint8_t out[32]);

/* Every private key; before the process ends. */
void rsa_wipe(void);

#endif
