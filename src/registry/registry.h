/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the Registry from a quorum of endpoints and refreshes it periodically.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <event2/event.h>

#include "conf.h"
#include "payload.h"

/* Look up the endpoints' addresses; before the sandbox is entered.  Fatal if
 * fewer than a quorum of them resolve.  `report' is called with the facts after
 * each refresh, `show' with the state of the endpoints after each attempt. */
void registry_init(struct event_base *, const struct conf_chain *,
    void (*report)(const struct m_facts *),
    void (*show)(
	const struct m_endpoints *, const struct m_endpoint *, size_t));

/* Set the Runner and the gas account to ask for (zeros: none), and refresh at
 * once.  Results for the previous Runner are dropped. */
void registry_runner(const struct m_runner *);
/* Send this transaction of the gas account to every endpoint and refresh at
 * once. */
void registry_tx(const struct m_tx *, const struct m_word *);

#endif
