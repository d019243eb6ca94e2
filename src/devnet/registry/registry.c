/* SPDX-License-Identifier: Apache-2.0
 *
 * The Registry's stand-in: a JSON-RPC server on loopback, run as a process of
 * tee-devnet or of a test.  It trusts every client, so it must never listen on
 * another address.  No request may end the process.
 */
#include <sys/prctl.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "keccak.h"
#include "registry.h"
#include "registry_state.h"
#include "secp.h"
#include "typed_data.h"

#define GENESIS		1700000000	/* time of block 0 */
#define BODY_MAX	(1024 * 1024)
#define BATCH_MAX	64
#define CALL_MAX	(4 + 32)

/* JSON-RPC 2.0, section 5.1 */
#define NOT_JSON	(-32700)
#define NOT_A_CALL	(-32600)
#define NO_METHOD	(-32601)
#define FAILED		(-32000)

static const struct devnet_registry *conf;

/* ---- eth_* ------------------------------------------------------------- */

static json_t *
quantity(uint64_t v)
{
	return json_sprintf("0x%llx", (unsigned long long)v);
}

static uint64_t
head(void)
{
	return (uint64_t)time(NULL) - GENESIS;
}

static json_t *
eth_chain_id(const json_t *params, const char **why)
{
	(void)params;
	(void)why;
	return quantity(conf->chain_id);
}

static json_t *
eth_block_number(const json_t *params, const char **why)
{
	(void)params;
	(void)why;
	return quantity(head());
}

/* Parse a parameter that is a block number or tag.  Returns 0 or -1. */
static int
block_of(const json_t *param, uint64_t *number)
{
	const char *s = json_string_value(param);

	if (s == NULL || strcmp(s, "latest") == 0 || strcmp(s, "safe") == 0 ||
	    strcmp(s, "finalized") == 0 || strcmp(s, "pending") == 0)
		*number = head();
	else if (strcmp(s, "earliest") == 0)
		*number = 0;
	else if (json_to_number(param, number) != 0 || *number > head())
		return -1;
	return 0;
}

static void
block_hash(uint64_t number, uint8_t hash[32])
{
	char text[64];
	struct keccak k;

	snprintf(text, sizeof(text), "devnet %llu %llu",
	    (unsigned long long)conf->chain_id, (unsigned long long)number);
	keccak_init(&k);
	keccak_update(&k, text, strlen(text));
	keccak_update(&k, conf->address, sizeof(conf->address));
	keccak_final(&k, hash);
}

static json_t *
eth_get_block(const json_t *params, const char **why)
{
	uint8_t hash[32], parent[32] = { 0 };
	uint64_t number;

	(void)why;
	if (block_of(json_array_get(params, 0), &number) != 0)
		return json_null();
	block_hash(number, hash);
	if (number > 0)
		block_hash(number - 1, parent);
	return json_pack("{s:o,s:o,s:o,s:o,s:[]}", "number", quantity(number),
	    "hash", json_hex(hash, 32), "parentHash", json_hex(parent, 32),
	    "timestamp", quantity(GENESIS + number), "transactions");
}

static int
is_call_of(const uint8_t call[4], const char *signature)
{
	uint8_t hash[32];

	keccak256(signature, strlen(signature), hash);
	return memcmp(call, hash, 4) == 0;
}

/* kmsPublicKey() returns (bytes), gateway() returns (address). */
static json_t *
call_nox(const json_t *data, const char **why)
{
	uint8_t call[4], out[4 * 32] = { 0 };

	if (json_to_bytes(data, call, sizeof(call)) == 0) {
		if (is_call_of(call, "kmsPublicKey()")) {
			out[31] = 32;			/* offset */
			out[63] = sizeof(conf->nox_kms_key);
			memcpy(out + 64, conf->nox_kms_key,
			    sizeof(conf->nox_kms_key));
			return json_hex(out, 4 * 32);
		}
		if (is_call_of(call, "gateway()")) {
			memcpy(out + 12, conf->nox_gateway, 20);
			return json_hex(out, 32);
		}
	}
	*why = "execution reverted";
	return NULL;
}

static json_t *
eth_call(const json_t *params, const char **why)
{
	const json_t *tx = json_array_get(params, 0), *data;
	uint8_t to[20], call[CALL_MAX], out[FACTS_MAX] = { 0 };
	uint64_t number;

	if ((data = json_object_get(tx, "data")) == NULL)
		data = json_object_get(tx, "input");
	if (block_of(json_array_get(params, 1), &number) != 0) {
		*why = "header not found";
		return NULL;
	}
	if (json_to_bytes(json_object_get(tx, "to"), to, 20) != 0) {
		*why = "to: not an address";
		return NULL;
	}
	if (conf->nox_kms_key[0] != 0 && memcmp(to, conf->nox_compute, 20) == 0)
		return call_nox(data, why);
	if (memcmp(to, conf->address, 20) != 0)
		return json_string("0x");	/* no code at that address */
	if (json_to_bytes(data, call, sizeof(call)) != 0) {
		*why = "execution reverted";
		return NULL;
	}
	if (is_call_of(call, "facts(address)"))
		return json_hex(
		    out, state_facts(call + 16, number, GENESIS + number, out));
	if (is_call_of(call, "isRunner(address)")) {
		out[31] = (uint8_t)state_is_runner(call + 16);
		return json_hex(out, 32);
	}
	*why = "execution reverted";
	return NULL;
}

