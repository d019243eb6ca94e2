/* SPDX-License-Identifier: Apache-2.0
 *
 * See message.h.
 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

#include "message.h"

grpc_byte_buffer *
rpc_pack(const ProtobufCMessage *message)
{
	grpc_slice slice;
	grpc_byte_buffer *buffer;

	slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}

void *
rpc_unpack(grpc_byte_buffer *buffer, const ProtobufCMessageDescriptor *type,
    struct arena *arena)
{
	grpc_byte_buffer_reader reader;
	grpc_slice slice;
	void *message;

	/* Compression is not offered: a small message could unpack to a large
	 * one. */
	if (buffer == NULL ||
	    buffer->data.raw.compression != GRPC_COMPRESS_NONE ||
	    !grpc_byte_buffer_reader_init(&reader, buffer))
		return NULL;
	slice = grpc_byte_buffer_reader_readall(&reader);
	grpc_byte_buffer_reader_destroy(&reader);
	message = protobuf_c_message_unpack(type, &arena->allocator,
	    GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));
	grpc_slice_unref(slice);
	return message;
}
