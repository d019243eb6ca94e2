// SPDX-License-Identifier: Apache-2.0
//
// proto/Registry.sol on a real node: every role does what it may, every revert is
// provoked by who may not.  Prints the gas of each call.  Ends in `N passed, N failed'.
// Its arguments are proto/Registry.hex, which must be what the contracts compile to, with
// --write it is written; and src/registry/layout.def, which must be where they have what.
import { readFileSync, writeFileSync } from "node:fs";
import { AbiCoder, Contract, ContractFactory, JsonRpcProvider, SigningKey, TypedDataEncoder,
    Wallet, ZeroAddress, ZeroHash, concat, hexlify, id, keccak256, randomBytes, toBeHex } from "ethers";
import { compile, start } from "./node.mjs";

const MAX = 2n ** 64n - 1n, DAY = 86400n;
const built = compile({ "Registry.sol": readFileSync("Registry.sol", "utf8") },
    { optimizer: { enabled: true, runs: 200 }, evmVersion: "shanghai",
    metadata: { bytecodeHash: "none" } }, true)["Registry.sol"];
const [hexFile, layoutFile, write] = process.argv.slice(2);
const hex = ["Registrars", "Registry"].map((name) =>
    `${name.toLowerCase()} ${built[name].evm.bytecode.object}\n`).join("");
if (write === "--write") {
	writeFileSync(hexFile, hex);
	process.exit(0);
}
const node = await start();
const provider = new JsonRpcProvider(node.url, undefined,
    { cacheTimeout: -1, pollingInterval: 50, staticNetwork: true });
const [owner, payer, other] = await Promise.all([0, 1, 2].map((i) => provider.getSigner(i)));
const chainId = (await provider.getNetwork()).chainId;

// ---- what is counted ---------------------------------------------------------

let passed = 0, failed = 0;
const gas = new Map();
function check(name, ok, detail = "") {
	ok ? passed++ : failed++;
	if (!ok)
		console.log(`FAIL ${name} ${detail}`);
}
const same = (name, a, b) => check(name, String(a) === String(b), `${a} is not ${b}`);

async function mined(name, promise) {
	const receipt = await (await promise).wait();
	if (!gas.has(name))
		gas.set(name, []);
	gas.get(name).push(receipt.gasUsed);
	return receipt;
}

// It reverts with this error of the contract, or of another.
const interfaces = Object.values(built).map((c) => new Contract(ZeroAddress, c.abi).interface);
async function reverts(name, error, promise) {
	let is = "nothing";
	try {
		await promise;
	} catch (e) {
		const data = e.data ?? e.info?.error?.data?.data ?? e.info?.error?.data;
		is = interfaces.map((i) => data && i.parseError(data)?.name).find((x) => x) ??
		    e.shortMessage;
	}
	same(`${name}: reverts with ${error}`, is, error);
}

check("proto/Registry.hex is what proto/Registry.sol compiles to (registry.sh --write)",
    readFileSync(hexFile, "utf8") === hex);

{
	// What chain proves from storage, by the compiler's own account of it.
	const { storage, types } = built.Registry.storageLayout;
	const epoch = types[types[storage.find((m) => m.label === "epochs").type].value];
	const lists = { Registry: storage, Epoch: epoch.members };
	const rows = [...readFileSync(layoutFile, "utf8").matchAll(/^OF\((\w+), (\w+), (\d+), (\d+), (\d+)\)$/gm)];
	same("rows of src/registry/layout.def", rows.length, 9);
	for (const [, list, label, ...where] of rows) {
		const is = lists[list].find((m) => m.label === label);
		same(`where storage has ${label}`, where, [is?.slot, is?.offset, types[is?.type]?.numberOfBytes]);
	}
	const type = (list, label) => types[lists[list].find((m) => m.label === label)?.type]?.label;
	same("what it has there", [type("Registry", "epochs"), type("Registry", "orchestrators"),
	    type("Registry", "gateways"), type("Epoch", "key"), type("Epoch", "shares")],
	    ["mapping(uint64 => struct Registry.Epoch)", "address[]", "address[]", "bytes", "bytes"]);
}

// ---- the contracts, and what is signed for them --------------------------------

