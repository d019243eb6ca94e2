/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file, line by line; an unknown keyword is an error.  Runs
 * in the monitor before anything is started, and in tee-runnerctl.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_text.h"
#include "parse.h"
#include "sha256.h"

#define FAULTS_MAX	40	/* that are told, of one file */
#define FILE_LIMIT	(1024 * 1024)
#define LINE_LIMIT	1022		/* characters */
#define INCLUDED_MAX	64		/* files */
#define INCLUDED_PATH	256

/* Of each keyword in the file that was read last. */
static struct place places[CONF_CHAINS][KEYWORDS_MAX];
static const char *main_path;
/* Names of the included files, for places. */
static char included[INCLUDED_MAX][INCLUDED_PATH];
static size_t n_included;

void *
parse_value(const struct parse *p, const struct keyword *k)
{
	return keyword_field(p->c, k, k->offset, p->chain);
}

void *
parse_count(const struct parse *p, const struct keyword *k)
{
	return keyword_field(p->c, k, k->count, p->chain);
}

static struct place *
place_of(uint32_t chain, const struct keyword *k)
{
	return &places[keyword_is_of_chain(k) ? chain : 0][k - keywords];
}

static const struct keyword *
keyword_at(size_t offset)
{
	const struct keyword *k = keywords;

	while (k->offset != offset)
		k++;
	return k;
}

static void
write_fault(FILE *err, const struct place *at, const char *name,
    const char *fmt, va_list ap)
{
	fprintf(err, "%s:", at->path);
	if (at->line != 0)
		fprintf(err, "%u:", at->line);
	fprintf(err, " %s: ", name);
	vfprintf(err, fmt, ap);
	fprintf(err, "\n");
}

int
parse_fault(struct parse *p, const char *fmt, ...)
{
	const struct place at = { p->path, p->line };
	va_list ap;

	if (p->faults++ >= FAULTS_MAX)
		return -1;
	va_start(ap, fmt);
	write_fault(p->err, &at, p->name, fmt, ap);
	va_end(ap);
	return -1;
}

