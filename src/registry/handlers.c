/* SPDX-License-Identifier: Apache-2.0
 *
 * registry's messages: PEER from the monitor, RUNNER and TX from keys, FACTS to
 * keys.  Must never send anything else.
 */
#include <string.h>

#include "handlers.h"
#include "log.h"
#include "proc.h"
#include "registry.h"

#define SELF R_REGISTRY
#include "dispatch.h"

struct link {
	struct chan	*chan;
	struct event	*readable, *writable;
};

static struct event_base *base;
static struct chan keys = { .fd = -1 };
static struct link to_monitor = { .chan = &monitor };
static struct link to_keys = { .chan = &keys };
static const enum state state = S_SERVING;

static void
unlink_peer(struct link *l)
{
	if (l == &to_monitor)
		log_exit(0);	/* the monitor ended, or wants us to end */
	event_free(l->readable);
	event_free(l->writable);
	l->readable = l->writable = NULL;
	chan_close(l->chan);
}

static void
flush(struct link *l)
{
	const int r = chan_flush(l->chan);

	if (r < 0)
		unlink_peer(l);
	else if (r > 0)
		event_add(l->writable, NULL);
}

static void
on_readable(int fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (chan_dispatch(l->chan, &state) != 0)
		unlink_peer(l);
	flush(&to_monitor);	/* log lines */
}

static void
on_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

static void
link_peer(struct link *l)
{
	l->readable = event_new(
	    base, l->chan->fd, EV_READ | EV_PERSIST, on_readable, l);
	l->writable = event_new(base, l->chan->fd, EV_WRITE, on_writable, l);
	if (l->readable == NULL || l->writable == NULL ||
	    event_add(l->readable, NULL) != 0)
		fatal("cannot watch a channel");
}

/* proc_start() consumed the only legal START. */
ON(START)
{
	chan_illegal(c, m->type, "started already");
}

ON(PEER)
{
	static const struct m_runner nobody;
	const struct m_peer *peer = m->payload;

	if (peer->role != R_KEYS)
		chan_illegal(c, m->type, "not a peer of registry");
	if (to_keys.readable != NULL)
		unlink_peer(&to_keys);
	chan_init(&keys, m->fd, R_REGISTRY, R_KEYS, peer->index);
	link_peer(&to_keys);
	/* A restarted keys may have another identity. */
	registry_runner(&nobody);
}

ON(LOG_LEVEL)
{
	const struct m_log_level *l = m->payload;

	log_level((int)l->level);
}

ON(PING)
{
	proc_pong(c);
}

ON(RUNNER)
{
	registry_runner(m->payload);
}

ON(TX)
{
	const struct m_tx *tx = m->payload;

	if (tx->size == 0 || tx->size > m->n_rows * sizeof(struct m_word))
		chan_illegal(c, m->type, "size");
	registry_tx(tx, m->rows);
}

static void
to_keys_send(
    enum msg_type type, const void *payload, const void *rows, size_t n)
{
	flush(&to_monitor);	/* log lines */
	if (to_keys.readable == NULL)
		return;
	if (chan_send(&keys, type, payload, rows, n, -1) != 0)
		unlink_peer(&to_keys);
	else
		flush(&to_keys);
}

void
handlers_endpoints(
    const struct m_endpoints *m, const struct m_endpoint *rows, size_t n)
{
	to_keys_send(M_ENDPOINTS, m, rows, n);
}

void
handlers_facts(const struct m_facts *facts)
{
	to_keys_send(M_FACTS, facts, NULL, 0);
}

void
handlers_init(struct event_base *b)
{
	base = b;
	link_peer(&to_monitor);
}
