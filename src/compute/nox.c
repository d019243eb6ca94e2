/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a job of Nox v0, in compute.  Trusts keys to match ciphertexts and
 * handles.  Must never answer with anything but a status and new results.
 */
#include <string.h>

#include "ecies.h"
#include "exec.h"
#include "keypool.h"
#include "nox.h"
#include "nox_data.h"
#include "rsa.h"
#include "work.h"

/* Public data: anyone may read the ciphertexts. */
static struct {
	uint32_t		number;
	uint32_t		status;		/* of program_check_nox */
	uint32_t		rsa_key;
	struct m_nox_operand	operands[NOX_INPUTS];
	struct m_nox_value	values[TASK_OUTPUTS];
} job;

void
nox_init(uint64_t now_ms)
{
	nox_data_init();
	rsa_init(now_ms);
}

/* An empty plaintext is no value, even if others would take it for 0. */
static uint32_t
open_operand(uint32_t i, struct m_job_done *done)
{
	const struct m_nox_operand *v = &job.operands[i];

	done->operand = i;
	if (rsa_open(job.rsa_key, v->secret, work->shared) != 0)
		return ST_GRANT_INVALID;
	if (ecies_key(work->shared, work->key) != 0)
		return ST_INTERNAL;
	if (v->len <= GCM_TAG || v->len > sizeof(v->ciphertext) ||
	    gcm_open(work->key, v->nonce, NULL, 0, v->ciphertext, v->len,
		work->plain) != 0)
		return ST_OPERAND_MALFORMED;
	value_load_nox(handle_type(v->handle), work->plain, v->len - GCM_TAG,
	    &work->inputs[i]);
	done->operand = 0;
	return ST_OK;
}

static uint32_t
seal_output(size_t i, const uint8_t handle[32])
{
	struct m_nox_value *v = &job.values[i];
	const struct work_sealed to = { v->key, v->nonce, v->ciphertext,
		&v->len };
	uint32_t st;

	memset(v, 0, sizeof(*v));
	memcpy(v->handle, handle, sizeof(v->handle));
	if ((st = work_seal(i, handle, 0, &to)) == ST_OK)
		nox_value_tag(handle, work->plain, v->tag);
	return st;
}

static const struct work_kind kind = { job.operands, sizeof(job.operands[0]),
	NOX_INPUTS, open_operand, seal_output };

const char *
nox_start(const struct m_nox_job *m, const struct m_word *rows, size_t n)
{
	const char *why = work_load(&kind, m->kms_key, &m->shape, rows, n);
	size_t op;

	if (why != NULL)
		return why;
	if ((m->shape.n_inputs == 0) != (m->rsa_key == 0))
		return "number of the RSA key";
	job.number = m->job;
	job.rsa_key = m->rsa_key;
	job.status = program_check_nox(&work_program, m->chain_id, &op);
	return NULL;
}

void
nox_run(struct m_job_done *done, size_t *n)
{
	memset(done, 0, sizeof(*done));
	done->job = job.number;
	done->status = job.status;
	if (done->status == ST_OK)
		done->status = work_run(&kind, done);
	*n = done->status == ST_OK ? work_program.shape.n_outputs : 0;
	rsa_count_job();
	work_wipe();
}

const struct m_nox_value *
nox_values(void)
{
	return job.values;
}
