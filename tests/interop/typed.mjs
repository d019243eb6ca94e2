// SPDX-License-Identifier: Apache-2.0
//
// Reads typed_dump's lines, hashes each message with ethers from the types as
// proto/TYPED-DATA.md has them, recovers its signer, and signs it anew for
// `typed_dump verify'.  Writes these signatures to the file that it is given.
import { readFileSync, writeFileSync } from "node:fs";
import { TypedDataEncoder, Wallet, id, verifyTypedData } from "ethers";

const [document, dump, signatures] = process.argv.slice(2);

// The document's indented lines: Name(type field,...)
const text = readFileSync(document, "utf8");
const all = {};
for (const [, name, fields] of text.matchAll(/^ {4}([A-Z]\w+)\((.*)\)$/gm))
	if (name !== "EIP712Domain")
		all[name] = fields.split(",").map((f) => {
			const [type, field] = f.split(" ");
			return { type, name: field };
		});

// A primary type with all that it refers to.
function types(name, into = {}) {
	into[name] = all[name];
	for (const { type } of all[name]) {
		const base = type.replace("[]", "");
		if (all[base] && !into[base])
			types(base, into);
	}
	return into;
}

let passed = 0, failed = 0;
const lines = readFileSync(dump, "utf8").trim().split("\n");
const wallet = Wallet.createRandom();
const out = [];
for (const [i, line] of lines.entries()) {
	const { type, registry, message, digest, signature, signer } =
	    JSON.parse(line);
	const domain = { name: "TEE Runner", version: "1", chainId: 31337,
	    verifyingContract: registry };
	const t = types(type);
	const is = TypedDataEncoder.hash(domain, t, message);
	const by = verifyTypedData(domain, t, message, signature);
	if (is === digest && by.toLowerCase() === signer)
		passed++;
	else {
		failed++;
		console.log(`${i}: ${type}: digest ${digest}, ethers ${is}; ` +
		    `signer ${signer}, ethers ${by}`);
	}
	out.push(`${i} ${await wallet.signTypedData(domain, t, message)} ` +
	    wallet.address.toLowerCase());
}
writeFileSync(signatures, out.join("\n") + "\n");
const used = new Set(lines.map((l) => JSON.parse(l).type));
for (const name of Object.keys(all))
	if (/Batch$|^SessionHello$|^Registration$|^Verdict$/.test(name) && !used.has(name)) {
		failed++;
		console.log(`${name}: is in the document, but was not compared`);
	}
// The document's table of type hashes.
for (const name of Object.keys(all)) {
	const hash = id(TypedDataEncoder.from(types(name)).encodeType(name));
	if (text.includes(`| ${name} | ${hash} |`))
		passed++;
	else {
		failed++;
		console.log(`| ${name} | ${hash} | is not in the document`);
	}
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
