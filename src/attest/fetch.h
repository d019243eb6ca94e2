/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-attest fetch-collateral: downloads what Intel or AMD publish about a
 * platform, from them or from a cache of their services (PCCS), into a
 * directory for `verify'.
 */
#ifndef FETCH_H
#define FETCH_H

#include "attest.h"

enum fetch_text {		/* options that take one word */
	FETCH_FMSPC,
	FETCH_QUOTE,
	FETCH_VCEK,
	FETCH_CA,
	FETCH_TEE,
	FETCH_UPDATE,
	FETCH_PRODUCT,
	FETCH_URL,
	FETCH_TEXTS
};

struct fetch {
	const char	*text[FETCH_TEXTS];	/* NULL: not given */
	struct bytes	 evidence;	/* file of --quote or --vcek */
	const char	*directory;
	time_t		 at;		/* kept files must be valid then */
	int		 refresh, json;
	/* For `forecast'; zero for fetch-collateral.  With `told', this
	 * function gets each item that could not be fetched, nothing is
	 * printed, no time is spent on Retry-After, the list of Intel's TCB
	 * sets is fetched with --update early, and a file older than a day is
	 * fetched again.  It stays if that fails. */
	void (*told)(
	    void *arg, const char *url, const char *file, const char *why);
	void		*arg;
	const struct policy *policy;	/* for its test-root; or NULL */
};

/* Run the command and print the results.  Returns the exit status. */
int fetch_collateral(const struct fetch *);

#endif
