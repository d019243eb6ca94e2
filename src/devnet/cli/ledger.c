/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger: transfers between encrypted balances, each on the outputs of the
 * previous one.  The same balances are computed in plaintext.  At the end all
 * balances are decrypted and compared, which reveals a task that was lost,
 * computed twice or confused with another.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "command.h"
#include "log.h"

#define BALANCE		1000	/* initial balance of an account */
#define LANES_MAX	64

/* The last amount exceeds every balance, so that transfer moves nothing. */
static const uint64_t amounts[] = { 1, 7, 300, 1000000 };
#define AMOUNTS		(sizeof(amounts) / sizeof(amounts[0]))

struct account {
	uint8_t		 handle[32];
	uint64_t	 balance;	/* expected */
};

static struct ledger {
	struct client	 c;
	const struct options *o;
	const struct primitive *transfer;
	uint8_t		 amounts[AMOUNTS][32];
	FILE		*times;
	uint64_t	 end;		/* milliseconds */
	uint32_t	 running, done, failed;
	int		 is_over;
} l;

/* Two accounts, with at most one transfer between them at a time. */
static struct lane {
	struct account	 accounts[2];
	struct pool	 pool;		/* of the current transfer */
	struct op	*op;
	uint32_t	 n;		/* transfers sent */
	uint64_t	 sent;		/* milliseconds */
} lanes[LANES_MAX];

static uint64_t
wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- transfers --------------------------------------------------------- */

static struct account *
payer(struct lane *lane)
{
	return &lane->accounts[lane->n % 2];
}

static struct account *
payee(struct lane *lane)
{
	return &lane->accounts[(lane->n + 1) % 2];
}

static uint32_t
amount_of(const struct lane *lane)
{
	return (lane->n + (uint32_t)(lane - lanes)) % AMOUNTS;
}

static void	transfer(struct lane *);

static void
on_answer(void *arg, int code, const char *why, void *p)
{
	const Teerunner__Devnet__SubmitResponse *answer = p;
	struct lane *lane = arg;
	const uint64_t amount = amounts[amount_of(lane)];

	if (code != 0)
		fatal("ledger: submit: %s", why);
	if (answer->outcomes[0]->result->status == ST_OK) {
		memcpy(payer(lane)->handle, lane->op->outputs[1], 32);
		memcpy(payee(lane)->handle, lane->op->outputs[2], 32);
		if (amount <= payer(lane)->balance) {
			payer(lane)->balance -= amount;
			payee(lane)->balance += amount;
		}
		l.done++;
	} else
		l.failed++;
	if (l.times != NULL)
		fprintf(l.times, "%td %" PRIu64 " %" PRIu64 "\n", lane - lanes,
		    lane->sent, wall_ms());
	lane->n++;
	pool_free(&lane->pool);
	transfer(lane);
}

static void
transfer(struct lane *lane)
{
	Teerunner__V1__Task **task;
	const char *why;

	if (wall_ms() >= l.end) {
		l.is_over = --l.running == 0;
		return;
	}
	pool_init(&lane->pool);
	task = pool_get(&lane->pool, 1, sizeof(task[0]));
	task[0] = build_task(&lane->pool, l.c.address);
	lane->op = pool_get(&lane->pool, 1, sizeof(*lane->op));
	lane->op->primitive = l.transfer;
	lane->op->type = -1;
	build_handle(lane->op, payer(lane)->handle);
	build_handle(lane->op, payee(lane)->handle);
	build_handle(lane->op, l.amounts[amount_of(lane)]);
	if (build_op(&lane->pool, task[0], lane->op, l.c.d.chain_id, &why) != 0)
		fatal("ledger: %s", why);
	lane->sent = wall_ms();
	client_submit_send(
	    &l.c, &lane->pool, task, 1, 1, l.o->timeout, on_answer, lane);
}

/* ---- start and end ----------------------------------------------------- */

static void
plain_u256(struct plain *p, uint64_t n)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	p->type = TYPE_UINT(256);
	for (i = 0; i < sizeof(n); i++)
		p->bytes[type_size(p->type) - 1 - i] = (uint8_t)(n >> 8 * i);
}

static void
accounts_open(void)
{
	struct plain values[2 * LANES_MAX];
	uint8_t handles[2 * LANES_MAX][32];
	uint32_t i, n = l.o->in_flight;

	for (i = 0; i < AMOUNTS; i++)
		plain_u256(&values[i], amounts[i]);
	if (client_put(&l.c, values, AMOUNTS, l.amounts) != 0)
		exit(1);
	for (i = 0; i < 2 * n; i++)
		plain_u256(&values[i], BALANCE);
	if (client_put(&l.c, values, 2 * n, handles) != 0)
		exit(1);
	for (i = 0; i < 2 * n; i++) {
		memcpy(lanes[i / 2].accounts[i % 2].handle, handles[i], 32);
		lanes[i / 2].accounts[i % 2].balance = BALANCE;
	}
}

/* Number of balances that differ from the expected ones. */
static uint32_t
accounts_check(void)
{
	struct plain values[2 * LANES_MAX], want;
	uint8_t handles[2 * LANES_MAX][32];
	uint32_t i, n = 2 * l.o->in_flight, wrong = 0;

	for (i = 0; i < n; i++)
		memcpy(handles[i], lanes[i / 2].accounts[i % 2].handle, 32);
	if (client_get(&l.c, (const uint8_t(*)[32])handles, n, values) != 0)
		exit(1);
	for (i = 0; i < n; i++) {
		plain_u256(&want, lanes[i / 2].accounts[i % 2].balance);
		wrong += memcmp(values[i].bytes, want.bytes,
			     sizeof(want.bytes)) != 0;
	}
	return wrong;
}

static void
print(uint32_t wrong)
{
	json_t *all = json_pack("{s:i,s:i,s:i,s:i}", "transfers", (int)l.done,
	    "failed", (int)l.failed, "accounts", (int)(2 * l.o->in_flight),
	    "wrong", (int)wrong);

	if (l.o->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		printf("\n");
	} else
		printf("%u transfers, %u failed; %u balances, %u wrong\n",
		    l.done, l.failed, 2 * l.o->in_flight, wrong);
	json_decref(all);
}

int
command_ledger(const struct options *o, int argc, char **argv)
{
	uint32_t i, wrong;

	if (o->in_flight == 0 || o->in_flight > LANES_MAX)
		return usage("ledger: --in-flight %u: expected 1 to %d",
		    o->in_flight, LANES_MAX);
	if (argc > 0 && (l.times = fopen(argv[0], "we")) == NULL)
		return usage("ledger: %s: %m", argv[0]);
	client_open(&l.c, o->dir, o->user);
	l.o = o;
	l.transfer = primitive_by_name("transfer");
	accounts_open();
	l.end = wall_ms() + 1000 * (uint64_t)o->seconds;
	l.running = o->in_flight;
	for (i = 0; i < o->in_flight; i++)
		transfer(&lanes[i]);
	rpc_loop(&l.is_over);
	if (l.times != NULL && fclose(l.times) != 0)
		fatal("ledger: %s: %m", argv[0]);
	wrong = accounts_check();
	print(wrong);
	return l.failed == 0 && wrong == 0 ? 0 : 1;
}
