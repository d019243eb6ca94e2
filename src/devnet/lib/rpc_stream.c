/* SPDX-License-Identifier: Apache-2.0
 *
 * The server side of a bidirectional stream.  It reads one message at a time
 * and writes from a queue.  It ends once either side has closed it and the
 * completion queue holds no more of its tags.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "log.h"
#include "rpc.h"

struct out {
	STAILQ_ENTRY(out)  link;
	grpc_byte_buffer  *bytes;
};

struct rpc_stream {
	struct rpc_call	*call;
	const struct rpc_stream_events *events;
	void		*arg;
	struct rpc_tag	 opened, read, written, closed, status;
	int		 pending;	/* tags in the completion queue */
	int		 is_writing, is_closing;
	int		 cancelled;
	grpc_byte_buffer *received;
	STAILQ_HEAD(, out) queue;
};

#define STREAM(tag, member)						\
	((struct rpc_stream *)((char *)(tag) -				\
	    offsetof(struct rpc_stream, member)))

static void
start(struct rpc_stream *s, const grpc_op *ops, size_t n, struct rpc_tag *tag)
{
	if (grpc_call_start_batch(s->call->grpc, ops, n, tag, NULL) !=
	    GRPC_CALL_OK)
		fatal("grpc: a stream's operation was refused");
	s->pending++;
}

static void
release(struct rpc_stream *s)
{
	struct out *out;

	if (--s->pending > 0)
		return;
	s->events->end(s->arg);
	while ((out = STAILQ_FIRST(&s->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->queue, link);
		grpc_byte_buffer_destroy(out->bytes);
		free(out);
	}
	rpc_call_free(s->call);
	free(s);
}

static void
read_next(struct rpc_stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &s->received;
	start(s, &op, 1, &s->read);
}

static void
write_next(struct rpc_stream *s)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
	struct out *out = STAILQ_FIRST(&s->queue);

	if (out == NULL || s->is_writing || s->is_closing)
		return;
	STAILQ_REMOVE_HEAD(&s->queue, link);
	s->is_writing = 1;
	op.data.send_message.send_message = out->bytes;
	start(s, &op, 1, &s->written);
	grpc_byte_buffer_destroy(out->bytes);
	free(out);
}

static void
on_opened(struct rpc_tag *tag, int ok)
{
	(void)ok;		/* the next read reports failures */
	release(STREAM(tag, opened));
}

static void
on_read(struct rpc_tag *tag, int ok)
{
	struct rpc_stream *s = STREAM(tag, read);

	if (!ok || s->received == NULL)
		rpc_stream_close(s, GRPC_STATUS_OK, "");
	else {
		if (!s->is_closing)
			s->events->message(s->arg, s->received);
		grpc_byte_buffer_destroy(s->received);
		s->received = NULL;
		if (!s->is_closing)
			read_next(s);
	}
	release(s);
}

static void
on_written(struct rpc_tag *tag, int ok)
{
	struct rpc_stream *s = STREAM(tag, written);

	s->is_writing = 0;
	if (ok)
		write_next(s);
	release(s);
}

static void
on_closed(struct rpc_tag *tag, int ok)
{
	struct rpc_stream *s = STREAM(tag, closed);

	(void)ok;
	rpc_stream_close(s, GRPC_STATUS_CANCELLED, "");
	release(s);
}

static void
on_status_sent(struct rpc_tag *tag, int ok)
{
	(void)ok;
	release(STREAM(tag, status));
}

struct rpc_stream *
rpc_stream_open(
    struct rpc_call *call, const struct rpc_stream_events *events, void *arg)
{
	struct rpc_stream *s;
	grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("grpc: out of memory");
	s->call = call;
	s->events = events;
	s->arg = arg;
	s->opened.fn = on_opened;
	s->read.fn = on_read;
	s->written.fn = on_written;
	s->closed.fn = on_closed;
	s->status.fn = on_status_sent;
	STAILQ_INIT(&s->queue);
	start(s, &op, 1, &s->opened);
	op = (grpc_op){ .op = GRPC_OP_RECV_CLOSE_ON_SERVER };
	op.data.recv_close_on_server.cancelled = &s->cancelled;
	start(s, &op, 1, &s->closed);
	read_next(s);
	return s;
}

static void
enqueue(struct rpc_stream *s, grpc_byte_buffer *bytes)
{
	struct out *out = malloc(sizeof(*out));

	if (out == NULL)
		fatal("grpc: out of memory");
	out->bytes = bytes;
	STAILQ_INSERT_TAIL(&s->queue, out, link);
	write_next(s);
}

void
rpc_stream_send(struct rpc_stream *s, const ProtobufCMessage *message)
{
	enqueue(s, rpc_pack(message));
}

void
rpc_stream_send_bytes(struct rpc_stream *s, const void *bytes, size_t n)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(bytes, n);

	enqueue(s, grpc_raw_byte_buffer_create(&slice, 1));
	grpc_slice_unref(slice);
}

void
rpc_stream_close(struct rpc_stream *s, grpc_status_code code, const char *why)
{
	grpc_slice details = grpc_slice_from_copied_string(why);
	grpc_op op = { .op = GRPC_OP_SEND_STATUS_FROM_SERVER };

	if (!s->is_closing) {
		s->is_closing = 1;
		op.data.send_status_from_server.status = code;
		op.data.send_status_from_server.status_details = &details;
		start(s, &op, 1, &s->status);
	}
	grpc_slice_unref(details);
}
