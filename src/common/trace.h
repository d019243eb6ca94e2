/* SPDX-License-Identifier: Apache-2.0
 *
 * The traceparent of W3C Trace Context, version 00: "00-", 32 digits of the
 * trace, "-", 16 of the parent, "-", two of flags; lower case.  Nobody signs
 * it: it is for log lines and timelines only.
 */
#ifndef TRACE_H
#define TRACE_H

#include "payload.h"

#define TRACE_TEXT	(2 + 1 + 32 + 1 + 16 + 1 + 2 + 1)

/* Read `text'; anything that is not a traceparent of version 00 is a zero
 * trace, as the standard asks. */
void trace_read(struct m_trace *, const char *text);
int trace_is_set(const struct m_trace *);
/* Its text, in `to', which is returned; "" if it is zero. */
char *trace_text(const struct m_trace *, char to[TRACE_TEXT]);
/* For the end of a log line: " [00-...]" or "".  Good until the next call. */
const char *trace_tag(const struct m_trace *);

#endif
