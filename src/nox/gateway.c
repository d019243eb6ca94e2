/* SPDX-License-Identifier: Apache-2.0
 *
 * The Gateway's REST of the protocol Nox v0.  Runs in nox.  Each request has a
 * header with what keys has signed, as base64 of JSON.  Several connections,
 * which are kept; a request waits for the first that is free.
 */
#include <event2/buffer.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "log.h"
#include "nox.h"

#define CONNECTIONS	16
#define TIMEOUT		15		/* seconds */
#define ANSWER_MAX	(512 * 1024)	/* bytes */
#define WHY		160

struct call {
	TAILQ_ENTRY(call) next;
	struct web	*web;		/* NULL: it waits for one */
	char		*target;
	char		*authorization;
	char		*body;		/* of a POST; NULL: a GET */
	struct m_word	*inputs;	/* of operands */
	operands_done	 operands;
	report_done	 report;
	void		*arg;
};

static struct web *connections[CONNECTIONS];
static TAILQ_HEAD(, call) waiting = TAILQ_HEAD_INITIALIZER(waiting);

static void send_waiting(void);

/* ---- text -------------------------------------------------------------- */

static struct evbuffer *
new_text(void)
{
	struct evbuffer *b = evbuffer_new();

	if (b == NULL)
		fatal("out of memory");
	return b;
}

static void
add(struct evbuffer *b, const char *text)
{
	evbuffer_add(b, text, strlen(text));
}

/* "0x..." in quotes */
static void
add_hex(struct evbuffer *b, const void *bytes, size_t n)
{
	char digits[2 * NOX_SPKI + 1];

	evbuffer_add_printf(b, "\"0x%s\"", hex_encode(digits, bytes, n));
}

static char *
take_text(struct evbuffer *b, size_t *n)
{
	char *text;

	*n = evbuffer_get_length(b);
	if ((text = malloc(*n + 1)) == NULL)
		fatal("out of memory");
	evbuffer_remove(b, text, *n);
	text[*n] = '\0';
	evbuffer_free(b);
	return text;
}

/* ---- what keys has signed ---------------------------------------------- */

/* The members that both authorizations begin with.  A uint256 is hexadecimal,
 * without leading zeros. */
static struct evbuffer *
begin_payload(const struct nox_transaction *t)
{
	struct evbuffer *b = new_text();

	evbuffer_add_printf(b,
	    "{\"payload\":{\"chainId\":\"0x%llx\",\"blockNumber\":\"0x%llx\","
	    "\"caller\":",
	    (unsigned long long)t->chain_id,
	    (unsigned long long)t->block_number);
	add_hex(b, t->caller, 20);
	add(b, ",\"transactionHash\":");
	add_hex(b, t->hash, 32);
	return b;
}

/* "EIP712 " and base64 of the JSON. */
static char *
end_payload(struct evbuffer *b, const uint8_t signature[65])
{
	static const char scheme[] = "EIP712 ";
	const size_t at = sizeof(scheme) - 1;
	char *text, *header;
	size_t n;

	add(b, "},\"signature\":");
	add_hex(b, signature, 65);
	add(b, "}");
	text = take_text(b, &n);
	if ((header = malloc(at + (n + 2) / 3 * 4 + 1)) == NULL)
		fatal("out of memory");
	memcpy(header, scheme, at);
	EVP_EncodeBlock(
	    (unsigned char *)header + at, (const unsigned char *)text, (int)n);
	free(text);
	return header;
}

static char *
new_target(const char *path, const uint8_t salt[32])
{
	char digits[65], *target;

	if (asprintf(&target, "%s?salt=0x%s", path,
		hex_encode(digits, salt, 32)) == -1)
		fatal("out of memory");
	return target;
}

static char *
values_text(const struct m_nox_value *v, size_t n)
{
	struct evbuffer *b = new_text();
	size_t i;

	add(b, "[");
	for (i = 0; i < n; i++) {
		add(b, i == 0 ? "{\"handle\":" : ",{\"handle\":");
		add_hex(b, v[i].handle, 32);
		add(b, ",\"handleValueTag\":");
		add_hex(b, v[i].tag, 32);
		add(b, ",\"ciphertext\":");
		add_hex(b, v[i].ciphertext, v[i].len);
		add(b, ",\"publicKey\":");
		add_hex(b, v[i].key, 33);
		add(b, ",\"nonce\":");
		add_hex(b, v[i].nonce, 12);
		add(b, "}");
	}
	add(b, "]");
	return take_text(b, &i);
}

/* ---- calls ------------------------------------------------------------- */

static void
call_free(struct call *c)
{
	free(c->target);
	free(c->authorization);
	free(c->body);
	free(c->inputs);
	free(c);
}

