/* SPDX-License-Identifier: Apache-2.0
 *
 * tee-devnet in parts: values as people write them, operations from
 * arguments, processes, the Gateway's store, the choice of a quorum, faults.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "client.h"
#include "command.h"
#include "jsonrpc.h"
#include "server.h"
#include "secp.h"
#include "store.h"
#include "dies.h"

#include "../../src/devnet/gateway/gateway.c"	/* src/net has one too */
#include "quorum.c"

/* ---- values ------------------------------------------------------------ */

static void
same_text(const char *pair, const char *printed)
{
	char text[VALUE_TEXT];
	struct plain p;
	const char *why;

	assert_int_equal(value_parse_pair(pair, &p, &why), 0);
	assert_string_equal(value_print(&p, text), printed);
}

static void
refused(const char *pair)
{
	const char *why = NULL;
	struct plain p;

	assert_int_equal(value_parse_pair(pair, &p, &why), -1);
	assert_non_null(why);
}

static void
values_print_as_they_were_written(void **state)
{
	(void)state;
	same_text("bool:true", "true");
	same_text("uint8:255", "255");
	same_text("uint8:0xff", "255");
	same_text("int8:-128", "-128");
	same_text("int8:127", "127");
	same_text("int256:-1", "-1");
	same_text("int8:-0", "0");
	same_text("uint256:0xfffffffffffffffffffffffffffffffffffffffffffffff"
		  "fffffffffffffffff",
	    "115792089237316195423570985008687907853269"
	    "984665640564039457584007913129639935");
	same_text("bytes2:0xAB01", "0xab01");
	same_text("address:00112233445566778899aabbccddeeff00112233",
	    "0x00112233445566778899aabbccddeeff00112233");
}

static void
values_out_of_range_are_refused(void **state)
{
	(void)state;
	refused("uint8:256");
	refused("uint8:-1");
	refused("int8:128");
	refused("int8:-129");
	refused("bytes2:0xab");
	refused("bytes2:0xab0101");
	refused("bool:1");
}

static void
rubbish_is_no_value(void **state)
{
	(void)state;
	refused("uint8");
	refused("uint8:");
	refused("uint8:0x");
	refused("uint8:--1");
	refused("uint8:1 ");
	refused("uint8:1x");
	refused("uint7:1");
	refused("averyverylongtypename:1");
	refused("address:0xzz112233445566778899aabbccddeeff00112233");
}

static void
a_fresh_handle_names_chain_and_type(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	value_handle(31337, TYPE_INT(24), a);
	value_handle(31337, TYPE_INT(24), b);
	assert_true(handle_ok(a));
	assert_int_equal(handle_chain(a), 31337);
	assert_int_equal(handle_type(a), TYPE_INT(24));
	assert_memory_not_equal(a, b, 32);
}

/* ---- operations -------------------------------------------------------- */

static struct op op;
static struct pool pool;
static Teerunner__V1__Task *task;

static int
setup_op(void **state)
{
	static const uint8_t caller[20];

	(void)state;
	memset(&op, 0, sizeof(op));
	op.type = -1;
	pool_init(&pool);
	task = build_task(&pool, caller);
	return 0;
}

static int
teardown_op(void **state)
{
	(void)state;
	pool_free(&pool);
	return 0;
}

static void
argument(const char *pair)
{
	struct plain p;
	const char *why;

	assert_int_equal(value_parse_pair(pair, &p, &why), 0);
	build_constant(&op, &p);
}

static void
outputs_get_the_types_that_the_inputs_have(void **state)
{
	const char *why;

	(void)state;
	op.primitive = primitive_by_name("transfer");
	argument("uint16:1");
	argument("uint16:2");
	argument("uint16:3");
	assert_int_equal(build_op(&pool, task, &op, 1, &why), 0);
	assert_int_equal(op.n_outputs, 3);
	assert_int_equal(handle_type(op.outputs[0]), TYPE_BOOL);
	assert_int_equal(handle_type(op.outputs[1]), TYPE_UINT(16));
	assert_int_equal(handle_type(op.outputs[2]), TYPE_UINT(16));
	assert_int_equal(task->n_operations, 1);
}

