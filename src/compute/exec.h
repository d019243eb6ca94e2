/* SPDX-License-Identifier: Apache-2.0
 *
 * The computation primitives on plain values, apart from all I/O, so that tests
 * link exactly what the worker runs (libarith.a).  Every operation is total:
 * no value makes it fail.  What is run and touched depends on the opcode and
 * the types alone.
 *
 * A value is held in 256 bits: the plaintext as a big-endian number, bytesN
 * too, sign-extended where its type is signed.
 */
#ifndef EXEC_H
#define EXEC_H

#include "program.h"
#include "u256.h"

#define EXEC_OUTPUTS	6		/* of one operation: swap */

/* One operation: the types of what it takes and gives, all public. */
struct op {
	uint8_t		opcode, flags;
	size_t		n_in, n_out;
	uint8_t		in[OP_OPERANDS];
	uint8_t		out[EXEC_OUTPUTS];
	uint32_t	fee, fee_base;	/* of swap: public, so not secrets */
};

/* Run it.  The operation must have passed program_check. */
void	exec_op(const struct op *, const struct u256 *in, struct u256 *out);

/* Run a whole program, which must have passed program_check: its inputs' values
 * in, its outputs' values out.  The stack then holds secrets: scrub it. */
void	exec_program(const struct program *, const struct u256 *inputs,
	    struct u256 *outputs);

/* Plaintext (type_size bytes) to and from a value.  value_load: 0, or -1 for a
 * bool that is neither 00 nor 01, the one way in which a plaintext of the right
 * size is none of its type; that it is one is no secret. */
int	value_load(uint8_t type, const uint8_t *plain, struct u256 *);
void	value_store(uint8_t type, struct u256, uint8_t *plain);

#endif
