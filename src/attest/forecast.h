/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-attest forecast: how long will evidence of today be accepted?
 *
 * Intel publishes each TCB set twice: at once in the `early' update channel,
 * and later, as far as known twelve months after the TCB recovery event, in the
 * `standard' one.  The early set is therefore the next standard set.  AMD
 * publishes no next set.
 */
#ifndef FORECAST_H
#define FORECAST_H

#include "collateral.h"
#include "dcap.h"
#include "snp.h"

#define FORECAST_URLS	8

struct forecast {
	struct bytes	 evidence;
	const char	*directory;	/* contains `standard' and `early' */
	const char	*product;	/* --product, or NULL */
	const char	*urls[FORECAST_URLS];	/* sources, in their order */
	size_t		 n_urls;		/* 0: that of the vendor */
	const struct policy *policy;
	time_t		 at;
	int		 is_offline, json;
};

/* A component below the level that Intel calls UpToDate, or below min-spl. */
struct shortfall {
	char		 component[24];		/* "sgxtcbcomp01" */
	char		 name[64];	/* as Intel describes it, or "" */
	unsigned	 have, need;
	const char	*set;		/* "standard", "early", "policy" */
	time_t		 since;		/* tcbDate of the level; 0: none */
};

/* The verdict under one set of collateral. */
struct opinion {
	int		 verdict;	/* as of report_verdict() */
	char		 status[48];	/* TCB status; "" if unknown */
	char		 why[320];	/* the first check that did not pass */
	unsigned	 evaluation;	/* tcbEvaluationDataNumber */
	time_t		 issued;	/* of its oldest document; 0: none */
};

struct outlook {
	const char	*format;
	struct opinion	 now, next;
	int		 has_next;	/* the vendor publishes a next set */
	time_t		 until;		/* 0: unknown */
	int		 is_estimate;
	char		 basis[240];	/* of the estimate */
	time_t		 end;		/* of the certificates; 0: unknown */
	time_t		 collateral_end;	/* 0: unknown */
	struct shortfall shortfalls[2 * TCB_LACKS];
	size_t		 n;
};

/* Judge evidence under the collateral of now and of the next set, which is
 * ignored for AMD.  Reads and prints nothing. */
void forecast_judge(struct outlook *, const struct forecast *,
    const struct format *, const struct collateral *now,
    const struct collateral *next);

/* Run the command and print the result.  Returns the exit status. */
int forecast_run(const struct forecast *);

#endif
