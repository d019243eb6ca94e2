/* SPDX-License-Identifier: Apache-2.0
 *
 * submit and task: run operations from the command line or a JSON file as one
 * task, and print the result as JSON.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "json.h"
#include "log.h"

/* Each output has a name, from the task file or generated. */
struct name {
	const char	*name;
	uint8_t		 handle[32];
};
#define NAMES_MAX	TASK_OUTPUTS
struct names {
	struct name	 list[NAMES_MAX];
	size_t		 n;
};

static int
add_argument(struct op *op, const char *text, const struct names *names,
    const char **why)
{
	uint8_t handle[32];
	struct plain p;
	size_t i;

	*why = "too many arguments";
	if (op->n_args == OP_OPERANDS)
		return -1;
	for (i = 0; i < names->n; i++)
		if (strcmp(names->list[i].name, text) == 0) {
			build_handle(op, names->list[i].handle);
			return 0;
		}
	if (strchr(text, ':') == NULL) {
		*why = "expected a handle, or TYPE:VALUE";
		if (hex_read(text, handle, 32) != 0)
			return -1;
		build_handle(op, handle);
		return 0;
	}
	if (value_parse_pair(text, &p, why) != 0)
		return -1;
	build_constant(op, &p);
	return 0;
}

static int
add_name(struct names *names, const char *name, const uint8_t handle[32],
    const char **why)
{
	size_t i;

	*why = "a name is not a string, or stands twice, or is one too many";
	if (name == NULL || names->n == NAMES_MAX)
		return -1;
	for (i = 0; i < names->n; i++)
		if (strcmp(names->list[i].name, name) == 0)
			return -1;
	names->list[names->n].name = name;
	memcpy(names->list[names->n++].handle, handle, 32);
	return 0;
}

/* Print the map from names to handles. */
static json_t *
print_outputs(const Teerunner__V1__TaskResult *r, const struct names *names)
{
	json_t *outputs = json_object();
	size_t i, k;

	for (i = 0; i < r->n_outputs; i++)
		for (k = 0; k < names->n; k++)
			if (memcmp(names->list[k].handle,
				r->outputs[i]->handle.data, 32) == 0)
				json_object_set_new(outputs,
				    names->list[k].name,
				    json_hex(names->list[k].handle, 32));
	return outputs;
}

/* Submit, wait and print.  Returns the command's exit status. */
static int
submit_and_print(struct client *c, struct pool *pool, Teerunner__V1__Task *task,
    const struct names *names, uint32_t timeout)
{
	Teerunner__Devnet__SubmitResponse *answer;
	const Teerunner__Devnet__SubmitOutcome *o;
	const char *name;
	json_t *show;

	answer = client_submit(c, pool, &task, 1, 1, timeout);
	if (answer == NULL || answer->n_outcomes != 1)
		return 1;
	o = answer->outcomes[0];
	name = status_name(o->result->status);
	show = json_pack("{s:s,s:o,s:i,s:o}", "status",
	    name == NULL ? "?" : name, "task",
	    json_hex(o->result->task_id.data, o->result->task_id.len),
	    "attempts", (int)o->attempts, "outputs",
	    print_outputs(o->result, names));
	if (o->runner.len != 0)
		json_object_set_new(
		    show, "runner", json_hex(o->runner.data, o->runner.len));
	if (o->result->status != ST_OK)
		json_object_set_new(show, "class",
		    json_string(status_class_name(o->result->status)));
	if (*o->reason != '\0')
		json_object_set_new(show, "reason", json_string(o->reason));
	json_dumpf(show, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(show);
	return o->result->status == ST_OK ? 0 : 1;
}

int
command_submit(const struct options *o, int argc, char **argv)
{
	static struct names names;
	static struct op op = { .type = -1 };
	Teerunner__V1__Task *task;
	char *key, *value;
	const char *why = "";
	struct client c;
	struct pool pool;
	size_t k;
	int i, r;

	if ((op.primitive = primitive_by_name(argv[0])) == NULL)
		return usage("submit: %s: no such operation", argv[0]);
	for (i = 1; i < argc; i++) {
		if ((value = strchr(argv[i], '=')) != NULL) {
			key = strndup(argv[i], (size_t)(value - argv[i]));
			r = build_option(&op, key, value + 1, &why);
			free(key);
		} else
			r = add_argument(&op, argv[i], &names, &why);
		if (r != 0)
			return usage("submit: %s: %s", argv[i], why);
	}
	client_open(&c, o->dir, o->user);
	pool_init(&pool);
	task = build_task(&pool, c.address);
	if (build_op(&pool, task, &op, c.d.chain_id, &why) != 0)
		r = usage("submit: %s: %s", argv[0], why);
	else {
		for (k = 0; k < op.n_outputs; k++)
			add_name(&names, build_output_name(op.primitive, k),
			    op.outputs[k], &why);
		r = submit_and_print(&c, &pool, task, &names, o->timeout);
	}
	pool_free(&pool);
	return r;
}

/* ---- task files -------------------------------------------------------- */

static int
read_options(struct op *op, json_t *o, const char **why)
{
	static const char *const keys[] = { "type", "sameAccount", "constant",
		"feeNum", "feeDen" };
	const json_t *value;
	char number[32];
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if ((value = json_object_get(o, keys[i])) == NULL)
			continue;
		snprintf(number, sizeof(number), "%lld",
		    json_is_boolean(value) ?
			(long long)json_is_true(value) :
			(long long)json_integer_value(value));
		if (build_option(op, keys[i],
			json_is_string(value) ? json_string_value(value) :
						number,
			why) != 0)
			return -1;
	}
	return 0;
}

