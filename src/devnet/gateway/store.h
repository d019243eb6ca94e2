/* SPDX-License-Identifier: Apache-2.0
 *
 * The Gateway's database: encrypted values by handle, each with its user, and
 * granted requests.  SQLite with a write-ahead log.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

void store_open(const char *path);
void store_close(void);

/* A transaction, of one call or more.  After store_commit() the data survives
 * the end of the process, but maybe not a loss of power. */
void store_begin(void);
void store_commit(void);

struct store_value {
	struct m_value	value;
	uint8_t		user[20];	/* who may read it */
	uint8_t		result[32];	/* struct hash of the result that it is
					 * an output of, or 0 */
	uint64_t	epoch;		/* of its KMS key */
};
/* Returns 1 with the value, or 0. */
int store_get(const uint8_t handle[32], struct store_value *);
int store_has(const uint8_t handle[32]);
/* Returns 0, or -1 if the handle already has a value. */
int store_put(const struct store_value *);
/* Undo a store_put() of the same transaction. */
void store_take_back(const uint8_t handle[32]);

/* A grant; kept until the task's result is stored. */
struct store_grant {
	uint8_t		task[32];
	uint32_t	attempt;
	uint8_t		runner[20], caller[20];
	uint32_t	n_outputs;
	struct m_word	outputs[TASK_OUTPUTS];
};
void store_granted(const struct store_grant *);
int store_find_grant(
    const uint8_t task[32], uint32_t attempt, struct store_grant *);
void store_forget_grant(const struct store_grant *);

uint64_t store_count(void);	/* number of values */

#endif