static void
a_free_output_needs_a_type(void **state)
{
	const char *why = NULL;

	(void)state;
	op.primitive = primitive_by_name("cast");
	argument("uint16:1");
	assert_int_equal(build_op(&pool, task, &op, 1, &why), -1);
	assert_non_null(why);
	assert_int_equal(build_option(&op, "type", "int64", &why), 0);
	assert_int_equal(build_op(&pool, task, &op, 1, &why), 0);
	assert_int_equal(handle_type(op.outputs[0]), TYPE_INT(64));
}

static void
wrap_of_a_value_is_its_word_and_type(void **state)
{
	const char *why;

	(void)state;
	op.primitive = primitive_by_name("wrap");
	argument("bytes2:0xab01");
	assert_int_equal(build_op(&pool, task, &op, 1, &why), 0);
	assert_int_equal(handle_type(op.outputs[0]), TYPE_BYTES(2));
	assert_int_equal(op.args[0].type, TYPE_BYTES(32));
	assert_int_equal(op.args[0].word[30], 0xab);
	assert_int_equal(op.args[0].word[31], 0x01);
}

static void
too_few_arguments_are_refused(void **state)
{
	const char *why = NULL;

	(void)state;
	op.primitive = primitive_by_name("add");
	argument("uint16:1");
	assert_int_equal(build_op(&pool, task, &op, 1, &why), -1);
	assert_string_equal(why, "too few arguments");
}

static void
every_output_has_a_name(void **state)
{
	const struct primitive *p;
	size_t i, k, j;

	(void)state;
	for (i = 0; i < n_primitives; i++) {
		p = &primitives[i];
		for (k = 0; k < strlen(p->out); k++) {
			assert_non_null(build_output_name(p, k));
			for (j = 0; j < k; j++)
				assert_string_not_equal(build_output_name(p, j),
				    build_output_name(p, k));
		}
	}
}

/* ---- store ------------------------------------------------------------- */

static char db[] = "/tmp/test_devnetXXXXXX", db_path[64];

static int
setup_store(void **state)
{
	(void)state;
	if (mkdtemp(db) == NULL)
		return -1;
	snprintf(db_path, sizeof(db_path), "%s/db", db);
	store_open(db_path);
	return 0;
}

static int
teardown_store(void **state)
{
	char path[80];
	size_t i;
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	(void)state;
	store_close();
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", db_path, suffixes[i]);
		unlink(path);
	}
	return rmdir(db);
}

static struct store_value
value_of(uint8_t number)
{
	struct store_value v = { .value.len = 17, .epoch = 7 };

	memset(v.value.handle, number, sizeof(v.value.handle));
	memset(v.value.key, number + 1, sizeof(v.value.key));
	memset(v.value.nonce, number + 2, sizeof(v.value.nonce));
	memset(v.value.ciphertext, number + 3, v.value.len);
	memset(v.user, number + 4, sizeof(v.user));
	return v;
}

static void
a_value_comes_back_as_it_was_put(void **state)
{
	struct store_value v = value_of(1), got;

	(void)state;
	assert_false(store_has(v.value.handle));
	assert_int_equal(store_get(v.value.handle, &got), 0);
	assert_int_equal(store_put(&v), 0);
	assert_true(store_has(v.value.handle));
	assert_int_equal(store_get(v.value.handle, &got), 1);
	assert_memory_equal(&v, &got, sizeof(v));
}

static void
a_handle_takes_one_value_only(void **state)
{
	struct store_value v = value_of(2), other = v, got;

	(void)state;
	other.value.ciphertext[0] ^= 1;
	assert_int_equal(store_put(&v), 0);
	assert_int_equal(store_put(&other), -1);
	assert_int_equal(store_get(v.value.handle, &got), 1);
	assert_memory_equal(&v, &got, sizeof(v));
}

