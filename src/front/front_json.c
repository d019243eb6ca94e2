/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON into the answer to a question.
 */
#include "front.h"

static void
add_text(void *out, const char *text, size_t n)
{
	evbuffer_add(out, text, n);
}

void
front_json(struct jsonw *j, struct evbuffer *out)
{
	jsonw_begin(j, add_text, out);
}
