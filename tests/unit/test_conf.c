/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerd.conf: every keyword, every kind of fault with its message, and
 * that what is printed reads back as the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../src/monitor/conf_check.h"
#include "../../src/monitor/conf_file.h"
#include "attested.h"
#include "keywords.h"
#include "policy.h"
#include "sandbox.h"

#define REGISTRY	"0x00112233445566778899aabbccddeeff00112233"
#define OTHER		"0xffffffffffffffffffffffffffffffffffffffff"
#define POINT		"0x02aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
			"aaaaaaaaaaaaaaaa"

#define HASH		"0x00bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
			"bbbbbbbbbbbbbbcc"

/* The required keywords: 8 lines. */
static const char *const required[] = {
	"orchestrator o.example:1\n",
	"gateway [::1]:65535\n",
	"tls-ca /ca\n",
	"tls-certificate /certificate\n",
	"tls-key /key\n",
	"chain-id 1\n",
	"registry " REGISTRY "\n",
	"registry-endpoint http://a\n",
};
#define N_REQUIRED	(sizeof(required) / sizeof(required[0]))

static const char full[] =
    "orchestrator o.example:1\ngateway [::1]:65535\ntls-ca /ca\n"
    "tls-certificate /certificate\ntls-key /key\n"
    "chain-id 4294967295\nregistry " REGISTRY "\n"
    "registry-endpoint http://a\nregistry-endpoint https://b:8/c?d\n"
    "registry-endpoint http://[::1]:8545/\nregistry-ca /c a\n"
    "registry-quorum 3\nregistry-refresh 1m\nregistry-max-age 1h\n"
    "registry-depth 0\nregistry-trusted-block " HASH "\n"
    "gas-key /gas\nregistration direct\npublish yes\n"
    "publish-interval 1m\ngas-max-fee 1000000\npin-orchestrator " REGISTRY "\n"
    "pin-orchestrator " OTHER "\npin-gateway " OTHER "\n"
    "pin-kms-key " POINT "\nworkers 64\nisolate task\nmax-tasks 4096\n"
    "min-time 600\ntask-timeout 1\nfetch-timeout 2s\nsuspect-time 1d\n"
    "tee tdx\ndstack-socket /agent\nrtmr-extend 3\n"
    "registration-life 365d\ncontrol-socket /control\n"
    "control-group root\n"
    "http-listen 127.0.0.1:80\nlog-level debug\nlog-format json\n"
    "require netns\n"
    "require landlock\ndrain-timeout 7\n"
    "chroot /empty\nuid-base 70000\ninclude /nowhere/*.conf\n";

/* The keywords that a chain needs, after a chain that is complete. */
#define SECOND								\
	"chain-id 2\norchestrator p:2\ngateway g:2\n"		\
	"registry " OTHER "\n"						\
	"registry-endpoint http://a\n"

static struct conf conf;
static const struct conf_chain *const first = &conf.chains[0];
static char err[8192];

static int
parse_bytes(const char *text, size_t n)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, n, "r");
	FILE *out = fmemopen(err, sizeof(err), "w");
	int r;

	assert_true(in != NULL && out != NULL);
	err[0] = '\0';
	r = conf_parse(in, "f", &conf, out);
	fclose(in);
	fclose(out);
	return r;
}

