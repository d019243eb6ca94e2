/* SPDX-License-Identifier: Apache-2.0
 *
 * nox submit: a transaction of one operation, as the chain's contract and the
 * publisher of its events would make it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "eip712.h"
#include "hex.h"
#include "jsonrpc.h"
#include "noxclient.h"
#include "stream.h"

#define POLL		5000	/* us between questions for the outputs */
#define CONNECT		10000	/* ms */

/* number: of the contract's enumeration.  An output's type: B bool, a digit the
 * type of that operand.  The success is the last result, whatever its place in
 * the event. */
struct nox_op {
	const char	*name, *event;
	uint8_t		 number;
	const char	*operands[NOX_OPERANDS];
	const char	*outputs[NOX_OUTPUTS];	/* results, then success */
	const char	*types;
};

#define LEFT_RIGHT	{ "leftHandOperand", "rightHandOperand" }
#define BINARY(name, n)	{ name, name, n, LEFT_RIGHT, { "result" }, "0" }
#define COMPARE(name, n) { name, name, n, LEFT_RIGHT, { "result" }, "B" }
#define SAFE(name, n)							\
	{ name, name, n, LEFT_RIGHT, { "result", "success" }, "0B" }

static const struct nox_op ops[] = {
	{ "wrap", "wrap_as_public_handle", 0, { "value" }, { "handle" }, "" },
	BINARY("add", 1),
	BINARY("sub", 2),
	BINARY("mul", 3),
	BINARY("div", 4),
	SAFE("safe_add", 5),
	SAFE("safe_sub", 6),
	SAFE("safe_mul", 7),
	SAFE("safe_div", 8),
	{ "select", "select", 9, { "condition", "ifTrue", "ifFalse" },
	    { "result" }, "1" },
	COMPARE("eq", 10),
	COMPARE("ne", 11),
	COMPARE("lt", 12),
	COMPARE("le", 13),
	COMPARE("gt", 14),
	COMPARE("ge", 15),
	{ "transfer", "transfer", 16, { "balanceFrom", "balanceTo", "amount" },
	    { "newBalanceFrom", "newBalanceTo", "success" }, "00B" },
	{ "mint", "mint", 17, { "balanceTo", "amount", "totalSupply" },
	    { "newBalanceTo", "newTotalSupply", "success" }, "00B" },
	{ "burn", "burn", 18, { "balanceFrom", "amount", "totalSupply" },
	    { "newBalanceFrom", "newTotalSupply", "success" }, "00B" },
};

#define IS_WRAP(op)	((op)->number == 0)

const struct nox_op *
noxtx_op(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	return NULL;
}

static size_t
count(const char *const *names, size_t max)
{
	size_t n = 0;

	while (n < max && names[n] != NULL)
		n++;
	return n;
}

/* ---- handles ------------------------------------------------------------- */

/* 25 bytes of keccak256(abi.encode(uint8 op, bytes32[] operands, address nox,
 * uint256 seed, uint8 index)). */
static void
make_handle(const struct noxtx *t, const struct devnet *d,
    const uint8_t seed[32], size_t index, uint8_t handle[32])
{
	const char type = t->op->types[index];
	struct keccak k;
	uint8_t hash[32];
	size_t i;

	keccak_init(&k);
	put_number(&k, t->op->number);
	put_number(&k, 5 * 32);			/* offset of the operands */
	put_address(&k, d->nox.compute);
	put_hash(&k, seed);
	put_number(&k, index);
	put_number(&k, t->n_operands);
	for (i = 0; i < t->n_operands; i++)
		put_hash(&k, t->operands[i]);
	keccak_final(&k, hash);
	handle[0] = 0;
	for (i = 0; i < 4; i++)
		handle[1 + i] = (uint8_t)(d->chain_id >> (24 - 8 * i));
	if (IS_WRAP(t->op))
		handle[5] = t->type;
	else
		handle[5] = type == 'B' ? TYPE_BOOL :
					  handle_type(t->operands[type - '0']);
	handle[6] = !IS_WRAP(t->op);
	memcpy(handle + 7, hash, 25);
}

/* The contract counts in the seed if all operands are public; here it is
 * random.  Otherwise it is 0: the same operation on the same operands has the
 * same results. */
void
noxtx_make(struct noxtx *t, const struct devnet *d)
{
	json_t *number = jsonrpc_call(d, "eth_blockNumber", json_array());
	uint8_t seed[32] = { 0 };
	int is_unique = IS_WRAP(t->op);
	size_t i;

	t->block = 0;
	(void)json_to_number(number, &t->block);
	json_decref(number);

	for (i = 0; i < t->n_operands; i++)
		is_unique |= t->operands[i][6] & 1;
	if (!is_unique)
		random_fill(seed, sizeof(seed));
	random_fill(t->hash, sizeof(t->hash));
	t->n_outputs = count(t->op->outputs, NOX_OUTPUTS);
	for (i = 0; i < t->n_outputs; i++)
		make_handle(t, d, seed, i, t->outputs[i]);
}

/* ---- messages ------------------------------------------------------------ */

