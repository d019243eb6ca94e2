/* SPDX-License-Identifier: Apache-2.0
 *
 * One stream per Runner: challenge, hello, registration, credit, tasks,
 * results.  Messages before a valid Hello are rejected.
 */
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "facts.h"
#include "hex.h"
#include "jsonrpc.h"
#include "log.h"
#include "orchestrator.h"
#include "registrar.h"
#include "server.h"
#include "signed.h"
#include "wire.h"

static LIST_HEAD(, session) sessions = LIST_HEAD_INITIALIZER(sessions);

static void
drop(struct session *s, const char *why)
{
	log_warn("session: closed: %s", why);
	rpc_stream_close(s->stream, GRPC_STATUS_INVALID_ARGUMENT, why);
}

/* ---- messages from a Runner -------------------------------------------- */

static void
on_hello(struct session *s, const Teerunner__V1__Hello *hello)
{
	char hex[41];

	if (s->has_hello)
		drop(s, "a second hello");
	else if (signed_hello(hello, devnet.domain) != 0)
		drop(s, "the hello is not signed by the Runner it names");
	else if (memcmp(hello->challenge.data, s->nonce, 32) != 0)
		drop(s, "the hello answers another challenge");
	else {
		s->has_hello = 1;
		memcpy(s->runner, hello->runner.data, 20);
		log_info(
		    "runner 0x%s: connected", hex_encode(hex, s->runner, 20));
	}
}

/* Register with the Registry's stand-in. */
static int
register_there(const struct m_register *r, const struct m_verdict *v)
{
	json_t *result;
	int ok;

	result = jsonrpc_call(&devnet, "devnet_register",
	    json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:o,s:I,s:s#,s:o}",
		"runner", json_hex(r->runner, 20), "publicKey",
		json_hex(r->public_key, 33), "evidenceHash",
		json_hex(r->evidence_hash, 32), "configurationHash",
		json_hex(r->configuration_hash, 32), "signature",
		json_hex(r->signature, 65), "teeType", (json_int_t)r->tee_type,
		"sequence", (json_int_t)r->sequence, "validUntil",
		(json_int_t)r->valid_until, "measurement",
		json_hex(v->measurement, 32), "verdict", (json_int_t)v->verdict,
		"verifier", v->verifier, (int)v->n_verifier, "verdictSignature",
		json_hex(v->signature, 65)));
	ok = json_is_true(result);
	json_decref(result);
	return ok ? 0 : -1;
}

/* A Runner that registers with the Registry itself needs the verdict; any other
 * shows one that refuses. */
static void
answer_verdict(struct session *s, const struct m_verdict *v)
{
	Teerunner__V1__OrchestratorMessage message =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Verdict verdict = TEERUNNER__V1__VERDICT__INIT;
	char verifier[VERIFIER_MAX + 1] = "";

	memcpy(verifier, v->verifier, v->n_verifier);
	verdict.registration = (ProtobufCBinaryData){ 32,
		(uint8_t *)(uintptr_t)v->registration };
	verdict.measurement = (ProtobufCBinaryData){ 32,
		(uint8_t *)(uintptr_t)v->measurement };
	verdict.signature = (ProtobufCBinaryData){ 65,
		(uint8_t *)(uintptr_t)v->signature };
	verdict.verdict = v->verdict;
	verdict.verifier = verifier;
	message.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_VERDICT;
	message.verdict = &verdict;
	rpc_stream_send(s->stream, &message.base);
	log_info("session: verdict %u on a registration", v->verdict);
}

/* Relay it with the registrar's verdict; the Registry decides whether to accept
 * it. */
