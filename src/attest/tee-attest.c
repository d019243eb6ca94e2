/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-attest: shows and verifies attestation evidence, and requests evidence
 * from this machine.  Runs with its caller's rights; only fetch-collateral and
 * forecast open connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest.h"
#include "collateral.h"
#include "conf.h"
#include "provider.h"
#include "fetch.h"
#include "forecast.h"
#include "log.h"

#define EVIDENCE_MAX	(1 << 20)

static int json;		/* --json */

static void
usage(FILE *f)
{
	fprintf(f,
	    "usage: tee-attest show [--json] FILE\n"
	    "       tee-attest verify [--collateral DIR] [--at TIME]\n"
	    "           [--report-data HEX] [--policy FILE] [--seen FILE]\n"
	    "           [--event-log FILE] [--json] FILE\n"
	    "       tee-attest quote --report-data HEX > FILE\n"
	    "       tee-attest device-key > optee.pem\n"
	    "       tee-attest fetch-collateral --fmspc HEX [--tee tdx|sgx]\n"
	    "           [--ca platform|processor] [OPTION...]\n"
	    "       tee-attest fetch-collateral --quote FILE [OPTION...]\n"
	    "       tee-attest fetch-collateral --vcek FILE [--product NAME] "
	    "[OPTION...]\n"
	    "           OPTION: --collateral DIR, --url URL, --refresh, "
	    "--json,\n"
	    "           --at TIME; of the first two --update standard|early\n"
	    "       tee-attest forecast [--collateral DIR] [--policy FILE]\n"
	    "           [--url URL]... [--product NAME] [--at TIME] "
	    "[--offline] [--json] FILE\n"
	    "FILE: a TDX, SGX, SEV-SNP, CCA or OP-TEE evidence, or to show a "
	    "TDX event log;\n- is standard input.\n"
	    "Exit status: 0 accepted, 1 refused, 2 usage, 3 collateral is "
	    "missing or out of\nits window.  See tee-attest(1).\n");
}

static _Noreturn void
bad_usage(const char *fmt, const char *what)
{
	fputs("tee-attest: ", stderr);
	fprintf(stderr, fmt, what);
	fputs("; see tee-attest --help\n", stderr);
	exit(2);
}

/* ---- files ------------------------------------------------------------- */

/* Read a whole file and append a NUL. */
static struct bytes
file_read(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO :
					  open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *b = malloc(EVIDENCE_MAX + 1);
	size_t n = 0;
	ssize_t r = 0;

	if (fd == -1)
		bad_usage("cannot read %s", path);
	while (b != NULL && n < EVIDENCE_MAX &&
	    (r = read(fd, b + n, EVIDENCE_MAX - n)) > 0)
		n += (size_t)r;
	if (b == NULL || r == -1)
		bad_usage("cannot read %s", path);
	if (n == EVIDENCE_MAX)
		bad_usage("%s is too large to be evidence", path);
	b[n] = '\0';
	if (fd != STDIN_FILENO)
		close(fd);
	return (struct bytes){ b, n };
}

/* ---- output ------------------------------------------------------------ */

static const char *const outcomes[] = { [A_PASS] = "pass",
	[A_FAIL] = "fail",
	[A_MISSING] = "missing",
	[A_NONE] = "n/a" };

static const char *
paint(enum outcome o)
{
	static const char *const colours[] = { [A_PASS] = "\033[32m",
		[A_FAIL] = "\033[31m",
		[A_MISSING] = "\033[33m",
		[A_NONE] = "" };

	return isatty(STDOUT_FILENO) ? colours[o] : "";
}

static void
print_text(const struct report *r, int verified)
{
	const char *end = isatty(STDOUT_FILENO) ? "\033[0m" : "";
	char line[256];
	size_t i;

	printf("%s\n", r->format);
	for (i = 0; i < r->n_facts; i++)
		printf("  %-22s %s\n", r->facts[i].name, r->facts[i].text);
	if (r->n_checks > 0)
		printf("\n");
	for (i = 0; i < r->n_checks; i++)
		printf("%s%-8s%s %-22s %s\n", paint(r->checks[i].outcome),
		    outcomes[r->checks[i].outcome], end, r->checks[i].name,
		    r->checks[i].detail);
	for (i = 0; i < r->n_advisories; i++)
		printf("advisory %s\n", r->advisories[i]);
	for (i = 0; i < r->n_warnings; i++)
		printf("warning  %s\n", r->warnings[i]);
	if (verified) {
		report_line(r, line, sizeof(line));
		printf("\n%s\n", line);
	}
}

