/* SPDX-License-Identifier: Apache-2.0
 *
 * The ephemeral key of each task, to which KMS nodes seal their answers
 * (proto/VALUES.md); whether a grant fits its task; and the nodes that are
 * avoided.  Runs in keys, which opens no seal: a worker gets the key.
 */
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "log.h"
#include "secp.h"
#include "secret.h"

/* One for each task that can be in flight, in secret memory. */
static uint8_t (*ephemeral)[32];
static uint32_t *unused, n_unused;	/* numbers (index + 1) of free keys */

void
delegate_init(uint32_t tasks)
{
	if ((unused = calloc(tasks, sizeof(*unused))) == NULL)
		fatal("delegate: out of memory");
	for (n_unused = 0; n_unused < tasks; n_unused++)
		unused[n_unused] = tasks - n_unused;
	ephemeral = secret_alloc((size_t)tasks * 32);
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

const uint8_t *
delegate_key(const struct task *t)
{
	return ephemeral[t->key - 1];
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

/* All proofs are valid, but the shares do not belong to the KMS key: a rekey
 * has failed.  A quorum without one of these nodes may work.  Avoid a different
 * node each time, so that every quorum is tried. */
static void
delegate_blame_quorum(const struct task *t)
{
	struct chain *ch = t->batch->chain;
	const uint32_t node = t->seals[ch->quorum_turn++ % t->n_seals]
				  .head.node;

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

int
delegate_is_possible(const struct task *t, const struct m_job_done *m)
{
	uint64_t quorum = 0;
	size_t k;

	for (k = 0; k < t->n_seals; k++)
		quorum |= UINT64_C(1) << (t->seals[k].head.node - 1);
	if (m->fault >= FAULTS ||
	    (m->fault == FAULT_NONE) != (m->status != ST_KMS_NODE_FAULT))
		return 0;
	if (m->fault == FAULT_NONE || m->fault == FAULT_SHARES)
		return m->nodes == 0 && (m->fault == FAULT_NONE || quorum != 0);
	return m->nodes != 0 && (m->nodes & ~quorum) == 0;
}

void
delegate_blame(const struct task *t, const struct m_job_done *m)
{
	static const char *const faults[FAULTS] = {
		[FAULT_SEAL] = "key of the seal is not a curve point",
		[FAULT_PARTIAL] = "cannot decrypt a partial",
		[FAULT_PROOF] = "invalid proof of a partial",
	};
	const char *tag = t->batch->chain->tag;
	uint32_t node;

	if (m->status == ST_GRANT_INVALID)
		log_warn("%sgrant: operand %u: no partial has a valid proof: "
			 "the Gateway changed the operand",
		    tag, m->operand);
	if (m->fault == FAULT_SHARES)
		delegate_blame_quorum(t);
	for (node = 1; node <= KMS_NODES; node++) {
		if (!(m->nodes & UINT64_C(1) << (node - 1)))
			continue;
		log_warn("%skms node %u or the gateway: %s: avoiding the node "
			 "for %u s",
		    tag, node, faults[m->fault], keys.conf.suspect_time);
		delegate_suspect(t, node);
	}
}