static void
handles_that_differ_in_one_byte_are_different(void **state)
{
	struct store_value v = value_of(3), got;
	size_t i;

	(void)state;
	for (i = 0; i < 32; i++) {
		v.value.handle[i] ^= 1;
		assert_int_equal(store_put(&v), 0);
		v.value.handle[i] ^= 1;
	}
	assert_int_equal(store_get(v.value.handle, &got), 0);
}

/* Two handles for which key_of() is the same. */
static void
a_value_is_not_that_of_another_handle_with_its_key(void **state)
{
	struct store_value v = value_of(4), got;
	uint64_t a, b, key, words[4];

	(void)state;
	memcpy(words, v.value.handle, sizeof(words));
	key = words[0] * UINT64_C(0x9e3779b97f4a7c15);
	a = key ^ key >> 32;
	words[0]++;
	key = words[0] * UINT64_C(0x9e3779b97f4a7c15);
	b = key ^ key >> 32;
	words[1] ^= a ^ b;
	assert_int_equal(store_put(&v), 0);
	assert_int_equal(store_get((uint8_t *)words, &got), 0);
	memcpy(v.value.handle, words, sizeof(words));
	assert_int_equal(store_put(&v), -1);
}

/* A client that did not get the answer sends its Put again. */
static void
a_put_can_be_repeated_by_its_user_alone(void **state)
{
	Teerunner__Devnet__PutRequest put =
	    TEERUNNER__DEVNET__PUT_REQUEST__INIT;
	Teerunner__V1__GrantedOperand o = TEERUNNER__V1__GRANTED_OPERAND__INIT,
				      *list[] = { &o };
	uint8_t alice[20] = { 1 }, bob[20] = { 2 };
	uint8_t handle[32], key[33], nonce[12] = { 3 }, cipher[32] = { 4 };
	struct store_value got;
	struct pool p;
	static const uint8_t secret[32] = { [31] = 5 };

	(void)state;
	pool_init(&p);
	secp_init(NULL);
	devnet.chain_id = 31337;
	value_handle(devnet.chain_id, TYPE_UINT(128), handle);
	assert_int_equal(secp_public(secret, key), 0);
	o.handle = (ProtobufCBinaryData){ sizeof(handle), handle };
	o.key = (ProtobufCBinaryData){ sizeof(key), key };
	o.nonce = (ProtobufCBinaryData){ sizeof(nonce), nonce };
	o.ciphertext = (ProtobufCBinaryData){ sizeof(cipher), cipher };
	put.user = (ProtobufCBinaryData){ sizeof(alice), alice };
	put.epoch = 7;
	put.n_values = 1;
	put.values = list;
	assert_int_equal(put_all(&put, &p), 0);
	assert_int_equal(put_all(&put, &p), 0);
	put.user.data = bob;
	assert_int_equal(put_all(&put, &p), -1);
	assert_int_equal(store_get(handle, &got), 1);
	assert_memory_equal(got.user, alice, sizeof(alice));
	put.user.data = alice;
	cipher[0]++;
	assert_int_equal(put_all(&put, &p), -1);
	pool_free(&p);
}

/* ---- results ----------------------------------------------------------- */

/* A result with two outputs, and the grant that it needs. */
static struct {
	struct result	 r;
	Teerunner__V1__TaskResult message;
	Teerunner__V1__Output outputs[2], *list[2];
	struct store_grant grant;
	uint8_t		 key[33], nonce[12], cipher[32];
} two;

