/* SPDX-License-Identifier: Apache-2.0
 *
 * What a NATS server sends, read, and what a client sends, written.  For the
 * role nox.  Must never read beyond what it was given, nor trust a length.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jsondepth.h"
#include "nats_parse.h"

#define TOKENS		6	/* HMSG has most */
#define DIGITS		19	/* so many fit in 64 bits */

void
nats_parser_init(struct nats_parser *p, size_t max_payload)
{
	memset(p, 0, sizeof(*p));
	p->max_payload = max_payload == 0 ? NATS_PAYLOAD : max_payload;
	p->need = 1;
}

static int
violated(struct nats_parser *p, const char *why)
{
	p->why = why;
	return -1;
}

static int
wants(struct nats_parser *p, size_t need)
{
	p->need = need;
	return 0;
}

/* A decimal number of n digits.  Returns 0, or -1. */
static int
number(const char *s, size_t n, uint64_t *v)
{
	uint64_t sum = 0;

	if (n == 0 || n > DIGITS)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		sum = sum * 10 + (uint64_t)(s[i] - '0');
	}
	*v = sum;
	return 0;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* ---- INFO ---------------------------------------------------------------- */

/* A member that may be missing, but not have another type.  Returns 0, or
 * -1. */
static int
take_flag(const json_t *o, const char *name, int *flag)
{
	const json_t *v = json_object_get(o, name);

	if (v != NULL && !json_is_boolean(v))
		return -1;
	*flag = json_is_true(v);
	return 0;
}

static int
take_size(const json_t *o, const char *name, uint64_t *size)
{
	const json_t *v = json_object_get(o, name);

	if (v != NULL && (!json_is_integer(v) || json_integer_value(v) < 0))
		return -1;
	*size = (uint64_t)json_integer_value(v);
	return 0;
}

/* 2.9.10, perhaps with -beta.1 after it: each below 1000. */
static uint32_t
version_of(const json_t *o)
{
	const char *s = json_string_value(json_object_get(o, "version"));
	uint32_t version = 0;
	uint64_t v;

	for (int i = 0; i < 3; i++) {
		const size_t n = s == NULL ? 0 : strspn(s, "0123456789");

		if (n > 3 || number(s, n, &v) != 0 || (i < 2 && s[n] != '.'))
			return 0;
		version = version * 1000 + (uint32_t)v;
		s += n + 1;
	}
	return version;
}

static int
take_info(
    struct nats_parser *p, const char *text, size_t n, struct nats_info *info)
{
	json_t *o;
	int r = 0;

