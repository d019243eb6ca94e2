/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys role: start-up as a checklist, then one poll(2) loop over fixed-size
 * records.  It never blocks, forks, opens a file or reaches a network.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "hex.h"
#include "keys.h"
#include "log.h"
#include "proc.h"

/* ---- the loop ---------------------------------------------------------- */

#define CHANS_MAX	(2 + 3 * CONF_CHAINS + WORKERS_MAX)

/* Every channel, in the order in which they are served: workers before net, so
 * that what is under way ends before more comes in. */
static size_t
keys_chans(struct chan *list[CHANS_MAX])
{
	struct chain *ch = keys.chains, *end = ch + keys.conf.n_chains;
	size_t i, n = 0;

	list[n++] = &monitor;
	for (i = 0; i < WORKERS_MAX; i++)
		list[n++] = &keys.workers[i].chan;
	list[n++] = &keys.evidence;
	for (; ch < end; ch++) {
		list[n++] = &ch->tls;
		list[n++] = &ch->registry;
		list[n++] = &ch->net;
	}
	return n;
}

static void
keys_serve(struct chan *c)
{
	/* task.c refuses by status what the chain's state forbids. */
	static const enum state state = S_SERVING;

	if (chan_flush(c) != -1 && chan_dispatch(c, &state) != -1)
		return;
	if (c == &monitor)
		log_exit(0);	/* told to stop, or the monitor is gone */
	if (!c->is_broken)	/* see keys_sweep() */
		keys_peer_lost(c);
}

/* Those that broke the protocol or do not read, found at whatever time. */
static void
keys_sweep(struct chan **list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i]->fd != -1 && list[i]->is_broken)
			keys_peer_cut(list[i]);
}

/* What an operator needs to see which of both is the limit. */
static void
keys_measure_load(uint64_t elapsed)
{
	static uint64_t last_keys, last_workers;
	uint64_t workers = 0;
	struct m_status *s;
	size_t i;

	for (i = 0; i < WORKERS_MAX; i++)
		workers += keys.workers[i].busy;
	for (i = 0; i < keys.conf.n_chains; i++) {
		s = &keys.chains[i].status;
		s->keys_busy = keys.busy;
		s->workers_busy_time = workers;
		s->keys_load = (uint32_t)((keys.busy - last_keys) * 100 /
		    elapsed);
		s->workers_load = (uint32_t)((workers - last_workers) * 100 /
		    (elapsed * keys.conf.workers));
	}
	last_keys = keys.busy;
	last_workers = workers;
}

static void
keys_send_endpoints(void)
{
	struct chain *ch = keys.chains;

	for (; ch < keys.chains + keys.conf.n_chains; ch++) {
		if (!ch->endpoints_due || ch->net.fd == -1)
			continue;
		ch->endpoints_due = 0;
		chan_send(&ch->net, M_ENDPOINTS_SEEN, &ch->endpoints,
		    ch->endpoint, ch->n_endpoints, -1);
	}
}

static void
keys_tick(void)
{
	static uint64_t last;
	uint64_t now = now_ms();

	if (now - last >= 1000) {
		keys_measure_load(now - last);
		last = now;
		job_tick();
		job_send_workers();
		keys_send_endpoints();
		task_tick();
		tally_tick();
		trust_changed();
	}
	if (trust_has_changed())
		trust_tick();
}

/* `workers' was lowered: close the channels of those above it that are idle.
 * They exit.  The others finish their tasks first. */
static void
keys_end_workers(void)
{
	size_t i;

	for (i = keys.conf.workers; i < WORKERS_MAX; i++)
		if (job_is_idle(&keys.workers[i]))
			keys_peer_lost(&keys.workers[i].chan);
}

static void
keys_send_status(struct chain *ch)
{
	struct m_status *s = &ch->status;
	size_t i;

	if (!ch->status_due || ch->net.fd == -1)
		return;
	ch->status_due = 0;
	s->state = ch->state;
	memcpy(s->runner, sign_address(ch), 20);
	s->workers_idle = s->workers_busy = 0;
	for (i = 0; i < WORKERS_MAX; i++) {
		s->workers_busy += keys.workers[i].n_jobs != 0;
		s->workers_idle += (uint32_t)job_is_idle(&keys.workers[i]);
	}
	chan_send(&ch->net, M_STATUS, s, NULL, 0, -1);
}

static void
keys_loop(void)
{
	struct chan *list[CHANS_MAX];
	struct pollfd pfd[CHANS_MAX];
	size_t i, n = keys_chans(list);
	uint64_t awake = now_ms(), now;

	for (;;) {
		for (i = 0; i < n; i++) {
			pfd[i].fd = list[i]->fd;
			pfd[i].events = POLLIN;
			if (list[i]->queued != 0)
				pfd[i].events |= POLLOUT;
			pfd[i].revents = 0;
		}
		now = now_ms();
		keys.busy += now - awake;
		if (poll(pfd, n, 1000) == -1 && errno != EINTR)
			fatal("poll: %s", strerror(errno));
		awake = now_ms();
		for (i = 0; i < n; i++)
			/* A handler may have replaced or lost this one. */
			if (pfd[i].revents != 0 && list[i]->fd == pfd[i].fd)
				keys_serve(list[i]);
		keys_end_workers();	/* before they get a task */
		job_work();
		keys_tick();
		keys_sweep(list, n);
		task_reap();
		for (i = 0; i < keys.conf.n_chains; i++)
			keys_send_status(&keys.chains[i]);
	}
}

static void
log_identities(void)
{
	const struct chain *ch = keys.chains;
	int is_told = 0;
	char runner[41];

	for (; ch < keys.chains + keys.conf.n_chains; ch++) {
		hex_encode(runner, sign_address(ch), 20);
		if (ch->conf->protocol == PROTOCOL_NOX)
			log_info("%swallet of nox-key, runner address 0x%s",
			    ch->tag, runner);
		else if (!is_told++)
			log_info("generated identity key, runner address 0x%s",
			    runner);
	}
}

int
main(int argc, char **argv)
{
	static struct m_start start;

	if (argc > 1 && strcmp(argv[1], "-t") == 0)
		keys_check(argv + 2);
	proc_start(R_KEYS, &start);
	keys_init(&start.conf);

	tls_init(keys.conf.tls_key);
	sign_init(keys.conf.nox_key);
	replay_init();
	facts_init();
	gas_init(keys.conf.gas_key);
	publish_init();
	trust_init();
	job_init();
	nox_init();
	proc_sandbox(R_KEYS, &start);

	log_identities();
	keys_loop();
}
