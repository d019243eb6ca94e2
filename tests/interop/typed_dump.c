/* SPDX-License-Identifier: Apache-2.0
 *
 * typed_dump: N pseudo-random instances of every signed struct, hashed and
 * signed by src/crypto, a JSON object a line, for typed.mjs to compare.
 * typed_dump verify: takes lines `INDEX SIGNATURE ADDRESS' that another
 * implementation made of the same instances; exits 1 unless all recover.
 * Tests only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keccak.h"
#include "builder.h"
#include "secp.h"
#include "typed_data.h"

#define INSTANCES	40		/* of each primary type */
#define CHAIN_ID	31337

static uint64_t seed;
static FILE *out;			/* NULL: hash only */
static const char *sep = "";

/* ---- pseudo-random values, printed as they are made -------------------- */

static uint64_t
number(uint64_t max)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return max == UINT64_MAX ? seed : seed % (max + 1);
}

static void
say(const char *s)
{
	if (out != NULL)
		fputs(s, out);
}

static void
name(const char *key)
{
	if (out != NULL && *key != '\0')
		fprintf(out, "%s\"%s\":", sep, key);
	else if (out != NULL)
		fputs(sep, out);
	sep = ",";
}

static void
put_bytes(const char *key, const void *b, size_t n)
{
	size_t i;

	name(key);
	if (out == NULL)
		return;
	fputs("\"0x", out);
	for (i = 0; i < n; i++)
		fprintf(out, "%02x", ((const uint8_t *)b)[i]);
	fputs("\"", out);
}

static void
bytes(const char *key, void *to, size_t n)
{
	uint8_t *b = to;
	size_t i;

	for (i = 0; i < n; i++)
		b[i] = (uint8_t)number(255);
	put_bytes(key, b, n);
}

static uint64_t
integer(const char *key, uint64_t max)
{
	/* Small ones, large ones, and the largest. */
	uint64_t v = number(9) == 0 ? max : number(number(1) ? max : 255);

	if (v > max)
		v = max;
	name(key);
	if (out != NULL)
		fprintf(out, "\"%llu\"", (unsigned long long)v);
	return v;
}

static void
begin(const char *key, const char *bracket)
{
	if (key != NULL)
		name(key);
	say(bracket);
	sep = "";
}

static void
end(const char *bracket)
{
	say(bracket);
	sep = ",";
}

/* ---- structs ----------------------------------------------------------- */

static void
value(struct m_value *v)
{
	bytes("handle", v->handle, 32);
	bytes("key", v->key, 33);
	bytes("nonce", v->nonce, 12);
	v->len = (uint8_t)(17 + number(CIPHER_MAX - 17));
}

static void
task_operation(struct builder *b)
{
	static const uint8_t types[] = { TYPE_BOOL, TYPE_ADDRESS,
		TYPE_UINT(256), TYPE_INT(8), TYPE_BYTES(32) };
	uint8_t opcode = (uint8_t)number(255), flags = (uint8_t)number(1);
	uint8_t word[32], kinds[8], words[8][32];
	size_t i, n_in = number(7), n_out = 1 + number(3);

	begin("", "{");
	builder_op(b, opcode, flags);
	name("opcode");
	if (out != NULL)
		fprintf(out, "\"%u\"", opcode);
	name("flags");
	if (out != NULL)
		fprintf(out, "\"%u\"", flags);
	begin("inputs", "[");
	for (i = 0; i < n_in; i++) {
		bytes("", words[i], 32);
		kinds[i] = number(2) ? 0xff : types[number(4)];
		if (kinds[i] == 0xff)
			builder_handle(b, words[i]);
		else
			builder_const(b, kinds[i], words[i]);
	}
	end("]");
	put_bytes("kinds", kinds, n_in);
	begin("outputs", "[");
	for (i = 0; i < n_out; i++) {
		bytes("", word, 32);
		builder_output(b, word);
	}
	end("]");
	end("}");
}

static void
one_task(uint8_t hash[32])
{
	static struct builder b;
	static struct m_word words[PROGRAM_WORDS];
	struct m_task t;
	struct program p;
	size_t n = 1 + number(5);

	memset(&t, 0, sizeof(t));
	builder_init(&b);
	begin("", "{");
	bytes("id", t.id, 32);
	t.attempt = (uint32_t)integer("attempt", UINT32_MAX);
	t.chain_id = integer("chainId", UINT64_MAX);
	t.block_number = integer("blockNumber", UINT64_MAX);
	bytes("transactionHash", t.transaction_hash, 32);
	bytes("caller", t.caller, 20);
	bytes("runner", t.runner, 20);
	t.issued_at = integer("issuedAt", UINT64_MAX);
	t.deadline = integer("deadline", UINT64_MAX);
	begin("operations", "[");
	while (n-- > 0)
		task_operation(&b);
	end("]");
	end("}");
	if (program_view(&p, &b.shape, words, builder_words(&b, words)) != 0)
		abort();
	td_task(&t, &p, hash);
}

