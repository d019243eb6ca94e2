/* SPDX-License-Identifier: Apache-2.0
 *
 * From a Gateway's grant to the data keys of one task (proto/VALUES.md): one
 * ECDH for each KMS node opens its seal, the partials add up to s K, HKDF gives
 * the key.  Runs in keys.  Secrets are in fixed arrays of secret memory: an
 * ephemeral key for each task that waits, and a slot for each task that is
 * computed.
 */
#include <stdlib.h>
#include <string.h>

#include "ecies.h"
#include "keys.h"
#include "log.h"
#include "partial.h"
#include "secp.h"
#include "secret.h"

/* An ephemeral key for each task that can be in flight, in secret memory. */
static uint8_t (*ephemeral)[32];
static uint32_t *unused, n_unused;	/* numbers (index + 1) of free keys */
static struct slot *slots;		/* in secret memory */

/* A slot for each worker, and as many that are prepared ahead. */
#define SLOTS(workers)	(2 * (workers))

/* The decrypted partials of one operand; wiped as soon as possible. */
static struct {
	uint8_t	plain[KMS_NODES][PARTIAL_PLAIN];
	uint8_t	points[KMS_NODES][64];
	uint8_t	sum[64];
} *open;

void
delegate_init(uint32_t workers, uint32_t tasks)
{
	if ((unused = calloc(tasks, sizeof(*unused))) == NULL)
		fatal("delegate: out of memory");
	for (n_unused = 0; n_unused < tasks; n_unused++)
		unused[n_unused] = tasks - n_unused;
	ephemeral = secret_alloc((size_t)tasks * 32);
	slots = secret_alloc(SLOTS(workers) * sizeof(*slots));
	open = secret_alloc(sizeof(*open));
}

void
delegate_key_new(struct task *t)
{
	/* max-tasks bounds the tasks of each chain; there is a key for each. */
	if (n_unused == 0)
		fatal("delegate: more tasks than max-tasks");
	t->key = unused[--n_unused];
	secp_key_new(ephemeral[t->key - 1]);
	if (secp_public(ephemeral[t->key - 1], t->ephemeral_key) != 0)
		fatal("delegate: fresh key is not valid");
}

void
delegate_key_erase(struct task *t)
{
	if (t->key == 0)
		return;
	secret_wipe(ephemeral[t->key - 1], 32);
	unused[n_unused++] = t->key;
	t->key = 0;
}

uint32_t
delegate_check(const struct task *t)
{
	const struct m_facts *f = t->batch->facts;
	const struct m_grant_task *g = &t->grant;
	uint32_t i, last = 0;

	if (memcmp(g->id, t->m.id, 32) != 0 || g->attempt != t->m.attempt ||
	    memcmp(g->ephemeral_key, t->ephemeral_key, 33) != 0)
		return ST_GRANT_INVALID;
	if (!status_by(g->status, RESULT_GATEWAY))
		return ST_GATEWAY_ERROR;
	if (g->status != ST_OK)
		return t->n_operands == 0 && g->n_seals == 0 ? g->status :
							       ST_GRANT_INVALID;
	if (t->n_operands != t->program.shape.n_inputs)
		return ST_GRANT_INVALID;
	for (i = 0; i < t->n_operands; i++)
		if (memcmp(t->operands[i].handle, t->program.inputs[i].b, 32) !=
		    0)
			return ST_GRANT_INVALID;
	if (g->n_seals != (t->n_operands == 0 ? 0 : f->kms_threshold))
		return ST_GRANT_INVALID;
	for (i = 0; i < g->n_seals; i++) {
		if (t->seals[i].head.node <= last ||
		    t->seals[i].head.node > f->kms_nodes)
			return ST_GRANT_INVALID;
		last = t->seals[i].head.node;
	}
	return ST_OK;
}

/* Stop avoiding nodes until enough for a quorum are left.  The node whose time
 * ends first is released first. */