static int
parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* The required keywords without one of them (N_REQUIRED: with all), and
 * `more'. */
static int
parse_without(size_t missing, const char *more)
{
	char text[8192] = "";
	size_t i;

	for (i = 0; i < N_REQUIRED; i++)
		if (i != missing)
			strcat(text, required[i]);
	strcat(text, more);
	return parse(text);
}

static void
every_keyword_is_read(void **unused)
{
	static const uint8_t registry[20] = { 0x00, 0x11, 0x22, 0x33, 0x44,
		0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
		0xff, 0x00, 0x11, 0x22, 0x33 };

	(void)unused;
	assert_int_equal(parse(full), 0);
	assert_string_equal(err, "");
	assert_string_equal(first->orchestrator, "o.example:1");
	assert_string_equal(first->gateway, "[::1]:65535");
	assert_string_equal(conf.tls_ca, "/ca");
	assert_string_equal(conf.tls_certificate, "/certificate");
	assert_string_equal(conf.tls_key, "/key");
	assert_true(first->chain_id == 4294967295ULL);
	assert_memory_equal(first->registry, registry, 20);
	assert_int_equal(first->n_endpoints, 3);
	assert_string_equal(first->endpoints[0], "http://a");
	assert_string_equal(first->endpoints[1], "https://b:8/c?d");
	assert_string_equal(first->endpoints[2], "http://[::1]:8545/");
	assert_string_equal(conf.registry_ca, "/c a");
	assert_int_equal(first->registry_quorum, 3);
	assert_int_equal(first->registry_refresh, 60);
	assert_int_equal(first->registry_max_age, 3600);
	assert_int_equal(first->registry_depth, 0);
	assert_string_equal(conf.gas_key, "/gas");
	assert_int_equal(first->register_direct, 1);
	assert_int_equal(first->publish, 1);
	assert_int_equal(first->publish_interval, 60);
	assert_int_equal(first->gas_max_fee, 1000000);
	assert_int_equal(first->has_registry_trusted_block, 1);
	assert_int_equal(first->registry_trusted_block[0], 0);
	assert_int_equal(first->registry_trusted_block[31], 0xcc);
	assert_int_equal(first->n_pin_orchestrators, 2);
	assert_memory_equal(first->pin_orchestrators[0], registry, 20);
	assert_int_equal(first->pin_orchestrators[1][19], 0xff);
	assert_int_equal(first->n_pin_gateways, 1);
	assert_int_equal(first->pin_gateways[0][0], 0xff);
	assert_int_equal(first->has_pin_kms_key, 1);
	assert_int_equal(first->pin_kms_key[0], 2);
	assert_int_equal(first->pin_kms_key[32], 0xaa);
	assert_int_equal(conf.workers, 64);
	assert_int_equal(conf.isolate_task, 1);
	assert_int_equal(conf.max_tasks, 4096);
	assert_int_equal(conf.min_time, 600);
	assert_int_equal(conf.task_timeout, 1);
	assert_int_equal(conf.fetch_timeout, 2);
	assert_int_equal(conf.suspect_time, 86400);
	assert_int_equal(conf.tee, TEE_CHOICE_TDX);
	assert_int_equal(conf.registration_life, 365 * 86400);
	assert_string_equal(conf.dstack_socket, "/agent");
	assert_int_equal(conf.rtmr_extend, 3);
	assert_string_equal(first->control_socket, "/control");
	assert_string_equal(first->http_listen, "127.0.0.1:80");
	assert_int_equal(conf.log_level, LOG_DEBUG);
	assert_int_equal(conf.log_json, 1);
	assert_int_equal(conf.require, SANDBOX_NETNS | SANDBOX_LANDLOCK);
	assert_int_equal(conf.drain_timeout, 7);
	assert_string_equal(conf.chroot, "/empty");
	assert_int_equal(conf.uid_base, 70000);
}

static const char full_nox[] =
    "tls-ca /ca\ntls-certificate /certificate\ntls-key /key\n"
    "chain-id 1\nprotocol nox-v0\nnox-compute " OTHER "\n"
    "nats-server n:4222\nnats-tls no\nnats-stream s\nnats-consumer c\n"
    "nats-dead-letter a.b\nnox-max-age 1d\ngateway-url https://g.example\n"
    "registry-endpoint http://a\nnox-key /wallet\n";

#define NOX								\
	"tls-ca /ca\ntls-certificate /certificate\ntls-key /key\n"	\
	"chain-id 1\nprotocol nox-v0\nnox-compute " OTHER "\n"		\
	"nats-server n:4222\ngateway-url https://g.example\n"		\
	"registry-endpoint http://a\n"

static void
a_chain_of_nox_v0_has_its_own_keywords(void **unused)
{
	(void)unused;
	assert_int_equal(parse(NOX "nox-key /wallet\n"), 0);
	assert_int_equal(first->protocol, PROTOCOL_NOX);
	assert_int_equal(first->n_nats_servers, 1);
	assert_int_equal(first->nats_tls, 1);
	assert_string_equal(first->nats_stream, "nox_ingestor");
	assert_string_equal(first->nats_consumer, "nox_ingestor_consumer");
	assert_string_equal(first->nats_dead_letter, "");
	assert_int_equal(first->nox_max_age, 0);
	assert_int_equal(parse(NOX "nox-key /wallet\nnats-server [::1]:1\n"
				   "nats-tls no\nnats-stream s\n"
				   "nats-consumer c-1\nnats-dead-letter a.b_c\n"
				   "nox-max-age 1d\n"),
	    0);
	assert_int_equal(first->n_nats_servers, 2);
	assert_string_equal(first->nats_servers[1], "[::1]:1");
	assert_int_equal(first->nats_tls, 0);
	assert_string_equal(first->nats_stream, "s");
	assert_string_equal(first->nats_consumer, "c-1");
	assert_string_equal(first->nats_dead_letter, "a.b_c");
	assert_string_equal(first->gateway_url, "https://g.example");
	assert_int_equal(first->nox_compute[0], 0xff);
	assert_int_equal(first->nox_max_age, 86400);
	assert_string_equal(conf.nox_key, "/wallet");
}

static void
the_protocols_do_not_share_keywords(void **unused)
{
	static const struct {
		const char	*text, *fault;
	} faults[] = {
		{ NOX, "protocol: nox-v0 needs nox-key to sign" },
		{ NOX "nox-key /w\norchestrator o:1\n",
		    "orchestrator: expected only with protocol tee-runner" },
		{ NOX "nox-key /w\npublish yes\n",
		    "publish: expected only with protocol tee-runner" },
		{ NOX "nox-key /w\nnats-server n:4222\n",
		    "nats-server: n:4222: already in the list" },
		{ NOX "nox-key /w\nnats-stream a..b\n",
		    "nats-stream: a..b: expected a subject of NATS" },
		{ NOX "nox-key /w\nnats-consumer >\n",
		    "nats-consumer: >: expected a subject of NATS" },
		{ NOX "nox-key /w\ngateway-url http://g/path\n",
		    "gateway-url: already set in line 8" },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		assert_int_equal(parse(faults[i].text), -1);
		assert_non_null(strstr(err, faults[i].fault));
	}
	assert_int_equal(
	    parse_without(N_REQUIRED, "gateway-url http://g/path\n"), -1);
	assert_non_null(strstr(err,
	    "gateway-url: http://g/path: expected http://host or "
	    "https://host, with a port or without, and no path"));
	assert_int_equal(parse_without(N_REQUIRED, "nats-tls no\n"), -1);
	assert_non_null(
	    strstr(err, "nats-tls: expected only with protocol nox-v0"));
}

static void
every_default_is_as_documented(void **unused)
{
	(void)unused;
	assert_int_equal(
	    parse_without(N_REQUIRED,
		"registry-endpoint http://b\nregistry-endpoint http://c\n"),
	    0);
	assert_int_equal(first->registry_quorum, 2);
	assert_int_equal(first->registry_refresh, 12);
	assert_int_equal(first->registry_max_age, 300);
	assert_int_equal(first->registry_depth, 1);
	assert_string_equal(conf.gas_key, "");
	assert_int_equal(first->register_direct, 0);
	assert_int_equal(first->publish, 0);
	assert_int_equal(first->publish_interval, 10);
	assert_int_equal(first->gas_max_fee, 200);
	assert_int_equal(first->n_pin_orchestrators, 0);
	assert_int_equal(first->n_pin_gateways, 0);
	assert_int_equal(first->has_registry_trusted_block, 0);
	assert_int_equal(first->has_pin_kms_key, 0);
	assert_in_range(conf.workers, 1, 64);
	assert_int_equal(conf.isolate_task, 0);
	assert_int_equal(conf.max_tasks, 256);
	assert_int_equal(conf.min_time, 2);
	assert_int_equal(conf.task_timeout, 5);
	assert_int_equal(conf.fetch_timeout, 10);
	assert_int_equal(conf.suspect_time, 60);
	assert_int_equal(conf.tee, TEE_CHOICE_AUTO);
	assert_int_equal(conf.registration_life, 86400);
	assert_string_equal(conf.dstack_socket, "");
	assert_int_equal(conf.rtmr_extend, 0);
	assert_string_equal(
	    first->control_socket, RUNSTATEDIR "/tee-runner/control");
	assert_string_equal(first->http_listen, "");
	assert_string_equal(conf.registry_ca, "");
	assert_int_equal(conf.log_level, LOG_INFO);
	assert_int_equal(conf.log_json, 0);
	assert_int_equal(conf.require, 0);
	assert_int_equal(conf.drain_timeout, 30);
	assert_string_equal(conf.chroot, RUNSTATEDIR "/tee-runner/empty");
	assert_int_equal(conf.uid_base, 0);
}

static void
a_credential_is_a_file_of_systemds(void **unused)
{
	char path[300];

	(void)unused;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(
	    parse_without(N_REQUIRED, "gas-key credential:g\n"), -1);
	assert_string_equal(err,
	    "f:9: gas-key: credential:g: credentials "
	    "need systemd: CREDENTIALS_DIRECTORY is not set\n");
	setenv("CREDENTIALS_DIRECTORY", "/run/c", 1);
	assert_int_equal(
	    parse_without(N_REQUIRED, "gas-key credential:g\n"), 0);
	assert_string_equal(conf.gas_key, "/run/c/g");
	assert_int_equal(
	    parse_without(N_REQUIRED, "gas-key credential:../g\n"), -1);
	assert_int_equal(
	    parse_without(N_REQUIRED, "gas-key credential:\n"), -1);
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	setenv("CREDENTIALS_DIRECTORY", path, 1);
	assert_int_equal(
	    parse_without(N_REQUIRED, "gas-key credential:g\n"), -1);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
a_quorum_is_more_than_half(void **unused)
{
	char more[1024] = "", url[64];
	unsigned n;

	(void)unused;
	for (n = 1; n <= CONF_ENDPOINTS; n++) {
		assert_int_equal(parse_without(N_REQUIRED, more), 0);
		assert_int_equal(first->n_endpoints, n);
		assert_int_equal(first->registry_quorum, n / 2 + 1);
		snprintf(url, sizeof(url), "registry-endpoint http://%u\n", n);
		strcat(more, url);
	}
}

static void
each_fault_names_line_and_remedy(void **unused)
{
#define NUMBER64 "a number from 1 to 4294967295"
#define TIMES ", such as 90, 90s, 5m, 2h, 1d"
	static const struct {
		const char *line, *fault;
	} bad[] = {
		{ "worker 1",
		    "worker: unknown keyword: did you mean workers?" },
		{ "Workers 1",
		    "Workers: unknown keyword: did you mean workers?" },
		{ "registry_depth 1",
		    "registry_depth: unknown keyword: did you mean "
		    "registry-depth?" },
		{ "http-lsiten 1",
		    "http-lsiten: unknown keyword: did you mean "
		    "http-listen?" },
		{ "nothing 1",
		    "nothing: unknown keyword: see tee-runnerd.conf(5)" },
		/* Each may be a line of a private key. */
		{ "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v",
		    "line: does not begin with a keyword: see "
		    "tee-runnerd.conf(5)" },
		{ "gas-key "
		  "00112233445566778899aabbccddeeff00112233445566778899aabbcc",
		    "gas-key: expected an absolute path, or credential:NAME, "
		    "not the key itself" },
		{ "-----BEGIN EC PRIVATE KEY-----",
		    "line: is PEM, a key or a certificate: expected `keyword "
		    "value' lines" },
		{ "workers\xc2\xa0"
		  "3",
		    "line: has a no-break space (U+00A0): replace it with a "
		    "space" },
		{ "\xef\xbb\xbfworkers 3",
		    "line: has a byte order mark (BOM): save the file as "
		    "UTF-8 without it" },
		{ "workers 3\rtee insecure",
		    "line: has a control character: remove it, and end lines "
		    "with a newline" },
		{ "pin-gateway 0x0000000000000000000000000000000000000000",
		    "pin-gateway: 0x0000000000000000000000000000000000000000: "
		    "is zero: expected the real one" },
		{ "registry-trusted-block "
		  "0x000000000000000000000000000000000000000000000000000000000"
		  "0000000",
		    "registry-trusted-block: "
		    "0x000000000000000000000000000000000000000000000000000000"
		    "0000000000: is zero: expected the real one" },
		{ "registry-endpoint https://user:secret@b/",
		    "registry-endpoint: expected a URL without user name and "
		    "password" },
		{ "workers",
		    "workers: has no value: expected a number from 1 to 64" },
		{ "workers # 4",
		    "workers: has no value: expected a number from 1 to "
		    "64" },
		{ "workers 0", "workers: 0: expected a number from 1 to 64" },
		{ "workers 65", "workers: 65: expected a number from 1 to 64" },
		{ "workers -1", "workers: -1: expected a number from 1 to 64" },
		{ "workers +1", "workers: +1: expected a number from 1 to 64" },
		{ "workers 1x", "workers: 1x: expected a number from 1 to 64" },
		{ "workers 1 2",
		    "workers: 1 2: expected a number from 1 to 64" },
		{ "workers 99999999999999999999999",
		    "workers: 99999999999999999999999: expected a number "
		    "from 1 to 64" },
		{ "uid-base 0",
		    "uid-base: 0: expected a number from 1 to 4294967231" },
		{ "uid-base 4294967297",
		    "uid-base: 4294967297: expected a number "
		    "from 1 to 4294967231" },
		{ "min-time 0",
		    "min-time: 0: expected a time from 1 to 600 "
		    "seconds" TIMES },
		{ "min-time 11m",
		    "min-time: 11m: expected a time from 1 to 600 "
		    "seconds" TIMES },
		{ "min-time 1w",
		    "min-time: 1w: expected a time from 1 to 600 "
		    "seconds" TIMES },
		{ "min-time 1ms",
		    "min-time: 1ms: expected a time from 1 to 600 "
		    "seconds" TIMES },
		{ "min-time m",
		    "min-time: m: expected a time from 1 to 600 "
		    "seconds" TIMES },
	/* 2^64 / 86400 days, and one more: not a small number */
		{ "suspect-time 213503982334602d",
		    "suspect-time: 213503982334602d: "
		    "expected a time from 1 to 86400 seconds" TIMES },
		{ "registry-ca ca.pem",
		    "registry-ca: ca.pem: expected an absolute "
		    "path" },
		{ "gas-key key",
		    "gas-key: key: expected an absolute path, or "
		    "credential:NAME" },
		{ "registration direct",
		    "registration: needs gas-key to pay for "
		    "transactions" },
		{ "publish yes",
		    "publish: needs gas-key to pay for transactions" },
		{ "publish maybe", "publish: maybe: expected one of no, yes" },
		{ "gas-max-fee 0",
		    "gas-max-fee: 0: expected a number from 1 to "
		    "1000000" },
		{ "http-listen 0.0.0.0:80",
		    "http-listen: 0.0.0.0:80: expected "
		    "127.0.0.1:port or [::1]:port" },
		{ "http-listen 127.example:80",
		    "http-listen: 127.example:80: "
		    "expected 127.0.0.1:port or [::1]:port" },
		{ "http-listen 127.0.0.1",
		    "http-listen: 127.0.0.1: expected "
		    "127.0.0.1:port or [::1]:port" },
		{ "pin-gateway 0x12",
		    "pin-gateway: 0x12: expected an address, 0x and "
		    "40 hex digits" },
		{ "pin-orchestrator " REGISTRY "00",
		    "pin-orchestrator: " REGISTRY
		    "00: expected an address, 0x and 40 hex digits" },
		{ "pin-orchestrator 1x00112233445566778899aabbccddeeff00112233",
		    "pin-orchestrator: "
		    "1x00112233445566778899aabbccddeeff00112233: "
		    "expected an address, 0x and 40 hex digits" },
		{ "pin-orchestrator 0x 0112233445566778899aabbccddeeff00112233",
		    "pin-orchestrator: 0x "
		    "0112233445566778899aabbccddeeff00112233: "
		    "expected an address, 0x and 40 hex digits" },
		{ "pin-kms-key 0x04",
		    "pin-kms-key: 0x04: expected a compressed "
		    "public key, 0x and 66 hex digits that begin with 02 "
		    "or 03" },
		{ "registry-trusted-block " REGISTRY,
		    "registry-trusted-block: " REGISTRY
		    ": expected a hash, 0x and 64 hex digits" },
		{ "registry-endpoint ftp://b",
		    "registry-endpoint: ftp://b: expected "
		    "http://host... or https://host..." },
		{ "registry-endpoint https://",
		    "registry-endpoint: https://: "
		    "expected http://host... or https://host..." },
		{ "registry-endpoint http:///x",
		    "registry-endpoint: http:///x: "
		    "expected http://host... or https://host..." },
		{ "registry-endpoint http://b c",
		    "registry-endpoint: http://b c: "
		    "expected http://host... or https://host..." },
		{ "registry-endpoint http://a",
		    "registry-endpoint: http://a: "
		    "already in the list" },
		{ "isolate both",
		    "isolate: both: expected one of worker, task" },
		{ "tee none",
		    "tee: none: expected one of auto, tdx, sev-snp, cca, "
		    "optee, insecure" },
		{ "require root",
		    "require: root: expected one of chroot, user, "
		    "landlock, seccomp, mdwe, nodump, secretmem, memlock, "
		    "netns, "
		    "mountns, ports" },
		{ "log-level loud",
		    "log-level: loud: expected one of error, warning, "
		    "info, debug" },
		{ "log-format xml",
		    "log-format: xml: expected one of text, json" },
		{ "registry-quorum 2",
		    "registry-quorum: 2: expected at most 1, the "
		    "number of registry-endpoint" },
		{ "registry-max-age 12",
		    "registry-max-age: 12: expected more than "
		    "registry-refresh, which is 12" },
	};
	static const struct {
		size_t which;
		const char *line, *fault;
	} in[] = {
		{ 0, "orchestrator o", "orchestrator: o: expected host:port" },
		{ 0,
		    "orchestrator o:", "orchestrator: o:: expected host:port" },
		{ 0, "orchestrator :1",
		    "orchestrator: :1: expected host:port" },
		{ 0, "orchestrator o:0",
		    "orchestrator: o:0: expected host:port" },
		{ 0, "orchestrator o:65536",
		    "orchestrator: o:65536: expected host:port" },
		{ 0, "orchestrator ::1:1",
		    "orchestrator: ::1:1: expected host:port" },
		{ 0, "orchestrator a b:1",
		    "orchestrator: a b:1: expected host:port" },
		{ 0, "orchestrator http://a:1",
		    "orchestrator: http://a:1: expected host:port" },
		{ 0, "orchestrator [x]:1",
		    "orchestrator: [x]:1: expected host:port" },
		{ 0, "orchestrator []:1",
		    "orchestrator: []:1: expected host:port" },
		{ 5, "chain-id 0", "chain-id: 0: expected " NUMBER64 },
		{ 5, "chain-id 4294967296",
		    "chain-id: 4294967296: "
		    "expected " NUMBER64 },
		{ 5, "chain-id 0x1", "chain-id: 0x1: expected " NUMBER64 },
	};
	char want[512], line[256];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse_without(N_REQUIRED, bad[i].line), -1);
		snprintf(want, sizeof(want), "f:9: %s\n", bad[i].fault);
		assert_string_equal(err, want);
	}
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		snprintf(line, sizeof(line), "\n%s\n", in[i].line);
		assert_int_equal(parse_without(in[i].which, line), -1);
		snprintf(want, sizeof(want), "f:9: %s\n", in[i].fault);
		assert_string_equal(err, want);
	}
}

