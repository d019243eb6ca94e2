/* SPDX-License-Identifier: Apache-2.0
 *
 * A message of the stream from its arrival to its answer.  Runs in nox.  It is
 * acknowledged after the Gateway has said, and keys has verified, that all of
 * its results are stored.
 *
 * What cannot succeed now is held here and tried again, as long as there is
 * room for other messages: each time that the server delivers it costs one of
 * its deliveries.  What can never succeed goes to the dead letters with its
 * cause, and so does a message whose last delivery fails.
 */
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "log.h"
#include "nox.h"
#include "nox_message.h"
#include "program.h"

#define LISTS		1024
#define REPLIES		8	/* messages of one transaction */
#define HOLD_FIRST	250	/* ms, before it is tried again; doubles */
#define HOLD_MAX	30000
#define HOLD_AWAY	5000	/* the same, if the Gateway is away */
#define TRIES		5	/* of what the Gateway or keys got wrong */
#define NAK_MAX		300	/* seconds */
/* Bytes of messages that are kept for the dead letters.  Above that a dead
 * letter has its headers alone, with the message's number in the stream. */
#define TEXT_MAX	(64u * 1024 * 1024)
#define DONE		4096	/* the last messages that were answered */

enum step {
	D_WAITS,	/* for keys to serve */
	D_OFFERED,
	D_FETCHING,	/* has its request; or holds it, for a while */
	D_COMPUTING,	/* keys has the operands */
	D_STORING,	/* has the results; or holds them */
	D_CHECKING,	/* keys checks the Gateway's report */
};

struct reply {
	char		*subject;	/* malloc */
	uint64_t	 sequence, delivered;
	uint64_t	 published;	/* ns since 1970 */
};

/* A stream that was made again has the same sequences for other messages. */
struct done {
	uint64_t	 sequence, published;
};

struct delivery {
	enum step	 state;
	struct nox_transaction t;
	struct m_nox_task m;
	struct m_word	*words;		/* the program; malloc */
	size_t		 n_words;
	struct reply	 replies[REPLIES];
	size_t		 n_replies;
	char		*text;		/* for the dead letters; malloc */
	size_t		 n_text;
	uint64_t	 line;		/* its timeline */
	struct event	*again;		/* when it is held */
	uint32_t	 hold;		/* ms, the last time */
	uint32_t	 tries;
	struct call	*call;		/* to the Gateway, under way */
	struct m_nox_ask ask;
	struct m_nox_result result;
	struct m_nox_value *values;	/* malloc */
	unsigned long	 conflicts;
	TAILQ_ENTRY(delivery) all;
	LIST_ENTRY(delivery) same_id, same_hash;
};

static TAILQ_HEAD(, delivery) all = TAILQ_HEAD_INITIALIZER(all);
static LIST_HEAD(list, delivery) by_id[LISTS], by_hash[LISTS];
static uint32_t count, last_id;
static size_t text_kept;		/* bytes */
static struct done done[DONE];
static size_t n_done;

static void offer(struct delivery *);
static void fetch(struct delivery *);
static void store(struct delivery *);

uint32_t
delivery_count(void)
{
	return count;
}

static void *
copy_of(const void *from, size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		fatal("out of memory");
	memcpy(p, from, n);
	return p;
}

static struct list *
hash_list(const uint8_t hash[32])
{
	return &by_hash[(hash[0] << 8 | hash[1]) % LISTS];
}

static struct delivery *
find_id(uint32_t id)
{
	struct delivery *d;

	LIST_FOREACH(d, &by_id[id % LISTS], same_id)
		if (d->m.id == id)
			return d;
	return NULL;
}

static struct delivery *
find_transaction(const struct nox_transaction *t)
{
	struct delivery *d;

	LIST_FOREACH(d, hash_list(t->hash), same_hash)
		if (memcmp(&d->t, t, sizeof(*t)) == 0)
			return d;
	return NULL;
}

/* ---- its end ----------------------------------------------------------- */

static void
end(struct delivery *d)
{
	size_t i;

	for (i = 0; i < d->n_replies; i++)
		free(d->replies[i].subject);
	gateway_cancel(d->call);
	event_free(d->again);
	text_kept -= d->n_text;
	TAILQ_REMOVE(&all, d, all);
	LIST_REMOVE(d, same_id);
	LIST_REMOVE(d, same_hash);
	free(d->values);
	free(d->words);
	free(d->text);
	free(d);
	front.in_flight = --count;
	stream_room();
	if (count == 0)
		stream_update();
}