static void
delegate_release(struct chain *ch, const struct m_facts *f)
{
	uint64_t avoid;
	size_t i, soonest;

	while ((avoid = delegate_avoided(ch)) != 0 &&
	    __builtin_popcountll(avoid) > f->kms_nodes - f->kms_threshold) {
		for (i = soonest = 0; i < KMS_NODES; i++)
			if (avoid & UINT64_C(1) << i &&
			    (!(avoid & UINT64_C(1) << soonest) ||
				ch->suspect_until[i] <
				    ch->suspect_until[soonest]))
				soonest = i;
		ch->suspect_until[soonest] = 0;
	}
}

/* Avoid this node for suspect-time.  Its seal is not signed, so the Gateway may
 * be at fault instead.  The Gateway therefore only gets a hint, and it ends
 * soon. */
static void
delegate_suspect(const struct task *t, uint32_t node)
{
	struct chain *ch = t->batch->chain;

	ch->suspect_until[node - 1] = now_ms() + 1000 * keys.conf.suspect_time;
	ch->status.node_faults++;
	delegate_release(ch, t->batch->facts);
	ch->status.suspects = delegate_avoided(ch);
	ch->status_due = 1;
}

static void
delegate_blame_node(const struct task *t, uint32_t node, const char *what)
{
	log_warn("%skms node %u or the gateway: %s: avoiding the node for "
		 "%u s",
	    t->batch->chain->tag, node, what, keys.conf.suspect_time);
	delegate_suspect(t, node);
}

/* All proofs are valid, but the shares do not belong to the KMS key: a rekey
 * has failed.  A quorum without one of these nodes may work.  Avoid a different
 * node each time, so that every quorum is tried. */
static void
delegate_blame_quorum(const struct task *t, const uint32_t *quorum)
{
	struct chain *ch = t->batch->chain;
	const uint32_t node = quorum[ch->quorum_turn++ % t->n_seals];

	log_err("%skms quorum: its shares in the Registry do not match the KMS "
		"key: avoiding node %u for %u s",
	    ch->tag, node, keys.conf.suspect_time);
	delegate_suspect(t, node);
}

uint64_t
delegate_avoided(const struct chain *ch)
{
	uint64_t mask = 0, now = now_ms();
	size_t i;

	for (i = 0; i < KMS_NODES; i++)
		if (ch->suspect_until[i] > now)
			mask |= UINT64_C(1) << i;
	return mask;
}

/* Partial of node k for operand j into open->plain[k]. */
static int
delegate_open(const struct task *t, size_t k, uint32_t j)
{
	const struct seal *s = &t->seals[k];
	struct seal_bind bind;

	memcpy(bind.task_id, t->m.id, 32);
	bind.attempt = t->m.attempt;
	bind.node = s->head.node;
	memcpy(bind.ephemeral_key, t->ephemeral_key, 33);
	memcpy(bind.node_key, s->head.key, 33);
	return open_partial(t->slot->seal_keys[k], &bind, j,
	    t->operands[j].handle, s->partials[j].b, open->plain[k]);
}

/* The data key of operand j. */
static uint32_t
delegate_operand(struct task *t, uint32_t j)
{
	size_t k;

	for (k = 0; k < t->n_seals; k++) {
		if (delegate_open(t, k, j) != 0) {
			delegate_blame_node(t, t->seals[k].head.node,
			    "cannot decrypt a partial");
			return ST_KMS_NODE_FAULT;
		}
		memcpy(open->points[k], open->plain[k], 64);
	}
	if (secp_sum(open->points, t->n_seals, open->sum) != 0)
		return delegate_blame(t, j);
	if (ecies_key(open->sum, t->slot->keys[j]) != 0)
		fatal("delegate: key derivation failed");
	return ST_OK;
}