static void
what_must_be_set_is_missed(void **unused)
{
	static const char *const wants[N_REQUIRED] = {
		"orchestrator: is missing: expected host:port",
		"gateway: is missing: expected host:port",
		"tls-ca: is missing: expected an absolute path",
		"tls-certificate: is missing: expected an absolute path",
		"tls-key: is missing: expected an absolute path",
		"chain-id: is missing: expected a number from 1 to "
		"4294967295",
		"registry: is missing: expected an address, 0x and 40 hex "
		"digits",
		"registry-endpoint: is missing: expected http://host... or "
		"https://host...",
	};
	char want[256];
	size_t i;

	(void)unused;
	for (i = 0; i < N_REQUIRED; i++) {
		assert_int_equal(parse_without(i, ""), -1);
		snprintf(want, sizeof(want), "f: %s\n", wants[i]);
		assert_string_equal(err, want);
	}
}

static void
what_is_too_long_or_too_many_is_a_fault(void **unused)
{
	char text[2048], want[4096], more[2048] = "", *s;
	unsigned n;

	(void)unused;
	memset(text, 'a', sizeof(text));
	memcpy(text, "chroot /", 8);
	text[8 + 126] = '\0';		/* 127 characters: fits */
	assert_int_equal(parse_without(N_REQUIRED, text), 0);
	assert_int_equal(strlen(conf.chroot), CONF_PATH - 1);
	text[8 + 126] = 'a';
	text[8 + 127] = '\0';
	assert_int_equal(parse_without(N_REQUIRED, text), -1);
	snprintf(want, sizeof(want),
	    "f:9: chroot: %s: expected at most 127 "
	    "characters\n",
	    text + 7);
	assert_string_equal(err, want);

	memset(text, ' ', sizeof(text));
	text[1500] = '\0';
	assert_int_equal(parse_without(N_REQUIRED, text), -1);
	assert_string_equal(
	    err, "f:9: line: expected at most 1022 characters of text\n");

	for (n = 0; n < CONF_ENDPOINTS; n++) {
		s = more + strlen(more);
		sprintf(s, "registry-endpoint http://%u\n", n);
	}
	assert_int_equal(parse_without(N_REQUIRED, more), -1);
	assert_string_equal(
	    err, "f:16: registry-endpoint: expected at most 8 of them\n");
	for (n = 0, more[0] = '\0'; n <= CONF_PINS; n++)
		strcat(more, "pin-gateway " OTHER "\n");
	assert_int_equal(parse_without(N_REQUIRED, more), -1);
	assert_string_equal(
	    err, "f:17: pin-gateway: expected at most 8 of them\n");
}

