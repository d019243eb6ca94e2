/* SPDX-License-Identifier: Apache-2.0
 *
 * What a provider of evidence is.  The evidence role asks the one that the
 * configuration, or the machine, chose.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "chan.h"

struct provider {
	const char	*name;
	uint32_t	 tee_type;	/* enum tee_type */
	/* Evidence over `report_data' into `out': how many bytes, or -1 with
	 * errno. */
	long		(*quote)(const uint8_t report_data[64], uint8_t *out,
			    size_t size);
};
#define QUOTE_MAX	65536

extern const struct provider insecure;
extern const struct provider *provider;		/* the chosen one */
extern struct chan keys;

#endif
