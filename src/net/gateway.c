/* SPDX-License-Identifier: Apache-2.0
 *
 * FetchOperands: one call for a whole batch, and its answer re-encoded for
 * keys.  Runs in net.  The Gateway's signature is for keys to verify; here the
 * answer is only bounded, and nothing of it goes to keys unless all of it can.
 */
#include <grpc/byte_buffer.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "net.h"
#include "trace.h"
#include "wire.h"

#define METHOD		"/teerunner.v1.HandleGateway/FetchOperands"
#define RECEIVE_MAX	(64 * 1024 * 1024)
#define ARENA_MAX	(256 * 1024 * 1024)
/* ms between attempts to connect: a refused connection costs the Gateway
 * nothing, and every task waits for it */
#define BACK_OFF_MIN	100
#define BACK_OFF_MAX	400

/* A channel lives until it is replaced and its last call has ended. */
struct carrier {
	grpc_channel	*channel;
	size_t		 users;		/* calls, and 1 while it is the
					 * current */
};

struct fetch {
	struct tag	 tag;		/* first */
	struct batch	*batch;		/* NULL: not wanted any more */
	struct carrier	*carrier;
	uint64_t	 deadline;	/* now_ms() */
	grpc_call	*call;
	grpc_metadata_array initial, trailing;
	grpc_byte_buffer *request, *answer;
	grpc_status_code code;
	grpc_slice	 details;
};

static struct target target;
static struct carrier *current;

void
gateway_init(void)
{
	rpc_resolve("gateway", front.chain->gateway, &target);
}

static void
carrier_release(struct carrier *c)
{
	if (--c->users > 0)
		return;
	grpc_channel_destroy(c->channel);
	free(c);
}

void
gateway_start(void)
{
	struct carrier *old = current;

	if ((current = malloc(sizeof(*current))) == NULL)
		fatal("gateway: out of memory");
	current->channel = rpc_channel(
	    &target, RECEIVE_MAX, BACK_OFF_MIN, BACK_OFF_MAX);
	current->users = 1;
	if (old != NULL)
		carrier_release(old);
}

void
gateway_connect(void)
{
	(void)grpc_channel_check_connectivity_state(current->channel, 1);
}

/* ---- the answer -------------------------------------------------------- */

/* The first accepted task from `i' on. */
static uint32_t
next_task(const struct batch *b, uint32_t i)
{
	while (i < b->n_tasks && b->tasks[i].is_refused)
		i++;
	return i;
}

/* One grant and its seals: checked, and in the second pass sent. */
static int
grant_task(const struct batch *b, uint32_t task,
    const Teerunner__V1__OperandGrant *from, int is_sending)
{
	static struct m_value operands[TASK_INPUTS];
	static struct m_partial partials[TASK_INPUTS];
	struct m_grant_task g;
	struct m_grant_seal seal;
	size_t i;

	if (wire_grant(from, &g, operands) != 0)
		return -1;
	g.batch = b->id;
	g.task = task;
	if (is_sending)
		front_to_keys(M_GRANT_TASK, &g, operands, from->n_operands);
	for (i = 0; i < from->n_seals; i++) {
		if (wire_seal(
			from->seals[i], from->n_operands, &seal, partials) != 0)
			return -1;
		seal.batch = b->id;
		seal.task = task;
		if (is_sending)
			front_to_keys(
			    M_GRANT_SEAL, &seal, partials, from->n_operands);
	}
	return 0;
}

static int
grant_walk(const struct batch *b, const Teerunner__V1__OperandGrantBatch *from,
    int is_sending)
{
	uint32_t i, task = 0;

	for (i = 0; i < b->n_accepted; i++, task++) {
		task = next_task(b, task);
		if (grant_task(b, task, from->grants[i], is_sending) != 0)
			return -1;
	}
	return 0;
}

static int
grant_deliver(const struct batch *b, grpc_byte_buffer *answer)
{
	Teerunner__V1__OperandGrantBatch *from;
	struct m_grant g = { .batch = b->id, .n_tasks = b->n_accepted };
	struct arena arena;
	int r = -1;

	arena_init(&arena, ARENA_MAX);
	from = answer == NULL ?
	    NULL :
	    rpc_unpack(answer, &teerunner__v1__operand_grant_batch__descriptor,
		&arena);
	if (from != NULL && from->n_grants == b->n_accepted &&
	    wire_fixed(&from->signature, g.signature, sizeof(g.signature)) ==
		0 &&
	    grant_walk(b, from, 0) == 0) {
		front_to_keys(M_GRANT, &g, NULL, 0);
		r = grant_walk(b, from, 1);
	}
	arena_free(&arena);
	return r;
}

static void
fetch_free(struct fetch *f)
{
	if (f->answer != NULL)
		grpc_byte_buffer_destroy(f->answer);
	grpc_byte_buffer_destroy(f->request);
	grpc_slice_unref(f->details);
	grpc_metadata_array_destroy(&f->initial);
	grpc_metadata_array_destroy(&f->trailing);
	grpc_call_unref(f->call);
	carrier_release(f->carrier);
	free(f);
}

/* UNREACHABLE: the Gateway is down or silent.  ERROR: it answered with a
 * failure. */
static uint32_t
fetch_status(const struct fetch *f)
{
	if (f->code == GRPC_STATUS_UNAVAILABLE ||
	    f->code == GRPC_STATUS_DEADLINE_EXCEEDED)
		return ST_GATEWAY_UNREACHABLE;
	return ST_GATEWAY_ERROR;
}

