/* SPDX-License-Identifier: Apache-2.0
 *
 * The Registry as a contract (proto/Registry.sol) on a node.  Its owner, who pays
 * too, is the account of DIR/keys/owner, or where there is none the first account of
 * the node, which signs for it (anvil, geth --dev).  Each call waits until its
 * transaction is in a block.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "dir.h"
#include "registrar.h"

/* Both contracts, with the registrar approved, as d says: 0 and d->registry, or -1
 * after a line on stderr. */
int	contract_deploy(struct devnet *);
/* The KMS key, who may ask, and whether insecure evidence is accepted: 0, or -1.
 * Nothing where a KMS key is announced already. */
int	contract_set_up(const struct devnet *);
/* d's KMS key as that of the next epoch, so many blocks behind the next; the one before
 * can be read until that time: 0, or -1. */
int	contract_announce(const struct devnet *, uint32_t blocks,
	    uint64_t former_until);
/* 0, or -1 where the contract refuses it. */
int	contract_register(const struct devnet *, const struct m_register *,
	    const struct m_verdict *);

#endif
