/* SPDX-License-Identifier: Apache-2.0
 *
 * vectors_dump: prints proto/vectors.json.  One task from its encrypted
 * operands to its signed result, computed by src/crypto with every intermediate
 * value.  Each secret and each random number is Keccak-256 of a label, so the
 * output never changes. tests/unit/test_vectors.sh compares it with the file.
 * Tests only.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "builder.h"
#include "ecies.h"
#include "keccak.h"
#include "log.h"
#include "secp.h"
#include "partial.h"
#include "shamir.h"
#include "typed_data.h"

#define CHAIN_ID	31337
#define EPOCH		1
#define THRESHOLD	2
#define NODES		3
#define INPUTS		2
#define OUTPUTS		2
#define ISSUED		1800000000	/* seconds since 1970 */

static void
must(int is_true, const char *what)
{
	if (!is_true) {
		fprintf(stderr, "vectors_dump: %s\n", what);
		exit(1);
	}
}

/* ---- numbers that are not random --------------------------------------- */

static uint8_t drawn[32];	/* by the last call for 32 bytes */

ssize_t	__wrap_getrandom(void *, size_t, unsigned);

static void
label_hash(uint8_t out[32], const char *fmt, ...)
{
	char text[80];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	keccak256(text, strlen(text), out);
}

/* The random bytes that the library asks the kernel for: Keccak-256 of a
 * counter. */
ssize_t
__wrap_getrandom(void *to, size_t n, unsigned flags)
{
	static unsigned counter;
	uint8_t hash[32];

	(void)flags;
	must(n <= sizeof(hash), "getrandom: too many bytes");
	label_hash(hash, "tee-runner vectors: random %u", ++counter);
	memcpy(to, hash, n);
	if (n == sizeof(drawn))
		memcpy(drawn, hash, n);
	return (ssize_t)n;
}

/* ---- JSON, one member a line ------------------------------------------- */

static int depth, is_first = 1;

static void
member(const char *name)
{
	printf("%s\n%*s", is_first ? "" : ",", 2 * depth, "");
	if (name != NULL)
		printf("\"%s\": ", name);
	is_first = 0;
}

static void
begin(const char *name, char bracket)
{
	if (depth != 0)
		member(name);
	putchar(bracket);
	depth++;
	is_first = 1;
}

static void
end(char bracket)
{
	depth--;
	printf("\n%*s%c", 2 * depth, "", bracket);
	is_first = 0;
}

static void
put_hex(const char *name, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	size_t i;

	member(name);
	printf("\"0x");
	for (i = 0; i < n; i++)
		printf("%02x", b[i]);
	printf("\"");
}

static void
put_text(const char *name, const char *text)
{
	member(name);
	printf("\"%s\"", text);
}

static void
put_number(const char *name, uint64_t v)
{
	member(name);
	printf("%llu", (unsigned long long)v);
}

/* ---- types ------------------------------------------------------------- */

static const struct {
	uint8_t		 type;
	const char	*value, *plain;		/* plain: hex */
} samples[] = {
	{ TYPE_BOOL, "true", "01" },
	{ TYPE_ADDRESS, "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf",
	    "7e5f4552091a69125d5dfcb7b8c2659029395bdf" },
	{ TYPE_UINT(8), "200", "c8" },
	{ TYPE_UINT(64), "1000", "00000000000003e8" },
	{ TYPE_UINT(256), "1",
	    "0000000000000000000000000000000000000000000000000000000000000"
	    "001" },
	{ TYPE_INT(8), "-1", "ff" },
	{ TYPE_INT(64), "-1000", "fffffffffffffc18" },
	{ TYPE_BYTES(4), "0x01020304", "01020304" },
};

static size_t
unhex(const char *hex, uint8_t *out)
{
	unsigned v;
	size_t n;

	for (n = 0; hex[2 * n] != '\0'; n++) {
		must(sscanf(hex + 2 * n, "%2x", &v) == 1, "hex");
		out[n] = (uint8_t)v;
	}
	return n;
}

