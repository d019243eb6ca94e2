/* SPDX-License-Identifier: Apache-2.0
 *
 * May this Runner accept tasks of a chain?  The answer follows from the facts,
 * the registration and the workers.  Runs in keys.  It fails closed: each
 * reason for not serving has a name, and no task is accepted while there is
 * one.
 */
#include <stdio.h>
#include <string.h>

#include "attested.h"
#include "keys.h"
#include "log.h"
#include "proc.h"

static int draining;
static int changed;

static void
tell_monitor(const struct chain *ch)
{
	struct m_serving m = { .chain = ch->index,
		.is_serving = ch->state == S_SERVING };

	snprintf(m.why, sizeof(m.why), "%s",
	    ch->state == S_DRAINING ? "shutting down" :
				      why_text(ch->status.why));
	chan_send(&monitor, M_SERVING, &m, NULL, 0, -1);
}

void
trust_init(void)
{
	uint32_t i;

	/* The attested hash covers the configuration and every policy. */
	attested_hash(&keys.conf, keys.conf.configuration_hash);
	for (i = 0; i < keys.conf.n_chains; i++) {
		keys.chains[i].status.why = WHY_NO_FACTS;
		tell_monitor(&keys.chains[i]);
	}
}

static enum idle_reason
trust_why(const struct chain *ch)
{
	const struct m_facts *f = ch->facts;
	enum idle_reason why;
	size_t i, up = 0;

	if ((why = facts_why(ch)) != WHY_NONE)
		return why;
	for (i = 0; i < WORKERS_MAX; i++)
		up += (size_t)job_is_up(&keys.workers[i]);
	if (ch->evidence_fd == -1)
		return WHY_NO_EVIDENCE;
	/* Nox v0 has no registrations: its Gateway knows one address. */
	if (ch->conf->protocol != PROTOCOL_NOX &&
	    (memcmp(f->runner, sign_address(ch), 20) != 0 ||
		f->valid_until <= facts_now(ch)))
		return WHY_NOT_REGISTERED;
	if (up == 0)
		return WHY_NO_WORKER;
	return WHY_NONE;
}

int
trust_serves(const struct chain *ch)
{
	return !draining && trust_why(ch) == WHY_NONE;
}

void
trust_drain(void)
{
	draining = 1;
	trust_changed();
}

int
trust_is_draining(void)
{
	return draining;
}

static void
update_state(struct chain *ch, uint64_t now)
{
	struct m_status *s = &ch->status;
	enum idle_reason why = trust_why(ch);
	enum state state;

	gas_tick(ch);
	registration_tick(ch, now, draining);
	state = draining ? S_DRAINING : why != WHY_NONE ? S_IDLE : S_SERVING;
	s->sequence = ch->facts->sequence;
	s->valid_until = ch->facts->valid_until;
	s->suspects = delegate_avoided(ch);
	s->evidence_next = ch->renew_at == 0 ? 0 :
	    ch->renew_at <= now		     ? facts_now(ch) :
				  facts_now(ch) + (ch->renew_at - now) / 1000;
	ch->status_due = 1;	/* to net, at least once a second */
	if (state == ch->state && why == s->why)
		return;
	if (state == S_IDLE)
		log_warn("%snot accepting tasks: %s", ch->tag, why_text(why));
	else if (state != ch->state)
		log_info("%s%s", ch->tag,
		    state == S_SERVING ? "accepting tasks" :
					 "not accepting tasks: shutting down");
	ch->state = state;
	s->why = why;
	tell_monitor(ch);
}

void
trust_changed(void)
{
	changed = 1;
}

int
trust_has_changed(void)
{
	return changed;
}

void
trust_tick(void)
{
	uint64_t now = now_ms();
	uint32_t i;

	changed = 0;
	for (i = 0; i < keys.conf.n_chains; i++)
		update_state(&keys.chains[i], now);
}
