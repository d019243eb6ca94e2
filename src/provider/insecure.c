/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider for development: evidence that proves nothing and says so.  No
 * verifier accepts it unless told to by name.
 */
#include <string.h>

#include "provider.h"
#include "payload.h"

/* The line, then the 64 bytes. */
static const char head[] = "INSECURE: NOT EVIDENCE OF ANYTHING\n";

static long
insecure_quote(const uint8_t report_data[64], uint8_t *out, size_t size)
{
	if (size < sizeof(head) - 1 + 64)
		return -1;
	memcpy(out, head, sizeof(head) - 1);
	memcpy(out + sizeof(head) - 1, report_data, 64);
	return sizeof(head) - 1 + 64;
}

const struct provider insecure = { "insecure", TEE_INSECURE, insecure_quote };
