/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration: a row for each keyword, a reader and a writer for each
 * kind of value.  Runs in the monitor, before anything is started; what it
 * does not know is an error.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "conf.h"
#include "sandbox.h"

#define FAULTS_MAX	40	/* that are told, of one file */

enum kind {
	HOST, PATH, SECRET, NUMBER, NUMBER64, SECONDS, ADDRESS, ADDRESSES, POINT,
	URLS, CHOICE, CHOICES, LOOPBACK, HASH,
};

struct choice {
	const char	*name;
	uint32_t	 value;
};
static const struct choice isolates[] = {
	{ "worker", 0 }, { "task", 1 }, { NULL, 0 },
};
static const struct choice registrations[] = {
	{ "relay", 0 }, { "direct", 1 }, { NULL, 0 },
};
static const struct choice yes_no[] = {
	{ "no", 0 }, { "yes", 1 }, { NULL, 0 },
};
static const struct choice tees[] = {
	{ "auto", TEE_CHOICE_AUTO }, { "tdx", TEE_CHOICE_TDX },
	{ "sev-snp", TEE_CHOICE_SEV_SNP }, { "cca", TEE_CHOICE_CCA },
	{ "optee", TEE_CHOICE_OPTEE }, { "insecure", TEE_CHOICE_INSECURE },
	{ NULL, 0 },
};
static const struct choice levels[] = {
	{ "error", LOG_ERR }, { "warning", LOG_WARNING }, { "info", LOG_INFO },
	{ "debug", LOG_DEBUG }, { NULL, 0 },
};

static const struct choice features[] = {
	{ "chroot", SANDBOX_CHROOT }, { "user", SANDBOX_USER },
	{ "landlock", SANDBOX_LANDLOCK }, { "seccomp", SANDBOX_SECCOMP },
	{ "mdwe", SANDBOX_MDWE }, { "nodump", SANDBOX_NODUMP },
	{ "secretmem", SANDBOX_SECRETMEM }, { "netns", SANDBOX_NETNS },
	{ "mountns", SANDBOX_MOUNTNS }, { "ports", SANDBOX_PORTS },
	{ NULL, 0 },
};

struct keyword {
	const char	*name;
	enum kind	 kind;
	size_t		 offset;	/* in struct conf */
	const char	*preset;	/* text of the default; NULL: required */
	uint64_t	 min, max;	/* numbers, SECONDS; items of a list */
	size_t		 count;		/* offset of a list's length */
	const struct choice *choices;
};
#define AT(field)	offsetof(struct conf, field)
/* Of a chain: where the first has it. */
#define OF(field)	(AT(chains) + offsetof(struct conf_chain, field))
#define OPTIONAL	""		/* a default of nothing */

