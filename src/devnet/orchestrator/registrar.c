/* SPDX-License-Identifier: Apache-2.0
 *
 * See registrar.h.  Policy and collateral are read each time, since an operator
 * may change these files while the server runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"

#include "attest.h"
#include "collateral.h"
#include "hex.h"
#include "jsonrpc.h"
#include "keccak.h"
#include "log.h"
#include "registrar.h"
#include "report_data.h"
#include "secp.h"
#include "server.h"
#include "typed_data.h"
#include "wire.h"

#define VERIFIER	"tee-attest " PACKAGE_VERSION
#define BLOCK_AGE	3600		/* seconds: maximum age of evidence */
#define POLICY_MAX	65536

enum { ACCEPTED, REFUSED, UNDECIDED = 3 };

/* Evidence format of each TEE. */
static const struct format *const format_for[] = {
	[TEE_INSECURE] = &format_insecure,
	[TEE_TDX] = &format_dcap,
	[TEE_SEV_SNP] = &format_snp,
	[TEE_CCA] = &format_cca,
	[TEE_OPTEE] = &format_optee,
};

static int
read_registration(const Teerunner__V1__Registration *r, struct m_register *to)
{
	memset(to, 0, sizeof(*to));
	to->tee_type = r->tee_type;
	to->sequence = r->sequence;
	to->valid_until = r->valid_until;
	return wire_fixed(&r->runner, to->runner, 20) != 0 ||
		wire_fixed(&r->public_key, to->public_key, 33) != 0 ||
		wire_fixed(&r->evidence_hash, to->evidence_hash, 32) != 0 ||
		wire_fixed(
		    &r->configuration_hash, to->configuration_hash, 32) != 0 ||
		wire_fixed(&r->signature, to->signature, 65) != 0 ?
	    -1 :
	    0;
}

/* Get the hash of a block, which must be less than BLOCK_AGE old.  Returns 0 or
 * -1. */
static int
recent_block(uint64_t number, uint8_t hash[32])
{
	char hex[24];
	uint64_t when;
	json_t *block;
	int ok;

	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)number);
	block = jsonrpc_call(
	    &devnet, "eth_getBlockByNumber", json_pack("[s,b]", hex, 0));
	ok = json_to_bytes(json_object_get(block, "hash"), hash, 32) == 0 &&
	    json_to_number(json_object_get(block, "timestamp"), &when) == 0 &&
	    when >= (uint64_t)time(NULL) - BLOCK_AGE;
	json_decref(block);
	return ok ? 0 : -1;
}

static int
read_policy(struct policy *p)
{
	char path[DEVNET_PATH], text[POLICY_MAX], why[200];
	size_t n;
	FILE *f;

	policy_default(p);
	dir_path(&devnet, path, "evidence/policy");
	if ((f = fopen(path, "r")) == NULL) {
		log_err("registrar: %s: %m", path);
		return -1;
	}
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	if (policy_parse(p, text, why, sizeof(why)) == -1) {
		log_err("registrar: %s: %s", path, why);
		return -1;
	}
	return 0;
}

static void
tell(const struct report *r, const char *runner)
{
	char line[256];
	size_t i;

	for (i = 0; i < r->n_checks; i++)
		if (r->checks[i].outcome == A_FAIL ||
		    r->checks[i].outcome == A_MISSING)
			log_warn("registrar: 0x%s: %s: %s", runner,
			    r->checks[i].name, r->checks[i].detail);
	for (i = 0; i < r->n_warnings; i++)
		log_warn(
		    "registrar: 0x%s: warning: %s", runner, r->warnings[i]);
	report_line(r, line, sizeof(line));
	log_info("registrar: 0x%s: %s: %s", runner, r->format, line);
}

/* keccak256 of the measurements that proto/TYPED-DATA.md lists; zeros if the
 * evidence has none. */
