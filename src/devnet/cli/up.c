/* SPDX-License-Identifier: Apache-2.0
 *
 * up, down, status, fault: the commands that manage the counterparts'
 * processes.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "contract.h"
#include "devnet.pb-c.h"
#include "dir.h"
#include "jsonrpc.h"
#include "log.h"
#include "nats_server.h"
#include "noxclient.h"
#include "rpc.h"
#include "server.h"
#include "stream.h"

#define UP_TIMEOUT	20000	/* ms */
#define PORT_MIN	10000
#define PORT_MAX	32767

/* ---- parties ----------------------------------------------------------- */

struct party {			/* a server and its port */
	char	 name[32];
	uint16_t port;
};

static uint32_t
parties(const struct devnet *d, struct party *list)
{
	uint32_t i, n = 0;

	/* With --chain, the Registry is on an external node. */
	if (!d->is_chain)
		list[n++] = (struct party){ "registry", d->registry_port };
	if (d->is_nox) {
		list[n++] = (struct party){ "nats", d->nox.nats_port };
		list[n++] = (struct party){ "nox", d->nox.port };
		return n;
	}
	list[n++] = (struct party){ "gateway", d->gateway_port };
	list[n++] = (struct party){ "orchestrator", d->orchestrator_port };
	for (i = 0; i < d->nodes; i++, n++) {
		snprintf(list[n].name, sizeof(list[n].name), "kms-%u", i + 1);
		list[n].port = d->kms_ports[i];
	}
	return n;
}

/* ---- up ---------------------------------------------------------------- */

