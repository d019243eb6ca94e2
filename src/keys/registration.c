/* SPDX-License-Identifier: Apache-2.0
 *
 * This Runner's registration on each chain: evidence is asked for, the
 * registration is signed over it, sent, sent again if the Registry does not
 * show it, and renewed before it expires.  Runs in keys.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keccak.h"
#include "keys.h"
#include "log.h"
#include "report_data.h"
#include "status.h"
#include "typed_data.h"

#define EVIDENCE_MAX	(1024 * 1024)
#define SEALED		(F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
/* All in seconds.  The first delay after a quote that failed, and after a
 * registration that the Registry does not show; see backoff.c. */
#define RETRY_FIRST	10
#define RESEND_FIRST	20
/* older evidence is made again, not sent again */
#define EVIDENCE_OLD	1800
/* between the last evidence and a renewal that somebody asks for */
#define RENEW_MIN	10
#define RENEW_PAID	600	/* the same, if the gas account pays for each */
#define QUOTE_PAUSE	2	/* between the quotes of two chains */

static struct chain *quote_for;		/* whom the TEE is asked for; NULL:
					 * nobody */
static uint64_t quote_asked;		/* when it last was; milliseconds */

static void
ask_quote(struct chain *ch)
{
	struct m_quote_ask ask;

	if (report_data(sign_public(ch), keys.conf.configuration_hash,
		ch->facts->block_hash, ask.report_data) == -1)
		fatal("evidence: SHA-512 is not available");
	quote_for = ch;
	quote_asked = now_ms();
	ch->quote_block = ch->facts->block_number;
	chan_send(&keys.evidence, M_QUOTE_ASK, &ask, NULL, 0, -1);
}

static void
send_registration(struct chain *ch)
{
	ch->wants_verdict = 1;
	if (ch->evidence_fd != -1 && ch->net.fd != -1)
		chan_send(&ch->net, M_REGISTER, &ch->registration, NULL, 0,
		    ch->evidence_fd);
}

/* keccak256 of the evidence, whose bytes cannot change once it is sealed: NULL,
 * or what is wrong with it. */
static const char *
hash_evidence(int fd, size_t size, uint8_t hash[32])
{
	struct stat st;
	void *p;
	int seals;

	if ((seals = fcntl(fd, F_GET_SEALS)) == -1 ||
	    (seals & SEALED) != SEALED)
		return "not sealed";
	if (size == 0 || size > EVIDENCE_MAX || fstat(fd, &st) == -1 ||
	    (uint64_t)st.st_size != size)
		return "size of the evidence";
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fatal("evidence: mmap: %s", strerror(errno));
	keccak256(p, size, hash);
	munmap(p, size);
	return NULL;
}

/* After two thirds of the registration's life, or up to a twelfth before:
 * Runners that started together must not all ask at once. */
static uint64_t
next_renewal(const struct chain *ch, uint64_t now)
{
	uint64_t life = keys.conf.registration_life;
	uint32_t jitter;

	memcpy(&jitter, ch->registration_hash, sizeof(jitter));
	return now + 1000 * (life * 2 / 3 - jitter % (life / 12));
}

/* The next registration.  Its sequence follows from ours alone: this identity
 * began with this process, and the Registry has only what it signed. */
static void
sign_registration(
    struct chain *ch, const struct m_quote *q, const uint8_t evidence_hash[32])
{
	struct m_register *r = &ch->registration;
	const uint64_t sequence = r->sequence + 1;

	memset(r, 0, sizeof(*r));
	memcpy(r->runner, sign_address(ch), 20);
	memcpy(r->public_key, sign_public(ch), 33);
	r->tee_type = q->tee_type;
	r->evidence_size = q->size;
	memcpy(r->evidence_hash, evidence_hash, 32);
	memcpy(r->configuration_hash, keys.conf.configuration_hash, 32);
	r->sequence = sequence;
	r->valid_until = facts_now(ch) + keys.conf.registration_life;
	r->block_number = ch->quote_block;
	r->is_direct = (uint8_t)ch->conf->register_direct;
	td_registration(r, ch->registration_hash);
	/* Nox v0 has evidence, for the operator to show, and no
	 * registrations. */
	if (ch->conf->protocol == PROTOCOL_NOX)
		return;
	sign_typed(ch, ch->registration_hash, r->signature);
	log_info("%sregistration: signed: sequence %llu", ch->tag,
	    (unsigned long long)r->sequence);
}

