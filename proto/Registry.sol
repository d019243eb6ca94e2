// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IRegistry} from "./IRegistry.sol";

/// Says whether evidence is good.  Registrars below asks those who have looked at it; a
/// verifier of quotes on the chain can stand in its place.
interface IAttestationVerifier {
    /// @param domain       the Registry's EIP-712 domain separator
    /// @param registration hashStruct(Registration), which has the evidence's hash
    /// @param teeType      of the evidence
    /// @param proof        whatever this verifier needs
    /// @return measurement what was started: keccak256 of MRTD and RTMR 0 to 3 (TDX), the
    ///                     measurement (SEV-SNP), the RIM (CCA), the hash of the TEE's memory
    ///                     (OP-TEE); 0 of insecure evidence.  Reverts where it is not good.
    function verify(bytes32 domain, bytes32 registration, uint8 teeType, bytes calldata proof)
        external view returns (bytes32 measurement);
}

/// Evidence is good when an approved registrar has signed so.
/// Verdict(bytes32 registration,bytes32 measurement,uint8 verdict,string verifier)
contract Registrars is IAttestationVerifier, Ownable2Step {
    bytes32 private constant VERDICT =
        keccak256("Verdict(bytes32 registration,bytes32 measurement,uint8 verdict,string verifier)");

    mapping(address => bool) public isRegistrar;

    event RegistrarSet(address indexed registrar, bool approved);

    error NotARegistrar(address signer);
    error Refused(uint8 verdict);

    constructor(address owner) Ownable(owner) {}

    function setRegistrar(address registrar, bool approved) external onlyOwner {
        isRegistrar[registrar] = approved;
        emit RegistrarSet(registrar, approved);
    }

    /// @param proof abi.encode(bytes32 measurement, uint8 verdict, string verifier, bytes signature)
    function verify(bytes32 domain, bytes32 registration, uint8, bytes calldata proof)
        external view returns (bytes32 measurement)
    {
        uint8 verdict;
        string memory name;
        bytes memory signature;
        (measurement, verdict, name, signature) =
            abi.decode(proof, (bytes32, uint8, string, bytes));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(
            VERDICT, registration, measurement, verdict, keccak256(bytes(name))))));
        address signer = ECDSA.recover(digest, signature);
        if (!isRegistrar[signer]) revert NotARegistrar(signer);
        if (verdict != 0) revert Refused(verdict);
    }
}

