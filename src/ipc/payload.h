/* SPDX-License-Identifier: Apache-2.0
 *
 * The payloads of messages.def: fixed-size structs, <stdint.h> only, integers
 * in host order (a record never leaves the machine).  Every byte is set by
 * the sender: zero what is unused.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdint.h>

#include "conf.h"

/* Bounds of the protocol; OVER_LIMIT is the answer above them. */
#define BATCH_TASKS	64
#define TASK_OPS	128
#define TASK_INPUTS	256	/* distinct handles fetched */
#define TASK_OUTPUTS	256
#define TASK_CONSTS	256	/* distinct constants */
#define TASK_REFS	1024	/* operand references, inputs and outputs */
#define OP_OPERANDS	101	/* of one operation: isIn with 1 + 100 */
#define KMS_NODES	64
#define LIST_MAX	16	/* Orchestrators, Gateways in the Registry */

/* Of a publication in one transaction: BATCH_TASKS with TASK_OUTPUTS in all; a
 * TaskResult takes six words, an Output eight, and TX_ROOM is around them. */
#define CALL_WORDS	(16 + 6 * BATCH_TASKS + 8 * TASK_OUTPUTS)
#define TX_WORDS	(CALL_WORDS + 8)

#define VALUE_MAX	32			/* bytes of plaintext */
#define CIPHER_MAX	(VALUE_MAX + 16)	/* with GCM tag */

struct m_none {
	uint8_t	zero[0];	/* GNU C: no bytes at all */
};

/* ---- programs ------------------------------------------------------------
 *
 * A program in words of 32 bytes, one section after the other, each padded
 * with zeros to whole words (program/program.h reads it):
 *	inputs[n_inputs]	distinct handles to fetch, in order of use
 *	outputs[n_outputs]	handles, in order of definition
 *	consts[n_consts]	constants, as Solidity holds them in 32 bytes
 *	const_types[n_consts]	1 byte each
 *	ops[n_ops]		struct p_op each
 *	refs[n_refs]		uint16_t each: for each operation its
 *				operands, then its outputs */
struct m_word {
	uint8_t		b[32];
};

struct p_op {
	uint8_t		opcode;
	uint8_t		flags;
#define OP_SAME_ACCOUNT	0x01
	uint8_t		n_in;
	uint8_t		n_out;
};

#define REF_INPUT	0x0000
#define REF_OUTPUT	0x4000
#define REF_CONST	0x8000
#define REF_KIND	0xc000
#define REF_INDEX	0x3fff

struct p_shape {
	uint16_t	n_inputs;
	uint16_t	n_outputs;
	uint16_t	n_consts;
	uint16_t	n_ops;
	uint16_t	n_refs;
	uint16_t	zero;
};

#define PROGRAM_WORDS	(TASK_INPUTS + TASK_OUTPUTS + TASK_CONSTS +	\
	TASK_CONSTS / 32 + TASK_OPS * 4 / 32 + TASK_REFS * 2 / 32)

/* ---- start-up and supervision ------------------------------------------ */

struct m_start {
	uint8_t		table[32];	/* messages_hash of the monitor */
	uint32_t	role;
	uint32_t	index;		/* which worker; of net and registry:
					 * which chain */
	uint32_t	uid, gid;	/* to become; 0: stay (not started as
					 * root) */
	uint32_t	log_level;
	uint32_t	namespaces;	/* SANDBOX_* that the monitor has
					 * given */
	char		empty_dir[CONF_PATH];	/* to chroot to */
	struct conf	conf;
};

struct m_peer {
	uint32_t	role;		/* who is at the other end of the fd */
	uint32_t	index;
};

struct m_log_level {
	uint32_t	level;		/* LOG_ERR to LOG_DEBUG */
};

struct m_limits {
	uint32_t	max_tasks, workers;	/* as configured now */
};

struct m_serving {
	uint32_t	chain;		/* of the configuration's */
	uint32_t	is_serving;
	char		why[96];	/* not; printable, ends with a NUL */
};
struct m_ready {
	uint32_t	features;	/* SANDBOX_* of common/sandbox.h */
};

struct m_pong {
	uint64_t	cpu;		/* microseconds, that it has used */
};

