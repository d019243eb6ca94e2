/* SPDX-License-Identifier: Apache-2.0
 *
 * The session with the Orchestrator: one stream, made again for ever with a
 * jittered back-off.  Challenge, Hello, registration, then credit out, batches
 * in, results out.  Runs in net; what comes in is hostile until keys has
 * checked who signed it, and no size of it is trusted.
 */
#include <errno.h>
#include <fcntl.h>
#include <grpc/byte_buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "net.h"
#include "proc.h"
#include "wire.h"

/* a batch at its limits: 4 MB */
#define RECEIVE_MAX	(8 * 1024 * 1024)
#define ARENA_MAX	(64 * 1024 * 1024)
/* messages that the peer does not read */
#define QUEUE_MAX	4096
#define EVIDENCE_MAX	(1024 * 1024)
#define BACK_OFF_MIN	100		/* ms */
/* it answers, and then ends the session */
#define BACK_OFF_MAX	30000
/* nobody answers: that costs nobody anything */
#define ABSENT_MAX	500
#define HELLO_TIME	15		/* seconds from connect to Hello */

struct out {
	STAILQ_ENTRY(out) link;
	grpc_byte_buffer *bytes;
};

/* One at a time: the next begins when nothing of the last is pending. */
static struct session {
	struct tag	 opened, read, written, ended;
	grpc_channel	*channel;
	grpc_call	*call;
	int		 pending;	/* tags in the completion queue */
	int		 is_writing, is_cancelled, has_malformed;
	int		 has_answered;	/* any message came */
	int		 has_false_report;	/* a false Registered came */
	const char	*why;		/* we ended it */
	uint8_t		 challenge[32];
	grpc_byte_buffer *received, *sent;
	grpc_metadata_array initial, trailing;
	grpc_status_code code;
	grpc_slice	 details;
	STAILQ_HEAD(, out) queue;
	size_t		 queued;
} s;

static struct target target;
static uint32_t number;		/* of the session: counts connections */
static struct event *timer;		/* try again; or give the session up */
static uint64_t back_off = BACK_OFF_MIN, absent = BACK_OFF_MIN;
static char last_why[256];
static Teerunner__V1__RunnerMessage *registration;	/* in `evidence' */
static struct m_register registered;	/* its fixed fields */
static struct arena evidence;

static void
timer_set(uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / 1000),
		(suseconds_t)(ms % 1000 * 1000) };

	if (event_add(timer, &tv) == -1)
		fatal("orchestrator: no timer");
}

/* ---- sending ----------------------------------------------------------- */

static void
session_write(void)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
	struct out *o = STAILQ_FIRST(&s.queue);

	if (o == NULL || s.is_writing || s.is_cancelled)
		return;
	STAILQ_REMOVE_HEAD(&s.queue, link);
	s.queued--;
	s.is_writing = 1;
	s.sent = o->bytes;
	free(o);
	op.data.send_message.send_message = s.sent;
	/* It may go out in one write with those that wait. */
	if (!STAILQ_EMPTY(&s.queue))
		op.flags = GRPC_WRITE_BUFFER_HINT;
	s.pending++;
	rpc_begin(s.call, &op, 1, &s.written);
}

void
session_send_packed(grpc_byte_buffer *bytes)
{
	struct out *o;

	if (front.stream != STREAM_OPEN || s.is_cancelled)
		return;
	if (s.queued == QUEUE_MAX) {
		session_stop("the Orchestrator does not read");
		return;
	}
	if ((o = malloc(sizeof(*o))) == NULL)
		fatal("orchestrator: out of memory");
	o->bytes = grpc_byte_buffer_copy(bytes);
	STAILQ_INSERT_TAIL(&s.queue, o, link);
	s.queued++;
	session_write();
}

void
session_send(const Teerunner__V1__RunnerMessage *m)
{
	grpc_byte_buffer *bytes;

	if (front.stream != STREAM_OPEN)
		return;
	bytes = rpc_pack(&m->base);
	session_send_packed(bytes);
	grpc_byte_buffer_destroy(bytes);
}

void
session_credit(void)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Credit credit = TEERUNNER__V1__CREDIT__INIT;
	const uint32_t max = front.conf.max_tasks;
	uint32_t used = front.in_flight + front.credit, room;

	if (front.stream != STREAM_OPEN || front.state != S_SERVING ||
	    front.is_paused || !front.has_status ||
	    front.status.state != S_SERVING || used >= max)
		return;
	/* Results that nobody acknowledges cost memory. */
	if (used + front.kept >= 4 * max)
		return;
	room = max - used;
	if (room > 4 * max - used - front.kept)
		room = 4 * max - used - front.kept;
	front.credit += room;
	credit.tasks = room;
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_CREDIT;
	m.credit = &credit;
	session_send(&m);
}

