/* SPDX-License-Identifier: Apache-2.0
 *
 * Send, receive, check against the table.  Linked into every role; must never
 * believe a length, a sender or a count that the kernel did not tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chan.h"
#include "log.h"

const struct msg_rule msg_rules[M_TYPES] = {
#define MSG(name, from, to, states, payload, row, rows, fds)		\
	[M_##name] = { #name, (from), (to), (states), sizeof(payload),	\
	    sizeof(row), (rows), (fds) },
#include "messages.def"
#undef MSG
};

static const char *const role_names[ROLE_BITS] = {
	"monitor",
	"net",
	"tls",
	"registry",
	"keys",
	"evidence",
	"compute",
	"nox",
};
_Static_assert(R_CHILDREN >> ROLE_BITS == 0, "ROLE_BITS");

struct chan_out {
	struct chan_out	*next;
	int		 fd;
	size_t		 len;
	unsigned char	 data[];
};

static union {
	struct msg_hdr	 hdr;
	unsigned char	 b[MSG_MAX];
	uint64_t	 align;
} in;
static size_t in_used;		/* how far it was ever written since wiped */

const char *
role_name(uint32_t role)
{
	size_t i;

	for (i = 0; i < ROLE_BITS; i++)
		if (role == 1u << i)
			return role_names[i];
	return "?";
}

void
msg_table_hash(uint8_t out[32])
{
	uint64_t h[4];
	const unsigned char *s;
	size_t i, j, k;

	for (k = 0; k < 4; k++)
		h[k] = 0xcbf29ce484222325 + k;
	for (i = 1; i < M_TYPES; i++) {
		const struct msg_rule *r = &msg_rules[i];
		const uint64_t f[] = { i, r->from, r->to, r->states, r->payload,
			r->row, r->rows, (uint64_t)r->fds };

		for (k = 0; k < 4; k++) {
			for (s = (const unsigned char *)r->name; *s; s++)
				h[k] = (h[k] ^ *s) * 0x100000001b3;
			s = (const unsigned char *)f;
			for (j = 0; j < sizeof(f); j++)
				h[k] = (h[k] ^ s[j]) * 0x100000001b3;
		}
	}
	memcpy(out, h, 32);
}

static int
is_one_bit(uint32_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

int
msg_legal(uint32_t from, uint32_t to, uint32_t state, uint32_t type, size_t len,
    int nfds)
{
	const struct msg_rule *r;

	if (type == M_NONE || type >= M_TYPES)
		return 0;
	r = &msg_rules[type];
	if (!is_one_bit(from) || !is_one_bit(to) || !is_one_bit(state) ||
	    !(r->from & from) || !(r->to & to) || !(r->states & state) ||
	    nfds != r->fds || len < r->payload)
		return 0;
	len -= r->payload;
	if (r->row == 0)
		return len == 0;
	return len % r->row == 0 && len / r->row <= r->rows;
}

void
chan_init(
    struct chan *c, int fd, enum role self, enum role peer, uint32_t index)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal("channel to %s: descriptor %d: %s", role_name(peer), fd,
		    strerror(errno));
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->index = index;
	c->tail = &c->head;
}

static void
out_free(struct chan *c)
{
	struct chan_out *o = c->head;

	if ((c->head = o->next) == NULL)
		c->tail = &c->head;
	c->queued -= o->len;
	if (o->fd != -1)
		close(o->fd);
	explicit_bzero(o->data, o->len);
	free(o);
}

void
chan_close(struct chan *c)
{
	while (c->head != NULL)
		out_free(c);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}

/* 1: sent, 0: the socket is full, -1: the peer is gone. */
static int
send_record(struct chan *c, struct iovec *iov, size_t n, int fd)
{
	union {
		struct cmsghdr	hdr;
		unsigned char	b[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = n };
	struct cmsghdr *cm;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = control.b;
		mh.msg_controllen = sizeof(control.b);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	while (sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) == -1) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return 0;
		if (errno == EPIPE || errno == ECONNRESET)
			return -1;
		fatal("channel to %s: sendmsg: %s", role_name(c->peer),
		    strerror(errno));
	}
	return 1;
}

/* keys must survive the net of one chain, and the monitor every child. */
static int
outlives(const struct chan *c)
{
	return c->self == R_MONITOR ||
	    (c->self == R_KEYS && c->peer != R_MONITOR);
}

static void
fault(struct chan *c, const char *what, const char *why)
{
	static int depth;

	/* The log may go through this very channel. */
	if (depth++ == 0 && !c->is_broken)
		log_err("%s: %s%s", role_name(c->peer), what, why);
	depth--;
	if (!outlives(c))
		log_exit(1);
	c->is_broken = 1;
}

void
chan_fault(struct chan *c, enum msg_type type, const char *why)
{
	char what[64];

	snprintf(what, sizeof(what), "illegal %s: ",
	    type > M_NONE && type < M_TYPES ? msg_rules[type].name : "message");
	fault(c, what, why);
}

void
chan_illegal(struct chan *c, enum msg_type type, const char *why)
{
	chan_fault(c, type, why);
	log_exit(1);
}

