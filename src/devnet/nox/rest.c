/* SPDX-License-Identifier: Apache-2.0
 *
 * See rest.h.  Runs in the server nox.
 */
#include <event2/buffer.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "nox_typed.h"
#include "rest.h"
#include "server.h"
#include "types.h"

#define SCHEME	"EIP712 "

static uint8_t key[32];

void
rest_init(void)
{
	dir_secret(&devnet, "nox-gateway", key);
}

const uint8_t *
rest_key(void)
{
	return key;
}

/* ---- answers ------------------------------------------------------------- */

void
rest_send(struct rest *r, int status, json_t *value)
{
	struct evbuffer *out = evhttp_request_get_output_buffer(r->http);
	char *text = json_dumps(value, JSON_COMPACT);

	if (text == NULL)
		fatal("rest: out of memory");
	json_decref(value);
	evhttp_add_header(evhttp_request_get_output_headers(r->http),
	    "Content-Type", "application/json");
	evbuffer_add(out, text, strlen(text));
	free(text);
	evhttp_send_reply(r->http, status, NULL, NULL);
}

void
rest_error(struct rest *r, int status, const char *code, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_info("%d %s: %s", status, code, text);
	rest_send(
	    r, status, json_pack("{s:s,s:s}", "error", code, "message", text));
}

void
rest_answer(struct rest *r, const char *encode_type, json_t *payload)
{
	uint8_t domain[32], sig[65];

	typed_domain(TYPED_GATEWAY, devnet.chain_id, r->salt, NULL, domain);
	if (typed_sign(key, domain, encode_type, payload, sig) != 0) {
		json_decref(payload);
		rest_error(r, 500, "signing", "cannot sign the answer");
		return;
	}
	if (fault == FAULT_NOX_badsig)
		sig[40] ^= 1;
	rest_send(r, 200,
	    json_pack("{s:o,s:o}", "payload", payload, "signature",
		json_hex(sig, 65)));
}

/* ---- requests ------------------------------------------------------------ */

const char *
rest_query(struct rest *r, const char *name)
{
	return evhttp_find_header(&r->query, name);
}

int
rest_salt(struct rest *r)
{
	const char *text = rest_query(r, "salt");

	memset(r->salt, 0, sizeof(r->salt));
	if (text == NULL || hex_read(text, r->salt, 32) == 0)
		return 0;
	rest_error(r, 400, "bad_request", "salt: expected 32 bytes of hex");
	return -1;
}

int
rest_chain(struct rest *r, uint64_t chain_id)
{
	if (chain_id == devnet.chain_id)
		return 0;
	if (chain_id > UINT32_MAX)
		rest_error(r, 400, "bad_request", "the chain ID is too large");
	else
		rest_error(r, 400, "unknown_chain", "unknown chain %llu",
		    (unsigned long long)chain_id);
	return -1;
}

int
rest_handle(
    struct rest *r, const json_t *value, const char *code, uint8_t handle[32])
{
	const char *text = json_string_value(value);

	if (text == NULL || hex_read(text, handle, 32) != 0)
		rest_error(r, 400, code, "handle: expected 32 bytes of hex");
	else if (handle_chain(handle) != devnet.chain_id)
		rest_error(
		    r, 400, code, "handle: of chain %u", handle_chain(handle));
	else
		return 0;
	return -1;
}

json_t *
rest_body(struct rest *r)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r->http);
	const size_t n = evbuffer_get_length(in);
	json_t *body = NULL;

	/* evbuffer_pullup() returns NULL for an empty body. */
	if (n > 0)
		body = json_loadb(
		    (const char *)evbuffer_pullup(in, -1), n, 0, NULL);
	if (body == NULL)
		rest_error(r, 400, "bad_request", "the body is not JSON");
	return body;
}

/* Standard base64 with padding; NULL if it is not. */
static json_t *
read_base64(const char *text)
{
	const size_t n = strlen(text);
	uint8_t *bytes = malloc(n + 1);
	json_t *o = NULL;
	int len;

	if (bytes == NULL)
		fatal("rest: out of memory");
	len = n == 0 ? -1 :
		       EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)n);
	if (len > 0) {
		len -= text[n - 1] == '=';
		len -= n > 1 && text[n - 2] == '=';
		o = json_loadb((const char *)bytes, (size_t)len, 0, NULL);
	}
	free(bytes);
	return o;
}

json_t *
rest_authorization(struct rest *r)
{
	const char *text = evhttp_find_header(
	    evhttp_request_get_input_headers(r->http), "Authorization");
	json_t *o = NULL;

	if (text != NULL && strncmp(text, SCHEME, strlen(SCHEME)) == 0)
		o = read_base64(text + strlen(SCHEME));
	if (json_is_object(json_object_get(o, "payload")) &&
	    json_is_string(json_object_get(o, "signature")))
		return o;
	json_decref(o);
	rest_error(r, 401, "unauthorized",
	    text == NULL ? "no Authorization header" :
			   "malformed Authorization header");
	return NULL;
}