/* keys need not go on with it. */
static void
drop(struct delivery *d)
{
	const struct m_nox_id m = { d->m.id };

	gateway_cancel(d->call);
	d->call = NULL;
	if (d->state != D_WAITS)
		front_to_keys(M_NOX_DROP, &m, NULL, 0);
	d->state = D_WAITS;
}

static void
count_status(uint32_t status)
{
	front.statuses[status]++;
	switch (status_class(status)) {
	case CLASS_DONE: front.ok++; break;
	case CLASS_RETRYABLE: front.retryable++; break;
	case CLASS_WAITING: front.waiting++; break;
	case CLASS_TERMINAL: front.terminal++; break;
	}
}

/* What keys says of its job, for the timeline. */
static void
note_result(struct delivery *d, const struct m_nox_result *m)
{
	const struct m_result r = { .status = m->status,
		.worker = m->worker,
		.verified_at = m->verified_at,
		.started_at = m->started_at,
		.computed_at = m->computed_at };

	timeline_result(d->line, &r);
}

/* It ends without results. */
static void
note_failure(struct delivery *d, uint32_t status)
{
	timeline_refused(d->line, status);
	count_status(status);
}

/* The hash of a transaction and a cause, for the log. */
static void
log_end(const struct delivery *d, const char *what, const char *why)
{
	char hash[65];

	log_err("transaction 0x%s: %s: %s", hex_encode(hash, d->t.hash, 32),
	    what, why);
}

/* If the dead letter is lost, the message is not answered and comes again,
 * unless this was its last delivery. */
static enum letter_end
bury(const char *reply, uint64_t sequence, const char *why, const void *text,
    size_t n)
{
	const enum letter_end how = stream_dead_letter(why, sequence, text, n);

	if (how != LETTER_LOST)
		stream_term(reply, why);
	return how;
}

/* It can never succeed, or was delivered for the last time. */
static void
give_up(struct delivery *d, uint32_t status, const char *why)
{
	static const char *const text[] = {
		[LETTER_SENT] = "given up: sent to nats-dead-letter",
		[LETTER_KEPT] = "given up: to be sent to nats-dead-letter",
		[LETTER_LOST] = "given up: not sent to nats-dead-letter",
	};
	const int has_letters = front.chain->nats_dead_letter[0] != '\0';
	enum letter_end how, worst = LETTER_SENT;
	size_t i;

	drop(d);
	note_failure(d, status);
	for (i = 0; i < d->n_replies; i++) {
		how = bury(d->replies[i].subject, d->replies[i].sequence, why,
		    d->text, d->n_text);
		if (how > worst)
			worst = how;
	}
	if (worst != LETTER_LOST)
		front.given_up++;
	log_end(d, has_letters ? text[worst] : "given up", why);
	end(d);
}

/* Back to the stream, for later, or for another Runner. */
static void
put_back(struct delivery *d, uint32_t status, const char *why)
{
	uint64_t most = 0, delay;
	size_t i;

	for (i = 0; i < d->n_replies; i++)
		if (d->replies[i].delivered > most)
			most = d->replies[i].delivered;
	if (stream_is_last(most)) {
		give_up(d, status, why);
		return;
	}
	drop(d);
	note_failure(d, status);
	delay = most < 9 ? UINT64_C(1) << most : NAK_MAX;
	for (i = 0; i < d->n_replies; i++)
		stream_nak(d->replies[i].subject,
		    (uint32_t)(delay < NAK_MAX ? delay : NAK_MAX));
	end(d);
}

/* Is a result of d an input of e?  1 or 0. */
static int
makes_input(const struct delivery *d, const struct delivery *e)
{
	const struct m_word *outputs = d->words + d->m.shape.n_inputs;
	size_t i, k;

	for (i = 0; i < d->m.shape.n_outputs; i++)
		for (k = 0; k < e->m.shape.n_inputs; k++)
			if (memcmp(&outputs[i], &e->words[k],
				sizeof(*outputs)) == 0)
				return 1;
	return 0;
}

