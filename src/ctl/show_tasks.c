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

int
command_tasks(const struct options *o)
{
	char question[64];
	const char *why;
	const json_t *t;
	json_t *list;
	size_t i;

	snprintf(question, sizeof(question), "tasks%s%.32s\n",
	    *o->state == '\0' ? "" : " ", o->state);
	if ((list = ask_json(o->socket, question, &why)) == NULL)
		return fail(o->socket, why);
	if (o->json)
		print_json(list);
	else if (json_array_size(list) == 0)
		printf("no tasks\n");
	else
		printf("%-18s %-7s %-24s %-12s %-18s %10s  %s\n", "task",
		    "attempt", "received", "state", "status", "took",
		    "waits for");
	json_array_foreach(list, i, t)
		if (!o->json)
			printf("%.18s %-7s %-24s %-12s %-18s %10s  %s\n",
			    member_text(t, "task"), member_text(t, "attempt"),
			    moment_text(t, "received"), member_text(t, "state"),
			    member_text(t, "status"), took_text(t, "took"),
			    member_text(t, "waits_for"));
	json_decref(list);
	return 0;
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

int
command_task(const struct options *o)
{
	char question[128];
	const char *why;
	const json_t *t;
	json_t *list;
	size_t i;
	int r = 0;

	snprintf(question, sizeof(question), "task %.66s\n", o->arg);
	if ((list = ask_json(o->socket, question, &why)) == NULL)
		return fail(o->socket, why);
	if (o->json)
		print_json(list);
	json_array_foreach(list, i, t)
		if (!o->json) {
			printf("%s", i == 0 ? "" : "\n");
			print_task(t);
		}
	if (json_array_size(list) == 0)
		r = fail(safe(o->arg),
		    "not among the last 4096 tasks of this chain");
	json_decref(list);
	return r;
}
