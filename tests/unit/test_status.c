/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator is told: the JSON is JSON and has every member, the metrics
 * are in Prometheus's format, and readiness is honest.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "front.h"
#include "sandbox.h"

/* The parts of a role that status.c reads. */
struct front front;
static int mismatch, expiry, waiting;
static uint64_t unix_time = 1000000;

uint64_t
now_ms(void)
{
	return 5000;
}

uint64_t
now_unix(void)
{
	return unix_time;
}

int
tls_is_mismatched(void)
{
	return mismatch;
}

uint64_t
certificate_expires(void)
{
	return 1234567;
}

int
certificate_warning(char *text, size_t size)
{
	snprintf(text, size, "expires 2027-02-01");
	return expiry;
}

int
certificate_is_waiting(void)
{
	return waiting;
}

uint64_t
now_us(void)
{
	return 5000000;
}

uint64_t
now_unix_us(void)
{
	return unix_time * 1000000;
}

static int
setup(void **state)
{
	(void)state;
	memset(&front, 0, sizeof(front));
	mismatch = expiry = waiting = 0;
	front.state = S_SERVING;
	front.has_status = 1;
	front.chain = &front.conf.chains[1];
	front.chain->chain_id = 31337;
	front.status.state = S_SERVING;
	front.status.tee_type = TEE_TDX;
	memset(front.status.runner, 0xab, 20);
	front.status.facts_block = 77;
	front.status.facts_read_at = unix_time - 9;
	front.status.block_time = unix_time - 21;
	front.status.endpoint_failures = 8;
	front.status.endpoint_disagreements = 4;
	front.status.sequence = 3;
	front.status.valid_until = UINT64_C(1) << 40;
	front.status.evidence_at = unix_time - 30;
	front.status.evidence_next = 99;
	front.status.evidence_failures = 1;
	memset(front.status.measurement, 0x4d, 48);
	front.status.kms_epoch = 2;
	front.status.workers_idle = 4;
	front.status.workers_load = 81;
	front.status.keys_load = 34;
	front.status.kms_nodes = 5;
	front.status.kms_threshold = 3;
	front.why_since = 777;
	front.stream = STREAM_OPEN;
	front.credit = 256;
	front.in_flight = 5;
	front.ok = 11;
	front.statuses[ST_OK] = 11;
	front.statuses[ST_EXPIRED] = 2;
	front.roles.restarts[4] = 6;
	front.roles.log_dropped = 4713;
	front.roles.features[4] = sandbox_of(R_KEYS);
	front.roles.features[1] = sandbox_of(R_NET);
	return 0;
}

static json_t *
json(void)
{
	struct evbuffer *out = evbuffer_new();
	json_t *o;

	status_json(out);
	o = json_loadb((const char *)evbuffer_pullup(out, -1),
	    evbuffer_get_length(out), JSON_REJECT_DUPLICATES, NULL);
	evbuffer_free(out);
	assert_non_null(o);
	return o;
}

static json_int_t
number(const json_t *o, const char *in, const char *name)
{
	if (in != NULL)
		o = json_object_get(o, in);
	o = json_object_get(o, name);
	assert_true(json_is_integer(o));
	return json_integer_value(o);
}

static void
is_text(const json_t *o, const char *name, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(o, name)), text);
}

static size_t
warnings(const char *text)
{
	json_t *o = json(), *list = json_object_get(o, "warnings");
	size_t n = json_array_size(list);

	if (text != NULL && n == 1)
		assert_string_equal(
		    json_string_value(json_array_get(list, 0)), text);
	json_decref(o);
	return n;
}

