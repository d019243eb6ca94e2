/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl: what an operator asks a running tee-runnerd, which primitives
 * this version has, and what it attests.  Tells it to reload or to hand over to
 * a successor.  The answer at the control socket is net's, which may be taken
 * over: none of its bytes reaches a terminal as it is.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "jsonw.h"
#include "log.h"
#include "program.h"

#define SOCKET	RUNSTATEDIR "/tee-runner/control"
#define CONF_FILE SYSCONFDIR "/tee-runner/tee-runnerd.conf"
#define PATIENCE 5		/* seconds */

static const char usage_text[] =
    "usage: tee-runnerctl status [--json] [-s SOCKET]\n"
    "       tee-runnerctl wait [--timeout SECONDS] [-s SOCKET]\n"
    "       tee-runnerctl reload [--pid PID] [-s SOCKET]\n"
    "       tee-runnerctl upgrade [--timeout SECONDS] [-f FILE]\n"
    "       tee-runnerctl primitives [--json]\n"
    "       tee-runnerctl policy [--json]\n"
    "       tee-runnerctl policy ROLE [--text | --bpf | --diff PID]\n"
    "       tee-runnerctl policy --diff-all [-s SOCKET]\n"
    "       tee-runnerctl config [--hash] [-f FILE]\n"
    "\n"
    "  status       state of the running service; exit 1 unless it serves\n"
    "  wait         wait until the service serves, at most SECONDS\n"
    "  reload       read the configuration again, as on SIGHUP\n"
    "  upgrade      start a successor with the installed version; when it\n"
    "               serves, the running service finishes its tasks and ends\n"
    "  primitives   list the operations: opcode, operands, results\n"
    "  policy       list the seccomp policies; of one ROLE, print the\n"
    "               policy, its BPF program (--bpf), or whether process\n"
    "               PID runs under it (--diff, exit 1 if not)\n"
    "  config       print the attested configuration in FILE and its hash,\n"
    "               or only the hash (--hash)\n"
    "  --diff-all   check each process of the running service\n"
    "  --pid PID    the service; for ExecReload= of systemd\n"
    "  --json       print JSON\n"
    "  -f FILE      configuration file (" CONF_FILE ")\n"
    "  -s SOCKET    its control socket (" SOCKET ")\n"
    "  --help, --version\n";

void
print(void *file, const char *text, size_t n)
{
	fwrite(text, 1, n, file);
}

int
fail(const char *what, const char *why)
{
	fprintf(stderr, "tee-runnerctl: %s: %s\n", what, why);
	return 1;
}

/* ---- status ------------------------------------------------------------ */

