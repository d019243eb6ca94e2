/* SPDX-License-Identifier: Apache-2.0
 *
 * run: test vectors through the whole system.  It handles a slice of the file
 * at a time: puts all inputs, submits the operations, gets the outputs and
 * compares them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "log.h"

#define SLICE		512	/* lines */
#define SHOWN		20	/* failures shown in full */

struct vector {
	size_t		 line;
	struct op	 op;
	size_t		 first, n_inputs;	/* in the slice's values */
	struct plain	 expect[8];
	size_t		 n_expect, first_output;
	int		 has_outputs;
};

struct run {
	struct client	 c;
	const struct options *o;
	struct vector	*vectors;		/* of the slice */
	size_t		 n_vectors;
	struct plain	*values;		/* inputs, then outputs */
	uint8_t		(*handles)[32];
	size_t		 n_values;
	size_t		 passed, failed;
};
#define VALUES_MAX	(SLICE * OP_OPERANDS)

static void
count_failure(
    struct run *r, const struct vector *v, const char *what, const char *detail)
{
	if (r->failed++ < SHOWN)
		printf("line %zu: %s: %s%s%s\n", v->line, v->op.primitive->name,
		    what, *detail == '\0' ? "" : ": ", detail);
}

/* ---- reading ----------------------------------------------------------- */

/* Parse the next comma-separated type and the next blank-separated value. */
static int
next_pair(char **types, char **values, struct plain *p)
{
	char *type = strsep(types, ","), *text;
	int t;

	do
		text = strsep(values, " \n");
	while (text != NULL && *text == '\0');
	if (type == NULL || text == NULL || (t = type_parse(type)) == -1)
		return -1;
	memset(p, 0, sizeof(*p));
	p->type = (uint8_t)t;
	return hex_read(text, p->bytes, type_size(p->type));
}

static int
read_outputs(struct vector *v, char *types, char *values)
{
	while (types != NULL && v->n_expect < 8)
		if (next_pair(&types, &values, &v->expect[v->n_expect++]) != 0)
			return -1;
	return 0;
}

/* Line: name in-types out-types [k=v ...] : inputs = outputs */
static int
read_vector(struct run *r, struct vector *v, char *text)
{
	char *right, *inputs, *name, *in, *out, *option, *value;
	const char *why;

	v->op.type = -1;
	if ((inputs = strstr(text, " : ")) == NULL ||
	    (right = strstr(inputs + 1, "= ")) == NULL)
		return -1;
	*inputs = '\0';
	inputs += 3;
	if (right > inputs)
		right[-1] = '\0';
	right += 2;
	name = strsep(&text, " ");
	in = strsep(&text, " ");
	out = strsep(&text, " ");
	if (out == NULL ||
	    (v->op.primitive = primitive_by_name(name)) == NULL ||
	    read_outputs(v, out, right) != 0)
		return -1;
	v->op.type = v->expect[v->n_expect - 1].type;
	v->first = r->n_values;
	if (strcmp(in, "-") != 0)
		for (; in != NULL; v->n_inputs++)
			if (next_pair(
				&in, &inputs, &r->values[r->n_values++]) != 0)
				return -1;
	/* Fees and constants follow the inputs, in the file's order. */
	v->op.n_args = v->n_inputs;
	while ((option = strsep(&text, " ")) != NULL) {
		if ((value = strchr(option, '=')) == NULL)
			return -1;
		*value++ = '\0';
		if (build_option(&v->op, option, value, &why) != 0)
			return -1;
	}
	return 0;
}

/* ---- one slice --------------------------------------------------------- */

static Teerunner__V1__Task *
build_vector(struct run *r, struct vector *v, struct pool *pool)
{
	Teerunner__V1__Task *task = build_task(pool, r->c.address);
	const char *why;
	size_t i, all = v->op.n_args;

	v->op.n_args = 0;
	for (i = 0; i < v->n_inputs; i++)
		build_handle(&v->op, r->handles[v->first + i]);
	v->op.n_args = all;
	if (build_op(pool, task, &v->op, r->c.d.chain_id, &why) != 0)
		fatal("run: line %zu: %s", v->line, why);
	return task;
}

static void
compare(struct run *r, const struct vector *v)
{
	char expected[VALUE_TEXT], got[VALUE_TEXT];
	char detail[2 * VALUE_TEXT + 32];
	size_t i;

	for (i = 0; i < v->n_expect; i++) {
		const struct plain *p = &r->values[v->first_output + i];

		if (p->type == v->expect[i].type &&
		    memcmp(p->bytes, v->expect[i].bytes, type_size(p->type)) ==
			0)
			continue;
		snprintf(detail, sizeof(detail), "%s, not %s",
		    value_print(p, got), value_print(&v->expect[i], expected));
		count_failure(r, v, "wrong result", detail);
		return;
	}
	r->passed++;
}

