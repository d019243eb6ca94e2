/* SPDX-License-Identifier: Apache-2.0
 *
 * Protobuf messages to and from gRPC's byte buffers: in net and in tee-devnet.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <grpc/grpc.h>

#include "arena.h"

/* The caller destroys the buffer. */
grpc_byte_buffer *rpc_pack(const ProtobufCMessage *);
/* A message in the arena; NULL: there is no buffer, or it is malformed,
 * compressed, or larger than the arena. */
void *rpc_unpack(
    grpc_byte_buffer *, const ProtobufCMessageDescriptor *, struct arena *);

#endif
