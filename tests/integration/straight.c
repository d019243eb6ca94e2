/* SPDX-License-Identifier: Apache-2.0
 *
 * A Runner in one straight line: no roles, no sandbox, no channels, the same
 * cryptography and the same computation.  It shows tee-devnet to be right
 * without tee-runnerd, and is the floor that a bench compares with.
 *
 *	straight DIR N [CREDIT]		with the certificate of runner N
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "builder.h"
#include "dir.h"
#include "ecies.h"
#include "job.h"
#include "jsonrpc.h"
#include "keccak.h"
#include "log.h"
#include "report_data.h"
#include "rpc.h"
#include "secp.h"
#include "shamir.h"
#include "signed.h"
#include "teerunner.pb-c.h"
#include "wire.h"

struct task {
	struct m_task	 flat;
	struct m_word	*words;
	size_t		 n_words;
	struct program	 program;
	uint8_t		 own[32], public[33];
};
struct batch {
	struct pool	 pool;
	struct task	 tasks[BATCH_TASKS];
	size_t		 n;
};

static struct devnet d;
static const char insecure[] = "INSECURE: NOT EVIDENCE OF ANYTHING\n";
static uint8_t evidence[sizeof(insecure) - 1 + 64];
static struct rpc_tls tls;
static struct rpc_peer *gateway, *orchestrator;
static uint8_t key[32], public[33], address[20];
static uint32_t credit = 256;

/* ---- the stream -------------------------------------------------------- */

static struct {
	struct rpc_tag	 opened, read, written, ended;
	grpc_call	*call;
	grpc_metadata_array initial, trailing;
	grpc_byte_buffer *received, *queue[4096];
	size_t		 head, tail;
	int		 is_writing;
	grpc_status_code status;
	grpc_slice	 details;
} line;

static void	on_message(const Teerunner__V1__OrchestratorMessage *);

static void
start(const grpc_op *ops, size_t n, struct rpc_tag *tag)
{
	if (grpc_call_start_batch(line.call, ops, n, tag, NULL) != GRPC_CALL_OK)
		fatal("stream: an operation was refused");
}

static void
read_next(void)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &line.received;
	start(&op, 1, &line.read);
}

static void
on_read(struct rpc_tag *tag, int ok)
{
	Teerunner__V1__OrchestratorMessage *m;
	struct pool pool;

	(void)tag;
	if (!ok || line.received == NULL)
		return;			/* `ended' follows */
	pool_init(&pool);
	m = rpc_unpack(line.received,
	    &teerunner__v1__orchestrator_message__descriptor, &pool.arena);
	grpc_byte_buffer_destroy(line.received);
	line.received = NULL;
	if (m == NULL)
		fprintf(stderr, "straight: a malformed message\n");
	else
		on_message(m);
	pool_free(&pool);
	read_next();
}

static void
write_next(void)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	if (line.is_writing || line.head == line.tail)
		return;
	op.data.send_message.send_message = line.queue[line.head];
	start(&op, 1, &line.written);
	grpc_byte_buffer_destroy(line.queue[line.head]);
	line.head = (line.head + 1) % 4096;
	line.is_writing = 1;
}

static void
on_written(struct rpc_tag *tag, int ok)
{
	(void)tag;
	line.is_writing = 0;
	if (ok)
		write_next();
}

static void
on_opened(struct rpc_tag *tag, int ok)
{
	(void)tag;
	(void)ok;
}

static void
on_ended(struct rpc_tag *tag, int ok)
{
	char *why = grpc_slice_to_c_string(line.details);

	(void)tag;
	(void)ok;
	fprintf(stderr, "straight: the stream has ended: %s\n", why);
	exit(1);
}

static void
send_message(Teerunner__V1__RunnerMessage *m)
{
	line.queue[line.tail] = rpc_pack(&m->base);
	line.tail = (line.tail + 1) % 4096;
	write_next();
}