static struct call *
new_call(void *arg)
{
	struct call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		fatal("out of memory");
	c->arg = arg;
	return c;
}

static void
answer_operands(struct call *c, const struct web_answer *a, const char *why)
{
	struct operands o = { .status = ST_GATEWAY_UNREACHABLE, .why = why };
	char text[WHY];

	if (a != NULL && a->code == 200) {
		o.why = nox_json_operands(a->body, a->n, c->inputs, &o);
		o.status = o.why == NULL ? ST_OK : ST_GATEWAY_ERROR;
	} else if (a != NULL) {
		o.status = nox_json_error(
		    a->code, a->body, a->n, text, sizeof(text));
		o.why = text;
	}
	c->operands(c->arg, &o);
	free(o.rows);
}

static void
answer_report(struct call *c, const struct web_answer *a, const char *why)
{
	struct report r = { .status = ST_GATEWAY_UNREACHABLE, .why = why };
	char text[WHY];

	if (a != NULL && a->code == 200) {
		r.why = nox_json_report(a->body, a->n, &r);
		r.status = r.why == NULL ? ST_OK : ST_GATEWAY_ERROR;
	} else if (a != NULL) {
		r.status = nox_json_error(
		    a->code, a->body, a->n, text, sizeof(text));
		r.why = text;
	}
	c->report(c->arg, &r);
}

static void
on_answer(void *arg, const struct web_answer *a, const char *why)
{
	struct call *c = arg;

	if (c->operands != NULL)
		answer_operands(c, a, why);
	else
		answer_report(c, a, why);
	call_free(c);
	send_waiting();
	front_settle();
}

static void
call_send(struct call *c, struct web *web)
{
	const char *const headers[] = { "Authorization", c->authorization,
		"Content-Type", "application/json", NULL };
	const char *const get[] = { "Authorization", c->authorization, NULL };
	const struct web_request q = { .is_post = c->body != NULL,
		.target = c->target,
		.headers = c->body != NULL ? headers : get,
		.body = c->body,
		.n = c->body == NULL ? 0 : strlen(c->body) };

	c->web = web;
	web_send(web, &q, on_answer, c);
}

static void
send_waiting(void)
{
	struct call *c;
	size_t i;

	for (i = 0; i < CONNECTIONS; i++) {
		if (web_is_busy(connections[i]))
			continue;
		if ((c = TAILQ_FIRST(&waiting)) == NULL)
			return;
		TAILQ_REMOVE(&waiting, c, next);
		call_send(c, connections[i]);
	}
}

static struct call *
start(struct call *c)
{
	TAILQ_INSERT_TAIL(&waiting, c, next);
	send_waiting();
	return c;
}

void
gateway_cancel(struct call *c)
{
	if (c == NULL)
		return;
	if (c->web == NULL)
		TAILQ_REMOVE(&waiting, c, next);
	else
		web_cancel(c->web);
	call_free(c);
}

struct call *
gateway_operands(const struct nox_transaction *t, const struct m_word *inputs,
    size_t n, const struct m_nox_ask *ask, operands_done done, void *arg)
{
	struct call *c = new_call(arg);
	struct evbuffer *b = begin_payload(t);
	size_t i;

	add(b, ",\"operands\":[");
	for (i = 0; i < n; i++) {
		if (i != 0)
			add(b, ",");
		add_hex(b, inputs[i].b, 32);
	}
	add(b, "],\"rsaPublicKey\":");
	add_hex(b, ask->spki, NOX_SPKI);
	c->authorization = end_payload(b, ask->signature);
	c->target = new_target("/v0/compute/operands", ask->salt);
	/* One more, of zeros: where the list ends. */
	if ((c->inputs = calloc(n + 1, sizeof(*inputs))) == NULL)
		fatal("out of memory");
	memcpy(c->inputs, inputs, n * sizeof(*inputs));
	c->operands = done;
	return start(c);
}

struct call *
gateway_store(const struct nox_transaction *t, const struct m_nox_value *v,
    size_t n, const struct m_nox_result *r, report_done done, void *arg)
{
	struct call *c = new_call(arg);

	c->authorization = end_payload(begin_payload(t), r->signature);
	c->target = new_target("/v0/compute/results", r->salt);
	c->body = values_text(v, n);
	c->report = done;
	return start(c);
}

void
gateway_init(void)
{
	static const struct web_conf conf = { "gateway-url", TIMEOUT,
		ANSWER_MAX };
	size_t i;

	connections[0] = web_new(front.base, front.chain->gateway_url, &conf);
	if (connections[0] == NULL)
		fatal(
		    "gateway-url %s: has no address", front.chain->gateway_url);
	for (i = 1; i < CONNECTIONS; i++)
		connections[i] = web_another(connections[0]);
}