int
control_connect(const char *path, const char **why)
{
	const struct timeval tv = { PATIENCE, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	*why = "path is too long for a socket";
	if (strlen(path) >= sizeof(sun.sun_path))
		return -1;
	strcpy(sun.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	*why = errno == ENOENT || errno == ECONNREFUSED ?
	    "no tee-runnerd is there" :
	    strerror(errno);
	if (fd != -1)
		close(fd);
	return -1;
}

/* Returns NULL, or why there is no answer. */
static const char *
ask(const char *path, const char *question, char *answer, size_t size)
{
	size_t have = 0;
	ssize_t n = -1;
	const char *why;
	int fd = control_connect(path, &why);

	if (fd == -1)
		return why;
	if (write(fd, question, strlen(question)) != -1)
		while (have < size - 1 &&
		    (n = read(fd, answer + have, size - 1 - have)) > 0)
			have += (size_t)n;
	answer[have] = '\0';
	close(fd);
	return n == 0 && have > 0 ? NULL : "no answer";
}

/* Foreign text in printable form; good for the next three calls, too. */
static const char *
safe(const char *s)
{
	static char b[4][512];
	static unsigned next;

	next = (next + 1) % 4;
	return log_escape(b[next], sizeof(b[next]), s, strlen(s));
}

/* Numbers and strings alike, as text; `-' for all else. */
static const char *
value(const json_t *v)
{
	char b[32];

	if (json_is_string(v))
		return safe(json_string_value(v));
	snprintf(b, sizeof(b), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	return json_is_integer(v) ? safe(b) : "-";
}

static const char *
text(const json_t *o, const char *name)
{
	return value(json_object_get(o, name));
}

static void
line(const char *name, const char *what)
{
	printf("%-14s %s\n", name, what);
}

static void
print_roles(const json_t *roles)
{
	const char *name;
	const json_t *role, *feature;
	size_t i;

	printf("\n%-14s %-9s %s\n", "role", "restarts", "sandbox");
	json_object_foreach((json_t *)(uintptr_t)roles, name, role) {
		printf("%-14s %-9s", safe(name), text(role, "restarts"));
		json_array_foreach(
		    json_object_get(role, "features"), i, feature)
			printf(" %s", value(feature));
		printf("\n");
	}
}

static void
print_status(const json_t *s)
{
	static const char *const outcomes[] = {
		"in_flight",
		"ok",
		"retryable",
		"waiting",
		"terminal",
		"refused",
	};
	const json_t *registry = json_object_get(s, "registry");
	const json_t *tasks = json_object_get(s, "tasks");
	const json_t *workers = json_object_get(s, "workers");
	const json_t *evidence = json_object_get(s, "evidence");
	const int colour = isatty(STDOUT_FILENO);
	const json_t *v;
	const char *name;
	size_t i;

	line("version", text(s, "version"));
	line("runner", text(s, "runner"));
	line("chain", text(s, "chain_id"));
	printf("%-14s %s", "state", text(s, "state"));
	if (strcmp(text(s, "state"), "serving") != 0)
		printf(": %s", text(s, "why"));
	printf("\n");
	line("tee", text(s, "tee"));
	printf("%-14s block %s, read %s s ago\n", "registry",
	    text(registry, "block"), text(registry, "age_seconds"));
	printf("%-14s sequence %s, until %s\n", "registration",
	    text(json_object_get(s, "registration"), "sequence"),
	    text(json_object_get(s, "registration"), "valid_until"));
	printf("%-14s %s s old, next at %s, %s failed\n", "evidence",
	    text(evidence, "age_seconds"), text(evidence, "next"),
	    text(evidence, "failures"));
	line("measurement", text(evidence, "measurement"));
	line("kms epoch", text(s, "kms_epoch"));
	line("stream", text(s, "stream"));
	printf("%-14s %s idle, %s busy\n", "workers", text(workers, "idle"),
	    text(workers, "busy"));
	printf("%-14s keys %s %%, workers %s %%\n", "load",
	    text(json_object_get(s, "keys"), "load_percent"),
	    text(workers, "load_percent"));
	printf("%-14s", "tasks");
	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		printf("%s %s %s", i == 0 ? "" : ",", text(tasks, outcomes[i]),
		    i == 0 ? "in flight" : outcomes[i]);
	printf("\n");
	json_object_foreach(json_object_get(s, "statuses"), name, v)
		printf("  %-24s %s\n", safe(name), value(v));
	print_roles(json_object_get(s, "roles"));
	json_array_foreach(json_object_get(s, "warnings"), i, v)
		printf("%s%s%s%s\n", i == 0 ? "\n" : "",
		    colour ? "\033[31m" : "", value(v),
		    colour ? "\033[0m" : "");
}

/* Returns NULL and why there is no status. */
static json_t *
ask_status(const char *path, const char **why)
{
	static char answer[65536];
	json_t *s;

	if ((*why = ask(path, "status\n", answer, sizeof(answer))) != NULL)
		return NULL;
	if ((s = json_loads(answer, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		*why = "its answer is not JSON";
	return s;
}

/* NULL if it serves. */
static const char *
why_not(const json_t *s)
{
	if (strcmp(text(s, "state"), "serving") != 0)
		return text(s, "why");
	return strcmp(text(s, "stream"), "open") != 0 ?
	    "not connected to the Orchestrator" :
	    NULL;
}

const char *
service_why(const char *socket)
{
	static char text[512];
	const char *why;
	json_t *s = ask_status(socket, &why);

	if (s != NULL && (why = why_not(s)) != NULL) {
		snprintf(text, sizeof(text), "%s", why);
		why = text;
	}
	json_decref(s);
	return why;
}

static int
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

static int
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

static int
command_status(const struct options *o)
{
	const char *why;
	json_t *s;
	int r;

	if ((s = ask_status(o->socket, &why)) == NULL)
		return fail(o->socket, why);
	if (o->json) {
		json_dumpf(s, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		printf("\n");
	} else
		print_status(s);
	r = strcmp(text(s, "state"), "serving") == 0 ? 0 : 1;
	json_decref(s);
	return r;
}

/* ---- primitives -------------------------------------------------------- */

static const struct {
	uint8_t		 flag;
	const char	*name;
} flags[] = {
	{ P_SAME_ACCOUNT, "sameAccount" },
	{ P_NO_HANDLE, "noHandle" },
	{ P_FEE, "fee" },
	{ P_CAST, "cast" },
};
#define N_FLAGS	(sizeof(flags) / sizeof(flags[0]))

static void
print_primitives_json(void)
{
	const struct primitive *p;
	struct jsonw j;
	size_t i;

	jsonw_begin(&j, print, stdout);
	jsonw_array(&j, NULL);
	for (p = primitives; p < primitives + n_primitives; p++) {
		jsonw_object(&j, NULL);
		jsonw_number(&j, "opcode", p->opcode);
		jsonw_string(&j, "name", "%s", p->name);
		jsonw_string(&j, "inputs", "%s", p->in);
		jsonw_string(&j, "outputs", "%s", p->out);
		jsonw_array(&j, "flags");
		for (i = 0; i < N_FLAGS; i++)
			if (p->flags & flags[i].flag)
				jsonw_string(&j, NULL, "%s", flags[i].name);
		jsonw_end(&j);
		jsonw_end(&j);
	}
	jsonw_end(&j);
}

static void
print_primitive(const struct primitive *p)
{
	size_t i;

	printf("0x%02x    %-15s %-9s %-8s", p->opcode, p->name,
	    *p->in == '\0' ? "-" : p->in, p->out);
	for (i = 0; i < N_FLAGS; i++)
		if (p->flags & flags[i].flag)
			printf(" %s", flags[i].name);
	printf("\n");
}

static int
command_primitives(const struct options *o)
{
	size_t i;

	if (o->json) {
		print_primitives_json();
		return 0;
	}
	printf("%-7s %-15s %-9s %-8s %s\n", "opcode", "name", "inputs",
	    "outputs", "flags");
	for (i = 0; i < n_primitives; i++)
		print_primitive(&primitives[i]);
	printf("\none letter an operand, the same letter the same type; "
	       "tee-primitives(7) explains them\n");
	return 0;
}

/* ---- main -------------------------------------------------------------- */

static const struct command {
	const char	*name;
	int		(*run)(const struct options *);
	const char	*options;	/* their letters, of `longs' */
	int		 max;		/* arguments after the name */
} commands[] = {
	{ "status", command_status, "sj", 0 },
	{ "wait", command_wait, "sT", 0 },
	{ "reload", command_reload, "sp", 0 },
	{ "upgrade", command_upgrade, "fT", 0 },
	{ "primitives", command_primitives, "j", 0 },
	{ "policy", command_policy, "jtbdas", 1 },
	{ "config", command_config, "fH", 0 },
};
#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static int
usage(FILE *f, int status)
{
	fputs(usage_text, f);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "text", no_argument, NULL, 't' },
		{ "bpf", no_argument, NULL, 'b' },
		{ "diff", required_argument, NULL, 'd' },
		{ "diff-all", no_argument, NULL, 'a' },
		{ "hash", no_argument, NULL, 'H' },
		{ "pid", required_argument, NULL, 'p' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .socket = SOCKET, .file = CONF_FILE };
	char given[16] = "";
	const struct command *k = commands;
	int c;

	while ((c = getopt_long(argc, argv, "f:s:", longs, NULL)) != -1) {
		switch (c) {
		case 'f': o.file = optarg; break;
		case 'H': o.hash = 1; break;
		case 's': o.socket = optarg; break;
		case 'j': o.json = 1; break;
		case 't': break;
		case 'b': o.bpf = 1; break;
		case 'd':
		case 'p': o.pid = atoi(optarg); break;
		case 'a': o.all = 1; break;
		case 'T': o.timeout = atoi(optarg); break;
		case 'h': return usage(stdout, 0);
		case 'V': puts(PACKAGE_STRING); return 0;
		default: return usage(stderr, 2);
		}
		/* Which were given; one twice is one. */
		if (strchr(given, c) == NULL)
			given[strlen(given)] = (char)c;
	}
	while (optind < argc && k < commands + N_COMMANDS &&
	    strcmp(k->name, argv[optind]) != 0)
		k++;
	if (optind == argc || k == commands + N_COMMANDS ||
	    argc - optind - 1 > k->max ||
	    strspn(given, k->options) != strlen(given) ||
	    (strpbrk(given, "dp") != NULL && o.pid <= 0) ||
	    (strchr(given, 'T') != NULL && o.timeout <= 0))
		return usage(stderr, 2);
	if (optind + 1 < argc)
		o.role = argv[optind + 1];
	/* All roles as a table or JSON, or compared; one in one of three
	 * ways. */
	if (k->run == command_policy &&
	    (o.role == NULL ?
		    strspn(given, o.all ? "as" : "j") != strlen(given) :
		    strlen(given) > 1 || strpbrk(given, "jas") != NULL))
		return usage(stderr, 2);
	return k->run(&o);
}
