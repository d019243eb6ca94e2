/* SPDX-License-Identifier: Apache-2.0
 *
 * The Runner's own certificate: what is read, what is refused, when its end is
 * told, and when a renewed one takes its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "../../src/front/certificate.c"
#include "dies.h"

/* chan.c wants them; nothing is dispatched. */
const msg_handler handlers[M_TYPES];
struct front front;

static char path[] = "/tmp/tee-cert-XXXXXX";
static uint64_t now;
static EVP_PKEY *key;
static char lines[1024];

uint64_t
now_unix(void)
{
	return now;
}

void
front_lock(void)
{
}

void
front_unlock(void)
{
}

/* The functions that certificate.c calls: keys has the key with this point. */
static uint8_t key_in_keys[64];
static int is_mismatched, n_tried, n_renewed, n_matched, n_expired;

int
tls_try(const uint8_t xy[64])
{
	n_tried++;
	if (memcmp(xy, key_in_keys, 64) != 0)
		return 0;
	is_mismatched = 0;
	return 1;
}

int
tls_is_mismatched(void)
{
	return is_mismatched;
}

void
front_renewed(int has_expired)
{
	n_renewed++;
	n_expired += has_expired;
}

void
front_matched(void)
{
	n_matched++;
}

static void
keep_line(int level, const char *line)
{
	(void)level;
	strncat(lines, line, sizeof(lines) - strlen(lines) - 2);
	strcat(lines, "\n");
}

/* A certificate of this key that expires then, in the file. */
static void
put(EVP_PKEY *of, uint64_t expires)
{
	X509 *cert = X509_new();
	FILE *f = fopen(path, "w");

	assert_true(cert != NULL && f != NULL);
	ASN1_TIME_set(X509_getm_notBefore(cert), 0);
	ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)expires);
	assert_int_equal(X509_set_pubkey(cert, of), 1);
	assert_true(X509_sign(cert, of, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, cert), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
}

static int
setup(void **state)
{
	(void)state;
	memset(&used, 0, sizeof(used));
	told = has_next = is_told_waiting = is_mismatched = 0;
	n_tried = n_renewed = n_matched = n_expired = 0;
	lines[0] = '\0';
	now = 1800000000;
	log_sink(keep_line);
	return 0;
}

static void
key_and_expiry_are_read(void **state)
{
	uint8_t point[65];
	size_t n;

	(void)state;
	put(key, now + 77);
	certificate_init(path);
	assert_int_equal(certificate_expires(), now + 77);
	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     key, "pub", point, sizeof(point), &n),
	    1);
	assert_memory_equal(certificate_key(), point + 1, 64);
	assert_non_null(strstr(certificate_pem(), "BEGIN CERTIFICATE"));
}

static void
init(const void *p)
{
	certificate_init(p);
}

static void
what_is_no_such_certificate_is_refused(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-384");
	FILE *f;

	(void)state;
	put(other, now);
	dies(init, path, "its key is not on P-256");
	EVP_PKEY_free(other);
	other = EVP_RSA_gen(2048);
	put(other, now);
	dies(init, path, "its key is not on P-256");
	EVP_PKEY_free(other);
	f = fopen(path, "w");
	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n", f);
	fclose(f);
	dies(init, path, "not a certificate in PEM");
	assert_int_equal(truncate(path, PEM_LIMIT), 0);
	dies(init, path, "not a regular PEM file smaller than 1 MB");
	dies(init, "/tmp", "not a regular PEM file smaller than 1 MB");
	dies(init, "/nonexistent", "No such file");
}

/* Ticks every day and at the two lines: one line in the log for each. */
static void
each_line_that_it_crosses_is_told_once(void **state)
{
	const uint64_t end = 1800000000;	/* 2027-01-15 08:00:00 */
	char text[CERTIFICATE_TEXT];

	(void)state;
	put(key, end);
	certificate_init(path);
	for (now = end - 30 * 86400; now <= end - CERTIFICATE_SOON;
	     now += 86400)
		watch_expiry();
	now = end - CERTIFICATE_SOON;
	assert_string_equal(lines, "");
	assert_int_equal(certificate_warning(text, sizeof(text)), 0);
	for (now = end - CERTIFICATE_SOON + 1; now < end; now += 3600)
		watch_expiry();
	assert_non_null(
	    strstr(lines, "tls-certificate: expires 2027-01-15: renew it\n"));
	now = end - 1;
	assert_int_equal(certificate_warning(text, sizeof(text)), 1);
	assert_string_equal(text, "expires 2027-01-15");
	assert_null(strstr(lines, "expired"));
	lines[0] = '\0';
	for (now = end; now < end + 86400; now += 3600)
		watch_expiry();
	assert_non_null(
	    strstr(lines, "tls-certificate: expired 2027-01-15: renew it\n"));
	assert_ptr_equal(strchr(lines, '\n'), strrchr(lines, '\n'));
	assert_int_equal(certificate_warning(text, sizeof(text)), 2);
}