static const struct keyword keywords[] = {
	{ "chain-id", NUMBER64, OF(chain_id), NULL, 1, INT64_MAX, 0, NULL },
	{ "orchestrator", HOST, OF(orchestrator), NULL, 0, 0, 0, NULL },
	{ "gateway", HOST, OF(gateway), NULL, 0, 0, 0, NULL },
	{ "tls-ca", PATH, AT(tls_ca), NULL, 0, 0, 0, NULL },
	{ "tls-certificate", PATH, AT(tls_certificate), NULL, 0, 0, 0, NULL },
	{ "tls-key", PATH, AT(tls_key), NULL, 0, 0, 0, NULL },
	{ "registry", ADDRESS, OF(registry), NULL, 0, 0, 0, NULL },
	{ "registry-endpoint", URLS, OF(endpoints), NULL, 1, CONF_ENDPOINTS,
	  OF(n_endpoints), NULL },
	{ "registry-ca", PATH, AT(registry_ca), OPTIONAL, 0, 0, 0, NULL },
	{ "registry-quorum", NUMBER, OF(registry_quorum), OPTIONAL, 1,
	  CONF_ENDPOINTS, 0, NULL },
	{ "registry-refresh", SECONDS, OF(registry_refresh), "12", 1, 3600, 0,
	  NULL },
	{ "registry-max-age", SECONDS, OF(registry_max_age), "300", 2, 86400,
	  0, NULL },
	{ "registry-depth", NUMBER, OF(registry_depth), "1", 0, 1000, 0,
	  NULL },
	{ "registry-trusted-block", HASH, OF(registry_trusted_block), OPTIONAL,
	  0, 0, OF(has_registry_trusted_block), NULL },
	{ "gas-key", SECRET, AT(gas_key), OPTIONAL, 0, 0, 0, NULL },
	{ "registration", CHOICE, OF(register_direct), "relay", 0, 0, 0,
	  registrations },
	{ "publish", CHOICE, OF(publish), "no", 0, 0, 0, yes_no },
	{ "publish-interval", SECONDS, OF(publish_interval), "10", 1, 86400,
	  0, NULL },
	{ "gas-max-fee", NUMBER, OF(gas_max_fee), "200", 1, 1000000, 0,
	  NULL },
	{ "pin-orchestrator", ADDRESSES, OF(pin_orchestrators), OPTIONAL, 0,
	  CONF_PINS, OF(n_pin_orchestrators), NULL },
	{ "pin-gateway", ADDRESSES, OF(pin_gateways), OPTIONAL, 0, CONF_PINS,
	  OF(n_pin_gateways), NULL },
	{ "pin-kms-key", POINT, OF(pin_kms_key), OPTIONAL, 0, 0,
	  OF(has_pin_kms_key), NULL },
	{ "workers", NUMBER, AT(workers), OPTIONAL, 1, 64, 0, NULL },
	{ "isolate", CHOICE, AT(isolate_task), "worker", 0, 0, 0, isolates },
	{ "max-tasks", NUMBER, AT(max_tasks), "256", 1, 4096, 0, NULL },
	{ "min-time", SECONDS, AT(min_time), "2", 1, 600, 0, NULL },
	{ "task-timeout", SECONDS, AT(task_timeout), "5", 1, 600, 0, NULL },
	{ "fetch-timeout", SECONDS, AT(fetch_timeout), "10", 1, 600, 0, NULL },
	{ "suspect-time", SECONDS, AT(suspect_time), "60", 1, 86400, 0, NULL },
	{ "tee", CHOICE, AT(tee), "auto", 0, 0, 0, tees },
	{ "dstack-socket", PATH, AT(dstack_socket), OPTIONAL, 0, 0, 0, NULL },
	{ "rtmr-extend", NUMBER, AT(rtmr_extend), OPTIONAL, 2, 3, 0, NULL },
	{ "registration-life", SECONDS, AT(registration_life), "86400", 60,
	  31536000, 0, NULL },
	{ "control-socket", PATH, OF(control_socket), OPTIONAL, 0, 0, 0,
	  NULL },
	{ "http-listen", LOOPBACK, OF(http_listen), OPTIONAL, 0, 0, 0, NULL },
	{ "log-level", CHOICE, AT(log_level), "info", 0, 0, 0, levels },
	{ "require", CHOICES, AT(require), OPTIONAL, 0, 0, 0, features },
	{ "drain-timeout", SECONDS, AT(drain_timeout), "30", 1, 3600, 0,
	  NULL },
	{ "chroot", PATH, AT(chroot), RUNSTATEDIR "/tee-runner/empty", 0, 0, 0,
	  NULL },
	{ "uid-base", NUMBER, AT(uid_base), OPTIONAL, 1, UINT32_MAX - 64, 0,
	  NULL },
};
#define N_KEYWORDS	(sizeof(keywords) / sizeof(keywords[0]))

struct parse {
	struct conf	*c;
	const char	*path;
	unsigned	 line;		/* 0: of no line, but of the whole */
	const char	*name;		/* of the keyword, for faults */
	uint32_t	 chain;		/* that lines are about */
	unsigned	 faults;
	unsigned	 seen[CONF_CHAINS][N_KEYWORDS];	/* in which line */
	FILE		*err;
};

static int
is_of_chain(const struct keyword *k)
{
	return k->offset >= AT(chains) &&
	    k->offset < AT(chains) + sizeof(((struct conf *)0)->chains);
}

/* A keyword's field, or that of its count: in the n-th chain, if it is of one. */
static void *
field(const struct conf *c, const struct keyword *k, size_t offset, uint32_t n)
{
	return (char *)(uintptr_t)c + offset +
	    (is_of_chain(k) ? n * sizeof(c->chains[0]) : 0);
}

