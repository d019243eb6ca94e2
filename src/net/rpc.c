/* SPDX-License-Identifier: Apache-2.0
 *
 * What net needs of gRPC: its start around the sandbox, channels and calls, the
 * thread of the completion queue, and messages in bounded memory.  Runs in net.
 */
#include <arpa/inet.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/sync.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "net.h"
#include "sandbox.h"

#define KEEPALIVE	20000	/* ms of silence until a ping */
#define KEEPALIVE_WAIT	10000	/* ms for its answer */

static grpc_completion_queue *queue;

/* ---- channels and calls ------------------------------------------------ */

char *
rpc_text(char *dst, size_t size, grpc_slice slice)
{
	return log_escape(
	    dst, size, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
}

#define INT(name, n) { .type = GRPC_ARG_INTEGER,			\
	.key = (char *)(uintptr_t)(name), .value.integer = (n) }

static grpc_channel_credentials *
tls_credentials(void)
{
	char key[TLS_KEY_NAME];
	grpc_ssl_pem_key_cert_pair pair = { key, certificate_pem() };
	grpc_channel_credentials *c;

	tls_key_name(key);
	c = grpc_ssl_credentials_create_ex(tls_ca(), &pair, NULL, NULL);
	if (c == NULL)
		fatal("tls: cannot create credentials");
	return c;
}

