/* SPDX-License-Identifier: Apache-2.0
 *
 * What compute answers.
 */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "states.h"

extern enum state state;	/* S_SERVING between JOB and JOB_DONE */
extern uint32_t jobs_done;	/* answers that have left */

#endif