static void *
value_at(const struct parse *p, const struct keyword *k)
{
	return field(p->c, k, k->offset, p->chain);
}

static void *
count_at(const struct parse *p, const struct keyword *k)
{
	return field(p->c, k, k->count, p->chain);
}

/* The line that set it; 0: none has. */
static unsigned *
seen_at(struct parse *p, const struct keyword *k)
{
	return &p->seen[is_of_chain(k) ? p->chain : 0][k - keywords];
}

static int __attribute__((format(printf, 2, 3)))
fault(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	if (p->faults++ >= FAULTS_MAX)
		return -1;
	fprintf(p->err, "%s:", p->path);
	if (p->line != 0)
		fprintf(p->err, "%u:", p->line);
	fprintf(p->err, " %s: ", p->name);
	va_start(ap, fmt);
	vfprintf(p->err, fmt, ap);
	va_end(ap);
	fprintf(p->err, "\n");
	return -1;
}

/* ---- values -------------------------------------------------------------- */

/* What this keyword takes, for faults: into `text', which it returns. */
static const char *
expected(const struct keyword *k, char *text, size_t size)
{
	static const char *const texts[] = {
		[HOST] = "host:port", [PATH] = "an absolute path",
		[SECRET] = "an absolute path, or credential:NAME",
		[ADDRESS] = "an address, 0x and 40 hex digits",
		[ADDRESSES] = "an address, 0x and 40 hex digits",
		[POINT] = "a compressed public key, 0x and 66 hex digits that "
		    "begin with 02 or 03",
		[HASH] = "a hash, 0x and 64 hex digits",
		[URLS] = "http://host... or https://host...",
		[LOOPBACK] = "127.0.0.1:port or [::1]:port",
	};
	const struct choice *x;

	switch (k->kind) {
	case NUMBER: case NUMBER64:
		snprintf(text, size, "a number from %llu to %llu",
		    (unsigned long long)k->min, (unsigned long long)k->max);
		break;
	case SECONDS:
		snprintf(text, size, "a time from %llu to %llu seconds, such "
		    "as 90, 90s, 5m, 2h, 1d", (unsigned long long)k->min,
		    (unsigned long long)k->max);
		break;
	case CHOICE: case CHOICES:
		snprintf(text, size, "one of");
		for (x = k->choices; x->name != NULL; x++)
			snprintf(text + strlen(text), size - strlen(text),
			    "%s %s", x == k->choices ? "" : ",", x->name);
		break;
	default:
		snprintf(text, size, "%s", texts[k->kind]);
	}
	return text;
}

static int
bad(struct parse *p, const struct keyword *k, const char *v)
{
	char text[128];

	return fault(p, "%s: expected %s", v, expected(k, text, sizeof(text)));
}

static int
read_text(struct parse *p, char *dst, size_t size, const char *v)
{
	if (strlen(v) >= size)
		return fault(p, "%s: expected at most %zu characters", v,
		    size - 1);
	strcpy(dst, v);
	return 0;
}

/* host:port, [v6]:port: 1 or 0. */
static int
is_host_port(const char *v)
{
	const char *colon = strrchr(v, ':');
	size_t host = colon == NULL ? 0 : (size_t)(colon - v);
	unsigned long port;
	char *end;

	if (host == 0 || colon[1] < '1' || colon[1] > '9')
		return 0;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > 65535)
		return 0;
	if (*v == '[')
		return host > 3 && colon[-1] == ']' &&
		    strspn(v + 1, "0123456789abcdefABCDEF:.") == host - 2;
	return strcspn(v, ":/@[] \t") == host;
}

static int
read_host(struct parse *p, const struct keyword *k, const char *v)
{
	if (!is_host_port(v))
		return bad(p, k, v);
	return read_text(p, value_at(p, k), CONF_HOST, v);
}

static int
read_loopback(struct parse *p, const struct keyword *k, const char *v)
{
	if (!is_host_port(v) || (strncmp(v, "127.0.0.1:", 10) != 0 &&
	    strncmp(v, "[::1]:", 6) != 0))
		return bad(p, k, v);
	return read_text(p, value_at(p, k), CONF_HOST, v);
}

