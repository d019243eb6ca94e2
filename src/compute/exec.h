/* SPDX-License-Identifier: Apache-2.0
 *
 * The computation primitives on plain values.  They are separate from all I/O,
 * so that tests link exactly what the worker runs (libarith.a).  Every
 * operation is total: no value makes it fail.  Control flow and memory accesses
 * depend only on the opcode and the types.
 *
 * A value is held in 256 bits: the plaintext as a big-endian number, also for
 * bytesN, sign-extended if its type is signed.
 */
#ifndef EXEC_H
#define EXEC_H

#include "program.h"
#include "u256.h"

#define EXEC_OUTPUTS	6		/* swap has the most outputs */

/* One operation with the types of its operands; all public. */
struct op {
	uint8_t		opcode, flags;
	size_t		n_in, n_out;
	uint8_t		in[OP_OPERANDS];
	uint8_t		out[EXEC_OUTPUTS];
	uint32_t	fee, fee_base;	/* of swap; public */
};

/* Run one operation, which must have passed program_check() or
 * program_check_nox(). */
void exec_op(const struct op *, const struct u256 *in, struct u256 *out);

/* Run a program, which must have passed one of them, on its inputs' values.
 * Afterwards the stack contains secrets: the caller must wipe it. */
void exec_program(
    const struct program *, const struct u256 *inputs, struct u256 *outputs);

/* Convert plaintext (type_size bytes) to and from a value. value_load() returns
 * -1 for a bool that is neither 00 nor 01, the only plaintext of the right size
 * that can be invalid; else 0.  Whether it is invalid is not secret. */
int value_load(uint8_t type, const uint8_t *plain, struct u256 *);
void value_store(uint8_t type, struct u256, uint8_t *plain);

/* Convert a plaintext of Nox v0, n <= 32 bytes: extended with zeros at its left
 * to 32 bytes, then the low bytes of the type's size; a bool is true if any of
 * all is not zero.  None is invalid. */
void value_load_nox(
    uint8_t type, const uint8_t *plain, size_t n, struct u256 *);

#endif
