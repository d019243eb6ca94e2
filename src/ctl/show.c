/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl status and the commands that show a part of it.  The first line
 * is what an operator needs first: does it serve, since when, and if not, why.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

static void
line(const char *name, const char *what)
{
	printf("%-14s %s\n", name, what);
}

/* ---- status ------------------------------------------------------------ */

static void
print_roles(const json_t *roles)
{
	const char *name;
	const json_t *role, *feature;
	size_t i;

	printf("\n%-14s %-9s %s\n", "role", "restarts", "sandbox");
	json_object_foreach((json_t *)(uintptr_t)roles, name, role) {
		printf("%-14s %-9s", safe(name), member_text(role, "restarts"));
		json_array_foreach(
		    json_object_get(role, "features"), i, feature)
			printf(" %s", value_text(feature));
		printf("\n");
	}
}

/* "serving since ...: warning", "NOT SERVING since ...: why", and the other
 * warnings. */
static void
print_first(const json_t *s)
{
	const int serves = strcmp(member_text(s, "state"), "serving") == 0;
	const int colour = isatty(STDOUT_FILENO);
	const json_t *warnings = json_object_get(s, "warnings"), *v;
	size_t i;

	if (serves)
		printf("%sserving%s", colour ? "\033[32m" : "",
		    colour ? "\033[0m" : "");
	else
		printf("%sNOT SERVING%s (%s)", colour ? "\033[31m" : "",
		    colour ? "\033[0m" : "", member_text(s, "state"));
	printf(" since %s", when_text(member_number(s, "since")));
	if (!serves)
		printf(": %s: tee-runnerctl explain %s", member_text(s, "why"),
		    member_text(s, "why_name"));
	json_array_foreach(warnings, i, v)
		printf("%swarning: %s%s%s", i == 0 && serves ? ": " : "\n",
		    colour ? "\033[33m" : "", value_text(v),
		    colour ? "\033[0m" : "");
	printf("\n\n");
}

static void
print_error(const json_t *errors, const char *name)
{
	const json_t *e = json_object_get(errors, name);

	if (json_is_object(e))
		printf("%-14s last error %s: %s\n", name,
		    when_text(member_number(e, "at")), member_text(e, "text"));
}

/* Of the evidence or the registration: the last failure, and the next try. */
static void
print_failure(const char *name, const char *prefix, const json_t *part)
{
	const uint64_t at = member_number(part, "failed");
	const uint64_t retry = member_number(part, "retry");
	const uint64_t now = (uint64_t)time(NULL);

	if (at == 0)
		return;
	printf("%-14s %s%s: %s", name, prefix, when_text(at),
	    member_text(part, "error"));
	if (retry != 0)
		printf(", next try in %s",
		    duration_text(retry > now ? retry - now : 0));
	printf("\n");
}

static void
print_tasks(const json_t *s)
{
	static const char *const outcomes[] = {
		"in_flight",
		"ok",
		"retryable",
		"waiting",
		"terminal",
		"refused",
	};
	const json_t *tasks = json_object_get(s, "tasks"), *v;
	const char *name;
	size_t i;

	printf("%-14s", "tasks");
	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		printf("%s %s %s", i == 0 ? "" : ",",
		    member_text(tasks, outcomes[i]),
		    i == 0 ? "in flight" : outcomes[i]);
	printf("\n");
	json_object_foreach(json_object_get(s, "statuses"), name, v)
		printf("  %-24s %s\n", safe(name), value_text(v));
}

static void
print_gas(const json_t *gas)
{
	if (json_is_object(gas))
		printf("%-14s %s: %s, %s gwei, %s published, %s wait\n",
		    "gas account", member_text(gas, "account"),
		    member_text(gas, "state"), member_text(gas, "balance_gwei"),
		    member_text(gas, "published"),
		    member_text(gas, "publish_waiting"));
}

static void
print_registration(const json_t *r)
{
	printf("%-14s sequence %s, ends %s\n", "registration",
	    member_text(r, "sequence"),
	    when_text(member_number(r, "valid_until")));
	print_failure("registration", "last failure ", r);
}