uint32_t
delegate_prepare(struct task *t)
{
	const uint32_t n_slots = SLOTS(keys.conf.workers);
	uint32_t i, r = ST_OK;
	size_t k;

	for (i = 0; i < n_slots && slots[i].used; i++)
		;
	if (i == n_slots)
		return ST_BUSY;
	t->slot = &slots[i];
	t->slot->used = 1;
	for (k = 0; k < t->n_seals && r == ST_OK; k++)
		if (seal_key(ephemeral[t->key - 1], t->seals[k].head.key,
			t->slot->seal_keys[k]) != 0) {
			delegate_blame_node(t, t->seals[k].head.node,
			    "key of the seal is not a curve point");
			r = ST_KMS_NODE_FAULT;
		}
	delegate_key_erase(t);
	for (i = 0; i < t->n_operands && r == ST_OK; i++)
		r = delegate_operand(t, i);
	secret_wipe(open, sizeof(*open));
	return r;
}

/* Is the partial of node quorum[k] for operand j proven by these shares? */
static int
delegate_proven(const struct task *t, const uint32_t *quorum, size_t k,
    uint32_t j, const uint8_t (*shares)[33])
{
	uint8_t lambda[32];

	return delegate_open(t, k, j) == 0 &&
	    shamir_lambda(quorum, t->n_seals, quorum[k], lambda) == 0 &&
	    partial_check(shares[quorum[k] - 1], lambda, t->operands[j].key,
		open->plain[k]) == 0;
}

/* Bit k: the partial of node quorum[k] is not proven.  The operand may be of
 * the epoch before, while that can be read. */
static uint64_t
delegate_unproven(const struct task *t, const uint32_t *quorum, uint32_t j)
{
	const struct m_facts *f = t->batch->facts;
	uint64_t faulty = 0;
	size_t k;

	for (k = 0; k < t->n_seals; k++)
		if (!delegate_proven(t, quorum, k, j, f->kms_shares) &&
		    !(f->kms_former &&
			delegate_proven(t, quorum, k, j, f->kms_former_shares)))
			faulty |= UINT64_C(1) << k;
	secret_wipe(open, sizeof(*open));
	return faulty;
}

uint32_t
delegate_blame(const struct task *t, uint32_t j)
{
	const struct m_facts *f = t->batch->facts;
	uint32_t quorum[KMS_NODES];
	uint64_t faulty;
	size_t k, n;

	/* If K is not a point, no node can answer: the operand is malformed. */
	if (secp_point_check(t->operands[j].key) != 0)
		return ST_OPERAND_MALFORMED;
	for (k = 0; k < t->n_seals; k++)
		quorum[k] = t->seals[k].head.node;
	faulty = delegate_unproven(t, quorum, j);
	n = (size_t)__builtin_popcountll(faulty);
	if (n == 0 &&
	    shamir_check(quorum, t->n_seals, f->kms_shares, f->kms_key) != 0) {
		delegate_blame_quorum(t, quorum);
		return ST_KMS_NODE_FAULT;
	}
	if (n == 0)
		return ST_OPERAND_MALFORMED;
	/* If all proofs are invalid, the Gateway gave this Runner another K
	 * than it gave the nodes. */
	if (n == t->n_seals && n > 1) {
		log_warn("%sgrant: operand %u: no partial has a valid proof: "
			 "the Gateway changed the operand",
		    t->batch->chain->tag, j);
		return ST_GRANT_INVALID;
	}
	for (k = 0; k < t->n_seals; k++)
		if (faulty & UINT64_C(1) << k)
			delegate_blame_node(
			    t, quorum[k], "invalid proof of a partial");
	return ST_KMS_NODE_FAULT;
}

void
delegate_wipe(struct task *t)
{
	delegate_key_erase(t);
	if (t->slot == NULL)
		return;
	secret_wipe(t->slot->keys, t->n_operands * 32);
	secret_wipe(t->slot->seal_keys, t->n_seals * 32);
	t->slot->used = 0;
	t->slot = NULL;
}
