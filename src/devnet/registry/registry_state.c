/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the Registry's stand-in: registrations, counterparts and the KMS
 * key.  It makes the checks that the contract makes; evidence is verified by
 * the registrar.  The state file is written again at every change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi_encode.h"
#include "json.h"
#include "keccak.h"
#include "registry_state.h"
#include "secp.h"
#include "typed_data.h"

#define RUNNERS		256
#define YEAR		(365 * 86400)

struct runner {
	struct m_register reg;
	int		  is_revoked;
};

static const struct devnet_registry *conf;
static uint8_t domain[32];
static struct m_facts facts;	/* of the last epoch, without registration */
static uint64_t from_block;	/* block at which the epoch begins */
static uint64_t former_until;	/* end of the previous epoch's overlap */
static uint8_t former_key[33], former_shares[KMS_NODES][33];
static int does_lie;
static struct runner runners[RUNNERS];
static size_t n_runners;

/* ---- the state file ---------------------------------------------------- */

static json_t *
runner_json(const struct runner *r)
{
	return json_pack("{s:o,s:o,s:I,s:o,s:o,s:I,s:I,s:b}", "runner",
	    json_hex(r->reg.runner, 20), "publicKey",
	    json_hex(r->reg.public_key, 33), "teeType",
	    (json_int_t)r->reg.tee_type, "evidenceHash",
	    json_hex(r->reg.evidence_hash, 32), "configurationHash",
	    json_hex(r->reg.configuration_hash, 32), "sequence",
	    (json_int_t)r->reg.sequence, "validUntil",
	    (json_int_t)r->reg.valid_until, "revoked", r->is_revoked);
}

json_t *
state_runners(const json_t *params, const char **why)
{
	json_t *array = json_array();

	(void)params;
	(void)why;
	for (size_t i = 0; i < n_runners; i++)
		json_array_append_new(array, runner_json(&runners[i]));
	return array;
}

/* Replace the file atomically, so that a restart finds a complete one. */
static void
save_state(void)
{
	json_t *all;
	char *tmp;

	if (conf->state_file == NULL)
		return;
	all = json_pack("{s:o,s:o,s:o,s:o,s:i,s:I,s:I,s:I,s:o,s:o,s:o}",
	    "orchestrators",
	    json_hex_list(facts.orchestrators, facts.n_orchestrators, 20),
	    "gateways", json_hex_list(facts.gateways, facts.n_gateways, 20),
	    "kmsKey", json_hex(facts.kms_key, facts.kms_nodes ? 33 : 0),
	    "shares", json_hex_list(facts.kms_shares, facts.kms_nodes, 33),
	    "threshold", (int)facts.kms_threshold, "epoch",
	    (json_int_t)facts.kms_epoch, "fromBlock", (json_int_t)from_block,
	    "formerUntil", (json_int_t)former_until, "formerKey",
	    json_hex(former_key, *former_key ? 33 : 0), "formerShares",
	    json_hex_list(former_shares, *former_key ? facts.kms_nodes : 0, 33),
	    "runners", state_runners(NULL, NULL));
	if (asprintf(&tmp, "%s.new", conf->state_file) == -1)
		tmp = NULL;
	if (tmp == NULL || json_dump_file(all, tmp, JSON_INDENT(1)) != 0 ||
	    rename(tmp, conf->state_file) != 0)
		fprintf(
		    stderr, "registry: cannot write %s\n", conf->state_file);
	free(tmp);
	json_decref(all);
}

/* ---- methods ----------------------------------------------------------- */

static int
set_addresses(const json_t *array, uint8_t list[LIST_MAX][20], uint32_t *n)
{
	const size_t count = json_array_size(array);

	if (array == NULL)
		return 0;
	if (!json_is_array(array) || count > LIST_MAX)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (json_to_bytes(json_array_get(array, i), list[i], 20) != 0)
			return -1;
	*n = (uint32_t)count;
	return 0;
}

