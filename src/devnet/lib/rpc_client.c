/* SPDX-License-Identifier: Apache-2.0
 *
 * The client side of rpc.h: unary calls with a callback, and blocking calls for
 * commands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>

#include "devnet.pb-c.h"
#include "log.h"
#include "rpc.h"

struct request {
	struct rpc_tag	 tag;
	struct pool	 pool;
	grpc_call	*call;
	const ProtobufCMessageDescriptor *out;
	rpc_done	 fn;
	void		*arg;
	grpc_metadata_array initial, trailing;
	grpc_byte_buffer *answer;
	grpc_status_code status;
	grpc_slice	 details;
};

struct rpc_peer *
rpc_connect(const char *address, const struct rpc_tls *tls)
{
	grpc_arg settings[] = {
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)
			GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		    .value.integer = RPC_MESSAGE_MAX },
		/* The server may just be starting: reconnect soon. */
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
		    .value.integer = 200 },
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)
			GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
		    .value.integer = 100 },
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)GRPC_ARG_ENABLE_HTTP_PROXY,
		    .value.integer = 0 },
	};
	grpc_channel_args args = { sizeof(settings) / sizeof(settings[0]),
		settings };
	grpc_ssl_pem_key_cert_pair pair = { tls->key, tls->certificate };
	grpc_channel_credentials *credentials;
	struct rpc_peer *peer;

	rpc_init();
	credentials = grpc_ssl_credentials_create_ex(
	    tls->ca, &pair, NULL, NULL);
	if (credentials == NULL || (peer = calloc(1, sizeof(*peer))) == NULL)
		fatal("grpc: no client for %s", address);
	peer->channel = grpc_channel_create(address, credentials, &args);
	grpc_channel_credentials_release(credentials);
	return peer;
}

void
rpc_disconnect(struct rpc_peer *peer)
{
	grpc_channel_destroy(peer->channel);
	free(peer);
}

static void
on_answer(struct rpc_tag *tag, int ok)
{
	struct request *r = (struct request *)((char *)tag -
	    offsetof(struct request, tag));
	char *why = grpc_slice_to_c_string(r->details);
	void *answer = NULL;

	(void)ok;
	if (r->status == GRPC_STATUS_OK &&
	    (answer = rpc_unpack(r->answer, r->out, &r->pool.arena)) == NULL) {
		r->status = GRPC_STATUS_INTERNAL;
		r->fn(r->arg, r->status, "malformed answer", NULL);
	} else
		r->fn(r->arg, r->status, why, answer);
	gpr_free(why);
	if (r->answer != NULL)
		grpc_byte_buffer_destroy(r->answer);
	grpc_slice_unref(r->details);
	grpc_metadata_array_destroy(&r->initial);
	grpc_metadata_array_destroy(&r->trailing);
	grpc_call_unref(r->call);
	pool_free(&r->pool);
	free(r);
}

void
rpc_send(struct rpc_peer *peer, const char *path,
    const ProtobufCMessage *message, const ProtobufCMessageDescriptor *out,
    unsigned ms, rpc_done fn, void *arg)
{
	grpc_op ops[6] = { 0 };
	grpc_byte_buffer *buffer = rpc_pack(message);
	grpc_slice method = grpc_slice_from_copied_string(path);
	struct request *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("grpc: out of memory");
	pool_init(&r->pool);
	r->tag.fn = on_answer;
	r->out = out;
	r->fn = fn;
	r->arg = arg;
	r->details = grpc_empty_slice();
	grpc_metadata_array_init(&r->initial);
	grpc_metadata_array_init(&r->trailing);
	r->call = grpc_channel_create_call(peer->channel, NULL,
	    GRPC_PROPAGATE_DEFAULTS, rpc_queue, method, NULL,
	    gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
		gpr_time_from_millis(ms, GPR_TIMESPAN)),
	    NULL);
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	/* Otherwise grpc checks the progress of a connection only every five
	 * seconds. */
	if (peer->is_patient)
		ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = buffer;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &r->initial;
	ops[4].op = GRPC_OP_RECV_MESSAGE;
	ops[4].data.recv_message.recv_message = &r->answer;
	ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[5].data.recv_status_on_client.trailing_metadata = &r->trailing;
	ops[5].data.recv_status_on_client.status = &r->status;
	ops[5].data.recv_status_on_client.status_details = &r->details;
	if (grpc_call_start_batch(r->call, ops, 6, &r->tag, NULL) !=
	    GRPC_CALL_OK)
		fatal("grpc: a request was refused");
	grpc_byte_buffer_destroy(buffer);
	grpc_slice_unref(method);
}

/* The answer is freed with the request: copy it to the caller's pool. */
void
rpc_waited(void *arg, int code, const char *why, void *answer)
{
	struct rpc_wait *wait = arg;

	wait->done = 1;
	if (code == GRPC_STATUS_OK)
		wait->answer = rpc_copy(answer, wait->pool);
	else if (wait->what != NULL)
		fprintf(stderr, "tee-devnet: %s: %s\n", wait->what, why);
}

void *
rpc_ask(struct rpc_peer *peer, const char *path,
    const ProtobufCMessage *message, const ProtobufCMessageDescriptor *out,
    unsigned ms, struct pool *pool, const char *what)
{
	struct rpc_wait wait = { .pool = pool, .what = what };

	rpc_send(peer, path, message, out, ms, rpc_waited, &wait);
	rpc_loop(&wait.done);
	return wait.answer;
}

int
rpc_healthy(struct rpc_peer *peer, unsigned ms)
{
	Teerunner__Devnet__HealthRequest request =
	    TEERUNNER__DEVNET__HEALTH_REQUEST__INIT;
	Teerunner__Devnet__HealthResponse *answer;
	struct pool pool;
	int is_serving;

	pool_init(&pool);
	answer = rpc_ask(peer, "/grpc.health.v1.Health/Check", &request.base,
	    &teerunner__devnet__health_response__descriptor, ms, &pool, NULL);
	is_serving = answer != NULL && answer->status == 1;
	pool_free(&pool);
	return is_serving;
}
