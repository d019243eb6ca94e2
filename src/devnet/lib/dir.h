/* SPDX-License-Identifier: Apache-2.0
 *
 * A devnet: the public part in DIR/devnet.json, one secret per file in
 * DIR/keys, and certificates in DIR/tls.  `up' creates it once.  Every process
 * reads the public part and only its own secret.
 */
#ifndef DIR_H
#define DIR_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "payload.h"

#define DEVNET_RUNNERS	16
#define DEVNET_PATH	512
#define DEVNET_USER	32
#define DEVNET_ADDRESS	32	/* 127.0.0.1:port */

/* The counterparts of the protocol Nox v0. */
struct devnet_nox {
	uint16_t	 port, nats_port;
	uint32_t	 max_ack_pending, max_batch;	/* of the consumer */
	uint32_t	 ack_wait;			/* the same, seconds */
	uint8_t		 compute[20];	/* the NoxCompute contract */
	uint8_t		 gateway[20];	/* who signs answers */
	uint8_t		 runner[20];	/* the only runner */
	uint8_t		 user[20];	/* may read all values */
	uint8_t		 kms_key[33];
};

struct devnet {
	const char	*dir;
	uint64_t	 chain_id;
	uint8_t		 registry[20];
	uint32_t	 threshold, nodes, runners;
	int		 is_insecure;	/* insecure evidence is accepted */
	int		 is_chain;	/* registry_port: other's node */
	int		 is_nox;	/* with `nox' instead of Orchestrator,
					 * Gateway and KMS nodes */
	struct devnet_nox nox;
	uint16_t	 registry_port, orchestrator_port, gateway_port;
	uint16_t	 kms_ports[KMS_NODES], http_ports[DEVNET_RUNNERS];
	uint8_t		 orchestrator[20], gateway[20], registrar[20];
	uint64_t	 epoch;		/* of the KMS key */
	uint8_t		 kms_key[33];
	uint8_t		 kms_shares[KMS_NODES][33];	/* public shares */
	uint8_t		 kms_former[KMS_NODES][33];	/* the previous
							 * epoch's */
	uint8_t		 domain[32];			/* computed */
};

/* Load a devnet and initialize the cryptography; fatal if DIR is not a
 * devnet. */
void dir_load(struct devnet *, const char *dir);
/* 1 if there is a devnet.json. */
int dir_exists(const char *dir);
/* Create directories, keys, certificates and the registrar's policy, in the
 * numbers that `d' gives.  shared: use the certificates of this devnet; NULL:
 * make new ones.  dir_save() then writes devnet.json, with the Registry's
 * address. */
void dir_create(struct devnet *, const char *shared);
void dir_save(struct devnet *);
/* Deal a new KMS key for the next epoch: secret shares in DIR/keys, public
 * shares and the epoch's number in `d'. */
void dir_deal(struct devnet *);
/* Write the name of the file in DIR/keys with a node's share of an epoch's key
 * to `name'. */
const char *dir_share(char *name, size_t size, uint32_t node, uint64_t epoch);
/* Write tee-runnerd.conf for each Runner. */
void dir_write_conf(const struct devnet *);
/* Read DIR/keys/NAME.  A missing user key is generated; any other missing key
 * is fatal. */
void dir_secret(const struct devnet *, const char *name, uint8_t key[32]);
/* Like dir_secret(), but returns -1 if the file is missing, else 0. */
int dir_find_secret(const struct devnet *, const char *name, uint8_t key[32]);
/* Store a secret from a file of 64 hex digits.  Returns 0, or -1 if it has
 * another format. */
int dir_take_secret(const struct devnet *, const char *name, const char *path);
void dir_user(const struct devnet *, const char *user, uint8_t key[32],
    uint8_t address[20]);
/* Generate a secret in DIR/FILE. */
void dir_new_party(
    const struct devnet *, const char *file, uint8_t address[20]);
void dir_path(const struct devnet *, char path[DEVNET_PATH], const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* "127.0.0.1:PORT" in one of eight static buffers, used in turn. */
const char *dir_address(uint16_t port);

/* dir_nox.c: the parts of devnet.json, of the directory and of the Runner's
 * configuration (its lines for this chain) that are for Nox v0. */
void dir_nox_load(struct devnet *, const json_t *);
json_t *dir_nox_save(const struct devnet *);
void dir_nox_create(struct devnet *);
void dir_nox_conf(const struct devnet *, FILE *, const char *full_dir);

/* pki.c: create a CA and P-256 certificates for these names in DIR/tls. */
void pki_create(const char *dir, const char *const *names, size_t n);

/* Decode exactly n bytes of hex, with or without 0x.  Returns 0 or -1. */
int hex_read(const char *text, void *out, size_t n);
void random_fill(void *, size_t);

#endif