static int
set_point(const json_t *value, uint8_t point[33])
{
	return json_to_bytes(value, point, 33) != 0 ? -1 :
						      secp_point_check(point);
}

static int
set_shares(const json_t *shares, uint8_t list[KMS_NODES][33])
{
	for (size_t i = 0; i < json_array_size(shares); i++)
		if (i == KMS_NODES ||
		    set_point(json_array_get(shares, i), list[i]) != 0)
			return -1;
	return 0;
}

static const char *
set_kms(const json_t *params, struct m_facts *f)
{
	const json_t *key = json_object_get(params, "kmsKey");
	const json_t *shares = json_object_get(params, "shares");
	const json_t *threshold = json_object_get(params, "threshold");
	const json_t *epoch = json_object_get(params, "epoch");
	uint64_t t = f->kms_threshold;

	if (key != NULL && set_point(key, f->kms_key) != 0)
		return "kmsKey: not a compressed point";
	if (shares != NULL) {
		const size_t n = json_array_size(shares);

		if (n < 1 || n > KMS_NODES)
			return "shares: not 1 to 64";
		if (set_shares(shares, f->kms_shares) != 0)
			return "shares: not a compressed point";
		f->kms_nodes = (uint8_t)n;
	}
	if (threshold != NULL && json_to_number(threshold, &t) != 0)
		return "threshold: no number";
	if (f->kms_nodes != 0 && (t < 1 || t > f->kms_nodes))
		return "threshold: not 1 to the number of shares";
	f->kms_threshold = (uint8_t)t;
	if (epoch != NULL && json_to_number(epoch, &f->kms_epoch) != 0)
		return "epoch: no number";
	return NULL;
}

/* Set how long the previous epoch can be read, for an epoch later than the
 * last. */
static const char *
set_former(const json_t *params, const struct m_facts *f)
{
	const json_t *from = json_object_get(params, "fromBlock");
	const json_t *until = json_object_get(params, "formerUntil");
	uint64_t block = 0, time = 0;

	if ((from != NULL && json_to_number(from, &block) != 0) ||
	    (until != NULL && json_to_number(until, &time) != 0))
		return "fromBlock, formerUntil: no number";
	if (f->kms_epoch <= facts.kms_epoch || facts.kms_nodes == 0)
		return NULL;
	if (time != 0 && f->kms_nodes != facts.kms_nodes)
		return "formerUntil: another number of shares";
	from_block = block;
	former_until = time;
	memcpy(former_key, facts.kms_key, 33);
	memcpy(former_shares, facts.kms_shares, sizeof(former_shares));
	return NULL;
}

static const char *
set(const json_t *params)
{
	struct m_facts f = facts;
	const json_t *lie = json_object_get(params, "lie");
	const char *why;

	if (set_addresses(json_object_get(params, "orchestrators"),
		f.orchestrators, &f.n_orchestrators) != 0)
		return "orchestrators: not at most 16 addresses";
	if (set_addresses(json_object_get(params, "gateways"), f.gateways,
		&f.n_gateways) != 0)
		return "gateways: not at most 16 addresses";
	if ((why = set_kms(params, &f)) != NULL ||
	    (why = set_former(params, &f)) != NULL)
		return why;
	facts = f;
	if (lie != NULL)
		does_lie = json_is_true(lie);
	return NULL;
}

json_t *
state_set(const json_t *params, const char **why)
{
	if ((*why = set(params)) != NULL)
		return NULL;
	save_state();
	return json_true();
}

static struct runner *
find(const uint8_t address[20])
{
	for (size_t i = 0; i < n_runners; i++)
		if (memcmp(runners[i].reg.runner, address, 20) == 0)
			return &runners[i];
	return NULL;
}