static void
print_json(const struct report *r, int verified)
{
	json_t *o = json_object(), *list;
	char line[256];
	size_t i;

	json_object_set_new(o, "format", json_string(r->format));
	list = json_object();
	for (i = 0; i < r->n_facts; i++)
		json_object_set_new(
		    list, r->facts[i].name, json_string(r->facts[i].text));
	json_object_set_new(o, "facts", list);
	list = json_array();
	for (i = 0; i < r->n_checks; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "name", r->checks[i].name,
			"outcome", outcomes[r->checks[i].outcome], "detail",
			r->checks[i].detail));
	json_object_set_new(o, "checks", list);
	list = json_array();
	for (i = 0; i < r->n_advisories; i++)
		json_array_append_new(list, json_string(r->advisories[i]));
	json_object_set_new(o, "advisories", list);
	list = json_array();
	for (i = 0; i < r->n_warnings; i++)
		json_array_append_new(list, json_string(r->warnings[i]));
	json_object_set_new(o, "warnings", list);
	if (verified) {
		report_line(r, line, sizeof(line));
		json_object_set_new(o, "tcbStatus", json_string(r->tcb_status));
		json_object_set_new(
		    o, "accepted", json_boolean(report_verdict(r) == 0));
		json_object_set_new(o, "verdict", json_string(line));
	}
	json_dumpf(o, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(o);
}

static void
print(const struct report *r, int verified)
{
	if (json)
		print_json(r, verified);
	else
		print_text(r, verified);
}

/* ---- arguments --------------------------------------------------------- */

static const struct format *
take_format(struct bytes b, const char *path)
{
	const struct format *f = format_of(b);

	if (f == NULL)
		bad_usage("%s: no evidence of a format that it knows", path);
	return f;
}

/* Seconds since 1970, or 2026-02-25, or 2026-02-25T00:00:00Z. */
static time_t
take_time(const char *text)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d",
		"%s" };
	struct tm tm;
	const char *end;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (end != NULL && *end == '\0')
			return i == 2 ? (time_t)strtoll(text, NULL, 10) :
					timegm(&tm);
	}
	bad_usage(
	    "--at %s: not a time: 2026-02-25 or 2026-02-25T00:00:00Z", text);
}

static void
take_policy(struct policy *p, const char *path)
{
	struct bytes b = file_read(path);
	char error[200];

	if (policy_parse(p, (const char *)b.p, error, sizeof(error)) == -1) {
		fprintf(stderr, "tee-attest: %s: %s\n", path, error);
		exit(2);
	}
	free((void *)(uintptr_t)b.p);
}

static void
take_report_data(struct policy *p, const char *hex)
{
	char line[256], error[200];

	if (strlen(hex) > 200)
		bad_usage("--report-data: not 64 bytes as hex%s", "");
	snprintf(line, sizeof(line), "report-data %s\n", hex);
	if (policy_parse(p, line, error, sizeof(error)) == -1)
		bad_usage("--report-data: not 64 bytes as hex%s", "");
}

/* ---- the highest tcbEvaluationDataNumber seen -------------------------- */

/* The number in the file; 0 if it does not exist yet. */
static uint32_t
seen_read(const char *path)
{
	struct bytes b;
	size_t digits;
	uint32_t n;

	if (access(path, F_OK) == -1 && errno == ENOENT)
		return 0;
	/* Accept nothing else in it: another file given by mistake would be
	 * overwritten. */
	b = file_read(path);
	digits = strspn((const char *)b.p, "0123456789");
	if (digits == 0 || digits > 9 || b.n != digits + 1 ||
	    b.p[digits] != '\n')
		bad_usage("--seen %s: holds no number", path);
	n = (uint32_t)strtoul((const char *)b.p, NULL, 10);
	free((void *)(uintptr_t)b.p);
	return n;
}

