/* SPDX-License-Identifier: Apache-2.0
 *
 * From a channel to its role's handlers.  Apart from chan.c, so that a tool,
 * which logs but is no role, links without handlers.
 */
#include "chan.h"

#define DISPATCH_MAX	64	/* messages before other channels have a turn */

int
chan_dispatch(struct chan *c, const enum state *state)
{
	struct msg m;
	int i, r;

	for (i = 0; i < DISPATCH_MAX; i++) {
		if ((r = chan_recv(c, *state, &m)) <= 0)
			return r;
		handlers[m.type](c, &m);
		if (c->is_broken)
			return -1;
	}
	return 0;
}
