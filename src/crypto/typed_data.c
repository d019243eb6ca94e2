/* SPDX-License-Identifier: Apache-2.0
 *
 * EIP-712 hashing of the structs in proto/TYPED-DATA.md.  A field is a word of
 * 32 bytes; `bytes', arrays and structs are represented by their hash.  Runs in
 * keys and the tools.
 */
#include <string.h>

#include "bytes.h"
#include "eip712.h"
#include "keccak.h"
#include "typed_data.h"

#define OPERATION							\
	"Operation(uint8 opcode,uint8 flags,bytes kinds,"		\
	"bytes32[] inputs,bytes32[] outputs)"
#define TASK								\
	"Task(bytes32 id,uint32 attempt,uint64 chainId,"		\
	"uint64 blockNumber,bytes32 transactionHash,address caller,"	\
	"address runner,uint64 issuedAt,uint64 deadline,"		\
	"Operation[] operations)"
#define OPERAND_REQUEST							\
	"OperandRequest(bytes32 taskId,uint32 attempt,address caller,"	\
	"bytes ephemeralKey,bytes32[] inputs,bytes32[] outputs)"
#define GRANTED_OPERAND							\
	"GrantedOperand(bytes32 handle,bytes key,bytes12 nonce,"	\
	"bytes ciphertext)"
#define SEAL	"Seal(uint32 node,bytes key,bytes partials)"
#define OPERAND_GRANT							\
	"OperandGrant(bytes32 taskId,uint32 attempt,uint16 status,"	\
	"bytes ephemeralKey,GrantedOperand[] operands,Seal[] seals)"
#define OUTPUT								\
	"Output(bytes32 handle,bytes key,bytes12 nonce,"		\
	"bytes32 ciphertextHash)"
#define TASK_RESULT							\
	"TaskResult(bytes32 taskId,uint32 attempt,uint16 status,"	\
	"Output[] outputs)"

/* Each type, followed by the types it refers to, sorted by name. */
static const char *const encode_type[TD_TYPES] = {
	[TD_TASK_BATCH] = "TaskBatch(Task[] tasks)" OPERATION TASK,
	[TD_SESSION_HELLO] = "SessionHello(address runner,"
			     "bytes32 challenge,bytes32 registration)",
	[TD_OPERAND_REQUEST_BATCH] =
	    "OperandRequestBatch(address runner,"
	    "uint64 expiry,uint64 avoid,OperandRequest[] "
	    "requests)" OPERAND_REQUEST,
	[TD_OPERAND_GRANT_BATCH] =
	    "OperandGrantBatch(OperandGrant[] grants)" GRANTED_OPERAND
		OPERAND_GRANT SEAL,
	[TD_TASK_RESULT_BATCH] = "TaskResultBatch(uint64 epoch,"
				 "TaskResult[] results)" OUTPUT TASK_RESULT,
	[TD_REGISTRATION] =
	    "Registration(address runner,bytes publicKey,"
	    "uint8 teeType,bytes32 evidenceHash,bytes32 configurationHash,"
	    "uint64 sequence,uint64 validUntil)",
	[TD_VERDICT] = "Verdict(bytes32 registration,"
		       "bytes32 measurement,uint8 verdict,string verifier)",
	[TD_TASK] = TASK OPERATION,
	[TD_OPERATION] = OPERATION,
	[TD_OPERAND_REQUEST] = OPERAND_REQUEST,
	[TD_OPERAND_GRANT] = OPERAND_GRANT GRANTED_OPERAND SEAL,
	[TD_GRANTED_OPERAND] = GRANTED_OPERAND,
	[TD_SEAL] = SEAL,
	[TD_TASK_RESULT] = TASK_RESULT OUTPUT,
	[TD_OUTPUT] = OUTPUT,
};
static uint8_t type_hash[TD_TYPES][32];

const char *
td_encode_type(enum td_type type)
{
	return encode_type[type];
}

void
td_init(void)
{
	size_t i;

	for (i = 0; i < TD_TYPES; i++)
		keccak256(encode_type[i], strlen(encode_type[i]), type_hash[i]);
}

/* ---- structs ----------------------------------------------------------- */

static void
begin(struct keccak *k, enum td_type type)
{
	keccak_init(k);
	put_hash(k, type_hash[type]);
}

#define VALUES	4		/* or seals: hashed together */

/* Output has the hash of the ciphertext as bytes32, GrantedOperand the
 * ciphertext as bytes.  Both are encoded as the same word. */
static void
hash_values(
    enum td_type type, const struct m_value *v, size_t n, uint8_t (*out)[32])
{
	uint8_t parts[2 * VALUES][32], words[VALUES][5][32];
	struct keccak_in in[2 * VALUES];
	size_t i;

