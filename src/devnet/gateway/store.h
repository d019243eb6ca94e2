/* SPDX-License-Identifier: Apache-2.0
 *
 * The Gateway's database: encrypted values by handle, who may use them, and
 * which requests were granted.  SQLite with a write-ahead log.
 */
#ifndef STORE_H
#define STORE_H

#include <stddef.h>
#include <stdint.h>

#include "payload.h"

void	store_open(const char *path);
void	store_close(void);

/* A transaction around what one call does.  After store_commit, the end of the process
 * does not undo it; a loss of power may.  In it, between store_task and
 * store_end, what holds together or not at all. */
void	store_begin(void);
void	store_commit(void);
void	store_task(void);
void	store_end(int is_good);

/* 1, *value, and the epoch of the KMS key that it is under; or 0. */
int	store_get(const uint8_t handle[32], struct m_value *value,
	    uint64_t *epoch);
int	store_has(const uint8_t handle[32]);
/* 0, or -1 where the handle has a value already. */
int	store_put(const struct m_value *, uint64_t epoch);

int	store_may(const uint8_t user[20], const uint8_t handle[32]);
void	store_allow(const uint8_t user[20], const uint8_t handle[32]);

/* What was granted to whom: kept until the task's result is stored. */
struct store_grant {
	uint8_t		runner[20], caller[20];
	uint32_t	n_outputs;
	struct m_word	outputs[TASK_OUTPUTS];
};
void	store_granted(const uint8_t task[32], uint32_t attempt,
	    const uint8_t runner[20], const uint8_t caller[20],
	    const struct m_word *outputs, size_t n);
int	store_find_grant(const uint8_t task[32], uint32_t attempt,
	    struct store_grant *);

/* The struct hash of the result that was stored for a task; a task has one. */
int	store_find_result(const uint8_t task[32], uint8_t hash[32]);
void	store_result(const uint8_t task[32], const uint8_t hash[32]);

uint64_t store_count(void);	/* values */

#endif
