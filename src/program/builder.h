/* SPDX-License-Identifier: Apache-2.0
 *
 * Build a flat program, operation by operation: in net and in tools.
 */
#ifndef BUILDER_H
#define BUILDER_H

#include "program.h"

/* Operations are appended; handles and constants are found or added.  Each returns
 * an ST_*; on failure nothing is changed.
 * A handle named as input that an earlier operation wrote becomes REF_OUTPUT. */
struct builder {
	uint16_t	slots[PROGRAM_SLOTS];
	struct p_shape	shape;
	struct m_word	inputs[TASK_INPUTS], outputs[TASK_OUTPUTS],
			consts[TASK_CONSTS];
	uint8_t		const_types[TASK_CONSTS];
	struct p_op	ops[TASK_OPS];
	uint16_t	refs[TASK_REFS];
};
void	 builder_init(struct builder *);
uint32_t builder_op(struct builder *, uint32_t opcode, uint32_t flags);
uint32_t builder_handle(struct builder *, const uint8_t handle[32]);
uint32_t builder_const(struct builder *, uint32_t type, const uint8_t word[32]);
uint32_t builder_output(struct builder *, const uint8_t handle[32]);
/* Flatten into words[PROGRAM_WORDS]; returns how many. */
size_t	 builder_words(const struct builder *, struct m_word *words);

#endif