static void
one_request(uint8_t hash[32])
{
	struct m_word in[8], result[8];
	uint8_t id[32], caller[20], key[33];
	size_t i, n_in = number(8), n_out = number(8);
	uint32_t attempt;

	begin("", "{");
	bytes("taskId", id, 32);
	attempt = (uint32_t)integer("attempt", UINT32_MAX);
	bytes("caller", caller, 20);
	bytes("ephemeralKey", key, 33);
	begin("inputs", "[");
	for (i = 0; i < n_in; i++)
		bytes("", in[i].b, 32);
	end("]");
	begin("outputs", "[");
	for (i = 0; i < n_out; i++)
		bytes("", result[i].b, 32);
	end("]");
	end("}");
	td_operand_request(
	    id, attempt, caller, key, in, n_in, result, n_out, hash);
}

static void
one_grant(uint8_t hash[32])
{
	struct m_value v[8];
	struct m_partial partials[4][4];
	uint8_t id[32], key[33], node_keys[4][33], ops[32], seals[32];
	struct td_seal list[4];
	uint32_t attempt, status;
	size_t i, j, n = number(4), n_seals = number(3);

	begin("", "{");
	bytes("taskId", id, 32);
	attempt = (uint32_t)integer("attempt", UINT32_MAX);
	status = (uint32_t)integer("status", UINT16_MAX);
	bytes("ephemeralKey", key, 33);
	begin("operands", "[");
	memset(v, 0, sizeof(v));
	for (i = 0; i < n; i++) {
		begin("", "{");
		value(&v[i]);
		bytes("ciphertext", v[i].ciphertext, v[i].len);
		end("}");
	}
	end("]");
	td_granted_operands(v, n, ops);
	begin("seals", "[");
	for (i = 0; i < n_seals; i++) {
		begin("", "{");
		list[i].node = (uint32_t)integer("node", UINT32_MAX);
		bytes("key", node_keys[i], 33);
		for (j = 0; j < n * sizeof(partials[i][0]); j++)
			((uint8_t *)partials[i])[j] = (uint8_t)number(255);
		put_bytes("partials", partials[i], n * sizeof(partials[i][0]));
		end("}");
		list[i].key = node_keys[i];
		list[i].partials = partials[i];
		list[i].n = n;
	}
	end("]");
	td_seals(list, n_seals, seals);
	end("}");
	td_operand_grant(id, attempt, status, key, ops, seals, hash);
}

static void
one_result(uint8_t hash[32])
{
	struct m_value v[8];
	uint8_t id[32], outputs[32], cipher_hash[32];
	uint32_t attempt, status;
	size_t i, j, n = number(5);

	begin("", "{");
	bytes("taskId", id, 32);
	attempt = (uint32_t)integer("attempt", UINT32_MAX);
	status = (uint32_t)integer("status", UINT16_MAX);
	begin("outputs", "[");
	memset(v, 0, sizeof(v));
	for (i = 0; i < n; i++) {
		begin("", "{");
		value(&v[i]);
		for (j = 0; j < v[i].len; j++)
			v[i].ciphertext[j] = (uint8_t)number(255);
		keccak256(v[i].ciphertext, v[i].len, cipher_hash);
		put_bytes("ciphertextHash", cipher_hash, 32);
		end("}");
	}
	end("]");
	end("}");
	td_outputs(v, n, outputs);
	td_task_result(id, attempt, status, outputs, hash);
}

/* ---- primary types ----------------------------------------------------- */

static void
array_of(const char *key, void (*one)(uint8_t hash[32]), enum td_type type,
    uint8_t hash[32])
{
	uint8_t hashes[8][32];
	size_t i, n = number(8);

	begin(key, "[");
	for (i = 0; i < n; i++)
		one(hashes[i]);
	end("]");
	td_batch(type, (const uint8_t(*)[32])hashes, n, hash);
}

static void
task_batch(uint8_t hash[32])
{
	array_of("tasks", one_task, TD_TASK_BATCH, hash);
}

static void
grant_batch(uint8_t hash[32])
{
	array_of("grants", one_grant, TD_OPERAND_GRANT_BATCH, hash);
}

static void
result_batch(uint8_t hash[32])
{
	uint8_t hashes[8][32];
	uint64_t epoch = integer("epoch", UINT64_MAX);
	size_t i, n = number(8);

	begin("results", "[");
	for (i = 0; i < n; i++)
		one_result(hashes[i]);
	end("]");
	td_task_result_batch(epoch, (const uint8_t(*)[32])hashes, n, hash);
}

