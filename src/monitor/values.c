/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader for each kind of value that a keyword of the configuration has.
 * Runs in the monitor before anything is started, and in tee-runnerctl.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "parse.h"

const char *
value_expected(const struct keyword *k, char *text, size_t size)
{
	static const char *const texts[] = {
		[HOST] = "host:port",
		[HOSTS] = "host:port",
		[PATH] = "an absolute path",
		[CA] = "an absolute path",
		[SECRET] = "an absolute path, or credential:NAME",
		[GROUP] = "the name of a group",
		[ADDRESS] = "an address, 0x and 40 hex digits",
		[ADDRESSES] = "an address, 0x and 40 hex digits",
		[POINT] = "a compressed public key, 0x and 66 hex digits that "
			  "begin with 02 or 03",
		[HASH] = "a hash, 0x and 64 hex digits",
		[URL] = "http://host or https://host, with a port or without, "
			"and no path",
		[URLS] = "http://host... or https://host...",
		[SUBJECT] = "a subject of NATS: words with a dot between two",
		[LOOPBACK] = "127.0.0.1:port or [::1]:port",
		[INCLUDE] = "an absolute path, with wildcards or without",
	};
	const struct choice *x;

	switch (k->kind) {
	case NUMBER:
	case NUMBER64:
		snprintf(text, size, "a number from %llu to %llu",
		    (unsigned long long)k->min, (unsigned long long)k->max);
		break;
	case SECONDS:
		snprintf(text, size,
		    "a time from %llu to %llu seconds, such "
		    "as 90, 90s, 5m, 2h, 1d",
		    (unsigned long long)k->min, (unsigned long long)k->max);
		break;
	case CHOICE:
	case CHOICES:
		snprintf(text, size, "one of");
		for (x = k->choices; x->name != NULL; x++)
			snprintf(text + strlen(text), size - strlen(text),
			    "%s %s", x == k->choices ? "" : ",", x->name);
		break;
	default: snprintf(text, size, "%s", texts[k->kind]);
	}
	return text;
}

/* A key that was written in the place of its file's name is not printed. */
static int
is_secret(const struct keyword *k, const char *v)
{
	return (k->kind == SECRET || k->kind == PATH) && strlen(v) >= 32 &&
	    strchr(v, '/') == NULL;
}

static int
bad_value(struct parse *p, const struct keyword *k, const char *v)
{
	char text[128];

	if (is_secret(k, v))
		return parse_fault(p, "expected %s, not the key itself",
		    value_expected(k, text, sizeof(text)));
	return parse_fault(
	    p, "%s: expected %s", v, value_expected(k, text, sizeof(text)));
}

static int
read_text(struct parse *p, char *dst, size_t size, const char *v)
{
	if (strlen(v) >= size)
		return parse_fault(
		    p, "%s: expected at most %zu characters", v, size - 1);
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
		return bad_value(p, k, v);
	return read_text(p, parse_value(p, k), CONF_HOST, v);
}

static int
read_loopback(struct parse *p, const struct keyword *k, const char *v)
{
	if (!is_host_port(v) ||
	    (strncmp(v, "127.0.0.1:", 10) != 0 && strncmp(v, "[::1]:", 6) != 0))
		return bad_value(p, k, v);
	return read_text(p, parse_value(p, k), CONF_HOST, v);
}

static int
read_path(struct parse *p, const struct keyword *k, const char *v)
{
	if (*v != '/')
		return bad_value(p, k, v);
	return read_text(p, parse_value(p, k), CONF_PATH, v);
}

