/* SPDX-License-Identifier: Apache-2.0
 *
 * See jsonrpc.h.  Each call makes a connection: the servers call rarely, and
 * the Registry may restart.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonrpc.h"
#include "log.h"

#define ANSWER_MAX	(1024 * 1024)
#define TIMEOUT		2000L	/* ms */

struct answer {
	size_t	n;
	char	text[ANSWER_MAX];
};

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;

	n *= size;
	if (n > sizeof(a->text) - a->n)
		return 0;
	memcpy(a->text + a->n, p, n);
	a->n += n;
	return n;
}

/* Post a request and parse the answer.  NULL if there is none. */
static json_t *
post(uint16_t port, const char *request)
{
	struct curl_slist *type = curl_slist_append(
	    NULL, "Content-Type: application/json");
	struct answer *a = malloc(sizeof(*a));
	CURL *c = curl_easy_init();
	json_t *answer = NULL;
	char url[64];

	if (type == NULL || a == NULL || c == NULL)
		fatal("registry: out of memory");
	a->n = 0;
	snprintf(url, sizeof(url), "http://%s/", dir_address(port));
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, TIMEOUT);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, type);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, request);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	if (curl_easy_perform(c) == CURLE_OK)
		answer = json_loadb(a->text, a->n, 0, NULL);
	curl_easy_cleanup(c);
	curl_slist_free_all(type);
	free(a);
	return answer;
}

json_t *
jsonrpc_call(const struct devnet *d, const char *method, json_t *params)
{
	json_t *request, *answer, *result;
	const char *why;
	char *text;

	request = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", 1,
	    "method", method, "params", params);
	if (request == NULL ||
	    (text = json_dumps(request, JSON_COMPACT)) == NULL)
		fatal("registry: %s: out of memory", method);
	json_decref(request);
	answer = post(d->registry_port, text);
	free(text);
	why = answer == NULL ?
	    "no answer" :
	    json_string_value(
		json_object_get(json_object_get(answer, "error"), "message"));
	if ((result = json_incref(json_object_get(answer, "result"))) == NULL)
		log_warn("registry: %s: %s", method,
		    why == NULL ? "neither result nor error" : why);
	json_decref(answer);
	return result;
}
