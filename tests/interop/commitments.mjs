// SPDX-License-Identifier: Apache-2.0
//
// commitments.mjs URL REGISTRY RUNNER[,RUNNER] FILE...: each file is what `tee-devnet submit' printed of
// a task.  Its outputs, as publish() was called with them, must have the handles that the client
// was told, and be what the contract says the Runner committed to; changed, they must not.
// Prints how many commitments there are.
import { readFileSync } from "node:fs";
import { Contract, JsonRpcProvider } from "ethers";

const [url, address, list, ...files] = process.argv.slice(2);
const runners = list.split(",");
const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1 });
const output = "(bytes32 handle,bytes key,bytes12 nonce,bytes32 ciphertextHash)[] outputs";
const registry = new Contract(address, [
	`function publish(uint64 epoch,(bytes32 taskId,uint32 attempt,uint16 status,${output})[] results,bytes signature)`,
	`function verifyResult(bytes32 taskId,uint32 attempt,address runner,${output}) view returns (bool)`,
	"event Published(bytes32 indexed taskId,address indexed runner,uint32 attempt,bytes32 outputs)",
], provider);

const events = await registry.queryFilter("Published", 0);
const published = new Map();
for (const e of events) {
	const t = await e.getTransaction();
	for (const r of registry.interface.decodeFunctionData("publish", t.data).results)
		if (r.taskId === e.args.taskId && r.attempt === e.args.attempt)
			published.set(r.taskId, { attempt: r.attempt, runner: e.args.runner,
			    them: r.outputs.toArray().map((o) => o.toArray()) });
}
let wrong = 0;
for (const file of files) {
	const { task, outputs } = JSON.parse(readFileSync(file, "utf8"));
	const { attempt, runner: by, them } = published.get(task) ?? {};
	const told = Object.values(outputs);
	const ok = them !== undefined && them.length === told.length &&
	    told.every((handle) => them.some((o) => o[0] === handle)) &&
	    runners.includes(by.toLowerCase()) &&
	    await registry.verifyResult(task, attempt, by, them) &&
	    !await registry.verifyResult(task, attempt + 1n, by, them) &&
	    !await registry.verifyResult(task, attempt, by, them.map((o) => [o[0], o[1], "0x" + "00".repeat(12), o[3]]));
	if (!ok) {
		wrong++;
		console.error(`${task}: not as published`);
	}
}
console.log(events.length);
provider.destroy();
process.exit(wrong === 0 ? 0 : 1);