/// Which Runners there are and for how long, what they may be, who may ask them, the KMS's
/// keys, and commitments to results.  Signed messages: proto/TYPED-DATA.md.
///
/// Anyone may pay for a registration or a publication: what is in it is under the Runner's
/// signature.  The owner can stop a Runner, never speak for one.
contract Registry is IRegistry, Ownable2Step {
    // ---- types, as in proto/TYPED-DATA.md ----

    struct Registration {
        address runner;
        bytes publicKey;            // 33 bytes, compressed
        uint8 teeType;              // 0 insecure, 1 TDX, 2 SEV-SNP, 3 CCA, 4 OP-TEE
        bytes32 evidenceHash;
        bytes32 configurationHash;
        uint64 sequence;
        uint64 validUntil;
    }

    struct Output {
        bytes32 handle;
        bytes key;
        bytes12 nonce;
        bytes32 ciphertextHash;
    }

    struct TaskResult {
        bytes32 taskId;
        uint32 attempt;
        uint16 status;              // 0: computed
        Output[] outputs;
    }

    bytes32 private constant DOMAIN = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant REGISTRATION = keccak256(
        "Registration(address runner,bytes publicKey,uint8 teeType,bytes32 evidenceHash,bytes32 configurationHash,uint64 sequence,uint64 validUntil)");
    bytes32 private constant OUTPUT = keccak256(
        "Output(bytes32 handle,bytes key,bytes12 nonce,bytes32 ciphertextHash)");
    bytes32 private constant RESULT = keccak256(
        "TaskResult(bytes32 taskId,uint32 attempt,uint16 status,Output[] outputs)Output(bytes32 handle,bytes key,bytes12 nonce,bytes32 ciphertextHash)");
    bytes32 private constant BATCH = keccak256(
        "TaskResultBatch(uint64 epoch,TaskResult[] results)Output(bytes32 handle,bytes key,bytes12 nonce,bytes32 ciphertextHash)TaskResult(bytes32 taskId,uint32 attempt,uint16 status,Output[] outputs)");

    // ---- limits: those of the Runner ----

    uint256 public constant MAX_LIFE = 365 days;
    uint256 public constant MAX_LIST = 16;
    uint256 public constant MAX_NODES = 64;

    // ---- state ----

    struct Runner {
        uint64 sequence;            // of the last registration; 0: none
        uint64 validUntil;
        uint8 teeType;
        bool revoked;
        bytes32 measurement;
        bytes32 evidenceHash;
        bytes32 configurationHash;
        bytes publicKey;
    }

    struct Epoch {
        uint64 fromBlock;           // values are encrypted under its key from this block on
        uint64 formerUntil;         // time until which the values of the epoch before can be read
        uint8 threshold;
        bytes key;
        bytes shares;
    }

    struct Commitment {
        uint64 time;                // of its publication; 0: there is none
        bytes32 outputs;            // keccak256 of hashStruct(Output) of each, one behind the other
    }

    IAttestationVerifier public verifier;
    bool public paused;
    uint64 public lastEpoch;        // announced; 0: none yet
    mapping(uint64 => Epoch) private epochs;
    address[] private orchestrators;
    address[] private gateways;
    mapping(address => Runner) private runners;
    /// Time until which a measurement is accepted, by TEE type; 0: it is not.
    mapping(uint8 => mapping(bytes32 => uint64)) public acceptedUntil;
    /// By task, attempt and Runner: no Runner takes the place of another, no attempt that of
    /// the next.
    mapping(bytes32 => mapping(uint32 => mapping(address => Commitment))) public commitment;

    // ---- events and errors ----

    event Registered(address indexed runner, uint64 sequence, uint64 validUntil, uint8 teeType,
        bytes32 measurement, bytes32 evidenceHash);
    event RevokedSet(address indexed runner, bool revoked);
    event MeasurementSet(uint8 indexed teeType, bytes32 indexed measurement, uint64 until);
    event OrchestratorsSet(address[] list);
    event GatewaysSet(address[] list);
    event EpochAnnounced(uint64 indexed epoch, uint64 fromBlock, uint64 formerUntil, bytes key);
    event VerifierSet(address verifier);
    event PausedSet(bool paused);
    event Published(bytes32 indexed taskId, address indexed runner, uint32 attempt,
        bytes32 outputs);
    /// Not published: the Runner has committed to this attempt before.  If committed differs
    /// from outputs, it has signed two results of one attempt.
    event Skipped(bytes32 indexed taskId, address indexed runner, uint32 attempt,
        bytes32 outputs, bytes32 committed);

    error IsPaused();
    error NotAPoint();
    error KeyIsNotTheRunners(address ofKey);
    error SignatureIsNotTheRunners(address signer);
    error RunnerRevoked();
    error OldSequence(uint64 last);
    error BadLife();
    error MeasurementNotAccepted(uint8 teeType, bytes32 measurement);
    error ListTooLong();
    error BadShares();
    error BadThreshold();
    error EpochPending();
    error EpochInThePast();
    error NotARunner(address signer);
    error NothingToPublish();

    constructor(address owner, IAttestationVerifier verifier_) Ownable(owner) {
        _setVerifier(verifier_);
    }

    modifier whenNotPaused() {
        if (paused) revert IsPaused();
        _;
    }

    // ---- Runners ----

    /// Register, or refresh what is registered.
    /// @param proof what the attestation verifier needs
    function register(Registration calldata r, bytes calldata signature, bytes calldata proof)
        external whenNotPaused
    {
        bytes32 hash = hashRegistration(r);
        address ofKey = addressOf(r.publicKey);
        if (ofKey != r.runner) revert KeyIsNotTheRunners(ofKey);
        address signer = ECDSA.recover(_digest(hash), signature);
        if (signer != r.runner) revert SignatureIsNotTheRunners(signer);

        Runner storage s = runners[r.runner];
        if (s.revoked) revert RunnerRevoked();
        if (r.sequence <= s.sequence) revert OldSequence(s.sequence);
        if (r.validUntil <= block.timestamp || r.validUntil > block.timestamp + MAX_LIFE)
            revert BadLife();
        bytes32 measurement = verifier.verify(domainSeparator(), hash, r.teeType, proof);
        if (acceptedUntil[r.teeType][measurement] <= block.timestamp)
            revert MeasurementNotAccepted(r.teeType, measurement);

        s.sequence = r.sequence;
        s.validUntil = r.validUntil;
        s.teeType = r.teeType;
        s.measurement = measurement;
        s.evidenceHash = r.evidenceHash;
        s.configurationHash = r.configurationHash;
        if (s.publicKey.length == 0) s.publicKey = r.publicKey;     // an address has one key
        emit Registered(r.runner, r.sequence, r.validUntil, r.teeType, measurement,
            r.evidenceHash);
    }

    /// Until when the Runner may work: the end of its registration, or of its measurement's
    /// acceptance where that is earlier; 0 where it is revoked or has none.
    function validUntilOf(address runner_) public view returns (uint64) {
        Runner storage s = runners[runner_];
        if (s.revoked) return 0;
        uint64 until = acceptedUntil[s.teeType][s.measurement];
        return until < s.validUntil ? until : s.validUntil;
    }

    function isRunner(address runner_) public view returns (bool) {
        return validUntilOf(runner_) > block.timestamp;
    }

    function runner(address runner_) external view returns (Runner memory) {
        return runners[runner_];
    }

    function facts(address runner_) external view returns (
        uint64 sequence, uint64 validUntil, uint64 epoch, uint8 threshold,
        bytes memory kmsKey, bytes memory shares, bytes memory formerShares,
        address[] memory orchestrators_, address[] memory gateways_)
    {
        epoch = currentEpoch();
        Epoch storage e = epochs[epoch];
        sequence = runners[runner_].sequence;
        validUntil = validUntilOf(runner_);
        (threshold, kmsKey, shares) = (e.threshold, e.key, e.shares);
        if (block.timestamp < e.formerUntil) formerShares = epochs[epoch - 1].shares;
        (orchestrators_, gateways_) = (orchestrators, gateways);
    }

    // ---- results ----

    /// Commit to what a Runner computed.  An attempt of a task has one commitment of each
    /// Runner for good.  One that is there, the same or another, is skipped with an event: the
    /// other results of the batch are published, and a batch can be sent twice.  Tasks that
    /// failed have none.
    /// @param epoch     of the KMS key that the outputs are under
    /// @param signature the Runner's, over TaskResultBatch
    function publish(uint64 epoch, TaskResult[] calldata results, bytes calldata signature)
        external whenNotPaused
    {
        bytes32[] memory hashes = new bytes32[](results.length);
        bytes32[] memory outputs = new bytes32[](results.length);
        for (uint256 i = 0; i < results.length; i++) {
            outputs[i] = hashOutputs(results[i].outputs);
            hashes[i] = keccak256(abi.encode(RESULT, results[i].taskId, results[i].attempt,
                results[i].status, outputs[i]));
        }
        bytes32 batch = keccak256(abi.encode(BATCH, epoch,
            keccak256(abi.encodePacked(hashes))));
        address signer = ECDSA.recover(_digest(batch), signature);
        if (!isRunner(signer)) revert NotARunner(signer);

        bool isComputed = false;
        for (uint256 i = 0; i < results.length; i++) {
            if (results[i].status != 0) continue;
            isComputed = true;
            _commit(results[i].taskId, results[i].attempt, signer, outputs[i]);
        }
        if (!isComputed) revert NothingToPublish();
    }

    /// Are these the outputs that this Runner committed to, of this attempt?  The caller must
    /// know which Runner the task was given to: any registered one can commit to any result.
    function verifyResult(bytes32 taskId, uint32 attempt, address runner_,
        Output[] calldata outputs) external view returns (bool)
    {
        Commitment storage c = commitment[taskId][attempt][runner_];
        return c.time != 0 && c.outputs == hashOutputs(outputs);
    }

    function _commit(bytes32 taskId, uint32 attempt, address runner_, bytes32 outputs) private {
        Commitment storage c = commitment[taskId][attempt][runner_];
        if (c.time != 0) {
            emit Skipped(taskId, runner_, attempt, outputs, c.outputs);
            return;
        }
        (c.time, c.outputs) = (uint64(block.timestamp), outputs);
        emit Published(taskId, runner_, attempt, outputs);
    }

    function hashOutputs(Output[] calldata outputs) public pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](outputs.length);
        for (uint256 i = 0; i < outputs.length; i++)
            hashes[i] = keccak256(abi.encode(OUTPUT, outputs[i].handle,
                keccak256(outputs[i].key), outputs[i].nonce, outputs[i].ciphertextHash));
        return keccak256(abi.encodePacked(hashes));
    }

    // ---- the KMS ----

    /// The epoch whose key values are encrypted under at this block; 0: none yet.
    function currentEpoch() public view returns (uint64) {
        return lastEpoch != 0 && block.number < epochs[lastEpoch].fromBlock ? lastEpoch - 1 :
            lastEpoch;
    }

    function epochAt(uint64 epoch) external view returns (Epoch memory) {
        return epochs[epoch];
    }

    /// Announce the next key.
    /// @param fromBlock   at least the next one, so that all readers of a block agree
    /// @param formerUntil time until which the values of the epoch before can be read; 0 where
    ///                    threshold or number of nodes change
    function announceEpoch(uint64 fromBlock, uint64 formerUntil, uint8 threshold,
        bytes calldata key, bytes calldata shares) external onlyOwner
    {
        Epoch storage former = epochs[lastEpoch];
        uint256 n = shares.length / 33;
        if (lastEpoch != 0 && block.number < former.fromBlock) revert EpochPending();
        if (fromBlock <= block.number) revert EpochInThePast();
        if (n == 0 || n > MAX_NODES || shares.length % 33 != 0) revert BadShares();
        if (threshold == 0 || threshold > n) revert BadThreshold();
        if (formerUntil != 0 && (lastEpoch == 0 || former.threshold != threshold ||
            former.shares.length != shares.length)) revert BadThreshold();
        addressOf(key);
        for (uint256 i = 0; i < n; i++) addressOf(shares[33 * i:33 * i + 33]);
        epochs[++lastEpoch] = Epoch(fromBlock, formerUntil, threshold, key, shares);
        emit EpochAnnounced(lastEpoch, fromBlock, formerUntil, key);
    }

    // ---- the owner ----

    /// Accept a measurement until a time; type(uint64).max: until it is retired.  To retire one,
    /// name the time at which its Runners must have been replaced; the past stops them now.
    function setMeasurement(uint8 teeType, bytes32 measurement, uint64 until) external onlyOwner {
        acceptedUntil[teeType][measurement] = until;
        emit MeasurementSet(teeType, measurement, until);
    }

    function setRevoked(address runner_, bool revoked) external onlyOwner {
        runners[runner_].revoked = revoked;
        emit RevokedSet(runner_, revoked);
    }

    function setOrchestrators(address[] calldata list) external onlyOwner {
        if (list.length > MAX_LIST) revert ListTooLong();
        orchestrators = list;
        emit OrchestratorsSet(list);
    }

    function setGateways(address[] calldata list) external onlyOwner {
        if (list.length > MAX_LIST) revert ListTooLong();
        gateways = list;
        emit GatewaysSet(list);
    }

    function setVerifier(IAttestationVerifier verifier_) external onlyOwner {
        _setVerifier(verifier_);
    }

    /// While paused nothing is registered and nothing published; who is registered works on.
    function setPaused(bool paused_) external onlyOwner {
        paused = paused_;
        emit PausedSet(paused_);
    }

    function _setVerifier(IAttestationVerifier verifier_) private {
        verifier = verifier_;
        emit VerifierSet(address(verifier_));
    }

    // ---- typed data ----

    function domainSeparator() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN, keccak256("TEE Runner"), keccak256("1"),
            block.chainid, address(this)));
    }

    function hashRegistration(Registration calldata r) public pure returns (bytes32) {
        return keccak256(abi.encode(REGISTRATION, r.runner, keccak256(r.publicKey), r.teeType,
            r.evidenceHash, r.configurationHash, r.sequence, r.validUntil));
    }

    function _digest(bytes32 hash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), hash));
    }

    // ---- secp256k1 ----

    uint256 private constant P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;

    /// The address of a compressed public key.  Reverts where it is no point of the curve.
    /// y is a square root modulo P, which is 3 modulo 4: SEC 1, section 2.3.4.
    function addressOf(bytes calldata key) public view returns (address) {
        if (key.length != 33 || (key[0] != 0x02 && key[0] != 0x03)) revert NotAPoint();
        uint256 x = uint256(bytes32(key[1:33]));
        if (x >= P) revert NotAPoint();
        uint256 square = addmod(mulmod(mulmod(x, x, P), x, P), 7, P);
        (bool ok, bytes memory root) = address(5).staticcall(
            abi.encode(32, 32, 32, square, (P + 1) / 4, P));
        uint256 y = abi.decode(root, (uint256));
        if (!ok || mulmod(y, y, P) != square) revert NotAPoint();
        if (y % 2 != uint8(key[0]) % 2) y = P - y;
        return address(uint160(uint256(keccak256(abi.encode(x, y)))));
    }
}
