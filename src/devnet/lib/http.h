/* SPDX-License-Identifier: Apache-2.0
 *
 * A blocking HTTP client for JSON, for the counterparts and commands.  It sends
 * to 127.0.0.1 only.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdint.h>

#include "json.h"

struct http_request {
	uint16_t	 port;
	const char	*method, *path;
	const char	*authorization;	/* value of the header; NULL: none */
	const char	*body;		/* JSON; NULL: none */
	long		 timeout;	/* ms */
};
/* Send a request and wait for the answer.  Sets *status to the HTTP status, 0
 * if there is no answer.  Returns its JSON, which the caller must free, or NULL
 * if it is not JSON or longer than 1 MB. */
json_t *http_send(const struct http_request *, long *status);

#endif