static int
read_path(struct parse *p, const struct keyword *k, const char *v)
{
	if (*v != '/')
		return bad(p, k, v);
	return read_text(p, value_at(p, k), CONF_PATH, v);
}

/* A path, which may be that of a credential of systemd's.  What is in the file only
 * the process reads that needs it. */
static int
read_secret(struct parse *p, const struct keyword *k, const char *v)
{
	static const char prefix[] = "credential:";
	const char *name = v + sizeof(prefix) - 1, *dir;
	char path[2 * CONF_PATH];

	if (strncmp(v, prefix, sizeof(prefix) - 1) != 0)
		return read_path(p, k, v);
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return bad(p, k, v);
	dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir == NULL || *dir != '/')
		return fault(p, "%s: expected a service of systemd's, which "
		    "gives it: there is no CREDENTIALS_DIRECTORY", v);
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return fault(p, "%s: its path is too long", v);
	return read_path(p, k, path);
}

/* Digits up to *end: 0, or -1. */
static int
read_digits(const char *v, uint64_t *n, char **end)
{
	if (*v < '0' || *v > '9')
		return -1;
	errno = 0;
	*n = strtoull(v, end, 10);
	return errno == 0 ? 0 : -1;
}

static int
read_number64(struct parse *p, const struct keyword *k, const char *v)
{
	uint64_t n;
	char *end;

	if (read_digits(v, &n, &end) != 0 || *end != '\0' || n < k->min ||
	    n > k->max)
		return bad(p, k, v);
	memcpy(value_at(p, k), &n, sizeof(n));
	return 0;
}

static int
read_number(struct parse *p, const struct keyword *k, const char *v)
{
	uint64_t n;
	uint32_t n32;
	char *end;

	if (read_digits(v, &n, &end) != 0 || *end != '\0' || n < k->min ||
	    n > k->max)
		return bad(p, k, v);
	n32 = (uint32_t)n;
	memcpy(value_at(p, k), &n32, sizeof(n32));
	return 0;
}

static int
read_seconds(struct parse *p, const struct keyword *k, const char *v)
{
	static const struct { const char *suffix; uint32_t times; } units[] = {
		{ "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 },
		{ "d", 86400 },
	};
	uint64_t n;
	uint32_t seconds;
	char *end;
	size_t i;

	if (read_digits(v, &n, &end) != 0)
		return bad(p, k, v);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0)
			break;
	if (i == sizeof(units) / sizeof(units[0]) || n > UINT32_MAX ||
	    n * units[i].times < k->min || n * units[i].times > k->max)
		return bad(p, k, v);
	seconds = (uint32_t)n * units[i].times;
	memcpy(value_at(p, k), &seconds, sizeof(seconds));
	return 0;
}

static int
read_hex(const char *v, uint8_t *out, size_t n)
{
	unsigned byte;
	size_t i;

	if (strncmp(v, "0x", 2) != 0 || strlen(v) != 2 + 2 * n ||
	    strspn(v + 2, "0123456789abcdefABCDEF") != 2 * n)
		return -1;
	for (i = 0; i < n; i++) {
		sscanf(v + 2 + 2 * i, "%2x", &byte);
		out[i] = (uint8_t)byte;
	}
	return 0;
}

static int
read_address(struct parse *p, const struct keyword *k, const char *v)
{
	if (read_hex(v, value_at(p, k), 20) != 0)
		return bad(p, k, v);
	return 0;
}

static int
read_point(struct parse *p, const struct keyword *k, const char *v)
{
	uint8_t b[33];

	if (read_hex(v, b, 33) != 0 || (b[0] != 2 && b[0] != 3))
		return bad(p, k, v);
	memcpy(value_at(p, k), b, 33);
	*(uint8_t *)count_at(p, k) = 1;
	return 0;
}

static int
read_hash(struct parse *p, const struct keyword *k, const char *v)
{
	if (read_hex(v, value_at(p, k), 32) != 0)
		return bad(p, k, v);
	*(uint8_t *)count_at(p, k) = 1;
	return 0;
}

