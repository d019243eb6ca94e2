/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration as the monitor hands it to its children, parsed once:
 * tee-runnerd.conf(5) says what each means.  Fixed size; every string is
 * NUL-terminated; a role reads only what it needs.
 */
#ifndef CONF_H
#define CONF_H

#include <stdint.h>

#include "states.h"

/* A service that takes the place of a running one.  In its environment: the
 * number of a descriptor, to which it writes its pid_t.  At the end of the
 * names of its control sockets: the suffix. */
#define SUCCESSOR	"TEE_RUNNER_SUCCESSOR"
#define SUCCESSOR_SUFFIX ".new"
/* To the old monitor, by sigqueue(3): a successor serves, the process of this
 * number.  To the successor: the old service has ended.  No signals that are
 * sent by mistake. */
#define SIGNAL_REPLACED	(SIGRTMIN + 1)
#define SIGNAL_ALONE	(SIGRTMIN + 2)
/* To the monitor: log from this level on, LOG_ERR (3) to LOG_DEBUG (7). */
#define SIGNAL_LOG_LEVEL(level)	(SIGRTMIN + (level))

#define CONF_PATH	128
#define CONF_HOST	128		/* host:port */
#define CONF_URL	256
#define CONF_GROUP	64
#define CONF_SUBJECT	128		/* and names, of NATS */
#define CONF_ENDPOINTS	8
#define CONF_PINS	8
#define CONF_CHAINS	4
#define CONF_WORKERS	64
#define CONF_TASKS	4096	/* max-tasks */

/* A chain, its Registry and its counterparts.  Each chain has its net and its
 * registry process; keys and the workers serve all chains. */
struct conf_chain {
	uint64_t	chain_id;
	uint32_t	protocol;	/* enum protocol */
	char		orchestrator[CONF_HOST];
	char		gateway[CONF_HOST];

	/* of PROTOCOL_NOX */
	uint32_t	n_nats_servers;
	char		nats_servers[CONF_ENDPOINTS][CONF_HOST];
	uint32_t	nats_tls;		/* 1: and our certificate */
	char		nats_stream[CONF_SUBJECT];
	char		nats_consumer[CONF_SUBJECT];
	char		nats_dead_letter[CONF_SUBJECT];	/* empty: none */
	char		gateway_url[CONF_URL];
	uint8_t		nox_compute[20];	/* the contract */
	uint32_t	nox_max_age;	/* seconds that a message may be old;
					 * 0: any */

	/* Registry */
	uint8_t		registry[20];
	uint32_t	n_endpoints;
	uint32_t	registry_quorum;
	char		endpoints[CONF_ENDPOINTS][CONF_URL];
	uint32_t	registry_refresh;	/* seconds */
	uint32_t	registry_max_age;	/* seconds */
	uint32_t	registry_depth;		/* blocks */
	uint8_t		registry_trusted_block[32];	/* its hash */

	/* the Runner's own transactions, paid by its gas account */
	uint32_t	register_direct;	/* 1: by it, not by a relay */
	uint32_t	publish;		/* 1: commit to results */
	uint32_t	publish_interval;	/* seconds */
	uint32_t	gas_max_fee;		/* gwei for a unit of gas */

	/* pins: they override what the Registry says */
	uint32_t	n_pin_orchestrators, n_pin_gateways;
	uint8_t		pin_orchestrators[CONF_PINS][20];
	uint8_t		pin_gateways[CONF_PINS][20];
	uint8_t		pin_kms_key[33];
	uint8_t		has_pin_kms_key;
	uint8_t		has_registry_trusted_block;
	uint8_t		zero;

	/* the socket on which net serves its state */
	char		control_socket[CONF_PATH];
	char		http_listen[CONF_HOST];	/* empty: none */
};

struct conf {
	uint32_t	n_chains;
	uint32_t	zero;
	struct conf_chain chains[CONF_CHAINS];

	/* counterparts */
	char		tls_ca[CONF_PATH];
	char		tls_certificate[CONF_PATH];
	char		tls_key[CONF_PATH];
	char		registry_ca[CONF_PATH];	/* empty: the system's */
	char		gas_key[CONF_PATH];	/* empty: no gas account */
	char		nox_key[CONF_PATH];	/* the wallet of Nox v0 */

	/* work */
	uint32_t	workers;
	uint32_t	isolate_task;		/* 1: a process for each task */
	uint32_t	max_tasks;		/* credit: tasks in flight */
	uint32_t	min_time;		/* seconds a task must have
						 * left */
	uint32_t	task_timeout;		/* seconds for a worker */
	uint32_t	fetch_timeout;		/* seconds for FetchOperands */
	uint32_t	suspect_time;		/* seconds a faulty KMS node is
						 * avoided */

	/* attestation */
	uint32_t	tee;			/* enum tee_choice */
	uint32_t	registration_life;	/* seconds */
	char		dstack_socket[CONF_PATH]; /* empty: none */
	uint32_t	rtmr_extend;		/* which register; 0: none */

	/* service */
	uint32_t	log_level;
	uint32_t	log_json;		/* 0: text */
	uint32_t	require;		/* SANDBOX_* */
	uint32_t	drain_timeout;		/* seconds */
	char		chroot[CONF_PATH];	/* the empty directory */
	uint32_t	uid_base;		/* 0: users by name */
	char		control_group[CONF_GROUP]; /* empty: none */
	uint32_t	control_gid;		/* its number; 0: none */

	/* SHA-256 of the files that decide whom the Runner trusts, when the
	 * monitor started: net and registry take no others.  Zero: there is
	 * none. */
	uint8_t		tls_ca_sha256[32];
	uint8_t		registry_ca_sha256[32];
	uint8_t		configuration_hash[32];	/* keys: attested.h */
};

enum protocol {
	PROTOCOL_TEE_RUNNER,
	PROTOCOL_NOX,		/* nox-v0 */
};

enum tee_choice {
	TEE_CHOICE_AUTO,
	TEE_CHOICE_INSECURE,
	TEE_CHOICE_TDX,
	TEE_CHOICE_SEV_SNP,
	TEE_CHOICE_CCA,
	TEE_CHOICE_OPTEE,
};

#endif
