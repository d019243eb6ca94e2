/* SPDX-License-Identifier: Apache-2.0
 *
 * tdxquote DIR HEX: a quote of the TD in DIR over these 64 bytes, to standard
 * output. tdxquote --agent SOCKET DIR: dstack's guest agent, as far as quotes
 * go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest.h"

static uint8_t quote[EVIDENCE_MAX];

/* 64 bytes of hex: 0, or -1. */
static int
read_data(const char *hex, uint8_t data[64])
{
	unsigned v;
	size_t i;

	for (i = 0; i < 64 && sscanf(hex + 2 * i, "%2x", &v) == 1; i++)
		data[i] = (uint8_t)v;
	return i == 64 ? 0 : -1;
}

static void
answer(int fd)
{
	static char text[2 * EVIDENCE_MAX + 200];
	char b[2048];
	uint8_t data[64];
	const char *hex;
	size_t i, n = 0, at;
	ssize_t r;

	do {
		if ((r = read(fd, b + n, sizeof(b) - 1 - n)) <= 0)
			return;
		n += (size_t)r;
		b[n] = '\0';
	} while (strchr(b, '}') == NULL);
	hex = strstr(b, "\"report_data\":\"");
	if (strncmp(b, "POST /GetQuote ", 15) != 0 || hex == NULL ||
	    read_data(hex + 15, data) == -1) {
		(void)!write(fd, "HTTP/1.0 400 Bad Request\r\n\r\n", 28);
		return;
	}
	n = guest_tdx.evidence(data, quote);
	at = (size_t)sprintf(text,
	    "HTTP/1.0 200 OK\r\nContent-Type: "
	    "application/json\r\n\r\n{\"event_log\":\"[]\",\"quote\":\"");
	for (i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, "%02x", quote[i]);
	at += (size_t)sprintf(text + at, "\"}");
	(void)!write(fd, text, at);
}

static int
serve(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int s = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (s == -1 || bind(s, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(s, 4) == -1)
		return 1;
	while ((fd = accept(s, NULL, NULL)) != -1) {
		answer(fd);
		close(fd);
	}
	return 1;
}

int
main(int argc, char **argv)
{
	uint8_t data[64];
	size_t n;

	if (argc == 4 && strcmp(argv[1], "--agent") == 0) {
		guest_dir = argv[3];
		return serve(argv[2]);
	}
	if (argc != 3 || read_data(argv[2], data) == -1) {
		fprintf(stderr,
		    "usage: tdxquote DIR HEX\n"
		    "       tdxquote --agent SOCKET DIR\n");
		return 2;
	}
	guest_dir = argv[1];
	n = guest_tdx.evidence(data, quote);
	return fwrite(quote, 1, n, stdout) == n ? 0 : 1;
}
