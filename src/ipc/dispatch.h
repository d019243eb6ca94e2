/* SPDX-License-Identifier: Apache-2.0
 *
 * A role's handlers, expanded from the table: define SELF (an enum role), then
 * include this in the one file that has the role's handlers.  A row without
 * its on_NAME does not link; an on_NAME without a row has no prototype.
 *
 *	#define SELF R_KEYS
 *	#include "dispatch.h"
 *
 *	ON(BATCH)
 *	{
 *		const struct m_batch *b = m->payload;
 */
#ifndef DISPATCH_H
#define DISPATCH_H

#include "chan.h"

#define ON(name)							\
	void on_##name(struct chan *c __attribute__((unused)),		\
	    const struct msg *m __attribute__((unused)))

#define MSG(name, from, to, states, payload, row, rows, fds)		\
	void on_##name(struct chan *, const struct msg *);
#include "messages.def"
#undef MSG

const msg_handler handlers[M_TYPES] = {
#define MSG(name, from, to, states, payload, row, rows, fds)		\
	[M_##name] = ((to) & SELF) ? on_##name : NULL,
#include "messages.def"
#undef MSG
};

#endif
