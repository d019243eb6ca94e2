/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-devnet: the counterparts of a Runner, for demonstrations and tests.  This
 * file parses the command line; tee-devnet(1) describes the commands.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "log.h"

static const struct command {
	const char	*name;
	int		(*run)(const struct options *, int, char **);
	int		 min, max;	/* number of arguments */
	const char	*arguments, *help;
} commands[] = {
	{ "up", command_up, 0, 0,
	    "[--insecure] [--kms T/N] [--runners N] [--port BASE]\n"
	    "          [--chain-id N | --chain URL [--owner-key FILE]]\n"
	    "          [--beside DIR]\n"
	    "          [--nox [--nox-pending N] [--nox-batch N]\n"
	    "          [--nox-ack-wait S]]",
	    "Start the counterparts in the background and wait until all\n"
	    "answer.\n"
	    "  --insecure    register Runners without TEE evidence\n"
	    "  --kms T/N     N KMS nodes, of which T must agree (2/3)\n"
	    "  --runners N   write configurations for N Runners (1)\n"
	    "  --port BASE   use free ports of 127.0.0.1 from BASE on\n"
	    "                (default: any)\n"
	    "  --chain-id N  chain id of the Registry stand-in (31337)\n"
	    "  --chain URL   deploy the Registry on the node at URL,\n"
	    "                http://127.0.0.1:PORT, and use no stand-in\n"
	    "  --owner-key FILE  private key of the account that deploys\n"
	    "                and pays, 64 hex digits (default: the first\n"
	    "                account of a development node)\n"
	    "  --beside DIR  use the certificates of the devnet in DIR, so\n"
	    "                that one Runner can serve both chains\n"
	    "  --nox         the counterparts of the protocol Nox v0 instead:\n"
	    "                nats-server, and a Gateway with its KMS\n"
	    "  --nox-pending N  max_ack_pending of the consumer (10)\n"
	    "  --nox-batch N    max_batch of the consumer (10)\n"
	    "  --nox-ack-wait S ack_wait of the consumer (30)" },
	{ "put", command_put, 2, 2, "[--as USER] TYPE VALUE",
	    "Encrypt a value, store it and print its handle.  Integers are\n"
	    "decimal or 0x, bool is true or false, address and bytesN are\n"
	    "hex.  The default USER is \"alice\"." },
	{ "get", command_get, 1, 1, "[--as USER] [--json] HANDLE",
	    "Decrypt a value by threshold delegation and print TYPE:VALUE.\n"
	    "  --json        print the stored ciphertext, too" },
	{ "submit", command_submit, 1, 110,
	    "[--as USER] [--timeout S] OP [k=v ...] ARG ...",
	    "Run one operation as a task and print a JSON object.  ARG is a\n"
	    "handle, or TYPE:VALUE for a public constant.  k=v sets type\n"
	    "(of an output whose type is free), sameAccount, constant,\n"
	    "feeNum or feeDen." },
	{ "task", command_task, 1, 1, "[--as USER] [--timeout S] FILE",
	    "Run the operations of a JSON file as one task; \"-\" is stdin.\n"
	    "  {\"operations\": [\n"
	    "    {\"op\": \"add\", \"inputs\": [\"0x..\", \"uint8:1\"],\n"
	    "     \"outputs\": [\"x\"]},\n"
	    "    {\"op\": \"neg\", \"inputs\": [\"x\"],\n"
	    "     \"outputs\": [\"y\"]}]}" },
	{ "run", command_run, 1, 1,
	    "[--as USER] [--batch B] [--ops a,b,c] VECTORS",
	    "Run every line of a vector file through the whole system.\n"
	    "The last line is \"N passed, N failed\"; the exit status is 1\n"
	    "if any failed." },
	{ "bench", command_bench, 0, 0,
	    "[--op OP] [--tasks N] [--batch B] [--in-flight K | --rate R]\n"
	    "          [--json]",
	    "Measure tasks per second and their latency, with K submissions\n"
	    "of B tasks in flight (transfer, 1024, 16, 4).\n"
	    "  --rate R      submit R tasks per second, however many are in\n"
	    "                flight" },
	{ "ledger", command_ledger, 0, 1,
	    "[--seconds S] [--in-flight K] [--timeout S] [--json] [FILE]",
	    "Run chained transfers between encrypted balances for S seconds,\n"
	    "K at a time (4, 10), then decrypt every balance and compare it\n"
	    "with the expected one.  FILE gets a line for each transfer:\n"
	    "lane, time sent and time answered in ms since 1970." },
	{ "rekey", command_rekey, 0, 0, "[--blocks N] [--overlap SECONDS]",
	    "Make a new KMS key, deal its shares to the nodes, announce it\n"
	    "in the Registry and wait until it is current.\n"
	    "  --blocks N    blocks until the new key is current (2)\n"
	    "  --overlap SECONDS  time for which values under the old key\n"
	    "                can still be read (3600)" },
	{ "nox put", command_nox_put, 2, 2, "[--as USER] TYPE VALUE",
	    "With Nox v0: store a value and print its handle." },
	{ "nox get", command_nox_get, 1, 1, "[--as USER] HANDLE",
	    "With Nox v0: decrypt a value with an RSA key and print\n"
	    "TYPE:VALUE." },
	{ "nox submit", command_nox_submit, 2, 4,
	    "[--as USER] [--timeout S] [--times N]\n"
	    "          OP ARG ...",
	    "With Nox v0: publish a transaction of one operation, wait until\n"
	    "its outputs have values and print a JSON object.  ARG is a\n"
	    "handle, or TYPE:VALUE, which is stored first.\n"
	    "  --times N     publish the message N times (1)" },
	{ "nox bench", command_nox_bench, 0, 1,
	    "[--as USER] [--timeout S] [--tasks N]\n"
	    "          [--in-flight K] [--rate R] [--times M] [--json] [FILE]",
	    "With Nox v0: publish N transfers (1024), at most K unresolved at\n"
	    "a time (4), and measure tasks per second and their latency.  The\n"
	    "exit status is 1 if one is not resolved within S seconds (60).\n"
	    "When each was published and resolved is written to FILE.\n"
	    "  --rate R      publish at most R transfers per second\n"
	    "  --times M     publish each message M times (1)" },
	{ "fault", command_fault, 0, 2, "[WHO WHAT|off]",
	    "Make a counterpart misbehave: gateway, orchestrator, kms-1 to\n"
	    "kms-N, or nox.  Without arguments, list the faults of each." },
	{ "status", command_status, 0, 0, "",
	    "Print the state of each counterpart as JSON; the exit status\n"
	    "is 1 unless all serve." },
	{ "down", command_down, 0, 0, "", "Stop them." },
};
#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "as", required_argument, NULL, 'a' },
	{ "kms", required_argument, NULL, 'k' },
	{ "runners", required_argument, NULL, 'r' },
	{ "port", required_argument, NULL, 'p' },
	{ "batch", required_argument, NULL, 'b' },
	{ "ops", required_argument, NULL, 'o' },
	{ "op", required_argument, NULL, 'O' },
	{ "seconds", required_argument, NULL, 's' },
	{ "tasks", required_argument, NULL, 't' },
	{ "in-flight", required_argument, NULL, 'f' },
	{ "rate", required_argument, NULL, 'R' },
	{ "timeout", required_argument, NULL, 'T' },
	{ "chain", required_argument, NULL, 'c' },
	{ "chain-id", required_argument, NULL, 'I' },
	{ "owner-key", required_argument, NULL, 'K' },
	{ "beside", required_argument, NULL, 'B' },
	{ "blocks", required_argument, NULL, 'N' },
	{ "overlap", required_argument, NULL, 'l' },
	{ "nox", no_argument, NULL, 'x' },
	{ "nox-pending", required_argument, NULL, 'P' },
	{ "nox-batch", required_argument, NULL, 'M' },
	{ "nox-ack-wait", required_argument, NULL, 'w' },
	{ "times", required_argument, NULL, 'm' },
	{ "insecure", no_argument, NULL, 'i' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int
usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("tee-devnet: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("\n", stderr);
	va_end(ap);
	return EXIT_USAGE;
}

static int
help(const struct command *c)
{
	size_t i;

	if (c != NULL) {
		printf("usage: tee-devnet %s --dir DIR %s\n\n%s\n", c->name,
		    c->arguments, c->help);
		return 0;
	}
	printf("usage: tee-devnet COMMAND --dir DIR ...\n\n");
	for (i = 0; i < N_COMMANDS; i++)
		printf("  %-11s%s\n", commands[i].name, commands[i].arguments);
	printf("\ntee-devnet COMMAND --help says more.\n");
	return 0;
}

static int
number(const char *text, const char *name, uint32_t max, uint32_t *out)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n > max) {
		usage("--%s %s: expected a number up to %u", name, text, max);
		return -1;
	}
	*out = (uint32_t)n;
	return 0;
}

