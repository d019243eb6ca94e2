/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP GET with limits: verified TLS 1.2 or later; plain http only to the
 * loopback address; at most three redirects, none to another scheme; bounded
 * time and size.
 */
#ifndef HTTPS_H
#define HTTPS_H

#include <stddef.h>
#include <stdint.h>

#define BODY_MAX	(1 << 20)
#define HEADER_MAX	16384		/* of a single header */
#define WAIT_MAX	120		/* seconds, per command */

enum got { GOT, GOT_NOT, GOT_LATER };

struct https {
	void		*curl;
	long		 waited;	/* seconds spent on Retry-After */
	/* The last answer. */
	uint8_t		 body[BODY_MAX];
	size_t		 n, head_n;
	char		 header[HEADER_MAX];	/* "" if absent */
	long		 retry;		/* GOT_LATER: seconds to wait */
	char		 why[400];	/* reason, unless GOT */
};

/* Returns 0, or -1 if out of memory. */
int https_open(struct https *);
void https_close(struct https *);
/* Why a URL must not be used, or NULL if it is acceptable. */
const char *https_problem(const char *url);
/* GET a URL.  `header': name of a header to keep, or NULL; it is URL-decoded,
 * since Intel sends certificates this way.  Honours Retry-After within
 * WAIT_MAX. */
enum got https_get(struct https *, const char *url, const char *header);

#endif
