/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of all evidence formats.
 */
#include "attest.h"

const struct format *
format_of(struct bytes b)
{
	static const struct format *const formats[] = { &format_dcap,
		&format_snp, &format_cca, &format_optee, &format_hcl,
		&format_insecure, &format_eventlog };
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i]->is(b))
			return formats[i];
	return NULL;
}
