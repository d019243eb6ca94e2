/* SPDX-License-Identifier: Apache-2.0
 *
 * For every reader of PEM.  Without a callback OpenSSL asks at the terminal for
 * the passphrase of a PEM block that is encrypted: whoever sends such a block
 * would stop the process that reads it.
 */
#ifndef PASSPHRASE_H
#define PASSPHRASE_H

/* A pem_password_cb that gives no passphrase: an encrypted block is not
 * read. */
static inline int
no_passphrase(char *buf, int size, int rwflag, void *u)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)u;
	return -1;
}

#endif
