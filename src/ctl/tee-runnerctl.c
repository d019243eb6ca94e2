/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl: the table of its commands, and which primitives this version
 * has.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "jsonw.h"
#include "program.h"

#define SOCKET	RUNSTATEDIR "/tee-runner/control"
#define CONF_FILE SYSCONFDIR "/tee-runner/tee-runnerd.conf"

static const char usage_text[] =
    "usage: tee-runnerctl COMMAND [OPTION...]\n"
    "\n"
    "  status [--json] [-s SOCKET]   does it serve, and if not, why\n"
    "  wait [--timeout SECONDS] [-s SOCKET]\n"
    "                                wait until it serves\n"
    "  top [--count N] [-s SOCKET]   the state, again each second\n"
    "  tasks [--state STATE] [--json] [-s SOCKET]\n"
    "                                the last tasks and what each waits for\n"
    "  task ID [--json] [-s SOCKET]  the stages of a task, with their times\n"
    "  endpoints, kms, registration [--json] [-s SOCKET]\n"
    "  evidence [--save FILE] [--json] [-s SOCKET]\n"
    "                                parts of the state\n"
    "  explain [WORD] [--json]       what a status, reason, alert or subject\n"
    "                                of the log means, and what to do\n"
    "  primitives [--json]           operations: opcode, operands, results\n"
    "  config [--hash] [-f FILE]     the attested configuration in FILE\n"
    "  policy [ROLE] [OPTION...]     the seccomp policies\n"
    "     ROLE [--text | --bpf | --diff PID]; --json; --diff-all [-s SOCKET]\n"
    "\n"
    "For root:\n"
    "  drain, resume [-s SOCKET]     take no new tasks; take them again\n"
    "  renew [-s SOCKET]             new evidence and a new registration\n"
    "  forecast FILE [-s SOCKET]     take the output of tee-attest forecast\n"
    "  log-level LEVEL [-s SOCKET]   error, warning, info or debug\n"
    "  reload [--pid PID] [-s SOCKET]\n"
    "                                read the configuration again\n"
    "  upgrade [--timeout SECONDS] [-f FILE]\n"
    "                                hand over to the installed version\n"
    "\n"
    "  -f FILE    configuration file (" CONF_FILE ")\n"
    "  -s SOCKET  control socket (" SOCKET ")\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 success, 1 failure, 2 usage.  See tee-runnerctl(8).\n";

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
	int		 min, max;	/* arguments after the name */
} commands[] = {
	{ "status", command_status, "sj", 0, 0 },
	{ "wait", command_wait, "sT", 0, 0 },
	{ "top", command_top, "sn", 0, 0 },
	{ "tasks", command_tasks, "sjS", 0, 0 },
	{ "task", command_task, "sj", 1, 1 },
	{ "endpoints", command_endpoints, "sj", 0, 0 },
	{ "kms", command_kms, "sj", 0, 0 },
	{ "registration", command_registration, "sj", 0, 0 },
	{ "evidence", command_evidence, "sjo", 0, 0 },
	{ "explain", command_explain, "j", 0, 1 },
	{ "drain", command_drain, "s", 0, 0 },
	{ "resume", command_resume, "s", 0, 0 },
	{ "renew", command_renew, "s", 0, 0 },
	{ "forecast", command_forecast, "s", 1, 1 },
	{ "log-level", command_log_level, "s", 1, 1 },
	{ "reload", command_reload, "sp", 0, 0 },
	{ "upgrade", command_upgrade, "fT", 0, 0 },
	{ "primitives", command_primitives, "j", 0, 0 },
	{ "policy", command_policy, "jtbdas", 0, 1 },
	{ "config", command_config, "fH", 0, 0 },
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
		{ "state", required_argument, NULL, 'S' },
		{ "save", required_argument, NULL, 'o' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .socket = SOCKET, .file = CONF_FILE, .state = "" };
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
		case 'S': o.state = optarg; break;
		case 'o': o.save = optarg; break;
		case 'n': o.count = atoi(optarg); break;
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
	    argc - optind - 1 > k->max || argc - optind - 1 < k->min ||
	    strspn(given, k->options) != strlen(given) ||
	    (strpbrk(given, "dp") != NULL && o.pid <= 0) ||
	    (strchr(given, 'T') != NULL && o.timeout <= 0) ||
	    (strchr(given, 'n') != NULL && o.count <= 0))
		return usage(stderr, 2);
	if (optind + 1 < argc)
		o.arg = argv[optind + 1];
	/* All roles as a table or JSON, or compared; one in one of three
	 * ways. */
	if (k->run == command_policy &&
	    (o.arg == NULL ?
		    strspn(given, o.all ? "as" : "j") != strlen(given) :
		    strlen(given) > 1 || strpbrk(given, "jas") != NULL))
		return usage(stderr, 2);
	return k->run(&o);
}
