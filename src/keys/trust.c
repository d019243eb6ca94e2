/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom to believe, and whether to serve: the Registry's facts as chain read
 * them, the configuration's pins, which override them, and this Runner's own
 * registration with its evidence.  Runs in keys.  Fails closed: each reason for
 * not serving has a name, and no task is accepted while there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keccak.h"
#include "keys.h"
#include "log.h"
#include "report_data.h"
#include "typed_data.h"

#define EVIDENCE_MAX	(1024 * 1024)
#define SEALED		(F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
/* Seconds from a failed quote to the next: twice as many each time. */
#define RETRY_FIRST	10
#define RETRY_MAX	640
/* The same, from a registration that went out to when it is sent again; from some
 * age on its evidence is taken anew, for registrars want it fresh. */
#define RESEND_FIRST	20
#define EVIDENCE_OLD	1800
#define RENEW_MIN	10	/* seconds: whoever asks for it does not flood the TEE */

static struct m_facts facts;
static int has_facts, has_pin_fault;
static struct m_register registration;
static uint8_t registration_hash[32];
static int evidence_fd = -1;		/* of `registration'; -1: none yet */
static uint64_t quote_asked;		/* unix time; 0: none is under way */
static uint64_t quote_block;		/* whose hash it was asked over */
static uint64_t quote_not_before;
static uint32_t quote_retry;		/* the last delay; 0: none failed */
static uint64_t renew_at;		/* when the next quote is due */
static uint64_t resend_at;		/* the registration, if it is not there */
static uint32_t resend_delay;		/* the last; 0: it is there */
static int draining;

void
trust_init(void)
{
	struct conf c = keys.conf;

	/* What is configured is part of what is attested. */
	memset(c.configuration_hash, 0, sizeof(c.configuration_hash));
	if (EVP_Digest(&c, sizeof(c), keys.conf.configuration_hash, NULL,
	    EVP_sha256(), NULL) != 1)
		fatal("configuration: no SHA-256");
	keys.status.why = WHY_NO_FACTS;
}

static int
trust_listed(const uint8_t (*list)[20], size_t n, const uint8_t address[20])
{
	size_t i;

	for (i = 0; i < n; i++)
		if (memcmp(list[i], address, 20) == 0)
			return 1;
	return 0;
}

int
trust_orchestrator(const uint8_t a[20])
{
	const struct conf *c = &keys.conf;

	if (c->n_pin_orchestrators != 0)
		return trust_listed(c->pin_orchestrators,
		    c->n_pin_orchestrators, a);
	return trust_listed(facts.orchestrators, facts.n_orchestrators, a);
}

int
trust_gateway(const uint8_t a[20])
{
	const struct conf *c = &keys.conf;

	if (c->n_pin_gateways != 0)
		return trust_listed(c->pin_gateways, c->n_pin_gateways, a);
	return trust_listed(facts.gateways, facts.n_gateways, a);
}

const struct m_facts *
trust_now(void)
{
	return &facts;
}

const uint8_t *
trust_registration(void)
{
	return registration_hash;
}

void
trust_facts(const struct m_facts *f)
{
	int fault;

	/* chain checked these too; keys believes no one's arithmetic. */
	if (f->n_orchestrators > LIST_MAX || f->n_gateways > LIST_MAX ||
	    f->kms_nodes > KMS_NODES || f->kms_threshold > f->kms_nodes ||
	    f->kms_threshold == 0)
		fatal("chain: facts out of bounds");
	fault = keys.conf.has_pin_kms_key &&
	    memcmp(keys.conf.pin_kms_key, f->kms_key, 33) != 0;
	if (fault && !has_pin_fault)
		log_err("registry: its KMS key is not pin-kms-key: "
		    "no task is accepted");
	has_pin_fault = fault;
	facts = *f;
	has_facts = 1;
	keys.status.facts_block = f->block_number;
	keys.status.facts_read_at = f->read_at;
	keys.status.block_time = f->block_time;
	keys.status.endpoint_failures = f->endpoint_failures;
	keys.status.endpoint_disagreements = f->endpoint_disagreements;
	keys.status.kms_epoch = f->kms_epoch;
	trust_tick();
}