static void
dial(void)
{
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA } };
	grpc_op last = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };
	grpc_slice path = grpc_slice_from_static_string(
	    "/teerunner.v1.Orchestrator/Session");

	line.opened.fn = on_opened;
	line.read.fn = on_read;
	line.written.fn = on_written;
	line.ended.fn = on_ended;
	line.call = grpc_channel_create_call(orchestrator->channel, NULL,
	    GRPC_PROPAGATE_DEFAULTS, rpc_queue, path, NULL,
	    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	ops[1].data.recv_initial_metadata.recv_initial_metadata = &line.initial;
	start(ops, 2, &line.opened);
	last.data.recv_status_on_client.trailing_metadata = &line.trailing;
	last.data.recv_status_on_client.status = &line.status;
	last.data.recv_status_on_client.status_details = &line.details;
	start(&last, 1, &line.ended);
	read_next();
}

/* ---- hello ------------------------------------------------------------- */

static void
sign(const uint8_t hash[32], uint8_t signature[65])
{
	uint8_t digest[32];

	td_digest(d.domain, hash, digest);
	if (secp_sign(key, digest, signature) != 0)
		fatal("cannot sign");
}

static ProtobufCBinaryData
bytes(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ n, (uint8_t *)(uintptr_t)p };
}

static void
say_hello(const uint8_t challenge[32], const uint8_t registration[32])
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Hello hello = TEERUNNER__V1__HELLO__INIT;
	uint8_t hash[32], signature[65];

	td_session_hello(address, challenge, registration, hash);
	sign(hash, signature);
	hello.runner = bytes(address, 20);
	hello.challenge = bytes(challenge, 32);
	hello.registration = bytes(registration, 32);
	hello.signature = bytes(signature, 65);
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_HELLO;
	m.hello = &hello;
	send_message(&m);
}

/* As the insecure provider makes it, over the latest block. */
static void
make_evidence(struct m_register *r)
{
	json_t *block = jsonrpc_call(
	    &d, "eth_getBlockByNumber", json_pack("[s,b]", "latest", 0));
	uint8_t block_hash[32];

	if (json_to_bytes(json_object_get(block, "hash"), block_hash, 32) !=
		0 ||
	    json_to_number(
		json_object_get(block, "number"), &r->block_number) == -1 ||
	    report_data(r->public_key, r->configuration_hash, block_hash,
		evidence + sizeof(insecure) - 1) != 0)
		fatal("no block to attest to");
	json_decref(block);
	memcpy(evidence, insecure, sizeof(insecure) - 1);
	keccak256(evidence, sizeof(evidence), r->evidence_hash);
}

static void
say_registration(const struct m_register *r)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Registration reg = TEERUNNER__V1__REGISTRATION__INIT;

	reg.runner = bytes(r->runner, 20);
	reg.public_key = bytes(r->public_key, 33);
	reg.tee_type = r->tee_type;
	reg.evidence_hash = bytes(r->evidence_hash, 32);
	reg.configuration_hash = bytes(r->configuration_hash, 32);
	reg.sequence = r->sequence;
	reg.valid_until = r->valid_until;
	reg.signature = bytes(r->signature, 65);
	reg.evidence = bytes(evidence, sizeof(evidence));
	reg.block_number = r->block_number;
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_REGISTRATION;
	m.registration = &reg;
	send_message(&m);
}

static void
say_credit(uint32_t n)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Credit c = TEERUNNER__V1__CREDIT__INIT;

	c.tasks = n;
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_CREDIT;
	m.credit = &c;
	send_message(&m);
}

static void
on_challenge(const Teerunner__V1__Challenge *challenge)
{
	struct m_register r = { .tee_type = TEE_INSECURE, .sequence = 1 };
	uint8_t nonce[32], hash[32];

	if (wire_fixed(&challenge->nonce, nonce, 32) != 0)
		fatal("a bad challenge");
	memcpy(r.runner, address, 20);
	memcpy(r.public_key, public, 33);
	make_evidence(&r);
	r.valid_until = (uint64_t)time(NULL) + 3600;
	td_registration(&r, hash);
	sign(hash, r.signature);
	say_hello(nonce, hash);
	say_registration(&r);
	say_credit(credit);
}

