/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests of users: store a value, read it, and ask whether handles have
 * values.  Runs in the server nox.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "clock.h"
#include "ecies.h"
#include "hex.h"
#include "json.h"
#include "keccak.h"
#include "nox.h"
#include "nox_kms.h"
#include "nox_store.h"
#include "nox_typed.h"
#include "secp.h"
#include "server.h"
#include "types.h"

#define TYPE_DYNAMIC	2	/* bytes */
#define TYPE_STRING	3
#define WINDOW		3600	/* seconds of an authorization */

/* ---- POST /v0/secrets ---------------------------------------------------- */

/* Returns the type, or -1. */
static int
read_type(const json_t *value)
{
	const char *name = json_string_value(value);

	if (name == NULL)
		return -1;
	if (strcmp(name, "bytes") == 0)
		return TYPE_DYNAMIC;
	if (strcmp(name, "string") == 0)
		return TYPE_STRING;
	return type_parse(name);
}

/* The plaintext: its length fits the type.  Returns 0 or -1. */
static int
read_value(
    const json_t *value, int type, uint8_t plain[NOX_PLAIN_MAX], size_t *n)
{
	const char *text = json_string_value(value);
	size_t size;

	if (text == NULL || strncmp(text, "0x", 2) != 0)
		return -1;
	text += 2;
	*n = strlen(text) / 2;
	size = type == TYPE_DYNAMIC || type == TYPE_STRING ?
	    *n :
	    type_size((uint8_t)type);
	return *n <= NOX_PLAIN_MAX && *n == size &&
		hex_decode(text, strlen(text), plain, *n) == 0 &&
		(type != TYPE_BOOL || plain[0] <= 1) ?
	    0 :
	    -1;
}

/* Encrypt under the KMS key, and tag.  Returns 0 or -1. */
static int
seal(struct nox_value *v, const uint8_t *plain, size_t n)
{
	struct keccak k;
	uint8_t xy[64];

	keccak_init(&k);
	keccak_update(&k, v->handle, 32);
	keccak_update(&k, plain, n);
	keccak_final(&k, v->tag);
	v->n = n + GCM_TAG;
	return secp_decompress(devnet.nox.kms_key, xy) == 0 ?
	    ecies_seal(
		xy, NULL, 0, plain, n, v->public_key, v->nonce, v->ciphertext) :
	    -1;
}

/* owner | app | createdAt | signature, with which a contract verifies that the
 * handle was made here.  NULL if it cannot be signed. */
static json_t *
make_proof(
    const uint8_t handle[32], const uint8_t owner[20], const uint8_t app[20])
{
	uint8_t proof[20 + 20 + 32 + 65] = { 0 }, domain[32];
	const uint64_t now = now_unix();
	json_t *o = json_pack("{s:o,s:o,s:o,s:I}", "handle",
	    json_hex(handle, 32), "owner", json_hex(owner, 20), "app",
	    json_hex(app, 20), "createdAt", (json_int_t)now);
	int r;

	typed_domain(
	    TYPED_COMPUTE, devnet.chain_id, NULL, devnet.nox.compute, domain);
	memcpy(proof, owner, 20);
	memcpy(proof + 20, app, 20);
	put_be(proof + 40 + 24, 8, now);
	r = typed_sign(rest_key(), domain, TYPED_PROOF, o, proof + 72);
	json_decref(o);
	return r == 0 ? json_hex(proof, sizeof(proof)) : NULL;
}

/* attrs 1, and 25 random bytes. */
static void
new_handle(int type, uint8_t handle[32])
{
	handle[0] = 0;
	put_be(handle + 1, 4, devnet.chain_id);
	handle[5] = (uint8_t)type;
	handle[6] = 1;
	random_fill(handle + 7, 25);
}

