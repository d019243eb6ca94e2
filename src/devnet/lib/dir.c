/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a devnet; see dir.h.  Every command and every server reads them.
 * Only `up' writes them, except that a user's key is generated at its first
 * use.
 */
#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "ecies.h"
#include "hex.h"
#include "json.h"
#include "log.h"
#include "secp.h"
#include "shamir.h"
#include "typed_data.h"

void
random_fill(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n)
		fatal("getrandom: %m");
}

int
hex_read(const char *text, void *out, size_t n)
{
	if (strncmp(text, "0x", 2) == 0)
		text += 2;
	return hex_decode(text, strlen(text), out, n);
}

const char *
dir_address(uint16_t port)
{
	static char texts[8][DEVNET_ADDRESS];
	static unsigned next;
	char *text = texts[next++ % 8];

	snprintf(text, DEVNET_ADDRESS, "127.0.0.1:%u", port);
	return text;
}

void
dir_path(const struct devnet *d, char path[DEVNET_PATH], const char *fmt, ...)
{
	va_list ap;
	size_t n;

	n = (size_t)snprintf(path, DEVNET_PATH, "%s/", d->dir);
	if (n >= DEVNET_PATH)
		fatal("%s: path too long", d->dir);
	va_start(ap, fmt);
	if ((size_t)vsnprintf(path + n, DEVNET_PATH - n, fmt, ap) >=
	    DEVNET_PATH - n)
		fatal("%s: path too long", d->dir);
	va_end(ap);
}

/* ---- devnet.json ------------------------------------------------------- */

static void
get_hex(const json_t *o, const char *key, uint8_t *out, size_t n)
{
	if (json_to_bytes(json_object_get(o, key), out, n) != 0)
		fatal("devnet.json: %s: expected %zu bytes of hex", key, n);
}

static uint64_t
get_number(const json_t *o, const char *key, uint64_t max)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	if (n < 1 || (uint64_t)n > max)
		fatal("devnet.json: %s: expected 1 to %llu", key,
		    (unsigned long long)max);
	return (uint64_t)n;
}

int
dir_exists(const char *dir)
{
	struct devnet d = { .dir = dir };
	char path[DEVNET_PATH];

	dir_path(&d, path, "devnet.json");
	return access(path, F_OK) == 0;
}

static void
crypto_init(void)
{
	uint8_t seed[32];

	random_fill(seed, sizeof(seed));
	secp_init(seed);
	ecies_init();
	td_init();
}

void
dir_load(struct devnet *d, const char *dir)
{
	char path[DEVNET_PATH];
	json_t *o, *list;
	json_error_t error;
	size_t i;

	memset(d, 0, sizeof(*d));
	d->dir = dir;
	dir_path(d, path, "devnet.json");
	if ((o = json_load_file(path, 0, &error)) == NULL)
		fatal("%s: %s: make a devnet with `tee-devnet up --dir %s'",
		    path, error.text, dir);
	d->chain_id = get_number(o, "chainId", UINT32_MAX);
	d->threshold = (uint32_t)get_number(o, "threshold", KMS_NODES);
	d->nodes = (uint32_t)get_number(o, "nodes", KMS_NODES);
	d->runners = (uint32_t)get_number(o, "runners", DEVNET_RUNNERS);
	d->registry_port = (uint16_t)get_number(o, "registryPort", 65535);
	d->orchestrator_port = (uint16_t)get_number(
	    o, "orchestratorPort", 65535);
	d->gateway_port = (uint16_t)get_number(o, "gatewayPort", 65535);
	d->is_insecure = json_is_true(json_object_get(o, "insecure"));
	d->is_chain = json_is_true(json_object_get(o, "chain"));
	get_hex(o, "registry", d->registry, 20);
	get_hex(o, "orchestrator", d->orchestrator, 20);
	get_hex(o, "gateway", d->gateway, 20);
	get_hex(o, "registrar", d->registrar, 20);
	get_hex(o, "kmsKey", d->kms_key, 33);
	d->epoch = get_number(o, "epoch", INT64_MAX);
	list = json_object_get(o, "kms");
	for (i = 0; i < d->nodes; i++) {
		d->kms_ports[i] = (uint16_t)get_number(
		    json_array_get(list, i), "port", 65535);
		get_hex(json_array_get(list, i), "share", d->kms_shares[i], 33);
		if (d->epoch > 1)
			get_hex(json_array_get(list, i), "former",
			    d->kms_former[i], 33);
	}
	list = json_object_get(o, "httpPorts");
	for (i = 0; i < d->runners; i++)
		d->http_ports[i] = (uint16_t)json_integer_value(
		    json_array_get(list, i));
	if (json_object_get(o, "nox") != NULL)
		dir_nox_load(d, json_object_get(o, "nox"));
	json_decref(o);
	crypto_init();
	td_domain(d->chain_id, d->registry, d->domain);
}