static void
all_faults_are_told(void **unused)
{
	char text[4096] = "";
	int i;

	(void)unused;
	assert_int_equal(parse_without(0, "tee x\nworkers y\nz\n"), -1);
	assert_non_null(strstr(err, "f:8: tee: x: "));
	assert_non_null(strstr(err, "f:9: workers: y: "));
	assert_non_null(strstr(err, "f:10: z: "));
	assert_non_null(strstr(err, "f: orchestrator: is missing: "));
	for (i = 0; i < 50; i++)
		strcat(text, "nonsense 1\n");
	assert_int_equal(parse_without(N_REQUIRED, text), -1);
	assert_non_null(strstr(err, "f:48: nonsense: "));
	assert_null(strstr(err, "f:49: "));
	assert_non_null(strstr(err, "f: 10 more errors\n"));
}

static void
layout_does_not_matter(void **unused)
{
	static const char nul[] = "workers 3\0 4\nworkers 5";
	char text[4096] = "";
	size_t i;

	(void)unused;
	assert_int_equal(
	    parse_without(N_REQUIRED,
		"\n\r\n# workers 1\n \t workers\t 3 \t# 4\r\n   #\ntee "
		"insecure"),
	    0);
	assert_int_equal(conf.workers, 3);
	assert_int_equal(conf.tee, TEE_CHOICE_INSECURE);
	/* A NUL hides nothing that follows it. */
	for (i = 0; i < N_REQUIRED; i++)
		strcat(text, required[i]);
	i = strlen(text);
	memcpy(text + i, nul, sizeof(nul) - 1);
	assert_int_equal(parse_bytes(text, i + sizeof(nul) - 1), -1);
	assert_string_equal(err, "f:9: line: has a NUL byte: expected text\n");
	assert_int_equal(parse_bytes("\xff\xfet\0", 4), -1);
	assert_string_equal(
	    err, "f:1: line: is UTF-16: save the file as UTF-8\n");
	/* A comment may have any character. */
	assert_int_equal(parse_without(N_REQUIRED,
			     "workers 3 #\xc2\xa0"
			     "four\n"),
	    0);
}