/* No answer came in time: the connection may be dead, and keep-alive would need
 * half a minute to find out.  An answer that says DEADLINE_EXCEEDED comes
 * earlier. */
static void
suspect_connection(const struct fetch *f)
{
	if (f->code != GRPC_STATUS_DEADLINE_EXCEEDED ||
	    now_ms() < f->deadline || f->carrier != current)
		return;
	gateway_start();
	gateway_connect();
}

static void
on_answer(struct tag *tag, int ok)
{
	struct fetch *f = (struct fetch *)tag;
	struct batch *b = f->batch;
	struct m_fetch_failed failed;
	char why[200] = "malformed answer";

	(void)ok;
	suspect_connection(f);
	if (b == NULL) {
		fetch_free(f);
		return;
	}
	b->fetch = NULL;
	b->state = B_RUNNING;
	batch_mark(b, STAGE_GRANTED, now_us());
	if (f->code == GRPC_STATUS_OK && grant_deliver(b, f->answer) == 0) {
		if (front.gateway_failing)
			log_info("gateway %s: answers again", target.authority);
		front.gateway_failing = 0;
	} else {
		if (f->code != GRPC_STATUS_OK)
			rpc_text(why, sizeof(why), f->details);
		error_note(&front.gateway_error, why);
		if (!front.gateway_failing)
			log_warn("gateway %s: no operands: %s%s",
			    target.authority, why, trace_tag(&b->trace));
		front.gateway_failing = 1;
		failed = (struct m_fetch_failed){ b->id, fetch_status(f) };
		front_to_keys(M_FETCH_FAILED, &failed, NULL, 0);
	}
	fetch_free(f);
}

/* ---- the request ------------------------------------------------------- */

#define BYTES(p, n)	(ProtobufCBinaryData){ (n), (uint8_t *)(uintptr_t)(p) }

static ProtobufCBinaryData *
handle_list(struct arena *arena, const struct m_word *handles, size_t n)
{
	ProtobufCBinaryData *list = arena_get(arena, n, sizeof(*list));
	size_t i;

	for (i = 0; i < n; i++)
		list[i] = BYTES(handles[i].b, 32);
	return list;
}

static Teerunner__V1__OperandRequest *
request_task(struct arena *arena, const struct offer *o)
{
	Teerunner__V1__OperandRequest *r = arena_get(arena, 1, sizeof(*r));

	teerunner__v1__operand_request__init(r);
	r->task_id = BYTES(o->id, 32);
	r->attempt = o->attempt;
	r->caller = BYTES(o->caller, 20);
	r->ephemeral_key = BYTES(o->ephemeral_key, 33);
	r->n_inputs = o->n_inputs;
	r->inputs = handle_list(arena, o->handles, o->n_inputs);
	r->n_outputs = o->n_outputs;
	r->outputs = handle_list(arena, o->handles + o->n_inputs, o->n_outputs);
	return r;
}

static grpc_byte_buffer *
request_pack(const struct batch *b, const struct m_ask *ask)
{
	Teerunner__V1__OperandRequestBatch m =
	    TEERUNNER__V1__OPERAND_REQUEST_BATCH__INIT;
	Teerunner__V1__OperandRequest *list[BATCH_TASKS];
	grpc_byte_buffer *bytes;
	struct arena arena;
	uint32_t i, task = 0;

	arena_init(&arena, ARENA_MAX);
	for (i = 0; i < b->n_accepted; i++, task++) {
		task = next_task(b, task);
		list[i] = request_task(&arena, &b->tasks[task]);
	}
	m.runner = BYTES(ask->runner, 20);
	m.expiry = ask->expiry;
	m.avoid = ask->avoid;
	m.n_requests = b->n_accepted;
	m.requests = list;
	m.signature = BYTES(ask->signature, 65);
	bytes = rpc_pack(&m.base);
	arena_free(&arena);
	return bytes;
}

void
gateway_fetch(struct batch *b, const struct m_ask *ask)
{
	grpc_op ops[6] = { 0 };
	struct fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		fatal("gateway: out of memory");
	f->tag.fn = on_answer;
	f->batch = b;
	b->fetch = f;
	f->details = grpc_empty_slice();
	grpc_metadata_array_init(&f->initial);
	grpc_metadata_array_init(&f->trailing);
	f->request = request_pack(b, ask);
	f->carrier = current;
	f->carrier->users++;
	f->deadline = now_ms() + 1000 * (uint64_t)front.conf.fetch_timeout;
	f->call = rpc_call(current->channel, METHOD, front.conf.fetch_timeout);
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = f->request;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &f->initial;
	ops[4].op = GRPC_OP_RECV_MESSAGE;
	ops[4].data.recv_message.recv_message = &f->answer;
	ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[5].data.recv_status_on_client.trailing_metadata = &f->trailing;
	ops[5].data.recv_status_on_client.status = &f->code;
	ops[5].data.recv_status_on_client.status_details = &f->details;
	rpc_begin(f->call, ops, 6, &f->tag);
}

void
gateway_cancel(struct batch *b)
{
	if (b->fetch == NULL)
		return;
	b->fetch->batch = NULL;
	grpc_call_cancel(b->fetch->call, NULL);
	b->fetch = NULL;
}
