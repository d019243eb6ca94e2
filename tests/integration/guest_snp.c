/* SPDX-License-Identifier: Apache-2.0
 *
 * An SEV-SNP guest for tests: vek.key signs the reports, vek.der, ask.der and
 * ark.der are the host's certificates, `tcb' is the reported TCB as eight bytes
 * of hex, `chip' the chip's id.
 */
#include <string.h>

#include "guest.h"

#define REPORT		1184
#define SIGNED		0x2a0

static void
little(const BIGNUM *v, uint8_t to[72])
{
	uint8_t big[48];
	size_t i;

	BN_bn2binpad(v, big, sizeof(big));
	for (i = 0; i < sizeof(big); i++)
		to[i] = big[sizeof(big) - 1 - i];
}

static size_t
evidence(const uint8_t data[64], uint8_t b[EVIDENCE_MAX])
{
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	EVP_PKEY *key = guest_key("vek.key");
	ECDSA_SIG *sig;
	size_t k;

	memset(b, 0, REPORT);
	b[0] = 3;				/* version */
	b[0x0a] = 3;				/* policy: SMT, and bit 17 */
	b[0x34] = 1;				/* ECDSA P-384 */
	b[0x40] = 0x27;				/* platform info */
	memcpy(b + 0x50, data, 64);
	if (guest_fault("wrong"))
		b[0x50] ^= 1;
	memset(b + 0x90, 0x4d, 48);		/* the measurement */
	memset(b + 0x160, 0xff, 32);		/* no migration agent */
	for (k = 0; k < sizeof(tcbs) / sizeof(tcbs[0]); k++)
		guest_hex("tcb", b + tcbs[k], 8);
	memcpy(b + 0x188, "\x19\x01\x01", 3);	/* Milan */
	guest_hex("chip", b + 0x1a0, 64);
	sig = guest_sign(key, EVP_sha384(), b, SIGNED);
	little(ECDSA_SIG_get0_r(sig), b + SIGNED);
	little(ECDSA_SIG_get0_s(sig), b + SIGNED + 72);
	ECDSA_SIG_free(sig);
	EVP_PKEY_free(key);
	return REPORT;
}

/* The table of certificates: GHCB specification. */
static size_t
certificates(uint8_t to[EVIDENCE_MAX])
{
	static const struct {
		const char *file;
		uint8_t guid;
	} of[] = {
		{ "vek.der", 0x63 },
		{ "ask.der", 0x4a },
		{ "ark.der", 0xc0 },
	};
	size_t k, n, at = 24 * 4;

	memset(to, 0, EVIDENCE_MAX);
	for (k = 0; k < 3; k++) {
		n = guest_file(of[k].file, to + at, EVIDENCE_MAX - at);
		to[24 * k] = of[k].guid;
		memcpy(to + 24 * k + 16, &(uint32_t){ (uint32_t)at }, 4);
		memcpy(to + 24 * k + 20, &(uint32_t){ (uint32_t)n }, 4);
		at += n;
	}
	return at;
}

const struct guest guest_snp = { "sev_guest", "vek.key", evidence,
	certificates };
