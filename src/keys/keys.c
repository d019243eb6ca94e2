/* SPDX-License-Identifier: Apache-2.0
 *
 * The state that the files of keys share, and its peers: processes that appear,
 * end or break the protocol.
 */
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "proc.h"

struct keys keys;

void
keys_init(const struct conf *conf)
{
	struct chain *ch;
	size_t i;

	keys.conf = *conf;
	keys.evidence.fd = -1;
	for (i = 0; i < WORKERS_MAX; i++)
		keys.workers[i].chan.fd = -1;
	for (i = 0; i < conf->n_chains; i++) {
		ch = &keys.chains[i];
		ch->index = (uint32_t)i;
		ch->conf = &keys.conf.chains[i];
		LIST_INIT(&ch->batches);
		TAILQ_INIT(&ch->ready);
		ch->state = S_IDLE;
		ch->max_tasks = conf->max_tasks;
		ch->net.fd = ch->tls.fd = ch->registry.fd = -1;
		ch->evidence_fd = -1;
		if (conf->n_chains > 1)
			snprintf(ch->tag, sizeof(ch->tag), "chain %llu: ",
			    (unsigned long long)ch->conf->chain_id);
	}
}

struct chain *
chain_of(const struct chan *c)
{
	return &keys.chains[c->index];	/* checked when it came */
}

enum role
front_of(const struct chain *ch)
{
	return ch->conf->protocol == PROTOCOL_NOX ? R_NOX : R_NET;
}

void
keys_peer_up(struct chan *c)
{
	switch (c->peer) {
	case R_NET:
	case R_NOX:
		chain_of(c)->endpoints_due = chain_of(c)->n_endpoints != 0;
		registration_net_peer(chain_of(c));
		break;
	case R_REGISTRY: registration_registry_peer(chain_of(c)); break;
	case R_EVIDENCE: registration_evidence_peer(); break;
	case R_COMPUTE:
		job_worker_up(&keys.workers[c->index]);
		/* FALLTHROUGH */
	default: /* TLS and compute wait for nothing */ trust_changed();
	}
}

void
keys_peer_lost(struct chan *c)
{
	enum role peer = c->peer;
	uint32_t index = c->index;

	chan_close(c);
	if (peer == R_NET)
		task_drop_all(&keys.chains[index]);
	if (peer == R_NOX)
		nox_drop_all(&keys.chains[index]);
	if (peer == R_COMPUTE)
		job_worker_lost(&keys.workers[index]);
	trust_changed();
}

/* The two channels of net, or nox, stand and fall together. */
void
keys_peer_cut(struct chan *c)
{
	const enum role role = c->peer == R_TLS ? front_of(chain_of(c)) :
						  c->peer;
	const struct m_peer peer = { role, c->index };
	struct chain *ch;

	chan_send(&monitor, M_CUT, &peer, NULL, 0, -1);
	if (role & R_FRONT) {
		ch = chain_of(c);
		if (ch->tls.fd != -1)
			keys_peer_lost(&ch->tls);
		c = &ch->net;
	}
	if (c->fd != -1)
		keys_peer_lost(c);
}