	if (jsondepth_exceeds(text, n, NATS_INFO_DEPTH))
		return violated(p, "INFO is nested too deeply");
	if ((o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		return violated(p, "INFO is not a JSON object");
	if (!json_is_object(o) ||
	    take_size(o, "max_payload", &info->max_payload) != 0 ||
	    take_flag(o, "headers", &info->has_headers) != 0 ||
	    take_flag(o, "tls_required", &info->requires_tls) != 0 ||
	    take_flag(o, "ldm", &info->is_lame_duck) != 0)
		r = violated(p, "INFO has a member of the wrong type");
	info->version = version_of(o);
	json_decref(o);
	return r;
}

/* ---- headers ------------------------------------------------------------- */

/* The next line of the block, without CRLF.  Returns 0, or -1 if there is no
 * CRLF or another control character. */
static int
take_line(struct nats_text *block, struct nats_text *line)
{
	size_t i;

	for (i = 0; i < block->n &&
	     (block->s[i] == '\t' || (unsigned char)block->s[i] >= ' ');
	     i++)
		;
	if (block->n - i < 2 || memcmp(block->s + i, "\r\n", 2) != 0)
		return -1;
	line->s = block->s;
	line->n = i;
	block->s += i + 2;
	block->n -= i + 2;
	return 0;
}

static void
trim(struct nats_text *t)
{
	for (; t->n > 0 && is_blank(t->s[0]); t->n--)
		t->s++;
	while (t->n > 0 && is_blank(t->s[t->n - 1]))
		t->n--;
}

/* NATS/1.0, then perhaps a status of three digits and a text. */
static int
take_status(struct nats_text line, struct nats_message *m)
{
	const size_t n = strlen("NATS/1.0");
	uint64_t status;

	if (line.n < n || memcmp(line.s, "NATS/1.0", n) != 0)
		return -1;
	line.s += n;
	line.n -= n;
	if (line.n > 0 && !is_blank(line.s[0]))
		return -1;
	trim(&line);
	if (line.n == 0)
		return 0;
	if (line.n < 3 || number(line.s, 3, &status) != 0 || status < 100 ||
	    (line.n > 3 && !is_blank(line.s[3])))
		return -1;
	line.s += 3;
	line.n -= 3;
	trim(&line);
	m->status = (unsigned int)status;
	m->status_text = line;
	return 0;
}

static int
take_header(struct nats_text line, struct nats_header *h)
{
	const char *colon = memchr(line.s, ':', line.n);

	if (colon == NULL || colon == line.s)
		return -1;
	h->name.s = line.s;
	h->name.n = (size_t)(colon - line.s);
	if (memchr(line.s, ' ', h->name.n) != NULL ||
	    memchr(line.s, '\t', h->name.n) != NULL)
		return -1;
	h->value.s = colon + 1;
	h->value.n = line.n - h->name.n - 1;
	trim(&h->value);
	return 0;
}

/* Returns NULL, or why they cannot be used. */
static const char *
take_headers(struct nats_text block, struct nats_message *m)
{
	struct nats_text line;

	if (block.n > NATS_HEADER_MAX)
		return "headers: too long";
	if (take_line(&block, &line) != 0 || take_status(line, m) != 0)
		return "headers: no valid NATS/1.0 line";
	for (;;) {
		if (take_line(&block, &line) != 0)
			return "headers: a line is not valid";
		if (line.n == 0)
			break;
		if (m->n_headers == NATS_HEADERS)
			return "headers: too many";
		if (take_header(line, &m->headers[m->n_headers]) != 0)
			return "headers: one is not valid";
		m->n_headers++;
	}
	return block.n == 0 ? NULL : "headers: they end too early";
}

const struct nats_text *
nats_header(const struct nats_message *m, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; i < m->n_headers; i++) {
		if (m->headers[i].name.n == n &&
		    memcmp(m->headers[i].name.s, name, n) == 0)
			return &m->headers[i].value;
	}
	return NULL;
}

/* ---- control lines ------------------------------------------------------- */

/* Where the line ends, without CRLF.  Returns 1, 0 if it is not complete, or
 * -1. */
static int
find_line(struct nats_parser *p, const uint8_t *data, size_t n, size_t *end)
{
	const size_t max = n >= 5 &&
		strncasecmp((const char *)data, "INFO", 4) == 0 &&
		is_blank((char)data[4]) ?
	    NATS_INFO :
	    NATS_LINE;
	size_t i;

	for (i = p->seen; i < n && i < max && data[i] != '\r'; i++) {
		if (data[i] != '\t' && data[i] < ' ')
			return violated(p, "a control character in a line");
	}
	p->seen = i;
	if (max - i < 2)
		return violated(p, "a control line is too long");
	if (n - i < 2)
		return wants(p, n + 1);
	if (data[i + 1] != '\n')
		return violated(p, "a carriage return without a line feed");
	*end = i;
	return 1;
}

/* Split the terminated line.  Returns how many tokens there are, or TOKENS + 1
 * if too many. */
static size_t
split(char *line, char **tokens)
{
	size_t n = 0;
	char *t, *rest = NULL;

	for (t = strtok_r(line, " \t", &rest); t != NULL;
	     t = strtok_r(NULL, " \t", &rest)) {
		if (n == TOKENS)
			return TOKENS + 1;
		tokens[n++] = t;
	}
	return n;
}

/* MSG subject sid [reply] total; HMSG subject sid [reply] headers total.  The
 * line is read again when its payload is complete: once more at most. */
static int
take_fields(struct nats_parser *p, char **tokens, size_t n_tokens,
    int has_headers, struct nats_message *m, size_t *n_headers, size_t *total)
{
	const size_t least = has_headers ? 5 : 4;
	uint64_t v, h = 0;

	if (n_tokens != least && n_tokens != least + 1)
		return violated(p, "MSG or HMSG has the wrong fields");
	m->subject = tokens[1];
	m->reply = n_tokens == least ? NULL : tokens[3];
	if (number(tokens[2], strlen(tokens[2]), &m->sid) != 0 ||
	    number(tokens[n_tokens - 1], strlen(tokens[n_tokens - 1]), &v) !=
		0 ||
	    (has_headers &&
		number(tokens[n_tokens - 2], strlen(tokens[n_tokens - 2]),
		    &h) != 0))
		return violated(p, "MSG or HMSG has a wrong number");
	if (v > p->max_payload)
		return violated(p, "a message is too long");
	if (h > v)
		return violated(p, "HMSG has more headers than bytes");
	*n_headers = (size_t)h;
	*total = (size_t)v;
	return 0;
}

/* MSG or HMSG, whose line ends at `end'; headers and payload follow. */
static int
take_msg(struct nats_parser *p, const uint8_t *data, size_t n, size_t end,
    char **tokens, size_t n_tokens, struct nats_message *m, size_t *used)
{
	const int has_headers = tokens[0][0] == 'H' || tokens[0][0] == 'h';
	struct nats_text block;
	size_t total;

	m->op = NATS_OP_MSG;
	if (take_fields(
		p, tokens, n_tokens, has_headers, m, &block.n, &total) != 0)
		return -1;
	/* All are bounded: no overflow. */
	*used = end + 2 + total + 2;
	if (n < *used)
		return wants(p, *used);
	if (memcmp(data + *used - 2, "\r\n", 2) != 0)
		return violated(p, "a payload does not end in CRLF");
	block.s = (const char *)data + end + 2;
	m->payload = data + end + 2 + block.n;
	m->n_payload = total - block.n;
	if (has_headers && (m->bad_headers = take_headers(block, m)) != NULL) {
		m->n_headers = 0;
		m->status = 0;
	}
	return 1;
}

/* -ERR 'text' */
static int
take_err(const uint8_t *data, size_t end, struct nats_message *m)
{
	m->text.s = (const char *)data + strlen("-ERR");
	m->text.n = end - strlen("-ERR");
	trim(&m->text);
	if (m->text.n >= 2 && m->text.s[0] == '\'' &&
	    m->text.s[m->text.n - 1] == '\'') {
		m->text.s++;
		m->text.n -= 2;
	}
	m->op = NATS_OP_ERR;
	return 1;
}

static int
is_op(const uint8_t *data, size_t end, const char *op)
{
	const size_t n = strlen(op);

	return end >= n && strncasecmp((const char *)data, op, n) == 0 &&
	    (end == n || is_blank((char)data[n]));
}

static int
take_op(struct nats_parser *p, const uint8_t *data, size_t n, size_t end,
    struct nats_message *m, size_t *used)
{
	static const struct {
		const char	*name;
		enum nats_op	 op;
	} plain[] = { { "PING", NATS_OP_PING }, { "PONG", NATS_OP_PONG },
		{ "+OK", NATS_OP_OK } };
	char *tokens[TOKENS];
	size_t n_tokens;

