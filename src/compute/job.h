/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's one job.  All secrets of this process, except those in the
 * receive buffer, are in one allocation from secret_alloc, which is wiped
 * before the answer is sent.
 */
#ifndef JOB_H
#define JOB_H

#include "messages.h"
#include "program.h"

/* Call before the sandbox is entered. */
void job_init(void);

/* Load the program.  Returns 0, or the reason for chan_illegal(): keys checked
 * all this, so an error means that keys is broken. */
const char *job_start(const struct m_job *, const struct m_word *, size_t n);

/* Decrypt the operands, execute, encrypt the outputs.  Returns NULL or a reason
 * as above; the answer is in *done and job_values()[0 .. *n - 1].  No secret is
 * left in memory, whatever the outcome. */
const char *job_run(const struct m_operand *, size_t n_operands,
    struct m_job_done *done, size_t *n);
const struct m_value *job_values(void);

#endif