static int
read_inputs(struct op *op, const json_t *list, const struct names *names,
    const char **why)
{
	const char *text;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		text = json_string_value(json_array_get(list, i));
		if (text == NULL) {
			*why = "an input is a string";
			return -1;
		}
		if (add_argument(op, text, names, why) != 0)
			return -1;
	}
	return 0;
}

static int
read_operation(struct client *c, struct pool *pool, Teerunner__V1__Task *task,
    json_t *o, struct names *names, const char **why)
{
	const char *name = json_string_value(json_object_get(o, "op"));
	const json_t *outputs = json_object_get(o, "outputs");
	struct op *op = pool_get(pool, 1, sizeof(*op));
	size_t i;

	op->type = -1;
	*why = "no such operation";
	if (name == NULL || (op->primitive = primitive_by_name(name)) == NULL)
		return -1;
	/* The type first, since `wrap' needs it; constants follow the
	 * inputs. */
	if (json_object_get(o, "type") != NULL &&
	    build_option(op, "type",
		json_string_value(json_object_get(o, "type")), why) != 0)
		return -1;
	if (read_inputs(op, json_object_get(o, "inputs"), names, why) != 0 ||
	    read_options(op, o, why) != 0 ||
	    build_op(pool, task, op, c->d.chain_id, why) != 0)
		return -1;
	if (json_array_size(outputs) > op->n_outputs) {
		*why = "more outputs than the operation has";
		return -1;
	}
	for (i = 0; i < op->n_outputs; i++) {
		name = i < json_array_size(outputs) ?
		    json_string_value(json_array_get(outputs, i)) :
		    pool_printf(pool, "%zu.%s", task->n_operations,
			build_output_name(op->primitive, i));
		if (add_name(names, name, op->outputs[i], why) != 0)
			return -1;
	}
	return 0;
}

int
command_task(const struct options *o, int argc, char **argv)
{
	static struct names names;
	Teerunner__V1__Task *task;
	json_error_t error;
	json_t *file, *list;
	struct client c;
	struct pool pool;
	const char *why;
	size_t i;
	int r;

	(void)argc;
	file = strcmp(argv[0], "-") == 0 ? json_loadf(stdin, 0, &error) :
					   json_load_file(argv[0], 0, &error);
	if (file == NULL)
		return usage(
		    "task: %s: line %d: %s", argv[0], error.line, error.text);
	list = json_object_get(file, "operations");
	if (json_array_size(list) == 0 || json_array_size(list) > TASK_OPS)
		return usage("task: %s: expected \"operations\", 1 to %d",
		    argv[0], TASK_OPS);
	client_open(&c, o->dir, o->user);
	pool_init(&pool);
	task = build_task(&pool, c.address);
	for (i = 0; i < json_array_size(list); i++)
		if (read_operation(&c, &pool, task, json_array_get(list, i),
			&names, &why) != 0)
			return usage(
			    "task: %s: operation %zu: %s", argv[0], i + 1, why);
	r = submit_and_print(&c, &pool, task, &names, o->timeout);
	pool_free(&pool);
	json_decref(file);
	return r;
}
