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

/* Its texts are made when a connection is free: many calls may wait. */
struct call {
	TAILQ_ENTRY(call) next;
	struct web	*web;		/* NULL: it waits for one */
	const struct nox_transaction *t;
	size_t		 n;		/* inputs, or values */
	/* of operands */
	const struct m_word *inputs;
	const struct m_nox_ask *ask;
	operands_done	 operands;	/* NULL: it is of a report */
	/* of a report */
	const struct m_nox_value *values;
	const struct m_nox_result *result;
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
	char text[3 + 2 * NOX_SPKI + 1] = "\"0x";

	hex_encode(text + 3, bytes, n);
	text[3 + 2 * n] = '"';
	evbuffer_add(b, text, 3 + 2 * n + 1);
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
answer_operands(struct call *c, const struct web_answer *a, const char *why)
{
	struct operands o = { .status = ST_GATEWAY_UNREACHABLE, .why = why };
	struct m_word inputs[NOX_INPUTS + 1];
	char text[WHY];

	/* One more, of zeros: where the list ends. */
	memset(inputs, 0, sizeof(inputs));
	memcpy(inputs, c->inputs, c->n * sizeof(inputs[0]));
	if (a != NULL && a->code == 200) {
		o.why = nox_json_operands(a->body, a->n, inputs, &o);
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
	free(c);
	send_waiting();
	front_settle();
}

static char *
operands_text(const struct call *c)
{
	struct evbuffer *b = begin_payload(c->t);
	size_t i;

	add(b, ",\"operands\":[");
	for (i = 0; i < c->n; i++) {
		if (i != 0)
			add(b, ",");
		add_hex(b, c->inputs[i].b, 32);
	}
	add(b, "],\"rsaPublicKey\":");
	add_hex(b, c->ask->spki, NOX_SPKI);
	return end_payload(b, c->ask->signature);
}

static void
send_get(struct call *c)
{
	char *authorization = operands_text(c);
	char *target = new_target("/v0/compute/operands", c->ask->salt);
	const char *const headers[] = { "Authorization", authorization, NULL };
	const struct web_request q = { .target = target, .headers = headers };

	web_send(c->web, &q, on_answer, c);
	free(authorization);
	free(target);
}

static void
send_post(struct call *c)
{
	char *authorization = end_payload(
	    begin_payload(c->t), c->result->signature);
	char *target = new_target("/v0/compute/results", c->result->salt);
	char *body = values_text(c->values, c->n);
	const char *const headers[] = { "Authorization", authorization,
		"Content-Type", "application/json", NULL };
	const struct web_request q = { .is_post = 1,
		.target = target,
		.headers = headers,
		.body = body,
		.n = strlen(body) };

	web_send(c->web, &q, on_answer, c);
	free(authorization);
	free(target);
	free(body);
}

static void
call_send(struct call *c, struct web *web)
{
	c->web = web;
	if (c->operands != NULL)
		send_get(c);
	else
		send_post(c);
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
start(const struct call *from)
{
	struct call *c = malloc(sizeof(*c));

	if (c == NULL)
		fatal("out of memory");
	*c = *from;
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
	free(c);
}

struct call *
gateway_operands(const struct nox_transaction *t, const struct m_word *inputs,
    size_t n, const struct m_nox_ask *ask, operands_done done, void *arg)
{
	return start(&(const struct call){ .t = t,
	    .n = n,
	    .inputs = inputs,
	    .ask = ask,
	    .operands = done,
	    .arg = arg });
}

struct call *
gateway_store(const struct nox_transaction *t, const struct m_nox_value *v,
    size_t n, const struct m_nox_result *r, report_done done, void *arg)
{
	return start(&(const struct call){ .t = t,
	    .n = n,
	    .values = v,
	    .result = r,
	    .report = done,
	    .arg = arg });
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