static void
hash_measurements(const struct report *r, uint32_t tee_type, uint8_t out[32])
{
	static const char *const names[][6] = {
		[TEE_TDX] = { "mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3" },
		[TEE_SEV_SNP] = { "measurement" },
		[TEE_CCA] = { "rim" },
		[TEE_OPTEE] = { "tee-memory" },
		[TEE_INSECURE] = { NULL },
	};
	const char *const *name = names[tee_type];
	struct keccak k;
	uint8_t b[64];
	size_t i, n = 0;

	keccak_init(&k);
	for (i = 0; i < r->n_facts && *name != NULL; i++)
		if (strcmp(r->facts[i].name, *name) == 0) {
			n = strlen(r->facts[i].text) / 2;
			if (n > sizeof(b) ||
			    hex_read(r->facts[i].text, b, n) != 0)
				break;
			keccak_update(&k, b, n);
			name++;
		}
	keccak_final(&k, out);
	if (*name != NULL || n == 0)
		memset(out, 0, 32);
}

static int
verify_evidence(const Teerunner__V1__Registration *r,
    const struct m_register *m, uint8_t measurement[32])
{
	static struct report report;
	static struct policy policy;
	struct bytes b = { r->evidence.data, r->evidence.len };
	struct collateral c;
	uint8_t hash[32];
	char path[DEVNET_PATH], runner[41];
	const char *why = NULL;

	hex_encode(runner, m->runner, 20);
	keccak256(b.p, b.n, hash);
	if (memcmp(hash, m->evidence_hash, 32) != 0)
		why = "the evidence is not the one that is registered";
	else if (m->tee_type >= sizeof(format_for) / sizeof(format_for[0]) ||
	    format_for[m->tee_type] == NULL || b.n == 0 ||
	    !format_for[m->tee_type]->is(b))
		why = "the evidence is not of this TEE";
	if (why != NULL) {
		log_warn("registrar: 0x%s: %s", runner, why);
		return REFUSED;
	}
	dir_path(&devnet, path, "evidence");
	if (read_policy(&policy) == -1 || collateral_load(&c, path) == -1)
		return UNDECIDED;
	memset(&report, 0, sizeof(report));
	if (recent_block(r->block_number, hash) == -1 ||
	    report_data(m->public_key, m->configuration_hash, hash,
		policy.report_data) == -1)
		report_check(&report, "freshness", A_FAIL,
		    "block %llu is not of the last hour",
		    (unsigned long long)r->block_number);
	policy.has_report_data = 1;
	format_for[m->tee_type]->verify(b, &c, &policy, time(NULL), &report);
	collateral_free(&c);
	tell(&report, runner);
	hash_measurements(&report, m->tee_type, measurement);
	return report_verdict(&report);
}

/* What the active fault says; -1: nothing. */
static int
verdict_by_fault(void)
{
	const enum fault now = fault;	/* it is atomic */

	if (now == FAULT_ORCHESTRATOR_refuse)
		return REFUSED;
	return now == FAULT_ORCHESTRATOR_undecided ? UNDECIDED : -1;
}

int
registrar_verify(const Teerunner__V1__Registration *r, struct m_register *m,
    struct m_verdict *v)
{
	uint8_t hash[32], digest[32], key[32];
	const int by_fault = verdict_by_fault();

	memset(v, 0, sizeof(*v));
	if (read_registration(r, m) != 0)
		return -1;
	v->n_verifier = sizeof(VERIFIER) - 1;
	memcpy(v->verifier, VERIFIER, v->n_verifier);
	v->verdict = (uint32_t)(by_fault != -1 ?
		by_fault :
		verify_evidence(r, m, v->measurement));
	td_registration(m, v->registration);
	td_verdict(v->registration, v->measurement, v->verdict, VERIFIER, hash);
	td_digest(devnet.domain, hash, digest);
	dir_secret(&devnet, "registrar", key);
	if (secp_sign(key, digest, v->signature) != 0)
		fatal("registrar: cannot sign");
	explicit_bzero(key, sizeof(key));
	return 0;
}
