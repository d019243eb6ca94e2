/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics, in Prometheus's text format.  METRICS in tee-runnerd(8) has a
 * paragraph for each.
 */
#include <string.h>

#include "front.h"
#include "log.h"
#include "timeline.h"

#define ADD(...)	evbuffer_add_printf(out, __VA_ARGS__)
#define ULL(n)		((unsigned long long)(n))

static uint64_t
longest_job(void)
{
	uint64_t longest = 0;
	size_t i;

	for (i = 0; i < front.n_workers; i++)
		if (status_job_ms(&front.workers[i]) > longest)
			longest = status_job_ms(&front.workers[i]);
	return longest;
}

/* The lines before a metric's samples.  A counter's name ends in _total. */
static void
family(struct evbuffer *out, const char *name, const char *help)
{
	static const char end[] = "_total";
	const size_t n = strlen(name), k = sizeof(end) - 1;

	ADD("# HELP tee_runner_%s %s\n# TYPE tee_runner_%s %s\n", name, help,
	    name,
	    n > k && strcmp(name + n - k, end) == 0 ? "counter" : "gauge");
}

static void
metric(struct evbuffer *out, const char *name, const char *help, uint64_t value)
{
	family(out, name, help);
	ADD("tee_runner_%s %llu\n", name, ULL(value));
}

/* Of milliseconds, in seconds. */
static void
metric_ms(struct evbuffer *out, const char *name, const char *help, uint64_t ms)
{
	family(out, name, help);
	ADD("tee_runner_%s %llu.%03llu\n", name, ULL(ms / 1000),
	    ULL(ms % 1000));
}

static void
metrics_gas(struct evbuffer *out)
{
	const struct m_status *k = &front.status;

	metric(out, "gas_account", "1 if this chain uses a gas account.",
	    k->gas != GAS_NONE);
	metric(out, "gas_balance_gwei", "Balance of the gas account.",
	    k->gas_balance);
	metric(out, "gas_no_funds",
	    "1 while that is too little for the next transaction.",
	    k->gas == GAS_NO_FUNDS);
	metric(out, "gas_fee_too_high", "1 while fees are above gas-max-fee.",
	    k->gas == GAS_FEE_TOO_HIGH);
	metric(out, "transactions_total",
	    "Transactions that the gas account sent.", k->tx_sent);
	metric(out, "transactions_replaced_total",
	    "Those replaced with higher fees.", k->tx_replaced);
	metric(out, "transactions_failed_total", "Those that were reverted.",
	    k->tx_failed);
	metric(out, "published_total",
	    "Tasks whose results were committed to on the chain.",
	    k->published);
	metric(out, "publish_waiting", "Tasks that wait for that.",
	    k->publish_waiting);
	metric(out, "publish_dropped_total",
	    "Tasks whose results were not published.", k->publish_dropped);
}

/* An endpoint's name as the value of a label: no quote, no backslash. */
static const char *
label(char *to, size_t size, const struct m_endpoint *e)
{
	char *s = log_escape(
	    to, size, e->name, strnlen(e->name, sizeof(e->name)));

	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			*s = '_';
	return to;
}

static void
metrics_endpoints(struct evbuffer *out)
{
	char name[256];
	size_t i;

	family(out, "registry_endpoint_up",
	    "1 while the endpoint answers, and as the quorum does.");
	for (i = 0; i < front.n_endpoints; i++)
		ADD("tee_runner_registry_endpoint_up{endpoint=\"%zu\","
		    "name=\"%s\"} %d\n",
		    i + 1, label(name, sizeof(name), &front.endpoint[i]),
		    front.endpoint[i].state == ENDPOINT_ANSWERS);
	family(out, "registry_endpoint_latency_seconds",
	    "Time of its last answer.");
	for (i = 0; i < front.n_endpoints; i++)
		ADD("tee_runner_registry_endpoint_latency_seconds{"
		    "endpoint=\"%zu\",name=\"%s\"} %llu.%06llu\n",
		    i + 1, label(name, sizeof(name), &front.endpoint[i]),
		    ULL(front.endpoint[i].latency / 1000000),
		    ULL(front.endpoint[i].latency % 1000000));
}

static void
metric_families(struct evbuffer *out)
{
	uint32_t i;

	family(out, "tasks_total",
	    "Tasks by the status they ended or were refused with.");
	for (i = 0; i < STATUS_MAX; i++)
		if (status_name(i) != NULL)
			ADD("tee_runner_tasks_total{status=\"%s\",class=\"%s\"}"
			    " %llu\n",
			    status_name(i), status_class_name(i),
			    ULL(front.statuses[i]));
	family(out, "idle", "1 for the reason why no tasks are taken.");
	for (i = WHY_NONE + 1; i < WHYS; i++)
		ADD("tee_runner_idle{why=\"%s\"} %d\n", why_name(i),
		    status_why() == i);
	family(out, "role_cpu_seconds_total",
	    "CPU time that the role's processes have used.");
	for (i = 0; i < ROLE_BITS; i++)
		if ((1u << i) & (R_MONITOR | R_PINGED))
			ADD("tee_runner_role_cpu_seconds_total{role=\"%s\"} "
			    "%llu.%06llu\n",
			    role_name(1u << i),
			    ULL(front.roles.cpu[i] / 1000000),
			    ULL(front.roles.cpu[i] % 1000000));
	family(out, "restarts_total", "Restarts of a role.");
	for (i = 0; i < ROLE_BITS; i++)
		if ((1u << i) & R_CHILDREN)
			ADD("tee_runner_restarts_total{role=\"%s\"} %u\n",
			    role_name(1u << i), front.roles.restarts[i]);
	metric(out, "log_lines_dropped_total",
	    "Log lines that were dropped or suppressed.",
	    front.roles.log_dropped);
}

