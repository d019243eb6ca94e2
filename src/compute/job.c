/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a job from its program to its encrypted outputs, in compute.  Trusts
 * keys to match operands and handles, but checks that each operand decrypts.
 * Must never answer with anything but a status and new ciphertexts.
 */
#include <string.h>

#include "ecies.h"
#include "exec.h"
#include "job.h"
#include "secp.h"
#include "secret.h"

/* Public data: anyone may read the program and the ciphertexts. */
static struct {
	uint32_t	number;
	uint32_t	status;		/* of program_check */
	struct m_word	words[PROGRAM_WORDS];
	struct program	program;	/* points into `words' */
	struct m_value	values[TASK_OUTPUTS];
	uint8_t		kms_key[33];	/* whose x || y is kms_xy */
	uint8_t		kms_xy[64];
} job;

static struct secrets {
	struct u256	inputs[TASK_INPUTS];
	struct u256	outputs[TASK_OUTPUTS];
	uint8_t		plain[VALUE_MAX];
} *secrets;

/* More stack than any function called from here uses. */
#define SCRUB		(24 * 1024)

void
job_init(void)
{
	secrets = secret_alloc(sizeof(*secrets));
}

const char *
job_start(const struct m_job *m, const struct m_word *words, size_t n)
{
	size_t op;

	if (memcmp(m->kms_key, job.kms_key, sizeof(job.kms_key)) != 0) {
		if (secp_decompress(m->kms_key, job.kms_xy) != 0)
			return "the KMS key is no point";
		memcpy(job.kms_key, m->kms_key, sizeof(job.kms_key));
	}
	memcpy(job.words, words, n * sizeof(*words));
	if (program_view(&job.program, &m->shape, job.words, n) != 0)
		return "not a program";
	job.number = m->job;
	job.status = program_check(&job.program, m->chain_id, &op);
	return NULL;
}

/* The operand must have the size of its type, authenticate under its handle,
 * and be a value of its type. */
static uint32_t
open_operand(
    const struct m_operand *o, const uint8_t handle[32], struct u256 *value)
{
	uint8_t type = handle_type(handle);
	uint32_t st = ST_OPERAND_MALFORMED;

	if (o->value.len == type_size(type) + GCM_TAG &&
	    gcm_open(o->key, o->value.nonce, handle, 32, o->value.ciphertext,
		o->value.len, secrets->plain) == 0 &&
	    value_load(type, secrets->plain, value) == 0)
		st = ST_OK;
	return st;
}

static uint32_t
seal_output(const uint8_t handle[32], struct u256 value, struct m_value *v)
{
	uint8_t type = handle_type(handle);

	memset(v, 0, sizeof(*v));
	memcpy(v->handle, handle, sizeof(v->handle));
	v->len = (uint8_t)(type_size(type) + GCM_TAG);
	value_store(type, value, secrets->plain);
	if (ecies_seal(job.kms_xy, handle, 32, secrets->plain, type_size(type),
		v->key, v->nonce, v->ciphertext) != 0)
		return ST_INTERNAL;
	return ST_OK;
}

static uint32_t
run_program(const struct m_operand *operands, uint32_t *operand)
{
	const struct program *p = &job.program;
	uint32_t st;
	size_t i;

	for (i = 0; i < p->shape.n_inputs; i++) {
		st = open_operand(
		    &operands[i], p->inputs[i].b, &secrets->inputs[i]);
		if (st != ST_OK) {
			*operand = (uint32_t)i;
			return st;
		}
	}
	exec_program(p, secrets->inputs, secrets->outputs);
	for (i = 0; i < p->shape.n_outputs; i++) {
		st = seal_output(
		    p->outputs[i].b, secrets->outputs[i], &job.values[i]);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* Overwrite the stack that run_program() and the functions it called have
 * used. */
static __attribute__((noinline)) void
scrub_stack(void)
{
	uint8_t below[SCRUB];

	secret_wipe(below, sizeof(below));
}

const char *
job_run(const struct m_operand *operands, size_t n_operands,
    struct m_job_done *done, size_t *n)
{
	const struct program *p = &job.program;
	size_t i;

	if (n_operands != p->shape.n_inputs)
		return "not an operand for each input";
	for (i = 0; i < n_operands; i++)
		if (memcmp(operands[i].value.handle, p->inputs[i].b, 32) != 0)
			return "an operand of another handle";

	memset(done, 0, sizeof(*done));
	done->job = job.number;
	done->status = job.status;
	if (done->status == ST_OK)
		done->status = run_program(operands, &done->operand);
	*n = done->status == ST_OK ? p->shape.n_outputs : 0;
	secret_wipe(secrets, sizeof(*secrets));
	scrub_stack();
	return NULL;
}

const struct m_value *
job_values(void)
{
	return job.values;
}
