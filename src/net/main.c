/* SPDX-License-Identifier: Apache-2.0
 *
 * The net role: start-up as a checklist, the lock of its two threads, and the
 * libevent thread with the channels to the monitor and keys.  It must never
 * open a file or execute anything once it is in its sandbox.
 */
#include <errno.h>
#include <event2/thread.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "net.h"
#include "proc.h"

#define KEYS_FULL	(4 * 1024 * 1024)	/* below CHAN_QUEUE */

struct net net;

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
net_lock(void)
{
	pthread_mutex_lock(&lock);
}

/* Whoever queued something on a channel, in whichever thread: only the libevent
 * thread can wait for the socket.  event_add wakes it, when there is need. */
void
net_unlock(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (links[i].write != NULL && links[i].c->queued != 0)
			event_add(links[i].write, NULL);
	status_note();
	pthread_mutex_unlock(&lock);
}

/* ---- to keys ----------------------------------------------------------- */

void
net_to_keys(
    enum msg_type type, const void *payload, const void *rows, size_t n_rows)
{
	const struct msg_rule *r = &msg_rules[type];
	struct waiting *w;
	size_t n = n_rows * r->row;

	if (net.keys.fd == -1)
		return;
	if (STAILQ_EMPTY(&outbox) && net.keys.queued < KEYS_FULL) {
		/* A keys that is gone shows when its channel is read. */
		(void)chan_send(&net.keys, type, payload, rows, n_rows, -1);
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

	while (net.keys.queued < KEYS_FULL &&
	    (w = STAILQ_FIRST(&outbox)) != NULL) {
		STAILQ_REMOVE_HEAD(&outbox, link);
		(void)chan_send(&net.keys, w->type, w->data,
		    w->data + msg_rules[w->type].payload, w->n_rows, -1);
		free(w);
	}
}

/* ---- the libevent thread ----------------------------------------------- */

static void
link_lost(struct link *l)
{
	if (l == MONITOR)
		log_exit(0);	/* told to stop, or the monitor is gone */
	net_keys_lost();
}

static void
on_link(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	int r = 0;

	(void)fd;
	net_lock();
	if (what & EV_WRITE)
		r = chan_flush(l->c);
	if (r != -1 && l == KEYS)
		outbox_move();
	if (r != -1 && (what & EV_READ))
		r = chan_dispatch(l->c, &net.state);
	if (r == -1)
		link_lost(l);
	net_unlock();
}

static void
link_init(struct link *l, struct chan *c)
{
	l->c = c;
	l->read = event_new(net.base, c->fd, EV_READ | EV_PERSIST, on_link, l);
	l->write = event_new(net.base, c->fd, EV_WRITE, on_link, l);
	if (l->read == NULL || l->write == NULL ||
	    event_add(l->read, NULL) == -1)
		fatal("libevent: cannot create an event for %s",
		    role_name(c->peer));
}

void
net_keys_lost(void)
{
	struct waiting *w;

	if (net.keys.fd == -1)
		return;
	event_free(KEYS->read);
	event_free(KEYS->write);
	KEYS->write = KEYS->read = NULL;
	chan_close(&net.keys);
	while ((w = STAILQ_FIRST(&outbox)) != NULL) {
		STAILQ_REMOVE_HEAD(&outbox, link);
		free(w);
	}
	net.has_status = 0;
	/* The remaining batches belong to an identity that is gone. */
	batch_forget_all();
	session_stop("keys has ended");
}

void
net_keys_up(int fd)
{
	net_keys_lost();
	chan_init(&net.keys, fd, R_NET, R_KEYS, 0);
	link_init(KEYS, &net.keys);
}

/* ---- start ------------------------------------------------------------- */

int
main(int argc, char **argv)
{
	static struct m_start start;

	if (argc > 1 && strcmp(argv[1], "-t") == 0)
		net_check(argv + 2);
	proc_start(R_NET, &start);
	net.conf = start.conf;
	net.chain = &net.conf.chains[start.index];
	net.state = S_SERVING;
	net.started = now_ms();
	net.keys.fd = -1;

	/* Arenas for each of gRPC's threads would only cost address space; and
	 * when glibc shrinks one, it opens /proc/sys/vm/overcommit_memory. */
	mallopt(M_ARENA_MAX, 1);
	tls_init(&net.conf);
	if (evthread_use_pthreads() == -1 ||
	    (net.base = event_base_new()) == NULL)
		fatal("libevent: cannot start");
	session_init();
	gateway_init();
	if (net.chain->http_listen[0] != '\0')
		http_listen(net.chain->http_listen);
	if (net.chain->control_socket[0] != '\0')
		control_listen(net.chain->control_socket, net.conf.control_gid);
	rpc_warm();
	proc_sandbox(R_NET, &start);

	link_init(MONITOR, &monitor);
	rpc_start();
	certificate_start();
	net_lock();
	gateway_start();
	net_unlock();
	event_base_dispatch(net.base);
	fatal("libevent: the loop has ended");
}
