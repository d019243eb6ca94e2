/* SPDX-License-Identifier: Apache-2.0
 *
 * When the monitor hands over the files of tls-key and tls-certificate, and
 * what it says when it cannot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/monitor/tls_files.c"

/* chan.c wants them; nothing is dispatched. */
const msg_handler handlers[M_TYPES];

static char dir[] = "/tmp/tee-files-XXXXXX";
static struct conf conf;
static struct event_base *base;
static char key_text[64], certificate_text[64];
static int n_keys, n_certificates, n_lines;

void
children_send(enum role role, enum msg_type type, int fd)
{
	char *to = type == M_TLS_KEY ? key_text : certificate_text;
	const ssize_t n = pread(fd, to, sizeof(key_text) - 1, 0);

	assert_true(n >= 0);
	to[n] = '\0';
	assert_int_equal(role, type == M_TLS_KEY ? R_KEYS : R_FRONT);
	n_keys += type == M_TLS_KEY;
	n_certificates += type == M_TLS_CERTIFICATE;
}

static void
count_line(int level, const char *line)
{
	(void)level;
	assert_non_null(strstr(line, ": not renewed: "));
	n_lines++;
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* These were handed over so often since the last time. */
static void
check(int keys, int certificates)
{
	n_keys = n_certificates = 0;
	tls_files_check();
	assert_int_equal(n_keys, keys);
	assert_int_equal(n_certificates, certificates);
}

static int
setup(void **state)
{
	(void)state;
	unlink(conf.tls_key);
	put(conf.tls_key, "key 1");
	put(conf.tls_certificate, "certificate 1");
	base = event_base_new();
	tls_files_start(base, &conf);
	n_lines = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	event_free(timer);
	event_base_free(base);
	return 0;
}

static void
nothing_is_handed_over_that_has_not_changed(void **state)
{
	(void)state;
	check(0, 0);
	check(0, 0);
}

static void
a_file_that_is_written_or_replaced_is_handed_over_once(void **state)
{
	char path[64];

	(void)state;
	put(conf.tls_certificate, "certificate 2, longer");
	check(0, 1);
	assert_string_equal(certificate_text, "certificate 2, longer");
	check(0, 0);
	snprintf(path, sizeof(path), "%s/new", dir);
	put(path, "key 2");
	assert_int_equal(rename(path, conf.tls_key), 0);
	check(1, 0);
	assert_string_equal(key_text, "key 2");
	check(0, 0);
	/* As certbot does: a symbolic link to another file. */
	put(path, "key 3");
	assert_int_equal(unlink(conf.tls_key), 0);
	assert_int_equal(symlink(path, conf.tls_key), 0);
	check(1, 0);
	assert_string_equal(key_text, "key 3");
	check(0, 0);
	unlink(path);
}

static void
what_cannot_be_opened_is_one_line_and_tried_again(void **state)
{
	(void)state;
	assert_int_equal(unlink(conf.tls_key), 0);
	check(0, 0);
	check(0, 0);
	assert_int_equal(n_lines, 1);
	/* A pipe must neither block the monitor nor reach keys. */
	assert_int_equal(mkfifo(conf.tls_key, 0600), 0);
	check(0, 0);
	assert_int_equal(n_lines, 1);
	assert_int_equal(unlink(conf.tls_key), 0);
	put(conf.tls_key, "key 2");
	check(1, 0);
	assert_string_equal(key_text, "key 2");
	assert_int_equal(unlink(conf.tls_key), 0);
	check(0, 0);
	assert_int_equal(n_lines, 2);
}

static int
once(void **state)
{
	(void)state;
	log_init("test", LOG_INFO);
	log_sink(count_line);
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(conf.tls_key, sizeof(conf.tls_key), "%s/key", dir);
	snprintf(conf.tls_certificate, sizeof(conf.tls_certificate),
	    "%s/certificate", dir);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	unlink(conf.tls_key);
	unlink(conf.tls_certificate);
	return rmdir(dir);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_handed_over_that_has_not_changed),
		T(a_file_that_is_written_or_replaced_is_handed_over_once),
		T(what_cannot_be_opened_is_one_line_and_tried_again),
	};

	return cmocka_run_group_tests(tests, once, clean);
}
