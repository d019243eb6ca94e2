/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider for hosts whose only source of TDX quotes is dstack's guest
 * agent: one request and one answer over a Unix socket.  The monitor connects,
 * because this process may not; each request uses a new connection.
 *
 * The JSON of the answer is not parsed: only the wanted member is searched for.
 * That is safe, because the result is refused unless it is a quote over the
 * requested report data.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hex.h"
#include "log.h"
#include "payload.h"
#include "provider.h"

#define ANSWER_MAX	(512 * 1024)	/* includes event logs */
#define WAIT		60		/* timeout of a request, seconds */

static long
fail_answer(const char *why)
{
	log_err("tee: dstack: %s", why);
	errno = EBADMSG;
	return -1;
}

static int
ask(int fd, const uint8_t report_data[64])
{
	char hex[129], text[512];
	int n;

	hex_encode(hex, report_data, 64);
	/* HTTP/1.0, so that the answer is not chunked and ends with the
	 * connection. */
	n = snprintf(text, sizeof(text),
	    "POST /GetQuote HTTP/1.0\r\n"
	    "Host: dstack\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n{\"report_data\":\"%s\"}",
	    strlen(hex) + 18, hex);
	return write(fd, text, (size_t)n) == n ? 0 : -1;
}

/* Milliseconds until the timeout; 0 if it has passed. */
static int
ms_left(const struct timespec *end)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000 +
	    (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

/* Read until the agent closes the connection.  Returns the size, or -1 with
 * errno. */
static long
read_answer(int fd, char *b, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec end;
	size_t n = 0;
	ssize_t r = 1;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT;
	while (n < size && r != 0) {
		if (poll(&p, 1, ms_left(&end)) == 0) {
			log_err("tee: dstack: no answer in %d seconds", WAIT);
			errno = ETIMEDOUT;
			return -1;
		}
		if ((r = read(fd, b + n, size - n)) > 0)
			n += (size_t)r;
		else if (r == -1 && errno != EAGAIN && errno != EINTR)
			return -1;
	}
	return n < size ? (long)n : fail_answer("the answer is too large");
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
				      -1;
}

/* Extract the quote from the body, which ends in a NUL.  Returns its size, or
 * -1. */
static long
quote_find(const char *body, uint8_t *out, size_t size)
{
	const char *p = strstr(body, "\"quote\"");
	size_t n;

	if (p == NULL)
		return fail_answer("the answer has no quote");
	p += strlen("\"quote\"");
	p += strspn(p, " \t\r\n:");
	if (*p++ != '"')
		return fail_answer("the answer's quote is no string");
	for (n = 0; n < size && digit(p[0]) != -1 && digit(p[1]) != -1; p += 2)
		out[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
	return *p == '"' ? (long)n :
			   fail_answer("the answer's quote is not in hex");
}

static long
dstack_quote(const uint8_t report_data[64], uint8_t *out, size_t size)
{
	static char b[ANSWER_MAX + 1];
	const char *body;
	long n;

	if (ask(agent_fd, report_data) == -1)
		return -1;
	if ((n = read_answer(agent_fd, b, ANSWER_MAX)) == -1)
		return -1;
	b[n] = '\0';
	if (n == 0) {
		log_err("tee: dstack: the agent closed the connection");
		errno = ECONNRESET;
		return -1;
	}
	if (strncmp(b, "HTTP/1.", 7) != 0 || strncmp(b + 8, " 200 ", 5) != 0) {
		b[strcspn(b, "\r\n")] = '\0';
		log_err("tee: dstack: the agent refuses: %.100s", b);
		errno = EIO;
		return -1;
	}
	if ((body = strstr(b, "\r\n\r\n")) == NULL)
		return fail_answer("the answer has no body");
	if ((n = quote_find(body + 4, out, size)) == -1)
		return -1;
	if (n == 0) {
		fail_answer("the quote is empty");
		errno = ENODATA;
		return -1;
	}
	return blob_check(TEE_TDX, out, (size_t)n, report_data);
}

const struct provider dstack = { "tdx by dstack's agent", TEE_TDX,
	dstack_quote };
