/* SPDX-License-Identifier: Apache-2.0
 *
 * What a quorum of endpoints agrees the Registry says, refreshed for ever.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <event2/event.h>

#include "conf.h"
#include "payload.h"

/* Before the sandbox: looks the endpoints up.  Fatal where fewer than a quorum
 * of them have an address.  report: gets the facts after each refresh. */
void	registry_init(struct event_base *, const struct conf_chain *,
	    void (*report)(const struct m_facts *));

/* Whose registration, and whose gas account, is asked for from now on (zero:
 * nobody's); refreshes at once, and what is on its way for another is dropped. */
void	registry_runner(const struct m_runner *);
/* A transaction of that account: to every endpoint, and a round at once. */
void	registry_tx(const struct m_tx *, const struct m_word *);

#endif