static int
read_registration(const json_t *params, struct m_register *r)
{
	uint64_t tee;

	memset(r, 0, sizeof(*r));
	if (json_to_bytes(json_object_get(params, "runner"), r->runner, 20) ||
	    json_to_bytes(
		json_object_get(params, "publicKey"), r->public_key, 33) ||
	    json_to_bytes(json_object_get(params, "evidenceHash"),
		r->evidence_hash, 32) ||
	    json_to_bytes(json_object_get(params, "configurationHash"),
		r->configuration_hash, 32) ||
	    json_to_number(json_object_get(params, "teeType"), &tee) ||
	    tee > TEE_OPTEE ||
	    json_to_number(json_object_get(params, "sequence"), &r->sequence) ||
	    json_to_number(
		json_object_get(params, "validUntil"), &r->valid_until) ||
	    r->sequence > INT64_MAX || r->valid_until > INT64_MAX)
		return -1;
	r->tee_type = (uint32_t)tee;
	return 0;
}

static const char *
check_signed(const struct m_register *r)
{
	uint8_t hash[32], digest[32], address[20];

	if (secp_address(r->public_key, address) != 0 ||
	    memcmp(address, r->runner, 20) != 0)
		return "publicKey: not the runner's";
	td_registration(r, hash);
	td_digest(domain, hash, digest);
	if (secp_recover(digest, r->signature, address) != 0 ||
	    memcmp(address, r->runner, 20) != 0)
		return "signature: not the runner's";
	return NULL;
}

/* Check that the registrar signed a positive verdict. */
static const char *
check_verdict(const json_t *params, const struct m_register *r)
{
	const char *verifier = json_string_value(
	    json_object_get(params, "verifier"));
	uint8_t registration[32], measurement[32], hash[32], digest[32];
	uint8_t sig[65], address[20];
	uint64_t verdict;

	if (verifier == NULL ||
	    json_to_number(json_object_get(params, "verdict"), &verdict) != 0 ||
	    verdict > UINT8_MAX ||
	    json_to_bytes(
		json_object_get(params, "verdictSignature"), sig, 65) != 0 ||
	    json_to_bytes(
		json_object_get(params, "measurement"), measurement, 32) != 0)
		return "verdict: missing or malformed";
	td_registration(r, registration);
	td_verdict(
	    registration, measurement, (uint32_t)verdict, verifier, hash);
	td_digest(domain, hash, digest);
	if (secp_recover(digest, sig, address) != 0 ||
	    memcmp(address, conf->registrar, 20) != 0)
		return "verdict: not the registrar's";
	return verdict == 0 ? NULL : "verdict: the evidence is not accepted";
}

json_t *
state_register(const json_t *params, const char **why)
{
	const uint64_t now = (uint64_t)time(NULL);
	struct m_register r;
	struct runner *runner;

	if (read_registration(params, &r) != 0 ||
	    json_to_bytes(
		json_object_get(params, "signature"), r.signature, 65) != 0) {
		*why = "a field is missing or malformed";
		return NULL;
	}
	if ((*why = check_signed(&r)) != NULL ||
	    (*why = check_verdict(params, &r)) != NULL)
		return NULL;
	runner = find(r.runner);
	if (r.sequence <= (runner != NULL ? runner->reg.sequence : 0))
		*why = "sequence: not greater than the last";
	else if (r.valid_until <= now ||
	    r.valid_until - now > (conf->max_life != 0 ? conf->max_life : YEAR))
		*why = "validUntil: past, or too far ahead";
	else if (runner != NULL && runner->is_revoked)
		*why = "runner: revoked";
	else if (runner == NULL && n_runners == RUNNERS)
		*why = "too many runners";
	if (*why != NULL)
		return NULL;
	if (runner == NULL)
		runner = &runners[n_runners++];
	runner->reg = r;
	save_state();
	return json_true();
}

json_t *
state_revoke(const json_t *params, const char **why)
{
	uint8_t address[20];
	struct runner *runner;

	if (json_to_bytes(json_object_get(params, "runner"), address, 20) !=
		0 ||
	    (runner = find(address)) == NULL) {
		*why = "runner: not registered";
		return NULL;
	}
	runner->is_revoked = 1;
	save_state();
	return json_true();
}