static void
make_result(uint8_t number, struct pool *p)
{
	static const uint8_t secret[32] = { [31] = 5 };
	size_t i;

	secp_init(NULL);
	devnet.chain_id = 31337;
	memset(&two, 0, sizeof(two));
	two.grant.task[0] = number;
	two.grant.attempt = 1;
	two.grant.runner[0] = 2;
	two.grant.caller[0] = 3;
	two.grant.n_outputs = 2;
	assert_int_equal(secp_public(secret, two.key), 0);
	teerunner__v1__task_result__init(&two.message);
	two.message.task_id = (ProtobufCBinaryData){ 32, two.grant.task };
	two.message.attempt = 1;
	two.message.n_outputs = 2;
	two.message.outputs = two.list;
	two.r.message = &two.message;
	for (i = 0; i < 2; i++) {
		value_handle(
		    devnet.chain_id, TYPE_UINT(128), two.grant.outputs[i].b);
		teerunner__v1__output__init(two.list[i] = &two.outputs[i]);
		two.list[i]->handle = (ProtobufCBinaryData){ 32,
			two.grant.outputs[i].b };
		two.list[i]->key = (ProtobufCBinaryData){ 33, two.key };
		two.list[i]->nonce = (ProtobufCBinaryData){ 12, two.nonce };
		two.list[i]->ciphertext = (ProtobufCBinaryData){ 32,
			two.cipher };
	}
	read_outputs(&two.r, p);
}

/* Store the result as if `signer' had signed it; `number' is its hash. */
static uint32_t
store_result(const uint8_t signer[20], uint8_t number)
{
	uint8_t hash[32] = { number };

	two.r.hash = hash;
	return store_one(&two.r, 7, 1, signer);
}

static void
a_result_needs_a_grant_and_is_stored_once(void **state)
{
	struct store_grant grant;
	struct store_value v;
	struct pool p;
	size_t i;

	(void)state;
	pool_init(&p);
	make_result(1, &p);
	assert_int_equal(store_result(two.grant.runner, 4), ST_WRONG_RUNNER);
	store_granted(&two.grant);
	assert_false(store_find_grant(two.grant.task, 2, &grant));
	assert_true(store_find_grant(two.grant.task, 1, &grant));
	assert_memory_equal(&grant, &two.grant,
	    (size_t)((uint8_t *)&grant.outputs[2] - (uint8_t *)&grant));
	assert_int_equal(store_result(two.grant.caller, 4), ST_WRONG_RUNNER);
	assert_int_equal(store_result(two.grant.runner, 4), ST_OK);
	for (i = 0; i < 2; i++) {
		assert_true(store_get(two.grant.outputs[i].b, &v));
		assert_memory_equal(v.user, two.grant.caller, 20);
		assert_int_equal(v.epoch, 7);
	}
	assert_false(store_find_grant(two.grant.task, 1, &grant));
	/* The answer was lost, and the same result comes again. */
	assert_int_equal(store_result(two.grant.runner, 4), ST_OK);
	assert_int_equal(store_result(two.grant.runner, 5), ST_OUTPUT_EXISTS);
	pool_free(&p);
}

static void
a_task_that_fails_leaves_nothing(void **state)
{
	struct store_value taken = value_of(11), v;
	struct pool p;

	(void)state;
	pool_init(&p);
	make_result(2, &p);
	memcpy(taken.value.handle, two.grant.outputs[1].b, 32);
	assert_int_equal(store_put(&taken), 0);
	store_granted(&two.grant);
	assert_int_equal(store_result(two.grant.runner, 4), ST_OUTPUT_EXISTS);
	assert_false(store_has(two.grant.outputs[0].b));
	assert_true(store_get(two.grant.outputs[1].b, &v));
	assert_memory_equal(&v, &taken, sizeof(v));
	make_result(3, &p);
	two.r.values[1].value.len = 0;
	store_granted(&two.grant);
	assert_int_equal(store_result(two.grant.runner, 4), ST_MALFORMED);
	assert_false(store_has(two.grant.outputs[0].b));
	/* The grant is still there. */
	two.r.values[1].value.len = 32;
	assert_int_equal(store_result(two.grant.runner, 4), ST_OK);
	pool_free(&p);
}

static unsigned n_committed;

static void
count_commit(void *n)
{
	n_committed += *(unsigned *)n;
}

