/* SPDX-License-Identifier: Apache-2.0
 *
 * nox bench: transfers, a number of them unresolved at a time.  The amounts are
 * stored before the first transfer, a handle for each: the same operation on
 * the same handles has the same results.  Latency is the time from the
 * publication until all outputs have values; they are asked for every POLL.
 * With --times, the message is published again every second, whether or not it
 * is resolved.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "log.h"
#include "noxclient.h"
#include "stream.h"

#define POLL		2000	/* us */
#define CONNECT		10000	/* ms */
#define AT_ONCE		(256 / NOX_OUTPUTS)	/* lanes of a question */

struct lane {
	struct noxtx	 tx;
	uint64_t	 sent_at;	/* us; 0: free */
	uint32_t	 n_published;	/* of --times */
	int		 is_resolved;
};

struct bench {
	struct noxclient c;
	const struct options *o;
	struct stream	*stream;
	uint8_t		 balances[2][32];
	uint8_t		(*amounts)[32];
	struct lane	*lanes;
	double		*latency;	/* ms */
	uint32_t	 n_latency;
	uint32_t	 sent, unresolved;
	uint64_t	 start;			/* us */
	FILE		*times;			/* or NULL */
};

static int
put(struct bench *b, uint32_t value, uint8_t handle[32])
{
	struct plain p = { .type = TYPE_UINT(256) };
	int i;

	for (i = 0; i < 4; i++)
		p.bytes[31 - i] = (uint8_t)(value >> 8 * i);
	return noxclient_put(&b->c, &p, handle);
}

static int
put_inputs(struct bench *b)
{
	uint32_t i;

	if (put(b, 1000000, b->balances[0]) != 0 ||
	    put(b, 1000000, b->balances[1]) != 0)
		return -1;
	for (i = 0; i < b->o->tasks; i++)
		if (put(b, i, b->amounts[i]) != 0)
			return -1;
	return 0;
}

/* The first time, or once more.  While the server is away it is tried again:
 * the stream takes a message with the same ID once. */
static void
publish(struct bench *b, struct lane *lane)
{
	if (lane->n_published < b->o->times &&
	    now_us() - lane->sent_at >= lane->n_published * 1000000ull &&
	    noxtx_publish(&lane->tx, &b->c, b->stream, lane->n_published) == 0)
		lane->n_published++;
}

static void
submit(struct bench *b, struct lane *lane)
{
	struct noxtx *t = &lane->tx;

	t->op = noxtx_op("transfer");
	memcpy(t->operands[0], b->balances[0], 32);
	memcpy(t->operands[1], b->balances[1], 32);
	memcpy(t->operands[2], b->amounts[b->sent++], 32);
	t->n_operands = 3;
	noxtx_make(t, &b->c.d);
	lane->sent_at = now_us();
	lane->n_published = 0;
	lane->is_resolved = 0;
}

static void
note_resolved(struct bench *b, struct lane *lane, uint64_t us)
{
	lane->is_resolved = 1;
	b->latency[b->n_latency++] = (double)us / 1e3;
	if (b->times != NULL)
		fprintf(b->times, "%llu %llu\n",
		    (unsigned long long)((now_unix_us() - us) / 1000),
		    (unsigned long long)(now_unix_us() / 1000));
}

/* Free the lane if its outputs are resolved and it was published as often as it
 * shall be, or the time is over. */
static void
check_lane(struct bench *b, struct lane *lane, const int *is_resolved)
{
	const uint64_t us = now_us() - lane->sent_at;

	if (!lane->is_resolved && is_resolved[0] && is_resolved[1] &&
	    is_resolved[2])
		note_resolved(b, lane, us);
	if (lane->is_resolved) {
		if (lane->n_published == b->o->times)
			lane->sent_at = 0;
	} else if (us > b->o->timeout * 1000000ull) {
		b->unresolved++;
		lane->sent_at = 0;
	}
}

