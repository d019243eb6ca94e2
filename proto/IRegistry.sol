// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// What a Runner, a Gateway and a KMS node read from the Registry.
interface IRegistry {
    /// All that a counterpart acts upon, in one call, so that it is of one block.
    /// @param runner   the Runner in question
    /// @return sequence      of its registration; 0: never registered
    /// @return validUntil    seconds since 1970; 0: none, or revoked
    /// @return epoch         of the KMS key
    /// @return threshold     t: so many KMS nodes can delegate together
    /// @return kmsKey        KMS public key, 33 bytes compressed
    /// @return shares        public shares of nodes 1..n, 33 bytes each, one behind the other
    /// @return formerShares  the same of the epoch before, while its values can be read; else empty
    /// @return orchestrators who may sign tasks
    /// @return gateways      who may sign operand grants
    function facts(address runner) external view returns (
        uint64 sequence, uint64 validUntil, uint64 epoch, uint8 threshold,
        bytes memory kmsKey, bytes memory shares, bytes memory formerShares,
        address[] memory orchestrators, address[] memory gateways);

    function isRunner(address runner) external view returns (bool);
}
