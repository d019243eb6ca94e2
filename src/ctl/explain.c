/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl explain: what a status, a reason, a stage, a state, an alert, a
 * warning or the subject of a log line means, and what to do.  Asks no running
 * tee-runnerd.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "jsonw.h"

#define WIDTH		79
#define LETTERS		64	/* of a word that are compared */
#define NEAREST		3	/* that are suggested */

enum kind { STATUS, REASON, ALERT, STAGE, ENDPOINT, GAS, WARNING, LOG, KINDS };

static const struct {
	const char	*name, *title;
} kinds[KINDS] = {
	[STATUS] = { "status", "status of a task" },
	[REASON] = { "reason", "reason why no tasks are accepted" },
	[ALERT] = { "alert", "alert of Prometheus" },
	[STAGE] = { "stage", "stage of a task" },
	[ENDPOINT] = { "endpoint", "state of an endpoint" },
	[GAS] = { "gas", "state of the gas account" },
	[WARNING] = { "warning", "warning of the status" },
	[LOG] = { "log", "subject of a log line" },
};

static const struct row {
	const char	*word;
	enum kind	 kind;
	const char	*meaning, *steps;
} rows[] = {
#define EXPLAIN(word, kind, meaning, what_to_do)			\
	{ word, kind, meaning, what_to_do },
#include "explain.def"
#undef EXPLAIN
};
#define N_ROWS	(sizeof(rows) / sizeof(rows[0]))

/* ---- which rows -------------------------------------------------------- */

/* INPUT_MISSING is input-missing is "input missing". */
static int
fold(char c)
{
	return c == '_' || c == '-' ? ' ' : tolower((unsigned char)c);
}

/* How many letters of `s' are the whole of `word'; 0: they are not. */
static size_t
begins_with(const char *s, const char *word)
{
	size_t i;

	for (i = 0; word[i] != '\0'; i++)
		if (fold(s[i]) != fold(word[i]))
			return 0;
	return i;
}

/* How much of `s' this row explains; 0: it does not.  A subject, and the begin
 * of a warning, is followed by a name, a number, or the rest of its line. */
static size_t
matches(const struct row *r, const char *s, int whole)
{
	const size_t n = begins_with(s, r->word);

	if (n == 0)
		return 0;
	if (whole)
		return s[n] == '\0' ? n : 0;
	return r->kind >= WARNING && strchr(" :-", s[n]) != NULL ? n : 0;
}

/* None explains more of it. */
static int
is_meant(const struct row *r, const char *s, int whole)
{
	const size_t n = matches(r, s, whole);
	const struct row *other;

	for (other = rows; other < rows + N_ROWS; other++)
		if (matches(other, s, whole) > n)
			return 0;
	return n != 0;
}

/* Levenshtein's distance. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[LETTERS + 1], left, above, i, j;

	for (j = 0; j <= LETTERS; j++)
		row[j] = j;
	for (i = 0; i < LETTERS && a[i] != '\0'; i++) {
		left = row[0]++;
		for (j = 0; j < LETTERS && b[j] != '\0'; j++) {
			above = row[j + 1];
			row[j + 1] = left + (fold(a[i]) != fold(b[j]));
			if (row[j + 1] > above + 1)
				row[j + 1] = above + 1;
			if (row[j + 1] > row[j] + 1)
				row[j + 1] = row[j] + 1;
			left = above;
		}
	}
	return row[strnlen(b, LETTERS)];
}

/* 0 if one contains the other. */
static size_t
remoteness(const char *word, const char *s)
{
	const char *p;

	for (p = word; *p != '\0'; p++)
		if (begins_with(p, s) != 0)
			return 0;
	return distance(word, s);
}

static int
suggest(const char *s)
{
	const struct row *r, *best;
	int is_shown[N_ROWS] = { 0 };
	size_t i;

	fprintf(stderr,
	    "tee-runnerctl: explain: unknown word: %s\nnearest:", safe(s));
	for (i = 0; i < NEAREST; i++) {
		best = NULL;
		for (r = rows; r < rows + N_ROWS; r++)
			if (!is_shown[r - rows] &&
			    (best == NULL ||
				remoteness(r->word, s) <
				    remoteness(best->word, s)))
				best = r;
		is_shown[best - rows] = 1;
		fprintf(stderr, "%s %s", i == 0 ? "" : ",", best->word);
	}
	fprintf(stderr, "\n`tee-runnerctl explain' lists all words\n");
	return 1;
}

/* ---- output ------------------------------------------------------------ */

/* n bytes of text, in lines that begin with so many spaces. */
static void
print_text(const char *text, size_t n, size_t indent)
{
	size_t column = indent, word;

	while (n != 0) {
		word = 0;
		while (word < n && text[word] != ' ')
			word++;
		if (column != indent && column + 1 + word > WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column != indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)word, text);
		column += word;
		text += word;
		n -= word;
		if (n != 0) {
			text++;
			n--;
		}
	}
	putchar('\n');
}

static void
print_row(const struct row *r)
{
	const char *s = r->steps;
	unsigned step = 1;

	printf("%s (%s)\n    ", r->word, kinds[r->kind].title);
	print_text(r->meaning, strlen(r->meaning), 4);
	for (; *s != '\0'; s += strspn(s, "\n")) {
		printf("    %u. ", step++);
		print_text(s, strcspn(s, "\n"), 7);
		s += strcspn(s, "\n");
	}
}

static void
json_row(struct jsonw *j, const struct row *r)
{
	const char *s = r->steps;

	jsonw_object(j, NULL);
	jsonw_string(j, "word", "%s", r->word);
	jsonw_string(j, "kind", "%s", kinds[r->kind].name);
	jsonw_string(j, "meaning", "%s", r->meaning);
	jsonw_array(j, "what_to_do");
	for (; *s != '\0'; s += strspn(s, "\n")) {
		jsonw_string(j, NULL, "%.*s", (int)strcspn(s, "\n"), s);
		s += strcspn(s, "\n");
	}
	jsonw_end(j);
	jsonw_end(j);
}

/* The rows that s means, or all; how many they are. */
static size_t
print_rows(const char *s, int whole, int json)
{
	const struct row *r;
	struct jsonw j;
	size_t n = 0;

	for (r = rows; r < rows + N_ROWS; r++)
		n += s == NULL || is_meant(r, s, whole);
	if (n == 0)
		return 0;
	if (json) {
		jsonw_begin(&j, print, stdout);
		jsonw_array(&j, NULL);
	}
	for (r = rows; r < rows + N_ROWS; r++) {
		if (s != NULL && !is_meant(r, s, whole))
			continue;
		if (json)
			json_row(&j, r);
		else
			print_row(r);
	}
	if (json)
		jsonw_end(&j);
	return n;
}

static void
print_words(void)
{
	const struct row *r;
	enum kind k;

	for (k = STATUS; k < KINDS; k++) {
		printf("%s%s:\n", k == STATUS ? "" : "\n", kinds[k].title);
		for (r = rows; r < rows + N_ROWS; r++)
			if (r->kind == k)
				printf("    %s\n", r->word);
	}
}

int
command_explain(const struct options *o)
{
	if (o->arg == NULL && !o->json) {
		print_words();
		return 0;
	}
	if (print_rows(o->arg, 1, o->json) != 0 ||
	    print_rows(o->arg, 0, o->json) != 0)
		return 0;
	return suggest(o->arg);
}