	for (i = 0; i < n; i++) {
		in[i] = (struct keccak_in){ v[i].key, 33 };
		in[n + i] = (struct keccak_in){ v[i].ciphertext, v[i].len };
	}
	keccak256_many(in, 2 * n, parts);
	memset(words, 0, sizeof(words));
	for (i = 0; i < n; i++) {
		memcpy(words[i][0], type_hash[type], 32);
		memcpy(words[i][1], v[i].handle, 32);
		memcpy(words[i][2], parts[i], 32);
		memcpy(words[i][3], v[i].nonce, 12);
		memcpy(words[i][4], parts[n + i], 32);
		in[i] = (struct keccak_in){ words[i], sizeof(words[i]) };
	}
	keccak256_many(in, n, out);
}

/* The array of them. */
static void
array_of_values(
    enum td_type type, const struct m_value *v, size_t n, uint8_t out[32])
{
	uint8_t hashes[VALUES][32];
	struct keccak k;
	size_t some;

	keccak_init(&k);
	for (; n > 0; n -= some, v += some) {
		some = n < VALUES ? n : VALUES;
		hash_values(type, v, some, hashes);
		keccak_update(&k, hashes, some * 32);
	}
	keccak_final(&k, out);
}

/* ---- digests ----------------------------------------------------------- */

void
td_domain(uint64_t chain_id, const uint8_t registry[20], uint8_t out[32])
{
	static const char type[] = "EIP712Domain(string name,string version,"
				   "uint256 chainId,address verifyingContract)";
	struct keccak k;

	keccak_init(&k);
	put_bytes(&k, type, sizeof(type) - 1);
	put_bytes(&k, "TEE Runner", 10);
	put_bytes(&k, "1", 1);
	put_number(&k, chain_id);
	put_address(&k, registry);
	keccak_final(&k, out);
}

void
td_digest(const uint8_t domain[32], const uint8_t hash[32], uint8_t digest[32])
{
	static const uint8_t prefix[2] = { 0x19, 0x01 };
	struct keccak k;

	keccak_init(&k);
	keccak_update(&k, prefix, sizeof(prefix));
	put_hash(&k, domain);
	put_hash(&k, hash);
	keccak_final(&k, digest);
}

void
td_array(const uint8_t (*hashes)[32], size_t n, uint8_t out[32])
{
	keccak256(hashes, n * 32, out);
}

void
td_batch(
    enum td_type type, const uint8_t (*hashes)[32], size_t n, uint8_t out[32])
{
	struct keccak k;

	begin(&k, type);
	put_bytes(&k, hashes, n * 32);
	keccak_final(&k, out);
}

/* ---- tasks ------------------------------------------------------------- */

#define KIND_HANDLE	0xff

/* The word that a reference refers to, and its kind. */
static const uint8_t *
get_reference(const struct program *p, uint16_t ref, uint8_t *kind)
{
	unsigned i = ref & REF_INDEX;

	*kind = KIND_HANDLE;
	switch (ref & REF_KIND) {
	case REF_INPUT: return p->inputs[i].b;
	case REF_OUTPUT: return p->outputs[i].b;
	}
	*kind = p->const_types[i];
	return p->consts[i].b;
}

static void
operation(const struct program *p, const struct p_op *op, const uint16_t *refs,
    uint8_t out[32])
{
	uint8_t in[UINT8_MAX][32], written[UINT8_MAX][32], kinds[UINT8_MAX];
	const struct keccak_in parts[3] = { { kinds, op->n_in },
		{ in, op->n_in * 32u }, { written, op->n_out * 32u } };
	uint8_t hashes[3][32], kind;
	struct keccak k;
	size_t i;

	for (i = 0; i < op->n_in; i++)
		memcpy(in[i], get_reference(p, refs[i], &kinds[i]), 32);
	for (i = 0; i < op->n_out; i++)
		memcpy(written[i], get_reference(p, refs[op->n_in + i], &kind),
		    32);
	keccak256_many(parts, 3, hashes);

	begin(&k, TD_OPERATION);
	put_number(&k, op->opcode);
	put_number(&k, op->flags);
	keccak_update(&k, hashes, sizeof(hashes));
	keccak_final(&k, out);
}

void
td_task(const struct m_task *t, const struct program *p, uint8_t out[32])
{
	const uint16_t *refs = p->refs;
	struct keccak k, operations;
	uint8_t hash[32];
	size_t i;

	keccak_init(&operations);
	for (i = 0; i < p->shape.n_ops; i++) {
		operation(p, &p->ops[i], refs, hash);
		put_hash(&operations, hash);
		refs += p->ops[i].n_in + p->ops[i].n_out;
	}
	keccak_final(&operations, hash);

	begin(&k, TD_TASK);
	put_hash(&k, t->id);
	put_number(&k, t->attempt);
	put_number(&k, t->chain_id);
	put_number(&k, t->block_number);
	put_hash(&k, t->transaction_hash);
	put_address(&k, t->caller);
	put_address(&k, t->runner);
	put_number(&k, t->issued_at);
	put_number(&k, t->deadline);
	put_hash(&k, hash);
	keccak_final(&k, out);
}

/* ---- signed by Runners ------------------------------------------------- */

void
td_session_hello(const uint8_t runner[20], const uint8_t challenge[32],
    const uint8_t registration[32], uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_SESSION_HELLO);
	put_address(&k, runner);
	put_hash(&k, challenge);
	put_hash(&k, registration);
	keccak_final(&k, out);
}

