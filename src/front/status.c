/* SPDX-License-Identifier: Apache-2.0
 *
 * The state that an operator is told, as JSON, with its reasons and warnings.
 * Text of peers is in printable form.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "front.h"
#include "hex.h"
#include "jsonw.h"
#include "log.h"
#include "sandbox.h"

static const char *const streams[] = {
	[STREAM_DOWN] = "down",
	[STREAM_CONNECTING] = "connecting",
	[STREAM_HELLO] = "hello",
	[STREAM_OPEN] = "open",
};

static const char *const tees[] = {
	[TEE_INSECURE] = "insecure",
	[TEE_TDX] = "tdx",
	[TEE_SEV_SNP] = "sev-snp",
	[TEE_CCA] = "cca",
	[TEE_OPTEE] = "optee",
};

static const char *const quorums[] = {
	[QUORUM_UNKNOWN] = "unknown",
	[QUORUM_THERE] = "there",
	[QUORUM_FEW_ANSWER] = "too few answer",
	[QUORUM_FEW_AGREE] = "too few agree",
};

static const char *const proofs[] = {
	[PROOF_NONE] = "not configured",
	[PROOF_MISSING] = "missing",
	[PROOF_VERIFIED] = "verified",
};

static const char *const endpoint_states[] = {
	[ENDPOINT_NEW] = "new",
	[ENDPOINT_ANSWERS] = "answers",
	[ENDPOINT_FAILS] = "fails",
	[ENDPOINT_DISAGREES] = "disagrees",
	[ENDPOINT_BEHIND] = "behind",
};

#define NAME(table, i)							\
	((i) < sizeof(table) / sizeof((table)[0]) ? (table)[i] : "?")
#define STUCK	1000		/* milliseconds */
#define WARNING_TIME	60		/* seconds */
#define ULL(n)		((unsigned long long)(n))

enum idle_reason
status_why(void)
{
	if (front.state == S_DRAINING)
		return WHY_STOPPING;
	if (!front.has_status)
		return WHY_NO_KEYS;
	if (front.is_paused)
		return WHY_DRAINED;
	if (front.status.state == S_DRAINING)
		return WHY_STOPPING;
	if (front.status.state != S_SERVING)
		return front.status.why;
	return front.stream == STREAM_OPEN ? WHY_NONE : WHY_NO_STREAM;
}

static const char *
state_name(void)
{
	switch (status_why()) {
	case WHY_NONE: return "serving";
	case WHY_STOPPING: return "draining";
	case WHY_DRAINED: return front.in_flight != 0 ? "draining" : "drained";
	default: return "idle";
	}
}

void
status_note(void)
{
	const enum idle_reason why = status_why();

	if (why == front.why && front.why_since != 0)
		return;
	front.why = why;
	front.why_since = now_unix();
}

void
error_note(struct last_error *e, const char *text)
{
	snprintf(e->text, sizeof(e->text), "%s", text);
	e->at = now_unix();
}

uint64_t
status_age(uint64_t at)
{
	uint64_t now = now_unix();

	return at == 0 || at > now ? 0 : now - at;
}

#define DATE	24

static const char *
date_text(char to[DATE], const char *format, uint64_t at)
{
	const time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(to, DATE, format, &tm) == 0)
		strcpy(to, "?");
	return to;
}

/* ---- what failed last -------------------------------------------------- */

struct failure {
	const char	*text;		/* "": nothing failed yet */
	uint64_t	 at, retry_at;	/* retry_at 0: it works since */
};

static struct failure
evidence_failure(void)
{
	const struct m_status *k = &front.status;

	if (k->evidence_failed_at == 0)
		return (struct failure){ "", 0, 0 };
	return (struct failure){ quote_text(k->evidence_error),
		k->evidence_failed_at, k->evidence_retry_at };
}

/* Nobody has to say that a registration was refused: then all that is known is
 * that the Registry does not show it since it was signed. */