/* Words of letters, digits, - and _. */
static int
read_subject(struct parse *p, const struct keyword *k, const char *v)
{
	const size_t n = strlen(v);

	if (strspn(v,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_.") != n ||
	    *v == '.' || v[n - 1] == '.' || strstr(v, "..") != NULL)
		return bad_value(p, k, v);
	return read_text(p, parse_value(p, k), CONF_SUBJECT, v);
}

/* Whether there is such a group, conf_check.c says. */
static int
read_group(struct parse *p, const struct keyword *k, const char *v)
{
	if (strcspn(v, " \t:") != strlen(v))
		return bad_value(p, k, v);
	return read_text(p, parse_value(p, k), CONF_GROUP, v);
}

/* A path, which may name a credential of systemd.  Only the process that needs
 * the file reads it. */
static int
read_secret(struct parse *p, const struct keyword *k, const char *v)
{
	static const char prefix[] = "credential:";
	const char *name = v + sizeof(prefix) - 1, *dir;
	char path[2 * CONF_PATH];

	if (strncmp(v, prefix, sizeof(prefix) - 1) != 0)
		return read_path(p, k, v);
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return bad_value(p, k, v);
	dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir == NULL || *dir != '/')
		return parse_fault(p,
		    "%s: credentials need systemd: "
		    "CREDENTIALS_DIRECTORY is not set",
		    v);
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return parse_fault(p, "%s: its path is too long", v);
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
		return bad_value(p, k, v);
	memcpy(parse_value(p, k), &n, sizeof(n));
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
		return bad_value(p, k, v);
	n32 = (uint32_t)n;
	memcpy(parse_value(p, k), &n32, sizeof(n32));
	return 0;
}

static int
read_seconds(struct parse *p, const struct keyword *k, const char *v)
{
	static const struct {
		const char *suffix;
		uint32_t times;
	} units[] = {
		{ "", 1 },
		{ "s", 1 },
		{ "m", 60 },
		{ "h", 3600 },
		{ "d", 86400 },
	};
	uint64_t n;
	uint32_t seconds;
	char *end;
	size_t i;

	if (read_digits(v, &n, &end) != 0)
		return bad_value(p, k, v);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0)
			break;
	if (i == sizeof(units) / sizeof(units[0]) || n > UINT32_MAX ||
	    n * units[i].times < k->min || n * units[i].times > k->max)
		return bad_value(p, k, v);
	seconds = (uint32_t)n * units[i].times;
	memcpy(parse_value(p, k), &seconds, sizeof(seconds));
	return 0;
}

static int
read_hex(const char *v, uint8_t *out, size_t n)
{
	if (strncmp(v, "0x", 2) != 0)
		return -1;
	return hex_decode(v + 2, strlen(v + 2), out, n);
}

/* Nobody has the key of the address that is all zero: it is an example that was
 * not replaced. */
static int
check_zero(struct parse *p, const char *v)
{
	if (v[2 + strspn(v + 2, "0")] == '\0')
		return parse_fault(p, "%s: is zero: expected the real one", v);
	return 0;
}

static int
read_address(struct parse *p, const struct keyword *k, const char *v)
{
	if (read_hex(v, parse_value(p, k), 20) != 0)
		return bad_value(p, k, v);
	return check_zero(p, v);
}

static int
read_point(struct parse *p, const struct keyword *k, const char *v)
{
	uint8_t b[33];

	if (read_hex(v, b, 33) != 0 || (b[0] != 2 && b[0] != 3))
		return bad_value(p, k, v);
	memcpy(parse_value(p, k), b, 33);
	*(uint8_t *)parse_count(p, k) = 1;
	return 0;
}

static int
read_hash(struct parse *p, const struct keyword *k, const char *v)
{
	if (read_hex(v, parse_value(p, k), 32) != 0)
		return bad_value(p, k, v);
	*(uint8_t *)parse_count(p, k) = 1;
	return check_zero(p, v);
}

/* The next free entry of `size' bytes in a list; NULL: it is full. */
static void *
list_next(struct parse *p, const struct keyword *k, size_t size)
{
	const uint32_t *n = parse_count(p, k);

	if (*n == k->max) {
		parse_fault(p, "expected at most %llu of them",
		    (unsigned long long)k->max);
		return NULL;
	}
	return (char *)parse_value(p, k) + size * *n;
}

static int
read_addresses(struct parse *p, const struct keyword *k, const char *v)
{
	uint8_t *next;

	if ((next = list_next(p, k, 20)) == NULL)
		return -1;
	if (read_hex(v, next, 20) != 0)
		return bad_value(p, k, v);
	(*(uint32_t *)parse_count(p, k))++;
	return check_zero(p, v);
}