grpc_channel *
rpc_channel(const struct target *to, int receive_max, int first, int longest)
{
	grpc_arg list[] = {
		INT(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, receive_max),
		INT(GRPC_ARG_MAX_METADATA_SIZE, 16384),
		INT(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, first),
		/* Despite its name: the timeout of TCP and TLS together. */
		INT(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_TIME),
		INT(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, longest),
		INT(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE),
		INT(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_WAIT),
		INT(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
		INT(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
		INT(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
		    1 << GRPC_COMPRESS_NONE),
		INT(GRPC_ARG_ENABLE_RETRIES, 0),
		INT(GRPC_ARG_ENABLE_CHANNELZ, 0),
		INT(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
		INT(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
		INT(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
		{ .type = GRPC_ARG_STRING,
		    .key = (char *)(uintptr_t)GRPC_ARG_DEFAULT_AUTHORITY,
		    .value.string = (char *)(uintptr_t)to->authority },
	};
	const grpc_channel_args args = { sizeof(list) / sizeof(list[0]), list };
	grpc_channel_credentials *credentials = tls_credentials();
	grpc_channel *channel;

	channel = grpc_channel_create(to->uri, credentials, &args);
	grpc_channel_credentials_release(credentials);
	if (channel == NULL)
		fatal("grpc: no channel to %s", to->authority);
	return channel;
}

grpc_call *
rpc_call(grpc_channel *channel, const char *method, uint32_t seconds)
{
	const gpr_timespec deadline = seconds == 0 ?
	    gpr_inf_future(GPR_CLOCK_MONOTONIC) :
	    gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
		gpr_time_from_seconds(seconds, GPR_TIMESPAN));
	grpc_slice name = grpc_slice_from_copied_string(method);
	grpc_call *call;

	call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS,
	    queue, name, NULL, deadline, NULL);
	grpc_slice_unref(name);
	if (call == NULL)
		fatal("grpc: no call of %s", method);
	return call;
}

void
rpc_begin(grpc_call *call, const grpc_op *ops, size_t n, struct tag *tag)
{
	grpc_call_error e = grpc_call_start_batch(call, ops, n, tag, NULL);

	if (e != GRPC_CALL_OK)
		fatal("grpc: an operation was refused: %d", (int)e);
}

/* ---- start ------------------------------------------------------------- */

/* gRPC logs from any of its threads while it holds its own locks, so nothing of
 * ours may be called there.  Failures are reported as the status of a call. */
static void
no_log(gpr_log_func_args *args)
{
	(void)args;
}

#define WARM	2
static gpr_mu warm_mu;
static atomic_int warm_tid[WARM];

static void *
warm_wait(void *tid)
{
	atomic_store((atomic_int *)tid, gettid());
	gpr_mu_lock(&warm_mu);
	gpr_mu_unlock(&warm_mu);
	return NULL;
}

/* Is the thread in futex(2)?  It spins, yields and naps before it gets
 * there. */
static int
warm_waits(int tid)
{
	char path[64];
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
	if ((f = fopen(path, "re")) == NULL) {
		usleep(100000);		/* no /proc: time enough, mostly */
		return tid != 0;
	}
	if (fscanf(f, "%ld", &nr) != 1)
		nr = -1;		/* "running" */
	fclose(f);
	return nr == SYS_futex;
}

/* gRPC's locks read files of /sys: how many processors there are, when one has
 * to be waited for; how fast they are, when two threads wait for one.  Let two
 * threads wait now. */
static void
warm_lock(void)
{
	pthread_t thread[WARM];
	int i;

	gpr_mu_init(&warm_mu);
	gpr_mu_lock(&warm_mu);
	for (i = 0; i < WARM; i++) {
		if (pthread_create(&thread[i], NULL, warm_wait, &warm_tid[i]) !=
		    0)
			fatal("grpc: a thread did not start");
		do
			usleep(1000);
		while (!warm_waits(atomic_load(&warm_tid[i])));
	}
	gpr_mu_unlock(&warm_mu);
	for (i = 0; i < WARM; i++)
		pthread_join(thread[i], NULL);
}

/* gRPC makes no IPv6 connection if it could not bind [::1], which it tries
 * once, on first use of an IPv6 address; in the sandbox nothing is bound.  An
 * address of RFC 3849 is nobody's: no port is opened. */
static void
warm_ipv6(void)
{
	const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	grpc_completion_queue *done = grpc_completion_queue_create_for_pluck(
	    NULL);
	grpc_server_credentials
	    *none = grpc_insecure_server_credentials_create();
	grpc_server *server = grpc_server_create(NULL, NULL);

	grpc_server_register_completion_queue(server, done, NULL);
	(void)grpc_server_add_http2_port(server, "[2001:db8::1]:0", none);
	grpc_server_shutdown_and_notify(server, done, NULL);
	(void)grpc_completion_queue_pluck(done, NULL, never, NULL);
	grpc_server_destroy(server);
	grpc_server_credentials_release(none);
	grpc_completion_queue_shutdown(done);
	grpc_completion_queue_destroy(done);
}

/* OpenSSL reads its configuration and gRPC counts processors, each on first
 * use: now, while files can be opened.  No call is made, for gRPC does not end
 * the threads of one in time. */
void
rpc_warm(void)
{
	static const struct target nowhere = { "ipv4:127.0.0.1:9", "nowhere" };
	unsigned char byte;
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	if (ctx == NULL || RAND_bytes(&byte, 1) != 1)
		fatal("tls: cannot initialize OpenSSL");
	SSL_CTX_free(ctx);
	setenv("GRPC_POLL_STRATEGY", "epoll1", 1);
	setenv("GRPC_DNS_RESOLVER", "native", 1);
	setenv("GRPC_VERBOSITY", "NONE", 1);
	gpr_set_log_function(no_log);
	grpc_init();
	warm_lock();
	warm_ipv6();
	grpc_channel_destroy(rpc_channel(&nowhere, 1, 1000, 1000));
	grpc_shutdown_blocking();
}

/* Names are resolved once, here: after the sandbox a resolver could open no
 * file. gRPC gets addresses, and the name for the certificate. */
void
rpc_resolve(const char *what, const char *address, struct target *to)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[CONF_HOST], ip[INET6_ADDRSTRLEN];
	const char *colon = strrchr(address, ':'), *from = address;
	struct addrinfo *list, *a;
	size_t n, used;
	int e, is_v6 = 0;

	if (colon == NULL || colon == address)
		fatal("%s %s: not HOST:PORT", what, address);
	n = (size_t)(colon - address);
	if (from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	snprintf(host, sizeof(host), "%.*s", (int)n, from);
	if ((e = getaddrinfo(host, colon + 1, &hints, &list)) != 0)
		fatal("%s %s: %s", what, address, gai_strerror(e));
	for (a = list; a != NULL; a = a->ai_next)
		is_v6 |= a->ai_family == AF_INET6;
	memset(to, 0, sizeof(*to));
	snprintf(to->authority, sizeof(to->authority), "%s", address);
	used = (size_t)snprintf(
	    to->uri, sizeof(to->uri), "%s", is_v6 ? "ipv6:" : "ipv4:");
	for (a = list; a != NULL && used < sizeof(to->uri) - 80;
	     a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, ip, sizeof(ip), NULL,
			0, NI_NUMERICHOST) != 0)
			fatal(
			    "%s %s: cannot format its address", what, address);
		/* One URI is of one family: a mapped IPv4 address is IPv6. */
		used += (size_t)snprintf(to->uri + used, sizeof(to->uri) - used,
		    is_v6 ? "%s%%5B%s%s%%5D:%s" : "%s%s%s:%s",
		    a == list ? "" : ",",
		    is_v6 && a->ai_family == AF_INET ? "::ffff:" : "", ip,
		    colon + 1);
	}
	sandbox_allow_port((uint16_t)atoi(colon + 1));
	freeaddrinfo(list);
}

/* The other of net's two threads. */
static void *
rpc_thread(void *arg)
{
	const gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
	struct tag *tag;
	grpc_event event;

	for (;;) {
		event = grpc_completion_queue_next(queue, never, NULL);
		front_lock();
		if (event.type != GRPC_OP_COMPLETE)
			fatal("grpc: the queue has ended");
		tag = event.tag;
		tag->fn(tag, event.success);
		front_unlock();
	}
	return arg;
}

void
rpc_start(void)
{
	pthread_t thread;

	grpc_init();
	if ((queue = grpc_completion_queue_create_for_next(NULL)) == NULL ||
	    pthread_create(&thread, NULL, rpc_thread, NULL) != 0)
		fatal("grpc: cannot start");
}
