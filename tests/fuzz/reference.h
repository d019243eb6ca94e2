/* SPDX-License-Identifier: Apache-2.0
 *
 * The computation primitives on GMP's integers: slow, and obvious to a reader
 * of tee-primitives(7).  Nothing is shared with src/compute.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <gmp.h>
#include <stddef.h>
#include <stdint.h>

struct value {
	uint8_t	type;
	mpz_t	n;		/* below 0 in signed types alone */
};

struct call {
	const struct value *in;
	size_t		 n_in;
	struct value	*out;	/* of set types */
	int		 same;		/* sameAccount */
	unsigned long	 fee, fee_base;	/* of swap */
};

/* The result of the operation for these inputs; rand and randBounded leave
 * `out' as it is. */
void reference(uint8_t opcode, const struct call *);
/* The number that n bytes of plaintext stand for, and back. */
void value_read(struct value *, const uint8_t *plain);
void value_write(const struct value *, uint8_t *plain);

#endif