int
conf_fault(FILE *err, size_t offset, uint32_t chain, const char *fmt, ...)
{
	const struct keyword *k = keyword_at(offset);
	struct place at = *place_of(chain, k);
	va_list ap;

	if (at.line == 0)
		at.path = main_path;
	va_start(ap, fmt);
	write_fault(err, &at, k->name, fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- the file ---------------------------------------------------------- */

/* Keyword and value of a line, both within it; value NULL: there is none. */
static char *
split(char *line, char **value)
{
	char *name, *s;

	line[strcspn(line, "#\r\n")] = '\0';
	name = line + strspn(line, " \t");
	s = name + strcspn(name, " \t");
	*value = NULL;
	if (*s != '\0') {
		*s++ = '\0';
		s += strspn(s, " \t");
		if (*s != '\0')
			*value = s;
		s += strlen(s);
		while (*value != NULL && (s[-1] == ' ' || s[-1] == '\t'))
			*--s = '\0';
	}
	return name;
}

/* A second chain-id begins the second chain. */
static int
next_chain(struct parse *p, const struct keyword *chain_id)
{
	if (place_of(p->chain, chain_id)->line == 0)
		return 0;
	if (p->chain == CONF_CHAINS - 1)
		return parse_fault(
		    p, "expected at most %d of them", CONF_CHAINS);
	p->chain++;
	return 0;
}

static int
fault_unknown(struct parse *p, const char *name)
{
	const char *nearest = text_nearest(name);

	if (!text_is_name(name)) {
		p->name = "line";
		return parse_fault(p,
		    "does not begin with a keyword: see tee-runnerd.conf(5)");
	}
	if (nearest != NULL)
		return parse_fault(
		    p, "unknown keyword: did you mean %s?", nearest);
	return parse_fault(p, "unknown keyword: see tee-runnerd.conf(5)");
}

static int
fault_twice(struct parse *p, const struct place *first)
{
	if (strcmp(first->path, p->path) == 0)
		return parse_fault(p, "already set in line %u", first->line);
	return parse_fault(
	    p, "already set in %s, line %u", first->path, first->line);
}

static void
parse_line(struct parse *p, char *line)
{
	const struct keyword *k = keywords;
	struct place *at;
	char *name, *value, text[128];

	name = split(line, &value);
	if (*name == '\0')
		return;
	p->name = name;
	while (k < keywords + n_keywords && strcmp(k->name, name) != 0)
		k++;
	if (k == keywords + n_keywords) {
		fault_unknown(p, name);
		return;
	}
	if (k->offset == OF(chain_id) && next_chain(p, k) != 0)
		return;
	at = place_of(p->chain, k);
	if (at->line != 0 && !value_is_list(k)) {
		fault_twice(p, at);
		return;
	}
	*at = (struct place){ p->path, p->line };
	if (value == NULL)
		parse_fault(p, "has no value: expected %s",
		    value_expected(k, text, sizeof(text)));
	else
		value_read(p, k, value);
}

/* Faults from here on are about this keyword, in its line. */
static void
set_subject(struct parse *p, const struct keyword *k)
{
	const struct place *at = place_of(p->chain, k);

	p->name = k->name;
	p->line = at->line;
	p->path = at->line == 0 ? main_path : at->path;
}

/* Set the defaults of keywords that this chain does not have; with the first
 * chain, also those of the whole configuration. */
static void
read_defaults(struct parse *p)
{
	const struct keyword *k;
	char text[128];

	for (k = keywords; k < keywords + n_keywords; k++) {
		if (p->chain != 0 && !keyword_is_of_chain(k))
			continue;
		set_subject(p, k);
		if (!keyword_is_for(k, &p->c->chains[p->chain])) {
			if (p->line != 0)
				parse_fault(p, "expected only with protocol %s",
				    k->only == ONLY_NOX ? "nox-v0" :
							  "tee-runner");
			continue;
		}
		if (p->line != 0)
			continue;
		/* The line of the chain-id that begins the chain. */
		if (p->chain != 0) {
			set_subject(p, keyword_at(OF(chain_id)));
			p->name = k->name;
		}
		if (k->default_text == NULL)
			parse_fault(p, "is missing: expected %s",
			    value_expected(k, text, sizeof(text)));
		else if (*k->default_text != '\0')
			value_read(p, k, k->default_text);
	}
}

/* With one chain the socket has its default name; with several, the chain-id is
 * appended. */
static void
name_socket(const struct parse *p, struct conf_chain *c)
{
	static const char name[] = RUNSTATEDIR "/tee-runner/control";

	if (c->control_socket[0] != '\0')
		return;
	if (p->chain == 0)
		snprintf(c->control_socket, CONF_PATH, "%s", name);
	else
		snprintf(c->control_socket, CONF_PATH, "%s.%llu", name,
		    (unsigned long long)c->chain_id);
}

static int
is_twice(const struct parse *p, const struct keyword *k)
{
	uint32_t i;

	for (i = 0; i < p->chain; i++)
		if ((k->offset == OF(chain_id) &&
			p->c->chains[i].chain_id ==
			    p->c->chains[p->chain].chain_id) ||
		    (k->offset == OF(control_socket) &&
			strcmp(p->c->chains[i].control_socket,
			    p->c->chains[p->chain].control_socket) == 0) ||
		    (k->offset == OF(http_listen) &&
			p->c->chains[i].http_listen[0] != '\0' &&
			strcmp(p->c->chains[i].http_listen,
			    p->c->chains[p->chain].http_listen) == 0))
			return 1;
	return 0;
}

/* Defaults that depend on others, and what must hold between them. */
static void
finish_chain(struct parse *p)
{
	struct conf_chain *c = &p->c->chains[p->chain];
	const struct keyword *k;

	if (c->registry_quorum == 0)
		c->registry_quorum = c->n_endpoints / 2 + 1;
	name_socket(p, c);
	for (k = keywords; k < keywords + n_keywords; k++) {
		if (!keyword_is_of_chain(k))
			continue;
		set_subject(p, k);
		if (k->offset == OF(registry_quorum) &&
		    c->registry_quorum > c->n_endpoints)
			parse_fault(p,
			    "%u: expected at most %u, the number of "
			    "registry-endpoint",
			    c->registry_quorum, c->n_endpoints);
		if (k->offset == OF(registry_max_age) &&
		    c->registry_max_age <= c->registry_refresh)
			parse_fault(p,
			    "%u: expected more than registry-refresh, "
			    "which is %u",
			    c->registry_max_age, c->registry_refresh);
		if (k->offset == OF(protocol) && c->protocol == PROTOCOL_NOX &&
		    p->c->nox_key[0] == '\0')
			parse_fault(p, "nox-v0 needs nox-key to sign");
		if (p->c->gas_key[0] == '\0' &&
		    ((k->offset == OF(register_direct) && c->register_direct) ||
			(k->offset == OF(publish) && c->publish)))
			parse_fault(p, "needs gas-key to pay for transactions");
		if (is_twice(p, k))
			parse_fault(p, "already used by another chain");
	}
}

static void
finish(struct parse *p)
{
	struct conf *c = p->c;
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const struct keyword *k;

	if (c->workers == 0)
		c->workers = cpus < 1 ? 1 : (uint32_t)cpus;
	if (c->workers > CONF_WORKERS)
		c->workers = CONF_WORKERS;
	for (k = keywords; k < keywords + n_keywords; k++) {
		set_subject(p, k);
		/* dstack's agent gives quotes of a TD. */
		if (k->offset == AT(dstack_socket) &&
		    c->dstack_socket[0] != '\0' && c->tee != TEE_CHOICE_TDX &&
		    c->tee != TEE_CHOICE_AUTO)
			parse_fault(
			    p, "expected only with tee auto or tee tdx");
	}
	for (p->chain = 0; p->chain < c->n_chains; p->chain++)
		finish_chain(p);
}

/* A line of `n' bytes: 0, or -1 if the lines after it are not to be read. */
static int
read_line(struct parse *p, char *line, size_t n)
{
	const char *fault;

	p->line++;
	p->name = "line";
	if ((fault = text_is_other(line, n)) != NULL)
		return parse_fault(p, "%s", fault);
	if ((fault = text_fault(line, n)) != NULL)
		parse_fault(p, "%s", fault);
	else if (n > LINE_LIMIT + (line[n - 1] == '\n'))
		return parse_fault(
		    p, "expected at most %d characters of text", LINE_LIMIT);
	else
		parse_line(p, line);
	return 0;
}

static int
read_lines(struct parse *p, FILE *f)
{
	char *line = NULL;
	size_t size = 0, all = 0;
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = getline(&line, &size, f)) > 0) {
		all += (size_t)n;
		r = all > FILE_LIMIT ?
		    parse_fault(p, "expected a file of at most 1 MB") :
		    read_line(p, line, (size_t)n);
	}
	free(line);
	return r;
}