async function deploy(name, ...args) {
	const { abi, evm } = built[name];
	const c = await new ContractFactory(abi, evm.bytecode.object, owner).deploy(...args);
	const receipt = await c.deploymentTransaction().wait();
	gas.set(`deploy ${name}`, [receipt.gasUsed]);
	return c;
}

const registrars = await deploy("Registrars", owner.address);
const registry = await deploy("Registry", owner.address, registrars.target);
// ethers has a member of that name.
const record = registry.getFunction("runner");
const domain = { name: "TEE Runner", version: "1", chainId, verifyingContract: registry.target };

// The document's indented lines, as wallets take them.
const all = {};
for (const [, name, fields] of readFileSync("TYPED-DATA.md", "utf8").matchAll(/^ {4}([A-Z]\w+)\((.*)\)$/gm))
	if (name !== "EIP712Domain")
		all[name] = fields.split(",").map((f) => {
			const [type, field] = f.split(" ");
			return { type, name: field };
		});
const types = { Registration: { Registration: all.Registration }, Verdict: { Verdict: all.Verdict },
    TaskResultBatch: { TaskResultBatch: all.TaskResultBatch, TaskResult: all.TaskResult, Output: all.Output } };

const registrar = Wallet.createRandom();
const MEASUREMENT = id("what was started");
const now = async () => BigInt((await provider.getBlock("latest")).timestamp);
const keyOf = (w) => SigningKey.computePublicKey(w.signingKey.publicKey, true);

async function registration(w, change = {}) {
	return { runner: w.address, publicKey: keyOf(w), teeType: 2, evidenceHash: id("evidence"),
	    configurationHash: id("configuration"), sequence: 1n, validUntil: await now() + DAY, ...change };
}

async function proofOf(r, { by = registrar, verdict = 0, measurement = MEASUREMENT } = {}) {
	const v = { registration: TypedDataEncoder.hashStruct("Registration", types.Registration, r),
	    measurement, verdict, verifier: "tee-attest 1" };
	return AbiCoder.defaultAbiCoder().encode(["bytes32", "uint8", "string", "bytes"],
	    [measurement, verdict, v.verifier, await by.signTypedData(domain, types.Verdict, v)]);
}

// Registers, with changes of what is signed, of the proof, or of who signs.
async function register(w, change, proof, by = w) {
	const r = await registration(w, change);
	return registry.connect(payer).register(r,
	    await by.signTypedData(domain, types.Registration, r), await proofOf(r, proof));
}

// ---- the owner, and those who are not --------------------------------------------

await reverts("owner 0", "OwnableInvalidOwner", deploy("Registry", ZeroAddress, registrars.target));
const points = (n) => concat(Array.from({ length: n }, () => keyOf(Wallet.createRandom())));
const epoch = async (change = {}) => {
	const e = { fromBlock: BigInt(await provider.getBlockNumber()) + 10n, until: 0n, threshold: 2,
	    key: points(1), shares: points(3), ...change };
	return [e.fromBlock, e.until, e.threshold, e.key, e.shares];
};
for (const [name, args] of [["setMeasurement", [2, MEASUREMENT, MAX]], ["setRevoked", [other.address, true]],
    ["setOrchestrators", [[other.address]]], ["setGateways", [[other.address]]],
    ["setVerifier", [registrars.target]], ["setPaused", [true]], ["announceEpoch", await epoch()],
    ["transferOwnership", [other.address]]])
	await reverts(`${name} by another`, "OwnableUnauthorizedAccount", registry.connect(other)[name](...args));
await reverts("setRegistrar by another", "OwnableUnauthorizedAccount",
    registrars.connect(other).setRegistrar(registrar.address, true));

await mined("transferOwnership", registry.transferOwnership(other.address));
same("a transfer is of two steps", await registry.owner(), owner.address);
await reverts("a step by a third", "OwnableUnauthorizedAccount", registry.connect(payer).acceptOwnership());
await mined("acceptOwnership", registry.connect(other).acceptOwnership());
same("the new owner", await registry.owner(), other.address);
await mined("transferOwnership", registry.connect(other).transferOwnership(owner.address));
await mined("acceptOwnership", registry.acceptOwnership());

// ---- registration ------------------------------------------------------------------

