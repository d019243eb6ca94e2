/* SPDX-License-Identifier: Apache-2.0
 *
 * JetStream's subjects and statuses.  tests/integration/nats.sh has the rest,
 * with a real server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "jetstream.h"

static struct js_ack a;

static void
both_forms_of_a_reply_subject_are_read(void **state)
{
	static const char *const forms[] = {
		"$JS.ACK.orders.runner.2.10.7.1700000000000000001.5",
		"$JS.ACK._.hash.orders.runner.2.10.7.1700000000000000001.5",
		"$JS.ACK.hub.hash.orders.runner.2.10.7.1700000000000000001.5.x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&a, 0, sizeof(a));
		assert_int_equal(js_ack_read(forms[i], &a), 0);
		assert_string_equal(a.stream, "orders");
		assert_string_equal(a.consumer, "runner");
		assert_int_equal(a.delivered, 2);
		assert_int_equal(a.stream_seq, 10);
		assert_int_equal(a.consumer_seq, 7);
		assert_int_equal(a.timestamp, 1700000000000000001);
		assert_int_equal(a.pending, 5);
	}
}

static void
a_reply_subject_that_is_wrong_is_refused(void **state)
{
	static const char *const wrong[] = { "", "$JS.ACK", "$JS.ACK.",
		"$JS.ACK.s.c.1.2.3.4", "$JS.ACK.s.c.1.2.3.4.5.6",
		"$JS.ACK.s.c.1.2.3.4.x", "$JS.ACK.s.c.1.2.3.4.",
		"$JS.ACK.s.c.-1.2.3.4.5", "$JS.ACK..c.1.2.3.4.5",
		"$JS.ACK.s..1.2.3.4.5", "$js.ack.s.c.1.2.3.4.5",
		"$JS.ACK.s.c.1.2.3.4.99999999999999999999",
		"$JS.ACK.d.h.s.c.1.2.3.x.5", "_INBOX.s.c.1.2.3.4.5.6" };
	char text[600];

	(void)state;
	a.delivered = 77;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(js_ack_read(wrong[i], &a), -1);
	memset(text, 'x', sizeof(text));
	memcpy(text, "$JS.ACK.", 8);
	strcpy(text + 300, ".c.1.2.3.4.5");
	assert_int_equal(js_ack_read(text, &a), -1);
	assert_int_equal(a.delivered, 77);
}

static enum js_status
status(unsigned int number, const char *text)
{
	const struct nats_text t = { text, strlen(text) };

	return js_status(number, &t);
}

static void
a_status_says_what_becomes_of_the_request(void **state)
{
	(void)state;
	assert_int_equal(status(100, "Idle Heartbeat"), JS_ALIVE);
	assert_int_equal(status(404, "No Messages"), JS_ENDED);
	assert_int_equal(status(408, "Request Timeout"), JS_ENDED);
	assert_int_equal(status(409, "Batch Completed"), JS_ENDED);
	assert_int_equal(
	    status(409, "Message Size Exceeds MaxBytes"), JS_FAILED);
	assert_int_equal(status(409, "Consumer Deleted"), JS_FAILED);
	assert_int_equal(status(409, "Leadership Change"), JS_FAILED);
	assert_int_equal(status(409, "Exceeded MaxWaiting"), JS_FAILED);
	assert_int_equal(status(409, ""), JS_FAILED);
	assert_int_equal(status(503, ""), JS_FAILED);
	assert_int_equal(status(400, "Bad Request"), JS_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_of_a_reply_subject_are_read),
		cmocka_unit_test(a_reply_subject_that_is_wrong_is_refused),
		cmocka_unit_test(a_status_says_what_becomes_of_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
