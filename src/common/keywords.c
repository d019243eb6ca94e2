/* SPDX-License-Identifier: Apache-2.0
 *
 * The keywords of tee-runnerd.conf(5) and how their values are printed.  Runs
 * in the monitor, keys, evidence and tee-runnerctl; reads no text.
 */
#include <string.h>
#include <syslog.h>

#include "keywords.h"
#include "sandbox.h"

static const struct choice isolates[] = {
	{ "worker", 0 },
	{ "task", 1 },
	{ NULL, 0 },
};
static const struct choice registrations[] = {
	{ "relay", 0 },
	{ "direct", 1 },
	{ NULL, 0 },
};
static const struct choice yes_no[] = {
	{ "no", 0 },
	{ "yes", 1 },
	{ NULL, 0 },
};
static const struct choice protocols[] = {
	{ "tee-runner", PROTOCOL_TEE_RUNNER },
	{ "nox-v0", PROTOCOL_NOX },
	{ NULL, 0 },
};
static const struct choice tees[] = {
	{ "auto", TEE_CHOICE_AUTO },
	{ "tdx", TEE_CHOICE_TDX },
	{ "sev-snp", TEE_CHOICE_SEV_SNP },
	{ "cca", TEE_CHOICE_CCA },
	{ "optee", TEE_CHOICE_OPTEE },
	{ "insecure", TEE_CHOICE_INSECURE },
	{ NULL, 0 },
};
static const struct choice levels[] = {
	{ "error", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
	{ NULL, 0 },
};
static const struct choice formats[] = {
	{ "text", 0 },
	{ "json", 1 },
	{ NULL, 0 },
};

static const struct choice features[] = {
	{ "chroot", SANDBOX_CHROOT },
	{ "user", SANDBOX_USER },
	{ "landlock", SANDBOX_LANDLOCK },
	{ "seccomp", SANDBOX_SECCOMP },
	{ "mdwe", SANDBOX_MDWE },
	{ "nodump", SANDBOX_NODUMP },
	{ "secretmem", SANDBOX_SECRETMEM },
	{ "memlock", SANDBOX_MEMLOCK },
	{ "netns", SANDBOX_NETNS },
	{ "mountns", SANDBOX_MOUNTNS },
	{ "ports", SANDBOX_PORTS },
	{ NULL, 0 },
};

#define OPTIONAL	""		/* a default of nothing */

const struct keyword keywords[] = {
	{ "chain-id", HASHED, NUMBER64, OF(chain_id), NULL, 1, UINT32_MAX, 0,
	    NULL, EVERY_CHAIN },
	{ "protocol", HASHED, CHOICE, OF(protocol), "tee-runner", 0, 0, 0,
	    protocols, EVERY_CHAIN },
	{ "orchestrator", HASHED, HOST, OF(orchestrator), NULL, 0, 0, 0, NULL,
	    ONLY_TEE_RUNNER },
	{ "gateway", HASHED, HOST, OF(gateway), NULL, 0, 0, 0, NULL,
	    ONLY_TEE_RUNNER },
	{ "nats-server", HASHED, HOSTS, OF(nats_servers), NULL, 1,
	    CONF_ENDPOINTS, OF(n_nats_servers), NULL, ONLY_NOX },
	{ "nats-tls", HASHED, CHOICE, OF(nats_tls), "yes", 0, 0, 0, yes_no,
	    ONLY_NOX },
	{ "nats-stream", HASHED, SUBJECT, OF(nats_stream), "nox_ingestor", 0, 0,
	    0, NULL, ONLY_NOX },
	{ "nats-consumer", HASHED, SUBJECT, OF(nats_consumer),
	    "nox_ingestor_consumer", 0, 0, 0, NULL, ONLY_NOX },
	{ "nats-dead-letter", HASHED, SUBJECT, OF(nats_dead_letter), OPTIONAL,
	    0, 0, 0, NULL, ONLY_NOX },
	{ "gateway-url", HASHED, URL, OF(gateway_url), NULL, 0, 0, 0, NULL,
	    ONLY_NOX },
	{ "nox-compute", HASHED, ADDRESS, OF(nox_compute), NULL, 0, 0, 0, NULL,
	    ONLY_NOX },
	{ "nox-max-age", HASHED, SECONDS, OF(nox_max_age), OPTIONAL, 1, 604800,
	    0, NULL, ONLY_NOX },
	{ "tls-ca", HASHED, CA, AT(tls_ca), NULL, 0, 0, AT(tls_ca_sha256), NULL,
	    EVERY_CHAIN },
	{ "tls-certificate", MACHINE, PATH, AT(tls_certificate), NULL, 0, 0, 0,
	    NULL, EVERY_CHAIN },
	{ "tls-key", MACHINE, PATH, AT(tls_key), NULL, 0, 0, 0, NULL,
	    EVERY_CHAIN },
	{ "registry", HASHED, ADDRESS, OF(registry), NULL, 0, 0, 0, NULL,
	    ONLY_TEE_RUNNER },
	{ "registry-endpoint", HASHED, URLS, OF(endpoints), NULL, 1,
	    CONF_ENDPOINTS, OF(n_endpoints), NULL, EVERY_CHAIN },
	{ "registry-ca", HASHED, CA, AT(registry_ca), OPTIONAL, 0, 0,
	    AT(registry_ca_sha256), NULL, EVERY_CHAIN },
	{ "registry-quorum", HASHED, NUMBER, OF(registry_quorum), OPTIONAL, 1,
	    CONF_ENDPOINTS, 0, NULL, EVERY_CHAIN },
	{ "registry-refresh", HASHED, SECONDS, OF(registry_refresh), "12", 1,
	    3600, 0, NULL, EVERY_CHAIN },
	{ "registry-max-age", HASHED, SECONDS, OF(registry_max_age), "300", 2,
	    86400, 0, NULL, EVERY_CHAIN },
	{ "registry-depth", HASHED, NUMBER, OF(registry_depth), "1", 0, 1000, 0,
	    NULL, EVERY_CHAIN },
	{ "registry-trusted-block", HASHED, HASH, OF(registry_trusted_block),
	    OPTIONAL, 0, 0, OF(has_registry_trusted_block), NULL,
	    ONLY_TEE_RUNNER },
	{ "gas-key", MACHINE, SECRET, AT(gas_key), OPTIONAL, 0, 0, 0, NULL,
	    EVERY_CHAIN },
	{ "nox-key", MACHINE, SECRET, AT(nox_key), OPTIONAL, 0, 0, 0, NULL,
	    EVERY_CHAIN },
	{ "registration", HASHED, CHOICE, OF(register_direct), "relay", 0, 0, 0,
	    registrations, ONLY_TEE_RUNNER },
	{ "publish", HASHED, CHOICE, OF(publish), "no", 0, 0, 0, yes_no,
	    ONLY_TEE_RUNNER },
	{ "publish-interval", HASHED, SECONDS, OF(publish_interval), "10", 1,
	    86400, 0, NULL, ONLY_TEE_RUNNER },
	{ "gas-max-fee", HASHED, NUMBER, OF(gas_max_fee), "200", 1, 1000000, 0,
	    NULL, ONLY_TEE_RUNNER },
	{ "pin-orchestrator", HASHED, ADDRESSES, OF(pin_orchestrators),
	    OPTIONAL, 0, CONF_PINS, OF(n_pin_orchestrators), NULL,
	    ONLY_TEE_RUNNER },
	{ "pin-gateway", HASHED, ADDRESSES, OF(pin_gateways), OPTIONAL, 0,
	    CONF_PINS, OF(n_pin_gateways), NULL, EVERY_CHAIN },
	{ "pin-kms-key", HASHED, POINT, OF(pin_kms_key), OPTIONAL, 0, 0,
	    OF(has_pin_kms_key), NULL, EVERY_CHAIN },
	{ "workers", MACHINE, NUMBER, AT(workers), OPTIONAL, 1, CONF_WORKERS, 0,
	    NULL, EVERY_CHAIN },
	{ "isolate", HASHED, CHOICE, AT(isolate_task), "worker", 0, 0, 0,
	    isolates, EVERY_CHAIN },
	{ "max-tasks", MACHINE, NUMBER, AT(max_tasks), "256", 1, CONF_TASKS, 0,
	    NULL, EVERY_CHAIN },
	{ "min-time", HASHED, SECONDS, AT(min_time), "2", 1, 600, 0, NULL,
	    EVERY_CHAIN },
	{ "task-timeout", HASHED, SECONDS, AT(task_timeout), "5", 1, 600, 0,
	    NULL, EVERY_CHAIN },
	{ "fetch-timeout", HASHED, SECONDS, AT(fetch_timeout), "10", 1, 600, 0,
	    NULL, EVERY_CHAIN },
	{ "suspect-time", HASHED, SECONDS, AT(suspect_time), "60", 1, 86400, 0,
	    NULL, EVERY_CHAIN },
	{ "tee", HASHED, CHOICE, AT(tee), "auto", 0, 0, 0, tees, EVERY_CHAIN },
	{ "dstack-socket", MACHINE, PATH, AT(dstack_socket), OPTIONAL, 0, 0, 0,
	    NULL, EVERY_CHAIN },
	{ "rtmr-extend", HASHED, NUMBER, AT(rtmr_extend), OPTIONAL, 2, 3, 0,
	    NULL, EVERY_CHAIN },
	{ "registration-life", HASHED, SECONDS, AT(registration_life), "86400",
	    60, 31536000, 0, NULL, EVERY_CHAIN },
	{ "control-socket", MACHINE, PATH, OF(control_socket), OPTIONAL, 0, 0,
	    0, NULL, EVERY_CHAIN },
	{ "control-group", MACHINE, GROUP, AT(control_group), OPTIONAL, 0, 0, 0,
	    NULL, EVERY_CHAIN },
	{ "http-listen", MACHINE, LOOPBACK, OF(http_listen), OPTIONAL, 0, 0, 0,
	    NULL, EVERY_CHAIN },
	{ "log-level", MACHINE, CHOICE, AT(log_level), "info", 0, 0, 0, levels,
	    EVERY_CHAIN },
	{ "log-format", MACHINE, CHOICE, AT(log_json), "text", 0, 0, 0, formats,
	    EVERY_CHAIN },
	{ "require", HASHED, CHOICES, AT(require), OPTIONAL, 0, 0, 0, features,
	    EVERY_CHAIN },
	{ "drain-timeout", MACHINE, SECONDS, AT(drain_timeout), "30", 1, 3600,
	    0, NULL, EVERY_CHAIN },
	{ "chroot", MACHINE, PATH, AT(chroot), RUNSTATEDIR "/tee-runner/empty",
	    0, 0, 0, NULL, EVERY_CHAIN },
	{ "uid-base", MACHINE, NUMBER, AT(uid_base), OPTIONAL, 1,
	    UINT32_MAX - 64, 0, NULL, EVERY_CHAIN },
	/* Without a field: what the files set is attested, not their names. */
	{ "include", MACHINE, INCLUDE, AT(zero), OPTIONAL, 0, 0, 0, NULL,
	    EVERY_CHAIN },
};
const size_t n_keywords = sizeof(keywords) / sizeof(keywords[0]);
_Static_assert(
    sizeof(keywords) / sizeof(keywords[0]) <= KEYWORDS_MAX, "KEYWORDS_MAX");

int
keyword_is_of_chain(const struct keyword *k)
{
	return k->offset >= AT(chains) &&
	    k->offset < AT(chains) + sizeof(((struct conf *)0)->chains);
}

int
keyword_is_for(const struct keyword *k, const struct conf_chain *c)
{
	return k->only == EVERY_CHAIN ||
	    (k->only == ONLY_NOX) == (c->protocol == PROTOCOL_NOX);
}

void *
keyword_field(
    const struct conf *c, const struct keyword *k, size_t offset, uint32_t n)
{
	return (char *)(uintptr_t)c + offset +
	    (keyword_is_of_chain(k) ? n * sizeof(c->chains[0]) : 0);
}

static void
print_hex(FILE *f, const uint8_t *b, size_t n)
{
	fprintf(f, "0x");
	while (n-- > 0)
		fprintf(f, "%02x", *b++);
}

/* How many entries a list has; of all else, whether it is set. */
static uint32_t
entries(const struct conf *c, const struct keyword *k, uint32_t chain)
{
	const uint8_t *at = keyword_field(c, k, k->offset, chain);
	const uint8_t *count = keyword_field(c, k, k->count, chain);
	const struct choice *x = k->choices;
	uint32_t n, v;

	memcpy(&n, count, sizeof(n));
	memcpy(&v, at, sizeof(v));
	switch (k->kind) {
	case HOST:
	case URL:
	case SUBJECT:
	case PATH:
	case CA:
	case SECRET:
	case GROUP:
	case LOOPBACK: return *at != '\0';
	case NUMBER:
	case SECONDS: return v >= k->min;
	case POINT:
	case HASH: return *count;
	case ADDRESSES:
	case HOSTS:
	case URLS: return n;
	case CHOICES:
		for (n = 0; x->name != NULL; x++)
			n += (x->value & v) != 0;
		return n;
	case INCLUDE: return 0;
	case NUMBER64:
	case ADDRESS:
	case CHOICE: break;
	}
	return 1;
}

/* The i-th of the choices that are made. */
static const char *
choice_name(const struct keyword *k, uint32_t v, uint32_t i)
{
	const struct choice *x;

	for (x = k->choices; x->name != NULL; x++)
		if ((k->kind == CHOICE ? x->value == v : (x->value & v) != 0) &&
		    i-- == 0)
			return x->name;
	return "?";
}

static void
print_value(const struct keyword *k, const uint8_t *at, uint32_t i, FILE *f)
{
	uint64_t v64;
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	switch (k->kind) {
	case HOST:
	case URL:
	case SUBJECT:
	case PATH:
	case CA:
	case SECRET:
	case GROUP:
	case LOOPBACK: fprintf(f, "%s", (const char *)at); break;
	case NUMBER:
	case SECONDS: fprintf(f, "%u", v); break;
	case NUMBER64:
		memcpy(&v64, at, sizeof(v64));
		fprintf(f, "%llu", (unsigned long long)v64);
		break;
	case ADDRESS:
	case ADDRESSES: print_hex(f, at + 20 * i, 20); break;
	case POINT: print_hex(f, at, 33); break;
	case HASH: print_hex(f, at, 32); break;
	case HOSTS: fprintf(f, "%s", (const char *)at + CONF_HOST * i); break;
	case URLS: fprintf(f, "%s", (const char *)at + CONF_URL * i); break;
	case CHOICE:
	case CHOICES: fprintf(f, "%s", choice_name(k, v, i)); break;
	case INCLUDE: break;
	}
}

void
keyword_print(const struct conf *c, const struct keyword *k, uint32_t chain,
    const char *prefix, FILE *f)
{
	const uint8_t *at = keyword_field(c, k, k->offset, chain);
	const uint32_t n = entries(c, k, chain);
	uint32_t i;

	for (i = 0; i < n; i++) {
		fprintf(f, "%s%s ", prefix, k->name);
		print_value(k, at, i, f);
		fprintf(f, "\n");
	}
}

void
keywords_each(const struct conf *c, keyword_printer print, FILE *f)
{
	uint32_t chain;
	size_t i;

	for (i = 0; i < n_keywords; i++)
		if (!keyword_is_of_chain(&keywords[i]))
			print(c, &keywords[i], 0, f);
	for (chain = 0; chain < c->n_chains; chain++)
		for (i = 0; i < n_keywords; i++)
			if (keyword_is_of_chain(&keywords[i]) &&
			    keyword_is_for(&keywords[i], &c->chains[chain]))
				print(c, &keywords[i], chain, f);
}
