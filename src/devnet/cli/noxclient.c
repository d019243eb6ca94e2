/* SPDX-License-Identifier: Apache-2.0
 *
 * See noxclient.h.  An answer must have the Gateway's signature, with our salt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "clock.h"
#include "ecies.h"
#include "hex.h"
#include "http.h"
#include "json.h"
#include "log.h"
#include "nox_typed.h"
#include "noxclient.h"
#include "program.h"

#define TIMEOUT		10000	/* ms */
#define WINDOW		600	/* seconds that an authorization is valid */
#define SECRET_MAX	512	/* bytes of an encrypted secret */

void
noxclient_open(struct noxclient *c, const char *dir, const char *user)
{
	dir_load(&c->d, dir);
	if (!c->d.is_nox)
		fatal("%s: was not made with `tee-devnet up --nox'", dir);
	dir_user(&c->d, user == NULL ? "alice" : user, c->key, c->address);
}

/* ---- requests ------------------------------------------------------------ */

/* Send a request to the Gateway and verify the answer.  path: without salt.
 * Takes over the reference to `body', which may be NULL.  Returns the payload,
 * or NULL after a line on stderr. */
static json_t *
ask(struct noxclient *c, const char *method, const char *path,
    const char *authorization, json_t *body, const char *encode_type)
{
	uint8_t salt[32], domain[32], signer[20];
	char full[512], hex[65];
	struct http_request r = { .port = c->d.nox.port,
		.method = method,
		.path = full,
		.authorization = authorization,
		.timeout = TIMEOUT };
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_t *answer, *payload;
	long status;

	random_fill(salt, sizeof(salt));
	snprintf(full, sizeof(full), "%s?chain_id=%llu&salt=0x%s", path,
	    (unsigned long long)c->d.chain_id, hex_encode(hex, salt, 32));
	r.body = text;
	answer = http_send(&r, &status);
	json_decref(body);
	free(text);
	typed_domain(TYPED_GATEWAY, c->d.chain_id, salt, NULL, domain);
	payload = json_incref(json_object_get(answer, "payload"));
	if (status == 200 &&
	    typed_signer(domain, encode_type, payload,
		json_string_value(json_object_get(answer, "signature")),
		signer) == 0 &&
	    memcmp(signer, c->d.nox.gateway, 20) == 0) {
		json_decref(answer);
		return payload;
	}
	text = json_dumps(answer, JSON_COMPACT);
	fprintf(stderr, "tee-devnet: nox: %s %s: %ld %s\n", method, path,
	    status,
	    status == 200       ? "the answer is not signed by the Gateway" :
		text == NULL ? "no answer" :
			       text);
	free(text);
	json_decref(payload);
	json_decref(answer);
	return NULL;
}

/* "EIP712 " and base64; the caller must free it. */
static char *
make_authorization(struct noxclient *c, json_t *payload)
{
	uint8_t domain[32], sig[65];
	char *text, *header;
	json_t *all;
	size_t n;

	typed_domain(
	    TYPED_GATEWAY, c->d.chain_id, NULL, c->d.nox.compute, domain);
	if (typed_sign(c->key, domain, TYPED_DATA_ACCESS, payload, sig) != 0)
		fatal("nox: cannot sign");
	all = json_pack(
	    "{s:o,s:o}", "payload", payload, "signature", json_hex(sig, 65));
	if ((text = json_dumps(all, JSON_COMPACT)) == NULL ||
	    (header = malloc(8 + (strlen(text) + 2) / 3 * 4)) == NULL)
		fatal("nox: out of memory");
	n = strlen(text);
	strcpy(header, "EIP712 ");
	EVP_EncodeBlock((uint8_t *)header + 7, (const uint8_t *)text, (int)n);
	free(text);
	json_decref(all);
	return header;
}

json_t *
nox_status(const struct devnet *d)
{
	struct http_request r = { .port = d->nox.port,
		.method = "GET",
		.path = "/devnet/status",
		.timeout = 2000 };
	long status;

	return http_send(&r, &status);
}

int
nox_set_fault(const struct devnet *d, const char *what)
{
	json_t *o = json_pack("{s:s}", "what", what);
	char *text = json_dumps(o, 0);
	struct http_request r = { .port = d->nox.port,
		.method = "POST",
		.path = "/devnet/fault",
		.body = text,
		.timeout = 2000 };
	long status;

	json_decref(http_send(&r, &status));
	json_decref(o);
	free(text);
	if (status == 200)
		return 0;
	fprintf(stderr, "tee-devnet: nox: fault: %ld\n", status);
	return -1;
}

