/* SPDX-License-Identifier: Apache-2.0
 *
 * floor [BATCH]: the cryptography of a Runner for one transfer, in a straight
 * line in one process: all that keys and compute must compute, and nothing
 * else. 3 operands, 3 outputs, 2 KMS nodes; what is signed is signed once for
 * BATCH transfers (16).  Prints one line of JSON, in which the time is split
 * as it is between the two roles.  `make bench' runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ecies.h"
#include "builder.h"
#include "secp.h"
#include "partial.h"
#include "shamir.h"
#include "typed_data.h"

#define OPERANDS	3
#define OUTPUTS		3
#define NODES		2
#define SECONDS		0.5

struct party {
	uint8_t	key[32], pub[33], xy[64], address[20];
};

static struct party orchestrator, gateway, runner, kms;
static uint8_t domain[32], shares[NODES][32];
static uint32_t batch = 16;

/* One transfer as it comes from outside, made before the clock runs. */
static struct transfer {
	struct m_task	 task;
	struct m_word	 words[PROGRAM_WORDS];
	struct program	 program;
	uint8_t		 ephemeral[32], ephemeral_pub[33];
	struct m_value	 operands[OPERANDS];
	uint8_t		 node_pub[NODES][33];
	struct m_partial partials[NODES][OPERANDS];
	uint8_t		 keys[OPERANDS][32];	/* of the operands */
	struct m_value	 outputs[OUTPUTS];
} *transfers;
static uint8_t batch_sig[65], grant_sig[65];

static void
must(int r)
{
	if (r != 0) {
		fprintf(stderr, "floor: cryptography failed\n");
		exit(1);
	}
}

static void
party_new(struct party *p)
{
	secp_key_new(p->key);
	must(secp_public(p->key, p->pub));
	must(secp_public_xy(p->key, p->xy));
	must(secp_address(p->pub, p->address));
}

static void
sign(const struct party *p, const uint8_t hash[32], uint8_t sig[65])
{
	uint8_t digest[32];

	td_digest(domain, hash, digest);
	must(secp_sign(p->key, digest, sig));
}

static void
verify(const uint8_t hash[32], const uint8_t sig[65])
{
	uint8_t digest[32], who[20];

	td_digest(domain, hash, digest);
	must(secp_recover(digest, sig, who));
}

/* ---- the hashes that both sides compute -------------------------------- */

static void
hash_tasks(uint8_t hash[32])
{
	uint8_t hashes[BATCH_TASKS][32];
	uint32_t i;

	for (i = 0; i < batch; i++)
		td_task(&transfers[i].task, &transfers[i].program, hashes[i]);
	td_batch(TD_TASK_BATCH, (const uint8_t(*)[32])hashes, batch, hash);
}

static void
hash_requests(uint8_t hash[32])
{
	uint8_t hashes[BATCH_TASKS][32];
	uint32_t i;

	for (i = 0; i < batch; i++) {
		const struct transfer *t = &transfers[i];

		td_operand_request(t->task.id, 1, t->task.caller,
		    t->ephemeral_pub, t->program.inputs, OPERANDS,
		    t->program.outputs, OUTPUTS, hashes[i]);
	}
	td_operand_request_batch(
	    runner.address, 0, 0, (const uint8_t(*)[32])hashes, batch, hash);
}

static void
hash_grants(uint8_t hash[32])
{
	uint8_t hashes[BATCH_TASKS][32], operands[32], seals[32];
	struct td_seal list[NODES];
	uint32_t i, j;

	for (i = 0; i < batch; i++) {
		const struct transfer *t = &transfers[i];

		td_granted_operands(t->operands, OPERANDS, operands);
		for (j = 0; j < NODES; j++)
			list[j] = (struct td_seal){ j + 1, t->node_pub[j],
				t->partials[j], OPERANDS };
		td_seals(list, NODES, seals);
		td_operand_grant(t->task.id, 1, ST_OK, t->ephemeral_pub,
		    operands, seals, hashes[i]);
	}
	td_batch(
	    TD_OPERAND_GRANT_BATCH, (const uint8_t(*)[32])hashes, batch, hash);
}