	*used = end + 2;
	if (is_op(data, end, "INFO")) {
		m->op = NATS_OP_INFO;
		return take_info(
			   p, (const char *)data + 4, end - 4, &m->info) == 0 ?
		    1 :
		    -1;
	}
	if (is_op(data, end, "-ERR"))
		return take_err(data, end, m);
	/* find_line() has let no NUL pass, and no more than fits. */
	memcpy(p->line, data, end);
	p->line[end] = '\0';
	n_tokens = split(p->line, tokens);
	if (is_op(data, end, "MSG") || is_op(data, end, "HMSG"))
		return take_msg(p, data, n, end, tokens, n_tokens, m, used);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (is_op(data, end, plain[i].name) && n_tokens == 1) {
			m->op = plain[i].op;
			return 1;
		}
	}
	return violated(p, "an unknown control line");
}

int
nats_parse(struct nats_parser *p, const uint8_t *data, size_t n,
    struct nats_message *m, size_t *used)
{
	struct nats_message new;
	size_t end, length;
	int r;

	if ((r = find_line(p, data, n, &end)) != 1)
		return r;
	memset(&new, 0, sizeof(new));
	if ((r = take_op(p, data, n, end, &new, &length)) != 1)
		return r;
	*m = new;
	*used = length;
	p->need = 1;
	p->seen = 0;
	return 1;
}