static json_t *
make_event(const struct noxtx *t, const struct noxclient *c)
{
	json_t *e = json_pack("{s:i,s:o,s:s}", "logIndex", 0, "caller",
	    json_hex(c->address, 20), "type", t->op->event);
	size_t i;

	for (i = 0; i < t->n_operands; i++)
		json_object_set_new(
		    e, t->op->operands[i], json_hex(t->operands[i], 32));
	if (IS_WRAP(t->op))
		json_object_set_new(e, "teeType", json_integer(t->type));
	for (i = 0; i < t->n_outputs; i++)
		json_object_set_new(
		    e, t->op->outputs[i], json_hex(t->outputs[i], 32));
	return e;
}

static json_t *
make_message(const struct noxtx *t, const struct noxclient *c)
{
	return json_pack("{s:I,s:o,s:I,s:o,s:[o]}", "chainId",
	    (json_int_t)c->d.chain_id, "caller", json_hex(c->address, 20),
	    "blockNumber", (json_int_t)t->block, "transactionHash",
	    json_hex(t->hash, 32), "events", make_event(t, c));
}

int
noxtx_publish(const struct noxtx *t, const struct noxclient *c,
    struct stream *s, uint32_t repeat)
{
	char hash[65], subject[128], text[128], id[67] = "0x";
	json_t *message = make_message(t, c);
	uint8_t digest[32];
	int n, r;

	hex_encode(hash, t->hash, 32);
	snprintf(subject, sizeof(subject), STREAM_NAME ".0x%s", hash);
	n = snprintf(text, sizeof(text), "%llu:0x%s",
	    (unsigned long long)c->d.chain_id, hash);
	if (repeat > 0)
		n += snprintf(
		    text + n, sizeof(text) - (size_t)n, ":%u", repeat);
	keccak256(text, (size_t)n, digest);
	hex_encode(id + 2, digest, 32);
	r = stream_publish(s, subject, id, message);
	json_decref(message);
	return r;
}

/* ---- the command --------------------------------------------------------- */

/* A handle; or TYPE:VALUE, which is stored, but for wrap.  Returns 0, or an
 * exit status. */
static int
read_operand(struct noxclient *c, struct noxtx *t, const char *text)
{
	uint8_t *operand = t->operands[t->n_operands++];
	struct plain p;
	const char *why = "expected a handle, or TYPE:VALUE";

	if (strchr(text, ':') == NULL) {
		if (!IS_WRAP(t->op) && hex_read(text, operand, 32) == 0)
			return 0;
	} else if (value_parse_pair(text, &p, &why) == 0) {
		t->type = p.type;
		if (!IS_WRAP(t->op))
			return noxclient_put(c, &p, operand) == 0 ? 0 : 1;
		type_word(p.type, p.bytes, operand);
		return 0;
	}
	return usage("nox submit: %s: %s", text, why);
}

/* Returns 1 when all outputs have values, 0 after the timeout, -1 on errors. */
static int
wait_for_outputs(struct noxclient *c, const struct noxtx *t, uint64_t until)
{
	int is_resolved[NOX_OUTPUTS];
	size_t i, n;

	for (;;) {
		if (noxclient_resolved(c, (const uint8_t(*)[32])t->outputs,
			t->n_outputs, is_resolved) != 0)
			return -1;
		for (i = n = 0; i < t->n_outputs; i++)
			n += is_resolved[i] != 0;
		if (n == t->n_outputs)
			return 1;
		if (now_ms() >= until)
			return 0;
		usleep(POLL);
	}
}

static void
print(const struct noxtx *t, int is_resolved, uint64_t us)
{
	json_t *outputs = json_object(), *all;
	size_t i;

	for (i = 0; i < t->n_outputs; i++)
		json_object_set_new(
		    outputs, t->op->outputs[i], json_hex(t->outputs[i], 32));
	all = json_pack("{s:o,s:b,s:o,s:f}", "transactionHash",
	    json_hex(t->hash, 32), "resolved", is_resolved, "outputs", outputs,
	    "milliseconds", (double)us / 1e3);
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	printf("\n");
	json_decref(all);
}

int
command_nox_submit(const struct options *o, int argc, char **argv)
{
	struct noxtx t = { .op = noxtx_op(argv[0]) };
	struct noxclient c;
	struct stream *s;
	uint64_t start;
	uint32_t n;
	int i, r;

	if (t.op == NULL)
		return usage("nox submit: %s: no such operation", argv[0]);
	if ((size_t)argc - 1 != count(t.op->operands, NOX_OPERANDS))
		return usage("nox submit: %s: expected %zu arguments", argv[0],
		    count(t.op->operands, NOX_OPERANDS));
	noxclient_open(&c, o->dir, o->user);
	for (i = 1; i < argc; i++)
		if ((r = read_operand(&c, &t, argv[i])) != 0)
			return r;
	noxtx_make(&t, &c.d);
	if ((s = stream_open(&c.d, CONNECT)) == NULL)
		return 1;
	start = now_us();
	for (n = 0, r = 0; n < o->times && r == 0; n++)
		r = noxtx_publish(&t, &c, s, n);
	stream_close(s);
	if (r != 0)
		return 1;
	r = wait_for_outputs(&c, &t, now_ms() + o->timeout * 1000ull);
	print(&t, r == 1, now_us() - start);
	return r == 1 ? 0 : 1;
}
