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

/* Public data: anyone may read the ciphertexts. */
static struct {
	uint32_t	number;
	uint32_t	status;		/* of program_check */
	struct m_value	operands[TASK_INPUTS];
	struct m_value	values[TASK_OUTPUTS];
} job;

void
job_init(void)
{
	work_init();
	delegate_init();
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
seal_output(size_t i, const uint8_t handle[32])
{
	struct m_value *v = &job.values[i];
	const struct work_sealed to = { v->key, v->nonce, v->ciphertext,
		&v->len };

	memset(v, 0, sizeof(*v));
	memcpy(v->handle, handle, sizeof(v->handle));
	return work_seal(i, handle, sizeof(v->handle), &to);
}

static const struct work_kind kind = { job.operands, sizeof(job.operands[0]),
	TASK_INPUTS, open_operand, seal_output };

const char *
job_start(const struct m_job *m, const struct m_word *words, size_t n)
{
	const char *why = work_load(&kind, m->kms_key, &m->shape, words, n);
	size_t op;

	if (why != NULL)
		return why;
	job.number = m->job;
	job.status = program_check(&work_program, m->chain_id, &op);
	return delegate_start(m);
}

const char *
job_seal(const struct m_job_seal *m, const struct m_partial *partials, size_t n)
{
	if (n != work_program.shape.n_inputs)
		return "not a partial for each operand";
	return delegate_seal(m, partials, n);
}

int
job_is_complete(void)
{
	return delegate_is_complete();
}

void
job_run(struct m_job_done *done, size_t *n)
{
	memset(done, 0, sizeof(*done));
	done->job = job.number;
	done->status = job.status;
	if (done->status == ST_OK)
		done->status = delegate_open(done);
	if (done->status == ST_OK)
		done->status = work_run(&kind, done);
	*n = done->status == ST_OK ? work_program.shape.n_outputs : 0;
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