static void
on_registration(struct session *s, const Teerunner__V1__Registration *r)
{
	Teerunner__V1__OrchestratorMessage message =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Registered registered = TEERUNNER__V1__REGISTERED__INIT;
	struct m_register m;
	struct m_verdict v;

	if (r->runner.len != 20 || memcmp(r->runner.data, s->runner, 20) != 0) {
		drop(s, "a registration of another Runner");
		return;
	}
	if (fault == FAULT_ORCHESTRATOR_ignore)
		return;
	if (registrar_verify(r, &m, &v) != 0) {
		log_warn("session: malformed registration");
		return;
	}
	if (r->own_gas || v.verdict != 0)
		answer_verdict(s, &v);
	if (r->own_gas)
		return;
	if ((devnet.is_chain ? contract_register(&devnet, &m, &v) :
			       register_there(&m, &v)) != 0) {
		log_warn("session: the Registry refuses the registration");
		return;
	}
	registered.sequence = r->sequence;
	message
	    .body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_REGISTERED;
	message.registered = &registered;
	rpc_stream_send(s->stream, &message.base);
	s->ask_again = 0;
	log_info("session: registered, sequence %llu",
	    (unsigned long long)r->sequence);
}

static void
on_results(struct session *s, const Teerunner__V1__TaskResultBatch *batch,
    struct pool *pool)
{
	uint8_t signer[20];
	int is_any = 0;
	size_t i;

	if (signed_results(batch, devnet.domain, pool, signer, NULL) != 0 ||
	    memcmp(signer, s->runner, 20) != 0) {
		drop(s, "results not signed by this Runner");
		return;
	}
	for (i = 0; i < batch->n_results; i++)
		is_any |= tasks_result(s->runner, batch->results[i]);
	if (is_any)
		forward_results(s->runner, batch);
	else
		session_ack(s->runner, batch);
}

static void
on_credit(struct session *s, const Teerunner__V1__Credit *credit)
{
	if (credit->tasks > UINT16_MAX || s->credit > UINT16_MAX) {
		drop(s, "more credit than sense");
		return;
	}
	s->credit += credit->tasks;
}

static void
on_message(void *arg, grpc_byte_buffer *bytes)
{
	struct session *s = arg;
	Teerunner__V1__RunnerMessage *m;
	struct pool pool;

	pool_init(&pool);
	m = rpc_unpack(
	    bytes, &teerunner__v1__runner_message__descriptor, &pool.arena);
	if (m == NULL)
		drop(s, "malformed message");
	else if (m->body_case == TEERUNNER__V1__RUNNER_MESSAGE__BODY_HELLO)
		on_hello(s, m->hello);
	else if (!s->has_hello)
		drop(s, "no hello yet");
	else
		switch (m->body_case) {
		case TEERUNNER__V1__RUNNER_MESSAGE__BODY_CREDIT:
			on_credit(s, m->credit);
			break;
		case TEERUNNER__V1__RUNNER_MESSAGE__BODY_RESULTS:
			on_results(s, m->results, &pool);
			break;
		case TEERUNNER__V1__RUNNER_MESSAGE__BODY_REFUSAL:
			tasks_refused(s, m->refusal);
			break;
		case TEERUNNER__V1__RUNNER_MESSAGE__BODY_DRAINING:
			s->is_draining = 1;
			break;
		case TEERUNNER__V1__RUNNER_MESSAGE__BODY_REGISTRATION:
			on_registration(s, m->registration);
			break;
		default: drop(s, "empty message");
		}
	pool_free(&pool);
	tasks_dispatch();
}

static void
on_end(void *arg)
{
	struct session *s = arg;
	char hex[41];

	if (s->has_hello)
		log_info("runner 0x%s: gone", hex_encode(hex, s->runner, 20));
	LIST_REMOVE(s, link);
	tasks_lost(s);
	free(s);
	tasks_dispatch();
}

void
on_session(struct rpc_call *call, void *none)
{
	static const struct rpc_stream_events events = { on_message, on_end };
	Teerunner__V1__OrchestratorMessage message =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Challenge challenge = TEERUNNER__V1__CHALLENGE__INIT;
	struct session *s;

	(void)none;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("session: out of memory");
	random_fill(s->nonce, sizeof(s->nonce));
	LIST_INSERT_HEAD(&sessions, s, link);
	s->stream = rpc_stream_open(call, &events, s);
	challenge.nonce.data = s->nonce;
	challenge.nonce.len = sizeof(s->nonce);
	message.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_CHALLENGE;
	message.challenge = &challenge;
	rpc_stream_send(s->stream, &message.base);
}

