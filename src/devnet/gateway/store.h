/* SPDX-License-Identifier: Apache-2.0
 *
 * The Gateway's database: encrypted values by handle, access rights, and
 * granted requests.  SQLite with a write-ahead log.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

void store_open(const char *path);
void store_close(void);

/* A transaction per call.  After store_commit() the data survives the end of
 * the process, but maybe not a loss of power.  Changes between store_task() and
 * store_end() are kept or undone together. */
void store_begin(void);
void store_commit(void);
void store_task(void);
void store_end(int is_good);

/* Returns 1 with the value and the epoch of its KMS key, or 0. */
int store_get(const uint8_t handle[32], struct m_value *value, uint64_t *epoch);
int store_has(const uint8_t handle[32]);
/* Returns 0, or -1 if the handle already has a value. */
int store_put(const struct m_value *, uint64_t epoch);

int store_may(const uint8_t user[20], const uint8_t handle[32]);
void store_allow(const uint8_t user[20], const uint8_t handle[32]);

/* A grant; kept until the task's result is stored. */
struct store_grant {
	uint8_t		runner[20], caller[20];
	uint32_t	n_outputs;
	struct m_word	outputs[TASK_OUTPUTS];
};
void store_granted(const uint8_t task[32], uint32_t attempt,
    const uint8_t runner[20], const uint8_t caller[20],
    const struct m_word *outputs, size_t n);
int store_find_grant(
    const uint8_t task[32], uint32_t attempt, struct store_grant *);

/* Struct hash of the task's stored result; a task has at most one. */
int store_find_result(const uint8_t task[32], uint8_t hash[32]);
void store_result(const uint8_t task[32], const uint8_t hash[32]);

uint64_t store_count(void);	/* number of values */

#endif
