/* SPDX-License-Identifier: Apache-2.0
 *
 * RLP, Ethereum's encoding of bytes and of lists; no I/O, no secret.  Decoding
 * accepts only the canonical encoding, so that a value has only one hash.
 * Source: Ethereum yellow paper, appendix B.
 */
#ifndef RLP_H
#define RLP_H

#include <stddef.h>
#include <stdint.h>

#define RLP_STRING	0x80u
#define RLP_LIST	0xc0u
#define RLP_HEAD	9		/* bytes of the longest head */

/* Write the head of n bytes of payload.  Returns its size. */
size_t rlp_put_head(uint8_t *to, uint8_t kind, size_t n);
/* These return the end of what they wrote.  An integer is big-endian without
 * leading zeros: 0 is the empty string. */
uint8_t *rlp_put_bytes(uint8_t *to, const uint8_t *, size_t n);
uint8_t *rlp_put_integer(uint8_t *to, const uint8_t *, size_t n);
uint8_t *rlp_put_number(uint8_t *to, uint64_t);

struct rlp {
	const uint8_t	*p;
	size_t		 n;
};
struct rlp_item {
	struct rlp	 all;		/* including its head */
	struct rlp	 in;		/* without the head */
	int		 is_list;
};

/* Take the next item from *from.  Returns 0, or -1 if there is no canonical
 * item, and then both are unchanged. */
int rlp_get(struct rlp *from, struct rlp_item *);
/* Split `from', which must be exactly one list, into its items.  Returns their
 * number, or -1 if it is not a list or has more than `max' items; after -1 the
 * items are undefined.  Lists inside it are not split or checked. */
int rlp_split_list(struct rlp from, struct rlp_item *, int max);

#endif