static void
request_batch(uint8_t hash[32])
{
	uint8_t hashes[8][32], runner[20];
	uint64_t expiry, avoid;
	size_t i, n = number(8);

	bytes("runner", runner, 20);
	expiry = integer("expiry", UINT64_MAX);
	avoid = integer("avoid", UINT64_MAX);
	begin("requests", "[");
	for (i = 0; i < n; i++)
		one_request(hashes[i]);
	end("]");
	td_operand_request_batch(
	    runner, expiry, avoid, (const uint8_t(*)[32])hashes, n, hash);
}

static void
session_hello(uint8_t hash[32])
{
	uint8_t runner[20], challenge[32], reg[32];

	bytes("runner", runner, 20);
	bytes("challenge", challenge, 32);
	bytes("registration", reg, 32);
	td_session_hello(runner, challenge, reg, hash);
}

static void
registration(uint8_t hash[32])
{
	struct m_register r;

	memset(&r, 0, sizeof(r));
	bytes("runner", r.runner, 20);
	bytes("publicKey", r.public_key, 33);
	r.tee_type = (uint32_t)integer("teeType", UINT8_MAX);
	bytes("evidenceHash", r.evidence_hash, 32);
	bytes("configurationHash", r.configuration_hash, 32);
	r.sequence = integer("sequence", UINT64_MAX);
	r.valid_until = integer("validUntil", UINT64_MAX);
	td_registration(&r, hash);
}

static void
verdict(uint8_t hash[32])
{
	static const char *const names[] = { "", "tee-attest 0.1.0",
		"another verifier, of another version" };
	uint8_t reg[32], measurement[32];
	uint32_t v;
	uint64_t i;

	bytes("registration", reg, 32);
	bytes("measurement", measurement, 32);
	v = (uint32_t)integer("verdict", UINT8_MAX);
	i = number(3) % 3;
	name("verifier");
	if (out != NULL)
		fprintf(out, "\"%s\"", names[i]);
	td_verdict(reg, measurement, v, names[i], hash);
}

static const struct {
	const char	*type;
	void		(*make)(uint8_t hash[32]);
} primary[] = {
	{ "TaskBatch", task_batch },
	{ "SessionHello", session_hello },
	{ "OperandRequestBatch", request_batch },
	{ "OperandGrantBatch", grant_batch },
	{ "TaskResultBatch", result_batch },
	{ "Registration", registration },
	{ "Verdict", verdict },
};
#define N_PRIMARY	(sizeof(primary) / sizeof(primary[0]))

/* Instance i, printed when `f' is not NULL: its digest. */
static void
instance(size_t i, FILE *f, uint8_t digest[32])
{
	uint8_t registry[20], domain[32], hash[32];

	seed = 0x9e3779b97f4a7c15 * (i + 1);
	out = f;
	sep = "";
	say("{");
	name("type");
	if (out != NULL)
		fprintf(out, "\"%s\"", primary[i % N_PRIMARY].type);
	bytes("registry", registry, 20);
	begin("message", "{");
	primary[i % N_PRIMARY].make(hash);
	end("}");
	td_domain(CHAIN_ID, registry, domain);
	td_digest(domain, hash, digest);
}

static void
dump(void)
{
	uint8_t key[32], pub[33], address[20], digest[32], sig[65];
	size_t i;

	for (i = 0; i < INSTANCES * N_PRIMARY; i++) {
		instance(i, stdout, digest);
		keccak256(digest, 32, key);
		secp_public(key, pub);
		secp_address(pub, address);
		if (secp_sign(key, digest, sig) != 0)
			abort();
		put_bytes("digest", digest, 32);
		put_bytes("signature", sig, 65);
		put_bytes("signer", address, 20);
		say("}\n");
	}
}

static int
unhex(const char *hex, uint8_t *b, size_t n)
{
	unsigned v;
	size_t i;

	if (strlen(hex) != 2 + 2 * n)
		return -1;
	for (i = 0; i < n; i++) {
		if (sscanf(hex + 2 + 2 * i, "%2x", &v) != 1)
			return -1;
		b[i] = (uint8_t)v;
	}
	return 0;
}

static int
verify(void)
{
	char sig_hex[133], address_hex[43];
	uint8_t sig[65], address[20], who[20], digest[32];
	unsigned passed = 0, failed = 0;
	size_t i;

	while (scanf("%zu %132s %42s", &i, sig_hex, address_hex) == 3) {
		instance(i, NULL, digest);
		if (unhex(sig_hex, sig, 65) == 0 &&
		    unhex(address_hex, address, 20) == 0 &&
		    secp_recover(digest, sig, who) == 0 &&
		    memcmp(who, address, 20) == 0)
			passed++;
		else
			failed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	secp_init(NULL);
	td_init();
	if (argc == 2 && strcmp(argv[1], "verify") == 0)
		return verify();
	dump();
	return 0;
}
