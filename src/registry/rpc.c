/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON-RPC over the HTTP client of src/web, for registry.  Must never trust an
 * answer beyond "this endpoint said so".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "jsondepth.h"
#include "log.h"
#include "rpc.h"
#include "web.h"

struct rpc {
	struct web	*web;
	uint64_t	 id;	/* of the current call */
	rpc_done	 done;
	void		*arg;
};

/* ---- answers ----------------------------------------------------------- */

json_t *
rpc_parse(const char *text, size_t n, uint64_t id, char *buf, size_t size,
    const char **why)
{
	json_t *answer, *result = NULL;
	const char *s;
	char word[80];

	/* jansson's parser is recursive and allows 2048 levels; our answers
	 * need far fewer. */
	if (jsondepth_exceeds(text, n, RPC_DEPTH)) {
		*why = "JSON is nested too deeply";
		return NULL;
	}
	if ((answer = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL)) ==
	    NULL) {
		*why = "not JSON";
		return NULL;
	}
	s = json_string_value(json_object_get(answer, "jsonrpc"));
	if (s == NULL || strcmp(s, "2.0") != 0)
		*why = "not JSON-RPC 2.0";
	else if (!json_is_integer(json_object_get(answer, "id")) ||
	    json_integer_value(json_object_get(answer, "id")) != (json_int_t)id)
		*why = "answer to another call";
	else if (json_object_get(answer, "error") != NULL) {
		s = json_string_value(json_object_get(
		    json_object_get(answer, "error"), "message"));
		if (s == NULL)
			s = "without a message";
		snprintf(buf, size, "error: %s",
		    log_escape(word, sizeof(word), s, strlen(s)));
		*why = buf;
	} else if ((result = json_object_get(answer, "result")) == NULL)
		*why = "neither result nor error";
	json_incref(result);
	json_decref(answer);
	return result;
}

/* The digits after 0x, or NULL if the value does not start with 0x. */
static const char *
hex_digits(const json_t *value, size_t *n)
{
	const char *s = json_string_value(value);

	if (s == NULL || s[0] != '0' || s[1] != 'x')
		return NULL;
	*n = json_string_length(value) - 2;
	return s + 2;
}

int
rpc_quantity(const json_t *value, uint64_t *out)
{
	uint64_t v = 0;
	size_t n;
	const char *s = hex_digits(value, &n);

	if (s == NULL || n < 1 || n > 16)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int digit = hex_digit(s[i]);

		if (digit < 0)
			return -1;
		v = v << 4 | (uint64_t)digit;
	}
	*out = v;
	return 0;
}

long
rpc_bytes(const json_t *value, uint8_t *out, size_t max)
{
	size_t n;
	const char *s = hex_digits(value, &n);

	if (s == NULL || n / 2 > max || hex_decode(s, n, out, n / 2) != 0)
		return -1;
	return (long)(n / 2);
}

json_t *
rpc_hex(const uint8_t *p, size_t n)
{
	char *digits = malloc(2 * n + 1);
	json_t *value;

	if (digits == NULL)
		fatal("out of memory");
	value = json_sprintf("0x%s", hex_encode(digits, p, n));
	free(digits);
	return value;
}

json_t *
rpc_number(uint64_t v)
{
	return json_sprintf("0x%llx", (unsigned long long)v);
}

/* ---- one call ---------------------------------------------------------- */

static void
on_answer(void *arg, const struct web_answer *a, const char *why)
{
	struct rpc *r = arg;
	json_t *result = NULL;
	char buf[128];

	if (a != NULL && a->code != 200) {
		snprintf(buf, sizeof(buf), "HTTP status %d", a->code);
		why = buf;
	} else if (a != NULL)
		result = rpc_parse(
		    a->body, a->n, r->id, buf, sizeof(buf), &why);
	r->done(r->arg, result, why);
	json_decref(result);
}

/* It is safe to send a transaction a second time: the chain executes it
 * once. */
void
rpc_call(
    struct rpc *r, const char *method, json_t *params, rpc_done done, void *arg)
{
	static const char *const headers[] = { "Content-Type",
		"application/json", NULL };
	struct web_request q = { .is_post = 1, .headers = headers };
	json_t *call;
	char *text;

	call = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
	    (json_int_t)++r->id, "method", method, "params", params);
	if (call == NULL || (text = json_dumps(call, JSON_COMPACT)) == NULL)
		fatal("out of memory");
	json_decref(call);
	r->done = done;
	r->arg = arg;
	q.body = text;
	q.n = strlen(text);
	web_send(r->web, &q, on_answer, r);
	free(text);
}

struct rpc *
rpc_new(struct event_base *base, const char *url)
{
	static const struct web_conf conf = { "registry-endpoint", RPC_TIMEOUT,
		RPC_MAX };
	struct web *web = web_new(base, url, &conf);
	struct rpc *r;

	if (web == NULL)
		return NULL;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("out of memory");
	r->web = web;
	return r;
}

const char *
rpc_name(const struct rpc *r)
{
	return web_name(r->web);
}
