/* SPDX-License-Identifier: Apache-2.0
 *
 * How a task can end (proto/status.def), and why a Runner does not serve, as text.
 */
#ifndef STATUS_H
#define STATUS_H

#include <stdint.h>

enum status {
#define STATUS(number, name, class, who, text) ST_##name = number,
#include "status.def"
#undef STATUS
};
enum status_class { CLASS_DONE, CLASS_RETRYABLE, CLASS_WAITING, CLASS_TERMINAL };
enum status_who {
	REFUSAL_NET	= 1 << 0,
	REFUSAL_KEYS	= 1 << 1,
	RESULT_NET	= 1 << 2,
	RESULT_KEYS	= 1 << 3,
	RESULT_COMPUTE	= 1 << 4,
	RESULT_GATEWAY	= 1 << 5,	/* in its grant */
	STORE_GATEWAY	= 1 << 6,	/* when results are stored */
};
#define STATUS_MAX	400		/* above every number of status.def */
/* "INPUT_MISSING", its class, its text; NULL / CLASS_TERMINAL where unknown. */
const char	 *status_name(uint32_t);
const char	 *status_text(uint32_t);
enum status_class status_class(uint32_t);
int		 status_by(uint32_t number, uint32_t who);	/* may one of them? 1 or 0 */
const char	 *status_class_name(uint32_t);	/* "retryable" */

/* enum why_idle of payload.h as text; "?" where unknown. */
const char	 *why_name(uint32_t);	/* a word, for metrics */
const char	 *why_text(uint32_t);
/* enum gas_state, the same. */
const char	 *gas_text(uint32_t);

#endif
