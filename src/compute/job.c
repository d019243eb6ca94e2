/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a job from its program and seals to its encrypted outputs, in compute.
 * Trusts keys to match operands and handles, but checks that each decrypts.
 * Must never answer with anything but a status and new ciphertexts.
 */
#include <string.h>

#include "delegate.h"
#include "ecies.h"
#include "exec.h"
#include "job.h"
#include "keypool.h"
#include "work.h"

/* Public data: anyone may read the program and the ciphertexts. */
static struct {
	uint32_t	number;
	uint32_t	status;		/* of program_check */
	struct m_word	words[PROGRAM_WORDS];
	struct program	program;	/* points into `words' */
	struct m_value	operands[TASK_INPUTS];
	struct m_value	values[TASK_OUTPUTS];
} job;

void
job_init(void)
{
	work_init();
	delegate_init();
}

const char *
job_start(const struct m_job *m, const struct m_word *words, size_t n)
{
	const size_t n_operands = m->shape.n_inputs;
	size_t i, op;

	if (keypool_use(m->kms_key) != 0)
		return "the KMS key is no point";
	if (n_operands > TASK_INPUTS || n < n_operands * VALUE_WORDS)
		return "not an operand for each input";
	n -= n_operands * VALUE_WORDS;
	if (n > PROGRAM_WORDS)
		return "program is too long";
	memcpy(job.words, words, n * sizeof(*words));
	if (program_view(&job.program, &m->shape, job.words, n) != 0)
		return "not a program";
	memcpy(job.operands, words + n, n_operands * sizeof(job.operands[0]));
	for (i = 0; i < n_operands; i++)
		if (memcmp(job.operands[i].handle, job.program.inputs[i].b,
			32) != 0)
			return "an operand of another handle";
	job.number = m->job;
	job.status = program_check(&job.program, m->chain_id, &op);
	return delegate_start(m);
}

const char *
job_seal(const struct m_job_seal *m, const struct m_partial *partials, size_t n)
{
	if (n != job.program.shape.n_inputs)
		return "not a partial for each operand";
	return delegate_seal(m, partials, n);
}

int
job_is_complete(void)
{
	return delegate_is_complete();
}

/* The operand must have the size of its type, authenticate under its handle,
 * and be a value of its type. */
static uint32_t
open_operand(uint32_t i, struct m_job_done *done)
{
	const struct m_value *v = &job.operands[i];
	const uint8_t type = handle_type(v->handle);
	const uint32_t st = delegate_key(v, i, work->key, done);

	if (st != ST_OK)
		return st;
	if (v->len != type_size(type) + GCM_TAG ||
	    gcm_open(work->key, v->nonce, v->handle, 32, v->ciphertext, v->len,
		work->plain) != 0 ||
	    value_load(type, work->plain, &work->inputs[i]) != 0)
		return delegate_blame(v, i, done);
	return ST_OK;
}

static uint32_t
seal_output(size_t i)
{
	const uint8_t *handle = job.program.outputs[i].b;
	struct m_value *v = &job.values[i];
	const struct work_sealed to = { v->key, v->nonce, v->ciphertext,
		&v->len };

	memset(v, 0, sizeof(*v));
	memcpy(v->handle, handle, sizeof(v->handle));
	return work_seal(i, handle, sizeof(v->handle), &to);
}

static uint32_t
run_program(struct m_job_done *done)
{
	const struct program *p = &job.program;
	uint32_t i, st = delegate_open(done);

	for (i = 0; i < p->shape.n_inputs && st == ST_OK; i++)
		st = open_operand(i, done);
	if (st != ST_OK)
		return st;
	exec_program(p, work->inputs, work->outputs);
	for (i = 0; i < p->shape.n_outputs && st == ST_OK; i++)
		st = seal_output(i);
	return st;
}

void
job_run(struct m_job_done *done, size_t *n)
{
	memset(done, 0, sizeof(*done));
	done->job = job.number;
	done->status = job.status;
	if (done->status == ST_OK)
		done->status = run_program(done);
	*n = done->status == ST_OK ? job.program.shape.n_outputs : 0;
	delegate_wipe();
	work_wipe();
}

void
job_prepare(void)
{
	keypool_add();
	work_wipe();
}

const struct m_value *
job_values(void)
{
	return job.values;
}