/* ---- registration -------------------------------------------------------- */

/* The delay behind this one; 0: none yet. */
static uint32_t
later(uint32_t delay, uint32_t first)
{
	return delay == 0 ? first : delay < RETRY_MAX ? 2 * delay : RETRY_MAX;
}

static void
trust_ask_quote(void)
{
	struct m_quote_ask ask;

	if (report_data(sign_public(), keys.conf.configuration_hash,
	    facts.block_hash, ask.report_data) == -1)
		fatal("evidence: no SHA-512");
	quote_asked = now_unix();
	quote_block = facts.block_number;
	chan_send(&keys.evidence, M_QUOTE_ASK, &ask, NULL, 0, -1);
}

static void
trust_send_registration(void)
{
	if (evidence_fd != -1 && keys.net.fd != -1)
		chan_send(&keys.net, M_REGISTER, &registration, NULL, 0,
		    evidence_fd);
}

/* keccak256 of the evidence; its bytes cannot change any more once sealed. */
static void
trust_hash_evidence(int fd, size_t size, uint8_t hash[32])
{
	struct stat st;
	void *p;
	int seals;

	if ((seals = fcntl(fd, F_GET_SEALS)) == -1 ||
	    (seals & SEALED) != SEALED)
		fatal("evidence: not sealed");
	if (size == 0 || size > EVIDENCE_MAX || fstat(fd, &st) == -1 ||
	    (uint64_t)st.st_size != size)
		fatal("evidence: %zu bytes is not its size", size);
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fatal("evidence: mmap: %s", strerror(errno));
	keccak256(p, size, hash);
	munmap(p, size);
}

/* After two thirds of the registration's life, or up to a twelfth before: Runners
 * that started together must not all ask at once. */
static uint64_t
trust_renewal(uint64_t now)
{
	uint64_t life = keys.conf.registration_life;
	uint32_t jitter;

	memcpy(&jitter, registration_hash, sizeof(jitter));
	return now + life * 2 / 3 - jitter % (life / 12);
}

void
trust_quote(const struct m_quote *q, int fd)
{
	struct m_register *r = &registration;
	uint64_t now = now_unix(), last = facts.sequence;

	if (quote_asked == 0)
		fatal("evidence: a quote that was not asked for");
	quote_asked = 0;
	quote_retry = 0;
	if (r->sequence > last)
		last = r->sequence;
	memset(r, 0, sizeof(*r));
	memcpy(r->runner, sign_address(), 20);
	memcpy(r->public_key, sign_public(), 33);
	r->tee_type = q->tee_type;
	r->evidence_size = q->size;
	trust_hash_evidence(fd, q->size, r->evidence_hash);
	memcpy(r->configuration_hash, keys.conf.configuration_hash, 32);
	r->sequence = last + 1;
	r->valid_until = now + keys.conf.registration_life;
	r->block_number = quote_block;
	td_registration(r, registration_hash);
	renew_at = trust_renewal(now);
	keys.status.evidence_at = now;
	memcpy(keys.status.measurement, q->measurement, 48);
	sign_typed(registration_hash, r->signature);
	if (evidence_fd != -1)
		close(evidence_fd);
	evidence_fd = fd;
	keys.status.tee_type = q->tee_type;
	if (q->tee_type == TEE_INSECURE)
		log_warn("registration: INSECURE evidence: nothing proves "
		    "what this Runner is");
	log_info("registration: signed: sequence %llu",
	    (unsigned long long)r->sequence);
	trust_send_registration();
	trust_tick();
}

void
trust_quote_failed(uint32_t error)
{
	quote_retry = later(quote_retry, RETRY_FIRST);
	log_err("evidence: no quote: %s: next try in %u s",
	    strerror((int)error), quote_retry);
	quote_asked = 0;
	quote_not_before = now_unix() + quote_retry;
	keys.status.evidence_failures++;
}

void
trust_renew_asked(void)
{
	const uint64_t now = now_unix();

	if (evidence_fd == -1 || now < keys.status.evidence_at + RENEW_MIN)
		return;
	log_info("registration: renewed on request");
	renew_at = now;
	trust_tick();
}