/* Room for one more entry of `size' bytes in a list: NULL where it is full. */
static void *
list_next(struct parse *p, const struct keyword *k, size_t size)
{
	const uint32_t *n = count_at(p, k);

	if (*n == k->max) {
		fault(p, "expected at most %llu of them",
		    (unsigned long long)k->max);
		return NULL;
	}
	return (char *)value_at(p, k) + size * *n;
}

static int
read_addresses(struct parse *p, const struct keyword *k, const char *v)
{
	uint8_t *next;

	if ((next = list_next(p, k, 20)) == NULL)
		return -1;
	if (read_hex(v, next, 20) != 0)
		return bad(p, k, v);
	(*(uint32_t *)count_at(p, k))++;
	return 0;
}

static int
read_url(struct parse *p, const struct keyword *k, const char *v)
{
	const size_t scheme = strncmp(v, "https://", 8) == 0 ? 8 : 7;
	const char *next, *have = value_at(p, k);

	if ((scheme == 7 && strncmp(v, "http://", 7) != 0) ||
	    strcspn(v + scheme, "/") == 0 || strpbrk(v, " \t") != NULL)
		return bad(p, k, v);
	if ((next = list_next(p, k, CONF_URL)) == NULL)
		return -1;
	/* Else one endpoint could be a quorum with itself. */
	for (; have != next; have += CONF_URL)
		if (strcmp(have, v) == 0)
			return fault(p, "%s: expected another than before", v);
	if (read_text(p, (char *)(uintptr_t)next, CONF_URL, v) != 0)
		return -1;
	(*(uint32_t *)count_at(p, k))++;
	return 0;
}

static int
read_choice(struct parse *p, const struct keyword *k, const char *v)
{
	const struct choice *x;

	for (x = k->choices; x->name != NULL; x++)
		if (strcmp(x->name, v) == 0) {
			memcpy(value_at(p, k), &x->value,
			    sizeof(x->value));
			return 0;
		}
	return bad(p, k, v);
}

/* Repeated: each adds its bit. */
static int
read_choices(struct parse *p, const struct keyword *k, const char *v)
{
	const struct choice *x;

	for (x = k->choices; x->name != NULL; x++)
		if (strcmp(x->name, v) == 0) {
			*(uint32_t *)value_at(p, k) |= x->value;
			return 0;
		}
	return bad(p, k, v);
}

static int (*const readers[])(struct parse *, const struct keyword *,
    const char *) = {
	[HOST] = read_host, [PATH] = read_path, [SECRET] = read_secret,
	[NUMBER] = read_number,
	[NUMBER64] = read_number64, [SECONDS] = read_seconds, [ADDRESS] = read_address,
	[ADDRESSES] = read_addresses, [POINT] = read_point,
	[URLS] = read_url, [CHOICE] = read_choice,
	[CHOICES] = read_choices, [LOOPBACK] = read_loopback,
	[HASH] = read_hash,
};

static int
is_list(const struct keyword *k)
{
	return k->kind == ADDRESSES || k->kind == URLS || k->kind == CHOICES;
}

/* ---- the file ------------------------------------------------------------ */

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
	if (*seen_at(p, chain_id) == 0)
		return 0;
	if (p->chain == CONF_CHAINS - 1)
		return fault(p, "expected at most %d of them", CONF_CHAINS);
	p->chain++;
	return 0;
}

static void
parse_line(struct parse *p, char *line)
{
	const struct keyword *k = keywords;
	char *name, *value, text[128];

	name = split(line, &value);
	if (*name == '\0')
		return;
	p->name = name;
	while (k < keywords + N_KEYWORDS && strcmp(k->name, name) != 0)
		k++;
	if (k == keywords + N_KEYWORDS)
		fault(p, "no such keyword: expected one of "
		    "tee-runnerd.conf(5)");
	else if (k->offset == OF(chain_id) && next_chain(p, k) != 0)
		;
	else if (*seen_at(p, k) != 0 && !is_list(k))
		fault(p, "set in line %u already: expected once",
		    *seen_at(p, k));
	else {
		*seen_at(p, k) = p->line;
		if (value == NULL)
			fault(p, "has no value: expected %s",
			    expected(k, text, sizeof(text)));
		else
			readers[k->kind](p, k, value);
	}
}

/* Faults from here on are about this keyword, in its line. */
static void
about(struct parse *p, const struct keyword *k)
{
	p->name = k->name;
	p->line = *seen_at(p, k);
}