static void
hash_results(uint8_t hash[32])
{
	uint8_t hashes[BATCH_TASKS][32], outputs[32];
	uint32_t i;

	for (i = 0; i < batch; i++) {
		td_outputs(transfers[i].outputs, OUTPUTS, outputs);
		td_task_result(
		    transfers[i].task.id, 1, ST_OK, outputs, hashes[i]);
	}
	td_task_result_batch(1, (const uint8_t(*)[32])hashes, batch, hash);
}

/* ---- what comes from outside: not measured ----------------------------- */

static void
bind_of(const struct transfer *t, uint32_t node, struct seal_bind *b)
{
	memcpy(b->task_id, t->task.id, 32);
	b->attempt = 1;
	b->node = node;
	memcpy(b->ephemeral_key, t->ephemeral_pub, 33);
	memcpy(b->node_key, t->node_pub[node - 1], 33);
}

static void
make_node(struct transfer *t, uint32_t node)
{
	static const uint32_t quorum[NODES] = { 1, 2 };
	uint8_t own[32], x[32], key[32], partial[PARTIAL_PLAIN];
	struct seal_bind b;
	uint32_t j;

	must(shamir_lambda(quorum, NODES, node, x));
	must(secp_scalar_mul(x, shares[node - 1]));
	secp_key_new(own);
	must(secp_public(own, t->node_pub[node - 1]));
	must(seal_key(own, t->ephemeral_pub, key));
	bind_of(t, node, &b);
	for (j = 0; j < OPERANDS; j++) {
		must(partial_make(x, t->operands[j].key, partial));
		must(seal_partial(key, &b, j, t->operands[j].handle, partial,
		    t->partials[node - 1][j].b));
	}
}

static void
make_program(struct transfer *t)
{
	static struct builder b;
	uint8_t handle[32];
	int i;

	builder_init(&b);
	builder_op(&b, primitive_by_name("transfer")->opcode, 0);
	for (i = 0; i < OPERANDS; i++) {
		secp_key_new(handle);
		builder_handle(&b, handle);
	}
	for (i = 0; i < OUTPUTS; i++) {
		secp_key_new(handle);
		builder_output(&b, handle);
	}
	must(program_view(
	    &t->program, &b.shape, t->words, builder_words(&b, t->words)));
}

/* The task and its operands; what hangs on the ephemeral key comes later. */
static void
make_transfer(struct transfer *t)
{
	uint8_t plain[32] = { 0 };
	uint32_t j;

	make_program(t);
	secp_key_new(t->task.id);
	t->task.attempt = 1;
	plain[31] = 200;
	for (j = 0; j < OPERANDS; j++) {
		struct m_value *v = &t->operands[j];

		memcpy(v->handle, t->program.inputs[j].b, 32);
		v->len = 48;
		must(ecies_seal(kms.xy, v->handle, 32, plain, 32, v->key,
		    v->nonce, v->ciphertext));
	}
}

static double computing;	/* microseconds, of all */

/* ---- the floor --------------------------------------------------------- */

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A batch comes: verify it, make the ephemeral keys, ask for the operands. */
static void
part_one(void)
{
	uint8_t hash[32], sig[65];
	uint32_t i;

	hash_tasks(hash);
	verify(hash, batch_sig);
	for (i = 0; i < batch; i++) {
		secp_key_new(transfers[i].ephemeral);
		must(secp_public(
		    transfers[i].ephemeral, transfers[i].ephemeral_pub));
	}
	hash_requests(hash);
	sign(&runner, hash, sig);
}

