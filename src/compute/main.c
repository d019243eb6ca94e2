/* SPDX-License-Identifier: Apache-2.0
 *
 * compute: the worker that sees plaintext.  It opens nothing, has no peer but
 * keys, and holds the secrets of one task at a time; between tasks it makes
 * data keys for later outputs (keypool.h).  It exits when keys or the monitor
 * closes its channel, and after a fixed number of jobs.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "chan.h"
#include "clock.h"
#include "ecies.h"
#include "handlers.h"
#include "job.h"
#include "keypool.h"
#include "log.h"
#include "nox.h"
#include "proc.h"
#include "rsa.h"
#include "secp.h"
#include "secret.h"

#define RSA_POLL	1000	/* ms, between two looks whether a key is due */

static struct chan keys;
static int has_rsa;		/* a chain has Nox v0 */
static uint32_t jobs;		/* as many as this process takes */

/* Another RSA key, unless it would be for no job. */
static int
wants_rsa(void)
{
	return has_rsa && jobs_done < jobs && rsa_is_due(now_ms());
}

/* A data key for a later job of this process? */
static int
wants_key(void)
{
	return state == S_IDLE && jobs_done < jobs && keypool_has_room();
}

static void
tell_rsa(void)
{
	struct m_rsa_key m;

	rsa_public(&m);
	(void)chan_send(&keys, M_RSA_KEY, &m, NULL, 0, -1);
}

static void
renew_rsa(void)
{
	rsa_key_new(now_ms());
	tell_rsa();
}

/* How long poll(2) may wait: -1, without end. */
static int
patience(void)
{
	if (wants_key() || wants_rsa())
		return 0;
	return has_rsa ? RSA_POLL : -1;
}

/* Wait until a channel is readable, or writable if output is queued.  Make data
 * keys ahead in the meantime, and look for a message before each. */
static void
wait_for_any(void)
{
	struct pollfd p[2] = {
		{ .fd = monitor.fd, .events = POLLIN },
		{ .fd = keys.fd, .events = POLLIN },
	};
	int n;

	if (monitor.queued > 0)
		p[0].events |= POLLOUT;
	if (keys.queued > 0)
		p[1].events |= POLLOUT;
	while ((n = poll(p, 2, patience())) == 0)
		if (wants_rsa())
			renew_rsa();
		else if (wants_key())
			job_prepare();
	if (n == -1 && errno != EINTR)
		fatal("poll: %s", strerror(errno));
}

/* -1 if one of the channels was closed. */
static int
serve(void)
{
	if (chan_flush(&monitor) == -1 || chan_flush(&keys) == -1 ||
	    chan_dispatch(&monitor, &state) == -1 ||
	    chan_dispatch(&keys, &state) == -1)
		return -1;
	return 0;
}

static int
serves_nox(const struct conf *c)
{
	uint32_t i;

	for (i = 0; i < c->n_chains; i++)
		if (c->chains[i].protocol == PROTOCOL_NOX)
			return 1;
	return 0;
}

int
main(void)
{
	static struct m_start start;
	uint8_t seed[32];

	proc_start(R_COMPUTE, &start);
	chan_init(&keys, PROC_KEYS_FD, R_COMPUTE, R_KEYS, 0);
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		fatal("getrandom: %s", strerror(errno));
	secp_init(seed);
	secret_wipe(seed, sizeof(seed));
	ecies_init();
	job_init();

	if ((has_rsa = serves_nox(&start.conf)))
		nox_init(now_ms());

	proc_sandbox(R_COMPUTE, &start);
	state = S_IDLE;
	jobs = proc_worker_jobs(&start.conf, start.index);
	if (has_rsa)
		tell_rsa();
	while (serve() == 0) {
		/* keys sends no further job, and the monitor starts the next
		 * worker. */
		if (jobs_done >= jobs && keys.queued == 0) {
			if (jobs > 1)
				log_info("retired after %u tasks", jobs);
			break;
		}
		wait_for_any();
	}
	keypool_wipe();
	if (has_rsa)
		rsa_wipe();
	log_exit(0);
}
