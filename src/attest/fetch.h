/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-attest fetch-collateral: what Intel and AMD say of a platform, from them or
 * from a cache of their services (a PCCS), into a directory for `verify'.
 */
#ifndef FETCH_H
#define FETCH_H

#include "attest.h"

enum fetch_text {		/* options that are a word each */
	FETCH_FMSPC, FETCH_QUOTE, FETCH_VCEK, FETCH_CA, FETCH_TEE, FETCH_UPDATE,
	FETCH_PRODUCT, FETCH_URL, FETCH_TEXTS
};

struct fetch {
	const char	*text[FETCH_TEXTS];	/* NULL: not given */
	struct bytes	 evidence;	/* of --quote, --vcek */
	const char	*directory;
	time_t		 at;		/* what is kept is in its window then */
	int		 refresh, json;
};

/* The exit status of the command; it has said what there is to say. */
int	fetch_collateral(const struct fetch *);

#endif