static void
json_has_every_member(void **state)
{
	json_t *o = json();

	(void)state;
	is_text(o, "runner", "0xabababababababababababababababababababab");
	is_text(o, "state", "serving");
	is_text(o, "why", "");
	is_text(o, "tee", "tdx");
	is_text(o, "stream", "open");
	assert_non_null(json_object_get(o, "version"));
	assert_int_equal(number(o, "registry", "block"), 77);
	assert_int_equal(number(o, "registry", "age_seconds"), 9);
	assert_int_equal(number(o, "registry", "block_age_seconds"), 21);
	assert_int_equal(number(o, "registry", "endpoint_failures"), 8);
	assert_int_equal(number(o, "registry", "endpoint_disagreements"), 4);
	assert_int_equal(number(o, "registration", "sequence"), 3);
	assert_true(
	    number(o, "registration", "valid_until") == (json_int_t)1 << 40);
	assert_int_equal(number(o, NULL, "chain_id"), 31337);
	assert_int_equal(number(o, NULL, "kms_epoch"), 2);
	assert_int_equal(number(o, "tls", "certificate_expires"), 1234567);
	assert_int_equal(number(o, "evidence", "age_seconds"), 30);
	assert_int_equal(number(o, "evidence", "next"), 99);
	assert_int_equal(number(o, "evidence", "failures"), 1);
	assert_int_equal(number(o, NULL, "credit"), 256);
	assert_int_equal(number(o, "tasks", "in_flight"), 5);
	assert_int_equal(number(o, "tasks", "ok"), 11);
	assert_int_equal(number(o, "tasks", "refused"), 0);
	assert_int_equal(number(o, "statuses", "EXPIRED"), 2);
	assert_int_equal(json_object_size(json_object_get(o, "statuses")), 2);
	assert_int_equal(number(o, "workers", "idle"), 4);
	assert_int_equal(number(o, "workers", "load_percent"), 81);
	assert_int_equal(number(o, "keys", "load_percent"), 34);
	assert_int_equal(number(o, "kms", "nodes"), 5);
	assert_int_equal(number(o, "kms", "threshold"), 3);
	assert_int_equal(number(o, NULL, "since"), 777);
	is_text(o, "why_name", "none");
	json_decref(o);
}

static void
gas_account_is_told(void **state)
{
	json_t *o = json();
	const json_t *gas;

	(void)state;
	assert_true(json_is_null(json_object_get(o, "gas")));
	json_decref(o);
	front.status.gas = GAS_PENDING;
	memset(front.status.gas_account, 0x6a, 20);
	front.status.gas_balance = 9;
	front.status.tx_sent = 8;
	front.status.tx_replaced = 7;
	front.status.tx_failed = 6;
	front.status.published = 5;
	front.status.publish_waiting = 4;
	front.status.publish_dropped = 3;
	o = json();
	gas = json_object_get(o, "gas");
	is_text(gas, "account", "0x6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a");
	is_text(gas, "state", "transaction pending");
	assert_int_equal(number(gas, NULL, "balance_gwei"), 9);
	assert_int_equal(number(gas, NULL, "sent"), 8);
	assert_int_equal(number(gas, NULL, "replaced"), 7);
	assert_int_equal(number(gas, NULL, "failed"), 6);
	assert_int_equal(number(gas, NULL, "published"), 5);
	assert_int_equal(number(gas, NULL, "publish_waiting"), 4);
	assert_int_equal(number(gas, NULL, "publish_dropped"), 3);
	json_decref(o);
	assert_int_equal(warnings(NULL), 0);
	front.status.gas = GAS_NO_FUNDS;
	assert_int_equal(warnings("gas account: insufficient funds: "
				  "0x6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a"),
	    1);
	front.status.gas = GAS_FEE_TOO_HIGH;
	assert_int_equal(warnings("gas account: fees exceed gas-max-fee"), 1);
}

static void
json_names_each_role_and_its_sandbox(void **state)
{
	json_t *o = json();
	const json_t *roles = json_object_get(o, "roles");
	const json_t *keys = json_object_get(roles, "keys");
	const json_t *features = json_object_get(keys, "features");

	(void)state;
	assert_int_equal(
	    json_object_size(roles), (size_t)__builtin_popcount(R_CHILDREN));
	assert_int_equal(number(keys, NULL, "restarts"), 6);
	assert_int_equal(json_array_size(features), SANDBOX_FEATURES);
	assert_string_equal(
	    json_string_value(json_array_get(features, 3)), "seccomp");
	json_decref(o);
}

static void
without_a_reason_there_is_no_warning(void **state)
{
	(void)state;
	assert_int_equal(warnings(NULL), 0);
}

static void
insecure_evidence_is_warned_of(void **state)
{
	(void)state;
	front.status.tee_type = TEE_INSECURE;
	assert_int_equal(
	    warnings("INSECURE: nothing proves what this Runner is"), 1);
}

static void
avoided_node_is_warned_of(void **state)
{
	(void)state;
	front.status.suspects = UINT64_C(1) << 63;
	assert_int_equal(
	    warnings("KMS node 64 or the Gateway answered wrongly: the node is "
		     "avoided"),
	    1);
}