/* ---- JSON-RPC ---------------------------------------------------------- */

static const struct method {
	const char	*name;
	json_t		*(*run)(const json_t *, const char **);
	int		 is_ours;	/* takes one object */
} methods[] = {
	{ "eth_chainId",	eth_chain_id,	 0 },
	{ "eth_blockNumber",	eth_block_number, 0 },
	{ "eth_getBlockByNumber", eth_get_block, 0 },
	{ "eth_call",		eth_call,	 0 },
	{ "devnet_set",		state_set,	 1 },
	{ "devnet_register",	state_register,	 1 },
	{ "devnet_revoke",	state_revoke,	 1 },
	{ "devnet_runners",	state_runners,	 1 },
};

static json_t *
error_json(const json_t *id, int code, const char *message)
{
	return json_pack("{s:s,s:O,s:{s:i,s:s}}", "jsonrpc", "2.0", "id",
	    id != NULL ? id : json_null(), "error", "code", code, "message",
	    message);
}

static json_t *
answer_call(const json_t *call)
{
	const char *name = json_string_value(json_object_get(call, "method"));
	const json_t *id = json_object_get(call, "id");
	const json_t *params = json_object_get(call, "params");
	const char *why = NULL;
	json_t *result;

	if (name == NULL)
		return error_json(id, NOT_A_CALL, "not a call");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, name) != 0)
			continue;
		if (methods[i].is_ours && json_is_array(params))
			params = json_array_get(params, 0);
		if ((result = methods[i].run(params, &why)) == NULL)
			return error_json(
			    id, FAILED, why != NULL ? why : "out of memory");
		return json_pack("{s:s,s:O,s:o}", "jsonrpc", "2.0", "id",
		    id != NULL ? id : json_null(), "result", result);
	}
	return error_json(id, NO_METHOD, "no such method");
}

static json_t *
answer_all(const char *text, size_t n)
{
	json_t *calls = json_loadb(text, n, 0, NULL), *answers;

	if (calls == NULL)
		return error_json(NULL, NOT_JSON, "not JSON");
	if (!json_is_array(calls))
		answers = answer_call(calls);
	else if (json_array_size(calls) == 0 ||
	    json_array_size(calls) > BATCH_MAX)
		answers = error_json(NULL, NOT_A_CALL, "not 1 to 64 calls");
	else {
		answers = json_array();
		for (size_t i = 0; i < json_array_size(calls); i++)
			json_array_append_new(
			    answers, answer_call(json_array_get(calls, i)));
	}
	json_decref(calls);
	return answers;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	struct evbuffer *out = evhttp_request_get_output_buffer(req);
	json_t *answers;
	char *text;

	(void)arg;
	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		evhttp_send_error(req, HTTP_BADMETHOD, NULL);
		return;
	}
	/* evbuffer_pullup() returns NULL for an empty body. */
	answers = answer_all(evbuffer_get_length(in) == 0 ?
		"" :
		(const char *)evbuffer_pullup(in, -1),
	    evbuffer_get_length(in));
	text = json_dumps(answers, JSON_COMPACT);
	json_decref(answers);
	if (text == NULL) {
		evhttp_send_error(req, HTTP_INTERNAL, NULL);
		return;
	}
	evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "application/json");
	evbuffer_add(out, text, strlen(text));
	free(text);
	evhttp_send_reply(req, HTTP_OK, NULL, NULL);
}

/* ---- start ------------------------------------------------------------- */

static void
on_signal(int sig, short what, void *base)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(base);
}

static int
listen_on(struct evhttp *http, uint16_t port)
{
	struct evhttp_bound_socket *s;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	if ((s = evhttp_bind_socket_with_handle(http, "127.0.0.1", port)) ==
		NULL ||
	    getsockname(evhttp_bound_socket_get_fd(s), (struct sockaddr *)&sin,
		&len) != 0) {
		fprintf(stderr, "registry: cannot listen on port %d\n", port);
		return -1;
	}
	if (conf->ready_fd != -1) {
		dprintf(conf->ready_fd, "%d\n", ntohs(sin.sin_port));
		close(conf->ready_fd);
	}
	return 0;
}

int
devnet_registry_main(const struct devnet_registry *c)
{
	struct event_base *base;
	struct evhttp *http;
	struct event *term, *intr;

	conf = c;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	secp_init(NULL);
	td_init();
	if (state_init(c) != 0)
		return 1;
	if ((base = event_base_new()) == NULL ||
	    (http = evhttp_new(base)) == NULL ||
	    (term = evsignal_new(base, SIGTERM, on_signal, base)) == NULL ||
	    (intr = evsignal_new(base, SIGINT, on_signal, base)) == NULL) {
		fprintf(stderr, "registry: out of memory\n");
		return 1;
	}
	event_add(term, NULL);
	event_add(intr, NULL);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_gencb(http, on_request, NULL);
	if (listen_on(http, c->port) != 0)
		return 1;
	event_base_dispatch(base);
	evhttp_free(http);
	event_free(term);
	event_free(intr);
	event_base_free(base);
	return 0;
}
