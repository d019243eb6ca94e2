/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch on its way through net: flattened for keys, its operands fetched, its
 * results kept until the Orchestrator's Ack.  Runs in net.  It signs nothing
 * and decides nothing but what the wire's bounds decide.
 */
#include <grpc/byte_buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "bytes.h"
#include "log.h"
#include "net.h"
#include "proc.h"
#include "timeline.h"
#include "trace.h"
#include "wire.h"

#define ACKS_MAX	4096		/* in one message */
#define PACK_MAX	(64 * 1024 * 1024)

#define LISTS	1024	/* in which batches and tasks are found */

static LIST_HEAD(, batch) batches = LIST_HEAD_INITIALIZER(batches);
static LIST_HEAD(, batch) by_id[LISTS];		/* by the batch's number */
LIST_HEAD(offers, offer);
static struct offers kept[LISTS];		/* by the task's id */
static uint32_t last_id;

#define BYTES(p, n)	(ProtobufCBinaryData){ (n), (uint8_t *)(uintptr_t)(p) }

static struct batch *
batch_find(uint32_t id)
{
	struct batch *b;

	LIST_FOREACH(b, &by_id[id % LISTS], same)
		if (b->id == id)
			return b;
	return NULL;
}

static struct offers *
kept_list(const uint8_t id[32])
{
	return &kept[get_le(id, 8) % LISTS];
}

/* Of a batch that is kept: its result waits for an Ack. */
static int
is_awaited(const struct offer *o)
{
	return !o->is_refused && !o->is_acked;
}

static void
batch_free(struct batch *b)
{
	uint32_t i;

	if (b->state == B_KEPT)
		front.kept -= b->n_accepted - b->n_acked;
	else
		front.in_flight -= b->n_tasks;
	gateway_cancel(b);
	for (i = 0; i < b->n_tasks; i++) {
		if (b->state == B_KEPT && is_awaited(&b->tasks[i]))
			LIST_REMOVE(&b->tasks[i], same);
		free(b->tasks[i].handles);
		free(b->tasks[i].outputs);
	}
	if (b->packed != NULL)
		grpc_byte_buffer_destroy(b->packed);
	LIST_REMOVE(b, same);
	LIST_REMOVE(b, link);
	free(b);
}

void
batch_forget_all(void)
{
	struct batch *b;
	uint32_t i;

	while ((b = LIST_FIRST(&batches)) != NULL) {
		for (i = 0; i < b->n_tasks; i++)
			if (!b->tasks[i].is_acked)
				timeline_lost(b->tasks[i].line);
		batch_free(b);
	}
}

/* Does a transaction, or do results that can be published, wait for the end?
 * Another service with this gas account cannot know of a transaction that is
 * pending when we end. */
static int
is_publishing(void)
{
	const struct m_status *s = &front.status;

	return s->gas == GAS_PENDING ||
	    (s->gas == GAS_READY && s->publish_waiting != 0);
}

void
batch_try_drained(void)
{
	static int is_told;

	if (front.state != S_DRAINING || is_told || !LIST_EMPTY(&batches) ||
	    is_publishing())
		return;
	is_told = 1;
	if (front.status.publish_waiting != 0)
		log_warn("publish: %llu results are not published: the gas "
			 "account has no funds, or fees exceed gas-max-fee",
		    (unsigned long long)front.status.publish_waiting);
	(void)chan_send(&monitor, M_DRAINED, NULL, NULL, 0, -1);
}

static void
count(uint32_t status, uint64_t n)
{
	if (status < STATUS_MAX)
		front.statuses[status] += n;
}

void
batch_mark(struct batch *b, enum stage stage, uint64_t at)
{
	uint32_t i;

	for (i = 0; i < b->n_tasks; i++)
		if (!b->tasks[i].is_refused)
			timeline_mark(b->tasks[i].line, stage, at);
}

/* Its results, if the stream is open. */
static void
batch_send(struct batch *b)
{
	if (front.stream != STREAM_OPEN)
		return;
	session_send_packed(b->packed);
	batch_mark(b, STAGE_SENT, now_us());
}

/* ---- refusals ---------------------------------------------------------- */

