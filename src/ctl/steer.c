/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl drain, resume, renew, log-level and reload.  The first three
 * are asked of net, which checks that root asks, and concern one chain.  The
 * others are signals to the monitor, so that the kernel checks who sends them,
 * and that a net that was taken over cannot silence the log.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "conf.h"
#include "ctl.h"

static int
steer(const struct options *o, const char *question)
{
	const char *why;
	json_t *a = ask_json(o->socket, question, &why);

	if (a == NULL)
		return fail(o->socket, why);
	printf("%s\n", member_text(a, "done"));
	json_decref(a);
	return 0;
}

int
command_drain(const struct options *o)
{
	return steer(o, "drain\n");
}

int
command_resume(const struct options *o)
{
	return steer(o, "resume\n");
}

int
command_renew(const struct options *o)
{
	return steer(o, "renew\n");
}

/* The JSON of `tee-attest forecast', of which net gets four numbers and a word:
 * it must not read the output of a program that reads the vendor's answers. */
int
command_forecast(const struct options *o)
{
	const int is_stdin = strcmp(o->arg, "-") == 0;
	json_error_t error;
	json_t *f = is_stdin ? json_loadf(stdin, 0, &error) :
			       json_load_file(o->arg, 0, &error);
	const json_t *next = json_object_get(f, "next");
	char question[128], status[48] = "";
	const char *s = json_string_value(json_object_get(f, "tcbStatus"));
	int r;

	if (f == NULL)
		return fail(safe(o->arg), safe(error.text));
	if (!json_is_boolean(json_object_get(f, "accepted")))
		r = fail(safe(o->arg),
		    "not the output of tee-attest forecast "
		    "--json");
	else {
		snprintf(status, sizeof(status), "%s",
		    s != NULL && *s != '\0' ? s : "unknown");
		snprintf(question, sizeof(question),
		    "forecast %llu %llu %d %d %s\n",
		    (unsigned long long)member_number(f, "acceptedUntil"),
		    (unsigned long long)member_number(f, "collateralIssued"),
		    json_is_true(json_object_get(f, "accepted")),
		    !json_is_object(next) ||
			json_is_true(json_object_get(next, "accepted")),
		    status);
		r = steer(o, question);
	}
	json_decref(f);
	return r;
}

int
command_log_level(const struct options *o)
{
	static const struct {
		const char	*name;
		int		 level;
	} levels[] = { { "error", LOG_ERR }, { "warning", LOG_WARNING },
		{ "info", LOG_INFO }, { "debug", LOG_DEBUG } };
	pid_t monitor;
	size_t i;

	for (i = 0; i < 4 && strcmp(levels[i].name, o->arg) != 0; i++)
		;
	if (i == 4)
		return fail(safe(o->arg),
		    "no such level: error, warning, info "
		    "or debug");
	if ((monitor = find_monitor(o->socket)) == -1)
		return 1;
	if (kill(monitor, SIGNAL_LOG_LEVEL(levels[i].level)) == -1)
		return fail("log-level", strerror(errno));
	printf("process %d logs from level %s on, until the configuration "
	       "changes or it is restarted\n",
	    (int)monitor, levels[i].name);
	return 0;
}

int
command_reload(const struct options *o)
{
	const pid_t monitor = o->pid != 0 ? o->pid : find_monitor(o->socket);
	int status;

	if (monitor == -1)
		return 1;
	if (o->pid != 0 && upgrade_requested(o->socket, monitor, &status))
		return status;
	if (kill(monitor, SIGHUP) == -1)
		return fail("SIGHUP", strerror(errno));
	printf("told process %d to read its configuration: see its log\n",
	    (int)monitor);
	return 0;
}