struct m_roles {
	uint64_t	cpu[ROLE_BITS];	/* microseconds; compute's: 0 */
	uint64_t	log_dropped;	/* lines, of all roles */
	uint32_t	restarts[ROLE_BITS];
	uint32_t	features[ROLE_BITS];
	uint32_t	workers;	/* up at this moment */
	uint32_t	zero;
};

struct m_log {
	uint32_t	level;		/* LOG_ERR .. LOG_DEBUG of <syslog.h> */
	char		text[508];	/* NUL-terminated */
};

struct m_denied {
	uint32_t	nr;		/* the system call that the filter
					 * refused */
	uint32_t	arch;
};

/* ---- TLS --------------------------------------------------------------- */

struct m_tls_sign {
	uint8_t		digest[32];	/* SHA-256; others are refused in net */
	uint8_t		key[64];	/* x, y of the key that is to sign */
};

struct m_tls_signed {
	uint8_t		r[32], s[32];	/* P-256, big-endian; all zero: refused,
					 * keys does not have that key */
};

/* ---- Registry ---------------------------------------------------------- */

struct m_runner {
	uint8_t		address[20];
	uint8_t		gas_account[20];	/* zero: there is none */
	uint32_t	request;	/* FACTS of rounds that begin after
					 * this have it */
};

enum tx_status {
	TX_UNKNOWN,
	TX_SUCCEEDED,
	TX_REVERTED,
};

struct m_facts {
	uint64_t	block_number;
	uint64_t	block_time;	/* seconds since 1970 */
	uint8_t		block_hash[32];
	uint64_t	endpoint_failures;	/* of all, since registry
						 * started */
	uint64_t	endpoint_disagreements;
	uint32_t	n_orchestrators, n_gateways;
	uint8_t		orchestrators[LIST_MAX][20];
	uint8_t		gateways[LIST_MAX][20];
	uint64_t	kms_epoch;
	uint8_t		kms_key[33];	/* compressed */
	uint8_t		kms_threshold;	/* t */
	uint8_t		kms_nodes;	/* n; node i has kms_shares[i - 1] */
	uint8_t		kms_former;	/* 1: so have those of the epoch
					 * before */
	uint8_t		zero[4];
	uint8_t		kms_shares[KMS_NODES][33];
	uint8_t		kms_former_shares[KMS_NODES][33];
	/* the registration of `runner'; valid_until 0: none, or revoked */
	uint64_t	sequence;
	uint64_t	valid_until;
	uint8_t		runner[20];	/* as RUNNER said; before that zero */
	uint8_t		gas_account[20];	/* the same */
	/* of that account, at that block */
	uint64_t	gas_nonce;
	uint64_t	gas_balance;	/* gwei; UINT64_MAX: at least that */
	uint64_t	base_fee;	/* wei for a unit of gas */
	uint64_t	tx_nonce;	/* of the last TX */
	uint32_t	tx_status;	/* of that, or of one it replaced: from
					 * the block on in which the nonce has
					 * passed */
	uint32_t	request;	/* of the last RUNNER before the round
					 * began */
};

struct m_endpoints {		/* + m_endpoint each that has an address */
	uint32_t	quorum;		/* enum quorum */
	uint32_t	proof;		/* enum proof_state */
};

enum quorum {
	QUORUM_UNKNOWN,
	QUORUM_THERE,
	QUORUM_FEW_ANSWER,
	QUORUM_FEW_AGREE,
};

enum proof_state {
	PROOF_NONE,		/* no registry-trusted-block */
	PROOF_MISSING,
	PROOF_VERIFIED,
};

enum endpoint_state {
	ENDPOINT_NEW,		/* has not been asked */
	ENDPOINT_ANSWERS,
	ENDPOINT_FAILS,
	ENDPOINT_DISAGREES,
	ENDPOINT_BEHIND,
};

struct m_endpoint {
	uint64_t	answered_at;	/* seconds since 1970; 0: never */
	uint64_t	failed_at;
	uint64_t	latency;	/* microseconds, of the last round */
	uint64_t	head;		/* its newest block */
	uint64_t	failures, disagreements;
	uint32_t	state;		/* enum endpoint_state */
	char		name[92];	/* without an access key */
	char		why[64];	/* it failed; a server's text */
};

