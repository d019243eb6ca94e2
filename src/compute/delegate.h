/* SPDX-License-Identifier: Apache-2.0
 *
 * From the seals of a quorum of KMS nodes to the data keys of one job
 * (proto/VALUES.md).
 */
#ifndef DELEGATE_H
#define DELEGATE_H

#include "messages.h"

/* Call before the sandbox is entered. */
void delegate_init(void);

/* A job's keys.  Returns NULL, or the reason for chan_illegal(), as the
 * functions below do. */
const char *delegate_start(const struct m_job *);
/* The next seal, with its partials: one for each of the job's n inputs. */
const char *delegate_seal(
    const struct m_job_seal *, const struct m_partial *, size_t n);
/* Have all seals come?  1 or 0. */
int delegate_is_complete(void);

/* Open the seals, which erases the ephemeral key: ST_OK, or ST_KMS_NODE_FAULT
 * and in *done at whose fault. */
uint32_t delegate_open(struct m_job_done *done);
/* The data key of operand j: as above, or as delegate_blame() says. */
uint32_t delegate_key(
    const struct m_value *, uint32_t j, uint8_t key[32], struct m_job_done *);
/* Operand j does not decrypt.  Check the nodes' proofs: a node's fault or a
 * quorum's (ST_KMS_NODE_FAULT), the Gateway's (ST_GRANT_INVALID), or the
 * operand's (ST_OPERAND_MALFORMED). */
uint32_t delegate_blame(
    const struct m_value *, uint32_t j, struct m_job_done *);
/* Every secret. */
void delegate_wipe(void);

#endif