static void
a_second_chain_id_begins_a_second_chain(void **unused)
{
	const struct conf_chain *c = conf.chains;

	(void)unused;
	assert_int_equal(parse_without(N_REQUIRED,
			     "registry-depth 7\n"
			     "http-listen 127.0.0.1:1\npin-gateway " OTHER
			     "\n" SECOND "workers 5\nregistry-refresh 3\n"),
	    0);
	assert_string_equal(err, "");
	assert_int_equal(conf.n_chains, 2);
	assert_int_equal(conf.workers, 5);
	assert_true(c[0].chain_id == 1 && c[1].chain_id == 2);
	assert_string_equal(c[0].orchestrator, "o.example:1");
	assert_string_equal(c[1].orchestrator, "p:2");
	assert_string_equal(c[1].gateway, "g:2");
	assert_int_equal(c[1].registry[0], 0xff);
	assert_true(c[0].n_endpoints == 1 && c[1].n_endpoints == 1);
	assert_string_equal(c[1].endpoints[0], "http://a");
	/* Nothing is handed down from one to the next. */
	assert_true(c[0].registry_depth == 7 && c[1].registry_depth == 1);
	assert_true(c[0].registry_refresh == 12 && c[1].registry_refresh == 3);
	assert_true(c[0].n_pin_gateways == 1 && c[1].n_pin_gateways == 0);
	assert_string_equal(c[1].http_listen, "");
	assert_int_equal(c[1].registry_quorum, 1);
	assert_string_equal(
	    c[0].control_socket, RUNSTATEDIR "/tee-runner/control");
	assert_string_equal(
	    c[1].control_socket, RUNSTATEDIR "/tee-runner/control.2");
}

