/* SPDX-License-Identifier: Apache-2.0
 *
 * A user of the counterparts of Nox v0, and their operator, for the commands.
 */
#ifndef NOXCLIENT_H
#define NOXCLIENT_H

#include <jansson.h>

#include "dir.h"
#include "value.h"

struct noxclient {
	struct devnet	d;
	uint8_t		key[32], address[20];	/* of the user */
};

/* Open a devnet as a user (NULL: "alice"); fatal if DIR is none with Nox v0. */
void noxclient_open(struct noxclient *, const char *dir, const char *user);
/* These return 0, or -1 after a line on stderr. */
int noxclient_put(struct noxclient *, const struct plain *, uint8_t handle[32]);
int noxclient_get(struct noxclient *, const uint8_t handle[32], struct plain *);
/* Sets is_resolved for each of the n handles, at most 256. */
int noxclient_resolved(struct noxclient *, const uint8_t (*handles)[32],
    size_t n, int *is_resolved);

/* The state of the server nox, or NULL. */
json_t *nox_status(const struct devnet *);
int nox_set_fault(const struct devnet *, const char *what);

/* ---- transactions (nox_submit.c) --------------------------------------- */

#define NOX_OPERANDS	3
#define NOX_OUTPUTS	3

struct nox_op;			/* an operation and its members */

struct noxtx {
	const struct nox_op *op;
	uint8_t		 operands[NOX_OPERANDS][32];
	size_t		 n_operands;
	uint8_t		 type;		/* of wrap */
	uint8_t		 outputs[NOX_OUTPUTS][32];
	size_t		 n_outputs;
	uint8_t		 hash[32];
	uint64_t	 block;
};

/* NULL if there is no such operation. */
const struct nox_op *noxtx_op(const char *name);
/* Make the hash, the block and the outputs' handles from op and operands. */
void noxtx_make(struct noxtx *, const struct devnet *);
struct stream;
/* Publish it.  repeat: 0, or n if this is the n-th repetition, which the stream
 * is to take as another message.  Returns 0, or -1 after a line on stderr. */
int noxtx_publish(const struct noxtx *, const struct noxclient *,
    struct stream *, uint32_t repeat);

#endif
