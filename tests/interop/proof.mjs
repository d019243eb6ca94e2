// SPDX-License-Identifier: Apache-2.0
//
// proof.mjs N: prints lines for tests/unit/test_proof: of N tries
//     trie ROOT KEY VALUE NODE...              a value of - : there is none
// of a node at each fork, and of Ethereum's first block,
//     header HASH JSON
// and of Registries on it
//     registry BLOCK TIME FACTS                what facts() returns there
//     account ADDRESS STATEROOT CODEHASH NODE...
//     word SLOT VALUE                          of its storage, where it changed
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createMPT, createMerkleProof } from "@ethereumjs/mpt";
import { Contract, ContractFactory, JsonRpcProvider, SigningKey, Wallet, ZeroAddress, ZeroHash,
    concat } from "ethers";
import { compile, start } from "./node.mjs";

const hex = (b) => `0x${Buffer.from(b).toString("hex")}`;
const pick = (n) => randomBytes(4).readUInt32BE() % n;

// ---- tries: of random keys, and of such as differ late, so that nodes are embedded ----

function key(like) {
	const k = randomBytes(32);
	const same = like && pick(3) > 0 ? 28 + pick(4) : 0;
	if (like)
		Buffer.from(like).copy(k, 0, 0, same);
	if (same > 0 && pick(2) > 0)
		k[same] = like[same] & 0xf0 | k[same] & 0xf;
	return k;
}

for (let i = 0; i < Number(process.argv[2]); i++) {
	const trie = await createMPT(), keys = [];
	for (let n = [0, 1, 2, 5, 40, 400][i % 6]; n > 0; n--) {
		keys.push(key(keys[pick(keys.length || 1)]));
		await trie.put(keys.at(-1), randomBytes(1 + pick(pick(2) ? 3 : 40)));
	}
	const asked = [...keys.slice(-4), ...Array.from({ length: 4 }, () => key(keys[pick(keys.length || 1)]))];
	for (const k of asked) {
		const value = await trie.get(k);
		// It tells embedded nodes as well, which nodes of a chain do not.
		const nodes = (await createMerkleProof(trie, k)).filter((n, i) => i === 0 || n.length >= 32);
		console.log(["trie", hex(trie.root()), hex(k), value ? hex(value) : "-", ...nodes.map(hex)].join(" "));
	}
}

// ---- headers ---------------------------------------------------------------------------

const zeros = (n) => `0x${"0".repeat(2 * n)}`;
const EMPTY = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
const header = (b) => console.log("header", b.hash, JSON.stringify(b));
header({ hash: "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
    parentHash: ZeroHash, sha3Uncles: "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    miner: ZeroAddress, stateRoot: "0xd7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544",
    transactionsRoot: EMPTY, receiptsRoot: EMPTY, logsBloom: zeros(256), difficulty: "0x400000000",
    number: "0x0", gasLimit: "0x1388", gasUsed: "0x0", timestamp: "0x0",
    extraData: "0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa",
    mixHash: ZeroHash, nonce: "0x0000000000000042" });

async function on(fork) {
	const node = await start("--hardfork", fork);
	const provider = new JsonRpcProvider(node.url, undefined,
	    { cacheTimeout: -1, pollingInterval: 50, staticNetwork: true });
	return { provider, stop: () => (provider.destroy(), node.stop()) };
}
for (const fork of ["berlin", "london", "paris", "shanghai", "cancun", "prague"]) {
	const { provider, stop } = await on(fork);
	const account = await provider.getSigner(0);
	await (await account.sendTransaction({ to: Wallet.createRandom().address, value: 1n, type: 0, gasPrice: 10n ** 10n })).wait();
	header(await provider.send("eth_getBlockByNumber", ["latest", false]));
	stop();
}

// ---- Registries: their facts, by an EVM, and their storage -------------------------------

const built = compile({ "Registry.sol": readFileSync("Registry.sol", "utf8") },
    { optimizer: { enabled: true, runs: 200 }, evmVersion: "shanghai" })["Registry.sol"];
const { provider, stop } = await on("prague");
const owner = await provider.getSigner(0);
const addresses = (n) => Array.from({ length: n }, () => Wallet.createRandom().address);
const points = (n) => concat(Array.from({ length: n }, () =>
	SigningKey.computePublicKey(Wallet.createRandom().signingKey.publicKey, true)));
const registry = await new ContractFactory(built.Registry.abi, built.Registry.evm.bytecode.object, owner)
    .deploy(owner.address, Wallet.createRandom().address);
await registry.waitForDeployment();
const done = async (call) => (await call).wait();

const said = new Map();
async function show() {
	const b = await provider.send("eth_getBlockByNumber", ["latest", false]);
	const data = registry.interface.encodeFunctionData("facts", [ZeroAddress]);
	console.log("registry", Number(b.number), Number(b.timestamp),
	    await provider.send("eth_call", [{ to: registry.target, data }, b.number]));
	const proof = await provider.send("eth_getProof", [registry.target, [], b.number]);
	console.log("account", registry.target, b.stateRoot, proof.codeHash, ...proof.accountProof);
	const { accounts } = JSON.parse(await dump());
	const { storage } = accounts[Object.keys(accounts).find((a) => a.toLowerCase() === registry.target.toLowerCase())];
	for (const [slot, value] of Object.entries(storage)) {
		if (said.get(slot) !== value)
			console.log("word", slot, value);
		said.set(slot, value);
	}
}
// anvil_dumpState is JSON in gzip.
async function dump() {
	const { gunzipSync } = await import("node:zlib");
	return gunzipSync(Buffer.from((await provider.send("anvil_dumpState", [])).slice(2), "hex")).toString();
}
const announce = async (n, formerUntil = 0n) => done(registry.announceEpoch(
    BigInt(await provider.getBlockNumber()) + 4n, formerUntil, 1 + pick(n), points(1), points(n)));
const mine = (n) => provider.send("anvil_mine", [`0x${n.toString(16)}`]);
const time = async () => BigInt((await provider.getBlock("latest")).timestamp);

await announce(3);
await mine(5);
await done(registry.setOrchestrators(addresses(1)));
await done(registry.setGateways(addresses(2)));
await show();
await announce(64);
await show();			// announced, but not yet
await mine(5);
await done(registry.setOrchestrators(addresses(16)));
await done(registry.setGateways(addresses(16)));
await show();
const last = await registry.epochAt(2);
await done(registry.announceEpoch(BigInt(await provider.getBlockNumber()) + 4n, await time() + 1000n,
    last.threshold, points(1), points(64)));
await show();
await mine(5);
await show();			// two keys
await provider.send("evm_increaseTime", [2000]);
await mine(1);
await show();			// and one again
await done(registry.setOrchestrators([]));
await done(registry.setGateways(addresses(1)));
await announce(1);
await mine(5);
await show();
stop();
process.exit(0);
