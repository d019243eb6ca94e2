/* SPDX-License-Identifier: Apache-2.0
 *
 * See http.h.  Each thread has one handle of curl, so that connections are
 * reused; curl connects again if the server has restarted.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "http.h"
#include "log.h"

#define ANSWER_MAX	(1024 * 1024)

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

static struct curl_slist *
make_headers(const struct http_request *r)
{
	struct curl_slist *list = curl_slist_append(
	    NULL, "Content-Type: application/json");
	char *line;

	if (list == NULL)
		fatal("http: out of memory");
	if (r->authorization == NULL)
		return list;
	if (asprintf(&line, "Authorization: %s", r->authorization) == -1 ||
	    curl_slist_append(list, line) == NULL)
		fatal("http: out of memory");
	free(line);
	return list;
}

json_t *
http_send(const struct http_request *r, long *status)
{
	static _Thread_local CURL *c;
	struct curl_slist *headers = make_headers(r);
	struct answer *a = malloc(sizeof(*a));
	json_t *answer = NULL;
	char *url;

	if (c == NULL)
		c = curl_easy_init();
	if (a == NULL || c == NULL ||
	    asprintf(&url, "http://%s%s", dir_address(r->port), r->path) == -1)
		fatal("http: out of memory");
	a->n = 0;
	*status = 0;
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, r->timeout);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (r->body != NULL)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	if (curl_easy_perform(c) == CURLE_OK) {
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
		answer = json_loadb(a->text, a->n, 0, NULL);
	}
	curl_slist_free_all(headers);
	free(url);
	free(a);
	return answer;
}
