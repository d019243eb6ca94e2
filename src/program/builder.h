/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds a flat program, one operation at a time; for net and the tools.
 */
#ifndef BUILDER_H
#define BUILDER_H

#include "program.h"

/* Operations are appended; handles and constants are shared if the same one was
 * used before.  An input handle that an earlier operation wrote becomes
 * REF_OUTPUT.  Each function returns an ST_*; on failure nothing is changed. */
struct builder {
	uint16_t	slots[PROGRAM_SLOTS];
	struct p_shape	shape;
	struct m_word	inputs[TASK_INPUTS], outputs[TASK_OUTPUTS],
	    consts[TASK_CONSTS];
	uint8_t		const_types[TASK_CONSTS];
	struct p_op	ops[TASK_OPS];
	uint16_t	refs[TASK_REFS];
};
void builder_init(struct builder *);
uint32_t builder_op(struct builder *, uint32_t opcode, uint32_t flags);
uint32_t builder_handle(struct builder *, const uint8_t handle[32]);
uint32_t builder_const(struct builder *, uint32_t type, const uint8_t word[32]);
uint32_t builder_output(struct builder *, const uint8_t handle[32]);
/* Write the program to words[PROGRAM_WORDS].  Returns the number of words. */
size_t builder_words(const struct builder *, struct m_word *words);

#endif
