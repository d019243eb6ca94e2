/* SPDX-License-Identifier: Apache-2.0
 *
 * The key of the gas account, read before the sandbox into secret memory.  The
 * file stays open, for the lock on it.  Runs in keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "keys.h"
#include "log.h"
#include "secp.h"
#include "secret.h"

static uint8_t *secret;	/* secret memory; NULL: no account */
static uint8_t address[20];
static int file = -1;

const char *
gas_key_check(const char *path)
{
	uint8_t public_key[33];
	const char *fault;

	secret = secret_alloc(32);
	if ((file = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return strerror(errno);
	if ((fault = key_file_read(file, secret)) == NULL &&
	    (secp_public(secret, public_key) != 0 ||
		secp_address(public_key, address) != 0))
		fatal("gas-key: a valid key has no address");
	if (fault == NULL && gas_key_lock() == 0)
		gas_key_unlock();
	else if (fault == NULL && errno != EWOULDBLOCK)
		fault = "flock(2) fails: move it to a local file system";
	return fault;
}

void
gas_key_init(const char *path)
{
	const char *fault;

	if (*path != '\0' && (fault = gas_key_check(path)) != NULL)
		fatal("gas-key %s: %s", path, fault);
}

const uint8_t *
gas_key(void)
{
	return secret;
}

int
gas_key_lock(void)
{
	return flock(file, LOCK_EX | LOCK_NB);
}

void
gas_key_unlock(void)
{
	(void)flock(file, LOCK_UN);
}

const uint8_t *
gas_address(void)
{
	return address;
}
