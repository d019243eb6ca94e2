/* SPDX-License-Identifier: Apache-2.0
 *
 * The provider for development: evidence that proves nothing and says so.  A
 * verifier accepts it only if its policy says `allow insecure'.
 */
#include <string.h>

#include "provider.h"
#include "payload.h"

/* This line is followed by the 64 bytes of report data. */
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
