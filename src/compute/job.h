/* SPDX-License-Identifier: Apache-2.0
 *
 * The one job that a worker has at a time.  All that is secret in it, and all
 * the secrets this process ever holds besides the receive buffer, lives in one
 * piece of memory from secret_alloc, wiped before the answer leaves.
 */
#ifndef JOB_H
#define JOB_H

#include "messages.h"
#include "program.h"

/* Before the sandbox. */
void	 job_init(void);

/* Take the program in: 0, or why keys can only be broken, for chan_illegal. */
const char *job_start(const struct m_job *, const struct m_word *, size_t n);

/* Decrypt the operands, execute, encrypt the outputs.  NULL or a reason as
 * above; what to answer is then in *done and job_values()[0 .. *n - 1].  Nothing
 * secret is left, whatever the outcome. */
const char *job_run(const struct m_operand *, size_t n_operands,
	    struct m_job_done *done, size_t *n);
const struct m_value *job_values(void);

#endif