static int
enqueue(struct chan *c, const struct iovec *iov, size_t n, int fd)
{
	struct chan_out *o;
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (len > CHAN_QUEUE - c->queued) {
		fault(c, "", "does not read its messages");
		return -1;
	}
	if ((o = malloc(sizeof(*o) + len)) == NULL)
		fatal("channel to %s: out of memory", role_name(c->peer));
	o->next = NULL;
	o->len = 0;
	o->fd = -1;
	if (fd != -1 && (o->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		fatal("channel to %s: dup: %s", role_name(c->peer),
		    strerror(errno));
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > 0)
			memcpy(
			    o->data + o->len, iov[i].iov_base, iov[i].iov_len);
		o->len += iov[i].iov_len;
	}
	*c->tail = o;
	c->tail = &o->next;
	c->queued += len;
	return 0;
}

/* We hold ourselves to the table, too. */
static void
check_own(const struct chan *c, const struct msg_rule *r, size_t n_rows, int fd)
{
	if (!(r->from & c->self) || !(r->to & c->peer) || n_rows > r->rows ||
	    (fd != -1) != r->fds)
		fatal(
		    "%s to %s: not in the table", r->name, role_name(c->peer));
}

/* Send a record, unless others wait before it: as send_record(). */
static int
send_message(struct chan *c, enum msg_type type, const void *payload,
    const void *rows, size_t n_rows, int fd, int may_queue)
{
	const struct msg_rule *r = &msg_rules[type];
	struct msg_hdr hdr = { .type = type };
	struct iovec iov[3] = {
		{ &hdr, sizeof(hdr) },
		{ (void *)(uintptr_t)payload, r->payload },
		{ (void *)(uintptr_t)rows, n_rows * r->row },
	};
	int sent = 0;

	check_own(c, r, n_rows, fd);
	if (c->fd == -1 || c->is_broken)
		return -1;
	if (c->head == NULL)
		sent = send_record(c, iov, 3, fd);
	return sent == 0 && may_queue ? enqueue(c, iov, 3, fd) : sent;
}

int
chan_send(struct chan *c, enum msg_type type, const void *payload,
    const void *rows, size_t n_rows, int fd)
{
	return send_message(c, type, payload, rows, n_rows, fd, 1) == -1 ? -1 :
									   0;
}

int
chan_try(struct chan *c, enum msg_type type, const void *payload,
    const void *rows, size_t n_rows)
{
	return send_message(c, type, payload, rows, n_rows, -1, 0);
}

int
chan_flush(struct chan *c)
{
	struct iovec iov;
	int sent;

	while (c->head != NULL) {
		iov.iov_base = c->head->data;
		iov.iov_len = c->head->len;
		if ((sent = send_record(c, &iov, 1, c->head->fd)) <= 0)
			return sent == 0 ? 1 : -1;
		out_free(c);
	}
	return 0;
}

/* The descriptors of a record: their number, the first in *fd, others
 * closed. */
static int
take_fds(struct msghdr *mh, int *fd)
{
	struct cmsghdr *cm;
	int n = 0, one;
	size_t i, len;

	*fd = -1;
	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		len = cm->cmsg_len - CMSG_LEN(0);
		for (i = 0; i + sizeof(int) <= len; i += sizeof(int)) {
			memcpy(&one, CMSG_DATA(cm) + i, sizeof(int));
			if (n++ == 0)
				*fd = one;
			else
				close(one);
		}
	}
	return n;
}

int
chan_recv(struct chan *c, enum state state, struct msg *m)
{
	unsigned char control[CMSG_SPACE(4 * sizeof(int))]
	    __attribute__((aligned(8)));
	struct iovec iov = { in.b, sizeof(in.b) };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	const struct msg_rule *r;
	ssize_t n;
	size_t len;
	int nfds;

	if (c->fd == -1 || c->is_broken)
		return -1;
	while ((n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) == -1)
		if (errno == EAGAIN)
			return 0;
		/* ECONNRESET is returned once if the peer left our records
		 * unread; records that the peer sent before can still be read
		 * after it. */
		else if (errno != EINTR && errno != ECONNRESET)
			fatal("channel to %s: recvmsg: %s", role_name(c->peer),
			    strerror(errno));
	nfds = take_fds(&mh, &m->fd);
	if (n == 0 && nfds == 0)
		return -1;
	len = (size_t)n;
	if (len > in_used)
		in_used = len;
	if (len < sizeof(in.hdr) || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    in.hdr.zero != 0 ||
	    !msg_legal(c->peer, c->self, state, in.hdr.type,
		len - sizeof(in.hdr), nfds)) {
		if (m->fd != -1)
			close(m->fd);
		chan_fault(c,
		    len < sizeof(in.hdr) ? M_NONE : (enum msg_type)in.hdr.type,
		    "not in the table for this state and size");
		return -1;
	}
	r = &msg_rules[in.hdr.type];
	m->type = in.hdr.type;
	m->payload = in.b + sizeof(in.hdr);
	m->rows = in.b + sizeof(in.hdr) + r->payload;
	m->n_rows = r->row == 0 ? 0 :
				  (len - sizeof(in.hdr) - r->payload) / r->row;
	return 1;
}

void
chan_wipe(void)
{
	explicit_bzero(in.b, in_used);
	in_used = 0;
}