struct m_tx {			/* + the transaction's words, padded with
				 * zeros */
	uint64_t	nonce;
	uint32_t	size;		/* bytes */
	uint32_t	zero;
	uint8_t		hash[32];
};

/* ---- evidence and registration ----------------------------------------- */

enum tee_type {			/* as in the Registry */
	TEE_INSECURE = 0,
	TEE_TDX = 1,
	TEE_SEV_SNP = 2,
	TEE_CCA = 3,
	TEE_OPTEE = 4
};

struct m_quote_ask {
	uint8_t		report_data[64];
};

struct m_quote {
	uint32_t	tee_type;
	uint32_t	size;		/* of the sealed memfd */
	uint8_t		measurement[48]; /* MRTD, measurement or RIM; zeros:
					  * unknown */
};

struct m_quote_failed {
	uint32_t	error;		/* errno */
};

struct m_register {
	uint8_t		runner[20];
	uint8_t		public_key[33];
	uint8_t		zero[3];
	uint32_t	tee_type;
	uint32_t	evidence_size;
	uint8_t		evidence_hash[32];
	uint8_t		configuration_hash[32];
	uint64_t	sequence;
	uint64_t	valid_until;
	uint64_t	block_number;	/* whose hash the evidence holds */
	uint8_t		signature[65];
	uint8_t		is_direct;	/* 1: a verdict is wanted, no relay */
	uint8_t		zero2[6];
};

/* What a registrar's verdict is besides 0; see proto/TYPED-DATA.md. */
#define VERDICT_REFUSED	1
#define VERDICT_UNDECIDED 3
/* No registrar's: the Registry reverted the transaction. */
#define VERDICT_REVERTED 256

#define VERIFIER_MAX	64
struct m_verdict {		/* a registrar's; who that is, the Registry
				 * knows */
	uint8_t		registration[32];
	uint8_t		measurement[32];
	uint32_t	verdict;
	uint8_t		signature[65];
	uint8_t		n_verifier;
	uint8_t		zero[2];
	char		verifier[VERIFIER_MAX];
};

/* ---- session ----------------------------------------------------------- */

struct m_hello_ask {
	uint8_t		challenge[32];
	uint32_t	session;	/* returned in the answer */
};

struct m_hello {
	uint32_t	session;
	uint8_t		runner[20];
	uint8_t		registration[32];
	uint8_t		signature[65];
	uint8_t		zero[3];
};

struct m_status {
	uint32_t	state;		/* enum state of keys */
	uint32_t	why;		/* enum idle_reason, if S_IDLE */
	uint8_t		runner[20];
	uint32_t	tee_type;
	uint64_t	facts_block;
	uint64_t	facts_read_at;
	uint64_t	block_time;	/* of that block */
	uint64_t	endpoint_failures, endpoint_disagreements;
	uint64_t	sequence;
	uint64_t	valid_until;
	uint64_t	evidence_at;	/* when the last was made; 0: none
					 * yet */
	uint64_t	evidence_next;	/* when another is to be */
	uint64_t	evidence_failures;
	/* of the last failure; 0: none yet.  retry_at is 0 unless the last
	 * request failed. */
	uint64_t	evidence_failed_at, evidence_retry_at;
	uint32_t	evidence_error;	/* errno */
	uint32_t	registration_verdict;	/* of the last refusal; 0: none
						 * yet */
	uint64_t	registration_refused;	/* how often */
	uint64_t	registration_refused_at;
	/* 0 unless the Registry does not show the newest registration, and it
	 * was refused or sent again */
	uint64_t	registration_retry_at;
	uint8_t		measurement[48];
	uint64_t	renewal_late;	/* 1: the registration ends soon, and
					 * was not renewed */
	uint64_t	kms_epoch;
	uint32_t	kms_nodes, kms_threshold;
	uint32_t	workers_idle, workers_busy;
	/* percent of the last second or more that keys was not waiting, and
	 * that workers, on average, had a task */
	uint32_t	keys_load, workers_load;
	uint64_t	keys_busy, workers_busy_time;	/* milliseconds, in
							 * all */
	uint32_t	tasks;		/* accepted and not yet ended */
	uint32_t	batches;
	uint64_t	signed_results;
	uint64_t	node_faults;
	uint64_t	suspects;	/* bit i: KMS node i + 1 is avoided */
	uint64_t	tls_signatures;
	uint32_t	gas;		/* enum gas_state */
	uint8_t		gas_account[20];
	uint64_t	gas_balance;	/* gwei */
	uint64_t	tx_sent, tx_replaced, tx_failed;
	uint64_t	published, publish_dropped;	/* tasks */
	uint64_t	publish_waiting;
};