static void
calls_are_answered_after_the_commit_that_they_share(void **state)
{
	struct store_value v = value_of(50);
	struct commit calls[CALLS_MAX];
	unsigned i, one_call = 1;

	(void)state;
	n_committed = 0;
	for (i = 0; i < CALLS_MAX; i++) {
		assert_int_equal(n_committed, 0);
		v.value.handle[0] = (uint8_t)i;
		gateway_begin();
		assert_int_equal(store_put(&v), 0);
		gateway_commit(&calls[i], count_commit, &one_call);
	}
	assert_int_equal(n_committed, CALLS_MAX);
	assert_false(is_begun);
	gateway_begin();
	gateway_commit(&calls[0], count_commit, &one_call);
	assert_int_equal(n_committed, CALLS_MAX);
	commit_all();
	assert_int_equal(n_committed, CALLS_MAX + 1);
	rpc_when_idle(NULL);
}

static void
values_outlive_the_process(void **state)
{
	struct store_value v = value_of(30);

	(void)state;
	assert_int_equal(store_put(&v), 0);
	store_close();
	store_open(db_path);
	assert_true(store_has(v.value.handle));
}

static void
open_old(const void *path)
{
	sqlite3 *old;

	if (sqlite3_open(path, &old) == SQLITE_OK &&
	    sqlite3_exec(old, "CREATE TABLE acl (user BLOB)", NULL, NULL,
		NULL) == SQLITE_OK)
		store_open(path);
}

static void
a_database_of_an_earlier_version_is_refused(void **state)
{
	char path[80];
	size_t i;
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	(void)state;
	snprintf(path, sizeof(path), "%s/old", db);
	dies(open_old, path, "make a new devnet");
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/old%s", db, suffixes[i]);
		unlink(path);
	}
}

/* In place of libc's: who waits for the disk that has the database? */
static pthread_t committer;
static atomic_int n_syncs, n_committer_syncs;

int
fdatasync(int fd)
{
	char link[32], path[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) > 0 &&
	    strcmp(path, db_path) == 0) {
		n_syncs++;
		n_committer_syncs += pthread_equal(pthread_self(), committer);
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void
a_commit_does_not_wait_for_a_checkpoint(void **state)
{
	struct store_value v = value_of(40);
	uint32_t i;

	(void)state;
	committer = pthread_self();
	n_syncs = n_committer_syncs = 0;
	/* Each is a page of the log or more. */
	for (i = 0; i < 20000; i++) {
		memcpy(v.value.handle, &i, sizeof(i));
		store_begin();
		assert_int_equal(store_put(&v), 0);
		store_commit();
	}
	for (i = 0; i < 500 && n_syncs == 0; i++)
		usleep(10 * 1000);
	assert_true(n_syncs > 0);
	assert_int_equal(n_committer_syncs, 0);
}

/* ---- threads ----------------------------------------------------------- */

static pthread_barrier_t both;
static _Thread_local int is_met;
static int n_running, n_most;

/* Wait for the other handler where others may run. */
static void
meet(void *none)
{
	(void)none;
	if (++n_running > n_most)
		n_most = n_running;
	usleep(10 * 1000);
	n_running--;
	rpc_unlock();
	pthread_barrier_wait(&both);
	rpc_lock();
	is_met = 1;
}

static void *
run_until_met(void *none)
{
	rpc_loop(&is_met);
	return none;
}

static void
handlers_run_together_only_where_they_say(void **state)
{
	struct rpc_timer timers[2];
	pthread_t thread;

	(void)state;
	memset(timers, 0, sizeof(timers));
	rpc_init();
	assert_int_equal(pthread_barrier_init(&both, NULL, 2), 0);
	rpc_after(&timers[0], 0, meet, NULL);
	rpc_after(&timers[1], 0, meet, NULL);
	alarm(20);		/* if only one runs, they never meet */
	assert_int_equal(pthread_create(&thread, NULL, run_until_met, NULL), 0);
	run_until_met(NULL);
	pthread_join(thread, NULL);
	alarm(0);
	assert_int_equal(n_most, 1);
	pthread_barrier_destroy(&both);
}

/* ---- the Registry's facts ---------------------------------------------- */

static void
no_answer_is_neither_yes_nor_no(void **state)
{
	struct devnet d = { .registry_port = 1 };	/* nobody listens */
	uint8_t runner[20] = { 1 };

	(void)state;
	assert_int_equal(facts_is_epoch(&d, 1), -1);
	assert_int_equal(facts_is_runner(&d, runner), -1);
	assert_int_equal(facts_epoch(&d), 0);
}

/* ---- quorum ------------------------------------------------------------ */

static uint32_t *quorum;
static size_t n_quorum;
static struct round one;

static int
setup_quorum(void **state)
{
	(void)state;
	setup_op(state);
	devnet.threshold = 2;
	devnet.nodes = 3;
	memset(nodes, 0, sizeof(nodes));
	memset(&one, 0, sizeof(one));
	one.pool = &pool;
	one.quorum = &quorum;
	one.n_quorum = &n_quorum;
	return 0;
}

static void
quorums_are_of_the_threshold_and_take_turns(void **state)
{
	unsigned asked[4] = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 30; i++) {
		assert_int_equal(choose_nodes(&one), 0);
		assert_int_equal(n_quorum, 2);
		assert_true(quorum[0] < quorum[1] && quorum[1] <= 3);
		asked[quorum[0]]++;
		asked[quorum[1]]++;
	}
	for (i = 1; i <= 3; i++)
		assert_int_equal(asked[i], 20);
}