/* One operand: open the partials, add them, derive the key. */
static void
open_operand(struct transfer *t, const uint8_t keys[NODES][32], uint32_t j)
{
	uint8_t partial[PARTIAL_PLAIN], points[NODES][64], sum[64];
	struct seal_bind b;
	uint32_t i;

	for (i = 0; i < NODES; i++) {
		bind_of(t, i + 1, &b);
		must(open_partial(keys[i], &b, j, t->operands[j].handle,
		    t->partials[i][j].b, partial));
		memcpy(points[i], partial, 64);
	}
	must(secp_sum((const uint8_t(*)[64])points, NODES, sum));
	must(ecies_key(sum, t->keys[j]));
}

static void
delegate(struct transfer *t)
{
	uint8_t keys[NODES][32];
	uint32_t i;

	for (i = 0; i < NODES; i++)
		must(seal_key(t->ephemeral, t->node_pub[i], keys[i]));
	for (i = 0; i < OPERANDS; i++)
		open_operand(t, (const uint8_t(*)[32])keys, i);
}

/* A worker's part without the arithmetic: derive the keys of the operands,
 * decrypt, encrypt. */
static void
compute(struct transfer *t)
{
	uint8_t plain[OPERANDS][32], success = 1;
	uint32_t i;

	delegate(t);
	for (i = 0; i < OPERANDS; i++) {
		const struct m_value *v = &t->operands[i];

		must(gcm_open(t->keys[i], v->nonce, v->handle, 32,
		    v->ciphertext, v->len, plain[i]));
	}
	for (i = 0; i < OUTPUTS; i++) {
		struct m_value *v = &t->outputs[i];
		const size_t n = i == 0 ? 1 : 32;

		memcpy(v->handle, t->program.outputs[i].b, 32);
		v->len = (uint8_t)(n + GCM_TAG);
		must(ecies_seal(kms.xy, v->handle, 32,
		    i == 0 ? &success : plain[i], n, v->key, v->nonce,
		    v->ciphertext));
	}
}

/* The grant comes: verify it, compute, sign the results. */
static void
part_two(void)
{
	uint8_t hash[32], sig[65];
	double start;
	uint32_t i;

	hash_grants(hash);
	verify(hash, grant_sig);
	start = cpu();
	for (i = 0; i < batch; i++)
		compute(&transfers[i]);
	computing += cpu() - start;
	hash_results(hash);
	sign(&runner, hash, sig);
}

/* A batch, and only our part of it on the clock: microseconds. */
static double
run_batch(void)
{
	uint8_t hash[32];
	double start, used;
	uint32_t i, node;

	start = cpu();
	part_one();
	used = cpu() - start;
	for (i = 0; i < batch; i++)
		for (node = 1; node <= NODES; node++)
			make_node(&transfers[i], node);
	hash_grants(hash);
	sign(&gateway, hash, grant_sig);
	start = cpu();
	part_two();
	return used + cpu() - start;
}

int
main(int argc, char **argv)
{
	uint8_t registry[20] = { 1 }, hash[32];
	double used = 0, start;
	unsigned long n = 0;
	uint32_t i;

	if (argc > 1)
		batch = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2 || batch == 0 || batch > BATCH_TASKS) {
		fprintf(stderr, "usage: floor [1 to %d]\n", BATCH_TASKS);
		return 2;
	}
	secp_init(NULL);
	ecies_init();
	td_init();
	td_domain(31337, registry, domain);
	party_new(&orchestrator);
	party_new(&gateway);
	party_new(&runner);
	party_new(&kms);
	must(shamir_split(kms.key, NODES, NODES, shares));
	if ((transfers = calloc(batch, sizeof(*transfers))) == NULL)
		return 1;
	for (i = 0; i < batch; i++)
		make_transfer(&transfers[i]);
	hash_tasks(hash);
	sign(&orchestrator, hash, batch_sig);
	run_batch();		/* caches, and whatever is slow at first */
	computing = 0;
	for (start = cpu(); cpu() - start < SECONDS * 1e6; n += batch)
		used += run_batch();
	printf("{\"batch\": %u, \"floor_us\": %.1f, \"keys_us\": %.1f, "
	       "\"compute_us\": %.1f}\n",
	    batch, used / (double)n, (used - computing) / (double)n,
	    computing / (double)n);
	return 0;
}
