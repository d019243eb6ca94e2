// SPDX-License-Identifier: Apache-2.0
//
// Reads tx_dump's lines: each raw transaction, as ethers reads it, must be what its
// fields say, from its signer, under its hash, and the one encoding of that.
import { readFileSync } from "node:fs";
import { Transaction } from "ethers";

const lines = readFileSync(process.argv[2], "utf8").trim().split("\n");
let passed = 0, failed = 0;
for (const line of lines) {
	const { raw, hash, from, ...fields } = JSON.parse(line);
	let ok = false, t;
	try {
		t = Transaction.from(raw);
		ok = t.type === 2 && t.hash === hash && t.serialized === raw && t.value === 0n &&
		    t.from.toLowerCase() === from && t.accessList.length === 0 &&
		    (t.to?.toLowerCase() ?? undefined) === fields.to &&
		    Object.entries(fields).every(([name, v]) =>
			String(t[name]).toLowerCase() === String(v));
	} catch (e) {
		console.log(e.message.slice(0, 200));
	}
	ok ? passed++ : failed++;
	if (!ok)
		console.log(`FAIL ${line.slice(0, 300)}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 400 ? 0 : 1);