void
trust_net_peer(void)
{
	trust_send_registration();
	keys.status_due = 1;
}

void
trust_chain_peer(void)
{
	struct m_runner r;

	memcpy(r.address, sign_address(), 20);
	chan_send(&keys.chain, M_RUNNER, &r, NULL, 0, -1);
}

void
trust_evidence_peer(void)
{
	quote_asked = 0;	/* whoever was asked is gone */
	trust_tick();
}

/* Whatever fails, here, at the registrar or on the chain: the registration that
 * there is goes on, and the operator hears of it before it ends. */
static void
trust_watch(uint64_t now)
{
	uint64_t left = facts.valid_until > now ? facts.valid_until - now : 0;
	int late = has_facts && left != 0 &&
	    left < keys.conf.registration_life / 4;

	if (late && !keys.status.renewal_late)
		log_err("registration: not renewed: it ends in %llu s",
		    (unsigned long long)left);
	keys.status.renewal_late = (uint64_t)late;
}

/* A registration that the Registry does not show was refused, or lost: by whoever
 * relays it, or with a block that the chain gave up. */
static void
trust_insist(uint64_t now)
{
	if (evidence_fd == -1 || draining ||
	    memcmp(facts.runner, registration.runner, 20) != 0)
		return;
	if (facts.sequence >= registration.sequence) {
		resend_delay = 0;
		return;
	}
	if (resend_delay != 0 && now < resend_at)
		return;
	if (now > keys.status.evidence_at + EVIDENCE_OLD)
		renew_at = now;
	else if (resend_delay != 0) {
		log_warn("registration: not in the Registry: sent again: "
		    "sequence %llu", (unsigned long long)registration.sequence);
		trust_send_registration();
	}
	resend_delay = later(resend_delay, RESEND_FIRST);
	resend_at = now + resend_delay;
}

/* A new quote: the first, or when it is time. */
static void
trust_renew(uint64_t now)
{
	if (!has_facts || keys.evidence.fd == -1 || quote_asked != 0 ||
	    now < quote_not_before || draining)
		return;
	if (evidence_fd == -1 || renew_at <= now)
		trust_ask_quote();
}

/* ---- the state ----------------------------------------------------------- */

static enum why_idle
trust_why(uint64_t now)
{
	size_t i, up = 0;

	for (i = 0; i < WORKERS_MAX; i++)
		up += (size_t) job_is_up(&keys.workers[i]);
	if (!has_facts)
		return WHY_NO_FACTS;
	if (facts.read_at + keys.conf.registry_max_age < now)
		return WHY_FACTS_OLD;
	/* An endpoint that is held back, or a chain that stands still: what it
	 * says may have been revoked since. */
	if (facts.block_time + keys.conf.registry_max_age < facts.read_at)
		return WHY_BLOCK_OLD;
	if (has_pin_fault)
		return WHY_PIN;
	if (evidence_fd == -1)
		return WHY_NO_EVIDENCE;
	if (memcmp(facts.runner, sign_address(), 20) != 0 ||
	    facts.valid_until <= now)
		return WHY_NOT_REGISTERED;
	if (up == 0)
		return WHY_NO_WORKER;
	return WHY_NONE;
}

void
trust_drain(void)
{
	draining = 1;
	trust_tick();
}

void
trust_tick(void)
{
	uint64_t now = now_unix();
	enum why_idle why = trust_why(now);
	enum state state;

	trust_insist(now);
	trust_renew(now);
	trust_watch(now);
	state = draining ? S_DRAINING : why != WHY_NONE ? S_IDLE : S_SERVING;
	keys.status.sequence = facts.sequence;
	keys.status.valid_until = facts.valid_until;
	keys.status.suspects = delegate_avoid();
	keys.status.evidence_next = renew_at;
	keys.status_due = 1;	/* to net, at least once a second */
	if (state == keys.state && why == keys.status.why)
		return;
	if (state == S_IDLE)
		log_warn("serving: no: %s", why_text(why));
	else if (state != keys.state)
		log_info(state == S_SERVING ? "serving: yes" :
		    "serving: draining");
	keys.state = state;
	keys.status.why = why;
}