/* ---- a batch ----------------------------------------------------------- */

static void	on_grants(void *, int, const char *, void *);

/* Flat, and signed by the Orchestrator. */
static int
read_batch(struct batch *b, const Teerunner__V1__TaskBatch *from)
{
	static struct builder builder;
	uint8_t hashes[BATCH_TASKS][32], hash[32], digest[32], sig[65];
	uint8_t signer[20];
	size_t i, op;

	if (from->n_tasks > BATCH_TASKS ||
	    wire_fixed(&from->signature, sig, 65) != 0)
		return -1;
	b->n = from->n_tasks;
	for (i = 0; i < b->n; i++) {
		struct task *t = &b->tasks[i];

		if (wire_task(from->tasks[i], &t->flat, &builder, &op) != ST_OK)
			return -1;
		t->words = pool_get(&b->pool, program_words(&t->flat.shape),
		    sizeof(t->words[0]));
		t->n_words = builder_words(&builder, t->words);
		if (program_view(
			&t->program, &t->flat.shape, t->words, t->n_words) != 0)
			return -1;
		td_task(&t->flat, &t->program, hashes[i]);
	}
	td_batch(TD_TASK_BATCH, (const uint8_t(*)[32])hashes, b->n, hash);
	td_digest(d.domain, hash, digest);
	return secp_recover(digest, sig, signer) == 0 &&
		memcmp(signer, d.orchestrator, 20) == 0 ?
	    0 :
	    -1;
}

static ProtobufCBinaryData *
handles(struct pool *pool, const struct m_word *words, size_t n)
{
	ProtobufCBinaryData *list = pool_get(pool, n, sizeof(*list));
	size_t i;

	for (i = 0; i < n; i++)
		list[i] = bytes(words[i].b, 32);
	return list;
}

static void
ask(struct batch *b)
{
	Teerunner__V1__OperandRequestBatch request =
	    TEERUNNER__V1__OPERAND_REQUEST_BATCH__INIT;
	Teerunner__V1__OperandRequest *r;
	uint8_t hashes[BATCH_TASKS][32], hash[32], signature[65];
	size_t i;

	request.requests = pool_get(&b->pool, b->n, sizeof(r));
	for (i = 0; i < b->n; i++) {
		struct task *t = &b->tasks[i];
		const struct p_shape *shape = &t->flat.shape;

		secp_key_new(t->own);
		secp_public(t->own, t->public);
		r = request.requests[i] = pool_get(&b->pool, 1, sizeof(*r));
		teerunner__v1__operand_request__init(r);
		r->task_id = bytes(t->flat.id, 32);
		r->attempt = t->flat.attempt;
		r->caller = bytes(t->flat.caller, 20);
		r->ephemeral_key = bytes(t->public, 33);
		r->n_inputs = shape->n_inputs;
		r->inputs = handles(&b->pool, t->program.inputs, r->n_inputs);
		r->n_outputs = shape->n_outputs;
		r->outputs = handles(
		    &b->pool, t->program.outputs, r->n_outputs);
		td_operand_request(t->flat.id, t->flat.attempt, t->flat.caller,
		    t->public, t->program.inputs, r->n_inputs,
		    t->program.outputs, r->n_outputs, hashes[i]);
	}
	request.runner = bytes(address, 20);
	request.expiry = (uint64_t)time(NULL) + 60;
	request.n_requests = b->n;
	td_operand_request_batch(address, request.expiry, 0,
	    (const uint8_t(*)[32])hashes, b->n, hash);
	sign(hash, signature);
	request.signature = bytes(signature, 65);
	rpc_send(gateway, "/teerunner.v1.HandleGateway/FetchOperands",
	    &request.base, &teerunner__v1__operand_grant_batch__descriptor,
	    10000, on_grants, b);
}

/* The program, then the operands: the number of words, or 0. */
static size_t
job_words(const struct task *t, const Teerunner__V1__OperandGrant *g,
    struct m_word words[JOB_WORDS])
{
	const Teerunner__V1__GrantedOperand *o;
	struct m_value value;
	size_t i, n = t->n_words;

