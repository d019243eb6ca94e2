/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl tasks and task: the last tasks, what each waits for, and when
 * it reached each stage.
 */
#include <stdio.h>
#include <string.h>

#include "ctl.h"

/* 12 ms, 3.4 s, 5 min */
static const char *
took_text(const json_t *o, const char *name)
{
	const double s = json_number_value(json_object_get(o, name));
	char b[32];

	if (s >= 120)
		return duration_text((uint64_t)s);
	if (s >= 1)
		snprintf(b, sizeof(b), "%.1f s", s);
	else
		snprintf(b, sizeof(b), "%.3f ms", s * 1000);
	return safe(b);
}

/* With milliseconds. */
static const char *
moment_text(const json_t *o, const char *name)
{
	const double at = json_number_value(json_object_get(o, name));
	const char *date;
	char b[48];

	if (at < 1)
		return "-";
	date = date_text((uint64_t)at);
	snprintf(b, sizeof(b), "%.*s.%03uZ", (int)strlen(date) - 1, date,
	    (unsigned)((uint64_t)(at * 1000) % 1000));
	return safe(b);
}

/* Ask for a list, and print it as JSON or by `show': its length, or -1. */
static int
show_list(const struct options *o, const char *question,
    void (*show)(const json_t *list))
{
	const char *why;
	json_t *list = ask_json(o->socket, question, &why);
	int n;

	if (list == NULL) {
		fail(o->socket, why);
		return -1;
	}
	if (o->json)
		print_json(list);
	else
		show(list);
	n = (int)json_array_size(list);
	json_decref(list);
	return n;
}

static void
print_tasks(const json_t *list)
{
	const json_t *t;
	size_t i;

	if (json_array_size(list) == 0) {
		printf("no tasks\n");
		return;
	}
	printf("%-18s %-7s %-24s %-12s %-18s %10s  %s\n", "task", "attempt",
	    "received", "state", "status", "took", "waits for");
	json_array_foreach(list, i, t)
		printf("%.18s %-7s %-24s %-12s %-18s %10s  %s\n",
		    member_text(t, "task"), member_text(t, "attempt"),
		    moment_text(t, "received"), member_text(t, "state"),
		    member_text(t, "status"), took_text(t, "took"),
		    member_text(t, "waits_for"));
}

int
command_tasks(const struct options *o)
{
	char question[64];

	snprintf(question, sizeof(question), "tasks%s%.32s\n",
	    *o->state == '\0' ? "" : " ", o->state);
	return show_list(o, question, print_tasks) == -1 ? 1 : 0;
}

static void
print_task(const json_t *t)
{
	const json_t *s;
	size_t i;

	printf("task           %s, attempt %s\n", member_text(t, "task"),
	    member_text(t, "attempt"));
	printf("state          %s\n", member_text(t, "state"));
	printf("status         %s\n", member_text(t, "status"));
	printf("waits for      %s\n", member_text(t, "waits_for"));
	if (strlen(member_text(t, "traceparent")) > 1)
		printf("traceparent    %s\n", member_text(t, "traceparent"));
	if (json_is_integer(json_object_get(t, "publish_nonce")))
		printf("transaction    nonce %s of the gas account\n",
		    member_text(t, "publish_nonce"));
	json_array_foreach(json_object_get(t, "timeline"), i, s)
		printf("  %-13s %s %12s  %s\n", member_text(s, "stage"),
		    moment_text(s, "at"), took_text(s, "took"),
		    member_text(s, "by"));
}

static void
print_attempts(const json_t *list)
{
	const json_t *t;
	size_t i;

	json_array_foreach(list, i, t) {
		printf("%s", i == 0 ? "" : "\n");
		print_task(t);
	}
}

int
command_task(const struct options *o)
{
	char question[128];
	int n;

	snprintf(question, sizeof(question), "task %.66s\n", o->arg);
	if ((n = show_list(o, question, print_attempts)) == 0)
		fail(safe(o->arg),
		    "not among the last 4096 tasks of this chain");
	return n > 0 ? 0 : 1;
}
