/* SPDX-License-Identifier: Apache-2.0
 *
 * Read a message of the stream into a program.  For the role nox.  Numbers,
 * handles and addresses are checked here, once; names that are unknown are
 * ignored, as others that read the stream do.  What the program means is
 * checked by program_check(), in keys and in compute.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "jsondepth.h"
#include "nox_message.h"

#define DEPTH	4		/* the message, its events, each of them */
#define WORDS	6		/* that an event has at most */

/* Opcodes of proto/primitives.def, and the members that are handles. */
static const struct event_type {
	const char	*type;
	uint8_t		 opcode;
	uint8_t		 n_in;		/* of `words', the first */
	const char	*words[WORDS];
} types[] = {
#define BINARY(type, opcode)						\
	{ type, opcode, 2,						\
	    { "leftHandOperand", "rightHandOperand", "result" } }
#define SAFE(type, opcode)						\
	{ type, opcode, 2,						\
	    { "leftHandOperand", "rightHandOperand", "success", "result" } }
	BINARY("add", 0x10),
	BINARY("sub", 0x11),
	BINARY("mul", 0x12),
	BINARY("div", 0x13),
	SAFE("safe_add", 0x30),
	SAFE("safe_sub", 0x31),
	SAFE("safe_mul", 0x32),
	SAFE("safe_div", 0x33),
	BINARY("eq", 0x50),
	BINARY("ne", 0x51),
	BINARY("lt", 0x52),
	BINARY("le", 0x53),
	BINARY("gt", 0x54),
	BINARY("ge", 0x55),
	{ "select", 0x56, 3, { "condition", "ifTrue", "ifFalse", "result" } },
	{ "transfer", 0x70, 3,
	    { "balanceFrom", "balanceTo", "amount", "success", "newBalanceFrom",
		"newBalanceTo" } },
	{ "mint", 0x71, 3,
	    { "balanceTo", "amount", "totalSupply", "success", "newBalanceTo",
		"newTotalSupply" } },
	{ "burn", 0x72, 3,
	    { "balanceFrom", "amount", "totalSupply", "success",
		"newBalanceFrom", "newTotalSupply" } },
	{ "wrap_as_public_handle", 0x01, 0, { "handle" } },
};
#define TYPES	(sizeof(types) / sizeof(types[0]))

static uint32_t
fault(char why[64], const char *what, uint32_t status)
{
	snprintf(why, 64, "%s", what);
	return status;
}

/* ---- members ----------------------------------------------------------- */

/* "0x" and 2 n digits.  Lower case alone: the Gateway stores a handle under its
 * text, and the signatures are over it.  Returns 0, or -1. */
static int
take_hex(const json_t *o, const char *name, uint8_t *to, size_t n)
{
	const char *s = json_string_value(json_object_get(o, name));

	if (s == NULL || s[0] != '0' || s[1] != 'x' ||
	    strspn(s + 2, HEX_LOWER) != 2 * n || s[2 + 2 * n] != '\0')
		return -1;
	return hex_decode(s + 2, 2 * n, to, n);
}

static int
take_number(const json_t *o, const char *name, uint64_t max, uint64_t *to)
{
	const json_t *v = json_object_get(o, name);
	const json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max)
		return -1;
	*to = (uint64_t)n;
	return 0;
}

/* An address; others write it with capital letters as a checksum. */
static int
take_address(const json_t *o, const char *name, uint8_t to[20])
{
	const char *s = json_string_value(json_object_get(o, name));

	if (s == NULL || s[0] != '0' || s[1] != 'x' || strlen(s) != 42)
		return -1;
	return hex_decode(s + 2, 40, to, 20);
}

/* ---- events ------------------------------------------------------------ */

/* The value of a constant is cut to its type, as the deployed protocol does:
 * its low bytes, with the sign; a boolean is any bit. */
static void
cut_value(uint8_t type, uint8_t word[32])
{
	const size_t n = type_size(type);
	uint8_t any = 0, fill;
	size_t i;

	for (i = 0; i < 32; i++)
		any |= word[i];
	if (type == TYPE_BOOL) {
		memset(word, 0, 32);
		word[31] = any != 0;
		return;
	}
	if (n == 0 || n > 32 || type_is_bytes(type))
		return;
	fill = type_is_int(type) && (word[32 - n] & 0x80) ? 0xff : 0;
	memset(word, fill, 32 - n);
}