/* While the Gateway is away nothing is known to be resolved. */
static void
check_lanes(struct bench *b, struct lane **busy, uint32_t n)
{
	uint8_t handles[AT_ONCE * NOX_OUTPUTS][32];
	int is_resolved[AT_ONCE * NOX_OUTPUTS];
	uint32_t i, k;

	for (i = 0; i < n; i += k) {
		for (k = 0; k < AT_ONCE && i + k < n; k++)
			memcpy(handles[k * NOX_OUTPUTS],
			    busy[i + k]->tx.outputs,
			    sizeof(busy[i + k]->tx.outputs));
		memset(is_resolved, 0, sizeof(is_resolved));
		(void)noxclient_resolved(&b->c, (const uint8_t(*)[32])handles,
		    k * NOX_OUTPUTS, is_resolved);
		for (k = 0; k < AT_ONCE && i + k < n; k++)
			check_lane(
			    b, busy[i + k], &is_resolved[k * NOX_OUTPUTS]);
	}
}

/* May another be sent now? */
static int
is_due(const struct bench *b)
{
	const uint64_t us = now_us() - b->start;

	return b->sent < b->o->tasks &&
	    (b->o->rate == 0 || b->sent <= us * b->o->rate / 1000000);
}

static void
run(struct bench *b)
{
	struct lane *busy[1024];
	uint32_t i, n;

	for (;;) {
		for (i = n = 0; i < b->o->in_flight; i++) {
			struct lane *lane = &b->lanes[i];

			if (lane->sent_at == 0 && is_due(b))
				submit(b, lane);
			if (lane->sent_at == 0)
				continue;
			publish(b, lane);
			busy[n++] = lane;
		}
		if (n == 0 && b->sent == b->o->tasks)
			return;
		check_lanes(b, busy, n);
		usleep(POLL);
	}
}

static void
print(struct bench *b, double seconds)
{
	struct latency l;
	const double rate = b->n_latency / seconds;
	json_t *all;

	latency_of(b->latency, b->n_latency, &l);
	if (!b->o->json) {
		printf("transfer: %u tasks, %u in flight: %.1f s\n"
		       "%.0f tasks/s, latency p50 %.1f ms, p99 %.1f ms, max "
		       "%.1f ms, %u unresolved\n",
		    b->o->tasks, b->o->in_flight, seconds, rate, l.p50, l.p99,
		    l.max, b->unresolved);
		return;
	}
	all = json_pack("{s:s,s:i,s:i,s:i,s:f,s:f,s:f,s:f,s:f}", "op",
	    "transfer", "tasks", (int)b->o->tasks, "inFlight",
	    (int)b->o->in_flight, "unresolved", (int)b->unresolved, "seconds",
	    seconds, "tasksPerSecond", rate, "p50ms", l.p50, "p99ms", l.p99,
	    "maxms", l.max);
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	printf("\n");
	json_decref(all);
}

int
command_nox_bench(const struct options *o, int argc, char **argv)
{
	static struct bench b;

	if (o->tasks < 1 || o->in_flight < 1)
		return usage("nox bench: --tasks, --in-flight: expected 1 or "
			     "more");
	if (argc == 1 && (b.times = fopen(argv[0], "w")) == NULL)
		return usage("nox bench: %s: cannot write", argv[0]);
	b.o = o;
	noxclient_open(&b.c, o->dir, o->user);
	b.amounts = calloc(o->tasks, sizeof(b.amounts[0]));
	b.latency = calloc(o->tasks, sizeof(b.latency[0]));
	b.lanes = calloc(o->in_flight, sizeof(b.lanes[0]));
	if (b.amounts == NULL || b.latency == NULL || b.lanes == NULL)
		fatal("nox bench: out of memory");
	if (put_inputs(&b) != 0 ||
	    (b.stream = stream_open(&b.c.d, CONNECT)) == NULL)
		return 1;
	b.start = now_us();
	run(&b);
	print(&b, (double)(now_us() - b.start) / 1e6);
	if (b.times != NULL)
		fclose(b.times);
	stream_close(b.stream);
	return b.unresolved == 0 ? 0 : 1;
}
