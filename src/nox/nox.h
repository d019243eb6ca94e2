/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the role nox share: net's place for a chain with `protocol
 * nox-v0'.  Transactions come from a stream of NATS, operands and results go
 * over the Gateway's REST.  It holds no private key and no plaintext; if it is
 * taken over, the attacker can deny service, and have computed what this
 * protocol lets anybody have computed who can write to the stream.
 *
 * One thread, which runs libevent.
 */
#ifndef NOX_H
#define NOX_H

#include <event2/event.h>
#include <sys/queue.h>

#include "front.h"
#include "jetstream.h"
#include "nox_data.h"
#include "payload.h"
#include "web.h"

/* ---- main.c ------------------------------------------------------------ */

/* For front_evidence(). */
void nox_keep_evidence(const struct m_register *, int fd);

/* ---- stream.c: NATS ---------------------------------------------------- */

void stream_init(void);		/* look up the servers; before the sandbox */
/* Connect, now and for ever, once both channels to keys are there. */
void stream_start(void);
/* The certificate is another: connect again. */
void stream_renewed(void);
/* Whether messages are taken may have changed: they are while keys serves. */
void stream_update(void);
/* A message was answered: there is room for another. */
void stream_room(void);
int stream_has_room(void);	/* 0: as many messages as may be are here */
/* Answer a message; if there is no connection, as soon as there is one. */
void stream_ack(const char *reply);
void stream_nak(const char *reply, uint32_t seconds);
void stream_term(const char *reply, const char *why);
/* Is this the last time that a message is delivered? */
int stream_is_last(uint64_t delivered);
/* To the dead letters, if there are any: the message as it came.  Returns
 * LETTER_KEPT if it is sent as soon as there is a connection, LETTER_LOST if
 * too many wait for one. */
enum letter_end { LETTER_SENT, LETTER_KEPT, LETTER_LOST };
enum letter_end stream_dead_letter(
    const char *why, uint64_t sequence, const void *text, size_t n);

/* ---- delivery.c: a message from its arrival to its answer -------------- */

void delivery_new(const struct nats_message *, const struct js_ack *);
uint32_t delivery_count(void);
/* keys serves: what waits for it goes there. */
void delivery_offer_all(void);
void delivery_keys_lost(void);
/* Call f for the subject of each message that is not answered. */
void delivery_each(void (*f)(const char *reply));
/* From keys. */
void delivery_on_refused(const struct m_nox_refused *);
void delivery_on_ask(const struct m_nox_ask *);
void delivery_on_result(const struct msg *);
void delivery_on_ended(const struct m_nox_ended *);

/* ---- gateway.c: REST --------------------------------------------------- */

void gateway_init(void);	/* look up the Gateway; before the sandbox */

struct call;			/* a request that is under way */
/* What the Gateway said, or why it said nothing: status is an ST_*, and why
 * printable. */
struct operands {
	uint32_t		 status;
	const char		*why;
	uint8_t			 signature[65];
	struct m_nox_operand	*rows;
	size_t			 n;
};
typedef void (*operands_done)(void *arg, const struct operands *);
struct report {
	uint32_t		 status;
	const char		*why;
	struct m_nox_stored	 stored;	/* all but its id */
	unsigned long		 conflicts;
};
typedef void (*report_done)(void *arg, const struct report *);

/* Ask for the inputs, n handles in order (at most NOX_INPUTS); or store the
 * results.  What these are given must last until the callback, which is not
 * called before they return, or until gateway_cancel(). */
struct call *gateway_operands(const struct nox_transaction *,
    const struct m_word *inputs, size_t n, const struct m_nox_ask *,
    operands_done, void *arg);
struct call *gateway_store(const struct nox_transaction *,
    const struct m_nox_value *, size_t n, const struct m_nox_result *,
    report_done, void *arg);
/* Its callback is not called any more. NULL: nothing. */
void gateway_cancel(struct call *);

/* ---- json.c: what peers say -------------------------------------------- */

/* Parse an answer of the Gateway.  Both return NULL, or the reason; exported
 * for tests and the fuzzer.  inputs: the handles that were asked for, then a
 * word of zeros; those of the rows are the same, or it is an error.  The rows
 * are the caller's to free; without success there are none. */
const char *nox_json_operands(
    const char *text, size_t n, const struct m_word *inputs, struct operands *);
const char *nox_json_report(const char *text, size_t n, struct report *);
/* The status and, in `why', the printable text of an error. */
uint32_t nox_json_error(
    int code, const char *text, size_t n, char *why, size_t size);

/* What a NATS server says of our consumer: 0; or -1, and in `why' the reason,
 * printable, and then *to is unchanged. */
struct consumer {
	uint64_t	 ack_wait;	/* ms */
	uint64_t	 deliveries;	/* of a message; 0: without end */
	uint64_t	 pending;	/* messages not answered; 0: any */
	uint64_t	 batch;		/* of a request; 0: any */
};
int nox_json_consumer(
    const char *text, size_t n, struct consumer *to, char *why, size_t size);
/* The message that it gives up; zeros if it does not say which. */
void nox_json_advisory(
    const char *text, size_t n, uint64_t *sequence, uint64_t *deliveries);

#endif