static uint32_t
read_constant(const json_t *e, struct builder *b, char why[64])
{
	uint8_t word[32];
	uint64_t type;

	if (take_number(e, "teeType", UINT8_MAX, &type) != 0)
		return fault(why, "teeType", ST_MALFORMED);
	if (take_hex(e, "value", word, 32) != 0)
		return fault(why, "value", ST_MALFORMED);
	cut_value((uint8_t)type, word);
	return builder_const(b, (uint32_t)type, word);
}

static const struct event_type *
find_type(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < TYPES; i++)
		if (strcmp(types[i].type, name) == 0)
			return &types[i];
	return NULL;
}

static uint32_t
read_event(const json_t *e, struct builder *b, char why[64])
{
	const char *name = json_string_value(json_object_get(e, "type"));
	const struct event_type *t = find_type(name);
	uint8_t handle[32];
	uint32_t st;
	size_t i;

	if (t == NULL)
		return fault(why, "type", ST_UNKNOWN_OPCODE);
	if ((st = builder_op(b, t->opcode, 0)) != ST_OK)
		return fault(why, t->type, st);
	if (t->n_in == 0 && (st = read_constant(e, b, why)) != ST_OK)
		return st;
	for (i = 0; i < WORDS && t->words[i] != NULL; i++) {
		if (take_hex(e, t->words[i], handle, 32) != 0)
			return fault(why, t->words[i], ST_MALFORMED);
		st = i < t->n_in ? builder_handle(b, handle) :
				   builder_output(b, handle);
		if (st != ST_OK)
			return fault(why, t->words[i], st);
	}
	return ST_OK;
}

static int
is_equal(const json_t *a, const json_t *b, const char *name)
{
	return json_equal(json_object_get(a, name), json_object_get(b, name));
}

/* The same operation, on the same operands, with the same results. */
static int
is_same_event(const json_t *a, const json_t *b)
{
	const struct event_type *t = find_type(
	    json_string_value(json_object_get(a, "type")));
	size_t i;

	if (t == NULL || !is_equal(a, b, "type"))
		return 0;
	for (i = 0; i < WORDS && t->words[i] != NULL; i++)
		if (!is_equal(a, b, t->words[i]))
			return 0;
	return t->n_in != 0 ||
	    (is_equal(a, b, "teeType") && is_equal(a, b, "value"));
}

/* The contract derives the handle of a result from the operation and its
 * operands: a transaction that repeats an operation has its event twice. */
static int
is_repeated(const json_t *e, const json_t **earlier, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_same_event(earlier[i], e))
			return 1;
	return 0;
}

static uint32_t
read_message(
    const json_t *o, struct nox_transaction *t, struct builder *b, char why[64])
{
	const json_t *events = json_object_get(o, "events"), *e;
	const json_t *ops[TASK_OPS];	/* the event of each */
	uint32_t st;
	size_t i;

	if (!json_is_object(o))
		return fault(why, "", ST_MALFORMED);
	if (take_number(o, "chainId", UINT32_MAX, &t->chain_id) != 0)
		return fault(why, "chainId", ST_MALFORMED);
	if (take_number(o, "blockNumber", INT64_MAX, &t->block_number) != 0)
		return fault(why, "blockNumber", ST_MALFORMED);
	if (take_address(o, "caller", t->caller) != 0)
		return fault(why, "caller", ST_MALFORMED);
	if (take_hex(o, "transactionHash", t->hash, 32) != 0)
		return fault(why, "transactionHash", ST_MALFORMED);
	if (json_array_size(events) == 0)
		return fault(why, "events", ST_MALFORMED);
	json_array_foreach(events, i, e) {
		if (is_repeated(e, ops, b->shape.n_ops))
			continue;
		if ((st = read_event(e, b, why)) != ST_OK)
			return st;
		ops[b->shape.n_ops - 1] = e;
	}
	return ST_OK;
}

uint32_t
nox_message_read(const char *text, size_t n, struct nox_transaction *t,
    struct builder *b, char why[64])
{
	json_t *o;
	uint32_t st;

	memset(t, 0, sizeof(*t));
	builder_init(b);
	why[0] = '\0';
	if (n > NOX_MESSAGE_MAX)
		return ST_OVER_LIMIT;
	if (jsondepth_exceeds(text, n, DEPTH) ||
	    (o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		return ST_MALFORMED;
	st = read_message(o, t, b, why);
	json_decref(o);
	return st;
}