static void
a_second_chain_has_all_of_its_own(void **unused)
{
	static const struct {
		const char *more, *fault;
	} bad[] = {
		{ "chain-id 2\n",
		    "f:9: orchestrator: is missing: expected "
		    "host:port\nf:9: gateway: is missing: expected host:port\n"
		    "f:9: registry: is missing: expected an address, 0x "
		    "and 40 hex "
		    "digits\nf:9: registry-endpoint: is missing: expected "
		    "http://host... "
		    "or https://host...\n" },
		{ SECOND "registry " OTHER "\n",
		    "f:14: registry: already set in line 12\n" },
		{ "workers 1\n" SECOND "workers 2\n",
		    "f:15: workers: already set in line 9\n" },
		{ SECOND "registry-quorum 2\n",
		    "f:14: registry-quorum: 2: expected "
		    "at most 1, the number of registry-endpoint\n" },
		{ "control-socket /c\n" SECOND "control-socket /c\n",
		    "f:15: "
		    "control-socket: already used by another chain\n" },
		{ "http-listen [::1]:8\n" SECOND "http-listen [::1]:8\n",
		    "f:15: http-listen: already used by another chain\n" },
		{ "chain-id 1\norchestrator p:2\ngateway g:2\nregistry " OTHER
		  "\nregistry-endpoint http://a\n",
		    "f:9: chain-id: already used by "
		    "another chain\n" },
		{ SECOND "chain-id 3\nchain-id 4\nchain-id 5\n",
		    "f:16: chain-id: expected at most 4 of them\n" },
	};
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse_without(N_REQUIRED, bad[i].more), -1);
		assert_ptr_equal(strstr(err, bad[i].fault), err);
	}
}

static void
print_and_parse(void)
{
	static char text[8192];
	struct conf before = conf;
	FILE *f = fmemopen(text, sizeof(text), "w");

	conf_print(&conf, f);
	fclose(f);
	assert_int_equal(parse(text), 0);
	assert_string_equal(err, "");
	assert_memory_equal(&conf, &before, sizeof(conf));
}

static void
what_is_printed_reads_back(void **unused)
{
	(void)unused;
	assert_int_equal(parse(full), 0);
	print_and_parse();
	assert_int_equal(parse_without(N_REQUIRED, ""), 0);
	print_and_parse();
	assert_int_equal(parse_without(N_REQUIRED, "workers 3\n" SECOND), 0);
	print_and_parse();
}

static FILE *
source(const char *name)
{
	const char *dir = getenv("srcdir");
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "..", name);
	f = fopen(path, "r");
	assert_non_null(f);
	return f;
}

/* But the address that has to be replaced. */
static void
the_sample_has_no_fault(void **unused)
{
	FILE *f = source("contrib/tee-runnerd.conf");
	FILE *out = fmemopen(err, sizeof(err), "w");
	int r = conf_parse(f, "sample", &conf, out);

	(void)unused;
	fclose(f);
	fclose(out);
	assert_int_equal(r, -1);
	assert_non_null(strstr(err,
	    " registry: 0x0000000000000000000000000000000000000000: is zero: "
	    "expected the real one\n"));
	assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
}

static void
every_keyword_is_in_the_manual(void **unused)
{
	static char manual[65536], item[64];
	FILE *f = source("man/tee-runnerd.conf.5");
	const char *s;
	size_t n;

	(void)unused;
	n = fread(manual, 1, sizeof(manual) - 1, f);
	manual[n] = '\0';
	fclose(f);
	for (s = full; *s != '\0'; s = strchr(s, '\n') + 1) {
		snprintf(item, sizeof(item), "\n.It Ic %.*s ",
		    (int)strcspn(s, " "), s);
		assert_non_null(strstr(manual, item));
	}
}

/* ---- what is attested -------------------------------------------------- */

static const char *
attested(void)
{
	static char text[ATTESTED_MAX];
	FILE *f = fmemopen(text, sizeof(text), "w");

	attested_text(&conf, f);
	fclose(f);
	return text;
}

static void
the_attested_text_has_one_form(void **unused)
{
	static const char want[] =
	    "tee-runner configuration v1\n"
	    "tls-ca sha256:"
	    "2a00000000000000000000000000000000000000000000000000000000000000\n"
	    "registry-ca sha256:"
	    "00000000000000000000000000000000000000000000000000000000000000ff\n"
	    "isolate task\nmin-time 600\ntask-timeout 1\nfetch-timeout 2\n"
	    "suspect-time 86400\ntee tdx\nrtmr-extend 3\n"
	    "registration-life 31536000\nrequire landlock\nrequire netns\n"
	    "chain-id 4294967295\nprotocol tee-runner\n"
	    "orchestrator o.example:1\n"
	    "gateway [::1]:65535\nregistry " REGISTRY "\n"
	    "registry-endpoint http://a\nregistry-endpoint https://b:8/c?d\n"
	    "registry-endpoint http://[::1]:8545/\nregistry-quorum 3\n"
	    "registry-refresh 60\nregistry-max-age 3600\nregistry-depth 0\n"
	    "registry-trusted-block " HASH "\nregistration direct\n"
	    "publish yes\npublish-interval 60\ngas-max-fee 1000000\n"
	    "pin-orchestrator " REGISTRY "\npin-orchestrator " OTHER "\n"
	    "pin-gateway " OTHER "\npin-kms-key " POINT "\npolicy monitor ";

	(void)unused;
	assert_int_equal(parse(full), 0);
	conf.tls_ca_sha256[0] = 42;
	conf.registry_ca_sha256[31] = 0xff;
	assert_ptr_equal(strstr(attested(), want), attested());
	/* Of the roles; a role that was added must be in the document, too. */
	assert_int_equal(n_policies, 7);
	assert_non_null(strstr(attested(), "\npolicy compute sha256:"));
	assert_int_equal(parse_without(N_REQUIRED, ""), 0);
	assert_non_null(strstr(attested(), "\nregistry-ca system\n"));
}

