/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways in which a task can end (proto/status.def), and the reasons why a
 * Runner does not serve, as text.
 */
#ifndef STATUS_H
#define STATUS_H

#include <stdint.h>

enum status {
#define STATUS(number, name, class, who, text) ST_##name = number,
#include "status.def"
#undef STATUS
};
enum status_class {
	CLASS_DONE,
	CLASS_RETRYABLE,
	CLASS_WAITING,
	CLASS_TERMINAL
};
enum status_who {
	REFUSAL_NET	= 1 << 0,
	REFUSAL_KEYS	= 1 << 1,
	RESULT_NET	= 1 << 2,
	RESULT_KEYS	= 1 << 3,
	RESULT_COMPUTE	= 1 << 4,
	RESULT_GATEWAY	= 1 << 5,	/* in its grant */
	STORE_GATEWAY	= 1 << 6,	/* when results are stored */
};
#define STATUS_MAX	400		/* exceeds every number of status.def */
/* Name ("INPUT_MISSING"), description and class of a status.  If it is unknown:
 * NULL, NULL and CLASS_TERMINAL. */
const char *status_name(uint32_t);
const char *status_text(uint32_t);
enum status_class status_class(uint32_t);
/* 1 if `who' may report this status, else 0. */
int status_by(uint32_t number, uint32_t who);
const char *status_class_name(uint32_t);	/* "retryable" */

/* enum idle_reason of payload.h as text; "?" if unknown. */
const char *why_name(uint32_t);	/* one word, for metrics */
const char *why_text(uint32_t);
/* enum gas_state as text; "?" if unknown. */
const char *gas_text(uint32_t);
/* Why there was no quote, by the errno of the provider. */
const char *quote_text(uint32_t error);
/* Why a registration was refused, by the verdict. */
const char *refusal_text(uint32_t verdict);

#endif
