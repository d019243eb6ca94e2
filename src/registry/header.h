/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a block's header from an endpoint's JSON and verifies it against the
 * block's hash, which the caller trusts.
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

/* Returns NULL, or the reason why it is invalid, and then *header is
 * unchanged. */
const char *header_read(
    const json_t *block, const uint8_t hash[32], struct header *header);

#endif