/* What this chain, or with the first the whole, does not say. */
static void
read_defaults(struct parse *p)
{
	const struct keyword *k;
	char text[128];

	for (k = keywords; k < keywords + N_KEYWORDS; k++) {
		if (p->chain != 0 && !is_of_chain(k))
			continue;
		about(p, k);
		if (p->line != 0)
			continue;
		/* Where the chain that lacks it begins. */
		if (p->chain != 0)
			p->line = p->seen[p->chain][0];
		if (k->preset == NULL)
			fault(p, "is missing: expected %s",
			    expected(k, text, sizeof(text)));
		else if (*k->preset != '\0')
			readers[k->kind](p, k, k->preset);
	}
}

/* One chain's socket is named as it is by default; another's has its chain-id
 * behind that. */
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
		if ((k->offset == OF(chain_id) && p->c->chains[i].chain_id ==
		    p->c->chains[p->chain].chain_id) ||
		    (k->offset == OF(control_socket) && strcmp(
		    p->c->chains[i].control_socket,
		    p->c->chains[p->chain].control_socket) == 0))
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
	for (k = keywords; k < keywords + N_KEYWORDS; k++) {
		if (!is_of_chain(k))
			continue;
		about(p, k);
		if (k->offset == OF(registry_quorum) &&
		    c->registry_quorum > c->n_endpoints)
			fault(p, "%u: expected at most %u, the number of "
			    "registry-endpoint", c->registry_quorum,
			    c->n_endpoints);
		if (k->offset == OF(registry_max_age) &&
		    c->registry_max_age <= c->registry_refresh)
			fault(p, "%u: expected more than registry-refresh, "
			    "which is %u", c->registry_max_age,
			    c->registry_refresh);
		if (p->c->gas_key[0] == '\0' &&
		    ((k->offset == OF(register_direct) && c->register_direct) ||
		    (k->offset == OF(publish) && c->publish)))
			fault(p, "expected a gas-key, to pay for it");
		if (is_twice(p, k))
			fault(p, "expected another than the chain before has");
	}
}

static void
finish(struct parse *p)
{
	struct conf *c = p->c;
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const struct keyword *k;

	if (c->workers == 0)
		c->workers = cpus < 1 ? 1 : cpus > 64 ? 64 : (uint32_t)cpus;
	for (k = keywords; k < keywords + N_KEYWORDS; k++) {
		about(p, k);
		/* What it gives are a TD's quotes. */
		if (k->offset == AT(dstack_socket) &&
		    c->dstack_socket[0] != '\0' && c->tee != TEE_CHOICE_TDX &&
		    c->tee != TEE_CHOICE_AUTO)
			fault(p, "expected only with tee auto or tee tdx");
	}
	for (p->chain = 0; p->chain < c->n_chains; p->chain++)
		finish_chain(p);
}

int
conf_parse(FILE *f, const char *path, struct conf *c, FILE *err)
{
	struct parse p = { .c = c, .path = path, .err = err };
	char line[1024];

	memset(c, 0, sizeof(*c));
	while (fgets(line, sizeof(line), f) != NULL) {
		p.line++;
		p.name = "line";
		if (strchr(line, '\n') == NULL && !feof(f)) {
			fault(&p, "expected at most %zu characters of text",
			    sizeof(line) - 2);
			break;
		}
		parse_line(&p, line);
	}
	c->n_chains = p.chain + 1;
	for (p.chain = 0; p.chain < c->n_chains; p.chain++)
		read_defaults(&p);
	p.chain = 0;
	if (p.faults == 0)
		finish(&p);
	if (p.faults > FAULTS_MAX)
		fprintf(err, "%s: and %u faults more\n", path,
		    p.faults - FAULTS_MAX);
	return p.faults == 0 ? 0 : -1;
}

