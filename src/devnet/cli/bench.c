/* SPDX-License-Identifier: Apache-2.0
 *
 * bench: a steady load of one operation.  Inputs are stored beforehand and
 * shared.  Latency is measured from Submit to its answer, when the outputs are
 * stored; with a rate, from the time at which the submission was due.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "command.h"
#include "hex.h"
#include "log.h"

struct bench {
	struct client	 c;
	const struct options *o;
	const struct primitive *primitive;
	uint8_t		 handles[OP_OPERANDS][32];
	size_t		 n_inputs;
	uint32_t	 sent, done, failed;
	double		*latency;	/* ms per submission */
	size_t		 n_latency;
	json_t		*runners;	/* address: tasks that it computed */
	int		 is_over;
	struct lane	*lanes;
	uint32_t	 n_lanes, n_started;
	struct rpc_timer pacer;		/* of the next lane, with a rate */
	double		 start;		/* ms */
};
struct lane {			/* a slot for one submission in flight; with
				 * a rate it is used once */
	struct bench	*b;
	struct pool	 pool;		/* of its submission */
	double		 sent_at;
	uint32_t	 n;
};

/* A sample value of a type that the letter stands for. */
static void
sample_value(char letter, size_t i, struct plain *p)
{
	memset(p, 0, sizeof(*p));
	switch (letter) {
	case 'B': p->type = TYPE_BOOL; break;
	case 'S':
	case 'i': p->type = TYPE_INT(256); break;
	default: p->type = TYPE_UINT(256); break;
	}
	p->bytes[type_size(p->type) - 1] = p->type == TYPE_BOOL ?
	    1 :
	    (uint8_t)(100 - i);
}

/* Store values for those inputs that are handles. */
static void
put_inputs(struct bench *b)
{
	struct plain values[OP_OPERANDS];
	size_t i, n = strcspn(b->primitive->in, "*KCF");

	for (i = 0; i < n; i++)
		sample_value(b->primitive->in[i], i, &values[i]);
	if (n > 0 && client_put(&b->c, values, n, b->handles) != 0)
		exit(1);
	b->n_inputs = n;
}

/* A task of one operation: the stored inputs, then the constants that the
 * primitive takes (letters in primitives.def). */
static Teerunner__V1__Task *
make_task(struct bench *b, struct pool *pool)
{
	Teerunner__V1__Task *task = build_task(pool, b->c.address);
	struct op *op = pool_get(pool, 1, sizeof(*op));
	struct plain p;
	const char *why;
	size_t i;

	op->primitive = b->primitive;
	op->type = TYPE_UINT(256);
	for (i = 0; i < b->n_inputs; i++)
		build_handle(op, b->handles[i]);
	if (strpbrk(b->primitive->in, "KC") != NULL) {
		sample_value('U', 0, &p);
		build_constant(op, &p);
	} else if (strchr(b->primitive->in, 'F') != NULL) {
		build_option(op, "feeNum", "3", &why);
		build_option(op, "feeDen", "1000", &why);
	}
	if (build_op(pool, task, op, b->c.d.chain_id, &why) != 0)
		fatal("bench: %s: %s", b->primitive->name, why);
	return task;
}

static double
exact_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
count_runner(struct bench *b, const ProtobufCBinaryData *runner)
{
	char name[43] = "0x";
	json_t *n;

	if (runner->len != 20)
		return;
	hex_encode(name + 2, runner->data, 20);
	if ((n = json_object_get(b->runners, name)) == NULL)
		json_object_set_new(b->runners, name, json_integer(1));
	else
		json_integer_set(n, json_integer_value(n) + 1);
}

static void	submit(struct lane *);

static void
on_answer(void *arg, int code, const char *why, void *p)
{
	const Teerunner__Devnet__SubmitResponse *answer = p;
	struct lane *lane = arg;
	struct bench *b = lane->b;
	size_t i;

	if (code != 0)
		fatal("bench: submit: %s", why);
	b->latency[b->n_latency++] = exact_ms() - lane->sent_at;
	for (i = 0; i < answer->n_outcomes; i++)
		if (answer->outcomes[i]->result->status == ST_OK)
			count_runner(b, &answer->outcomes[i]->runner);
		else
			b->failed++;
	b->done += lane->n;
	b->is_over = b->done == b->o->tasks;
	pool_free(&lane->pool);
	if (b->o->rate == 0)
		submit(lane);
}