void
metrics_write(struct evbuffer *out)
{
	const struct m_status *k = &front.status;

	metric(out, "serving", "1 while tasks are taken.",
	    status_ready(NULL) != 0);
	metric(out, "stream_open", "1 while the Orchestrator's stream is open.",
	    front.stream == STREAM_OPEN);
	metric(out, "reconnections_total",
	    "Streams that ended or did not begin.", front.reconnections);
	metric(out, "tasks_in_flight", "Tasks accepted and not yet ended.",
	    front.in_flight);
	metric(out, "tasks_kept",
	    "Results that the Orchestrator has not acknowledged.", front.kept);
	metric(out, "given_up_total",
	    "Messages of Nox v0 that were given up, here or by the server.",
	    front.given_up);
	metric(out, "credit", "Tasks that the Orchestrator may still assign.",
	    front.credit);
	metric(out, "workers_idle", "Idle workers.", k->workers_idle);
	metric(out, "workers_busy", "Busy workers.", k->workers_busy);
	metric(out, "workers", "Workers that are configured.", front.n_workers);
	metric_ms(out, "worker_job_seconds",
	    "Longest time that a worker has had the task that it has.",
	    longest_job());
	metric_ms(out, "workers_busy_seconds_total",
	    "Time that workers had a task, of all together.",
	    k->workers_busy_time);
	metric_ms(out, "keys_busy_seconds_total",
	    "Time that keys was not waiting.", k->keys_busy);
	metric(out, "registry_block", "Block that the Registry was read at.",
	    k->facts_block);
	metric(out, "registry_age_seconds", "Time since the Registry was read.",
	    status_age(k->facts_read_at));
	metric(out, "registry_block_age_seconds", "Age of that block.",
	    status_age(k->block_time));
	metric(out, "registry_endpoint_failures_total",
	    "Calls to endpoints that failed or got a malformed answer.",
	    k->endpoint_failures);
	metric(out, "registry_endpoint_disagreements_total",
	    "Answers of an endpoint that a quorum contradicts.",
	    k->endpoint_disagreements);
	metric(out, "registration_valid_until_seconds",
	    "When the registration expires.", k->valid_until);
	metric(out, "evidence_age_seconds",
	    "Age of the evidence that is registered.",
	    status_age(k->evidence_at));
	metric(out, "evidence_next_seconds",
	    "Time at which new evidence is due.", k->evidence_next);
	metric(out, "evidence_failures_total",
	    "Evidence that the TEE did not give.", k->evidence_failures);
	metric(out, "registration_refused_total", "Refusals of registrations.",
	    k->registration_refused);
	metric(out, "registration_late",
	    "1 while the registration ends soon and was not renewed.",
	    k->renewal_late);
	metric(out, "tcb_accepted_until_seconds",
	    "Until when the evidence is accepted, as forecast; 0: unknown.",
	    front.forecast.until);
	metric(out, "tcb_accepted",
	    "1 if the current TCB set accepts the evidence; 1 without a "
	    "forecast.",
	    front.forecast.at == 0 || front.forecast.accepted);
	metric(out, "tcb_accepted_next",
	    "1 if the next TCB set accepts the evidence; 1 without a "
	    "forecast.",
	    front.forecast.at == 0 || front.forecast.accepted_next);
	metric(out, "tcb_collateral_age_seconds",
	    "Age of the vendor's collateral of the forecast.",
	    status_age(front.forecast.issued));
	metric(out, "tcb_forecast_age_seconds",
	    "Time since the last forecast; 0: none.",
	    status_age(front.forecast.at));
	metric(out, "signed_results_total", "Results that keys has signed.",
	    k->signed_results);
	metric(out, "kms_node_faults_total", "Wrong answers of KMS nodes.",
	    k->node_faults);
	metric(out, "tls_signatures_total", "Signatures of TLS handshakes.",
	    k->tls_signatures);
	metric(out, "tls_certificate_expires_seconds",
	    "When the Runner's TLS certificate expires.",
	    certificate_expires());
	metrics_gas(out);
	metric(out, "uptime_seconds", "Age of the process that answers.",
	    (now_ms() - front.started) / 1000);
	metric_families(out);
	metrics_endpoints(out);
	timeline_metrics(out);
}
