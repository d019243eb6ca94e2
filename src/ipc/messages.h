/* SPDX-License-Identifier: Apache-2.0
 *
 * What messages.def expands to: the types, and the rule of each.  chan.[ch]
 * carries them, msg_legal() there decides.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <stdint.h>

#include "payload.h"
#include "states.h"

enum msg_type {
	M_NONE,			/* 0 is never sent */
#define MSG(name, from, to, states, payload, row, rows, fds) M_##name,
#include "messages.def"
#undef MSG
	M_TYPES,
};

struct msg_hdr {
	uint32_t	type;
	uint32_t	zero;
};

#define MSG_MAX		(80 * 1024)	/* of one record, header included */

#define MSG(name, from, to, states, payload, row, rows, fds)		\
	_Static_assert(((from) & (to)) == 0, #name ": to itself");	\
	_Static_assert((fds) <= 1, #name ": more than one descriptor");	\
	_Static_assert(sizeof(struct msg_hdr) + sizeof(payload) +	\
	    sizeof(row) * (rows) <= MSG_MAX, #name ": too long");
#include "messages.def"
#undef MSG

#endif
