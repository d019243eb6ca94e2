/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop of every process of tee-devnet, its timers, and the conversion
 * of messages to and from grpc's buffers.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

#include "dir.h"
#include "log.h"
#include "rpc.h"

#define BACK_OFF_MIN	100	/* ms */
#define BACK_OFF_MAX	500

grpc_completion_queue *rpc_queue;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rpc_timer *timers;	/* earliest first */
static void (*when_idle)(void);

void
rpc_init(void)
{
	if (rpc_queue != NULL)
		return;
	grpc_init();
	rpc_queue = grpc_completion_queue_create_for_next(NULL);
}

void
rpc_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
rpc_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void
rpc_when_idle(void (*fn)(void))
{
	when_idle = fn;
}

void
rpc_forget(struct rpc_timer *timer)
{
	struct rpc_timer **p;

	for (p = &timers; *p != NULL; p = &(*p)->next)
		if (*p == timer) {
			*p = timer->next;
			return;
		}
}

void
rpc_after(struct rpc_timer *timer, uint64_t ms, void (*fn)(void *), void *arg)
{
	struct rpc_timer **p;

	rpc_forget(timer);
	timer->at = now_ms() + ms;
	timer->fn = fn;
	timer->arg = arg;
	for (p = &timers; *p != NULL && (*p)->at <= timer->at; p = &(*p)->next)
		continue;
	timer->next = *p;
	*p = timer;
}

uint64_t
rpc_back_off(uint32_t failures)
{
	uint64_t wait = BACK_OFF_MIN;
	uint32_t jitter;

	for (; failures > 1 && wait < BACK_OFF_MAX; failures--)
		wait *= 2;
	if (wait > BACK_OFF_MAX)
		wait = BACK_OFF_MAX;
	random_fill(&jitter, sizeof(jitter));
	return wait / 2 + jitter % (wait / 2 + 1);
}

static gpr_timespec
loop_deadline(void)
{
	uint64_t now = now_ms();

	if (when_idle != NULL)
		return gpr_inf_past(GPR_CLOCK_MONOTONIC);
	if (timers == NULL)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_millis(
		timers->at > now ? (int64_t)(timers->at - now) : 0,
		GPR_TIMESPAN));
}

void
rpc_loop(const int *done)
{
	struct rpc_timer *timer;
	struct rpc_tag *tag;
	gpr_timespec deadline;
	grpc_event event;
	void (*fn)(void);

	rpc_lock();
	while (done == NULL || !*done) {
		deadline = loop_deadline();
		rpc_unlock();
		event = grpc_completion_queue_next(rpc_queue, deadline, NULL);
		rpc_lock();
		if (event.type == GRPC_QUEUE_SHUTDOWN)
			break;
		if (event.type == GRPC_OP_COMPLETE) {
			tag = event.tag;
			tag->fn(tag, event.success);
		} else if ((fn = when_idle) != NULL) {
			when_idle = NULL;
			fn();
		}
		while ((timer = timers) != NULL && timer->at <= now_ms()) {
			timers = timer->next;
			timer->fn(timer->arg);
		}
	}
	rpc_unlock();
}

void *
rpc_copy(const ProtobufCMessage *message, struct pool *pool)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = pool_get(pool, 1, n);
	void *copy;

	protobuf_c_message_pack(message, bytes);
	copy = protobuf_c_message_unpack(
	    message->descriptor, &pool->arena.allocator, n, bytes);
	if (copy == NULL)
		fatal("grpc: a message does not survive a copy");
	return copy;
}

static void
tls_read(
    char text[TLS_TEXT], const char *dir, const char *name, const char *suffix)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tls/%s%s", dir, name, suffix);
	if ((f = fopen(path, "r")) == NULL)
		fatal("%s: %m: is this the directory of a devnet?", path);
	n = fread(text, 1, TLS_TEXT - 1, f);
	text[n] = '\0';
	if (n == 0 || n == TLS_TEXT - 1)
		fatal("%s: empty, or too long", path);
	fclose(f);
}

void
rpc_tls_load(struct rpc_tls *tls, const char *dir, const char *name)
{
	tls_read(tls->ca, dir, "ca", ".pem");
	tls_read(tls->certificate, dir, name, ".pem");
	tls_read(tls->key, dir, name, ".key");
}