/* Its results are stored.  Those that wait for one of them go on. */
static void
succeed(struct delivery *d)
{
	struct delivery *e;
	size_t i;

	TAILQ_FOREACH(e, &all, all)
		if (e->state == D_FETCHING &&
		    event_pending(e->again, EV_TIMEOUT, NULL) &&
		    makes_input(d, e))
			event_active(e->again, EV_TIMEOUT, 0);
	count_status(ST_OK);
	timeline_mark(d->line, STAGE_ACKNOWLEDGED, now_us());
	for (i = 0; i < d->n_replies; i++) {
		done[n_done++ % DONE] = (struct done){ d->replies[i].sequence,
			d->replies[i].published };
		stream_ack(d->replies[i].subject);
	}
	end(d);
}

/* ---- held -------------------------------------------------------------- */

static int
is_too_old(const struct delivery *d)
{
	const uint32_t age = front.chain->nox_max_age;

	return age != 0 &&
	    status_age(d->replies[0].published / 1000000000) > age;
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct delivery *d = arg;

	(void)fd;
	(void)what;
	event_del(d->again);
	if (is_too_old(d))
		give_up(d, ST_EXPIRED, "older than nox-max-age");
	else if (d->state == D_FETCHING)
		fetch(d);
	else if (d->state == D_STORING)
		store(d);
	else
		offer(d);
	front_settle();
}

/* Try its state again after a delay that grows. */
static void
hold(struct delivery *d, uint32_t most)
{
	struct timeval tv;

	d->hold = d->hold == 0 ? HOLD_FIRST : d->hold * 2;
	if (d->hold > most)
		d->hold = most;
	tv.tv_sec = d->hold / 1000;
	tv.tv_usec = (suseconds_t)(d->hold % 1000) * 1000;
	event_add(d->again, &tv);
}

/* The Gateway has not given what it was asked for. */
static void
hold_or_put_back(struct delivery *d, uint32_t status, const char *why)
{
	error_note(&front.gateway_error, why);
	front.gateway_failing = status != ST_INPUT_MISSING;
	/* Nobody knows when an input will be there, and what makes it may be in
	 * the stream behind this: leave room.  A Gateway that is away is away
	 * for all. */
	if ((status == ST_INPUT_MISSING && !stream_has_room()) ||
	    (status != ST_INPUT_MISSING && status != ST_GATEWAY_UNREACHABLE &&
		++d->tries > TRIES))
		put_back(d, status, why);
	else
		hold(
		    d, status == ST_GATEWAY_UNREACHABLE ? HOLD_AWAY : HOLD_MAX);
}

/* ---- to keys ----------------------------------------------------------- */

static void
offer(struct delivery *d)
{
	d->state = D_WAITS;
	if (!front.has_status || front.status.state != S_SERVING ||
	    front.keys.fd == -1)
		return;		/* delivery_offer_all() will */
	d->state = D_OFFERED;
	front_to_keys(M_NOX_TASK, &d->m, d->words, d->n_words);
}

void
delivery_offer_all(void)
{
	struct delivery *d, *next;

	for (d = TAILQ_FIRST(&all); d != NULL; d = next) {
		next = TAILQ_NEXT(d, all);
		if (d->state == D_WAITS &&
		    !event_pending(d->again, EV_TIMEOUT, NULL))
			offer(d);
	}
}

void
delivery_keys_lost(void)
{
	struct delivery *d;

	TAILQ_FOREACH(d, &all, all) {
		gateway_cancel(d->call);
		d->call = NULL;
		event_del(d->again);
		free(d->values);
		d->values = NULL;
		d->state = D_WAITS;
	}
}

void
delivery_each(void (*f)(const char *reply))
{
	struct delivery *d;
	size_t i;

	TAILQ_FOREACH(d, &all, all)
		for (i = 0; i < d->n_replies; i++)
			f(d->replies[i].subject);
}

/* The delivery that a message of keys names; NULL: it was dropped, or is not in
 * this state. */
static struct delivery *
in_state(uint32_t id, enum step state)
{
	struct delivery *d = find_id(id);

	return d != NULL && d->state == state ? d : NULL;
}

void
delivery_on_refused(const struct m_nox_refused *m)
{
	struct delivery *d = in_state(m->id, D_OFFERED);

	if (d == NULL)
		return;
	d->state = D_WAITS;
	front.refused++;
	if (status_class(m->status) == CLASS_TERMINAL)
		give_up(d, m->status, status_text(m->status));
	else
		hold(d, HOLD_MAX);
}

/* ---- operands ---------------------------------------------------------- */