/* Collect the outputs of the successful tasks. */
static int
collect_outputs(struct run *r, const Teerunner__Devnet__SubmitResponse *answer)
{
	const Teerunner__V1__TaskResult *result;
	struct vector *v;
	size_t i, k, n = 0;

	for (i = 0; i < r->n_vectors; i++) {
		v = &r->vectors[i];
		result = answer->outcomes[i]->result;
		if (result->status != ST_OK) {
			count_failure(r, v,
			    status_name(result->status) == NULL ?
				"?" :
				status_name(result->status),
			    answer->outcomes[i]->reason);
			continue;
		}
		if (result->n_outputs != v->n_expect) {
			count_failure(r, v, "wrong number of outputs", "");
			continue;
		}
		v->first_output = n;
		for (k = 0; k < v->n_expect; k++)
			memcpy(r->handles[n++], result->outputs[k]->handle.data,
			    32);
		v->has_outputs = 1;
	}
	return client_get(
	    &r->c, (const uint8_t(*)[32])r->handles, n, r->values);
}

static int
run_slice(struct run *r)
{
	Teerunner__Devnet__SubmitResponse *answer;
	Teerunner__V1__Task **tasks;
	struct pool pool;
	size_t i;
	int e = -1;

	pool_init(&pool);
	if (client_put(&r->c, r->values, r->n_values, r->handles) != 0)
		goto out;
	tasks = pool_get(&pool, r->n_vectors, sizeof(tasks[0]));
	for (i = 0; i < r->n_vectors; i++)
		tasks[i] = build_vector(r, &r->vectors[i], &pool);
	answer = client_submit(
	    &r->c, &pool, tasks, r->n_vectors, r->o->batch, r->o->timeout);
	if (answer == NULL || answer->n_outcomes != r->n_vectors ||
	    collect_outputs(r, answer) != 0)
		goto out;
	for (i = 0; i < r->n_vectors; i++)
		if (r->vectors[i].has_outputs)
			compare(r, &r->vectors[i]);
	e = 0;
out:
	pool_free(&pool);
	r->n_vectors = r->n_values = 0;
	memset(r->vectors, 0, SLICE * sizeof(r->vectors[0]));
	return e;
}

/* ---- the file ---------------------------------------------------------- */

static int
is_wanted(const char *ops, const char *line)
{
	size_t n = strcspn(line, " ");
	const char *p;

	if (*line == '#' || *line == '\n')
		return 0;
	for (p = ops; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strcspn(p, ",") == n && strncmp(p, line, n) == 0)
			return 1;
	}
	return ops == NULL;
}

static int
run_file(struct run *r, FILE *f)
{
	char *text = NULL;
	size_t size = 0, line = 0;
	int e = 0;

	while (e == 0 && getline(&text, &size, f) > 0) {
		struct vector *v = &r->vectors[r->n_vectors];

		line++;
		if (!is_wanted(r->o->ops, text))
			continue;
		v->line = line;
		if (read_vector(r, v, text) != 0) {
			e = usage("run: line %zu: not a vector", line);
			break;
		}
		if (++r->n_vectors < SLICE)
			continue;
		e = run_slice(r);
		if (isatty(2))
			fprintf(stderr, "\r%zu passed, %zu failed", r->passed,
			    r->failed);
	}
	if (e == 0 && r->n_vectors > 0)
		e = run_slice(r);
	if (isatty(2))
		fprintf(stderr, "\r");
	free(text);
	return e;
}

int
command_run(const struct options *o, int argc, char **argv)
{
	static struct run r;
	FILE *f;
	int e;

	(void)argc;
	if ((f = fopen(argv[0], "r")) == NULL)
		return usage("run: %s: %m", argv[0]);
	client_open(&r.c, o->dir, o->user);
	r.o = o;
	r.vectors = calloc(SLICE, sizeof(r.vectors[0]));
	r.values = calloc(VALUES_MAX, sizeof(r.values[0]));
	r.handles = calloc(VALUES_MAX, sizeof(r.handles[0]));
	if (r.vectors == NULL || r.values == NULL || r.handles == NULL)
		fatal("run: out of memory");
	e = run_file(&r, f);
	fclose(f);
	if (e > 0)
		return e;
	printf("%zu passed, %zu failed\n", r.passed, r.failed);
	return e == 0 && r.failed == 0 && r.passed > 0 ? 0 : 1;
}
