/* SPDX-License-Identifier: Apache-2.0
 *
 * secp256k1 with libsecp256k1: keys, Ethereum's recoverable signatures, and
 * constant-time multiplication of a point by a secret.  Points have 33 bytes
 * (compressed SEC1) or 64 (x || y); scalars have 32, big-endian.  Every
 * function returns 0, or -1 if an input is not a valid key, point or signature,
 * and then leaves its outputs unchanged.  Call secp_init() first.
 */
#ifndef SECP_H
#define SECP_H

#include <stddef.h>
#include <stdint.h>

/* Create the contexts, blinded with `seed' (32 random bytes; may be NULL in
 * tools). */
void secp_init(const uint8_t seed[32]);

/* 0 if 1 <= key < n, else -1. */
int secp_key_check(const uint8_t key[32]);
/* Generate a key with getrandom(2); fatal if that fails. */
void secp_key_new(uint8_t key[32]);
int secp_public(const uint8_t key[32], uint8_t pub[33]);
int secp_public_xy(const uint8_t key[32], uint8_t xy[64]);
int secp_point_check(const uint8_t pub[33]);
int secp_compress(const uint8_t xy[64], uint8_t pub[33]);
int secp_decompress(const uint8_t pub[33], uint8_t xy[64]);
/* keccak256(x || y)[12..31] */
int secp_address(const uint8_t pub[33], uint8_t address[20]);

/* r || s || v, v = 27 or 28, low s, RFC 6979. */
int secp_sign(const uint8_t key[32], const uint8_t digest[32], uint8_t sig[65]);
/* Recover the signer's address; rejects a high s and a v other than 27 and
 * 28. */
int secp_recover(
    const uint8_t digest[32], const uint8_t sig[65], uint8_t address[20]);

/* secret scalar * point, constant-time: x-coordinate, or x || y. */
int secp_mul_x(
    const uint8_t scalar[32], const uint8_t point[33], uint8_t x[32]);
int secp_mul_xy(
    const uint8_t scalar[32], const uint8_t point[33], uint8_t xy[64]);
/* The same for a point given as x || y, which saves a square root. */
int secp_mul_x_of_xy(
    const uint8_t scalar[32], const uint8_t point[64], uint8_t x[32]);

/* Sum of n points (x || y each).  Also -1 if the sum is the point at
 * infinity. */
int secp_sum(const uint8_t (*points)[64], size_t n, uint8_t sum[64]);

/* Arithmetic modulo the group order. */
int secp_scalar_add(uint8_t a[32], const uint8_t b[32]);	/* a += b */
int secp_scalar_mul(uint8_t a[32], const uint8_t b[32]);	/* a *= b */
int secp_scalar_negate(uint8_t a[32]);			/* a = -a */
void secp_scalar_reduce(const uint8_t in[32], uint8_t out[32]); /* in mod n */

#endif
