/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoder of the Solidity ABI.  A tuple is a head with a word for each member,
 * followed by the tails of the members of variable size; the head has each
 * tail's offset from the tuple's start.  Members are appended in order.  An
 * inner tuple or array must be complete before the next member of the outer
 * one.  A buffer that is too small, or a member too many, is fatal.
 */
#ifndef ABI_ENCODE_H
#define ABI_ENCODE_H

#include <stddef.h>
#include <stdint.h>

struct abi {
	uint8_t	*data;
	size_t	 n, max;	/* bytes written; size of the buffer */
};

struct abi_tuple {
	struct abi	*abi;
	size_t		 start, next, end;	/* of the head, in data */
};

/* Begin a tuple of n members at the end of what is written. */
void abi_begin(struct abi_tuple *, struct abi *, size_t n);
/* Begin a call with n arguments.  signature: "setPaused(bool)". */
void abi_call(
    struct abi_tuple *, struct abi *, const char *signature, size_t n);

/* Append a member: uintN or bool; address; bytesN (n <= 32). */
void abi_number(struct abi_tuple *, uint64_t);
void abi_address(struct abi_tuple *, const uint8_t address[20]);
void abi_fixed(struct abi_tuple *, const void *, size_t n);
/* bytes or string */
void abi_bytes(struct abi_tuple *, const void *, size_t n);
/* A tuple that has members of variable size; an array, whose elements are the
 * inner one's members. */
void abi_inner(struct abi_tuple *, struct abi_tuple *inner, size_t n);
void abi_array(struct abi_tuple *, struct abi_tuple *inner, size_t n);

#endif
