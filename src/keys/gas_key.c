/* SPDX-License-Identifier: Apache-2.0
 *
 * The key of the gas account: a line of hex in a file, read before the sandbox
 * into secret memory.  The file stays open, for the lock on it.  Runs in keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "log.h"
#include "secp.h"
#include "secret.h"

static struct secrets {
	uint8_t		 key[32];
	uint8_t		 text[80];
} *secret;				/* NULL: no account */
static uint8_t address[20];
static int file = -1;

/* 64 hex digits, 0x before them or not, and the end of a line: 0, or -1.
 * Without a branch on what they are. */
static int
read_key(const uint8_t *text, size_t n, uint8_t key[32])
{
	unsigned c, bad = 0, digit, letter;
	size_t i;

	if (n > 2 && text[0] == '0' && text[1] == 'x') {
		text += 2;
		n -= 2;
	}
	if (n != 64 && (n != 65 || text[64] != '\n'))
		return -1;
	memset(key, 0, 32);
	for (i = 0; i < 64; i++) {
		c = text[i];
		digit = (unsigned)(c - '0' < 10);
		letter = (unsigned)((c | 0x20) - 'a' < 6);
		bad |= 1u ^ (digit | letter);
		key[i / 2] = (uint8_t)((unsigned)key[i / 2] << 4 |
		    ((c & 15) + 9 * letter));
	}
	return bad ? -1 : 0;
}

static const char *
read_text(int fd, size_t *n)
{
	struct stat st;
	ssize_t r;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "not a regular file, or others can access it: set mode "
		       "600";
	if ((r = read(fd, secret->text, sizeof(secret->text))) == -1)
		return strerror(errno);
	*n = (size_t)r;
	return NULL;
}

const char *
gas_key_check(const char *path)
{
	uint8_t public_key[33];
	const char *fault;
	size_t n = 0;

	secret = secret_alloc(sizeof(*secret));
	if ((file = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return strerror(errno);
	fault = read_text(file, &n);
	if (fault == NULL && read_key(secret->text, n, secret->key) != 0)
		fault = "expected 64 hex digits";
	secret_wipe(secret->text, sizeof(secret->text));
	if (fault == NULL &&
	    (secp_public(secret->key, public_key) != 0 ||
		secp_address(public_key, address) != 0))
		fault = "not a valid private key on secp256k1";
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
	return secret == NULL ? NULL : secret->key;
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
