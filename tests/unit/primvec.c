/* SPDX-License-Identifier: Apache-2.0
 *
 * primvec FILE: run each line of a file of primitive vectors (the format is in
 * the head of tests/vectors/primitives.txt) through the worker's own code:
 * builder, view, check, execution.  Twice: with all inputs handles, and with
 * all but the last of them public constants, which may change nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "exec.h"

#define MAX	104		/* words of one list on a line */

struct line {
	char	*name, *words[2 * MAX];
	uint8_t	 in[MAX], out[MAX];
	size_t	 n_in, n_out;
	uint8_t	 constant[32];		/* of wrap */
	uint32_t fee, fee_base, flags;
	uint8_t	 plain_in[MAX][32], plain_out[MAX][32];
};

static size_t
types(char *text, uint8_t *to)
{
	char *save, *t;
	size_t n = 0;
	int type;

	if (strcmp(text, "-") == 0)
		return 0;
	for (t = strtok_r(text, ",", &save); t != NULL && n < MAX;
	     t = strtok_r(NULL, ",", &save)) {
		if ((type = type_parse(t)) == -1)
			return MAX + 1;
		to[n++] = (uint8_t)type;
	}
	return n;
}

static int
hex(const char *text, uint8_t *to, size_t n)
{
	size_t i;

	if (strncmp(text, "0x", 2) != 0 || strlen(text) != 2 + 2 * n)
		return -1;
	for (i = 0; i < n; i++)
		if (sscanf(text + 2 + 2 * i, "%2hhx", &to[i]) != 1)
			return -1;
	return 0;
}

static int
parameter(struct line *l, const char *text)
{
	if (strncmp(text, "constant=", 9) == 0)
		return hex(text + 9, l->constant, 32);
	if (strcmp(text, "sameAccount=1") == 0)
		l->flags |= OP_SAME_ACCOUNT;
	else if (sscanf(text, "feeNum=%u", &l->fee) != 1 &&
	    sscanf(text, "feeDen=%u", &l->fee_base) != 1 &&
	    strcmp(text, "sameAccount=0") != 0)
		return -1;
	return 0;
}

static int
parse(char *text, struct line *l)
{
	char *save, *word;
	size_t i;

	memset(l, 0, sizeof(*l));
	if ((l->name = strtok_r(text, " \n", &save)) == NULL ||
	    (word = strtok_r(NULL, " \n", &save)) == NULL ||
	    (l->n_in = types(word, l->in)) > MAX ||
	    (word = strtok_r(NULL, " \n", &save)) == NULL ||
	    (l->n_out = types(word, l->out)) > MAX)
		return -1;
	while ((word = strtok_r(NULL, " \n", &save)) != NULL &&
	    strcmp(word, ":") != 0)
		if (parameter(l, word) == -1)
			return -1;
	for (i = 0; i < l->n_in; i++)
		if ((word = strtok_r(NULL, " \n", &save)) == NULL ||
		    hex(word, l->plain_in[i], type_size(l->in[i])) == -1)
			return -1;
	if ((word = strtok_r(NULL, " \n", &save)) == NULL ||
	    strcmp(word, "=") != 0)
		return -1;
	for (i = 0; i < l->n_out; i++)
		if ((word = strtok_r(NULL, " \n", &save)) == NULL ||
		    hex(word, l->plain_out[i], type_size(l->out[i])) == -1)
			return -1;
	return strtok_r(NULL, " \n", &save) == NULL ? 0 : -1;
}

static const uint8_t *
handle(uint8_t type, size_t n)
{
	static uint8_t h[32];

	h[5] = type;
	h[31] = (uint8_t)n;
	return h;
}

static uint32_t
fee(struct builder *b, uint32_t n)
{
	uint8_t word[32] = { 0 };

	word[28] = (uint8_t)(n >> 24);
	word[29] = (uint8_t)(n >> 16);
	word[30] = (uint8_t)(n >> 8);
	word[31] = (uint8_t)n;
	return builder_const(b, TYPE_UINT(32), word);
}

/* The operation as a program; 0 if each step of building it succeeded. */
static uint32_t
build(struct builder *b, const struct line *l, int constants)
{
	const struct primitive *row = primitive_by_name(l->name);
	uint8_t word[32];
	uint32_t st;
	size_t i;

	builder_init(b);
	if (row == NULL)
		return ST_UNKNOWN_OPCODE;
	st = builder_op(b, row->opcode, l->flags);
	if (strcmp(l->name, "wrap") == 0)
		st |= builder_const(b, TYPE_BYTES(32), l->constant);
	for (i = 0; i < l->n_in; i++) {
		type_word(l->in[i], l->plain_in[i], word);
		if (constants && i < l->n_in - 1)
			st |= builder_const(b, l->in[i], word);
		else
			st |= builder_handle(b, handle(l->in[i], i));
	}
	if (row->flags & P_FEE)
		st |= fee(b, l->fee) | fee(b, l->fee_base);
	for (i = 0; i < l->n_out; i++)
		st |= builder_output(b, handle(l->out[i], MAX + i));
	return st;
}

static int
run(const struct line *l, int constants)
{
	static struct builder b;
	static struct m_word words[PROGRAM_WORDS];
	struct u256 in[TASK_INPUTS], out[TASK_OUTPUTS];
	struct program p;
	uint8_t plain[32];
	size_t i, at;

	if (build(&b, l, constants) != ST_OK ||
	    program_view(&p, &b.shape, words, builder_words(&b, words)) != 0 ||
	    program_check(&p, 0, &at) != ST_OK)
		return -1;
	for (i = 0; i < p.shape.n_inputs; i++)
		if (value_load(handle_type(p.inputs[i].b),
			l->plain_in[p.inputs[i].b[31]], &in[i]) != 0)
			return -1;
	exec_program(&p, in, out);
	for (i = 0; i < l->n_out; i++) {
		value_store(l->out[i], out[i], plain);
		if (memcmp(plain, l->plain_out[i], type_size(l->out[i])) != 0)
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct line l;
	char *text = NULL, *copy;
	size_t size = 0, number = 0, passed = 0, failed = 0;
	FILE *f;

	if (argc != 2 || (f = fopen(argv[1], "r")) == NULL) {
		fprintf(stderr, "usage: primvec file\n");
		return 2;
	}
	while (getline(&text, &size, f) != -1) {
		number++;
		if (text[0] == '#' || text[0] == '\n')
			continue;
		copy = strdup(text);
		if (copy == NULL)
			return 1;
		if (parse(text, &l) == 0 && run(&l, 0) == 0 && run(&l, 1) == 0)
			passed++;
		else {
			failed++;
			printf("%zu: %s", number, copy);
		}
		free(copy);
	}
	free(text);
	fclose(f);
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed != 0;
}
