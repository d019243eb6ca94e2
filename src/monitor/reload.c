/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGHUP: read the configuration again.  A file with errors changes nothing.
 * Some keywords change at once; the log names the others, which need a restart.
 * Runs in the monitor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_file.h"
#include "keywords.h"
#include "log.h"
#include "monitor.h"

static const char *path;
static struct conf *conf;

void
reload_init(const char *file, struct conf *c)
{
	path = file;
	conf = c;
}

/* A keyword's lines, of all chains. */
static char *
lines_of(const struct conf *c, const struct keyword *k)
{
	const uint32_t n = keyword_is_of_chain(k) ? c->n_chains : 1;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	uint32_t i;

	if (f == NULL)
		fatal("out of memory");
	for (i = 0; i < n; i++)
		keyword_print(c, k, i, "", f);
	fclose(f);
	return text;
}

static int
is_changed(const struct keyword *k, const struct conf *new)
{
	char *a = lines_of(conf, k), *b = lines_of(new, k);
	const int changed = strcmp(a, b) != 0;

	free(a);
	free(b);
	return changed;
}

/* Those that change at once. */
static int
apply(const char *name, const struct conf *new)
{
	if (strcmp(name, "log-level") == 0) {
		conf->log_level = new->log_level;
		log_level((int)conf->log_level);
		children_log_level(conf->log_level);
	} else if (strcmp(name, "log-format") == 0) {
		conf->log_json = new->log_json;
		logger_format((int)conf->log_json);
	} else if (strcmp(name, "drain-timeout") == 0)
		conf->drain_timeout = new->drain_timeout;
	else if (strcmp(name, "workers") == 0) {
		conf->workers = new->workers;
		children_limits();
	} else if (strcmp(name, "max-tasks") == 0) {
		conf->max_tasks = new->max_tasks;
		children_limits();
	} else if (strcmp(name, "tls-key") == 0)
		memcpy(conf->tls_key, new->tls_key, sizeof(conf->tls_key));
	else if (strcmp(name, "tls-certificate") == 0)
		memcpy(conf->tls_certificate, new->tls_certificate,
		    sizeof(conf->tls_certificate));
	else
		return 0;
	return 1;
}

/* Returns how many keywords differ. */
static unsigned
compare(const struct conf *new)
{
	const struct keyword *k;
	unsigned n = 0;

	for (k = keywords; k < keywords + n_keywords; k++) {
		if (!is_changed(k, new))
			continue;
		n++;
		if (apply(k->name, new))
			log_info("reload: %s has changed", k->name);
		else if (k->attested == HASHED)
			log_warn("reload: %s is attested: unchanged until "
				 "tee-runnerd is restarted",
			    k->name);
		else
			log_warn("reload: %s is unchanged until tee-runnerd is "
				 "restarted",
			    k->name);
	}
	return n;
}

static void
log_faults(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (*line != '\0')
			log_err("reload: %s", line);
}

void
reload(void)
{
	static struct conf new;
	char *faults;
	size_t size;
	FILE *err = open_memstream(&faults, &size);
	int r;

	if (err == NULL)
		fatal("out of memory");
	r = conf_read(path, &new, err);
	fclose(err);
	if (r != 0) {
		log_faults(faults);
		log_err("reload: the configuration is unchanged");
	} else if (compare(&new) == 0)
		log_info("reload: no keyword has changed");
	free(faults);
	tls_files_check();
}
