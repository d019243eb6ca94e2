/* SPDX-License-Identifier: Apache-2.0
 *
 * A message of the Nox v0 protocol's stream: the events of one transaction, as
 * JSON.  A message is read into a program, in which each event is an operation,
 * in the order of the message.  An event that repeats an earlier one in all but
 * its logIndex and caller is skipped.
 */
#ifndef NOX_MESSAGE_H
#define NOX_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "builder.h"
#include "nox_data.h"

#define NOX_MESSAGE_MAX	(256 * 1024)	/* bytes; TASK_OPS events are 100 kB */

/* Read n bytes of JSON.  Returns ST_OK; or an ST_* that will never be another,
 * however often the message is delivered, and in *why the member at fault: the
 * type of an event, a name, or "" if it is no object. */
uint32_t nox_message_read(const char *text, size_t n, struct nox_transaction *,
    struct builder *, char why[64]);

#endif
