/* SPDX-License-Identifier: Apache-2.0
 *
 * The nox role: start-up as a checklist, and what the operator's side of it
 * (src/front) wants of it.  It must never open a file or execute anything once
 * it is in its sandbox.
 */
#include <jansson.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"
#include "nox.h"
#include "proc.h"

static char *evidence;		/* malloc */
static size_t n_evidence;

void
front_keys_lost(void)
{
	delivery_keys_lost();
	stream_update();
}

void
front_renewed(int has_expired)
{
	(void)has_expired;
	stream_renewed();
}

void
front_matched(void)
{
	stream_renewed();
}

void
front_pause(void)
{
	front.is_paused = 1;
	stream_update();
}

void
front_resume(void)
{
	front.is_paused = 0;
	stream_update();
}

void
front_evidence(struct evbuffer *out)
{
	evbuffer_add(out, evidence, n_evidence);
}

void
nox_keep_evidence(const struct m_register *m, int fd)
{
	char *p = malloc(m->evidence_size + 1);

	if (p == NULL ||
	    pread(fd, p, m->evidence_size, 0) != (ssize_t)m->evidence_size) {
		free(p);
		return;
	}
	free(evidence);
	evidence = p;
	n_evidence = m->evidence_size;
}

int
main(void)
{
	static struct m_start start;
	unsigned seed;

	proc_start(R_NOX, &start);
	front_init(&start);
	web_init(&front.conf);
	stream_init();
	gateway_init();
	front_listen();
	/* Seed jansson's hash tables now: later it would have to open
	 * /dev/urandom. */
	json_object_seed(0);
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		fatal("no randomness");
	srandom(seed);
	proc_sandbox(R_NOX, &start);

	front_start();
	event_base_dispatch(front.base);
	fatal("libevent: the loop has ended");
}
