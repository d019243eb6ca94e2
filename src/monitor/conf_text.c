/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be wrong with the text of a configuration file before its keywords
 * are looked at, and guesses at what was meant.  Runs in the monitor before
 * anything is started, and in tee-runnerctl.  If the file is in truth a private
 * key, no part of it may be printed.
 */
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "conf_text.h"
#include "keywords.h"

#define NAME_MAX_LEN	24		/* a line of a key is longer */
#define DISTANCE	2

const char *
text_is_other(const char *line, size_t n)
{
	if (n >= 2 &&
	    (memcmp(line, "\xff\xfe", 2) == 0 ||
		memcmp(line, "\xfe\xff", 2) == 0))
		return "is UTF-16: save the file as UTF-8";
	if (strncmp(line, "-----BEGIN ", 11) == 0)
		return "is PEM, a key or a certificate: expected `keyword "
		       "value' lines";
	if (strncmp(line,
		"\x7f"
		"ELF",
		4) == 0)
		return "is a program: expected `keyword value' lines";
	return NULL;
}

const char *
text_fault(const char *line, size_t n)
{
	static const struct {
		const char *bytes, *fault;
	} hidden[] = {
		{ "\xef\xbb\xbf",
		    "has a byte order mark (BOM): save the file as UTF-8 "
		    "without it" },
		{ "\xc2\xa0",
		    "has a no-break space (U+00A0): replace it with a space" },
		{ "\xe2\x80\x8b",
		    "has a zero-width space (U+200B): remove it" },
	};
	const size_t text = strcspn(line, "#");
	const char *at;
	size_t i;

	if (strlen(line) != n)
		return "has a NUL byte: expected text";
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if ((at = strstr(line, hidden[i].bytes)) != NULL &&
		    (size_t)(at - line) < text)
			return hidden[i].fault;
	for (i = 0; i < text; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t' &&
			line[i] != '\n' &&
			(line[i] != '\r' || line[i + 1] != '\n')) ||
		    line[i] == 0x7f)
			return "has a control character: remove it, and end "
			       "lines with a newline";
	return NULL;
}

int
text_is_name(const char *word)
{
	return strlen(word) <= NAME_MAX_LEN &&
	    strspn(word,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_:=") == strlen(word);
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Levenshtein's, by rows; both words have at most NAME_MAX_LEN characters. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LEN + 1], diagonal, above;
	size_t i, j;
	const size_t n = strlen(b);

	for (j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (i = 0; a[i] != '\0'; i++) {
		diagonal = row[0]++;
		for (j = 1; j <= n; j++) {
			above = row[j];
			row[j] = least(row[j] + 1, row[j - 1] + 1,
			    diagonal + (a[i] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

const char *
text_nearest(const char *word)
{
	const struct keyword *k;
	const char *nearest = NULL;
	unsigned d, best = DISTANCE + 1;

	if (!text_is_name(word))
		return NULL;
	for (k = keywords; k < keywords + n_keywords; k++) {
		if (strlen(k->name) > NAME_MAX_LEN ||
		    (d = distance(word, k->name)) >= best)
			continue;
		best = d;
		nearest = k->name;
	}
	return nearest;
}

const char *
text_mode_fault(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return NULL;
	case S_IFDIR: return "is a directory: expected a file";
	case S_IFSOCK: return "is a socket: expected a file";
	case S_IFIFO: return "is a pipe: expected a file";
	default: return "is a device: expected a file";
	}
}
