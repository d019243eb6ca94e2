/* SPDX-License-Identifier: Apache-2.0
 *
 * One handler for each message that keys receives.  The table has already
 * passed type, sender, state, sizes and descriptors; what is left is whether
 * the message fits the batch and the task, which task.c and job.c see to.
 */
#include <string.h>

#include "keys.h"
#include "log.h"
#include "proc.h"
#include "typed_data.h"

#define SELF R_KEYS
#include "dispatch.h"

/* proc_start() has taken it; a second one is a fault of the monitor. */
ON(START)
{
	chan_illegal(c, m->type, "started already");
}

/* The channel of this peer; NULL: there is no such peer. */
static struct chan *
channel_of(enum role role, uint32_t index)
{
	switch (role) {
	case R_NET:
	case R_NOX:
		return index < keys.conf.n_chains &&
			role == front_of(&keys.chains[index]) ?
		    &keys.chains[index].net :
		    NULL;
	case R_TLS:
		return index < keys.conf.n_chains ? &keys.chains[index].tls :
						    NULL;
	case R_REGISTRY:
		return index < keys.conf.n_chains ?
		    &keys.chains[index].registry :
		    NULL;
	case R_EVIDENCE: return &keys.evidence;
	case R_COMPUTE:
		return index < keys.conf.workers ? &keys.workers[index].chan :
						   NULL;
	default: return NULL;
	}
}

ON(PEER)
{
	const struct m_peer *p = m->payload;
	struct chan *to = channel_of(p->role, p->index);

	if (to == NULL)
		chan_illegal(c, M_PEER, "no such peer");
	if (to->fd != -1)
		keys_peer_lost(to);
	chan_init(to, m->fd, R_KEYS, p->role, p->index);
	keys_peer_up(to);
}

ON(LOG_LEVEL)
{
	const struct m_log_level *l = m->payload;

	log_level((int)l->level);
}

ON(LIMITS)
{
	const struct m_limits *l = m->payload;
	size_t i;

	if (l->workers == 0 || l->workers > WORKERS_MAX || l->max_tasks == 0 ||
	    l->max_tasks > CONF_TASKS)
		chan_illegal(c, M_LIMITS, "out of bounds");
	keys.conf.workers = l->workers;
	for (i = 0; i < WORKERS_MAX; i++)
		job_worker_changed(&keys.workers[i]);
	task_limit(l->max_tasks);
}

/* The monitor asks whether we are alive. */
ON(PING)
{
	proc_pong(c);
}

ON(DRAIN)
{
	trust_drain();
}

ON(TLS_KEY)
{
	tls_renew(m->fd);
}

ON(TLS_SIGN)
{
	struct m_tls_signed answer;

	tls_sign(m->payload, &answer);
	chain_of(c)->status.tls_signatures++;
	chan_send(c, M_TLS_SIGNED, &answer, NULL, 0, -1);
}

ON(FACTS)
{
	facts_install(chain_of(c), m->payload);
}

/* For the operator: passed on, at most once a second, and not looked at. */
ON(ENDPOINTS)
{
	struct chain *ch = chain_of(c);

	ch->endpoints = *(const struct m_endpoints *)m->payload;
	memcpy(ch->endpoint, m->rows, m->n_rows * sizeof(ch->endpoint[0]));
	ch->n_endpoints = m->n_rows;
	ch->endpoints_due = 1;
}

ON(QUOTE)
{
	registration_quote(m->payload, m->fd);
}

ON(QUOTE_FAILED)
{
	const struct m_quote_failed *f = m->payload;

	registration_quote_failed(f->error);
}

ON(RENEW)
{
	registration_renew_asked(chain_of(c));
}

ON(VERDICT)
{
	registration_verdict(chain_of(c), m->payload);
}

ON(HELLO_ASK)
{
	const struct m_hello_ask *ask = m->payload;
	const struct chain *ch = chain_of(c);
	struct m_hello h;
	uint8_t hash[32];

	memset(&h, 0, sizeof(h));
	h.session = ask->session;
	memcpy(h.runner, sign_address(ch), 20);
	memcpy(h.registration, ch->registration_hash, 32);
	td_session_hello(h.runner, ask->challenge, h.registration, hash);
	sign_typed(ch, hash, h.signature);
	chan_send(c, M_HELLO, &h, NULL, 0, -1);
}

ON(BATCH)
{
	task_on_batch(c, m->payload);
}

ON(TASK)
{
	task_on_task(c, m);
}

ON(FETCH_FAILED)
{
	task_on_fetch_failed(c, m->payload);
}

ON(GRANT)
{
	task_on_grant(c, m->payload);
}

ON(GRANT_TASK)
{
	task_on_grant_task(c, m);
}

ON(GRANT_SEAL)
{
	task_on_grant_seal(c, m);
}

ON(JOB_DONE)
{
	job_on_done(c, m);
}

ON(NOX_TASK)
{
	nox_on_task(c, m);
}

ON(NOX_GRANT)
{
	nox_on_grant(c, m);
}

ON(NOX_STORED)
{
	nox_on_stored(c, m->payload);
}

ON(NOX_DROP)
{
	nox_on_drop(c, m->payload);
}

ON(RSA_KEY)
{
	nox_on_rsa_key(c, m->payload);
}

ON(NOX_DONE)
{
	nox_on_done(c, m);
}
