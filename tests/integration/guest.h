/* SPDX-License-Identifier: Apache-2.0
 *
 * Guests that tests make evidence with: a directory holds the keys and
 * certificates of a processor, and each fault that it is to have.
 */
#ifndef GUEST_H
#define GUEST_H

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define EVIDENCE_MAX	16384

struct guest {
	const char	*provider;	/* as configfs-tsm says */
	/* Is the directory one of its kind? */
	const char	*has;
	/* Evidence over this report data, as outblob gives it: its size. */
	size_t (*evidence)(const uint8_t data[64], uint8_t to[EVIDENCE_MAX]);
	/* The host's certificates; NULL: there is no auxblob. */
	size_t		(*certificates)(uint8_t to[EVIDENCE_MAX]);
};
extern const struct guest guest_snp, guest_tdx;

extern const char *guest_dir;
/* A file of the directory: how many bytes; 0: there is none. */
size_t guest_file(const char *name, void *to, size_t size);
/* The same, of hex: what it does not have stays as it is. */
void guest_hex(const char *name, uint8_t *to, size_t n);
/* Does the file `fault' say this? */
int guest_fault(const char *name);
/* Sign with a key of the directory; to be freed. */
ECDSA_SIG *guest_sign(EVP_PKEY *, const EVP_MD *, const uint8_t *, size_t n);
EVP_PKEY *guest_key(const char *name);

#endif