static void
seen_write(const char *path, uint32_t n)
{
	char new[PATH_MAX];
	FILE *f;

	if ((size_t)snprintf(new, sizeof(new), "%s.new", path) >= sizeof(new) ||
	    (f = fopen(new, "w")) == NULL)
		bad_usage("--seen %s: cannot be written", path);
	fprintf(f, "%u\n", n);
	if (fclose(f) == EOF || rename(new, path) == -1)
		bad_usage("--seen %s: cannot be written", path);
}

/* ---- commands ---------------------------------------------------------- */

struct options {
	const char	*file, *directory, *seen, *event_log;
	struct policy	 policy;
	time_t		 at;
	struct fetch	 fetch;
	struct forecast	 forecast;
};

static int
run_show(const struct options *o)
{
	static struct report r;
	struct bytes b = file_read(o->file);
	int failed = take_format(b, o->file)->show(b, &r) != 0;

	print(&r, 0);
	free((void *)(uintptr_t)b.p);
	return failed;
}

static int
run_verify(const struct options *o)
{
	static struct report r;
	struct bytes b = file_read(o->file);
	struct collateral c = { 0 };
	struct policy p = o->policy;
	uint32_t seen = o->seen == NULL ? 0 : seen_read(o->seen);

	if (p.min_evaluation < seen)
		p.min_evaluation = seen;
	if (o->directory != NULL && collateral_load(&c, o->directory) == -1)
		bad_usage("--collateral %s: cannot be read", o->directory);
	if (o->event_log != NULL)
		c.event_log = file_read(o->event_log);
	take_format(b, o->file)->verify(b, &c, &p, o->at, &r);
	if (o->event_log != NULL && report_find(&r, "event-log") == NULL)
		report_check(&r, "event-log", A_FAIL,
		    "not a TDX quote: it has no RTMRs for a log to replay");
	free((void *)(uintptr_t)c.event_log.p);
	collateral_free(&c);
	if (o->seen != NULL && report_verdict(&r) == 0 && r.evaluation > seen)
		seen_write(o->seen, r.evaluation);
	print(&r, 1);
	free((void *)(uintptr_t)b.p);
	return report_verdict(&r);
}

/* Use the evidence role's code, and request the same. */
static int
run_quote(const struct options *o)
{
	static uint8_t quote[QUOTE_MAX];
	const struct provider *p;
	long n;

	if (!o->policy.has_report_data)
		bad_usage(
		    "quote: --report-data is missing: 64 bytes as hex%s", "");
	if (isatty(STDOUT_FILENO))
		bad_usage("quote: evidence is binary: send it to a file%s", "");
	log_init("tee-attest", LOG_INFO);
	p = tsm_open(TSM_PATH, TEE_CHOICE_AUTO, 0);
	if (p == NULL)
		p = sev_open(SEV_PATH);
	if (p == NULL)
		p = optee_open(OPTEE_PATH);
	if (p == NULL) {
		fprintf(stderr,
		    "tee-attest: no TEE found: looked for " TSM_PATH
		    ", " SEV_PATH " and " OPTEE_PATH "\n");
		return 1;
	}
	n = p->quote(o->policy.report_data, quote, sizeof(quote));
	if (n == -1)
		fprintf(stderr, "tee-attest: %s gave no evidence: %s\n",
		    p->name, strerror(errno));
	tsm_remove(TSM_PATH);
	if (n != -1 && fwrite(quote, 1, (size_t)n, stdout) != (size_t)n)
		n = -1;
	return n == -1 || fflush(stdout) == EOF ? 1 : 0;
}

static int
run_fetch(const struct options *o)
{
	struct fetch f = o->fetch;
	const char *path = f.text[FETCH_QUOTE] != NULL ? f.text[FETCH_QUOTE] :
							 f.text[FETCH_VCEK];
	int status;

	if (path != NULL)
		f.evidence = file_read(path);
	f.directory = o->directory == NULL ? "." : o->directory;
	f.at = o->at;
	f.json = json;
	status = fetch_collateral(&f);
	free((void *)(uintptr_t)f.evidence.p);
	return status;
}