static void
role_without_filter_is_warned_of(void **state)
{
	(void)state;
	front.roles.features[4] &= ~SANDBOX_SECCOMP;
	assert_int_equal(warnings("no seccomp: keys"), 1);
	front.roles.features[1] &= ~(SANDBOX_SECCOMP | SANDBOX_CHROOT);
	assert_int_equal(warnings("no chroot: net"), 2);
	assert_int_equal(warnings("no seccomp: net keys"), 2);
}

static void
wrong_tls_key_is_warned_of(void **state)
{
	(void)state;
	mismatch = 1;
	assert_int_equal(warnings("tls-key does not match tls-certificate"), 1);
}

static void
certificate_that_expires_is_warned_of(void **state)
{
	(void)state;
	expiry = 1;
	assert_int_equal(warnings("tls-certificate expires 2027-02-01"), 1);
}

static void
certificate_that_waits_for_its_key_is_warned_of(void **state)
{
	(void)state;
	waiting = 1;
	assert_int_equal(
	    warnings("tls-certificate is new, but tls-key does not "
		     "match: the old certificate is used"),
	    1);
}

static void
keys_not_up_is_idle(void **state)
{
	json_t *o;

	(void)state;
	front.has_status = 0;
	o = json();
	is_text(o, "state", "idle");
	is_text(o, "why", "keys is not ready");
	json_decref(o);
}

static void
numbers_out_of_their_range_do_no_harm(void **state)
{
	json_t *o;

	(void)state;
	front.status.state = S_IDLE;
	front.status.why = UINT32_MAX;
	front.status.tee_type = UINT32_MAX;
	o = json();
	is_text(o, "why", "?");
	is_text(o, "tee", "?");
	json_decref(o);
}

static int
metrics_have(const char *want)
{
	struct evbuffer *out = evbuffer_new();
	int r;

	metrics_write(out);
	r = evbuffer_search(out, want, strlen(want), NULL).pos != -1;
	evbuffer_free(out);
	return r;
}

/* A state that is noted again is as old as before. */
static void
a_state_has_its_age(void **state)
{
	(void)state;
	front.why_since = 0;
	status_note();
	assert_int_equal(front.why_since, unix_time);
	unix_time += 50;
	status_note();
	assert_int_equal(front.why_since, unix_time - 50);
	front.stream = STREAM_DOWN;
	status_note();
	assert_int_equal(front.why, WHY_NO_STREAM);
	assert_int_equal(front.why_since, unix_time);
	front.stream = STREAM_OPEN;
	status_note();
	assert_int_equal(front.why, WHY_NONE);
}

static void
drained_is_a_state_and_no_fault(void **state)
{
	json_t *o;

	(void)state;
	front.is_paused = 1;
	o = json();
	is_text(o, "state", "draining");
	json_decref(o);
	front.in_flight = 0;
	o = json();
	is_text(o, "state", "drained");
	is_text(o, "why_name", "drained");
	json_decref(o);
}

static void
last_errors_are_told_with_their_time(void **state)
{
	const json_t *errors;
	json_t *o = json();

	(void)state;
	errors = json_object_get(o, "last_errors");
	assert_true(json_is_null(json_object_get(errors, "gateway")));
	json_decref(o);
	error_note(&front.gateway_error, "no \"quote\"");
	o = json();
	errors = json_object_get(json_object_get(o, "last_errors"), "gateway");
	is_text(errors, "text", "no \"quote\"");
	assert_int_equal(number(errors, NULL, "at"), unix_time);
	json_decref(o);
}

static void
failed_quotes_are_told_with_their_cause(void **state)
{
	const json_t *e;
	json_t *o = json();

	(void)state;
	is_text(json_object_get(o, "evidence"), "error", "");
	assert_int_equal(number(o, "evidence", "failed"), 0);
	assert_int_equal(number(o, "evidence", "retry"), 0);
	json_decref(o);
	front.status.evidence_error = EBUSY;
	front.status.evidence_failed_at = 55;
	front.status.evidence_retry_at = 75;
	o = json();
	is_text(
	    json_object_get(o, "evidence"), "error", "Device or resource busy");
	assert_int_equal(number(o, "evidence", "failed"), 55);
	assert_int_equal(number(o, "evidence", "retry"), 75);
	e = json_object_get(json_object_get(o, "last_errors"), "evidence");
	is_text(e, "text", "Device or resource busy");
	assert_int_equal(number(e, NULL, "at"), 55);
	json_decref(o);
	assert_int_equal(
	    warnings("the TEE gave no evidence: Device or resource busy"), 1);
	front.status.evidence_retry_at = 0;
	front.status.evidence_error = UINT32_MAX;
	assert_int_equal(warnings(NULL), 0);
}

