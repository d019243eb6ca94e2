/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the keywords of tee-runnerd.conf(5): a row for each, with its
 * place in struct conf.  The monitor reads a file by it
 * (src/monitor/conf_file.c); what it says of each value is printed by it, and
 * attested (attested.h).
 */
#ifndef KEYWORDS_H
#define KEYWORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf.h"

#define KEYWORDS_MAX	64

/* A CA is a path, too: of a file whose contents decide who is trusted.  An
 * INCLUDE is read at once and not kept. */
enum kind {
	HOST,
	HOSTS,
	PATH,
	CA,
	SECRET,
	GROUP,
	NUMBER,
	NUMBER64,
	SECONDS,
	ADDRESS,
	ADDRESSES,
	POINT,
	URL,
	URLS,
	SUBJECT,
	CHOICE,
	CHOICES,
	LOOPBACK,
	HASH,
	INCLUDE,
};

/* Is the value part of the attested text?  HASHED: it decides whom the Runner
 * trusts or what it does.  MACHINE: it names files and sockets of this machine,
 * its limits, and how it is watched and stopped.  For a CA that is HASHED the
 * contents of the file are attested, not its name. 0 is neither: every new
 * keyword has to decide. */
enum attested {
	MACHINE = 1,
	HASHED,
};

/* Chains of which protocol have this keyword. */
enum only {
	EVERY_CHAIN,
	ONLY_TEE_RUNNER,
	ONLY_NOX,
};

struct choice {
	const char	*name;
	uint32_t	 value;
};

struct keyword {
	const char	*name;
	enum attested	 attested;
	enum kind	 kind;
	size_t		 offset;	/* in struct conf */
	const char	*default_text;	/* NULL: the keyword is
					 * required */
	uint64_t	 min, max;	/* numbers, SECONDS; items of a list */
	size_t		 count;		/* offset of a list's length; of CA, of
					 * the SHA-256 of its file */
	const struct choice *choices;
	enum only	 only;
};
#define AT(field)	offsetof(struct conf, field)
/* For a keyword of a chain: the field in the first chain. */
#define OF(field)	(AT(chains) + offsetof(struct conf_chain, field))

extern const struct keyword keywords[];
extern const size_t n_keywords;		/* at most KEYWORDS_MAX */

int keyword_is_of_chain(const struct keyword *);
/* Does this chain have this keyword, which is one of a chain?  1 or 0. */
int keyword_is_for(const struct keyword *, const struct conf_chain *);
/* A keyword's field, or that of its count: in the n-th chain, if it is of
 * one. */
void *keyword_field(
    const struct conf *, const struct keyword *, size_t offset, uint32_t n);
/* `keyword value' lines, each after `prefix': one, or one for each entry of a
 * list, or none if nothing is set.  Numbers are decimal, times in seconds, hex
 * digits in lower case. */
void keyword_print(const struct conf *, const struct keyword *, uint32_t chain,
    const char *prefix, FILE *);
typedef void (*keyword_printer)(
    const struct conf *, const struct keyword *, uint32_t chain, FILE *);
/* Call it for each keyword in the order of the table: those of no chain, then
 * for each chain its own. */
void keywords_each(const struct conf *, keyword_printer, FILE *);

#endif