void
registration_quote(const struct m_quote *q, int fd)
{
	struct chain *ch = quote_for;
	const char *wrong = "not asked for";
	uint8_t hash[32];

	if (ch == NULL || (wrong = hash_evidence(fd, q->size, hash)) != NULL) {
		close(fd);
		chan_fault(&keys.evidence, M_QUOTE, wrong);
		return;
	}
	quote_for = NULL;
	ch->quote_retry = 0;
	ch->is_refused = ch->is_reverted = 0;
	ch->status.evidence_retry_at = 0;
	sign_registration(ch, q, hash);
	ch->evidence_at = now_ms();
	ch->renew_at = next_renewal(ch, ch->evidence_at);
	ch->status.evidence_at = facts_now(ch);
	memcpy(ch->status.measurement, q->measurement, 48);
	if (ch->evidence_fd != -1)
		close(ch->evidence_fd);
	ch->evidence_fd = fd;
	ch->status.tee_type = q->tee_type;
	if (q->tee_type == TEE_INSECURE)
		log_warn("%sregistration: INSECURE evidence: nothing proves "
			 "what this Runner is",
		    ch->tag);
	gas_registration(ch);
	send_registration(ch);
	trust_changed();
}

void
registration_quote_failed(uint32_t error)
{
	struct chain *ch = quote_for;

	if (ch == NULL) {
		chan_fault(&keys.evidence, M_QUOTE_FAILED, "not asked for");
		return;
	}
	quote_for = NULL;
	ch->quote_retry = backoff_next(ch->quote_retry, RETRY_FIRST);
	log_err("%sevidence: no quote: %s: retrying in %u s", ch->tag,
	    quote_text(error), ch->quote_retry);
	ch->quote_not_before = now_ms() + 1000 * ch->quote_retry;
	ch->status.evidence_failures++;
	ch->status.evidence_error = error;
	ch->status.evidence_failed_at = facts_now(ch);
	ch->status.evidence_retry_at = facts_now(ch) + ch->quote_retry;
}

void
registration_renew_asked(struct chain *ch)
{
	const uint64_t now = now_ms();
	const uint64_t pause = ch->conf->register_direct ? RENEW_PAID :
							   RENEW_MIN;
	uint64_t at = ch->evidence_at + 1000 * pause;

	if (at < now)
		at = now;
	if (ch->evidence_fd == -1 || ch->renew_at <= at)
		return;
	log_info("%sregistration: renewing in %llu s: requested by the "
		 "Orchestrator or by tee-runnerctl",
	    ch->tag, (unsigned long long)(at - now) / 1000);
	ch->renew_at = at;
	trust_changed();
}

void
registration_net_peer(struct chain *ch)
{
	send_registration(ch);
	ch->status_due = 1;
}

void
registration_ask_facts(struct chain *ch)
{
	struct m_runner r;

	memset(&r, 0, sizeof(r));
	memcpy(r.address, sign_address(ch), 20);
	if (ch->gas != NULL)
		memcpy(r.gas_account, gas_address(), 20);
	r.request = gas_request();
	chan_send(&ch->registry, M_RUNNER, &r, NULL, 0, -1);
}

void
registration_registry_peer(struct chain *ch)
{
	registration_ask_facts(ch);
	gas_registry_peer(ch);
}

void
registration_evidence_peer(void)
{
	quote_for = NULL;	/* whoever was asked is gone */
	trust_changed();
}

/* If a renewal fails, here, at the registrar or on the chain, the current
 * registration stays valid, and the operator is warned before it expires. */
static void
warn_if_late(struct chain *ch)
{
	const uint64_t now = facts_now(ch);
	uint64_t until = ch->facts->valid_until;
	uint64_t left = until > now ? until - now : 0;
	int late = left != 0 && left < keys.conf.registration_life / 4;

	if (late && !ch->status.renewal_late)
		log_err("%sregistration: not renewed: expires in %llu s",
		    ch->tag, (unsigned long long)left);
	ch->status.renewal_late = (uint64_t)late;
}

