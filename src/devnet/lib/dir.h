/* SPDX-License-Identifier: Apache-2.0
 *
 * What one devnet is: the public part in DIR/devnet.json, one secret a file in
 * DIR/keys, certificates in DIR/tls.  `up' makes it once; every process reads
 * the public part and the one secret that is its own.
 */
#ifndef DIR_H
#define DIR_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

#define DEVNET_RUNNERS	16
#define DEVNET_PATH	512
#define DEVNET_USER	32
#define DEVNET_ADDRESS	32	/* 127.0.0.1:port */

struct devnet {
	const char	*dir;
	uint64_t	 chain_id;
	uint8_t		 registry[20];
	uint32_t	 threshold, nodes, runners;
	int		 is_insecure;	/* evidence of no TEE is accepted */
	int		 is_chain;	/* a node is at registry_port, not ours */
	uint16_t	 registry_port, orchestrator_port, gateway_port;
	uint16_t	 kms_ports[KMS_NODES], http_ports[DEVNET_RUNNERS];
	uint8_t		 orchestrator[20], gateway[20], registrar[20];
	uint64_t	 epoch;		/* of the KMS key */
	uint8_t		 kms_key[33];
	uint8_t		 kms_shares[KMS_NODES][33];	/* public */
	uint8_t		 kms_former[KMS_NODES][33];	/* of the epoch before */
	uint8_t		 domain[32];			/* computed */
};

/* Sets up crypto too; fatal when DIR is no devnet. */
void	dir_load(struct devnet *, const char *dir);
/* Is there a devnet.json? */
int	dir_exists(const char *dir);
/* Directories, keys, certificates, the registrar's policy; `d' says how many of
 * what.  beside: the devnet whose certificates are ours too, or NULL.  Then, with
 * the Registry's address in it, devnet.json. */
void	dir_create(struct devnet *, const char *beside);
void	dir_save(struct devnet *);
/* A new KMS key for the next epoch: its shares in DIR/keys, the public ones in `d', and
 * the epoch's number. */
void	dir_deal(struct devnet *);
/* The file in DIR/keys of a node's share of an epoch's key: into `name'. */
const char *dir_share(char *name, size_t size, uint32_t node, uint64_t epoch);
/* tee-runnerd.conf, one for each Runner. */
void	dir_write_conf(const struct devnet *);
/* DIR/keys/NAME; a missing user's key is made, others are fatal. */
void	dir_secret(const struct devnet *, const char *name, uint8_t key[32]);
/* The same, where it may be missing: 0 or -1. */
int	dir_find_secret(const struct devnet *, const char *name, uint8_t key[32]);
/* Take one from a file of 64 hex digits: 0, or -1 where that is none. */
int	dir_take_secret(const struct devnet *, const char *name,
	    const char *path);
void	dir_user(const struct devnet *, const char *user, uint8_t key[32],
	    uint8_t address[20]);
void	dir_path(const struct devnet *, char path[DEVNET_PATH],
	    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "127.0.0.1:PORT"; static, eight of them in turn. */
const char *dir_address(uint16_t port);

/* pki.c: a CA and certificates for the names, P-256, in DIR/tls. */
void	pki_create(const char *dir, const char *const *names, size_t n);

/* Hex with or without 0x: exactly n bytes, 0 or -1. */
int	hex_read(const char *text, void *out, size_t n);
void	random_fill(void *, size_t);

#endif