static void
submit(struct lane *lane)
{
	struct bench *b = lane->b;
	Teerunner__V1__Task **tasks;
	uint32_t i;

	if (b->sent == b->o->tasks)
		return;
	pool_init(&lane->pool);
	lane->n = b->o->batch < b->o->tasks - b->sent ? b->o->batch :
							b->o->tasks - b->sent;
	b->sent += lane->n;
	tasks = pool_get(&lane->pool, lane->n, sizeof(tasks[0]));
	for (i = 0; i < lane->n; i++)
		tasks[i] = make_task(b, &lane->pool);
	lane->sent_at = exact_ms();
	client_submit_send(&b->c, &lane->pool, tasks, lane->n, b->o->batch,
	    b->o->timeout, on_answer, lane);
}

/* Start each lane that is due: an open loop, whatever is in flight. */
static void
pace(void *arg)
{
	struct bench *b = arg;
	double due, now;

	while (b->n_started < b->n_lanes) {
		struct lane *lane = &b->lanes[b->n_started];

		due = b->start +
		    (double)b->n_started * b->o->batch * 1e3 / b->o->rate;
		if (due > (now = exact_ms())) {
			rpc_after(
			    &b->pacer, (uint64_t)(due - now) + 1, pace, b);
			return;
		}
		submit(lane);
		lane->sent_at = due;
		b->n_started++;
	}
}

static void
start_lanes(struct bench *b)
{
	const struct options *o = b->o;
	uint32_t i;

	b->n_lanes = o->rate == 0 ? o->in_flight :
				    (o->tasks + o->batch - 1) / o->batch;
	b->runners = json_object();
	b->latency = calloc(o->tasks, sizeof(double));
	b->lanes = calloc(b->n_lanes, sizeof(b->lanes[0]));
	if (b->runners == NULL || b->latency == NULL || b->lanes == NULL)
		fatal("bench: out of memory");
	for (i = 0; i < b->n_lanes; i++)
		b->lanes[i].b = b;
	b->start = exact_ms();
	if (o->rate != 0) {
		pace(b);
		return;
	}
	for (i = 0; i < b->n_lanes; i++)
		submit(&b->lanes[i]);
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void
latency_of(double *ms, size_t n, struct latency *l)
{
	*l = (struct latency){ 0 };
	if (n == 0)
		return;
	qsort(ms, n, sizeof(ms[0]), by_value);
	l->p50 = ms[n / 2];
	l->p99 = ms[n * 99 / 100];
	l->max = ms[n - 1];
}

static void
print_json(const struct bench *b, double seconds, const struct latency *l)
{
	struct pid pids[PIDS_MAX];
	json_t *processes = json_object(), *all;
	uint32_t i, n = pids_read(b->o->dir, pids);

	for (i = 0; i < n; i++)
		json_object_set_new(
		    processes, pids[i].name, json_integer(pids[i].pid));
	all = json_pack("{s:s,s:i,s:i,s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:O,s:o}",
	    "op", b->primitive->name, "tasks", (int)b->o->tasks, "batch",
	    (int)b->o->batch, "inFlight", (int)b->o->in_flight, "failed",
	    (int)b->failed, "seconds", seconds, "tasksPerSecond",
	    (double)b->done / seconds, "p50ms", l->p50, "p99ms", l->p99,
	    "maxms", l->max, "runners", b->runners, "pids", processes);
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	printf("\n");
	json_decref(all);
}

static void
print(struct bench *b, double seconds)
{
	struct latency l;
	const char *runner;
	json_t *n;

	latency_of(b->latency, b->n_latency, &l);
	if (b->o->json) {
		print_json(b, seconds, &l);
		return;
	}
	printf("%s: %u tasks in batches of %u, %u in flight: %.1f s\n"
	       "%.0f tasks/s, latency p50 %.1f ms, p99 %.1f ms, max %.1f ms, "
	       "%u failed\n",
	    b->primitive->name, b->o->tasks, b->o->batch, b->o->in_flight,
	    seconds, (double)b->done / seconds, l.p50, l.p99, l.max, b->failed);
	json_object_foreach(b->runners, runner, n)
		printf("runner %s: %lld tasks\n", runner,
		    (long long)json_integer_value(n));
}

int
command_bench(const struct options *o, int argc, char **argv)
{
	static struct bench b;

	(void)argc;
	(void)argv;
	if ((b.primitive = primitive_by_name(o->op)) == NULL)
		return usage("bench: --op %s: no such operation", o->op);
	if (o->tasks == 0 || o->batch == 0 || o->in_flight == 0)
		return usage("bench: tasks, batch and in-flight are 1 or more");
	client_open(&b.c, o->dir, o->user);
	b.o = o;
	/* Connecting and the first call are slow and are not measured. */
	put_inputs(&b);
	start_lanes(&b);
	rpc_loop(&b.is_over);
	print(&b, (exact_ms() - b.start) / 1e3);
	free(b.lanes);
	free(b.latency);
	json_decref(b.runners);
	return b.failed == 0 ? 0 : 1;
}
