/* SPDX-License-Identifier: Apache-2.0
 *
 * The Registry as a contract (proto/Registry.sol) on a node.  Its owner, who
 * also pays, is the account of DIR/keys/owner, or without that file the node's
 * first account, for which the node signs (anvil, geth --dev).  Each call waits
 * until its transaction is mined.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "dir.h"

/* Deploy both contracts and approve the registrar.  Returns 0 and sets
 * d->registry, or -1 after a line on stderr. */
int contract_deploy(struct devnet *);
/* Set the KMS key, the permitted counterparts, and whether insecure evidence is
 * accepted.  Does nothing if a KMS key was announced before.  Returns 0 or
 * -1. */
int contract_set_up(const struct devnet *);
/* Announce d's KMS key for the next epoch, which begins `blocks' blocks after
 * the next one.  The previous epoch can be read until former_until.  Returns 0
 * or -1. */
int contract_announce(
    const struct devnet *, uint32_t blocks, uint64_t former_until);
/* Returns 0, or -1 if the contract rejects it. */
int contract_register(
    const struct devnet *, const struct m_register *, const struct m_verdict *);

#endif
