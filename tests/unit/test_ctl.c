/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-runnerctl as an operator runs it, against a socket that answers as a
 * tee-runnerd would, or would not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define STATE "{\"version\":\"1\",\"runner\":\"0x11\",\"chain_id\":6," \
	"\"state\":\"%s\"," \
	"\"why\":\"no facts\",\"why_name\":\"no-facts\",\"since\":1," \
	"\"last_errors\":{\"gateway\":{\"at\":2,\"text\":\"gone\"}},"	\
	"\"tee\":\"insecure\",\"registry\":{\"block\":7," \
	"\"age_seconds\":3},\"registration\":{\"sequence\":2," \
	"\"valid_until\":9,\"refused\":3,\"error\":\"no\",\"failed\":6," \
	"\"retry\":0}," \
	"\"evidence\":{\"age_seconds\":4,\"next\":8,\"failures\":1," \
	"\"error\":\"busy\",\"failed\":5,\"retry\":7," \
	"\"measurement\":\"4d\"},\"kms_epoch\":5,\"stream\":\"open\"," \
	"\"credit\":256,\"tasks\":{" \
	"\"in_flight\":1,\"ok\":41,\"retryable\":0,\"waiting\":0," \
	"\"terminal\":2," \
	"\"refused\":0},\"statuses\":{\"BAD_HANDLE\":2}," \
	"\"workers\":{\"idle\":3," \
	"\"busy\":1,\"load_percent\":81}," \
	"\"keys\":{\"load_percent\":34},\"roles\":{\"keys\":{\"restarts\":4," \
	"\"features\":[\"chroot\"," \
	"\"seccomp\"]}},\"warnings\":[\"bell \\u0007 \\u001b[2J\"]}\n"

static char dir[] = "/tmp/test_ctl.XXXXXX";
static char out[65536];
static const char *command = "status";	/* of ctl_with() */

/* Run tee-runnerctl with these arguments: its exit status, its output in
 * out. */
static int
ctl(const char *arguments)
{
	char line[512];
	size_t n;
	FILE *f;
	int status;

	snprintf(line, sizeof(line), "./tee-runnerctl %s 2>&1", arguments);
	assert_non_null(f = popen(line, "r"));
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The same, with a socket that answers `answer' to `status'. */
static int
ctl_with(const char *arguments, const char *answer)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char all[512], question[16];
	int fd, client, status;
	pid_t pid;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	unlink(sun.sun_path);
	assert_int_not_equal(fd = socket(AF_UNIX, SOCK_STREAM, 0), -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		alarm(10);
		if ((client = accept(fd, NULL, NULL)) == -1 ||
		    read(client, question, sizeof(question)) != 7 ||
		    memcmp(question, "status\n", 7) != 0 ||
		    write(client, answer, strlen(answer)) == -1)
			_exit(1);
		_exit(0);
	}
	close(fd);
	snprintf(
	    all, sizeof(all), "%s -s %s %s", command, sun.sun_path, arguments);
	status = ctl(all);
	waitpid(pid, NULL, 0);
	unlink(sun.sun_path);
	return status;
}

static const char *
in_state(const char *state)
{
	static char answer[2048];

	snprintf(answer, sizeof(answer), STATE, state);
	return answer;
}

static void
a_serving_runner_is_success(void **unused)
{
	(void)unused;
	assert_int_equal(ctl_with("", in_state("serving")), 0);
	assert_non_null(strstr(out, "runner         0x11\n"));
	assert_non_null(strstr(out, "chain          6\n"));
	assert_int_equal(
	    strncmp(out, "serving since 1970-01-01T00:00:01Z (", 36), 0);
	assert_non_null(strstr(out, " d ago): warning: bell "));
	assert_non_null(
	    strstr(out, "gateway        last error 1970-01-01T00:00:02Z"));
	assert_non_null(strstr(out, "tee            insecure\n"));
	assert_non_null(strstr(out, "block 7, read 3 s ago\n"));
	assert_non_null(strstr(out, "workers        3 idle, 1 busy\n"));
	assert_non_null(
	    strstr(out, "load           keys 34 %, workers 81 %\n"));
	assert_non_null(strstr(out, " 1 in flight, 41 ok,"));
	assert_non_null(strstr(out, "  BAD_HANDLE               2\n"));
	assert_non_null(
	    strstr(out, "keys           4         chroot seccomp\n"));
}

