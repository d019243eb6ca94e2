/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the evidence role share.  The role asks the provider that
 * the configuration, or the machine, chose.  It may block for a minute: no
 * other process waits for it but keys, which asked.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "chan.h"
#include "provider.h"

extern const struct provider *provider;		/* the chosen one */
extern struct chan keys;

/* Extend the configured register (2 or 3) by the configuration's hash, unless
 * the register is not empty.  Fatal if there is no such register. */
void rtmr_extend(const char *dir, const struct conf *);

#endif
