/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of the Gateway's answers in Nox v0, and of what a NATS server says of
 * a consumer: operands that are read are those that were asked for, in bounds,
 * and the text of an error can be printed.
 */
#include <stdlib.h>
#include <string.h>

#include "nox.h"

#define INPUTS	2

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
read_operands(const char *text, size_t n)
{
	struct m_word inputs[INPUTS + 1];
	struct operands o;
	size_t i;

	memset(inputs, 0, sizeof(inputs));
	for (i = 0; i < INPUTS; i++)
		memset(inputs[i].b, (int)i + 1, 32);
	if (nox_json_operands(text, n, inputs, &o) != NULL)
		return;
	if (o.n != INPUTS)
		abort();
	for (i = 0; i < INPUTS; i++)
		if (o.rows[i].len > CIPHER_MAX ||
		    memcmp(o.rows[i].handle, inputs[i].b, 32) != 0)
			abort();
	free(o.rows);
}

static void
check_printable(const char *why, size_t size)
{
	size_t i;

	if (memchr(why, '\0', size) == NULL)
		abort();
	for (i = 0; why[i] != '\0'; i++)
		if (why[i] < ' ' || why[i] > '~')
			abort();
}

static void
read_texts(const char *text, size_t n)
{
	uint64_t sequence, deliveries;
	struct consumer c;
	char why[128];

	nox_json_error(400, text, n, why, sizeof(why));
	check_printable(why, sizeof(why));
	if (nox_json_consumer(text, n, &c, why, sizeof(why)) != 0)
		check_printable(why, sizeof(why));
	nox_json_advisory(text, n, &sequence, &deliveries);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct report r;

	read_operands(text, size);
	if (nox_json_report(text, size, &r) == NULL && r.stored.n > NOX_REPORT)
		abort();
	read_texts(text, size);
	return 0;
}