/* Returns 0, EXIT_USAGE, or -1 if help was requested. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	int c, r = 0;

	while (r == 0 &&
	    (c = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		switch (c) {
		case 'd': o->dir = optarg; break;
		case 'a': o->user = optarg; break;
		case 'k': o->kms = optarg; break;
		case 'o': o->ops = optarg; break;
		case 'O': o->op = optarg; break;
		case 'r': r = number(optarg, "runners", 16, &o->runners); break;
		case 'p': r = number(optarg, "port", 32000, &o->port); break;
		case 'b': r = number(optarg, "batch", 64, &o->batch); break;
		case 't':
			r = number(optarg, "tasks", 1000000, &o->tasks);
			break;
		case 'f':
			r = number(optarg, "in-flight", 1024, &o->in_flight);
			break;
		case 'R': r = number(optarg, "rate", 1000000, &o->rate); break;
		case 'T':
			r = number(optarg, "timeout", 86400, &o->timeout);
			break;
		case 's':
			r = number(optarg, "seconds", 86400, &o->seconds);
			break;
		case 'c': o->chain = optarg; break;
		case 'I':
			r = number(
			    optarg, "chain-id", UINT32_MAX, &o->chain_id);
			break;
		case 'K': o->owner_key = optarg; break;
		case 'B': o->shared = optarg; break;
		case 'N': r = number(optarg, "blocks", 1000, &o->blocks); break;
		case 'l':
			r = number(optarg, "overlap", 31536000, &o->overlap);
			break;
		case 'i': o->insecure = 1; break;
		case 'x': o->nox = 1; break;
		case 'P':
			r = number(
			    optarg, "nox-pending", 100000, &o->nox_pending);
			break;
		case 'M':
			r = number(optarg, "nox-batch", 100000, &o->nox_batch);
			break;
		case 'w':
			r = number(
			    optarg, "nox-ack-wait", 86400, &o->nox_ack_wait);
			break;
		case 'm': r = number(optarg, "times", 1000, &o->times); break;
		case 'j': o->json = 1; break;
		case 'h': return -1;
		default: r = EXIT_USAGE;
		}
	return r == 0 ? 0 : EXIT_USAGE;
}

/* Find the command, of one word or "nox" and another; afterwards argv[1] is its
 * last word. */
