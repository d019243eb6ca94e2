/* SPDX-License-Identifier: Apache-2.0
 *
 * The identities.  For the chains of our own protocol: a secp256k1 key made at
 * start, in secret memory, gone with the process.  For those of Nox v0: the
 * wallet of nox-key.  They sign EIP-712 digests in the domain of their chain
 * and nothing else; the callers of sign_typed() are the whole list of what they
 * sign.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "keys.h"
#include "log.h"
#include "nox_data.h"
#include "secp.h"
#include "secret.h"
#include "typed_data.h"

static struct identity {
	uint8_t		*key;		/* 32 bytes of secret memory */
	uint8_t		 public_key[33], address[20];
} fresh, wallet;

static const struct identity *
identity_of(const struct chain *ch)
{
	return ch->conf->protocol == PROTOCOL_NOX ? &wallet : &fresh;
}

static void
set_public(struct identity *id)
{
	if (secp_public(id->key, id->public_key) != 0 ||
	    secp_address(id->public_key, id->address) != 0)
		fatal("identity: the key is not valid");
}

const char *
sign_check_wallet(const char *path)
{
	const char *fault;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return strerror(errno);
	wallet.key = secret_alloc(32);
	fault = key_file_read(fd, wallet.key);
	close(fd);
	return fault;
}

static void
set_domain(struct chain *ch)
{
	if (ch->conf->protocol == PROTOCOL_NOX)
		nox_domain(ch->conf->chain_id, NULL, ch->domain);
	else
		td_domain(ch->conf->chain_id, ch->conf->registry, ch->domain);
}

void
sign_init(const char *nox_key)
{
	const char *fault;
	struct chain *ch;
	uint8_t seed[32];

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		fatal("getrandom: no seed");
	secp_init(seed);
	secret_wipe(seed, sizeof(seed));
	td_init();
	nox_data_init();
	for (ch = keys.chains; ch < keys.chains + keys.conf.n_chains; ch++)
		set_domain(ch);
	fresh.key = secret_alloc(32);
	secp_key_new(fresh.key);
	set_public(&fresh);
	if (*nox_key == '\0')
		return;
	if ((fault = sign_check_wallet(nox_key)) != NULL)
		fatal("nox-key %s: %s", nox_key, fault);
	set_public(&wallet);
}

const uint8_t *
sign_address(const struct chain *ch)
{
	return identity_of(ch)->address;
}

const uint8_t *
sign_public(const struct chain *ch)
{
	return identity_of(ch)->public_key;
}

void
sign_typed(const struct chain *ch, const uint8_t hash[32], uint8_t sig[65])
{
	uint8_t digest[32];

	td_digest(ch->domain, hash, digest);
	if (secp_sign(identity_of(ch)->key, digest, sig) != 0)
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

int
sign_recover_salted(const struct chain *ch, const uint8_t salt[32],
    const uint8_t hash[32], const uint8_t sig[65], uint8_t who[20])
{
	uint8_t domain[32], digest[32];

	nox_domain(ch->conf->chain_id, salt, domain);
	td_digest(domain, hash, digest);
	return secp_recover(digest, sig, who);
}
