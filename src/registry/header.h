/* SPDX-License-Identifier: Apache-2.0
 *
 * A block's header out of an endpoint's JSON: what it says is believed only as
 * far as the block's hash, which the caller trusts, vouches for it.
 */
#ifndef HEADER_H
#define HEADER_H

#include <jansson.h>
#include <stdint.h>

struct header {
	uint64_t	number;
	uint64_t	time;		/* seconds since 1970 */
	uint8_t		state_root[32];
};

/* NULL, or what is wrong, and then *header is as it was. */
const char *header_read(const json_t *block, const uint8_t hash[32],
	    struct header *header);

#endif
