/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests of the runner: operands, and results.  Runs in the server nox.
 */
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "json.h"
#include "nox.h"
#include "nox_kms.h"
#include "nox_store.h"
#include "nox_typed.h"
#include "server.h"

/* The only one who may do this is the configured runner.  Returns the header's
 * JSON, which the caller must free, or NULL after an error. */
static json_t *
authorize(struct rest *r, const char *encode_type)
{
	json_t *auth = rest_authorization(r);
	const json_t *payload = json_object_get(auth, "payload");
	uint8_t domain[32], signer[20];
	uint64_t chain_id;

	if (auth == NULL)
		return NULL;
	if (typed_number64(json_object_get(payload, "chainId"), &chain_id) != 0)
		rest_error(r, 401, "unauthorized", "malformed payload");
	else if (rest_chain(r, chain_id) == 0) {
		typed_domain(TYPED_GATEWAY, chain_id, NULL, NULL, domain);
		if (typed_signer(domain, encode_type, payload,
			json_string_value(json_object_get(auth, "signature")),
			signer) == 0 &&
		    memcmp(signer, devnet.nox.runner, 20) == 0)
			return auth;
		rest_error(r, 401, "unauthorized",
		    "not signed by the configured runner");
	}
	json_decref(auth);
	return NULL;
}

/* Decode "0x.." of at most max bytes.  Returns 0 or -1. */
static int
read_bytes(const json_t *value, uint8_t *out, size_t max, size_t *n)
{
	const size_t len = json_string_length(value);

	if (len < 2 || (len - 2) / 2 > max ||
	    json_to_bytes(value, out, (len - 2) / 2) != 0)
		return -1;
	*n = (len - 2) / 2;
	return 0;
}

/* ---- GET /v0/compute/operands -------------------------------------------- */

/* All operands are there.  Returns 0, or -1 after an error. */
static int
check_operands(struct rest *r, const json_t *list)
{
	uint8_t handle[32];
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (rest_handle(
			r, json_array_get(list, i), "storage", handle) != 0)
			return -1;
	for (i = 0; i < json_array_size(list); i++) {
		hex_read(
		    json_string_value(json_array_get(list, i)), handle, 32);
		if (fault == FAULT_NOX_missing || !nox_store_has(handle)) {
			rest_error(r, 400, "bad_request",
			    "impossible to perform computation, missing "
			    "operand handles");
			return -1;
		}
	}
	return 0;
}

/* NULL if the KMS fails. */
static json_t *
delegate(const json_t *operand, EVP_PKEY *target)
{
	uint8_t handle[32], secret[NOX_KMS_SECRET];
	struct nox_value v;
	size_t n;

	hex_read(json_string_value(operand), handle, 32);
	if (!nox_store_get(handle, &v) ||
	    nox_kms_delegate(v.public_key, target, secret, &n) != 0)
		return NULL;
	return json_pack("{s:o,s:o,s:o,s:o}", "handle", json_hex(handle, 32),
	    "ciphertext", json_hex(v.ciphertext, v.n), "encryptedSharedSecret",
	    json_hex(secret, n), "iv", json_hex(v.nonce, GCM_NONCE));
}

/* In the order of the request, duplicates included. */
static void
answer_operands(struct rest *r, const json_t *list, EVP_PKEY *target)
{
	json_t *operands = json_array(), *one;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if ((one = delegate(json_array_get(list, i), target)) == NULL) {
			json_decref(operands);
			rest_error(r, 500, "operands",
			    "the KMS has failed for an operand");
			return;
		}
		json_array_append_new(operands, one);
	}
	if (fault == FAULT_NOX_swap && json_array_size(operands) > 1) {
		one = json_incref(json_array_get(operands, 0));
		json_array_remove(operands, 0);
		json_array_insert_new(operands, 1, one);
	}
	rest_answer(
	    r, TYPED_OPERANDS, json_pack("{s:o}", "operands", operands));
}