static struct failure
registration_failure(void)
{
	const struct m_status *k = &front.status;

	if (k->registration_retry_at != 0 &&
	    k->registration_refused_at < k->evidence_at)
		return (struct failure){ "not in the Registry: sent again",
			k->evidence_at, k->registration_retry_at };
	if (k->registration_refused == 0)
		return (struct failure){ "", 0, 0 };
	return (struct failure){ refusal_text(k->registration_verdict),
		k->registration_refused_at, k->registration_retry_at };
}

/* ---- JSON -------------------------------------------------------------- */

static void
json_statuses(struct jsonw *j)
{
	uint32_t i;

	jsonw_object(j, "statuses");
	for (i = 0; i < STATUS_MAX; i++)
		if (front.statuses[i] != 0)
			jsonw_number(j, status_name(i), front.statuses[i]);
	jsonw_end(j);
}

static void
json_roles(struct jsonw *j)
{
	uint32_t i, k;

	jsonw_object(j, "roles");
	for (i = 0; i < ROLE_BITS; i++) {
		if (!((1u << i) & R_CHILDREN))
			continue;
		jsonw_object(j, role_name(1u << i));
		jsonw_number(j, "restarts", front.roles.restarts[i]);
		jsonw_number(j, "cpu_microseconds", front.roles.cpu[i]);
		jsonw_array(j, "features");
		for (k = 0; k < SANDBOX_FEATURES; k++)
			if (front.roles.features[i] & 1u << k)
				jsonw_string(j, NULL, "%s", sandbox_feature[k]);
		jsonw_end(j);
		jsonw_end(j);
	}
	jsonw_end(j);
}

/* Roles whose sandbox lacks what it could have. */
static void
warn_without(struct jsonw *j, uint32_t feature)
{
	char roles[128] = "";
	uint32_t i;

	for (i = 0; i < ROLE_BITS; i++)
		if ((1u << i) & R_CHILDREN && front.roles.features[i] != 0 &&
		    (sandbox_of(1u << i) & 1u << feature) &&
		    !(front.roles.features[i] & 1u << feature)) {
			strcat(roles, " ");
			strcat(roles, role_name(1u << i));
		}
	if (*roles != '\0')
		jsonw_string(
		    j, NULL, "no %s:%s", sandbox_feature[feature], roles);
}

static void
warn_tls(struct jsonw *j)
{
	char text[CERTIFICATE_TEXT];

	if (certificate_warning(text, sizeof(text)) != 0)
		jsonw_string(j, NULL, "tls-certificate %s", text);
	if (tls_is_mismatched())
		jsonw_string(j, NULL, "tls-key does not match tls-certificate");
	if (certificate_is_waiting())
		jsonw_string(j, NULL,
		    "tls-certificate is new, but tls-key does not match: "
		    "the old certificate is used");
}

static void
warn_retries(struct jsonw *j)
{
	const struct failure e = evidence_failure(), r = registration_failure();

	if (e.retry_at != 0)
		jsonw_string(j, NULL, "the TEE gave no evidence: %s", e.text);
	if (r.retry_at != 0)
		jsonw_string(
		    j, NULL, "the newest registration failed: %s", r.text);
}

static void
warn_tcb(struct jsonw *j)
{
	const struct forecast *f = &front.forecast;
	char date[DATE];

	if (f->at == 0)
		return;
	if (!f->accepted)
		jsonw_string(j, NULL,
		    "TCB: the evidence is refused under the current set: %s",
		    f->status);
	else if (!f->accepted_next)
		jsonw_string(j, NULL,
		    "TCB: the next set refuses the evidence, from about %s on",
		    date_text(date, "%F", f->until));
}

uint64_t
status_job_ms(const struct m_worker *w)
{
	const uint64_t at = now_ms();

	return w->n_jobs != 0 && w->since <= at ? at - w->since : 0;
}

static void
warn_registration(struct jsonw *j)
{
	char gas[41], date[DATE];

	if (front.status.renewal_late)
		jsonw_string(j, NULL,
		    "the registration was not renewed: it expires %s",
		    date_text(date, "%FT%TZ", front.status.valid_until));
	if (front.status.gas == GAS_NO_FUNDS)
		jsonw_string(j, NULL, "%s: 0x%s", gas_text(front.status.gas),
		    hex_encode(gas, front.status.gas_account, 20));
	else if (front.status.gas == GAS_FEE_TOO_HIGH)
		jsonw_string(j, NULL, "%s", gas_text(front.status.gas));
}