static void
a_node_to_avoid_is_asked_only_when_needed(void **state)
{
	size_t i;

	(void)state;
	one.avoid = 1 << 1;
	for (i = 0; i < 6; i++) {
		assert_int_equal(choose_nodes(&one), 0);
		assert_true(quorum[0] == 1 && quorum[1] == 3);
	}
	one.tried = 1 << 0;
	assert_int_equal(choose_nodes(&one), 0);
	assert_true(quorum[0] == 2 && quorum[1] == 3);
}

static void
a_node_that_failed_this_round_is_never_asked(void **state)
{
	(void)state;
	one.tried = 1 << 0 | 1 << 2;
	assert_int_equal(choose_nodes(&one), -1);
}

static void
a_node_that_failed_of_late_is_the_last_choice(void **state)
{
	size_t i;

	(void)state;
	nodes[2].failed_until = now_ms() + 60000;
	one.avoid = 1 << 1;
	for (i = 0; i < 6; i++) {
		assert_int_equal(choose_nodes(&one), 0);
		assert_true(quorum[0] == 1 && quorum[1] == 2);
	}
	assert_int_equal(quorum_failing(), 1 << 2);
}

/* ---- JSON-RPC ---------------------------------------------------------- */

/* Send the answer, again and again if is_endless, to the next client. */
_Noreturn static void
serve_answer(int fd, const char *answer, int is_endless)
{
	char request[4096];

	if ((fd = accept(fd, NULL, NULL)) == -1 ||
	    recv(fd, request, sizeof(request), 0) <= 0)
		_exit(1);
	do
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) == -1)
			break;
	while (is_endless);
	pause();
	_exit(0);
}

/* The result of a call that gets this answer. */
static json_t *
call_result(const char *answer, int is_endless)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct devnet d = { 0 };
	socklen_t len = sizeof(sin);
	json_t *result;
	pid_t pid;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_return_code(bind(fd, (struct sockaddr *)&sin, len), errno);
	assert_return_code(listen(fd, 1), errno);
	assert_return_code(
	    getsockname(fd, (struct sockaddr *)&sin, &len), errno);
	assert_return_code(pid = fork(), errno);
	if (pid == 0)
		serve_answer(fd, answer, is_endless);
	close(fd);
	d.registry_port = ntohs(sin.sin_port);
	result = jsonrpc_call(&d, "eth_chainId", json_array());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return result;
}