struct m_worker {		/* at this moment, once a second */
	uint32_t	batch;		/* of the task that it computes; 0: none
					 * of this chain */
	uint32_t	task;
	uint32_t	is_up;
	uint32_t	n_jobs;		/* of any chain */
	uint64_t	since;		/* of the oldest job, now_ms() */
	uint64_t	busy;		/* milliseconds that it had a job, in
					 * all */
};

/* Of the gas account: what its next transaction waits for. */
enum gas_state {
	GAS_NONE,		/* no account */
	GAS_READY,
	GAS_PENDING,
	GAS_NO_FUNDS,
	GAS_FEE_TOO_HIGH,
};

enum idle_reason {
	WHY_NONE,
	WHY_NO_FACTS,
	WHY_FACTS_OLD,
	WHY_PIN,
	WHY_NO_EVIDENCE,
	WHY_NOT_REGISTERED,
	WHY_NO_WORKER,
	WHY_BLOCK_OLD,
	WHY_FORGED,
	WHY_CLOCK,
	/* net's own, in this order after those of keys */
	WHY_NO_KEYS,
	WHY_STOPPING,
	WHY_DRAINED,
	WHY_NO_STREAM,
	WHYS,
};

/* ---- tasks ------------------------------------------------------------- */

/* Trace Context of W3C: where a batch belongs in another's trace.  Not signed:
 * for log lines only. */
struct m_trace {
	uint8_t		id[16];		/* zero: there is none */
	uint8_t		parent[8];
	uint8_t		flags;
};

struct m_batch {
	uint32_t	batch;		/* net's number for it, never 0, not in
					 * use */
	uint32_t	n_tasks;
	uint8_t		signature[65];
	struct m_trace	trace;
	uint8_t		zero[2];
};

struct m_task {			/* + the program's words */
	uint32_t	batch;
	uint32_t	task;		/* 0 .. n_tasks - 1, in order */
	uint8_t		id[32];
	uint32_t	attempt;
	uint8_t		caller[20];
	uint64_t	chain_id;
	uint64_t	block_number;
	uint8_t		transaction_hash[32];
	uint8_t		runner[20];
	uint32_t	zero;
	uint64_t	issued_at;
	uint64_t	deadline;
	struct p_shape	shape;
	uint32_t	zero2;
};

/* Not accepted: this task, or with ALL_TASKS the batch.  Nothing is signed. */
#define ALL_TASKS	UINT32_MAX
struct m_refused {
	uint32_t	batch;
	uint32_t	task;
	uint32_t	status;
};

struct m_ask {			/* + m_ask_task each accepted task */
	uint32_t	batch;
	uint32_t	zero;
	uint64_t	admitted_at;	/* now_us() */
	uint64_t	expiry;
	uint64_t	avoid;
	uint8_t		runner[20];
	uint8_t		signature[65];
	uint8_t		zero2[3];
};

struct m_ask_task {
	uint32_t	task;
	uint8_t		ephemeral_key[33];
	uint8_t		zero[3];
};

struct m_fetch_failed {
	uint32_t	batch;
	uint32_t	status;		/* GATEWAY_UNREACHABLE, GATEWAY_ERROR */
};

struct m_grant {
	uint32_t	batch;
	uint32_t	n_tasks;	/* as asked; a GRANT_TASK each follows,
					 * in order */
	uint8_t		signature[65];
	uint8_t		zero[7];
};

struct m_value {		/* an encrypted value */
	uint8_t		handle[32];
	uint8_t		key[33];	/* K, compressed */
	uint8_t		nonce[12];
	uint8_t		len;		/* of ciphertext, tag included */
	uint8_t		zero[2];
	uint8_t		ciphertext[CIPHER_MAX];
};

