/* SPDX-License-Identifier: Apache-2.0
 *
 * What conf_file.c, which reads the file, and values.c, which reads the value
 * of a keyword, share.
 */
#ifndef PARSE_H
#define PARSE_H

#include "conf_file.h"
#include "keywords.h"

struct place {
	const char	*path;
	unsigned	 line;		/* 0: not set */
};

struct parse {
	struct conf	*c;
	const char	*path;
	unsigned	 line;		/* 0: of no line, but of the whole */
	const char	*name;		/* of the keyword, for faults */
	uint32_t	 chain;		/* that lines are about */
	unsigned	 faults;
	int		 is_included;	/* this file is */
	FILE		*err;
};

/* The fields of this keyword's value and of the count of its list. */
void *parse_value(const struct parse *, const struct keyword *);
void *parse_count(const struct parse *, const struct keyword *);
/* Write a fault of the line to p->err, and count it.  Always -1. */
int parse_fault(struct parse *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Read the files that match this pattern of glob(3), in its order. 0, or -1
 * after parse_fault(). */
int parse_include(struct parse *, const char *pattern);

/* Read the value `v' into the keyword's field: 0, or -1 after parse_fault(). */
int value_read(struct parse *, const struct keyword *, const char *v);
/* The form of this keyword's value, for a fault: written to `text', which is
 * returned. */
const char *value_expected(const struct keyword *, char *text, size_t size);
int value_is_list(const struct keyword *);

#endif