static void
registration_is(const char *error, json_int_t failed, json_int_t retry)
{
	const json_t *e;
	json_t *o = json();

	is_text(json_object_get(o, "registration"), "error", error);
	assert_int_equal(number(o, "registration", "failed"), failed);
	assert_int_equal(number(o, "registration", "retry"), retry);
	e = json_object_get(json_object_get(o, "last_errors"), "registration");
	if (failed == 0)
		assert_true(json_is_null(e));
	else {
		is_text(e, "text", error);
		assert_int_equal(number(e, NULL, "at"), failed);
	}
	json_decref(o);
}

static void
refused_registrations_are_told_with_their_cause(void **state)
{
	json_t *o;

	(void)state;
	front.status.evidence_at = 100;
	registration_is("", 0, 0);
	front.status.registration_retry_at = 140;
	registration_is("not in the Registry: sent again", 100, 140);
	assert_int_equal(warnings("the newest registration failed: "
				  "not in the Registry: sent again"),
	    1);
	front.status.registration_refused = 2;
	front.status.registration_refused_at = 101;
	front.status.registration_verdict = VERDICT_UNDECIDED;
	registration_is(
	    "the registrar could not decide: it lacks collateral", 101, 140);
	assert_int_equal(
	    warnings("the newest registration failed: the registrar could not "
		     "decide: it lacks collateral"),
	    1);
	o = json();
	assert_int_equal(number(o, "registration", "refused"), 2);
	assert_int_equal(number(o, "registration", "verdict"), 3);
	json_decref(o);
	front.status.registration_verdict = VERDICT_REFUSED;
	registration_is("the registrar refused the evidence", 101, 140);
	front.status.registration_verdict = VERDICT_REVERTED;
	registration_is("the Registry reverted it", 101, 140);
	front.status.registration_verdict = 77;
	assert_int_equal(
	    metrics_have("\ntee_runner_registration_refused_total 2\n"), 1);
	front.status.registration_retry_at = 0;
	registration_is("the registrar refused it", 101, 0);
	assert_int_equal(warnings(NULL), 0);
}

/* Their names and reasons are registry's, which talks to servers. */
static void
endpoints_are_listed_in_printable_form(void **state)
{
	const json_t *list;
	json_t *o;

	(void)state;
	front.n_endpoints = 2;
	front.endpoint[0] = (struct m_endpoint){ .answered_at = 5,
		.latency = 1500,
		.head = 77,
		.state = ENDPOINT_ANSWERS,
		.name = "https://a:1" };
	memset(&front.endpoint[1], 0xff, sizeof(front.endpoint[1]));
	memcpy(front.endpoint[1].name, "\"\\\n", 4);
	o = json();
	list = json_object_get(json_object_get(o, "registry"), "endpoints");
	assert_int_equal(json_array_size(list), 2);
	is_text(json_array_get(list, 0), "name", "https://a:1");
	is_text(json_array_get(list, 0), "state", "answers");
	assert_int_equal(
	    number(json_array_get(list, 0), NULL, "latency_microseconds"),
	    1500);
	is_text(json_array_get(list, 1), "name", "\"\\x5c\\x0a");
	is_text(json_array_get(list, 1), "state", "?");
	json_decref(o);
	assert_true(metrics_have("\ntee_runner_registry_endpoint_up{"
				 "endpoint=\"1\",name=\"https://a:1\"} 1\n"));
	assert_true(metrics_have("\ntee_runner_registry_endpoint_up{endpoint="
				 "\"2\",name=\"__x5c_x0a\"} 0\n"));
	assert_true(metrics_have("latency_seconds{endpoint=\"1\",name="
				 "\"https://a:1\"} 0.001500\n"));
}

