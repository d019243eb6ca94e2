/* SPDX-License-Identifier: Apache-2.0
 *
 * A private key on secp256k1 in a file, as a line of hex.  Runs in keys, before
 * the sandbox.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "secp.h"
#include "secret.h"

#define TEXT	80		/* bytes of the file that are read */

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
read_text(int fd, uint8_t text[TEXT], size_t *n)
{
	struct stat st;
	ssize_t r;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return "not a regular file, or others can access it: set mode "
		       "600";
	if ((r = read(fd, text, TEXT)) == -1)
		return strerror(errno);
	*n = (size_t)r;
	return NULL;
}

const char *
key_file_read(int fd, uint8_t key[32])
{
	uint8_t *text = secret_alloc(TEXT);
	const char *fault;
	size_t n = 0;

	fault = read_text(fd, text, &n);
	if (fault == NULL && read_key(text, n, key) != 0)
		fault = "expected 64 hex digits";
	secret_free(text, TEXT);
	if (fault == NULL && secp_key_check(key) != 0)
		fault = "not a valid private key on secp256k1";
	return fault;
}