/* ---- values -------------------------------------------------------------- */

int
noxclient_put(struct noxclient *c, const struct plain *p, uint8_t handle[32])
{
	json_t *payload = ask(c, "POST", "/v0/secrets", NULL,
	    json_pack("{s:o,s:s,s:o,s:o}", "value",
		json_hex(p->bytes, type_size(p->type)), "solidityType",
		type_name(p->type), "owner", json_hex(c->address, 20),
		"applicationContract", json_hex(c->address, 20)),
	    TYPED_WITH_PROOF);
	int r;

	if (payload == NULL)
		return -1;
	r = json_to_bytes(json_object_get(payload, "handle"), handle, 32);
	json_decref(payload);
	if (r != 0)
		fprintf(stderr, "tee-devnet: nox: the answer has no handle\n");
	return r;
}

/* RSA-OAEP with SHA-256.  Returns 0 or -1. */
static int
open_secret(EVP_PKEY *key, const json_t *value, uint8_t x[32])
{
	const char *text = json_string_value(value);
	uint8_t secret[SECRET_MAX], plain[SECRET_MAX];
	size_t n = text == NULL ? 0 : strlen(text) / 2 - 1;
	size_t n_plain = sizeof(plain);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	int r = -1;

	if (n > 0 && n <= sizeof(secret) && hex_read(text, secret, n) == 0 &&
	    ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_decrypt(ctx, plain, &n_plain, secret, n) == 1 &&
	    n_plain == 32) {
		memcpy(x, plain, 32);
		r = 0;
	}
	EVP_PKEY_CTX_free(ctx);
	explicit_bzero(plain, sizeof(plain));
	return r;
}

/* Returns 0 or -1. */
static int
open_material(EVP_PKEY *rsa, const json_t *material, struct plain *p)
{
	const json_t *text = json_object_get(material, "ciphertext");
	uint8_t x[32], key[32], nonce[GCM_NONCE], cipher[VALUE_MAX + GCM_TAG];
	const size_t n = type_size(p->type) + GCM_TAG;

	if (json_to_bytes(text, cipher, n) != 0 ||
	    json_to_bytes(json_object_get(material, "iv"), nonce, GCM_NONCE) !=
		0 ||
	    open_secret(rsa, json_object_get(material, "encryptedSharedSecret"),
		x) != 0 ||
	    ecies_key(x, key) != 0 ||
	    gcm_open(key, nonce, NULL, 0, cipher, n, p->bytes) != 0)
		return -1;
	memcpy(p->ciphertext, cipher, n);
	p->n_ciphertext = (uint8_t)n;
	return 0;
}

int
noxclient_get(struct noxclient *c, const uint8_t handle[32], struct plain *p)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	uint8_t *spki = NULL;
	char path[128], hex[65], *header;
	const uint64_t now = now_unix();
	json_t *material;
	int n, r = -1;

	if (rsa == NULL || (n = i2d_PUBKEY(rsa, &spki)) <= 0)
		fatal("nox: no RSA key");
	header = make_authorization(c,
	    json_pack("{s:o,s:o,s:I,s:I}", "userAddress",
		json_hex(c->address, 20), "encryptionPubKey",
		json_hex(spki, (size_t)n), "notBefore",
		(json_int_t)(now - WINDOW / 2), "expiresAt",
		(json_int_t)(now + WINDOW / 2)));
	snprintf(path, sizeof(path), "/v0/secrets/0x%s",
	    hex_encode(hex, handle, 32));
	material = ask(c, "GET", path, header, NULL, TYPED_MATERIAL);
	memset(p, 0, sizeof(*p));
	p->type = handle_type(handle);
	if (material != NULL && (r = open_material(rsa, material, p)) != 0)
		fprintf(stderr, "tee-devnet: nox: cannot decrypt the value\n");
	json_decref(material);
	OPENSSL_free(spki);
	EVP_PKEY_free(rsa);
	free(header);
	return r;
}

int
noxclient_resolved(struct noxclient *c, const uint8_t (*handles)[32], size_t n,
    int *is_resolved)
{
	json_t *payload = ask(c, "POST", "/v0/public/handles/status", NULL,
	    json_pack("{s:o}", "handles", json_hex_list(handles, n, 32)),
	    TYPED_STATUSES);
	const json_t *list = json_object_get(payload, "statuses");
	size_t i;

	if (payload == NULL)
		return -1;
	for (i = 0; i < n; i++)
		is_resolved[i] = json_is_true(
		    json_object_get(json_array_get(list, i), "resolved"));
	json_decref(payload);
	return 0;
}