struct m_grant_task {		/* + m_value each operand */
	uint32_t	batch;
	uint32_t	task;
	uint32_t	status;
	uint32_t	n_seals;	/* a GRANT_SEAL each follows */
	uint8_t		id[32];
	uint32_t	attempt;
	uint8_t		ephemeral_key[33];
	uint8_t		zero[3];
};

struct m_partial {		/* sealed: D as x || y, DLEQ proof as e || s,
				 * tag */
	uint8_t		b[64 + 64 + 16];
};

struct m_grant_seal {		/* + m_partial each operand */
	uint32_t	batch;
	uint32_t	task;
	uint32_t	node;
	uint8_t		key[33];
	uint8_t		zero[3];
};

struct m_result {		/* + m_value each output, in order; none unless
				 * OK */
	uint32_t	batch;
	uint32_t	task;
	uint32_t	status;
	uint32_t	worker;		/* that had it, plus 1; 0: none had */
	/* now_us(); 0: it has not */
	uint64_t	verified_at;	/* keys has checked the grant */
	uint64_t	started_at;	/* the worker was given it */
	uint64_t	computed_at;	/* the worker answered */
};

struct m_results {		/* the signature over the RESULTs since ASK, in
				 * order */
	uint32_t	batch;
	uint32_t	n_results;
	uint64_t	epoch;		/* of the KMS key that all outputs are
					 * under */
	uint64_t	signed_at;	/* now_us() */
	uint8_t		signature[65];
	uint8_t		zero[7];
};

struct m_published {		/* + m_task_id each task */
	uint64_t	nonce;		/* of the gas account's transaction */
};

struct m_task_id {
	uint8_t		id[32];
	uint32_t	attempt;
};

/* ---- Nox v0 --------------------------------------------------------------
 *
 * A transaction of a chain with `protocol nox-v0': the same programs, but an
 * operand comes with its shared secret, encrypted to an RSA key of the worker
 * that will have the job, and results have a tag. */

#define NOX_INPUTS	128	/* distinct handles fetched for a transaction */
#define NOX_RSA		256	/* bytes of an RSA-2048 ciphertext */
#define NOX_SPKI	294	/* bytes of its SubjectPublicKeyInfo, e 65537 */

struct m_rsa_key {		/* a worker's newest; it keeps the one before
				 * it */
	uint32_t	number;		/* from 1, one more each time */
	uint8_t		spki[NOX_SPKI];	/* DER */
	uint8_t		zero[6];
};

struct m_nox_operand {		/* HandleCryptoMaterial */
	uint8_t		handle[32];
	uint8_t		nonce[12];
	uint8_t		len;		/* of ciphertext, tag included */
	uint8_t		zero[3];
	uint8_t		ciphertext[CIPHER_MAX];
	uint8_t		secret[NOX_RSA];	/* RSA-OAEP */
};

struct m_nox_value {		/* a result */
	uint8_t		handle[32];
	uint8_t		tag[32];	/* handleValueTag */
	uint8_t		key[33];	/* K, compressed */
	uint8_t		nonce[12];
	uint8_t		len;		/* of ciphertext, tag included */
	uint8_t		zero[2];
	uint8_t		ciphertext[CIPHER_MAX];
};

#define NOX_WORDS	(sizeof(struct m_nox_operand) / sizeof(struct m_word))
#define NOX_JOB_WORDS	(PROGRAM_WORDS + NOX_INPUTS * NOX_WORDS)
_Static_assert(
    sizeof(struct m_nox_operand) % sizeof(struct m_word) == 0, "words");

struct m_nox_job {		/* + the program's words, then as many for each
				 * operand as an m_nox_operand has */
	uint64_t	chain_id;
	uint32_t	job;
	uint32_t	rsa_key;	/* number; 0 if there are no operands */
	struct p_shape	shape;
	uint8_t		kms_key[33];
	uint8_t		zero[3];
};