static int
is_free(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd, one = 1, r;

	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		fatal("socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	r = bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	close(fd);
	return r == 0;
}

/* Find the next free port from *port on.  Use only ports below the kernel's
 * ephemeral range (32768 and up), so that they are free again for the next
 * `up'. */
static uint16_t
next_port(uint32_t *port)
{
	while (*port <= PORT_MAX)
		if (is_free((uint16_t)(*port)++))
			return (uint16_t)(*port - 1);
	fatal("no free port below %d; see --port", PORT_MAX);
}

static uint32_t
first_port(void)
{
	uint16_t random;

	random_fill(&random, sizeof(random));
	return PORT_MIN + random % (PORT_MAX - PORT_MIN - 1000u);
}

/* Port of the node; -1 after usage(). */
static int
port_of(const char *url, uint16_t *port)
{
	unsigned v;
	char end, slash = '/';

	if (sscanf(url, "http://127.0.0.1:%5u%c%c", &v, &slash, &end) > 2 ||
	    sscanf(url, "http://127.0.0.1:%5u", &v) != 1 || slash != '/' ||
	    v == 0 || v > 65535) {
		usage("--chain %s: expected http://127.0.0.1:PORT", url);
		return -1;
	}
	*port = (uint16_t)v;
	return 0;
}

static int
create(struct devnet *d, const struct options *o)
{
	uint32_t i, port = o->port == 0 ? first_port() : o->port;
	char end;

	memset(d, 0, sizeof(*d));
	d->dir = o->dir;
	d->chain_id = o->chain_id;
	d->runners = o->runners;
	d->is_insecure = o->insecure;
	if (sscanf(o->kms, "%u/%u%c", &d->threshold, &d->nodes, &end) != 2 ||
	    d->threshold < 1 || d->threshold > d->nodes || d->nodes > KMS_NODES)
		return usage("--kms %s: expected T/N, 1 <= T <= N <= %d",
		    o->kms, KMS_NODES);
	if (d->chain_id == 0)
		return usage("--chain-id: expected 1 or more");
	if (d->runners < 1)
		return usage("--runners: expected 1 to %d", DEVNET_RUNNERS);
	if (o->nox && o->chain != NULL)
		return usage("--nox: not possible with --chain");
	if (o->nox &&
	    (o->nox_pending < 1 || o->nox_batch < 1 || o->nox_ack_wait < 1))
		return usage("--nox-pending, --nox-batch, --nox-ack-wait: "
			     "expected 1 or more");
	if (o->chain == NULL)
		d->registry_port = next_port(&port);
	else if (port_of(o->chain, &d->registry_port) == -1)
		return EXIT_USAGE;
	d->is_chain = o->chain != NULL;
	if ((d->is_nox = o->nox)) {
		d->nox.nats_port = next_port(&port);
		d->nox.port = next_port(&port);
		d->nox.max_ack_pending = o->nox_pending;
		d->nox.max_batch = o->nox_batch;
		d->nox.ack_wait = o->nox_ack_wait;
	}
	d->orchestrator_port = next_port(&port);
	d->gateway_port = next_port(&port);
	for (i = 0; i < d->nodes; i++)
		d->kms_ports[i] = next_port(&port);
	for (i = 0; i < d->runners; i++)
		d->http_ports[i] = next_port(&port);
	dir_create(d, o->shared);
	if (o->owner_key != NULL &&
	    (!d->is_chain || dir_take_secret(d, "owner", o->owner_key) == -1))
		return usage("--owner-key %s: expected a file of 64 hex "
			     "digits, and --chain",
		    o->owner_key);
	if (d->is_chain && contract_deploy(d) == -1) {
		fprintf(stderr,
		    "tee-devnet: %s: the Registry cannot be "
		    "deployed\n",
		    o->chain);
		return 1;
	}
	dir_save(d);
	return 0;
}

_Noreturn static void
become(const struct devnet *d, const char *name)
{
	char path[DEVNET_PATH];
	int log, null;

	dir_path(d, path, "log/%s.log", name);
	null = open("/dev/null", O_RDONLY);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (null == -1 || log == -1 || dup2(null, 0) == -1 ||
	    dup2(log, 1) == -1 || dup2(log, 2) == -1)
		fatal("%s: %m", path);
	/* Do not keep a pipe of the caller open in a server. */
	closefrom(3);
	execl("/proc/self/exe", "tee-devnet", "serve", d->dir, name,
	    (char *)NULL);
	fatal("exec: %m");
}

/* Fork twice, so that the server is a child of init from the start. */
static int
spawn(const struct devnet *d, const char *name)
{
	int pid, middle, report[2];

	if (pipe2(report, O_CLOEXEC) == -1 || (middle = fork()) == -1)
		fatal("%s: cannot start: %m", name);
	if (middle == 0) {
		setsid();
		middle = getpid();
		if ((pid = fork()) == 0) {
			while (getppid() == middle)
				usleep(1000);
			become(d, name);
		}
		_exit(write(report[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	close(report[1]);
	if (read(report[0], &pid, sizeof(pid)) != sizeof(pid) || pid == -1)
		fatal("%s: cannot start", name);
	close(report[0]);
	waitpid(middle, NULL, 0);
	return pid;
}

/* Wait until nats-server answers, and make the stream. */
static int
set_up_stream(const struct devnet *d)
{
	struct stream *s = stream_open(d, UP_TIMEOUT);
	int r;

	if (s == NULL)
		return -1;
	r = stream_create(s, d);
	stream_close(s);
	return r;
}

/* Wait until the server answers.  Returns 0, or -1 if it died or does not
 * answer. */
static int
wait_until_ready(const struct devnet *d, const struct rpc_tls *client,
    const struct party *party, const struct pid *pid)
{
	uint64_t until = now_ms() + UP_TIMEOUT;
	struct rpc_peer *peer = NULL;
	json_t *answer;
	int is_up = 0;

	if (strcmp(party->name, "nats") == 0)
		return set_up_stream(d);
	while (!is_up && now_ms() < until && pid_is_alive(pid)) {
		if (strcmp(party->name, "registry") == 0) {
			log_level(LOG_ERR);
			answer = jsonrpc_call(d, "eth_chainId", json_array());
			log_level(LOG_WARNING);
			is_up = answer != NULL;
			json_decref(answer);
		} else if (strcmp(party->name, "nox") == 0) {
			answer = nox_status(d);
			is_up = answer != NULL;
			json_decref(answer);
		} else {
			if (peer == NULL)
				peer = rpc_connect(
				    dir_address(party->port), client);
			peer->is_patient = 1;
			is_up = rpc_healthy(peer, 200);
		}
		if (!is_up)
			usleep(20 * 1000);
	}
	if (peer != NULL)
		rpc_disconnect(peer);
	return is_up ? 0 : -1;
}

static int
tell_registry(const struct devnet *d)
{
	json_t *result;
	int r;

	result = jsonrpc_call(d, "devnet_set",
	    json_pack("{s:[o],s:[o],s:o,s:o,s:i,s:I}", "orchestrators",
		json_hex(d->orchestrator, 20), "gateways",
		json_hex(d->gateway, 20), "kmsKey", json_hex(d->kms_key, 33),
		"shares", json_hex_list(d->kms_shares, d->nodes, 33),
		"threshold", (int)d->threshold, "epoch", (json_int_t)d->epoch));
	r = json_is_true(result) ? 0 : -1;
	json_decref(result);
	return r;
}

static int
is_http(const struct party *party)
{
	return strcmp(party->name, "registry") == 0 ||
	    strcmp(party->name, "nox") == 0;
}

static void
print_summary(const struct devnet *d, const struct party *list, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		printf("%-14s%s%s\n", list[i].name,
		    is_http(&list[i]) ? "http://" : "",
		    dir_address(list[i].port));
	if (d->runners == 1)
		printf("Now: tee-runnerd -f %s/tee-runnerd.conf\n", d->dir);
	else
		printf("Now: tee-runnerd -f %s/tee-runnerd-N.conf, N = 1 "
		       "to %u\n",
		    d->dir, d->runners);
}

int
command_up(const struct options *o, int argc, char **argv)
{
	struct party list[PIDS_MAX];
	struct pid pids[PIDS_MAX];
	struct rpc_tls client;
	char path[DEVNET_PATH];
	struct devnet d;
	uint32_t i, n;
	int is_new, r;

	(void)argc;
	(void)argv;
	for (i = 0, n = pids_read(o->dir, pids); i < n; i++)
		if (pid_is_ours(&pids[i])) {
			fprintf(stderr,
			    "tee-devnet: %s: is up already; "
			    "`tee-devnet down --dir %s' stops it\n",
			    o->dir, o->dir);
			return 1;
		}
	is_new = !dir_exists(o->dir);
	if (!is_new)
		dir_load(&d, o->dir);	/* with its own parameters */
	if ((is_new ? o->nox : d.is_nox) && nats_server_find(path) != 0) {
		fprintf(stderr,
		    "tee-devnet: nats-server is not in PATH or /usr/sbin: "
		    "install the package nats-server\n");
		return 1;
	}
	if (is_new && (r = create(&d, o)) != 0)
		return r;
	dir_write_conf(&d);
	n = parties(&d, list);
	for (i = 0; i < n; i++) {
		memcpy(pids[i].name, list[i].name, sizeof(pids[i].name));
		pids[i].pid = spawn(&d, list[i].name);
	}
	pids_write(o->dir, pids, n);
	if (d.is_chain && contract_set_up(&d) != 0) {
		pids_end(o->dir);
		return 1;
	}
	rpc_tls_load(&client, o->dir, "cli");
	for (i = 0; i < n; i++)
		if (wait_until_ready(&d, &client, &list[i], &pids[i]) != 0 ||
		    (i == 0 && !d.is_chain && tell_registry(&d) != 0)) {
			fprintf(stderr,
			    "tee-devnet: %s does not come up: "
			    "see %s/log/%s.log\n",
			    list[i].name, o->dir, list[i].name);
			pids_end(o->dir);
			return 1;
		}
	print_summary(&d, list, n);
	return 0;
}

int
command_down(const struct options *o, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (pids_end(o->dir) == 0)
		return 0;
	fprintf(stderr, "tee-devnet: %s: a process does not end; see %s/pids\n",
	    o->dir, o->dir);
	return 1;
}

/* ---- status and fault -------------------------------------------------- */

static json_t *
stream_state(const struct devnet *d)
{
	struct stream *s = stream_open(d, 2000);
	json_t *state = s == NULL ? NULL : stream_status(s);

	if (s != NULL)
		stream_close(s);
	return state;
}

static json_t *
ask_status(const struct devnet *d, const struct party *party,
    const struct rpc_tls *client)
{
	Teerunner__Devnet__StatusRequest request =
	    TEERUNNER__DEVNET__STATUS_REQUEST__INIT;
	Teerunner__Devnet__StatusResponse *answer;
	struct rpc_peer *peer;
	json_t *state = NULL;
	struct pool pool;

	if (strcmp(party->name, "registry") == 0)
		return jsonrpc_call(d, "devnet_runners", json_array());
	if (strcmp(party->name, "nats") == 0)
		return stream_state(d);
	if (strcmp(party->name, "nox") == 0)
		return nox_status(d);
	peer = rpc_connect(dir_address(party->port), client);
	pool_init(&pool);
	answer = rpc_ask(peer, "/teerunner.devnet.Control/Status",
	    &request.base, &teerunner__devnet__status_response__descriptor,
	    2000, &pool, NULL);
	if (answer != NULL)
		state = json_loads(answer->json, 0, NULL);
	pool_free(&pool);
	rpc_disconnect(peer);
	return state;
}

int
command_status(const struct options *o, int argc, char **argv)
{
	json_t *all = json_object(), *state, *one;
	struct party list[PIDS_MAX];
	struct pid pids[PIDS_MAX];
	struct rpc_tls client;
	uint32_t i, n, n_pids;
	struct devnet d;
	int is_registry, r = 0;

	(void)argc;
	(void)argv;
	dir_load(&d, o->dir);
	rpc_tls_load(&client, o->dir, "cli");
	n = parties(&d, list);
	n_pids = pids_read(o->dir, pids);
	for (i = 0; i < n; i++) {
		is_registry = strcmp(list[i].name, "registry") == 0;
		state = ask_status(&d, &list[i], &client);
		one = json_pack("{s:s,s:b}", "address",
		    dir_address(list[i].port), "serving", state != NULL);
		if (i < n_pids)
			json_object_set_new(
			    one, "pid", json_integer(pids[i].pid));
		if (state == NULL)
			r = 1;
		else
			json_object_set_new(
			    one, is_registry ? "registered" : "state", state);
		json_object_set_new(all, list[i].name, one);
	}
	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
	return r;
}

int
command_fault(const struct options *o, int argc, char **argv)
{
	Teerunner__Devnet__FaultRequest request =
	    TEERUNNER__DEVNET__FAULT_REQUEST__INIT;
	struct party list[PIDS_MAX];
	struct rpc_peer *peer;
	struct rpc_tls client;
	struct devnet d;
	struct pool pool;
	uint32_t i, n;
	void *answer;

	if (argc == 0) {
		server_list_faults(NULL);
		return 0;
	}
	if (argc != 2 || !server_has_fault(argv[0], argv[1]))
		return usage("fault: expected WHO WHAT; `tee-devnet fault' "
			     "lists them");
	dir_load(&d, o->dir);
	rpc_tls_load(&client, o->dir, "cli");
	n = parties(&d, list);
	for (i = 0; i < n && strcmp(list[i].name, argv[0]) != 0; i++)
		continue;
	if (i == n || strcmp(argv[0], "registry") == 0)
		return usage("fault: %s: no such counterpart", argv[0]);
	if (strcmp(argv[0], "nox") == 0)
		return nox_set_fault(&d, argv[1]) == 0 ? 0 : 1;
	peer = rpc_connect(dir_address(list[i].port), &client);
	pool_init(&pool);
	request.what = argv[1];
	answer = rpc_ask(peer, "/teerunner.devnet.Control/Fault", &request.base,
	    &teerunner__devnet__fault_response__descriptor, 2000, &pool,
	    "fault");
	pool_free(&pool);
	rpc_disconnect(peer);
	return answer == NULL;
}
