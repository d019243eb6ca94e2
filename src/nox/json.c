/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Gateway's REST answers, and what a NATS server says of the consumer,
 * parsed.  For nox; no I/O.  Texts of the Gateway are hex digits in lower case
 * after "0x": keys hashes them so, and an answer with another text has another
 * signature.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "jsondepth.h"
#include "log.h"
#include "nox.h"

#define DEPTH	5	/* the answer, its payload, a list, its entries */
#define INFO_DEPTH 8

/* "0x" and digits of at most `max' bytes: how many bytes; -1. */
static long
get_hex(const json_t *o, const char *name, uint8_t *to, size_t max)
{
	const json_t *v = json_object_get(o, name);
	const char *s = json_string_value(v);
	size_t n;

	if (s == NULL || s[0] != '0' || s[1] != 'x')
		return -1;
	n = strlen(s + 2);
	if (n != json_string_length(v) - 2 || n % 2 != 0 || n / 2 > max ||
	    strspn(s + 2, HEX_LOWER) != n ||
	    hex_decode(s + 2, n, to, n / 2) != 0)
		return -1;
	return (long)(n / 2);
}

static json_t *
parse(const char *text, size_t n)
{
	if (jsondepth_exceeds(text, n, DEPTH))
		return NULL;
	return json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
}

/* 65 bytes; v may be 0 or 1, and is 27 or 28 for us. */
static int
get_signature(const json_t *o, uint8_t signature[65])
{
	if (get_hex(o, "signature", signature, 65) != 65)
		return -1;
	if (signature[64] < 2)
		signature[64] += 27;
	return 0;
}

static const char *
get_operand(
    const json_t *e, const struct m_word *input, struct m_nox_operand *o)
{
	long n;

	memset(o, 0, sizeof(*o));
	if (get_hex(e, "handle", o->handle, 32) != 32 ||
	    memcmp(o->handle, input->b, 32) != 0)
		return "an operand of another handle";
	n = get_hex(e, "ciphertext", o->ciphertext, CIPHER_MAX);
	if (n < 0)
		return "a ciphertext that is malformed or too long";
	o->len = (uint8_t)n;
	if (get_hex(e, "encryptedSharedSecret", o->secret, NOX_RSA) != NOX_RSA)
		return "a shared secret of another length";
	if (get_hex(e, "iv", o->nonce, 12) != 12)
		return "a nonce of another length";
	return NULL;
}

const char *
nox_json_operands(const char *text, size_t n, const struct m_word *inputs,
    struct operands *to)
{
	static const struct m_word none;
	json_t *o = parse(text, n), *list;
	const char *why = NULL;
	size_t i;

	list = json_object_get(json_object_get(o, "payload"), "operands");
	to->rows = NULL;
	to->n = json_array_size(list);
	if (!json_is_array(list) || get_signature(o, to->signature) != 0)
		why = "the answer is malformed";
	else if (to->n > NOX_INPUTS)
		why = "more operands than were asked for";
	else if ((to->rows = calloc(to->n + 1, sizeof(*to->rows))) == NULL)
		fatal("out of memory");
	for (i = 0; why == NULL && i < to->n; i++)
		why = memcmp(&inputs[i], &none, sizeof(none)) == 0 ?
		    "more operands than were asked for" :
		    get_operand(
			json_array_get(list, i), &inputs[i], &to->rows[i]);
	if (why == NULL && memcmp(&inputs[i], &none, sizeof(none)) != 0)
		why = "fewer operands than were asked for";
	if (why != NULL) {
		free(to->rows);
		to->rows = NULL;
	}
	json_decref(o);
	return why;
}

/* "On the N handles submitted to publishing, C were successfully created, U
 * were unchanged and K conflicted": K.  Returns 0, or -1. */
