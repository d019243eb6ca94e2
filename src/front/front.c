/* SPDX-License-Identifier: Apache-2.0
 *
 * Start, lock, and the channels to the monitor and keys, of a role that faces a
 * chain's counterparts.  It must never open a file once the role is in its
 * sandbox.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "front.h"
#include "log.h"
#include "proc.h"

#define KEYS_FULL	(4 * 1024 * 1024)	/* below CHAN_QUEUE */

struct front front;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct link {
	struct chan	*c;
	struct event	*read, *write;
} links[2];
#define MONITOR	(&links[0])
#define KEYS	(&links[1])

struct waiting {
	STAILQ_ENTRY(waiting) link;
	enum msg_type	 type;
	size_t		 n_rows;
	unsigned char	 data[];	/* payload, rows */
};
static STAILQ_HEAD(, waiting) outbox = STAILQ_HEAD_INITIALIZER(outbox);

void
front_lock(void)
{
	pthread_mutex_lock(&lock);
}

/* Whoever queued something on a channel, in whichever thread: only the libevent
 * thread can wait for the socket.  event_add wakes it, when there is need. */
void
front_settle(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (links[i].write != NULL && links[i].c->queued != 0)
			event_add(links[i].write, NULL);
	status_note();
}

void
front_unlock(void)
{
	front_settle();
	pthread_mutex_unlock(&lock);
}

/* ---- to keys ----------------------------------------------------------- */

void
front_to_keys(
    enum msg_type type, const void *payload, const void *rows, size_t n_rows)
{
	const struct msg_rule *r = &msg_rules[type];
	struct waiting *w;
	size_t n = n_rows * r->row;

	if (front.keys.fd == -1)
		return;
	if (STAILQ_EMPTY(&outbox) && front.keys.queued < KEYS_FULL) {
		/* A keys that is gone shows when its channel is read. */
		(void)chan_send(&front.keys, type, payload, rows, n_rows, -1);
		return;
	}
	if ((w = malloc(sizeof(*w) + r->payload + n)) == NULL)
		fatal("keys: out of memory");
	w->type = type;
	w->n_rows = n_rows;
	memcpy(w->data, payload, r->payload);
	if (n != 0)
		memcpy(w->data + r->payload, rows, n);
	STAILQ_INSERT_TAIL(&outbox, w, link);
}

static void
outbox_move(void)
{
	struct waiting *w;

	while (front.keys.queued < KEYS_FULL &&
	    (w = STAILQ_FIRST(&outbox)) != NULL) {
		STAILQ_REMOVE_HEAD(&outbox, link);
		(void)chan_send(&front.keys, w->type, w->data,
		    w->data + msg_rules[w->type].payload, w->n_rows, -1);
		free(w);
	}
}

/* ---- the libevent thread ----------------------------------------------- */

static void
keys_lost(void)
{
	struct waiting *w;

	if (front.keys.fd == -1)
		return;
	event_free(KEYS->read);
	event_free(KEYS->write);
	KEYS->write = KEYS->read = NULL;
	chan_close(&front.keys);
	while ((w = STAILQ_FIRST(&outbox)) != NULL) {
		STAILQ_REMOVE_HEAD(&outbox, link);
		free(w);
	}
	front.has_status = 0;
	front_keys_lost();
}

static void
link_lost(struct link *l)
{
	if (l == MONITOR)
		log_exit(0);	/* told to stop, or the monitor is gone */
	keys_lost();
}

static void
on_link(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	int r = 0;

	(void)fd;
	front_lock();
	if (what & EV_WRITE)
		r = chan_flush(l->c);
	if (r != -1 && l == KEYS)
		outbox_move();
	if (r != -1 && (what & EV_READ))
		r = chan_dispatch(l->c, &front.state);
	if (r == -1)
		link_lost(l);
	front_unlock();
}

static void
link_init(struct link *l, struct chan *c)
{
	l->c = c;
	l->read = event_new(
	    front.base, c->fd, EV_READ | EV_PERSIST, on_link, l);
	l->write = event_new(front.base, c->fd, EV_WRITE, on_link, l);
	if (l->read == NULL || l->write == NULL ||
	    event_add(l->read, NULL) == -1)
		fatal("libevent: cannot create an event for %s",
		    role_name(c->peer));
}

void
front_keys_up(int fd)
{
	keys_lost();
	chan_init(&front.keys, fd, monitor.self, R_KEYS, 0);
	link_init(KEYS, &front.keys);
}

/* ---- what the others tell ---------------------------------------------- */

void
front_on_roles(const struct m_roles *r)
{
	if (r->log_dropped > front.roles.log_dropped)
		front.log_dropped_at = now_unix();
	front.roles = *r;
}

void
front_on_status(const struct m_status *s)
{
	front.status = *s;
	front.has_status = 1;
}

void
front_on_workers(const struct msg *m)
{
	memcpy(front.workers, m->rows, m->n_rows * sizeof(front.workers[0]));
	front.n_workers = m->n_rows;
}

void
front_on_endpoints(const struct msg *m)
{
	front.endpoints = *(const struct m_endpoints *)m->payload;
	memcpy(front.endpoint, m->rows, m->n_rows * sizeof(front.endpoint[0]));
	front.n_endpoints = m->n_rows;
}

/* ---- start ------------------------------------------------------------- */

void
front_init(const struct m_start *start)
{
	front.conf = start->conf;
	front.chain = &front.conf.chains[start->index];
	front.state = S_SERVING;
	front.started = now_ms();
	front.keys.fd = -1;
	tls_init(&front.conf);
	if ((front.base = event_base_new()) == NULL)
		fatal("libevent: cannot start");
}

void
front_listen(void)
{
	if (front.chain->http_listen[0] != '\0')
		http_listen(front.chain->http_listen);
	if (front.chain->control_socket[0] != '\0')
		control_listen(
		    front.chain->control_socket, front.conf.control_gid);
}

void
front_start(void)
{
	link_init(MONITOR, &monitor);
	certificate_start();
}