static void
store_secret(struct rest *r, const json_t *body, int type, const uint8_t *plain,
    size_t n)
{
	struct nox_value v = { 0 };
	uint8_t app[20];
	json_t *proof;

	if (json_to_bytes(json_object_get(body, "owner"), v.owner, 20) != 0 ||
	    json_to_bytes(
		json_object_get(body, "applicationContract"), app, 20) != 0) {
		rest_error(r, 400, "bad_request",
		    "owner, applicationContract: expected addresses");
		return;
	}
	new_handle(type, v.handle);
	if (seal(&v, plain, n) != 0) {
		rest_error(r, 500, "crypto", "cannot encrypt");
		return;
	}
	if (nox_store_put(&v) != NOX_CREATED) {
		rest_error(r, 409, "storage", "the handle exists");
		return;
	}
	if ((proof = make_proof(v.handle, v.owner, app)) == NULL) {
		rest_error(r, 500, "signing", "cannot sign the proof");
		return;
	}
	rest_answer(r, TYPED_WITH_PROOF,
	    json_pack(
		"{s:o,s:o}", "handle", json_hex(v.handle, 32), "proof", proof));
}

/* The chain of the query; absent: the only one there is. */
static int
check_query_chain(struct rest *r)
{
	const char *text = rest_query(r, "chain_id");
	uint64_t chain_id;
	json_t *value;
	int is_number;

	if (text == NULL)
		return 0;
	value = json_string(text);
	is_number = typed_number64(value, &chain_id) == 0;
	json_decref(value);
	if (is_number)
		return rest_chain(r, chain_id);
	rest_error(r, 400, "bad_request", "chain_id: expected a number");
	return -1;
}

void
secrets_post(struct rest *r, const char *argument)
{
	uint8_t plain[NOX_PLAIN_MAX];
	json_t *body;
	size_t n;
	int type;

	(void)argument;
	if (check_query_chain(r) != 0 || (body = rest_body(r)) == NULL)
		return;
	if ((type = read_type(json_object_get(body, "solidityType"))) == -1)
		rest_error(
		    r, 400, "invalid_type", "solidityType: no such type");
	else if (read_value(json_object_get(body, "value"), type, plain, &n) !=
	    0)
		rest_error(r, 400, "invalid_value",
		    "value: expected hex, exactly as long as the type");
	else
		store_secret(r, body, type, plain, n);
	json_decref(body);
}

/* ---- GET /v0/secrets/{h} ------------------------------------------------- */

/* The times, then the signer.  Returns 0, or -1 after an error. */
static int
check_access(struct rest *r, const json_t *payload, const char *signature,
    uint8_t user[20])
{
	const uint64_t now = now_unix();
	uint64_t from, until;
	uint8_t domain[32], signer[20];

	if (typed_number64(json_object_get(payload, "notBefore"), &from) != 0 ||
	    typed_number64(json_object_get(payload, "expiresAt"), &until) !=
		0 ||
	    json_to_bytes(json_object_get(payload, "userAddress"), user, 20) !=
		0) {
		rest_error(r, 401, "unauthorized", "malformed payload");
		return -1;
	}
	if (until < from || until - from > WINDOW) {
		rest_error(r, 401, "unauthorized",
		    "the authorization must be valid for 0 to %d s", WINDOW);
		return -1;
	}
	if (now < from || now >= until) {
		rest_error(r, 401, "unauthorized", "the authorization is %s",
		    now < from ? "not valid yet" : "expired");
		return -1;
	}
	typed_domain(
	    TYPED_GATEWAY, devnet.chain_id, NULL, devnet.nox.compute, domain);
	if (typed_signer(
		domain, TYPED_DATA_ACCESS, payload, signature, signer) != 0 ||
	    memcmp(signer, user, 20) != 0) {
		/* No contract has an account here (ERC-1271). */
		rest_error(
		    r, 401, "rpc", "the user has not signed the authorization");
		return -1;
	}
	return 0;
}

/* A contract that was the caller of a computation owns its results. */
static int
is_viewer(const struct nox_value *v, const uint8_t user[20])
{
	return memcmp(v->owner, user, 20) == 0 ||
	    memcmp(devnet.nox.user, user, 20) == 0;
}

