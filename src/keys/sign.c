/* SPDX-License-Identifier: Apache-2.0
 *
 * The identity: a secp256k1 key made at start, in secret memory, gone with the
 * process.  It signs EIP-712 digests in the domains of its Registries and
 * nothing else; the callers of sign_typed() are the whole list of what it
 * signs.
 */
#include <string.h>
#include <sys/random.h>

#include "keys.h"
#include "log.h"
#include "secp.h"
#include "secret.h"
#include "typed_data.h"

static uint8_t *identity;	/* 32 bytes of secret memory */
static uint8_t public_key[33], address[20];

void
sign_init(void)
{
	struct chain *ch;
	uint8_t seed[32];

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		fatal("getrandom: no seed");
	secp_init(seed);
	secret_wipe(seed, sizeof(seed));
	td_init();
	for (ch = keys.chains; ch < keys.chains + keys.conf.n_chains; ch++)
		td_domain(ch->conf->chain_id, ch->conf->registry, ch->domain);
	identity = secret_alloc(32);
	secp_key_new(identity);
	if (secp_public(identity, public_key) != 0 ||
	    secp_address(public_key, address) != 0)
		fatal("identity: fresh key is not valid");
}

const uint8_t *
sign_address(void)
{
	return address;
}

const uint8_t *
sign_public(void)
{
	return public_key;
}

void
sign_typed(const struct chain *ch, const uint8_t hash[32], uint8_t sig[65])
{
	uint8_t digest[32];

	td_digest(ch->domain, hash, digest);
	if (secp_sign(identity, digest, sig) != 0)
		fatal("identity: signing failed");
}

int
sign_recover(const struct chain *ch, const uint8_t hash[32],
    const uint8_t sig[65], uint8_t who[20])
{
	uint8_t digest[32];

	td_digest(ch->domain, hash, digest);
	return secp_recover(digest, sig, who);
}