/* No operation takes a second. */
static void
warn_workers(struct jsonw *j)
{
	size_t i;

	for (i = 0; i < front.n_workers; i++)
		if (status_job_ms(&front.workers[i]) >= STUCK)
			jsonw_string(j, NULL,
			    "worker %zu has had its task for %llu s: it is "
			    "killed after task-timeout",
			    i, ULL(status_job_ms(&front.workers[i]) / 1000));
}

static void
warn_endpoints(struct jsonw *j)
{
	const struct m_endpoint *e = front.endpoint;
	char name[256], why[256];

	for (; e < front.endpoint + front.n_endpoints; e++) {
		if (e->state == ENDPOINT_ANSWERS || e->state == ENDPOINT_NEW)
			continue;
		log_escape(name, sizeof(name), e->name,
		    strnlen(e->name, sizeof(e->name)));
		log_escape(
		    why, sizeof(why), e->why, strnlen(e->why, sizeof(e->why)));
		jsonw_string(j, NULL, "endpoint %s %s%s%s", name,
		    NAME(endpoint_states, e->state),
		    e->state == ENDPOINT_FAILS ? ": " : "",
		    e->state == ENDPOINT_FAILS ? why : "");
	}
}

static void
warn_kms(struct jsonw *j)
{
	uint32_t i;

	for (i = 0; i < KMS_NODES; i++)
		if (front.status.suspects & UINT64_C(1) << i)
			jsonw_string(j, NULL,
			    "KMS node %u or the Gateway answered "
			    "wrongly: the node is avoided",
			    i + 1);
}

/* Without tasks nobody finds out that it answers again. */
static void
warn_gateway(struct jsonw *j)
{
	if (front.gateway_failing &&
	    now_unix() - front.gateway_error.at < WARNING_TIME)
		jsonw_string(j, NULL,
		    "the last request to the Gateway failed: %s",
		    front.gateway_error.text);
}

static void
warn_log(struct jsonw *j)
{
	if (front.log_dropped_at != 0 &&
	    now_unix() - front.log_dropped_at < WARNING_TIME)
		jsonw_string(j, NULL,
		    "log: lines were dropped, %llu in all: there are too many, "
		    "or they cannot be written",
		    ULL(front.roles.log_dropped));
}

/* The most urgent first; those that do not change while it runs last. */
static void
json_warnings(struct jsonw *j)
{
	uint32_t i;

	jsonw_array(j, "warnings");
	warn_retries(j);
	warn_registration(j);
	warn_tls(j);
	warn_gateway(j);
	warn_workers(j);
	warn_endpoints(j);
	warn_kms(j);
	warn_tcb(j);
	warn_log(j);
	if (front.has_status && front.status.tee_type == TEE_INSECURE)
		jsonw_string(
		    j, NULL, "INSECURE: nothing proves what this Runner is");
	for (i = 0; i < SANDBOX_FEATURES; i++)
		warn_without(j, i);
	jsonw_end(j);
}

static void
json_foreign(struct jsonw *j, const char *name, const char *text, size_t size)
{
	char safe[256];

	jsonw_string(j, name, "%s",
	    log_escape(safe, sizeof(safe), text, strnlen(text, size)));
}