/* keys has this key now. */
static void
give_keys(EVP_PKEY *of)
{
	BIGNUM *x = NULL, *y = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(of, "qx", &x), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(of, "qy", &y), 1);
	BN_bn2binpad(x, key_in_keys, 32);
	BN_bn2binpad(y, key_in_keys + 32, 32);
	BN_free(x);
	BN_free(y);
}

static void
tick(void)
{
	on_tick(-1, EV_TIMEOUT, NULL);
}

/* The file is handed over; the timer is at once. */
static void
hand_over(void)
{
	certificate_renewed(open(path, O_RDONLY | O_CLOEXEC));
	event_base_loop(front.base, EVLOOP_NONBLOCK);
}

static void
renewed_certificate_of_the_same_key_is_used_at_once(void **state)
{
	(void)state;
	put(key, now + 100);
	certificate_init(path);
	give_keys(key);
	put(key, now + 365 * 86400);
	hand_over();
	assert_int_equal(certificate_expires(), now + 365 * 86400);
	assert_non_null(
	    strstr(lines, "tls-certificate: renewed: expires 2028-01-15\n"));
	assert_int_equal(n_renewed, 1);
	assert_int_equal(n_matched, 0);
	assert_int_equal(n_expired, 0);
	/* It was touched, and that is all. */
	hand_over();
	tick();
	assert_int_equal(n_renewed, 1);
	assert_int_equal(n_tried, 1);
}

static void
certificate_of_a_new_key_waits_until_keys_has_it(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	char *p;

	(void)state;
	put(key, now + 30 * 86400);
	certificate_init(path);
	give_keys(key);
	put(other, now + 40 * 86400);
	hand_over();
	tick();
	tick();
	assert_int_equal(certificate_is_waiting(), 1);
	assert_int_equal(certificate_expires(), now + 30 * 86400);
	p = strstr(lines, "waits for its key in tls-key");
	assert_non_null(p);
	assert_null(strstr(p + 1, "waits"));
	give_keys(other);
	tick();
	assert_int_equal(certificate_is_waiting(), 0);
	assert_int_equal(certificate_expires(), now + 40 * 86400);
	assert_int_equal(n_renewed, 1);
	EVP_PKEY_free(other);
}

static void
what_is_no_certificate_keeps_the_old_one(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-384");
	FILE *f;

	(void)state;
	put(key, now + 30 * 86400);
	certificate_init(path);
	give_keys(key);
	put(other, now + 40 * 86400);
	hand_over();
	assert_non_null(strstr(
	    lines, "tls-certificate: not renewed: its key is not on P-256"));
	f = fopen(path, "w");
	fclose(f);
	hand_over();
	assert_non_null(strstr(
	    lines, "tls-certificate: not renewed: not a certificate in PEM"));
	tick();
	assert_int_equal(n_tried, 0);
	assert_int_equal(n_renewed, 0);
	assert_int_equal(certificate_expires(), now + 30 * 86400);
	assert_non_null(strstr(certificate_pem(), "BEGIN CERTIFICATE"));
	EVP_PKEY_free(other);
}

/* The role has started with a new certificate, before keys has the new key. */
static void
pair_that_did_not_fit_is_tried_until_it_does(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");

	(void)state;
	put(other, now + 30 * 86400);
	certificate_init(path);
	give_keys(key);
	is_mismatched = 1;
	tick();
	assert_int_equal(n_matched, 0);
	give_keys(other);
	tick();
	assert_int_equal(is_mismatched, 0);
	assert_int_equal(n_matched, 1);
	tick();
	assert_int_equal(n_matched, 1);
	assert_int_equal(n_renewed, 0);
	EVP_PKEY_free(other);
}

static void
renewal_of_an_expired_certificate_ends_the_session(void **state)
{
	(void)state;
	put(key, now - 1);
	certificate_init(path);
	watch_expiry();
	give_keys(key);
	put(key, now + 86400);
	hand_over();
	assert_int_equal(n_expired, 1);
	/* Of the new one it is told as well. */
	assert_non_null(strstr(lines, ": expires 2027-01-16: renew it"));
}

static int
once(void **state)
{
	const int fd = mkstemp(path);

	front.base = event_base_new();
	timer = event_new(front.base, -1, EV_PERSIST, on_tick, NULL);

	(void)state;
	log_init("test", LOG_INFO);
	key = EVP_EC_gen("P-256");
	return fd == -1 || close(fd) == -1 || key == NULL ? -1 : 0;
}

static int
clean(void **state)
{
	(void)state;
	event_free(timer);
	event_base_free(front.base);
	EVP_PKEY_free(key);
	return unlink(path);
}

#define T(name)	cmocka_unit_test_setup(name, setup)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(key_and_expiry_are_read),
		T(what_is_no_such_certificate_is_refused),
		T(each_line_that_it_crosses_is_told_once),
		T(renewed_certificate_of_the_same_key_is_used_at_once),
		T(certificate_of_a_new_key_waits_until_keys_has_it),
		T(what_is_no_certificate_keeps_the_old_one),
		T(pair_that_did_not_fit_is_tried_until_it_does),
		T(renewal_of_an_expired_certificate_ends_the_session),
	};

	return cmocka_run_group_tests(tests, once, clean);
}
