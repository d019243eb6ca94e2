/* SPDX-License-Identifier: Apache-2.0
 *
 * The Registry's stand-in: a JSON-RPC endpoint of an EVM chain that has only a
 * Registry. tee-devnet runs it as a separate process; tests run several, which
 * agree if they are given the same data.  It serves only loopback.
 *
 * eth_chainId, eth_blockNumber, eth_getBlockByNumber, eth_call (facts(address)
 * and isRunner(address) of proto/IRegistry.sol), single or in batches, and:
 *
 * devnet_set {orchestrators: [address], gateways: [address], kmsKey: hex,
 * shares: [hex], threshold: n, epoch: n, fromBlock: n, formerUntil: n, lie:
 * bool} -> true Missing members do not change.  A later epoch becomes the
 * current one at fromBlock (0: at once), and the previous one can be read until
 * formerUntil (0: not at all). lie: facts() returns a wrong KMS key.
 * devnet_register {runner, publicKey, evidenceHash, configurationHash,
 * signature: hex; teeType, sequence, validUntil, verdict: n; verifier: text;
 * measurement, verdictSignature: hex} -> true Makes the checks of the contract,
 * but accepts all measurements: the registrar verifies the evidence.
 * devnet_revoke {runner: address} -> true devnet_runners -> [{runner,
 * publicKey, teeType, evidenceHash, configurationHash, sequence, validUntil,
 * revoked}]
 *
 * Parameters are an object, or an array of this one object.  Numbers are JSON
 * integers or "0x.." quantities, bytes "0x..".  Each second of the clock is a
 * block, so that several stand-ins have the same blocks.
 */
#ifndef DEVNET_REGISTRY_H
#define DEVNET_REGISTRY_H

#include <stdint.h>

struct devnet_registry {
	uint16_t	 port;		/* on 127.0.0.1; 0: any */
	int		 ready_fd;	/* -1, or: "PORT\n" is written to it
					 * when ready, then it is closed */
	uint64_t	 chain_id;
	uint8_t		 address[20];	/* of the Registry contract */
	uint8_t		 registrar[20];	/* who signs verdicts */
	uint64_t	 max_life;	/* seconds to validUntil; 0: a year */
	/* If nox_kms_key[0] is not 0: a NoxCompute contract at nox_compute, of
	 * which kmsPublicKey() and gateway() can be called. */
	uint8_t		 nox_compute[20], nox_gateway[20], nox_kms_key[33];
	const char	*state_file;	/* NULL: state is not saved */
};

/* Serve until SIGTERM or SIGINT.  Returns the exit status: 0, or 1 after a line
 * on stderr.  Calls secp_init() and td_init(). */
int devnet_registry_main(const struct devnet_registry *);

#endif