static void
json_endpoints(struct jsonw *j)
{
	const struct m_endpoint *e = front.endpoint;

	jsonw_string(j, "quorum", "%s", NAME(quorums, front.endpoints.quorum));
	jsonw_string(j, "proof", "%s", NAME(proofs, front.endpoints.proof));
	jsonw_array(j, "endpoints");
	for (; e < front.endpoint + front.n_endpoints; e++) {
		jsonw_object(j, NULL);
		json_foreign(j, "name", e->name, sizeof(e->name));
		jsonw_string(j, "state", "%s", NAME(endpoint_states, e->state));
		jsonw_number(j, "latency_microseconds", e->latency);
		jsonw_number(j, "head", e->head);
		jsonw_number(j, "answered", e->answered_at);
		jsonw_number(j, "failed", e->failed_at);
		json_foreign(j, "error", e->why, sizeof(e->why));
		jsonw_number(j, "failures", e->failures);
		jsonw_number(j, "disagreements", e->disagreements);
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void
json_registry(struct jsonw *j)
{
	const struct failure f = registration_failure();
	const struct m_status *k = &front.status;

	jsonw_object(j, "registry");
	jsonw_number(j, "block", k->facts_block);
	jsonw_number(j, "age_seconds", status_age(k->facts_read_at));
	jsonw_number(j, "block_age_seconds", status_age(k->block_time));
	jsonw_number(j, "endpoint_failures", k->endpoint_failures);
	jsonw_number(j, "endpoint_disagreements", k->endpoint_disagreements);
	json_endpoints(j);
	jsonw_end(j);
	jsonw_object(j, "registration");
	jsonw_number(j, "sequence", k->sequence);
	jsonw_number(j, "valid_until", k->valid_until);
	jsonw_number(j, "refused", k->registration_refused);
	jsonw_number(j, "verdict", k->registration_verdict);
	jsonw_string(j, "error", "%s", f.text);
	jsonw_number(j, "failed", f.at);
	jsonw_number(j, "retry", f.retry_at);
	jsonw_end(j);
}

static void
json_evidence(struct jsonw *j)
{
	const struct failure f = evidence_failure();
	const struct m_status *k = &front.status;
	char hex[97];

	jsonw_object(j, "evidence");
	jsonw_number(j, "age_seconds", status_age(k->evidence_at));
	jsonw_number(j, "next", k->evidence_next);
	jsonw_number(j, "failures", k->evidence_failures);
	jsonw_string(j, "error", "%s", f.text);
	jsonw_number(j, "failed", f.at);
	jsonw_number(j, "retry", f.retry_at);
	jsonw_string(
	    j, "measurement", "%s", hex_encode(hex, k->measurement, 48));
	jsonw_end(j);
}

static void
json_gas(struct jsonw *j)
{
	const struct m_status *k = &front.status;

	if (k->gas == GAS_NONE) {
		jsonw_null(j, "gas");
		return;
	}
	jsonw_object(j, "gas");
	jsonw_hex(j, "account", k->gas_account, 20);
	jsonw_string(j, "state", "%s", gas_text(k->gas));
	jsonw_number(j, "balance_gwei", k->gas_balance);
	jsonw_number(j, "sent", k->tx_sent);
	jsonw_number(j, "replaced", k->tx_replaced);
	jsonw_number(j, "failed", k->tx_failed);
	jsonw_number(j, "published", k->published);
	jsonw_number(j, "publish_waiting", k->publish_waiting);
	jsonw_number(j, "publish_dropped", k->publish_dropped);
	jsonw_end(j);
}

/* A quorum is named by the Gateway: of a node is known only what it got
 * wrong. */
static void
json_kms(struct jsonw *j)
{
	const struct m_status *k = &front.status;
	uint32_t i;

	jsonw_object(j, "kms");
	jsonw_number(j, "epoch", k->kms_epoch);
	jsonw_number(j, "nodes", k->kms_nodes);
	jsonw_number(j, "threshold", k->kms_threshold);
	jsonw_number(j, "faults", k->node_faults);
	jsonw_array(j, "suspects");
	for (i = 0; i < KMS_NODES; i++)
		if (k->suspects & UINT64_C(1) << i)
			jsonw_number(j, NULL, i + 1);
	jsonw_end(j);
	jsonw_end(j);
}

static void
json_error(struct jsonw *j, const char *name, uint64_t at, const char *text)
{
	if (at == 0) {
		jsonw_null(j, name);
		return;
	}
	jsonw_object(j, name);
	jsonw_number(j, "at", at);
	jsonw_string(j, "text", "%s", text);
	jsonw_end(j);
}

static void
json_errors(struct jsonw *j)
{
	const struct last_error *o = &front.orchestrator_error;
	const struct last_error *g = &front.gateway_error;
	const struct failure e = evidence_failure(), r = registration_failure();

	jsonw_object(j, "last_errors");
	json_error(j, "orchestrator", o->at, o->text);
	json_error(j, "gateway", g->at, g->text);
	json_error(j, "evidence", e.at, e.text);
	json_error(j, "registration", r.at, r.text);
	jsonw_end(j);
}

/* What `tee-attest forecast' found, which an operator's timer runs. */
static void
json_tcb(struct jsonw *j)
{
	const struct forecast *f = &front.forecast;

	if (f->at == 0) {
		jsonw_null(j, "tcb");
		return;
	}
	jsonw_object(j, "tcb");
	jsonw_string(j, "status", "%s", f->status);
	jsonw_number(j, "accepted", f->accepted);
	jsonw_number(j, "accepted_next", f->accepted_next);
	jsonw_number(j, "accepted_until", f->until);
	jsonw_number(j, "collateral_issued", f->issued);
	jsonw_number(j, "forecast_at", f->at);
	jsonw_end(j);
}

static void
json_workers(struct jsonw *j)
{
	const struct m_worker *w = front.workers;

	jsonw_array(j, "list");
	for (; w < front.workers + front.n_workers; w++) {
		jsonw_object(j, NULL);
		jsonw_number(j, "up", w->is_up);
		jsonw_number(j, "jobs", w->n_jobs);
		jsonw_number(j, "busy_milliseconds", w->busy);
		jsonw_number(j, "job_milliseconds", status_job_ms(w));
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void
json_tasks(struct jsonw *j)
{
	jsonw_object(j, "tasks");
	jsonw_number(j, "in_flight", front.in_flight);
	jsonw_number(j, "kept", front.kept);
	jsonw_number(j, "ok", front.ok);
	jsonw_number(j, "retryable", front.retryable);
	jsonw_number(j, "waiting", front.waiting);
	jsonw_number(j, "terminal", front.terminal);
	jsonw_number(j, "refused", front.refused);
	jsonw_number(j, "given_up", front.given_up);
	jsonw_end(j);
}

void
status_json(struct evbuffer *out)
{
	const struct m_status *k = &front.status;
	struct jsonw j;

	front_json(&j, out);
	jsonw_object(&j, NULL);
	jsonw_string(&j, "version", PACKAGE_VERSION);
	jsonw_hex(&j, "runner", k->runner, 20);
	jsonw_number(&j, "chain_id", front.chain->chain_id);
	jsonw_string(
	    &j, "protocol", "%s", front_is_nox() ? "nox-v0" : "tee-runner");
	jsonw_string(&j, "state", "%s", state_name());
	jsonw_string(&j, "why", "%s", why_text(status_why()));
	jsonw_string(&j, "why_name", "%s", why_name(status_why()));
	jsonw_number(&j, "since", front.why_since);
	jsonw_string(&j, "tee", "%s", NAME(tees, k->tee_type));
	json_registry(&j);
	json_evidence(&j);
	json_tcb(&j);
	json_gas(&j);
	jsonw_object(&j, "tls");
	jsonw_number(&j, "certificate_expires", certificate_expires());
	jsonw_end(&j);
	jsonw_number(&j, "kms_epoch", k->kms_epoch);
	json_kms(&j);
	json_errors(&j);
	jsonw_string(&j, "stream", "%s", NAME(streams, front.stream));
	jsonw_number(&j, "credit", front.credit);
	json_tasks(&j);
	json_statuses(&j);
	jsonw_object(&j, "workers");
	jsonw_number(&j, "idle", k->workers_idle);
	jsonw_number(&j, "busy", k->workers_busy);
	jsonw_number(&j, "load_percent", k->workers_load);
	json_workers(&j);
	jsonw_end(&j);
	jsonw_object(&j, "keys");
	jsonw_number(&j, "load_percent", k->keys_load);
	jsonw_end(&j);
	json_roles(&j);
	json_warnings(&j);
	jsonw_end(&j);
}

int
status_ready(const char **why)
{
	const enum idle_reason now = status_why();

	if (why != NULL)
		*why = why_text(now);
	return now == WHY_NONE;
}