static void
a_tcb_that_will_be_refused_is_warned_of(void **state)
{
	json_t *o = json();

	(void)state;
	assert_true(json_is_null(json_object_get(o, "tcb")));
	json_decref(o);
	assert_true(metrics_have("\ntee_runner_tcb_accepted 1\n"));
	front.forecast = (struct forecast){ unix_time - 5, 1900000000,
		unix_time - 7, 1, 1, "UpToDate" };
	assert_int_equal(warnings(NULL), 0);
	front.forecast.accepted_next = 0;
	assert_int_equal(warnings("TCB: the next set refuses the evidence, "
				  "from about 2030-03-17 on"),
	    1);
	o = json();
	assert_int_equal(number(o, "tcb", "accepted_until"), 1900000000);
	assert_int_equal(number(o, "tcb", "accepted_next"), 0);
	json_decref(o);
	assert_true(metrics_have(
	    "\ntee_runner_tcb_accepted_until_seconds 1900000000\n"));
	assert_true(
	    metrics_have("\ntee_runner_tcb_collateral_age_seconds 7\n"));
	assert_true(metrics_have("\ntee_runner_tcb_forecast_age_seconds 5\n"));
	front.forecast.accepted = 0;
	assert_int_equal(warnings("TCB: the evidence is refused under the "
				  "current set: UpToDate"),
	    1);
	assert_true(metrics_have("\ntee_runner_tcb_accepted 0\n"));
}

static void
a_worker_that_hangs_is_warned_of(void **state)
{
	(void)state;
	front.n_workers = 2;
	front.workers[1] = (struct m_worker){ 0, 0, 1, 1, 4001, 9000 };
	assert_int_equal(warnings(NULL), 0);
	front.workers[1].since = 2000;
	assert_int_equal(warnings("worker 1 has had its task for 3 s: it is "
				  "killed after task-timeout"),
	    1);
	assert_true(metrics_have("\ntee_runner_worker_job_seconds 3.000\n"));
}

static void
dropped_log_lines_are_warned_of_for_a_while(void **state)
{
	(void)state;
	front.roles.log_dropped = 4;
	assert_int_equal(warnings(NULL), 0);
	front.log_dropped_at = unix_time - 59;
	assert_int_equal(warnings("log: lines were dropped, 4 in all: there "
				  "are too many, or they cannot be written"),
	    1);
	front.log_dropped_at = unix_time - 60;
	assert_int_equal(warnings(NULL), 0);
}

static void
a_gateway_that_fails_is_warned_of_for_a_while(void **state)
{
	(void)state;
	front.gateway_failing = 1;
	error_note(&front.gateway_error, "gone");
	assert_int_equal(
	    warnings("the last request to the Gateway failed: gone"), 1);
	unix_time += 60;
	assert_int_equal(warnings(NULL), 0);
}

static void
workers_are_listed(void **state)
{
	const json_t *list, *w;
	json_t *o;

	(void)state;
	front.n_workers = 2;
	front.workers[1] = (struct m_worker){ 0, 0, 1, 2, 4000, 9000 };
	o = json();
	list = json_object_get(json_object_get(o, "workers"), "list");
	assert_int_equal(json_array_size(list), 2);
	w = json_array_get(list, 1);
	assert_int_equal(number(w, NULL, "up"), 1);
	assert_int_equal(number(w, NULL, "jobs"), 2);
	assert_int_equal(number(w, NULL, "busy_milliseconds"), 9000);
	assert_int_equal(number(w, NULL, "job_milliseconds"), 1000);
	json_decref(o);
}

static void
every_series_is_there_from_the_start(void **state)
{
	(void)state;
	memset(&front.statuses, 0, sizeof(front.statuses));
	assert_true(metrics_have("{status=\"OK\",class=\"done\"} 0\n"));
	assert_true(metrics_have("\ntee_runner_gas_balance_gwei 0\n"));
	assert_true(metrics_have("\ntee_runner_idle{why=\"drained\"} 0\n"));
	assert_true(metrics_have("\ntee_runner_task_stage_seconds_count{"
				 "stage=\"published\"} 0\n"));
}

static void
ready_needs_keys_and_stream(void **state)
{
	const char *why;

	(void)state;
	assert_int_equal(status_ready(&why), 1);
	front.stream = STREAM_DOWN;
	assert_int_equal(status_ready(&why), 0);
	assert_string_equal(why, "not connected to the Orchestrator");
	front.status.state = S_IDLE;
	front.status.why = WHY_NO_FACTS;
	assert_int_equal(status_ready(&why), 0);
	assert_string_equal(why, "the Registry has not been read yet");
	front.state = S_DRAINING;
	assert_int_equal(status_ready(&why), 0);
	assert_string_equal(why, "shutting down");
}

/* Every line is a comment or `name{labels} value', of a family announced.  The
 * names of counters end in _total, and no others. */