static void
on_operands(void *arg, const struct operands *o)
{
	struct delivery *d = arg;
	struct m_nox_grant m;

	d->call = NULL;
	if (o->status != ST_OK) {
		hold_or_put_back(d, o->status, o->why);
		return;
	}
	front.gateway_failing = 0;
	timeline_mark(d->line, STAGE_GRANTED, now_us());
	memset(&m, 0, sizeof(m));
	m.id = d->m.id;
	m.ask = d->ask.ask;
	memcpy(m.signature, o->signature, sizeof(m.signature));
	d->state = D_COMPUTING;
	front_to_keys(M_NOX_GRANT, &m, o->rows, o->n);
}

static void
fetch(struct delivery *d)
{
	d->state = D_FETCHING;
	timeline_mark(d->line, STAGE_ASKED, now_us());
	d->call = gateway_operands(
	    &d->t, d->words, d->m.shape.n_inputs, &d->ask, on_operands, d);
}

/* Again, with another key, if the worker has ended that was to compute it. */
void
delivery_on_ask(const struct m_nox_ask *m)
{
	struct delivery *d = find_id(m->id);

	if (d == NULL ||
	    (d->state != D_OFFERED && d->state != D_FETCHING &&
		d->state != D_COMPUTING))
		return;
	timeline_mark(d->line, STAGE_ADMITTED, m->admitted_at);
	gateway_cancel(d->call);
	event_del(d->again);
	d->ask = *m;
	fetch(d);
}

/* ---- results ----------------------------------------------------------- */

static void
on_stored(void *arg, const struct report *r)
{
	struct delivery *d = arg;
	struct m_nox_stored m;

	d->call = NULL;
	if (r->status != ST_OK) {
		hold_or_put_back(d, r->status, r->why);
		return;
	}
	front.gateway_failing = 0;
	d->conflicts = r->conflicts;
	m = r->stored;
	m.id = d->m.id;
	d->state = D_CHECKING;
	front_to_keys(M_NOX_STORED, &m, NULL, 0);
}

static void
store(struct delivery *d)
{
	d->state = D_STORING;
	timeline_mark(d->line, STAGE_SENT, now_us());
	d->call = gateway_store(
	    &d->t, d->values, d->m.shape.n_outputs, &d->result, on_stored, d);
}

/* keys has no more to do with it: the same from the beginning.  Also if an
 * operand does not decrypt: a KMS that is wrong once cannot be told from a
 * ciphertext that is wrong for ever. */
static void
start_over(struct delivery *d, uint32_t status)
{
	d->state = D_WAITS;
	if (++d->tries > TRIES)
		put_back(d, status, status_text(status));
	else
		hold(d, HOLD_MAX);
}

void
delivery_on_result(const struct msg *msg)
{
	const struct m_nox_result *m = msg->payload;
	struct delivery *d = find_id(m->id);

	/* Without inputs it was computed at once. */
	if (d == NULL || (d->state != D_COMPUTING && d->state != D_OFFERED))
		return;
	d->result = *m;
	if (m->status != ST_OK) {
		start_over(d, m->status);
		return;
	}
	note_result(d, m);
	timeline_mark(d->line, STAGE_SIGNED, m->signed_at);
	free(d->values);
	d->values = copy_of(msg->rows, msg->n_rows * sizeof(*d->values));
	d->hold = 0;
	store(d);
}

void
delivery_on_ended(const struct m_nox_ended *m)
{
	struct delivery *d = in_state(m->id, D_CHECKING);

	if (d == NULL)
		return;
	if (!m->is_valid) {
		error_note(&front.gateway_error,
		    "its report is not signed by the Gateway of the contract");
		start_over(d, ST_GATEWAY_ERROR);
		return;
	}
	d->state = D_WAITS;	/* keys has forgotten it */
	if (d->conflicts != 0)
		give_up(d, ST_OUTPUT_EXISTS,
		    "the Gateway has another value for a result");
	else
		succeed(d);
}

/* ---- a message --------------------------------------------------------- */

static int
is_done(const struct js_ack *a)
{
	size_t i;

	for (i = 0; i < DONE && i < n_done; i++)
		if (done[i].sequence == a->stream_seq &&
		    done[i].published == a->timestamp)
			return 1;
	return 0;
}

/* One more message of a transaction that is here: the same again, since it took
 * long, or a second one.  0, or -1 if there are too many. */