static int
get_conflicts(const char *s, unsigned long *to)
{
	static const char end[] = " conflicted";
	size_t n;

	if ((s = strstr(s, " and ")) == NULL)
		return -1;
	s += strlen(" and ");
	n = strspn(s, "0123456789");
	if (n == 0 || n > 9 || strncmp(s + n, end, sizeof(end) - 1) != 0)
		return -1;
	*to = strtoul(s, NULL, 10);
	return 0;
}

const char *
nox_json_report(const char *text, size_t n, struct report *to)
{
	json_t *o = parse(text, n);
	const json_t *message = json_object_get(
	    json_object_get(o, "payload"), "message");
	const char *s = json_string_value(message);
	const char *why = NULL;

	memset(&to->stored, 0, sizeof(to->stored));
	if (s == NULL || get_signature(o, to->stored.signature) != 0)
		why = "the answer is malformed";
	else if (json_string_length(message) > NOX_REPORT)
		why = "the report is too long";
	else if (get_conflicts(s, &to->conflicts) != 0)
		why = "the report does not say how many results conflict";
	else {
		to->stored.n = (uint32_t)json_string_length(message);
		memcpy(to->stored.report, s, to->stored.n);
	}
	json_decref(o);
	return why;
}

/* {"error":CODE,"message":TEXT}; nobody has signed it. */
uint32_t
nox_json_error(int code, const char *text, size_t n, char *why, size_t size)
{
	json_t *o = parse(text, n);
	const char *error = json_string_value(json_object_get(o, "error"));
	const char *message = json_string_value(json_object_get(o, "message"));
	uint32_t status = ST_GATEWAY_ERROR;
	char word[32], sentence[96];

	log_escape(word, sizeof(word), error == NULL ? "?" : error,
	    error == NULL ? 1 : strlen(error));
	log_escape(sentence, sizeof(sentence), message == NULL ? "" : message,
	    message == NULL ? 0 : strlen(message));
	snprintf(why, size, "HTTP status %d: %s%s%s", code, word,
	    *sentence == '\0' ? "" : ": ", sentence);
	if (code == 400 && error != NULL && message != NULL &&
	    strcmp(error, "bad_request") == 0 &&
	    strstr(message, "missing operand") != NULL)
		status = ST_INPUT_MISSING;
	else if (code >= 500 || code == 401 || code == 403 || code == 429)
		status = ST_GATEWAY_UNREACHABLE;
	json_decref(o);
	return status;
}

/* ---- NATS -------------------------------------------------------------- */

/* -1: without a limit, which is 0 for us. */
static uint64_t
get_number(const json_t *o, const char *name)
{
	const json_int_t v = json_integer_value(json_object_get(o, name));

	return v < 0 ? 0 : (uint64_t)v;
}

/* {"error":{"description":TEXT}} or {"config":{..}}; times are in ns. */
int
nox_json_consumer(
    const char *text, size_t n, struct consumer *to, char *why, size_t size)
{
	json_t *o = jsondepth_exceeds(text, n, INFO_DEPTH) ?
	    NULL :
	    json_loadb(text, n, 0, NULL);
	const json_t *config = json_object_get(o, "config");
	const char *s = json_string_value(
	    json_object_get(json_object_get(o, "error"), "description"));
	const int is_good = json_is_object(config);

	if (!is_good && s == NULL)
		s = "what the server says of it is malformed";
	if (!is_good)
		log_escape(why, size, s, strlen(s));
	else
		*to = (struct consumer){ get_number(config, "ack_wait") /
			    1000000,
			get_number(config, "max_deliver"),
			get_number(config, "max_ack_pending"),
			get_number(config, "max_batch") };
	json_decref(o);
	return is_good ? 0 : -1;
}

void
nox_json_advisory(
    const char *text, size_t n, uint64_t *sequence, uint64_t *deliveries)
{
	json_t *o = parse(text, n);

	*sequence = get_number(o, "stream_seq");
	*deliveries = get_number(o, "deliveries");
	json_decref(o);
}
