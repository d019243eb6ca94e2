/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl top: the state of a running Runner, again each second.  On a
 * terminal each frame replaces the last; otherwise frames follow each other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define BOUNDS_MAX	32		/* buckets of a histogram */

struct sample {
	double	 at;			/* seconds */
	json_t	*status;
	json_t	*stages;
};

static struct sample last, now;
static volatile sig_atomic_t is_over;
static int is_terminal;
static unsigned rows, columns;		/* of the terminal */
static unsigned row;			/* of the frame */

/* ---- the screen -------------------------------------------------------- */

static void
on_signal(int sig)
{
	(void)sig;
	is_over = 1;
}

static struct termios before;

static void
screen_begin(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct termios t;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	if (!is_terminal)
		return;
	if (tcgetattr(STDIN_FILENO, &before) == 0) {
		t = before;
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &t);
	}
	/* Another screen, and no cursor. */
	printf("\033[?1049h\033[?25l");
}

static void
screen_end(void)
{
	if (!is_terminal)
		return;
	printf("\033[?25h\033[?1049l");
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void
frame_begin(void)
{
	struct winsize w = { .ws_row = 24, .ws_col = 80 };

	row = 0;
	rows = columns = 4096;
	if (!is_terminal)
		return;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	rows = w.ws_row;
	columns = w.ws_col;
	printf("\033[H");
}

/* One line of the frame, cut to the width of the terminal. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (++row >= rows)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%.*s%s\n", (int)columns, text, is_terminal ? "\033[K" : "");
}

static void
frame_end(void)
{
	printf(is_terminal ? "\033[J" : "\n");
	fflush(stdout);
}

/* ---- values ------------------------------------------------------------ */

/* Of the member in an object of both samples: what it grew by in a second. */
static double
rate(const char *object, const char *name)
{
	const json_t *a = json_object_get(last.status, object);
	const json_t *b = json_object_get(now.status, object);
	const uint64_t from = member_number(a, name),
		       to = member_number(b, name);

	/* net or keys was restarted: it counts from 0 again. */
	if (last.status == NULL || now.at <= last.at || to < from)
		return 0;
	return (double)(to - from) / (now.at - last.at);
}

static size_t
buckets_of(const json_t *stage, uint64_t n[BOUNDS_MAX])
{
	const json_t *list = json_object_get(stage, "buckets"), *v;
	size_t i, k = 0;

	json_array_foreach(list, i, v) {
		if (k == BOUNDS_MAX)
			break;
		n[k++] = (uint64_t)json_integer_value(v);
	}
	return k;
}

/* The upper bound of the bucket in which this part of the samples between both
 * samples ends, as text; "-": there is none. */
static const char *
quantile(size_t stage, double part)
{
	const json_t *bounds = json_object_get(now.stages, "bounds");
	uint64_t a[BOUNDS_MAX] = { 0 }, b[BOUNDS_MAX] = { 0 }, sum = 0, n = 0;
	const size_t k = buckets_of(
	    json_array_get(json_object_get(now.stages, "stages"), stage), b);
	char text[32];
	size_t i;

	buckets_of(
	    json_array_get(json_object_get(last.stages, "stages"), stage), a);
	for (i = 0; i < k; i++) {
		b[i] -= b[i] < a[i] ? b[i] : a[i];
		n += b[i];
	}
	if (n == 0)
		return "-";
	for (i = 0; i + 1 < k; i++)
		if ((double)(sum += b[i]) >= part * (double)n)
			break;
	snprintf(text, sizeof(text), "%s%.4g ms",
	    i == json_array_size(bounds) ? ">" : "",
	    (double)json_integer_value(json_array_get(
		bounds, i == json_array_size(bounds) ? i - 1 : i)) /
		1000);
	return safe(text);
}

/* ---- the frame --------------------------------------------------------- */

static void
show_state(void)
{
	const json_t *s = now.status, *v;
	const int serves = strcmp(member_text(s, "state"), "serving") == 0;
	size_t i;

	say("%s since %s%s%s", serves ? "serving" : "NOT SERVING",
	    when_text(member_number(s, "since")), serves ? "" : ": ",
	    serves ? "" : member_text(s, "why"));
	json_array_foreach(json_object_get(s, "warnings"), i, v)
		say("warning: %s", value_text(v));
	say("%s", "");
}

static void
show_tasks(void)
{
	const json_t *s = now.status, *tasks = json_object_get(s, "tasks");

	say("tasks/s    %.1f ok, %.1f retryable, %.1f waiting, %.1f terminal, "
	    "%.1f refused",
	    rate("tasks", "ok"), rate("tasks", "retryable"),
	    rate("tasks", "waiting"), rate("tasks", "terminal"),
	    rate("tasks", "refused"));
	say("           %s in flight, %s kept, credit %s",
	    member_text(tasks, "in_flight"), member_text(tasks, "kept"),
	    member_text(s, "credit"));
}

static void
show_load(void)
{
	const json_t *s = now.status;
	const json_t *list = json_object_get(
	    json_object_get(s, "workers"), "list");
	const json_t *earlier = json_object_get(
	    json_object_get(last.status, "workers"), "list");
	const json_t *roles = json_object_get(s, "roles");
	static const char *const names[] = { "net", "nox", "registry", "keys",
		"evidence" };
	const char *comma = "";
	const json_t *w;
	char text[512] = "";
	uint64_t a, b;
	size_t i, n;

	say("keys       %s %% busy",
	    member_text(json_object_get(s, "keys"), "load_percent"));
	json_array_foreach(list, i, w) {
		a = member_number(
		    json_array_get(earlier, i), "busy_milliseconds");
		b = member_number(w, "busy_milliseconds");
		n = strlen(text);
		if (n < sizeof(text) - 16)
			snprintf(text + n, sizeof(text) - n, " %3.0f",
			    earlier == NULL || b < a ?
				0 :
				(double)(b - a) / 10 / (now.at - last.at));
	}
	say("workers    %s %% busy:%s",
	    member_text(json_object_get(s, "workers"), "load_percent"), text);
	text[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		a = member_number(
		    json_object_get(roles, names[i]), "cpu_microseconds");
		if (a == 0)	/* no chain has this role */
			continue;
		n = strlen(text);
		snprintf(text + n, sizeof(text) - n, "%s %s %.1f", comma,
		    names[i], (double)a / 1e6);
		comma = ",";
	}
	say("CPU s     %s", text);
	say("%s", "");
}

static void
show_stages(void)
{
	const json_t *s;
	size_t i;

	say("%-13s %10s %10s", "stage", "p50", "p99");
	json_array_foreach(json_object_get(now.stages, "stages"), i, s)
		say("%-13s %10s %10s", member_text(s, "stage"),
		    quantile(i, 0.5), quantile(i, 0.99));
	say("%s", "");
}

static void
show_endpoints(void)
{
	const json_t *e;
	size_t i;

	json_array_foreach(
	    json_object_get(
		json_object_get(now.status, "registry"), "endpoints"),
	    i, e)
		say("%-32s %-10s %7.1f ms  block %s", member_text(e, "name"),
		    member_text(e, "state"),
		    (double)member_number(e, "latency_microseconds") / 1000,
		    member_text(e, "head"));
}

static void
show(const struct options *o, const char *why)
{
	frame_begin();
	say("tee-runnerctl top: %s: chain %s%s", o->socket,
	    member_text(now.status, "chain_id"),
	    is_terminal ? ": q ends it" : "");
	if (why != NULL)
		say("no status: %s", why);
	else {
		show_state();
		show_tasks();
		show_load();
		show_stages();
		show_endpoints();
	}
	frame_end();
}

/* ---- the loop ---------------------------------------------------------- */

/* NULL, or why there is no answer. */
static const char *
sample(const char *socket)
{
	const char *why = NULL;
	struct timespec ts;

	json_decref(last.status);
	json_decref(last.stages);
	last = now;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now.at = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	now.stages = NULL;
	if ((now.status = ask_json(socket, "status\n", &why)) != NULL)
		now.stages = ask_json(socket, "stages\n", &why);
	return now.stages == NULL ? why : NULL;
}

/* Wait a second, or until a key says that it is over. */
static void
wait_key(void)
{
	struct pollfd p = { .fd = is_terminal ? STDIN_FILENO : -1,
		.events = POLLIN };
	char c;

	if (poll(&p, 1, 1000) == 1 && read(STDIN_FILENO, &c, 1) == 1 &&
	    (c == 'q' || c == 'Q'))
		is_over = 1;
}

int
command_top(const struct options *o)
{
	const char *why;
	int i;

	is_terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	/* Before there is another screen.  Rates need two samples. */
	if ((why = sample(o->socket)) != NULL)
		return fail(o->socket, why);
	screen_begin();
	for (i = 0; o->count == 0 || i < o->count; i++) {
		wait_key();
		if (is_over)
			break;
		why = sample(o->socket);
		show(o, why);
	}
	screen_end();
	return why == NULL ? 0 : 1;
}