void
batch_refuse(Teerunner__V1__TaskRef **tasks, size_t n,
    const ProtobufCBinaryData *signature, uint32_t status, const char *reason)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Refusal refusal = TEERUNNER__V1__REFUSAL__INIT;

	refusal.tasks = tasks;
	refusal.n_tasks = n;
	if (signature != NULL && signature->len <= 65)
		refusal.batch = *signature;
	refusal.status = status;
	refusal.reason = (char *)(uintptr_t)reason;
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_REFUSAL;
	m.refusal = &refusal;
	session_send(&m);
}

static void
ref_init(Teerunner__V1__TaskRef *ref, const Teerunner__V1__Task *from)
{
	teerunner__v1__task_ref__init(ref);
	if (from->id.len <= 32)
		ref->id = from->id;
	ref->attempt = from->attempt;
}

/* A batch is named by its signature.  If that cannot be one, each task is
 * named. */
static void
refuse_batch(const Teerunner__V1__TaskBatch *from, uint32_t status)
{
	const size_t n = from->n_tasks;
	Teerunner__V1__TaskRef *refs, **list;
	size_t i;

	front.refused += n;
	count(status, n);
	if (from->signature.len == 65) {
		batch_refuse(
		    NULL, 0, &from->signature, status, status_text(status));
		return;
	}
	refs = reallocarray(NULL, n + 1, sizeof(*refs));
	list = reallocarray(NULL, n + 1, sizeof(*list));
	if (refs == NULL || list == NULL)
		fatal("batch: out of memory");
	for (i = 0; i < n; i++) {
		ref_init(&refs[i], from->tasks[i]);
		list[i] = &refs[i];
	}
	batch_refuse(list, n, NULL, status, "signature is not of 65 bytes");
	free(list);
	free(refs);
}

/* The fault of a task of a batch; ST_OK: none. */
struct fault {
	uint32_t	 status;
	size_t		 op;		/* at this operation, or n_operations */
	const char	*text;		/* NULL: the status's */
};

static void
fault_reason(
    const struct fault *f, const Teerunner__V1__Task *t, char *to, size_t size)
{
	const char *text = f->text != NULL ? f->text : status_text(f->status);

	if (f->op < t->n_operations)
		snprintf(to, size, "operation %zu: %s", f->op, text);
	else
		snprintf(to, size, "%s", text);
}

/* Some tasks of a batch are at fault: each is refused with its reason, and the
 * well-formed ones with ST_BATCH_SPOILED. */
static void
refuse_spoiled(const Teerunner__V1__TaskBatch *from,
    const struct fault faults[BATCH_TASKS])
{
	Teerunner__V1__TaskRef refs[BATCH_TASKS], *good[BATCH_TASKS], *bad;
	char reason[96];
	size_t i, n = 0;

	for (i = 0; i < from->n_tasks; i++) {
		ref_init(&refs[i], from->tasks[i]);
		if (faults[i].status == ST_OK) {
			good[n++] = &refs[i];
			continue;
		}
		bad = &refs[i];
		fault_reason(
		    &faults[i], from->tasks[i], reason, sizeof(reason));
		count(faults[i].status, 1);
		batch_refuse(&bad, 1, NULL, faults[i].status, reason);
	}
	front.refused += from->n_tasks;
	count(ST_BATCH_SPOILED, n);
	if (n != 0)
		batch_refuse(good, n, NULL, ST_BATCH_SPOILED,
		    status_text(ST_BATCH_SPOILED));
}

/* ---- offers ------------------------------------------------------------ */

static struct m_task flat[BATCH_TASKS];
static struct m_word words[BATCH_TASKS][PROGRAM_WORDS];
static size_t n_words[BATCH_TASKS];

/* The same task twice is two answers to one question: neither is taken. */
static void
find_twins(
    const Teerunner__V1__TaskBatch *from, struct fault faults[BATCH_TASKS])
{
	const Teerunner__V1__Task *a, *b;
	size_t i, j;

	for (i = 0; i < from->n_tasks; i++)
		for (j = 0; j < i; j++) {
			a = from->tasks[i];
			b = from->tasks[j];
			if (a->attempt != b->attempt || a->id.len != 32 ||
			    b->id.len != 32 ||
			    memcmp(a->id.data, b->id.data, 32) != 0)
				continue;
			faults[i] = (struct fault){ ST_MALFORMED,
				a->n_operations,
				"the same task twice in a batch" };
			faults[j] = faults[i];
			faults[j].op = b->n_operations;
		}
}