struct m_nox_task {		/* + the program's words */
	uint32_t	id;		/* nox's number for it, one more each
					 * time */
	uint32_t	zero;
	uint64_t	chain_id;
	uint64_t	block_number;
	uint8_t		caller[20];
	struct p_shape	shape;
	uint8_t		transaction_hash[32];
};

struct m_nox_refused {
	uint32_t	id;
	uint32_t	status;
};

/* OperandAccessAuthorization for a transaction's inputs.  Asked again with
 * another key if the worker with this one has ended. */
struct m_nox_ask {
	uint32_t	id;
	uint32_t	ask;		/* from 1 */
	uint64_t	admitted_at;	/* now_us() */
	uint8_t		salt[32];	/* for the Gateway's answer */
	uint8_t		signature[65];
	uint8_t		spki[NOX_SPKI];
	uint8_t		zero2[1];
};

struct m_nox_grant {		/* + m_nox_operand each input, in order */
	uint32_t	id;
	uint32_t	ask;		/* that it answers */
	uint8_t		signature[65];	/* the Gateway's, over its answer with
					 * the salt of the ASK */
	uint8_t		zero[7];
};

struct m_nox_id {
	uint32_t	id;
};

/* ResultPublishingAuthorization, if the status is OK. */
struct m_nox_result {		/* + m_nox_value each output, in order; none
				 * unless OK */
	uint32_t	id;
	uint32_t	status;
	uint32_t	operand;	/* with OPERAND_MALFORMED */
	uint32_t	worker;		/* that had it, plus 1; 0: none had */
	/* now_us(); 0: it has not */
	uint64_t	verified_at, started_at, computed_at, signed_at;
	uint8_t		salt[32];	/* for the Gateway's answer */
	uint8_t		signature[65];
	uint8_t		zero[7];
};

#define NOX_REPORT	256	/* bytes of the Gateway's report */
struct m_nox_stored {		/* what the Gateway says of the results */
	uint32_t	id;
	uint32_t	n;		/* bytes of the report */
	uint8_t		signature[65];
	uint8_t		zero[3];
	char		report[NOX_REPORT];
};

struct m_nox_ended {
	uint32_t	id;
	uint32_t	is_valid;	/* 1: the Gateway of the Registry signed
					 * it */
};

/* ---- jobs -------------------------------------------------------------- */

#define VALUE_WORDS	(sizeof(struct m_value) / sizeof(struct m_word))
#define JOB_WORDS	(PROGRAM_WORDS + TASK_INPUTS * VALUE_WORDS)
_Static_assert(sizeof(struct m_value) % sizeof(struct m_word) == 0, "words");

struct m_job {			/* + the program's words, then as many for each
				 * operand as an m_value has */
	uint64_t	chain_id;
	uint32_t	job;
	uint32_t	n_seals;	/* JOB_SEALs that follow */
	struct p_shape	shape;
	uint32_t	attempt;
	uint8_t		id[32];		/* the task's */
	uint8_t		kms_key[33];
	uint8_t		ephemeral_key[33];
	uint8_t		secret[32];	/* of the ephemeral key */
	uint8_t		zero[6];
};

struct m_job_seal {		/* + m_partial each operand */
	uint32_t	node;
	uint32_t	has_former;
	uint8_t		key[33];
	uint8_t		share[33];	/* public, as the Registry has it */
	uint8_t		former[33];	/* of the epoch before */
	uint8_t		zero[1];
};

/* Whose fault it is that a task failed with KMS_NODE_FAULT. */
enum job_fault {
	FAULT_NONE,
	FAULT_SEAL,		/* the key of a seal is not a curve point */
	FAULT_PARTIAL,		/* a partial cannot be decrypted */
	FAULT_PROOF,		/* the proof of a partial is not valid */
	FAULT_SHARES,		/* all are valid, but the quorum's shares do
				 * not match the KMS key */
	FAULTS
};

struct m_job_done {		/* + m_value each output */
	uint64_t	nodes;		/* bit i: node i + 1; with FAULT_SEAL,
					 * _PARTIAL and _PROOF */
	uint32_t	job;
	uint32_t	status;		/* of status.def */
	uint32_t	fault;		/* enum job_fault */
	uint32_t	operand;	/* which one, if status is
					 * OPERAND_MALFORMED or GRANT_INVALID */
};

#endif
