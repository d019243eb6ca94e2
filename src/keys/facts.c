/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Registry says, as registry read it.  Runs in keys.  Facts enter in
 * facts_install() only: facts that fail a check there are refused.  Facts that
 * passed do not change any more.  A batch holds those under which it was
 * admitted until it ends, so that nothing that registry sends later can change
 * what its results are encrypted to.
 *
 * The guest's clock is the host's to set.  The time of a block that a quorum
 * agrees on is a lower bound for it, and a check: see Time in
 * doc/architecture.md.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "log.h"

#define CLOCK_BATCHES	3
#define CLOCK_DOUBT	60000u		/* milliseconds */

struct facts {
	uint32_t	 refs;
	struct m_facts	 m;
};

static struct facts none = { .refs = 1 };	/* before any were read */

void
facts_init(void)
{
	uint32_t i;

	for (i = 0; i < keys.conf.n_chains; i++, none.refs++)
		keys.chains[i].facts = &none.m;
}

/* ---- whole snapshots --------------------------------------------------- */

static struct facts *
facts_of(const struct m_facts *m)
{
	return (struct facts *)((uintptr_t)m - offsetof(struct facts, m));
}

const struct m_facts *
facts_hold(const struct chain *ch)
{
	facts_of(ch->facts)->refs++;
	return ch->facts;
}

void
facts_release(const struct m_facts *m)
{
	if (m != NULL && --facts_of(m)->refs == 0)
		free(facts_of(m));
}

/* ---- time -------------------------------------------------------------- */

uint64_t
facts_floor(const struct chain *ch)
{
	return ch->floor == 0 ? 0 :
				ch->floor + (now_ms() - ch->floor_at) / 1000;
}

uint64_t
facts_now(const struct chain *ch)
{
	const uint64_t floor = facts_floor(ch), now = now_unix();

	return now > floor ? now : floor;
}

void
facts_clock_refused(struct chain *ch, int is_refused)
{
	if (!is_refused) {
		ch->clock_batches = 0;
		return;
	}
	if (++ch->clock_batches < CLOCK_BATCHES)
		return;
	/* After the minute, one more refused batch starts another minute. */
	ch->clock_batches = CLOCK_BATCHES - 1;
	ch->doubt_until = now_ms() + CLOCK_DOUBT;
	log_err("%sclock: tasks of the Orchestrator are expired or issued in "
		"the future: check the system clock: it is at %llu, the newest "
		"block at %llu: not accepting tasks for %u s",
	    ch->tag, (unsigned long long)now_unix(),
	    (unsigned long long)ch->facts->block_time, CLOCK_DOUBT / 1000);
	trust_changed();
}

/* ---- accepting facts --------------------------------------------------- */

static int
in_bounds(const struct m_facts *f)
{
	return f->n_orchestrators <= LIST_MAX && f->n_gateways <= LIST_MAX &&
	    f->kms_nodes <= KMS_NODES && f->kms_threshold <= f->kms_nodes &&
	    f->kms_threshold != 0;
}

static int
is_pinned(const struct chain *ch, const struct m_facts *f)
{
	return !ch->conf->has_pin_kms_key ||
	    memcmp(ch->conf->pin_kms_key, f->kms_key, 33) == 0;
}

/* The Registry takes a registration by its signature alone. */
static int
is_forged(const struct chain *ch, const struct m_facts *f)
{
	return memcmp(f->runner, sign_address(ch), 20) == 0 &&
	    f->sequence > ch->registration.sequence;
}

static enum idle_reason
examine(const struct chain *ch, const struct m_facts *f)
{
	if (!is_pinned(ch, f))
		return WHY_PIN;
	if (is_forged(ch, f))
		return WHY_FORGED;
	/* Subtract, because a sum could overflow: the block's time can be any
	 * number. */
	if (f->block_time > now_unix() &&
	    f->block_time - now_unix() > CLOCK_SKEW)
		return WHY_CLOCK;
	return WHY_NONE;
}

