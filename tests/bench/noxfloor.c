/* SPDX-License-Identifier: Apache-2.0
 *
 * noxfloor: the cryptography of a Runner for one transfer of Nox v0, in a
 * straight line in one process: all that keys and compute must compute, and
 * nothing else.  3 operands, 3 outputs; nothing is shared between transfers in
 * this protocol.  The private operations of RSA are measured apart, too: any
 * Runner of this protocol has one for each operand.  Prints one line of JSON.
 * `make bench-nox' runs it.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ecies.h"
#include "nox_data.h"
#include "rsa.h"
#include "secp.h"
#include "typed_data.h"

#define OPERANDS	3
#define OUTPUTS		3
#define SECONDS		1.0

static const char report[] =
    "On the 3 handles submitted to publishing, 3 were successfully created, 0 "
    "were unchanged and 0 conflicted";

static uint8_t runner[32], gateway[32], kms[32], kms_xy[64];
static uint8_t requests[32], answers[32];	/* domains */
static struct nox_transaction tx;
static uint8_t handles[OPERANDS + OUTPUTS][32];
static struct m_nox_operand operands[OPERANDS];
static struct nox_operand list[OPERANDS];
static uint8_t operands_sig[65], report_sig[65];
static struct m_rsa_key rsa;

static void
must(int r)
{
	if (r == 0)
		return;
	fprintf(stderr, "noxfloor: cryptography failed\n");
	exit(1);
}

static double
cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void
sign(const uint8_t key[32], const uint8_t domain[32], const uint8_t hash[32],
    uint8_t sig[65])
{
	uint8_t digest[32];

	td_digest(domain, hash, digest);
	must(secp_sign(key, digest, sig));
}

static void
verify(const uint8_t hash[32], const uint8_t sig[65])
{
	uint8_t digest[32], who[20];

	td_digest(answers, hash, digest);
	must(secp_recover(digest, sig, who));
}

/* ---- what comes from outside: not measured ----------------------------- */

static void
make_operand(struct m_nox_operand *o, const uint8_t handle[32])
{
	const uint8_t *der = rsa.spki;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &der, sizeof(rsa.spki));
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t k[33], s[32], plain[32] = { 0 };
	size_t n = NOX_RSA;

	memcpy(o->handle, handle, 32);
	o->len = 32 + GCM_TAG;
	must(
	    ecies_seal(kms_xy, NULL, 0, plain, 32, k, o->nonce, o->ciphertext));
	must(secp_mul_x(kms, k, s));
	must(EVP_PKEY_encrypt_init(ctx) != 1);
	must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1);
	must(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1);
	must(EVP_PKEY_encrypt(ctx, o->secret, &n, s, 32) != 1);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static void
make_all(void)
{
	uint8_t salt[32] = { 1 }, hash[32];
	size_t i;

	secp_key_new(runner);
	secp_key_new(gateway);
	secp_key_new(kms);
	must(secp_public_xy(kms, kms_xy));
	nox_domain(31337, NULL, requests);
	nox_domain(31337, salt, answers);
	tx.chain_id = 31337;
	for (i = 0; i < OPERANDS + OUTPUTS; i++)
		secp_key_new(handles[i]);
	for (i = 0; i < OPERANDS; i++) {
		make_operand(&operands[i], handles[i]);
		memcpy(list[i].handle, operands[i].handle, 32);
		memcpy(list[i].iv, operands[i].nonce, 12);
		list[i].ciphertext = operands[i].ciphertext;
		list[i].n_ciphertext = operands[i].len;
		list[i].secret = operands[i].secret;
		list[i].n_secret = NOX_RSA;
	}
	nox_compute_operands(list, OPERANDS, hash);
	sign(gateway, answers, hash, operands_sig);
	nox_result_report(report, sizeof(report) - 1, hash);
	sign(gateway, answers, hash, report_sig);
}

/* ---- what is measured -------------------------------------------------- */

/* What keys signs and verifies for one transaction. */
static void
keys_part(void)
{
	uint8_t hash[32], sig[65];

	nox_operand_access(&tx, (const uint8_t(*)[32])handles, OPERANDS,
	    rsa.spki, sizeof(rsa.spki), hash);
	sign(runner, requests, hash, sig);
	nox_compute_operands(list, OPERANDS, hash);
	verify(hash, operands_sig);
	nox_result_publishing(&tx, hash);
	sign(runner, requests, hash, sig);
	nox_result_report(report, sizeof(report) - 1, hash);
	verify(hash, report_sig);
}

static void
rsa_part(uint8_t secrets[OPERANDS][32])
{
	size_t i;

	for (i = 0; i < OPERANDS; i++)
		must(rsa_open(rsa.number, operands[i].secret, secrets[i]));
}

static void
compute_part(uint8_t secrets[OPERANDS][32])
{
	uint8_t key[32], plain[32], k[33], nonce[12], cipher[48], tag[32];
	size_t i;

	for (i = 0; i < OPERANDS; i++) {
		must(ecies_key(secrets[i], key));
		must(gcm_open(key, operands[i].nonce, NULL, 0,
		    operands[i].ciphertext, operands[i].len, plain));
	}
	for (i = 0; i < OUTPUTS; i++) {
		must(ecies_seal(
		    kms_xy, NULL, 0, plain, i == 0 ? 1 : 32, k, nonce, cipher));
		nox_value_tag(handles[OPERANDS + i], plain, tag);
	}
}

int
main(void)
{
	static uint8_t secrets[OPERANDS][32];
	double used[3] = { 0 }, at[4], start = 0;
	unsigned long n = 0;
	int i;

	secp_init(NULL);
	ecies_init();
	td_init();
	nox_data_init();
	rsa_init(0);
	rsa_public(&rsa);
	make_all();
	for (i = 0; i < 20; i++) {	/* caches, and what is slow at first */
		keys_part();
		rsa_part(secrets);
		compute_part(secrets);
	}
	for (start = cpu(); cpu() - start < SECONDS * 1e6; n++) {
		at[0] = cpu();
		keys_part();
		at[1] = cpu();
		rsa_part(secrets);
		at[2] = cpu();
		compute_part(secrets);
		at[3] = cpu();
		for (i = 0; i < 3; i++)
			used[i] += at[i + 1] - at[i];
	}
	printf("{\"floor_us\": %.1f, \"keys_us\": %.1f, \"rsa_us\": %.1f, "
	       "\"rest_us\": %.1f}\n",
	    (used[0] + used[1] + used[2]) / (double)n, used[0] / (double)n,
	    used[1] / (double)n, used[2] / (double)n);
	return 0;
}
