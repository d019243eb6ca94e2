/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-devnet rekey: introduces a new KMS key.  The shares are dealt to the
 * nodes' directory, then the Registry announces the key.  From the announced
 * block on results are encrypted under it; values under the previous key can be
 * read during the overlap.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "contract.h"
#include "dir.h"
#include "facts.h"
#include "jsonrpc.h"

#define PATIENCE	120	/* seconds to wait for the block */

/* Announce at the stand-in. */
static int
announce(const struct devnet *d, uint32_t blocks, uint64_t former_until)
{
	json_t *head, *result;
	uint64_t block = 0;
	int ok;

	head = jsonrpc_call(d, "eth_blockNumber", json_array());
	(void)json_to_number(head, &block);
	json_decref(head);
	result = jsonrpc_call(d, "devnet_set",
	    json_pack("{s:o,s:o,s:i,s:I,s:I,s:I}", "kmsKey",
		json_hex(d->kms_key, 33), "shares",
		json_hex_list(d->kms_shares, d->nodes, 33), "threshold",
		(int)d->threshold, "epoch", (json_int_t)d->epoch, "fromBlock",
		(json_int_t)(block + 1 + blocks), "formerUntil",
		(json_int_t)former_until));
	ok = json_is_true(result);
	json_decref(result);
	return ok ? 0 : -1;
}

int
command_rekey(const struct options *o, int argc, char **argv)
{
	const uint64_t now = (uint64_t)time(NULL);
	struct devnet d;
	uint64_t former;
	int i;

	(void)argc;
	(void)argv;
	dir_load(&d, o->dir);
	if (o->blocks == 0)
		return usage("--blocks: expected 1 or more");
	if (facts_epoch(&d) != d.epoch) {
		fprintf(stderr,
		    "tee-devnet: %s: the Registry does not answer, "
		    "or a new key is on its way already\n",
		    o->dir);
		return 1;
	}
	dir_deal(&d);
	/* 0 means that the old epoch ends at the block, without overlap. */
	former = o->overlap == 0 ? 0 : now + o->overlap;
	if ((d.is_chain ? contract_announce : announce)(
		&d, o->blocks, former) != 0) {
		fprintf(stderr, "tee-devnet: the Registry refuses the key\n");
		return 1;
	}
	for (i = 0; facts_epoch(&d) != d.epoch; i++) {
		if (i == 10 * PATIENCE) {
			fprintf(stderr,
			    "tee-devnet: the new key's block does "
			    "not come\n");
			return 1;
		}
		usleep(100 * 1000);
	}
	dir_save(&d);
	printf("epoch %llu\n", (unsigned long long)d.epoch);
	return 0;
}