/* The next entry of a list of texts: two that are the same would count twice,
 * and one endpoint could be a quorum with itself. */
static int
list_text(struct parse *p, const struct keyword *k, size_t size, const char *v)
{
	const char *next, *have = parse_value(p, k);

	if ((next = list_next(p, k, size)) == NULL)
		return -1;
	for (; have != next; have += size)
		if (strcmp(have, v) == 0)
			return parse_fault(p, "%s: already in the list", v);
	if (read_text(p, (char *)(uintptr_t)next, size, v) != 0)
		return -1;
	(*(uint32_t *)parse_count(p, k))++;
	return 0;
}

static int
read_hosts(struct parse *p, const struct keyword *k, const char *v)
{
	if (!is_host_port(v))
		return bad_value(p, k, v);
	return list_text(p, k, CONF_HOST, v);
}

/* Check a URL, and set *host to what comes after its scheme. */
static int
check_url(
    struct parse *p, const struct keyword *k, const char *v, const char **host)
{
	const size_t scheme = strncmp(v, "https://", 8) == 0 ? 8 : 7;

	*host = v + scheme;
	if ((scheme == 7 && strncmp(v, "http://", 7) != 0) ||
	    strcspn(v + scheme, "/") == 0 || strpbrk(v, " \t") != NULL)
		return bad_value(p, k, v);
	if (v[scheme + strcspn(v + scheme, "/@")] == '@')
		return parse_fault(
		    p, "expected a URL without user name and password");
	return 0;
}

static int
read_urls(struct parse *p, const struct keyword *k, const char *v)
{
	const char *host;

	if (check_url(p, k, v, &host) != 0)
		return -1;
	return list_text(p, k, CONF_URL, v);
}

static int
read_url(struct parse *p, const struct keyword *k, const char *v)
{
	const char *host;

	if (check_url(p, k, v, &host) != 0)
		return -1;
	if (strpbrk(host, "/?#") != NULL)
		return bad_value(p, k, v);
	return read_text(p, parse_value(p, k), CONF_URL, v);
}

static int
read_choice(struct parse *p, const struct keyword *k, const char *v)
{
	const struct choice *x;

	for (x = k->choices; x->name != NULL; x++)
		if (strcmp(x->name, v) == 0) {
			memcpy(parse_value(p, k), &x->value, sizeof(x->value));
			return 0;
		}
	return bad_value(p, k, v);
}

/* Repeated: each adds its bit. */
static int
read_choices(struct parse *p, const struct keyword *k, const char *v)
{
	const struct choice *x;

	for (x = k->choices; x->name != NULL; x++)
		if (strcmp(x->name, v) == 0) {
			*(uint32_t *)parse_value(p, k) |= x->value;
			return 0;
		}
	return bad_value(p, k, v);
}

static int
read_include(struct parse *p, const struct keyword *k, const char *v)
{
	if (*v != '/')
		return bad_value(p, k, v);
	return parse_include(p, v);
}

static int (*const readers[])(
    struct parse *, const struct keyword *, const char *) = {
	[HOST] = read_host,
	[HOSTS] = read_hosts,
	[PATH] = read_path,
	[CA] = read_path,
	[SECRET] = read_secret,
	[GROUP] = read_group,
	[NUMBER] = read_number,
	[NUMBER64] = read_number64,
	[SECONDS] = read_seconds,
	[ADDRESS] = read_address,
	[ADDRESSES] = read_addresses,
	[POINT] = read_point,
	[URL] = read_url,
	[URLS] = read_urls,
	[SUBJECT] = read_subject,
	[CHOICE] = read_choice,
	[CHOICES] = read_choices,
	[LOOPBACK] = read_loopback,
	[HASH] = read_hash,
	[INCLUDE] = read_include,
};

int
value_read(struct parse *p, const struct keyword *k, const char *v)
{
	return readers[k->kind](p, k, v);
}

int
value_is_list(const struct keyword *k)
{
	return k->kind == ADDRESSES || k->kind == HOSTS || k->kind == URLS ||
	    k->kind == CHOICES || k->kind == INCLUDE;
}
