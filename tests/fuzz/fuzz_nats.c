/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of what nox takes from a NATS server: a stream of messages, in pieces
 * whose size the first byte says.  What is returned must be in the input and
 * within the bounds.
 */
#include <stdlib.h>
#include <string.h>

#include "nats_parse.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct nats_parser p;

static void
is_within(const void *s, size_t n, const uint8_t *data, size_t size)
{
	const uint8_t *b = s;

	if (n != 0 && (b < data || n > size || b > data + size - n))
		abort();
}

static void
check(const struct nats_message *m, const uint8_t *data, size_t n)
{
	is_within(m->payload, m->n_payload, data, n);
	is_within(m->text.s, m->text.n, data, n);
	is_within(m->status_text.s, m->status_text.n, data, n);
	if (m->n_headers > NATS_HEADERS || m->n_payload > p.max_payload ||
	    (m->op == NATS_OP_MSG && m->subject == NULL) || m->status > 999)
		abort();
	for (size_t i = 0; i < m->n_headers; i++) {
		is_within(m->headers[i].name.s, m->headers[i].name.n, data, n);
		is_within(
		    m->headers[i].value.s, m->headers[i].value.n, data, n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nats_message m;
	size_t piece, n = 0, used;
	int r;

	if (size == 0)
		return 0;
	piece = data[0] == 0 ? size : data[0];
	data++;
	size--;
	nats_parser_init(&p, 2048);
	for (;;) {
		if ((r = nats_parse(&p, data, n, &m, &used)) == -1)
			return 0;
		if (r == 1) {
			if (used == 0 || used > n)
				abort();
			check(&m, data, used);
			data += used;
			size -= used;
			n -= used;
		} else if (p.need <= n)
			abort();
		else if (n == size)
			return 0;
		else
			n = piece > size - n ? size : n + piece;
	}
}