static void
put_types(void)
{
	uint8_t plain[VALUE_MAX], again[VALUE_MAX], word[32];
	size_t i, n;

	begin("types", '[');
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		n = unhex(samples[i].plain, plain);
		must(n == type_size(samples[i].type), "size of a type");
		type_word(samples[i].type, plain, word);
		must(type_unword(samples[i].type, word, again) == 0 &&
			memcmp(again, plain, n) == 0,
		    "word of a type");
		begin(NULL, '{');
		put_text("type", type_name(samples[i].type));
		put_number("typeByte", samples[i].type);
		put_number("size", n);
		put_text("value", samples[i].value);
		put_hex("plaintext", plain, n);
		put_hex("word", word, 32);
		end('}');
	}
	end(']');
}

/* ---- the KMS key ------------------------------------------------------- */

static struct {
	uint8_t	secret[32], key[33], xy[64];
	uint8_t	shares[NODES][32], public_shares[NODES][33];
} kms;

static void
put_kms(void)
{
	size_t i;

	label_hash(kms.secret, "tee-runner vectors: KMS key");
	must(secp_public(kms.secret, kms.key) == 0 &&
		secp_public_xy(kms.secret, kms.xy) == 0 &&
		shamir_split(kms.secret, THRESHOLD, NODES, kms.shares) == 0,
	    "KMS key");
	begin("kms", '{');
	put_number("epoch", EPOCH);
	put_number("threshold", THRESHOLD);
	put_hex("kmsSecret", kms.secret, 32);
	put_hex("coefficient", drawn, 32);
	put_hex("kmsKey", kms.key, 33);
	begin("nodes", '[');
	for (i = 0; i < NODES; i++) {
		must(secp_public(kms.shares[i], kms.public_shares[i]) == 0,
		    "share");
		begin(NULL, '{');
		put_number("node", i + 1);
		put_hex("share", kms.shares[i], 32);
		put_hex("publicShare", kms.public_shares[i], 33);
		end('}');
	}
	end(']');
	end('}');
}

/* ---- values ------------------------------------------------------------ */

/* Inputs, then outputs. */
static struct m_value values[INPUTS + OUTPUTS];

static void
make_handle(uint8_t handle[32], uint8_t type, size_t i)
{
	label_hash(handle, "tee-runner vectors: handle %zu", i);
	handle[0] = 0;
	handle[1] = (uint8_t)(CHAIN_ID >> 24);
	handle[2] = (uint8_t)(CHAIN_ID >> 16 & 0xff);
	handle[3] = (uint8_t)(CHAIN_ID >> 8 & 0xff);
	handle[4] = CHAIN_ID & 0xff;
	handle[5] = type;
	must(handle_ok(handle) && handle_chain(handle) == CHAIN_ID, "handle");
}

static void
put_value(size_t i, uint8_t type, uint64_t v)
{
	struct m_value *m = &values[i];
	uint8_t plain[VALUE_MAX] = { 0 }, opened[VALUE_MAX];
	uint8_t k[32], shared[32], key[32];
	const size_t n = type_size(type);
	size_t j;

	for (j = 0; j < 8 && j < n; j++)
		plain[n - 1 - j] = (uint8_t)(v >> 8 * j);
	make_handle(m->handle, type, i);
	m->len = (uint8_t)(n + GCM_TAG);
	must(ecies_seal(kms.xy, m->handle, 32, plain, n, m->key, m->nonce,
		 m->ciphertext) == 0,
	    "seal");
	memcpy(k, drawn, 32);
	/* As whoever holds the KMS key opens it. */
	must(secp_mul_x(kms.secret, m->key, shared) == 0 &&
		ecies_key(shared, key) == 0 &&
		gcm_open(key, m->nonce, m->handle, 32, m->ciphertext, m->len,
		    opened) == 0 &&
		memcmp(opened, plain, n) == 0,
	    "open");
	begin(NULL, '{');
	put_text("type", type_name(type));
	put_hex("plaintext", plain, n);
	put_hex("handle", m->handle, 32);
	put_hex("ephemeralScalar", k, 32);
	put_hex("key", m->key, 33);
	put_hex("sharedX", shared, 32);
	put_hex("dataKey", key, 32);
	put_hex("nonce", m->nonce, 12);
	put_hex("ciphertext", m->ciphertext, m->len);
	end('}');
}

