/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer that turns its input into a program of chained operations, executes it
 * as the worker does and by reference.c, and compares every output.  The
 * program must pass program_check.  Build it with clang
 * -fsanitize=fuzzer,address,undefined.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "exec.h"
#include "reference.h"

#define OPS	24
#define VALUES	256
#define OP_VALUES 16		/* of one operation, at most */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t *at, *end;

static uint8_t
take(void)
{
	return at < end ? *at++ : 0;
}

/* All values with a handle: inputs and outputs. */
static struct value values[VALUES];
static uint8_t inputs[VALUES];		/* it is an input: plain is its value */
static uint8_t plains[VALUES][VALUE_MAX];
static size_t n_values;
static struct builder b;

static const uint8_t *
handle(size_t i)
{
	static uint8_t h[32];

	h[5] = values[i].type;
	h[31] = (uint8_t)i;
	return h;
}

static void
plaintext(uint8_t type, uint8_t plain[VALUE_MAX])
{
	size_t i, n = type_size(type);
	uint8_t how = take();

	memset(plain, how % 8 == 1 ? 0xff : 0, VALUE_MAX);
	switch (type == TYPE_BOOL ? 7 : how % 8) {
	case 2: /* the ends of a signed type */ plain[0] = 0x80; break;
	case 3:
		memset(plain, 0xff, VALUE_MAX);
		plain[0] = 0x7f;
		break;
	case 4: /* small */ plain[n - 1] = take(); break;
	case 5:				/* a bit */
		plain[how / 8 % n] = (uint8_t)(1 << take() % 8);
		break;
	case 6:
		for (i = 0; i < n; i++)
			plain[i] = take();
		break;
	case 7: plain[n - 1] = how >> 7; break;
	}
}

static size_t
new_value(uint8_t type, int input)
{
	values[n_values].type = type;
	mpz_init(values[n_values].n);
	inputs[n_values] = (uint8_t)input;
	if (input) {
		plaintext(type, plains[n_values]);
		value_read(&values[n_values], plains[n_values]);
	}
	return n_values++;
}

/* Of this type and before `n': one that is there, else a new input. */
static size_t
some_value(uint8_t type, size_t n)
{
	size_t i, k = take();

	for (i = 0; i < n; i++)
		if (values[(i + k) % n].type == type)
			return (i + k) % n;
	return new_value(type, 1);
}

/* A type for a letter: mostly that of a value which fits it. */
static uint8_t
type_for(char letter)
{
	static const uint8_t words[] = { TYPE_UINT(256), TYPE_INT(256) };
	uint8_t k = take(), type = (uint8_t)(k >> 1);

	if (letter == 'w' || letter == 'i')
		return words[letter == 'i'];
	if (letter == 'B')
		return TYPE_BOOL;
	if (letter == 'K')
		return TYPE_BYTES(32);
	if (letter == 'F')
		return TYPE_UINT(32);
	if (k & 1 && n_values > 0)
		type = values[type % n_values].type;
	if (type_size(type) == 0)
		type = TYPE_UINT(8 * (1 + k % 32));
	switch (letter) {
	case 'I':
	case 'J':
		return type_is_uint(type) || type_is_int(type) ?
		    type :
		    TYPE_INT(8 * (1 + k % 32));
	case 'U':
	case 'V':
		return type_is_uint(type) ? type : TYPE_UINT(8 * (1 + k % 32));
	case 'S': return type_is_int(type) ? type : TYPE_INT(8 * (1 + k % 32));
	case 'L': return type == TYPE_ADDRESS ? TYPE_BOOL : type;
	case 'H':
		return type == TYPE_ADDRESS || type == TYPE_BOOL ?
		    TYPE_BYTES(1 + k % 32) :
		    type;
	}
	return type;
}

/* The types that a cast of it may have. */
static uint8_t
cast_to(uint8_t from)
{
	uint8_t to = type_for('Z');

	if (type_size(from) == 20 && !type_is_int(from) && take() & 1)
		return from == TYPE_ADDRESS ? TYPE_UINT(160) : TYPE_ADDRESS;
	if (from == TYPE_ADDRESS)
		return TYPE_BYTES(20);
	if (type_is_bytes(from))
		return type_is_bytes(to) ? to : TYPE_UINT(8 * type_size(from));
	if (type_is_bytes(to) && type_is_uint(from))
		return TYPE_BYTES(type_size(from));
	return to == TYPE_ADDRESS || type_is_bytes(to) ? from : to;
}

/* An operand: 1 if it is a handle. */
static int
operand(char letter, uint8_t type, int need_handle, size_t before,
    struct value *v, struct call *c)
{
	static const uint32_t bases[] = { 1, 1000, 65535, 65536 };
	uint8_t plain[VALUE_MAX], word[32] = { 0 };
	size_t i;

