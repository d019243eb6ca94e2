/* SPDX-License-Identifier: Apache-2.0
 *
 * Proves the Registry's storage at the trusted block; runs in registry.  It
 * asks an endpoint for the block's header, then for the Registry's account and
 * its storage words, in pieces, until none is missing.  Only the proven part of
 * an answer is used.  Must never treat unproven data as proven, nor an
 * endpoint's failure as an answer.
 */
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "keccak.h"
#include "log.h"
#include "proof.h"

static void next_call(struct proof *);

static void
end_proof(struct proof *p, const char *why)
{
	p->rpc = NULL;
	p->done(p->arg, why);
}

/* ---- answers ----------------------------------------------------------- */

/* Verify the proof, a JSON array of nodes, that the trie of `root' has *value
 * under keccak256(name).  *value points into p's buffer. */
static const char *
get_value(struct proof *p, const uint8_t root[32], const uint8_t *name,
    size_t n_name, const json_t *proof, struct rlp *value)
{
	const size_t n = json_array_size(proof);
	uint8_t key[32];
	long size;

	if (!json_is_array(proof) || n > TRIE_NODES)
		return "no proof";
	for (size_t i = 0; i < n; i++) {
		size = rpc_bytes(
		    json_array_get(proof, i), p->bytes[i], TRIE_NODE);
		if (size < 0)
			return "a node is not a hex string, or too long";
		p->nodes[i] = (struct rlp){ p->bytes[i], (size_t)size };
	}
	keccak256(name, n_name, key);
	return trie_get(root, key, p->nodes, n, value);
}

/* An account is nonce, balance, storage root and code hash.  If the account is
 * proven to be absent, storage_root is set to zeros. */
static const char *
get_account(struct proof *p, const json_t *result, uint8_t storage_root[32])
{
	struct rlp value;
	struct rlp_item items[4];
	const char *why;

	memset(storage_root, 0, 32);
	if ((why = get_value(p, p->header.state_root, p->conf->registry, 20,
		 json_object_get(result, "accountProof"), &value)) != NULL)
		return why;
	if (value.n == 0)
		return NULL;
	if (rlp_split_list(value, items, 4) != 4 || items[2].is_list ||
	    items[2].in.n != 32 || items[3].is_list || items[3].in.n != 32)
		return "the account is malformed";
	memcpy(storage_root, items[2].in.p, 32);
	memcpy(p->code_hash, items[3].in.p, 32);
	return NULL;
}

/* Words are RLP integers; an absent word is zero. */
static const char *
get_word(struct proof *p, const uint8_t root[32], const json_t *proof,
    struct layout_word *w)
{
	struct rlp value;
	struct rlp_item item;
	const char *why;

	if ((why = get_value(p, root, w->slot, 32, proof, &value)) != NULL)
		return why;
	if (value.n != 0) {
		if (rlp_get(&value, &item) != 0 || value.n != 0 ||
		    item.is_list || item.in.n > 32 ||
		    (item.in.n > 0 && item.in.p[0] == 0))
			return "a storage word is malformed";
		memcpy(w->value + 32 - item.in.n, item.in.p, item.in.n);
	}
	w->is_known = 1;
	return NULL;
}

static const char *
get_words(struct proof *p, const json_t *result)
{
	const json_t *proofs = json_object_get(result, "storageProof");
	uint8_t root[32], nothing[32];
	const char *why;

	if ((why = get_account(p, result, root)) != NULL)
		return why;
	keccak256(NULL, 0, nothing);
	if (root[0] == 0 && memcmp(root, root + 1, 31) == 0)
		p->unusable = "no contract at its address in "
			      "registry-trusted-block";
	else if (memcmp(p->code_hash, nothing, 32) == 0)
		p->unusable = "an account without code at its address in "
			      "registry-trusted-block";
	if (p->unusable != NULL)
		return NULL;
	if (json_array_size(proofs) != p->n_asked)
		return "wrong number of proofs";
	for (size_t i = 0; i < p->n_asked; i++)
		if ((why = get_word(p, root,
			 json_object_get(json_array_get(proofs, i), "proof"),
			 p->asked[i])) != NULL)
			return why;
	return NULL;
}

static void
on_words(void *arg, const json_t *result, const char *why)
{
	struct proof *p = arg;

	if (result != NULL && (why = get_words(p, result)) != NULL) {
		snprintf(p->why, sizeof(p->why), "eth_getProof: %s", why);
		why = p->why;
	}
	if (why != NULL)
		end_proof(p, why);
	else
		next_call(p);
}