static const struct command *
find_command(int *argc, char ***argv)
{
	const char *word = (*argv)[1];
	char name[32];
	size_t i;

	if (strcmp(word, "nox") == 0 && *argc > 2) {
		snprintf(name, sizeof(name), "nox %s", (*argv)[2]);
		word = name;
		(*argc)--;
		(*argv)++;
	}
	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	struct options o = { .runners = 1,
		.tasks = 1024,
		.batch = 16,
		.in_flight = 4,
		.timeout = 60,
		.op = "transfer",
		.kms = "2/3",
		.chain_id = 31337,
		.blocks = 2,
		.overlap = 3600,
		.nox_pending = 10,
		.nox_batch = 10,
		.nox_ack_wait = 30,
		.times = 1,
		.seconds = 10 };
	const struct command *c;
	int r;

	log_init("tee-devnet", LOG_WARNING);
	if (argc < 2)
		return usage("no command; try tee-devnet --help");
	if (strcmp(argv[1], "--help") == 0)
		return help(NULL);
	/* Internal: `up' starts the servers this way. */
	if (strcmp(argv[1], "serve") == 0 && argc == 4)
		return command_serve(argv[2], argv[3]);
	if ((c = find_command(&argc, &argv)) == NULL)
		return usage(
		    "%s: no such command; try tee-devnet --help", argv[1]);
	if ((r = parse_options(argc - 1, argv + 1, &o)) != 0)
		return r == -1 ? help(c) : r;
	argc -= 1 + optind;
	argv += 1 + optind;
	if (argc < c->min || argc > c->max)
		return usage(
		    "%s: expected --dir DIR %s", c->name, c->arguments);
	if (o.dir == NULL && !(c->run == command_fault && argc == 0))
		return usage("%s: --dir is missing", c->name);
	return c->run(&o, argc, argv);
}
