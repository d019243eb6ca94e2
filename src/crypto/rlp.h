/* SPDX-License-Identifier: Apache-2.0
 *
 * RLP, Ethereum's encoding of bytes and of lists; no I/O, no secret.  Reading
 * takes the one canonical encoding only, so that a text has one hash.
 * Source: Ethereum yellow paper, appendix B.
 */
#ifndef RLP_H
#define RLP_H

#include <stddef.h>
#include <stdint.h>

#define RLP_STRING	0x80u
#define RLP_LIST	0xc0u
#define RLP_HEAD	9		/* bytes of the longest head */

/* The head of n bytes that follow: its size. */
size_t	 rlp_put_head(uint8_t *to, uint8_t kind, size_t n);
/* These return where they ended.  An integer is big-endian, and loses the
 * zeros before it: 0 is the empty string. */
uint8_t	*rlp_put_bytes(uint8_t *to, const uint8_t *, size_t n);
uint8_t	*rlp_put_integer(uint8_t *to, const uint8_t *, size_t n);
uint8_t	*rlp_put_number(uint8_t *to, uint64_t);

struct rlp {
	const uint8_t	*p;
	size_t		 n;
};
struct rlp_item {
	struct rlp	 all;		/* with its head */
	struct rlp	 in;		/* without */
	int		 is_list;
};

/* The next item of *from, which gets shorter by it: 0, or -1 where there is
 * none in canonical form, and then both are as they were. */
int	 rlp_get(struct rlp *from, struct rlp_item *);
/* Items of the one list that `from' is, all of them: how many, or -1 where it is
 * something else or has more than `max'. */
int	 rlp_get_list(struct rlp from, struct rlp_item *, int max);

#endif