static void
send_material(struct rest *r, const struct nox_value *v, const json_t *payload)
{
	const char *text = json_string_value(
	    json_object_get(payload, "encryptionPubKey"));
	uint8_t spki[NOX_KMS_SECRET], secret[NOX_KMS_SECRET];
	EVP_PKEY *target = NULL;
	size_t n = 0;

	if (text != NULL && strncmp(text, "0x", 2) == 0)
		n = strlen(text + 2) / 2;
	if (n > 0 && n <= sizeof(spki) && hex_read(text, spki, n) == 0)
		target = nox_kms_target(spki, n);
	if (target == NULL)
		rest_error(r, 400, "kms",
		    "encryptionPubKey: expected an RSA key of 2048 bits");
	else if (nox_kms_delegate(v->public_key, target, secret, &n) != 0)
		rest_error(r, 503, "kms", "the KMS cannot be reached");
	else
		rest_answer(r, TYPED_MATERIAL,
		    json_pack("{s:o,s:o,s:o,s:o}", "handle",
			json_hex(v->handle, 32), "ciphertext",
			json_hex(v->ciphertext, v->n), "encryptedSharedSecret",
			json_hex(secret, n), "iv",
			json_hex(v->nonce, GCM_NONCE)));
	EVP_PKEY_free(target);
}

/* There is no contract that knows the viewers of a handle without a value: a
 * user that may read everything gets 404, others 403. */
static void
get_secret(struct rest *r, const uint8_t handle[32], const json_t *auth)
{
	const json_t *payload = json_object_get(auth, "payload");
	struct nox_value v;
	uint8_t user[20];
	int is_stored;

	if (check_access(r, payload,
		json_string_value(json_object_get(auth, "signature")),
		user) != 0)
		return;
	if (!(is_stored = nox_store_get(handle, &v)))
		memset(&v, 0, sizeof(v));
	if (!is_viewer(&v, user))
		rest_error(r, 403, "rpc", "the user is no viewer");
	else if (!is_stored)
		rest_error(r, 404, "storage", "the handle has no value");
	else
		send_material(r, &v, payload);
}

void
secrets_get(struct rest *r, const char *argument)
{
	json_t *text = json_string(argument), *auth;
	uint8_t handle[32];
	int bad;

	bad = hex_read(argument, handle, 32) == 0 ?
	    rest_chain(r, handle_chain(handle)) :
	    rest_handle(r, text, "storage", handle);
	json_decref(text);
	if (bad || check_query_chain(r) != 0 ||
	    (auth = rest_authorization(r)) == NULL)
		return;
	get_secret(r, handle, auth);
	json_decref(auth);
}

/* ---- POST /v0/public/handles/status -------------------------------------- */

static void
answer_status(struct rest *r, const json_t *list)
{
	json_t *statuses = json_array();
	uint8_t handle[32];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (rest_handle(r, json_array_get(list, i), "bad_request",
			handle) != 0) {
			json_decref(statuses);
			return;
		}
		json_array_append_new(statuses,
		    json_pack("{s:o,s:b}", "handle", json_hex(handle, 32),
			"resolved", nox_store_has(handle)));
	}
	rest_answer(
	    r, TYPED_STATUSES, json_pack("{s:o}", "statuses", statuses));
}

void
secrets_status(struct rest *r, const char *argument)
{
	json_t *body = rest_body(r);
	const json_t *list = json_object_get(body, "handles");

	(void)argument;
	if (body == NULL)
		return;
	if (json_array_size(list) == 0)
		rest_error(r, 400, "bad_request", "handles: expected some");
	else if (json_array_size(list) > NOX_HANDLES)
		rest_error(r, 400, "batch_too_large", "handles: more than %d",
		    NOX_HANDLES);
	else
		answer_status(r, list);
	json_decref(body);
}
