/* SPDX-License-Identifier: Apache-2.0
 *
 * Who takes part, and in which states a role can be.  Both are bits, so that
 * one row of messages.def can name several.
 */
#ifndef STATES_H
#define STATES_H

enum role {
	R_MONITOR	= 1 << 0,
	R_NET		= 1 << 1,
	R_TLS		= 1 << 2,	/* net's second channel to keys: TLS
					 * signing */
	R_REGISTRY	= 1 << 3,
	R_KEYS		= 1 << 4,
	R_EVIDENCE	= 1 << 5,
	R_COMPUTE	= 1 << 6,
	R_NOX		= 1 << 7,	/* in net's place, for a chain with
					 * `protocol nox-v0' */
	R_FRONT		= R_NET | R_NOX,	/* each chain has one */
	R_PINGED	= R_FRONT | R_REGISTRY | R_KEYS | R_EVIDENCE,
	R_CHILDREN	= R_PINGED | R_COMPUTE,
};
#define ROLE_BITS	8

enum state {
	S_INIT		= 1 << 0,	/* not yet in the sandbox */
	S_IDLE		= 1 << 1,	/* up; keys: no Registry facts, or not
					 * registered */
	S_SERVING	= 1 << 2,	/* keys: takes tasks; compute: has a
					 * job */
	S_DRAINING	= 1 << 3,	/* finishes what it has, takes no
					 * more */
	S_UP		= S_IDLE | S_SERVING | S_DRAINING,
};
#define STATE_BITS	4

#endif
