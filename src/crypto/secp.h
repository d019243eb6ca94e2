/* SPDX-License-Identifier: Apache-2.0
 *
 * secp256k1 by libsecp256k1: keys, recoverable signatures as Ethereum writes
 * them, and the constant-time multiplication of a point by a secret.
 * Points are 33 bytes (compressed SEC1) or 64 (x || y); scalars 32, big-endian.
 * Every function returns 0, or -1 where an input is no valid key, point or
 * signature, and then leaves its outputs alone.  secp_init() first.
 */
#ifndef SECP_H
#define SECP_H

#include <stddef.h>
#include <stdint.h>

/* The contexts; blinded with `seed' (32 random bytes, may be NULL in tools). */
void	secp_init(const uint8_t seed[32]);

/* 1 <= key < n: 0 or -1. */
int	secp_key_check(const uint8_t key[32]);
/* A fresh key from getrandom(2); fatal when there is no randomness. */
void	secp_key_new(uint8_t key[32]);
int	secp_public(const uint8_t key[32], uint8_t pub[33]);
int	secp_public_xy(const uint8_t key[32], uint8_t xy[64]);
int	secp_point_check(const uint8_t pub[33]);
int	secp_compress(const uint8_t xy[64], uint8_t pub[33]);
int	secp_decompress(const uint8_t pub[33], uint8_t xy[64]);
/* keccak256(x || y)[12..31] */
int	secp_address(const uint8_t pub[33], uint8_t address[20]);

/* r || s || v, v = 27 or 28, low s, RFC 6979. */
int	secp_sign(const uint8_t key[32], const uint8_t digest[32],
	    uint8_t sig[65]);
/* Who signed: refuses high s and a v other than 27, 28. */
int	secp_recover(const uint8_t digest[32], const uint8_t sig[65],
	    uint8_t address[20]);

/* secret scalar * point, constant-time: x-coordinate, or x || y. */
int	secp_mul_x(const uint8_t scalar[32], const uint8_t point[33],
	    uint8_t x[32]);
int	secp_mul_xy(const uint8_t scalar[32], const uint8_t point[33],
	    uint8_t xy[64]);
/* The same where the point is x || y already (no square root). */
int	secp_mul_x_of_xy(const uint8_t scalar[32], const uint8_t point[64],
	    uint8_t x[32]);

/* Sum of n points (x || y each). -1 also where it is the point at infinity. */
int	secp_sum(const uint8_t (*points)[64], size_t n, uint8_t sum[64]);

/* Arithmetic modulo the group order. */
int	secp_scalar_add(uint8_t a[32], const uint8_t b[32]);	/* a += b */
int	secp_scalar_mul(uint8_t a[32], const uint8_t b[32]);	/* a *= b */
int	secp_scalar_negate(uint8_t a[32]);			/* a = -a */
void	secp_scalar_reduce(const uint8_t in[32], uint8_t out[32]);	/* in mod n */

#endif
