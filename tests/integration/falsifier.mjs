// SPDX-License-Identifier: Apache-2.0
//
// An endpoint in front of a node that falsifies what it passes on, as it is told by GET
// /NAME of a mood below.  falsifier.mjs URL; prints its port.  Tests only.
import http from "node:http";

const [upstream] = process.argv.slice(2);
let mood = "honest";

// Another digit at `at', or in the middle.
const change = (hex, at = hex.length >> 1) =>
    hex.slice(0, at) + (hex[at] === "0" ? "1" : "0") + hex.slice(at + 1);
const last = (list) => list.length - 1;
// The words of a proof, with its nodes changed by f.
const words = (r, f) => ({ ...r, storageProof: r.storageProof.map((p) => ({ ...p, proof: f(p.proof) })) });

// By method: from the result another one, or an error.
const moods = {
	honest: {},
	node: { eth_getProof: (r) => words(r, (p) => p.map((n, i) => i === last(p) ? change(n) : n)) },
	missing: { eth_getProof: (r) => words(r, (p) => p.slice(0, -1)) },
	order: { eth_getProof: (r) => words(r, (p) => p.reverse()) },
	more: { eth_getProof: (r) => words(r, (p) => [...p, p[0]]) },
	mixed: { eth_getProof: (r) => ({ ...r, storageProof: r.storageProof.reverse() }) },
	fewer: { eth_getProof: (r) => ({ ...r, storageProof: r.storageProof.slice(1) }) },
	account: { eth_getProof: (r) => ({ ...r, accountProof: r.accountProof.map((n) => change(n)) }) },
	nothing: { eth_getProof: () => ({}) },
	pruned: { eth_getProof: () => { throw "missing trie node"; } },
	state: { eth_getBlockByHash: (r) => ({ ...r, stateRoot: change(r.stateRoot) }) },
	bloom: { eth_getBlockByHash: (r) => ({ ...r, logsBloom: change(r.logsBloom) }) },
	number: { eth_getBlockByHash: (r) => ({ ...r, number: "0x1" }) },
	field: { eth_getBlockByHash: ({ gasUsed, ...r }) => r },
	// Not what is used: harmless.
	values: { eth_getProof: (r) => ({ ...r, balance: "0x1", codeHash: change(r.codeHash), storageHash:
	    change(r.storageHash), storageProof: r.storageProof.map((p) => ({ ...p, value: "0x7" })) }) },
	// The last address of the last list.
	facts: { eth_call: (r) => change(r, r.length - 1) },
	// Of the KMS key the second byte.
	key: { eth_call: (r) => change(r, 2 + 64 * 10 + 5) },
};

async function answer(text) {
	const q = JSON.parse(text);
	const r = await (await fetch(upstream, { method: "POST", body: text,
	    headers: { "content-type": "application/json" } })).json();
	const falsify = moods[mood][q.method];
	try {
		return falsify && r.result ? { ...r, result: falsify(r.result) } : r;
	} catch (message) {
		return { jsonrpc: "2.0", id: q.id, error: { code: -32000, message } };
	}
}

const server = http.createServer(async (q, a) => {
	const parts = [];
	if (q.method === "GET") {
		mood = q.url.slice(1);
		a.end();
		return;
	}
	for await (const p of q)
		parts.push(p);
	a.end(JSON.stringify(await answer(Buffer.concat(parts).toString()).catch(() => null)));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
