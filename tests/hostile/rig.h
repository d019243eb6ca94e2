/* SPDX-License-Identifier: Apache-2.0
 *
 * The real keys, in its own process under its own filter, and a test that plays
 * everyone else: monitor, net or nox, registry, TLS, evidence, workers, and
 * through them Orchestrator, Gateway and KMS nodes with their keys.  Each can
 * lie.  Tests only.
 */
#ifndef RIG_H
#define RIG_H

#include <openssl/evp.h>
#include <sys/types.h>

#include "chan.h"
#include "program.h"
#include "shamir.h"

#define NODES		3
#define THRESHOLD	2
#define CHAIN_ID	31337		/* of the first chain; the other: + 1 */

#define GAS_MAX_FEE	100		/* gwei */
#define GAS_KEY		"5e1f0c9b7a3d2846e90b75d1c2a84f36"		\
			"31c7e8a09d54b2f6087c3b1e6a95d4a5"

#define NOX_KEY		"a1d9407be26c5f8830e4975bc1fa26d8"		\
			"7e03b95d6f812ca4490d3e78b6c15f22"

struct party {
	uint8_t		 key[32], address[20], pub[33], xy[64];
};

struct rig {
	pid_t		 pid;
	int		 is_ready;
	uint32_t	 isolate_task;	/* of the configuration; before the
					 * start */
	uint32_t	 has_other;	/* a second chain; before the start,
					 * too */
	uint32_t	 is_nox;	/* the first chain is one of Nox v0, and
					 * `net' is its nox; there may be two
					 * workers; before the start, too */
	struct chan	 monitor, net, tls, registry, evidence, worker;
	struct chan	 other_net, other_registry;
	struct chan	 second;	/* another worker; fd -1: none */
	uint32_t	 quorum[THRESHOLD];	/* which nodes answer; 1 and
						 * 2 */
	uint32_t	 threshold;	/* so many of them; THRESHOLD */
	struct seam	*seam;
	/* of the last job: what the worker derived, and its answer */
	uint8_t		 ephemeral[32], data_keys[2][32];
	struct m_job_done answer;
	uint32_t	 has_memlock;	/* all of keys is locked */
	unsigned	 pongs;		/* that came */
	struct m_peer	 cut;		/* whom keys wants ended; role 0:
					 * nobody */
	uint32_t	 max_tasks;	/* 0: 256; before the start, too */
	/* pins; before the start, too */
	uint32_t	 pin_kms_key, pin_lists;
	char		 log[65536];	/* what keys said, a line each */
	struct party	 orchestrator, gateway, kms;
	uint8_t		 shares[NODES][32];
	uint64_t	 chain_id;
	uint8_t		 domain[32];
	uint64_t	 epoch;		/* that results are to say */
	struct m_facts	 facts;
	uint8_t		 runner[20], other_runner[20];
	uint32_t	 has_gas;	/* a gas account; before the start,
					 * too */
	uint8_t		 gas_account[20];
	struct m_register registration;
};

/* A task of one add of uint256, and all that comes of it. */
struct work {
	struct m_task	 m;
	struct m_word	 words[PROGRAM_WORDS];
	size_t		 n_words;
	struct program	 program;
	struct m_value	 operands[2];
	uint8_t		 ephemeral_key[33];	/* from ASK */
	struct m_partial partials[NODES][2];
	struct m_grant_seal seals[NODES];
};

/* Start keys, registered and serving; end it. */
void rig_start(struct rig *);
void rig_stop(struct rig *);

/* These facts, and keys has worked them off. */
void rig_facts_now(struct rig *, const struct m_facts *);
/* This peer comes, as the monitor would say. */
void rig_peer(struct rig *, struct chan *, enum role, uint32_t index);
/* Time passes; or the host sets the system's clock, forwards or back. */
void rig_later(struct rig *, int seconds);
void rig_clock(struct rig *, int seconds);
/* keys is asked for a new registration, and signs it. */
void rig_renewed(struct rig *);
/* keys asks for a quote: it gets one, and signs. */
void rig_quote(struct rig *);
/* keys's status as of now. */
const struct m_status *rig_status(struct rig *);
/* The next RESULT, past RESULTS. */
const struct m_result *rig_next_result(struct rig *);
/* Wait until keys has been once around its loop. */
void rig_turn(struct rig *);