static void
tell_fault(struct chain *ch, enum idle_reason fault, const struct m_facts *f)
{
	if (fault == ch->fault)
		return;
	if (fault == WHY_CLOCK)
		log_err(
		    "%sregistry: refused: the newest block is in the "
		    "future: set the system clock: it is at %llu, the block "
		    "at %llu",
		    ch->tag, (unsigned long long)now_unix(),
		    (unsigned long long)f->block_time);
	else if (fault != WHY_NONE)
		log_err("%sregistry: refused: %s", ch->tag, why_text(fault));
}

/* The pins in the place of the lists that they override. */
static void
apply_pins(const struct conf_chain *c, struct m_facts *f)
{
	if (c->n_pin_orchestrators != 0) {
		f->n_orchestrators = c->n_pin_orchestrators;
		memcpy(f->orchestrators, c->pin_orchestrators,
		    sizeof(c->pin_orchestrators));
	}
	if (c->n_pin_gateways != 0) {
		f->n_gateways = c->n_pin_gateways;
		memcpy(f->gateways, c->pin_gateways, sizeof(c->pin_gateways));
	}
}

_Static_assert(CONF_PINS <= LIST_MAX, "pins take the place of a list");

static void
raise_floor(struct chain *ch, uint64_t block_time)
{
	if (block_time <= facts_floor(ch))
		return;
	ch->floor = block_time;
	ch->floor_at = now_ms();
}

static void
show_facts(struct chain *ch)
{
	const struct m_facts *f = ch->facts;
	struct m_status *s = &ch->status;

	s->facts_block = f->block_number;
	s->facts_read_at = now_unix();
	s->block_time = f->block_time;
	s->endpoint_failures = f->endpoint_failures;
	s->endpoint_disagreements = f->endpoint_disagreements;
	s->kms_epoch = f->kms_epoch;
	s->kms_nodes = f->kms_nodes;
	s->kms_threshold = f->kms_threshold;
}

void
facts_install(struct chain *ch, const struct m_facts *m)
{
	enum idle_reason fault;
	struct facts *f;

	if (!in_bounds(m)) {
		chan_fault(&ch->registry, M_FACTS, "out of bounds");
		return;
	}
	fault = examine(ch, m);
	tell_fault(ch, fault, m);
	ch->fault = fault;
	if (fault == WHY_NONE) {
		if ((f = calloc(1, sizeof(*f))) == NULL)
			fatal("facts: out of memory");
		f->refs = 1;
		f->m = *m;
		apply_pins(ch->conf, &f->m);
		facts_release(ch->facts);
		ch->facts = &f->m;
		ch->facts_at = now_ms();
		raise_floor(ch, m->block_time);
		show_facts(ch);
	}
	trust_changed();
}

enum idle_reason
facts_why(const struct chain *ch)
{
	const uint64_t max_age = ch->conf->registry_max_age;
	const uint64_t age = now_ms() - ch->facts_at;

	if (ch->fault != WHY_NONE)
		return ch->fault;
	if (ch->facts == &none.m)
		return WHY_NO_FACTS;
	if (now_ms() < ch->doubt_until)
		return WHY_CLOCK;
	if (age <= 1000 * max_age &&
	    facts_now(ch) - ch->facts->block_time <= max_age)
		return WHY_NONE;
	/* The facts come, but their block is old: an endpoint holds new blocks
	 * back, the chain stands still, or the clock is ahead.  The Registry
	 * may have changed since. */
	return age > 500 * max_age ? WHY_FACTS_OLD : WHY_BLOCK_OLD;
}

/* ---- lists ------------------------------------------------------------- */

static int
is_listed(const uint8_t (*list)[20], size_t n, const uint8_t address[20])
{
	size_t i;

	for (i = 0; i < n; i++)
		if (memcmp(list[i], address, 20) == 0)
			return 1;
	return 0;
}

int
facts_orchestrator(const struct m_facts *f, const uint8_t a[20])
{
	return is_listed(f->orchestrators, f->n_orchestrators, a);
}

int
facts_gateway(const struct m_facts *f, const uint8_t a[20])
{
	return is_listed(f->gateways, f->n_gateways, a);
}