/* A change of each keyword's value, and of the hash of each file. */
static void
the_hash_covers_what_the_table_says(void **unused)
{
	uint8_t before[32], after[32], *at;
	const struct keyword *k;

	(void)unused;
	for (k = keywords; k < keywords + n_keywords; k++) {
		assert_true(k->attested == HASHED || k->attested == MACHINE);
		assert_int_equal(
		    parse(k->only == ONLY_NOX ? full_nox : full), 0);
		attested_hash(&conf, before);
		at = keyword_field(&conf, k, k->offset, 0);
		*at ^= 1;
		attested_hash(&conf, after);
		if ((memcmp(before, after, 32) != 0) !=
		    (k->attested == HASHED && k->kind != CA))
			fail_msg("%s", k->name);
		if (k->kind != CA)
			continue;
		at = keyword_field(&conf, k, k->count, 0);
		*at ^= 1;
		attested_hash(&conf, after);
		assert_memory_not_equal(before, after, 32);
	}
}

static void
every_keyword_is_in_the_document(void **unused)
{
	static char document[65536];
	FILE *f = source("proto/REPORT-DATA.md");
	const struct keyword *k;
	const char *s;
	char row[80];
	size_t rows = 0;

	(void)unused;
	document[fread(document, 1, sizeof(document) - 1, f)] = '\0';
	fclose(f);
	for (k = keywords; k < keywords + n_keywords; k++) {
		snprintf(row, sizeof(row), "\n| `%s` | %s |", k->name,
		    k->attested != HASHED ? "no" :
			k->kind == CA	  ? "contents" :
					    "value");
		if (strstr(document, row) == NULL)
			fail_msg("expected in proto/REPORT-DATA.md:%s", row);
	}
	for (s = document; (s = strstr(s, "\n| `")) != NULL; s++)
		rows += s[5] >= 'a' && s[5] <= 'z';
	assert_int_equal(rows, n_keywords);
}

/* As long as tee-runnerd.conf(5) permits, in all chains. */
static void
the_longest_text_can_be_hashed(void **unused)
{
	struct conf_chain *c;
	uint8_t hash[32];
	size_t i, j;

	(void)unused;
	assert_int_equal(parse(full), 0);
	conf.n_chains = CONF_CHAINS;
	for (i = 0; i < CONF_CHAINS; i++) {
		c = &conf.chains[i];
		*c = conf.chains[0];
		memset(c->orchestrator, 'o', CONF_HOST - 1);
		memset(c->gateway, 'g', CONF_HOST - 1);
		c->n_endpoints = CONF_ENDPOINTS;
		for (j = 0; j < CONF_ENDPOINTS; j++)
			memset(c->endpoints[j], 'e', CONF_URL - 1);
		c->n_pin_orchestrators = c->n_pin_gateways = CONF_PINS;
	}
	attested_hash(&conf, hash);
	assert_in_range(strlen(attested()), 14000, ATTESTED_MAX / 2);
}

static void
files_that_cannot_be_hashed_are_told(void **unused)
{
	FILE *out;

	(void)unused;
	assert_int_equal(parse_without(2,
			     "tls-ca /dev/zero\n"
			     "registry-ca /nowhere\n"),
	    0);
	out = fmemopen(err, sizeof(err), "w");
	assert_int_equal(conf_hash_files(&conf, "f", out), -1);
	fclose(out);
	assert_string_equal(err,
	    "f: tls-ca: /dev/zero: File too large\n"
	    "f: registry-ca: /nowhere: No such file or directory\n");
}

static void
files_that_are_not_there_are_told(void **unused)
{
	FILE *out;

	(void)unused;
	assert_int_equal(parse_without(3,
			     "tls-certificate /dev/null\n"
			     "registry-ca /tmp\n"),
	    0);
	out = fmemopen(err, sizeof(err), "w");
	assert_int_equal(conf_check_files(&conf, out), -1);
	fclose(out);
	assert_string_equal(err,
	    "f:3: tls-ca: /ca: No such file or directory\n"
	    "f:8: tls-certificate: /dev/null: is a device: expected a file\n"
	    "f:4: tls-key: /key: No such file or directory\n"
	    "f:9: registry-ca: /tmp: is a directory: expected a file\n");
	out = fmemopen(err, sizeof(err), "w");
	assert_int_equal(conf_read("/nowhere/conf", &conf, out), -1);
	fclose(out);
	assert_string_equal(err, "/nowhere/conf: No such file or directory\n");
}

/* The message of -t about this directory. */
static void
chroot_is(const char *dir, const char *fault)
{
	char lines[128], want[256] = "";
	FILE *out;

	snprintf(lines, sizeof(lines),
	    "control-socket /tmp/no-such-socket\nchroot %s\n", dir);
	assert_int_equal(parse_without(N_REQUIRED, lines), 0);
	out = fmemopen(err, sizeof(err), "w");
	assert_int_equal(
	    conf_check_directories(&conf, out), fault == NULL ? 0 : -1);
	fclose(out);
	if (fault == NULL)
		return;
	snprintf(want, sizeof(want),
	    "f:10: chroot: %s: %s: expected an empty "
	    "directory owned by root, or a path that does not exist\n",
	    dir, fault);
	assert_string_equal(err, want);
}

static void
the_chroot_is_empty_or_missing(void **unused)
{
	char dir[] = "/tmp/tee-conf-XXXXXX", sub[64];

	(void)unused;
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	chroot_is(dir, NULL);
	chroot_is(sub, NULL);
	assert_int_equal(mkdir(sub, 0755), 0);
	chroot_is(dir, "is not empty");
	rmdir(sub);
	rmdir(dir);
	chroot_is("/", "is not empty");
	chroot_is("/dev/null", "Not a directory");
	chroot_is("/dev/null/sub", "Not a directory");
	chroot_is("/nowhere/sub/sub", NULL);
}