/* ---- messages to a Runner ---------------------------------------------- */

static int
is_listed(struct session *s)
{
	if (s->ask_again > now_ms())
		return 0;
	if (facts_is_runner(&devnet, s->runner) == 1)
		return 1;
	s->ask_again = now_ms() + 500;
	return 0;
}

/* Several Runners share the work: choose the one with the most credit, and
 * among equal ones the one that was assigned the fewest tasks. */
struct session *
session_choose(uint32_t *n)
{
	struct session *s, *best = NULL;

	LIST_FOREACH(s, &sessions, link) {
		if (!s->has_hello || s->is_draining || s->credit == 0)
			continue;
		/* Wait for credit for a full batch, unless it cannot grow. */
		if (s->credit < *n && s->assigned > 0)
			continue;
		if ((best == NULL || s->credit > best->credit ||
			(s->credit == best->credit &&
			    s->total < best->total)) &&
		    is_listed(s))
			best = s;
	}
	if (best != NULL && *n > best->credit)
		*n = best->credit;
	return best;
}

void
session_assign(struct session *s, const Teerunner__V1__TaskBatch *batch)
{
	Teerunner__V1__OrchestratorMessage message =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Renew renew = TEERUNNER__V1__RENEW__INIT;
	uint8_t rubbish[100];

	if (fault == FAULT_ORCHESTRATOR_rubbish) {
		random_fill(rubbish, sizeof(rubbish));
		rubbish[0] = 0xff;	/* never a valid message */
		rpc_stream_send_bytes(s->stream, rubbish, sizeof(rubbish));
	}
	if (fault == FAULT_ORCHESTRATOR_renew) {
		message.body_case =
		    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_RENEW;
		message.renew = &renew;
		rpc_stream_send(s->stream, &message.base);
	}
	message.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_BATCH;
	message.batch = (Teerunner__V1__TaskBatch *)(uintptr_t)batch;
	rpc_stream_send(s->stream, &message.base);
	if (fault == FAULT_ORCHESTRATOR_replay)
		rpc_stream_send(s->stream, &message.base);
	s->credit -= (uint32_t)batch->n_tasks;
	s->assigned += (uint32_t)batch->n_tasks;
	s->total += batch->n_tasks;
}

void
session_ack(
    const uint8_t runner[20], const Teerunner__V1__TaskResultBatch *batch)
{
	Teerunner__V1__OrchestratorMessage message =
	    TEERUNNER__V1__ORCHESTRATOR_MESSAGE__INIT;
	Teerunner__V1__Ack ack = TEERUNNER__V1__ACK__INIT;
	Teerunner__V1__TaskRef refs[BATCH_TASKS], *list[BATCH_TASKS];
	struct session *s;
	size_t i;

	LIST_FOREACH(s, &sessions, link)
		if (s->has_hello && memcmp(s->runner, runner, 20) == 0)
			break;
	if (s == NULL)
		return;		/* it will send them again */
	for (i = 0; i < batch->n_results; i++) {
		teerunner__v1__task_ref__init(&refs[i]);
		refs[i].id = batch->results[i]->task_id;
		refs[i].attempt = batch->results[i]->attempt;
		list[i] = &refs[i];
	}
	ack.n_tasks = batch->n_results;
	ack.tasks = list;
	message.body_case = TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_ACK;
	message.ack = &ack;
	rpc_stream_send(s->stream, &message.base);
}

const char *
session_status(struct pool *pool)
{
	const char *text = "";
	struct session *s;
	char hex[41];

	LIST_FOREACH(s, &sessions, link)
		text = pool_printf(pool,
		    "%s%s{\"address\":\"0x%s\","
		    "\"hello\":%s,\"draining\":%s,\"credit\":%u,"
		    "\"assigned\":%u}",
		    text, *text == '\0' ? "" : ",",
		    hex_encode(hex, s->runner, 20),
		    s->has_hello ? "true" : "false",
		    s->is_draining ? "true" : "false", s->credit, s->assigned);
	return text;
}
