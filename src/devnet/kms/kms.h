/* SPDX-License-Identifier: Apache-2.0
 *
 * A KMS node; see kms.c.
 */
#ifndef KMS_H
#define KMS_H

#include "server.h"

extern const struct server kms_server;

#endif
