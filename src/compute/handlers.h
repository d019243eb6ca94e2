/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages that compute handles.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "states.h"

extern enum state state;	/* S_SERVING between JOB and JOB_DONE */
extern uint32_t jobs_done;	/* answers sent */

#endif