static void
note_refusal(struct chain *ch, uint32_t verdict)
{
	struct m_status *s = &ch->status;

	ch->is_refused = 1;
	s->registration_verdict = verdict;
	s->registration_refused++;
	s->registration_refused_at = facts_now(ch);
	trust_changed();
}

/* Take one verdict each time that the registration was sent: net cannot flood
 * the log.  Without a gas account it is only for the operator: the Registry
 * decides. */
void
registration_verdict(struct chain *ch, const struct m_verdict *v)
{
	char text[4 * VERIFIER_MAX + 1];

	if (v->n_verifier > VERIFIER_MAX || v->verdict > UINT8_MAX) {
		chan_fault(&ch->net, M_VERDICT,
		    v->verdict > UINT8_MAX ? "out of bounds" :
					     "length of the verifier");
		return;
	}
	if (!ch->wants_verdict ||
	    memcmp(v->registration, ch->registration_hash, 32) != 0)
		return;
	ch->wants_verdict = 0;
	ch->is_refused = 0;
	if (v->verdict != 0) {
		log_err("%sregistration: refused: verdict %u of verifier %s: "
			"%s",
		    ch->tag, v->verdict,
		    log_escape(text, sizeof(text), v->verifier, v->n_verifier),
		    refusal_text(v->verdict));
		note_refusal(ch, v->verdict);
	}
	gas_verdict(ch, v);
}

void
registration_reverted(struct chain *ch, uint64_t sequence)
{
	if (sequence != ch->registration.sequence)
		return;
	ch->is_reverted = 1;
	note_refusal(ch, VERDICT_REVERTED);
}

/* The Registry does not show this registration: it was refused, or lost by
 * whoever relays it or in a chain reorganization.  One that was reverted is not
 * sent again, since it would be paid for twice. */
static void
send_again(struct chain *ch, uint64_t now)
{
	const struct m_register *r = &ch->registration;

	if (ch->evidence_fd == -1 ||
	    memcmp(ch->facts->runner, r->runner, 20) != 0)
		return;
	if (ch->facts->sequence == r->sequence) {
		ch->resend_delay = 0;
		ch->is_refused = ch->is_reverted = 0;
		return;
	}
	/* The gas account still holds it: sending it again would not help. */
	if (gas_holds_registration(ch))
		return;
	if (ch->resend_delay != 0 && now < ch->resend_at)
		return;
	if (ch->is_reverted || now > ch->evidence_at + 1000 * EVIDENCE_OLD)
		ch->renew_at = now;
	else if (ch->resend_delay != 0) {
		log_warn("%sregistration: not in the Registry: sent again: "
			 "sequence %llu",
		    ch->tag, (unsigned long long)r->sequence);
		gas_registration(ch);
		send_registration(ch);
	}
	ch->resend_delay = backoff_next(ch->resend_delay, RESEND_FIRST);
	ch->resend_at = now + 1000 * ch->resend_delay;
}

/* When the registration is sent again, for the operator; 0 if the Registry has
 * it, or if it was sent for the first time and nobody refused it. */
static uint64_t
next_try(const struct chain *ch, uint64_t now)
{
	if (ch->resend_delay == 0 || gas_holds_registration(ch) ||
	    (ch->resend_delay == RESEND_FIRST && !ch->is_refused))
		return 0;
	return facts_now(ch) +
	    (ch->resend_at > now ? (ch->resend_at - now) / 1000 : 0);
}

/* A new quote: the first, or when it is time. */
static void
renew(struct chain *ch, uint64_t now)
{
	/* The quote binds a block: there must be facts. */
	if (ch->floor == 0 || keys.evidence.fd == -1 || quote_for != NULL ||
	    now < ch->quote_not_before ||
	    now < quote_asked + 1000 * QUOTE_PAUSE)
		return;
	if (ch->evidence_fd == -1 || ch->renew_at <= now)
		ask_quote(ch);
}

void
registration_tick(struct chain *ch, uint64_t now, int is_draining)
{
	if (!is_draining)
		renew(ch, now);
	if (ch->conf->protocol == PROTOCOL_NOX)
		return;
	if (!is_draining)
		send_again(ch, now);
	ch->status.registration_retry_at = next_try(ch, now);
	warn_if_late(ch);
}