static void
the_result_of_a_call_is_returned(void **state)
{
	json_t *result = call_result(
	    "HTTP/1.1 200 OK\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "a\r\n{\"result\":\r\n6\r\n\"0x7\"}\r\n0\r\n\r\n",
	    0);
	uint64_t n = 0;

	(void)state;
	assert_int_equal(json_to_number(result, &n), 0);
	assert_int_equal(n, 7);
	json_decref(result);
}

static void
an_answer_without_a_result_is_none(void **state)
{
	(void)state;
	assert_null(
	    call_result("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", 0));
	assert_null(call_result(
	    "HTTP/1.1 400 Bad Request\r\n"
	    "Content-Length: 26\r\n\r\n{\"error\":{\"message\":\"no\"}}",
	    0));
	assert_null(
	    call_result("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{\"", 0));
}

static void
an_answer_that_is_late_or_endless_is_none(void **state)
{
	const uint64_t start = now_ms();

	(void)state;
	assert_null(call_result("HTTP/1.1 200 OK\r\nX: ", 0));
	assert_in_range(now_ms() - start, 1500, 10000);
	assert_null(call_result("HTTP/1.1 200 OK\r\n\r\n    ", 1));
}

static void
numbers_are_integers_or_quantities(void **state)
{
	static const char *const wrong[] = { "-1", "\"\"", "\"0x\"", "\"12\"",
		"\"0x1g\"", "\"0x10000000000000000\"", "null" };
	json_t *value = json_loads("[12, \"0xffffffffffffffff\"]", 0, NULL);
	uint64_t n = 5;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *v = json_loads(wrong[i], JSON_DECODE_ANY, NULL);

		assert_int_equal(json_to_number(v, &n), -1);
		json_decref(v);
	}
	assert_int_equal(n, 5);
	assert_int_equal(json_to_number(json_array_get(value, 0), &n), 0);
	assert_int_equal(n, 12);
	assert_int_equal(json_to_number(json_array_get(value, 1), &n), 0);
	assert_true(n == UINT64_MAX);
	json_decref(value);
}

static void
bytes_are_exactly_as_many_as_expected(void **state)
{
	static const uint8_t bytes[2][2] = { { 0x01, 0xab }, { 0xff, 0x00 } };
	json_t *list = json_hex_list(bytes, 2, 2);
	uint8_t b[2];

	(void)state;
	assert_string_equal(
	    json_string_value(json_array_get(list, 0)), "0x01ab");
	assert_int_equal(json_to_bytes(json_array_get(list, 1), b, 2), 0);
	assert_memory_equal(b, bytes[1], 2);
	assert_int_equal(json_to_bytes(json_array_get(list, 0), b, 1), -1);
	assert_int_equal(json_to_bytes(json_array_get(list, 0), b, 3), -1);
	assert_int_equal(json_to_bytes(NULL, b, 2), -1);
	json_decref(list);
}

/* ---- faults ------------------------------------------------------------ */

static void
faults_belong_to_a_counterpart(void **state)
{
	(void)state;
	assert_true(server_has_fault("gateway", "swap"));
	assert_true(server_has_fault("kms-2", "partial"));
	assert_true(server_has_fault("orchestrator", "off"));
	assert_false(server_has_fault("kms-2", "swap"));
	assert_false(server_has_fault("kms", "nonsense"));
	assert_false(server_has_fault("nobody", "off"));
}

/* ---- processes --------------------------------------------------------- */

