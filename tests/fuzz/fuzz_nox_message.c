/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of the JSON messages of the Nox v0 protocol's stream: a message that
 * is read is a program that can be viewed.
 */
#include <stdlib.h>

#include "nox_message.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct m_word words[PROGRAM_WORDS];
	static struct builder b;
	struct nox_transaction t;
	struct program p;
	char why[64];

	if (nox_message_read((const char *)data, size, &t, &b, why) == ST_OK &&
	    program_view(&p, &b.shape, words, builder_words(&b, words)) != 0)
		abort();
	return 0;
}