uint32_t
session_number(void)
{
	return number;
}

void
session_worked(uint32_t session)
{
	if (front.stream == STREAM_OPEN && session == number)
		back_off = BACK_OFF_MIN;
}

static void
send_draining(void)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Draining draining = TEERUNNER__V1__DRAINING__INIT;

	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_DRAINING;
	m.draining = &draining;
	session_send(&m);
}

void
session_drain(void)
{
	send_draining();
	batch_try_drained();
}

void
front_pause(void)
{
	if (!front.is_paused)
		send_draining();
	front.is_paused = 1;
}

/* The Orchestrator does not forget a Draining before the session ends. */
void
front_resume(void)
{
	if (!front.is_paused)
		return;
	front.is_paused = 0;
	back_off = BACK_OFF_MIN;
	session_stop("resumed by tee-runnerctl");
}

/* ---- hello and registration -------------------------------------------- */

#define BYTES(array)	(ProtobufCBinaryData){ sizeof(array),		\
	(uint8_t *)(uintptr_t)(array) }

void
session_on_hello(const struct m_hello *h)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Hello hello = TEERUNNER__V1__HELLO__INIT;

	/* It may answer for a session that has ended since. */
	if (front.stream != STREAM_HELLO || h->session != number)
		return;
	hello.runner = BYTES(h->runner);
	hello.challenge = BYTES(s.challenge);
	hello.registration = BYTES(h->registration);
	hello.signature = BYTES(h->signature);
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_HELLO;
	m.hello = &hello;
	front.stream = STREAM_OPEN;
	last_why[0] = '\0';
	log_info("orchestrator %s: connected", target.authority);
	session_send(&m);
	if (registration != NULL)
		session_send(registration);
	if (front.state == S_DRAINING || front.is_paused)
		send_draining();
	batch_resend();
	front.credit = 0;
	session_credit();
	gateway_connect();
}

static void
on_challenge(const Teerunner__V1__Challenge *c)
{
	struct m_hello_ask ask = { .session = number };

	if (front.stream != STREAM_CONNECTING ||
	    wire_fixed(&c->nonce, s.challenge, sizeof(s.challenge)) != 0) {
		session_stop("unexpected or malformed Challenge");
		return;
	}
	memcpy(ask.challenge, s.challenge, sizeof(ask.challenge));
	front.stream = STREAM_HELLO;
	front_to_keys(M_HELLO_ASK, &ask, NULL, 0);
}

/* The evidence comes sealed; a copy goes with each new session. */
void
session_on_register(const struct m_register *r, int fd)
{
	Teerunner__V1__Registration *reg;
	struct stat st;
	uint8_t *bytes;

	if (r->evidence_size > EVIDENCE_MAX || fstat(fd, &st) == -1 ||
	    st.st_size != (off_t)r->evidence_size)
		chan_illegal(&front.keys, M_REGISTER, "size of the evidence");
	arena_free(&evidence);
	arena_init(&evidence, 2 * EVIDENCE_MAX);
	bytes = arena_get(&evidence, 1, r->evidence_size);
	if (pread(fd, bytes, r->evidence_size, 0) != (ssize_t)r->evidence_size)
		fatal("registration: evidence: %s", strerror(errno));
	reg = arena_get(&evidence, 1, sizeof(*reg));
	teerunner__v1__registration__init(reg);
	registered = *r;
	reg->runner = BYTES(registered.runner);
	reg->public_key = BYTES(registered.public_key);
	reg->tee_type = r->tee_type;
	reg->evidence_hash = BYTES(registered.evidence_hash);
	reg->configuration_hash = BYTES(registered.configuration_hash);
	reg->sequence = r->sequence;
	reg->valid_until = r->valid_until;
	reg->block_number = r->block_number;
	reg->signature = BYTES(registered.signature);
	reg->evidence = (ProtobufCBinaryData){ r->evidence_size, bytes };
	reg->own_gas = r->is_direct;
	registration = arena_get(&evidence, 1, sizeof(*registration));
	teerunner__v1__runner_message__init(registration);
	registration
	    ->body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_REGISTRATION;
	registration->registration = reg;
	session_send(registration);
}

void
front_evidence(struct evbuffer *out)
{
	const ProtobufCBinaryData *e;

	if (registration == NULL)
		return;
	e = &registration->registration->evidence;
	evbuffer_add(out, e->data, e->len);
}

/* ---- receiving --------------------------------------------------------- */

/* It may be a message of a later version.  Refuse it, log this once a session,
 * and go on. */
