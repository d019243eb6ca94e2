/* SPDX-License-Identifier: Apache-2.0
 *
 * What a NATS server sends, read, and what a client sends, written.  For the
 * role nox; no I/O, no allocation but that of jansson for INFO.  Formats: the
 * NATS documentation, "Client Protocol", and ADR-4 "NATS Message Headers".
 */
#ifndef NATS_PARSE_H
#define NATS_PARSE_H

#include <stddef.h>
#include <stdint.h>

#define NATS_LINE	4096		/* bytes of a control line, with CRLF */
#define NATS_INFO	(64 * 1024)	/* the same, of INFO */
#define NATS_INFO_DEPTH	8		/* levels of INFO's JSON */
#define NATS_PAYLOAD	(1024 * 1024)	/* default for headers and payload */
#define NATS_HEADERS	32		/* headers of a message */
#define NATS_HEADER_MAX	(16 * 1024)	/* bytes of them, with the status */

enum nats_op {
	NATS_OP_INFO,
	NATS_OP_MSG,		/* MSG and HMSG */
	NATS_OP_PING,
	NATS_OP_PONG,
	NATS_OP_OK,
	NATS_OP_ERR,
};

#define NATS_VERSION(a, b, c)	((a) * 1000000U + (b) * 1000U + (c))

/* From INFO; a member that is missing is 0. */
struct nats_info {
	uint32_t	version;	/* NATS_VERSION(); 0: not a.b.c */
	uint64_t	max_payload;	/* bytes; the server's limit */
	int		has_headers;
	int		requires_tls;
	int		is_lame_duck;	/* it ends soon: connect elsewhere */
};

/* Texts are not terminated; those of a message are in the caller's buffer. */
struct nats_text {
	const char	*s;
	size_t		 n;
};

struct nats_header {
	struct nats_text name, value;
};

struct nats_message {
	enum nats_op		 op;
	struct nats_info	 info;		/* of INFO */
	struct nats_text	 text;		/* of -ERR: without quotes */
	/* Of MSG and HMSG; these two are terminated. */
	const char		*subject;
	const char		*reply;		/* NULL if there is none */
	uint64_t		 sid;
	unsigned int		 status;	/* 100 to 999, 0 if none */
	struct nats_text	 status_text;
	struct nats_header	 headers[NATS_HEADERS];
	size_t			 n_headers;
	/* Not NULL: why the headers cannot be used; there are none then. */
	const char		*bad_headers;
	const uint8_t		*payload;
	size_t			 n_payload;
};

struct nats_parser {
	size_t		 max_payload;	/* bytes of headers and payload */
	size_t		 need;	/* bytes without which it cannot go on */
	size_t		 seen;	/* bytes without an end of line */
	const char	*why;	/* the last error */
	char		 line[NATS_LINE];
};

/* nats_parser_init: for a new connection.  max_payload: the largest that is
 * accepted, headers included, in bytes; 0: NATS_PAYLOAD. */
void nats_parser_init(struct nats_parser *, size_t max_payload);
/* nats_parse: read one message from the n bytes at `data', which begin where
 * the last message ended and are the same as in the last call, or more.
 *
 * Returns 1 and sets *used if there is one; it is valid until the next call, as
 * long as `data' is.  Returns 0 if more bytes are needed: parser->need in all,
 * at least.  Returns -1 if the server violates the protocol; parser->why says
 * how, and the connection has to be closed.
 *
 * Headers are written by whoever published the message.  If they are wrong, the
 * server did not violate the protocol: the message is returned with bad_headers
 * set, so that nobody can close our connection with a message. */
int nats_parse(struct nats_parser *, const uint8_t *data, size_t n,
    struct nats_message *, size_t *used);
/* nats_header: the first header with this name, in the case given (ADR-4), or
 * NULL. */
const struct nats_text *nats_header(
    const struct nats_message *, const char *name);

/* ---- what a client sends ------------------------------------------------- */

#define NATS_PING	"PING\r\n"
#define NATS_PONG	"PONG\r\n"

/* nats_subject_is_valid: graphic ASCII, no empty token; if is_pattern, the
 * wildcards * and > as whole tokens, otherwise none. */
int nats_subject_is_valid(const char *, int is_pattern);

/* These write a control line, or with nats_put_headers a block of headers, to
 * dst (size bytes) and return its length, or -1 if it does not fit or a name
 * cannot be sent.  After PUB the caller sends n bytes and CRLF; after HPUB the
 * block of n_headers bytes, then n bytes, then CRLF.
 *
 * reply: NULL if none.  sid: from 1.  max: UNSUB after so many messages; 0:
 * now.  pairs: names and values in turn, then NULL. */
int nats_put_connect(
    char *dst, size_t size, const char *name, const char *version, int is_tls);
int nats_put_sub(char *dst, size_t size, const char *subject, uint64_t sid);
int nats_put_unsub(char *dst, size_t size, uint64_t sid, uint64_t max);
int nats_put_pub(
    char *dst, size_t size, const char *subject, const char *reply, size_t n);
int nats_put_hpub(char *dst, size_t size, const char *subject,
    const char *reply, size_t n_headers, size_t n);
int nats_put_headers(char *dst, size_t size, const char *const *pairs);

#endif