static int
has_ended(int pid)
{
	siginfo_t info = { 0 };

	assert_int_equal(
	    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid == pid;
}

static void
a_process_is_alive_until_it_has_ended(void **state)
{
	static const char again[] =
	    "[ $1 -eq 300 ] || exec sh -c \"$2\" sh $(($1 + 1)) \"$2\"";
	struct pid p = { "sh", 0 };
	unsigned looks = 0;
	int is_alive;

	(void)state;
	if ((p.pid = fork()) == 0) {
		execlp("sh", "sh", "-c", again, "sh", "0", again, (char *)NULL);
		_exit(127);
	}
	assert_true(p.pid > 0);
	for (;;) {
		is_alive = pid_is_alive(&p);
		if (has_ended(p.pid))
			break;
		assert_true(is_alive);
		looks++;
	}
	assert_true(looks > 100);
	assert_false(pid_is_alive(&p));		/* a zombie */
	assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
	assert_false(pid_is_alive(&p));
}

int
main(void)
{
	const struct CMUnitTest values[] = {
		cmocka_unit_test(values_print_as_they_were_written),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(rubbish_is_no_value),
		cmocka_unit_test(a_fresh_handle_names_chain_and_type),
		cmocka_unit_test(faults_belong_to_a_counterpart),
	};
#define WITH_OP(test)							\
	cmocka_unit_test_setup_teardown(test, setup_op, teardown_op)
	const struct CMUnitTest operations[] = {
		WITH_OP(outputs_get_the_types_that_the_inputs_have),
		WITH_OP(a_free_output_needs_a_type),
		WITH_OP(wrap_of_a_value_is_its_word_and_type),
		WITH_OP(too_few_arguments_are_refused),
		WITH_OP(every_output_has_a_name),
	};
	const struct CMUnitTest threads[] = {
		cmocka_unit_test(handlers_run_together_only_where_they_say),
	};
	const struct CMUnitTest facts[] = {
		cmocka_unit_test(no_answer_is_neither_yes_nor_no),
	};
	const struct CMUnitTest processes[] = {
		cmocka_unit_test(a_process_is_alive_until_it_has_ended),
	};
	const struct CMUnitTest jsonrpc[] = {
		cmocka_unit_test(numbers_are_integers_or_quantities),
		cmocka_unit_test(bytes_are_exactly_as_many_as_expected),
		cmocka_unit_test(the_result_of_a_call_is_returned),
		cmocka_unit_test(an_answer_without_a_result_is_none),
		cmocka_unit_test(an_answer_that_is_late_or_endless_is_none),
	};
	const struct CMUnitTest store[] = {
		cmocka_unit_test(a_value_comes_back_as_it_was_put),
		cmocka_unit_test(a_handle_takes_one_value_only),
		cmocka_unit_test(handles_that_differ_in_one_byte_are_different),
		cmocka_unit_test(
		    a_value_is_not_that_of_another_handle_with_its_key),
		cmocka_unit_test(a_put_can_be_repeated_by_its_user_alone),
		cmocka_unit_test(a_result_needs_a_grant_and_is_stored_once),
		cmocka_unit_test(a_task_that_fails_leaves_nothing),
		cmocka_unit_test(
		    calls_are_answered_after_the_commit_that_they_share),
		cmocka_unit_test(values_outlive_the_process),
		cmocka_unit_test(a_database_of_an_earlier_version_is_refused),
		cmocka_unit_test(a_commit_does_not_wait_for_a_checkpoint),
	};
#define WITH_QUORUM(test)						\
	cmocka_unit_test_setup_teardown(test, setup_quorum, teardown_op)
	const struct CMUnitTest choice[] = {
		WITH_QUORUM(quorums_are_of_the_threshold_and_take_turns),
		WITH_QUORUM(a_node_to_avoid_is_asked_only_when_needed),
		WITH_QUORUM(a_node_that_failed_this_round_is_never_asked),
		WITH_QUORUM(a_node_that_failed_of_late_is_the_last_choice),
	};

	return cmocka_run_group_tests(values, NULL, NULL) +
	    cmocka_run_group_tests(operations, NULL, NULL) +
	    cmocka_run_group_tests(threads, NULL, NULL) +
	    cmocka_run_group_tests(facts, NULL, NULL) +
	    cmocka_run_group_tests(processes, NULL, NULL) +
	    cmocka_run_group_tests(jsonrpc, NULL, NULL) +
	    cmocka_run_group_tests(store, setup_store, teardown_store) +
	    cmocka_run_group_tests(choice, NULL, NULL);
}
