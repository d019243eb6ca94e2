/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's one job.  All secrets of this process, except those in the
 * receive buffer, are in memory from secret_alloc(), which is wiped before the
 * answer is sent, except the data keys that are made ahead (keypool.h).
 */
#ifndef JOB_H
#define JOB_H

#include "messages.h"
#include "program.h"

/* Call before the sandbox is entered. */
void job_init(void);

/* A job comes in parts: the program with keys and operands, then the seals.
 * Each function returns NULL, or the reason for chan_illegal(): keys checked
 * all this, so an error means that keys is broken. */
const char *job_start(const struct m_job *, const struct m_word *, size_t n);
const char *job_seal(
    const struct m_job_seal *, const struct m_partial *, size_t n);
/* Have all parts come?  1 or 0. */
int job_is_complete(void);

/* Derive the data keys, decrypt the operands, execute, encrypt the outputs.
 * The answer is in *done and job_values()[0 .. *n - 1].  No secret of
 * the job is left in memory, whatever the outcome. */
void job_run(struct m_job_done *done, size_t *n);
const struct m_value *job_values(void);

/* Between jobs, if keypool_has_room(): make a data key for a later output. */
void job_prepare(void);

#endif
