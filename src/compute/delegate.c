/* SPDX-License-Identifier: Apache-2.0
 *
 * One ECDH for each KMS node opens its seal, the partials add up to s K, HKDF
 * gives the data key.  Runs in compute.  The proofs of the partials are only
 * checked if a ciphertext does not decrypt, to find the node at fault.
 */
#include <string.h>

#include "delegate.h"
#include "ecies.h"
#include "partial.h"
#include "secp.h"
#include "secret.h"
#include "shamir.h"
#include "status.h"

/* Public: anyone may read the seals. */
static struct {
	uint8_t		 id[32], ephemeral_key[33], kms_key[33];
	uint32_t	 attempt;
	uint32_t	 n, came;	/* seals */
	struct m_job_seal heads[KMS_NODES];
	struct m_partial partials[KMS_NODES][TASK_INPUTS];
} seals;

static struct secrets {
	uint8_t		 ephemeral[32];
	uint8_t		 keys[KMS_NODES][32];	/* of the seals */
	/* of one operand */
	uint8_t		 plain[KMS_NODES][PARTIAL_PLAIN];
	uint8_t		 points[KMS_NODES][64];
	uint8_t		 sum[64];
} *secret;

void
delegate_init(void)
{
	secret = secret_alloc(sizeof(*secret));
}

const char *
delegate_start(const struct m_job *m)
{
	if (m->n_seals > KMS_NODES ||
	    (m->shape.n_inputs != 0) != (m->n_seals != 0))
		return "number of seals";
	memcpy(seals.id, m->id, 32);
	memcpy(seals.ephemeral_key, m->ephemeral_key, 33);
	memcpy(seals.kms_key, m->kms_key, 33);
	seals.attempt = m->attempt;
	seals.n = m->n_seals;
	seals.came = 0;
	memcpy(secret->ephemeral, m->secret, 32);
	return NULL;
}

const char *
delegate_seal(
    const struct m_job_seal *m, const struct m_partial *partials, size_t n)
{
	const uint32_t last = seals.came == 0 ?
	    0 :
	    seals.heads[seals.came - 1].node;

	if (seals.came == seals.n)
		return "more seals than nodes";
	if (m->node <= last || m->node > KMS_NODES)
		return "number of the node";
	seals.heads[seals.came] = *m;
	memcpy(seals.partials[seals.came], partials, n * sizeof(*partials));
	seals.came++;
	return NULL;
}

int
delegate_is_complete(void)
{
	return seals.came == seals.n;
}

static uint32_t
blame(struct m_job_done *done, uint64_t nodes, enum job_fault fault)
{
	done->nodes = nodes;
	done->fault = fault;
	return ST_KMS_NODE_FAULT;
}

static uint64_t
node_bit(size_t k)
{
	return UINT64_C(1) << (seals.heads[k].node - 1);
}

uint32_t
delegate_open(struct m_job_done *done)
{
	uint32_t status = ST_OK;
	size_t k;

	for (k = 0; k < seals.n && status == ST_OK; k++)
		if (seal_key(secret->ephemeral, seals.heads[k].key,
			secret->keys[k]) != 0)
			status = blame(done, node_bit(k), FAULT_SEAL);
	secret_wipe(secret->ephemeral, sizeof(secret->ephemeral));
	return status;
}

/* Partial of node k for operand j into secret->plain[k]. */
static int
open_of_node(size_t k, uint32_t j, const uint8_t handle[32])
{
	struct seal_bind bind;

	memcpy(bind.task_id, seals.id, 32);
	bind.attempt = seals.attempt;
	bind.node = seals.heads[k].node;
	memcpy(bind.ephemeral_key, seals.ephemeral_key, 33);
	memcpy(bind.node_key, seals.heads[k].key, 33);
	return open_partial(secret->keys[k], &bind, j, handle,
	    seals.partials[k][j].b, secret->plain[k]);
}

uint32_t
delegate_key(const struct m_value *v, uint32_t j, uint8_t key[32],
    struct m_job_done *done)
{
	size_t k;

	for (k = 0; k < seals.n; k++) {
		if (open_of_node(k, j, v->handle) != 0)
			return blame(done, node_bit(k), FAULT_PARTIAL);
		memcpy(secret->points[k], secret->plain[k], 64);
	}
	if (secp_sum((const uint8_t(*)[64])secret->points, seals.n,
		secret->sum) != 0)
		return delegate_blame(v, j, done);
	return ecies_key(secret->sum, key) == 0 ? ST_OK : ST_INTERNAL;
}

/* Is the partial of node k for this operand, which is in secret->plain[k],
 * proven by this share? */
static int
is_proven(const uint32_t *quorum, size_t k, const uint8_t K[33],
    const uint8_t share[33])
{
	uint8_t lambda[32];

	return shamir_lambda(quorum, seals.n, quorum[k], lambda) == 0 &&
	    partial_check(share, lambda, K, secret->plain[k]) == 0;
}

/* The nodes whose partial is not proven.  The operand may be of the epoch
 * before, while that can be read. */
static uint64_t
unproven(const struct m_value *v, uint32_t j, const uint32_t *quorum)
{
	const struct m_job_seal *s;
	uint64_t nodes = 0;
	size_t k;

	for (k = 0; k < seals.n; k++) {
		s = &seals.heads[k];
		if (open_of_node(k, j, v->handle) != 0 ||
		    (!is_proven(quorum, k, v->key, s->share) &&
			!(s->has_former &&
			    is_proven(quorum, k, v->key, s->former))))
			nodes |= node_bit(k);
	}
	return nodes;
}

static int
shares_match(const uint32_t *quorum)
{
	uint8_t shares[KMS_NODES][33];
	size_t k;

	for (k = 0; k < seals.n; k++)
		memcpy(shares[quorum[k] - 1], seals.heads[k].share, 33);
	return shamir_check(quorum, seals.n, (const uint8_t(*)[33])shares,
		   seals.kms_key) == 0;
}

uint32_t
delegate_blame(const struct m_value *v, uint32_t j, struct m_job_done *done)
{
	uint32_t quorum[KMS_NODES];
	uint64_t nodes;
	size_t k;

	done->operand = j;
	/* If K is not a point, no node can answer: the operand is malformed. */
	if (secp_point_check(v->key) != 0)
		return ST_OPERAND_MALFORMED;
	for (k = 0; k < seals.n; k++)
		quorum[k] = seals.heads[k].node;
	nodes = unproven(v, j, quorum);
	if (nodes == 0)
		return shares_match(quorum) ? ST_OPERAND_MALFORMED :
					      blame(done, 0, FAULT_SHARES);
	/* If all proofs are invalid, the Gateway gave this Runner another K
	 * than it gave the nodes. */
	if (seals.n > 1 && (uint32_t)__builtin_popcountll(nodes) == seals.n)
		return ST_GRANT_INVALID;
	return blame(done, nodes, FAULT_PROOF);
}

void
delegate_wipe(void)
{
	secret_wipe(secret, sizeof(*secret));
}