/* All tasks into `flat' and `words'; how many cannot be. */
static size_t
flatten(const Teerunner__V1__TaskBatch *from, struct fault faults[BATCH_TASKS])
{
	static struct builder b;
	size_t i, bad = 0;

	for (i = 0; i < from->n_tasks; i++) {
		faults[i].text = NULL;
		faults[i].status = wire_task(
		    from->tasks[i], &flat[i], &b, &faults[i].op);
		if (faults[i].status == ST_OK)
			n_words[i] = builder_words(&b, words[i]);
	}
	find_twins(from, faults);
	for (i = 0; i < from->n_tasks; i++)
		bad += faults[i].status != ST_OK;
	return bad;
}

/* Keep what the Gateway's request and the match of an Ack need. */
static void
offer_keep(struct offer *o, const struct m_task *t, const struct m_word *w)
{
	size_t n = (size_t)t->shape.n_inputs + t->shape.n_outputs;

	memcpy(o->id, t->id, sizeof(o->id));
	o->attempt = t->attempt;
	memcpy(o->caller, t->caller, sizeof(o->caller));
	o->n_inputs = t->shape.n_inputs;
	o->n_outputs = t->shape.n_outputs;
	if ((o->handles = reallocarray(NULL, n, sizeof(*w))) == NULL)
		fatal("batch: out of memory");
	memcpy(o->handles, w, n * sizeof(*w));	/* they come first */
}

static void
offer_to_keys(const struct m_batch *head)
{
	struct batch *b = calloc(
	    1, sizeof(*b) + head->n_tasks * sizeof(b->tasks[0]));
	struct m_batch m = *head;
	uint32_t i;

	if (b == NULL)
		fatal("batch: out of memory");
	do
		last_id++;
	while (last_id == 0 || batch_find(last_id) != NULL);
	m.batch = b->id = last_id;
	b->state = B_OFFERED;
	b->session = session_number();
	b->n_tasks = b->n_accepted = m.n_tasks;
	b->trace = m.trace;
	LIST_INSERT_HEAD(&batches, b, link);
	LIST_INSERT_HEAD(&by_id[b->id % LISTS], b, same);
	front.in_flight += b->n_tasks;
	front_to_keys(M_BATCH, &m, NULL, 0);
	for (i = 0; i < b->n_tasks; i++) {
		flat[i].batch = b->id;
		flat[i].task = i;
		b->tasks[i].batch = b;
		b->tasks[i].line = timeline_begin(
		    flat[i].id, flat[i].attempt, b->id, i, &b->trace);
		offer_keep(&b->tasks[i], &flat[i], words[i]);
		front_to_keys(M_TASK, &flat[i], words[i], n_words[i]);
	}
}

/* A batch uses as much credit as it has tasks, at most all that there is,
 * whether or not it is refused: session_credit() gives back what is free. */
static uint32_t
offer_check(const Teerunner__V1__TaskBatch *from, struct m_batch *m)
{
	const uint32_t credit = front.credit;

	front.credit = 0;
	if (from->n_tasks < credit)
		front.credit = credit - (uint32_t)from->n_tasks;
	if (from->n_tasks == 0 ||
	    wire_fixed(&from->signature, m->signature, sizeof(m->signature)) !=
		0)
		return ST_MALFORMED;
	if (from->n_tasks > BATCH_TASKS)
		return ST_OVER_LIMIT;
	if (from->n_tasks > credit)
		return ST_BUSY;
	if (front.state != S_SERVING || front.is_paused ||
	    front.status.state != S_SERVING || front.keys.fd == -1)
		return ST_NOT_SERVING;
	return ST_OK;
}

void
batch_on_offer(const Teerunner__V1__TaskBatch *from)
{
	struct m_batch m = { .n_tasks = (uint32_t)from->n_tasks };
	struct fault faults[BATCH_TASKS];
	uint32_t st;

	trace_read(&m.trace, from->traceparent);
	if ((st = offer_check(from, &m)) != ST_OK)
		refuse_batch(from, st);
	else if (flatten(from, faults) != 0)
		refuse_spoiled(from, faults);
	else
		offer_to_keys(&m);
	session_credit();
}

/* ---- what keys says ---------------------------------------------------- */

