/* SPDX-License-Identifier: Apache-2.0
 *
 * One GET, with its limits: verified TLS 1.2 or later; plain http to this very
 * machine alone; three redirects at most, none to another scheme; bounded in time
 * and size.
 */
#ifndef HTTPS_H
#define HTTPS_H

#include <stddef.h>
#include <stdint.h>

#define BODY_MAX	(1 << 20)
#define HEADER_MAX	16384		/* of one */
#define WAIT_MAX	120		/* seconds, of one command */

enum got { GOT, GOT_NOT, GOT_LATER };

struct https {
	void		*curl;
	long		 waited;	/* seconds, for Retry-After's sake */
	/* of the last answer */
	uint8_t		 body[BODY_MAX];
	size_t		 n, head_n;
	char		 header[HEADER_MAX];	/* the one asked for; "" none */
	long		 retry;		/* GOT_LATER: after so many seconds */
	char		 why[400];	/* unless GOT */
};

/* 0, or -1: no memory. */
int	https_open(struct https *);
void	https_close(struct https *);
/* What is wrong with a URL; NULL: it may be asked. */
const char *https_problem(const char *url);
/* `header': the name of one that is to be kept, URL-escaped as Intel sends its
 * certificates; NULL none.  Waits where the server says when to come again. */
enum got https_get(struct https *, const char *url, const char *header);

#endif