static void
print_status(const json_t *s)
{
	const json_t *registry = json_object_get(s, "registry");
	const json_t *workers = json_object_get(s, "workers");
	const json_t *evidence = json_object_get(s, "evidence");
	const json_t *errors = json_object_get(s, "last_errors");
	const json_t *tasks = json_object_get(s, "tasks");
	const int is_nox = strcmp(member_text(s, "protocol"), "nox-v0") == 0;

	print_first(s);
	line("version", member_text(s, "version"));
	line("runner", member_text(s, "runner"));
	line("chain", member_text(s, "chain_id"));
	if (is_nox)
		line("protocol", member_text(s, "protocol"));
	line("tee", member_text(s, "tee"));
	printf("%-14s block %s, read %s ago\n", "registry",
	    member_text(registry, "block"),
	    duration_text(member_number(registry, "age_seconds")));
	if (!is_nox)
		print_registration(json_object_get(s, "registration"));
	printf("%-14s %s old, next %s, %s failed\n", "evidence",
	    duration_text(member_number(evidence, "age_seconds")),
	    when_text(member_number(evidence, "next")),
	    member_text(evidence, "failures"));
	print_failure("evidence", "last failure ", evidence);
	line("measurement", member_text(evidence, "measurement"));
	if (is_nox) {
		line("nats", member_text(s, "stream"));
		line("given up", member_text(tasks, "given_up"));
	} else {
		printf("%-14s epoch %s\n", "kms", member_text(s, "kms_epoch"));
		printf("%-14s %s, credit %s\n", "stream",
		    member_text(s, "stream"), member_text(s, "credit"));
	}
	printf("%-14s ends %s\n", "certificate",
	    when_text(member_number(
		json_object_get(s, "tls"), "certificate_expires")));
	printf("%-14s %s idle, %s busy\n", "workers",
	    member_text(workers, "idle"), member_text(workers, "busy"));
	printf("%-14s keys %s %%, workers %s %%\n", "load",
	    member_text(json_object_get(s, "keys"), "load_percent"),
	    member_text(workers, "load_percent"));
	print_gas(json_object_get(s, "gas"));
	print_tasks(s);
	print_error(errors, "orchestrator");
	print_error(errors, "gateway");
	print_roles(json_object_get(s, "roles"));
}

static json_t *
ask_status(const struct options *o)
{
	const char *why;
	json_t *s = ask_json(o->socket, "status\n", &why);

	if (s == NULL)
		fail(o->socket, why);
	return s;
}

int
command_status(const struct options *o)
{
	json_t *s = ask_status(o);
	int r;

	if (s == NULL)
		return 1;
	if (o->json)
		print_json(s);
	else
		print_status(s);
	r = strcmp(member_text(s, "state"), "serving") == 0 ? 0 : 1;
	json_decref(s);
	return r;
}

const char *
service_why(const char *socket)
{
	static char text[512];
	const char *why;
	json_t *s = ask_json(socket, "status\n", &why);

	if (s != NULL) {
		why = NULL;
		if (strcmp(member_text(s, "state"), "serving") != 0) {
			snprintf(
			    text, sizeof(text), "%s", member_text(s, "why"));
			why = text;
		}
	}
	json_decref(s);
	return why;
}