	memcpy(words, t->words, n * sizeof(*words));
	for (i = 0; i < g->n_operands; i++, n += VALUE_WORDS) {
		o = g->operands[i];
		if (wire_value(&o->handle, &o->key, &o->nonce, &o->ciphertext,
			&value) != 0)
			return 0;
		memcpy(words + n, &value, sizeof(value));
	}
	return n;
}

/* As a worker gets them. */
static uint32_t
take_seals(const Teerunner__V1__OperandGrant *g)
{
	static struct m_partial partials[TASK_INPUTS];
	struct m_job_seal seal;
	size_t i;

	for (i = 0; i < g->n_seals; i++) {
		const Teerunner__V1__Seal *s = g->seals[i];

		memset(&seal, 0, sizeof(seal));
		seal.node = s->node;
		if (wire_fixed(&s->key, seal.key, 33) != 0 ||
		    s->partials.len != g->n_operands * sizeof(partials[0]))
			return ST_GRANT_INVALID;
		memcpy(partials, s->partials.data, s->partials.len);
		if (job_seal(&seal, partials, g->n_operands) != NULL)
			return ST_GRANT_INVALID;
	}
	return job_is_complete() ? ST_OK : ST_GRANT_INVALID;
}

static uint32_t
compute(const struct task *t, const Teerunner__V1__OperandGrant *g, size_t *n)
{
	struct m_job job = { .chain_id = d.chain_id,
		.job = 1,
		.shape = t->flat.shape,
		.attempt = t->flat.attempt,
		.n_seals = t->flat.shape.n_inputs == 0 ? 0 : d.threshold };
	static struct m_word words[JOB_WORDS];
	struct m_job_done done;
	uint32_t status;
	size_t n_words;

	*n = 0;
	if (g->status != ST_OK)
		return g->status;
	if (g->n_operands > TASK_INPUTS ||
	    (n_words = job_words(t, g, words)) == 0)
		return ST_GRANT_INVALID;
	memcpy(job.id, t->flat.id, 32);
	memcpy(job.kms_key, d.kms_key, 33);
	memcpy(job.ephemeral_key, t->public, 33);
	memcpy(job.secret, t->own, 32);
	if (job_start(&job, words, n_words) != NULL)
		return ST_GRANT_INVALID;
	if ((status = take_seals(g)) != ST_OK)
		return status;
	job_run(&done, n);
	return done.status;
}

static Teerunner__V1__TaskResult *
result(struct pool *pool, const struct task *t,
    const Teerunner__V1__OperandGrant *g, uint8_t hash[32])
{
	Teerunner__V1__TaskResult *r = pool_get(pool, 1, sizeof(*r));
	Teerunner__V1__Output *o;
	uint8_t array[32];
	size_t i, n;

	teerunner__v1__task_result__init(r);
	r->task_id = bytes(t->flat.id, 32);
	r->attempt = t->flat.attempt;
	r->status = compute(t, g, &n);
	r->n_outputs = n;
	r->outputs = pool_get(pool, n, sizeof(r->outputs[0]));
	for (i = 0; i < n; i++) {
		const struct m_value *v = &job_values()[i];

		o = r->outputs[i] = pool_get(pool, 1, sizeof(*o));
		teerunner__v1__output__init(o);
		o->handle = pool_bytes(pool, v->handle, 32);
		o->key = pool_bytes(pool, v->key, 33);
		o->nonce = pool_bytes(pool, v->nonce, 12);
		o->ciphertext = pool_bytes(pool, v->ciphertext, v->len);
	}
	td_outputs(job_values(), n, array);
	td_task_result(t->flat.id, t->flat.attempt, r->status, array, hash);
	return r;
}

/* Made by the Gateway's key: signatures are deterministic (RFC 6979). */
static int
is_gateways(Teerunner__V1__OperandGrantBatch *grants, struct pool *pool)
{
	ProtobufCBinaryData theirs = grants->signature;
	uint8_t gateway_key[32];

	dir_secret(&d, "gateway", gateway_key);
	return sign_grants(grants, d.domain, gateway_key, pool) == 0 &&
	    theirs.len == 65 &&
	    memcmp(theirs.data, grants->signature.data, 65) == 0;
}