static void
as_root_the_chroot_is_roots_alone(void **unused)
{
	char dir[] = "/tmp/tee-conf-XXXXXX";
	const int is_root = geteuid() == 0;

	(void)unused;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0775), 0);
	chroot_is(dir, is_root ? "is writable by group or others" : NULL);
	assert_int_equal(chmod(dir, 0757), 0);
	chroot_is(dir, is_root ? "is writable by group or others" : NULL);
	assert_int_equal(chmod(dir, 0755), 0);
	if (is_root) {
		assert_int_equal(chown(dir, 1, 0), 0);
		chroot_is(dir, "is not owned by root");
	}
	rmdir(dir);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* In the files a.conf and b.conf. */
static void
includes(const char *a, const char *b, const char *more, const char *fault)
{
	char dir[] = "/tmp/tee-conf-XXXXXX", path[2][64], text[512], want[512];
	int r;

	assert_non_null(mkdtemp(dir));
	snprintf(path[0], sizeof(path[0]), "%s/a.conf", dir);
	snprintf(path[1], sizeof(path[1]), "%s/b.conf", dir);
	write_file(path[0], a);
	write_file(path[1], b);
	snprintf(text, sizeof(text), "include %s/*.conf\n%s", dir, more);
	r = parse_without(N_REQUIRED, text);
	if (fault == NULL)
		assert_int_equal(r, 0);
	else {
		snprintf(want, sizeof(want), "%s%s", dir, fault);
		assert_int_equal(r, -1);
		assert_ptr_equal(strstr(err, want),
		    strncmp(err, "f:", 2) == 0 ? strchr(err, '/') : err);
	}
	unlink(path[0]);
	unlink(path[1]);
	rmdir(dir);
}

static void
include_reads_files_in_order(void **unused)
{
	(void)unused;
	includes("workers 3\n", "# none\ntee insecure\n", "", NULL);
	assert_int_equal(conf.workers, 3);
	assert_int_equal(conf.tee, TEE_CHOICE_INSECURE);
	includes("pin-gateway " REGISTRY "\n", "pin-gateway " OTHER "\n",
	    "pin-gateway 0x1212121212121212121212121212121212121212\n", NULL);
	assert_int_equal(first->n_pin_gateways, 3);
	assert_int_equal(first->pin_gateways[1][0], 0xff);
	/* A chain may be in several files. */
	includes(SECOND, "registry-depth 9\n", "registry-refresh 3\n", NULL);
	assert_int_equal(conf.n_chains, 2);
	assert_int_equal(conf.chains[1].registry_depth, 9);
	assert_int_equal(conf.chains[1].registry_refresh, 3);
	includes("\n", "\nworkers 0\n", "",
	    "/b.conf:2: workers: 0: expected a number from 1 to 64\n");
	includes("workers 1\n", "workers 2\n", "",
	    "/b.conf:1: workers: already set in ");
	includes("", "include /etc/*\n", "",
	    "/b.conf:1: include: not in an included file: expected only in f");
	/* Found when all lines are read. */
	includes("", "\nregistry-quorum 2\n", "",
	    "/b.conf:2: registry-quorum: 2: expected at most 1");
	assert_int_equal(
	    parse_without(N_REQUIRED, "include /tmp/../tmp/.\n"), -1);
	assert_string_equal(err,
	    "f:9: include: /tmp/../tmp/.: is a directory: expected a file\n");
	assert_int_equal(
	    parse_without(N_REQUIRED, "include conf.d/*.conf\n"), -1);
	assert_string_equal(err,
	    "f:9: include: conf.d/*.conf: expected an absolute path, with "
	    "wildcards or without\n");
	assert_int_equal(
	    parse_without(N_REQUIRED, "include /nowhere/*.conf\n"), 0);
}

static void
uids_from_uid_base_must_be_free(void **unused)
{
	static const struct {
		const char *base, *fault;
	} bad[] = {
		{ "61178",
		    "f:9: uid-base: 61178: the user ID of compute would be "
		    "61184: systemd uses 61184 to 65519" },
		{ "65518", "f:9: uid-base: 65518: the user ID of net would" },
		{ "65533",
		    "f:9: uid-base: 65533: the user ID of net would be 65534: "
		    "the user nobody has it: choose another base" },
		{ "61177",
		    "f:9: uid-base: 61177: the user ID of nox would be 61184" },
		{ "61176", "" },
	};
	char line[64];
	FILE *out;
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "uid-base %s\n", bad[i].base);
		assert_int_equal(parse_without(N_REQUIRED, line), 0);
		memset(err, 0, sizeof(err));
		out = fmemopen(err, sizeof(err), "w");
		assert_int_equal(conf_check_users(&conf, out),
		    *bad[i].fault == '\0' ? 0 : -1);
		fclose(out);
		assert_ptr_equal(strstr(err, bad[i].fault), err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_keyword_is_read),
		cmocka_unit_test(a_chain_of_nox_v0_has_its_own_keywords),
		cmocka_unit_test(the_protocols_do_not_share_keywords),
		cmocka_unit_test(every_default_is_as_documented),
		cmocka_unit_test(a_credential_is_a_file_of_systemds),
		cmocka_unit_test(a_quorum_is_more_than_half),
		cmocka_unit_test(each_fault_names_line_and_remedy),
		cmocka_unit_test(what_must_be_set_is_missed),
		cmocka_unit_test(what_is_too_long_or_too_many_is_a_fault),
		cmocka_unit_test(all_faults_are_told),
		cmocka_unit_test(layout_does_not_matter),
		cmocka_unit_test(a_second_chain_id_begins_a_second_chain),
		cmocka_unit_test(a_second_chain_has_all_of_its_own),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(the_sample_has_no_fault),
		cmocka_unit_test(every_keyword_is_in_the_manual),
		cmocka_unit_test(the_attested_text_has_one_form),
		cmocka_unit_test(the_hash_covers_what_the_table_says),
		cmocka_unit_test(every_keyword_is_in_the_document),
		cmocka_unit_test(the_longest_text_can_be_hashed),
		cmocka_unit_test(files_that_cannot_be_hashed_are_told),
		cmocka_unit_test(files_that_are_not_there_are_told),
		cmocka_unit_test(the_chroot_is_empty_or_missing),
		cmocka_unit_test(as_root_the_chroot_is_roots_alone),
		cmocka_unit_test(uids_from_uid_base_must_be_free),
		cmocka_unit_test(include_reads_files_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
