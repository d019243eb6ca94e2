/* SPDX-License-Identifier: Apache-2.0
 *
 * registry's channels to the monitor and to keys.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include <event2/event.h>

#include "payload.h"

/* Start to read the monitor's channel; the one to keys arrives as a PEER
 * message. */
void handlers_init(struct event_base *);
/* Send facts to keys if it is connected. */
void handlers_facts(const struct m_facts *);
/* The same for the state of the endpoints. */
void handlers_endpoints(
    const struct m_endpoints *, const struct m_endpoint *, size_t);

#endif