static int
add_reply(struct delivery *d, const char *reply, const struct js_ack *a)
{
	struct reply *r;
	size_t i;

	for (i = 0; i < d->n_replies; i++)
		if (d->replies[i].sequence == a->stream_seq)
			break;
	if (i == REPLIES)
		return -1;
	r = &d->replies[i];
	if (i == d->n_replies)
		d->n_replies++;
	else
		free(r->subject);
	r->subject = copy_of(reply, strlen(reply) + 1);
	r->sequence = a->stream_seq;
	r->delivered = a->delivered;
	r->published = a->timestamp;
	return 0;
}

/* A message that is no transaction which can be computed. */
static void
refuse(const struct nats_message *m, const struct js_ack *a, uint32_t status,
    const char *member)
{
	char why[192];

	snprintf(why, sizeof(why), "%s%s%s", status_text(status),
	    *member == '\0' ? "" : ": ", member);
	log_err("message %llu: given up: %s", (unsigned long long)a->stream_seq,
	    why);
	count_status(status);
	front.given_up++;
	(void)bury(m->reply, a->stream_seq, why, m->payload, m->n_payload);
	stream_room();
}

static void
fill_task(struct delivery *d, const struct p_shape *shape,
    const struct m_word *words, size_t n)
{
	d->n_words = n;
	d->words = copy_of(words, n * sizeof(*words));
	if (++last_id == 0)
		last_id = 1;
	d->m.id = last_id;
	d->m.chain_id = d->t.chain_id;
	d->m.block_number = d->t.block_number;
	memcpy(d->m.caller, d->t.caller, 20);
	memcpy(d->m.transaction_hash, d->t.hash, 32);
	d->m.shape = *shape;
}

/* ST_OK if keys would take it. */
static uint32_t
check(const struct nox_transaction *t, const struct p_shape *shape,
    const struct m_word *words, size_t n)
{
	struct program p;
	size_t op;

	if (t->chain_id != front.chain->chain_id)
		return ST_WRONG_CHAIN;
	if (shape->n_inputs > NOX_INPUTS)
		return ST_OVER_LIMIT;
	if (program_view(&p, shape, words, n) != 0)
		return ST_MALFORMED;
	return program_check_nox(&p, t->chain_id, &op);
}

void
delivery_new(const struct nats_message *m, const struct js_ack *a)
{
	static const struct m_trace no_trace;
	static struct m_word words[PROGRAM_WORDS];
	static struct builder b;
	struct nox_transaction t;
	struct delivery *d;
	uint32_t status;
	char why[64];
	size_t n = 0;

	if (is_done(a)) {	/* its answer was lost */
		stream_ack(m->reply);
		stream_room();
		return;
	}
	status = nox_message_read(
	    (const char *)m->payload, m->n_payload, &t, &b, why);
	if (status == ST_OK) {
		n = builder_words(&b, words);
		status = check(&t, &b.shape, words, n);
	}
	if (status != ST_OK) {
		refuse(m, a, status, why);
		return;
	}
	if ((d = find_transaction(&t)) != NULL) {
		if (d->n_words != n ||
		    memcmp(&d->m.shape, &b.shape, sizeof(b.shape)) != 0 ||
		    memcmp(d->words, words, n * sizeof(*words)) != 0 ||
		    add_reply(d, m->reply, a) != 0)
			stream_nak(m->reply, 1);
		stream_room();
		return;
	}
	if ((d = calloc(1, sizeof(*d))) == NULL ||
	    (d->again = evtimer_new(front.base, on_again, d)) == NULL)
		fatal("out of memory");
	d->t = t;
	fill_task(d, &b.shape, words, n);
	(void)add_reply(d, m->reply, a);
	if (front.chain->nats_dead_letter[0] != '\0' &&
	    text_kept + m->n_payload <= TEXT_MAX) {
		d->text = copy_of(m->payload, m->n_payload);
		d->n_text = m->n_payload;
		text_kept += d->n_text;
	}
	d->line = timeline_begin(
	    t.hash, (uint32_t)a->delivered, d->m.id, 0, &no_trace);
	TAILQ_INSERT_TAIL(&all, d, all);
	LIST_INSERT_HEAD(&by_id[d->m.id % LISTS], d, same_id);
	LIST_INSERT_HEAD(hash_list(t.hash), d, same_hash);
	front.in_flight = ++count;
	if (is_too_old(d))
		give_up(d, ST_EXPIRED, "older than nox-max-age");
	else
		offer(d);
}