const runner = Wallet.createRandom();
await reverts("no registrar yet", "NotARegistrar", register(runner));
await mined("setRegistrar", registrars.setRegistrar(registrar.address, true));
await reverts("no measurement yet", "MeasurementNotAccepted", register(runner));
await mined("setMeasurement", registry.setMeasurement(2, MEASUREMENT, MAX));
same("the domain", await registry.domainSeparator(), TypedDataEncoder.hashDomain(domain));
check("nobody is a Runner", !(await registry.isRunner(runner.address)));

await reverts("evidence refused", "Refused", register(runner, {}, { verdict: 1 }));
await reverts("evidence undecided", "Refused", register(runner, {}, { verdict: 3 }));
await reverts("another's verdict", "NotARegistrar", register(runner, {}, { by: Wallet.createRandom() }));
await reverts("a measurement of another TEE", "MeasurementNotAccepted", register(runner, { teeType: 1 }));
await reverts("another measurement", "MeasurementNotAccepted", register(runner, {}, { measurement: id("x") }));
await reverts("sequence 0", "OldSequence", register(runner, { sequence: 0n }));
await reverts("of the past", "BadLife", register(runner, { validUntil: await now() }));
await reverts("of 366 days", "BadLife", register(runner, { validUntil: await now() + 366n * DAY }));
await reverts("signed by another", "SignatureIsNotTheRunners", register(runner, {}, {}, Wallet.createRandom()));
await reverts("the key of another", "KeyIsNotTheRunners",
    register(runner, { publicKey: keyOf(Wallet.createRandom()) }));
for (const [name, publicKey] of [["no key", "0x"], ["an uncompressed key", runner.signingKey.publicKey],
    ["a prefix of 4", "0x04" + keyOf(runner).slice(4)],
    ["x above the field", "0x02" + "f".repeat(64)], ["x without a point", "0x02" + toBeHex(5n, 32).slice(2)]])
	await reverts(name, "NotAPoint", register(runner, { publicKey }));
{
	const r = await registration(runner);
	const signature = await runner.signTypedData(domain, types.Registration, r);
	const proof = await proofOf(r);
	const n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
	const high = concat([signature.slice(0, 66), toBeHex(n - BigInt("0x" + signature.slice(66, 130)), 32),
	    signature.endsWith("1b") ? "0x1c" : "0x1b"]);
	await reverts("the other s", "ECDSAInvalidSignatureS", registry.register(r, high, proof));
	await reverts("64 bytes", "ECDSAInvalidSignatureLength", registry.register(r, signature.slice(0, 130), proof));
	await reverts("v of 0", "ECDSAInvalidSignature", registry.register(r, signature.slice(0, 130) + "00", proof));
	const elsewhere = await runner.signTypedData({ ...domain, chainId: 5n }, types.Registration, r);
	await reverts("for another chain", "SignatureIsNotTheRunners", registry.register(r, elsewhere, proof));
	for (const field of ["evidenceHash", "configurationHash"])
		await reverts(`${field} changed`, "SignatureIsNotTheRunners",
		    registry.register({ ...r, [field]: id("other") }, signature, proof));
	const receipt = await mined("register", registry.connect(other).register(r, signature, proof));
	const event = registry.interface.parseLog(receipt.logs[0]);
	same("its event", [event.name, event.args.runner, event.args.measurement],
	    ["Registered", runner.address, MEASUREMENT]);
	await reverts("the same again", "OldSequence", registry.register(r, signature, proof));
}
check("it is a Runner", await registry.isRunner(runner.address));
{
	const s = await record(runner.address);
	same("its record", [s.sequence, s.teeType, s.measurement, s.evidenceHash, s.publicKey],
	    [1, 2, MEASUREMENT, id("evidence"), keyOf(runner)]);
}
await mined("register (refresh)", register(runner, { sequence: 7n }));
same("sequences may skip", (await record(runner.address)).sequence, 7);
await reverts("an older one", "OldSequence", register(runner, { sequence: 6n }));
for (let i = 0; i < 20; i++) {
	const w = Wallet.createRandom();
	same("addressOf", await registry.addressOf(keyOf(w)), w.address);
}

// ---- revocation, measurements, time ---------------------------------------------------