static void
metrics_are_in_prometheus_format(void **state)
{
	struct evbuffer *out = evbuffer_new();
	char *line, family[64] = "", type[16];
	size_t len;
	int n = 0, is_total;

	(void)state;
	metrics_write(out);
	while ((line = evbuffer_readln(out, NULL, EVBUFFER_EOL_LF)) != NULL) {
		if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(
			    sscanf(line, "# TYPE %63s %15s", family, type), 2);
			len = strlen(family);
			is_total = len > 6 &&
			    strcmp(family + len - 6, "_total") == 0;
			assert_int_equal(
			    is_total, strcmp(type, "counter") == 0);
		} else if (line[0] != '#') {
			assert_int_equal(
			    strncmp(line, family, strlen(family)), 0);
			assert_non_null(strrchr(line, ' '));
			assert_in_range(strrchr(line, ' ')[1], '0', '9');
			n++;
		}
		free(line);
	}
	assert_int_equal(evbuffer_get_length(out), 0);
	assert_true(n > 20);
	evbuffer_free(out);
}

static void
metrics_tell_when_the_certificate_expires(void **state)
{
	(void)state;
	assert_true(metrics_have(
	    "\ntee_runner_tls_certificate_expires_seconds 1234567\n"));
}

static void
metrics_have_the_load_of_keys_and_workers(void **state)
{
	(void)state;
	front.status.workers_busy_time = 4711;
	front.status.keys_busy = 4712;
	assert_true(
	    metrics_have("\ntee_runner_workers_busy_seconds_total 4.711\n"));
	assert_true(
	    metrics_have("\ntee_runner_keys_busy_seconds_total 4.712\n"));
}

static void
metrics_count_tasks_by_status(void **state)
{
	(void)state;
	assert_true(metrics_have("\ntee_runner_tasks_total{status=\"EXPIRED\","
				 "class=\"retryable\"} 2\n"));
}

static void
metrics_count_log_lines_that_were_dropped(void **state)
{
	(void)state;
	assert_true(
	    metrics_have("\ntee_runner_log_lines_dropped_total 4713\n"));
}

static void
metrics_name_the_reason_for_idleness(void **state)
{
	(void)state;
	assert_true(metrics_have("\ntee_runner_serving 1\n"));
	assert_true(metrics_have("\ntee_runner_idle{why=\"pin\"} 0\n"));
	assert_false(metrics_have("\"} 1\n"));
	front.status.state = S_IDLE;
	front.status.why = WHY_PIN;
	assert_true(metrics_have("\ntee_runner_serving 0\n"));
	assert_true(metrics_have("\ntee_runner_idle{why=\"pin\"} 1\n"));
	assert_true(metrics_have("\ntee_runner_idle{why=\"facts-old\"} 0\n"));
}

#define T(name)	cmocka_unit_test_setup(name, setup)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(json_has_every_member),
		T(gas_account_is_told),
		T(json_names_each_role_and_its_sandbox),
		T(without_a_reason_there_is_no_warning),
		T(insecure_evidence_is_warned_of),
		T(avoided_node_is_warned_of),
		T(role_without_filter_is_warned_of),
		T(wrong_tls_key_is_warned_of),
		T(certificate_that_expires_is_warned_of),
		T(certificate_that_waits_for_its_key_is_warned_of),
		T(keys_not_up_is_idle),
		T(numbers_out_of_their_range_do_no_harm),
		T(a_state_has_its_age),
		T(drained_is_a_state_and_no_fault),
		T(last_errors_are_told_with_their_time),
		T(failed_quotes_are_told_with_their_cause),
		T(refused_registrations_are_told_with_their_cause),
		T(endpoints_are_listed_in_printable_form),
		T(a_tcb_that_will_be_refused_is_warned_of),
		T(a_worker_that_hangs_is_warned_of),
		T(dropped_log_lines_are_warned_of_for_a_while),
		T(a_gateway_that_fails_is_warned_of_for_a_while),
		T(workers_are_listed),
		T(every_series_is_there_from_the_start),
		T(ready_needs_keys_and_stream),
		T(metrics_are_in_prometheus_format),
		T(metrics_tell_when_the_certificate_expires),
		T(metrics_have_the_load_of_keys_and_workers),
		T(metrics_count_tasks_by_status),
		T(metrics_count_log_lines_that_were_dropped),
		T(metrics_name_the_reason_for_idleness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
