/* SPDX-License-Identifier: Apache-2.0
 *
 * The depth of JSON text, looked at before a parser that is recursive reads
 * it.  For any process; no allocation, no I/O.
 */
#ifndef JSONDEPTH_H
#define JSONDEPTH_H

#include <stddef.h>

/* jsondepth_exceeds: whether objects and arrays in the n bytes at `text' are
 * nested deeper than `max' levels.  The text need not be valid JSON. */
int jsondepth_exceeds(const char *text, size_t n, int max);

#endif