static void
failures_are_shown_with_the_next_try(void **unused)
{
	(void)unused;
	ctl_with("", in_state("serving"));
	assert_non_null(strstr(
	    out, "\nevidence       last failure 1970-01-01T00:00:05Z ("));
	assert_non_null(strstr(out, "): busy, next try in 0 s\n"));
	assert_non_null(strstr(
	    out, "\nregistration   last failure 1970-01-01T00:00:06Z ("));
	assert_non_null(strstr(out, "): no\n"));
	command = "evidence";
	ctl_with("", in_state("serving"));
	assert_non_null(strstr(out, "\nlast failure   1970-01-01T00:00:05Z ("));
	assert_non_null(strstr(out, "): busy, next try in 0 s\n"));
	command = "registration";
	ctl_with("", in_state("serving"));
	command = "status";
	assert_non_null(strstr(out, "\nrefused        3\n"));
	assert_non_null(strstr(out, "\nlast failure   1970-01-01T00:00:06Z ("));
}

static void
another_state_is_failure_and_says_why(void **unused)
{
	(void)unused;
	assert_int_equal(ctl_with("", in_state("idle")), 1);
	assert_int_equal(strncmp(out, "NOT SERVING (idle) since 1970-", 30), 0);
	assert_non_null(
	    strstr(out, ": no facts: tee-runnerctl explain no-facts\n"));
	assert_int_equal(ctl_with("", in_state("draining")), 1);
}

/* net makes the answer, and net can be taken. */
static void
no_control_character_reaches_the_terminal(void **unused)
{
	const char *s;

	(void)unused;
	ctl_with("", in_state("ser\\u001b]0;x\\u0007ving\\u009b1m"));
	for (s = out; *s != '\0'; s++)
		assert_true(*s == '\n' || (*s >= ' ' && *s < 0x7f));
	assert_non_null(strstr(out, "bell \\x07 \\x1b[2J"));
	ctl_with("--json", in_state("\\u001b\\u009b"));
	for (s = out; *s != '\0'; s++)
		assert_true(*s == '\n' || (*s >= ' ' && *s < 0x7f));
}

static void
policies_are_shown_with_their_hashes(void **unused)
{
	char hash[65], keys[65], compute[64];
	unsigned calls;

	(void)unused;
	assert_int_equal(ctl("policy"), 0);
	assert_non_null(strstr(out, "\ncompute "));
	assert_int_equal(
	    sscanf(strstr(out, "\ncompute ") + 9, "%u", &calls), 1);
	snprintf(compute, sizeof(compute),
	    "{\"role\":\"compute\",\"calls\":%u,", calls);
	assert_non_null(strstr(out, "\nkeys "));
	assert_int_equal(
	    sscanf(strstr(out, "\nkeys ") + 5, "%*u %*u %64s", keys), 1);
	assert_int_equal(ctl("policy keys"), 0);
	assert_non_null(strstr(
	    out, "\nrecvmsg: arg2 == MSG_DONTWAIT|MSG_CMSG_CLOEXEC # chan: "));
	assert_non_null(strstr(out, "\n# sha256 of the program: "));
	assert_non_null(strstr(out, keys));
	assert_non_null(strstr(out,
	    "\n# descriptors: 0 to 2 are /dev/null; "
	    "channels: monitor net tls registry evidence compute "
	    "nox\n"));
	assert_non_null(strstr(out,
	    "\n# limits: 512 descriptors, 768 MB of "
	    "address space, 0 MB a file, one thread, no core dump\n"));
	assert_non_null(strstr(out,
	    "\n# Landlock: files: none; connects to "
	    "TCP ports: none; binds: none\n# capabilities: none\n"));
	assert_non_null(strstr(out,
	    " chroot user landlock seccomp mdwe nodump "
	    "secretmem netns mountns memlock ports\n"));
	assert_int_equal(ctl("policy registry"), 0);
	assert_non_null(strstr(out, "ports: endpoints of the Registry;"));
	assert_non_null(strstr(out, " nodump mountns ports\n"));
	assert_int_equal(ctl("policy monitor"), 0);
	assert_non_null(strstr(out, "\n# capabilities, as root: SETUID "));
	/* An auditor's own hash of what is printed. */
	assert_int_equal(ctl("policy keys --bpf | sha256sum"), 0);
	assert_int_equal(sscanf(out, "%64s", hash), 1);
	assert_string_equal(hash, keys);
	assert_int_equal(ctl("policy --json"), 0);
	assert_non_null(strstr(out, compute));
}