/* With has_other: all that is called `net' and `registry', and what is signed,
 * is of the other chain from now on, or of the first again. */
void rig_swap(struct rig *);

/* Receive the next message of `type' from keys on this channel, past STATUS and
 * nothing else; a second of silence, or another message, fails the test. */
const struct msg *rig_next(struct rig *, struct chan *, enum msg_type type);
/* Nothing but STATUS comes on this channel until keys is idle again. */
void rig_silent(struct rig *, struct chan *);
/* Any record, legal or not. */
void rig_raw(struct chan *, uint32_t type, const void *, size_t);
/* keys cuts the peer on this channel off, having signed nothing for net since,
 * and asks the monitor to end it; one line of its log has `text'.  The peer
 * comes again, and keys serves it and all others. */
void rig_cuts(struct rig *, struct chan *, const char *text);
/* It lives and answers. */
void rig_lives(struct rig *);
/* A line of the log has `text'; waits a little for it. */
void rig_said(struct rig *, const char *text);

void work_new(struct rig *, struct work *);
/* The same with as many operations and inputs as there can be, for offers
 * alone. */
void work_new_largest(struct rig *, struct work *);
/* BATCH and TASKs of n works, signed by this party. */
void work_offer(struct rig *, uint32_t batch, struct work *, uint32_t n,
    const struct party *);
/* Receive ASK, check it and keep the ephemeral keys. */
void work_asked(
    struct rig *, uint32_t batch, struct work *, uint32_t n, uint64_t *avoid);
/* Real partials of nodes 1 and 2 for the ephemeral key. */
void work_delegate(struct rig *, struct work *);
/* GRANT, GRANT_TASKs, GRANT_SEALs as they stand in the works, signed. */
void work_grant(struct rig *, uint32_t batch, struct work *, uint32_t n,
    const struct party *);
/* The same for one work, which fails with this status. */
void work_grant_fails(
    struct rig *, uint32_t batch, struct work *, uint32_t status);
/* hashStruct `hash' was signed by the Runner. */
void rig_signed(struct rig *, const uint8_t hash[32], const uint8_t sig[65]);
/* The worker is another from now on, as the monitor would say. */
void rig_new_worker(struct rig *);
/* The worker gets the job: its number, and the two plaintexts that it can read,
 * or 0xff.  The keys, and the answer if it fails, stay in the rig. */
uint32_t work_job(struct rig *, struct work *, uint8_t plain[2][32]);
/* The worker says what was wrong with that job. */
void work_fails(struct rig *);
/* Take what the monitor's channel has: log lines, READY, CUT.  0 at its end. */
int rig_hear(struct rig *);
/* Does it stand in the memory of keys?  1 or 0. */
int rig_finds(struct rig *, const char *hex);
/* The path of the file of gas-key. */
extern char rig_gas_key[];
extern char rig_tls_scalar[65];		/* the TLS key, hex */
extern uint8_t rig_tls_xy[64];		/* its public point */
/* x and y of a key on P-256. */
void rig_public_xy(EVP_PKEY *, uint8_t xy[64]);
/* The bytes of `hex' stand nowhere in the memory of keys; or, with the options
 * of memscan, not in what is not locked. */
void rig_scan(struct rig *, const char *option, const char *hex);
/* The worker's answer: the one output under this handle, `len' bytes. */
void work_done(struct rig *, uint32_t job, const uint8_t handle[32],
    uint8_t len, struct m_value *);
/* RESULT and RESULTS: the status, signed by the Runner over exactly that. */
void work_result(struct rig *, uint32_t batch, struct work *, uint32_t status,
    const struct m_value *output);

#endif
