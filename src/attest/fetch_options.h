/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of fetch-collateral, read.
 */
#ifndef FETCH_OPTIONS_H
#define FETCH_OPTIONS_H

#include "fetch.h"
#include "snp.h"

#define FETCH_BASE	512		/* bytes of --url */

struct fetch_asked {
	const char	*base, *root_crl, *ca, *tee, *update;	/* in URLs */
	uint8_t		 fmspc[6];
	struct snp_signer signer;
	const struct policy *policy;		/* NULL: no test-root */
	char		 url[FETCH_BASE];	/* --url without a slash at its
						 * end; base may be it */
};

/* Returns 0, or -1 after a message. */
int fetch_options(const struct fetch *, struct fetch_asked *);
/* A message about the command line, of which fmt takes two strings.  Always
 * -1. */
int fetch_usage(const char *fmt, const char *a, const char *b);

#endif
