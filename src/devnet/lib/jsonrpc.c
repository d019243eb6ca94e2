/* SPDX-License-Identifier: Apache-2.0
 *
 * See jsonrpc.h.
 */
#include <stdlib.h>

#include "http.h"
#include "jsonrpc.h"
#include "log.h"

#define TIMEOUT		2000L	/* ms */

json_t *
jsonrpc_call(const struct devnet *d, const char *method, json_t *params)
{
	struct http_request http = { .port = d->registry_port,
		.method = "POST",
		.path = "/",
		.timeout = TIMEOUT };
	json_t *request, *answer, *result;
	const char *why;
	char *text;
	long status;

	request = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", 1,
	    "method", method, "params", params);
	if (request == NULL ||
	    (text = json_dumps(request, JSON_COMPACT)) == NULL)
		fatal("registry: %s: out of memory", method);
	json_decref(request);
	http.body = text;
	answer = http_send(&http, &status);
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
