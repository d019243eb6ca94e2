/* SPDX-License-Identifier: Apache-2.0
 *
 * The stream of Nox v0, as its publisher and its operator see it: create it and
 * its consumer, and publish.  For commands: calls block.  The client's
 * certificate is that of "cli".
 */
#ifndef STREAM_H
#define STREAM_H

#include <jansson.h>

#include "dir.h"

#define STREAM_NAME	"nox_ingestor"
#define STREAM_CONSUMER	"nox_ingestor_consumer"

struct stream;

/* Connect to the devnet's NATS server within ms.  Returns NULL after a line on
 * stderr. */
struct stream *stream_open(const struct devnet *, unsigned int ms);
void stream_close(struct stream *);
/* Create the stream and the consumer, if they do not exist.  Returns 0, or -1
 * after a line on stderr. */
int stream_create(struct stream *, const struct devnet *);
/* What the server says of the consumer; NULL after a line on stderr. */
json_t *stream_status(struct stream *);
/* Publish, and wait until the stream has it.  id: Nats-Msg-Id.  Returns 0, or
 * -1 after a line on stderr. */
int stream_publish(struct stream *, const char *subject, const char *id,
    const json_t *message);

#endif
