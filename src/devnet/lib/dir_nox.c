/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a devnet that is for the protocol Nox v0; see dir.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "hex.h"
#include "json.h"
#include "log.h"
#include "secp.h"

#define USER	"alice"		/* the default of --as */

/* An address that no key is known for. */
static const uint8_t compute[20] = { 0xe7, 0xf1, 0x72, 0x5e, 0x77, 0x34, 0xce,
	0x28, 0x8f, 0x83, 0x67, 0xe1, 0xbb, 0x14, 0x3e, 0x90, 0xbb, 0x3f, 0x05,
	0x12 };

/* ---- devnet.json --------------------------------------------------------- */

static uint32_t
get_number(const json_t *o, const char *key, uint64_t max)
{
	uint64_t v;

	if (json_to_number(json_object_get(o, key), &v) != 0 || v < 1 ||
	    v > max)
		fatal("devnet.json: nox: %s: expected 1 to %llu", key,
		    (unsigned long long)max);
	return (uint32_t)v;
}

static void
get_hex(const json_t *o, const char *key, uint8_t *out, size_t n)
{
	if (json_to_bytes(json_object_get(o, key), out, n) != 0)
		fatal(
		    "devnet.json: nox: %s: expected %zu bytes of hex", key, n);
}

void
dir_nox_load(struct devnet *d, const json_t *o)
{
	struct devnet_nox *x = &d->nox;

	d->is_nox = 1;
	x->port = (uint16_t)get_number(o, "port", 65535);
	x->nats_port = (uint16_t)get_number(o, "natsPort", 65535);
	x->max_ack_pending = get_number(o, "maxAckPending", UINT32_MAX);
	x->max_batch = get_number(o, "maxBatch", UINT32_MAX);
	x->ack_wait = get_number(o, "ackWait", UINT32_MAX);
	get_hex(o, "noxCompute", x->compute, 20);
	get_hex(o, "gateway", x->gateway, 20);
	get_hex(o, "runner", x->runner, 20);
	get_hex(o, "user", x->user, 20);
	get_hex(o, "kmsKey", x->kms_key, 33);
}

json_t *
dir_nox_save(const struct devnet *d)
{
	const struct devnet_nox *x = &d->nox;

	return json_pack("{s:i,s:i,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "port",
	    x->port, "natsPort", x->nats_port, "maxAckPending",
	    (json_int_t)x->max_ack_pending, "maxBatch",
	    (json_int_t)x->max_batch, "ackWait", (json_int_t)x->ack_wait,
	    "noxCompute", json_hex(x->compute, 20), "gateway",
	    json_hex(x->gateway, 20), "runner", json_hex(x->runner, 20), "user",
	    json_hex(x->user, 20), "kmsKey", json_hex(x->kms_key, 33));
}

/* ---- files --------------------------------------------------------------- */

static void
write_nats_conf(const struct devnet *d)
{
	char path[DEVNET_PATH], *dir = realpath(d->dir, NULL);
	FILE *f;

	dir_path(d, path, "nats.conf");
	if (dir == NULL || (f = fopen(path, "w")) == NULL)
		fatal("%s: %m", path);
	fprintf(f,
	    "# Made by tee-devnet.\n"
	    "listen: \"127.0.0.1:%u\"\n"
	    "jetstream { store_dir: \"%s/nats\" }\n"
	    "tls {\n"
	    "  cert_file: \"%s/tls/nats.pem\"\n"
	    "  key_file: \"%s/tls/nats.key\"\n"
	    "  ca_file: \"%s/tls/ca.pem\"\n"
	    "  verify: true\n"
	    "}\n",
	    d->nox.nats_port, dir, dir, dir, dir);
	if (fclose(f) != 0)
		fatal("%s: %m", path);
	free(dir);
}

void
dir_nox_create(struct devnet *d)
{
	uint8_t key[32], unused[20];

	memcpy(d->nox.compute, compute, sizeof(compute));
	dir_new_party(d, "keys/nox-gateway", d->nox.gateway);
	dir_new_party(d, "nox-wallet.key", d->nox.runner);
	dir_new_party(d, "keys/nox-kms", unused);
	dir_secret(d, "nox-kms", key);
	if (secp_public(key, d->nox.kms_key) != 0)
		fatal("nox-kms: no key");
	dir_user(d, USER, key, d->nox.user);
	explicit_bzero(key, sizeof(key));
	write_nats_conf(d);
}

void
dir_nox_conf(const struct devnet *d, FILE *f, const char *dir)
{
	char hex[41];

	fprintf(f,
	    "protocol nox-v0\nnats-server 127.0.0.1:%u\n"
	    "nats-dead-letter nox_dead\ngateway-url http://127.0.0.1:%u\n"
	    "nox-compute 0x%s\nnox-key %s/nox-wallet.key\n",
	    d->nox.nats_port, d->nox.port, hex_encode(hex, d->nox.compute, 20),
	    dir);
}