int
conf_read(const char *path, struct conf *c, FILE *err)
{
	FILE *f = fopen(path, "re");
	int r;

	if (f == NULL) {
		fprintf(err, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	r = conf_parse(f, path, c, err);
	fclose(f);
	return r;
}

/* May roles live in this directory?  NULL, or why not.  Without root there is no
 * chroot(2), and the owner does not matter. */
static const char *
chroot_fault(const char *path)
{
	const char *fault = NULL;
	const struct dirent *e;
	struct stat st;
	DIR *d;

	if ((d = opendir(path)) == NULL || fstat(dirfd(d), &st) == -1)
		fault = strerror(errno);
	else if (geteuid() == 0 && st.st_uid != 0)
		fault = "is not owned by root";
	else if (geteuid() == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)))
		fault = "is writable by group or others";
	while (fault == NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			fault = "is not empty";
	if (d != NULL)
		closedir(d);
	return fault;
}

int
conf_check_files(const struct conf *c, const char *path, FILE *err)
{
	const struct { const char *name, *path; } files[] = {
		{ "tls-ca", c->tls_ca },
		{ "tls-certificate", c->tls_certificate },
		{ "tls-key", c->tls_key },
		{ "gas-key", c->gas_key },
		{ "registry-ca", c->registry_ca },
	};
	const char *fault;
	size_t i;
	int r = 0;

	/* If it is missing, the monitor makes it. */
	if ((access(c->chroot, F_OK) == 0 || errno != ENOENT) &&
	    (fault = chroot_fault(c->chroot)) != NULL) {
		fprintf(err, "%s: chroot: %s: %s: expected an empty directory "
		    "of root's, or a path where none is\n", path, c->chroot,
		    fault);
		r = -1;
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (*files[i].path != '\0' &&
		    access(files[i].path, R_OK) == -1) {
			fprintf(err, "%s: %s: %s: %s\n", path, files[i].name,
			    files[i].path, strerror(errno));
			r = -1;
		}
	return r;
}

/* ---- printing ------------------------------------------------------------ */

static void
print_hex(FILE *f, const char *name, const uint8_t *b, size_t n)
{
	fprintf(f, "%s 0x", name);
	while (n-- > 0)
		fprintf(f, "%02x", *b++);
	fprintf(f, "\n");
}

static void
print_keyword(const struct conf *c, const struct keyword *k, uint32_t chain,
    FILE *f)
{
	const uint8_t *at = field(c, k, k->offset, chain);
	const uint8_t *count = field(c, k, k->count, chain);
	const struct choice *x;
	uint64_t v64;
	uint32_t i, n, v;

	memcpy(&v, at, sizeof(v));
	memcpy(&n, count, sizeof(n));
	switch (k->kind) {
	case HOST: case PATH: case SECRET: case LOOPBACK:
		if (*at != '\0')
			fprintf(f, "%s %s\n", k->name, (const char *)at);
		break;
	case NUMBER: case SECONDS:
		if (v >= k->min)
			fprintf(f, "%s %u\n", k->name, v);
		break;
	case NUMBER64:
		memcpy(&v64, at, sizeof(v64));
		fprintf(f, "%s %llu\n", k->name, (unsigned long long)v64);
		break;
	case ADDRESS:
		print_hex(f, k->name, at, 20);
		break;
	case POINT:
		if (*count)
			print_hex(f, k->name, at, 33);
		break;
	case HASH:
		if (*count)
			print_hex(f, k->name, at, 32);
		break;
	case ADDRESSES:
		for (i = 0; i < n; i++)
			print_hex(f, k->name, at + 20 * i, 20);
		break;
	case URLS:
		for (i = 0; i < n; i++)
			fprintf(f, "%s %s\n", k->name,
			    (const char *)at + CONF_URL * i);
		break;
	case CHOICE: case CHOICES:
		for (x = k->choices; x->name != NULL; x++)
			if (x->value == v ||
			    (k->kind == CHOICES && (x->value & v)))
				fprintf(f, "%s %s\n", k->name, x->name);
		break;
	}
}

/* What is of no chain, then each chain. */
void
conf_print(const struct conf *c, FILE *f)
{
	uint32_t chain;
	size_t i;

	for (i = 0; i < N_KEYWORDS; i++)
		if (!is_of_chain(&keywords[i]))
			print_keyword(c, &keywords[i], 0, f);
	for (chain = 0; chain < c->n_chains; chain++)
		for (i = 0; i < N_KEYWORDS; i++)
			if (is_of_chain(&keywords[i]))
				print_keyword(c, &keywords[i], chain, f);
}
