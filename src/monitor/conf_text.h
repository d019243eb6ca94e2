/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be wrong with the text of a configuration file before its keywords
 * are looked at, and guesses at what was meant.
 */
#ifndef CONF_TEXT_H
#define CONF_TEXT_H

#include <sys/types.h>

/* Bytes that editors and copying leave in a line and nobody sees: NULL, or what
 * is wrong and what to do.  `n' bytes with a NUL after them. */
const char *text_fault(const char *line, size_t n);
/* Is this no configuration at all, so that the lines after it are of no
 * interest?  NULL, or what it is. */
const char *text_is_other(const char *line, size_t n);
/* May this word be printed?  Not if it could be part of a key. */
int text_is_name(const char *word);
/* The keyword at an edit distance of at most 2: NULL, if there is none. */
const char *text_nearest(const char *word);
/* Why a file of this st_mode cannot be read as one: NULL if it can. */
const char *text_mode_fault(mode_t);

#endif
