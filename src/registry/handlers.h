/* SPDX-License-Identifier: Apache-2.0
 *
 * registry's channels: to the monitor and to keys.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include <event2/event.h>

#include "payload.h"

/* Listen to the monitor's channel; keys' comes as a PEER message. */
void	handlers_init(struct event_base *);
/* To keys, where there is one. */
void	handlers_facts(const struct m_facts *);

#endif