int
command_wait(const struct options *o)
{
	const struct timespec pause = { 0, 200000000 };
	const time_t start = time(NULL);
	char told[512] = "";
	const char *why;

	while ((why = service_why(o->socket)) != NULL) {
		if (o->timeout != 0 && time(NULL) - start >= o->timeout)
			return fail(o->socket, why);
		if (strcmp(told, why) != 0)
			fprintf(stderr, "tee-runnerctl: waiting: %s\n", why);
		snprintf(told, sizeof(told), "%s", why);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* ---- parts of it ------------------------------------------------------- */

/* Print a part of the status, as text or JSON: what `show' returns, or 1. */
static int
show_part(const struct options *o, const char *name,
    int (*show)(const json_t *part, const json_t *s))
{
	json_t *s = ask_status(o);
	const json_t *part = json_object_get(s, name);
	int r = 1;

	if (s == NULL)
		return 1;
	if (!json_is_object(part))
		fail(o->socket, "its status lacks this part");
	else if (o->json) {
		print_json(part);
		r = 0;
	} else
		r = show(part, s);
	json_decref(s);
	return r;
}

static int
show_endpoints(const json_t *r, const json_t *s)
{
	const json_t *e;
	size_t i;

	(void)s;
	printf("quorum %s, proof %s, block %s, read %s ago\n\n",
	    member_text(r, "quorum"), member_text(r, "proof"),
	    member_text(r, "block"),
	    duration_text(member_number(r, "age_seconds")));
	printf("%-28s %-10s %9s %12s %-20s %8s %13s\n", "endpoint", "state",
	    "latency", "block", "last answer", "failures", "disagreements");
	json_array_foreach(json_object_get(r, "endpoints"), i, e) {
		printf("%-28s %-10s %6.1f ms %12s %-20s %8s %13s\n",
		    member_text(e, "name"), member_text(e, "state"),
		    (double)member_number(e, "latency_microseconds") / 1000,
		    member_text(e, "head"),
		    date_text(member_number(e, "answered")),
		    member_text(e, "failures"),
		    member_text(e, "disagreements"));
		if (strcmp(member_text(e, "state"), "fails") == 0)
			printf("  failed %s: %s\n",
			    when_text(member_number(e, "failed")),
			    member_text(e, "error"));
	}
	return 0;
}

int
command_endpoints(const struct options *o)
{
	return show_part(o, "registry", show_endpoints);
}

static int
show_kms(const json_t *k, const json_t *s)
{
	const json_t *v;
	size_t i;

	(void)s;
	printf("epoch %s, %s of %s nodes answer a task, %s wrong answers\n",
	    member_text(k, "epoch"), member_text(k, "threshold"),
	    member_text(k, "nodes"), member_text(k, "faults"));
	json_array_foreach(json_object_get(k, "suspects"), i, v)
		printf("node %s is avoided: it, or the Gateway, answered "
		       "wrongly\n",
		    value_text(v));
	return 0;
}

int
command_kms(const struct options *o)
{
	return show_part(o, "kms", show_kms);
}

static int
show_registration(const json_t *r, const json_t *s)
{
	const uint64_t end = member_number(r, "valid_until");

	line("runner", member_text(s, "runner"));
	line("sequence", member_text(r, "sequence"));
	line("ends", when_text(end));
	line("next renewal",
	    when_text(member_number(json_object_get(s, "evidence"), "next")));
	line("refused", member_text(r, "refused"));
	print_failure("last failure", "", r);
	return end > (uint64_t)time(NULL) ? 0 : 1;
}

int
command_registration(const struct options *o)
{
	return show_part(o, "registration", show_registration);
}

static void
print_tcb(const json_t *t)
{
	if (!json_is_object(t)) {
		line("tcb",
		    "no forecast: see tee-runner-forecast.timer in "
		    "tee-attest(1)");
		return;
	}
	printf("%-14s %s, accepted %s, by the next set %s\n", "tcb",
	    member_text(t, "status"),
	    member_number(t, "accepted") ? "now" : "NOT now",
	    member_number(t, "accepted_next") ? "too" : "NOT");
	if (member_number(t, "accepted_until") != 0)
		line("  until", when_text(member_number(t, "accepted_until")));
	line("  collateral", when_text(member_number(t, "collateral_issued")));
	line("  forecast", when_text(member_number(t, "forecast_at")));
}

static int
show_evidence(const json_t *e, const json_t *s)
{
	line("tee", member_text(s, "tee"));
	line("measurement", member_text(e, "measurement"));
	line("age", duration_text(member_number(e, "age_seconds")));
	line("next", when_text(member_number(e, "next")));
	line("failures", member_text(e, "failures"));
	print_failure("last failure", "", e);
	print_tcb(json_object_get(s, "tcb"));
	return 0;
}

/* Into a new file, which then has its name. */
static int
save(const char *path, const char *bytes, size_t n)
{
	char temporary[4096];
	int fd, r = -1;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
		(int)sizeof(temporary) ||
	    (fd = mkstemp(temporary)) == -1)
		return fail(path, strerror(errno));
	if (write(fd, bytes, n) == (ssize_t)n && fchmod(fd, 0644) == 0)
		r = rename(temporary, path);
	if (r == -1) {
		fail(path, strerror(errno));
		unlink(temporary);
	}
	close(fd);
	return r == 0 ? 0 : 1;
}

int
command_evidence(const struct options *o)
{
	const char *why;
	char *bytes;
	size_t n;
	int r;

	if (o->save == NULL)
		return show_part(o, "evidence", show_evidence);
	if ((bytes = ask(o->socket, "evidence\n", &n, &why)) == NULL)
		return fail(o->socket, why);
	r = n == 0 ? fail(o->socket, "there is no evidence yet") :
		     save(o->save, bytes, n);
	free(bytes);
	return r;
}