void
dir_save(struct devnet *d)
{
	char path[DEVNET_PATH];
	json_t *kms = json_array(), *http = json_array(), *o;
	size_t i;

	for (i = 0; i < d->nodes; i++)
		json_array_append_new(kms,
		    json_pack("{s:i,s:o,s:o}", "port", d->kms_ports[i], "share",
			json_hex(d->kms_shares[i], 33), "former",
			json_hex(d->kms_former[i], 33)));
	for (i = 0; i < d->runners; i++)
		json_array_append_new(http, json_integer(d->http_ports[i]));
	o = json_pack(
	    "{s:I,s:o,s:i,s:i,s:i,s:i,s:i,s:i,s:o,s:o,s:o,s:o,s:I,s:o,s:o,"
	    "s:b,s:b}",
	    "chainId", (json_int_t)d->chain_id, "registry",
	    json_hex(d->registry, 20), "threshold", (int)d->threshold, "nodes",
	    (int)d->nodes, "runners", (int)d->runners, "registryPort",
	    d->registry_port, "orchestratorPort", d->orchestrator_port,
	    "gatewayPort", d->gateway_port, "orchestrator",
	    json_hex(d->orchestrator, 20), "gateway", json_hex(d->gateway, 20),
	    "registrar", json_hex(d->registrar, 20), "kmsKey",
	    json_hex(d->kms_key, 33), "epoch", (json_int_t)d->epoch, "kms", kms,
	    "httpPorts", http, "insecure", d->is_insecure, "chain",
	    d->is_chain);
	if (d->is_nox)
		json_object_set_new(o, "nox", dir_nox_save(d));
	dir_path(d, path, "devnet.json");
	if (o == NULL || json_dump_file(o, path, JSON_INDENT(2)) != 0)
		fatal("%s: %m", path);
	json_decref(o);
	td_domain(d->chain_id, d->registry, d->domain);
}

/* ---- keys -------------------------------------------------------------- */

static void
write_key(const struct devnet *d, const char *file, const uint8_t key[32])
{
	char path[DEVNET_PATH], text[65];
	int fd;

	dir_path(d, path, "%s", file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	hex_encode(text, key, 32);
	if (fd == -1 || write(fd, text, 64) != 64)
		fatal("%s: %m", path);
	close(fd);
}

static void
write_secret(const struct devnet *d, const char *name, const uint8_t key[32])
{
	char file[64];

	snprintf(file, sizeof(file), "keys/%s", name);
	write_key(d, file, key);
}

int
dir_find_secret(const struct devnet *d, const char *name, uint8_t key[32])
{
	char path[DEVNET_PATH], text[65] = "";
	ssize_t n;
	int fd;

	dir_path(d, path, "keys/%s", name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, text, 64);
	close(fd);
	if (n != 64 || hex_read(text, key, 32) != 0)
		fatal("%s: expected 64 hex digits", path);
	return 0;
}

int
dir_take_secret(const struct devnet *d, const char *name, const char *path)
{
	char text[80] = "";
	uint8_t key[32];
	FILE *f = fopen(path, "r");

	if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
		if (f != NULL)
			fclose(f);
		return -1;
	}
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	if (hex_read(text, key, 32) != 0 || secp_key_check(key) != 0)
		return -1;
	write_secret(d, name, key);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(key, sizeof(key));
	return 0;
}