/* As they are opened by the main file or by a pattern.  NULL after a fault. */
static FILE *
open_file(const char *path, const char **fault)
{
	struct stat st;
	FILE *f;

	*fault = NULL;
	/* Before it is opened: a pipe may be read. */
	if (stat(path, &st) == 0 && !S_ISFIFO(st.st_mode))
		*fault = text_mode_fault(st.st_mode);
	if (*fault != NULL)
		return NULL;
	if ((f = fopen(path, "re")) == NULL)
		*fault = strerror(errno);
	return f;
}

/* Its faults are told with its name and lines, as are those of its keywords
 * later. */
static int
include_file(const struct parse *from, struct parse *p, const char *path)
{
	const unsigned before = p->faults;
	const char *fault;
	FILE *f;

	if (n_included == INCLUDED_MAX)
		return parse_fault(
		    p, "expected at most %d included files", INCLUDED_MAX);
	if (strlen(path) >= INCLUDED_PATH)
		return parse_fault(p, "%s: expected at most %d characters",
		    path, INCLUDED_PATH - 1);
	if ((f = open_file(path, &fault)) == NULL)
		return parse_fault(p, "%s: %s", path, fault);
	p->path = strcpy(included[n_included++], path);
	p->line = 0;
	p->is_included = 1;
	(void)read_lines(p, f);
	fclose(f);
	p->path = from->path;
	p->line = from->line;
	p->name = from->name;
	p->is_included = 0;
	return p->faults == before ? 0 : -1;
}