	v->type = type;
	mpz_init(v->n);
	if (letter == 'F') {
		if (c->fee_base == 0) {
			c->fee_base = bases[take() % 4];
			c->fee = take() * 257u % c->fee_base;
			mpz_set_ui(v->n, c->fee);
		} else
			mpz_set_ui(v->n, c->fee_base);
		value_write(v, plain);
	} else if (letter == 'K' || (!need_handle && take() % 4 == 0)) {
		plaintext(type, plain);
		value_read(v, plain);
	} else {
		i = some_value(type, before);
		mpz_set(v->n, values[i].n);
		(void)builder_handle(&b, handle(i));
		return 1;
	}
	type_word(type, plain, word);
	(void)builder_const(&b, type, word);
	return 0;
}

/* One operation of the input, into the program and by reference. */
static void
operation(void)
{
	const struct primitive *p = &primitives[take() % n_primitives];
	uint8_t types['z' + 1];
	struct value in[OP_OPERANDS];
	struct call c = { .in = in };
	size_t i, before = n_values;
	const char *l;
	int have = (p->flags & P_NO_HANDLE) != 0, need, repeat = 0;

	/* Nobody knows what they draw. */
	if (strncmp(p->name, "rand", 4) == 0)
		return;
	for (i = 0; i < sizeof(types); i++)
		types[i] = 0xff;
	if (p->flags & P_SAME_ACCOUNT)
		c.same = take() & 1;
	(void)builder_op(&b, p->opcode, c.same ? OP_SAME_ACCOUNT : 0);
	for (l = p->in; *l != '\0'; l++) {
		if (types[(int)*l] == 0xff)
			types[(int)*l] = type_for(*l);
		need = !have && strchr("F*", l[1]) != NULL;	/* the last */
		have |= operand(
		    *l, types[(int)*l], need, before, &in[c.n_in], &c);
		c.n_in++;
		if (l[1] == '*' && repeat == 0)
			repeat = 1 + take() % 5;
		if (repeat > 0 && --repeat > 0)
			l--;
		else if (l[1] == '*')
			l++;
	}
	c.out = &values[n_values];
	for (i = 0; p->out[i] != '\0'; i++) {
		l = &p->out[i];
		if (types[(int)*l] == 0xff)
			types[(int)*l] = *l == 'Z' ? cast_to(types['A']) :
						     type_for(*l);
		(void)builder_output(&b, handle(new_value(types[(int)*l], 0)));
	}
	reference(p->opcode, &c);
	while (c.n_in > 0)
		mpz_clear(in[--c.n_in].n);
}

static void
show(const char *what, const uint8_t *plain, size_t n)
{
	fprintf(stderr, "%s ", what);
	while (n-- > 0)
		fprintf(stderr, "%02x", *plain++);
	fprintf(stderr, "\n");
}

static void
compare(const struct program *p, const struct u256 *out)
{
	uint8_t plain[VALUE_MAX], wanted[VALUE_MAX], type;
	size_t i, j, n = 0;

	for (i = 0; i < p->shape.n_ops; i++)
		for (j = 0; j < p->ops[i].n_out; j++, n++) {
			type = handle_type(p->outputs[n].b);
			value_store(type, out[n], plain);
			value_write(&values[p->outputs[n].b[31]], wanted);
			if (memcmp(plain, wanted, type_size(type)) == 0)
				continue;
			fprintf(stderr, "%s: output %zu, %s\n",
			    primitive_by_opcode(p->ops[i].opcode)->name, j,
			    type_name(type));
			show("is    ", plain, type_size(type));
			show("wanted", wanted, type_size(type));
			abort();
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct u256 in[TASK_INPUTS], out[TASK_OUTPUTS];
	static struct m_word words[PROGRAM_WORDS];
	struct program p;
	size_t i, n, op;

	at = data;
	end = data + size;
	n_values = 0;
	builder_init(&b);
	for (n = 0; at < end && n < OPS && n_values <= VALUES - OP_VALUES; n++)
		operation();
	if (b.shape.n_ops > 0) {
		if (program_view(
			&p, &b.shape, words, builder_words(&b, words)) != 0 ||
		    program_check(&p, 0, &op) != ST_OK)
			abort();
		for (i = 0; i < p.shape.n_inputs; i++)
			if (value_load(handle_type(p.inputs[i].b),
				plains[p.inputs[i].b[31]], &in[i]) != 0)
				abort();
		exec_program(&p, in, out);
		compare(&p, out);
	}
	while (n_values > 0)
		mpz_clear(values[--n_values].n);
	return 0;
}
