/* SPDX-License-Identifier: Apache-2.0
 *
 * A minimal JSON-RPC client: one connection per call, HTTP/1.1 without
 * keep-alive, no proxy, loopback only.  Used by Orchestrator, Gateway, KMS
 * nodes and `up'.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "clock.h"
#include "facts.h"
#include "hex.h"
#include "json.h"
#include "keccak.h"
#include "log.h"

#define ANSWER_MAX	(1024 * 1024)
#define REMEMBERED	DEVNET_RUNNERS
#define RUNNER_FRESH	2000		/* ms an answer counts as new */
#define EPOCH_FRESH	1000
#define GOOD		10000		/* ms an answer may be used */

static int
http_connect(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct timeval two = { .tv_sec = 2 };
	int fd;

	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &two, sizeof(two));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &two, sizeof(two));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done)
		if ((done = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			return -1;
	return 0;
}

/* Read the body of the answer; the server closes the connection after it. */
static json_t *
read_answer(int fd)
{
	char *text = malloc(ANSWER_MAX), *body;
	json_t *answer = NULL;
	size_t used = 0;
	ssize_t n;

	if (text == NULL)
		return NULL;
	while ((n = recv(fd, text + used, ANSWER_MAX - 1 - used, 0)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	if (n == 0 && (body = strstr(text, "\r\n\r\n")) != NULL)
		answer = json_loads(body + 4, 0, NULL);
	free(text);
	return answer;
}

json_t *
facts_call(const struct devnet *d, const char *method, json_t *params)
{
	json_t *request, *answer = NULL, *result = NULL;
	char *body, head[160];
	int fd;

	request = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", 1,
	    "method", method, "params", params);
	if (request == NULL ||
	    (body = json_dumps(request, JSON_COMPACT)) == NULL)
		fatal("registry: %s: out of memory", method);
	json_decref(request);
	snprintf(head, sizeof(head),
	    "POST / HTTP/1.1\r\nHost: %s\r\n"
	    "Content-Type: application/json\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    dir_address(d->registry_port), strlen(body));
	if ((fd = http_connect(d->registry_port)) != -1) {
		if (write_all(fd, head, strlen(head)) == 0 &&
		    write_all(fd, body, strlen(body)) == 0)
			answer = read_answer(fd);
		close(fd);
	}
	free(body);
	if ((result = json_object_get(answer, "result")) != NULL)
		json_incref(result);
	else if (answer == NULL)
		log_warn("registry: %s: no answer", method);
	else {
		const char *why = json_string_value(json_object_get(
		    json_object_get(answer, "error"), "message"));

		log_warn("registry: %s: %s", method,
		    why == NULL ? "neither result nor error" : why);
	}
	json_decref(answer);
	return result;
}

/* Call a view function of the Registry that takes an address. */
static json_t *
call_view(
    const struct devnet *d, const char *signature, const uint8_t address[20])
{
	uint8_t data[4 + 32] = { 0 }, hash[32];

	keccak256(signature, strlen(signature), hash);
	memcpy(data, hash, 4);
	memcpy(data + 16, address, 20);
	return facts_call(d, "eth_call",
	    json_pack("[{s:o,s:o},s]", "to", json_hex(d->registry, 20), "data",
		json_hex(data, sizeof(data)), "latest"));
}

/* Returns 1 or 0, or -1 if the Registry does not answer. */
static int
ask_is_runner(const struct devnet *d, const uint8_t runner[20])
{
	static const uint8_t no[31];
	json_t *result = call_view(d, "isRunner(address)", runner);
	uint8_t word[32];
	int is_runner = -1;

	if (json_to_bytes(result, word, 32) == 0)
		is_runner = memcmp(word, no, 31) == 0 && word[31] == 1;
	json_decref(result);
	return is_runner;
}

int
facts_is_runner(const struct devnet *d, const uint8_t runner[20])
{
	static struct {
		uint8_t		runner[20];
		uint64_t	fresh_until, good_until;
	} known[REMEMBERED], *k = NULL;
	static size_t next;
	uint64_t now = now_ms();
	size_t i;
	int r;

	for (i = 0; i < REMEMBERED && k == NULL; i++)
		if (known[i].good_until > now &&
		    memcmp(known[i].runner, runner, 20) == 0)
			k = &known[i];
	if (k != NULL && k->fresh_until > now)
		return 1;
	if ((r = ask_is_runner(d, runner)) == 1) {
		if (k == NULL)
			k = &known[next++ % REMEMBERED];
		memcpy(k->runner, runner, 20);
		k->good_until = now + GOOD;
	} else if (k == NULL)
		return r;
	else if (r == 0) {
		k->good_until = 0;
		return 0;
	}
	k->fresh_until = now + RUNNER_FRESH;
	return 1;
}

/* Read the i-th word of a view's result as a number.  Returns 0, or -1 if there
 * is none. */
static int
word_at(const json_t *result, uint64_t i, uint64_t *v)
{
	const char *text = json_string_value(result);
	uint8_t word[32];

	if (text == NULL || i > ANSWER_MAX / 64 ||
	    json_string_length(result) < 2 + 64 * (i + 1) ||
	    hex_decode(text + 2 + 64 * i, 64, word, 32) != 0)
		return -1;
	*v = get_be(word + 24, 8);
	return 0;
}

static struct {
	uint64_t	current, n_former;
	uint64_t	fresh_until, good_until;
	int		is_answered;		/* the last request succeeded */
} epochs;

static void
ask_epochs(const struct devnet *d)
{
	static const uint8_t nobody[20];
	json_t *result = call_view(d, "facts(address)", nobody);
	uint64_t current, offset, n_former;

	/* Read the length of formerShares, whose offset is in word 6. */
	epochs.is_answered = word_at(result, 2, &current) == 0 &&
	    word_at(result, 6, &offset) == 0 &&
	    word_at(result, offset / 32, &n_former) == 0;
	epochs.fresh_until = now_ms() + EPOCH_FRESH;
	if (epochs.is_answered) {
		epochs.current = current;
		epochs.n_former = n_former;
		epochs.good_until = now_ms() + GOOD;
	}
	json_decref(result);
}

int
facts_is_epoch(const struct devnet *d, uint64_t epoch)
{
	/* An epoch later than the known one: ask at once. */
	if (epochs.fresh_until <= now_ms() ||
	    (epoch > epochs.current && epochs.is_answered))
		ask_epochs(d);
	if (!epochs.is_answered &&
	    (epoch > epochs.current || epochs.good_until <= now_ms()))
		return -1;
	return epoch != 0 &&
	    (epoch == epochs.current ||
		(epochs.n_former != 0 && epoch + 1 == epochs.current));
}

uint64_t
facts_epoch(const struct devnet *d)
{
	ask_epochs(d);
	return epochs.is_answered ? epochs.current : 0;
}