/* A directory that does not exist has no file that matches. */
static int
on_glob_error(const char *path, int error)
{
	(void)path;
	errno = error;
	return error != ENOENT && error != ENOTDIR;
}

int
parse_include(struct parse *p, const char *pattern)
{
	const struct parse from = *p;
	glob_t g;
	size_t i;
	int r;

	if (p->is_included)
		return parse_fault(p,
		    "not in an included file: expected only in %s", main_path);
	if ((r = glob(pattern, 0, on_glob_error, &g)) == GLOB_NOMATCH)
		return 0;
	if (r != 0)
		return parse_fault(p, "%s: cannot read the directory: %s",
		    pattern, strerror(errno));
	for (i = 0; i < g.gl_pathc; i++)
		r |= include_file(&from, p, g.gl_pathv[i]);
	globfree(&g);
	return r;
}

int
conf_parse(FILE *f, const char *path, struct conf *c, FILE *err)
{
	struct parse p = { .c = c, .path = path, .err = err };

	memset(c, 0, sizeof(*c));
	memset(places, 0, sizeof(places));
	main_path = path;
	n_included = 0;
	if (read_lines(&p, f) == -1)
		return -1;
	c->n_chains = p.chain + 1;
	for (p.chain = 0; p.chain < c->n_chains; p.chain++)
		read_defaults(&p);
	p.chain = 0;
	if (p.faults == 0)
		finish(&p);
	if (p.faults > FAULTS_MAX)
		fprintf(
		    err, "%s: %u more errors\n", path, p.faults - FAULTS_MAX);
	return p.faults == 0 ? 0 : -1;
}

int
conf_read(const char *path, struct conf *c, FILE *err)
{
	const char *fault;
	FILE *f = open_file(path, &fault);
	int r;

	if (f == NULL) {
		fprintf(err, "%s: %s\n", path, fault);
		return -1;
	}
	r = conf_parse(f, path, c, err);
	fclose(f);
	return r;
}

static int
hash_file(const char *path, uint8_t hash[32])
{
	static unsigned char text[FILE_LIMIT];
	FILE *f = fopen(path, "re");
	size_t n;
	int r = -1;

	if (f == NULL)
		return -1;
	n = fread(text, 1, sizeof(text), f);
	if (ferror(f))
		;
	else if (n == sizeof(text))
		errno = EFBIG;
	else {
		sha256(text, n, hash);
		r = 0;
	}
	fclose(f);
	return r;
}

int
conf_hash_files(struct conf *c, const char *path, FILE *err)
{
	const struct keyword *k;
	const char *file;
	int r = 0;

	for (k = keywords; k < keywords + n_keywords; k++) {
		if (k->kind != CA)
			continue;
		file = keyword_field(c, k, k->offset, 0);
		if (*file != '\0' &&
		    hash_file(file, keyword_field(c, k, k->count, 0)) != 0) {
			fprintf(err, "%s: %s: %s: %s\n", path, k->name, file,
			    strerror(errno));
			r = -1;
		}
	}
	return r;
}

static void
print_line(
    const struct conf *c, const struct keyword *k, uint32_t chain, FILE *f)
{
	keyword_print(c, k, chain, "", f);
}

void
conf_print(const struct conf *c, FILE *f)
{
	keywords_each(c, print_line, f);
}