static void
what_policy_cannot_do_is_told(void **unused)
{
	static const char *const wrong[] = { "policy --bpf", "policy keys net",
		"policy keys --bpf --text", "policy keys --json",
		"policy keys --diff", "policy keys --diff 0", "policy --diff 1",
		"policy keys --diff-all", "policy --diff-all --json",
		"policy keys -s x", "status --bpf", "primitives keys",
		"primitives -s x" };
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(ctl(wrong[i]), 2);
	assert_int_equal(ctl("policy key"), 1);
	assert_non_null(strstr(out, "key: no such role: monitor, net, "));
	assert_int_equal(ctl("policy keys --diff 999999999"), 1);
	assert_non_null(strstr(out, "--diff 999999999: no such process"));
	assert_int_equal(ctl("policy keys --diff $$"), 1);
	assert_non_null(strstr(out, ": not a tee-runner role"));
	assert_int_equal(ctl("policy --diff-all -s /nowhere/socket"), 1);
	assert_non_null(
	    strstr(out, "/nowhere/socket: no tee-runnerd is there"));
}

static void
json_is_what_was_said(void **unused)
{
	(void)unused;
	assert_int_equal(ctl_with("--json", in_state("serving")), 0);
	assert_non_null(strstr(out, "\"block\": 7"));
	assert_int_equal(out[0], '{');
	assert_int_equal(ctl_with("--json", in_state("idle")), 1);
}

static void
an_answer_that_is_no_status_is_a_failure(void **unused)
{
	(void)unused;
	assert_int_equal(ctl_with("", ""), 1);
	assert_non_null(strstr(out, "no answer"));
	assert_int_equal(ctl_with("", "serving\n"), 1);
	assert_non_null(strstr(out, "not JSON"));
	assert_int_equal(ctl_with("", "[]"), 1);
	assert_int_equal(ctl_with("", "{}"), 1);
	assert_int_equal(ctl_with("",
			     "{\"state\":[],\"tasks\":1,\"roles\":[1],"
			     "\"warnings\":[2,{}],\"statuses\":{\"x\":null}}"),
	    1);
}

/* A signal goes to a parent that is tee-runnerd, and to no other. */
static void
only_a_child_of_tee_runnerd_names_its_parent(void **unused)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char arguments[128];

	(void)unused;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	unlink(sun.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	snprintf(arguments, sizeof(arguments), "reload -s %s", sun.sun_path);
	assert_int_equal(ctl(arguments), 1);
	assert_non_null(strstr(out, "is not a child of tee-runnerd"));
	close(fd);
	unlink(sun.sun_path);
}

static void
no_daemon_is_failure(void **unused)
{
	char arguments[64];

	(void)unused;
	snprintf(arguments, sizeof(arguments), "status -s %s/none", dir);
	assert_int_equal(ctl(arguments), 1);
	assert_non_null(strstr(out, "/none: no tee-runnerd is there"));
	assert_int_equal(ctl("wait --timeout 1 -s /none 2>&1"), 1);
	assert_non_null(strstr(out, "waiting: no tee-runnerd is there"));
	assert_non_null(strstr(out, "/none: no tee-runnerd is there"));
	assert_int_equal(ctl("wait --timeout 0 2>&1"), 2);
	assert_int_equal(ctl("status --timeout 1 2>&1"), 2);
}

static void
primitives_are_those_of_the_table(void **unused)
{
	static const char *const names[] = {
#define PRIM(opcode, name, in, result, flags) #name,
#include "primitives.def"
#undef PRIM
	};
	char want[64];
	size_t i;

	(void)unused;
	assert_int_equal(ctl("primitives --json"), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(want, sizeof(want), "\"name\":\"%s\",", names[i]);
		assert_non_null(strstr(out, want));
	}
	assert_int_equal(ctl("primitives"), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(want, sizeof(want), " %s ", names[i]);
		assert_non_null(strstr(out, want));
	}
	assert_non_null(strstr(out, "\n0x70    transfer "));
}

