/* SPDX-License-Identifier: Apache-2.0
 *
 * What guests have in common: their directory, and signatures.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

const char *guest_dir;

size_t
guest_file(const char *name, void *to, size_t size)
{
	char path[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", guest_dir, name);
	if ((f = fopen(path, "rb")) != NULL) {
		n = fread(to, 1, size, f);
		fclose(f);
	}
	return n;
}

int
guest_fault(const char *name)
{
	char text[32] = "";

	guest_file("fault", text, sizeof(text) - 1);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

void
guest_hex(const char *name, uint8_t *to, size_t n)
{
	char text[200] = "";
	unsigned v;
	size_t i;

	guest_file(name, text, sizeof(text) - 1);
	for (i = 0; i < n; i++)
		if (sscanf(text + 2 * i, "%2x", &v) == 1)
			to[i] = (uint8_t)v;
}

EVP_PKEY *
guest_key(const char *name)
{
	EVP_PKEY *key;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", guest_dir, name);
	if ((f = fopen(path, "r")) == NULL ||
	    (key = PEM_read_PrivateKey(f, NULL, NULL, NULL)) == NULL)
		abort();
	fclose(f);
	return key;
}

ECDSA_SIG *
guest_sign(EVP_PKEY *key, const EVP_MD *hash, const uint8_t *b, size_t n)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[200];
	const uint8_t *p = der;
	size_t size = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(md, NULL, hash, NULL, key) != 1 ||
	    EVP_DigestSign(md, der, &size, b, n) != 1 ||
	    (sig = d2i_ECDSA_SIG(NULL, &p, (long)size)) == NULL)
		abort();
	EVP_MD_CTX_free(md);
	return sig;
}