static void
on_header(void *arg, const json_t *result, const char *why)
{
	struct proof *p = arg;

	if (result != NULL &&
	    (why = header_read(result, p->conf->registry_trusted_block,
		 &p->header)) != NULL) {
		snprintf(
		    p->why, sizeof(p->why), "registry-trusted-block: %s", why);
		why = p->why;
	}
	if (why != NULL) {
		end_proof(p, why);
		return;
	}
	p->has_header = 1;
	next_call(p);
}

/* ---- calls ------------------------------------------------------------- */

static json_t *
wanted_slots(struct proof *p)
{
	struct layout_words *s = &p->words;
	json_t *slots = json_array();

	p->n_asked = 0;
	for (size_t i = 0; i < s->n && p->n_asked < PROOF_PIECE; i++) {
		if (s->words[i].is_known)
			continue;
		p->asked[p->n_asked++] = &s->words[i];
		json_array_append_new(slots, rpc_hex(s->words[i].slot, 32));
	}
	return slots;
}

static void
log_proof(const struct proof *p)
{
	char code[2 * 32 + 1];

	if (p->unusable != NULL) {
		log_err("not usable: %s", p->unusable);
		return;
	}
	hex_encode(code, p->code_hash, sizeof(p->code_hash));
	log_info("proven at block %llu: code 0x%s, KMS epoch %llu, "
		 "%u Orchestrators, %u Gateways",
	    (unsigned long long)p->header.number, code,
	    (unsigned long long)p->layout.last_epoch, p->layout.n_orchestrators,
	    p->layout.n_gateways);
}

static void
next_call(struct proof *p)
{
	if (!p->has_header) {
		rpc_call(p->rpc, "eth_getBlockByHash",
		    json_pack("[o,b]",
			rpc_hex(p->conf->registry_trusted_block, 32), 0),
		    on_header, p);
		return;
	}
	if (p->unusable == NULL)
		p->unusable = layout_read(&p->words, &p->layout);
	if (p->unusable == NULL && p->words.n_unknown != 0) {
		/* Request it by number, which all endpoints support.  If the
		 * endpoint has another block of that number, the state root
		 * differs and the proof fails. */
		rpc_call(p->rpc, "eth_getProof",
		    json_pack("[o,o,o]", rpc_hex(p->conf->registry, 20),
			wanted_slots(p), rpc_number(p->header.number)),
		    on_words, p);
		return;
	}
	p->is_proven = 1;
	log_proof(p);
	end_proof(p, NULL);
}

void
proof_init(struct proof *p, const struct conf_chain *conf)
{
	memset(p, 0, sizeof(*p));
	p->conf = conf;
}

int
proof_is_missing(const struct proof *p)
{
	return p->conf->has_registry_trusted_block && !p->is_proven;
}

void
proof_ask(struct proof *p, struct rpc *rpc, proof_done done, void *arg)
{
	p->rpc = rpc;
	p->done = done;
	p->arg = arg;
	next_call(p);
}

/* ---- facts ------------------------------------------------------------- */

#define NEWER	" not what registry-trusted-block proves: set it to a "	\
	"newer block, from a trusted source, and restart"

static const struct part {
	size_t		 offset, size;	/* in struct m_facts */
	const char	*differs;
} parts[] = {
#define PART(member, text) { offsetof(struct m_facts, member), \
	sizeof(((struct m_facts *)0)->member), text NEWER }
	PART(kms_epoch, "the KMS epoch is"),
	PART(kms_key, "the KMS key is"),
	PART(kms_threshold, "the KMS threshold is"),
	PART(kms_nodes, "the number of KMS nodes is"),
	PART(kms_shares, "the KMS shares are"),
	PART(kms_former, "the former KMS shares' time is"),
	PART(kms_former_shares, "the former KMS shares are"),
	PART(n_orchestrators, "the list of Orchestrators is"),
	PART(orchestrators, "the list of Orchestrators is"),
	PART(n_gateways, "the list of Gateways is"),
	PART(gateways, "the list of Gateways is"),
};

const char *
proof_check(const struct proof *p, const struct m_facts *facts)
{
	struct m_facts expected;

	if (!p->conf->has_registry_trusted_block)
		return NULL;
	if (!p->is_proven)
		return "registry-trusted-block is not proven yet";
	if (p->unusable != NULL)
		return p->unusable;
	if (facts->block_number < p->header.number)
		return "the endpoints' newest block is before "
		       "registry-trusted-block";
	memset(&expected, 0, sizeof(expected));
	layout_facts(
	    &p->layout, facts->block_number, facts->block_time, &expected);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (memcmp((const char *)&expected + parts[i].offset,
			(const char *)facts + parts[i].offset,
			parts[i].size) != 0)
			return parts[i].differs;
	return NULL;
}