static void
words_are_explained(void **unused)
{
	(void)unused;
	assert_int_equal(ctl("explain input-missing"), 0);
	assert_int_equal(
	    strncmp(out, "INPUT_MISSING (status of a task)\n    An in", 42), 0);
	assert_non_null(strstr(out, "\n    1. If it lasts, "));
	/* A word of two kinds is explained twice. */
	assert_int_equal(ctl("explain clock"), 0);
	assert_non_null(strstr(out, "clock (reason why no tasks are "));
	assert_non_null(strstr(out, "clock (subject of a log line)\n"));
	/* A line of the log is explained by its subject, if nothing else is
	 * meant. */
	assert_int_equal(ctl("explain 'kms node 3 or the gateway: x'"), 0);
	assert_int_equal(strncmp(out, "kms (subject of a log line)\n", 28), 0);
	assert_int_equal(ctl("explain compute-12"), 0);
	assert_int_equal(ctl("explain 'transaction pending'"), 0);
	assert_null(strstr(out, "subject of a log line"));
	assert_int_equal(ctl("explain"), 0);
	assert_non_null(strstr(out, "stage of a task:\n    received\n"));
}

static void
explanations_are_json_too(void **unused)
{
	(void)unused;
	assert_int_equal(ctl("explain drained --json"), 0);
	assert_string_equal(out,
	    "[{\"word\":\"drained\",\"kind\":\"reason\","
	    "\"meaning\":\"An operator told the Runner to accept no new "
	    "tasks.\",\"what_to_do\":[\"Accept tasks again: tee-runnerctl "
	    "resume\"]}]\n");
	assert_int_equal(ctl("explain --json"), 0);
	assert_non_null(strstr(out, "{\"word\":\"published\","));
}

static void
an_unknown_word_gets_the_nearest(void **unused)
{
	(void)unused;
	assert_int_equal(ctl("explain imput_missing"), 1);
	assert_non_null(strstr(out, "unknown word: imput_missing\n"));
	assert_non_null(strstr(out, "nearest: INPUT_MISSING, "));
	assert_int_equal(ctl("explain MISSING"), 1);
	assert_non_null(strstr(out, "nearest: INPUT_MISSING, "));
	assert_int_equal(ctl("explain ''"), 1);
	assert_int_equal(ctl("explain $(printf 'a\\033%0200d' 0)"), 1);
	assert_non_null(strstr(out, "unknown word: a\\x1b0"));
	assert_int_equal(ctl("explain a b"), 2);
}

static void
the_command_line_is_checked(void **unused)
{
	(void)unused;
	assert_int_equal(ctl(""), 2);
	assert_int_equal(ctl("stop"), 2);
	assert_int_equal(ctl("status now"), 2);
	assert_int_equal(ctl("status -x"), 2);
	assert_int_equal(ctl("--help"), 0);
	assert_int_equal(strncmp(out, "usage: ", 7), 0);
	assert_int_equal(ctl("--version"), 0);
	assert_int_equal(strncmp(out, "tee-runner ", 11), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_serving_runner_is_success),
		cmocka_unit_test(another_state_is_failure_and_says_why),
		cmocka_unit_test(failures_are_shown_with_the_next_try),
		cmocka_unit_test(no_control_character_reaches_the_terminal),
		cmocka_unit_test(policies_are_shown_with_their_hashes),
		cmocka_unit_test(what_policy_cannot_do_is_told),
		cmocka_unit_test(json_is_what_was_said),
		cmocka_unit_test(an_answer_that_is_no_status_is_a_failure),
		cmocka_unit_test(only_a_child_of_tee_runnerd_names_its_parent),
		cmocka_unit_test(no_daemon_is_failure),
		cmocka_unit_test(primitives_are_those_of_the_table),
		cmocka_unit_test(words_are_explained),
		cmocka_unit_test(explanations_are_json_too),
		cmocka_unit_test(an_unknown_word_gets_the_nearest),
		cmocka_unit_test(the_command_line_is_checked),
	};
	int r;

	if (mkdtemp(dir) == NULL)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