await mined("setRevoked", registry.setRevoked(runner.address, true));
check("revoked", !(await registry.isRunner(runner.address)));
await reverts("a revoked one", "RunnerRevoked", register(runner, { sequence: 8n }));
same("facts of a revoked one", (await registry.facts(runner.address)).validUntil, 0);
await mined("setRevoked", registry.setRevoked(runner.address, false));
check("reinstated", await registry.isRunner(runner.address));
const overlap = await now() + 100n;
await mined("setMeasurement", registry.setMeasurement(2, MEASUREMENT, overlap));
same("retired with an overlap", (await registry.facts(runner.address)).validUntil, overlap);
check("in the overlap", await registry.isRunner(runner.address));
await provider.send("evm_increaseTime", [101]);
await provider.send("evm_mine", []);
check("behind it", !(await registry.isRunner(runner.address)));
await reverts("registers no more", "MeasurementNotAccepted", register(runner, { sequence: 9n }));
await mined("setMeasurement", registry.setMeasurement(2, MEASUREMENT, MAX));
await mined("register (refresh)", register(runner, { sequence: 9n, validUntil: await now() + 60n }));
await provider.send("evm_increaseTime", [61]);
await provider.send("evm_mine", []);
check("expired", !(await registry.isRunner(runner.address)));
await mined("register (refresh)", register(runner, { sequence: 10n }));

// ---- lists, the KMS ---------------------------------------------------------------------

const addresses = (n) => Array.from({ length: n }, () => Wallet.createRandom().address);
for (const f of ["setOrchestrators", "setGateways"]) {
	await reverts(`${f} of 17`, "ListTooLong", registry[f](addresses(17)));
	await mined(`${f} (16)`, registry[f](addresses(16)));
}
const orchestrators = addresses(2), gateways = addresses(1);
await mined("setOrchestrators (2)", registry.setOrchestrators(orchestrators));
await mined("setGateways (1)", registry.setGateways(gateways));

const announce = async (change) => registry.announceEpoch(...await epoch(change));
await reverts("no share", "BadShares", announce({ shares: "0x" }));
await reverts("65 shares", "BadShares", announce({ shares: points(65) }));
await reverts("half a share", "BadShares", announce({ shares: hexlify(randomBytes(40)) }));
await reverts("a share that is no point", "NotAPoint", announce({ shares: concat(["0x05", randomBytes(32)]), threshold: 1 }));
await reverts("a key that is no point", "NotAPoint", announce({ key: "0x" }));
await reverts("threshold 0", "BadThreshold", announce({ threshold: 0 }));
await reverts("threshold 4 of 3", "BadThreshold", announce({ threshold: 4 }));
await reverts("an overlap with nothing", "BadThreshold", announce({ until: MAX }));
await reverts("from this block", "EpochInThePast", announce({ fromBlock: BigInt(await provider.getBlockNumber()) }));
const first = await epoch(), mine = () => provider.send("anvil_mine", ["0xa"]);
await mined("announceEpoch (3 nodes)", registry.announceEpoch(...first));
same("not yet", [await registry.currentEpoch(), (await registry.facts(runner.address)).kmsKey], [0, "0x"]);
await reverts("one at a time", "EpochPending", announce());
await mine();
{
	const f = await registry.facts(runner.address);
	same("facts", [f.sequence, f.epoch, f.threshold, f.kmsKey, f.shares, f.formerShares, [...f.orchestrators_ ?? f[7]], [...f[8]]],
	    [10, 1, 2, first[3], first[4], "0x", orchestrators, gateways]);
}
await reverts("an overlap with another threshold", "BadThreshold", announce({ until: MAX, threshold: 3 }));
await reverts("an overlap with more nodes", "BadThreshold", announce({ until: MAX, shares: points(4) }));
const second = await epoch({ until: await now() + 1000n });
await mined("announceEpoch (3 nodes)", registry.announceEpoch(...second));
same("the old key until its block", (await registry.facts(runner.address)).kmsKey, first[3]);
await mine();
{
	const f = await registry.facts(runner.address);
	same("then the new, with the shares of the old", [f.epoch, f.kmsKey, f.shares, f.formerShares],
	    [2, second[3], second[4], first[4]]);
}
await provider.send("evm_increaseTime", [1001]);
await mine();
same("until the overlap is over", (await registry.facts(runner.address)).formerShares, "0x");
same("an epoch of the past", (await registry.epochAt(1)).key, first[3]);
await mined("announceEpoch (64 nodes)", announce({ shares: points(64), threshold: 33 }));

