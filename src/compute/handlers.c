/* SPDX-License-Identifier: Apache-2.0
 *
 * compute's messages: a JOB, then its JOB_SEALs, then the answer JOB_DONE; or a
 * NOX_JOB, then the answer NOX_DONE.  The message table, `state' and job.c
 * enforce this order.  Any other error in these messages is fatal, and the
 * monitor starts another worker.
 */
#include "chan.h"
#include "handlers.h"
#include "job.h"
#include "log.h"
#include "nox.h"

#define SELF R_COMPUTE
#include "dispatch.h"

enum state state = S_INIT;
uint32_t jobs_done;

/* proc_start() consumed the only legal START. */
ON(START)
{
	chan_illegal(c, m->type, "started already");
}

/* The only peer, keys, is on fd 4 from the start and cannot be replaced. */
ON(PEER)
{
	chan_illegal(c, m->type, "a worker has no other peer");
}

ON(LOG_LEVEL)
{
	const struct m_log_level *l = m->payload;

	log_level((int)l->level);
}

static void
finish_if_complete(struct chan *c)
{
	struct m_job_done done;
	size_t n;

	if (!job_is_complete())
		return;
	job_run(&done, &n);
	state = S_IDLE;
	jobs_done++;
	if (chan_send(c, M_JOB_DONE, &done, job_values(), n, -1) == -1)
		log_debug("job %u: keys closed the channel", done.job);
}

ON(JOB)
{
	const char *why = job_start(m->payload, m->rows, m->n_rows);

	chan_wipe();		/* it still holds the ephemeral key */
	if (why != NULL)
		chan_illegal(c, M_JOB, why);
	state = S_SERVING;
	finish_if_complete(c);
}

/* All of it is in one message. */
ON(NOX_JOB)
{
	const char *why = nox_start(m->payload, m->rows, m->n_rows);
	struct m_job_done done;
	size_t n;

	if (why != NULL)
		chan_illegal(c, M_NOX_JOB, why);
	nox_run(&done, &n);
	jobs_done++;
	if (chan_send(c, M_NOX_DONE, &done, nox_values(), n, -1) == -1)
		log_debug("job %u: keys closed the channel", done.job);
}

ON(JOB_SEAL)
{
	const char *why = job_seal(m->payload, m->rows, m->n_rows);

	if (why != NULL)
		chan_illegal(c, m->type, why);
	finish_if_complete(c);
}