/* The batch that a message names, before it is over. */
static struct batch *
batch_get(struct chan *c, enum msg_type type, uint32_t id)
{
	struct batch *b = batch_find(id);

	if (b == NULL || b->state == B_KEPT)
		chan_illegal(c, type, "no such batch");
	return b;
}

static void
refuse_offers(struct batch *b, uint32_t from, uint32_t to, uint32_t status)
{
	Teerunner__V1__TaskRef refs[BATCH_TASKS], *list[BATCH_TASKS];
	struct offer *o;
	size_t n = 0;

	for (; from < to; from++) {
		o = &b->tasks[from];
		if (o->is_refused)
			continue;
		o->is_refused = 1;
		timeline_refused(o->line, status);
		teerunner__v1__task_ref__init(&refs[n]);
		refs[n].id = BYTES(o->id, 32);
		refs[n].attempt = o->attempt;
		list[n] = &refs[n];
		n++;
	}
	b->n_accepted -= (uint32_t)n;
	front.refused += n;
	count(status, n);
	batch_refuse(list, n, NULL, status, status_text(status));
}

void
batch_on_refused(struct chan *c, const struct m_refused *m)
{
	struct batch *b = batch_get(c, M_REFUSED, m->batch);

	if (b->state != B_OFFERED || status_text(m->status) == NULL)
		chan_illegal(c, M_REFUSED, "not in this state of the batch");
	if (m->task == ALL_TASKS)
		refuse_offers(b, 0, b->n_tasks, m->status);
	else if (m->task < b->n_tasks && !b->tasks[m->task].is_refused)
		refuse_offers(b, m->task, m->task + 1, m->status);
	else
		chan_illegal(c, M_REFUSED, "no such task");
	if (b->n_accepted == 0) {
		batch_free(b);
		batch_try_drained();
		session_credit();
	}
}

void
batch_on_ask(struct chan *c, const struct msg *msg)
{
	const struct m_ask *ask = msg->payload;
	const struct m_ask_task *row = msg->rows;
	struct batch *b = batch_get(c, M_ASK, ask->batch);
	uint32_t i, n = 0;

	if (b->state != B_OFFERED || msg->n_rows != b->n_accepted)
		chan_illegal(c, M_ASK, "not in this state of the batch");
	for (i = 0; i < b->n_tasks; i++) {
		if (b->tasks[i].is_refused)
			continue;
		if (row[n].task != i)
			chan_illegal(c, M_ASK, "out of order");
		memcpy(b->tasks[i].ephemeral_key, row[n++].ephemeral_key, 33);
	}
	batch_mark(b, STAGE_ADMITTED, ask->admitted_at);
	b->state = B_FETCHING;
	gateway_fetch(b, ask);
	batch_mark(b, STAGE_ASKED, now_us());
}

void
batch_on_result(struct chan *c, const struct msg *msg)
{
	const struct m_result *m = msg->payload;
	struct batch *b = batch_get(c, M_RESULT, m->batch);
	struct offer *o;

	if (b->state == B_OFFERED || m->task >= b->n_tasks)
		chan_illegal(c, M_RESULT, "not in this state of the batch");
	o = &b->tasks[m->task];
	if (o->is_refused || o->is_ended || status_text(m->status) == NULL ||
	    msg->n_rows != (m->status == ST_OK ? o->n_outputs : 0u))
		chan_illegal(c, M_RESULT, "does not fit its task");
	/* keys did not wait for the Gateway any longer. */
	gateway_cancel(b);
	b->state = B_RUNNING;
	b->n_ended++;
	o->is_ended = 1;
	o->status = m->status;
	timeline_result(o->line, m);
	o->n_values = msg->n_rows;
	o->outputs = reallocarray(NULL, msg->n_rows + 1, sizeof(*o->outputs));
	if (o->outputs == NULL)
		fatal("batch: out of memory");
	memcpy(o->outputs, msg->rows, msg->n_rows * sizeof(*o->outputs));
}

