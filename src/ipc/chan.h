/* SPDX-License-Identifier: Apache-2.0
 *
 * One end of a channel between two roles: a SOCK_SEQPACKET socketpair, one
 * record is one message of proto/messages.def.  Every role uses it.  Nothing
 * reaches a handler that msg_legal() did not pass.  An illegal message means
 * that the peer is broken or hostile.  The monitor and keys outlive it: they
 * close the channel and the monitor ends the peer.  Every other role exits.
 */
#ifndef CHAN_H
#define CHAN_H

#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct chan_out;

struct chan {
	int		 fd;		/* -1: closed */
	int		 is_broken;	/* the peer broke the protocol: close
					 * it */
	enum role	 self, peer;
	uint32_t	 index;		/* which of several peers of that
					 * role */
	struct chan_out	*head, **tail;	/* what the socket did not take yet */
	size_t		 queued;	/* bytes in that list */
};

/* A message as a handler gets it.  `payload' and `rows' have exactly the
 * sizes of the message's row in the table; both are valid until the handler
 * returns. */
struct msg {
	enum msg_type	 type;
	const void	*payload;
	const void	*rows;
	size_t		 n_rows;
	int		 fd;		/* the handler's to close; -1: none */
};

/* The rule of each message, expanded from the table. */
struct msg_rule {
	const char	*name;
	uint32_t	 from, to, states;	/* masks of enum role, enum
						 * state */
	size_t		 payload, row, rows;	/* sizes, and the most rows */
	int		 fds;
};
extern const struct msg_rule msg_rules[M_TYPES];

const char *role_name(uint32_t role);	/* "keys"; "?" for no role */

/* SHA-free fingerprint of the table: FNV-1a over every field of every rule,
 * so that a child built from another table refuses to run.  out: 32 bytes. */
void msg_table_hash(uint8_t out[32]);

/* May `to', in `state', take from `from' a message of `type' with `len' bytes
 * after the header and `nfds' descriptors?  1 or 0; total over all inputs. */
int msg_legal(uint32_t from, uint32_t to, uint32_t state, uint32_t type,
    size_t len, int nfds);

/* A channel on `fd', which becomes non-blocking and the channel's own. */
void chan_init(
    struct chan *, int fd, enum role self, enum role peer, uint32_t index);
void chan_close(struct chan *);

/* Both ends of a new channel, non-blocking: 0, or -1 with errno.  For the
 * monitor and for tests. */
int chan_pair(int fd[2]);

/* Send: 0, or -1 if the peer is gone (EPIPE, ECONNRESET) or the channel is
 * closed or broken.  If the socket is full, the message is queued.  A peer that
 * leaves more than CHAN_QUEUE bytes queued does not read: that is a fault, as
 * with chan_fault().  fd: -1, or a descriptor; the caller keeps it. */
#define CHAN_QUEUE	(8 * 1024 * 1024)
int chan_send(struct chan *, enum msg_type, const void *payload,
    const void *rows, size_t n_rows, int fd);

/* The same for a secret, which is never queued on the heap: 1 if it was sent, 0
 * if something is queued or the socket is full, or -1 as above. */
int chan_try(struct chan *, enum msg_type, const void *payload,
    const void *rows, size_t n_rows);

/* Write out what is queued; 1 while something stays queued, 0, or -1 as above.
 * Call it when the socket is writable, and poll for that while it returns 1. */
int chan_flush(struct chan *);

/* Receive one message into *m and check it against the table for a receiver in
 * `state'. 1: *m is set; 0: nothing there; -1: the peer has closed, or the
 * channel is broken.  An illegal message is a fault, as with chan_fault().  The
 * record lives in one static buffer of the process, wiped by chan_wipe(); so
 * only one thread may receive, or it must hold a lock. */
int chan_recv(struct chan *, enum state, struct msg *m);

/* The role's log lines go to the monitor on this channel from now on
 * (log.h). */
void chan_log(struct chan *);

/* Zero the static receive buffer, as far as it was written. */
void chan_wipe(void);

/* A role's handlers; NULL: it does not receive that message.  See
 * dispatch.h. */
typedef void	 (*msg_handler)(struct chan *, const struct msg *);
extern const msg_handler handlers[M_TYPES];

/* Receive and dispatch until nothing is left: 0, or -1 when the peer closed or
 * the channel is broken.  `state' is read again for each message. */
int chan_dispatch(struct chan *, const enum state *state);

/* The peer breaks the protocol in a way that the table cannot see: log one
 * line "PEER: illegal MESSAGE: why" and set is_broken.  Returns in the
 * monitor, and in keys unless the peer is the monitor; the caller must
 * return too, and who dispatches closes the channel.  In every other role it
 * exits with status 1. */
void chan_fault(struct chan *, enum msg_type, const char *why);
/* The same for a role that does not outlive it. */
_Noreturn void chan_illegal(struct chan *, enum msg_type, const char *why);

#endif