static void
on_grants(void *arg, int code, const char *why, void *answer)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__TaskResultBatch out =
	    TEERUNNER__V1__TASK_RESULT_BATCH__INIT;
	Teerunner__V1__OperandGrantBatch
	    *grants = answer,
	    none = TEERUNNER__V1__OPERAND_GRANT_BATCH__INIT;
	Teerunner__V1__OperandGrant failed = TEERUNNER__V1__OPERAND_GRANT__INIT;
	uint8_t hashes[BATCH_TASKS][32], hash[32], signature[65];
	struct batch *b = arg;
	size_t i;

	failed.status = ST_GATEWAY_UNREACHABLE;
	if (code != 0)
		fprintf(stderr, "straight: FetchOperands: %s\n", why);
	else if (grants->n_grants != b->n || !is_gateways(grants, &b->pool)) {
		fprintf(stderr, "straight: the grant is not the Gateway's\n");
		failed.status = ST_GRANT_INVALID;
	}
	if (code != 0 || failed.status == ST_GRANT_INVALID)
		grants = &none;
	out.epoch = d.epoch;
	out.n_results = b->n;
	out.results = pool_get(&b->pool, b->n, sizeof(out.results[0]));
	for (i = 0; i < b->n; i++)
		out.results[i] = result(&b->pool, &b->tasks[i],
		    grants == &none ? &failed : grants->grants[i], hashes[i]);
	td_task_result_batch(
	    out.epoch, (const uint8_t(*)[32])hashes, b->n, hash);
	sign(hash, signature);
	out.signature = bytes(signature, 65);
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_RESULTS;
	m.results = &out;
	send_message(&m);
	say_credit((uint32_t)b->n);
	pool_free(&b->pool);
	free(b);
}

static void
refuse(const Teerunner__V1__TaskBatch *from)
{
	Teerunner__V1__RunnerMessage m = TEERUNNER__V1__RUNNER_MESSAGE__INIT;
	Teerunner__V1__Refusal refusal = TEERUNNER__V1__REFUSAL__INIT;

	refusal.batch = from->signature;
	refusal.status = ST_BAD_SIGNATURE;
	refusal.reason = (char *)(uintptr_t) "not good";
	m.body_case = TEERUNNER__V1__RUNNER_MESSAGE__BODY_REFUSAL;
	m.refusal = &refusal;
	send_message(&m);
	say_credit((uint32_t)from->n_tasks);
}

static void
on_message(const Teerunner__V1__OrchestratorMessage *m)
{
	struct batch *b;

	if (m->body_case == TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_CHALLENGE)
		on_challenge(m->challenge);
	if (m->body_case != TEERUNNER__V1__ORCHESTRATOR_MESSAGE__BODY_BATCH)
		return;
	if ((b = calloc(1, sizeof(*b))) == NULL)
		fatal("out of memory");
	pool_init(&b->pool);
	if (read_batch(b, m->batch) == 0) {
		ask(b);
		return;
	}
	refuse(m->batch);
	pool_free(&b->pool);
	free(b);
}

int
main(int argc, char **argv)
{
	char name[32];

	log_init("straight", LOG_WARNING);
	if (argc < 3) {
		fprintf(stderr, "usage: straight DIR N [CREDIT]\n");
		return 2;
	}
	if (argc > 3)
		credit = (uint32_t)strtoul(argv[3], NULL, 10);
	dir_load(&d, argv[1]);
	snprintf(name, sizeof(name), "runner-%s", argv[2]);
	rpc_tls_load(&tls, argv[1], name);
	job_init();
	secp_key_new(key);
	if (secp_public(key, public) != 0 || secp_address(public, address) != 0)
		fatal("no key");
	gateway = rpc_connect(dir_address(d.gateway_port), &tls);
	orchestrator = rpc_connect(dir_address(d.orchestrator_port), &tls);
	dial();
	rpc_loop(NULL);
	return 0;
}