/* ---- what a client sends ------------------------------------------------- */

int
nats_subject_is_valid(const char *s, int is_pattern)
{
	size_t n;

	for (;; s += n + 1) {
		n = strcspn(s, ".");
		if (n == 0)
			return 0;
		for (size_t i = 0; i < n; i++) {
			if (s[i] <= ' ' || s[i] > '~')
				return 0;
			if ((s[i] == '*' || s[i] == '>') &&
			    (!is_pattern || n != 1 ||
				(s[i] == '>' && s[1] != '\0')))
				return 0;
		}
		if (s[n] == '\0')
			return 1;
	}
}

static int put(char *dst, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
put(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, size, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= size ? -1 : n;
}

int
nats_put_connect(
    char *dst, size_t size, const char *name, const char *version, int is_tls)
{
	/* With protocol 1 the server sends INFO again, with ldm for one. */
	json_t *o = json_pack("{s:b,s:b,s:b,s:s,s:s,s:s,s:i,s:b,s:b}",
	    "verbose", 0, "pedantic", 0, "tls_required", is_tls, "name", name,
	    "lang", "c", "version", version, "protocol", 1, "headers", 1,
	    "no_responders", 1);
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	int n = text == NULL ? -1 : put(dst, size, "CONNECT %s\r\n", text);

	json_decref(o);
	free(text);
	return n;
}

int
nats_put_sub(char *dst, size_t size, const char *subject, uint64_t sid)
{
	if (!nats_subject_is_valid(subject, 1))
		return -1;
	return put(
	    dst, size, "SUB %s %llu\r\n", subject, (unsigned long long)sid);
}

int
nats_put_unsub(char *dst, size_t size, uint64_t sid, uint64_t max)
{
	if (max == 0)
		return put(
		    dst, size, "UNSUB %llu\r\n", (unsigned long long)sid);
	return put(dst, size, "UNSUB %llu %llu\r\n", (unsigned long long)sid,
	    (unsigned long long)max);
}

static int
can_publish(const char *subject, const char *reply)
{
	return nats_subject_is_valid(subject, 0) &&
	    (reply == NULL || nats_subject_is_valid(reply, 0));
}

int
nats_put_pub(
    char *dst, size_t size, const char *subject, const char *reply, size_t n)
{
	if (!can_publish(subject, reply))
		return -1;
	return put(dst, size, "PUB %s %s%s%zu\r\n", subject,
	    reply == NULL ? "" : reply, reply == NULL ? "" : " ", n);
}

int
nats_put_hpub(char *dst, size_t size, const char *subject, const char *reply,
    size_t n_headers, size_t n)
{
	if (!can_publish(subject, reply) || n > SIZE_MAX - n_headers)
		return -1;
	return put(dst, size, "HPUB %s %s%s%zu %zu\r\n", subject,
	    reply == NULL ? "" : reply, reply == NULL ? "" : " ", n_headers,
	    n_headers + n);
}

/* Could it be taken for a line by itself, or for the end of a name? */
static int
is_header_text(const char *s, int is_name)
{
	if (is_name && *s == '\0')
		return 0;
	for (; *s != '\0'; s++) {
		if (*s > '~' || *s < ' ' ||
		    (is_name && (*s == ' ' || *s == ':')))
			return 0;
	}
	return 1;
}

int
nats_put_headers(char *dst, size_t size, const char *const *pairs)
{
	int n = put(dst, size, "NATS/1.0\r\n"), sum = n;

	for (; n != -1 && *pairs != NULL; pairs += 2) {
		if (pairs[1] == NULL || !is_header_text(pairs[0], 1) ||
		    !is_header_text(pairs[1], 0))
			return -1;
		n = put(dst + sum, size - (size_t)sum, "%s: %s\r\n", pairs[0],
		    pairs[1]);
		sum += n;
	}
	if (n == -1 || (n = put(dst + sum, size - (size_t)sum, "\r\n")) == -1)
		return -1;
	return sum + n;
}
