/* SPDX-License-Identifier: Apache-2.0
 *
 * See shamir.h.  A. Shamir: "How to share a secret", 1979.
 */
#include <string.h>

#include "bytes.h"
#include "ecies.h"
#include "keccak.h"
#include "payload.h"
#include "secp.h"
#include "shamir.h"

static void
scalar_small(uint32_t v, uint8_t out[32])
{
	memset(out, 0, 32);
	put_be(out + 28, 4, v);
}

int
shamir_split(
    const uint8_t key[32], unsigned t, unsigned n, uint8_t (*shares)[32])
{
	uint8_t a[KMS_NODES][32], x[32];
	unsigned i, j;
	int r = -1;

	if (t == 0 || t > n || n > KMS_NODES || secp_key_check(key) != 0)
		return -1;
	memcpy(a[0], key, 32);
	for (j = 1; j < t; j++)
		secp_key_new(a[j]);
	for (i = 1; i <= n; i++) {
		scalar_small(i, x);
		memcpy(shares[i - 1], a[t - 1], 32);
		for (j = t - 1; j-- > 0;) /* Horner's scheme */
			if (secp_scalar_mul(shares[i - 1], x) != 0 ||
			    secp_scalar_add(shares[i - 1], a[j]) != 0)
				goto out;
	}
	r = 0;
out:
	explicit_bzero(a, sizeof(a));
	return r;
}

/* Invert by Fermat's little theorem: a^(n-2), n the group order.  For public
 * numbers only. */
static int
scalar_invert(uint8_t a[32])
{
	/* clang-format off */
	static const uint8_t exponent[32] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
		0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x3f
	};
	/* clang-format on */
	uint8_t r[32];
	int i;

	memcpy(r, a, 32);		/* the highest bit of n - 2 is set */
	for (i = 254; i >= 0; i--) {
		if (secp_scalar_mul(r, r) != 0)
			return -1;
		if ((exponent[31 - i / 8] >> i % 8 & 1) != 0 &&
		    secp_scalar_mul(r, a) != 0)
			return -1;
	}
	memcpy(a, r, 32);
	return 0;
}

int
shamir_lambda(const uint32_t *quorum, size_t t, uint32_t i, uint8_t lambda[32])
{
	uint8_t num[32], den[32], x[32];
	int found = 0;
	size_t k, l;

	scalar_small(1, num);
	scalar_small(1, den);
	for (k = 0; k < t; k++) {
		for (l = 0; l < k; l++)
			if (quorum[l] == quorum[k])
				return -1;
		if (quorum[k] == i) {
			found = 1;
			continue;
		}
		scalar_small(quorum[k], x);
		if (secp_scalar_mul(num, x) != 0)
			return -1;
		scalar_small(quorum[k] > i ? quorum[k] - i : i - quorum[k], x);
		if ((quorum[k] < i && secp_scalar_negate(x) != 0) ||
		    secp_scalar_mul(den, x) != 0)
			return -1;
	}
	if (!found || i == 0 || scalar_invert(den) != 0 ||
	    secp_scalar_mul(num, den) != 0)
		return -1;
	memcpy(lambda, num, 32);
	return 0;
}

int
shamir_check(const uint32_t *quorum, size_t t, const uint8_t (*share_pubs)[33],
    const uint8_t pub[33])
{
	uint8_t points[KMS_NODES][64], lambda[32], sum[64], key[33];
	size_t i;

	if (t == 0 || t > KMS_NODES)
		return -1;
	for (i = 0; i < t; i++)
		if (shamir_lambda(quorum, t, quorum[i], lambda) != 0 ||
		    secp_mul_xy(lambda, share_pubs[quorum[i] - 1], points[i]) !=
			0)
			return -1;
	if (secp_sum((const uint8_t(*)[64])points, t, sum) != 0 ||
	    secp_compress(sum, key) != 0)
		return -1;
	return memcmp(key, pub, 33) == 0 ? 0 : -1;
}
