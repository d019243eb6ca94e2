/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and answers of the Gateway's REST interface, version v0: query,
 * authorization, errors, and answers that are signed.
 */
#ifndef REST_H
#define REST_H

#include <sys/queue.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <stdint.h>

struct rest {
	struct evhttp_request	*http;
	struct evkeyvalq	 query;
	uint8_t			 salt[32];	/* zeros if it is absent */
};

/* Load the private key that signs answers, of `devnet'. */
void rest_init(void);
const uint8_t *rest_key(void);

/* An error, which is not signed: {"error": code, "message": text}. */
void rest_error(struct rest *, int status, const char *code, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* An answer without signature; takes over the reference to the value. */
void rest_send(struct rest *, int status, json_t *);
/* 200 with the payload, signed under the domain of answers; takes over the
 * reference to the payload. */
void rest_answer(struct rest *, const char *encode_type, json_t *payload);

/* The functions that return -1 or NULL have sent an error. */

/* Check that a chain is ours. */
int rest_chain(struct rest *, uint64_t chain_id);
/* Check the handle: 32 bytes of hex, of our chain.  code: of the error. */
int rest_handle(struct rest *, const json_t *, const char *code, uint8_t[32]);
/* The JSON of the body; the caller must free it. */
json_t *rest_body(struct rest *);
/* The header Authorization: {"payload": {}, "signature": text}; the caller must
 * free it. */
json_t *rest_authorization(struct rest *);
/* A value of the query, or NULL. */
const char *rest_query(struct rest *, const char *name);
/* The salt of the query into r->salt. */
int rest_salt(struct rest *);

#endif
