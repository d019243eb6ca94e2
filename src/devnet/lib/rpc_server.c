/* SPDX-License-Identifier: Apache-2.0
 *
 * The server side of rpc.h: one pending request for a new call, a table of
 * methods, and the check of who may call them.  A unary call goes accept ->
 * read -> handler -> reply; a stream is handed over after accept.
 */
#include <stdlib.h>
#include <string.h>
#include <grpc/grpc_security.h>

#include "devnet.pb-c.h"
#include "log.h"
#include "rpc.h"

static grpc_server *server;
static const struct rpc_method *methods;
static size_t n_methods;

static void	on_health(struct rpc_call *, void *);

static const struct rpc_method health = { "/grpc.health.v1.Health/Check", NULL,
	&teerunner__devnet__health_request__descriptor, on_health };

static void
on_health(struct rpc_call *call, void *request)
{
	Teerunner__Devnet__HealthResponse answer =
	    TEERUNNER__DEVNET__HEALTH_RESPONSE__INIT;

	(void)request;
	answer.status = 1;
	rpc_reply(call, &answer.base);
}

void
rpc_call_free(struct rpc_call *call)
{
	if (call->received != NULL)
		grpc_byte_buffer_destroy(call->received);
	grpc_metadata_array_destroy(&call->metadata);
	grpc_call_details_destroy(&call->details);
	if (call->grpc != NULL)
		grpc_call_unref(call->grpc);
	pool_free(&call->pool);
	free(call);
}

static void
on_sent(struct rpc_tag *tag, int ok)
{
	(void)ok;
	rpc_call_free(
	    (struct rpc_call *)((char *)tag - offsetof(struct rpc_call, tag)));
}

/* Send answer and status.  This also receives the end of the call, so that the
 * tag is the last event of the call. */
