/* SPDX-License-Identifier: Apache-2.0
 *
 * The Registry's stand-in: one JSON-RPC endpoint of an EVM chain on which
 * nothing but a Registry lives.  tee-devnet runs it as a process of its own;
 * tests run several, which agree as long as they are told the same.  It never
 * serves anything but loopback.
 *
 * eth_chainId, eth_blockNumber, eth_getBlockByNumber, eth_call (facts(address)
 * and isRunner(address) of proto/IRegistry.sol), single or in batches, and:
 *
 *  devnet_set {orchestrators: [address], gateways: [address], kmsKey: hex,
 *	shares: [hex], threshold: n, epoch: n, fromBlock: n, formerUntil: n,
 *	lie: bool} -> true
 *	What is left out stays as it is.  A later epoch: its key is the current one
 *	from that block on, and the key before can be read until that time (0, and 0:
 *	at once, and not at all).  lie: facts() answers a KMS key that
 *	is not the Registry's.
 *  devnet_register {runner, publicKey, evidenceHash, configurationHash,
 *	signature: hex; teeType, sequence, validUntil, verdict: n; verifier: text;
 *	measurement, verdictSignature: hex} -> true
 *	What the contract would check, but that all measurements are accepted: the
 *	evidence's meaning is the registrar's.
 *  devnet_revoke {runner: address} -> true
 *  devnet_runners -> [{runner, publicKey, teeType, evidenceHash,
 *	configurationHash, sequence, validUntil, revoked}]
 *
 * Parameters are an object, or an array of this one object.  Numbers are JSON
 * integers or "0x.." quantities, bytes "0x..".  A block is one second of the
 * clock, so that several stand-ins have the same blocks.
 */
#ifndef DEVNET_REGISTRY_H
#define DEVNET_REGISTRY_H

#include <stdint.h>

struct devnet_registry {
	uint16_t	 port;		/* on 127.0.0.1; 0: any */
	int		 ready_fd;	/* -1, or: "PORT\n" is written here, then
					 * closed, once requests are answered */
	uint64_t	 chain_id;
	uint8_t		 address[20];	/* of the Registry contract */
	uint8_t		 registrar[20];	/* whose verdict registers */
	uint64_t	 max_life;	/* seconds to validUntil; 0: a year */
	const char	*state_file;	/* NULL: nothing survives */
};

/* Serve until SIGTERM or SIGINT; the process's exit status: 0, or 1 after a
 * line on stderr.  Calls secp_init() and td_init(). */
int	devnet_registry_main(const struct devnet_registry *);

#endif