/* ---- views of the contract --------------------------------------------- */

int
state_is_runner(const uint8_t address[20])
{
	const struct runner *r = find(address);

	return r != NULL && !r->is_revoked &&
	    r->reg.valid_until > (uint64_t)time(NULL);
}

static void
put_addresses(struct abi_tuple *t, const uint8_t (*list)[20], size_t n)
{
	struct abi_tuple array;

	abi_array(t, &array, n);
	for (size_t i = 0; i < n; i++)
		abi_address(&array, list[i]);
}

size_t
state_facts(const uint8_t address[20], uint64_t block, uint64_t time,
    uint8_t out[FACTS_MAX])
{
	static const uint8_t generator[33] = { 0x02, 0x79, 0xbe, 0x66, 0x7e,
		0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87,
		0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9,
		0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98 };
	const struct runner *r = find(address);
	const size_t n_key = facts.kms_nodes != 0 ? 33 : 0;
	const size_t n_shares = facts.kms_nodes * 33u;
	const int is_pending = block < from_block;
	struct abi abi = { out, 0, FACTS_MAX };
	struct abi_tuple t;

	abi_begin(&t, &abi, 9);
	abi_number(&t, r != NULL ? r->reg.sequence : 0);
	abi_number(&t, r != NULL && !r->is_revoked ? r->reg.valid_until : 0);
	abi_number(&t, facts.kms_epoch - (uint64_t)is_pending);
	abi_number(&t, facts.kms_threshold);
	abi_bytes(&t,
	    does_lie	   ? generator :
		is_pending ? former_key :
			     facts.kms_key,
	    n_key);
	abi_bytes(
	    &t, is_pending ? former_shares[0] : facts.kms_shares[0], n_shares);
	abi_bytes(&t, former_shares[0],
	    !is_pending && time < former_until ? n_shares : 0);
	put_addresses(&t, facts.orchestrators, facts.n_orchestrators);
	put_addresses(&t, facts.gateways, facts.n_gateways);
	return abi.n;
}

/* ---- start ------------------------------------------------------------- */

static int
load_state(const char *path)
{
	json_t *all = json_load_file(path, 0, NULL), *value, *key;
	size_t i;
	int r = -1;

	if (all == NULL)
		return -1;
	/* Without shares, no KMS key was set yet. */
	key = json_object_get(all, "kmsKey");
	if (json_array_size(json_object_get(all, "shares")) == 0)
		json_object_del(all, "shares");
	if (json_string_length(key) == 2)
		json_object_del(all, "kmsKey");
	if (set(all) != NULL ||
	    set_shares(json_object_get(all, "formerShares"), former_shares) !=
		0)
		goto out;
	(void)json_to_bytes(json_object_get(all, "formerKey"), former_key, 33);
	(void)json_to_number(json_object_get(all, "fromBlock"), &from_block);
	(void)json_to_number(
	    json_object_get(all, "formerUntil"), &former_until);
	json_array_foreach(json_object_get(all, "runners"), i, value) {
		if (i == RUNNERS ||
		    read_registration(value, &runners[i].reg) != 0)
			goto out;
		runners[i].is_revoked = json_is_true(
		    json_object_get(value, "revoked"));
		n_runners = i + 1;
	}
	r = 0;
out:
	json_decref(all);
	return r;
}

int
state_init(const struct devnet_registry *c)
{
	FILE *f;

	conf = c;
	td_domain(c->chain_id, c->address, domain);
	if (c->state_file == NULL || (f = fopen(c->state_file, "r")) == NULL)
		return 0;
	fclose(f);
	if (load_state(c->state_file) == 0)
		return 0;
	fprintf(stderr, "registry: %s is not a state file\n", c->state_file);
	return -1;
}