static void
on_malformed(void)
{
	if (front.stream != STREAM_OPEN) {
		session_stop("malformed message");
		return;
	}
	if (!s.has_malformed)
		log_warn("orchestrator %s: malformed message: refused",
		    target.authority);
	s.has_malformed = 1;
	batch_refuse(NULL, 0, NULL, ST_MALFORMED, "not a message");
}

/* A registrar's verdict on our registration. keys and the Registry check that
 * it is genuine. */
static void
on_verdict(const Teerunner__V1__Verdict *from)
{
	const size_t n = strlen(from->verifier);
	struct m_verdict v;

	memset(&v, 0, sizeof(v));
	if (wire_fixed(&from->registration, v.registration, 32) != 0 ||
	    wire_fixed(&from->measurement, v.measurement, 32) != 0 ||
	    wire_fixed(&from->signature, v.signature, 65) != 0 ||
	    from->verdict > UINT8_MAX || n > sizeof(v.verifier)) {
		on_malformed();
		return;
	}
	v.verdict = from->verdict;
	v.n_verifier = (uint8_t)n;
	memcpy(v.verifier, from->verifier, n);
	front_to_keys(M_VERDICT, &v, NULL, 0);
}

/* The Orchestrator says that it relayed a registration.  This is only logged;
 * what counts is what registry reads.  The first sequence is 1. */
static void
on_registered(uint64_t sequence)
{
	if (sequence != 0 && sequence <= registered.sequence) {
		log_info("registration: the Orchestrator says that it relayed "
			 "sequence %llu",
		    (unsigned long long)sequence);
		return;
	}
	if (!s.has_false_report)
		log_warn("registration: ignored: the Orchestrator says that it "
			 "relayed sequence %llu, but the last one signed is "
			 "%llu",
		    (unsigned long long)sequence,
		    (unsigned long long)registered.sequence);
	s.has_false_report = 1;
}

static void
on_message(grpc_byte_buffer *bytes)
{
	Teerunner__V1__OrchestratorMessage *m;
	struct arena arena;

	s.has_answered = 1;
	arena_init(&arena, ARENA_MAX);
	m = rpc_unpack(
	    bytes, &teerunner__v1__orchestrator_message__descriptor, &arena);
	if (m == NULL)
		on_malformed();
	else if (m->body_case ==
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_CHALLENGE)
		on_challenge(m->challenge);
	else if (front.stream != STREAM_OPEN)
		session_stop("message before Hello");
	else if (m->body_case ==
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_BATCH)
		batch_on_offer(m->batch);
	else if (m->body_case == TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_ACK)
		batch_on_ack(m->ack);
	else if (m->body_case ==
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_RENEW)
		front_to_keys(M_RENEW, NULL, NULL, 0);
	else if (m->body_case ==
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_VERDICT)
		on_verdict(m->verdict);
	else if (m->body_case ==
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_REGISTERED)
		on_registered(m->registered->sequence);
	else
		on_malformed();
	arena_free(&arena);
}

/* ---- the stream -------------------------------------------------------- */

static void
session_read(void)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &s.received;
	s.pending++;
	rpc_begin(s.call, &op, 1, &s.read);
}

/* Log what is new; the same failure again and again is one line. */
static void
session_log_why(uint64_t wait)
{
	char text[200], why[256];

	if (s.why == NULL && tls_is_mismatched())
		s.why = "tls-key does not match tls-certificate";
	snprintf(why, sizeof(why), "%s",
	    s.why != NULL ? s.why :
		s.code == GRPC_STATUS_OK ?
			    "the Orchestrator closed the stream" :
			    rpc_text(text, sizeof(text), s.details));
	if (strcmp(why, last_why) == 0)
		return;
	memcpy(last_why, why, sizeof(why));
	error_note(&front.orchestrator_error, why);
	log_warn("orchestrator %s: not connected: %s: retrying in %llu ms",
	    target.authority, why, (unsigned long long)wait);
}

/* Has this try cost the Orchestrator anything?  A refused session has, and so
 * has a TLS handshake that failed. */
static int
session_was_answered(void)
{
	char text[200];

	if (s.has_answered || s.why != NULL)
		return s.has_answered;
	return s.code != GRPC_STATUS_UNAVAILABLE ||
	    strstr(rpc_text(text, sizeof(text), s.details), "SSL_ERROR") !=
	    NULL;
}

/* How long to wait for the next try, in ms.  While nobody answers, the longer
 * back-off stays as it is: it protects an Orchestrator that goes down because
 * of its load. */