// ---- results -------------------------------------------------------------------------------

const output = () => ({ handle: hexlify(randomBytes(32)), key: points(1), nonce: hexlify(randomBytes(12)),
    ciphertextHash: hexlify(randomBytes(32)) });
const result = (n, change = {}) => ({ taskId: hexlify(randomBytes(32)), attempt: 1, status: 0,
    outputs: Array.from({ length: n }, output), ...change });
const signed = (results, w = runner) => w.signTypedData(domain, types.TaskResultBatch, { epoch: 2, results });
const publish = async (results, w) => registry.connect(payer).publish(2, results, await signed(results, w));

await reverts("by no Runner", "NotARunner", publish([result(1)], Wallet.createRandom()));
const one = result(2);
const receipt = await mined("publish (1 task, 2 outputs)", publish([one]));
{
	const e = registry.interface.parseLog(receipt.logs[0]).args;
	const c = await registry.commitment(one.taskId, 1, runner.address);
	same("the event", [e.taskId, e.runner, e.attempt], [one.taskId, runner.address, 1]);
	same("the commitment", [c.time, c.outputs], [await now(), e.outputs]);
	same("is the keccak of the outputs", c.outputs, keccak256(concat(one.outputs.map((o) =>
	    TypedDataEncoder.hashStruct("Output", { Output: all.Output }, o)))));
}
const verified = ({ taskId, attempt, outputs }, w = runner) =>
    registry.verifyResult(taskId, attempt, w.address, outputs);
check("verifyResult", await verified(one));
check("other outputs", !(await verified({ ...one, outputs: [output(), output()] })));
check("fewer outputs", !(await verified({ ...one, outputs: one.outputs.slice(1) })));
check("another attempt", !(await verified({ ...one, attempt: 2 })));
check("another Runner", !(await verified(one, Wallet.createRandom())));
check("an unknown task", !(await verified({ ...one, taskId: id("unknown"), outputs: [] })));
await reverts("failures alone", "NothingToPublish", publish([result(0, { status: 302 })]));
await reverts("nothing", "NothingToPublish", publish([]));
const batch = [result(1), result(0, { status: 302 }), ...Array.from({ length: 14 }, () => result(1))];
same("a batch with a failure", (await mined("publish (16 tasks)", publish(batch))).logs.length, 15);
check("of the failure nothing", !(await verified(batch[1])));
{
	const signature = await signed([result(1), result(1)]);
	await reverts("another epoch", "NotARunner", registry.publish(3, [one], await signed([one])));
	await reverts("a part of a batch", "NotARunner", registry.publish(2, [result(1)], signature));
}
await mined("setRevoked", registry.setRevoked(runner.address, true));
await reverts("by a revoked Runner", "NotARunner", publish([result(1)]));
check("what was published stands", await verified(one));
await mined("setRevoked", registry.setRevoked(runner.address, false));

// ---- results that are there already: skipped, by name ---------------------------------------

// Of a transaction's events: their names and tasks, and whether what was committed differs.
const told = (receipt) => receipt.logs.map((l) => registry.interface.parseLog(l)).map(({ name, args }) =>
    `${name} ${args.taskId}${args.committed && args.committed !== args.outputs ? " differs" : ""}`);