void
runner_operands(struct rest *r, const char *argument)
{
	json_t *auth = authorize(r, TYPED_OPERAND_ACCESS);
	const json_t *payload = json_object_get(auth, "payload");
	const json_t *list = json_object_get(payload, "operands");
	uint8_t spki[NOX_KMS_SECRET];
	EVP_PKEY *target;
	size_t n;

	(void)argument;
	if (auth != NULL && check_operands(r, list) == 0) {
		target = read_bytes(json_object_get(payload, "rsaPublicKey"),
			     spki, sizeof(spki), &n) == 0 ?
		    nox_kms_target(spki, n) :
		    NULL;
		/* The KMS refuses another key, for each operand. */
		if (target == NULL)
			rest_error(r, 500, "operands",
			    "rsaPublicKey: expected an RSA key of 2048 bits");
		else
			answer_operands(r, list, target);
		EVP_PKEY_free(target);
	}
	json_decref(auth);
}

/* ---- POST /v0/compute/results -------------------------------------------- */

/* All members are there and are strings. */
static int
are_results(const json_t *body)
{
	static const char *const names[] = { "handle", "handleValueTag",
		"ciphertext", "publicKey", "nonce" };
	size_t i, k;

	if (!json_is_array(body))
		return 0;
	for (i = 0; i < json_array_size(body); i++)
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (!json_is_string(json_object_get(
				json_array_get(body, i), names[k])))
				return 0;
	return 1;
}

/* The chain in the handle is not compared, as in the deployed Gateway. */
static int
read_result(const json_t *o, const json_t *payload, struct nox_value *v)
{
	memset(v, 0, sizeof(*v));
	return json_to_bytes(json_object_get(o, "handle"), v->handle, 32) !=
		    0 ||
		json_to_bytes(
		    json_object_get(o, "handleValueTag"), v->tag, 32) != 0 ||
		json_to_bytes(
		    json_object_get(o, "publicKey"), v->public_key, 33) != 0 ||
		json_to_bytes(
		    json_object_get(o, "nonce"), v->nonce, GCM_NONCE) != 0 ||
		json_to_bytes(
		    json_object_get(payload, "caller"), v->owner, 20) != 0 ||
		read_bytes(json_object_get(o, "ciphertext"), v->ciphertext,
		    sizeof(v->ciphertext), &v->n) != 0 ?
	    -1 :
	    0;
}

/* Not atomic: the results before one that cannot be stored are kept. */
static void
store_results(struct rest *r, const json_t *body, const json_t *payload)
{
	unsigned int count[NOX_CONFLICTED + 1] = { 0 };
	struct nox_value v;
	enum nox_put put;
	size_t i;

	for (i = 0; i < json_array_size(body); i++) {
		if (read_result(json_array_get(body, i), payload, &v) != 0) {
			rest_error(
			    r, 400, "storage", "result %zu: malformed", i);
			return;
		}
		put = fault == FAULT_NOX_conflict ? NOX_CONFLICTED :
						    nox_store_put(&v);
		count[put]++;
	}
	rest_answer(r, TYPED_REPORT,
	    json_pack("{s:o}", "message",
		json_sprintf("On the %zu handles submitted to publishing, "
			     "%u were successfully created, %u were unchanged "
			     "and %u conflicted",
		    i, count[NOX_CREATED], count[NOX_UNCHANGED],
		    count[NOX_CONFLICTED])));
}

void
runner_results(struct rest *r, const char *argument)
{
	json_t *auth = authorize(r, TYPED_RESULT_PUBLISHING), *body;

	(void)argument;
	if (auth == NULL)
		return;
	if ((body = rest_body(r)) != NULL) {
		if (are_results(body))
			store_results(
			    r, body, json_object_get(auth, "payload"));
		else
			rest_error(r, 400, "bad_request",
			    "the body is no array of results");
		json_decref(body);
	}
	json_decref(auth);
}