static Teerunner__V1__TaskResult *
result_of(struct arena *arena, const struct offer *o)
{
	Teerunner__V1__TaskResult *r = arena_get(arena, 1, sizeof(*r));
	Teerunner__V1__Output *out;
	const struct m_value *v;
	size_t i;

	teerunner__v1__task_result__init(r);
	r->task_id = BYTES(o->id, 32);
	r->attempt = o->attempt;
	r->status = o->status;
	r->n_outputs = o->n_values;
	r->outputs = arena_get(arena, o->n_values, sizeof(*r->outputs));
	out = arena_get(arena, o->n_values, sizeof(*out));
	for (i = 0; i < o->n_values; i++) {
		v = &o->outputs[i];
		teerunner__v1__output__init(&out[i]);
		out[i].handle = BYTES(v->handle, 32);
		out[i].key = BYTES(v->key, 33);
		out[i].nonce = BYTES(v->nonce, 12);
		out[i].ciphertext = BYTES(v->ciphertext, v->len);
		r->outputs[i] = &out[i];
	}
	return r;
}

static void
results_pack(struct batch *b, const struct m_results *m)
{
	Teerunner__V1__RunnerMessage message =
	    TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__TaskResultBatch batch =
	    TEERUNNER__V1__TASK_RESULT_BATCH__INIT;
	Teerunner__V1__TaskResult *list[BATCH_TASKS];
	struct arena arena;
	uint32_t i;

	arena_init(&arena, PACK_MAX);
	for (i = 0; i < b->n_tasks; i++)
		if (b->tasks[i].is_ended)
			list[batch.n_results++] = result_of(
			    &arena, &b->tasks[i]);
	batch.results = list;
	batch.epoch = m->epoch;
	batch.signature = BYTES(m->signature, 65);
	message.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_RESULTS;
	message.results = &batch;
	b->packed = rpc_pack(&message.base);
	arena_free(&arena);
}

static void
results_count(struct batch *b)
{
	struct offer *o;
	uint32_t i;

	for (i = 0; i < b->n_tasks; i++) {
		o = &b->tasks[i];
		free(o->outputs);
		free(o->handles);
		o->outputs = NULL;
		o->handles = NULL;
		if (o->is_refused)
			continue;
		count(o->status, 1);
		switch (status_class(o->status)) {
		case CLASS_DONE: front.ok++; break;
		case CLASS_RETRYABLE: front.retryable++; break;
		case CLASS_WAITING: front.waiting++; break;
		case CLASS_TERMINAL: front.terminal++;
		}
	}
}

/* Its results wait for the Acks of its tasks. */
static void
batch_keep(struct batch *b)
{
	struct offer *o;

	b->state = B_KEPT;
	for (o = b->tasks; o < b->tasks + b->n_tasks; o++)
		if (is_awaited(o))
			LIST_INSERT_HEAD(kept_list(o->id), o, same);
}

void
batch_on_results(struct chan *c, const struct m_results *m)
{
	struct batch *b = batch_get(c, M_RESULTS, m->batch);

	if (m->n_results != b->n_accepted || b->n_ended != b->n_accepted)
		chan_illegal(c, M_RESULTS, "not all results are there");
	results_pack(b, m);
	results_count(b);
	batch_keep(b);
	front.in_flight -= b->n_tasks;
	front.kept += b->n_accepted;
	batch_mark(b, STAGE_SIGNED, m->signed_at);
	session_worked(b->session);
	batch_send(b);
	session_credit();
}

/* ---- acknowledged ------------------------------------------------------ */

void
batch_resend(void)
{
	struct batch *b;

	LIST_FOREACH(b, &batches, link)
		if (b->state == B_KEPT)
			batch_send(b);
}

static void
ack_task(const Teerunner__V1__TaskRef *ref)
{
	struct offer *o;
	struct batch *b;

	LIST_FOREACH(o, kept_list(ref->id.data), same)
		if (o->attempt == ref->attempt &&
		    memcmp(o->id, ref->id.data, 32) == 0)
			break;
	if (o == NULL)
		return;
	b = o->batch;
	LIST_REMOVE(o, same);
	o->is_acked = 1;
	timeline_mark(o->line, STAGE_ACKNOWLEDGED, now_us());
	front.kept--;
	if (++b->n_acked == b->n_accepted)
		batch_free(b);
}

void
batch_on_ack(const Teerunner__V1__Ack *ack)
{
	size_t i;

	if (ack->n_tasks > ACKS_MAX) {
		session_stop("too many tasks acknowledged at once");
		return;
	}
	for (i = 0; i < ack->n_tasks; i++)
		if (ack->tasks[i]->id.len == 32)
			ack_task(ack->tasks[i]);
	batch_try_drained();
	session_credit();
}