static void
finish(struct rpc_call *call, grpc_status_code code, const char *why,
    const ProtobufCMessage *message)
{
	grpc_op ops[4] = { 0 };
	grpc_slice details = grpc_slice_from_copied_string(why);
	grpc_byte_buffer *buffer = NULL;
	grpc_call_error r;
	size_t n = 0;

	ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (message != NULL) {
		buffer = rpc_pack(message);
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = buffer;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[n].data.send_status_from_server.status = code;
	ops[n++].data.send_status_from_server.status_details = &details;
	ops[n].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	ops[n++].data.recv_close_on_server.cancelled = &call->cancelled;
	call->tag.fn = on_sent;
	/* It encrypts and sends.  From then on another thread may free the
	 * call. */
	rpc_unlock();
	r = grpc_call_start_batch(call->grpc, ops, n, &call->tag, NULL);
	rpc_lock();
	if (r != GRPC_CALL_OK)
		fatal("grpc: an answer was refused");
	if (buffer != NULL)
		grpc_byte_buffer_destroy(buffer);
	grpc_slice_unref(details);
}

void
rpc_reply(struct rpc_call *call, const ProtobufCMessage *message)
{
	finish(call, GRPC_STATUS_OK, "", message);
}

void
rpc_fail(struct rpc_call *call, grpc_status_code code, const char *why)
{
	log_info("%s: from %s: refused: %s",
	    call->method == NULL ? "?" : call->method->path, call->peer, why);
	finish(call, code, why, NULL);
}

static const struct rpc_method *
find_method(const grpc_slice *path)
{
	size_t i;

	if (grpc_slice_str_cmp(*path, health.path) == 0)
		return &health;
	for (i = 0; i < n_methods; i++)
		if (grpc_slice_str_cmp(*path, methods[i].path) == 0)
			return &methods[i];
	return NULL;
}

static void
read_peer(struct rpc_call *call)
{
	grpc_auth_context *context = grpc_call_auth_context(call->grpc);
	grpc_auth_property_iterator it;
	const grpc_auth_property *name;

	it = grpc_auth_context_find_properties_by_name(
	    context, GRPC_X509_CN_PROPERTY_NAME);
	if ((name = grpc_auth_property_iterator_next(&it)) != NULL)
		log_escape(call->peer, sizeof(call->peer), name->value,
		    name->value_length);
	grpc_auth_context_release(context);
}

static int
may_call(const struct rpc_call *call)
{
	const char *p = call->method->peers;
	size_t n;

	for (; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		n = strcspn(p, ",");
		if (strncmp(call->peer, p, n) == 0)
			return 1;
	}
	return call->method->peers == NULL;
}

static void
on_read(struct rpc_tag *tag, int ok)
{
	struct rpc_call *call = (struct rpc_call *)((char *)tag -
	    offsetof(struct rpc_call, tag));
	void *request;

	if (!ok) {
		rpc_fail(call, GRPC_STATUS_CANCELLED, "no request");
		return;
	}
	rpc_unlock();
	request = rpc_unpack(
	    call->received, call->method->in, &call->pool.arena);
	rpc_lock();
	if (request == NULL)
		rpc_fail(
		    call, GRPC_STATUS_INVALID_ARGUMENT, "malformed message");
	else
		call->method->fn(call, request);
}

static void
read_request(struct rpc_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &call->received;
	call->tag.fn = on_read;
	if (grpc_call_start_batch(call->grpc, &op, 1, &call->tag, NULL) !=
	    GRPC_CALL_OK)
		fatal("grpc: a read was refused");
}

static void	accept_call(void);

static void
on_call(struct rpc_tag *tag, int ok)
{
	struct rpc_call *call = (struct rpc_call *)((char *)tag -
	    offsetof(struct rpc_call, tag));

	if (!ok) {
		rpc_call_free(call);
		return;
	}
	accept_call();
	read_peer(call);
	call->method = find_method(&call->details.method);
	if (call->method == NULL)
		rpc_fail(call, GRPC_STATUS_UNIMPLEMENTED, "no such method");
	else if (!may_call(call))
		rpc_fail(call, GRPC_STATUS_PERMISSION_DENIED,
		    "not for the holder of this certificate");
	else if (call->method->in == NULL)
		call->method->fn(call, NULL);
	else
		read_request(call);
}

static void
accept_call(void)
{
	struct rpc_call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL)
		fatal("grpc: out of memory");
	pool_init(&call->pool);
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	call->tag.fn = on_call;
	if (grpc_server_request_call(server, &call->grpc, &call->details,
		&call->metadata, rpc_queue, rpc_queue,
		&call->tag) != GRPC_CALL_OK)
		fatal("grpc: cannot accept calls");
}

void
rpc_serve(const char *address, const struct rpc_tls *tls,
    const struct rpc_method *table, size_t n)
{
	grpc_arg settings[] = {
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)
			GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		    .value.integer = RPC_MESSAGE_MAX },
		/* A port in use must be an error: do not share it. */
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT,
		    .value.integer = 0 },
		/* A Runner may send a keep-alive every ten seconds. */
		{ .type = GRPC_ARG_INTEGER,
		    .key = (char *)(uintptr_t)
			GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
		    .value.integer = 5000 },
	};
	grpc_channel_args args = { sizeof(settings) / sizeof(settings[0]),
		settings };
	grpc_ssl_pem_key_cert_pair pair = { tls->key, tls->certificate };
	grpc_server_credentials *credentials;

	methods = table;
	n_methods = n;
	rpc_init();
	server = grpc_server_create(&args, NULL);
	grpc_server_register_completion_queue(server, rpc_queue, NULL);
	credentials = grpc_ssl_server_credentials_create_with_options(
	    grpc_ssl_server_credentials_create_options_using_config(
		GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
		grpc_ssl_server_certificate_config_create(tls->ca, &pair, 1)));
	if (credentials == NULL ||
	    grpc_server_add_http2_port(server, address, credentials) == 0)
		fatal("%s: cannot listen: is the port taken?", address);
	grpc_server_credentials_release(credentials);
	grpc_server_start(server);
	accept_call();
	log_info("listening: %s", address);
}