static uint64_t
session_wait(void)
{
	const int is_answered = session_was_answered();
	const uint64_t max = is_answered ? BACK_OFF_MAX : ABSENT_MAX;
	uint64_t *next = is_answered ? &back_off : &absent, wait;
	uint32_t jitter = 0;

	if (getrandom(&jitter, sizeof(jitter), 0) == -1)
		jitter = (uint32_t)now_ms();
	wait = *next / 2 + jitter % (*next / 2 + 1);
	*next = *next * 2 < max ? *next * 2 : max;
	if (is_answered)
		absent = BACK_OFF_MIN;
	return wait;
}

/* Nothing is pending any more: clear up, and wait for the next try. */
static void
session_over(void)
{
	const uint64_t wait = session_wait();
	struct out *o;

	session_log_why(wait);

	while ((o = STAILQ_FIRST(&s.queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&s.queue, link);
		grpc_byte_buffer_destroy(o->bytes);
		free(o);
	}
	grpc_slice_unref(s.details);
	grpc_metadata_array_destroy(&s.initial);
	grpc_metadata_array_destroy(&s.trailing);
	grpc_call_unref(s.call);
	grpc_channel_destroy(s.channel);
	s.call = NULL;
	front.stream = STREAM_DOWN;
	front.credit = 0;
	front.reconnections++;
	timer_set(wait);
}

static void
release(void)
{
	if (--s.pending == 0)
		session_over();
}

static void
on_opened(struct tag *tag, int ok)
{
	(void)tag;
	(void)ok;		/* a failure shows at the end */
	release();
}

static void
on_read(struct tag *tag, int ok)
{
	grpc_byte_buffer *bytes = s.received;

	(void)tag;
	s.received = NULL;
	if (bytes != NULL) {
		if (ok && !s.is_cancelled)
			on_message(bytes);
		grpc_byte_buffer_destroy(bytes);
		if (ok && !s.is_cancelled)
			session_read();
	}
	release();
}

static void
on_written(struct tag *tag, int ok)
{
	(void)tag;
	grpc_byte_buffer_destroy(s.sent);
	s.is_writing = 0;
	if (ok)
		session_write();
	release();
}

static void
on_ended(struct tag *tag, int ok)
{
	(void)tag;
	(void)ok;
	s.is_cancelled = 1;	/* nothing more may begin */
	release();
}

static void
session_connect(void)
{
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA } };
	grpc_op end = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

	memset(&s, 0, sizeof(s));
	STAILQ_INIT(&s.queue);
	s.opened.fn = on_opened;
	s.read.fn = on_read;
	s.written.fn = on_written;
	s.ended.fn = on_ended;
	s.details = grpc_empty_slice();
	grpc_metadata_array_init(&s.initial);
	grpc_metadata_array_init(&s.trailing);
	/* A channel for each try: the back-off is ours alone, and each failure
	 * tells its reason. */
	s.channel = rpc_channel(
	    &target, RECEIVE_MAX, CONNECT_TIME, CONNECT_TIME);
	s.call = rpc_call(s.channel, "/teerunner.v1.Orchestrator/Session", 0);
	front.stream = STREAM_CONNECTING;
	number++;
	timer_set(HELLO_TIME * 1000);

	ops[1].data.recv_initial_metadata.recv_initial_metadata = &s.initial;
	end.data.recv_status_on_client.trailing_metadata = &s.trailing;
	end.data.recv_status_on_client.status = &s.code;
	end.data.recv_status_on_client.status_details = &s.details;
	s.pending = 2;
	rpc_begin(s.call, ops, 2, &s.opened);
	rpc_begin(s.call, &end, 1, &s.ended);
	session_read();
}

void
session_stop(const char *why)
{
	if (front.stream == STREAM_DOWN || s.is_cancelled)
		return;
	s.why = why;
	s.is_cancelled = 1;
	grpc_call_cancel(s.call, NULL);
}

void
session_renewed(int has_expired)
{
	back_off = absent = BACK_OFF_MIN;
	if (front.stream == STREAM_DOWN)
		timer_set(0);
	else if (has_expired)
		session_stop("expired tls-certificate was renewed");
}

void
session_start(void)
{
	if (front.stream != STREAM_DOWN || front.keys.fd == -1 ||
	    !tls_has_channel())
		return;
	session_connect();
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	front_lock();
	if (front.stream == STREAM_DOWN)
		session_start();
	else if (front.stream != STREAM_OPEN)
		session_stop("timeout before the session was established");
	front_unlock();
}

void
session_init(void)
{
	rpc_resolve("orchestrator", front.chain->orchestrator, &target);
	if ((timer = evtimer_new(front.base, on_timer, NULL)) == NULL)
		fatal("orchestrator: no timer");
	arena_init(&evidence, 0);
}