/* 1000000 + 234567 and whether that is more than 100: the task below. */
static void
put_values(void)
{
	begin("values", '[');
	put_value(0, TYPE_UINT(256), 1000000);
	put_value(1, TYPE_UINT(256), 234567);
	put_value(2, TYPE_UINT(256), 1234567);
	put_value(3, TYPE_BOOL, 1);
	end(']');
}

/* ---- seals ------------------------------------------------------------- */

static const uint32_t quorum[THRESHOLD] = { 1, 3 };
static uint8_t task_id[32], ephemeral[32], ephemeral_key[33];
static struct {
	uint8_t			 key[33];
	struct m_partial	 partials[INPUTS];
	uint8_t			 points[INPUTS][64];
} seals[THRESHOLD];

static uint8_t *
append(uint8_t *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

/* The input of the hash e. */
static size_t
transcript(const uint8_t X[33], const uint8_t K[33], const uint8_t D[33],
    const uint8_t A[33], const uint8_t B[33], uint8_t out[256])
{
	uint8_t *p = append(out, "TEE Runner DLEQ v1", 18);

	p = append(p, X, 33);
	p = append(p, K, 33);
	p = append(p, D, 33);
	p = append(p, A, 33);
	p = append(p, B, 33);
	return (size_t)(p - out);
}

static void
put_proof(const uint8_t X[33], const uint8_t K[33],
    const uint8_t partial[PARTIAL_PLAIN])
{
	uint8_t D[33], A[33], B[33], xy[64], text[256], hash[32], e[32];
	size_t n;

	must(secp_compress(partial, D) == 0 && secp_public(drawn, A) == 0 &&
		secp_mul_xy(drawn, K, xy) == 0 && secp_compress(xy, B) == 0,
	    "points of a proof");
	n = transcript(X, K, D, A, B, text);
	keccak256(text, n, hash);
	secp_scalar_reduce(hash, e);
	must(memcmp(e, partial + 64, 32) == 0, "transcript of a proof");
	put_hex("D", D, 33);
	put_hex("r", drawn, 32);
	put_hex("A", A, 33);
	put_hex("B", B, 33);
	put_hex("transcript", text, n);
	put_hex("e", partial + 64, 32);
	put_hex("s", partial + 96, 32);
}

static void
put_binding(const struct seal_bind *b, uint32_t j, const uint8_t handle[32])
{
	const uint8_t numbers[8] = { 0, 0, 0, (uint8_t)b->attempt, 0, 0, 0,
		(uint8_t)b->node };
	uint8_t aad[256], nonce[GCM_NONCE] = { 0 }, *p = aad;

	nonce[GCM_NONCE - 1] = (uint8_t)j;
	p = append(p, b->task_id, 32);
	p = append(p, numbers, 8);
	p = append(p, b->ephemeral_key, 33);
	p = append(p, b->node_key, 33);
	p = append(p, handle, 32);
	put_hex("sealNonce", nonce, sizeof(nonce));
	put_hex("aad", aad, (size_t)(p - aad));
}

static void
put_partial(size_t i, uint32_t j, const uint8_t x[32], const uint8_t X[33],
    const uint8_t lambda[32], const uint8_t key[32],
    const struct seal_bind *bind)
{
	const struct m_value *v = &values[j];
	uint8_t partial[PARTIAL_PLAIN], opened[PARTIAL_PLAIN];
	uint8_t *sealed = seals[i].partials[j].b;

	must(partial_make(x, v->key, partial) == 0 &&
		partial_check(kms.public_shares[bind->node - 1], lambda, v->key,
		    partial) == 0 &&
		seal_partial(key, bind, j, v->handle, partial, sealed) == 0 &&
		open_partial(key, bind, j, v->handle, sealed, opened) == 0 &&
		memcmp(opened, partial, sizeof(partial)) == 0,
	    "partial");
	memcpy(seals[i].points[j], partial, 64);
	begin(NULL, '{');
	put_number("operand", j);
	put_proof(X, v->key, partial);
	put_hex("partial", partial, sizeof(partial));
	put_binding(bind, j, v->handle);
	put_hex("sealedPartial", sealed, PARTIAL_SEALED);
	end('}');
}

static void
put_seal(size_t i)
{
	struct seal_bind bind = { .attempt = 1, .node = quorum[i] };
	uint8_t lambda[32], x[32], X[33], own[32], shared[32], key[32];
	uint8_t again[32];
	uint32_t j;

	must(
	    shamir_lambda(quorum, THRESHOLD, bind.node, lambda) == 0, "lambda");
	memcpy(x, lambda, 32);
	secp_key_new(own);
	must(secp_scalar_mul(x, kms.shares[bind.node - 1]) == 0 &&
		secp_public(x, X) == 0 && secp_public(own, seals[i].key) == 0 &&
		secp_mul_x(own, ephemeral_key, shared) == 0 &&
		seal_key(own, ephemeral_key, key) == 0 &&
		seal_key(ephemeral, seals[i].key, again) == 0 &&
		memcmp(key, again, 32) == 0,
	    "seal key");
	memcpy(bind.task_id, task_id, 32);
	memcpy(bind.ephemeral_key, ephemeral_key, 33);
	memcpy(bind.node_key, seals[i].key, 33);
	begin(NULL, '{');
	put_number("node", bind.node);
	put_hex("lambda", lambda, 32);
	put_hex("x", x, 32);
	put_hex("X", X, 33);
	put_hex("nodeScalar", own, 32);
	put_hex("nodeKey", seals[i].key, 33);
	put_hex("ecdhX", shared, 32);
	put_hex("sealKey", key, 32);
	begin("partials", '[');
	for (j = 0; j < INPUTS; j++)
		put_partial(i, j, x, X, lambda, key, &bind);
	end(']');
	end('}');
}

/* The points of the quorum add up to the value's own. */
static void
put_sum(size_t j)
{
	uint8_t points[THRESHOLD][64], sum[64], pub[33], shared[32], key[32];
	size_t i;

	for (i = 0; i < THRESHOLD; i++)
		memcpy(points[i], seals[i].points[j], 64);
	must(secp_sum((const uint8_t(*)[64])points, THRESHOLD, sum) == 0 &&
		secp_compress(sum, pub) == 0 &&
		secp_mul_x(kms.secret, values[j].key, shared) == 0 &&
		memcmp(sum, shared, 32) == 0 && ecies_key(sum, key) == 0,
	    "sum");
	begin(NULL, '{');
	put_number("operand", j);
	put_hex("sum", pub, 33);
	put_hex("sharedX", sum, 32);
	put_hex("dataKey", key, 32);
	end('}');
}

static void
put_seals(void)
{
	size_t i;

	label_hash(task_id, "tee-runner vectors: task");
	secp_key_new(ephemeral);
	must(secp_public(ephemeral, ephemeral_key) == 0, "ephemeral key");
	begin("seals", '{');
	put_hex("taskId", task_id, 32);
	put_number("attempt", 1);
	put_hex("ephemeralSecret", ephemeral, 32);
	put_hex("ephemeralKey", ephemeral_key, 33);
	begin("nodes", '[');
	for (i = 0; i < THRESHOLD; i++)
		put_seal(i);
	end(']');
	begin("sums", '[');
	for (i = 0; i < INPUTS; i++)
		put_sum(i);
	end(']');
	end('}');
}

/* ---- signed messages --------------------------------------------------- */

static const uint8_t registry[20] = { 0x5f, 0xbd, 0xb2, 0x31, 0x56, 0x78, 0xaf,
	0xec, 0xb3, 0x67, 0xf0, 0x32, 0xd9, 0x3f, 0x64, 0x2f, 0x64, 0x18, 0x0a,
	0xa3 };
static uint8_t domain[32], registration_hash[32], transaction[32];
static uint8_t caller[32];		/* the first 20 bytes */

struct party {
	const char	*name;
	uint8_t		 key[32], pub[33], address[20];
};
static struct party orchestrator = { .name = "Orchestrator" },
		    gateway = { .name = "Gateway" },
		    runner = { .name = "Runner" },
		    registrar = { .name = "registrar" };

static void
make_party(struct party *p)
{
	label_hash(p->key, "tee-runner vectors: %s", p->name);
	must(secp_public(p->key, p->pub) == 0 &&
		secp_address(p->pub, p->address) == 0,
	    "key of a party");
}

static void
begin_message(const char *type, const struct party *by)
{
	begin(NULL, '{');
	put_text("type", type);
	put_text("signedBy", by->name);
	put_hex("privateKey", by->key, 32);
	put_hex("signer", by->address, 20);
	begin("message", '{');
}

static void
end_message(const uint8_t hash[32], const struct party *by)
{
	uint8_t digest[32], sig[65], who[20];

	end('}');
	td_digest(domain, hash, digest);
	must(secp_sign(by->key, digest, sig) == 0 &&
		secp_recover(digest, sig, who) == 0 &&
		memcmp(who, by->address, 20) == 0,
	    "signature");
	put_hex("structHash", hash, 32);
	put_hex("digest", digest, 32);
	put_hex("signature", sig, 65);
	end('}');
}

static void
put_handles(const char *name, size_t from, size_t n)
{
	size_t i;

	begin(name, '[');
	for (i = from; i < from + n; i++)
		put_hex(NULL, values[i].handle, 32);
	end(']');
}

/* ---- the task ---------------------------------------------------------- */

#define OPCODE_ADD	0x10
#define OPCODE_GT	0x54

static struct builder builder;
static struct m_word words[PROGRAM_WORDS];

/* add(input 0, input 1) to output 2; gt(output 2, 100) to output 3. */
static void
put_operations(void)
{
	static const uint8_t handles[2] = { 0xff, 0xff };
	const uint8_t kinds[2] = { 0xff, TYPE_UINT(256) };
	uint8_t hundred[32] = { [31] = 100 };

	builder_init(&builder);
	must(builder_op(&builder, OPCODE_ADD, 0) == ST_OK &&
		builder_handle(&builder, values[0].handle) == ST_OK &&
		builder_handle(&builder, values[1].handle) == ST_OK &&
		builder_output(&builder, values[2].handle) == ST_OK &&
		builder_op(&builder, OPCODE_GT, 0) == ST_OK &&
		builder_handle(&builder, values[2].handle) == ST_OK &&
		builder_const(&builder, TYPE_UINT(256), hundred) == ST_OK &&
		builder_output(&builder, values[3].handle) == ST_OK,
	    "program");
	begin("operations", '[');
	begin(NULL, '{');
	put_number("opcode", OPCODE_ADD);
	put_number("flags", 0);
	put_hex("kinds", handles, 2);
	put_handles("inputs", 0, 2);
	put_handles("outputs", 2, 1);
	end('}');
	begin(NULL, '{');
	put_number("opcode", OPCODE_GT);
	put_number("flags", 0);
	put_hex("kinds", kinds, 2);
	begin("inputs", '[');
	put_hex(NULL, values[2].handle, 32);
	put_hex(NULL, hundred, 32);
	end(']');
	put_handles("outputs", 3, 1);
	end('}');
	end(']');
}

static void
put_task_batch(void)
{
	struct m_task t = { .attempt = 1,
		.chain_id = CHAIN_ID,
		.block_number = 1000,
		.issued_at = ISSUED,
		.deadline = ISSUED + 60 };
	struct program p;
	uint8_t hash[1][32], batch[32];
	size_t op;

	memcpy(t.id, task_id, 32);
	memcpy(t.transaction_hash, transaction, 32);
	memcpy(t.caller, caller, 20);
	memcpy(t.runner, runner.address, 20);
	begin_message("TaskBatch", &orchestrator);
	begin("tasks", '[');
	begin(NULL, '{');
	put_hex("id", t.id, 32);
	put_number("attempt", t.attempt);
	put_number("chainId", t.chain_id);
	put_number("blockNumber", t.block_number);
	put_hex("transactionHash", t.transaction_hash, 32);
	put_hex("caller", t.caller, 20);
	put_hex("runner", t.runner, 20);
	put_number("issuedAt", t.issued_at);
	put_number("deadline", t.deadline);
	put_operations();
	end('}');
	end(']');
	must(program_view(&p, &builder.shape, words,
		 builder_words(&builder, words)) == 0 &&
		program_check(&p, CHAIN_ID, &op) == ST_OK,
	    "program");
	td_task(&t, &p, hash[0]);
	td_batch(TD_TASK_BATCH, (const uint8_t(*)[32])hash, 1, batch);
	end_message(batch, &orchestrator);
}

/* ---- the Runner's ------------------------------------------------------ */

static void
put_registration(void)
{
	struct m_register r = { .tee_type = TEE_TDX,
		.sequence = 1,
		.valid_until = ISSUED + 86400 };

	memcpy(r.runner, runner.address, 20);
	memcpy(r.public_key, runner.pub, 33);
	label_hash(r.evidence_hash, "tee-runner vectors: evidence");
	label_hash(r.configuration_hash, "tee-runner vectors: configuration");
	begin_message("Registration", &runner);
	put_hex("runner", r.runner, 20);
	put_hex("publicKey", r.public_key, 33);
	put_number("teeType", r.tee_type);
	put_hex("evidenceHash", r.evidence_hash, 32);
	put_hex("configurationHash", r.configuration_hash, 32);
	put_number("sequence", r.sequence);
	put_number("validUntil", r.valid_until);
	td_registration(&r, registration_hash);
	end_message(registration_hash, &runner);
}

static void
put_verdict(void)
{
	static const char verifier[] = "tee-attest 0.1.0";
	uint8_t measurement[32], hash[32];

	label_hash(measurement, "tee-runner vectors: measurement");
	begin_message("Verdict", &registrar);
	put_hex("registration", registration_hash, 32);
	put_hex("measurement", measurement, 32);
	put_number("verdict", 0);
	put_text("verifier", verifier);
	td_verdict(registration_hash, measurement, 0, verifier, hash);
	end_message(hash, &registrar);
}

static void
put_hello(void)
{
	uint8_t challenge[32], hash[32];

	label_hash(challenge, "tee-runner vectors: challenge");
	begin_message("SessionHello", &runner);
	put_hex("runner", runner.address, 20);
	put_hex("challenge", challenge, 32);
	put_hex("registration", registration_hash, 32);
	td_session_hello(runner.address, challenge, registration_hash, hash);
	end_message(hash, &runner);
}

static void
put_request_batch(void)
{
	uint8_t hash[1][32], batch[32];
	struct m_word handles[INPUTS + OUTPUTS];
	size_t i;

	for (i = 0; i < INPUTS + OUTPUTS; i++)
		memcpy(handles[i].b, values[i].handle, 32);
	begin_message("OperandRequestBatch", &runner);
	put_hex("runner", runner.address, 20);
	put_number("expiry", ISSUED + 40);
	put_number("avoid", 1 << (2 - 1));	/* node 2 */
	begin("requests", '[');
	begin(NULL, '{');
	put_hex("taskId", task_id, 32);
	put_number("attempt", 1);
	put_hex("caller", caller, 20);
	put_hex("ephemeralKey", ephemeral_key, 33);
	put_handles("inputs", 0, INPUTS);
	put_handles("outputs", INPUTS, OUTPUTS);
	end('}');
	end(']');
	td_operand_request(task_id, 1, caller, ephemeral_key, handles, INPUTS,
	    handles + INPUTS, OUTPUTS, hash[0]);
	td_operand_request_batch(runner.address, ISSUED + 40, 1 << (2 - 1),
	    (const uint8_t(*)[32])hash, 1, batch);
	end_message(batch, &runner);
}

static void
put_result_batch(void)
{
	uint8_t array[32], hash[1][32], batch[32], c[32];
	const struct m_value *v;
	size_t i;

	begin_message("TaskResultBatch", &runner);
	put_number("epoch", EPOCH);
	begin("results", '[');
	begin(NULL, '{');
	put_hex("taskId", task_id, 32);
	put_number("attempt", 1);
	put_number("status", ST_OK);
	begin("outputs", '[');
	for (i = 0; i < OUTPUTS; i++) {
		v = &values[INPUTS + i];
		keccak256(v->ciphertext, v->len, c);
		begin(NULL, '{');
		put_hex("handle", v->handle, 32);
		put_hex("key", v->key, 33);
		put_hex("nonce", v->nonce, 12);
		put_hex("ciphertextHash", c, 32);
		end('}');
	}
	end(']');
	end('}');
	end(']');
	td_outputs(&values[INPUTS], OUTPUTS, array);
	td_task_result(task_id, 1, ST_OK, array, hash[0]);
	td_task_result_batch(EPOCH, (const uint8_t(*)[32])hash, 1, batch);
	end_message(batch, &runner);
}

/* ---- the Gateway's ----------------------------------------------------- */

static void
put_operands(uint8_t array[32])
{
	const struct m_value *v;
	size_t i;

	begin("operands", '[');
	for (i = 0; i < INPUTS; i++) {
		v = &values[i];
		begin(NULL, '{');
		put_hex("handle", v->handle, 32);
		put_hex("key", v->key, 33);
		put_hex("nonce", v->nonce, 12);
		put_hex("ciphertext", v->ciphertext, v->len);
		end('}');
	}
	end(']');
	td_granted_operands(values, INPUTS, array);
}

static void
put_grant_batch(void)
{
	uint8_t operands[32], array[32], hash[1][32], batch[32];
	struct td_seal list[THRESHOLD];
	size_t i;

	begin_message("OperandGrantBatch", &gateway);
	begin("grants", '[');
	begin(NULL, '{');
	put_hex("taskId", task_id, 32);
	put_number("attempt", 1);
	put_number("status", ST_OK);
	put_hex("ephemeralKey", ephemeral_key, 33);
	put_operands(operands);
	begin("seals", '[');
	for (i = 0; i < THRESHOLD; i++) {
		begin(NULL, '{');
		put_number("node", quorum[i]);
		put_hex("key", seals[i].key, 33);
		put_hex(
		    "partials", seals[i].partials, sizeof(seals[i].partials));
		end('}');
		list[i] = (struct td_seal){ quorum[i], seals[i].key,
			seals[i].partials, INPUTS };
	}
	end(']');
	end('}');
	end(']');
	td_seals(list, THRESHOLD, array);
	td_operand_grant(
	    task_id, 1, ST_OK, ephemeral_key, operands, array, hash[0]);
	td_batch(TD_OPERAND_GRANT_BATCH, (const uint8_t(*)[32])hash, 1, batch);
	end_message(batch, &gateway);
}

/* In the order in which they are sent. */
static void
put_messages(void)
{
	label_hash(transaction, "tee-runner vectors: transaction");
	label_hash(caller, "tee-runner vectors: caller");
	make_party(&orchestrator);
	make_party(&gateway);
	make_party(&runner);
	make_party(&registrar);
	td_domain(CHAIN_ID, registry, domain);
	begin("domain", '{');
	put_text("name", "TEE Runner");
	put_text("version", "1");
	put_number("chainId", CHAIN_ID);
	put_hex("verifyingContract", registry, 20);
	end('}');
	put_hex("domainSeparator", domain, 32);
	begin("messages", '[');
	put_registration();
	put_verdict();
	put_hello();
	put_task_batch();
	put_request_batch();
	put_grant_batch();
	put_result_batch();
	end(']');
}

int
main(void)
{
	secp_init(NULL);
	ecies_init();
	td_init();
	begin(NULL, '{');
	put_text("about",
	    "Test vectors of proto/VALUES.md and "
	    "proto/TYPED-DATA.md: one task. Never use these keys.");
	put_types();
	put_kms();
	put_values();
	put_seals();
	put_messages();
	end('}');
	putchar('\n');
	return fflush(stdout) == 0 ? 0 : 1;
}