void
dir_secret(const struct devnet *d, const char *name, uint8_t key[32])
{
	if (dir_find_secret(d, name, key) != 0)
		fatal("%s/keys/%s: %m", d->dir, name);
}

void
dir_user(const struct devnet *d, const char *user, uint8_t key[32],
    uint8_t address[20])
{
	char name[DEVNET_USER + 8];
	uint8_t pub[33];

	if (strlen(user) > DEVNET_USER || user[0] == '\0' ||
	    strspn(user, "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
		strlen(user))
		fatal("%s: a user's name is 1 to %d of a-z, 0-9, - and _", user,
		    DEVNET_USER);
	snprintf(name, sizeof(name), "user-%s", user);
	if (dir_find_secret(d, name, key) != 0) {
		secp_key_new(key);
		write_secret(d, name, key);
	}
	if (secp_public(key, pub) != 0 || secp_address(pub, address) != 0)
		fatal("%s: the key of this user is not valid", user);
}

void
dir_new_party(const struct devnet *d, const char *file, uint8_t address[20])
{
	uint8_t key[32], pub[33];

	secp_key_new(key);
	if (secp_public(key, pub) != 0 || secp_address(pub, address) != 0)
		fatal("%s: no key", file);
	write_key(d, file, key);
	explicit_bzero(key, sizeof(key));
}

const char *
dir_share(char *name, size_t size, uint32_t node, uint64_t epoch)
{
	snprintf(name, size, "kms-%u.%llu", node, (unsigned long long)epoch);
	return name;
}

/* The dealer.  The KMS key itself is not kept. */
void
dir_deal(struct devnet *d)
{
	uint8_t key[32], shares[KMS_NODES][32];
	char name[48];
	uint32_t i;

	d->epoch++;
	memcpy(d->kms_former, d->kms_shares, sizeof(d->kms_former));
	secp_key_new(key);
	if (secp_public(key, d->kms_key) != 0 ||
	    shamir_split(key, d->threshold, d->nodes, shares) != 0)
		fatal("kms: cannot split the key");
	for (i = 0; i < d->nodes; i++) {
		if (secp_public(shares[i], d->kms_shares[i]) != 0)
			fatal("kms: cannot split the key");
		write_secret(d, dir_share(name, sizeof(name), i + 1, d->epoch),
		    shares[i]);
	}
	explicit_bzero(key, sizeof(key));
	explicit_bzero(shares, sizeof(shares));
}

static void
make_dir(const struct devnet *d, const char *name, mode_t mode)
{
	char path[DEVNET_PATH];

	dir_path(d, path, "%s", name);
	if (mkdir(path, mode) == -1 && errno != EEXIST)
		fatal("%s: %m", path);
}

static void
write_policy(const struct devnet *d)
{
	char path[DEVNET_PATH];
	FILE *f;

	dir_path(d, path, "evidence/policy");
	if ((f = fopen(path, "w")) == NULL)
		fatal("%s: %m", path);
	fprintf(f,
	    "# What the registrar accepts: see tee-attest(1), of which "
	    "the collateral lies here too.\n%s",
	    d->is_insecure ?
		"allow insecure	# proves nothing: for demonstrations\n" :
		"");
	if (fclose(f) == EOF)
		fatal("%s: %m", path);
}

/* Use the other devnet's certificates, so that one Runner can connect to
 * both. */
static void
share_certificates(const struct devnet *d, const char *other)
{
	char from[DEVNET_PATH], to[DEVNET_PATH], *full = realpath(other, NULL);

	if (full == NULL)
		fatal("%s: %m", other);
	snprintf(from, sizeof(from), "%s/tls", full);
	free(full);
	dir_path(d, to, "tls");
	if (access(from, X_OK) == -1)
		fatal("%s: %m", from);
	if (symlink(from, to) == -1)
		fatal("%s: %m", to);
}

void
dir_create(struct devnet *d, const char *shared)
{
	char names[KMS_NODES + DEVNET_RUNNERS][32];
	const char *list[4 + KMS_NODES + DEVNET_RUNNERS];
	size_t i, n = 0, m = 0;

	make_dir(d, "", 0755);
	make_dir(d, "keys", 0700);
	if (shared == NULL)
		make_dir(d, "tls", 0755);
	else
		share_certificates(d, shared);
	make_dir(d, "log", 0755);
	make_dir(d, "empty", 0755);
	make_dir(d, "evidence", 0755);
	write_policy(d);
	crypto_init();
	random_fill(d->registry, sizeof(d->registry));
	dir_new_party(d, "keys/orchestrator", d->orchestrator);
	dir_new_party(d, "keys/gateway", d->gateway);
	dir_new_party(d, "keys/registrar", d->registrar);
	dir_deal(d);
	if (d->is_nox)
		dir_nox_create(d);
	list[n++] = "orchestrator";
	list[n++] = "gateway";
	list[n++] = "nats";
	list[n++] = "cli";
	for (i = 1; i <= d->nodes; i++, m++) {
		snprintf(names[m], sizeof(names[m]), "kms-%zu", i);
		list[n++] = names[m];
	}
	for (i = 1; i <= d->runners; i++, m++) {
		snprintf(names[m], sizeof(names[m]), "runner-%zu", i);
		list[n++] = names[m];
	}
	if (shared == NULL)
		pki_create(d->dir, list, n);
}

/* ---- the Runner's configuration ---------------------------------------- */

static void
write_one(const struct devnet *d, unsigned runner, const char *dir)
{
	char path[DEVNET_PATH], suffix[16] = "", hex[41];
	FILE *f;

	if (d->runners > 1)
		snprintf(suffix, sizeof(suffix), "-%u", runner);
	dir_path(d, path, "tee-runnerd%s.conf", suffix);
	if ((f = fopen(path, "w")) == NULL)
		fatal("%s: %m", path);
	fprintf(f,
	    "# Made by tee-devnet, for a Runner of this devnet.\n"
	    "tls-ca %s/tls/ca.pem\ntls-certificate %s/tls/runner-%u.pem\n"
	    "tls-key %s/tls/runner-%u.key\ntee %s\nchroot %s/empty\n",
	    dir, dir, runner, dir, runner, d->is_insecure ? "insecure" : "auto",
	    dir);
	if (geteuid() == 0)
		fprintf(f, "uid-base %u\n", 60800 + 16 * (runner - 1));
	/* Another devnet's Runner may copy everything from here on. */
	fprintf(f,
	    "\nchain-id %llu\nregistry-endpoint http://127.0.0.1:%u\n"
	    "registry-refresh 2\n",
	    (unsigned long long)d->chain_id, d->registry_port);
	if (d->is_nox)
		dir_nox_conf(d, f, dir);
	else
		fprintf(f,
		    "registry 0x%s\norchestrator 127.0.0.1:%u\n"
		    "gateway 127.0.0.1:%u\n",
		    hex_encode(hex, d->registry, 20), d->orchestrator_port,
		    d->gateway_port);
	fprintf(f,
	    "control-socket %s/runner%s.sock\nhttp-listen 127.0.0.1:%u\n", dir,
	    suffix, d->http_ports[runner - 1]);
	if (fclose(f) != 0)
		fatal("%s: %m", path);
}

void
dir_write_conf(const struct devnet *d)
{
	char *dir = realpath(d->dir, NULL);
	unsigned i;

	if (dir == NULL)
		fatal("%s: %m", d->dir);
	/* Paths in tee-runnerd.conf and of sockets are limited to 107 bytes. */
	if (strlen(dir) > 80)
		fatal("%s: path too long for a Runner's configuration", dir);
	for (i = 1; i <= d->runners; i++)
		write_one(d, i, dir);
	free(dir);
}
