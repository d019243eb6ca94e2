/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash of a compiled policy.
 */
#include <openssl/evp.h>

#include "log.h"
#include "policy_hash.h"

void
policy_hash(const struct policy *p, uint8_t hash[32])
{
	if (EVP_Digest(p->filter, p->len * sizeof(*p->filter), hash, NULL,
	    EVP_sha256(), NULL) != 1)
		fatal("policy: no SHA-256");
}
