/* SPDX-License-Identifier: Apache-2.0
 *
 * A TD for tests: pck.key signs for the quoting enclave, chain.pem is its
 * certificates, `svn' the TEE_TCB_SVN as sixteen bytes of hex. `svn2' makes it
 * a quote of version 5, of TDX 1.5, with this TEE_TCB_SVN_2; `attributes' and
 * `mrtd' replace the TD's.  Layout: Intel's DCAP quote format; tdx-platform
 * makes the directory.
 */
#include <openssl/core_names.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define HEADER		48
#define BODY		584
#define BODY_15		648
#define ENCLAVE		384
#define AUTH		32
#define PADDED		8000		/* as Google's hosts do */

static void
put16(uint8_t *to, unsigned v)
{
	to[0] = (uint8_t)v;
	to[1] = (uint8_t)(v >> 8);
}

static void
put32(uint8_t *to, size_t v)
{
	put16(to, (unsigned)v & 0xffff);
	put16(to + 2, (unsigned)(v >> 16));
}

static void
sign(EVP_PKEY *key, const uint8_t *b, size_t n, uint8_t to[64])
{
	ECDSA_SIG *sig = guest_sign(key, EVP_sha256(), b, n);

	BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + 32, 32);
	ECDSA_SIG_free(sig);
}

static size_t
put_header(uint8_t *to, int is_15)
{
	static const uint8_t intel[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
		0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };

	put16(to, is_15 ? 5 : 4);
	put16(to + 2, 2);			/* ECDSA P-256 */
	put32(to + 4, 0x81);			/* a TD */
	memcpy(to + 12, intel, sizeof(intel));
	if (!is_15)
		return HEADER;
	put16(to + HEADER, 3);
	put32(to + HEADER + 2, BODY_15);
	return HEADER + 6;
}

static size_t
put_body(uint8_t *to, const uint8_t data[64], int is_15)
{
	size_t i;

	guest_hex("svn", to, 16);
	memset(to + 16, 0x5e, 48);		/* MRSEAM */
	to[123] = 0x10;				/* SEPT_VE_DISABLE */
	guest_hex("attributes", to + 120, 8);
	memcpy(to + 128, "\xe7\x1a\x06", 3);	/* XFAM */
	memset(to + 136, 0x4d, 48);		/* MRTD */
	guest_hex("mrtd", to + 136, 48);
	for (i = 0; i < 4; i++)
		memset(to + 328 + 48 * i, 0x70 + (int)i, 48);
	memcpy(to + 520, data, 64);
	if (guest_fault("wrong"))
		to[520] ^= 1;
	if (!is_15)
		return BODY;
	guest_hex("svn2", to + BODY, 16);
	return BODY_15;
}

/* The quoting enclave's report, on the attestation key. */
static void
put_enclave(uint8_t *to, const uint8_t ak_auth[64 + AUTH])
{
	to[48] = 0x11;				/* ATTRIBUTES */
	memset(to + 128, 0xdc, 32);		/* MRSIGNER */
	put16(to + 256, 2);			/* ISVPRODID */
	put16(to + 258, 4);			/* ISVSVN */
	SHA256(ak_auth, 64 + AUTH, to + 320);
}

/* The part after the body; everything before that is at `quote'. */
static size_t
put_signatures(uint8_t *quote, size_t n)
{
	static EVP_PKEY *ak;
	EVP_PKEY *pck = guest_key("pck.key");
	uint8_t *to = quote + n, *qe = to + 4 + 64 + 64 + 6;
	uint8_t point[65], ak_auth[64 + AUTH];
	size_t size, certs;

	if (ak == NULL && (ak = EVP_EC_gen("P-256")) == NULL)
		abort();
	if (EVP_PKEY_get_octet_string_param(
		ak, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &size) != 1)
		abort();
	memcpy(ak_auth, point + 1, 64);
	memset(ak_auth + 64, 0xa0, AUTH);
	sign(ak, quote, n, to + 4);
	memcpy(to + 4 + 64, ak_auth, 64);
	put_enclave(qe, ak_auth);
	sign(pck, qe, ENCLAVE, qe + ENCLAVE);
	EVP_PKEY_free(pck);
	put16(qe + ENCLAVE + 64, AUTH);
	memcpy(qe + ENCLAVE + 66, ak_auth + 64, AUTH);
	put16(qe + ENCLAVE + 66 + AUTH, 5);	/* a chain as PEM */
	certs = guest_file(
	    "chain.pem", qe + ENCLAVE + 72 + AUTH, EVIDENCE_MAX - n - 1000);
	put32(qe + ENCLAVE + 68 + AUTH, certs);
	size = ENCLAVE + 72 + AUTH + certs;
	put16(to + 4 + 128, 6);			/* the quoting enclave's */
	put32(to + 4 + 130, size);
	put32(to, 128 + 6 + size);
	return 4 + 128 + 6 + size;
}

static size_t
evidence(const uint8_t data[64], uint8_t to[EVIDENCE_MAX])
{
	uint8_t svn2[32];
	const int is_15 = guest_file("svn2", svn2, sizeof(svn2)) == 32;
	size_t n;

	memset(to, 0, EVIDENCE_MAX);
	n = put_header(to, is_15);
	n += put_body(to + n, data, is_15);
	n += put_signatures(to, n);
	return n > PADDED ? n : PADDED;
}

const struct guest guest_tdx = { "tdx_guest", "pck.key", evidence, NULL };
