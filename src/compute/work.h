/* SPDX-License-Identifier: Apache-2.0
 *
 * What jobs of both protocols share (job.h, nox.h): the program and the secrets
 * of the one job that a worker has at a time, its execution, and the erasure of
 * all that is secret.
 */
#ifndef WORK_H
#define WORK_H

#include "program.h"
#include "u256.h"

/* Memory from secret_alloc(). */
extern struct work {
	struct u256	inputs[TASK_INPUTS];
	struct u256	outputs[TASK_OUTPUTS];
	uint8_t		shared[32];	/* of one operand; Nox v0 */
	uint8_t		key[32];	/* of one operand or output */
	uint8_t		plain[VALUE_MAX];
} *work;

/* Call before the sandbox is entered; and keypool_init(). */
void work_init(void);

/* The program of the job, which is public. */
extern struct program work_program;

/* What differs between the protocols. */
struct work_kind {
	void		*operands;	/* kept here; each begins with its
					 * handle */
	size_t		 size, max;	/* of one; number of them */
	/* Decrypt operand i into work->inputs[i]; encrypt output i, as
	 * work_seal() does.  ST_OK, or the status of the job. */
	uint32_t	(*open)(uint32_t i, struct m_job_done *);
	uint32_t	(*seal)(size_t i, const uint8_t handle[32]);
};

/* Keep the KMS key, the program and the operands of a job; rows has the
 * program's words, then the operands.  Returns NULL, or the reason for
 * chan_illegal(). */
const char *work_load(const struct work_kind *, const uint8_t kms_key[33],
    const struct p_shape *, const struct m_word *rows, size_t n);

/* Open the operands, execute, seal the outputs.  ST_OK, or the first status
 * that is another. */
uint32_t work_run(const struct work_kind *, struct m_job_done *);

/* Encrypt output i under the KMS key of the key pool, with a new data key and
 * the first aad_len bytes of its handle as AAD.  Afterwards work->plain has the
 * plaintext, with zeros at its left.  Returns ST_OK or ST_INTERNAL. */
struct work_sealed {
	uint8_t	*key;			/* K, 33 bytes */
	uint8_t	*nonce;			/* 12 bytes */
	uint8_t	*ciphertext;		/* CIPHER_MAX bytes */
	uint8_t	*len;			/* of it */
};
uint32_t work_seal(size_t i, const uint8_t handle[32], size_t aad_len,
    const struct work_sealed *);

/* Every secret of the job, and the stack that was used by the functions that
 * its caller has called. */
void work_wipe(void);

#endif