const outcome = (name, list) => list.map((r) => `${name} ${r.taskId}`);
{
	// The very same transaction, by whoever saw it first; then by the Runner's account.
	const list = [result(1), result(2), result(0)];
	const args = [2, list, await signed(list)];
	same("a front-runner who sends the same", told(await mined("publish (3 tasks)",
	    registry.connect(other).publish(...args))), outcome("Published", list));
	for (const name of ["then the Runner's own", "and the same again"])
		same(name, told(await mined("publish (again)", registry.connect(payer).publish(...args))),
		    outcome("Skipped", list));
	check("it is the Runner's all the same", (await Promise.all(list.map((r) => verified(r)))).every((x) => x));
}
const rival = Wallet.createRandom();
await mined("register", register(rival));
{
	// Another registered Runner is first with results of its own invention.
	const honest = [result(1), result(1)], forged = honest.map((r) => ({ ...r, outputs: [output()] }));
	same("another Runner comes first", told(await mined("publish (2 tasks)", publish(forged, rival))),
	    outcome("Published", forged));
	same("and blocks nothing", told(await mined("publish (2 tasks)", publish(honest))),
	    outcome("Published", honest));
	same("each has its own", await Promise.all([verified(honest[0]), verified(forged[0], rival),
	    verified(forged[0]), verified(honest[0], rival)]), [true, true, false, false]);
}
{
	// A second attempt seals its outputs again: they differ.
	const first = result(1), second = { ...first, attempt: 2, outputs: [output()] };
	await mined("publish (1 task)", publish([first]));
	same("an honest second attempt", told(await mined("publish (1 task)", publish([second]))),
	    outcome("Published", [second]));
	check("both stand", await verified(first) && await verified(second));
	check("each by its attempt", !(await verified({ ...second, attempt: 1 })));
}
{
	const committed = result(1), conflict = { ...committed, outputs: [output()] };
	await mined("publish (1 task)", publish([committed]));
	const list = Array.from({ length: 64 }, () => result(1));
	list[20] = conflict;
	const receipt = await mined("publish (64 tasks)", publish(list));
	same("one conflict among 64", told(receipt), list.map((r) => r === conflict ?
	    `Skipped ${r.taskId} differs` : `Published ${r.taskId}`));
	check("the 63 are published", (await Promise.all(list.map((r) => verified(r)))).filter((x) => x).length === 63);
	check("what was committed to stands", await verified(committed) && !(await verified(conflict)));
	// GAS, GAS_TASK and GAS_OUTPUT of src/keys/publish.c.
	check("in the gas that a Runner allows", receipt.gasUsed < 80000n + 64n * (80000n + 8000n),
	    String(receipt.gasUsed));
}
{
	const r = result(1), twice = [r, { ...r, outputs: [output()] }];
	same("one task twice in a batch", told(await mined("publish (2 tasks)", publish(twice))),
	    [`Published ${r.taskId}`, `Skipped ${r.taskId} differs`]);
	check("the first stands", await verified(r));
	same("skipped alone", told(await mined("publish (again)", publish(twice.slice(1)))), [`Skipped ${r.taskId} differs`]);
}

// ---- pause, another verifier ----------------------------------------------------------------

await mined("setPaused", registry.setPaused(true));
await reverts("register while paused", "IsPaused", register(runner, { sequence: 11n }));
await reverts("publish while paused", "IsPaused", publish([result(1)]));
check("who is registered works on", await registry.isRunner(runner.address));
await mined("setPaused", registry.setPaused(false));
await mined("setRegistrar", registrars.setRegistrar(registrar.address, false));
await reverts("a registrar no more", "NotARegistrar", register(runner, { sequence: 11n }));
const others = await deploy("Registrars", owner.address);
await mined("setRegistrar", others.setRegistrar(registrar.address, true));
await mined("setVerifier", registry.setVerifier(others.target));
await mined("register (refresh)", register(runner, { sequence: 11n }));
same("another verifier in its place", (await record(runner.address)).sequence, 11);
{
	// Whoever the verifier is, insecure evidence is accepted by name alone.
	const w = Wallet.createRandom(), change = { teeType: 0 }, proof = { measurement: ZeroHash };
	await reverts("insecure evidence", "MeasurementNotAccepted", register(w, change, proof));
	await mined("setMeasurement", registry.setMeasurement(0, ZeroHash, MAX));
	await mined("register", register(w, change, proof));
	check("by name", await registry.isRunner(w.address));
}

// ---- every error was provoked, and every function called --------------------------------------

const said = new Set();
for (const f of built.Registry.abi.filter((x) => x.type === "function" && x.stateMutability === "nonpayable"))
	if (!["renounceOwnership"].includes(f.name))
		check(`${f.name} was called`, [...gas.keys()].some((k) => k.split(" ")[0] === f.name));
for (const [name, g] of [...gas].sort())
	console.log(`${name.padEnd(32)} ${String(g.reduce((a, b) => a > b ? a : b)).padStart(9)} gas`);
node.stop();
provider.destroy();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
