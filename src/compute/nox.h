/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's one job, of a chain with Nox v0.  It differs from job.h: an
 * operand's shared secret comes encrypted to the worker's RSA key (rsa.h), the
 * encryption of values has no AAD, a result has a tag, and the program follows
 * the rules of program_check_nox().
 *
 * Nothing in this protocol binds a ciphertext to its handle.  keys checks that
 * the Gateway has signed both.
 */
#ifndef NOX_H
#define NOX_H

#include "messages.h"

/* Call before the sandbox is entered, after job_init(). */
void nox_init(uint64_t now_ms);

/* A job, with its program and operands.  Returns NULL, or the reason for
 * chan_illegal(): keys checked all this, so an error means that keys is
 * broken. */
const char *nox_start(
    const struct m_nox_job *, const struct m_word *rows, size_t n);

/* Decrypt the operands, execute, encrypt the outputs.  The answer is in *done
 * and nox_values()[0 .. *n - 1].  ST_GRANT_INVALID: the secret of
 * done->operand does not open, or it is for a key that this worker no longer
 * has.  ST_OPERAND_MALFORMED: done->operand does not decrypt.  No secret of the
 * job is left in memory, whatever the outcome. */
void nox_run(struct m_job_done *done, size_t *n);
const struct m_nox_value *nox_values(void);

#endif
