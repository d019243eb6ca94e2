/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP GET with libcurl.  Linked only into tee-attest, and used only by
 * fetch-collateral: neither a role nor any verifying code opens connections
 * here.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "https.h"

#define CONNECT_TIMEOUT	10L
#define TIMEOUT		60L
#define HEAD_MAX	65536
#define REDIRECTS	3
#define RETRY_DEFAULT	10		/* seconds, as AMD's service requests */
#define RETRY_MAX	(366L * 86400)

/* ---- destinations ------------------------------------------------------ */

static int
is_loopback(const char *host)
{
	struct in_addr a;

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	    (inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

const char *
https_problem(const char *url)
{
	const char *why = NULL;
	char *scheme = NULL, *host = NULL;
	CURLU *u = curl_url();

	if (u == NULL || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		why = "it is no URL: https://HOST";
	else if (strcmp(scheme, "http") == 0 && !is_loopback(host))
		why = "http is for this machine alone (127.0.0.1, [::1], "
		      "localhost): use https";
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		why = "neither https nor http";
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return why;
}

static int
same_scheme(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");

	return n == strcspn(b, ":") && strncasecmp(a, b, n) == 0;
}

/* ---- answers ----------------------------------------------------------- */

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct https *h = arg;

	n *= size;
	if (n > BODY_MAX - h->n) {
		snprintf(h->why, sizeof(h->why),
		    "its answer is larger than "
		    "%d bytes",
		    BODY_MAX);
		return 0;
	}
	memcpy(h->body + h->n, p, n);
	h->n += n;
	return n;
}

static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct https *h = arg;

	(void)p;
	n *= size;
	if (n > HEAD_MAX - h->head_n) {
		snprintf(h->why, sizeof(h->why),
		    "its header is larger than "
		    "%d bytes",
		    HEAD_MAX);
		return 0;
	}
	h->head_n += n;
	return n;
}

/* Keep the URL-decoded header, or "" if it is absent or too long. */
static void
keep_header(struct https *h, const char *name)
{
	struct curl_header *found;
	char *text;
	int n;

	h->header[0] = '\0';
	if (name == NULL ||
	    curl_easy_header(h->curl, name, 0, CURLH_HEADER, -1, &found) !=
		CURLHE_OK)
		return;
	text = curl_easy_unescape(h->curl, found->value, 0, &n);
	if (text != NULL && n < HEADER_MAX &&
	    memchr(text, 0, (size_t)n) == NULL)
		memcpy(h->header, text, (size_t)n + 1);
	curl_free(text);
}

/* ---- one request ------------------------------------------------------- */

int
https_open(struct https *h)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (h->curl = curl_easy_init()) == NULL)
		return -1;
	h->waited = 0;
	return 0;
}

void
https_close(struct https *h)
{
	curl_easy_cleanup(h->curl);
	curl_global_cleanup();
}

/* Set every option each time, so that nothing of the previous request
 * remains. */
static int
set_options(struct https *h, const char *url, char error[CURL_ERROR_SIZE])
{
	CURL *c = h->curl;
	int is_plain = strncasecmp(url, "http:", 5) == 0;

	curl_easy_reset(c);
	return curl_easy_setopt(c, CURLOPT_URL, url) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
		    is_plain ? "http" : "https") != CURLE_OK ||
	    /* Never send a loopback request to a proxy. */
		(is_plain &&
		    curl_easy_setopt(c, CURLOPT_PROXY, "") != CURLE_OK) ||
		curl_easy_setopt(c, CURLOPT_SSLVERSION,
		    (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK ||
	    /* Redirects are followed below, after a check of each URL. */
		curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT) !=
		    CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_TIMEOUT, TIMEOUT) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_USERAGENT, "tee-attest") !=
		    CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) !=
		    CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_WRITEDATA, h) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_head) !=
		    CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_HEADERDATA, h) != CURLE_OK ||
		curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error) != CURLE_OK ?
	    -1 :
	    0;
}

/* Send one request.  Returns the HTTP status, or -1 with h->why. */
static long
ask(struct https *h, const char *url)
{
	char error[CURL_ERROR_SIZE] = "";
	CURLcode r = CURLE_OUT_OF_MEMORY;
	long status = -1;

	h->n = h->head_n = 0;
	h->why[0] = error[0] = '\0';
	if (set_options(h, url, error) == 0)
		r = curl_easy_perform(h->curl);
	/* It points into this function's stack frame. */
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, NULL);
	if (r == CURLE_OK &&
	    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status) ==
		CURLE_OK)
		return status;
	if (h->why[0] == '\0')
		snprintf(h->why, sizeof(h->why), "%s",
		    error[0] != '\0' ? error : curl_easy_strerror(r));
	return -1;
}

/* The same, following redirects. */
static long
follow(struct https *h, const char *url)
{
	char here[2048], *next;
	const char *problem;
	long status;
	int i;

	snprintf(here, sizeof(here), "%s", url);
	for (i = 0;; i++) {
		status = ask(h, here);
		if (status < 300 || status > 399 ||
		    curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &next) !=
			CURLE_OK ||
		    next == NULL)
			return status;
		if (i == REDIRECTS)
			problem = "more redirects than that are not followed";
		else if (!same_scheme(url, next))
			problem = "a redirect to another scheme";
		else if (strlen(next) >= sizeof(here))
			problem = "its URL is too long";
		else
			problem = https_problem(next);
		if (problem != NULL) {
			snprintf(h->why, sizeof(h->why),
			    "it redirects to "
			    "%.100s: %s",
			    next, problem);
			return -1;
		}
		/* the next request of libcurl invalidates `next' */
		memmove(here, next, strlen(next) + 1);
	}
}

enum got
https_get(struct https *h, const char *url, const char *header)
{
	curl_off_t retry;
	long status;

	for (;;) {
		status = follow(h, url);
		if (status == 200) {
			keep_header(h, header);
			return GOT;
		}
		if (status != -1)
			snprintf(
			    h->why, sizeof(h->why), "HTTP status %ld", status);
		if (status != 429 && status != 503)
			return GOT_NOT;
		if (curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &retry) !=
			CURLE_OK ||
		    retry <= 0)
			retry = RETRY_DEFAULT;
		h->retry = retry > RETRY_MAX ? RETRY_MAX : (long)retry;
		if (h->retry > WAIT_MAX - h->waited)
			return GOT_LATER;
		fprintf(stderr, "HTTP status %ld: waiting %ld s\n", status,
		    h->retry);
		sleep((unsigned)h->retry);
		h->waited += h->retry;
	}
}