void
td_registration(const struct m_register *r, uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_REGISTRATION);
	put_address(&k, r->runner);
	put_bytes(&k, r->public_key, 33);
	put_number(&k, r->tee_type);
	put_hash(&k, r->evidence_hash);
	put_hash(&k, r->configuration_hash);
	put_number(&k, r->sequence);
	put_number(&k, r->valid_until);
	keccak_final(&k, out);
}

void
td_verdict(const uint8_t registration[32], const uint8_t measurement[32],
    uint32_t verdict, const char *verifier, uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_VERDICT);
	put_hash(&k, registration);
	put_hash(&k, measurement);
	put_number(&k, verdict);
	put_bytes(&k, verifier, strlen(verifier));
	keccak_final(&k, out);
}

void
td_operand_request(const uint8_t task_id[32], uint32_t attempt,
    const uint8_t caller[20], const uint8_t ephemeral_key[33],
    const struct m_word *inputs, size_t n_inputs, const struct m_word *outputs,
    size_t n_outputs, uint8_t out[32])
{
	const struct keccak_in parts[3] = { { ephemeral_key, 33 },
		{ inputs, n_inputs * sizeof(*inputs) },
		{ outputs, n_outputs * sizeof(*outputs) } };
	uint8_t hashes[3][32];
	struct keccak k;

	keccak256_many(parts, 3, hashes);
	begin(&k, TD_OPERAND_REQUEST);
	put_hash(&k, task_id);
	put_number(&k, attempt);
	put_address(&k, caller);
	keccak_update(&k, hashes, sizeof(hashes));
	keccak_final(&k, out);
}

void
td_operand_request_batch(const uint8_t runner[20], uint64_t expiry,
    uint64_t avoid, const uint8_t (*hashes)[32], size_t n, uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_OPERAND_REQUEST_BATCH);
	put_address(&k, runner);
	put_number(&k, expiry);
	put_number(&k, avoid);
	put_bytes(&k, hashes, n * 32);
	keccak_final(&k, out);
}

void
td_task_result_batch(
    uint64_t epoch, const uint8_t (*hashes)[32], size_t n, uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_TASK_RESULT_BATCH);
	put_number(&k, epoch);
	put_bytes(&k, hashes, n * 32);
	keccak_final(&k, out);
}

void
td_outputs(const struct m_value *v, size_t n, uint8_t out[32])
{
	array_of_values(TD_OUTPUT, v, n, out);
}

void
td_task_result(const uint8_t task_id[32], uint32_t attempt, uint32_t status,
    const uint8_t outputs[32], uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_TASK_RESULT);
	put_hash(&k, task_id);
	put_number(&k, attempt);
	put_number(&k, status);
	put_hash(&k, outputs);
	keccak_final(&k, out);
}

/* ---- signed by the Gateway --------------------------------------------- */

void
td_granted_operands(const struct m_value *v, size_t n, uint8_t out[32])
{
	array_of_values(TD_GRANTED_OPERAND, v, n, out);
}

/* At most VALUES seals. */
static void
hash_seals(const struct td_seal *seals, size_t n, uint8_t (*out)[32])
{
	uint8_t parts[2 * VALUES][32], words[VALUES][4][32];
	struct keccak_in in[2 * VALUES];
	size_t i;

	for (i = 0; i < n; i++) {
		in[i] = (struct keccak_in){ seals[i].key, 33 };
		in[n + i] = (struct keccak_in){ seals[i].partials,
			seals[i].n * sizeof(struct m_partial) };
	}
	keccak256_many(in, 2 * n, parts);
	memset(words, 0, sizeof(words));
	for (i = 0; i < n; i++) {
		memcpy(words[i][0], type_hash[TD_SEAL], 32);
		put_be(words[i][1] + 28, 4, seals[i].node);
		memcpy(words[i][2], parts[i], 32);
		memcpy(words[i][3], parts[n + i], 32);
		in[i] = (struct keccak_in){ words[i], sizeof(words[i]) };
	}
	keccak256_many(in, n, out);
}

void
td_seals(const struct td_seal *seals, size_t n, uint8_t out[32])
{
	uint8_t hashes[VALUES][32];
	struct keccak k;
	size_t some;

	keccak_init(&k);
	for (; n > 0; n -= some, seals += some) {
		some = n < VALUES ? n : VALUES;
		hash_seals(seals, some, hashes);
		keccak_update(&k, hashes, some * 32);
	}
	keccak_final(&k, out);
}

void
td_operand_grant(const uint8_t task_id[32], uint32_t attempt, uint32_t status,
    const uint8_t ephemeral_key[33], const uint8_t operands[32],
    const uint8_t seals[32], uint8_t out[32])
{
	struct keccak k;

	begin(&k, TD_OPERAND_GRANT);
	put_hash(&k, task_id);
	put_number(&k, attempt);
	put_number(&k, status);
	put_bytes(&k, ephemeral_key, 33);
	put_hash(&k, operands);
	put_hash(&k, seals);
	keccak_final(&k, out);
}
