/* SPDX-License-Identifier: Apache-2.0
 *
 * A user of the devnet, for the commands: stores and reads values, submits
 * tasks.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include "devnet.pb-c.h"
#include "dir.h"
#include "rpc.h"
#include "value.h"

#define CLIENT_BULK	2048	/* values per Put or Get */

struct client {
	struct devnet	 d;
	struct rpc_tls	 tls;
	uint8_t		 key[32], address[20], kms_xy[64];
	struct rpc_peer	*gateway, *orchestrator;
};

/* Open a devnet as a user (NULL: "alice"); fatal if DIR is not a devnet. */
void client_open(struct client *, const char *dir, const char *user);

/* Encrypt and store values; sets their handles.  Returns 0, or -1 after a line
 * on stderr. */
int client_put(
    struct client *, const struct plain *, size_t n, uint8_t (*handles)[32]);
/* Read values by threshold delegation to a new key; types are those of the
 * handles. */
int client_get(
    struct client *, const uint8_t (*handles)[32], size_t n, struct plain *);

/* Submit tasks and wait for all of them.  NULL after a line on stderr. */
Teerunner__Devnet__SubmitResponse *client_submit(struct client *, struct pool *,
    Teerunner__V1__Task **, size_t n, uint32_t batch, uint32_t timeout);
/* The same without waiting: `fn' gets the SubmitResponse.  Tasks and pool must
 * stay valid until then. */
void client_submit_send(struct client *, struct pool *, Teerunner__V1__Task **,
    size_t n, uint32_t batch, uint32_t timeout, rpc_done fn, void *arg);

/* ---- tasks (build.c) --------------------------------------------------- */
struct arg {			/* argument of an operation */
	int		 is_constant;
	uint8_t		 type;
	uint8_t		 word[32];	/* handle, or constant as 32 bytes */
};
struct op {
	const struct primitive *primitive;
	uint32_t	 flags;
	int		 type;		/* type of a free output, or -1 */
	struct arg	 args[OP_OPERANDS];
	size_t		 n_args;
	uint8_t		 outputs[8][32];	/* set by build_op() */
	size_t		 n_outputs;
};
Teerunner__V1__Task *build_task(struct pool *, const uint8_t caller[20]);
/* Derive the types of the outputs from the inputs, generate handles, and append
 * the operation.  Returns 0, or -1 with the reason. */
int build_op(struct pool *, Teerunner__V1__Task *, struct op *,
    uint64_t chain_id, const char **why);
/* Parse key=value: type, sameAccount, constant, feeNum, feeDen.  The last three
 * append arguments, so their order matters. */
int build_option(
    struct op *, const char *key, const char *value, const char **why);
/* Name of output i, such as "success" or "newBalanceFrom". */
const char *build_output_name(const struct primitive *, size_t i);
void build_constant(struct op *, const struct plain *);
void build_handle(struct op *, const uint8_t handle[32]);

#endif