static int
run_forecast(const struct options *o)
{
	struct forecast f = o->forecast;
	int status;

	f.evidence = file_read(o->file);
	f.directory = o->directory == NULL ? "." : o->directory;
	f.product = o->fetch.text[FETCH_PRODUCT];
	f.policy = &o->policy;
	f.at = o->at;
	f.json = json;
	take_format(f.evidence, o->file);
	status = forecast_run(&f);
	free((void *)(uintptr_t)f.evidence.p);
	return status;
}

/* The key must be saved at provisioning: nothing else vouches for it. */
static int
run_device_key(const struct options *o)
{
	uint8_t e[16], n[1024];
	size_t e_n = sizeof(e), n_n = sizeof(n);
	int ok = 0;

	(void)o;
	log_init("tee-attest", LOG_INFO);
	if (optee_open(OPTEE_PATH) == NULL) {
		fprintf(stderr,
		    "tee-attest: OP-TEE not found: looked for " OPTEE_PATH
		    "\n");
		return 1;
	}
	if (optee_key(e, &e_n, n, &n_n) == 0)
		ok = rsa_key_write(stdout, (struct bytes){ e, e_n },
			 (struct bytes){ n, n_n }) == 0;
	if (!ok)
		fprintf(stderr, "tee-attest: OP-TEE gave no key\n");
	return ok && fflush(stdout) == 0 ? 0 : 1;
}

static const struct command {
	const char	*name;
	int		(*run)(const struct options *);
	int		 files;
} commands[] = {
	{ "show", run_show, 1 },
	{ "verify", run_verify, 1 },
	{ "quote", run_quote, 0 },
	{ "device-key", run_device_key, 0 },
	{ "fetch-collateral", run_fetch, 0 },
	{ "forecast", run_forecast, 1 },
};

static void
take_url(struct forecast *f, const char *url)
{
	if (f->n_urls == FORECAST_URLS)
		bad_usage("--url %s: too many", url);
	f->urls[f->n_urls++] = url;
}

static int
run(struct options *o, int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[0]) == 0) {
			if (argc - 1 != commands[i].files)
				break;
			o->file = argv[1];
			return commands[i].run(o);
		}
	if (argc > 0 && i == sizeof(commands) / sizeof(commands[0]))
		bad_usage("no such command: %s", argv[0]);
	usage(stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	static int text;		/* an enum fetch_text */
	static const struct option options[] = {
		{ "collateral", required_argument, NULL, 'c' },
		{ "at", required_argument, NULL, 'a' },
		{ "report-data", required_argument, NULL, 'r' },
		{ "policy", required_argument, NULL, 'p' },
		{ "seen", required_argument, NULL, 's' },
		{ "event-log", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "fmspc", required_argument, &text, FETCH_FMSPC },
		{ "quote", required_argument, &text, FETCH_QUOTE },
		{ "vcek", required_argument, &text, FETCH_VCEK },
		{ "ca", required_argument, &text, FETCH_CA },
		{ "tee", required_argument, &text, FETCH_TEE },
		{ "update", required_argument, &text, FETCH_UPDATE },
		{ "product", required_argument, &text, FETCH_PRODUCT },
		{ "url", required_argument, &text, FETCH_URL },
		{ "refresh", no_argument, NULL, 'f' },
		{ "offline", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	static struct options o;
	int ch;

	o.at = time(NULL);
	policy_default(&o.policy);
	while ((ch = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (ch) {
		case 'c': o.directory = optarg; break;
		case 'a': o.at = take_time(optarg); break;
		case 'r': take_report_data(&o.policy, optarg); break;
		case 'p': take_policy(&o.policy, optarg); break;
		case 's': o.seen = optarg; break;
		case 'e': o.event_log = optarg; break;
		case 'j': json = 1; break;
		case 'f': o.fetch.refresh = 1; break;
		case 'o': o.forecast.is_offline = 1; break;
		case 0:
			o.fetch.text[text] = optarg;
			if (text == FETCH_URL)
				take_url(&o.forecast, optarg);
			break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	return run(&o, argc - optind, argv + optind);
}
