/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzer of what chain takes from an endpoint: as what facts() returned, and as
 * a JSON-RPC answer.  Facts that pass must be such as keys takes.  Build it
 * with clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "rpc.h"
#include "sandbox.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* rpc.c wants it for an endpoint; the fuzzer has none, and no sandbox. */
void
sandbox_allow_port(uint16_t port)
{
	(void)port;
}

static void
fuzz_facts(const uint8_t *data, size_t size)
{
	struct m_facts f;

	memset(&f, 0, sizeof(f));
	if (abi_facts_read(data, size, &f) != NULL)
		return;
	if (f.n_orchestrators > LIST_MAX || f.n_gateways > LIST_MAX ||
	    f.kms_nodes > KMS_NODES || f.kms_threshold > f.kms_nodes ||
	    f.kms_threshold == 0)
		abort();
}

static void
fuzz_answer(const uint8_t *data, size_t size)
{
	uint8_t bytes[64];
	const char *why = NULL;
	char buf[128];
	uint64_t v;
	json_t *result = rpc_parse(
	    (const char *)data, size, 1, buf, sizeof(buf), &why);

	if ((result == NULL) != (why != NULL))
		abort();
	(void)rpc_quantity(result, &v);
	if (rpc_bytes(result, bytes, sizeof(bytes)) > (long)sizeof(bytes))
		abort();
	json_decref(result);
}

/* The key, then the 32 bytes of the Gateway's address. */
static void
fuzz_nox(const uint8_t *data, size_t size)
{
	const size_t n = size < 32 ? size : size - 32;
	struct m_facts f;

	memset(&f, 0, sizeof(f));
	if (abi_nox_read(data, n, data + n, size - n, &f) == NULL &&
	    (f.n_gateways != 1 || f.kms_nodes != 1 || f.kms_key[0] < 2 ||
		f.kms_key[0] > 3))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_facts(data, size);
	fuzz_nox(data, size);
	fuzz_answer(data, size);
	return 0;
}
